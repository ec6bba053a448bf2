"""The up/down series: windows follow each other without a pause, and the next is known before it opens."""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec import Struct

from clock import NS_PER_S
from domain.errors import ConfigurationError, VenueReadError
from domain.instrument import Market
from venues.polymarket.discovery import Discovery, Found

LENGTHS_S = {"5m": 300, "15m": 900, "4h": 14_400}
NAME = re.compile(r"([a-z0-9]+)-(5m|15m|4h)")

WINDOWS_AHEAD = 1
"""So many windows after the running one are followed: the next is there a whole window before it opens."""

TICK_S = 1.0
RETRY_S = 5
"""Gamma knows a window about a day ahead, and the order book service minutes later; a missing one is asked again."""


class Series(NamedTuple):
    """Windows of one length on one asset, as in `btc-5m`."""

    asset: str
    label: str

    @property
    def length_s(self) -> int:
        """Seconds from the beginning of a window to the next."""
        return LENGTHS_S[self.label]

    def slug(self, start_s: int) -> str:
        """The market of the window that begins at this UNIX time.

        >>> Series("btc", "5m").slug(1773307200)
        'btc-updown-5m-1773307200'
        """
        return f"{self.asset}-updown-{self.label}-{start_s}"


class Window(NamedTuple):
    """One window of a series; `start_s` is a multiple of its length."""

    series: Series
    start_s: int

    @property
    def slug(self) -> str:
        """The market's name."""
        return self.series.slug(self.start_s)


class RotationCounters(Struct, kw_only=True):
    """How the search for windows went."""

    found: int = 0
    missing: int = 0
    failed: int = 0
    last_obstacle: str = ""


class SeriesRotation:
    """Finds the running window of each series and those ahead, each once."""

    def __init__(
        self,
        series: Sequence[Series],
        discovery: Discovery,
        on_found: Callable[[Market], None],
        *,
        now_ns: Callable[[], int],
    ) -> None:
        self.counters = RotationCounters()
        self._series, self._discovery, self._on_found, self._now_ns = series, discovery, on_found, now_ns
        self._found: set[Window] = set()
        self._asked_s: dict[Window, int] = {}

    async def run(self) -> None:
        """Look every second which windows are missing; only cancellation, or an error of our own, ends it."""
        while True:
            for window in self.due():
                await self._find(window)
            await asyncio.sleep(TICK_S)

    def due(self) -> list[Window]:
        """Windows that should be followed now, are not, and were not asked for a moment ago."""
        now_s = self._now_ns() // NS_PER_S
        wanted = [window for series in self._series for window in windows(series, now_s)]
        self._found.intersection_update(wanted)
        self._asked_s = {window: asked for window, asked in self._asked_s.items() if window in wanted}
        return [
            window
            for window in wanted
            if window not in self._found and now_s - self._asked_s.get(window, -RETRY_S) >= RETRY_S
        ]

    async def _find(self, window: Window) -> None:
        self._asked_s[window] = self._now_ns() // NS_PER_S
        try:
            found = await self._discovery.by_slug(window.slug)
        except VenueReadError as error:
            self.counters.failed += 1
            self.counters.last_obstacle = str(error)
            return
        self._take(window, found)

    def _take(self, window: Window, found: Found) -> None:
        if not found.markets:
            self.counters.missing += 1
            reasons = [refused.reason for refused in found.refused]
            self.counters.last_obstacle = f"{window.slug}: {reasons[0] if reasons else 'not listed yet'}"
            return
        self._found.add(window)
        self.counters.found += 1
        self._on_found(found.markets[0])


def windows(series: Series, now_s: int) -> list[Window]:
    """The running window and those ahead.

    >>> [window.start_s for window in windows(Series("btc", "5m"), 1773307499)]
    [1773307200, 1773307500]
    """
    start_s = now_s - now_s % series.length_s
    return [Window(series, start_s + step * series.length_s) for step in range(WINDOWS_AHEAD + 1)]


def parse_series(name: str) -> Series:
    """Read a name such as `btc-5m`; raises ConfigurationError for what is none.

    >>> parse_series("eth-15m")
    Series(asset='eth', label='15m')
    """
    match = NAME.fullmatch(name.strip().lower())
    if match is None:
        raise ConfigurationError(f"no series {name[:40]!r}; give an asset and a length, as btc-5m or eth-15m")
    return Series(match[1], match[2])
