"""What one price feed has said lately: its last price, averages over time, and volatility; floats, an indicator."""

import math
from bisect import bisect_right

NS_PER_S = 1_000_000_000
GAP_S = 5
"""A feed that is silent for longer has a gap: what it would have said in between is not known."""

GAP_NS = GAP_S * NS_PER_S
SAMPLE_NS = NS_PER_S
KEPT_NS = 1_800 * NS_PER_S
KEPT_MAX = 200_000
"""Ticks older than half an hour are forgotten, and the older half of too many."""

DECAY = 0.94
RETURNS_MIN = 30
"""Returns after which the volatility is trusted: by then the first one weighs 0.94³⁰ = 16 %."""

VOLATILITY_MIN = 0.00003
"""Floor of the volatility per second, 17 % a year: a feed that repeats itself is not a market without risk."""


class PriceHistory:
    """Ticks in order of time; one that is not later than the last is ignored."""

    __slots__ = ("_prices", "_returns", "_sampled_ns", "_sampled_price", "_times", "_variance")

    def __init__(self) -> None:
        self._times: list[int] = []
        self._prices: list[float] = []
        self._sampled_ns = 0
        self._sampled_price = 0.0
        self._variance = 0.0
        self._returns = 0

    @property
    def last_price(self) -> float:
        """The latest price; only where there was a tick."""
        return self._prices[-1]

    @property
    def last_ns(self) -> int:
        """The time of the latest price; 0 before the first, so that its age is then beyond any limit."""
        return self._times[-1] if self._times else 0

    @property
    def volatility(self) -> float | None:
        """Standard deviation of the log return over one second, EWMA with 0.94 a second, and never below the
        floor; None until enough returns were seen."""
        if self._returns < RETURNS_MIN:
            return None
        return max(VOLATILITY_MIN, math.sqrt(self._variance))

    def add(self, time_ns: int, price: float) -> None:
        """Take a tick in."""
        if time_ns <= self.last_ns or price <= 0.0:
            return
        self._times.append(time_ns)
        self._prices.append(price)
        self._sample(time_ns, price)
        self._forget(time_ns)

    def average(self, start_ns: int, end_ns: int) -> float | None:
        """Average over time of the last value known at each moment; over no time at all, that value itself.

        None where a value had to be carried for longer than the gap allows, or none was known at the start.
        """
        first = bisect_right(self._times, start_ns) - 1
        if first < 0:
            return None
        area, last = 0.0, bisect_right(self._times, end_ns) - 1
        for index in range(first, last + 1):
            until_ns = self._times[index + 1] if index < last else end_ns
            if until_ns - self._times[index] > GAP_NS:
                return None
            area += self._prices[index] * (until_ns - max(start_ns, self._times[index]))
        return area / (end_ns - start_ns) if end_ns > start_ns else self._prices[last]

    def _sample(self, time_ns: int, price: float) -> None:
        """Take a return into the variance once a second has passed; over a gap there is no return.

        A return over n seconds stands for n of them: its square counts a second's share, and the past decays n
        times.
        """
        elapsed_ns = time_ns - self._sampled_ns
        if elapsed_ns < SAMPLE_NS:
            return
        if self._sampled_ns and elapsed_ns <= GAP_NS:
            seconds = elapsed_ns / NS_PER_S
            square = math.log(price / self._sampled_price) ** 2 / seconds
            kept = DECAY**seconds if self._returns else 0.0
            self._variance = kept * self._variance + (1.0 - kept) * square
            self._returns += 1
        self._sampled_ns, self._sampled_price = time_ns, price

    def _forget(self, time_ns: int) -> None:
        """Drop old ticks, many at once so that each costs little."""
        if time_ns - self._times[0] > 2 * KEPT_NS:
            dropped = bisect_right(self._times, time_ns - KEPT_NS) - 1
        elif len(self._times) > KEPT_MAX:
            dropped = KEPT_MAX // 2
        else:
            return
        del self._times[:dropped], self._prices[:dropped]
