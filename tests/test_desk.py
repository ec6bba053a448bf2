"""A strategy's desk: one row per signal while it is up, denials once, looks counted by the minute."""

import pytest

from domain.errors import StrategyFloodError
from domain.identifiers import InstrumentId, OrderId
from domain.messages import CancelIntent, MarketResolved, PassedOver, RedeemIntent, TimerFired
from domain.order import OrderStatus
from domain.records import DenialRecord, EventRecord, GateCountRecord, Record, SignalOutcome, SignalRecord
from strategies.base_strategy import StrategyState
from tests.support.reports import absent, cancelled, lost
from tests.support.room import Room
from tests.support.trader import narrowed
from tests.support.trading import DOWN, MARKET, NOW_NS, UP, S, d, fill_of, intent, settlement_of

BUY = intent("BUY 10 UP 0.50")
TOO_SMALL = intent("BUY 4 UP 0.50")
LOOK = PassedOver(MARKET, "spread too wide")


def outcomes(room: Room) -> list[tuple[int, str]]:
    """Number and outcome of each signal row, in the order in which they were written."""
    return [(signal.number, signal.outcome.value) for signal in room.written(SignalRecord)]


# --- rising edges ---------------------------------------------------------------------------------------


def test_a_signal_is_written_when_it_comes_up() -> None:
    room = Room()

    decision = room.look(BUY)

    (signal,) = room.written(SignalRecord)
    assert (signal.key, signal.strategy, signal.market_id) == ("k", "alpha", MARKET)
    assert (signal.outcome, signal.reason) == (SignalOutcome.ORDERED, "because k")
    assert signal.correlation_id == decision.sends[0].correlation_id


def test_a_signal_that_stays_up_costs_no_row() -> None:
    room = Room()

    for _ in range(3):
        room.look(BUY)

    assert outcomes(room) == [(1, "ORDERED")]
    assert (room.alpha.metrics.signals, room.alpha.metrics.orders, room.alpha.metrics.duplicates) == (1, 1, 2)


def test_a_look_at_another_instrument_does_not_bring_a_signal_down() -> None:
    room = Room()

    room.look(BUY)
    room.look(of=DOWN)
    room.look(BUY)

    assert outcomes(room) == [(1, "ORDERED")]


def test_after_it_came_down_the_same_signal_is_a_duplicate() -> None:
    room = Room()

    room.look(BUY)
    room.look()
    decision = room.look(BUY)

    assert outcomes(room) == [(1, "ORDERED"), (2, "DUPLICATE")]
    assert decision.sends == ()


def test_each_signal_comes_down_by_itself() -> None:
    room, other = Room(), intent("BUY 10 UP 0.40", key="other")

    room.look(BUY, other)
    room.look(other)
    room.look(BUY, other)

    assert outcomes(room) == [(1, "ORDERED"), (2, "ORDERED"), (3, "DUPLICATE")]
    assert [signal.key for signal in room.written(SignalRecord)] == ["k", "other", "k"]


def test_a_denied_signal_that_is_ordered_later_keeps_its_row() -> None:
    room = Room(cash="4.99")

    room.look(BUY)
    room.engine.open_account(d("0.01"), time_ns=NOW_NS)
    decision = room.look(BUY)

    assert outcomes(room) == [(1, "DENIED"), (1, "ORDERED")]
    assert len(decision.sends) == 1
    assert (room.alpha.metrics.signals, room.alpha.metrics.denials, room.alpha.metrics.orders) == (1, 1, 1)


def test_a_denied_signal_that_comes_up_again_is_a_new_one() -> None:
    room = Room()

    room.look(TOO_SMALL)
    room.look()
    room.look(TOO_SMALL)

    assert outcomes(room) == [(1, "DENIED"), (2, "DENIED")]
    assert len(room.written(DenialRecord)) == 2


def test_numbers_count_over_all_strategies() -> None:
    room = Room()

    room.look(BUY, by=room.alpha)
    room.look(BUY, by=room.beta)

    assert [(s.number, s.strategy) for s in room.written(SignalRecord)] == [(1, "alpha"), (2, "beta")]


def test_a_signal_of_two_legs_has_one_row() -> None:
    room = Room()
    room.look(of=DOWN)

    decision = room.look(BUY, intent("BUY 10 DOWN 0.40", leg=1))

    assert outcomes(room) == [(1, "ORDERED")]
    assert len(decision.sends) == 2
    assert len({order.correlation_id for order in decision.sends}) == 1


def test_a_signal_with_one_leg_denied_is_ordered_and_explains_the_other() -> None:
    room = Room()
    room.look(of=DOWN)

    room.look(BUY, intent("BUY 4 DOWN 0.40", leg=1))

    assert outcomes(room) == [(1, "ORDERED")]
    assert [denial.control for denial in room.written(DenialRecord)] == ["02 quantity"]


