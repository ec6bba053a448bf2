"""Seeded chance: the same seed and purpose give the same numbers in every process and under every hash seed."""

import hashlib
import math

MASK = (1 << 64) - 1
STRIDE = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB
UNIT = 2.0**-53


class Chance:
    """SplitMix64 (Steele, Lea and Flood 2014). Each purpose has a stream of its own, so that a new use of
    chance in one part leaves the numbers of the others as they were."""

    __slots__ = ("_spare", "_state")

    def __init__(self, seed: int, purpose: str) -> None:
        digest = hashlib.sha256(f"{seed}\x1f{purpose}".encode()).digest()
        self._state = int.from_bytes(digest[:8], "big")
        self._spare: float | None = None

    def bits(self) -> int:
        """The next 64 bits, as a whole number.

        >>> Chance(7, "doc").bits() == Chance(7, "doc").bits() != Chance(8, "doc").bits()
        True
        """
        self._state = state = (self._state + STRIDE) & MASK
        state = ((state ^ (state >> 30)) * MIX_1) & MASK
        state = ((state ^ (state >> 27)) * MIX_2) & MASK
        return state ^ (state >> 31)

    def unit(self) -> float:
        """Uniform in [0, 1)."""
        return (self.bits() >> 11) * UNIT

    def below(self, limit: int) -> int:
        """Uniform among the whole numbers from 0 to `limit` − 1."""
        return self.bits() * limit >> 64

    def between(self, low: int, high: int) -> int:
        """Uniform among the whole numbers from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def happens(self, probability: float) -> bool:
        """True once in 1 / `probability` times."""
        return self.unit() < probability

    def gauss(self) -> float:
        """Normal with mean 0 and deviation 1 (Box and Muller 1958: two at a time, one kept for the next call)."""
        if (spare := self._spare) is not None:
            self._spare = None
            return spare
        radius, angle = math.sqrt(-2.0 * math.log(1.0 - self.unit())), math.tau * self.unit()
        self._spare = radius * math.sin(angle)
        return radius * math.cos(angle)
