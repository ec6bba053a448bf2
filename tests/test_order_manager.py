"""From intent to order and from report to next state: what is kept, what is given back, what counts once."""

import pytest

from domain.errors import InvariantError, TransitionError
from domain.identifiers import OrderId
from domain.messages import (
    Cancelled,
    FillReceived,
    OrderChanged,
    Settlement,
)
from domain.order import OrderStatus
from domain.records import FillRecord, OrderEventRecord, OrderRecord
from order_manager import Denied, Duplicate, Placed
from tests.support.reports import (
    Report,
    Step,
    absent,
    cancel_lost,
    cancelled,
    expired,
    found,
    gave_up,
    lost,
    rejected,
    taken,
    walk,
)
from tests.support.trader import Trader
from tests.support.trading import (
    ALPHA,
    BETA,
    NOW_NS,
    UP,
    acknowledged,
    d,
    fill_of,
    filled_report,
    order,
    settlement_of,
)

# --- once and only once -------------------------------------------------------------------------------


def test_a_repeat_returns_the_first_order_in_its_present_state() -> None:
    trader = Trader()
    first = trader.opened("BUY 10 UP 0.50")

    again = trader.place("BUY 10 UP 0.50")

    assert again == Duplicate(trader.now(first.id))
    assert len(trader.manager.live) == 1


def test_a_repeat_with_other_numbers_is_a_repeat() -> None:
    trader = Trader()
    first = trader.accepted("BUY 10 UP 0.50")

    assert trader.place("BUY 30 UP 0.45") == Duplicate(first)


def test_a_repeat_writes_nothing() -> None:
    trader = Trader()
    trader.accepted("BUY 10 UP 0.50")
    written = len(trader.journal)

    trader.place("BUY 10 UP 0.50")

    assert len(trader.journal) == written


@pytest.mark.parametrize("end", [rejected, cancelled, expired], ids=["rejected", "cancelled", "expired"])
def test_an_order_that_has_ended_still_answers_for_its_intent(end: Report) -> None:
    trader = Trader()
    first = trader.accepted("BUY 10 UP 0.50")
    trader.report(end(first.id))

    assert trader.place("BUY 10 UP 0.50") == Duplicate(trader.now(first.id))


def test_another_leg_strategy_or_key_is_another_intent() -> None:
    trader = Trader()
    trader.accepted("BUY 10 UP 0.50")

    answers = [
        trader.place("BUY 10 UP 0.50", leg=1),
        trader.place("BUY 10 UP 0.50", strategy=BETA),
        trader.place("BUY 10 UP 0.50", key="other"),
    ]

    assert all(isinstance(answer, Placed) for answer in answers)
    assert len({o.id for o in trader.manager.live}) == 4


def test_a_denial_does_not_consume_the_intent() -> None:
    trader = Trader(cash="5")

    denied = trader.place("BUY 10 UP 0.50")
    trader.portfolio.deposit(d("0.175"), time_ns=NOW_NS)  # 10 * 0.50 + 10 * 0.07 * 0.25 = 5.175
    accepted = trader.place("BUY 10 UP 0.50")

    assert isinstance(denied, Denied)
    assert isinstance(accepted, Placed)


def test_a_denial_writes_nothing_and_reserves_nothing() -> None:
    trader = Trader(cash="5")

    trader.denied_by("BUY 10 UP 0.50")

    assert (trader.journal, trader.portfolio.reservations) == ([], {})


def test_only_a_proven_death_allows_a_second_generation() -> None:
    trader = Trader()
    first = trader.accepted("BUY 10 UP 0.50")

    trader.report(lost(first.id))
    while_unknown = trader.place("BUY 10 UP 0.50")
    trader.report(absent(first.id))
    second = trader.accepted("BUY 10 UP 0.50")

    assert isinstance(while_unknown, Duplicate)
    assert (first.generation, second.generation) == (1, 2)
    assert (second.intent_id, second.id == first.id) == (first.intent_id, False)
    assert trader.place("BUY 10 UP 0.50") == Duplicate(second)


def test_a_quarantined_order_allows_no_second_generation() -> None:
    trader = Trader()
    first = trader.accepted("BUY 10 UP 0.50")
    trader.report(lost(first.id))

    trader.report(gave_up(first.id))

    assert trader.place("BUY 10 UP 0.50") == Duplicate(trader.now(first.id))


def test_an_order_is_stored_as_sending_before_anything_is_sent() -> None:
    trader = Trader()

    placed = trader.accepted("BUY 10 UP 0.50")

    arrows = [(a.status_before, a.status_after) for a in trader.written(OrderEventRecord)]
    assert arrows == [(None, OrderStatus.ACCEPTED), (OrderStatus.ACCEPTED, OrderStatus.SENDING)]
    assert '"control":"18"' in trader.written(OrderEventRecord)[0].detail
    assert (placed.status, placed.attempts) == (OrderStatus.SENDING, 1)


def test_the_validity_of_the_payload_is_stored_with_the_acceptance() -> None:
    trader = Trader()
    trader.manager.valid_until = lambda given: given.created_ns + 1

    assert trader.accepted("BUY 10 UP 0.50").valid_until_ns == NOW_NS + 1


# --- fills ----------------------------------------------------------------------------------------------


