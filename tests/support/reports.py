"""Reports in one word each, and the paths that an order can take through them."""

from collections.abc import Callable

from domain.identifiers import OrderId
from domain.messages import (
    Cancelled,
    CancelLost,
    ExecutionReport,
    Expired,
    FoundOpen,
    GaveUp,
    Lost,
    NotSent,
    ProvenAbsent,
    Rejected,
)
from tests.support.trader import Trader
from tests.support.trading import NOW_NS, acknowledged, order

Report = Callable[[OrderId], ExecutionReport]
Step = str | Report
"""A report of the venue, or what we do ourselves: cancel, withdraw, again; or fill, part, rest."""


def cancelled(of: OrderId) -> Cancelled:
    """The venue cancelled the order, or its rest."""
    return Cancelled(order_id=of, reason="asked", time_ns=NOW_NS)


def rejected(of: OrderId) -> Rejected:
    """The venue refused it."""
    return Rejected(order_id=of, reason="no", time_ns=NOW_NS)


def expired(of: OrderId) -> Expired:
    """Its time limit passed."""
    return Expired(order_id=of, time_ns=NOW_NS)


def lost(of: OrderId) -> Lost:
    """The answer to the post did not come."""
    return Lost(order_id=of, reason="silence", time_ns=NOW_NS)


def cancel_lost(of: OrderId) -> CancelLost:
    """The answer to the cancel did not come, or told nothing."""
    return CancelLost(order_id=of, reason="silence", time_ns=NOW_NS)


def absent(of: OrderId) -> ProvenAbsent:
    """It is proven that nothing of it is there."""
    return ProvenAbsent(order_id=of, reason="proof", time_ns=NOW_NS)


def gave_up(of: OrderId) -> GaveUp:
    """A person decides."""
    return GaveUp(order_id=of, reason="120 s", time_ns=NOW_NS)


def found(of: OrderId) -> FoundOpen:
    """A query found it resting."""
    return FoundOpen(order_id=of, time_ns=NOW_NS)


def taken(of: OrderId) -> ExecutionReport:
    """The venue has it."""
    return acknowledged(order("BUY 10 UP 0.50", name=of.removeprefix("s1-")))


def walk(trader: Trader, order_id: OrderId, step: Step) -> None:
    """One step of a path: a report, or what we do ourselves."""
    manager, journal = trader.manager, trader.journal
    match step:
        case "cancel":
            assert manager.request_cancel(order_id, reason="asked", time_ns=NOW_NS, journal=journal)
        case "withdraw":
            manager.withdraw(order_id, reason="stopping", time_ns=NOW_NS, journal=journal)
        case "not sent":
            trader.report(NotSent(order_id=order_id, reason="refused", time_ns=NOW_NS))
        case "again":
            manager.send_again(order_id, time_ns=NOW_NS, journal=journal)
        case "fill":
            trader.fill(trader.now(order_id), "10")
        case "part" | "rest":
            trader.fill(trader.now(order_id), "5", trade=str(step))
        case _:
            assert not isinstance(step, str), f"there is no step {step}"
            trader.report(step(order_id))
