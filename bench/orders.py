"""Intent → durable → handed to a venue that answers at once, everything included, against a bare group commit."""

import asyncio
import sqlite3
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import uvloop

from bench.parts import START_NS, Quoter, snapshot, wired
from bench.report import Row, percentile_ms, show
from domain.messages import ExecutionReport

BLOCKS, BLOCK = 12, 200
"""Orders and yardsticks take turns in blocks: a disk that is slow for a second is slow for all of them."""

IN_FLIGHT = 1_000
BATCHES = 10


def main() -> None:
    """Print latency one at a time and throughput with 1,000 in flight."""
    with scratch() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        alone = runner.run(one_at_a_time(folder))
        rate = runner.run(many_in_flight(folder / "many.db"))
    orders, grouped, blocking = (percentiles(seconds) for seconds in alone)
    show(
        "orders: intent → durable → handed to a zero-latency venue",
        "yardstick: a bare group commit (a thread commits one row, WAL, FULL, and wakes who awaits it)"
        f" at the rate of the orders: p50 {grouped[0]:.3f} ms, p99 {grouped[1]:.3f} ms",
        [
            Row("p50, one at a time", orders[0], "ms", orders[0] / grouped[0], "at most 2"),
            Row("p99, one at a time", orders[1], "ms", orders[1] / grouped[1], "at most 3"),
            Row(
                "p50 against blocking sqlite3 without a loop",
                orders[0],
                "ms",
                orders[0] / blocking[0],
                "to compare",
            ),
            Row(
                "p99 against blocking sqlite3 without a loop",
                orders[1],
                "ms",
                orders[1] / blocking[1],
                "to compare",
            ),
            Row("with 1,000 in flight", rate, "orders/s", rate * grouped[0] / 1000, "at least 5,000/s"),
        ],
    )


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """Milliseconds that half and 99 per cent of them do not exceed."""
    return percentile_ms(seconds, 50), percentile_ms(seconds, 99)


async def one_at_a_time(folder: Path) -> tuple[list[float], list[float], list[float]]:
    """Seconds of each order, of each bare group commit and of each blocking commit, in turns."""
    orders, grouped = OrderByOrder(folder / "one.db"), GroupCommit(folder / "group.db")
    bare = bare_connection(folder / "bare.db")

    async def block() -> float:
        return timed_commit(bare)

    seconds: tuple[list[float], list[float], list[float]] = ([], [], [])
    for number in range(BLOCKS + 1):
        start = time.perf_counter()
        taken = await at_rate(orders.place, 0)
        period_s = (time.perf_counter() - start) / BLOCK
        turns = taken, await at_rate(grouped.commit, period_s), await at_rate(block, period_s)
        for all_of, some in zip(seconds, turns, strict=True):
            all_of.extend(some if number else [])  # the first turn warms up
    bare.close()
    grouped.close()
    await orders.store.close()
    return seconds


async def at_rate(act: Callable[[], Awaitable[float]], period_s: float) -> list[float]:
    """What each of a block took, one after the other and no two within the period: at the rate of the orders."""
    seconds, due_s = [], time.perf_counter()
    for _ in range(BLOCK):
        while time.perf_counter() < due_s:
            pass  # nothing is under way that the loop could serve
        due_s += period_s
        seconds.append(await act())
    return seconds


class OrderByOrder:
    """The daemon's own parts with one order under way."""

    def __init__(self, path: Path) -> None:
        self._quoter = Quoter()
        self.store, self._engine, self._executor, self._timeline, self._venue = wired(path, [self._quoter])
        self._number = 0
        self._received_s = 0.0
        self._venue.connect(self._receive)

    async def place(self) -> float:
        """Seconds from the step that decides to the order at the venue; what follows is waited for, not counted."""
        self._number += 1
        self._timeline.advance(START_NS + self._number * 10**8)
        event = snapshot(self._timeline.now_ns())
        self._engine.take_market(event)
        start = time.perf_counter()
        self._executor.take(self._engine.step(self._quoter, event))
        while not self._executor.is_idle:
            await self._executor.settle()
        return self._received_s - start

    def _receive(self, report: ExecutionReport) -> None:
        """The venue answers in the same moment in which it is handed the order."""
        self._received_s = time.perf_counter()
        self._executor.report(report)


class GroupCommit:
    """The least that makes an awaited row durable without blocking the loop: the yardstick, nothing of ours in it."""

    def __init__(self, path: Path) -> None:
        self._connection = bare_connection(path)
        self._queue: SimpleQueue[asyncio.Future[None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    async def commit(self) -> float:
        """Seconds until the row is durable and its caller has been told."""
        start = time.perf_counter()
        await self.submit()
        return time.perf_counter() - start

    def submit(self) -> "asyncio.Future[None]":
        """Queue a row."""
        waiter = asyncio.get_running_loop().create_future()
        self._queue.put(waiter)
        return waiter

    def close(self) -> None:
        """End the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            batch = [self._queue.get()]
            while not self._queue.empty():
                batch.append(self._queue.get())
            waiters = [waiter for waiter in batch if waiter is not None]
            if waiters:
                commit_rows(self._connection, len(waiters))
                waiters[0].get_loop().call_soon_threadsafe(_wake, waiters)
            if len(waiters) < len(batch):
                self._connection.close()
                return


def _wake(waiters: "list[asyncio.Future[None]]") -> None:
    for waiter in waiters:
        waiter.set_result(None)


def bare_connection(path: Path) -> sqlite3.Connection:
    """A database with one table of one text column, as durable as ours."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, payload TEXT)")
    return connection


def commit_rows(connection: sqlite3.Connection, rows: int) -> None:
    """One transaction of so many rows."""
    connection.execute("BEGIN")
    for _ in range(rows):
        connection.execute("INSERT INTO t(payload) VALUES ('x')")
    connection.execute("COMMIT")


def timed_commit(connection: sqlite3.Connection) -> float:
    """Seconds of a commit of one row by nobody but sqlite3, which blocks its caller."""
    start = time.perf_counter()
    commit_rows(connection, 1)
    return time.perf_counter() - start


async def many_in_flight(path: Path) -> float:
    """Orders a second when a thousand decisions are taken before the first is waited for."""
    quoter = Quoter()
    store, engine, executor, timeline, _ = wired(path, [quoter])
    await executor.settle()
    start = time.perf_counter()
    for batch in range(BATCHES):
        for number in range(IN_FLIGHT):
            timeline.advance(START_NS + (batch * IN_FLIGHT + number) * 10**8)
            event = snapshot(timeline.now_ns())
            engine.take_market(event)
            executor.take(engine.step(quoter, event))
        while not executor.is_idle:
            await executor.settle()
    rate = BATCHES * IN_FLIGHT / (time.perf_counter() - start)
    await store.close()
    return rate


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards, beside the working directory: a memory disk would flatter."""
    with tempfile.TemporaryDirectory(dir=".", prefix=".bench-") as folder:
        yield Path(folder)


if __name__ == "__main__":
    main()
