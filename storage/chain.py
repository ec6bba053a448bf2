"""Reads everything that hangs together with an order: from the signal to what it earned."""

from collections.abc import Iterable
from decimal import Decimal
from typing import TypeVar

import aiosqlite
import msgspec
from msgspec import Struct

from domain.order import OrderEvent
from storage.finding import Found

ROWS_MAX = 1_000
"""Rows that one part of a chain may have; a signal has a handful."""


KEYS = "SELECT value FROM json_each(?)"
POSITIONS = f"""FROM positions WHERE (session, strategy, exchange, symbol) IN
    (SELECT session, strategy, venue, instrument FROM orders WHERE id IN ({KEYS}))"""
# A share that pays nothing has no entry in CASH.
REDEMPTIONS = f"""FROM (
    SELECT shares.timestamp, shares.asset AS symbol, -shares.amount AS quantity,
        coalesce(cash.amount, 0) AS payout
    FROM ledger AS shares LEFT JOIN ledger AS cash
        ON cash.session = shares.session AND cash.transfer_id = shares.transfer_id
        AND cash.account LIKE 'CASH:%'
    WHERE shares.kind = 'REDEEM' AND (shares.session, shares.asset, shares.account) IN
        (SELECT session, instrument, 'INVENTORY:' || session || '/' || strategy
        FROM orders WHERE id IN ({KEYS}))
    ORDER BY shares.id)"""

T = TypeVar("T", bound=Struct)


class SignalRow(Struct, frozen=True, kw_only=True):
    """A rising edge of the signal."""

    timestamp: str
    session: str
    number: int
    strategy: str
    market: str
    key: str
    reason: str
    outcome: str


class DenialRow(Struct, frozen=True, kw_only=True):
    """A refusal by one of our controls."""

    timestamp: str
    control: str
    reason: str
    value: str
    limit_value: str


class OrderRow(Struct, frozen=True, kw_only=True):
    """An accepted order as it stands now."""

    id: str
    intent_id: str
    generation: int
    session: str
    correlation_id: str
    strategy: str
    venue: str
    market: str
    instrument: str
    side: str
    time_in_force: str
    price: Decimal
    size: Decimal
    filled_size: Decimal
    status: str
    reason: str
    created_at: str


class OrderEventRow(Struct, frozen=True, kw_only=True):
    """One thing that happened to an order; no event is its acceptance."""

    timestamp: str
    order_id: str
    event: OrderEvent | None
    status_after: str
    detail: str
    is_late: int


class TradeRow(Struct, frozen=True, kw_only=True):
    """A fill with its settlement."""

    timestamp: str
    order_id: str
    trade_id: str
    side: str
    price: Decimal
    size: Decimal
    fee: Decimal
    fee_asset: str
    liquidity: str
    settlement: str
    settled_at: str | None
    realized_pnl: Decimal


class PositionRow(Struct, frozen=True, kw_only=True):
    """All that the strategy holds and has earned in the instrument, by whatever orders."""

    strategy: str
    exchange: str
    symbol: str
    quantity: Decimal
    unsettled_quantity: Decimal
    cost: Decimal
    current_price: Decimal | None
    unrealized_pnl: Decimal | None
    realized_pnl: Decimal
    fees: Decimal
    status: str
    closed_at: str | None


class RedemptionRow(Struct, frozen=True, kw_only=True):
    """Shares of the position that were paid out."""

    timestamp: str
    symbol: str
    quantity: Decimal
    payout: Decimal


class EventRow(Struct, frozen=True, kw_only=True):
    """Anything else that was noted under the same correlation id."""

    timestamp: str
    type: str
    source: str
    payload: str


class Chain(Struct, frozen=True, kw_only=True):
    """Everything from a signal to what it earned."""

    signals: list[SignalRow]
    denials: list[DenialRow]
    orders: list[OrderRow]
    order_events: list[OrderEventRow]
    trades: list[TradeRow]
    positions: list[PositionRow]
    redemptions: list[RedemptionRow]
    events: list[EventRow]


async def read_chain(connection: aiosqlite.Connection, found: Found) -> Chain:
    """Read all that belongs to the found; an order, intent or trade narrows the orders to those it names."""

    async def read(row_type: type[T], query: str, keys: Iterable[str]) -> list[T]:
        return await _rows(connection, row_type, query, keys)

    orders = await read(OrderRow, _orders_of(found), [found.identifier])
    order_ids = [order.id for order in orders]
    chains = {order.correlation_id for order in orders} or {found.identifier}
    return Chain(
        signals=await read(SignalRow, f"FROM signals WHERE correlation_id IN ({KEYS}) ORDER BY id", chains),
        denials=await read(DenialRow, f"FROM denials WHERE correlation_id IN ({KEYS}) ORDER BY id", chains),
        orders=orders,
        order_events=await read(
            OrderEventRow, f"FROM order_events WHERE order_id IN ({KEYS}) ORDER BY id", order_ids
        ),
        trades=await read(TradeRow, f"FROM trades WHERE order_id IN ({KEYS}) ORDER BY id", order_ids),
        positions=await read(PositionRow, POSITIONS, order_ids),
        redemptions=await read(RedemptionRow, REDEMPTIONS, order_ids),
        events=await read(EventRow, f"FROM events WHERE correlation_id IN ({KEYS}) ORDER BY id", chains),
    )


def _orders_of(found: Found) -> str:
    if found.table == "trades":
        where = f"id IN (SELECT order_id FROM trades WHERE trade_id IN ({KEYS}))"
    else:
        column = found.column if found.table == "orders" else "correlation_id"
        where = f"{column} IN ({KEYS})"
    return f"FROM orders WHERE {where} ORDER BY created_at, id"


async def _rows(
    connection: aiosqlite.Connection, row_type: type[T], query: str, keys: Iterable[str]
) -> list[T]:
    columns = ", ".join(row_type.__struct_fields__)
    listed = msgspec.json.encode(list(keys)).decode()
    rows = await connection.execute_fetchall(f"SELECT {columns} {query} LIMIT {ROWS_MAX}", (listed,))
    # A REAL becomes the Decimal of its shortest form, as in `amounts.from_sql`.
    return [
        msgspec.convert(dict(zip(row_type.__struct_fields__, row, strict=True)), row_type) for row in rows
    ]
