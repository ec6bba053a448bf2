"""Levels of a recording, made exact when somebody looks at them: most of a book's depth is never looked at."""

from collections.abc import Sequence
from decimal import Decimal
from typing import overload

from domain.book import Level
from domain.money import UNIT, ZERO, round_down

RawLevel = tuple[float, float]

LEVELS_KEPT_MAX = 200_000
"""Distinct levels that are remembered while reading: most of a book is the same a second later."""

QUANTITY_DECIMALS = 6


class LevelCache:
    """Exact levels by the floats of the recording, each made once.

    `repr` gives back the decimal text that the recording holds. Sizes are rounded down to a unit: the
    recording's floats carry noise in the sixteenth digit, and depth is never rounded up.
    """

    def __init__(self) -> None:
        self._known: dict[RawLevel, Level] = {}

    def level(self, raw: RawLevel) -> Level:
        """The exact level."""
        return self._known.get(raw) or self._learn(raw)

    def _learn(self, raw: RawLevel) -> Level:
        if len(self._known) >= LEVELS_KEPT_MAX:
            self._known.clear()
        price, quantity = raw
        level = self._known[raw] = Level(Decimal(repr(price)), _exact_quantity(quantity))
        return level


class RecordedLevels(Sequence[Level]):
    """One side of a recorded book; reads as a tuple of levels does."""

    __slots__ = ("_cache", "_raw")

    def __init__(self, raw: list[RawLevel], cache: LevelCache) -> None:
        self._raw = raw
        self._cache = cache

    def __len__(self) -> int:
        return len(self._raw)

    @overload
    def __getitem__(self, index: int) -> Level: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Level, ...]: ...

    def __getitem__(self, index: int | slice) -> Level | tuple[Level, ...]:
        if isinstance(index, slice):
            return tuple([self._cache.level(raw) for raw in self._raw[index]])
        return self._cache.level(self._raw[index])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


def _exact_quantity(number: float) -> Decimal:
    text = repr(number)
    exact = Decimal(text)
    if len(text) - text.find(".") - 1 <= QUANTITY_DECIMALS and "e" not in text:
        return exact
    return max(ZERO, round_down(exact, UNIT))
