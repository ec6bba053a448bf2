"""Measures what makes a write durable: bare sqlite3, aiosqlite, and the store with its own writer thread.

Run it on the disk that will hold the database, `TMPDIR=data python -m bench.storage_commit`: read the ratios.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

import aiosqlite
import uvloop

from domain.records import EventRecord, Transaction
from storage.database import PRAGMAS, open_database
from storage.rows import EVENT, Origin, rows_of
from storage.sessions import RunInfo
from storage.store import Store

COMMITS = 2_000
BURSTS = 20
BURST = 1_000
ROWS_OF_AN_ORDER = 6
BUSY_STEP_S = 0.001
BUSY_COMMITS = 200
BUSY_LIMIT_S = 5.0
DAEMON_SWITCH_INTERVAL_S = 1e-4

RUN = RunInfo(mode="bench", market="none", strategies=(), seed=0, config_hash="", version="")
RECORD = EventRecord(
    time_ns=1_790_596_800_000_000_000, kind="bench", source="bench", correlation_id="", payload="{}"
)
VALUES = rows_of(RECORD, Origin("s1", "s1-r1"))[0].values  # type: ignore[arg-type]

Write = Callable[[], Awaitable[None]]


class Measured(NamedTuple):
    """Latencies of single commits, and how many a second there were."""

    name: str
    latencies_s: list[float]
    per_second: float


def main() -> None:
    """Print latencies and rates, and each rate against aiosqlite's."""
    with tempfile.TemporaryDirectory() as name, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        folder = Path(name)
        measured = [bare(folder / "bare.db"), *runner.run(measure_all(folder))]
    reference = measured[1].per_second
    print(f"{'':<52}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'per s':>9}{'ratio':>7}")
    for name, latencies_s, per_second in measured:
        cuts = quantiles(latencies_s, n=100, method="inclusive")
        times = f"{cuts[49] * 1e3:>9.3f}{cuts[98] * 1e3:>9.3f}{max(latencies_s) * 1e3:>9.2f}"
        print(f"{name:<52}{times}{per_second:>9.0f}{per_second / reference:>7.1f}")


def bare(path: Path) -> Measured:
    """One row per commit, no thread, no loop: the floor of one connection on this disk."""
    database = open_database(path)
    latencies_s = []
    for _ in range(COMMITS):
        start = time.perf_counter()
        database.connection.execute(EVENT.sql, VALUES)
        latencies_s.append(time.perf_counter() - start)
    database.close()
    return Measured("sqlite3, one row per commit, blocking", latencies_s, COMMITS / sum(latencies_s))


async def measure_all(folder: Path) -> list[Measured]:
    """aiosqlite first: it is the reference of the ratios."""
    async with aiosqlite.connect(folder / "aiosqlite.db", isolation_level=None) as connection:
        await prepare(connection, folder / "aiosqlite.db")

        async def write() -> None:
            await connection.execute(EVENT.sql, VALUES)

        measured = [await one_at_a_time("aiosqlite, one await per write", write)]
        busy = [
            await under_load("aiosqlite", write, switch_s) for switch_s in (5e-3, DAEMON_SWITCH_INTERVAL_S)
        ]
    numbered = StoreUnderTest(folder / "store.db")
    measured += [
        await one_at_a_time("store, one transaction at a time", numbered.write),
        await in_bursts("store, 1,000 in flight, 1 row each", numbered, rows=1),
        await in_bursts("store, 1,000 in flight, 6 rows each (an order)", numbered, rows=ROWS_OF_AN_ORDER),
    ]
    busy += [
        await under_load("store", numbered.write, switch_s) for switch_s in (5e-3, DAEMON_SWITCH_INTERVAL_S)
    ]
    await numbered.store.close()
    return measured + busy


async def prepare(connection: aiosqlite.Connection, path: Path) -> None:
    """Give aiosqlite the very same tables and pragmas."""
    open_database(path).close()
    for pragma in PRAGMAS:
        await connection.execute(f"PRAGMA {pragma}")


class StoreUnderTest:
    """The real store, with transactions numbered as it wants them."""

    def __init__(self, path: Path) -> None:
        self.store = Store.open(path, account_kind="bench")
        self.store.begin(fingerprint={}, run=RUN, fresh=False)
        self._sequence = 0

    def commit(self, rows: int) -> None:
        """Queue the next transaction."""
        self._sequence += 1
        records = (RECORD,) * rows
        self.store.commit(
            Transaction(sequence=self._sequence, position=0, time_ns=RECORD.time_ns, records=records)
        )

    async def write(self) -> None:
        """Make one row durable."""
        self.commit(1)
        await self.store.wait_durable()


async def one_at_a_time(name: str, write: Write) -> Measured:
    """Each write waits for the one before it."""
    latencies_s = [await timed(write) for _ in range(COMMITS)]
    return Measured(name, latencies_s, COMMITS / sum(latencies_s))


async def in_bursts(name: str, numbered: StoreUnderTest, *, rows: int) -> Measured:
    """A thousand are queued, then all are waited for; a latency is that of a whole burst."""

    async def burst() -> None:
        for _ in range(BURST):
            numbered.commit(rows)
        await numbered.store.wait_durable()

    latencies_s = [await timed(burst) for _ in range(BURSTS)]
    return Measured(name, latencies_s, BURSTS * BURST / sum(latencies_s))


async def under_load(name: str, write: Write, switch_s: float) -> Measured:
    """Commit while another task keeps the loop busy in steps of 1 ms without a pause."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(switch_s)
    is_over = asyncio.Event()
    latencies_s: list[float] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(keep_busy(is_over), name="load")
        deadline_s = time.perf_counter() + BUSY_LIMIT_S
        while len(latencies_s) < BUSY_COMMITS and (len(latencies_s) < 2 or time.perf_counter() < deadline_s):
            latencies_s.append(await timed(write))
        is_over.set()
    sys.setswitchinterval(before_s)
    label = f"{name}, busy loop, switch interval {switch_s * 1e3:.1f} ms"
    return Measured(label, latencies_s, len(latencies_s) / sum(latencies_s))


async def keep_busy(is_over: asyncio.Event) -> None:
    """Burn the loop's time in steps."""
    while not is_over.is_set():
        end_s = time.perf_counter() + BUSY_STEP_S
        while time.perf_counter() < end_s:
            pass
        await asyncio.sleep(0)


async def timed(write: Write) -> float:
    """Seconds that one write takes, as its caller sees it."""
    start = time.perf_counter()
    await write()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
