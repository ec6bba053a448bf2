"""The paper venue in driven time: what it reports, in which order and when, and what queries tell."""

from decimal import Decimal

import msgspec
import pytest

from domain.messages import (
    CancelLost,
    Expired,
    Filled,
    SnapshotRejected,
    TickSizeChanged,
)
from domain.money import PUSD
from domain.order import OrderStatus
from tests.venues.paper_floor import (
    FAILING,
    MS,
    NO_CHANCE,
    START_NS,
    UP,
    S,
    at_once,
    kinds,
    order,
    reason_of,
    send,
    show,
    trade,
    trading_floor,
)
from venues import paper
from venues.base import Venue, VenueOrder

# --- the way of an order -----------------------------------------------------------------------------


def test_the_paper_venue_is_a_venue() -> None:
    venue: Venue = trading_floor().venue

    assert venue.name == "paper"
    assert venue.client_id_class == "A"


def test_sending_reports_nothing_before_latency_delay_and_answer_have_passed() -> None:
    floor = trading_floor()
    send(floor, "BUY 10 UP 0.52 FAK")

    early = floor.after(ms=219)
    in_time = floor.after(ms=1)  # 50 + 150 + 20

    assert early == []
    assert kinds(in_time) == ["Acknowledged", "Filled"]
    assert {report.time_ns for report in in_time} == {START_NS + 220 * MS}


def test_a_resting_order_is_acknowledged_without_the_taker_delay() -> None:
    floor = trading_floor()
    send(floor, "BUY 10 UP 0.51 GTC")

    assert floor.after(ms=69) == []
    assert kinds(floor.after(ms=1)) == ["Acknowledged"]  # 50 + 20


def test_a_fak_order_is_acknowledged_then_filled_then_its_rest_cancelled() -> None:
    floor = trading_floor()
    show(floor, asks="0.52x30 0.53x20")
    send(floor, "BUY 60 UP 0.55 FAK")

    reports = floor.after(ms=220)

    assert kinds(reports) == ["Acknowledged", "Filled", "Filled", "Cancelled"]
    fills = [report.fill for report in reports if isinstance(report, Filled)]
    assert [(str(fill.trade_id), fill.quantity, fill.price) for fill in fills] == [
        ("s1-k-t1", Decimal(30), Decimal("0.52")),
        ("s1-k-t2", Decimal(20), Decimal("0.53")),
    ]
    assert fills[0].fee == Decimal("0.52416")  # 30 * 0.07 * 0.52 * 0.48
    assert fills[0].time_ns == START_NS + 200 * MS  # 50 + 150: matched, not yet heard


@pytest.mark.parametrize(
    ("asks", "heard"),
    [
        pytest.param("0.51x100", ["Acknowledged", "Filled"], id="better: the improvement is ours"),
        pytest.param("0.53x100", ["Rejected"], id="gone: nothing to match"),
        pytest.param("0.52x4", ["Acknowledged", "Filled", "Cancelled"], id="thinner"),
    ],
)
def test_the_book_at_the_match_decides_and_not_the_one_at_the_decision(asks: str, heard: list[str]) -> None:
    floor = trading_floor()
    send(floor, "BUY 10 UP 0.52 FAK")
    floor.after(ms=199)

    show(floor, asks=asks)

    assert kinds(floor.after(ms=21)) == heard


def test_a_gtc_order_whose_counterpart_left_during_the_delay_rests() -> None:
    floor = trading_floor()
    sent = send(floor, "BUY 10 UP 0.52 GTC")
    floor.after(ms=100)
    show(floor, bids="0.50x100", asks="0.60x100")

    reports = floor.after(ms=120)

    assert kinds(reports) == ["Acknowledged"]
    assert at_once(floor.venue.open_orders()) == (
        VenueOrder(order_id=sent.id, status=OrderStatus.OPEN, filled_quantity=Decimal(0)),
    )


def test_an_order_that_stopped_fitting_the_tick_during_the_delay_is_refused() -> None:
    floor = trading_floor()
    show(floor, asks="0.52x100")
    send(floor, "BUY 10 UP 0.53 FAK")
    floor.after(ms=100)

    floor.venue.on_market(TickSizeChanged(time_ns=START_NS, instrument_id=UP, tick_size=Decimal("0.1")))

    assert "breaks minimum tick size rule: 0.1" in reason_of(floor.after(ms=120))
    assert floor.venue.owned() == {PUSD: 1000}


