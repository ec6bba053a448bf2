"""The store as the daemon uses it: sessions go on where they stopped, and nothing acknowledged is lost."""

import asyncio
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from domain.errors import DatabaseError, InvariantError, SessionError, StoreError
from domain.inputs import Input, InputKind
from domain.records import Transaction
from storage.sessions import SessionState
from storage.store import Store
from tests.storage import crashing_daemon
from tests.storage.samples import RUN, event, fill, placed, transaction, whole_chain

ROOT = Path(__file__).parents[2]
SETTINGS = {"market": "btc"}


def start(path: Path, *, fresh: bool = False) -> tuple[Store, SessionState]:
    """Open the store and begin."""
    store = Store.open(path, account_kind="paper on a recording")
    return store, store.begin(fingerprint=SETTINGS, run=RUN, fresh=fresh)


async def run_to_end(path: Path, *transactions: Transaction, is_finished: bool = False) -> SessionState:
    """One whole life of a daemon."""
    store, state = start(path)
    try:
        for item in transactions:
            store.commit(item)
        await store.wait_durable()
        await store.finish("stopped", is_finished, 7)
    finally:
        await store.close()
    return state


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """What a person sees in the sqlite3 shell."""
    connection = sqlite3.connect(path)
    found = connection.execute(query).fetchall()
    connection.close()
    return found


def test_the_queries_that_people_know_work(tmp_path: Path) -> None:
    path = tmp_path / "x.db"

    asyncio.run(run_to_end(path, *whole_chain()))

    (latest,) = rows(path, "SELECT * FROM trades ORDER BY timestamp DESC LIMIT 10;")
    assert latest[1:8] == (
        *("2026-09-28T12:00:01.000000Z", "s1", "sniper", "paper", "btc-up-1200", "UP", "BUY"),
    )
    volume = rows(path, "SELECT COUNT(*) AS total_trades, SUM(size) AS volume FROM trades;")
    assert volume == [(1, 20.25)]
    unbalanced = rows(
        path, "SELECT transfer_id FROM ledger GROUP BY transfer_id, asset HAVING SUM(units) != 0"
    )
    assert unbalanced == []


def test_a_run_that_ends_in_order_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.db"

    asyncio.run(run_to_end(path, placed(1), is_finished=True))

    assert rows(path, "SELECT run_id, mode, outcome, events, ended_at > started_at FROM runs") == [
        ("s1-r1", "replay", "stopped", 7, 1)
    ]
    assert rows(path, "SELECT session, status, last_sequence FROM sessions") == [("s1", "finished", 1)]


def test_a_resumed_session_repeats_without_writing_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    asyncio.run(run_to_end(path, placed(1), placed(2)))

    async def second_life() -> list[bool]:
        store, state = start(path)
        assert state.is_resumed
        assert (state.last_sequence, state.last_position) == (2, 20)
        catching_up = [store.is_catching_up]
        for sequence in (1, 2, 3):
            store.commit(placed(sequence))
            catching_up.append(store.is_catching_up)
        await store.wait_durable()
        await store.close()
        return catching_up

    assert asyncio.run(second_life()) == [True, True, False, False]
    assert rows(path, "SELECT count(*) FROM orders") == [(3,)]
    assert rows(path, "SELECT last_sequence FROM sessions") == [(3,)]


def test_two_lives_end_with_the_digest_of_one(tmp_path: Path) -> None:
    asyncio.run(run_to_end(tmp_path / "one.db", placed(1), placed(2)))
    asyncio.run(run_to_end(tmp_path / "two.db", placed(1)))

    asyncio.run(run_to_end(tmp_path / "two.db", placed(1), placed(2)))

    digest = "SELECT last_digest FROM sessions"
    assert rows(tmp_path / "one.db", digest) == rows(tmp_path / "two.db", digest)


def test_a_session_that_repeats_otherwise_is_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    asyncio.run(run_to_end(path, transaction(1, event()), transaction(2, event())))

    with pytest.raises(SessionError) as refusal:
        asyncio.run(run_to_end(path, transaction(1, event(payload="other")), transaction(2, event())))

    assert str(refusal.value) == (
        f"the session in {path} cannot be continued: what this run did differs from the transactions 1 to 2"
        " stored (code, tape or settings changed); use --new-session or another --db"
    )
    assert rows(path, "SELECT count(*) FROM events") == [(2,)]


