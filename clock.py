"""The only reader of system time, and the seam through which everything else learns when to act."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
NS_PER_US = 1_000


class Scheduler(Protocol):
    """Says what time it is for the run, and calls back when a moment of that time is reached."""

    def now_ns(self) -> int:
        """Time of the present instant: UTC nanoseconds, event time where a recording plays."""
        ...

    def call_at(self, time_ns: int, callback: Callable[[], None]) -> None:
        """Call back at `time_ns`, or at the present instant where that has passed; equal times keep their order."""
        ...


class WallScheduler:
    """Scheduler of live data: real time, on the running loop."""

    def now_ns(self) -> int:
        """System time, UTC, in whole microseconds: as it is stored, so that a restart reads back what was."""
        return wall_ns() // NS_PER_US * NS_PER_US

    def call_at(self, time_ns: int, callback: Callable[[], None]) -> None:
        """Call back after the difference to the present, at once where it has passed."""
        delay_s = max(0, time_ns - wall_ns()) / NS_PER_S
        asyncio.get_running_loop().call_later(delay_s, callback)


def wall_ns() -> int:
    """System time as UTC nanoseconds since the epoch."""
    return time.time_ns()


def monotonic_s() -> float:
    """Seconds of a clock that never jumps: for durations only."""
    return time.perf_counter()


def computed_s() -> float:
    """Seconds that this thread has computed: stands still while the process waits, starves or is suspended."""
    return time.thread_time()


def format_time(time_ns: int) -> str:
    """UTC time with microseconds, fixed width, so that text sorts as time and sqlite's functions read it.

    >>> format_time(1790585112649000000)
    '2026-09-28T08:45:12.649000Z'
    """
    seconds, rest = divmod(time_ns, NS_PER_S)
    return f"{_second(seconds)}.{rest // NS_PER_US:06d}Z"


def parse_time(text: str) -> int:
    """Read what `format_time` wrote; raise ValueError for anything else.

    >>> parse_time("2026-09-28T08:45:12.649000Z")
    1790585112649000000
    """
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return int(moment.replace(microsecond=0).timestamp()) * NS_PER_S + moment.microsecond * NS_PER_US


@lru_cache(maxsize=1_024)
def _second(seconds: int) -> str:
    """Events come many to a second, and the calendar is the dear part of writing a time."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
