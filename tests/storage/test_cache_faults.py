"""A Redis that is killed, flushed, paused, full, absent or none at all changes nothing but how long a reader waits."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest

from config import Secret
from storage import cache as module
from storage.cache import RedisCache
from storage.queries import totals
from tests.storage import samples
from tests.storage.test_cache_server import (
    SESSION,
    RedisServer,
    book,
    hurry,
    orders_in,
    play,
    running,
    serving,
    until,
    writing,
    written,
)

OPERATION_S_MAX = module.OPERATION_S_MAX
CLOSE_S_MAX = 1
"""Promised are 0.35 s; the machine may have other things to do."""

PASSWORD = "hunter2-of-redis"
STEPS = 60
CANCELLATIONS = 200

Fault = Callable[[RedisServer], None]


def flush(server: RedisServer) -> None:
    """All keys of all databases are gone."""
    server.ask("FLUSHALL")


FAULTS = [
    pytest.param(RedisServer.kill, RedisServer.start, id="killed"),
    pytest.param(RedisServer.pause, RedisServer.resume, id="paused"),
    pytest.param(flush, lambda _: None, id="flushed"),
    pytest.param(
        lambda server: server.ask("CONFIG", "SET", "maxmemory", "1"),
        lambda server: server.ask("CONFIG", "SET", "maxmemory", "0"),
        id="full",
    ),
    pytest.param(
        lambda server: server.ask("CONFIG", "SET", "min-replicas-to-write", "1"),
        lambda server: server.ask("CONFIG", "SET", "min-replicas-to-write", "0"),
        id="read-only",
    ),
]


@pytest.fixture(name="server")
def running_server() -> Iterator[RedisServer]:
    """An empty server."""
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for a quarter of a second, but for an operation as long as the daemon would."""
    hurry(monkeypatch, operation_s_max=OPERATION_S_MAX)


@pytest.mark.parametrize(("fault", "repair"), FAULTS)
def test_after_a_fault_values_come_back_and_meanwhile_counts_are_right(
    server: RedisServer, tmp_path: Path, fault: Fault, repair: Fault
) -> None:
    async def test() -> None:
        async with writing(tmp_path / "x.db") as journal, running(server.url) as cache:
            cache.publish(await journal.commit())
            cache.publish(await journal.commit(samples.position()))
            await cache.cached_totals(journal.path, SESSION)
            await written(cache)

            fault(server)
            cache.publish(await journal.commit())
            cache.publish_book(book())
            assert orders_in(await cache.cached_totals(journal.path, SESSION)) == 2
            repair(server)
            cache.publish(await journal.commit(samples.position(is_closed=True)))
            await written(cache)

            assert orders_in(await cache.cached_totals(journal.path, SESSION)) == 2
            assert server.value("position:sniper:UP")["quantity"] == "0"
            assert server.value("price:UP")["bid"] == "0.95"

    play(test())


def test_while_redis_hangs_publishing_returns_and_the_queue_stays_bounded(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_KEYS_MAX", 100)

    async def test() -> None:
        async with writing(tmp_path / "x.db") as journal, running(server.url) as cache:
            await until(lambda: server.ask("PING"))
            server.pause()
            for number in range(1_000):
                cache.publish_book(book(f"UP-{number}"))
                await asyncio.sleep(0)
            made = [await journal.commit() for _ in range(3)]
            for transaction in made:
                cache.publish(transaction)

            assert cache.waiting == 100
            assert cache.dropped == 901  # 1,000 books and one version, less the 100 that wait
            assert orders_in(await cache.cached_totals(journal.path, SESSION)) == 3
            server.resume()
            await written(cache)

        assert server.value("price:UP-999")["bid"] == "0.95"
        assert server.value("price:UP-0") is None

    play(test())


def test_many_readers_of_a_redis_that_hangs_wait_for_one_of_them(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    async def test() -> None:
        async with writing(tmp_path / "x.db") as journal, running(server.url) as cache:
            cache.publish(await journal.commit())
            await written(cache)
            monkeypatch.setattr(cache._redis, "get", count_calls(cache._redis.get, asked))
            monkeypatch.setattr(module, "BACKOFF_S", (60,))
            server.pause()

            async with asyncio.TaskGroup() as tasks:
                readers = [tasks.create_task(cache.cached_totals(journal.path, SESSION)) for _ in range(20)]

            assert [orders_in(reader.result()) for reader in readers] == [1] * 20

    play(test())

    assert len(asked) == 1
    assert OPERATION_S_MAX <= 0.1


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(RedisServer.pause, id="paused"),
        pytest.param(RedisServer.kill, id="killed"),
        pytest.param(lambda _: None, id="well"),
    ],
)
def test_closing_takes_no_longer_than_promised(server: RedisServer, fault: Fault) -> None:
    async def test() -> None:
        cache = RedisCache(Secret(server.url), session=SESSION)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(cache.run())
            await until(lambda: server.ask("PING"))
            fault(server)
            for number in range(1_000):
                cache.publish_book(book(f"UP-{number}"))
            task.cancel()
        async with asyncio.timeout(CLOSE_S_MAX):
            await cache.close()
            await cache.close()
        cache.publish_book(book("LATE"))
        waiting.append(cache.waiting)

    waiting: list[int] = []
    play(test())

    assert waiting[0] in (0, 1_000)


def test_a_cancellation_is_never_lost(server: RedisServer) -> None:
    """The client lost one in fifty with its own time-outs on, and the daemon then waited for ever."""

    async def test() -> None:
        for turns in range(CANCELLATIONS):
            cache = RedisCache(Secret(f"{server.url}?socket_timeout=5"), session=SESSION)
            async with asyncio.timeout(CLOSE_S_MAX), asyncio.TaskGroup() as tasks:
                task = tasks.create_task(cache.run())
                for _ in range(turns):
                    cache.publish_book(book())
                    await asyncio.sleep(0)
                task.cancel()
            await cache.close()

    play(test())


