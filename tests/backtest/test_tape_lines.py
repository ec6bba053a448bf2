"""Lines of compressed files that were cut short, damaged, or that go on growing."""

import gzip
import zlib
from pathlib import Path

import pytest

from backtest.tape_lines import CHUNK_BYTES, packed, tape_lines
from domain.errors import TapeError

FIRST, SECOND = b"one\ntwo\n", b"three\nfour\n"
ALL = [b"one", b"two", b"three", b"four"]


def written(folder: Path, content: bytes, name: str = "x.jsonl.gz") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_blocks_are_one_file_for_everybody(tmp_path: Path) -> None:
    path = written(tmp_path, packed(FIRST) + packed(SECOND))

    assert list(tape_lines(path)) == ALL
    assert gzip.decompress(path.read_bytes()) == FIRST + SECOND


@pytest.mark.parametrize("cut", range(1, len(packed(SECOND)) + 1))
def test_wherever_the_last_block_is_torn_every_line_that_comes_is_whole(tmp_path: Path, cut: int) -> None:
    path = written(tmp_path, (packed(FIRST) + packed(SECOND))[:-cut])

    lines = list(tape_lines(path))

    assert lines[:2] == ALL[:2]
    assert lines == ALL[: len(lines)]


def test_lines_may_be_longer_than_what_is_read_at_once(tmp_path: Path) -> None:
    long = bytes(number % 251 + 1 for number in range(3 * CHUNK_BYTES)).replace(b"\n", b" ")
    path = written(tmp_path, packed(long + b"\n") + packed(FIRST))

    assert list(tape_lines(path)) == [long, b"one", b"two"]


def test_of_a_file_that_grows_only_the_beginning_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, packed(FIRST) + packed(SECOND))

    assert list(tape_lines(path, size=len(packed(FIRST)))) == ALL[:2]


def test_zeros_behind_a_block_are_what_a_power_cut_leaves(tmp_path: Path) -> None:
    path = written(tmp_path, packed(FIRST) + b"\0" * (CHUNK_BYTES + 7) + packed(SECOND) + b"\0" * 5)

    assert list(tape_lines(path)) == ALL


def test_a_plain_file_may_lack_its_last_end_of_a_line(tmp_path: Path) -> None:
    assert list(tape_lines(written(tmp_path, b"one\ntwo", "x.jsonl"))) == ALL[:2]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(packed(FIRST)[:-1], id="torn in its first block"),
        pytest.param(b"no gzip at all", id="something else"),
        pytest.param(packed(FIRST) + b"garbage", id="garbage behind"),
        pytest.param(packed(FIRST)[:-8] + b"12345678" + packed(SECOND), id="a wrong check sum"),
    ],
)
def test_damage_is_told_with_the_name_of_the_file(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path, content)

    with pytest.raises(TapeError, match=f"tape {path}: cannot be read"):
        list(tape_lines(path))


def test_the_same_lines_give_the_same_bytes() -> None:
    assert packed(FIRST) == packed(FIRST)
    assert zlib.decompress(packed(FIRST), wbits=31) == FIRST
