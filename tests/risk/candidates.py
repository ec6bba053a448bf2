"""A candidate that passes every control with room to spare; tests change one thing about it."""

from decimal import Decimal

import msgspec

from domain.identifiers import OrderId
from risk.candidate import Candidate
from risk.controls import evaluate
from tests.support.trader import WIDE
from tests.support.trading import CLOSES_NS, NOW_NS, book, instrument, intent


def candidate(
    text: str = "BUY 10 UP 0.50", *, limits: dict[str, object] | None = None, **changes: object
) -> Candidate:
    """Ask for 10 shares at the mid of 0.50, worth 5 pUSD and 0.175 of fee at most."""
    passing = Candidate(
        intent=intent(text),
        instrument=instrument(),
        order_id=OrderId("s1-next"),
        time_ns=NOW_NS,
        limits=msgspec.structs.replace(WIDE, **(limits or {})),
        allowed=None,
        book=book(),
        feed_break=None,
        venue_denial=None,
        closes_ns=CLOSES_NS,
        first_order_id=None,
        order_id_is_used=False,
        unknown_order_id=None,
        unknown_orders=0,
        own_open_orders=0,
        sharers=1,
        open_orders=0,
        executions=0,
        worst_case=Decimal("5.175"),
        available=Decimal(1000),
        exposure_after=Decimal(10),
        committed=Decimal(0),
        crossing_order_id=None,
        tokens=Decimal(5),
        retry_at_ns=NOW_NS,
    )
    return msgspec.structs.replace(passing, **changes)


def refusal(given: Candidate) -> str | None:
    """Number of the control that refuses; None where all pass."""
    last = evaluate(given)[-1]
    return None if last.passed else last.control
