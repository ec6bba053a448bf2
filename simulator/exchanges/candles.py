"""Candles, day figures and average prices of one pair, made of its trades (and of a seeded past before them)."""

import hashlib
from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from domain.money import ZERO, round_down
from simulator.exchanges.orders import SpotTrade
from simulator.exchanges.pairs import Pair

NS_PER_MS = 1_000_000
MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
PAST_MINUTES = 240
"""Minutes of invented history, so that a client has candles to load before the first trade."""

INTERVALS_MS = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": 60 * MINUTE_MS,
    "4h": 240 * MINUTE_MS,
    "1d": DAY_MS,
}
"""Lengths by the names that Binance gives them."""


class Candle(Struct, frozen=True, kw_only=True):
    """Trades of one interval; `volume` in the base asset, `quote_volume` in the quote asset."""

    open_ms: int
    close_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    trades: int


class Candles:
    """The minutes of one pair, from which every longer interval is put together."""

    def __init__(self, pair: Pair, *, seed: int, now_ns: int) -> None:
        self._minutes = {c.open_ms: c for c in _invented_past(pair, seed=seed, now_ms=now_ns // NS_PER_MS)}
        self.last_price = pair.opening_price
        self._pair = pair

    def add(self, trade: SpotTrade) -> None:
        """Count a trade in its minute."""
        open_ms = trade.time_ns // NS_PER_MS // MINUTE_MS * MINUTE_MS
        old = self._minutes.get(open_ms)
        traded = _candle_of(trade, open_ms)
        self._minutes[open_ms] = _joined([old, traded], open_ms, MINUTE_MS) if old else traded
        self.last_price = trade.price

    def rows(self, interval_ms: int, *, limit: int) -> list[Candle]:
        """The newest candles of a length, oldest first; the last one may be unfinished."""
        by_start: dict[int, list[Candle]] = {}
        for minute in self._minutes.values():
            by_start.setdefault(minute.open_ms // interval_ms * interval_ms, []).append(minute)
        starts = sorted(by_start)[-limit:]
        return [_joined(by_start[start], start, interval_ms) for start in starts]

    def day(self, now_ns: int) -> Candle:
        """The last 24 hours as one candle, which ends now."""
        now_ms = now_ns // NS_PER_MS
        recent = [minute for minute in self._minutes.values() if minute.close_ms > now_ms - DAY_MS]
        if not recent:
            return _flat(self.last_price, now_ms - DAY_MS, DAY_MS)
        return _joined(recent, now_ms - DAY_MS, DAY_MS)

    def average_price(self, now_ns: int) -> Decimal:
        """Volume-weighted price of the pair's averaging minutes; the last price where nothing traded in them."""
        since_ms = now_ns // NS_PER_MS - self._pair.average_minutes * MINUTE_MS
        recent = [minute for minute in self._minutes.values() if minute.close_ms > since_ms]
        volume = sum((minute.volume for minute in recent), ZERO)
        return sum((minute.quote_volume for minute in recent), ZERO) / volume if volume else self.last_price


def _candle_of(trade: SpotTrade, open_ms: int) -> Candle:
    price = trade.price
    return Candle(
        open_ms=open_ms,
        close_ms=open_ms + MINUTE_MS - 1,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=trade.quantity,
        quote_volume=trade.cost,
        trades=1,
    )


def _joined(parts: Iterable[Candle], open_ms: int, length_ms: int) -> Candle:
    ordered = sorted(parts, key=lambda part: part.open_ms)
    return Candle(
        open_ms=open_ms,
        close_ms=open_ms + length_ms - 1,
        open=ordered[0].open,
        high=max(part.high for part in ordered),
        low=min(part.low for part in ordered),
        close=ordered[-1].close,
        volume=sum((part.volume for part in ordered), ZERO),
        quote_volume=sum((part.quote_volume for part in ordered), ZERO),
        trades=sum(part.trades for part in ordered),
    )


def _flat(price: Decimal, open_ms: int, length_ms: int) -> Candle:
    return Candle(
        open_ms=open_ms,
        close_ms=open_ms + length_ms - 1,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=ZERO,
        quote_volume=ZERO,
        trades=0,
    )


def _invented_past(pair: Pair, *, seed: int, now_ms: int) -> list[Candle]:
    """Minutes before now, each within a few ticks of the opening price, without volume."""
    first_ms = now_ms // MINUTE_MS * MINUTE_MS - PAST_MINUTES * MINUTE_MS
    swing = round_down(pair.opening_price / 2000, pair.price_tick)
    candles = []
    for number in range(PAST_MINUTES):
        drawn = hashlib.sha256(f"{seed}\x1f{pair.symbol}\x1f{number}".encode()).digest()
        up, down = (round_down(swing * byte / 256, pair.price_tick) for byte in drawn[:2])
        candle = _flat(pair.opening_price, first_ms + number * MINUTE_MS, MINUTE_MS)
        candles.append(_with_range(candle, up=up, down=down))
    return candles


def _with_range(candle: Candle, *, up: Decimal, down: Decimal) -> Candle:
    return Candle(
        open_ms=candle.open_ms,
        close_ms=candle.close_ms,
        open=candle.open,
        high=candle.open + up,
        low=candle.open - down,
        close=candle.close,
        volume=ZERO,
        quote_volume=ZERO,
        trades=0,
    )
