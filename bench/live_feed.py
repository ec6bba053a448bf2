"""A websocket event → the strategy's hook, through feed, driver, inbox and guard, with hundreds of markets followed."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import aiohttp

from bench.live_floor import (
    ASK,
    BID,
    CENT,
    DOLLAR,
    LEVELS,
    Floor,
    Setup,
    Stage,
    floor,
    levels,
    stage,
    unlimited,
)
from bench.report import Row, percentile_ms, show
from domain.messages import BookSnapshot
from simulator.polymarket.markets import SimMarket
from strategies.base_strategy import BaseStrategy, Intents, View, state

MARKETS, PER_S, SECONDS, WARM_UP_S, SETTLING_S = 500, 1_000, 12, 2, 0.5
TICK_S, AT_ONCE_MAX = 0.001, 4
STAMP = 10**9
"""A size in shares that is at least so large carries the microsecond at which its level was changed."""

STAMPED = re.compile(r'"size":"(1\d{9})"')
DEEPEST = BID - (LEVELS - 1) * CENT


def main() -> None:
    """Print the delays of the hook, beside those of a bare socket that hears the same messages."""
    with stage() as here:
        here.runner.run(measure(here))


async def measure(here: Stage) -> None:
    """Change one level of one market after the other at a steady rate."""
    watcher = StampReader()
    setup = Setup(markets=MARKETS, rules=unlimited())
    async with (
        floor(here, setup, [watcher]) as where,
        where.running(here.guard),
        bare_socket(where) as bare,
    ):
        await pump(where, WARM_UP_S)
        watcher.delays_s.clear()
        bare.clear()
        computed, start_s = time.process_time(), time.perf_counter()
        late_s = await pump(where, SECONDS)
        passed_s = time.perf_counter() - start_s
        share = (time.process_time() - computed) / passed_s
        await asyncio.sleep(SETTLING_S)
        breaks = where.feed.status().breaks if where.feed else 0
    hooks, sent = watcher.delays_s, len(late_s)
    yard = percentile_ms(bare, 99)
    show(
        f"websocket event → strategy hook: {sent / passed_s:,.0f} messages/s, {MARKETS} markets, both outcomes of each",
        f"yardstick: a bare aiohttp socket beside it, p50 {percentile_ms(bare, 50):.3f} ms, p99 {yard:.3f} ms;"
        f" {len(hooks):,} hooks of {2 * sent:,}, {breaks} breaks\n  the simulated venue renders in the same process,"
        f" which computes {share:.0%} of one core; its messages left p99 {percentile_ms(late_s, 99):.3f} ms late",
        [
            Row(f"p{percent}", value := percentile_ms(hooks, percent), "ms", value / yard, aim)
            for percent, aim in ((50, ""), (95, ""), (99, "at most 10"), (99.9, ""), (100, ""))
        ],
    )


class StampReader(BaseStrategy):
    """Reads the clock when a book with a stamp reaches its hook."""

    name = "stamp_reader"

    delays_s: list[float] = state(list)

    def on_book(self, event: BookSnapshot, view: View) -> Intents:
        deepest = event.book.bids[-1].quantity
        if deepest < STAMP:
            deepest = event.book.asks[-1].quantity
        if deepest >= STAMP:
            self.delays_s.append(delay_s(int(deepest)))
        return iter(())


def delay_s(stamp: int) -> float:
    """Seconds since the stamp."""
    return (time.time_ns() // 1_000 - stamp) % STAMP / 1e6


@asynccontextmanager
async def bare_socket(where: Floor) -> AsyncIterator[list[float]]:
    """Delays at a socket of its own that only looks for the stamp: no book, no check, no inbox."""
    delays: list[float] = []
    tokens = [token for market in where.markets for token in market.token_ids]
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(where.hosts.market_stream) as socket,
        asyncio.TaskGroup() as tasks,
    ):
        await socket.send_str(json.dumps({"type": "market", "assets_ids": tokens}))
        reading = tasks.create_task(read_stamps(socket, delays))
        yield delays
        reading.cancel()


async def read_stamps(socket: aiohttp.ClientWebSocketResponse, delays: list[float]) -> None:
    """Note the delay of every message with a stamp."""
    async for message in socket:
        if found := STAMPED.search(message.data):
            delays.append(delay_s(int(found[1])))


async def pump(where: Floor, seconds: float) -> list[float]:
    """Change levels at the rate for so long; how many seconds each was late.

    One that is late goes as soon as it may, few at a time: this rendering takes turns with what is measured. What a
    standstill of the loop holds back here is stamped after it, so that the lateness has to be told beside the delays.
    """
    begun_s, sent = time.perf_counter(), 0
    late_s: list[float] = []
    markets = rotation(where.markets)
    while sent < PER_S * seconds:
        await asyncio.sleep(TICK_S)
        due = int(PER_S * (time.perf_counter() - begun_s)) - sent
        for _ in range(min(due, AT_ONCE_MAX)):
            late_s.append(time.perf_counter() - begun_s - sent / PER_S)
            change(where, next(markets))
            sent += 1
    return late_s


def change(where: Floor, market: SimMarket) -> None:
    """Let the lowest bid of the house have the present microsecond as its size."""
    bids = levels(BID, -CENT)
    bids[-1] = (DEEPEST, (STAMP + time.time_ns() // 1_000 % STAMP) * DOLLAR)
    where.simulator.venue.house.set_book(market, bids=bids, asks=levels(ASK, CENT))


def rotation(markets: list[SimMarket]) -> Iterator[SimMarket]:
    """One market after the other, for ever."""
    while True:
        yield from markets


if __name__ == "__main__":
    main()
