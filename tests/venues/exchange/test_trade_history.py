import asyncio
from typing import Any

import pytest

from domain.errors import VenueReadError
from venues.exchange.quirks import Paging, TradeHistory
from venues.exchange.trade_history import ANSWERS_MAX, TradeReader

DAY_MS = 86_400_000


class Exchange:
    """Trades of an account, and how many of them one answer holds."""

    def __init__(self, times_ms: list[int], *, rows_max: int, newest_first: bool = False) -> None:
        rows = enumerate(sorted(times_ms), start=1)
        self.trades = [{"id": str(n), "order": "o", "timestamp": t} for n, t in rows]
        self.rows_max = rows_max
        self.newest_first = newest_first
        self.asked = 0

    async def fetch(self, _: str | None, since: int | None, __: int, params: dict[str, Any]) -> object:
        self.asked += 1
        rows = [row for row in self.trades if self._is_asked_for(row, since, params)]
        if self.newest_first:
            rows.reverse()
        offset = int(params.get("ofs", 0))
        return rows[offset : offset + self.rows_max]

    def _is_asked_for(self, row: dict[str, Any], since: int | None, params: dict[str, Any]) -> bool:
        if "fromId" in params:
            return bool(int(row["id"]) >= params["fromId"])
        until = params["until"]
        assert since is not None
        assert until - since <= DAY_MS
        return bool(since <= row["timestamp"] <= until)


def read(exchange: Exchange, paging: Paging, *, since_ms: int, until_ms: int) -> list[str]:
    rules = TradeHistory(needs_symbol=True, window_s=86_400, rows_max=exchange.rows_max, paging=paging)
    reader = TradeReader(exchange.fetch, rules)
    rows = asyncio.run(reader.read("BTC/USDT", since_ms=since_ms, until_ms=until_ms))
    return [row["id"] for row in rows]


@pytest.mark.parametrize("paging", [pytest.param(paging, id=paging.name) for paging in Paging])
@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 37])
def test_all_trades_come_once_and_oldest_first(paging: Paging, count: int) -> None:
    exchange = Exchange(
        [1_000 * n for n in range(count)], rows_max=5, newest_first=paging is not Paging.BY_ID
    )

    ids = read(exchange, paging, since_ms=0, until_ms=40_000)

    assert ids == [str(n + 1) for n in range(count)]


@pytest.mark.parametrize("paging", [pytest.param(paging, id=paging.name) for paging in Paging])
def test_a_long_time_is_asked_for_in_windows_that_the_exchange_takes(paging: Paging) -> None:
    exchange = Exchange([0, DAY_MS, DAY_MS + 1, 3 * DAY_MS], rows_max=5)

    assert read(exchange, paging, since_ms=1, until_ms=3 * DAY_MS) == ["2", "3", "4"]


def test_trades_of_one_moment_are_read_by_their_ids() -> None:
    exchange = Exchange([7] * 23, rows_max=5)

    assert len(read(exchange, Paging.BY_ID, since_ms=0, until_ms=100)) == 23


def test_a_very_long_time_is_read_by_ids_alone() -> None:
    exchange = Exchange([0, 400 * DAY_MS], rows_max=5)

    assert read(exchange, Paging.BY_ID, since_ms=1, until_ms=400 * DAY_MS) == ["2"]
    assert exchange.asked == 1


def test_what_cannot_be_told_apart_by_time_is_an_error_and_not_half_of_the_truth() -> None:
    exchange = Exchange([7] * 6, rows_max=5)

    with pytest.raises(VenueReadError, match="one millisecond"):
        read(exchange, Paging.BY_HALVING, since_ms=0, until_ms=100)


def test_a_history_without_end_is_an_error() -> None:
    exchange = Exchange(list(range(5 * ANSWERS_MAX + 5)), rows_max=5)

    with pytest.raises(VenueReadError, match="shorter time"):
        read(exchange, Paging.BY_ID, since_ms=0, until_ms=DAY_MS)
