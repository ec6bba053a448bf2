"""Every row of the table of outcomes reached by a real fault of the simulated venue, and what it must not become.

Each order here is worth money: an outcome that is taken for a refusal is sold twice, one that is taken for
success is never bought.
"""

import asyncio
from decimal import Decimal

import pytest

from domain.errors import VenueReadError
from domain.messages import (
    Acknowledged,
    Cancelled,
    CancelLost,
    Filled,
    Lost,
    NotSent,
    Rejected,
    Settlement,
    SettlementReported,
)
from domain.order import Order, OrderStatus, TimeInForce
from simulator.faults import Fault
from simulator.polymarket.markets import MarketSpec
from simulator.polymarket.settings import VenueRules
from simulator.polymarket.state import Mode
from tests.venues.polymarket.floor import Floor, quick
from tests.venues.polymarket.test_venue import play

POST, CANCEL = "POST /order", "DELETE /order"
RESTING = Decimal("0.50")


@pytest.mark.parametrize(
    ("fault", "parameters", "is_booked"),
    [
        pytest.param(Fault.LOST_REQUEST, {}, False, id="reset, nothing booked"),
        pytest.param(Fault.HANG_UP, {}, False, id="hung up, nothing booked"),
        pytest.param(Fault.STATUS_425, {}, False, id="425"),
        pytest.param(Fault.STATUS_429_BARE, {}, False, id="429 of the address"),
        pytest.param(Fault.ANSWER_5XX, {"status": 500}, False, id="500, nothing booked"),
        pytest.param(Fault.ANSWER_5XX, {"status": 520}, False, id="520, nothing booked"),
        pytest.param(Fault.HTML_REFUSAL, {"status": 403}, False, id="a proxy's page with 403"),
        pytest.param(Fault.LOST_ANSWER, {}, True, id="the answer is lost"),
        pytest.param(Fault.ANSWER_5XX_AFTER_BOOKING, {"status": 500}, True, id="accepted, then 500"),
        pytest.param(Fault.HTML_BODY, {}, True, id="an HTML page with 200"),
        pytest.param(Fault.EMPTY_BODY, {}, True, id="an empty body"),
        pytest.param(Fault.TRUNCATED_BODY, {}, True, id="half a body"),
        pytest.param(Fault.MISSING_FIELD, {"field": "status"}, True, id="no status"),
    ],
)
def test_what_may_have_arrived_is_lost_and_the_read_by_id_tells_the_truth(
    fault: Fault, parameters: dict[str, str | int | bool], is_booked: bool
) -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=RESTING)
        here.arm(fault, POST, **parameters)
        await here.place(order)
        (lost,) = await here.heard(Lost)
        found = await here.venue.find_order(order)
        listed = await here.venue.open_orders()

        assert here.reports == [lost]
        assert (found is not None, bool(listed)) == (is_booked, is_booked)

    play(scene)


def test_an_order_that_was_lost_and_is_sent_again_is_one_order() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=RESTING)
        for fault in (Fault.LOST_ANSWER, Fault.LOST_ANSWER):
            here.arm(fault, POST)
            await here.place(order)
        await here.heard(Lost, 2)
        await here.venue.send(order)
        (_, _, third) = await here.heard(Lost, 3)

        assert "Duplicated" in third.reason
        assert len(here.simulator.exchange.state.orders) == 1

    play(scene)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param(Fault.STATUS_429, "", id="429 with the signer's headers"),
        pytest.param(Fault.UNAUTHORIZED, "", id="401"),
        pytest.param(Fault.REGION_BLOCKED, "region", id="403 of the region"),
        pytest.param(Fault.BLOCKED_BALANCE, "balance", id="not enough balance though funded"),
    ],
)
def test_what_the_venue_says_it_refused_is_rejected_and_nothing_is_there(fault: Fault, words: str) -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=RESTING)
        here.arm(fault, POST if fault is not Fault.BLOCKED_BALANCE else "*")
        await here.place(order)
        (rejected,) = await here.heard(Rejected)

        assert words in rejected.reason
        assert await here.venue.find_order(order) is None

    play(scene)


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        pytest.param(Mode.CANCEL_ONLY, "cancel", id="cancel-only"),
        pytest.param(Mode.POST_ONLY, "post-only", id="post-only"),
        pytest.param(Mode.DISABLED, "stopped trading", id="disabled"),
    ],
)
def test_a_mode_of_the_venue_rejects_one_order_and_denies_the_next(mode: Mode, reason: str) -> None:
    async def scene(here: Floor) -> None:
        here.simulator.venue.mode.set(mode)
        await here.place(here.order(1, price=RESTING))
        await here.heard(Rejected)

        assert reason in str(here.venue.denial(here.order(2, price=RESTING)))

    play(scene)


