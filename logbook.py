"""Writes what a durable transaction holds to the structured logs: one line for what matters, none for a quote.

Texts are complete before they are logged: the logs collapse lines that repeat, and no two fills are a repeat.
"""

import logging

from domain.messages import Settlement
from domain.order import OrderEvent
from domain.records import (
    DenialRecord,
    EventRecord,
    FillRecord,
    MetricsRecord,
    OrderEventRecord,
    OrderRecord,
    SettlementRecord,
    SignalRecord,
    Transaction,
    TransferRecord,
)
from telemetry import STRATEGY_LOGGERS, fields

LOG = logging.getLogger("daemon")
ALARMS = (OrderEvent.REJECT, OrderEvent.LOSE, OrderEvent.CANCEL_LOSE, OrderEvent.GIVE_UP)


def write(transaction: Transaction) -> None:
    """Log the records of a transaction, each to the logger of its strategy where it has one."""
    time_ns = transaction.time_ns
    for record in transaction.records:
        match record:
            case SignalRecord():
                what = fields(
                    event_time_ns=time_ns, outcome=record.outcome, correlation_id=record.correlation_id
                )
                _of(record.strategy).info(f"signal {record.key}: {record.reason}", extra=what)
            case DenialRecord():
                what = fields(event_time_ns=time_ns, value=record.value, limit=record.limit)
                _of(record.strategy).warning(f"denied by {record.control}: {record.reason}", extra=what)
            case OrderRecord(order=order):
                what = fields(event_time_ns=time_ns, order_id=order.id, filled=str(order.filled_quantity))
                _of(order.strategy).info(f"order {order.id} is {order.status}", extra=what)
            case FillRecord(fill=fill):
                what = fields(event_time_ns=time_ns, order_id=fill.order_id, fee=str(fill.fee))
                _of(record.strategy).info(
                    f"filled {fill.quantity} at {fill.price} as {fill.trade_id}", extra=what
                )
            case MetricsRecord():
                what = fields(
                    event_time_ns=time_ns, realized_pnl=str(record.realized_pnl), fees=str(record.fees)
                )
                counts = f"{record.signals} signals, {record.orders} orders, {record.fills} fills"
                _of(record.strategy).info(f"{counts}, {record.denials} denials", extra=what)
            case _:
                _write_rest(record, time_ns)


def write_output(strategy: str, text: str) -> None:
    """Log what a strategy printed: standard output belongs to the daemon."""
    _of(strategy).info(f"printed: {text}")


def _write_rest(record: object, time_ns: int) -> None:
    """What belongs to no strategy alone."""
    match record:
        case OrderEventRecord(event=event) if event in ALARMS or record.is_late:
            late = "LATE " if record.is_late else ""
            what = fields(event_time_ns=time_ns, detail=record.detail)
            LOG.warning(f"{late}order {record.order_id}: {event}", extra=what)
        case SettlementRecord(settlement=Settlement.FAILED):
            LOG.warning(f"fill {record.trade_id} failed to settle", extra=fields(event_time_ns=time_ns))
        case TransferRecord(transfer=transfer) if transfer.kind in ("DEPOSIT", "REDEEM", "MERGE"):
            LOG.info(f"{transfer.kind.lower()} {transfer.id}", extra=fields(event_time_ns=time_ns))
        case EventRecord():
            LOG.info(f"{record.kind} {record.payload}", extra=fields(event_time_ns=time_ns))
        case _:
            pass


def _of(strategy: str) -> logging.Logger:
    return logging.getLogger(f"{STRATEGY_LOGGERS}.{strategy}")
