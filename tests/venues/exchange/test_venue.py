"""The venue as the executor sees it, against the simulated Binance through the unmodified ccxt."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from clock import NS_PER_S, WallScheduler
from domain.errors import VenueReadError
from domain.identifiers import VenueOrderId
from domain.instrument import Side
from domain.messages import (
    Acknowledged,
    Cancelled,
    Filled,
    Lost,
    NotSent,
    Rejected,
    Settlement,
    SettlementReported,
)
from domain.order import OrderStatus, TimeInForce
from settings import Secret
from simulator.faults import Fault
from tests.venues.exchange.scene import BTC, KEY, Heard, Trader, order, settings, trading, until
from venues.base import Venue, VenueOrder
from venues.exchange.connection import Connection
from venues.exchange.venue import ExchangeVenue

d = Decimal
SYMBOL = "BTCUSDT"
ABOVE = d(61_000)
"""A limit to buy that crosses the simulator's market at about 60,000."""


def play(scene: Callable[[Trader], Awaitable[None]]) -> None:
    async def run() -> None:
        async with trading() as trader:
            await scene(trader)

    asyncio.run(run())


def test_it_is_a_venue() -> None:
    async def scene(trader: Trader) -> None:
        venue: Venue = trader.venue

        assert venue.name == "binance"

    play(scene)


def test_an_order_is_known_by_its_prepared_id_before_it_is_sent() -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order()
        prepared = trader.venue.prepare(sent)

        report = await trader.send(sent)

        (held,) = trader.held()
        assert prepared is not None
        assert held.client_order_id == prepared.venue_order_id
        assert report == Acknowledged(
            order_id=sent.id, venue_order_id=VenueOrderId(str(held.id)), time_ns=report.time_ns
        )

    play(scene)


def test_a_fill_of_a_resting_order_is_reported_once_and_settled_at_once() -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order(quantity=d("0.002"))
        await trader.send(sent)
        (held,) = trader.held()

        trader.sim.exchange.fill(held.id, d("0.0015"))
        filled = await trader.heard.wait(Filled)
        await trader.venue.poll(sent.created_ns)
        await trader.venue.fills_since(sent.created_ns)
        await asyncio.sleep(0)

        assert trader.heard.kinds() == ["Acknowledged", "Filled", "SettlementReported"]
        assert (filled.fill.order_id, filled.fill.quantity) == (sent.id, d("0.0015"))
        assert filled.fill.price == d(30_000)
        assert (filled.fill.fee, filled.fill.fee_asset) == (d("0.0000015"), "BTC")  # 0.0015 * 0.001
        assert trader.heard.all(SettlementReported)[0].settlement is Settlement.SETTLED

    play(scene)


def test_the_rest_of_an_immediate_order_is_cancelled_after_its_fills() -> None:
    async def scene(trader: Trader) -> None:
        house = trader.sim.house
        house.withdraw(SYMBOL)
        house.set_level(SYMBOL, Side.SELL, d(60_000), d("0.3"))
        sent = trader.order(price=ABOVE, quantity=d("0.5"), time_in_force=TimeInForce.FAK)

        await trader.send(sent)
        await trader.heard.wait(Cancelled)

        assert trader.heard.kinds() == ["Acknowledged", "Filled", "SettlementReported", "Cancelled"]
        assert trader.heard.all(Filled)[0].fill.quantity == d("0.3")

    play(scene)


def test_a_killed_order_is_cancelled_without_a_fill() -> None:
    async def scene(trader: Trader) -> None:
        house = trader.sim.house
        house.withdraw(SYMBOL)
        house.set_level(SYMBOL, Side.SELL, d(60_000), d("0.3"))

        await trader.send(trader.order(price=ABOVE, quantity=d("0.5"), time_in_force=TimeInForce.FOK))
        await trader.heard.wait(Cancelled)

        assert trader.heard.kinds() == ["Acknowledged", "Cancelled"]

    play(scene)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        pytest.param({"price": d("30000.001")}, "tick", id="off the grid"),
        pytest.param({"quantity": d("0.000001")}, "step", id="below a step"),
        pytest.param({"quantity": d("0.0001")}, "cost in USDT 3", id="cost below the minimum"),
        pytest.param({"time_in_force": TimeInForce.GTD}, "GTD", id="no such time in force"),
        pytest.param({"instrument_id": "binance:ETH/USDT"}, "markets", id="a pair that was not named"),
    ],
)
def test_what_cannot_be_placed_is_never_sent(changes: dict[str, Any], word: str) -> None:
    async def scene(trader: Trader) -> None:
        report = await trader.send(trader.order(**changes))

        assert isinstance(report, Rejected)
        assert report.reason.startswith("not sent: ")
        assert word in report.reason
        assert trader.posts() == 0

    play(scene)


