"""Answers, order rows and trade rows in the orders that the venue sends them in, and what is told of them."""

from decimal import Decimal
from itertools import permutations

import msgspec
import pytest

from domain.identifiers import VenueName, VenueOrderId
from domain.instrument import Side
from domain.messages import (
    Acknowledged,
    Cancelled,
    ExecutionReport,
    Expired,
    Filled,
    Lost,
    NotSent,
    Rejected,
    Settlement,
    SettlementReported,
)
from domain.order import Order, TimeInForce
from tests.venues.polymarket.orders import NOW_NS, listed, order
from tests.venues.polymarket.rows import SOMEBODY, maker, minted, order_row, trade_row
from venues.base import Prepared
from venues.polymarket.outcomes import Outcome, Verdict
from venues.polymarket.terms import TermsBook
from venues.polymarket.tracking import Tracked, Tracker
from venues.polymarket.wire import OrderRow, decode_user_event

OURS = VenueOrderId("0x" + "11" * 32)
VENUE = VenueName("polymarket")


class Desk:
    """A tracker with one order of ours, and the reports it made."""

    def __init__(self, of: Order | None = None) -> None:
        self.now_ns = NOW_NS
        terms = TermsBook()
        terms.on_market(listed())
        self.tracker = Tracker(venue=VENUE, terms=terms, now_ns=lambda: self.now_ns)
        self.order = of or order()
        self.tracked: Tracked = self.tracker.add(
            self.order, Prepared(order_id=self.order.id, venue_order_id=OURS, payload="{}")
        )
        self.told: list[ExecutionReport] = []

    def hear(self, raw: bytes) -> list[ExecutionReport]:
        row = decode_user_event(raw)
        told = self.tracker.on_order(row) if isinstance(row, OrderRow) else self.tracker.on_trade(row)
        self.told += told
        return told

    def answer(self, outcome: Outcome, **more: object) -> list[ExecutionReport]:
        verdict = msgspec.structs.replace(Verdict(outcome=outcome, reason="words"), **more)
        told = self.tracker.on_answer(self.tracked, verdict)
        self.told += told
        return told

    def kinds(self) -> list[object]:
        return [type(report) for report in self.told]


def live() -> Desk:
    desk = Desk()
    desk.answer(Outcome.ACKNOWLEDGED)
    desk.told.clear()
    return desk


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        pytest.param(Outcome.NOT_SENT, NotSent, id="not sent"),
        pytest.param(Outcome.ACKNOWLEDGED, Acknowledged, id="acknowledged"),
        pytest.param(Outcome.DELAYED, Acknowledged, id="delayed counts as live"),
        pytest.param(Outcome.REJECTED, Rejected, id="rejected"),
        pytest.param(Outcome.EXISTS, Lost, id="exists: ask"),
        pytest.param(Outcome.UNKNOWN, Lost, id="unknown: ask"),
    ],
)
def test_each_outcome_is_one_report(outcome: Outcome, kind: type[ExecutionReport]) -> None:
    desk = Desk()

    desk.answer(outcome)

    assert desk.kinds() == [kind]


def test_a_trade_fills_our_maker_order_at_its_own_price_once_for_all_statuses() -> None:
    desk = live()

    for status in ("MATCHED", "MATCHED", "MINED", "RETRYING", "MINED", "CONFIRMED", "CONFIRMED", "FAILED"):
        desk.hear(trade_row(SOMEBODY, [minted(OURS)], status=status, price="0.99"))

    fills = [report.fill for report in desk.told if isinstance(report, Filled)]
    assert [(fill.side, fill.price, fill.quantity, fill.fee) for fill in fills] == [
        (Side.BUY, Decimal("0.48"), Decimal(10), Decimal(0))
    ]
    settlements = [report.settlement for report in desk.told if isinstance(report, SettlementReported)]
    assert settlements == [Settlement.PENDING, Settlement.PENDING, Settlement.PENDING, Settlement.SETTLED]


def test_a_trade_that_fails_is_told_after_its_fill() -> None:
    desk = live()

    told = desk.hear(trade_row(OURS, status="FAILED"))

    assert [type(report) for report in told] == [Filled, SettlementReported]
    assert isinstance(told[1], SettlementReported)
    assert told[1].settlement is Settlement.FAILED


def test_two_of_our_makers_in_one_trade_are_two_fills() -> None:
    desk = live()
    other = order(2)
    desk.tracker.add(other, Prepared(order_id=other.id, venue_order_id=VenueOrderId("0x22"), payload="{}"))

    desk.hear(trade_row(SOMEBODY, [maker(OURS, matched_amount="4"), maker("0x22", matched_amount="6")]))

    fills = [report.fill for report in desk.told if isinstance(report, Filled)]
    assert [(fill.order_id, fill.quantity) for fill in fills] == [
        (desk.order.id, Decimal(4)),
        (other.id, Decimal(6)),
    ]
    assert {fill.trade_id for fill in fills} == {"t1"}


def test_a_trade_of_others_is_nobodys_news() -> None:
    assert live().hear(trade_row(SOMEBODY)) == []


def test_a_fill_may_come_before_the_answer_to_the_post() -> None:
    desk = Desk()

    desk.hear(trade_row(OURS))
    desk.answer(Outcome.ACKNOWLEDGED, has_matched=True, taking=Decimal(10))

    assert desk.kinds() == [Filled, Acknowledged]


