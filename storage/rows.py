"""Maps records to rows: the field's terms on the left, the column names that people know on the right."""

from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

import msgspec

from clock import format_time
from domain.identifiers import SessionId
from domain.instrument import Market, is_pair
from domain.ledger import Account, Entry
from domain.messages import Settlement
from domain.money import UNIT, decimals_of, round_nearest, to_units, unit_of
from domain.order import Order
from domain.records import (
    DenialRecord,
    EventRecord,
    FillRecord,
    GateCountRecord,
    MarketRecord,
    MetricsRecord,
    OrderEventRecord,
    OrderRecord,
    PayloadRecord,
    PositionRecord,
    ReceiptRecord,
    ReconciliationRecord,
    Record,
    ReservationRecord,
    ResolutionRecord,
    SettlementRecord,
    SignalRecord,
    TransferRecord,
)
from storage.amounts import to_sql, to_sql_optional

PRICE_DIGITS = 12
"""Significant digits of the entry price of a pair: fewer than a REAL holds exactly."""

Values = tuple[str | int | float | None, ...]


class Statement(NamedTuple):
    """SQL that changes exactly one row of `table` for each tuple of values."""

    table: str
    sql: str
    is_insert: bool = False


class Row(NamedTuple):
    """One change of one row."""

    statement: Statement
    values: Values


class Origin(NamedTuple):
    """Whose records they are: written into every row beside what the record itself says."""

    session: SessionId
    run_id: str


def rows_of(  # noqa: C901, PLR0911, PLR0912  # one case for each kind of record
    record: Record, origin: Origin
) -> list[Row]:
    """Return the rows to write for a record, in order; ValueError for an amount that REAL cannot hold."""
    match record:
        case SignalRecord():
            return [Row(SIGNAL, _signal(record, origin))]
        case DenialRecord():
            return [Row(DENIAL, _denial(record, origin))]
        case OrderRecord():
            return [Row(ORDER, _order(record.order, origin))]
        case OrderEventRecord():
            return [Row(ORDER_EVENT, _order_event(record, origin))]
        case FillRecord():
            return [Row(TRADE, _trade(record, origin))]
        case SettlementRecord():
            return [_settlement(record)]
        case TransferRecord():
            return [Row(LEDGER, values) for values in _entries(record, origin)]
        case ReservationRecord():
            return [Row(RESERVATION, _reservation(record, origin))]
        case PositionRecord():
            return [Row(POSITION, _position(record, origin))]
        case EventRecord():
            return [Row(EVENT, _event(record, origin))]
        case GateCountRecord():
            return [Row(GATE_COUNT, _gate_count(record, origin))]
        case MetricsRecord():
            return [Row(METRICS, _metrics(record, origin))]
        case ReceiptRecord():
            return [Row(RECEIPT, _receipt(record, origin))]
        case MarketRecord():
            return [Row(MARKET, _market(record.market, origin))]
        case ResolutionRecord():
            return [Row(RESOLUTION, _resolution(record, origin))]
        case PayloadRecord():
            return [Row(PAYLOAD, (record.order_id, record.venue_order_id, record.payload))]
        case ReconciliationRecord():
            where = (_time(record.time_ns), origin.session, origin.run_id)
            return [Row(RECONCILIATION, (*where, record.cause, record.verdict, record.report))]


def _insert(table: str, columns: str) -> Statement:
    marks = ", ".join("?" for _ in columns.split(", "))
    return Statement(table, f"INSERT INTO {table}({columns}) VALUES ({marks})", is_insert=True)


def _upsert(table: str, columns: str, *, key: str, changes: str) -> Statement:
    sql = f"{_insert(table, columns).sql} ON CONFLICT({key}) DO UPDATE SET {changes}"
    return Statement(table, sql, is_insert=True)


def _latest(columns: str) -> str:
    return ", ".join(f"{column} = excluded.{column}" for column in columns.split(", "))