def test_a_duplicate_that_is_ordered_after_a_proven_death_says_so() -> None:
    room = Room()
    (first,) = room.look(BUY).sends
    room.report(lost(first.id))
    room.look()
    room.look(BUY)

    room.report(absent(first.id))
    decision = room.look(BUY)

    assert [order.generation for order in decision.sends] == [2]
    assert outcomes(room) == [(1, "ORDERED"), (2, "DUPLICATE"), (2, "ORDERED")]


def test_a_timers_signal_stays_up_from_timer_to_timer() -> None:
    room = Room()
    room.look()
    room.alpha.says[:] = [TOO_SMALL]

    room.keep(room.engine.step(room.alpha, TimerFired(time_ns=NOW_NS)))
    room.alpha.says.clear()
    room.keep(room.engine.step(room.alpha, MarketResolved(time_ns=NOW_NS, market_id=MARKET, payouts={})))
    room.alpha.says[:] = [TOO_SMALL]
    room.keep(room.engine.step(room.alpha, TimerFired(time_ns=NOW_NS)))

    assert len(outcomes(room)) == 1


# --- denials and looks ----------------------------------------------------------------------------------


def test_a_denial_is_stored_with_control_value_and_limit() -> None:
    room = Room(cash="4.99")

    room.look(BUY)

    (denial,) = room.written(DenialRecord)
    assert (denial.control, denial.value, denial.limit) == ("18 balance", "5", "4.99 free")
    assert denial.correlation_id == room.written(SignalRecord)[0].correlation_id


def test_a_control_that_keeps_denying_is_stored_once_and_counted() -> None:
    room = Room()

    for _ in range(3):
        room.look(TOO_SMALL)
    room.look(after_s=60)

    assert len(room.written(DenialRecord)) == 1
    assert [(g.gate, g.count) for g in room.written(GateCountRecord)] == [("control 02 quantity", 2)]


def test_another_control_that_denies_the_same_signal_is_stored_too() -> None:
    room = Room()

    room.look(intent("BUY 4 UP 0.50"))
    room.look(intent("BUY 10 UP 0.505"))

    assert [denial.control for denial in room.written(DenialRecord)] == ["02 quantity", "01 price collar"]


def test_looks_are_counted_by_minute_market_and_gate() -> None:
    room = Room()

    for _ in range(3):
        room.look(LOOK, after_s=19)  # 19 s, 38 s, 57 s
    room.look(PassedOver(MARKET, "too early"), after_s=3)  # 60 s: the next minute
    room.look(after_s=60)

    counts = [(g.minute_ns, g.gate, g.count) for g in room.written(GateCountRecord)]
    assert counts == [(NOW_NS, "spread too wide", 3), (NOW_NS + 60 * S, "too early", 1)]


def test_nothing_is_counted_for_a_minute_without_looks() -> None:
    room = Room()

    room.look(after_s=60)
    room.look(after_s=60)

    assert room.written(GateCountRecord) == []


def test_the_counts_of_the_open_minute_are_written_at_the_end() -> None:
    room = Room()
    room.look(LOOK)

    room.keep(room.engine.take_stock(time_ns=NOW_NS))
    before_the_end = room.written(GateCountRecord)
    room.keep(room.engine.take_stock(time_ns=NOW_NS, is_final=True))

    assert before_the_end == []
    assert [g.count for g in room.written(GateCountRecord)] == [1]


# --- pause, cancels, redemptions ------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["paused", "stopped"])
def test_a_strategy_that_does_not_run_orders_nothing(state: str) -> None:
    room = Room()
    if state == "paused":
        room.alpha.pause("by hand")
    else:
        room.alpha.stop("it raised")

    decision = room.look(BUY)
    room.look(after_s=60)

    assert (decision.sends, outcomes(room)) == ((), [])
    assert [g.gate for g in room.written(GateCountRecord)] == [f"strategy {state}"]


def test_a_strategy_that_trades_one_line_again_and_again_is_paused() -> None:
    room = Room(limits=narrowed(executions_max=1))
    room.fill(room.opened(BUY), "10")

    room.look(intent("BUY 10 UP 0.50", key="again"))
    decision = room.look(intent("BUY 10 DOWN 0.50", key="another line"))

    assert (room.alpha.state, room.beta.state) == (StrategyState.PAUSED, StrategyState.RUNNING)
    assert [denial.control for denial in room.written(DenialRecord)] == ["12 repeated execution"]
    assert [event.kind for event in room.written(EventRecord)] == ["strategy.paused"]
    assert decision.sends == ()


def test_a_strategy_that_is_resumed_orders_again() -> None:
    room = Room()
    room.alpha.pause("by hand")
    room.look(BUY)

    room.alpha.resume()

    assert len(room.look(BUY).sends) == 1


