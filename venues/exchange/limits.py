"""Our own limits in front of an exchange: orders, cancels and reads each draw on a budget of their own.

ccxt's throttler is one queue for everything, and makes the next order pay for the last read however long ago.
"""

from collections.abc import Callable

from venues.limiter import SlidingWindow, TokenBucket

USABLE = 0.9
"""Part of the documented budget that is used; the rest absorbs clocks and windows that differ from ours."""

ORDERS_SHARE, READS_SHARE = 0.4, 0.5
"""How the weight that all requests share is divided, so that reads cannot starve orders."""

ORDER_WINDOW_S = 10
BLOCK_S_DEFAULT = 10
BLOCK_S_MAX = 7 * 86_400
MS_PER_S = 1_000


class Limits:
    """All limits of one account at one exchange, shared by the connections for orders and for data.

    Weights are ccxt's: milliseconds that a request takes from one second's budget of every second.
    """

    def __init__(self, *, orders_per_10_s: int, window_s: float, now_s: Callable[[], float]) -> None:
        """`window_s` is the exchange's accounting window for weights, 0 where unknown: bursts are a tenth of it."""
        burst_ms = (1 - USABLE) * window_s * MS_PER_S
        self._now_s = now_s
        self._blocked_until_s = now_s()
        self._order_weights, self._read_weights = (
            TokenBucket(per_s=share * MS_PER_S, burst=max(1, int(burst_ms * share / USABLE)))
            for share in (ORDERS_SHARE, READS_SHARE)
        )
        self._orders, self._cancels = (
            SlidingWindow(limit=orders_per_10_s, window_s=ORDER_WINDOW_S) for _ in range(2)
        )

    def order_wait_s(self) -> float:
        """Seconds until one more order may leave."""
        now_s = self._now_s()
        weight_wait_s = self._order_weights.wait_s(1, now_s=now_s)
        return max(self._blocked_s(), self._orders.wait_s(1, now_s=now_s), weight_wait_s)

    def cancel_wait_s(self) -> float:
        """Seconds until one more cancel may leave: a storm of orders does not make it longer."""
        return max(self._blocked_s(), self._cancels.wait_s(1, now_s=self._now_s()))

    def take_order(self) -> None:
        """Count a new order."""
        self._orders.take(1, now_s=self._now_s())

    def take_cancel(self) -> None:
        """Count a cancel."""
        self._cancels.take(1, now_s=self._now_s())

    def take_weight(self, cost_ms: float) -> None:
        """Count the weight of a request of the order path, which has waited already."""
        self._order_weights.take(round(cost_ms), now_s=self._now_s())

    def read_wait_s(self, cost_ms: float) -> float:
        """Seconds until a read of this weight may leave, behind those that wait already."""
        wait_s = self._read_weights.wait_s(round(cost_ms), now_s=self._now_s())
        return max(self._blocked_s(), wait_s)

    def take_read(self, cost_ms: float) -> None:
        """Count the weight of a read, before it waits: first come, first served."""
        self._read_weights.take(round(cost_ms), now_s=self._now_s())

    def block(self, retry_after: str | None) -> None:
        """The exchange said "too many": nothing leaves for the seconds it named, or for ten."""
        digits = (retry_after or "").strip()
        wait_s = min(int(digits), BLOCK_S_MAX) if digits.isdecimal() else BLOCK_S_DEFAULT
        self._blocked_until_s = max(self._blocked_until_s, self._now_s() + wait_s)

    def unblock(self) -> None:
        """Go on at once: a person, or a test, knows better."""
        self._blocked_until_s = self._now_s()

    def _blocked_s(self) -> float:
        return max(0.0, self._blocked_until_s - self._now_s())
