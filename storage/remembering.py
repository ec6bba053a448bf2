"""Reads a session back from its rows, as it stood at its last durable transaction."""

import sqlite3
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

import msgspec

from clock import parse_time
from domain.identifiers import (
    CorrelationId,
    InstrumentId,
    IntentId,
    MarketId,
    OrderId,
    SessionId,
    StrategyName,
    TradeId,
    VenueName,
    VenueOrderId,
)
from domain.instrument import Market, Side
from domain.ledger import Account, AccountKind, Entry, Transfer
from domain.messages import Fill, Liquidity
from domain.order import TERMINAL, Order, OrderStatus, TimeInForce
from domain.records import FillRecord, MetricsRecord, PayloadRecord, PositionRecord, ReservationRecord
from domain.remembered import FillIdentity, Remembered
from storage.amounts import from_sql

ENDED_READ_MAX = 10_000
"""Ended orders that are read back for late reports; the store keeps them all."""

LATEST_READ_MAX = 10_000
"""Recent first fills that are read back for the control that counts them."""

LIVE = tuple(status for status in OrderStatus if status not in TERMINAL)
T = TypeVar("T")
Read = Callable[..., Iterator[sqlite3.Row]]


def remember(connection: sqlite3.Connection, session: SessionId) -> Remembered:
    """Read everything back; raises ValueError (msgspec, Decimal, time) for a row that we did not write."""
    read = partial(_rows, connection, session)
    orders = tuple(_orders(read))
    kept = {order.id for order in orders}
    return Remembered(
        markets=tuple(
            msgspec.json.decode(row["terms"], type=Market)
            for row in read(
                "SELECT terms FROM markets WHERE session = :session AND (id NOT IN"
                " (SELECT market FROM resolutions WHERE session = :session) OR id IN (SELECT market FROM positions"
                " WHERE session = :session AND quantity != 0) OR id IN (SELECT market FROM trades"
                " WHERE session = :session AND settlement = 'PENDING') OR id IN (SELECT market FROM orders"
                " JOIN reservations ON order_id = orders.id WHERE reservations.status = 'pending'))"
            )
        ),
        payouts=dict(_payouts(read)),
        orders=orders,
        intents={
            IntentId(row["intent_id"]): OrderId(row["id"])
            for row in read(
                "SELECT intent_id, id FROM orders WHERE session = :session ORDER BY intent_id, generation"
            )
        },
        balances=tuple(_balances(read)),
        positions=tuple(_position(row) for row in read("SELECT * FROM positions WHERE session = :session")),
        reservations=tuple(
            _reservation(row)
            for row in read("SELECT * FROM reservations WHERE session = :session AND status = 'pending'")
        ),
        unsettled=tuple(_unsettled(read)),
        seen=frozenset(_seen(read)),
        prepared=tuple(
            PayloadRecord(
                order_id=OrderId(row["order_id"]),
                venue_order_id=VenueOrderId(row["venue_order_id"]),
                payload=row["payload"],
            )
            for row in read(
                "SELECT p.* FROM payloads AS p JOIN orders AS o ON o.id = p.order_id WHERE o.session = :session"
            )
            if row["order_id"] in kept
        ),
        metrics={StrategyName(row["strategy"]): _metrics(row) for row in read(LATEST_METRICS)},
        executed=tuple((OrderId(row["order_id"]), parse_time(row["first"])) for row in read(FIRST_FILLS)),
        signals=_one(read, "SELECT coalesce(max(number), 0) AS it FROM signals WHERE session = :session"),
        newest_fill_ns=max((parse_time(row["it"]) for row in read(NEWEST_FILL) if row["it"]), default=0),
        opened=next((row["payload"] for row in read(ACCOUNT_OPENED)), ""),
        conversions_open=tuple(row["it"] for row in read(CONVERSIONS_OPEN)),
    )


ACCOUNT_OPENED = (
    "SELECT payload FROM events WHERE session = :session AND type = 'account.opened' ORDER BY id DESC LIMIT 1"
)
NEWEST_FILL = "SELECT max(timestamp) AS it FROM trades WHERE session = :session"
LATEST_METRICS = """SELECT * FROM strategy_metrics WHERE id IN
    (SELECT max(id) FROM strategy_metrics WHERE session = :session GROUP BY strategy)"""
FIRST_FILLS = f"""SELECT order_id, min(timestamp) AS first FROM trades WHERE session = :session
    GROUP BY order_id ORDER BY first DESC LIMIT {LATEST_READ_MAX}"""
CONVERSIONS_OPEN = """SELECT DISTINCT substr(transfer_id, 6) AS it FROM ledger AS held
    WHERE session = :session AND kind = 'HOLD' AND NOT EXISTS (SELECT 1 FROM ledger AS freed
        WHERE freed.session = held.session AND freed.transfer_id = 'un' || held.transfer_id)"""
SUMS = """SELECT account, asset, sum(units) AS units, scale FROM ledger WHERE session = :session
    GROUP BY account, asset, scale HAVING sum(units) != 0 ORDER BY min(id)"""
UNSETTLED = "SELECT * FROM trades WHERE session = :session AND settlement = 'PENDING' ORDER BY id"
ENTRIES = "SELECT * FROM ledger WHERE session = :session AND transfer_id = :transfer ORDER BY entry"


def _rows(
    connection: sqlite3.Connection, session: SessionId, query: str, **more: object
) -> Iterator[sqlite3.Row]:
    cursor = connection.cursor()
    cursor.row_factory = sqlite3.Row
    return cursor.execute(query, {"session": session, **more})


def _one(read: Read, query: str) -> int:
    (row,) = read(query)
    return int(row["it"])


