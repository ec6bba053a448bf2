"""What the executor asks of a venue. Answers come back as reports through the sink, never as return values."""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from domain.conversions import Conversion
from domain.identifiers import InstrumentId, OrderId, StrategyName, VenueName, VenueOrderId
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


class Prepared(Struct, frozen=True, kw_only=True):
    """What is stored with an order before its first byte leaves: the id under which the venue will know it (the
    digest of the signed order at Polymarket, the client order id at an exchange) and the very payload, so that
    after a restart the same bytes can be sent or asked about."""

    order_id: OrderId
    venue_order_id: VenueOrderId
    payload: str


class VenueBalance(Struct, frozen=True, kw_only=True):
    """What the venue says that we own of an asset (money, or an instrument's shares), and how much of it is free."""

    asset: str
    total: Decimal
    free: Decimal


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

    def denial(self, order: Order) -> str | None:
        """Why the venue would not take this order now: its session is not healthy (control 16), or the order is not
        on its grid; None where nothing speaks against it. Asked in the step that checks and reserves: never waits."""
        ...

    def prepare(self, order: Order) -> Prepared | None:
        """Sign the order, or choose its client id, without waiting and in under a millisecond; the venue keeps the
        result for `send`, and it is stored in the order's first transaction. None where nothing needs storing.
        Raises PayloadError where the order cannot be said exactly."""
        ...

    def remember(self, order: Order, prepared: Prepared) -> None:
        """Take back what was prepared by an earlier process for an order that has not ended."""
        ...

    def wait_s(self, order: Order) -> float:
        """Seconds until the venue's own limits let this order leave; 0 where it may leave now."""
        ...

    async def send(self, order: Order) -> None:
        """Hand the order over; the outcome comes as Acknowledged, Rejected, NotSent or Lost, fills as Filled."""
        ...

    async def cancel(self, order: Order) -> None:
        """Ask for a cancel; the outcome comes as Cancelled or CancelLost."""
        ...

    async def cancel_all(self) -> None:
        """Ask the venue to cancel everything of this account, ours or not; what became of ours is reported."""
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

    async def balances(self) -> tuple[VenueBalance, ...]:
        """What the account owns at the venue now."""
        ...

    async def fills_since(self, time_ns: int) -> tuple[Fill, ...]:
        """List our fills, maker and taker side, from `time_ns` on."""
        ...
