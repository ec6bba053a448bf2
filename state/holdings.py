"""What the portfolio keeps: positions, reservations, fills that have not settled, and what orders can cost."""

from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from domain.identifiers import InstrumentId, MarketId, OrderId, StrategyName, TradeId, VenueName
from domain.instrument import Instrument, Side, assets_of
from domain.ledger import Transfer
from domain.messages import Fill
from domain.money import ZERO, cost_of, unit_of
from domain.order import Order

FillKey = tuple[VenueName, InstrumentId, TradeId, OrderId]


class Position(Struct, kw_only=True):
    """What one strategy holds of one instrument; quantities in its asset, money in the wallet's, fees not in the cost.

    `fees` are those in money: a fee in the asset itself makes the quantity smaller, one in a third asset costs neither.
    """

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

    @property
    def quantity(self) -> Decimal:
        """By how much the fill changed what is held."""
        return moved_quantity(self.fill)

    @property
    def money(self) -> Decimal:
        """What a purchase took from the wallet, or a sale brings to it."""
        fee = money_fee(self.fill)
        return self.cost + fee if self.fill.side is Side.BUY else self.cost + self.realized_pnl - fee


def fill_key(fill: Fill) -> FillKey:
    """What identifies an execution: two of our makers can share one trade, so the order is part of it."""
    return fill.venue, fill.instrument_id, fill.trade_id, fill.order_id


def moved_quantity(fill: Fill) -> Decimal:
    """By how much a fill changes what is held: a fee in the asset itself comes off what is bought, and goes on top of
    what is sold."""
    asset, _ = assets_of(fill.instrument_id)
    if fill.fee_asset != asset:
        return fill.quantity
    return fill.quantity - fill.fee if fill.side is Side.BUY else fill.quantity + fill.fee


def money_fee(fill: Fill) -> Decimal:
    """The part of a fee that was taken in the money that the trade was made for: all of it, or none."""
    return fill.fee if fill.fee_asset == assets_of(fill.instrument_id)[1] else ZERO


def worst_case(order: Order, instrument: Instrument) -> tuple[str, Decimal]:
    """What the rest of an order can still cost: (money, cost and largest fee) to buy, (asset, quantity) to sell.

    A post-only order never takes, so it pays a maker's fee. An order that has ended costs nothing more.
    """
    if order.side is Side.SELL:
        return instrument.asset, ZERO if order.is_done else order.leaves_quantity
    money = instrument.money
    if order.is_done:
        return money, ZERO
    price, quantity = order.price, order.leaves_quantity
    fee_max = instrument.maker_fee_max if order.post_only else instrument.taker_fee_max
    cost = cost_of(price=price, quantity=quantity, unit=unit_of(money))
    return money, cost + fee_max(price_max=price, quantity=quantity)
