"""Polymarket's documented rate limits as rules of our limiter, and what its answers teach about them.

Source: docs.polymarket.com, rate limits; per address in sliding windows, per signer in token buckets by tier.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from venues.limiter import Limit, RateLimiter, SlidingWindow, TokenBucket

USABLE = 0.95
"""The part of each window that we use: the venue counts at its own edge, and retries of reads count too."""

USABLE_BURST = 0.9
"""The part of a signer's burst that we use: orders that were held up on their way arrive closer than they left."""

CANCEL_RESERVE = 450
"""Requests of the ten seconds' common budget that orders and reads leave to cancels."""

TEN_S, TEN_MINUTES_S = 10, 600
WINDOWS: dict[str, tuple[tuple[int, int], ...]] = {
    "order": ((5_000, TEN_S), (120_000, TEN_MINUTES_S)),
    "orders": ((2_000, TEN_S), (21_000, TEN_MINUTES_S)),
    "cancel": ((5_000, TEN_S), (120_000, TEN_MINUTES_S)),
    "cancels": ((2_000, TEN_S), (15_000, TEN_MINUTES_S)),
    "cancel-all": ((250, TEN_S), (6_000, TEN_MINUTES_S)),
    "cancel-market": ((1_500, TEN_S), (21_000, TEN_MINUTES_S)),
    "read": ((500, TEN_S),),
    "balance": ((200, TEN_S),),
    "balance-update": ((50, TEN_S),),
    "public": ((100, TEN_S),),
}
"""Requests by kind, and the windows in seconds that they are counted in."""

COMMON = (9_000, TEN_S)
CANCELLING = ("cancel", "cancels", "cancel-all", "cancel-market")


class Tier(NamedTuple):
    """Orders and cancels a second, and at once."""

    orders_per_s: int
    orders_burst: int
    cancels_per_s: int
    cancels_burst: int


TIERS = {
    "standard": Tier(40, 60, 80, 120),
    "copper": Tier(60, 90, 120, 180),
    "bronze": Tier(80, 120, 160, 240),
    "silver": Tier(200, 300, 400, 600),
    "gold": Tier(400, 600, 800, 1_200),
    "platinum": Tier(450, 675, 900, 1_350),
    "diamond": Tier(525, 787, 1_050, 1_575),
    "elite": Tier(600, 900, 1_200, 1_800),
}


class Budget:
    """The limiter of one account on one address. `tier` None: the signer is not limited, as in a rehearsal."""

    def __init__(self, *, monotonic_s: Callable[[], float], tier: str | None = "standard") -> None:
        self._monotonic_s = monotonic_s
        self._signer = _buckets(TIERS[tier]) if tier else None
        common = _window(*COMMON)
        self._limiter = RateLimiter(
            {kind: self._rules(kind, common) for kind in WINDOWS},
            monotonic_s=monotonic_s,
            reserves={kind: CANCEL_RESERVE for kind in WINDOWS if kind not in CANCELLING},
        )

    def wait_order_s(self, count: int = 1) -> float:
        """Seconds until so many orders may leave: one alone, more as a batch."""
        kind = "order" if count == 1 else "orders"
        return max(self._limiter.wait_s(kind), self._signer_wait_s(0, count))

    def take_order(self, count: int = 1) -> None:
        """Count orders that leave; a batch is one request and as many orders."""
        self._limiter.take("order" if count == 1 else "orders")
        self._signer_take(0, count)

    def wait_cancel_s(self, kind: str = "cancel", count: int = 1) -> float:
        """Seconds until a request of a cancelling kind for so many orders may leave."""
        return max(self._limiter.wait_s(kind), self._signer_wait_s(1, count))

    def take_cancel(self, kind: str = "cancel", count: int = 1) -> None:
        """Count a cancel that leaves."""
        self._limiter.take(kind)
        self._signer_take(1, count)

    def wait_read_s(self, kind: str = "read") -> float:
        """Seconds until a read may leave."""
        return self._limiter.wait_s(kind)

    def take_read(self, kind: str = "read") -> None:
        """Count a read that leaves."""
        self._limiter.take(kind)

    def pause_orders(self, pause_s: float) -> None:
        """Send no orders for a while, as the venue asked; cancels go on."""
        self._limiter.pause("order", pause_s)
        self._limiter.pause("orders", pause_s)

    def learn(self, headers: Mapping[str, str], *, is_cancel: bool) -> None:
        """Follow what an answer to an order or a cancel says of the signer's tier and tokens left."""
        if self._signer is None:
            return
        now_s = self._monotonic_s()
        tier = TIERS.get(headers.get("poly-ratelimit-tier", "").lower())
        orders, _ = self._signer
        if tier and orders.burst != int(tier.orders_burst * USABLE_BURST):
            for bucket, (per_s, burst) in zip(self._signer, _usable(tier), strict=True):
                bucket.resize(per_s=per_s, burst=burst, now_s=now_s)
        remaining = _whole(headers.get("poly-ratelimit-remaining"))
        if remaining is not None:
            self._signer[is_cancel].correct(remaining, now_s=now_s)

    def _rules(self, kind: str, common: SlidingWindow) -> list[Limit]:
        return [common, *(_window(limit, window_s) for limit, window_s in WINDOWS[kind])]

    def _signer_wait_s(self, index: int, count: int) -> float:
        return self._signer[index].wait_s(count, now_s=self._monotonic_s()) if self._signer else 0.0

    def _signer_take(self, index: int, count: int) -> None:
        if self._signer:
            self._signer[index].take(count, now_s=self._monotonic_s())


def _window(limit: int, window_s: int) -> SlidingWindow:
    return SlidingWindow(limit=int(limit * USABLE), window_s=window_s)


def _buckets(tier: Tier) -> tuple[TokenBucket, TokenBucket]:
    orders, cancels = _usable(tier)
    return TokenBucket(per_s=orders[0], burst=orders[1]), TokenBucket(per_s=cancels[0], burst=cancels[1])


def _usable(tier: Tier) -> tuple[tuple[float, int], tuple[float, int]]:
    """Rate and burst for orders and for cancels, as far as we use them."""
    return (
        (tier.orders_per_s * USABLE, int(tier.orders_burst * USABLE_BURST)),
        (tier.cancels_per_s * USABLE, int(tier.cancels_burst * USABLE_BURST)),
    )


def _whole(text: str | None) -> int | None:
    """The whole part of a header's number, None where it is none."""
    digits = (text or "").partition(".")[0]
    return int(digits) if digits.removeprefix("-").isdecimal() else None