def test_a_restarting_engine_leaves_the_order_unknown_and_holds_the_next() -> None:
    async def scene(here: Floor) -> None:
        here.simulator.venue.mode.set(Mode.RESTARTING)
        await here.place(here.order(1, price=RESTING))
        await here.heard(Lost)

        assert "restarts" in str(here.venue.denial(here.order(2, price=RESTING)))

    play(scene)


def test_a_late_booking_is_found_by_the_id_after_everybody_gave_up() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=RESTING)
        here.arm(Fault.BOOK_LATE, POST, delay_ms=150)
        await here.place(order)
        before = await here.venue.find_order(order)
        await here.heard(Acknowledged)
        after = await here.venue.find_order(order)

        assert before is None
        assert after is not None

    play(scene)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault.LOST_ANSWER, id="the answer is lost"),
        pytest.param(Fault.HTML_BODY, id="an HTML page"),
        pytest.param(Fault.ANSWER_5XX_AFTER_BOOKING, id="cancelled, then 500"),
        pytest.param(Fault.STATUS_425, id="425"),
    ],
)
def test_a_cancel_without_a_clear_answer_is_never_taken_for_one(fault: Fault) -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=RESTING)
        await here.place(order)
        await here.heard(Acknowledged)
        for _ in range(2):
            here.arm(fault, CANCEL)
        await here.venue.cancel(order)
        await here.heard(CancelLost)

        assert not isinstance(here.reports[1], Cancelled)

    play(scene, has_stream=False)


def test_a_fill_that_wins_the_race_with_a_cancel_is_told() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=RESTING)
        await here.place(order)
        await here.heard(Acknowledged)
        here.arm(Fault.CANCEL_FILL_RACE)
        await here.venue.cancel(order)
        await here.heard(Filled)
        await here.heard(CancelLost)

        assert not [report for report in here.reports if isinstance(report, Cancelled)]

    play(scene)


def test_a_fill_after_the_cancel_was_acknowledged_is_told_all_the_same() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=RESTING)
        await here.place(order)
        await here.heard(Acknowledged)
        here.arm(Fault.FILL_AFTER_CANCEL)
        await here.venue.cancel(order)
        (fill,) = await here.heard(Filled)

        assert fill.fill.quantity == 10

    play(scene)


def test_a_trade_that_fails_on_chain_is_told_as_failed() -> None:
    async def scene(here: Floor) -> None:
        here.arm(Fault.TRADE_FAILED)
        await here.place(here.order(price=Decimal("0.52")))
        await here.heard(Filled)
        (told,) = await here.heard(SettlementReported)

        assert told.settlement is Settlement.FAILED

    play(scene)


def test_a_trade_that_is_retried_stays_pending_until_it_is_final() -> None:
    async def scene(here: Floor) -> None:
        here.arm(Fault.TRADE_RETRYING)
        await here.place(here.order(price=Decimal("0.52")))
        await here.heard(Filled)
        async with asyncio.timeout(5):
            while True:
                told = [r.settlement for r in here.reports if isinstance(r, SettlementReported)]
                if told and told[-1] is Settlement.SETTLED:
                    break
                await asyncio.sleep(0.01)

        assert told[:-1] == [Settlement.PENDING] * (len(told) - 1)

    rules = VenueRules(mined_after_ms=50, confirmed_after_ms=100, retry_after_ms=50, data_lag_ms=0)
    play(scene, rules=rules)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault.DUPLICATE_DELIVERY, id="twice"),
        pytest.param(Fault.UNKNOWN_MESSAGE, id="after one of no known kind"),
        pytest.param(Fault.LATE_MESSAGE, id="late"),
        pytest.param(Fault.REORDER, id="out of order"),
    ],
)
def test_a_disturbed_user_stream_tells_each_fill_once(fault: Fault) -> None:
    async def scene(here: Floor) -> None:
        for _ in range(3):
            here.arm(fault, "ws /ws/user*", delay_ms=20)
        await here.place(here.order(price=Decimal("0.52")))
        await here.heard(Filled)
        trades = here.simulator.exchange.state.trades
        await here.until(lambda: all(trade.is_final for trade in trades.values()))
        await asyncio.sleep(0.05)

        assert len([report for report in here.reports if isinstance(report, Filled)]) == 1

    play(scene)