def test_a_session_does_not_finish_before_it_has_repeated_what_is_durable(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    asyncio.run(run_to_end(path, placed(1), placed(2)))

    with pytest.raises(SessionError, match="cannot be continued"):
        asyncio.run(run_to_end(path, placed(1), is_finished=True))

    assert rows(path, "SELECT status FROM sessions") == [("open",)]


@pytest.mark.parametrize(
    "sequences",
    [pytest.param((2,), id="gap"), pytest.param((1, 1), id="again"), pytest.param((0,), id="zero")],
)
def test_sequences_count_up_by_one(tmp_path: Path, sequences: tuple[int, ...]) -> None:
    with pytest.raises(InvariantError, match="sequences count up by one"):
        asyncio.run(run_to_end(tmp_path / "x.db", *(placed(sequence) for sequence in sequences)))


def test_a_failed_commit_ends_the_store_and_a_new_one_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "x.db"

    async def first_life() -> None:
        store, _ = start(path)
        store.commit(placed(1))
        await store.wait_durable()
        store.commit(transaction(2, fill()))  # its order is missing
        with pytest.raises(StoreError, match="FOREIGN KEY"):
            await store.wait_durable()
        with pytest.raises(StoreError):
            store.commit(placed(3))
        await store.close()
        await store.close()

    asyncio.run(first_life())
    state = asyncio.run(run_to_end(path, placed(1), placed(2)))

    assert state.last_sequence == 1
    assert rows(path, "SELECT count(*) FROM orders") == [(2,)]


def test_what_was_done_from_outside_is_there_after_a_restart_in_order(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    given = [
        Input(position=12, kind=InputKind.PAUSE, strategy="sniper", reason="a person"),
        Input(position=12, kind=InputKind.KEEP),
        Input(position=11, kind=InputKind.HALT, strategy="sniper", ordinal=7, reason="hung"),
    ]

    async def first_life() -> None:
        store, _ = start(path)
        for item in given:
            store.add_input(item)
        await store.close()

    async def second_life() -> list[Input]:
        store, _ = start(path)
        inputs = store.inputs()
        await store.close()
        return inputs

    asyncio.run(first_life())

    assert asyncio.run(second_life()) == given


def test_another_kind_of_account_gets_no_store_and_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    asyncio.run(run_to_end(path))

    with pytest.raises(SessionError, match="holds 'paper on a recording', this start is 'live'"):
        Store.open(path, account_kind="live")

    asyncio.run(run_to_end(path))


def test_a_store_that_could_not_begin_is_released_for_the_next(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    asyncio.run(run_to_end(path))
    store = Store.open(path, account_kind="paper on a recording")
    with pytest.raises(SessionError, match="market was btc, is eth"):
        store.begin(fingerprint={"market": "eth"}, run=RUN, fresh=False)

    store.release()

    assert asyncio.run(run_to_end(path)).is_resumed


def test_a_store_that_has_begun_is_not_released_under_its_writer(tmp_path: Path) -> None:
    async def scenario() -> None:
        store, _ = start(tmp_path / "x.db")
        with pytest.raises(InvariantError, match="closed with close"):
            store.release()
        await store.close()

    asyncio.run(scenario())


def test_a_store_without_a_session_takes_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "x.db", account_kind="live")

    with pytest.raises(InvariantError, match="call begin first"):
        store.commit(placed(1))

    asyncio.run(store.close())


def test_a_damaged_database_is_noticed_after_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "x.db"

    async def killed_life() -> None:
        store, _ = start(path)
        for sequence in range(1, 200):
            store.commit(placed(sequence))
        await store.close()  # without finish, as a killed process

    asyncio.run(killed_life())
    with path.open("r+b") as file:
        file.seek(8 * 4096)
        file.write(b"\xff" * 4096 * 8)

    with pytest.raises(DatabaseError, match=r"x\.db (is damaged|cannot be used).* give another --db"):
        Store.open(path, account_kind="paper on a recording")


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    chance = random.Random(7)

    for _ in range(8):
        acknowledged = acknowledged_before_a_kill(path, lines=chance.randint(1, 40))

        (durable,) = rows(path, "SELECT last_sequence FROM sessions")[0]
        assert isinstance(durable, int)
        assert durable >= acknowledged
        assert rows(path, "SELECT count(*) FROM orders") == [(durable,)]
        assert rows(path, "SELECT count(*), sum(units) FROM ledger") == [(2 * durable, 0)]
        assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(path, "SELECT count(*) FROM sessions") == [(1,)]
    assert rows(path, "SELECT count(*) FROM runs WHERE outcome = 'killed'") == [(7,)]


def acknowledged_before_a_kill(path: Path, *, lines: int) -> int:
    """Start a daemon, kill it after it has acknowledged some bursts, and return the last one it told of."""
    command = [sys.executable, "-m", crashing_daemon.__name__, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        heard = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        heard += process.stdout.readlines()
    return max(int(line) for line in heard if line.endswith("\n"))
