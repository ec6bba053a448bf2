"""Sessions and runs: which story a start goes on with, and what the process that tells it is called."""

import sqlite3
from pathlib import Path

import msgspec
from msgspec import Struct

from clock import format_time, wall_ns
from domain.errors import SessionError
from domain.identifiers import SessionId
from domain.inputs import Input, InputKind

REMEDIES = "use the same options to go on with it, --new-session to abandon it, or another --db"
SHOWN_CHARACTERS_MAX = 40


class SessionState(Struct, frozen=True, kw_only=True):
    """Where a session stands: its last durable transaction, 0 and "" where it has none yet."""

    session: SessionId
    is_resumed: bool
    last_sequence: int
    last_position: int
    last_digest: str
    epoch: int = 0
    """How many processes have opened the session; only the latest may write."""


class RunInfo(Struct, frozen=True, kw_only=True):
    """How this process was started, for the `runs` table."""

    mode: str
    market: str
    strategies: tuple[str, ...]
    seed: int
    config_hash: str
    version: str


def bind_account(connection: sqlite3.Connection, *, account_kind: str, path: Path) -> None:
    """Give a new database to this kind of account; SessionError where it has another kind of money."""
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('account_kind', ?)", (account_kind,))
    (bound,) = connection.execute("SELECT value FROM meta WHERE key = 'account_kind'").fetchone()
    if bound != account_kind:
        raise SessionError(f"{path} holds {bound!r}, this start is {account_kind!r}; give another --db")


def ended_cleanly(connection: sqlite3.Connection) -> bool:
    """Say whether every run so far told its end; one that did not was killed, or lost its power."""
    return connection.execute("SELECT 1 FROM runs WHERE ended_at IS NULL").fetchone() is None


def begin_session(
    connection: sqlite3.Connection, *, fingerprint: dict[str, str], fresh: bool
) -> SessionState:
    """Go on with the open session or open the next one (s1, s2, …); `fresh` abandons the open one first.

    Raises SessionError where the open session was started with another fingerprint.
    """
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        if fresh:
            _abandon(connection)
        state = _open_session(connection, fingerprint) or _new_session(connection, fingerprint)
        return _raise_epoch(connection, state)


def begin_run(connection: sqlite3.Connection, *, session: SessionId, run: RunInfo) -> str:
    """Register this process and return its id (s1-r1, s1-r2, …); runs that were killed are marked so."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "UPDATE runs SET ended_at = ?, outcome = 'killed' WHERE ended_at IS NULL", (_now(),)
        )
        (runs,) = connection.execute("SELECT count(*) FROM runs WHERE session = ?", (session,)).fetchone()
        run_id, strategies = f"{session}-r{runs + 1}", ",".join(run.strategies)
        connection.execute(
            "INSERT INTO runs(run_id, session, started_at, mode, market, strategies, seed, config_hash,"
            " version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run_id,
                session,
                _now(),
                run.mode,
                run.market,
                strategies,
                run.seed,
                run.config_hash,
                run.version,
            ),
        )
    return run_id


def read_inputs(connection: sqlite3.Connection, session: SessionId) -> list[Input]:
    """What was done to this session from outside, in order."""
    rows = connection.execute(
        "SELECT position, kind, strategy, ordinal, reason FROM inputs WHERE session = ? ORDER BY id",
        (session,),
    )
    return [
        Input(position=position, kind=InputKind(kind), strategy=strategy, ordinal=ordinal, reason=reason)
        for position, kind, strategy, ordinal, reason in rows
    ]


def _abandon(connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE sessions SET status = 'abandoned', finished_at = ? WHERE status = 'open'", (_now(),)
    )


def _open_session(connection: sqlite3.Connection, fingerprint: dict[str, str]) -> SessionState | None:
    row = connection.execute(
        "SELECT session, fingerprint, last_sequence, last_position, last_digest"
        " FROM sessions WHERE status = 'open'"
    ).fetchone()
    if row is None:
        return None
    session, stored, last_sequence, last_position, last_digest = row
    _refuse_other(session, msgspec.json.decode(stored, type=dict[str, str]), fingerprint)
    return SessionState(
        session=SessionId(session),
        is_resumed=True,
        last_sequence=last_sequence,
        last_position=last_position,
        last_digest=last_digest,
    )


def _refuse_other(session: str, stored: dict[str, str], given: dict[str, str]) -> None:
    differences = [
        f"{key} was {_shown(stored.get(key))}, is {_shown(given.get(key))}"
        for key in sorted(stored.keys() | given.keys())
        if stored.get(key) != given.get(key)
    ]
    if differences:
        raise SessionError(
            f"session {session} is open with other options: {'; '.join(differences)}; {REMEDIES}"
        )


def _shown(value: str | None) -> str:
    if value is None:
        return "(not set)"
    return value if len(value) <= SHOWN_CHARACTERS_MAX else f"{value[:SHOWN_CHARACTERS_MAX]}…"


def _new_session(connection: sqlite3.Connection, fingerprint: dict[str, str]) -> SessionState:
    (sessions,) = connection.execute("SELECT count(*) FROM sessions").fetchone()
    session = SessionId(f"s{sessions + 1}")
    connection.execute(
        "INSERT INTO sessions(session, status, fingerprint, opened_at) VALUES (?, 'open', ?, ?)",
        (session, msgspec.json.encode(fingerprint, order="sorted").decode(), _now()),
    )
    return SessionState(session=session, is_resumed=False, last_sequence=0, last_position=0, last_digest="")


def _raise_epoch(connection: sqlite3.Connection, state: SessionState) -> SessionState:
    """From here on whatever an earlier process still writes fails: its transactions name an epoch that is over."""
    (epoch,) = connection.execute(
        "UPDATE sessions SET epoch = epoch + 1 WHERE session = ? RETURNING epoch", (state.session,)
    ).fetchone()
    return msgspec.structs.replace(state, epoch=epoch)


def _now() -> str:
    return format_time(wall_ns())
