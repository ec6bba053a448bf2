"""What a control may look at, and the verdict that it returns."""

from decimal import Decimal

from msgspec import Struct

from config import Limits
from domain.book import OrderBook
from domain.identifiers import InstrumentId, OrderId
from domain.instrument import Instrument
from domain.order import Intent


class Verdict(Struct, frozen=True, kw_only=True):
    """One control's answer: what it measured, what it allows, and why it refuses where it does."""

    control: str
    name: str
    value: str
    limit: str
    passed: bool
    reason: str = ""


class Candidate(Struct, frozen=True, kw_only=True):
    """An intent with everything that the controls compare it to, taken at one instant.

    Quantities in shares, money in pUSD, times UTC nanoseconds. `exposure_after` counts what the wallet holds of
    the instrument, open and unknown orders of the same side, and this intent; `committed` is the cost of all
    positions plus all that open orders have set aside.
    """

    intent: Intent
    instrument: Instrument | None
    order_id: OrderId
    time_ns: int
    limits: Limits
    allowed: frozenset[InstrumentId] | None
    book: OrderBook | None
    feed_break: str | None
    venue_denial: str | None
    closes_ns: int | None
    first_order_id: OrderId | None
    order_id_is_used: bool
    unknown_order_id: OrderId | None
    unknown_orders: int
    open_orders: int
    own_open_orders: int
    sharers: int
    executions: int
    worst_case: Decimal
    available: Decimal
    exposure_after: Decimal
    committed: Decimal
    crossing_order_id: OrderId | None
    tokens: Decimal
    retry_at_ns: int
    is_draining: bool = False
