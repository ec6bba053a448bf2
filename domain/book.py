"""Order books as values: levels best first on both sides."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec
from msgspec import Struct

from domain.identifiers import InstrumentId
from domain.instrument import Side


class Level(NamedTuple):
    """A price with the shares offered at it."""

    price: Decimal
    quantity: Decimal


class OrderBook(Struct, frozen=True, kw_only=True):
    """A snapshot of one instrument's book at `time_ns`; bids fall and asks rise from the first level on."""

    instrument_id: InstrumentId
    time_ns: int
    bids: Sequence[Level]
    asks: Sequence[Level]

    def __post_init__(self) -> None:
        """Sides read from a tape come as lists; they become tuples, since a book does not change."""
        if isinstance(self.bids, list):
            msgspec.structs.force_setattr(self, "bids", tuple(self.bids))
            msgspec.structs.force_setattr(self, "asks", tuple(self.asks))

    @property
    def best_bid(self) -> Level | None:
        """Highest bid, or None where nobody bids."""
        return self.bids[0] if self.bids else None

    @property
    def best_ask(self) -> Level | None:
        """Lowest ask, or None where nobody offers."""
        return self.asks[0] if self.asks else None

    @property
    def is_crossed(self) -> bool:
        """Say whether the best bid reaches the best ask: no venue shows that, so the capture is bad."""
        return bool(self.bids and self.asks and self.bids[0].price >= self.asks[0].price)

    @property
    def mid(self) -> Decimal | None:
        """Midpoint of the best prices; None where a side is empty, since one side says nothing of value."""
        if not self.bids or not self.asks:
            return None
        return (self.bids[0].price + self.asks[0].price) / 2

    @property
    def spread(self) -> Decimal | None:
        """Best ask less best bid; None where a side is empty."""
        if not self.bids or not self.asks:
            return None
        return self.asks[0].price - self.bids[0].price

    def levels_against(self, side: Side) -> Sequence[Level]:
        """The levels that an order of this side would take: asks for a buy, bids for a sell."""
        return self.asks if side is Side.BUY else self.bids

    def notional_within(self, side: Side, limit_price: Decimal) -> Decimal:
        """Money value of the levels that an order of this side reaches at `limit_price`, unrounded."""
        levels = self.levels_against(side)
        if side is Side.BUY:
            return sum((p * q for p, q in levels if p <= limit_price), Decimal(0))
        return sum((p * q for p, q in levels if p >= limit_price), Decimal(0))
