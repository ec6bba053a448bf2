"""The generated market as a tape: synthetic from the first event to the last, and the same for the same seed."""

from collections.abc import Iterator
from decimal import Decimal

from backtest.generated.catalogue import Plan, instrument_ids
from backtest.generated.world import World
from domain.errors import TapeError
from domain.identifiers import InstrumentId, digest
from domain.messages import MarketEvent

VERSION = 1
"""Goes up with every change that alters what a seed gives, so that no session resumes on another market."""

START_S = 1_767_226_080
"""2026-01-01T00:08:00Z: two minutes before the first five-minute window, whose opening average is thus on the tape."""

HOURS_MIN, HOURS_MAX = Decimal("0.25"), Decimal(1000)
INTERVAL_MS_MIN, INTERVAL_MS_MAX = 50, 10_000


class GeneratedMarket:
    """Up/down, event, neg-risk and spot markets with the wallets that trade there; no price in it was ever real.

    Holds nothing but its parameters: each call of `events` plays from the start, in memory that does not grow
    with `hours`. `events_total` is 0, that is unknown: counting exactly would mean playing all of it first.
    """

    def __init__(self, *, seed: int, hours: Decimal = Decimal(1), snapshot_interval_ms: int = 1000) -> None:
        if not HOURS_MIN <= hours <= HOURS_MAX:
            raise TapeError(f"generated market: {hours} hours; give {HOURS_MIN} to {HOURS_MAX}")
        if not INTERVAL_MS_MIN <= snapshot_interval_ms <= INTERVAL_MS_MAX:
            raise TapeError(
                f"generated market: a snapshot every {snapshot_interval_ms} ms; "
                f"give {INTERVAL_MS_MIN} to {INTERVAL_MS_MAX}"
            )
        self._seed = seed
        self._interval_ms = snapshot_interval_ms
        self._plan = Plan(START_S, START_S + int(hours * 3600))
        self.label = f"generated market, SYNTHETIC, seed {seed}"
        self.events_total = 0

    @property
    def fingerprint(self) -> str:
        """Changes with the seed, the length, the interval and the version of the generator."""
        numbers = (VERSION, self._seed, *self._plan, self._interval_ms)
        return digest("generated market", *map(str, numbers))

    @property
    def instrument_ids(self) -> frozenset[InstrumentId]:
        """All that will be listed; follows from the length alone, whatever the seed."""
        return frozenset(instrument_ids(self._plan))

    def events(self) -> Iterator[MarketEvent]:
        """Play it in order of time; two iterators of one market do not disturb each other."""
        return World(self._plan, seed=self._seed, interval_ms=self._interval_ms).events()