def test_the_exchange_s_own_words_explain_a_refusal() -> None:
    async def scene(trader: Trader) -> None:
        report = await trader.send(trader.order(price=d(50_000), quantity=d(100)))

        assert isinstance(report, Rejected)
        assert "insufficient balance" in report.reason
        assert trader.posts() == 0

    play(scene)


def test_a_lost_answer_leaves_the_order_unknown_and_the_queries_find_it() -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order()
        trader.arm(Fault.LOST_ANSWER)

        report = await trader.send(sent)
        found = await trader.venue.find_order(sent)
        resting = await trader.venue.open_orders()

        expected = VenueOrder(order_id=sent.id, status=OrderStatus.OPEN, filled_quantity=d(0))
        assert isinstance(report, Lost)
        assert found == expected
        assert resting == (expected,)

    play(scene)


def test_an_id_that_is_unique_while_open_is_never_sent_twice_blindly() -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order(price=ABOVE)
        trader.arm(Fault.LOST_ANSWER)
        await trader.send(sent)  # it was filled at once, so that its id is free again

        report = await trader.send(sent)

        assert isinstance(report, Lost)
        assert "ask first" in report.reason
        assert trader.posts() == 1

    play(scene)


def test_an_order_that_never_left_may_leave_later() -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order()
        urls = trader.connection.orders.urls["api"]
        right, urls["private"] = urls["private"], "http://127.0.0.1:1/api/v3"  # nobody listens there

        first = await trader.send(sent)
        urls["private"] = right
        second = await trader.send(sent)

        assert isinstance(first, NotSent)
        assert isinstance(second, Acknowledged)
        assert trader.posts() == 1

    play(scene)


def test_an_order_of_the_same_id_that_exists_is_to_be_asked_for() -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order()
        await trader.send(sent)
        (held,) = trader.held()
        twin = ExchangeVenue(trader.connection, scheduler=WallScheduler())
        heard = Heard()
        twin.connect(heard)

        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(twin.run())
            await asyncio.sleep(0)
            await twin.send(sent)
            lost = await heard.wait(Lost)
            running.cancel()

        assert "exists" in lost.reason
        assert trader.held() == [held]

    play(scene)


def test_an_order_whose_time_is_over_does_not_leave() -> None:
    async def scene(trader: Trader) -> None:
        made = trader.order()
        valid_until_ns = made.valid_until_ns
        assert valid_until_ns is not None
        late = msgspec.structs.replace(made, valid_until_ns=valid_until_ns - 11 * NS_PER_S)

        report = await trader.send(late)

        assert isinstance(report, NotSent)
        assert "time to be sent" in report.reason
        assert trader.posts() == 0

    play(scene)


def test_a_stop_while_an_order_is_under_way_reports_it_as_lost() -> None:
    async def scene(trader: Trader) -> None:
        twin = ExchangeVenue(trader.connection, scheduler=WallScheduler())
        heard = Heard()
        twin.connect(heard)
        trader.arm(Fault.DELAY, delay_ms=500)

        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(twin.run())
            await asyncio.sleep(0)
            await twin.send(trader.order())
            await until(lambda: trader.posts() == 1)
            running.cancel()

        assert heard.kinds() == ["Lost"]

    play(scene)


def test_a_foreign_order_is_listed_under_the_exchange_s_id() -> None:
    async def scene(trader: Trader) -> None:
        foreign = await trader.connection.data.create_order("BTC/USDT", "limit", "buy", "0.001", "20000")

        (seen,) = await trader.venue.open_orders()
        trader.sim.exchange.fill(int(foreign["id"]))
        (fill,) = await trader.venue.fills_since(0)

        assert seen.order_id == fill.order_id == foreign["id"]
        assert trader.heard.reports == []

    play(scene)


