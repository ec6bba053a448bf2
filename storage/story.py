"""Tells a chain to somebody who does not know the code: what was seen, bought, settled, earned."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec import Struct

from domain.money import PUSD, ZERO
from domain.order import OrderEvent
from storage.chain import (
    ROWS_MAX,
    Chain,
    DenialRow,
    OrderEventRow,
    OrderRow,
    PositionRow,
    RedemptionRow,
    SignalRow,
    TradeRow,
)

SHOWN_CHARACTERS_MAX = 36
DENIALS_SHOWN_MAX = 20

WORDS = {
    None: "accepted",
    OrderEvent.SEND: "handed to the venue",
    OrderEvent.ABORT: "withdrawn before a byte was sent",
    OrderEvent.NOT_SENT: "did not reach the venue",
    OrderEvent.ACKNOWLEDGE: "the venue has it",
    OrderEvent.REJECT: "the venue refused it",
    OrderEvent.LOSE: "no clear answer: the venue may have it or not",
    OrderEvent.FILL_PART: "filled in part",
    OrderEvent.FILL_ALL: "filled",
    OrderEvent.CANCEL_SEND: "asked the venue to cancel it",
    OrderEvent.CANCEL_NOT_SENT: "the cancel did not reach the venue",
    OrderEvent.CANCEL_LOSE: "no clear answer to the cancel",
    OrderEvent.CANCEL: "cancelled",
    OrderEvent.EXPIRE: "expired",
    OrderEvent.FIND_OPEN: "found open at the venue",
    OrderEvent.PROVE_ABSENT: "proven absent from the venue",
    OrderEvent.GIVE_UP: "given to a person to decide",
}

AMOUNT = re.compile(r"(-?\d+(?:\.\d+)?)\s*(\D{0,12})")
NUMBER = 1
UNIT = 2


class Check(Struct, frozen=True, kw_only=True):
    """One control as the acceptance of an order recorded it."""

    control: str
    name: str
    value: str
    limit: str
    passed: bool


def tell(chain: Chain) -> list[str]:
    """Return the story in lines, oldest first: signals and denials, each order with its fills, positions."""
    lines = [*_signals(chain.signals), *_denials(chain.denials)]
    for order in chain.orders:
        events = [event for event in chain.order_events if event.order_id == order.id]
        trades = [trade for trade in chain.trades if trade.order_id == order.id]
        lines += ["", *_order(order, events), *_fills(order, trades)]
    for position in chain.positions:
        redemptions = [r for r in chain.redemptions if r.symbol == position.symbol]
        lines += ["", *_position(position, redemptions)]
    if chain.events:
        lines += ["", "NOTED"]
        lines += [f"  {_moment(e.timestamp)}  {e.type} by {e.source}: {e.payload}" for e in chain.events]
    if any(len(getattr(chain, part)) == ROWS_MAX for part in chain.__struct_fields__):
        lines += ["", f"Only the first {ROWS_MAX} rows of each kind are told."]
    return lines


def compare(value: str, limit: str) -> str:
    """Put a measured value beside its limit, as a comparison where both are amounts of one kind.

    >>> compare("0.96", "1.01"), compare("40.000 s left", "20 s")
    ('0.96 ≤ 1.01', '40.000 s left > 20 s')
    >>> compare("2.00 tokens", "60/min"), compare("none", "none"), compare("0.96", "at most 1.02")
    ('2.00 tokens (limit: 60/min)', 'none', '0.96, at most 1.02')
    """
    if value == limit or not limit:
        return value
    if limit.startswith("at "):
        return f"{value}, {limit}"
    measured, allowed = AMOUNT.fullmatch(value), AMOUNT.fullmatch(limit)
    if not measured or not allowed or not _are_alike(measured[UNIT], allowed[UNIT]):
        return f"{value} (limit: {limit})"
    relation = "≤" if Decimal(measured[NUMBER]) <= Decimal(allowed[NUMBER]) else ">"
    return f"{value} {relation} {limit}"


def _are_alike(unit: str, other: str) -> bool:
    return unit.startswith(other) or other.startswith(unit)


def _signals(signals: Iterable[SignalRow]) -> Iterator[str]:
    for s in signals:
        yield f"SIGNAL {s.number} of {s.strategy} in {_short(s.market)}, session {s.session}: {s.outcome}"
        yield f"  {_moment(s.timestamp)}  {s.reason}"
        yield f"  key {s.key}"


def _denials(denials: list[DenialRow]) -> Iterator[str]:
    for d in denials[:DENIALS_SHOWN_MAX]:
        yield f"  {_moment(d.timestamp)}  denied: {d.reason}"
        yield f"    ✗ {d.control} {compare(d.value, d.limit_value)}"
    if len(denials) > DENIALS_SHOWN_MAX:
        yield f"  … and {len(denials) - DENIALS_SHOWN_MAX} more denials"


def _order(order: OrderRow, events: Iterable[OrderEventRow]) -> Iterator[str]:
    better = "or less" if order.side == "BUY" else "or more"
    terms = (
        f"{order.side} {_number(order.size)} {_short(order.instrument)} at {_number(order.price)} {better}"
    )
    yield f"ORDER {order.id}: {terms}, {order.time_in_force}, at {order.venue}"
    yield f"  intent {order.intent_id}, generation {order.generation}, correlation {order.correlation_id}"
    for event in events:
        yield from _event(event)
    yield f"  now {order.status}, {_number(order.filled_size)} of {_number(order.size)} filled"


def _event(event: OrderEventRow) -> Iterator[str]:
    late = ", LATE" if event.is_late else ""
    happened = f"  {_moment(event.timestamp)}  {event.status_after:<16} {WORDS[event.event]}{late}"
    checks = _checks(event.detail)
    if checks:
        yield f"{happened}, {len(checks)} controls passed:"
        for check in checks:
            mark = "✓" if check.passed else "✗"
            yield f"    {mark} {check.control} {check.name} {compare(check.value, check.limit)}"
    else:
        yield f"{happened}: {event.detail}" if event.detail else happened


def _checks(detail: str) -> list[Check]:
    """Read the controls of an acceptance; any other detail is somebody's words."""
    try:
        return msgspec.json.decode(detail, type=list[Check])
    except msgspec.DecodeError:
        return []


