"""An order at the simulated venue, from its arrival to its end."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import msgspec
from msgspec import Struct

from domain.identifiers import TradeId, VenueName
from domain.instrument import Instrument
from domain.messages import Fill
from domain.money import ZERO
from domain.order import Order, OrderStatus
from domain.remembered import Remembered
from venues.base import VenueOrder
from venues.matching import Execution

RETURNING = (
    OrderStatus.SENDING,
    OrderStatus.OPEN,
    OrderStatus.PARTIALLY_FILLED,
    OrderStatus.UNKNOWN,
    OrderStatus.CANCEL_SENDING,
    OrderStatus.CANCEL_UNKNOWN,
)


def returning_orders(remembered: Remembered) -> Iterator["LiveOrder"]:
    """What had arrived, or was on its way, when an earlier process ended: its rest works on, its trades are counted."""
    instruments = {i.id: i for market in remembered.markets for i in market.instruments}
    trades = Counter(order_id for _, _, _, order_id in remembered.seen)
    for order in remembered.orders:
        if order.status in RETURNING and order.instrument_id in instruments:
            rest = msgspec.structs.replace(order, quantity=order.leaves_quantity, filled_quantity=ZERO)
            yield LiveOrder(order=rest, instrument=instruments[order.instrument_id], fills=trades[order.id])


class LiveOrder(Struct, kw_only=True):
    """An order that has arrived and not ended; `fills` counts its trades."""

    order: Order
    instrument: Instrument
    filled_quantity: Decimal = ZERO
    fills: int = 0

    @property
    def leaves(self) -> Decimal:
        """Shares still to be filled, as the venue counts."""
        return self.order.quantity - self.filled_quantity

    def seen(self, status: OrderStatus) -> VenueOrder:
        """The order as a query shows it."""
        return VenueOrder(order_id=self.order.id, status=status, filled_quantity=self.filled_quantity)

    def fill(self, execution: Execution, *, venue: VenueName, time_ns: int) -> Fill:
        """Count an execution and make it a fill; the trade id contains the order's, and so the session."""
        self.fills += 1
        self.filled_quantity += execution.quantity
        return Fill(
            venue=venue,
            instrument_id=self.order.instrument_id,
            market_id=self.order.market_id,
            trade_id=TradeId(f"{self.order.id}-t{self.fills}"),
            order_id=self.order.id,
            side=self.order.side,
            price=execution.price,
            quantity=execution.quantity,
            fee=execution.fee,
            fee_asset=self.instrument.fee_asset(self.order.side),
            liquidity=execution.liquidity,
            time_ns=time_ns,
        )
