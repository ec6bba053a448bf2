"""Complete sets: one share of each outcome of a market is worth one pUSD, and can be made of it or turned into it."""

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from domain.identifiers import InstrumentId, MarketId, StrategyName, VenueName


class SetAction(StrEnum):
    """MERGE turns sets into money, SPLIT money into sets."""

    MERGE = "MERGE"
    SPLIT = "SPLIT"


class SetIntent(Struct, frozen=True, kw_only=True):
    """A strategy's wish to merge or split `quantity` complete sets of a market; needs free settled shares, or cash."""

    action: SetAction
    market_id: MarketId
    quantity: Decimal


class Conversion(Struct, frozen=True, kw_only=True):
    """A wish that is covered: what it needs is set aside under its id until the venue has answered."""

    id: str
    strategy: StrategyName
    market_id: MarketId
    instrument_ids: tuple[InstrumentId, ...]
    action: SetAction
    quantity: Decimal


class SetConverted(Struct, frozen=True, kw_only=True):
    """The venue's answer: how many sets were converted, none where it refused."""

    venue: VenueName
    conversion: Conversion
    quantity: Decimal
    time_ns: int
