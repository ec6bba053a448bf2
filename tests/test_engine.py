"""The engine: an event goes in, a decision comes out, and everything is checked on the way."""

from decimal import Decimal

import pytest

from domain.errors import InvariantError, StrategyError, StrategyFloodError
from domain.instrument import Side
from domain.messages import (
    FillReceived,
    MarketEvent,
    MarketResolved,
    OrderChanged,
    PassedOver,
    Settlement,
    SnapshotRejected,
    Started,
    Stopped,
    StrategyEvent,
    TickSizeChanged,
    TimerFired,
    TradePrint,
)
from domain.order import OrderStatus
from domain.records import EventRecord, FillRecord, MetricsRecord, OrderRecord, PositionRecord
from engine import FULL_CHECK_EVERY
from hooks import INTENTS_MAX, hook
from strategies.base_strategy import BaseStrategy, Intents, View
from tests.support.reports import lost
from tests.support.room import Room
from tests.support.trading import (
    DOWN,
    MARKET,
    NOW_NS,
    UP,
    S,
    acknowledged,
    book,
    d,
    fill_of,
    filled_report,
    intent,
    listed,
    settlement_of,
    shown,
)

BUY = intent("BUY 10 UP 0.50")
RESOLVED = MarketResolved(time_ns=NOW_NS, market_id=MARKET, payouts={UP: d(1), DOWN: d(0)})


# --- market events --------------------------------------------------------------------------------------


def test_listings_resolutions_ticks_and_rejections_are_stored() -> None:
    room = Room()
    events: list[MarketEvent] = [
        listed(),
        TickSizeChanged(time_ns=NOW_NS, instrument_id=UP, tick_size=d("0.001")),
        SnapshotRejected(time_ns=NOW_NS, instrument_id=UP, reason="crossed"),
        RESOLVED,
    ]

    for event in events:
        room.keep(room.engine.take_market(event))

    kinds = [event.kind for event in room.written(EventRecord)]
    assert kinds == ["market.listed", "market.tick_size", "book.rejected", "market.resolved"]
    assert room.written(EventRecord)[-1].payload == '{"market":"m","payouts":{"m:UP":"1","m:DOWN":"0"}}'


def test_only_what_feeds_show_moves_the_position() -> None:
    room = Room()
    trade = TradePrint(time_ns=NOW_NS, instrument_id=UP, side=Side.BUY, price=d("0.5"), quantity=d(1))
    rejected = SnapshotRejected(time_ns=NOW_NS, instrument_id=UP, reason="crossed")
    positions = []

    for event in (listed(), shown(book()), trade, rejected, RESOLVED):
        room.engine.take_market(event)
        positions.append(room.engine.position)

    assert positions == [0, 1, 2, 3, 3]


def test_a_book_alone_makes_no_transaction() -> None:
    assert Room().engine.take_market(shown(book())).transaction is None


# --- steps ----------------------------------------------------------------------------------------------


def test_a_step_that_leads_to_nothing_makes_no_transaction() -> None:
    room = Room()

    decision = room.look(PassedOver(MARKET, "too early"))

    assert decision.transaction is None
    assert room.alpha.metrics.events == 1


def test_transactions_are_numbered_without_gaps_and_carry_the_position() -> None:
    room = Room()

    decisions = [room.look(intent("BUY 10 UP 0.40", key=f"k{n}"), after_s=n) for n in range(3)]

    transactions = [decision.transaction for decision in decisions if decision.transaction]
    assert [t.sequence for t in transactions] == [3, 4, 5]  # after the listing and the deposit
    assert [t.position for t in transactions] == [1, 2, 3]


def test_an_order_is_sent_with_its_own_transaction() -> None:
    room = Room()

    decision = room.look(BUY)

    assert [order.status for order in decision.sends] == [OrderStatus.SENDING]
    assert decision.transaction is not None
    assert OrderRecord(order=decision.sends[0]) in decision.transaction.records


def test_a_hook_that_raises_midway_has_asked_for_nothing() -> None:
    room = Room()
    room.alpha.raises[:] = [ValueError("no such price")]

    with pytest.raises(StrategyError, match="strategy alpha raised ValueError: no such price"):
        room.look(BUY)

    assert len(room.orders.live) == 0
    assert room.journal == []


