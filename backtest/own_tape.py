"""Our own tape: one file of JSON lines, a header and then market events; what recorders write and replays read."""

import gzip
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from backtest.tape import file_fingerprint, open_lines
from domain.errors import TapeError
from domain.identifiers import InstrumentId
from domain.messages import COUNTED, MarketEvent, MarketListed

VERSION = 1


class Header(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """First line of a tape; `label` says where it comes from, amounts in the lines below are decimal strings."""

    tape_version: int
    label: str


class OwnTape:
    """A tape file as a tape; opening it reads all of it once, so that a broken one is refused at the start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._decoder: msgspec.json.Decoder[MarketEvent] = msgspec.json.Decoder(MarketEvent)
        self.label = self._read_header().label
        self.instrument_ids: frozenset[InstrumentId] = frozenset()
        self.events_total = 0
        for event in self.events():
            if isinstance(event, MarketListed):
                self.instrument_ids |= {instrument.id for instrument in event.market.instruments}
            self.events_total += isinstance(event, COUNTED)
        if not self.events_total:
            raise TapeError(f"tape {path}: holds no market event; give another --tape")
        self.fingerprint = file_fingerprint([path])

    def events(self) -> Iterator[MarketEvent]:
        """Play it in the order of its lines, which is the order of time."""
        last_ns = 0
        with open_lines(self._path) as lines:
            next(lines)
            for number, line in enumerate(lines, start=2):
                event = self._decode(line, number)
                if event.time_ns < last_ns:
                    raise TapeError(f"tape {self._path} line {number}: goes back in time; sort it by time_ns")
                last_ns = event.time_ns
                yield event

    def _read_header(self) -> Header:
        with open_lines(self._path) as lines:
            line = lines.readline()
        try:
            header = msgspec.json.decode(line, type=Header)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TapeError(
                f"tape {self._path}: is no tape of ours ({error}); give a tape or a folder of recorded books"
            ) from error
        if header.tape_version != VERSION:
            raise TapeError(
                f"tape {self._path}: has version {header.tape_version}, this program reads {VERSION}"
            )
        return header

    def _decode(self, line: bytes, number: int) -> MarketEvent:
        try:
            return self._decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TapeError(
                f"tape {self._path} line {number}: {error}; mend the line or give another --tape"
            ) from error


def _encode_levels(value: object) -> list[object]:
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no place on a tape")


def write_tape(path: Path, events: Iterable[MarketEvent], *, label: str) -> int:
    """Write events as a gzip tape and return how many lines it has; the same events give the same bytes."""
    encoder = msgspec.json.Encoder(enc_hook=_encode_levels)
    count = 0
    with path.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0) as file:
        file.write(encoder.encode(Header(tape_version=VERSION, label=label)) + b"\n")
        for event in events:
            file.write(encoder.encode(event) + b"\n")
            count += 1
    return count
