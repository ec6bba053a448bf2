"""What the daemon sees of the store: open, begin, commit, wait, finish, close."""

import sqlite3
from contextlib import closing
from pathlib import Path

from clock import format_time, wall_ns
from domain.errors import DatabaseError, InvariantError, UserError
from domain.inputs import Input
from domain.records import Transaction
from domain.remembered import Remembered
from storage.continuity import Continuity
from storage.database import Database, cannot_be_used, open_database, read_only_uri
from storage.remembering import remember
from storage.rows import Origin, Row, Statement, rows_of
from storage.sessions import (
    RunInfo,
    SessionState,
    begin_run,
    begin_session,
    bind_account,
    ended_cleanly,
    read_inputs,
)
from storage.writer import Mark, Write, Writer

INPUT = Statement(
    "inputs",
    "INSERT INTO inputs(session, position, kind, strategy, ordinal, reason) VALUES (?, ?, ?, ?, ?, ?)",
)
RUN_ENDED = Statement("runs", "UPDATE runs SET ended_at = ?, outcome = ?, events = ? WHERE run_id = ?")
SESSION_FINISHED = Statement(
    "sessions", "UPDATE sessions SET status = 'finished', finished_at = ? WHERE session = ?"
)


class Store:
    """One database, locked for this process; after `begin` it also has a session and the thread that writes.

    Nothing may be sent or shown before `wait_durable` has returned for it. After a StoreError, close, discard
    memory, open again and re-read: what was in flight may be durable or not.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._running: _Running | None = None
        self._remembered: Remembered | None = None
        self._epoch = 0

    @classmethod
    def open(cls, path: Path, *, account_kind: str) -> "Store":
        """Lock, check and migrate the database at `path`, creating it where it is missing.

        Raises DatabaseError where the file cannot be used, SessionError where another kind of account has it
        (`paper on a recording`, `paper on live data`, `live`). Blocks: call it before the loop is busy.
        """
        database = open_database(path)
        try:
            with cannot_be_used(path):
                _check_after_crash(database)
                bind_account(database.connection, account_kind=account_kind, path=path)
        except UserError:
            database.close()
            raise
        return cls(database)

    def begin(
        self, *, fingerprint: dict[str, str], run: RunInfo, fresh: bool, is_replayed: bool = True
    ) -> SessionState:
        """Resume the open session or open the next, register the run, start the writer; once per store.

        A session that `is_replayed` repeats its transactions from the first; one on live data cannot, and goes on
        after its last from what `remembered` tells.

        Raises SessionError where the open session has another fingerprint and `fresh` does not abandon it.
        """
        if self._running is not None:
            raise InvariantError("a store begins once; open another one")
        connection = self._database.connection
        with cannot_be_used(self._database.path):
            state = begin_session(connection, fingerprint=fingerprint, fresh=fresh)
            run_id = begin_run(connection, session=state.session, run=run)
            inputs = read_inputs(connection, state.session)
            self._remembered = None if is_replayed else remember(connection, state.session)
        origin = Origin(state.session, run_id)
        continuity = Continuity(state, path=self._database.path, is_replayed=is_replayed)
        self._running = _Running(origin, continuity, inputs, Writer(connection))
        self._epoch = state.epoch
        return state

    def release(self) -> None:
        """Give up a store that has not begun, so that another can be opened; one that has is closed."""
        if self._running is not None:
            raise InvariantError("a store that has begun is closed with close, which waits for the writer")
        self._database.close()

    @property
    def run_id(self) -> str:
        """Name of this process's run, such as s1-r2."""
        return self._now.origin.run_id

    @property
    def is_catching_up(self) -> bool:
        """Say whether the session still re-executes what is durable: nothing may be sent meanwhile."""
        return self._now.continuity.is_catching_up

    def commit(self, transaction: Transaction) -> None:
        """Queue a transaction, first in, first out; one that is durable already is compared and not written.

        Raises InvariantError for a gap in the sequence, SessionError where a re-execution differs from what
        it repeats, ValueError for an amount that cannot be stored exactly, StoreError after a failed write.
        """
        now = self._now
        digest = now.continuity.take(transaction)
        if digest is None:
            return
        rows = tuple(row for record in transaction.records for row in rows_of(record, now.origin))
        sequence, position, time_ns = transaction.sequence, transaction.position, transaction.time_ns
        mark = Mark(now.origin.session, sequence, position, time_ns, digest, self._epoch)
        now.writer.submit(Write(rows, mark))

    async def wait_durable(self) -> None:
        """Return when all that was committed so far is on disk; StoreError where that is not certain."""
        await self._now.writer.wait_durable()

    @property
    def remembered(self) -> Remembered:
        """The session as its rows tell it, read once at the beginning; only of one that is not replayed."""
        assert self._remembered is not None, "a session that is replayed is not restored from rows"
        return self._remembered

    def knows_payload(self, venue_order_id: str) -> bool:
        """Say whether an order was ever prepared here that the venue knows by this id; reads the file."""
        with closing(sqlite3.connect(read_only_uri(self._database.path), uri=True)) as connection:
            query = "SELECT 1 FROM payloads WHERE venue_order_id = ?"
            return connection.execute(query, (venue_order_id,)).fetchone() is not None

    def inputs(self) -> list[Input]:
        """What was done to this session from outside before this process, in order: a re-execution repeats it."""
        return list(self._now.inputs)

    def add_input(self, given: Input) -> None:
        """Queue an input in front of whatever follows from it; it is durable before that is."""
        now = self._now
        values = (given.position, given.kind, given.strategy, given.ordinal, given.reason)
        now.writer.submit(Write((Row(INPUT, (now.origin.session, *values)),)))

    async def finish(self, outcome: str, session_is_finished: bool, events: int) -> None:
        """Write how the run ended, durably; a session that is not finished stays open and can be resumed.

        Raises SessionError where a session would be finished before it has repeated all that is durable.
        """
        now = self._now
        if session_is_finished:
            now.continuity.refuse_early_end()
        time = format_time(wall_ns())
        rows = [Row(RUN_ENDED, (time, outcome, events, now.origin.run_id))]
        if session_is_finished:
            rows.append(Row(SESSION_FINISHED, (time, now.origin.session)))
        now.writer.submit(Write(tuple(rows)))
        await now.writer.wait_durable()

    async def close(self) -> None:
        """Write what is queued, fold the log into the database file, release the lock; safe to call twice."""
        if self._running is not None:
            await self._running.writer.close()
        self._database.close()

    @property
    def _now(self) -> "_Running":
        if self._running is None:
            raise InvariantError("the store has no session yet; call begin first")
        return self._running


class _Running:
    """What a store has once a session has begun."""

    def __init__(self, origin: Origin, continuity: Continuity, inputs: list[Input], writer: Writer) -> None:
        self.origin = origin
        self.continuity = continuity
        self.inputs = inputs
        self.writer = writer


def _check_after_crash(database: Database) -> None:
    if ended_cleanly(database.connection):
        return
    (finding,) = database.connection.execute("PRAGMA quick_check(1)").fetchone()
    if finding != "ok":
        detail = finding.splitlines()[-1]
        raise DatabaseError(f"{database.path} is damaged ({detail}); restore a copy or give another --db")