def _fills(order: OrderRow, trades: list[TradeRow]) -> Iterator[str]:
    for trade in trades:
        yield from _fill(trade)
    good = [trade for trade in trades if trade.settlement != "FAILED"]
    if not good:
        yield "  nothing was exchanged"
        return
    quantity = sum((trade.size for trade in good), ZERO)
    value = sum((trade.price * trade.size for trade in good), ZERO)
    fees = sum((trade.fee for trade in good), ZERO)
    total = value + fees if order.side == "BUY" else value - fees
    verb = "paid" if order.side == "BUY" else "received"
    yield f"  {verb} {_number(total)} {good[0].fee_asset} for {_number(quantity)}, fees included"


def _fill(trade: TradeRow) -> Iterator[str]:
    verb = "bought" if trade.side == "BUY" else "sold"
    value = f"{_number(trade.size)} × {_number(trade.price)} = {_number(trade.size * trade.price)}"
    yield f"  FILL {trade.trade_id}: {verb} {value} {trade.fee_asset}, {trade.liquidity.lower()}"
    yield f"    {_moment(trade.timestamp)}  matched, fee {_number(trade.fee)} {trade.fee_asset}"
    if trade.settled_at is None:
        yield "    settlement PENDING: the venue has not called it final"
        return
    waited_s = (
        datetime.fromisoformat(trade.settled_at) - datetime.fromisoformat(trade.timestamp)
    ).total_seconds()
    undone = ", and undone: money, shares and fee went back" if trade.settlement == "FAILED" else ""
    yield f"    {_moment(trade.settled_at)}  {trade.settlement} after {waited_s:.3f} s{undone}"
    if trade.realized_pnl:
        yield f"    realised {trade.realized_pnl:+f} {trade.fee_asset} before fees"


def _position(position: PositionRow, redemptions: Iterable[RedemptionRow]) -> Iterator[str]:
    where = f"{_short(position.symbol)} at {position.exchange}"
    yield f"POSITION of {position.strategy} in {where}, by all its orders"
    if position.quantity:
        yield f"  holds {_number(position.quantity)}, which cost {_number(position.cost)} {PUSD} before fees"
    if position.unsettled_quantity:
        yield f"  {_number(position.unsettled_quantity)} of it not settled yet"
    if position.quantity and position.current_price is not None and position.unrealized_pnl is not None:
        worth = f"{_number(position.current_price)} each, unrealised {_signed(position.unrealized_pnl)}"
        yield f"  last worth {worth}"
    for r in redemptions:
        yield f"  {_moment(r.timestamp)}  redeemed {_number(r.quantity)} for {_number(r.payout)} {PUSD}"
    if position.closed_at is not None:
        yield f"  {_moment(position.closed_at)}  closed"
    realized, fees = position.realized_pnl, position.fees
    parts = f"realised {_signed(realized)}, less fees of {_number(fees)}"
    yield f"  earned {_signed(realized - fees)} {PUSD}: {parts}"


def _moment(timestamp: str) -> str:
    """Milliseconds are what people compare; the tables have the microseconds."""
    return f"{timestamp[:10]} {timestamp[11:23]}"


def _number(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _signed(amount: Decimal) -> str:
    return f"{amount.normalize():+f}"


def _short(name: str) -> str:
    """Hexadecimal ids are long; their ends tell them apart."""
    half = SHOWN_CHARACTERS_MAX // 2
    return name if len(name) <= SHOWN_CHARACTERS_MAX else f"{name[:half]}…{name[-half:]}"
