"""What the portfolio keeps: positions, reservations, fills that have not settled, and what orders can cost."""

from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from domain.identifiers import InstrumentId, MarketId, OrderId, StrategyName, TradeId, VenueName
from domain.instrument import Instrument, Side
from domain.ledger import Transfer
from domain.messages import Fill
from domain.money import PUSD, ZERO, cost_of, taker_fee_max
from domain.order import Order

FillKey = tuple[VenueName, InstrumentId, TradeId, OrderId]


class Position(Struct, kw_only=True):
    """What one strategy holds of one instrument; quantities in shares, money in pUSD, fees not in the cost."""

    strategy: StrategyName
    venue: VenueName
    market_id: MarketId
    instrument_id: InstrumentId
    opened_ns: int
    settled_quantity: Decimal = ZERO
    unsettled_quantity: Decimal = ZERO
    settled_cost: Decimal = ZERO
    unsettled_cost: Decimal = ZERO
    fees: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    closed_ns: int | None = None

    @property
    def quantity(self) -> Decimal:
        """Shares held, settled or not; those set aside for a sale are still held."""
        return self.settled_quantity + self.unsettled_quantity

    @property
    def cost(self) -> Decimal:
        """What the shares held were bought for."""
        return self.settled_cost + self.unsettled_cost


class Past(Struct, kw_only=True):
    """What a strategy's forgotten positions left: how many earned or lost after fees, and what in all."""

    wins: int = 0
    losses: int = 0
    earned: Decimal = ZERO


class Reservation(Struct, kw_only=True):
    """A lock on money or shares: `amount` first set aside, `posted` used by fills, `pending` still held."""

    order_id: OrderId
    instrument: Instrument
    asset: str
    amount: Decimal
    posted: Decimal = ZERO
    pending: Decimal = ZERO


class Booked(NamedTuple):
    """How a fill was posted, kept until it settles so that a failure can be undone to the unit."""

    fill: Fill
    strategy: StrategyName
    transfer: Transfer
    cost: Decimal
    realized_pnl: Decimal


def fill_key(fill: Fill) -> FillKey:
    """What identifies an execution: two of our makers can share one trade, so the order is part of it."""
    return fill.venue, fill.instrument_id, fill.trade_id, fill.order_id


def worst_case(order: Order, instrument: Instrument) -> tuple[str, Decimal]:
    """What the rest of an order can still cost: (pUSD, cost and largest fee) to buy, (shares, quantity) to sell.

    A post-only order never takes, so it never pays a fee. An order that has ended costs nothing more.
    """
    if order.side is Side.SELL:
        return order.instrument_id, ZERO if order.is_done else order.leaves_quantity
    if order.is_done:
        return PUSD, ZERO
    cost = cost_of(price=order.price, quantity=order.leaves_quantity)
    if order.post_only:
        return PUSD, cost
    return PUSD, cost + taker_fee_max(
        price_max=order.price,
        quantity=order.leaves_quantity,
        rate=instrument.fee_rate,
        exponent=instrument.fee_exponent,
    )
