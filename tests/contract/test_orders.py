"""What strategies yield reaches the order manager, and what venues report reaches the books: value by value."""

from collections.abc import Callable
from typing import get_args

import msgspec
import pytest

from domain.conversions import SetConverted, SetIntent
from domain.instrument import Side
from domain.ledger import AccountKind
from domain.messages import (
    Acknowledged,
    CancelIntent,
    Cancelled,
    CancelLost,
    ExecutionReport,
    Expired,
    Filled,
    FillReceived,
    FoundOpen,
    GaveUp,
    Lost,
    MarketResolved,
    NotSent,
    OrderChanged,
    PassedOver,
    ProvenAbsent,
    Receipt,
    Redeemed,
    RedeemIntent,
    Rejected,
    SettlementReported,
    StrategyEvent,
    StrategyIntent,
)
from domain.order import Intent, Order, OrderEvent
from domain.records import (
    EventRecord,
    FillRecord,
    GateCountRecord,
    OrderEventRecord,
    PositionRecord,
    ReceiptRecord,
    SettlementRecord,
    SignalRecord,
    TransferRecord,
)
from tests.contract.examples import EXECUTION_REPORTS, STRATEGY_EVENTS, STRATEGY_INTENTS, leaves
from tests.contract.listener import Call, listening
from tests.support.room import Room
from tests.support.trading import DOWN, MARKET, NOW_NS, UP, d, fill_of, filled_report, intent, settlement_of

BUY = intent("BUY 10 UP 0.50")
RESOLVED = MarketResolved(time_ns=NOW_NS, market_id=MARKET, payouts={UP: d("0.25"), DOWN: d("0.75")})


# --- intents --------------------------------------------------------------------------------------------


def arrived_intent(room: Room) -> dict[str, object]:
    """A buy of DOWN becomes an order; the key is on the signal and in the intent's id, the leg in the id."""
    room.look(of=DOWN)
    (order,) = room.look(STRATEGY_INTENTS[Intent]).sends
    (signal,) = room.written(SignalRecord)
    *_, leg = order.intent_id.split("/")
    assert order.reason == signal.reason
    names = [
        "instrument_id",
        "side",
        "quantity",
        "price",
        "reason",
        "time_in_force",
        "post_only",
        "expires_ns",
    ]
    return {name: getattr(order, name) for name in names} | {"signal_key": signal.key, "leg": int(leg)}


def arrived_cancel(room: Room) -> dict[str, object]:
    """A cancel of an open order goes to the venue and into the order's events."""
    order, example = room.opened(BUY), STRATEGY_INTENTS[CancelIntent]
    assert isinstance(example, CancelIntent)
    given = msgspec.structs.replace(example, order_id=order.id)
    (sent,) = room.look(given).cancels
    arrow = room.written(OrderEventRecord)[-1]
    assert (sent.id, arrow.order_id, arrow.event) == (order.id, order.id, OrderEvent.CANCEL_SEND)
    return msgspec.structs.asdict(example) | {"reason": arrow.detail}


def arrived_redemption(room: Room) -> dict[str, object]:
    """What is held and settled of a resolved instrument goes to the venue, and is noted."""
    hold(room)
    room.keep(room.engine.take_market(RESOLVED))
    (wish,) = room.look(STRATEGY_INTENTS[RedeemIntent]).redemptions
    payload = msgspec.json.decode(room.written(EventRecord)[-1].payload, type=dict[str, str])
    assert payload == {"instrument": wish.instrument_id, "quantity": str(wish.quantity)}
    return {"instrument_id": wish.instrument_id}


def arrived_conversion(room: Room) -> dict[str, object]:
    """A covered wish goes to the venue with every outcome of the market."""
    (wish,) = room.look(STRATEGY_INTENTS[SetIntent]).conversions
    assert wish.instrument_ids == (UP, DOWN)
    return {"action": wish.action, "market_id": wish.market_id, "quantity": wish.quantity}


def arrived_gate(room: Room) -> dict[str, object]:
    """A gate is counted in its minute, and written when that is over."""
    room.look(STRATEGY_INTENTS[PassedOver])
    room.look(after_s=60)
    (counted,) = room.written(GateCountRecord)
    assert (counted.count, counted.minute_ns) == (1, NOW_NS)
    return {"market_id": counted.market_id, "gate": counted.gate}


