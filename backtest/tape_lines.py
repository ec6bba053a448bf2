"""The lines of a tape file that was perhaps cut short: compressed blocks one after the other, the last may be torn.

A recorder writes a whole gzip block twice a second, so that a killed process leaves all but its last moment.
"""

import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

from domain.errors import TapeError

GZIP = 31
"""What zlib calls a gzip header and trailer around the data."""

CHUNK_BYTES = 1 << 16
ENDING = ".gz"


def tape_lines(path: Path, *, size: int | None = None) -> Iterator[bytes]:
    """The lines of a plain or gzip file, without their ends; of a file that still grows, the first `size` bytes.

    A torn last block gives the lines that are whole in it. TapeError where the first is torn, so that nothing says
    what the file is, and for any other damage.
    """
    try:
        with path.open("rb") as file:
            chunks = _chunks(file, path.stat().st_size if size is None else size)
            blocks = _Blocks(chunks)
            rest = yield from _lines(blocks if path.suffix == ENDING else chunks)
            if rest and not blocks.is_torn:
                yield rest
    except (OSError, EOFError, zlib.error) as error:
        raise TapeError(
            f"tape {path}: cannot be read ({error}); fetch it again or give another --tape"
        ) from error


def packed(lines: bytes) -> bytes:
    """A block for the end of a gzip file; the same lines give the same bytes."""
    press = zlib.compressobj(wbits=GZIP)
    return press.compress(lines) + press.flush()


class _Blocks:
    """What was compressed, piece by piece; `is_torn` says in the end whether the last block was whole."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.is_torn = False
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        """Zeros between blocks are what a power cut leaves of a file that was growing."""
        block, count = zlib.decompressobj(GZIP), 0
        for chunk in self._chunks:
            rest = chunk if self.is_torn else chunk.lstrip(b"\0")
            while rest:
                yield block.decompress(rest)
                self.is_torn, rest = not block.eof, block.unused_data.lstrip(b"\0")
                if block.eof:
                    block, count = zlib.decompressobj(GZIP), count + 1
        if not count:
            raise EOFError("it ends within its first block")


def _chunks(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0 and (chunk := file.read(min(CHUNK_BYTES, size))):
        size -= len(chunk)
        yield chunk


def _lines(parts: Iterator[bytes] | _Blocks) -> Generator[bytes, None, bytes]:
    """Whole lines; returns what stands after the last end of a line."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        yield from whole
    return rest
