"""State as records: positions with their value at the exit side, reservations, arrows of orders."""

from decimal import Decimal

from domain.instrument import Side
from domain.money import proceeds_of
from domain.order import Order, OrderEvent, OrderStatus
from domain.records import OrderEventRecord, PositionRecord, ReservationRecord
from state.holdings import Position, Reservation


def position_record(position: Position, mark_price: Decimal | None, *, time_ns: int) -> PositionRecord:
    """The position as it is stored; without a mark there is no unrealised profit, and none is made up."""
    value = None if mark_price is None else proceeds_of(price=mark_price, quantity=position.quantity)
    unrealized = None if value is None else value - position.cost
    return PositionRecord(
        strategy=position.strategy,
        venue=position.venue,
        instrument_id=position.instrument_id,
        market_id=position.market_id,
        side=Side.BUY,
        quantity=position.quantity,
        unsettled_quantity=position.unsettled_quantity,
        cost=position.cost,
        fees=position.fees,
        realized_pnl=position.realized_pnl,
        mark_price=mark_price,
        unrealized_pnl=unrealized,
        opened_ns=position.opened_ns,
        closed_ns=position.closed_ns,
        updated_ns=time_ns,
    )


def reservation_record(reservation: Reservation, *, is_closed: bool = False) -> ReservationRecord:
    """The reservation as it is stored; a closed one holds nothing."""
    return ReservationRecord(
        order_id=reservation.order_id,
        asset=reservation.asset,
        amount=reservation.amount,
        posted=reservation.posted,
        pending=reservation.pending,
        is_closed=is_closed,
    )


def arrow_record(
    order: Order, event: OrderEvent | None, before: OrderStatus | None, detail: str, *, is_late: bool = False
) -> OrderEventRecord:
    """One arrow of the order table, as it is stored; late where the order had ended before."""
    return OrderEventRecord(
        time_ns=order.updated_ns,
        order_id=order.id,
        event=event,
        status_before=before,
        status_after=order.status,
        detail=detail,
        is_late=is_late,
    )
