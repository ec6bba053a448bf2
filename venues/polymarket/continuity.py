"""Whether what we hold of each book is what the venue holds: epochs that break, and are mended by two readings.

subscribed, or broken ─► WAITING ─ a whole book from the stream ─► CHECKING ─ GET /book agrees ─► LIVE
LIVE ─ connection lost, top of book disagrees, or REST disagrees after a silence ─► WAITING, and the epoch grows

Books leave here only while LIVE. The venue gives no sequence numbers, so a REST reading is compared with every
version that the book had since its snapshot, or since the reading was asked for, and with those that come within a
moment after it.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from domain.book import OrderBook
from domain.identifiers import InstrumentId
from domain.messages import BookSnapshot, FeedChanged, MarketEvent
from venues.polymarket.local_book import Levels, LocalBook
from venues.watchdog import Watchdog

VERSIONS_MAX = 256
"""So many versions of a book are kept while it is checked; a busier one is compared with the latest of them."""

SETTLING_S = 0.5
"""REST may be ahead of the stream: its reading is compared with what comes within this time too."""

CHECK_TIMEOUT_S = 15.0
ALL_CHECKED_EVERY_S = 5.0
RETRY_S, RETRY_S_MAX = 0.25, 30.0
DISAGREEMENTS_MAX = 2
"""A single REST reading may be stale (py-clob-client #180); so many in a row, and it is the book that is wrong."""

PATIENCE_S = 3.0
"""How long after its subscription a token's first book may take."""

PLEA_S_MIN, PLEA_S_MAX = 1.0, 60.0
"""A book is asked for again at most so often: at once, then after ever longer waits."""

PLEAS_BEFORE_RECONNECT = 1
"""Where asking did not help so often, the connection itself is renewed; once, since others share it."""

NEVER = 1e18
"""Seconds that no clock reaches."""

Version = tuple[Levels, Levels]


class Plea(NamedTuple):
    """A wish for a whole book: by a new subscription of the token, or by a new connection."""

    instrument_id: InstrumentId
    reason: str
    is_for_reconnect: bool


class Standing(StrEnum):
    """How far the book of an instrument can be trusted."""

    WAITING = "WAITING"
    CHECKING = "CHECKING"
    LIVE = "LIVE"


class Check:
    """A comparison under way: since when, until when, and what REST said once it has."""

    __slots__ = ("asked_ns", "expires_s", "wanted")

    def __init__(self, *, asked_ns: int, expires_s: float) -> None:
        self.wanted: Version | None = None
        self.asked_ns = asked_ns
        self.expires_s = expires_s


class Track:
    """All that is known of one instrument's book."""

    __slots__ = (
        *("book", "check", "disagreements", "due_s", "is_dirty", "is_suspect"),
        *("plea", "pleaded_s", "pleas", "standing", "unanswered", "versions", "waiting_since_s"),
    )

    def __init__(self, instrument_id: InstrumentId) -> None:
        self.book = LocalBook(instrument_id)
        self.standing = Standing.WAITING
        self.check: Check | None = None
        self.versions: list[Version] = []
        self.due_s: float | None = None
        self.disagreements = 0
        self.is_suspect = False
        self.plea = ""
        self.pleas = 0
        self.pleaded_s = -NEVER
        self.unanswered = 0
        self.waiting_since_s = NEVER
        self.is_dirty = False


class Continuity:
    """The standing of every instrument of a feed, and the only place from which its books are given out."""

    def __init__(
        self,
        sink: Callable[[MarketEvent], None],
        *,
        silence_s_max: float,
        now_ns: Callable[[], int],
        now_s: Callable[[], float],
    ) -> None:
        self.epoch = 0
        self.breaks = self.checks_agreed = self.checks_failed = 0
        self.tracks: dict[str, Track] = {}
        self._sink, self._now_ns, self._now_s = sink, now_ns, now_s
        self._watchdog: Watchdog[str] = Watchdog(silence_s_max)
        self._dirty: list[Track] = []
        self._pleading: dict[str, Track] = {}
        self._all_suspect = False
        self._all_checked_s = -NEVER

    @property
    def is_dirty(self) -> bool:
        """Say whether a live book has changed since it was given out."""
        return bool(self._dirty)

    @property
    def is_pleading(self) -> bool:
        """Say whether a book has to be asked for again."""
        return bool(self._pleading)

    def add(self, instrument_ids: Iterable[InstrumentId]) -> None:
        """Begin to follow these instruments; nothing of them is live before two readings agree."""
        new = tuple(one for one in instrument_ids if one not in self.tracks)
        self.tracks.update((one, Track(one)) for one in new)
        self._watchdog.watch(new, self._now_s())
        self._announce(new, is_live=False, reason="not seen yet")

    def remove(self, instrument_ids: Iterable[InstrumentId], *, reason: str) -> None:
        """Follow these no longer: whatever is left of them is not to be traded on."""
        gone = tuple(one for one in instrument_ids if one in self.tracks)
        for one in gone:
            self._wait_for_snapshot(self.tracks.pop(one))
            self._pleading.pop(one, None)
        self._watchdog.forget(gone)
        self._announce(gone, is_live=False, reason=reason)

    def subscribed(self, instrument_ids: Iterable[InstrumentId]) -> None:
        """Their subscription was sent: from now on their books are awaited."""
        for one in instrument_ids:
            if (track := self.tracks.get(one)) and track.standing is Standing.WAITING:
                track.waiting_since_s, track.due_s = self._now_s(), None

    def lose(self, instrument_ids: Iterable[InstrumentId], reason: str) -> None:
        """Break the epoch of these instruments: what we hold of them may be wrong from now on."""
        known = [one for one in instrument_ids if one in self.tracks]
        live = tuple(one for one in known if self.tracks[one].standing is Standing.LIVE)
        for one in known:
            self._wait_for_snapshot(self.tracks[one])
        if live:
            self.epoch += 1
            self.breaks += 1
            self._announce(live, is_live=False, reason=reason)

    def take_snapshot(self, track: Track) -> None:
        """The stream has told a whole book."""
        track.is_suspect = False
        if track.standing is Standing.WAITING:
            track.standing, track.due_s, track.disagreements = Standing.CHECKING, self._now_s(), 0
            track.check = None
            track.versions.clear()
        self.changed(track)

    def changed(self, track: Track) -> None:
        """The book was brought up to date by the stream, and its top agrees with what the venue tells."""
        if track.check is not None or track.standing is Standing.CHECKING:
            self._compare_with_stream(track)
        if track.standing is Standing.LIVE and not track.is_dirty:
            track.is_dirty = True
            self._dirty.append(track)

    def suspect(self, track: Track) -> None:
        """Something about a book is odd, though it is no proof: have it read again at once, and break it where that
        reading disagrees."""
        track.is_suspect = True
        if track.due_s is None or track.due_s > self._now_s():
            track.due_s = self._now_s()

    def suspect_all(self) -> None:
        """Something was said that nobody could read: have every live book read again, not too often."""
        self._all_suspect = True

    def gap(self, track: Track, reason: str) -> None:
        """The stream itself shows that we missed something: break, and ask for the whole book."""
        self.lose((track.book.instrument_id,), f"gap: {reason}")
        self._plead(track, reason, self._now_s())

    def take_pleas(self) -> list[Plea]:
        """Give the books that are to be asked for now; those that were asked for a moment ago have to wait."""
        now_s, granted = self._now_s(), []
        for instrument_id, track in list(self._pleading.items()):
            pause_s = min(PLEA_S_MAX, PLEA_S_MIN * 2 ** min(track.pleas - 1, 8))
            if now_s - track.pleaded_s >= pause_s:
                del self._pleading[instrument_id]
                track.pleaded_s = now_s
                is_for_reconnect = track.pleas == PLEAS_BEFORE_RECONNECT + 1
                granted.append(Plea(track.book.instrument_id, track.plea, is_for_reconnect))
        return granted

    def flush(self) -> None:
        """Give out every live book that has changed, each once, as it is now."""
        dirty, self._dirty = self._dirty, []
        if not dirty:
            return
        time_ns, now_s = self._now_ns(), self._now_s()
        for track in dirty:
            if track.is_dirty:
                track.is_dirty = False
                self._watchdog.hear(track.book.instrument_id, now_s)
                self._sink(BookSnapshot(time_ns=time_ns, book=track.book.order_book(track.book.time_ns)))

    def flush_one(self, track: Track) -> None:
        """Give out this book before something else is said of its instrument."""
        if track.is_dirty:
            track.is_dirty = False
            self._watchdog.hear(track.book.instrument_id, self._now_s())
            book = track.book.order_book(track.book.time_ns)
            self._sink(BookSnapshot(time_ns=self._now_ns(), book=book))

    def begin_checks(self, count_max: int) -> list[InstrumentId]:
        """Choose what to read over REST now: what is due, what was silent, what waits for too long."""
        now_s = self._now_s()
        self._expire(now_s)
        is_suspect = self._all_suspect and now_s - self._all_checked_s >= ALL_CHECKED_EVERY_S
        if is_suspect:
            self._all_suspect, self._all_checked_s = False, now_s
        for instrument_id in self.tracks if is_suspect else self._watchdog.silent(now_s):
            track = self.tracks[instrument_id]
            track.is_suspect = track.is_suspect or is_suspect
            if track.due_s is None and track.standing is Standing.LIVE:
                track.due_s = now_s
        due = [t for t in self.tracks.values() if t.check is None and self._is_due(t, now_s)][:count_max]
        asked_ns = self._now_ns()
        for track in due:
            track.check, track.due_s = Check(asked_ns=asked_ns, expires_s=now_s + CHECK_TIMEOUT_S), None
            if track.standing is not Standing.CHECKING:
                track.versions = [track.book.version()]
        return [track.book.instrument_id for track in due]

    def judge(self, readings: Sequence[OrderBook], asked: Sequence[InstrumentId]) -> None:
        """Compare what REST said with every version since it was asked; what it left out was not answered."""
        now_s, mended = self._now_s(), []
        by_id = {book.instrument_id: book for book in readings}
        for instrument_id in asked:
            track = self.tracks.get(instrument_id)
            if track is None or track.check is None:
                continue
            if (reading := by_id.get(instrument_id)) is None:
                self._not_answered(track, now_s)
            elif self._agrees(track, track.check, reading, now_s):
                mended.append(track)
        self._mend(mended)

    def _agrees(self, track: Track, check: Check, reading: OrderBook, now_s: float) -> bool:
        if track.standing is Standing.WAITING:
            self._plead(track, "the venue has a book and the stream does not tell it", now_s)
            return False
        wanted = tuple(reading.bids), tuple(reading.asks)
        if wanted in track.versions:
            return True
        check.wanted, check.expires_s = wanted, now_s + SETTLING_S
        return False

    def _compare_with_stream(self, track: Track) -> None:
        version, check = track.book.version(), track.check
        track.versions.append(version)
        del track.versions[:-VERSIONS_MAX]
        if check is not None and version == check.wanted:
            self._mend([track])

    def _mend(self, tracks: Sequence[Track]) -> None:
        """Two readings agree: what was broken is live again, and what was silent is fresh."""
        if not tracks:
            return
        now_s, time_ns = self._now_s(), self._now_ns()
        fresh = tuple(t.book.instrument_id for t in tracks if t.standing is Standing.CHECKING)
        self._announce(fresh, is_live=True, reason="the stream and GET /book agree")
        for track in tracks:
            is_quiet = track.standing is Standing.LIVE and not track.is_dirty
            seen_ns = track.check.asked_ns if track.check and is_quiet else 0
            track.standing, track.check, track.is_dirty = Standing.LIVE, None, False
            track.versions.clear()
            track.due_s, track.disagreements, track.pleas = None, 0, 0
            track.is_suspect = False
            track.unanswered = 0
            self._pleading.pop(track.book.instrument_id, None)
            self.checks_agreed += 1
            self._watchdog.hear(track.book.instrument_id, now_s)
            true_at_ns = max(track.book.time_ns, seen_ns)
            self._sink(BookSnapshot(time_ns=time_ns, book=track.book.order_book(true_at_ns)))

    def _expire(self, now_s: float) -> None:
        """End comparisons whose time is over: REST disagreed, or did not answer."""
        for track in self.tracks.values():
            if track.check is None or track.check.expires_s > now_s:
                continue
            if track.check.wanted is None:
                self._not_answered(track, now_s)
            else:
                self._disagreed(track, now_s)

    def _disagreed(self, track: Track, now_s: float) -> None:
        track.check = None
        track.disagreements += 1
        self.checks_failed += 1
        if track.disagreements < DISAGREEMENTS_MAX and not track.is_suspect:
            track.due_s = now_s + RETRY_S
            return
        self.lose((track.book.instrument_id,), "stall: GET /book shows another book than the stream told")
        self._plead(track, "GET /book shows another book", now_s)

    def _not_answered(self, track: Track, now_s: float) -> None:
        """No reading is no evidence: ask again, more and more slowly where the venue knows no such book."""
        track.check = None
        track.unanswered += 1
        track.due_s = now_s + min(RETRY_S_MAX, RETRY_S * 2 ** min(track.unanswered + 1, 8))

    def _plead(self, track: Track, reason: str, now_s: float) -> None:
        track.check = None
        track.pleas += 1
        track.plea = reason
        track.due_s = now_s + min(RETRY_S_MAX, PATIENCE_S * 2 ** min(track.pleas - 1, 8))
        self._pleading[track.book.instrument_id] = track

    def _wait_for_snapshot(self, track: Track) -> None:
        track.standing, track.check, track.is_dirty, track.due_s = Standing.WAITING, None, False, None
        track.waiting_since_s = NEVER

    def _is_due(self, track: Track, now_s: float) -> bool:
        if track.due_s is not None:
            return track.due_s <= now_s
        return track.standing is Standing.WAITING and now_s - track.waiting_since_s >= PATIENCE_S

    def _announce(self, instrument_ids: tuple[InstrumentId, ...], *, is_live: bool, reason: str) -> None:
        if instrument_ids:
            self._sink(
                FeedChanged(
                    time_ns=self._now_ns(),
                    instrument_ids=instrument_ids,
                    is_live=is_live,
                    epoch=self.epoch,
                    reason=reason,
                )
            )
