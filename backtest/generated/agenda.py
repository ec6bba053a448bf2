"""What is to happen when: a queue of actions by time that yields their events in order."""

import heapq
from collections.abc import Callable, Iterable, Iterator

from domain.messages import MarketEvent

Action = Callable[[int], Iterable[MarketEvent]]
"""Called with its time; returns what the world shows at that instant, and may put further actions down."""


class Agenda:
    """Holds only what is still to come, so that its size does not grow with the length of a run."""

    def __init__(self) -> None:
        self._queue: list[tuple[int, int, Action]] = []
        self._count = 0

    def at(self, time_ns: int, action: Action) -> None:
        """Put an action down; equal times keep the order in which they were put down."""
        self._count += 1
        heapq.heappush(self._queue, (time_ns, self._count, action))

    def run(self, *, until_ns: int) -> Iterator[MarketEvent]:
        """Do what is due up to `until_ns`, that instant included, and leave the rest undone."""
        while self._queue and self._queue[0][0] <= until_ns:
            time_ns, _, action = heapq.heappop(self._queue)
            yield from action(time_ns)