def test_a_restart_finds_its_order_and_the_fills_it_missed() -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order(quantity=d("0.002"))
        prepared = trader.venue.prepare(sent)
        assert prepared is not None
        trader.arm(Fault.LOST_ANSWER)
        await trader.send(sent)
        (held,) = trader.held()
        trader.sim.exchange.fill(held.id, d("0.0005"))
        heard = Heard()
        reborn = ExchangeVenue(trader.connection, scheduler=WallScheduler())
        reborn.connect(heard)

        reborn.remember(msgspec.structs.replace(sent, status=OrderStatus.UNKNOWN), prepared)
        (fill,) = await reborn.fills_since(sent.created_ns - 60 * NS_PER_S)
        found = await reborn.find_order(sent)
        await until(lambda: bool(heard.reports))

        assert (fill.order_id, fill.quantity) == (sent.id, d("0.0005"))
        assert found == VenueOrder(order_id=sent.id, status=OrderStatus.OPEN, filled_quantity=d("0.0005"))
        assert heard.kinds() == ["Filled", "SettlementReported"]

    play(scene)


def test_an_order_that_the_exchange_does_not_know_is_not_found() -> None:
    async def scene(trader: Trader) -> None:
        assert await trader.venue.find_order(trader.order(9)) is None

    play(scene)


@pytest.mark.parametrize(
    "fault", [Fault.HTML_BODY, Fault.EMPTY_BODY, Fault.LOST_ANSWER, Fault.ANSWER_5XX, Fault.STATUS_429]
)
def test_a_read_that_fails_is_no_evidence(fault: Fault) -> None:
    async def scene(trader: Trader) -> None:
        reads = (
            (lambda: trader.venue.find_order(trader.order()), "GET /api/v3/order"),
            (trader.venue.open_orders, "GET /api/v3/openOrders"),
            (lambda: trader.venue.fills_since(0), "GET /api/v3/myTrades"),
            (trader.venue.balances, "GET /api/v3/account"),
        )
        for read, endpoint in reads:
            trader.arm_for_good(fault, endpoint)

            with pytest.raises(VenueReadError):
                await read()

            trader.clear()

    play(scene)


def test_balances_tell_what_is_free_and_what_is_locked() -> None:
    async def scene(trader: Trader) -> None:
        await trader.send(trader.order())

        balances = {balance.asset: balance for balance in await trader.venue.balances()}

        assert (balances["USDT"].total, balances["USDT"].free) == (
            d(100_000),
            d(99_970),
        )  # 0.001 * 30,000 locked
        assert (balances["BTC"].total, balances["BTC"].free) == (d(2), d(2))

    play(scene)


def test_keys_show_nowhere() -> None:
    async def scene(trader: Trader) -> None:
        made = settings(trader.sim, api_key=Secret("hidden-key"), secret=Secret("hidden-secret"))
        trader.arm(Fault.ANSWER_5XX)

        report = await trader.send(trader.order())

        assert "hidden" not in repr(made)
        assert "signature" not in repr(report)
        assert KEY not in repr(report).split()

    play(scene)


def test_a_pair_becomes_a_market_with_one_instrument() -> None:
    async def scene(trader: Trader) -> None:
        (market,) = trader.venue.markets()

        (instrument,) = market.instruments
        assert instrument.id == BTC
        assert str(market.id) == BTC
        assert (instrument.tick_size, instrument.lot_size) == (d("0.01"), d("0.00001"))
        assert instrument.taker_notional_min == 5

    play(scene)


def test_two_installations_never_share_a_client_id() -> None:
    async def scene(trader: Trader) -> None:
        async with Connection(settings(trader.sim, install_id="install-2")) as other:
            theirs = ExchangeVenue(other, scheduler=WallScheduler()).prepare(order())
        ours, again = trader.venue.prepare(order()), trader.venue.prepare(order())

        assert ours is not None
        assert theirs is not None
        assert ours == again
        assert ours.venue_order_id != theirs.venue_order_id

    play(scene)
