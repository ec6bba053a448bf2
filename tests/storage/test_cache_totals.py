"""Counts come from Redis while they are true, and are never older than what this process has published."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import DatabaseError
from domain.identifiers import SessionId
from storage import cache as module
from storage.queries import StrategyTotals, totals
from tests.storage import samples
from tests.storage.test_cache_server import (
    SESSION,
    RedisServer,
    hurry,
    orders_in,
    play,
    running,
    serving,
    until,
    writing,
    written,
)


@pytest.fixture(name="server")
def running_server() -> Iterator[RedisServer]:
    """An empty server."""
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for a quarter of a second."""
    hurry(monkeypatch)


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
        path = tmp_path / "x.db"
        async with writing(path) as journal, running(server.url) as cache:
            cache.publish(await journal.commit())
            await cache.cached_totals(path, SESSION)
            await written(cache)
            old = server.ask("GET", "polytrader:s1:totals")
        path.unlink()
        async with writing(path) as other, running(server.url) as cache:
            cache.publish(await other.commit(samples.denial()))
            await written(cache)
            server.ask("SET", "polytrader:s1:totals", old)

            assert orders_in(await cache.cached_totals(path, SESSION)) == 0

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
