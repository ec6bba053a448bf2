"""What a session that cannot be played again is restored from: its rows, in the domain's words."""

from decimal import Decimal

from msgspec import Struct

from domain.identifiers import InstrumentId, IntentId, OrderId, StrategyName
from domain.instrument import Market
from domain.ledger import Entry, Transfer
from domain.order import Order
from domain.records import FillRecord, MetricsRecord, PayloadRecord, PositionRecord, ReservationRecord

FillIdentity = tuple[str, str, str, str]
"""Venue, instrument, trade and order: what makes a fill the same fill."""


class Remembered(Struct, frozen=True, kw_only=True):
    """All that the store knows of one session, as of its last durable transaction.

    `orders` are those that have not ended and the latest that have, each with what is filled; `intents` are all of
    the session, so that none is accepted twice. `unsettled` are fills that are neither final nor failed, each with
    the transfer that posted it; `seen` are all fills ever posted. `executed` and `created` are lines and times of
    recent first fills and orders, for the controls that count them.
    """

    markets: tuple[Market, ...]
    payouts: dict[InstrumentId, Decimal]
    orders: tuple[Order, ...]
    intents: dict[IntentId, OrderId]
    balances: tuple[Entry, ...]
    positions: tuple[PositionRecord, ...]
    reservations: tuple[ReservationRecord, ...]
    unsettled: tuple[tuple[FillRecord, Transfer], ...]
    seen: frozenset[FillIdentity]
    prepared: tuple[PayloadRecord, ...]
    metrics: dict[StrategyName, MetricsRecord]
    executed: tuple[tuple[OrderId, int], ...]
    signals: int
    newest_fill_ns: int
    opened: str
    """How the account stood when the session began, as JSON; empty for a new session."""
    conversions_open: tuple[str, ...]
    """Ids of merges and splits whose answer never came: a person, or reconciliation, has to explain them."""
