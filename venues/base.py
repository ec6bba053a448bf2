"""What the executor asks of a venue. Answers come back as reports through the sink, never as return values."""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from domain.conversions import Conversion
from domain.identifiers import InstrumentId, OrderId, StrategyName, VenueName
from domain.messages import ExecutionReport, Fill
from domain.order import Order, OrderStatus

ReportSink = Callable[[ExecutionReport], None]


class ClientIdClass(StrEnum):
    """What a venue does with a client order id that it has seen before."""

    UNIQUE_FOREVER = "A"
    UNIQUE_WHILE_OPEN = "B"
    NONE = "C"


class VenueOrder(Struct, frozen=True, kw_only=True):
    """An order as the venue knows it; `status` is one of OPEN, CANCELLED, EXPIRED, FILLED."""

    order_id: OrderId
    status: OrderStatus
    filled_quantity: Decimal


class Venue(Protocol):
    """A place to trade. No method raises for what the venue answers: it reports. The three reads raise
    VenueReadError where they failed: that is no evidence of anything."""

    name: VenueName
    client_id_class: ClientIdClass

    def connect(self, sink: ReportSink) -> None:
        """Say where reports go; called once, before anything is sent."""
        ...

    def valid_until_ns(self, order: Order) -> int | None:
        """Latest moment at which the payload could still execute if sent now; None: it rests without end."""
        ...

    async def send(self, order: Order) -> None:
        """Hand the order over; the outcome comes as Acknowledged, Rejected, NotSent or Lost, fills as Filled."""
        ...

    async def cancel(self, order: Order) -> None:
        """Ask for a cancel; the outcome comes as Cancelled or CancelLost."""
        ...

    async def redeem(self, *, strategy: StrategyName, instrument_id: InstrumentId, quantity: Decimal) -> None:
        """Turn shares of a resolved instrument into cash; the outcome comes as Redeemed."""
        ...

    async def convert(self, conversion: Conversion) -> None:
        """Merge or split complete sets; the outcome comes as SetConverted, with none where it was refused."""
        ...

    async def find_order(self, order: Order) -> VenueOrder | None:
        """Look the order up by its id; None where the venue does not know it now."""
        ...

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """List what rests now: a read that is independent of `find_order`."""
        ...

    async def fills_since(self, time_ns: int) -> tuple[Fill, ...]:
        """List our fills, maker and taker side, from `time_ns` on."""
        ...
