import asyncio
import logging

import pytest

from domain.errors import ConfigurationError, VenueReadError
from settings import Secret
from simulator.exchanges.binance.server import binance_simulator
from simulator.faults import ArmedFault, Fault
from tests.venues.exchange.scene import KEY, PAIR, SECRET, order, settings, trading
from venues.exchange.connection import KEEPALIVE_MS, Connection, ExchangeSettings, exchange_class
from venues.exchange.permissions import can_withdraw, refuse_withdrawal_keys


def test_an_exchange_that_ccxt_does_not_know_is_refused_with_what_is_close() -> None:
    with pytest.raises(ConfigurationError, match=r"'binanse'.*binance"):
        exchange_class("binanse")


def test_a_symbol_that_is_not_there_is_refused_with_what_is_close() -> None:
    async def run() -> None:
        async with binance_simulator(seed=1) as sim:
            sim.open_account(KEY, SECRET)
            async with Connection(settings(sim, symbols=("BTC/USD",))):
                raise AssertionError("opened")

    with pytest.raises(ConfigurationError, match="'BTC/USD' at binance; close: BTC/USDT"):
        asyncio.run(run())


def test_markets_that_cannot_be_loaded_leave_nothing_open() -> None:
    async def run() -> None:
        async with binance_simulator(seed=1) as sim:
            sim.faults.arm(ArmedFault(fault=Fault.ANSWER_5XX, endpoint="*", times=None))
            async with Connection(settings(sim)):
                raise AssertionError("opened")

    with pytest.raises(VenueReadError, match="no markets"):
        asyncio.run(run())


def test_both_instances_share_markets_and_differ_in_all_else() -> None:
    async def run() -> None:
        async with trading() as trader:
            orders, data = trader.connection.orders, trader.connection.data

            assert orders.markets is data.markets
            assert orders.session is not data.session
            assert orders.options["maxRetriesOnFailure"] == 0
            assert orders.options["recvWindow"] == 5_000
            assert orders.options["ws"]["keepAlive"] <= KEEPALIVE_MS
            assert not orders.verbose

    asyncio.run(run())


def test_no_key_and_no_signature_is_ever_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def run() -> None:
        async with trading() as trader:
            trader.arm(Fault.ANSWER_5XX)
            await trader.send(trader.order())

    asyncio.run(run())

    assert "signature=" not in caplog.text
    assert "X-MBX-APIKEY" not in caplog.text


def test_the_settings_do_not_show_their_secrets() -> None:
    made = ExchangeSettings(
        exchange="binance", symbols=(PAIR,), install_id="i", api_key=Secret("abc"), secret=Secret("def")
    )

    assert "abc" not in repr(made)
    assert "def" not in repr(made)


def test_a_read_that_would_wait_too_long_fails_at_once() -> None:
    async def run() -> None:
        async with trading() as trader:
            trader.connection.limits.block("60")

            with pytest.raises(VenueReadError, match="our own limit"):
                await trader.venue.find_order(order())

    asyncio.run(run())


def test_a_key_that_can_withdraw_is_refused() -> None:
    async def run() -> None:
        async with trading() as trader:
            account = trader.sim.exchange.account(KEY)
            assert account is not None
            account.can_withdraw = True

            assert await can_withdraw(trader.connection)
            with pytest.raises(ConfigurationError, match="may withdraw"):
                await refuse_withdrawal_keys(trader.connection)

    asyncio.run(run())