def test_a_late_fill_is_posted_and_marked_late() -> None:
    trader = Trader(cash="100", fee_rate="0")
    placed = trader.opened("BUY 10 UP 0.50")
    trader.report(cancelled(placed.id))

    news = trader.fill(placed, "4")

    arrow = trader.written(OrderEventRecord)[-1]
    assert (arrow.is_late, arrow.status_after) == (True, OrderStatus.CANCELLED)
    assert trader.portfolio.positions[ALPHA, UP].quantity == 4
    assert trader.portfolio.cash_total == 98  # 100 - 4 * 0.50
    assert [type(item) for item in news] == [FillReceived, OrderChanged]


def test_late_fills_can_complete_an_order() -> None:
    trader = Trader()
    placed = trader.accepted("BUY 10 UP 0.50")
    trader.report(rejected(placed.id))

    trader.fill(placed, "4", trade="one")
    trader.fill(placed, "6", trade="two")

    assert trader.now(placed.id).status is OrderStatus.FILLED
    assert [a.is_late for a in trader.written(OrderEventRecord)[-2:]] == [True, True]


def test_a_fill_in_time_is_not_late() -> None:
    trader = Trader()

    trader.fill(trader.opened("BUY 10 UP 0.50"), "10")

    assert trader.written(OrderEventRecord)[-1].is_late is False


def test_a_fill_from_two_channels_is_written_once() -> None:
    trader = Trader()
    placed = trader.opened("BUY 10 UP 0.50")

    news = [trader.fill(placed, "4"), trader.fill(placed, "4")]

    assert len(trader.written(FillRecord)) == 1
    assert [len(items) for items in news] == [2, 0]


def test_more_fills_than_ordered_halt() -> None:
    trader = Trader()
    placed = trader.opened("BUY 10 UP 0.50")
    trader.fill(placed, "6", trade="one")

    with pytest.raises(TransitionError, match=r"filled for 10\.02 of 10"):
        trader.fill(placed, "4.02", trade="two")


def test_a_settlement_heard_twice_is_written_once() -> None:
    trader = Trader()
    fill = fill_of(trader.opened("BUY 10 UP 0.50"), "10")
    trader.report(filled_report(fill))

    news = [trader.report(settlement_of(fill)) for _ in range(2)]

    assert [len(items) for items in news] == [1, 0]


def test_a_fill_that_failed_cannot_settle_any_more() -> None:
    trader = Trader(cash="100")
    fill = fill_of(trader.opened("BUY 10 UP 0.50"), "10")
    trader.report(filled_report(fill))

    trader.report(settlement_of(fill, Settlement.FAILED))
    news = trader.report(settlement_of(fill))

    assert (news, trader.portfolio.cash_total) == ([], d(100))


@pytest.mark.parametrize("report", [cancelled, rejected, lost, absent, expired, taken])
def test_a_report_about_an_order_that_is_not_ours_halts(report: Report) -> None:
    trader = Trader()

    with pytest.raises(InvariantError, match="not ours"):
        trader.report(report(OrderId("s1-stranger")))


def test_a_fill_of_an_order_that_is_not_ours_halts() -> None:
    with pytest.raises(InvariantError, match="not ours"):
        Trader().report(filled_report(fill_of(order("BUY 10 UP 0.50", name="stranger"), "1")))


def test_an_answer_that_changes_nothing_is_no_news() -> None:
    trader = Trader()
    placed = trader.accepted("BUY 10 UP 0.50")
    trader.fill(placed, "4")

    assert trader.report(acknowledged(placed)) == []
    assert trader.now(placed.id).status is OrderStatus.PARTIALLY_FILLED


def test_a_part_filled_order_that_is_found_open_is_still_part_filled() -> None:
    trader = Trader()
    placed = trader.opened("BUY 10 UP 0.50")
    trader.fill(placed, "4")
    walk(trader, placed.id, "cancel")
    trader.report(cancel_lost(placed.id))

    trader.report(found(placed.id))

    assert trader.now(placed.id).status is OrderStatus.PARTIALLY_FILLED


def test_the_first_reason_of_an_order_that_has_ended_stays() -> None:
    trader = Trader()
    placed = trader.opened("BUY 10 UP 0.50")

    trader.report(cancelled(placed.id))
    trader.report(Cancelled(order_id=placed.id, reason="again", time_ns=NOW_NS))

    assert trader.now(placed.id).reason == "asked"
    assert trader.written(OrderRecord)[-1].order.reason == "asked"


# --- cancels --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "is_asked"),
    [
        pytest.param([], False, id="not answered yet"),
        pytest.param([taken], True, id="open"),
        pytest.param(["part"], True, id="part filled"),
        pytest.param([lost], False, id="unknown"),
        pytest.param([taken, "cancel"], False, id="being cancelled"),
        pytest.param([taken, "cancel", cancel_lost], True, id="cancel lost"),
        pytest.param([taken, cancelled], False, id="ended"),
        pytest.param([lost, gave_up], False, id="quarantined"),
    ],
)
def test_a_cancel_goes_out_for_what_can_be_cancelled(path: list[Step], is_asked: bool) -> None:
    trader = Trader()
    placed = trader.accepted("BUY 10 UP 0.50")
    for step in path:
        walk(trader, placed.id, step)

    asked = trader.manager.request_cancel(placed.id, reason="r", time_ns=NOW_NS, journal=trader.journal)

    assert (asked is not None) is is_asked
    if asked:
        assert asked.status is OrderStatus.CANCEL_SENDING


def test_a_cancel_of_nothing_is_harmless() -> None:
    trader = Trader()

    assert trader.manager.request_cancel(OrderId("s1-no"), reason="r", time_ns=NOW_NS, journal=[]) is None
