"""Binance's budgets: request weight per address, unfilled orders per account, and the ban of who does not listen."""

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from simulator.exchanges.binance.errors import BANNED, TOO_MANY_ORDERS, TOO_MANY_WEIGHT, BinanceError
from simulator.exchanges.server_clock import ServerClock

MINUTE_MS = 60_000
TEN_SECONDS_MS = 10_000
DAY_MS = 86_400_000


class Limits(Struct, frozen=True, kw_only=True):
    """The documented budgets; a test makes them smaller."""

    weight_per_minute: int = 6_000
    orders_per_10s: int = 100
    orders_per_day: int = 200_000
    ignored_max: int = 10
    """Requests after a 429 in the same minute before the address is banned."""
    ban_s: int = 120


class Budget:
    """Counts in fixed windows of the exchange's clock: on the minute, at every ten seconds, at midnight UTC."""

    def __init__(self, limits: Limits, clock: ServerClock) -> None:
        self.limits = limits
        self._clock = clock
        self._weight: Counter[tuple[str, int]] = Counter()
        self._ignored: Counter[tuple[str, int]] = Counter()
        self._orders: Counter[tuple[str, int, int]] = Counter()
        self._banned_until_ms: dict[str, int] = {}

    def charge(self, peer: str, weight: int) -> None:
        """Count a request; raise the 429 or, for an address that went on after it, the 418."""
        self._refuse_banned(peer)
        window = peer, self._clock.now_ms() // MINUTE_MS
        self._weight[window] += weight
        if self._weight[window] <= self.limits.weight_per_minute:
            return
        self._ignored[window] += 1
        if self._ignored[window] > self.limits.ignored_max:
            self._banned_until_ms[peer] = self._clock.now_ms() + self.limits.ban_s * 1000
            self._refuse_banned(peer)
        text = TOO_MANY_WEIGHT.format(limit=self.limits.weight_per_minute)
        raise BinanceError(-1003, text, status=429, headers=self._retry_after(self._left_ms(MINUTE_MS)))

    def charge_order(self, api_key: str) -> None:
        """Count an order that is about to be placed; raise the 429 where the account has too many unfilled."""
        for length_ms, limit, interval in self._order_limits():
            window = api_key, length_ms, self._clock.now_ms() // length_ms
            if self._orders[window] >= limit:
                text = TOO_MANY_ORDERS.format(limit=limit, interval=interval)
                headers = self._retry_after(self._left_ms(length_ms))
                raise BinanceError(-1015, text, status=429, headers=headers)
        for length_ms, _, _ in self._order_limits():
            self._orders[api_key, length_ms, self._clock.now_ms() // length_ms] += 1

    def give_back_order(self, api_key: str) -> None:
        """An order was filled or refused: it no longer counts as unfilled."""
        for length_ms, _, _ in self._order_limits():
            window = api_key, length_ms, self._clock.now_ms() // length_ms
            self._orders[window] = max(0, self._orders[window] - 1)

    def weight_headers(self, peer: str) -> dict[str, str]:
        """What every answer tells about the weight of the present minute."""
        used = str(self.used_weight(peer))
        return {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}

    def order_headers(self, api_key: str) -> dict[str, str]:
        """What the answer to an order tells about the account's unfilled orders."""
        ten_seconds, day = (count for _, count in self.order_counts(api_key))
        return {"X-MBX-ORDER-COUNT-10S": str(ten_seconds), "X-MBX-ORDER-COUNT-1D": str(day)}

    def used_weight(self, peer: str) -> int:
        """Weight that an address has used in the present minute."""
        return self._weight[peer, self._clock.now_ms() // MINUTE_MS]

    def order_counts(self, api_key: str) -> list[tuple[int, int]]:
        """Limit and count of unfilled orders: of ten seconds, then of the day."""
        now_ms = self._clock.now_ms()
        limits = self._order_limits()
        return [(limit, self._orders[api_key, ms, now_ms // ms]) for ms, limit, _ in limits]

    def reset(self) -> None:
        """Forget all counts and bans, as after a long pause."""
        for counts in (self._weight, self._ignored, self._orders, self._banned_until_ms):
            counts.clear()

    def _order_limits(self) -> tuple[tuple[int, int, str], ...]:
        return (
            (TEN_SECONDS_MS, self.limits.orders_per_10s, "10 SECOND"),
            (DAY_MS, self.limits.orders_per_day, "1 DAY"),
        )

    def _refuse_banned(self, peer: str) -> None:
        until_ms = self._banned_until_ms.get(peer, 0)
        left_ms = until_ms - self._clock.now_ms()
        if left_ms > 0:
            headers = self._retry_after(left_ms)
            raise BinanceError(-1003, BANNED.format(until=until_ms), status=418, headers=headers)

    def _left_ms(self, length_ms: int) -> int:
        return length_ms - self._clock.now_ms() % length_ms

    def _retry_after(self, left_ms: int) -> Mapping[str, str]:
        return {"Retry-After": str(-(-left_ms // 1000))}