SIGNAL = _upsert(
    "signals",
    "timestamp, session, number, strategy, market, key, reason, correlation_id, outcome",
    key="session, number",
    changes=_latest("outcome"),
)
DENIAL = _insert(
    "denials",
    "timestamp, session, strategy, market, control, reason, value, limit_value, correlation_id",
)
ORDER = _upsert(
    "orders",
    "id, intent_id, generation, session, correlation_id, strategy, venue, market, instrument, side,"
    " time_in_force, post_only, price, size, filled_size, status, attempts, reason,"
    " expires_at, valid_until, created_at, updated_at",
    key="id",
    # What an order is never changes; only how far it has come does.
    changes=_latest("filled_size, status, attempts, reason, expires_at, valid_until, updated_at"),
)
ORDER_EVENT = _insert(
    "order_events",
    "timestamp, session, order_id, event, status_before, status_after, detail, is_late",
)
# No upsert: a fill that arrives twice has to fail loudly, not to be merged quietly (invariant I6).
TRADE = _insert(
    "trades",
    "timestamp, session, strategy, venue, market, instrument, side, price, size, fee, fee_asset,"
    " liquidity, order_id, trade_id, correlation_id, settlement, realized_pnl",
)
_OF_TRADE = "WHERE trade_id = ? AND order_id = ? AND instrument = ? AND venue = ?"
SETTLED = Statement("trades", f"UPDATE trades SET settlement = ?, settled_at = ? {_OF_TRADE}")
FAILED = Statement(
    "trades", f"UPDATE trades SET settlement = ?, settled_at = ?, realized_pnl = 0 {_OF_TRADE}"
)
LEDGER = _insert(
    "ledger", "timestamp, session, transfer_id, entry, kind, account, asset, amount, units, scale"
)
RESERVATION = _upsert(
    "reservations",
    "session, order_id, asset, amount, posted, pending, status",
    key="order_id, asset",
    changes=_latest("amount, posted, pending, status"),
)
POSITION = _upsert(
    "positions",
    "session, strategy, exchange, symbol, market, side, quantity, unsettled_quantity, cost, entry_price,"
    " current_price, fees, unrealized_pnl, realized_pnl, status, opened_at, closed_at, updated_at, metadata",
    key="session, strategy, exchange, symbol",
    # A closed position has no cost any more; people still want to see at what price it was entered.
    changes=_latest("market, side, quantity, unsettled_quantity, cost, current_price, fees, unrealized_pnl")
    + ", entry_price = coalesce(excluded.entry_price, entry_price), "
    + _latest("realized_pnl, status, opened_at, closed_at, updated_at, metadata"),
)
EVENT = _insert("events", "timestamp, session, type, source, run_id, correlation_id, payload")
GATE_COUNT = _upsert(
    "gate_counts",
    "minute, session, strategy, market, gate, count",
    key="session, minute, strategy, market, gate",
    changes="count = count + excluded.count",
)
METRICS = _insert(
    "strategy_metrics",
    "timestamp, session, strategy, signals, orders, fills, denials, duplicates, wins, losses,"
    " realized_pnl, unrealized_pnl, fees",
)

RECEIPT = _upsert(
    "receipts",
    "timestamp, session, strategy, key, wallet, name, market, instrument, side, leader_price, leader_size,"
    " leader_time, our_price, our_size, our_time, slippage, delay_s, outcome, reason",
    key="session, strategy, key",
    changes=_latest("timestamp, our_price, our_size, our_time, slippage, delay_s, outcome, reason"),
)
MARKET = _upsert(
    "markets",
    "session, id, venue, slug, question, category, event, opens_at, closes_at, terms",
    key="session, id",
    changes=_latest("slug, question, category, event, opens_at, closes_at, terms"),
)
RESOLUTION = _upsert(
    "resolutions",
    "session, market, timestamp, payouts",
    key="session, market",
    changes=_latest("timestamp, payouts"),
)
PAYLOAD = _insert("payloads", "order_id, venue_order_id, payload")
RECONCILIATION = _insert("reconciliations", "timestamp, session, run_id, cause, verdict, report")


def _signal(r: SignalRecord, origin: Origin) -> Values:
    where = (_time(r.time_ns), origin.session, r.number, r.strategy, r.market_id)
    return (*where, r.key, r.reason, r.correlation_id, r.outcome)


def _denial(r: DenialRecord, origin: Origin) -> Values:
    where = (_time(r.time_ns), origin.session, r.strategy, r.market_id)
    return (*where, r.control, r.reason, r.value, r.limit, r.correlation_id)


def _order(o: Order, origin: Origin) -> Values:
    identity = (o.id, o.intent_id, o.generation, origin.session, o.correlation_id, o.strategy)
    terms = (o.venue, o.market_id, o.instrument_id, o.side, o.time_in_force, o.post_only)
    amounts = (to_sql(o.price), to_sql(o.quantity), to_sql(o.filled_quantity))
    limits = (_time_optional(o.expires_ns), _time_optional(o.valid_until_ns))
    times = (_time(o.created_ns), _time(o.updated_ns))
    return (*identity, *terms, *amounts, o.status, o.attempts, o.reason, *limits, *times)


def _order_event(r: OrderEventRecord, origin: Origin) -> Values:
    where = (_time(r.time_ns), origin.session, r.order_id)
    return (*where, r.event, r.status_before, r.status_after, r.detail, r.is_late)


def _trade(r: FillRecord, origin: Origin) -> Values:
    fill = r.fill
    where = (_time(fill.time_ns), origin.session, r.strategy, fill.venue, fill.market_id)
    terms = (fill.instrument_id, fill.side, to_sql(fill.price), to_sql(fill.quantity))
    fee = (to_sql(fill.fee), fill.fee_asset, fill.liquidity)
    identity = (fill.order_id, fill.trade_id, r.correlation_id)
    return (*where, *terms, *fee, *identity, Settlement.PENDING, to_sql(r.realized_pnl))


