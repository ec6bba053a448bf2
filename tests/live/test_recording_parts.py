"""Files of a recording: whole blocks, rotation, the bound on the disk, and a disk that has no room."""

import gzip
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from live.recording_parts import NS_PER_DAY, Bounds, Folder, Part, Parts

SMALL = Bounds(total_max=800, part_max=80, free_min=0)
LINES = b"line\n"


@contextmanager
def file_bytes_max(size: int) -> Iterator[None]:
    """Let the system refuse to write files beyond a size, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.gz"))


def test_what_was_appended_is_on_the_disk_at_once_and_whole(tmp_path: Path) -> None:
    part = Part(tmp_path / "x.gz")

    part.append(LINES)
    part.append(LINES)

    assert gzip.decompress((tmp_path / "x.gz").read_bytes()) == 2 * LINES
    assert part.size == (tmp_path / "x.gz").stat().st_size
    part.close()


def test_a_block_that_finds_no_room_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    part = Part(tmp_path / "x.gz")
    part.append(LINES)

    with file_bytes_max(part.size + 5), pytest.raises(OSError, match="File too large"):
        part.append(LINES)

    part.close()
    assert gzip.decompress((tmp_path / "x.gz").read_bytes()) == LINES


def test_a_part_in_which_nothing_came_to_stand_is_taken_away(tmp_path: Path) -> None:
    Part(tmp_path / "x.gz").close()

    assert names(tmp_path) == []


def test_another_part_is_due_by_size_and_by_day(tmp_path: Path) -> None:
    folder = Folder(tmp_path, SMALL)
    parts = Parts(folder, kind="tape", session="s")

    assert parts.is_due(0)
    parts.begin(LINES, time_ns=0)
    assert (parts.is_due(NS_PER_DAY - 1), parts.is_due(NS_PER_DAY)) == (False, True)
    while not parts.is_due(0):
        parts.append(LINES)
    parts.begin(LINES, time_ns=0)

    parts.close()
    folder.close()
    assert names(tmp_path) == ["tape-s-0001.jsonl.gz", "tape-s-0002.jsonl.gz"]
    assert (tmp_path / "tape-s-0001.jsonl.gz").stat().st_size >= SMALL.next_part_max
    assert parts.bytes == sum(path.stat().st_size for path in tmp_path.glob("*.gz"))


def test_the_oldest_parts_make_room_for_the_next_whatever_their_kind(tmp_path: Path) -> None:
    for name in ("tape-1-0001", "candles-2-0001", "tape-3-0001", "mine"):
        (tmp_path / f"{name}.jsonl.gz").write_bytes(bytes(250))
    folder = Folder(tmp_path, SMALL)

    folder.make_room()  # 750 of 800 are taken, and 2 * 80 are wanted

    folder.close()
    assert names(tmp_path) == ["candles-2-0001.jsonl.gz", "mine.jsonl.gz", "tape-3-0001.jsonl.gz"]
    assert folder.deleted == 1


def test_two_recorders_never_share_a_folder(tmp_path: Path) -> None:
    first = Folder(tmp_path, SMALL)

    with pytest.raises(ConfigurationError, match="another process records there"):
        Folder(tmp_path, SMALL)

    first.close()
    Folder(tmp_path, SMALL).close()


def test_a_place_that_cannot_be_a_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match="nothing can be recorded there"):
        Folder(tmp_path / "file", SMALL)


def test_the_last_of_the_disk_is_left_to_others(tmp_path: Path) -> None:
    folder = Folder(tmp_path, Bounds(free_min=2**62))

    with pytest.raises(OSError, match="stay free for the database"):
        folder.check_room()

    folder.close()
