"""The writer commits in order, many at once, and ends at the first error."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from domain.errors import StoreError
from domain.identifiers import SessionId
from storage import writer as writer_module
from storage.database import Database, open_database
from storage.rows import Row, Statement
from storage.writer import Mark, Write, Writer, runs_of

META = Statement("meta", "INSERT INTO meta(key, value) VALUES (?, ?)")
CHANGE = Statement("meta", "UPDATE meta SET value = ? WHERE key = ?")
INPUT = Statement(
    "inputs",
    "INSERT INTO inputs(session, position, kind, strategy, ordinal, reason) VALUES ('s1', ?, 'keep', '', 0, '')",
)


def write(key: str, value: str = "") -> Write:
    """One new row."""
    return Write((Row(META, (key, value)),))


def stored(path: Path) -> list[tuple[str, str]]:
    """What is in the table by now, in the order in which it came."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT key, value FROM meta ORDER BY key").fetchall()
    connection.close()
    return rows


@pytest.fixture(name="database")
def open_file(tmp_path: Path) -> Database:
    """A database whose connection the writer takes over and closes."""
    return open_database(tmp_path / "x.db")


def test_what_was_waited_for_is_on_disk(database: Database) -> None:
    async def scenario() -> list[tuple[str, str]]:
        writer = Writer(database.connection)
        for key in "abc":
            writer.submit(write(key))
        await writer.wait_durable()
        rows = stored(database.path)
        await writer.close()
        return rows

    rows = asyncio.run(scenario())

    database.close()
    assert rows == [("a", ""), ("b", ""), ("c", "")]


def test_closing_writes_what_is_queued_and_folds_the_log_in(database: Database) -> None:
    async def scenario() -> None:
        writer = Writer(database.connection)
        writer.submit(write("a"))
        await writer.close()
        await writer.close()

    asyncio.run(scenario())

    database.close()
    assert not database.path.with_name("x.db-wal").exists()
    assert stored(database.path) == [("a", "")]


def test_many_waiters_are_answered_in_one_commit_or_another(database: Database) -> None:
    async def one(writer: Writer, number: int) -> None:
        writer.submit(write(f"{number:04}"))
        await writer.wait_durable()

    async def scenario() -> None:
        writer = Writer(database.connection)
        async with asyncio.TaskGroup() as group:
            for number in range(200):
                group.create_task(one(writer, number))
        await writer.close()

    asyncio.run(scenario())

    database.close()
    assert [key for key, _ in stored(database.path)] == [f"{number:04}" for number in range(200)]


def test_a_waiter_that_is_cancelled_disturbs_nobody(database: Database) -> None:
    async def scenario() -> None:
        writer = Writer(database.connection)
        writer.submit(write("a"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await writer.wait_durable()
        writer.submit(write("b"))
        await writer.wait_durable()
        await writer.close()

    asyncio.run(scenario())

    database.close()
    assert [key for key, _ in stored(database.path)] == ["a", "b"]


def test_a_failed_batch_fails_for_all_that_wait_and_all_that_follows(database: Database) -> None:
    async def scenario() -> list[str]:
        writer = Writer(database.connection)
        writer.submit(write("a"))
        await writer.wait_durable()
        writer.submit(write("b"))
        writer.submit(write("a"))
        heard = []
        for _ in range(2):
            with pytest.raises(StoreError) as failure:
                await writer.wait_durable()
            heard.append(str(failure.value))
        with pytest.raises(StoreError):
            writer.submit(write("c"))
        await writer.close()
        return heard

    heard = asyncio.run(scenario())

    database.close()
    reason = (
        "a write failed (UNIQUE constraint failed: meta.key); reopen the store and re-read what is durable"
    )
    assert heard == [reason, reason]
    assert ("c", "") not in stored(database.path)


def test_a_batch_is_durable_as_a_whole_or_not_at_all(database: Database) -> None:
    async def scenario() -> None:
        writer = Writer(database.connection)
        writer.submit(Write((Row(META, ("a", "")), Row(META, ("b", "")), Row(META, ("a", "")))))
        with pytest.raises(StoreError):
            await writer.wait_durable()
        await writer.close()

    asyncio.run(scenario())

    database.close()
    assert stored(database.path) == []


def test_a_change_that_finds_no_row_is_an_error(database: Database) -> None:
    async def scenario() -> None:
        writer = Writer(database.connection)
        writer.submit(Write((Row(CHANGE, ("x", "missing")),)))
        with pytest.raises(StoreError, match="1 writes to meta changed 0 rows"):
            await writer.wait_durable()
        await writer.close()

    asyncio.run(scenario())

    database.close()


def test_a_mark_moves_with_its_rows(database: Database) -> None:
    database.connection.execute(
        "INSERT INTO sessions(session, status, fingerprint, opened_at, epoch) VALUES ('s1', 'open', '{}', '', 1)"
    )

    async def scenario() -> None:
        writer = Writer(database.connection)
        for sequence in (1, 2):
            mark = Mark(SessionId("s1"), sequence, 10 * sequence, 0, f"digest {sequence}", 1)
            writer.submit(write(str(sequence))._replace(mark=mark))
        writer.submit(write("no transaction"))
        await writer.close()

    asyncio.run(scenario())

    database.close()
    connection = sqlite3.connect(database.path)
    rows = connection.execute(
        "SELECT last_sequence, last_position, last_time, last_digest FROM sessions"
    ).fetchall()
    connection.close()
    assert rows == [(2, 20, "1970-01-01T00:00:00.000000Z", "digest 2")]


def test_a_queue_that_only_grows_is_an_error(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "PENDING_MAX", 0)

    async def scenario() -> None:
        writer = Writer(database.connection)
        with pytest.raises(StoreError, match="0 writes wait for the disk"):
            writer.submit(write("a"))
        await writer.close()

    asyncio.run(scenario())

    database.close()


def test_a_writer_whose_thread_has_ended_keeps_nobody_waiting(database: Database) -> None:
    async def scenario() -> None:
        writer = Writer(database.connection)
        await writer.close()
        with pytest.raises(StoreError, match="the store is closed"):
            writer.submit(write("a"))

    asyncio.run(scenario())

    database.close()


def test_rows_of_a_table_keep_their_order_and_gather_into_runs() -> None:
    rows = [
        Row(META, ("a", "1")),
        Row(INPUT, (1,)),
        Row(META, ("b", "1")),
        Row(CHANGE, ("2", "a")),
        Row(INPUT, (2,)),
        Row(META, ("c", "1")),
    ]

    assert list(runs_of(rows)) == [
        (META, [("a", "1"), ("b", "1")]),
        (CHANGE, [("2", "a")]),
        (META, [("c", "1")]),
        (INPUT, [(1,), (2,)]),
    ]