def test_a_rejected_snapshot_changes_nothing() -> None:
    floor = trading_floor()

    floor.venue.on_market(SnapshotRejected(time_ns=START_NS, instrument_id=UP, reason="crossed"))

    send(floor, "BUY 10 UP 0.52 FAK")
    assert kinds(floor.after(ms=220)) == ["Acknowledged", "Filled"]


def test_prints_and_books_fill_what_rests_with_trades_numbered_on() -> None:
    floor = trading_floor()
    sent = send(floor, "BUY 50 UP 0.51 GTC")
    floor.after(ms=100)

    floor.venue.on_market(trade("SELL", "20", "0.51"))
    show(floor, asks="0.50x15")
    reports = floor.after(ms=20)

    fills = [report.fill for report in reports if isinstance(report, Filled)]
    assert [(str(fill.trade_id), fill.quantity, fill.fee) for fill in fills] == [
        ("s1-k-t1", Decimal(20), Decimal(0)),
        ("s1-k-t2", Decimal(15), Decimal(0)),
    ]
    assert at_once(floor.venue.find_order(sent)) == VenueOrder(
        order_id=sent.id, status=OrderStatus.OPEN, filled_quantity=Decimal(35)
    )


# --- cancels, ends, queries --------------------------------------------------------------------------


def test_a_cancel_takes_a_resting_order_off() -> None:
    floor = trading_floor()
    sent = send(floor, "BUY 10 UP 0.51 GTC")
    floor.after(ms=100)

    at_once(floor.venue.cancel(sent))

    assert floor.after(ms=69) == []
    assert kinds(floor.after(ms=1)) == ["Cancelled"]
    assert at_once(floor.venue.open_orders()) == ()


@pytest.mark.parametrize(
    ("text", "cancelled_after_ms", "reason"),
    [
        pytest.param("BUY 10 UP 0.52 FAK", 60, "order is delayed and can't be canceled", id="in the delay"),
        pytest.param(
            "BUY 10 UP 0.52 FAK",
            300,
            "order can't be found - already canceled or matched",
            id="after the match",
        ),
    ],
)
def test_a_cancel_loses(text: str, cancelled_after_ms: int, reason: str) -> None:
    floor = trading_floor()
    sent = send(floor, text)
    floor.after(ms=cancelled_after_ms)

    at_once(floor.venue.cancel(sent))

    lost = [report for report in floor.after(ms=500) if isinstance(report, CancelLost)]
    assert [report.reason for report in lost] == [reason]
    assert floor.venue.incoming() == {UP: 10}


def test_a_cancel_of_an_unknown_order_loses() -> None:
    floor = trading_floor()

    at_once(floor.venue.cancel(order("BUY 10 UP 0.51 GTC")))

    assert reason_of(floor.after(ms=100)) == "order can't be found - already canceled or matched"


def test_a_gtd_order_expires_by_itself_a_minute_early() -> None:
    floor = trading_floor()
    sent = send(floor, "BUY 10 UP 0.51 GTD", expires_ns=START_NS + 200 * S)
    floor.after(ms=100)

    early = floor.after(ms=140_000 - 100 + 19)
    in_time = floor.after(ms=1)  # 200 s - 60 s + 20 ms

    assert early == []
    assert in_time == [Expired(order_id=sent.id, time_ns=START_NS + 140_020 * MS)]
    found = at_once(floor.venue.find_order(sent))
    assert found is not None
    assert found.status is OrderStatus.EXPIRED


def test_the_expiry_limit_counts_from_sending() -> None:
    floor = trading_floor()

    send(floor, "BUY 10 UP 0.51 GTD", expires_ns=START_NS + 180 * S)

    assert kinds(floor.after(ms=100)) == ["Acknowledged"]