def test_a_frame_that_does_not_parse_is_counted_and_spoils_nothing() -> None:
    async def scene(here: Floor) -> None:
        here.arm(Fault.TRUNCATED_MESSAGE, "ws /ws/user*")
        order = here.order(price=RESTING)
        await here.place(order)
        await here.heard(Acknowledged)
        await here.until(lambda: here.venue.user_messages.unread == 1)

        assert here.venue.user_messages.samples

    play(scene)


def test_of_a_delayed_order_the_outcome_is_told_when_it_comes() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=Decimal("0.52"), time_in_force=TimeInForce.FAK)
        await here.place(order)
        await here.heard(Acknowledged)
        (filled,) = await here.heard(Filled)

        assert filled.fill.quantity == 10

    play(scene, spec=MarketSpec(slug="delayed", taker_delay_ms=100))


def test_a_delayed_order_whose_match_is_gone_is_asked_for_and_has_ended() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=Decimal("0.52"), time_in_force=TimeInForce.FAK)
        await here.place(order)
        await here.heard(Acknowledged)
        here.quote(bid="0.48", ask="0.60")
        await here.heard(Lost)
        found = await here.venue.find_order(order)

        assert found is not None
        assert (found.status, found.filled_quantity) == (OrderStatus.CANCELLED, Decimal(0))

    play(scene, spec=MarketSpec(slug="delayed", taker_delay_ms=100))


@pytest.mark.parametrize(
    ("fault", "endpoint"),
    [
        pytest.param(Fault.ANSWER_5XX, "GET /data/order*", id="500"),
        pytest.param(Fault.HTML_BODY, "GET /data/order*", id="HTML"),
        pytest.param(Fault.STATUS_429_BARE, "GET /data/order*", id="429"),
        pytest.param(Fault.UNPARSABLE_ROW, "GET /data/orders*", id="a row that does not parse"),
    ],
)
def test_a_read_that_fails_is_no_evidence(fault: Fault, endpoint: str) -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=RESTING)
        await here.place(order)
        await here.heard(Acknowledged)
        for _ in range(2):
            here.arm(fault, endpoint)

        with pytest.raises(VenueReadError):
            await (here.venue.open_orders() if "orders" in endpoint else here.venue.find_order(order))

    play(scene)


def test_an_ended_order_is_not_told_before_its_trades_are_visible() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=Decimal("0.52"))
        await here.place(order)
        await here.heard(Acknowledged)
        here.arm(Fault.STALE_READ, "GET /data/trades*")
        await here.venue.fills_since(0)
        here.arm(Fault.MISSING_READ, "GET /data/trades*")
        first = await outcome_of(here, order)
        second = await outcome_of(here, order)

        assert {first, second} <= {"not visible", OrderStatus.FILLED}
        assert second is OrderStatus.FILLED

    async def outcome_of(here: Floor, order: Order) -> object:
        try:
            found = await here.venue.find_order(order)
        except VenueReadError:
            return "not visible"
        return found.status if found else None

    play(scene, has_stream=False)


def test_when_signs_of_life_are_refused_orders_are_asked_for_and_nothing_is_opened() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=RESTING)
        await here.place(order)
        await here.heard(Acknowledged)
        heartbeat = here.venue._session.heartbeat
        for _ in range(10):
            here.arm(Fault.HANG_UP, "POST /v1/heartbeats")
        heartbeat._accepted_s = 0.0
        await heartbeat.beat()
        (lost,) = await here.heard(Lost)
        await here.place(here.order(2, price=RESTING))
        await here.heard(NotSent)

        assert "cancelled everything" in lost.reason

    play(scene, has_stream=False)


def test_another_process_on_the_same_key_is_answered_with_its_id() -> None:
    async def scene(here: Floor) -> None:
        here.arm(Fault.HEARTBEAT_MISMATCH)

        assert await here.venue._session.heartbeat.beat()

    play(scene)


def test_our_limits_keep_us_below_the_venues() -> None:
    async def scene(here: Floor) -> None:
        for number in range(80):
            order = here.order(number, price=Decimal("0.10"), quantity=Decimal(5))
            await asyncio.sleep(here.venue.wait_s(order))
            await here.place(order)
        await here.heard(Acknowledged, 80)

        assert "signer limit" not in here.simulator.faults.reached

    play(scene, rules=quick())
