"""The disposable Redis cache: derived values for whoever looks on, each of them gone after a minute.

Keys begin with `polytrader:SESSION:`; values are JSON, amounts in them decimal text.

    version                          number of the last durable transaction that was published
    position:STRATEGY:INSTRUMENT     the PositionRecord
    instrument:INSTRUMENT            the Instrument, with its present tick
    price:INSTRUMENT                 best bid, best ask, mid, and the time of the book
    totals                           what `cached_totals` counted, and at which version

Nothing is decided on any of them. Whatever goes wrong with Redis is a miss (docs/decisions/0006).
"""

import asyncio
import logging
import os
from collections import OrderedDict
from collections.abc import Awaitable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from clock import wall_ns
from config import Secret
from domain.book import OrderBook
from domain.errors import ConfigurationError
from domain.identifiers import InstrumentId, SessionId, digest
from domain.instrument import Instrument
from domain.messages import (
    BookSnapshot,
    FeedChanged,
    MarketEvent,
    MarketListed,
    MarketResolved,
    PriceTick,
    SnapshotRejected,
    TickSizeChanged,
    TradePrint,
    WalletTrade,
)
from domain.records import PositionRecord, Transaction
from storage.queries import StrategyTotals, totals
from telemetry import fields

TTL_S = 60
"""Seconds after which Redis forgets a value: no reader sees the state of a dead daemon for longer."""

OPERATION_S_MAX = 0.1
"""Seconds that one exchange with Redis may take, connecting included; then it counts as failed."""

WRITE_PERIOD_S = 0.25
"""Seconds between two writes of one key: at most four a second, however often its value changes."""

BACKOFF_S = (0.25, 0.5, 1, 2, 5)
"""Seconds before the next attempt after the first failure, the second, …; the last for all that follow."""

WAITING_KEYS_MAX = 10_000
"""Keys whose newest value may wait to be written; one more, and the oldest is dropped and counted."""

INSTRUMENTS_MAX = 10_000
"""Listed instruments that are known by heart, so that a new tick can be written with the rest of them."""

BATCH_KEYS_MAX = 100
"""Keys in one pipeline: about 2 ms of the loop and of Redis."""

SCAN_KEYS = 1_000
SCANS_MAX = 1_000
"""Scans of SCAN_KEYS keys each, to find our own; what lies behind a million keys of others dies of its TTL."""

URL_FORM = "redis://[:PASSWORD@]HOST[:PORT][/DB]"

CLOSE_S_MAX = 0.25
"""Seconds for a last write of what still waits when the cache is closed."""

LOG = logging.getLogger("cache")
T = TypeVar("T")


def open_cache(url: Secret | None, *, session: SessionId) -> "Cache":
    """The cache at this URL, not connected yet; without a URL one that forgets. Raises as `check_url` does."""
    return NoCache() if url is None else RedisCache(url, session=session)


def check_url(url: Secret | None) -> None:
    """Raise ConfigurationError where the URL cannot be used, whether or not a server is there; call it at the start."""
    if url is not None:
        _ = _client(url)


class Cache(Protocol):
    """What the daemon tells its cache, and the one question that it asks of it."""

    def publish(self, transaction: Transaction) -> None:
        """Offer what a durable transaction changed; never waits, never raises. Counts cached before are void."""
        ...

    def publish_market(self, event: MarketEvent) -> None:
        """Offer what a market event says of instruments and prices; never waits, never raises."""
        ...

    def publish_book(self, book: OrderBook) -> None:
        """Offer the best prices of a book; of several within WRITE_PERIOD_S the last one is written."""
        ...

    async def cached_totals(self, path: Path, session: SessionId) -> list[StrategyTotals]:
        """As `queries.totals`, and never older than what was published before the answer.

        Raises what `queries.totals` raises. A Redis that hangs costs OPERATION_S_MAX once, until it answers again.
        """
        ...

    async def run(self) -> None:
        """Empty the session's part of Redis, then write what is published, until cancelled; never raises."""
        ...

    async def close(self) -> None:
        """Write what still waits and disconnect, within CLOSE_S_MAX + OPERATION_S_MAX; call it when `run` has ended."""
        ...


