"""The one writer: a thread with the only writing connection, which commits whatever has gathered."""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from queue import SimpleQueue
from typing import NamedTuple

from clock import format_time
from domain.errors import InvariantError, StoreError
from domain.identifiers import SessionId
from storage.retention import Retention
from storage.rows import Row, Statement, Values

PENDING_MAX = 100_000
"""Writes that may wait for the disk; more means that it cannot keep up, and memory must not run ahead."""

CHUNKS = (64, 16, 4, 2, 1)
"""Rows that one INSERT takes at once: few sizes, so that each stays prepared."""

MARK = (
    "UPDATE sessions SET last_sequence = ?, last_position = ?, last_time = ?, last_digest = ?"
    " WHERE session = ? AND epoch = ?"
)


class Mark(NamedTuple):
    """How far the session is when a transaction is durable."""

    session: SessionId
    sequence: int
    position: int
    time_ns: int
    digest: str
    epoch: int


class Write(NamedTuple):
    """Rows that become durable together; the mark moves with them, None where they are no transaction."""

    rows: tuple[Row, ...]
    mark: Mark | None = None


class Writer:
    """Makes writes durable in the order in which they were submitted, many in one commit.

    There is no timer: while one commit runs, the next batch gathers. The thread needs the interpreter
    between its calls into SQLite, and a loop that is busy in short steps gives it away only once in a switch
    interval: the orchestrator sets `sys.setswitchinterval(1e-4)`, or a commit can wait for seconds.

    The first error ends the writer, since a failed COMMIT may have been durable: reopen and re-read.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._retention = Retention(connection)
        self._queue: SimpleQueue[Write | None] = SimpleQueue()
        self._guard = threading.Lock()
        self._submitted = 0
        self._durable = 0
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._is_closed = False
        self._cause: sqlite3.Error | InvariantError | None = None
        # A daemon thread: a process that ends without closing loses nothing that was called durable.
        self._thread = threading.Thread(target=self._run, name="storage writer", daemon=True)
        self._thread.start()

    def submit(self, write: Write) -> None:
        """Queue a write; never waits. Raises StoreError once the writer has ended, or where too many wait."""
        if self._is_closed:
            raise self._error()
        if self._submitted - self._durable >= PENDING_MAX:
            raise StoreError(f"{PENDING_MAX} writes wait for the disk; it is too slow for this rate")
        self._submitted += 1
        self._queue.put(write)

    async def wait_durable(self) -> None:
        """Return when all that was submitted so far is on disk; StoreError where that is not certain."""
        with self._guard:
            if self._durable >= self._submitted:
                return
            if self._is_closed:
                raise self._error()
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append((self._submitted, waiter))
        await waiter

    async def close(self) -> None:
        """Write what is queued, move the log into the database file, end the thread; safe to call twice."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        try:
            self._retention.fold_everything()
            for batch in self._batches():
                self._commit(batch)
                self._acknowledge(len(batch))
            self._retention.fold_everything()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except (sqlite3.Error, InvariantError) as error:
            self._cause = error
        finally:
            # Whatever ended the thread, nobody waits for it in vain.
            self._end()

    def _batches(self) -> Iterator[list[Write]]:
        """Yield whatever has gathered, as soon as there is something, until closed."""
        gathered: list[Write | None] = []
        while None not in gathered:
            gathered = [self._queue.get()]
            while not self._queue.empty():
                gathered.append(self._queue.get())
            if batch := [write for write in gathered if write is not None]:
                yield batch

    def _commit(self, batch: list[Write]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for statement, rows in runs_of(row for write in batch for row in write.rows):
            changed = self._write(statement, rows)
            if changed != len(rows):
                raise InvariantError(
                    f"{len(rows)} writes to {statement.table} changed {changed} rows, first of them {rows[0]}"
                )
        mark = next((write.mark for write in reversed(batch) if write.mark), None)
        if mark is not None:
            time = format_time(mark.time_ns)
            where = (mark.session, mark.epoch)
            moved = self._connection.execute(MARK, (mark.sequence, mark.position, time, mark.digest, *where))
            if moved.rowcount != 1:
                raise InvariantError(
                    f"session {mark.session} was taken over by another process: nothing is written"
                )
            self._retention.fold_due(mark.session, mark.time_ns)
        self._connection.execute("COMMIT")

    def _write(self, statement: Statement, rows: list[Values]) -> int:
        """Write many rows in few steps, and return how many they changed.

        SQLite's module gives the interpreter lock away around every step and has to win it back from a busy loop
        after it: a step for each row costs a commit under load most of its time.
        """
        if len(rows) == 1:
            return self._connection.execute(statement.sql, rows[0]).rowcount
        if not statement.is_insert:
            return self._connection.executemany(statement.sql, rows).rowcount
        changed = start = 0
        for count in CHUNKS:
            while len(rows) - start >= count:
                values = list(chain.from_iterable(rows[start : start + count]))
                changed += self._connection.execute(sql_for(statement, count), values).rowcount
                start += count
        return changed

    def _acknowledge(self, writes: int) -> None:
        """Tell those whose writes are durable by now, with one call into the loop for the whole batch."""
        with self._guard:
            self._durable += writes
            waiters = []
            while self._waiters and self._waiters[0][0] <= self._durable:
                waiters.append(self._waiters.popleft()[1])
        if waiters:
            _call_in_loop(waiters, None)

    def _end(self) -> None:
        with self._guard:
            self._is_closed = True
            waiters = [waiter for _, waiter in self._waiters]
            self._waiters.clear()
        if waiters:
            _call_in_loop(waiters, self._error())
        # Rolls back what was not committed.
        self._connection.close()

    def _error(self) -> StoreError:
        if self._cause is None:
            return StoreError("the store is closed; reopen it and re-read what is durable")
        error = StoreError(f"a write failed ({self._cause}); reopen the store and re-read what is durable")
        error.__cause__ = self._cause
        return error


def runs_of(rows: Iterable[Row]) -> Iterator[tuple[Statement, list[Values]]]:
    """Gather rows into long runs for `executemany`: table by table, within a table in the order given.

    Tables may change places because nothing in a commit reads from another one: foreign keys are checked at
    its end. Within a table order is meaning: the latest upsert wins, a settlement follows its fill.
    """
    tables: dict[str, list[tuple[Statement, list[Values]]]] = {}
    for statement, values in rows:
        runs = tables.setdefault(statement.table, [])
        if runs and runs[-1][0] is statement:
            runs[-1][1].append(values)
        else:
            runs.append((statement, [values]))
    for runs in tables.values():
        yield from runs


@lru_cache(maxsize=128)
def sql_for(statement: Statement, count: int) -> str:
    """The INSERT with `count` groups of values instead of one; an upsert treats them in order, one by one."""
    head, _, rest = statement.sql.partition(" VALUES ")
    group, closing, tail = rest.partition(")")
    return f"{head} VALUES {', '.join([group + closing] * count)}{tail}"


def _call_in_loop(waiters: list[asyncio.Future[None]], error: StoreError | None) -> None:
    # A loop that was closed in the meantime has nobody left who waits.
    with suppress(RuntimeError):
        waiters[0].get_loop().call_soon_threadsafe(_resolve, waiters, error)


def _resolve(waiters: list[asyncio.Future[None]], error: StoreError | None) -> None:
    for waiter in waiters:
        if waiter.done():  # cancelled meanwhile
            continue
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)