def arrived_receipt(room: Room) -> dict[str, object]:
    """A receipt is stored as it is."""
    room.look(STRATEGY_INTENTS[Receipt])
    return msgspec.structs.asdict(room.written(ReceiptRecord)[0].receipt)


INTENTS: dict[type, Callable[[Room], dict[str, object]]] = {
    Intent: arrived_intent,
    CancelIntent: arrived_cancel,
    RedeemIntent: arrived_redemption,
    SetIntent: arrived_conversion,
    PassedOver: arrived_gate,
    Receipt: arrived_receipt,
}
"""What has become of the values of an intent, by its fields."""


@pytest.mark.parametrize("kind", get_args(StrategyIntent))
def test_every_value_of_an_intent_arrives(kind: type) -> None:
    example = STRATEGY_INTENTS[kind]

    arrived = INTENTS[kind](Room())

    assert arrived == (
        example._asdict() if isinstance(example, PassedOver) else msgspec.structs.asdict(example)
    )


# --- reports --------------------------------------------------------------------------------------------

ARROWS: dict[type, OrderEvent] = {
    Acknowledged: OrderEvent.ACKNOWLEDGE,
    Rejected: OrderEvent.REJECT,
    NotSent: OrderEvent.NOT_SENT,
    Lost: OrderEvent.LOSE,
    Cancelled: OrderEvent.CANCEL,
    CancelLost: OrderEvent.CANCEL_LOSE,
    Expired: OrderEvent.EXPIRE,
    FoundOpen: OrderEvent.FIND_OPEN,
    ProvenAbsent: OrderEvent.PROVE_ABSENT,
    GaveUp: OrderEvent.GIVE_UP,
}
"""Reports that are one arrow of the order table and nothing else."""

DOUBTED = (FoundOpen, ProvenAbsent, GaveUp)
"""Reports that only an order without an answer can get."""


def of_order(kind: type, order: Order) -> ExecutionReport:
    """The example, told of this order."""
    return msgspec.structs.replace(EXECUTION_REPORTS[kind], order_id=order.id)


def hold(room: Room) -> Order:
    """Let alpha buy and settle 10 UP."""
    order = room.opened(BUY)
    fill = fill_of(order, "10")
    room.report(filled_report(fill))
    room.report(settlement_of(fill))
    return order


@pytest.mark.parametrize("kind", ARROWS)
def test_every_value_of_a_report_on_an_order_arrives(kind: type) -> None:
    room = Room()
    if kind is CancelLost:
        order = room.opened(BUY)
        room.look(CancelIntent(order_id=order.id, reason=""))
    else:
        (order,) = room.look(BUY).sends
    if kind in DOUBTED:
        room.report(of_order(Lost, order))
    report = of_order(kind, order)

    decision = room.report(report)

    arrow = room.written(OrderEventRecord)[-1]
    arrived = {"order_id": arrow.order_id, "time_ns": arrow.time_ns, "reason": arrow.detail}
    fields = msgspec.structs.asdict(report)
    assert {name: (arrived | {"venue_order_id": arrow.detail})[name] for name in fields} == fields
    assert arrow.event is ARROWS[kind]
    assert decision.transaction is not None
    assert decision.transaction.time_ns == report.time_ns


def test_every_value_of_a_fill_arrives() -> None:
    room, example = Room(fee_rate="0.07"), EXECUTION_REPORTS[Filled]
    assert isinstance(example, Filled)
    (order,) = room.look(BUY).sends
    report = Filled(fill=msgspec.structs.replace(example.fill, order_id=order.id), time_ns=example.time_ns)

    decision = room.report(report)

    (booked,), arrow = room.written(FillRecord), room.written(OrderEventRecord)[-1]
    assert Filled(fill=booked.fill, time_ns=arrow.time_ns) == report
    assert (booked.strategy, booked.correlation_id) == (order.strategy, order.correlation_id)
    (_, told), (_, changed) = decision.news
    assert isinstance(told, FillReceived)
    assert (told.fill, told.time_ns) == (report.fill, report.time_ns)
    assert isinstance(changed, OrderChanged)
    assert (changed.order.filled_quantity, changed.time_ns) == (report.fill.quantity, report.time_ns)


