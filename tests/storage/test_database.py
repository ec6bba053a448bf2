"""A path that cannot be used is refused in one line that says what helps."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.errors import DatabaseError
from storage.database import Lock, open_database, require


def test_a_new_database_and_its_folder_are_created(tmp_path: Path) -> None:
    path = tmp_path / "data" / "live" / "positions.db"

    database = open_database(path)

    modes = [
        database.connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous")
    ]
    database.close()
    assert modes == ["wal", 2]  # 2 is FULL


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.touch()

    open_database(path).close()

    require(path)


def test_a_second_daemon_is_told_who_holds_the_database(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    first = open_database(path)

    with pytest.raises(DatabaseError) as refusal:
        open_database(path)

    first.close()
    assert str(refusal.value) == f"{path} is in use by process {os.getpid()}; stop it or give another --db"


def test_a_closed_database_can_be_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "x.db"

    for _ in range(2):
        database = open_database(path)
        database.close()
        database.close()


def test_a_refused_database_is_not_left_locked(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    open_database(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(DatabaseError, match="schema 99"):
        open_database(path)

    Lock(path).release()


def make_text(path: Path) -> None:
    """Leave somebody's notes at the path."""
    path.write_text("dear diary, today I lost 20 pUSD\n")


def make_foreign(path: Path) -> None:
    """Leave the database of another program at the path."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks(url TEXT)")
    connection.close()


def make_damaged(path: Path) -> None:
    """Leave only the header of a database at the path."""
    path.write_bytes(b"SQLite format 3\x00" + b"\xff" * 4096)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(make_text, "is not a SQLite database", id="text"),
        pytest.param(make_foreign, "is the database of another program", id="foreign"),
        pytest.param(make_damaged, "cannot be used: ", id="damaged"),
        pytest.param(Path.mkdir, "is not a file", id="folder"),
    ],
)
def test_what_is_no_database_of_ours_is_refused_and_left_alone(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    path = tmp_path / "x.db"
    make(path)
    before = sorted(tmp_path.iterdir())

    with pytest.raises(DatabaseError) as refusal:
        open_database(path)

    message = str(refusal.value)
    assert message.startswith(f"{path} {reason}")
    assert "--db" in message
    assert "\n" not in message
    assert sorted(tmp_path.iterdir()) == before


def test_a_parent_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")

    with pytest.raises(DatabaseError, match="data is not a folder; give another --db"):
        open_database(tmp_path / "data" / "x.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(DatabaseError, match="cannot be used: Permission denied"):
        open_database(tmp_path / "x.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    open_database(path).close()
    path.chmod(0o400)

    with pytest.raises(DatabaseError, match="cannot be written; change its permissions"):
        open_database(path)


def test_reading_needs_a_session(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="has no session; give the --db of a run"):
        require(tmp_path / "missing.db")