def _orders(read: Read) -> Iterator[Order]:
    """Those that have not ended, oldest first, then the latest of those that have."""
    live = ", ".join(f"'{status}'" for status in LIVE)
    for row in read(f"SELECT * FROM orders WHERE session = :session AND status IN ({live}) ORDER BY rowid"):
        yield _order(row)
    ended = list(
        read(
            f"SELECT * FROM orders WHERE session = :session AND status NOT IN ({live})"
            f" ORDER BY updated_at DESC LIMIT {ENDED_READ_MAX}"
        )
    )
    yield from (_order(row) for row in reversed(ended))


def _order(row: sqlite3.Row) -> Order:
    return Order(
        id=OrderId(row["id"]),
        intent_id=IntentId(row["intent_id"]),
        generation=row["generation"],
        correlation_id=CorrelationId(row["correlation_id"]),
        strategy=StrategyName(row["strategy"]),
        venue=VenueName(row["venue"]),
        market_id=MarketId(row["market"]),
        instrument_id=InstrumentId(row["instrument"]),
        side=Side(row["side"]),
        time_in_force=TimeInForce(row["time_in_force"]),
        post_only=bool(row["post_only"]),
        price=from_sql(row["price"]),
        quantity=from_sql(row["size"]),
        created_ns=parse_time(row["created_at"]),
        updated_ns=parse_time(row["updated_at"]),
        status=OrderStatus(row["status"]),
        filled_quantity=from_sql(row["filled_size"]),
        attempts=row["attempts"],
        reason=row["reason"],
        expires_ns=_optional(row["expires_at"], parse_time),
        valid_until_ns=_optional(row["valid_until"], parse_time),
    )


def _payouts(read: Read) -> Iterator[tuple[InstrumentId, Decimal]]:
    for row in read("SELECT payouts FROM resolutions WHERE session = :session ORDER BY timestamp"):
        yield from msgspec.json.decode(row["payouts"], type=dict[InstrumentId, Decimal]).items()


def _balances(read: Read) -> Iterator[Entry]:
    for row in read(SUMS):
        yield _entry(row)


def _entry(row: sqlite3.Row) -> Entry:
    amount = Decimal(row["units"]).scaleb(-row["scale"])
    return Entry(_account(row["account"]), row["asset"], amount)


def _account(text: str) -> Account:
    kind, _, owner = text.partition(":")
    return Account(AccountKind(kind), owner)


def _position(row: sqlite3.Row) -> PositionRecord:
    return PositionRecord(
        strategy=StrategyName(row["strategy"]),
        venue=VenueName(row["exchange"]),
        instrument_id=InstrumentId(row["symbol"]),
        market_id=MarketId(row["market"]),
        side=Side(row["side"]),
        quantity=from_sql(row["quantity"]),
        unsettled_quantity=from_sql(row["unsettled_quantity"]),
        cost=from_sql(row["cost"]),
        fees=from_sql(row["fees"]),
        realized_pnl=from_sql(row["realized_pnl"]),
        mark_price=_optional(row["current_price"], from_sql),
        unrealized_pnl=_optional(row["unrealized_pnl"], from_sql),
        opened_ns=parse_time(row["opened_at"]),
        closed_ns=_optional(row["closed_at"], parse_time),
        updated_ns=parse_time(row["updated_at"]),
    )


def _reservation(row: sqlite3.Row) -> ReservationRecord:
    return ReservationRecord(
        order_id=OrderId(row["order_id"]),
        asset=row["asset"],
        amount=from_sql(row["amount"]),
        posted=from_sql(row["posted"]),
        pending=from_sql(row["pending"]),
        is_closed=False,
    )


def _unsettled(read: Read) -> Iterator[tuple[FillRecord, Transfer]]:
    for row in read(UNSETTLED):
        record = _fill(row)
        fill = record.fill
        transfer_id = f"fill:{fill.instrument_id}:{fill.trade_id}:{fill.order_id}"
        entries = tuple(_entry(entry) for entry in read(ENTRIES, transfer=transfer_id))
        yield record, Transfer(id=transfer_id, kind="FILL", time_ns=fill.time_ns, entries=entries)


def _fill(row: sqlite3.Row) -> FillRecord:
    fill = Fill(
        venue=VenueName(row["venue"]),
        instrument_id=InstrumentId(row["instrument"]),
        market_id=MarketId(row["market"]),
        trade_id=TradeId(row["trade_id"]),
        order_id=OrderId(row["order_id"]),
        side=Side(row["side"]),
        price=from_sql(row["price"]),
        quantity=from_sql(row["size"]),
        fee=from_sql(row["fee"]),
        fee_asset=row["fee_asset"],
        liquidity=Liquidity(row["liquidity"]),
        time_ns=parse_time(row["timestamp"]),
    )
    return FillRecord(
        fill=fill,
        strategy=StrategyName(row["strategy"]),
        correlation_id=CorrelationId(row["correlation_id"]),
        realized_pnl=from_sql(row["realized_pnl"]),
    )


def _seen(read: Read) -> Iterator[FillIdentity]:
    for row in read("SELECT venue, instrument, trade_id, order_id FROM trades WHERE session = :session"):
        yield tuple(row)


def _metrics(row: sqlite3.Row) -> MetricsRecord:
    return MetricsRecord(
        time_ns=parse_time(row["timestamp"]),
        strategy=StrategyName(row["strategy"]),
        signals=row["signals"],
        orders=row["orders"],
        fills=row["fills"],
        denials=row["denials"],
        duplicates=row["duplicates"],
        wins=row["wins"],
        losses=row["losses"],
        realized_pnl=from_sql(row["realized_pnl"]),
        unrealized_pnl=from_sql(row["unrealized_pnl"]),
        fees=from_sql(row["fees"]),
    )


def _optional(value: Any, parse: Callable[[Any], T]) -> T | None:
    return None if value is None else parse(value)
