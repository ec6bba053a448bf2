"""Starts the real daemon as a process of its own and reads what it left, as a person at a shell would."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

ROOT = Path(__file__).resolve().parents[2]
EMBEDDED = ROOT / "data" / "books_btc15m"
EVENTS = 21_018
REPLAY = ("--market", "replay")
RUN_S_MAX = 120
REFUSAL_S_MAX = 4
REFUSAL_CPU_S_MAX, BUSY_S_MAX = 2, 30
"""The promise is 2 s, and CI machines are shared: they get twice that. Where other jobs take even more of the
machine, 2 s of processor time are as good a proof."""

STOP_S_MAX = 5
TABLES = (
    *("trades", "orders", "order_events", "positions", "signals", "denials"),
    *("ledger", "reservations", "gate_counts"),
)
"""What a session did; equal for equal sessions. `runs`, `events` and metrics also tell of processes."""

Rows = list[tuple[Any, ...]]


class Figures(Struct, frozen=True):
    """What --json says of one strategy."""

    signals: int
    orders: int
    fills: int
    denials: int
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal


class ExecutorFigures(Struct, frozen=True):
    """What --json says of the executor."""

    orders: int
    latency_ms_p50: Decimal | None
    latency_ms_p99: Decimal | None


class Result(Struct, frozen=True):
    """The one object that --json prints; decoding fails where a key is missing or of another type."""

    run_id: str
    session: str
    mode: str
    market: str
    events: int
    wall_s: Decimal
    strategies: dict[str, Figures]
    executor: ExecutorFigures
    equity: Decimal
    invariants: str
    stopped_by: str = ""


class Ended(NamedTuple):
    """A process that has ended."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    cpu_seconds: float

    @property
    def is_prompt(self) -> bool:
        """Say whether it ended as soon as a refusal has to, the machine's other work left out."""
        on_a_busy_machine = self.cpu_seconds < REFUSAL_CPU_S_MAX and self.seconds < BUSY_S_MAX
        return self.seconds < REFUSAL_S_MAX or on_a_busy_machine

    @property
    def result(self) -> Result:
        """Standard output as the summary, and nothing but the summary."""
        assert self.stdout.count("\n") == 1, self.stdout
        return msgspec.json.decode(self.stdout, type=Result)


