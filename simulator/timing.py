"""The simulator's time: a clock that tests can set, and an agenda of what becomes due on it."""

import heapq
from collections.abc import Callable
from itertools import count

from clock import wall_ns

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
AGENDA_MAX = 1_000_000
"""Entries of an agenda; a simulator that plans more has run away."""

Source = Callable[[], int]
SYSTEM_TIME: Source = wall_ns
"""Where time comes from unless a test or the command line gives another source."""


class SimulatorClock:
    """UTC nanoseconds: the system's time by default, shifted or stopped at will; it never goes back by itself."""

    def __init__(self, source_ns: Source = SYSTEM_TIME) -> None:
        self._source_ns = source_ns
        self._shift_ns = 0
        self._stopped_ns: int | None = None

    def now_ns(self) -> int:
        """The present instant."""
        if self._stopped_ns is not None:
            return self._stopped_ns
        return self._source_ns() + self._shift_ns

    def advance(self, duration_ns: int) -> None:
        """Jump ahead; what becomes due runs with the next request, tick or step."""
        if self._stopped_ns is not None:
            self._stopped_ns += duration_ns
        else:
            self._shift_ns += duration_ns

    def set(self, time_ns: int) -> None:
        """Jump to a moment, and go on from there unless stopped."""
        self.advance(time_ns - self.now_ns())

    def stop(self) -> None:
        """Stand still until `go_on`; only `advance` and `set` move it."""
        self._stopped_ns = self.now_ns()

    def go_on(self) -> None:
        """Run again from where it stands."""
        if self._stopped_ns is not None:
            self._shift_ns = self._stopped_ns - self._source_ns()
            self._stopped_ns = None


class Agenda:
    """Callbacks by the moment they are due; equal moments keep the order in which they were planned."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, int, Callable[[int], None]]] = []
        self._ordinals = count()

    def plan(self, time_ns: int, callback: Callable[[int], None]) -> None:
        """Call back with the moment itself once it is reached; OverflowError above the limit."""
        if len(self._entries) >= AGENDA_MAX:
            raise OverflowError(f"{AGENDA_MAX} entries are planned; let the clock reach some")
        heapq.heappush(self._entries, (time_ns, next(self._ordinals), callback))

    def run_until(self, time_ns: int) -> None:
        """Run everything due up to and including the moment, also what that plans in turn."""
        while self._entries and self._entries[0][0] <= time_ns:
            due_ns, _, callback = heapq.heappop(self._entries)
            callback(due_ns)

    def next_ns(self) -> int | None:
        """When the earliest entry is due; None where nothing is planned."""
        return self._entries[0][0] if self._entries else None
