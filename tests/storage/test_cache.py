"""What is published comes to stand in a real Redis for a minute, the newest of each key, and drops are counted."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
import redis

from config import Secret
from domain.book import OrderBook
from domain.errors import ConfigurationError
from domain.instrument import Instrument, Market
from domain.messages import BookSnapshot, MarketListed, MarketResolved, TickSizeChanged
from domain.records import OrderRecord, PositionRecord
from storage import cache as module
from storage.cache import Cache, NoCache, RedisCache, check_url, open_cache
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

URLS_REFUSED = (
    *("hunter2", "http://:hunter2@host", "redis://:hunter2/x@host:1", "redis://:hunter2@host:99999"),
    *("redis://host?secret=hunter2", "redis://host?protocol=hunter2", "redis://host?encoder_class=hunter2"),
)
PERIOD_S = module.WRITE_PERIOD_S
"""As it is outside of the tests."""


@pytest.fixture(name="server")
def running_server() -> Iterator[RedisServer]:
    """An empty server."""
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for a quarter of a second."""
    hurry(monkeypatch)


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
    keys = server.keys()
    assert len(keys) == 4
    assert all(0 < server.ask("TTL", key) <= 60 for key in keys)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(book(bid=None), (None, "0.97", None), id="nobody bids"),
        pytest.param(book(ask=None), ("0.95", None, None), id="nobody offers"),
        pytest.param(book(bid=None, ask=None), (None, None, None), id="empty"),
    ],
)
def test_a_missing_side_has_no_price(
    server: RedisServer, given: OrderBook, expected: tuple[str | None, ...]
) -> None:
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
    assert 1 / PERIOD_S <= 4
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
