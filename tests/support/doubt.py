"""Orders whose outcome nobody knows: the answer to the post, or to the cancel, is lost."""

from domain.messages import CancelIntent, CancelLost, Lost, Rejected
from domain.order import Intent, Order, OrderStatus
from tests.support.daemon import Daemon
from tests.support.trading import acknowledged, intent

FAK, GTC = intent("BUY 10 UP 0.50 FAK"), intent("BUY 10 UP 0.50")
"""The venue can execute the first for two seconds, the second without end."""


def lost(order: Order) -> Lost:
    """The connection broke after the bytes had left."""
    return Lost(order_id=order.id, reason="connection reset", time_ns=order.created_ns)


def rejected(order: Order) -> Rejected:
    """A definitive refusal."""
    return Rejected(order_id=order.id, reason="market closed", time_ns=order.created_ns)


def cancel_lost(order: Order) -> CancelLost:
    """The venue does not find what was to be cancelled."""
    return CancelLost(order_id=order.id, reason="not found", time_ns=order.updated_ns)


async def unknown(daemon: Daemon, wanted: Intent = FAK) -> Order:
    """An order whose answer was lost."""
    daemon.venue.answers = [lost]
    order = await daemon.send(wanted)
    assert daemon.status(order) is OrderStatus.UNKNOWN
    return order


async def cancel_unknown(daemon: Daemon) -> Order:
    """An order that rests, and whose cancel was answered with "not found"."""
    daemon.venue.answers = [acknowledged]
    order = await daemon.send(GTC)
    daemon.venue.cancel_answers = [cancel_lost]
    daemon.look(CancelIntent(order_id=order.id, reason="enough"))
    await daemon.drain()
    assert daemon.status(order) is OrderStatus.CANCEL_UNKNOWN
    return order
