"""How far this machine's clock is from the venue's, from answers that say the venue's time."""

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct

from clock import NS_PER_MS, NS_PER_S, monotonic_s, wall_ns
from live.findings import Finding, bad, ok, warn

OFFSET_MS_WARN, OFFSET_MS_MAX = 250, 1_000
MEASURE_S_MAX, PAUSE_S = 1.5, 0.05
PRECISE_MS = 120
MEND = "let the system keep its clock: timedatectl set-ntp true"


class Offset(Struct, frozen=True):
    """Bounds of what must be added to our time to get the venue's, in nanoseconds; the truth is between them."""

    low_ns: int
    high_ns: int

    @property
    def middle_ms(self) -> int:
        """The best guess, in milliseconds."""
        return (self.low_ns + self.high_ns) // 2 // NS_PER_MS

    @property
    def error_ms(self) -> int:
        """How far off the guess may be."""
        return (self.high_ns - self.low_ns) // 2 // NS_PER_MS

    def narrowed(self, other: "Offset") -> "Offset | None":
        """What both leave possible; None where they contradict each other: a clock has jumped meanwhile."""
        low_ns, high_ns = max(self.low_ns, other.low_ns), min(self.high_ns, other.high_ns)
        return Offset(low_ns, high_ns) if low_ns <= high_ns else None


def bounds(*, sent_ns: int, answered_ns: int, told_ns: int, resolution_ns: int) -> Offset:
    """What one answer leaves possible: the venue said `told_ns`, cut to its resolution, between sending and answer.

    >>> bounds(sent_ns=5_000, answered_ns=7_000, told_ns=6_000, resolution_ns=1_000)
    Offset(low_ns=-1000, high_ns=2000)
    """
    return Offset(told_ns - answered_ns, told_ns + resolution_ns - sent_ns)


async def measure(read_ns: Callable[[], Awaitable[int]], *, resolution_ns: int = NS_PER_S) -> Offset | None:
    """Ask until the bounds are narrow: where only whole seconds are told, their change tells the rest.

    None where a clock jumped while we asked. Raises what `read_ns` raises.
    """
    until_s = monotonic_s() + MEASURE_S_MAX
    offset: Offset | None = None
    while True:
        sent_ns = wall_ns()
        told_ns = await read_ns()
        now = bounds(sent_ns=sent_ns, answered_ns=wall_ns(), told_ns=told_ns, resolution_ns=resolution_ns)
        offset = now if offset is None else offset.narrowed(now)
        if offset is None or offset.error_ms * 2 <= PRECISE_MS or monotonic_s() > until_s:
            return offset
        await asyncio.sleep(PAUSE_S)


def judged(offset: Offset | None) -> Finding:
    """Control 28 as a finding: above 250 ms warns, above a second nothing new may be sent."""
    if offset is None:
        return warn("clock", "a clock jumped while it was measured", MEND)
    words = f"the venue's is {offset.middle_ms:+} ms from ours, give or take {offset.error_ms}"
    if abs(offset.middle_ms) > OFFSET_MS_MAX:
        return bad("clock", f"{words}: beyond {OFFSET_MS_MAX} ms orders are refused", MEND)
    return warn("clock", words, MEND) if abs(offset.middle_ms) > OFFSET_MS_WARN else ok("clock", words)