@pytest.mark.parametrize("steps", list(permutations(("cancel", "first", "second"))), ids="-".join)
def test_a_cancel_is_told_after_all_the_fills_it_names(steps: tuple[str, ...]) -> None:
    desk = live()
    events = {
        "cancel": order_row(OURS, type="CANCELLATION", status="CANCELED", size_matched="7"),
        "first": trade_row(OURS, [maker(SOMEBODY, matched_amount="4")], size="4", id="t1"),
        "second": trade_row(OURS, [maker(SOMEBODY, matched_amount="3")], size="3", id="t2"),
    }

    for step in steps:
        desk.hear(events[step])

    assert desk.kinds() == [Filled, Filled, Cancelled]


def test_a_cancel_that_we_asked_for_waits_for_the_fills_that_an_update_named() -> None:
    desk = live()
    desk.hear(order_row(OURS, size_matched="4"))

    first = desk.tracker.on_cancelled(desk.tracked, "cancelled on request")
    then = desk.hear(trade_row(OURS, [maker(SOMEBODY, matched_amount="4")], size="4"))

    assert first == []
    assert [type(report) for report in then] == [Filled, Cancelled]


def test_an_end_before_the_answer_to_the_post_waits_for_it() -> None:
    desk = Desk()

    before = desk.hear(order_row(OURS, type="CANCELLATION", status="CANCELED_MARKET_RESOLVED"))
    desk.answer(Outcome.ACKNOWLEDGED)

    first, last = desk.kinds()
    assert before == []
    assert (first, last) == (Acknowledged, Cancelled)


def test_a_killed_order_is_rejected_by_its_answer_and_its_event_adds_nothing() -> None:
    desk = Desk(order(time_in_force=TimeInForce.FOK))

    desk.hear(order_row(OURS, order_type="FOK", status="CANCELED_FOK", size_matched="", type="CANCELLATION"))
    desk.answer(Outcome.REJECTED)
    desk.hear(order_row(OURS, order_type="FOK", status="CANCELED_FOK", size_matched="", type="CANCELLATION"))

    assert desk.kinds() == [Rejected]


def test_of_a_fak_the_rest_ends_after_the_fills_that_its_answer_counted() -> None:
    desk = Desk(order(time_in_force=TimeInForce.FAK))

    desk.answer(Outcome.ACKNOWLEDGED, has_matched=True, making=Decimal("2.08"), taking=Decimal(4))
    desk.hear(trade_row(OURS, [maker(SOMEBODY, matched_amount="4")], size="4"))

    assert desk.kinds() == [Acknowledged, Filled, Cancelled]


def test_of_a_delayed_fak_the_stream_only_says_that_it_is_time_to_ask() -> None:
    desk = Desk(order(time_in_force=TimeInForce.FAK))
    desk.answer(Outcome.DELAYED)

    told = desk.hear(order_row(OURS, order_type="FAK", status="CANCELED_no match", type="CANCELLATION"))

    assert [type(report) for report in told] == [Lost]


def test_a_rejection_that_a_fill_contradicts_is_no_rejection() -> None:
    desk = Desk()

    desk.hear(trade_row(OURS, [maker(SOMEBODY, matched_amount="4")], size="4"))
    desk.answer(Outcome.REJECTED)

    assert desk.kinds() == [Filled, Lost]


@pytest.mark.parametrize(
    ("status", "later_s"),
    [
        pytest.param("CANCELED_EXPIRED_ORDER", 0, id="by its word"),
        pytest.param("CANCELED", 240, id="by its time"),
    ],
)
def test_a_timed_order_expires(status: str, later_s: int) -> None:
    desk = Desk(order(time_in_force=TimeInForce.GTD, expires_ns=NOW_NS + 300 * 10**9))
    desk.answer(Outcome.ACKNOWLEDGED)

    desk.now_ns += later_s * 10**9
    desk.hear(order_row(OURS, order_type="GTD", status=status, type="CANCELLATION"))

    assert desk.kinds() == [Acknowledged, Expired]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param("9.99", "9.99", id="less than ordered"),
        pytest.param("10", "10", id="as ordered"),
        pytest.param("10.01", "10", id="rounded up by the venue"),
        pytest.param("10.02", "10.02", id="more than rounding explains"),
    ],
)
def test_what_the_venue_rounds_up_is_left_out_and_what_is_more_is_told(given: str, told: str) -> None:
    desk = live()

    desk.hear(trade_row(OURS, [maker(SOMEBODY, matched_amount=given)], size=given))

    assert isinstance(desk.told[0], Filled)
    assert desk.told[0].fill.quantity == Decimal(told)


def test_what_is_not_final_is_known_until_it_is() -> None:
    desk = live()

    desk.hear(trade_row(OURS, status="MINED"))
    before = desk.tracker.unsettled()
    desk.hear(trade_row(OURS, status="CONFIRMED"))

    assert [item.trade_id for item in before] == ["t1"]
    assert desk.tracker.unsettled() == []


def test_the_fee_of_a_token_that_was_never_listed_cannot_be_told() -> None:
    desk = live()
    row = decode_user_event(trade_row(OURS, asset_id="5"))
    others = decode_user_event(trade_row(SOMEBODY, asset_id="5"))
    assert not isinstance(row, OrderRow)
    assert not isinstance(others, OrderRow)

    assert desk.tracker.lacks_terms(row)
    assert not desk.tracker.lacks_terms(others)


def test_an_order_that_is_added_again_keeps_its_fills() -> None:
    desk = live()
    desk.hear(trade_row(OURS))

    again = desk.tracker.add(desk.order, desk.tracked.prepared)

    assert again.filled_quantity == 10
