"""Chance without a generator: every sampled value is a hash of the seed, the order and what it is for.

Nothing is drawn in sequence, so orders do not influence each other, and another process gets the same values.
"""

import hashlib
from decimal import Decimal

from domain.order import Order

SPAN = 2**64


class Chance:
    """Values for one seed; `key` says for whom (see `order_key`), `purpose` for what."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def between(self, low: int, high: int, *, key: str, purpose: str) -> int:
        """Return a whole number in [low, high], all nearly equally likely."""
        return low + self._value(key, purpose) * (high - low + 1) // SPAN

    def happens(self, rate: Decimal, *, key: str, purpose: str) -> bool:
        """Say whether something of this probability (0 never, 1 always) happens."""
        return self._value(key, purpose) < rate * SPAN

    def _value(self, key: str, purpose: str) -> int:
        text = "\x1f".join((str(self._seed), key, purpose))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def order_key(order: Order) -> str:
    """Name an order by its intent without the session, and its generation: equal whenever a run is repeated.

    `s1/sniper/0xab:UP/0` of generation 1 is `sniper/0xab:UP/0/1`.
    """
    return f"{order.intent_id.partition('/')[2]}/{order.generation}"