def test_a_hook_that_raises_leaves_the_counts_of_the_minute() -> None:
    room = Room()
    room.look(PassedOver(MARKET, "too early"))
    room.alpha.raises[:] = [ValueError("no such price")]

    with pytest.raises(StrategyError):
        room.look(after_s=60)
    decision = room.engine.note(NOW_NS, "strategy.error", {})

    assert decision.transaction is not None
    assert [type(r).__name__ for r in decision.transaction.records] == ["GateCountRecord", "EventRecord"]


@pytest.mark.parametrize(
    ("yields", "is_flood"), [(INTENTS_MAX - 1, False), (INTENTS_MAX, False), (INTENTS_MAX + 1, True)]
)
def test_a_hook_may_yield_so_much_and_no_more(yields: int, is_flood: bool) -> None:
    room = Room()
    room.alpha.says[:] = [PassedOver(MARKET, "too early")] * yields

    if is_flood:
        with pytest.raises(StrategyFloodError, match="1000 intents"):
            room.engine.step(room.alpha, shown(book()))
    else:
        assert room.engine.step(room.alpha, shown(book())).transaction is None


class Listener(BaseStrategy):
    """Says by which hook it was called."""

    name = "listener"

    def on_start(self, view: View) -> Intents:
        yield PassedOver(MARKET, "on_start")

    def on_book(self, event: StrategyEvent, view: View) -> Intents:
        yield PassedOver(MARKET, "on_book")

    def on_trade(self, event: StrategyEvent, view: View) -> Intents:
        yield PassedOver(MARKET, "on_trade")

    def on_fill(self, event: StrategyEvent, view: View) -> Intents:
        yield PassedOver(MARKET, "on_fill")

    def on_order(self, event: StrategyEvent, view: View) -> Intents:
        yield PassedOver(MARKET, "on_order")

    def on_timer(self, event: StrategyEvent, view: View) -> Intents:
        yield PassedOver(MARKET, "on_timer")

    def on_resolved(self, event: StrategyEvent, view: View) -> Intents:
        yield PassedOver(MARKET, "on_resolved")

    def on_stop(self, view: View) -> Intents:
        yield PassedOver(MARKET, "on_stop")


def test_each_event_has_its_hook() -> None:
    room = Room()
    order = room.opened(BUY)
    fill = fill_of(order, "1")
    trade = TradePrint(time_ns=NOW_NS, instrument_id=UP, side=Side.BUY, price=d("0.5"), quantity=d(1))
    events: list[StrategyEvent] = [
        Started(time_ns=NOW_NS),
        shown(book()),
        trade,
        FillReceived(time_ns=NOW_NS, fill=fill, settlement=Settlement.PENDING),
        OrderChanged(time_ns=NOW_NS, order=order),
        TimerFired(time_ns=NOW_NS),
        RESOLVED,
        Stopped(time_ns=NOW_NS),
    ]
    view = room.engine.note_event(room.alpha, events[0]).view

    said = [list(hook(Listener(), event, view)) for event in events]

    names = ["on_start", "on_book", "on_trade", "on_fill", "on_order", "on_timer", "on_resolved", "on_stop"]
    assert said == [[PassedOver(MARKET, name)] for name in names]


# --- reports --------------------------------------------------------------------------------------------


def test_a_report_is_news_for_the_strategy_whose_order_it_is() -> None:
    room = Room()
    (order,) = room.look(BUY, by=room.beta).sends

    decision = room.report(acknowledged(order))

    assert [(name, type(item)) for name, item in decision.news] == [("beta", OrderChanged)]


def test_a_fill_is_counted_for_its_strategy_once() -> None:
    room = Room()
    order = room.opened(BUY)

    room.fill(order, "4")
    room.fill(order, "4")
    room.report(settlement_of(fill_of(order, "4")))

    assert (room.alpha.metrics.fills, room.beta.metrics.fills) == (1, 0)
    assert len(room.written(FillRecord)) == 1


def test_a_duplicate_report_makes_no_transaction_and_no_news() -> None:
    room = Room()
    order = room.opened(BUY)
    room.fill(order, "4")

    decision = room.engine.apply(filled_report(fill_of(order, "4")))

    assert (decision.transaction, decision.news) == (None, ())