class NoCache(Cache):
    """Stands in where no REDIS_URL is given: forgets everything, and counts anew each time."""

    def publish(self, transaction: Transaction) -> None:
        pass

    def publish_market(self, event: MarketEvent) -> None:
        pass

    def publish_book(self, book: OrderBook) -> None:
        pass

    async def cached_totals(self, path: Path, session: SessionId) -> list[StrategyTotals]:
        return await totals(path, session)

    async def run(self) -> None:
        pass

    async def close(self) -> None:
        pass


class RedisCache(Cache):
    """One session's part of a Redis. Values wait here, the newest of each key, until `run` writes them.

    After any failure, and after a drop, our keys are deleted before the next write: an older value that a newer
    one could not replace must not outlive it. `dropped` counts values that were never offered to Redis.

    Raises ConfigurationError where the URL cannot be used; neither it nor any log line shows the URL.
    """

    def __init__(self, url: Secret, *, session: SessionId) -> None:
        self.dropped = 0
        self._redis = _client(url)
        self._session = session
        self._prefix = f"polytrader:{session}:"
        self._epoch = f"{wall_ns()}-{os.getpid()}"
        self._version = 0
        self._waiting: OrderedDict[str, _Value] = OrderedDict()
        self._wake = asyncio.Event()
        self._wake.set()
        self._is_clean = False
        self._is_closed = False
        self._instruments: dict[InstrumentId, Instrument] = {}
        self._one_reader = asyncio.Lock()
        self._last_error = ""

    @property
    def waiting(self) -> int:
        """Keys whose newest value is not in Redis yet, at most WAITING_KEYS_MAX."""
        return len(self._waiting)

    # --- what is told -------------------------------------------------------------------------------

    def publish(self, transaction: Transaction) -> None:
        self._version = transaction.sequence
        self._put("version", transaction.sequence)
        for record in transaction.records:
            if isinstance(record, PositionRecord):
                self._put(f"position:{record.strategy}:{record.instrument_id}", record)

    def publish_market(self, event: MarketEvent) -> None:
        match event:
            case BookSnapshot(book=book):
                self.publish_book(book)
            case MarketListed(market=market):
                for instrument in market.instruments:
                    self._put_instrument(instrument)
            case TickSizeChanged(instrument_id=instrument_id, tick_size=tick_size):
                if known := self._instruments.get(instrument_id):
                    self._put_instrument(msgspec.structs.replace(known, tick_size=tick_size))
            case MarketResolved(payouts=payouts):
                for instrument_id in payouts:
                    self._instruments.pop(instrument_id, None)
            case TradePrint() | PriceTick() | WalletTrade() | SnapshotRejected() | FeedChanged():
                pass

    def publish_book(self, book: OrderBook) -> None:
        self._put(f"price:{book.instrument_id}", book)

    def _put_instrument(self, instrument: Instrument) -> None:
        if len(self._instruments) < INSTRUMENTS_MAX or instrument.id in self._instruments:
            self._instruments[instrument.id] = instrument
        self._put(f"instrument:{instrument.id}", instrument)

    def _put(self, name: str, value: "_Value") -> None:
        if self._is_closed:
            return
        self._waiting[name] = value
        if len(self._waiting) > WAITING_KEYS_MAX:
            self._waiting.popitem(last=False)
            self.dropped += 1
            self._is_clean = False
        self._wake.set()

    # --- what is asked ------------------------------------------------------------------------------

    async def cached_totals(self, path: Path, session: SessionId) -> list[StrategyTotals]:
        if session != self._session:
            return await totals(path, session)
        cached = await self._read_totals()
        if cached is not None and cached.stamp == self._stamp(path):
            return cached.totals
        # What is committed after this line has another version, even if the count below should include it.
        version, stamp = self._version, self._stamp(path)
        counted = await totals(path, session)
        self._put("totals", _Counted(version=version, stamp=stamp, totals=counted))
        return counted

    async def _read_totals(self) -> "_Counted | None":
        """One reader at a time: when Redis hangs, the first one finds out for all."""
        async with self._one_reader:
            if not self._is_clean or self._is_closed:
                return None
            content = await self._attempt(self._redis.get(f"{self._prefix}totals"))
        with suppress(msgspec.MsgspecError):
            return None if content is None else msgspec.json.decode(content, type=_Counted)
        return None

    def _stamp(self, path: Path) -> str:
        """Names a state of one database as this process knows it: another file, or another process, is another one."""
        return digest(self._epoch, str(self._version), str(path.absolute()))

    # --- what is written ----------------------------------------------------------------------------

    async def run(self) -> None:
        failures = 0
        while True:
            await self._wake.wait()
            self._wake.clear()
            if await self._write_waiting():
                if failures:
                    LOG.info("the Redis cache answers again", extra=fields(dropped=self.dropped))
                failures = 0
                await asyncio.sleep(WRITE_PERIOD_S)
            else:
                if not failures:
                    what = fields(error=self._last_error, dropped=self.dropped)
                    LOG.warning("the Redis cache fails; the daemon goes on without it", extra=what)
                self._wake.set()
                await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
                failures += 1

    async def close(self) -> None:
        self._is_closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S_MAX):
                await self._write_waiting()
        await self._attempt(self._redis.aclose())

    async def _write_waiting(self) -> bool:
        """Write each key that waits now, once; False where Redis failed, and then what was not written still waits."""
        if not self._is_clean and not await self._clear():
            return False
        names = list(self._waiting)
        for first in range(0, len(names), BATCH_KEYS_MAX):
            batch = names[first : first + BATCH_KEYS_MAX]
            if not await self._write({name: self._waiting[name] for name in batch if name in self._waiting}):
                return False
        return True

    async def _write(self, values: "dict[str, _Value]") -> bool:
        pipeline = self._redis.pipeline(transaction=False)
        for name, value in values.items():
            _ = pipeline.set(f"{self._prefix}{name}", _encode(value), ex=TTL_S)  # queued, sent by execute
        if await self._attempt(pipeline.execute()) is None:
            return False
        for name, value in values.items():
            if self._waiting.get(name) is value:
                del self._waiting[name]
        return True

    async def _clear(self) -> bool:
        """Delete our keys, of this run and of those before; False where Redis failed."""
        cursor = 0
        for _ in range(SCANS_MAX):
            following = await self._attempt(self._clear_from(cursor))
            if following is None:
                return False
            if following == 0:
                break
            cursor = following
        self._is_clean = True
        return True

    async def _clear_from(self, cursor: int) -> int:
        """Delete what one scan finds and return where the next begins, 0 where this was the last."""
        following, keys = await self._redis.scan(cursor, match=f"{self._prefix}*", count=SCAN_KEYS)
        if keys:
            await self._redis.unlink(*keys)
        return int(following)

    async def _attempt(self, operation: Awaitable[T]) -> T | None:
        """The one way to Redis; None is a miss, and where it is due to a failure, our keys are cleared next."""
        try:
            async with asyncio.timeout(OPERATION_S_MAX):
                return await operation
        except Exception as error:  # supervised: a cache must not end the daemon, whatever its client raises
            # The type alone: texts of the client can quote what it was given.
            self._last_error = type(error).__name__
            self._is_clean = False
            self._wake.set()
            return None


