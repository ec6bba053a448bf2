"""Files of a recording: blocks that are whole on the disk, a new part by size and by day, a bound on all of them."""

import contextlib
import errno
import fcntl
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from backtest.tape_lines import packed
from clock import NS_PER_S
from domain.errors import ConfigurationError

NS_PER_DAY = 86_400 * NS_PER_S
LOCK_NAME = ".recording"
KINDS = ("tape", "candles")
MEGABYTE = 1_000_000
SHARE_OF_ALL = 8
"""A part is at most so small a share of all: what the bound takes away is never much at once."""


class Bounds(Struct, frozen=True, kw_only=True):
    """How much a recording may take of the disk, in bytes, and of the memory, in events."""

    total_max: int = 10_000 * MEGABYTE
    """All parts in the folder, earlier recordings too: beyond, the oldest parts are deleted."""
    part_max: int = 64 * MEGABYTE
    free_min: int = 256 * MEGABYTE
    """What has to stay free: the database of the orders is on the same disk, more often than not."""
    waiting_max: int = 200_000
    """Events that may wait for the disk. Beyond, books, prints, prices and wallets are lost, and the tape says so."""
    block_events_max: int = 20_000
    flush_s: float = 0.5
    """What a process that is killed has not written yet is no older."""

    @property
    def next_part_max(self) -> int:
        """Size at which a part is followed by another."""
        return min(self.part_max, self.total_max // SHARE_OF_ALL)


class Folder:
    """A folder in which one recorder writes; ConfigurationError where another does, or where it cannot be used."""

    def __init__(self, path: Path, bounds: Bounds) -> None:
        self.path, self.bounds = path, bounds
        self.deleted = 0
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(path / LOCK_NAME)
        except BlockingIOError as error:
            raise ConfigurationError(f"{path}: another process records there; give another folder") from error
        except OSError as error:
            raise ConfigurationError(
                f"{path}: nothing can be recorded there ({error.strerror}); give another folder"
            ) from error

    def close(self) -> None:
        """Let another recorder write here."""
        self._lock.close()

    def check_room(self) -> None:
        """Raise OSError before the disk is full: others need it more."""
        free = shutil.disk_usage(self.path).free
        if free < self.bounds.free_min:
            left, kept = free // MEGABYTE, self.bounds.free_min // MEGABYTE
            raise OSError(errno.ENOSPC, f"{left} MB are free, and {kept} MB stay free for the database")

    def make_room(self) -> None:
        """Delete the oldest parts until another one fits below the bound."""
        parts = sorted(self._parts(), key=lambda path: path.name.partition("-")[2])
        sizes = [part.stat().st_size for part in parts]
        excess = sum(sizes) + len(KINDS) * self.bounds.next_part_max - self.bounds.total_max
        for part, size in zip(parts, sizes, strict=True):
            if excess <= 0:
                return
            part.unlink(missing_ok=True)
            self.deleted += 1
            excess -= size

    def _parts(self) -> list[Path]:
        return [path for kind in KINDS for path in self.path.glob(f"{kind}-*.jsonl.gz")]


def _locked(path: Path) -> BinaryIO:
    file = path.open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise
    return file


class Part:
    """One file; every block that was appended is there as a whole, or not at all."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self.path, self.size = path, 0
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)

    def append(self, lines: bytes) -> None:
        """Compress lines and write them in one go. Raises OSError, and then leaves the file as it was."""
        block = packed(lines)
        try:
            written = 0
            while written < len(block):
                written += os.write(self._file, block[written:])
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self.size)
            raise
        self.size += len(block)

    def close(self) -> None:
        """Close the file; one that is empty is removed."""
        os.close(self._file)
        if not self.size:
            self.path.unlink(missing_ok=True)


class Parts:
    """The parts of one kind of one recording, one after the other."""

    def __init__(self, folder: Folder, *, kind: str, session: str) -> None:
        self.count = self.bytes = 0
        self._folder, self._kind, self._session = folder, kind, session
        self._part: Part | None = None
        self._day = 0

    def is_due(self, time_ns: int) -> bool:
        """Say whether another part is to be begun: none is open, it is full, or another day has begun."""
        part = self._part
        return (
            part is None
            or part.size >= self._folder.bounds.next_part_max
            or time_ns // NS_PER_DAY != self._day
        )

    def begin(self, head: bytes, *, time_ns: int) -> None:
        """Begin the next part with these lines. Raises OSError."""
        self.close()
        self._folder.make_room()
        name = f"{self._kind}-{self._session}-{self.count + 1:04d}.jsonl.gz"
        self._part, self._day = Part(self._folder.path / name), time_ns // NS_PER_DAY
        self.count += 1
        self._append(self._part, head)

    def append(self, lines: bytes) -> None:
        """Write lines behind the others. Raises OSError."""
        assert self._part is not None, "no part was begun"
        self._folder.check_room()
        self._append(self._part, lines)

    def close(self) -> None:
        """Close what is open."""
        if self._part is not None:
            self._part.close()
            self._part = None

    def _append(self, part: Part, lines: bytes) -> None:
        before = part.size
        part.append(lines)
        self.bytes += part.size - before