def _settlement(r: SettlementRecord) -> Row:
    statement = FAILED if r.settlement is Settlement.FAILED else SETTLED
    fill = (r.trade_id, r.order_id, r.instrument_id, r.venue)
    return Row(statement, (r.settlement, _time(r.time_ns), *fill))


def _entries(r: TransferRecord, origin: Origin) -> list[Values]:
    transfer = r.transfer
    where = (_time(transfer.time_ns), origin.session, transfer.id)
    return [
        (*where, number, transfer.kind, _account(entry.account), entry.asset, *_amount(entry))
        for number, entry in enumerate(transfer.entries, start=1)
    ]


def _amount(entry: Entry) -> tuple[float, int, int]:
    """Amount, the same in units, and the number of decimals that a unit has."""
    asset, amount = entry.asset, entry.amount
    return to_sql(amount), to_units(amount, unit_of(asset)), decimals_of(asset)


@lru_cache(maxsize=256)
def _account(account: Account) -> str:
    return str(account)


def _reservation(r: ReservationRecord, origin: Origin) -> Values:
    amounts = (to_sql(r.amount), to_sql(r.posted), to_sql(r.pending))
    return (origin.session, r.order_id, r.asset, *amounts, "closed" if r.is_closed else "pending")


def _position(r: PositionRecord, origin: Origin) -> Values:
    where = (origin.session, r.strategy, r.venue, r.instrument_id, r.market_id, r.side)
    held = (to_sql(r.quantity), to_sql(r.unsettled_quantity), to_sql(r.cost))
    prices = (to_sql_optional(_entry_price(r)), to_sql_optional(r.mark_price))
    profit = (to_sql(r.fees), to_sql_optional(r.unrealized_pnl), to_sql(r.realized_pnl))
    times = (_time(r.opened_ns), _time_optional(r.closed_ns), _time(r.updated_ns))
    status = "OPEN" if r.closed_ns is None else "CLOSED"
    return (*where, *held, *prices, *profit, status, *times, _metadata(r))


def _entry_price(r: PositionRecord) -> Decimal | None:
    """For people, rounded; `cost` is the exact figure. None where nothing is held."""
    if not r.quantity:
        return None
    price = r.cost / r.quantity
    if is_pair(r.instrument_id):  # a coin may be worth a millionth, or a billion, of another
        return round_nearest(price, Decimal(1).scaleb(price.adjusted() + 1 - PRICE_DIGITS))
    return round_nearest(price, UNIT)


def _metadata(r: PositionRecord) -> str:
    """What readers of `positions` may want and have no column for: the exact amounts, as text."""
    amounts = {"cost": r.cost, "fees": r.fees, "realized_pnl": r.realized_pnl}
    return msgspec.json.encode(amounts).decode()


def _event(r: EventRecord, origin: Origin) -> Values:
    who = (r.source, origin.run_id, r.correlation_id)
    return (_time(r.time_ns), origin.session, r.kind, *who, r.payload)


def _gate_count(r: GateCountRecord, origin: Origin) -> Values:
    return (_time(r.minute_ns), origin.session, r.strategy, r.market_id, r.gate, r.count)


def _metrics(r: MetricsRecord, origin: Origin) -> Values:
    counts = (r.signals, r.orders, r.fills, r.denials, r.duplicates, r.wins, r.losses)
    money = (to_sql(r.realized_pnl), to_sql(r.unrealized_pnl), to_sql(r.fees))
    return (_time(r.time_ns), origin.session, r.strategy, *counts, *money)


def _receipt(record: ReceiptRecord, origin: Origin) -> Values:
    r = record.receipt
    where = (_time(r.time_ns), origin.session, record.strategy, r.key, r.wallet, r.name)
    what = (r.market_id, r.instrument_id, r.side)
    leader = (to_sql(r.leader_price), to_sql(r.leader_quantity), _time(r.leader_time_ns))
    ours = (to_sql_optional(r.our_price), to_sql_optional(r.our_quantity), _time_optional(r.our_time_ns))
    gap = (to_sql_optional(r.slippage), to_sql_optional(r.delay_s))
    return (*where, *what, *leader, *ours, *gap, r.outcome, r.reason)


def _market(m: Market, origin: Origin) -> Values:
    names = (origin.session, m.id, m.venue, m.slug, m.question, m.category, m.event_id)
    return (*names, _time(m.opens_ns), _time(m.closes_ns), msgspec.json.encode(m).decode())


def _resolution(r: ResolutionRecord, origin: Origin) -> Values:
    payouts = msgspec.json.encode(r.payouts).decode()
    return (origin.session, r.market_id, _time(r.time_ns), payouts)


def _time_optional(time_ns: int | None) -> str | None:
    return None if time_ns is None else _time(time_ns)


@lru_cache(maxsize=64)
def _time(time_ns: int) -> str:
    """The records of a transaction share a moment, and writing it out is the dearest part of a row."""
    return format_time(time_ns)
