"""Event time: a scheduler whose clock stands still until the driver moves it."""

import heapq
from collections.abc import Callable

GAP_NS = 3_600 * 1_000_000_000
"""A recording that is silent for longer is not ticked through: its next event may be years away."""

Due = tuple[int, int, Callable[[], None]]


class Timeline:
    """Callbacks in order of time, equal times in order of arrival; recurring ones do not keep a run alive."""

    def __init__(self) -> None:
        self._now_ns = 0
        self._count = 0
        self._once: list[Due] = []
        self._recurring: list[tuple[int, int, int, Callable[[], None]]] = []

    def now_ns(self) -> int:
        """The present instant."""
        return self._now_ns

    def call_at(self, time_ns: int, callback: Callable[[], None]) -> None:
        """Call back when the driver reaches `time_ns`; a moment that has passed is the present one."""
        heapq.heappush(self._once, (max(time_ns, self._now_ns), self._next(), callback))

    def call_every(self, interval_ns: int, callback: Callable[[], None], *, start_ns: int) -> None:
        """Call back at each whole multiple of the interval after `start_ns`."""
        first_ns = start_ns - start_ns % interval_ns + interval_ns
        heapq.heappush(self._recurring, (first_ns, self._next(), interval_ns, callback))

    def advance(self, time_ns: int) -> None:
        """Move the present on; it never goes back."""
        self._now_ns = max(self._now_ns, time_ns)

    def skip_gap(self, time_ns: int) -> None:
        """Where nothing happens for more than an hour, let the recurring callbacks of the gap be one each, its last."""
        if not self._recurring or time_ns - self._now_ns <= GAP_NS:
            return
        self._recurring = [
            (max(due_ns, time_ns - (time_ns - due_ns) % interval_ns), number, interval_ns, callback)
            for due_ns, number, interval_ns, callback in self._recurring
        ]
        heapq.heapify(self._recurring)

    def next_due_ns(self) -> int | None:
        """Time of the earliest callback that is not recurring; None where nothing is pending."""
        return self._once[0][0] if self._once else None

    def next_any_ns(self) -> int | None:
        """Time of the earliest callback of either kind."""
        times = [queue[0][0] for queue in (self._once, self._recurring) if queue]
        return min(times) if times else None

    def run_instant(self, time_ns: int) -> None:
        """Move to `time_ns` and call all that is due by then, first what was asked for once."""
        self.advance(time_ns)
        while self._once and self._once[0][0] <= time_ns:
            heapq.heappop(self._once)[2]()
        while self._recurring and self._recurring[0][0] <= time_ns:
            due_ns, _, interval_ns, callback = heapq.heappop(self._recurring)
            heapq.heappush(self._recurring, (due_ns + interval_ns, self._next(), interval_ns, callback))
            callback()

    def _next(self) -> int:
        self._count += 1
        return self._count
