"""Our own tape: files of JSON lines, a header and then market events; what recorders write and replays read.

A recording is a folder of parts. Each part begins with what it takes over from the one before, so that it can be
played alone; where parts follow each other that is skipped. Where nothing was recorded between two parts, the books
that were live are broken (`FeedChanged`), so that a replay denies orders there as a live run would have.

The lines stand in the order in which the events came. The time of a price is its source's, and may be earlier than
that of the line above it; all other times never go back.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from backtest.tape import file_fingerprint
from backtest.tape_lines import packed, tape_lines
from domain.errors import TapeError
from domain.identifiers import InstrumentId
from domain.messages import COUNTED, FeedChanged, MarketEvent, MarketListed, MarketResolved, PriceTick

VERSION = 1
BLOCK_LINES = 10_000
PARTS = "tape-*.jsonl.gz"
"""Names of the parts of a recording: in the order of the alphabet they are in the order of time."""


class Header(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """First line of a tape; `label` says where it comes from, amounts in the lines below are decimal strings.

    Part `part` of the recording `session`: its first `carried` events repeat what the parts before told.
    """

    tape_version: int
    label: str
    session: str = ""
    part: int = 1
    carried: int = 0

    def follows(self, other: "Header") -> bool:
        """Say whether nothing is missing between the other part and this one."""
        return bool(self.session) and (self.session, self.part) == (other.session, other.part + 1)


class OwnTape:
    """A tape file, or a folder of parts, as a tape; opening it reads all of it once, so that a broken one is refused
    at the start. Of a recording that goes on, what was there at the opening is played."""

    def __init__(self, path: Path) -> None:
        paths = parts_of(path) if path.is_dir() else [path]
        self._sizes = {part: part.stat().st_size for part in paths}
        self._decoder: msgspec.json.Decoder[MarketEvent] = msgspec.json.Decoder(MarketEvent)
        self._headers = {part: self._read_header(part) for part in paths}
        self.label = self._headers[paths[0]].label
        self.instrument_ids: frozenset[InstrumentId] = frozenset()
        self.events_total = 0
        for event in self.events():
            if isinstance(event, MarketListed):
                self.instrument_ids |= {instrument.id for instrument in event.market.instruments}
            self.events_total += isinstance(event, COUNTED)
        if not self.events_total:
            raise TapeError(f"tape {path}: holds no market event; give another --tape")
        self.fingerprint = file_fingerprint(paths)

    def events(self) -> Iterator[MarketEvent]:
        """Play it in the order of its lines; breaks the books where nothing was recorded between two parts."""
        watch, before = _Watch(), None
        for path, header in self._headers.items():
            skipped = 0
            if before is not None and header.follows(before):
                skipped = header.carried
            elif before is not None:
                yield from watch.broken(f"nothing was recorded between two parts; the next is {path.name}")
            yield from self._part(path, skipped, watch)
            before = header

    def _part(self, path: Path, skipped: int, watch: "_Watch") -> Iterator[MarketEvent]:
        for number, line in enumerate(tape_lines(path, size=self._sizes[path]), start=1):
            if number <= 1 + skipped:
                continue
            event = self._decode(path, line, number)
            if watch.goes_back(event):
                raise TapeError(f"tape {path} line {number}: goes back in time; sort it by time_ns")
            yield event

    def _read_header(self, path: Path) -> Header:
        line = next(tape_lines(path, size=self._sizes[path]), b"")
        try:
            header = msgspec.json.decode(line, type=Header)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TapeError(
                f"tape {path}: is no tape of ours ({error}); give a tape or a folder of recorded books"
            ) from error
        if header.tape_version != VERSION:
            raise TapeError(f"tape {path}: has version {header.tape_version}, this program reads {VERSION}")
        return header

    def _decode(self, path: Path, line: bytes, number: int) -> MarketEvent:
        try:
            return self._decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TapeError(
                f"tape {path} line {number}: {error}; mend the line or give another --tape"
            ) from error


class _Watch:
    """What a play has come to: its time, and the instruments whose books are live."""

    def __init__(self) -> None:
        self._time_ns = self._epoch = 0
        self._live: dict[InstrumentId, None] = {}

    def goes_back(self, event: MarketEvent) -> bool:
        """Take an event in; say whether it stands in the wrong place."""
        if isinstance(event, PriceTick):
            return False
        if event.time_ns < self._time_ns:
            return True
        self._time_ns = event.time_ns
        if isinstance(event, FeedChanged):
            self._epoch = event.epoch
            for instrument_id in event.instrument_ids:
                self._live.pop(instrument_id, None)
            if event.is_live:
                self._live |= dict.fromkeys(event.instrument_ids)
        elif isinstance(event, MarketResolved):
            for instrument_id in event.payouts:
                self._live.pop(instrument_id, None)
        return False

    def broken(self, reason: str) -> Iterator[MarketEvent]:
        """The event that breaks all books that are live."""
        if self._live:
            lost, self._live = tuple(self._live), {}
            yield FeedChanged(
                time_ns=self._time_ns, instrument_ids=lost, is_live=False, epoch=self._epoch, reason=reason
            )


def parts_of(folder: Path) -> list[Path]:
    """The parts of the recordings in a folder, oldest first, without those in which nothing came to stand."""
    return sorted(path for path in folder.glob(PARTS) if path.stat().st_size)


class TapeEncoder:
    """Events and headers as lines of a tape, with their ends."""

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder(enc_hook=_encode_levels)

    def line(self, value: Struct) -> bytes:
        """Write a value; the same value gives the same bytes."""
        return self._encoder.encode(value) + b"\n"


def _encode_levels(value: object) -> list[object]:
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no place on a tape")


def write_tape(path: Path, events: Iterable[MarketEvent], *, label: str) -> int:
    """Write events as a gzip tape and return how many lines it has; the same events give the same bytes."""
    encoder, count = TapeEncoder(), 0
    lines = [encoder.line(Header(tape_version=VERSION, label=label))]
    with path.open("wb") as file:
        for event in events:
            lines.append(encoder.line(event))
            count += 1
            if len(lines) >= BLOCK_LINES:
                file.write(packed(b"".join(lines)))
                lines.clear()
        file.write(packed(b"".join(lines)))
    return count
