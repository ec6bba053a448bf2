"""Writes what a feed tells to tapes, beside whatever else hears it: a queue, and a thread that empties it.

feed ─► take: one append ─► thread, twice a second: times in order, lines, one block ─► part of a tape
"""

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

import clock
from backtest.own_tape import VERSION, Header, TapeEncoder
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
from live.recording_parts import Bounds, Folder, Parts
from live.recording_standing import Standing
from venues.exchange.candles import Candle

LOSSY = (BookSnapshot, TradePrint, PriceTick, WalletTrade, SnapshotRejected)
NAMES = {
    BookSnapshot: "books",
    TradePrint: "prints",
    PriceTick: "prices",
    WalletTrade: "wallet trades",
    TickSizeChanged: "ticks",
    MarketListed: "listings",
    MarketResolved: "resolutions",
    SnapshotRejected: "rejected",
    FeedChanged: "changes of the feed",
}
LOG = logging.getLogger("recording")


class Loss(Struct):
    """Stands in the queue where events are missing."""

    count: int = 0


class CandlesHeader(Struct, frozen=True, kw_only=True):
    """First line of a file of candles; the lines below are whole minutes."""

    candles_version: int
    label: str


class Recorder:
    """One recording, from its opening until `close`; `failure` says why it ended before.

    Raises ConfigurationError at once where nothing can be written. Afterwards nothing is raised: who trades beside
    it goes on, and `on_trouble` hears the reason, in the thread that writes.
    """

    def __init__(
        self,
        path: Path,
        *,
        label: str,
        bounds: Bounds | None = None,
        on_trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.failure = ""
        self.counts: Counter[str] = Counter()
        self.lost = 0
        self.events = 0
        """Taken so far, the lost ones too; a thread apart counts what is written."""
        self._label, self._on_trouble = label, on_trouble
        self._bounds = bounds or Bounds()
        self._waiting_max = self._bounds.waiting_max
        self._folder = Folder(path, self._bounds)
        session = clock.format_time(clock.wall_ns()).translate(str.maketrans("", "", "-:."))
        self._session = session
        self._tape = Parts(self._folder, kind="tape", session=session)
        self._candle_parts = Parts(self._folder, kind="candles", session=session)
        self._standing, self._encoder = Standing(), TapeEncoder()
        self._waiting: deque[MarketEvent | Loss] = deque()
        self._candles: deque[Candle] = deque()
        self._loss: Loss | None = None
        self._closing = threading.Event()
        # A daemon thread: a process that ends without closing loses the last second and no more.
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def take(self, event: MarketEvent) -> None:
        """Queue an event; never waits and never raises."""
        if self.failure:
            return
        self.events += 1
        if len(self._waiting) < self._waiting_max:
            self._loss = None
            self._waiting.append(event)
        else:
            self._take_too_much(event)

    def take_candle(self, candle: Candle) -> None:
        """Queue a candle that is final."""
        if not self.failure:
            self._candles.append(candle)

    def close(self) -> None:
        """Write what waits and end; blocks for as long as that takes. Safe to call twice."""
        self._closing.set()
        self._thread.join()

    def summary(self) -> str:
        """What was recorded, in one line for a person: complete once it is closed."""
        told = ", ".join(f"{count:,} {name}" for name, count in self.counts.most_common() if count)
        size = f"{(self._tape.bytes + self._candle_parts.bytes) / 1e6:,.2f} MB in {self._tape.count} part(s)"
        gaps = f"{self._standing.gaps} gap(s)"
        lost = f", {self.lost:,} events lost: the disk was too slow" if self.lost else ""
        deleted = f", {self._folder.deleted} oldest part(s) deleted" if self._folder.deleted else ""
        return f"recorded {told or 'nothing'}; {size}, {gaps}{lost}{deleted}; in {self._folder.path}"

    # --- the queue, in the thread of the feed -------------------------------------------------------

    def _take_too_much(self, event: MarketEvent) -> None:
        """Lose what is told again; keep what is told once."""
        if not isinstance(event, LOSSY):
            self._loss = None
            self._waiting.append(event)
            return
        if self._loss is None:
            self._loss = Loss()
            self._waiting.append(self._loss)
        self._loss.count += 1
        self.lost += 1

    # --- the thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            is_last = False
            while not is_last:
                is_last = self._closing.wait(self._bounds.flush_s)
                for _ in range(1 + len(self._waiting) // self._bounds.block_events_max):
                    self._write_block()
                self._write_candles()
        except OSError as error:
            self._fail(f"{error.strerror}; free some disk, then start again")
        except Exception as error:  # supervised: a fault of the recording must not end who trades beside it
            LOG.exception("the recording failed")
            self._fail(f"a fault of this program ({type(error).__name__}: {error})")
        finally:
            for parts in (self._tape, self._candle_parts):
                parts.close()
            self._folder.close()

    def _fail(self, reason: str) -> None:
        self.failure = f"recording has stopped: {self._folder.path}: {reason}"
        self._waiting.clear()
        self._candles.clear()
        self._on_trouble(self.failure)

    def _write_block(self) -> None:
        """Write what waits, and before it, where one is due, the beginning of another part."""
        if not self._waiting:
            return
        now_ns = clock.wall_ns()
        if self._tape.is_due(now_ns):
            carried = [self._encoder.line(event) for event in self._standing.carried()]
            header = Header(
                tape_version=VERSION,
                label=self._label,
                session=self._session,
                part=self._tape.count + 1,
                carried=len(carried),
            )
            self._tape.begin(b"".join([self._encoder.line(header), *carried]), time_ns=now_ns)
        counts: Counter[str] = Counter()
        self._tape.append(b"".join(self._encoder.line(event) for event in self._gathered(counts)))
        self.counts = self.counts + counts  # a new one, since others read it meanwhile

    def _gathered(self, counts: Counter[str]) -> Iterator[MarketEvent]:
        """What waits now, with times in order, and what stands for losses and mends them."""
        standing = self._standing
        for _ in range(min(len(self._waiting), self._bounds.block_events_max)):
            taken = self._waiting.popleft()
            if isinstance(taken, Loss):
                breaking = standing.broken(f"{taken.count} events were lost: the disk was too slow")
                if breaking is not None:
                    yield breaking
                continue
            event = standing.in_order(taken)
            if (mending := standing.mended(event)) is not None:
                yield mending
            standing.note(event)
            counts[NAMES[type(event)]] += 1
            yield event

    def _write_candles(self) -> None:
        gathered = [self._candles.popleft() for _ in range(len(self._candles))]
        if not gathered:
            return
        now_ns = clock.wall_ns()
        if self._candle_parts.is_due(now_ns):
            header = CandlesHeader(candles_version=VERSION, label=self._label)
            self._candle_parts.begin(self._encoder.line(header), time_ns=now_ns)
        self._candle_parts.append(b"".join(self._encoder.line(candle) for candle in gathered))
        self.counts = self.counts + Counter(candles=len(gathered))
