"""Recordings: one interface over a folder of recorded books and over our own tape files."""

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from domain.errors import TapeError
from domain.identifiers import InstrumentId
from domain.messages import MarketEvent

FINGERPRINT_BYTES = 1 << 20
"""Of a large file the first and the last of so many bytes are hashed, with its size."""


class Tape(Protocol):
    """A recording that can be played from its start any number of times, the same each time."""

    @property
    def label(self) -> str:
        """What people call it."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes where the recording changes."""
        ...

    @property
    def instrument_ids(self) -> frozenset[InstrumentId]:
        """The instruments that it lists."""
        ...

    @property
    def events_total(self) -> int:
        """Market events (snapshots and prints, rejected ones too) that it will play."""
        ...

    def events(self) -> Iterator[MarketEvent]:
        """Play it in order of time; raises TapeError that names the file and the line."""
        ...


def file_fingerprint(paths: list[Path]) -> str:
    """Hash size, beginning and end of the files."""
    state = hashlib.sha256()
    for path in paths:
        size = path.stat().st_size
        state.update(f"{path.name}:{size}:".encode())
        with path.open("rb") as file:
            state.update(file.read(FINGERPRINT_BYTES))
            file.seek(max(FINGERPRINT_BYTES, size - FINGERPRINT_BYTES))
            state.update(file.read(FINGERPRINT_BYTES))
    return state.hexdigest()[:16]


@contextmanager
def open_lines(path: Path) -> Iterator[BinaryIO]:
    """Open a plain or gzip file of lines; damage while reading raises TapeError that names the file."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            yield file  # type: ignore[misc]  # a gzip file reads as any binary file does
    except (OSError, EOFError, zlib.error) as error:
        raise TapeError(
            f"tape {path}: cannot be read ({error}); fetch it again or give another --tape"
        ) from error


def numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1."""
    return ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
