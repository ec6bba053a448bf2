"""The daemon with a Redis tells the same story as without one, whatever happens to the Redis meanwhile."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.daemon import ROOT, Daemon, Rows, assert_same, running
from tests.storage.test_cache_server import RedisServer, serving

IS_WIRED = "cache" in (ROOT / "session.py").read_text()
DURABLE_BEFORE_THE_FAULT = 50
"""Transactions of the 287 that the recording brings."""

PASSWORD = "hunter2-of-redis"
OWN_TABLES = ("events", "strategy_metrics", "inputs", "receipts")
"""Equal too where no run was interrupted."""


@pytest.fixture(name="alone", scope="module")
def without_redis(tmp_path_factory: pytest.TempPathFactory) -> Daemon:
    """What the daemon does without a Redis."""
    daemon = Daemon(tmp_path_factory.mktemp("alone"))
    daemon.trade()
    return daemon


@pytest.fixture(name="server")
def running_server() -> Iterator[RedisServer]:
    """An empty server with a password."""
    with serving("--requirepass", PASSWORD) as server:
        yield server


@pytest.mark.slow
def test_a_run_with_redis_writes_the_same_tables(alone: Daemon, server: RedisServer, tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)

    daemon.trade(REDIS_URL=url_of(server))

    assert_same(all_tables(alone), all_tables(daemon))


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(RedisServer.kill, id="killed"),
        pytest.param(RedisServer.pause, id="paused"),
        pytest.param(lambda server: server.ask("FLUSHALL"), id="flushed"),
        pytest.param(lambda server: server.ask("CONFIG", "SET", "maxmemory", "1"), id="full"),
    ],
)
def test_a_fault_of_redis_midway_changes_no_table(
    alone: Daemon, server: RedisServer, tmp_path: Path, fault: Callable[[RedisServer], object]
) -> None:
    daemon = Daemon(tmp_path)
    (tmp_path / ".env").write_text(f"REDIS_URL={url_of(server)}\n")

    with running(daemon) as process:
        process.wait_until(lambda: durable(daemon) >= DURABLE_BEFORE_THE_FAULT)
        fault(server)
        assert process.is_alive, "the fault came too late to prove anything"
        ended = process.wait()

    assert ended.code == 0, ended.stderr
    assert_same(all_tables(alone), all_tables(daemon))
    assert PASSWORD not in shown(daemon) + ended.stdout + ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "unix:///nowhere/redis.sock"])
def test_a_redis_that_never_was_changes_no_table(alone: Daemon, tmp_path: Path, url: str) -> None:
    daemon = Daemon(tmp_path)

    daemon.trade(REDIS_URL=url)

    assert_same(all_tables(alone), all_tables(daemon))


@pytest.mark.slow
@pytest.mark.skipif(not IS_WIRED, reason="session.py does not mention the cache yet")
def test_a_run_leaves_its_last_state_in_redis(server: RedisServer, tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)

    daemon.trade(REDIS_URL=url_of(server))

    keys = server.keys()
    assert all(key.startswith("polytrader:s1:") for key in keys)
    assert server.value("version") == durable(daemon)
    kept = 0
    for strategy, symbol, realized_pnl in daemon.rows("SELECT strategy, symbol, realized_pnl FROM positions"):
        if held := server.value(f"position:{strategy}:{symbol}"):
            assert float(held["realized_pnl"]) == realized_pnl
            kept += 1
    assert kept, "a run of less than a minute leaves its positions"
    assert [key for key in keys if ":price:" in key]
    assert [key for key in keys if ":instrument:" in key]
    assert all(0 < server.ask("TTL", key) <= 60 for key in keys)
    assert PASSWORD not in shown(daemon)


def url_of(server: RedisServer) -> str:
    """Its address with its password."""
    return server.url.replace("unix://", f"unix://:{PASSWORD}@")


def all_tables(daemon: Daemon) -> dict[str, Rows]:
    """Everything but the wall-clock times of the run."""
    own = {table: daemon.rows(f"SELECT * FROM {table}") for table in OWN_TABLES}
    marks = daemon.rows("SELECT session, status, fingerprint, last_sequence, last_digest FROM sessions")
    return {**daemon.tables(), **own, "sessions": marks}


def durable(daemon: Daemon) -> int:
    """Transactions that are on disk so far."""
    rows = daemon.seen("SELECT last_sequence FROM sessions")
    return rows[0][0] if rows else 0


def shown(daemon: Daemon) -> str:
    """All that the daemon logged."""
    return "".join(path.read_text() for path in sorted(daemon.folder.glob("logs/*.log")))
