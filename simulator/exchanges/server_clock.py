"""The clock of a simulated exchange, in the units of its wire, and the moment at which it runs ahead."""

from collections.abc import Iterator
from contextlib import contextmanager

from simulator.timing import NS_PER_MS, NS_PER_S, SimulatorClock

__all__ = ["NS_PER_MS", "NS_PER_S", "ServerClock"]


class ServerClock(SimulatorClock):
    """What time the exchange believes it is; moving it does not move the client's clock."""

    def now_ms(self) -> int:
        """UTC milliseconds, as the wire has them."""
        return self.now_ns() // NS_PER_MS

    @contextmanager
    def ahead(self, milliseconds: int) -> Iterator[None]:
        """Let the clock be this much further ahead (or behind) inside the block, which must not await."""
        self.advance(milliseconds * NS_PER_MS)
        try:
            yield
        finally:
            self.advance(-milliseconds * NS_PER_MS)