def test_a_paused_strategy_may_still_cancel() -> None:
    room = Room()
    order = room.opened(BUY)
    room.alpha.pause("by hand")

    decision = room.look(CancelIntent(order_id=order.id, reason="enough"))

    assert [(o.id, o.status) for o in decision.cancels] == [(order.id, OrderStatus.CANCEL_SENDING)]


def test_another_strategys_order_is_left_alone() -> None:
    room = Room()
    order = room.opened(BUY, by=room.alpha)

    decision = room.look(CancelIntent(order_id=order.id, reason="mine now"), by=room.beta)

    assert decision.cancels == ()
    assert room.orders.live.get(order.id) == order


def test_a_cancel_of_what_has_ended_is_harmless() -> None:
    room = Room()
    order = room.opened(BUY)
    room.report(cancelled(order.id))

    ended = room.look(CancelIntent(order_id=order.id, reason="enough"))
    unheard = room.look(CancelIntent(order_id=OrderId("s1-no"), reason="enough"))

    assert (ended.cancels, unheard.cancels) == ((), ())


def holding_resolved() -> Room:
    """A room whose market has resolved with 10 settled shares of UP in alpha's hands."""
    room = Room()
    order = room.opened(BUY)
    room.fill(order, "10")
    room.report(settlement_of(fill_of(order, "10")))
    room.engine.take_market(MarketResolved(time_ns=NOW_NS, market_id=MARKET, payouts={UP: d(1), DOWN: d(0)}))
    room.journal.clear()
    return room


def test_what_is_settled_and_resolved_is_redeemed() -> None:
    room = holding_resolved()

    decision = room.look(RedeemIntent(instrument_id=UP))

    assert [(r.strategy, r.instrument_id, r.quantity) for r in decision.redemptions] == [("alpha", UP, d(10))]
    assert [event.kind for event in room.written(EventRecord)] == ["redeem.requested"]


@pytest.mark.parametrize("instrument_id", [DOWN, InstrumentId("other:UP")], ids=["not held", "not resolved"])
def test_a_redemption_of_nothing_asks_for_nothing(instrument_id: InstrumentId) -> None:
    room = holding_resolved()

    decision = room.look(RedeemIntent(instrument_id=instrument_id))

    assert (decision.redemptions, room.journal) == ((), [])


def test_another_strategys_shares_are_not_redeemed() -> None:
    room = holding_resolved()

    assert room.look(RedeemIntent(instrument_id=UP), by=room.beta).redemptions == ()


def test_shares_that_are_being_redeemed_are_not_asked_for_again() -> None:
    room = holding_resolved()

    room.look(RedeemIntent(instrument_id=UP))

    assert room.look(RedeemIntent(instrument_id=UP)).redemptions == ()


# --- what a strategy sees -------------------------------------------------------------------------------


def test_a_view_shows_the_strategys_own_orders_and_shares() -> None:
    room = Room()
    order = room.opened(BUY)
    room.fill(order, "4")
    view = room.engine.note_event(room.alpha, TimerFired(time_ns=NOW_NS)).view
    foreign = room.engine.note_event(room.beta, TimerFired(time_ns=NOW_NS)).view

    holding = view.holding(UP)
    assert (holding.quantity, holding.settled_quantity, holding.cost) == (d(4), d(0), d(2))  # 4 * 0.50
    assert [o.id for o in view.orders(MARKET)] == [order.id]
    assert view.committed() == view.committed("e") == 5  # 2 held and 6 * 0.50 set aside
    assert view.bankroll == 1000
    assert (foreign.holding(UP).quantity, foreign.orders(), foreign.committed()) == (d(0), [], d(0))
    assert foreign.bankroll == 1000


def test_a_view_of_another_event_has_nothing_committed() -> None:
    room = Room()
    room.opened(BUY)

    view = room.engine.note_event(room.alpha, TimerFired(time_ns=NOW_NS)).view

    assert (view.committed("other"), view.orders(type(MARKET)("other"))) == (d(0), [])


@pytest.mark.parametrize(("signals", "is_flood"), [(5_999, False), (6_000, False), (6_001, True)])
def test_a_flood_of_signals_within_a_minute_is_refused_whole(signals: int, is_flood: bool) -> None:
    room = Room(limits=narrowed(orders_per_minute=1, orders_burst=1))
    room.look()
    desk = room.engine.note_event(room.alpha, TimerFired(time_ns=NOW_NS))
    journal: list[Record] = []

    if is_flood:
        with pytest.raises(StrategyFloodError, match="6000 signals"):
            desk.decide([BUY] * signals, scope="test", journal=journal)
        assert journal == []
    else:
        desk.decide([BUY] * signals, scope="test", journal=journal)
        assert len(room.orders.live) == 1