@pytest.mark.parametrize(
    ("after_ms", "status"),
    [
        pytest.param(49, None, id="on its way"),
        pytest.param(50, OrderStatus.OPEN, id="delayed"),
        pytest.param(200, OrderStatus.FILLED, id="matched, answer on its way"),
    ],
)
def test_queries_read_the_venue_and_not_its_answers(after_ms: int, status: OrderStatus | None) -> None:
    floor = trading_floor()
    sent = send(floor, "BUY 10 UP 0.52 FAK")

    floor.after(ms=after_ms)

    found = at_once(floor.venue.find_order(sent))
    assert (found.status if found else None) == status
    assert len(at_once(floor.venue.open_orders())) == (status is OrderStatus.OPEN)


def test_fills_are_listed_from_a_time_on_without_failed_ones() -> None:
    floor = trading_floor()
    send(floor, "BUY 10 UP 0.52 FAK")
    floor.after(ms=200)

    assert [fill.quantity for fill in at_once(floor.venue.fills_since(START_NS + 200 * MS))] == [10]
    assert at_once(floor.venue.fills_since(START_NS + 200 * MS + 1)) == ()

    failing = trading_floor(FAILING)
    send(failing, "BUY 10 UP 0.52 FAK")
    failing.after(ms=10_000)
    assert at_once(failing.venue.fills_since(START_NS)) == ()


@pytest.mark.parametrize(
    ("text", "expires_ns", "valid_until_ns"),
    [
        # 50 + 150 + 1000
        pytest.param("BUY 10 UP 0.52 FAK", None, START_NS + 1200 * MS, id="fak"),
        pytest.param("BUY 10 UP 0.52 FOK", None, START_NS + 1200 * MS, id="fok"),
        pytest.param("BUY 10 UP 0.52 GTD", START_NS + 200 * S, START_NS + 200 * S, id="gtd"),
        pytest.param("BUY 10 UP 0.52 GTC", None, None, id="gtc"),
    ],
)
def test_orders_are_valid_until(text: str, expires_ns: int | None, valid_until_ns: int | None) -> None:
    wanted = order(text, expires_ns=expires_ns)

    assert trading_floor().venue.valid_until_ns(wanted) == valid_until_ns


@pytest.mark.parametrize("text", ["BUY 10 UP 0.51 GTC", "BUY 10 UP 0.52 FAK"], ids=["resting", "ended"])
def test_an_order_is_taken_once(text: str) -> None:
    floor = trading_floor()
    send(floor, text)
    floor.after(ms=300)

    send(floor, text)

    assert reason_of(floor.after(ms=300)) == "order s1-k is invalid. Duplicated."
    assert sum(floor.venue.incoming().values()) == (10 if text.endswith("FAK") else 0)


# --- losses, memory ----------------------------------------------------------------------------------


def test_a_lost_request_leaves_no_trace() -> None:
    floor = trading_floor(msgspec.structs.replace(NO_CHANCE, request_loss_rate=Decimal(1)))
    sent = send(floor, "BUY 10 UP 0.52 FAK")

    assert floor.after(ms=10_000) == []
    assert at_once(floor.venue.find_order(sent)) is None
    assert floor.venue.owned() == {PUSD: 1000}


def test_a_lost_answer_hides_an_order_that_lives() -> None:
    floor = trading_floor(msgspec.structs.replace(NO_CHANCE, answer_loss_rate=Decimal(1)))
    sent = send(floor, "BUY 10 UP 0.51 GTC")
    silence = floor.after(ms=1000)

    floor.venue.on_market(trade("SELL", "10", "0.50"))

    assert silence == []
    assert kinds(floor.after(ms=20)) == ["Filled"]
    found = at_once(floor.venue.find_order(sent))
    assert found is not None
    assert found.status is OrderStatus.FILLED


def test_memory_of_ended_orders_and_of_fills_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "ORDERS_KEPT_MAX", 3)
    monkeypatch.setattr(paper, "FILLS_KEPT_MAX", 2)
    floor = trading_floor()

    sent = [send(floor, "BUY 5 UP 0.52 FAK", name=str(number)) for number in range(5)]
    floor.after(ms=1000)

    known = [at_once(floor.venue.find_order(one)) is not None for one in sent]
    assert known == [False, False, True, True, True]
    assert len(at_once(floor.venue.fills_since(0))) == 2


def test_a_venue_is_connected_once() -> None:
    floor = trading_floor()

    with pytest.raises(AssertionError, match="connected already"):
        floor.venue.connect(floor.reports.append)
