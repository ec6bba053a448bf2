"""An order whose outcome is unknown: what the reads show is adopted, and absence counts only when it is proof."""

from pathlib import Path

import pytest

from domain.identifiers import StrategyName
from domain.messages import ExecutionReport, Expired
from domain.order import OrderStatus
from executor import (
    CLOCK_SKEW_S,
    QUARANTINE_AFTER_S,
    QUERY_DELAYS_S,
    VISIBILITY_LAG_S,
)
from order_manager import Denied, Duplicate, Placed
from tests.support.daemon import Daemon, play
from tests.support.doubt import FAK, GTC, lost, rejected, unknown
from tests.support.trading import (
    ALPHA,
    BETA,
    NOW_NS,
    S,
    acknowledged,
    fill_of,
    intent,
)

VALID_S = 2
PROVEN_AFTER_S = VALID_S + CLOCK_SKEW_S + VISIBILITY_LAG_S


# --- found ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at_the_venue", "status"),
    [
        (OrderStatus.OPEN, OrderStatus.OPEN),
        (OrderStatus.CANCELLED, OrderStatus.CANCELLED),
        (OrderStatus.EXPIRED, OrderStatus.EXPIRED),
    ],
)
def test_what_is_found_is_adopted(tmp_path: Path, at_the_venue: OrderStatus, status: OrderStatus) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon)
        daemon.venue.holds(order, at_the_venue)

        await daemon.wait_s(QUERY_DELAYS_S[0])

        assert daemon.status(order) is status
        assert (order.id in daemon.orders.portfolio.reservations) is (status is OrderStatus.OPEN)

    play(tmp_path, scenario)


def test_an_order_that_only_the_list_of_open_orders_shows_is_found(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon)
        daemon.venue.holds(order)
        daemon.venue.known.clear()

        await daemon.wait_s(QUERY_DELAYS_S[0])

        assert daemon.status(order) is OrderStatus.OPEN

    play(tmp_path, scenario)


def test_an_order_that_only_the_trades_show_is_found(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon)
        daemon.venue.fills = [fill_of(order, "10")]

        await daemon.wait_s(QUERY_DELAYS_S[0])

        assert daemon.status(order) is OrderStatus.FILLED

    play(tmp_path, scenario)


def test_a_status_of_filled_makes_no_fill(tmp_path: Path) -> None:
    """Fills come from trades alone: one inferred from a status would count twice when the real one comes."""

    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon)
        daemon.venue.holds(order, OrderStatus.FILLED, filled="10")

        await daemon.wait_s(QUERY_DELAYS_S[0])
        before = daemon.status(order), dict(daemon.orders.portfolio.held)
        daemon.venue.fills = [fill_of(order, "10")]
        await daemon.wait_s(QUERY_DELAYS_S[1])

        assert before == (OrderStatus.UNKNOWN, {})
        assert daemon.status(order) is OrderStatus.FILLED
        assert daemon.orders.portfolio.held == {order.instrument_id: 10}

    play(tmp_path, scenario)


def test_an_order_that_is_found_part_filled_and_open_goes_on_part_filled(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon, GTC)
        daemon.venue.holds(order, filled="4")
        daemon.venue.fills = [fill_of(order, "4")]

        await daemon.wait_s(QUERY_DELAYS_S[0])

        assert daemon.status(order) is OrderStatus.PARTIALLY_FILLED

    play(tmp_path, scenario)


def test_a_stale_list_that_still_shows_a_filled_order_does_not_halt(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon, GTC)
        daemon.venue.holds(order)
        daemon.venue.fills = [fill_of(order, "10")]

        await daemon.wait_s(QUERY_DELAYS_S[0])

        assert daemon.status(order) is OrderStatus.FILLED

    play(tmp_path, scenario)


def test_an_order_that_is_found_part_filled_and_cancelled_ends(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon)
        daemon.venue.holds(order, OrderStatus.CANCELLED, filled="4")
        daemon.venue.fills = [fill_of(order, "4")]

        await daemon.wait_s(QUERY_DELAYS_S[0])

        assert daemon.status(order) is OrderStatus.CANCELLED
        assert daemon.orders.portfolio.reservations == {}

    play(tmp_path, scenario)


def test_the_rest_of_an_order_of_which_only_a_part_fill_was_seen_is_resolved_too(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon)
        daemon.venue.fills = [fill_of(order, "4")]
        await daemon.wait_s(QUERY_DELAYS_S[0])
        daemon.venue.holds(order, OrderStatus.CANCELLED, filled="4")

        await daemon.wait_s(120)

        assert daemon.status(order) is OrderStatus.CANCELLED
        assert daemon.orders.portfolio.reservations == {}

    play(tmp_path, scenario)


@pytest.mark.parametrize("delay_s", [0, 30])
def test_a_late_acknowledgement_ends_the_doubt(tmp_path: Path, delay_s: int) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon, GTC)

        await daemon.wait_s(delay_s)
        daemon.venue.report(acknowledged(order))
        await daemon.drain()
        reads = len(daemon.venue.reads)
        await daemon.wait_s(120)

        assert daemon.status(order) is OrderStatus.OPEN
        assert len(daemon.venue.reads) == reads

    play(tmp_path, scenario)