def test_closing_writes_what_a_short_run_left(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)

    async def test() -> None:
        cache = RedisCache(Secret(server.url), session=SESSION)
        cache.publish(samples.transaction(5, samples.position()))
        await cache.close()

    play(test())

    assert server.value("version") == 5


def test_an_older_value_does_not_outlive_one_that_could_not_be_written(server: RedisServer) -> None:
    """Memory is short, so that the newer position cannot be written: better no position than the older one."""

    async def test() -> None:
        async with running(server.url) as cache:
            cache.publish(samples.transaction(1, samples.position()))
            await written(cache)
            server.ask("CONFIG", "SET", "maxmemory", "1")
            cache.publish(samples.transaction(2, samples.position(is_closed=True)))

            await until(lambda: not server.keys())
            assert cache.waiting == 2

    play(test())


def test_an_older_value_does_not_outlive_one_that_was_dropped(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_KEYS_MAX", 2)

    async def test() -> None:
        async with running(server.url) as cache:
            cache.publish_book(book("A"))
            await written(cache)
            for name in ("A", "B", "C"):
                cache.publish_book(book(name, bid="0.50"))
            await written(cache)

    play(test())

    assert server.keys() == {"polytrader:s1:price:B", "polytrader:s1:price:C"}


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:1", "unix:///nowhere/redis.sock", "rediss://127.0.0.1:1?ssl_ca_certs=/nowhere"]
)
def test_without_a_server_counts_come_from_sqlite(tmp_path: Path, url: str) -> None:
    async def test() -> None:
        async with writing(tmp_path / "x.db") as journal, running(url) as cache:
            cache.publish(await journal.commit())
            await asyncio.sleep(0.02)

            assert await cache.cached_totals(journal.path, SESSION) == await totals(journal.path, SESSION)
            assert cache.waiting == 2

    play(test())


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="a web server"),
        pytest.param(b":abc\r\n", id="a number that is none"),
        pytest.param(b"*1000000000\r\n", id="a list without end"),
        pytest.param(b"$-7\r\n", id="a negative length"),
        pytest.param(b"+OK\r\n", id="always OK"),
        pytest.param(b"*2\r\n+x\r\n+y\r\n", id="a cursor that is none"),
        pytest.param(b"-LOADING dataset\r\n", id="loading"),
        pytest.param(b"-NOAUTH Authentication required.\r\n", id="no password"),
        pytest.param(b"\x00\xff\xfe", id="bytes"),
        pytest.param(b"", id="hangs up"),
    ],
)
def test_what_is_no_redis_is_only_a_miss(tmp_path: Path, answer: bytes) -> None:
    async def test() -> None:
        async with answering(answer) as url, writing(tmp_path / "x.db") as journal, running(url) as cache:
            cache.publish(await journal.commit())
            await asyncio.sleep(0.05)

            assert orders_in(await cache.cached_totals(journal.path, SESSION)) == 1
            assert cache.waiting

    play(test())


@pytest.mark.parametrize("given", [PASSWORD, f"{PASSWORD}-wrong"])
def test_the_password_is_never_shown(given: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def test(server: RedisServer) -> None:
        url = server.url.replace("unix://", f"unix://:{given}@")
        async with running(url) as cache:
            cache.publish_book(book())
            if given == PASSWORD:
                await written(cache)
                assert server.value("price:UP")["bid"] == "0.95"
                server.kill()
                cache.publish_book(book("DOWN"))
            await until(lambda: "the Redis cache fails" in caplog.text)
            assert PASSWORD not in f"{cache!r} {cache._redis!r} {vars(cache)}"

    with serving("--requirepass", PASSWORD) as server:
        play(test(server))

    shown = [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
    assert shown
    assert not [line for line in shown if PASSWORD in line or "unix://" in line]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_no_order_of_faults_makes_a_count_wrong(tmp_path: Path, seed: int) -> None:
    """Commits, reads and faults in any order: every answer is what SQLite says at that moment."""
    chance = random.Random(seed)
    seen: set[str] = set()

    async def test(server: RedisServer) -> None:
        faults: dict[str, tuple[Fault, Fault]] = {
            "kill": (RedisServer.kill, RedisServer.start),
            "pause": (RedisServer.pause, RedisServer.resume),
        }
        repair: Fault | None = None
        async with writing(tmp_path / "x.db") as journal, running(server.url) as cache:
            for _ in range(STEPS):
                match chance.choice(["commit", "read", "read", "settle", "flush", "fault"]):
                    case "commit":
                        cache.publish(await journal.commit())
                    case "settle" if repair is None:
                        await written(cache)
                    case "flush" if repair is None:
                        flush(server)
                    case "fault" if repair is None:
                        name = chance.choice(sorted(faults))
                        seen.add(name)
                        fault, repair = faults[name]
                        fault(server)
                    case "fault" if repair is not None:
                        repair(server)
                        repair = None
                    case _:
                        counted = await cache.cached_totals(journal.path, SESSION)
                        assert counted == await totals(journal.path, SESSION)

    with serving() as server:
        play(test(server))

    assert seen


def count_calls(function: Callable[..., object], calls: list[object]) -> Callable[..., object]:
    """The function, noting what it is called with."""

    def counting(*given: object) -> object:
        calls.append(given)
        return function(*given)

    return counting


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """A server that gives the same answer to everything, and hangs up where that is empty."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(ConnectionError):
            while answer and await reader.read(65_536):
                writer.write(answer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
