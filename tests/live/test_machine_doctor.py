"""The doctor's look at the machine: open keys, a broken database, a full disk, orders that wait for somebody."""

import asyncio
import fcntl
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from live.findings import Finding, Grade, exit_code, lines_of
from live.machine_doctor import disk, keys_at_rest, packages, redis_server, store, switches
from storage.database import open_database
from tests.live.people import settings_of
from venue_settings import VenueSettings


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of ours without a session."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "positions.db"
    open_database(path).close()
    return path


def add_order(db: Path, order_id: str, status: str) -> None:
    """Put an order into the table as it would stand after a crash; columns that do not matter are filled."""
    with closing(sqlite3.connect(db)) as connection:
        columns = connection.execute("PRAGMA table_info(orders)").fetchall()
        values = {name: "x" for _, name, _, is_needed, _, is_key in columns if is_needed or is_key}
        values |= {"id": order_id, "intent_id": order_id, "status": status, "side": "BUY"}
        marks = ", ".join("?" for _ in values)
        connection.execute(
            f"INSERT INTO orders({', '.join(values)}) VALUES ({marks})", tuple(values.values())
        )
        connection.commit()


def test_a_whole_database_is_ok_and_one_that_is_not_there_is_no_trouble(db: Path) -> None:
    assert [finding.grade for finding in store(db)] == [Grade.OK]
    assert [finding.grade for finding in store(db.with_name("new.db"))] == [Grade.OK]


def test_a_daemon_that_has_the_database_is_named(db: Path) -> None:
    with db.with_name(f"{db.name}.lock").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        (finding,) = store(db)

    assert "in use by process" in finding.words
    assert finding.grade is Grade.OK


def test_looking_at_the_lock_does_not_keep_a_daemon_out(db: Path) -> None:
    store(db)

    open_database(db).close()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"hello" * 1_000, id="no database"),
        pytest.param(b"SQLite format 3\x00" + b"\xff" * 5_000, id="cut"),
    ],
)
def test_what_is_no_database_is_bad(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "positions.db"
    path.write_bytes(content)

    assert [finding.grade for finding in store(path)] == [Grade.BAD]


def test_a_damaged_page_is_found(db: Path) -> None:
    content = bytearray(db.read_bytes())
    content[8_192:12_288] = b"\xa5" * 4_096
    db.write_bytes(content)

    assert store(db)[0].grade is Grade.BAD


def test_orders_that_wait_for_somebody_are_told_with_the_command(db: Path) -> None:
    add_order(db, "s1-1", "UNKNOWN")
    add_order(db, "s1-2", "QUARANTINED")

    _, in_doubt, quarantined = store(db)

    assert (in_doubt.grade, in_doubt.mend) == (Grade.WARN, "python orchestrator.py reconcile")
    assert (quarantined.grade, quarantined.mend) == (
        Grade.BAD,
        "python orchestrator.py decide s1-2 absent|open",
    )


def test_a_key_that_others_can_read_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    (finding,) = keys_at_rest(settings_of(exposed=("POLYMARKET_PRIVATE_KEY",)))

    assert finding.grade is Grade.BAD
    assert finding.mend == "chmod 600 .env"
    assert keys_at_rest(settings_of()) == []


def test_a_keystore_that_others_can_read_is_worth_knowing(tmp_path: Path) -> None:
    path = tmp_path / "k.json"
    path.touch(0o644)

    (finding,) = keys_at_rest(settings_of({"POLYMARKET_KEYSTORE": str(path)}))

    assert (finding.grade, finding.mend) == (Grade.WARN, f"chmod 600 {path}")


def test_the_switches_that_are_missing_are_named() -> None:
    (shut,) = switches(settings_of(venue=VenueSettings()))
    (ready,) = switches(settings_of({"LIVE_TRADING": "YES"}, venue=VenueSettings(notional_max=Decimal(1))))

    assert "LIVE_TRADING=yes, --notional-max AMOUNT missing" in shut.words
    assert (shut.grade, ready.grade) == (Grade.WARN, Grade.OK)


def test_the_packages_here_are_those_that_were_tested() -> None:
    assert packages().grade is Grade.OK


def test_the_disk_is_judged_by_what_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("live.machine_doctor.FREE_GB_LOW", 0)
    monkeypatch.setattr("live.machine_doctor.FREE_GB_MIN", 0)
    assert disk(tmp_path / "not" / "there" / "x.db").grade is Grade.OK

    monkeypatch.setattr("live.machine_doctor.FREE_GB_LOW", 10**9)
    assert disk(tmp_path / "x.db").grade is Grade.WARN

    monkeypatch.setattr("live.machine_doctor.FREE_GB_MIN", 10**9)
    assert disk(tmp_path / "x.db").grade is Grade.BAD


@pytest.mark.parametrize(
    ("url", "grade"),
    [
        pytest.param(None, Grade.OK, id="not used"),
        pytest.param("redis://127.0.0.1:1/0", Grade.WARN, id="nobody there"),
        pytest.param("http://:canary@x", Grade.BAD, id="no address of Redis"),
    ],
)
def test_redis_is_never_needed(url: str | None, grade: Grade) -> None:
    finding = asyncio.run(redis_server(settings_of({"REDIS_URL": url} if url else {})))

    assert finding.grade is grade
    assert "canary" not in finding.words


def test_the_report_ends_with_what_is_bad_and_its_exit_code_says_so() -> None:
    found = [
        Finding(what="b", grade=Grade.BAD, words="broken", mend="mend it"),
        Finding(what="a", grade=Grade.OK, words="fine"),
    ]

    assert lines_of(found) == [
        "ok    a  fine",
        "bad   b  broken",
        "         → mend it",
        "1 ok, 0 to know of, 1 to mend",
    ]
    assert exit_code(found) == 1
    assert exit_code(found[1:]) == 0
