"""What one transaction makes durable, in the field's words; the storage room maps it to tables."""

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from domain.identifiers import (
    CorrelationId,
    InstrumentId,
    MarketId,
    OrderId,
    StrategyName,
    TradeId,
    VenueName,
    VenueOrderId,
)
from domain.instrument import Market, Side
from domain.ledger import Transfer
from domain.messages import Fill, Receipt, Settlement
from domain.order import Order, OrderEvent, OrderStatus


class SignalOutcome(StrEnum):
    """What became of a signal."""

    ORDERED = "ORDERED"
    DENIED = "DENIED"
    DUPLICATE = "DUPLICATE"


class SignalRecord(Struct, frozen=True, kw_only=True, tag="signal"):
    """A rising edge of a signal key. The same `number` again updates the outcome (denied first, ordered later)."""

    number: int
    time_ns: int
    strategy: StrategyName
    market_id: MarketId
    correlation_id: CorrelationId
    key: str
    reason: str
    outcome: SignalOutcome


class DenialRecord(Struct, frozen=True, kw_only=True, tag="denial"):
    """A refusal by a control: what it measured and what it allows, as text with units where they help."""

    time_ns: int
    strategy: StrategyName
    market_id: MarketId
    correlation_id: CorrelationId
    control: str
    reason: str
    value: str
    limit: str


class OrderRecord(Struct, frozen=True, kw_only=True, tag="order"):
    """The whole state of an order after a change; the latest record of an id wins."""

    order: Order


class OrderEventRecord(Struct, frozen=True, kw_only=True, tag="order_event"):
    """One arrow of the order table. `detail` is JSON: the controls with their numbers, or the venue's words."""

    time_ns: int
    order_id: OrderId
    event: OrderEvent | None
    status_before: OrderStatus | None
    status_after: OrderStatus
    detail: str
    is_late: bool = False


class FillRecord(Struct, frozen=True, kw_only=True, tag="fill"):
    """A fill of ours, posted once."""

    fill: Fill
    strategy: StrategyName
    correlation_id: CorrelationId
    realized_pnl: Decimal


class SettlementRecord(Struct, frozen=True, kw_only=True, tag="settlement"):
    """The settlement of a fill that an earlier record posted; a failed one has no profit."""

    venue: VenueName
    instrument_id: InstrumentId
    trade_id: TradeId
    order_id: OrderId
    settlement: Settlement
    time_ns: int


class TransferRecord(Struct, frozen=True, kw_only=True, tag="transfer"):
    """A transfer of the ledger."""

    transfer: Transfer


class ReservationRecord(Struct, frozen=True, kw_only=True, tag="reservation"):
    """A lock on money or shares: `amount` first set aside, `posted` used by fills, `pending` still held."""

    order_id: OrderId
    asset: str
    amount: Decimal
    posted: Decimal
    pending: Decimal
    is_closed: bool


class PositionRecord(Struct, frozen=True, kw_only=True, tag="position"):
    """What a strategy holds of an instrument after a change; the latest record of (strategy, instrument) wins.

    `cost` is the exact cost of `quantity` (settled and unsettled together), fees apart.
    """

    strategy: StrategyName
    venue: VenueName
    instrument_id: InstrumentId
    market_id: MarketId
    side: Side
    quantity: Decimal
    unsettled_quantity: Decimal
    cost: Decimal
    fees: Decimal
    realized_pnl: Decimal
    mark_price: Decimal | None
    unrealized_pnl: Decimal | None
    opened_ns: int
    closed_ns: int | None
    updated_ns: int


class EventRecord(Struct, frozen=True, kw_only=True, tag="event"):
    """Something that people ask about later and that is no order: a listing, a resolution, a redemption, a stop."""

    time_ns: int
    kind: str
    source: str
    correlation_id: str
    payload: str


class GateCountRecord(Struct, frozen=True, kw_only=True, tag="gate"):
    """How often a strategy looked at a market within one minute and passed it over at one gate."""

    minute_ns: int
    strategy: StrategyName
    market_id: MarketId
    gate: str
    count: int


class MetricsRecord(Struct, frozen=True, kw_only=True, tag="metrics"):
    """A strategy's counters and money at a moment; they are totals of the session so far."""

    time_ns: int
    strategy: StrategyName
    signals: int
    orders: int
    fills: int
    denials: int
    duplicates: int
    wins: int
    losses: int
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal


class ReceiptRecord(Struct, frozen=True, kw_only=True, tag="receipt"):
    """A strategy's receipt for another wallet's trade; the latest of (strategy, key) wins."""

    strategy: StrategyName
    receipt: Receipt


class MarketRecord(Struct, frozen=True, kw_only=True, tag="market"):
    """A market with the terms of its instruments, as it was last listed: what a restart needs to go on with orders."""

    market: Market


class ResolutionRecord(Struct, frozen=True, kw_only=True, tag="resolution"):
    """What a market's shares pay, once that is known."""

    time_ns: int
    market_id: MarketId
    payouts: dict[InstrumentId, Decimal]


class PayloadRecord(Struct, frozen=True, kw_only=True, tag="payload"):
    """What was prepared for an order before its first byte: the venue's id of it and the very bytes, no credentials."""

    order_id: OrderId
    venue_order_id: VenueOrderId
    payload: str


class ReconciliationRecord(Struct, frozen=True, kw_only=True, tag="reconciliation"):
    """A comparison of our books with the venue's: `verdict` is clean, drift or failed, `report` its lines as JSON."""

    time_ns: int
    cause: str
    verdict: str
    report: str


Record = (
    SignalRecord
    | DenialRecord
    | OrderRecord
    | OrderEventRecord
    | FillRecord
    | SettlementRecord
    | TransferRecord
    | ReservationRecord
    | PositionRecord
    | EventRecord
    | GateCountRecord
    | MetricsRecord
    | ReceiptRecord
    | MarketRecord
    | ResolutionRecord
    | PayloadRecord
    | ReconciliationRecord
)


class Transaction(Struct, frozen=True, kw_only=True):
    """Records that become durable together. `sequence` counts from 1 in a session, without gaps.

    `position` is the number of market events that had been taken from the feed when it was made: after a
    crash the session goes on from the last durable one.
    """

    sequence: int
    position: int
    time_ns: int
    records: tuple[Record, ...]
