"""A start goes on with the open session, or says which options keep it from doing so."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import SessionError
from storage.schema import migrate
from storage.sessions import begin_run, begin_session, bind_account, ended_cleanly
from tests.storage.samples import RUN

SETTINGS = {"market": "btc", "seed": "1"}


@pytest.fixture(name="connection")
def open_memory() -> Iterator[sqlite3.Connection]:
    """A new database in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, path=":memory:")
    yield connection
    connection.close()


def test_the_first_session_starts_at_nothing(connection: sqlite3.Connection) -> None:
    state = begin_session(connection, fingerprint=SETTINGS, fresh=False)

    assert state.session == "s1"
    assert not state.is_resumed
    assert (state.last_sequence, state.last_position, state.last_digest) == (0, 0, "")


def test_equal_options_resume_the_open_session(connection: sqlite3.Connection) -> None:
    begin_session(connection, fingerprint=SETTINGS, fresh=False)
    connection.execute("UPDATE sessions SET last_sequence = 7, last_position = 70, last_digest = 'd'")

    state = begin_session(connection, fingerprint=dict(reversed(SETTINGS.items())), fresh=False)

    assert state.session == "s1"
    assert state.is_resumed
    assert (state.last_sequence, state.last_position, state.last_digest) == (7, 70, "d")


def test_other_options_are_refused_by_name(connection: sqlite3.Connection) -> None:
    begin_session(connection, fingerprint={"market": "btc", "seed": "1", "tape": "a" * 64}, fresh=False)

    with pytest.raises(SessionError) as refusal:
        begin_session(connection, fingerprint={"market": "btc", "seed": "2", "cash": "1000"}, fresh=False)

    assert str(refusal.value) == (
        "session s1 is open with other options: cash was (not set), is 1000; seed was 1, is 2;"
        f" tape was {'a' * 40}…, is (not set); use the same options to go on with it,"
        " --new-session to abandon it, or another --db"
    )


def test_a_fresh_session_abandons_the_open_one(connection: sqlite3.Connection) -> None:
    begin_session(connection, fingerprint=SETTINGS, fresh=False)

    state = begin_session(connection, fingerprint=SETTINGS, fresh=True)

    assert (state.session, state.is_resumed) == ("s2", False)
    rows = connection.execute("SELECT session, status FROM sessions").fetchall()
    assert rows == [("s1", "abandoned"), ("s2", "open")]


def test_a_finished_session_is_followed_by_the_next(connection: sqlite3.Connection) -> None:
    begin_session(connection, fingerprint=SETTINGS, fresh=False)
    connection.execute("UPDATE sessions SET status = 'finished'")

    state = begin_session(connection, fingerprint=SETTINGS, fresh=False)

    assert (state.session, state.is_resumed) == ("s2", False)


def test_runs_are_numbered_in_their_session_and_a_killed_one_is_marked(
    connection: sqlite3.Connection,
) -> None:
    session = begin_session(connection, fingerprint=SETTINGS, fresh=False).session

    names = [begin_run(connection, session=session, run=RUN) for _ in range(2)]

    assert names == ["s1-r1", "s1-r2"]
    rows = connection.execute("SELECT run_id, outcome, strategies FROM runs").fetchall()
    assert rows == [("s1-r1", "killed", "sniper,quoter"), ("s1-r2", None, "sniper,quoter")]
    assert not ended_cleanly(connection)


def test_a_database_serves_one_kind_of_account(connection: sqlite3.Connection) -> None:
    path = Path("x.db")
    bind_account(connection, account_kind="paper on a recording", path=path)
    bind_account(connection, account_kind="paper on a recording", path=path)

    with pytest.raises(
        SessionError, match=r"x.db holds 'paper on a recording', this start is 'live'; .*--db"
    ):
        bind_account(connection, account_kind="live", path=path)
