"""A venue on the simulated Binance, orders for it, and what it reported."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from clock import WallScheduler
from domain.identifiers import (
    CorrelationId,
    InstrumentId,
    IntentId,
    MarketId,
    OrderId,
    StrategyName,
    VenueName,
)
from domain.instrument import Side
from domain.messages import ExecutionReport
from domain.order import Order, TimeInForce
from settings import Secret
from simulator.exchanges.binance.server import BinanceSimulator, binance_simulator
from simulator.exchanges.bybit.server import BybitSimulator, bybit_simulator
from simulator.exchanges.orders import SpotOrder
from simulator.faults import ArmedFault, Fault
from venues.exchange.connection import Connection, ExchangeSettings
from venues.exchange.instruments import SpotTerms
from venues.exchange.venue import ExchangeVenue

PAIR, BTC = "BTC/USDT", InstrumentId("binance:BTC/USDT")
KEY, SECRET = "key", "secret"
PLACE, CANCEL = "POST /api/v3/order", "DELETE /api/v3/order"
WAIT_S = 5.0
TOPICS = 2
"""Orders and executions: what is subscribed on Bybit's private stream."""
STEP_S = 0.005

ReportT = TypeVar("ReportT")

TERMS = SpotTerms(
    instrument_id=BTC,
    market_id=MarketId(BTC),
    symbol=PAIR,
    base="BTC",
    quote="USDT",
    tick_size=Decimal("0.01"),
    step_size=Decimal("0.00001"),
    price_min=Decimal("0.01"),
    price_max=Decimal(1_000_000),
    quantity_min=Decimal("0.00001"),
    quantity_max=Decimal(9_000),
    notional_min=Decimal(5),
    notional_max=Decimal(9_000_000),
    taker_fee_rate=Decimal("0.001"),
    maker_fee_rate=Decimal("0.001"),
    fee_in_received_asset=None,
    is_active=True,
)
"""Binance's grid of a well-known pair."""


class Heard:
    """What a venue reported, in order."""

    def __init__(self) -> None:
        self.reports: list[ExecutionReport] = []

    def __call__(self, report: ExecutionReport) -> None:
        self.reports.append(report)

    def kinds(self) -> list[str]:
        """The reports by the names of their types."""
        return [type(report).__name__ for report in self.reports]

    def all(self, kind: type[ReportT]) -> list[ReportT]:
        """The reports of one type."""
        return [report for report in self.reports if isinstance(report, kind)]

    async def wait(self, kind: type[ReportT], count: int = 1) -> ReportT:
        """Wait for the n-th report of a type."""
        await until(lambda: len(self.all(kind)) >= count)
        return self.all(kind)[count - 1]


class Trader:
    """A venue that runs, its connection, the simulator behind it, and what it reported."""

    def __init__(
        self, sim: BinanceSimulator | BybitSimulator, connection: Connection, venue: ExchangeVenue
    ) -> None:
        self.sim, self.connection, self.venue = sim, connection, venue
        self.scheduler = WallScheduler()
        self.heard = Heard()
        venue.connect(self.heard)

    def order(self, number: int = 1, **changes: Any) -> Order:
        """An order that rests, unless it is changed."""
        (market,) = self.venue.markets()
        here = {"venue": self.venue.name, "instrument_id": market.instruments[0].id, "market_id": market.id}
        made = order(number, **(here | changes))
        return msgspec.structs.replace(made, valid_until_ns=self.venue.valid_until_ns(made))

    async def send(self, sent: Order) -> ExecutionReport:
        """Send it and wait for the first report."""
        count = len(self.heard.reports)
        await self.venue.send(sent)
        await until(lambda: len(self.heard.reports) > count)
        return self.heard.reports[count]

    def arm(self, fault: Fault, endpoint: str = PLACE, **parameters: str | int) -> None:
        """Let a fault strike the next request."""
        self.sim.faults.arm(ArmedFault(fault=fault, endpoint=endpoint, parameters=dict(parameters)))

    def arm_for_good(self, fault: Fault, endpoint: str) -> None:
        """Let a fault strike every request until it is cleared: aiohttp repeats some reads and cancels by itself."""
        self.sim.faults.arm(ArmedFault(fault=fault, endpoint=endpoint, times=None))

    def clear(self) -> None:
        """End all faults, and the pause that a rate limit has asked for."""
        self.sim.faults.clear()
        self.connection.limits.unblock()

    def held(self) -> list[SpotOrder]:
        """All orders of our account, as the exchange itself knows them."""
        return self.sim.exchange.log.orders_of(KEY)

    def posts(self) -> int:
        """How many new orders the exchange has accepted from us."""
        return len(self.held())


def order(number: int = 1, **changes: Any) -> Order:
    """0.001 BTC at 30,000: far from the market, so that it rests."""
    values: dict[str, Any] = {
        "id": OrderId(f"s1-{number}"),
        "intent_id": IntentId(f"s1/alpha/k{number}/0"),
        "generation": 1,
        "correlation_id": CorrelationId("c"),
        "strategy": StrategyName("alpha"),
        "venue": VenueName("binance"),
        "market_id": MarketId(BTC),
        "instrument_id": BTC,
        "side": Side.BUY,
        "time_in_force": TimeInForce.GTC,
        "post_only": False,
        "price": Decimal(30_000),
        "quantity": Decimal("0.001"),
        "created_ns": WallScheduler().now_ns(),
        "updated_ns": 0,
    }
    return Order(**(values | changes))


def settings(sim: BinanceSimulator | BybitSimulator, **changes: Any) -> ExchangeSettings:
    """What points a connection at the simulator."""
    overrides = sim.ccxt_config(KEY, SECRET) | {"timeout_on_exit": 0}
    values: dict[str, Any] = {
        "exchange": "binance",
        "symbols": (PAIR,),
        "install_id": "install-1",
        "api_key": Secret(KEY),
        "secret": Secret(SECRET),
        "overrides": {name: value for name, value in overrides.items() if name not in ("apiKey", "secret")},
    }
    return ExchangeSettings(**(values | changes))


@asynccontextmanager
async def trading(exchange: str = "binance") -> AsyncIterator[Trader]:
    """A venue that runs against a simulated exchange; its streams and polls run too."""
    serve = bybit_simulator if exchange == "bybit" else binance_simulator
    async with serve(seed=1) as sim:
        sim.open_account(KEY, SECRET)
        made = settings(sim, exchange=exchange)
        async with Connection(made) as connection, asyncio.TaskGroup() as tasks:
            trader = Trader(sim, connection, ExchangeVenue(connection, scheduler=WallScheduler()))
            running = tasks.create_task(trader.venue.run())
            try:
                await until(lambda: _subscribers(sim) > 0)
                yield trader
            finally:
                running.cancel()


def _subscribers(sim: BinanceSimulator | BybitSimulator) -> int:
    if isinstance(sim, BinanceSimulator):
        return sim.user.subscribers
    return sum(len(connection.topics) == TOPICS for connection in sim.private.door.connections)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; TimeoutError where it never does."""
    async with asyncio.timeout(WAIT_S):
        while not holds():  # noqa: ASYNC110  # what it waits for has no event
            await asyncio.sleep(STEP_S)
