"""Positions and reservations as records, with their value at the exit side."""

from decimal import Decimal

from domain.instrument import Side
from domain.money import proceeds_of
from domain.records import PositionRecord, ReservationRecord
from state.portfolio import Position, Reservation


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
