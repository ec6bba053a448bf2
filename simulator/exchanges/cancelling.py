"""Cancels as clients ask for them, with the three ways in which a cancel and a fill can miss each other."""

from simulator.exchanges.exchange import SpotExchange
from simulator.exchanges.orders import SpotOrder
from simulator.faults import Fault

CANCEL_FAULTS = (Fault.CANCEL_LOST, Fault.CANCEL_FILL_RACE, Fault.FILL_AFTER_CANCEL)


def cancel_for_client(exchange: SpotExchange, order: SpotOrder, *, cancel_id: str) -> SpotOrder | None:
    """Cancel, and return what the answer is made of; None where the order is not open (any more)."""
    struck = exchange.faults.strike(CANCEL_FAULTS, f"cancel {order.form.pair.symbol}")
    if struck is None:
        return exchange.cancel(order.id, cancel_id=cancel_id)
    match struck.fault:
        case Fault.CANCEL_LOST:
            return exchange.resting(order.id)
        case Fault.CANCEL_FILL_RACE:
            exchange.fill(order.id)
            return exchange.cancel(order.id, cancel_id=cancel_id)
        case _:
            return _fill_unseen_and_cancel(exchange, order, cancel_id=cancel_id)


def _fill_unseen_and_cancel(exchange: SpotExchange, order: SpotOrder, *, cancel_id: str) -> SpotOrder | None:
    """Trade half of the order before the cancel, and answer as if that trade were not known yet."""
    before = exchange.resting(order.id)
    step = order.form.pair.quantity_step
    half = order.leaves / 2 // step * step
    if before and half:
        exchange.fill(order.id, half)
    return before if exchange.cancel(order.id, cancel_id=cancel_id) else None
