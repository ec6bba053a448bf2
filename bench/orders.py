"""Intent → durable → handed to a venue that answers at once, everything included, against a bare one-row commit."""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from bench.parts import START_NS, Quoter, snapshot, wired
from bench.report import Row, percentile_ms, show

ORDERS = 2_000
IN_FLIGHT = 1_000
BATCHES = 10


def main() -> None:
    """Print latency one at a time and throughput with 1,000 in flight."""
    with scratch() as folder:
        bare = bare_commits(folder / "bare.db")
        one = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        with one:
            singles = one.run(one_at_a_time(folder / "one.db"))
            rate = one.run(many_in_flight(folder / "many.db"))
    yard50, yard99 = percentile_ms(bare, 50), percentile_ms(bare, 99)
    show(
        "orders: intent → durable → handed to a zero-latency venue",
        f"yardstick: bare sqlite3, one row a commit, WAL, FULL: p50 {yard50:.3f} ms, p99 {yard99:.3f} ms",
        [
            Row(
                "p50, one at a time",
                percentile_ms(singles, 50),
                "ms",
                percentile_ms(singles, 50) / yard50,
                "at most 2",
            ),
            Row(
                "p99, one at a time",
                percentile_ms(singles, 99),
                "ms",
                percentile_ms(singles, 99) / yard99,
                "at most 3",
            ),
            Row("with 1,000 in flight", rate, "orders/s", rate * yard50 / 1000, "at least 5,000/s"),
        ],
    )


def bare_commits(path: Path) -> list[float]:
    """Seconds of each commit of one row by nobody but sqlite3."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, payload TEXT)")
    seconds = []
    for _ in range(ORDERS):
        start = time.perf_counter()
        connection.execute("BEGIN")
        connection.execute("INSERT INTO t(payload) VALUES ('x')")
        connection.execute("COMMIT")
        seconds.append(time.perf_counter() - start)
    connection.close()
    return seconds


async def one_at_a_time(path: Path) -> list[float]:
    """Seconds from the step that decides to the order at the venue, each order alone."""
    quoter = Quoter()
    store, engine, executor, timeline, venue = wired(path, [quoter])
    await executor.settle()
    seconds = []
    for number in range(ORDERS):
        timeline.advance(START_NS + number * 10**8)
        event = snapshot(timeline.now_ns())
        engine.take_market(event)
        start = time.perf_counter()
        executor.take(engine.step(quoter, event))
        while venue.received <= number:
            await executor.settle()
        seconds.append(time.perf_counter() - start)
        while not executor.is_idle:
            await executor.settle()
    await store.close()
    return seconds


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