def test_the_same_payload_goes_again_as_another_attempt() -> None:
    room = Room()
    (order,) = room.look(BUY).sends
    room.report(lost(order.id))

    decision = room.keep(room.engine.send_again(order, time_ns=NOW_NS))

    assert [(o.id, o.attempts, o.status) for o in decision.sends] == [(order.id, 2, OrderStatus.SENDING)]


def test_all_orders_that_rest_are_cancelled_of_one_strategy_or_of_all() -> None:
    room = Room()
    mine = room.opened(BUY, by=room.alpha)
    other = room.opened(intent("BUY 10 UP 0.40", key="other"), by=room.beta)
    room.look(intent("BUY 10 UP 0.30", key="on its way"))

    of_one = room.keep(room.engine.cancel_all(strategy=mine.strategy, reason="r", time_ns=NOW_NS))
    of_all = room.keep(room.engine.cancel_all(reason="r", time_ns=NOW_NS))

    assert [o.id for o in of_one.cancels] == [mine.id]
    assert [o.id for o in of_all.cancels] == [other.id]


# --- checks ---------------------------------------------------------------------------------------------


def test_what_a_transaction_touched_is_checked_with_it() -> None:
    room = Room()
    (order,) = room.look(BUY).sends
    room.orders.portfolio.reservations[order.id].pending -= d("0.000001")

    with pytest.raises(InvariantError, match="I3"):
        room.engine.apply(acknowledged(order))


@pytest.mark.parametrize(
    ("transactions", "is_found"), [(FULL_CHECK_EVERY - 1, False), (FULL_CHECK_EVERY, True)]
)
def test_everything_is_checked_every_thousand_transactions(transactions: int, is_found: bool) -> None:
    room = Room()  # two transactions: the listing and the deposit
    room.orders.portfolio.invested += d("0.000001")  # touched by no transaction below

    def play() -> None:
        for _ in range(transactions - 2):
            room.engine.note(NOW_NS, "noted", {})

    if is_found:
        with pytest.raises(InvariantError, match="I8"):
            play()
    else:
        play()


# --- figures --------------------------------------------------------------------------------------------


def test_figures_add_up_to_the_equity() -> None:
    room = Room(cash="100")
    order = room.opened(BUY)
    room.fill(order, "10")
    room.look(bids="0.60x100", asks="0.62x100")

    figures = room.engine.figures(room.alpha, time_ns=NOW_NS)

    assert (figures.signals, figures.orders, figures.fills) == (1, 1, 1)
    assert (figures.realized_pnl, figures.unrealized_pnl) == (d(0), d(1))  # 10 * 0.60 - 10 * 0.50
    assert room.engine.equity == 101  # 100 + 10 * (0.60 - 0.50)


@pytest.mark.parametrize(
    ("up", "wins", "losses"), [("1", 1, 0), ("0.5", 0, 0), ("0", 0, 1)], ids=["won", "level", "lost"]
)
def test_a_closed_position_is_won_or_lost(up: str, wins: int, losses: int) -> None:
    room = Room()
    order = room.opened(BUY)
    room.fill(order, "10")
    room.report(settlement_of(fill_of(order, "10")))
    payouts = {UP: d(up), DOWN: 1 - d(up)}
    room.engine.take_market(MarketResolved(time_ns=NOW_NS, market_id=MARKET, payouts=payouts))
    (position,) = room.orders.portfolio.positions.values()

    room.orders.portfolio.redeem(position, quantity=d(10), payout=d(up), time_ns=NOW_NS)

    figures = room.engine.figures(room.alpha, time_ns=NOW_NS)
    assert (figures.wins, figures.losses) == (wins, losses)


def test_where_no_book_was_seen_a_position_counts_at_cost() -> None:
    room = Room(cash="100")
    room.fill(room.opened(BUY), "10")
    room.engine.market.books.clear()

    assert room.engine.equity == 100


def test_stock_is_taken_of_every_strategy_and_every_open_position() -> None:
    room = Room()
    room.fill(room.opened(BUY), "10")
    room.journal.clear()

    room.keep(room.engine.take_stock(time_ns=NOW_NS + S))

    assert [m.strategy for m in room.written(MetricsRecord)] == ["alpha", "beta"]
    assert [(p.instrument_id, p.mark_price) for p in room.written(PositionRecord)] == [(UP, Decimal("0.49"))]
