"""Clients of the simulated venue in tests: the official one, and plain requests."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from eth_account import Account
from polymarket import PRODUCTION, AsyncSecureClient
from polymarket.environments import Environment, _create_environment

from simulator.polymarket.markets import MarketSpec, SimMarket
from simulator.polymarket.server import PolymarketSimulator, polymarket_simulator
from simulator.polymarket.settings import VenueRules

PRIVATE_KEY = "0x" + "01" * 32
OWNER = "0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1"
OTHER_PRIVATE_KEY = "0x" + "02" * 32
DOLLAR = 1_000_000

T = TypeVar("T")
RAIN = MarketSpec(slug="will-it-rain", question="Will it rain?")


def environment_of(simulator: PolymarketSimulator) -> Environment:
    """The client's production environment with every host replaced."""
    url, ws_url = simulator.url, simulator.ws_url
    config = dataclasses.replace(
        PRODUCTION._config,
        clob_url=url,
        gamma_url=url,
        data_url=url,
        relayer_url=url,
        rfq_url=url,
        rpc_url=f"{url}/rpc",
        perps_url=url,
        clob_market_ws_url=f"{ws_url}/ws/market",
        clob_user_ws_url=f"{ws_url}/ws/user",
        rtds_ws_url=f"{ws_url}/rtds",
        sports_ws_url=f"{ws_url}/sports",
        realtime_ws_url=f"{ws_url}/bolt",
        relayer_poll_frequency_ms=20,
    )
    return _create_environment(name="simulator", config=config)


@asynccontextmanager
async def official_client(
    simulator: PolymarketSimulator, *, private_key: str = PRIVATE_KEY, cash: int = 1_000
) -> AsyncIterator[AsyncSecureClient]:
    """The unmodified client on a funded EOA."""
    address = Account.from_key(private_key).address
    simulator.venue.fund(address, cash=cash * DOLLAR)
    client = await AsyncSecureClient.create(
        private_key=private_key, wallet=address, environment=environment_of(simulator)
    )
    try:
        yield client
    finally:
        await client.close()


def market_in(simulator: PolymarketSimulator, **changes: Any) -> SimMarket:
    """A market whose house bids 100 shares at 0.48 and asks 100 at 0.52."""
    market = simulator.venue.life.create(msgspec.structs.replace(RAIN, **changes))
    quote(simulator, market, bid="0.48", ask="0.52")
    return market


def quote(
    simulator: PolymarketSimulator, market: SimMarket, *, bid: str, ask: str, shares: int = 100
) -> None:
    """Let the house stand at one level on each side."""
    simulator.venue.house.set_book(
        market,
        bids=[(int(Decimal(bid) * 10_000), shares * DOLLAR)],
        asks=[(int(Decimal(ask) * 10_000), shares * DOLLAR)],
    )


def played(scenario: Callable[[PolymarketSimulator], Awaitable[T]], **switches: Any) -> T:
    """Run a scenario against a fresh venue that listens on loopback; its deadline is ten seconds."""

    async def run() -> T:
        async with asyncio.timeout(10), polymarket_simulator(seed=1, rules=VenueRules()) as simulator:
            simulator.venue.rules.change(switches)
            return await scenario(simulator)

    return asyncio.run(run())
