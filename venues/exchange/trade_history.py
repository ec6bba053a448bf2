"""All of our trades since a moment, within what an exchange gives in one answer; incomplete is an error."""

from collections.abc import Awaitable, Callable
from typing import Any

from domain.errors import VenueReadError
from venues.exchange.quirks import Paging, TradeHistory
from venues.exchange.reads import Rows, rows_of

ANSWERS_MAX = 200
"""Requests for one symbol; more trades than they hold would take minutes, and are an error."""

WINDOWS_MAX = 14
"""More windows than these, and trades are read by their ids from the first one on, where that can be asked for."""

MS_PER_S = 1_000

FetchTrades = Callable[[str | None, int | None, int, dict[str, Any]], Awaitable[Any]]
"""ccxt's fetch_my_trades: symbol, since in ms, limit, params."""


class TradeReader:
    """Reads the trades of one symbol, or of all where the exchange gives all."""

    def __init__(self, fetch: FetchTrades, rules: TradeHistory) -> None:
        self._fetch = fetch
        self._rules = rules
        self._answers = 0
        self._seen: dict[tuple[object, object], dict[str, Any]] = {}

    async def read(self, symbol: str | None, *, since_ms: int, until_ms: int) -> Rows:
        """Trades in [since, until], each once, oldest first; raises VenueReadError where it cannot be complete."""
        start_ms = since_ms
        is_long = until_ms - since_ms > WINDOWS_MAX * self._rules.window_s * MS_PER_S
        if is_long and self._rules.paging is Paging.BY_ID:
            await self._on_by_id(symbol, await self._ask(symbol, None, {"fromId": 0}), until_ms)
            start_ms = until_ms + 1
        while start_ms <= until_ms:
            end_ms = min(until_ms, start_ms + self._rules.window_s * MS_PER_S - 1)
            await self._window(symbol, start_ms, end_ms)
            start_ms = end_ms + 1
        rows = [row for row in self._seen.values() if since_ms <= _time_ms(row, until_ms) <= until_ms]
        return sorted(rows, key=lambda row: (_time_ms(row, until_ms), _number(row.get("id"))))

    async def _window(self, symbol: str | None, start_ms: int, end_ms: int) -> None:
        match self._rules.paging:
            case Paging.BY_ID:
                await self._by_id(symbol, start_ms, end_ms)
            case Paging.BY_OFFSET:
                await self._by_offset(symbol, start_ms, end_ms)
            case Paging.BY_HALVING:
                await self._by_halving(symbol, start_ms, end_ms)

    async def _by_id(self, symbol: str | None, start_ms: int, end_ms: int) -> None:
        """The first answer by time, the next ones from the last trade id on, which excludes a time."""
        await self._on_by_id(symbol, await self._ask(symbol, start_ms, {"until": end_ms}), end_ms)

    async def _on_by_id(self, symbol: str | None, rows: Rows, end_ms: int) -> None:
        while self._is_full(rows):
            last_id = max(int(row["id"]) for row in rows)
            rows = await self._ask(symbol, None, {"fromId": last_id + 1})
            if rows and min(row["timestamp"] for row in rows) > end_ms:
                return

    async def _by_offset(self, symbol: str | None, start_ms: int, end_ms: int) -> None:
        """Newest first; a trade that comes meanwhile shifts the pages, which repeats rows and loses none."""
        offset = 0
        while True:
            rows = await self._ask(symbol, start_ms, {"until": end_ms, "ofs": offset})
            if not rows:
                return
            offset += len(rows)

    async def _by_halving(self, symbol: str | None, start_ms: int, end_ms: int) -> None:
        windows = [(start_ms, end_ms)]
        while windows:
            low_ms, high_ms = windows.pop()
            rows = await self._ask(symbol, low_ms, {"until": high_ms})
            if not self._is_full(rows):
                continue
            if low_ms >= high_ms:
                raise VenueReadError(f"trades: more than {len(rows)} in one millisecond; not all can be read")
            middle_ms = (low_ms + high_ms) // 2
            windows += [(low_ms, middle_ms), (middle_ms + 1, high_ms)]

    def _is_full(self, rows: Rows) -> bool:
        return len(rows) >= self._rules.rows_max

    async def _ask(self, symbol: str | None, since_ms: int | None, params: dict[str, Any]) -> Rows:
        self._answers += 1
        if self._answers > ANSWERS_MAX:
            raise VenueReadError(f"trades: more than {ANSWERS_MAX} answers; ask for a shorter time")
        limit = self._rules.rows_max
        rows = await rows_of(lambda: self._fetch(symbol, since_ms, limit, params), "trades")
        for row in rows:
            self._seen[row.get("id"), row.get("order")] = row
        return rows


def _time_ms(row: dict[str, Any], otherwise_ms: int) -> int:
    """A trade without a time was made just now, as far as anybody knows."""
    timestamp_ms = row.get("timestamp")
    return otherwise_ms if timestamp_ms is None else int(timestamp_ms)


def _number(identifier: object) -> int:
    text = str(identifier)
    return int(text) if text.isdigit() else 0
