"""How often each strategy traded each side of each instrument lately: what control 12 counts."""

from collections import deque

from clock import NS_PER_S
from domain.identifiers import InstrumentId, StrategyName
from domain.instrument import Side
from domain.order import Order

Line = tuple[StrategyName, InstrumentId, Side]


class Executions:
    """Orders that were executed within a window of event time; an order counts once, at its first fill."""

    def __init__(self, *, window_s: int) -> None:
        self._window_ns = window_s * NS_PER_S
        self._times: dict[Line, deque[int]] = {}

    def note(self, line: Line, *, time_ns: int) -> None:
        """An order of this line had its first fill."""
        self._times.setdefault(line, deque()).append(time_ns)

    def count(self, line: Line, *, time_ns: int) -> int:
        """Executions of the line within the window; what is older is forgotten."""
        times = self._times.get(line)
        if times is None:
            return 0
        while times and times[0] <= time_ns - self._window_ns:
            times.popleft()
        if not times:
            del self._times[line]
        return len(times)

    def forget(self, strategy: StrategyName) -> None:
        """A person has resumed the strategy: it begins with a clean sheet."""
        for line in [line for line in self._times if line[0] == strategy]:
            del self._times[line]


def line_of(order: Order) -> Line:
    """What control 12 counts together."""
    return order.strategy, order.instrument_id, order.side
