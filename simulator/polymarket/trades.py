"""A trade at the venue: one incoming order against everybody at one price, and what of it has happened on chain."""

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from domain.money import taker_fee
from simulator.polymarket.contracts import UNITS
from simulator.polymarket.markets import PRICE_UNITS, SimMarket
from simulator.polymarket.matching import PlannedFill
from simulator.polymarket.orders import SimOrder


class TradeStatus(StrEnum):
    """Only the last two are final."""

    MATCHED = "MATCHED"
    MINED = "MINED"
    RETRYING = "RETRYING"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"


class SimTrade(Struct, kw_only=True, eq=False):
    """Amounts in base units; price and value in the taker's terms."""

    id: str
    market: SimMarket
    taker: SimOrder
    price: int
    shares: int
    value: int
    fee: int
    makers: list[PlannedFill]
    matched_ns: int
    updated_ns: int
    hash: str
    status: TradeStatus = TradeStatus.MATCHED
    bucket_index: int = 0
    mined_ns: int | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to it."""
        return self.status in (TradeStatus.CONFIRMED, TradeStatus.FAILED)


def fee_units(market: SimMarket, *, price: int, shares: int) -> int:
    """The taker's fee in base units of pUSD."""
    fee = taker_fee(
        price=Decimal(price) / PRICE_UNITS,
        quantity=Decimal(shares) / UNITS,
        rate=market.spec.fee_rate,
        exponent=market.spec.fee_exponent,
    )
    return int(fee * UNITS)