class _Counted(Struct, frozen=True, kw_only=True):
    """Totals with the state of the database that they were counted in."""

    version: int
    stamp: str
    totals: list[StrategyTotals]


class _Price(Struct, frozen=True, kw_only=True):
    """The best prices of a book; None where a side is empty."""

    bid: Decimal | None
    ask: Decimal | None
    mid: Decimal | None
    time_ns: int


_Value = int | PositionRecord | Instrument | OrderBook | _Counted


def _encode(value: _Value) -> bytes:
    return msgspec.json.encode(_price(value) if isinstance(value, OrderBook) else value)


def _price(book: OrderBook) -> _Price:
    return _Price(
        bid=book.bids[0].price if book.bids else None,
        ask=book.asks[0].price if book.asks else None,
        mid=book.mid,
        time_ns=book.time_ns,
    )


def _client(url: Secret) -> Redis:
    """A client that tries once; all of the URL is checked here, since the client would do it when it connects."""
    with suppress(ValueError, TypeError, AttributeError, RedisError):
        client = Redis.from_url(
            url.reveal(), protocol=2, driver_info=None, socket_connect_timeout=OPERATION_S_MAX
        )
        # Whatever the URL says: `_attempt` holds the time, once, and the client's own way of doing so
        # (asyncio.wait_for around each write) loses cancellations on Python 3.11 (python/cpython#86296).
        client.connection_pool.connection_kwargs |= {
            "socket_timeout": None,
            "retry": Retry(NoBackoff(), 0),
        }
        client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)
        return client
    # Outside of the handler, so that the client's own error, which quotes the URL, is not in its context.
    raise ConfigurationError(f"REDIS_URL cannot be used; give {URL_FORM}, or leave it out")
