"""A venue's rate limits on our side: token buckets and sliding windows, with a reserve that cancels alone may use.

Plain and synchronous; time is what the caller's clock says, seconds that never jump. Whoever sends takes, even
into debt: asking first with `wait_s` is what keeps a request from being refused.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

SLOTS = 100
"""A window is counted in so many parts: a request is forgotten at most one part late, never early."""

NEARLY = 1e-6
"""Tokens that rounding may lack: who has waited as long as was said must not be told to wait for nothing more."""


class Limit(Protocol):
    """One rule of a venue."""

    def wait_s(self, count: int, *, now_s: float, reserve: int) -> float:
        """Seconds until `count` requests fit while `reserve` more would still; 0 where they do now."""
        ...

    def take(self, count: int, *, now_s: float) -> None:
        """Count requests that leave now."""
        ...


class TokenBucket:
    """So many requests a second in the long run, and a burst at once; debt is allowed and paid back."""

    def __init__(self, *, per_s: float, burst: int) -> None:
        self.per_s = per_s
        self.burst = burst
        self._tokens: float = burst
        self._at_s = 0.0

    def wait_s(self, count: int, *, now_s: float, reserve: int = 0) -> float:
        """As the protocol says; a demand above the burst waits for a full bucket."""
        missing = min(count + reserve, self.burst) - self._level(now_s)
        return missing / self.per_s if missing > NEARLY else 0.0

    def take(self, count: int, *, now_s: float) -> None:
        """Take tokens, into debt where there are too few."""
        self._tokens = self._level(now_s) - count
        self._at_s = now_s

    def resize(self, *, per_s: float, burst: int, now_s: float) -> None:
        """Follow the venue to another tier, keeping what is used."""
        self._tokens = self._level(now_s) + burst - self.burst
        self._at_s = now_s
        self.per_s, self.burst = per_s, burst

    def correct(self, tokens: float, *, now_s: float) -> None:
        """Believe the venue where it counts fewer tokens than we do: another process may use them too."""
        self._tokens = min(self._level(now_s), tokens)
        self._at_s = now_s

    def _level(self, now_s: float) -> float:
        return min(self.burst, self._tokens + max(0.0, now_s - self._at_s) * self.per_s)


class SlidingWindow:
    """At most so many requests in any stretch of so many seconds."""

    def __init__(self, *, limit: int, window_s: float) -> None:
        self._limit = limit
        self._window_s = window_s
        self._slot_s = window_s / SLOTS
        self._slots: deque[tuple[int, int]] = deque()
        self._used = 0

    def wait_s(self, count: int, *, now_s: float, reserve: int = 0) -> float:
        """As the protocol says; a demand above the limit waits for an empty window."""
        self._forget(now_s)
        excess = self._used + min(count + reserve, self._limit) - self._limit
        freed = 0
        for slot, used in self._slots:
            if freed >= excess:
                break
            freed += used
            waits_s = self._ends_s(slot) - now_s
            if freed >= excess:
                return max(0.0, waits_s)
        return 0.0

    def take(self, count: int, *, now_s: float) -> None:
        """Count requests into the present part of the window."""
        self._forget(now_s)
        slot = int(now_s / self._slot_s)
        if self._slots and self._slots[-1][0] == slot:
            count_before = self._slots.pop()[1]
            self._slots.append((slot, count_before + count))
        else:
            self._slots.append((slot, count))
        self._used += count

    def _forget(self, now_s: float) -> None:
        while self._slots and self._ends_s(self._slots[0][0]) <= now_s:
            self._used -= self._slots.popleft()[1]

    def _ends_s(self, slot: int) -> float:
        """When the last request of a part has left the window."""
        return (slot + 1) * self._slot_s + self._window_s


class RateLimiter:
    """Rules by kind of request. A rule shared by several kinds is one object in several lists.

    `reserves` says how much of a shared rule a kind must leave untouched, so that a storm of orders cannot
    starve the cancels behind it.
    """

    def __init__(
        self,
        rules: Mapping[str, Iterable[Limit]],
        *,
        monotonic_s: Callable[[], float],
        reserves: Mapping[str, int] | None = None,
    ) -> None:
        self._rules = {kind: tuple(limits) for kind, limits in rules.items()}
        uses = Counter(id(limit) for limits in self._rules.values() for limit in limits)
        self._shared = {key for key, count in uses.items() if count > 1}
        self._monotonic_s = monotonic_s
        self._reserves = dict(reserves or {})
        self._paused_until_s: dict[str, float] = {}

    def wait_s(self, kind: str, count: int = 1) -> float:
        """Seconds until requests of this kind may leave; 0 where they may now."""
        now_s, reserve = self._monotonic_s(), self._reserves.get(kind, 0)
        waits_s = [
            limit.wait_s(count, now_s=now_s, reserve=reserve if id(limit) in self._shared else 0)
            for limit in self._rules[kind]
        ]
        return max(0.0, self._paused_until_s.get(kind, now_s) - now_s, *waits_s)

    def take(self, kind: str, count: int = 1) -> None:
        """Count requests that leave now."""
        now_s = self._monotonic_s()
        for limit in self._rules[kind]:
            limit.take(count, now_s=now_s)

    def pause(self, kind: str, pause_s: float) -> None:
        """Let nothing of this kind leave for a while, as the venue asked; never shortens a pause."""
        until_s = self._monotonic_s() + pause_s
        self._paused_until_s[kind] = max(until_s, self._paused_until_s.get(kind, until_s))