class Daemon(NamedTuple):
    """Where a daemon works: its current folder, and the checkout whose code it runs."""

    folder: Path
    root: Path = ROOT

    @property
    def db(self) -> Path:
        """The database of every run here that does not name another."""
        return self.folder / "positions.db"

    @property
    def socket(self) -> Path:
        """Where a daemon at work takes commands; there only while it does."""
        return self.db.with_name(f"{self.db.name}.sock")

    def run(self, *words: str, script: str = "orchestrator.py", **environment: str) -> Ended:
        """Run a command to its end."""
        started_s, started_cpu_s = time.monotonic(), children_cpu_s()
        done = subprocess.run(
            [sys.executable, str(self.root / script), *words],
            cwd=self.folder,
            env=environment_of(environment),
            capture_output=True,
            text=True,
            timeout=RUN_S_MAX,
            check=False,
        )
        seconds, cpu_seconds = time.monotonic() - started_s, children_cpu_s() - started_cpu_s
        return Ended(done.returncode, done.stdout, done.stderr, seconds, cpu_seconds)

    def trade(self, *words: str, strategies: str = "sniper", **environment: str) -> Ended:
        """Trade on this folder's database until the end, which has to be a good one."""
        ended = self.run(*self.words(*words, strategies=strategies), **environment)
        assert ended.code == 0, ended.stderr
        return ended

    def words(self, *words: str, strategies: str = "sniper") -> list[str]:
        """The command line of a run on this folder's database; a recording, also where there is a network."""
        return ["--strategies", strategies, *REPLAY, "--db", str(self.db), "--json", *words]

    def rows(self, query: str, *parameters: object) -> Rows:
        """What the query brings."""
        with closing(sqlite3.connect(f"{self.db.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(query, parameters).fetchall()

    def value(self, query: str, *parameters: object) -> Any:
        """The one value that the query brings."""
        ((found,),) = self.rows(query, *parameters)
        return found

    def tables(self) -> dict[str, Rows]:
        """All rows of the tables that tell what a session did."""
        return {table: self.rows(f"SELECT * FROM {table}") for table in TABLES}

    def seen(self, query: str) -> Rows:
        """What the query brings while the daemon may still be creating the database."""
        try:
            return self.rows(query)
        except sqlite3.OperationalError:
            return []


class Running:
    """A daemon at work; what it prints goes to files, so that a full pipe never holds it up."""

    def __init__(self, daemon: Daemon, words: list[str]) -> None:
        self._stdout, self._stderr = daemon.folder / "stdout.txt", daemon.folder / "stderr.txt"
        with self._stdout.open("w") as stdout, self._stderr.open("w") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, str(daemon.root / "orchestrator.py"), *words],
                cwd=daemon.folder,
                env=environment_of({}),
                stdout=stdout,
                stderr=stderr,
            )

    @property
    def stderr(self) -> str:
        """What it has told so far."""
        return self._stderr.read_text()

    @property
    def is_alive(self) -> bool:
        """Say whether it has not ended yet."""
        return self._process.poll() is None

    def send(self, *numbers: signal.Signals) -> None:
        """Send it signals, in this order."""
        for number in numbers:
            self._process.send_signal(number)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Look again and again until it is so; fails where the daemon ends before."""
        deadline_s = time.monotonic() + RUN_S_MAX
        while not condition():
            assert self.is_alive, self.stderr
            assert time.monotonic() < deadline_s, self.stderr
            time.sleep(0.01)

    def wait_at_most(self, seconds: float) -> None:
        """Let it work for so long, or until its end."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def wait(self) -> Ended:
        """Wait for its end; `seconds` counts from this call."""
        began_s, began_cpu_s = time.monotonic(), children_cpu_s()
        code = self._process.wait(RUN_S_MAX)
        seconds, cpu_seconds = time.monotonic() - began_s, children_cpu_s() - began_cpu_s
        return Ended(code, self._stdout.read_text(), self.stderr, seconds, cpu_seconds)

    def kill(self) -> None:
        """End it as a power cut would, if it has not ended."""
        self._process.kill()
        self._process.wait(RUN_S_MAX)


@contextmanager
def running(daemon: Daemon, *words: str, strategies: str = "sniper") -> Iterator[Running]:
    """Start a daemon that does not outlive the block."""
    process = Running(daemon, daemon.words(*words, strategies=strategies))
    try:
        yield process
    finally:
        process.kill()


def children_cpu_s() -> float:
    """Processor time of all processes of ours that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def environment_of(extra: dict[str, str]) -> dict[str, str]:
    """Our environment without what the daemon would read from it."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("POLYMARKET_", "PYTHON")) and name not in ("REDIS_URL", "LIVE_TRADING")
    }
    return kept | extra


def assert_refused(ended: Ended, *parts: str) -> None:
    """One line on standard error that names the value and the remedy, soon, and nothing else."""
    assert ended.code != 0, ended
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert [part for part in parts if part not in ended.stderr] == [], ended.stderr
    assert ended.is_prompt, (ended.seconds, ended.cpu_seconds)


def assert_same(first: dict[str, Rows], second: dict[str, Rows]) -> None:
    """Table by table and row by row, so that a difference is shown where it is."""
    assert first.keys() == second.keys()
    for table, rows in first.items():
        others = second[table]
        differing = [
            (row, other) for row, other in zip(rows, others, strict=False) if repr(row) != repr(other)
        ]
        assert not differing, f"{table}: {differing[0][0]} became {differing[0][1]}"
        assert len(rows) == len(others), f"{table}: {len(rows)} rows became {len(others)}"
