"""How fast a simulated exchange publishes and how its connections live; the defaults are the documented figures."""

import asyncio
from collections.abc import Callable

from msgspec import Struct

from simulator.exchanges.stream import StreamTimes


class Pace(Struct, frozen=True, kw_only=True):
    """Intervals in seconds of real time; a test makes them short."""

    depth_s: float = 0.1
    ticker_s: float = 1.0
    house_s: float | None = None
    """How often the house moves by itself; None where only a test or a recording moves it."""
    streams: StreamTimes = StreamTimes()


async def repeat(interval_s: float, act: Callable[[], None]) -> None:
    """Call again and again until cancelled, with this pause before each call."""
    while True:
        await asyncio.sleep(interval_s)
        act()