def test_every_value_of_a_settlement_arrives() -> None:
    room, example = Room(), EXECUTION_REPORTS[SettlementReported]
    assert isinstance(example, SettlementReported)
    order = room.opened(BUY)
    fill = fill_of(order, "10", trade=example.trade_id)
    room.report(filled_report(fill))
    report = msgspec.structs.replace(example, order_id=order.id)

    decision = room.report(report)

    (settled,) = room.written(SettlementRecord)
    assert msgspec.structs.asdict(settled) == msgspec.structs.asdict(report)
    ((_, told),) = decision.news
    assert told == FillReceived(time_ns=report.time_ns, fill=fill, settlement=report.settlement)


def test_every_value_of_a_redemption_arrives() -> None:
    room, report = Room(), EXECUTION_REPORTS[Redeemed]
    assert isinstance(report, Redeemed)
    hold(room)
    room.keep(room.engine.take_market(RESOLVED))

    room.report(report)

    transfer, position = room.written(TransferRecord)[-1].transfer, room.written(PositionRecord)[-1]
    shares = [(e.account.owner, e.amount) for e in transfer.entries if e.asset == UP and e.amount < 0]
    (paid,) = [e.amount for e in transfer.entries if e.account.kind is AccountKind.CASH]
    assert shares == [("s1/alpha", -report.quantity)]
    assert paid == report.quantity * report.payout  # 5.5 * 0.25 = 1.375
    assert (transfer.kind, transfer.time_ns) == ("REDEEM", report.time_ns)
    assert (position.strategy, position.instrument_id) == (report.strategy, report.instrument_id)
    assert (position.venue, position.updated_ns) == (report.venue, report.time_ns)
    assert leaves(report).keys() == {"venue", "strategy", "instrument_id", "quantity", "payout", "time_ns"}


def test_every_value_of_a_conversion_arrives() -> None:
    room, report = Room(), EXECUTION_REPORTS[SetConverted]
    assert isinstance(report, SetConverted)
    (asked,) = room.look(STRATEGY_INTENTS[SetIntent]).conversions

    room.report(report)

    assert report.conversion == asked
    transfer = room.written(TransferRecord)[-1].transfer
    assert (transfer.id, transfer.kind, transfer.time_ns) == (asked.id, "SPLIT", report.time_ns)
    held = room.written(PositionRecord)[-2:]
    assert [(p.strategy, p.instrument_id, p.quantity) for p in held] == [
        (asked.strategy, UP, report.quantity),
        (asked.strategy, DOWN, report.quantity),
    ]
    assert {(p.market_id, p.venue, p.updated_ns, p.side) for p in held} == {
        (asked.market_id, report.venue, report.time_ns, Side.BUY)
    }
    # 17.5 were set aside and 16.5 converted: the rest is free again.
    assert room.orders.portfolio.cash_total == d(1000) - report.quantity
    assert leaves(report).keys() == {
        *("venue", "quantity", "time_ns", "conversion.id", "conversion.strategy", "conversion.market_id"),
        *("conversion.instrument_ids", "conversion.action", "conversion.quantity"),
    }


def test_no_kind_of_report_is_left_out() -> None:
    with_money = {Filled, SettlementReported, Redeemed, SetConverted}

    assert {*ARROWS, *with_money} == {*EXECUTION_REPORTS} == set(get_args(ExecutionReport))


# --- news -----------------------------------------------------------------------------------------------

HOOKS = {
    "Started": "on_start",
    "Stopped": "on_stop",
    "TimerFired": "on_timer",
    "OrderChanged": "on_order",
    "FillReceived": "on_fill",
}


@pytest.mark.parametrize("kind", STRATEGY_EVENTS)
def test_news_reach_their_hook(kind: type) -> None:
    engine, listener, event = Room().engine, listening(), STRATEGY_EVENTS[kind]
    engine.add(listener)

    engine.step(listener, event)

    given = None if kind.__name__ in ("Started", "Stopped") else event
    assert listener.calls == [Call(HOOKS[kind.__name__], given, event.time_ns)]
    assert kind in get_args(StrategyEvent)
