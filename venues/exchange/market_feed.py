"""Books, prints and candles of an exchange as events, from feeds that cannot die silently.

watch ─► copy out of ccxt's cache ─► crossed? ─► live: out │ broken: checked against REST, then out and live again
 └ error, crossed book, silence that REST contradicts ─► the epoch breaks ─► pause ─► watch again
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import ccxt

from clock import NS_PER_MS, Scheduler, monotonic_s
from domain.book import Level, OrderBook
from domain.errors import VenueReadError
from domain.identifiers import InstrumentId, VenueName
from domain.instrument import Side
from domain.messages import MarketEvent, MarketListed, SnapshotRejected, TradePrint
from venues.exchange.candles import TIMEFRAME, Candle, CandleTracker
from venues.exchange.connection import Connection
from venues.exchange.continuity import Continuity
from venues.exchange.instruments import SpotTerms, decimal_of, market_of
from venues.exchange.outcomes import words
from venues.exchange.reads import row_of, rows_of
from venues.exchange.user_stream import PAUSES_S
from venues.watchdog import Watchdog

LEVELS_MAX = 20
"""Levels a side that are given out: what is deeper is not traded on, and costs time."""

CHECK_LEVELS = 5
SILENCE_S_MAX = 10.0
"""A book that did not change for so long is compared with REST."""

LOOK_S = 1.0
CANDLES_S = 30.0
PRINTS_KEPT_MAX = 20_000

log = logging.getLogger("venues.exchange")

Watch = Callable[[], Awaitable[Any]]


class MarketFeed:
    """Market data of the pairs of a connection; `run` until cancelled. Events reach the sink in order."""

    def __init__(
        self,
        connection: Connection,
        terms: Sequence[SpotTerms],
        sink: Callable[[MarketEvent], None],
        *,
        scheduler: Scheduler,
        on_candle: Callable[[Candle], None] = lambda _: None,
    ) -> None:
        self.breaks = 0
        """Failures of streams, each begun anew."""
        self._data = connection.data
        self._quirks = connection.quirks
        self._venue = VenueName(connection.settings.exchange)
        self._terms = {one.symbol: one for one in terms}
        self._sink = sink
        self._scheduler = scheduler
        self._continuity = Continuity(sink, now_ns=scheduler.now_ns)
        self._candles = CandleTracker(on_candle)
        self._watchdog: Watchdog[str] = Watchdog(SILENCE_S_MAX)
        self._prints: dict[tuple[str, str], None] = {}

    @property
    def epoch(self) -> int:
        """How often the books broke."""
        return self._continuity.epoch

    async def run(self) -> None:
        """List the pairs, then own a task for each stream, the candles and the watchdog."""
        now_ns = self._scheduler.now_ns()
        for terms in self._terms.values():
            self._sink(MarketListed(time_ns=now_ns, market=market_of(self._venue, terms)))
        self._continuity.add(terms.instrument_id for terms in self._terms.values())
        self._watchdog.watch(self._terms, monotonic_s())
        async with asyncio.TaskGroup() as tasks:
            for symbols, watch in self._watches("watch_order_book", self._quirks.depth_max):
                tasks.create_task(self._follow(symbols, watch, self._take_book), name=f"books {symbols}")
            for symbols, watch in self._watches("watch_trades", None):
                tasks.create_task(self._follow((), watch, self._take_prints), name=f"prints {symbols}")
            if self._data.has.get("watchOHLCVForSymbols") is True:
                pairs = [[symbol, TIMEFRAME] for symbol in self._terms]
                watch = partial(self._data.watch_ohlcv_for_symbols, pairs)
                tasks.create_task(self._follow((), watch, self._take_candles), name="candles")
            tasks.create_task(self._read_candles(), name="candles over REST")
            tasks.create_task(self._watch_over(), name="freshness of books")

    def _watches(self, method: str, limit: int | None) -> list[tuple[tuple[str, ...], Watch]]:
        """One subscription for all pairs where the exchange has it, else one for each."""
        symbols = tuple(self._terms)
        capability = {"watch_order_book": "watchOrderBook", "watch_trades": "watchTrades"}[method]
        options: dict[str, Any] = {} if limit is None else {"limit": limit}
        if self._data.has.get(f"{capability}ForSymbols") is True:
            return [
                (symbols, partial(getattr(self._data, f"{method}_for_symbols"), list(symbols), **options))
            ]
        if self._data.has.get(capability) is not True:
            log.warning("%s streams no %s: only REST readings of it", self._venue, capability)
            return []
        return [((one,), partial(getattr(self._data, method), one, **options)) for one in symbols]

    async def _follow(
        self, symbols: tuple[str, ...], watch: Watch, take: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Take what a stream gives; whatever ends it breaks the books of its pairs, and it is begun anew."""
        failures = 0
        while True:
            reason = await self._once(watch, take)
            failures = failures + 1 if reason else 0
            if reason:
                self.breaks += 1
                self._continuity.lose([self._terms[s].instrument_id for s in symbols], reason)
                await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S)) - 1])

    async def _once(self, watch: Watch, take: Callable[[Any], Awaitable[None]]) -> str:
        """Wait for the next news and take them; returns what went wrong, in words."""
        try:
            news = await watch()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return "the stream was reset"
        except Exception as error:  # supervised: a stream that ends in any way is begun anew
            return words(error)
        try:
            await take(news)
        except VenueReadError as error:
            return str(error)
        return ""

    # --- books --------------------------------------------------------------------------------------

    async def _take_book(self, row: dict[str, Any]) -> None:
        """Copy a book out of ccxt's cache, which changes under our hands, before anything waits."""
        terms = self._terms[row["symbol"]]
        book = self._book(row, terms)
        if reason := _flaw(book):
            event = SnapshotRejected(
                time_ns=self._scheduler.now_ns(), instrument_id=terms.instrument_id, reason=reason
            )
            self._sink(event)
            self._drop_stream(terms.symbol)
            raise VenueReadError(f"{terms.symbol}: {reason}")
        self._watchdog.hear(terms.symbol, monotonic_s())
        if self._continuity.is_live(terms.instrument_id):
            self._continuity.give(book)
        elif self._quirks.begins_with_rest_book:
            self._continuity.mend(book, "a fresh book over REST, and the stream goes on from it")
        else:
            await self._check_and_mend(book, terms)

    async def _check_and_mend(self, book: OrderBook, terms: SpotTerms) -> None:
        """Trust the stream's first book where it does not cross what REST shows a moment later."""
        reading = await self._reading(terms)
        if _crosses(book, reading):
            self._drop_stream(terms.symbol)
            raise VenueReadError(f"{terms.symbol}: the stream's book and the one over REST disagree")
        self._continuity.mend(reading, "the stream and REST agree")

    async def _watch_over(self) -> None:
        """A silent book is the same as REST's, or wrong; what cannot be compared is not to be trusted."""
        while True:
            await asyncio.sleep(LOOK_S)
            for symbol in tuple(self._watchdog.silent(monotonic_s())):
                await self._look_at(self._terms[symbol])

    async def _look_at(self, terms: SpotTerms) -> None:
        self._watchdog.hear(terms.symbol, monotonic_s())
        if not self._continuity.is_live(terms.instrument_id):
            return
        try:
            held = self._held(terms)
            is_same = held is not None and _top(held) == _top(await self._reading(terms))
            reason = "stall: REST shows another book than the silent stream"
        except VenueReadError as error:
            is_same, reason = False, f"stall: silent, and {error}"
        if not is_same:
            self.breaks += 1
            self._continuity.lose((terms.instrument_id,), reason)
            self._drop_stream(terms.symbol)

    def _held(self, terms: SpotTerms) -> OrderBook | None:
        row = self._data.orderbooks.get(terms.symbol)
        return None if row is None else self._book(row, terms)

    async def _reading(self, terms: SpotTerms) -> OrderBook:
        read = partial(self._data.fetch_order_book, terms.symbol, LEVELS_MAX)
        return self._book(await row_of(read, f"book of {terms.symbol}"), terms)

    def _book(self, row: dict[str, Any], terms: SpotTerms) -> OrderBook:
        """The best levels, in the time at which we saw them: the clocks of exchanges differ from ours."""
        return OrderBook(
            instrument_id=terms.instrument_id,
            time_ns=self._scheduler.now_ns(),
            bids=_levels(row["bids"]),
            asks=_levels(row["asks"]),
        )

    def _drop_stream(self, symbol: str) -> None:
        """Reset the socket on which this pair's book is awaited, or all where nobody awaits it just now; ccxt forgets
        the book with its socket, and dials anew."""
        clients = list((self._data.clients or {}).values())
        waited_on = [c for c in clients if any("orderbook" in name and symbol in name for name in c.futures)]
        self._data.orderbooks.pop(symbol, None)
        for client in waited_on or clients:
            client.on_error(ccxt.NetworkError(f"the book of {symbol} is not to be trusted"))

    # --- prints and candles -------------------------------------------------------------------------

    async def _take_prints(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            terms, key = self._terms.get(row["symbol"]), (str(row["symbol"]), str(row.get("id")))
            if terms is None or key in self._prints:
                continue
            self._prints[key] = None
            if len(self._prints) > PRINTS_KEPT_MAX:
                del self._prints[next(iter(self._prints))]
            event = _print(row, terms.instrument_id, now_ns=self._scheduler.now_ns())
            if event is not None:
                self._sink(event)

    async def _take_candles(self, rows: dict[str, dict[str, list[list[object]]]]) -> None:
        for symbol, by_timeframe in rows.items():
            self._candles.take(self._terms[symbol].instrument_id, by_timeframe.get(TIMEFRAME, []))

    async def _read_candles(self) -> None:
        while self._data.has.get("fetchOHLCV") is True:
            for symbol, terms in self._terms.items():
                read = partial(self._data.fetch_ohlcv, symbol, TIMEFRAME, None, CHECK_LEVELS)
                try:
                    rows: Any = await rows_of(read, f"candles of {symbol}")
                except VenueReadError as error:
                    log.info("%s", error)
                else:
                    self._candles.take(terms.instrument_id, rows)
            await asyncio.sleep(CANDLES_S)


def _levels(rows: Sequence[Sequence[object]]) -> tuple[Level, ...]:
    pairs = ((decimal_of(row[0]), decimal_of(row[1])) for row in rows[:LEVELS_MAX])
    return tuple(Level(price, size) for price, size in pairs if price is not None and size)


def _flaw(book: OrderBook) -> str | None:
    """Why no exchange can have shown such a book."""
    if book.is_crossed:
        return "crossed"
    bids, asks = [level.price for level in book.bids], [level.price for level in book.asks]
    if bids != sorted(bids, reverse=True) or asks != sorted(asks):
        return "levels out of order"
    return None


def _crosses(one: OrderBook, other: OrderBook) -> bool:
    """Two books of one moment cannot trade with each other."""
    sides = ((one.best_bid, other.best_ask), (other.best_bid, one.best_ask))
    return any(bid is not None and ask is not None and bid.price >= ask.price for bid, ask in sides)


def _top(book: OrderBook) -> tuple[Level | None, Level | None]:
    return book.best_bid, book.best_ask


def _print(row: dict[str, Any], instrument_id: InstrumentId, *, now_ns: int) -> TradePrint | None:
    """A print, at the exchange's time where it has one; None where it lacks what makes a print."""
    price, quantity, side = decimal_of(row.get("price")), decimal_of(row.get("amount")), row.get("side")
    if price is None or quantity is None or side not in ("buy", "sell"):
        return None
    time_ns = now_ns if row.get("timestamp") is None else int(row["timestamp"]) * NS_PER_MS
    taker = Side.BUY if side == "buy" else Side.SELL
    return TradePrint(
        time_ns=time_ns, instrument_id=instrument_id, side=taker, price=price, quantity=quantity
    )