@pytest.mark.parametrize("late", ["rejected", "lost", "acknowledged", "expired"])
def test_an_answer_that_comes_after_the_time_out_does_not_halt(tmp_path: Path, late: str) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon, GTC)
        if late == "acknowledged":  # after a query has found it open
            daemon.venue.holds(order)
        if late == "expired":  # after a query has found it expired
            daemon.venue.holds(order, OrderStatus.EXPIRED)
        await daemon.wait_s(QUERY_DELAYS_S[0])
        answers: dict[str, ExecutionReport] = {
            "rejected": rejected(order),
            "lost": lost(order),
            "acknowledged": acknowledged(order),
            "expired": Expired(order_id=order.id, time_ns=order.created_ns),
        }

        daemon.venue.report(answers[late])
        await daemon.drain()

        expected = {"rejected": "REJECTED", "lost": "UNKNOWN", "acknowledged": "OPEN", "expired": "EXPIRED"}
        assert daemon.status(order).value == expected[late]

    play(tmp_path, scenario)


# --- absent ---------------------------------------------------------------------------------------------


def test_absence_is_no_proof_while_the_payload_could_still_execute(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon)

        await daemon.wait_s(PROVEN_AFTER_S)  # queries after 1, 3 and 7 s; the next after 15 s

        assert daemon.venue.reads.count("order") == 3
        assert daemon.status(order) is OrderStatus.UNKNOWN
        assert order.id in daemon.orders.portfolio.reservations

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("beyond_ns", "status"),
    [
        pytest.param(-1, OrderStatus.UNKNOWN, id="a moment before"),
        pytest.param(0, OrderStatus.UNKNOWN, id="at the limit"),
        pytest.param(1, OrderStatus.DEAD, id="a moment after"),
    ],
)
def test_absence_is_proof_when_validity_skew_and_lag_have_passed(
    tmp_path: Path, beyond_ns: int, status: OrderStatus
) -> None:
    async def scenario(daemon: Daemon) -> None:
        query_ns = NOW_NS + QUERY_DELAYS_S[0] * S
        valid_until_ns = query_ns - (CLOCK_SKEW_S + VISIBILITY_LAG_S) * S - beyond_ns
        daemon.orders.valid_until = lambda _: valid_until_ns
        order = await unknown(daemon)

        await daemon.wait_s(QUERY_DELAYS_S[0])

        assert daemon.status(order) is status
        assert (order.id in daemon.orders.portfolio.reservations) is (status is OrderStatus.UNKNOWN)

    play(tmp_path, scenario)


@pytest.mark.parametrize("seen", ["known", "open", "fills"])
def test_one_read_that_knows_the_order_outweighs_the_others(tmp_path: Path, seen: str) -> None:
    async def scenario(daemon: Daemon) -> None:
        daemon.orders.valid_until = lambda _: NOW_NS - 60 * S
        order = await unknown(daemon)
        daemon.venue.holds(order)
        daemon.venue.fills = [fill_of(order, "4")] if seen == "fills" else []
        if seen != "known":
            daemon.venue.known.clear()
        if seen != "open":
            daemon.venue.open.clear()

        await daemon.wait_s(QUERY_DELAYS_S[0])

        assert daemon.status(order) is not OrderStatus.DEAD

    play(tmp_path, scenario)


def test_a_dead_order_may_be_tried_again_as_another_order(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        first = await unknown(daemon)
        await daemon.wait_s(15)
        assert daemon.status(first) is OrderStatus.DEAD

        (second,) = daemon.look(FAK).sends
        await daemon.drain()

        assert (second.generation, second.id == first.id) == (2, False)
        assert [sent.id for sent in daemon.venue.sent] == [first.id, second.id]

    play(tmp_path, scenario)


def test_without_an_end_of_validity_a_person_decides_after_a_time(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon, GTC)

        await daemon.wait_s(QUARANTINE_AFTER_S)
        before = daemon.status(order)
        await daemon.wait_s(QUERY_DELAYS_S[-1])

        assert (before, daemon.status(order)) == (OrderStatus.UNKNOWN, OrderStatus.QUARANTINED)
        assert order.id in daemon.orders.portfolio.reservations

    play(tmp_path, scenario)


# --- asking ---------------------------------------------------------------------------------------------


def test_each_question_is_three_reads_that_reach_back_over_the_clock_skew(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon)

        await daemon.wait_s(QUERY_DELAYS_S[0])

        assert daemon.venue.reads == ["order", "open orders", "trades"]
        assert daemon.venue.since_ns == [order.created_ns - CLOCK_SKEW_S * S]

    play(tmp_path, scenario)


def test_questions_become_rarer(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        await unknown(daemon, GTC)
        asked = []

        for seconds in (1, 2, 4, 8, 15, 30, 30):
            await daemon.wait_s(seconds - 1e-9)
            before = daemon.venue.reads.count("order")
            await daemon.wait_s(1e-9)
            asked.append(daemon.venue.reads.count("order") - before)

        assert asked == [1] * 7

    play(tmp_path, scenario)


# --- what is frozen meanwhile ---------------------------------------------------------------------------


def test_the_line_of_an_unknown_order_is_frozen_and_no_other(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon)
        daemon.engine.take_market(daemon.fresh_book())

        def place(text: str, strategy: StrategyName) -> Placed | Denied | Duplicate:
            wanted = intent(text, key=f"{text} {strategy}")
            return daemon.orders.place(wanted, strategy=strategy, time_ns=NOW_NS, journal=[])

        frozen = place("BUY 10 UP 0.40", ALPHA)
        assert isinstance(frozen, Denied)
        assert (frozen.verdict.control, frozen.verdict.value) == ("15", order.id)
        assert isinstance(place("BUY 10 UP 0.40", BETA), Placed)

    play(tmp_path, scenario)


def test_an_unknown_order_answers_for_its_intent(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon)

        for _ in range(3):
            daemon.look(FAK)
            await daemon.wait_s(1)

        assert [sent.id for sent in daemon.venue.sent] == [order.id]

    play(tmp_path, scenario)
