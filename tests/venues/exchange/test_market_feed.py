"""Books, prints and candles of the simulated exchanges, and what is told of them when something breaks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TypeVar

import pytest

from clock import WallScheduler
from domain.book import Level
from domain.instrument import Side
from domain.messages import BookSnapshot, FeedChanged, MarketEvent, MarketListed, SnapshotRejected, TradePrint
from simulator.exchanges.binance.server import BinanceSimulator, binance_simulator
from simulator.exchanges.bybit.server import bybit_simulator
from simulator.exchanges.pace import Pace
from simulator.faults import ArmedFault, Fault
from tests.venues.exchange.scene import BTC, KEY, PAIR, SECRET, TERMS, settings, until
from venues.exchange import market_feed
from venues.exchange.candles import Candle
from venues.exchange.connection import Connection
from venues.exchange.instruments import terms_of
from venues.exchange.market_feed import MarketFeed

d = Decimal
SYMBOL, FAST = "BTCUSDT", Pace(depth_s=0.01)
BOOKS, TRADES = "ws /stream* btcusdt@depth*", "ws /stream* btcusdt@trade*"
EventT = TypeVar("EventT")


class Watched:
    """A feed that runs, the simulator behind it, and what it told."""

    def __init__(self, sim: BinanceSimulator, connection: Connection) -> None:
        self.sim, self.connection = sim, connection
        self.events: list[MarketEvent] = []
        self.candles: list[Candle] = []
        self.feed = MarketFeed(
            connection, [TERMS], self.events.append, scheduler=WallScheduler(), on_candle=self.candles.append
        )

    def all(self, kind: type[EventT]) -> list[EventT]:
        """The events of one type."""
        return [event for event in self.events if isinstance(event, kind)]

    def standings(self) -> list[bool]:
        """What was told of the feed, in order: live, or not."""
        return [event.is_live for event in self.all(FeedChanged)]

    def arm(self, fault: Fault, endpoint: str = BOOKS) -> None:
        """Let a fault strike the next message."""
        self.sim.faults.arm(ArmedFault(fault=fault, endpoint=endpoint))

    def move(self, price: int) -> None:
        """Quote around another price."""
        self.sim.house.quote(SYMBOL, d(price))

    async def is_live_again(self) -> None:
        """Wait until the feed broke and is mended; the market moves meanwhile."""
        price = 60_000
        while self.standings()[-2:] != [False, True] or len(self.standings()) < 4:
            price += 1
            self.move(price)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def watching() -> AsyncIterator[Watched]:
    async with binance_simulator(seed=1, pace=FAST) as sim:
        sim.open_account(KEY, SECRET)
        async with Connection(settings(sim)) as connection, asyncio.TaskGroup() as tasks:
            watched = Watched(sim, connection)
            running = tasks.create_task(watched.feed.run())
            try:
                await until(lambda: bool(watched.all(BookSnapshot)))
                yield watched
            finally:
                running.cancel()


def play(scene: Callable[[Watched], Awaitable[None]]) -> None:
    async def run() -> None:
        async with watching() as watched, asyncio.timeout(10):
            await scene(watched)

    asyncio.run(run())


def test_a_pair_is_listed_then_not_live_then_live_and_its_book_is_the_exchange_s() -> None:
    async def scene(watched: Watched) -> None:
        kinds = [type(event) for event in watched.events[:4]]
        book = watched.all(BookSnapshot)[0].book
        best = (await watched.connection.data.fetch_order_book(PAIR))["bids"][0][0]

        assert kinds == [MarketListed, FeedChanged, FeedChanged, BookSnapshot]
        assert watched.standings() == [False, True]
        assert book.instrument_id == BTC
        assert book.bids[0].price == d(str(best))
        assert isinstance(book.bids[0], Level)

    play(scene)


def test_a_change_of_the_book_comes_through() -> None:
    async def scene(watched: Watched) -> None:
        watched.sim.house.set_level(SYMBOL, Side.BUY, d("60000.00"), d("0.12345"))

        await until(lambda: watched.all(BookSnapshot)[-1].book.bids[0] == (d("60000.00"), d("0.12345")))

        assert watched.standings() == [False, True]

    play(scene)


def test_a_book_that_was_given_out_does_not_change_afterwards() -> None:
    async def scene(watched: Watched) -> None:
        first = watched.all(BookSnapshot)[0].book
        before = (first.bids, first.asks)

        watched.move(61_000)
        await until(lambda: watched.all(BookSnapshot)[-1].book.bids[0].price > d(60_900))

        assert (first.bids, first.asks) == before

    play(scene)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault.DROP_STREAM_MESSAGE, id="a message is missing"),
        pytest.param(Fault.REORDER, id="messages are out of order"),
        pytest.param(Fault.TRUNCATED_MESSAGE, id="a frame does not decode"),
        pytest.param(Fault.CUT_STREAM, id="the connection is cut"),
    ],
)
@pytest.mark.slow
def test_a_break_is_told_before_anything_else_and_mended_by_a_fresh_book(fault: Fault) -> None:
    async def scene(watched: Watched) -> None:
        watched.arm(fault)

        await watched.is_live_again()

        changes = watched.all(FeedChanged)
        broken, mended = (watched.events.index(event) for event in changes[2:4])
        between = watched.events[broken + 1 : mended]
        assert changes[2].epoch == watched.feed.epoch == 1
        assert changes[2].reason
        assert not any(isinstance(event, BookSnapshot) for event in between)
        assert isinstance(watched.events[mended + 1], BookSnapshot)
        assert watched.feed.breaks >= 1

    play(scene)


@pytest.mark.slow
def test_a_stream_that_falls_silent_is_noticed_by_comparing_it_with_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(market_feed, "SILENCE_S_MAX", 0.1)
    monkeypatch.setattr(market_feed, "LOOK_S", 0.02)

    async def scene(watched: Watched) -> None:
        watched.arm(Fault.STALL_STREAM)
        watched.move(60_500)

        await until(lambda: watched.standings()[-2:] == [True, False])

        assert "stall" in watched.all(FeedChanged)[-1].reason

    play(scene)


@pytest.mark.slow
def test_a_market_where_nothing_happens_stays_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market_feed, "SILENCE_S_MAX", 0.05)
    monkeypatch.setattr(market_feed, "LOOK_S", 0.02)

    async def scene(watched: Watched) -> None:
        await asyncio.sleep(0.5)

        assert watched.standings() == [False, True]

    play(scene)


@pytest.mark.slow
def test_a_crossed_book_is_rejected_and_breaks_the_feed() -> None:
    async def scene(watched: Watched) -> None:
        cached = watched.connection.data.orderbooks[PAIR]
        cached["bids"].store(70_000.0, 1.0)
        watched.move(60_001)

        await until(lambda: bool(watched.all(SnapshotRejected)))

        assert watched.all(SnapshotRejected)[0].reason == "crossed"
        assert not watched.standings()[-1]
        await watched.is_live_again()

    play(scene)


def test_prints_come_once_with_the_side_of_the_taker() -> None:
    async def scene(watched: Watched) -> None:
        while not watched.all(TradePrint):  # until the subscription stands
            watched.sim.house.trade(SYMBOL, Side.BUY, d("0.001"))
            await asyncio.sleep(0.02)
        seen = len(watched.all(TradePrint))
        watched.arm(Fault.DUPLICATE_DELIVERY, TRADES)
        watched.sim.house.trade(SYMBOL, Side.SELL, d("0.01"))
        watched.sim.house.trade(SYMBOL, Side.BUY, d("0.02"))

        await until(lambda: len(watched.all(TradePrint)) >= seen + 2)

        sides = [(event.side, event.quantity) for event in watched.all(TradePrint)[seen:]]
        assert sides == [(Side.SELL, d("0.01")), (Side.BUY, d("0.02"))]
        assert watched.sim.faults.reached["duplicate_delivery"] == 1

    play(scene)


def test_candles_that_are_closed_come_from_rest_at_the_start() -> None:
    async def scene(watched: Watched) -> None:
        await until(lambda: len(watched.candles) >= 3)

        opens_ns = [candle.opens_ns for candle in watched.candles]
        assert opens_ns == sorted(set(opens_ns))
        assert all(candle.low <= candle.open <= candle.high for candle in watched.candles)

    play(scene)


def test_a_book_that_comes_by_stream_is_checked_against_rest() -> None:
    async def run() -> None:
        async with bybit_simulator(seed=1, pace=FAST) as sim:
            sim.open_account(KEY, SECRET)
            made = settings(sim, exchange="bybit")
            async with Connection(made) as connection, asyncio.TaskGroup() as tasks:
                data = connection.data
                terms = terms_of("bybit", data.markets[PAIR], data.precisionMode, connection.quirks)
                events: list[MarketEvent] = []
                feed = MarketFeed(connection, [terms], events.append, scheduler=WallScheduler())
                running = tasks.create_task(feed.run())
                await until(lambda: any(isinstance(event, BookSnapshot) for event in events))
                running.cancel()
                live = [e for e in events if isinstance(e, FeedChanged) and e.is_live]
                assert [event.reason for event in live] == ["the stream and REST agree"]

    asyncio.run(run())
