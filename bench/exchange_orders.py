"""A new order at an exchange: through our adapter, and through ccxt's own create_order, on one simulated Binance."""

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from itertools import count, islice, product
from multiprocessing.connection import Connection as Pipe
from typing import Any, NamedTuple

import ccxt.pro
import uvloop

from bench.report import Row, percentile_ms, show
from clock import WallScheduler, monotonic_s
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
from domain.messages import Acknowledged, Cancelled, ExecutionReport
from domain.order import Order, TimeInForce
from settings import Secret
from simulator.exchanges.binance.limits import Limits as ServerLimits
from simulator.exchanges.binance.server import binance_simulator
from venues.exchange.connection import Connection, ExchangeSettings
from venues.exchange.limits import Limits
from venues.exchange.venue import ExchangeVenue

PAIR, BTC = "BTC/USDT", "binance:BTC/USDT"
SECRET = "secret"
ACCOUNTS = ("adapter", "bare", "throttled")
TURNS, ORDERS_A_TURN = 10, 50
ORDERS_MAX = (TURNS + 1) * ORDERS_A_TURN * len(ACCOUNTS) + 1
PAUSE_S, WARM_S = 0.003, 0.5

RICH = {"USDT": Decimal(10_000_000), "BTC": Decimal(10_000)}
UNLIMITED = ServerLimits(weight_per_minute=10**9, orders_per_10s=10**9, orders_per_day=10**9)

Call = Callable[[int], Awaitable[None]]


class Way(NamedTuple):
    """One way to place an order, which is timed, and to take it off again, which is not."""

    send: Call
    cancel: Call


def main() -> None:
    """Print the medians and tails of all, and how the adapter compares."""
    near, far = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(far,), daemon=True)
    server.start()
    try:
        configuration = near.recv()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            seconds = runner.run(measured(configuration))
    finally:
        near.send(None)
        server.join()
    yard = percentile_ms(seconds["throttled"], 50)
    rows = [
        row("adapter p50, send to acknowledged", seconds["adapter"], 50, yard, "at most 0.7 ms"),
        row("adapter p99", seconds["adapter"], 99, yard, ""),
        row("ccxt, its throttler off, p50", seconds["bare"], 50, yard, ""),
        row("ccxt, its throttler off, p99", seconds["bare"], 99, yard, ""),
    ]
    show(
        "exchange orders: one at a time, signed, over loopback",
        f"yardstick: ccxt's create_order as it comes, throttler on: p50 {yard:.3f} ms",
        rows,
    )


def row(name: str, seconds: list[float], percent: int, yard_ms: float, aim: str) -> Row:
    """A percentile in milliseconds, beside that of the yardstick."""
    value = percentile_ms(seconds, percent)
    return Row(name, value, "ms", value / yard_ms, aim)


def serve(pipe: Pipe) -> None:
    """Serve in a process of its own, until told to end: it must not take the client's time."""
    asyncio.run(_serve(pipe))


async def _serve(pipe: Pipe) -> None:
    async with binance_simulator(seed=1, limits=UNLIMITED) as simulator:
        for name in ACCOUNTS:
            simulator.open_account(name, SECRET, RICH)
        pipe.send({name: simulator.ccxt_config(name, SECRET) for name in ACCOUNTS})
        await asyncio.get_running_loop().run_in_executor(None, pipe.recv)


async def measured(configurations: dict[str, dict[str, Any]]) -> dict[str, list[float]]:
    """Seconds of each order of the three ways, in turns, so that a busy machine is busy for all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in ACCOUNTS}
    async with AsyncExitStack() as stack:
        ways: dict[str, Way] = {
            "adapter": await stack.enter_async_context(adapter(configurations["adapter"])),
            "bare": await stack.enter_async_context(library(configurations["bare"], is_throttled=False)),
            "throttled": await stack.enter_async_context(
                library(configurations["throttled"], is_throttled=True)
            ),
        }
        numbers = count(1)
        for turn, (name, way) in product(range(TURNS + 1), ways.items()):
            took_s = [await timed(way, number) for number in islice(numbers, ORDERS_A_TURN)]
            if turn:  # the first turn warms connections and caches
                seconds[name] += took_s
    return seconds


async def timed(way: Way, number: int) -> float:
    """Seconds of one order; it is cancelled afterwards, and what that leads to has a moment to pass."""
    start = time.perf_counter()
    await way.send(number)
    took_s = time.perf_counter() - start
    await way.cancel(number)
    await asyncio.sleep(PAUSE_S)
    return took_s


@asynccontextmanager
async def library(configuration: dict[str, Any], *, is_throttled: bool) -> AsyncIterator[Way]:
    """create_order of ccxt alone."""
    exchange = ccxt.pro.binance(configuration | {"enableRateLimit": is_throttled})
    try:
        await exchange.load_markets()

        ids: list[str] = []

        async def send(_: int) -> None:
            placed = await exchange.create_order(PAIR, "limit", "buy", "0.001", "30000")
            ids.append(placed["id"])

        async def cancel(_: int) -> None:
            await exchange.cancel_order(ids.pop(), PAIR)

        yield Way(send, cancel)
    finally:
        await exchange.close()


@asynccontextmanager
async def adapter(configuration: dict[str, Any]) -> AsyncIterator[Way]:
    """From `prepare` to the report that the order is acknowledged, with the user stream and the polls running."""
    overrides = {name: value for name, value in configuration.items() if name not in ("apiKey", "secret")}
    settings = ExchangeSettings(
        exchange="binance",
        symbols=(PAIR,),
        install_id="bench",
        api_key=Secret("adapter"),
        secret=Secret(SECRET),
        overrides=overrides,
    )
    connection = Connection(settings)
    connection.limits = Limits(orders_per_10_s=10**6, window_s=10**6, now_s=monotonic_s)
    async with connection, asyncio.TaskGroup() as tasks:
        venue = ExchangeVenue(connection, scheduler=WallScheduler())
        acknowledged, cancelled = asyncio.Event(), asyncio.Event()
        orders = {number: order_of(number) for number in range(ORDERS_MAX)}

        def hear(report: ExecutionReport) -> None:
            assert isinstance(report, Acknowledged | Cancelled), report
            (acknowledged if isinstance(report, Acknowledged) else cancelled).set()

        async def send(number: int) -> None:
            acknowledged.clear()
            order = orders[number]
            venue.prepare(order)
            await venue.send(order)
            await acknowledged.wait()

        async def cancel(number: int) -> None:
            cancelled.clear()
            await venue.cancel(orders[number])
            await cancelled.wait()

        venue.connect(hear)
        running = tasks.create_task(venue.run())
        await asyncio.sleep(WARM_S)
        try:
            yield Way(send, cancel)
        finally:
            running.cancel()


def order_of(number: int) -> Order:
    """An order far from the market, so that it rests."""
    time_ns = WallScheduler().now_ns()
    return Order(
        id=OrderId(f"b-{number}"),
        intent_id=IntentId(f"b/bench/{number}/0"),
        generation=1,
        correlation_id=CorrelationId("c"),
        strategy=StrategyName("bench"),
        venue=VenueName("binance"),
        market_id=MarketId(BTC),
        instrument_id=InstrumentId(BTC),
        side=Side.BUY,
        time_in_force=TimeInForce.GTC,
        post_only=False,
        price=Decimal(30_000),
        quantity=Decimal("0.001"),
        created_ns=time_ns,
        updated_ns=time_ns,
    )


if __name__ == "__main__":
    main()
