"""A token bucket that counts event time, so that a recording is throttled as the live venue would be."""

from decimal import Decimal

from clock import NS_PER_S
from domain.identifiers import StrategyName
from domain.money import ONE

NS_PER_MINUTE = 60 * NS_PER_S


class TokenBucket:
    """At most `burst` messages at once and `per_minute` in the long run; starts full."""

    def __init__(self, *, per_minute: int, burst: int) -> None:
        self._ns_per_token = NS_PER_MINUTE // per_minute
        self._level_ns_max = burst * self._ns_per_token
        self._level_ns = self._level_ns_max
        self._time_ns = 0

    def tokens(self, time_ns: int) -> Decimal:
        """Messages that may go now."""
        return Decimal(self._filled(time_ns)) / self._ns_per_token

    def retry_at_ns(self, time_ns: int) -> int:
        """Moment at which one message may go: now, where one may."""
        return time_ns + max(0, self._ns_per_token - self._filled(time_ns))

    def take(self, time_ns: int) -> None:
        """Use one token; the caller has seen that there is one."""
        self._level_ns = self._filled(time_ns) - self._ns_per_token
        self._time_ns = max(self._time_ns, time_ns)
        assert self.tokens(time_ns) > -ONE, "the throttle was taken without a token"

    def note(self, time_ns: int) -> None:
        """Count a message of an earlier process; those of long ago have been refilled since."""
        self._level_ns = max(0, self._filled(time_ns) - self._ns_per_token)
        self._time_ns = max(self._time_ns, time_ns)

    def _filled(self, time_ns: int) -> int:
        return min(self._level_ns_max, self._level_ns + max(0, time_ns - self._time_ns))


class Throttle:
    """The order rate, split evenly among the strategies: who asks often takes nobody else's share."""

    def __init__(self, *, per_minute: int, burst: int) -> None:
        self._per_minute = per_minute
        self._burst = burst
        self.sharers = 1
        self._buckets: dict[StrategyName, TokenBucket] = {}

    def share(self, *, among: int) -> None:
        """Split the rate among so many; called before the first order."""
        self.sharers = max(1, among)

    def of(self, strategy: StrategyName) -> TokenBucket:
        """The strategy's own bucket."""
        if strategy not in self._buckets:
            per_minute, burst = self._per_minute // self.sharers, self._burst // self.sharers
            self._buckets[strategy] = TokenBucket(per_minute=max(1, per_minute), burst=max(1, burst))
        return self._buckets[strategy]
