"""Every row of the table of outcomes (docs of an order's life), at each venue with a network, by a real fault.

Two things are held against each other: what the venue reports of an order, and whether the simulator took it. A
report may be less certain than the truth; it may never say more than is known.
"""

import asyncio
from typing import NamedTuple

import pytest

from domain.messages import (
    Acknowledged,
    Cancelled,
    CancelLost,
    ExecutionReport,
    Filled,
    Lost,
    NotSent,
    Rejected,
)
from domain.order import OrderStatus
from simulator.faults import Fault
from tests.conformance.stage import Networked, heard, send, told, until
from tests.conformance.stages import NETWORKED, play_networked

PAGE = "<html><body>bad gateway</body></html>"
SLOW_MS = 400
pytestmark = pytest.mark.slow
"""Together some ten seconds: the same rows are held against the tables of each venue in no time in tests/venues."""

each = pytest.mark.parametrize("name", NETWORKED)


class Row(NamedTuple):
    """A fault that strikes the request of an order, what is to be reported, and whether the venue took the order."""

    fault: Fault
    parameters: dict[str, str | int]
    means: type[ExecutionReport]
    is_taken: bool


ROWS: dict[str, Row] = {
    "reset before it was read": Row(Fault.LOST_REQUEST, {}, Lost, False),
    "accepted, then hung up": Row(Fault.HANG_UP, {}, Lost, False),
    "taken, then reset": Row(Fault.LOST_ANSWER, {}, Lost, True),
    "taken, half an answer": Row(Fault.TRUNCATED_BODY, {}, Lost, True),
    "taken, an empty 200": Row(Fault.EMPTY_BODY, {}, Lost, True),
    "taken, a page with 200": Row(Fault.HTML_BODY, {}, Lost, True),
    "a page with 403": Row(Fault.HTML_REFUSAL, {"status": 403}, Lost, False),
    "425": Row(Fault.STATUS_425, {}, Lost, False),
    "429 that names its limit": Row(Fault.STATUS_429, {}, Rejected, False),
    "a bad key": Row(Fault.UNAUTHORIZED, {}, Rejected, False),
    "a huge answer": Row(Fault.HUGE_BODY, {}, Acknowledged, True),
    **{
        f"{status}, not taken": Row(Fault.ANSWER_5XX, {"status": status}, Lost, False)
        for status in (408, 500, 502, 503, 504, 520, 521, 522, 523, 524)
    },
    **{
        f"{status}, taken": Row(Fault.ANSWER_5XX_AFTER_BOOKING, {"status": status}, Lost, True)
        for status in (500, 502, 524)
    },
}
OWN_ROWS: dict[str, dict[str, Row]] = {
    "polymarket": {
        "429 without the signer's headers": Row(Fault.STATUS_429_BARE, {}, Lost, False),
        "not the region": Row(Fault.REGION_BLOCKED, {}, Rejected, False),
        "no status in the answer": Row(Fault.MISSING_FIELD, {"field": "status"}, Lost, True),
        "another id in the answer": Row(Fault.MISSING_FIELD, {"field": "orderID"}, Lost, True),
        "not enough balance though funded": Row(Fault.BLOCKED_BALANCE, {"any": 1}, Rejected, False),
    },
    "binance": {
        "429 without headers, in the exchange's words": Row(Fault.STATUS_429_BARE, {}, Rejected, False),
        "429 of somebody else": Row(Fault.ANSWER_5XX, {"status": 429, "body": PAGE}, Lost, False),
        "not the region": Row(Fault.REGION_BLOCKED, {}, Lost, False),
        "no id in the answer": Row(Fault.MISSING_FIELD, {"field": "orderId"}, Lost, True),
        "the window has passed": Row(Fault.CLOCK_SKEW, {"skew_ms": 20_000}, Rejected, False),
        "the engine restarts": Row(Fault.ENGINE_RESTART, {}, Lost, False),
    },
}
CASES = [
    pytest.param(name, row, id=f"{name}: {what}")
    for name in NETWORKED
    for what, row in (ROWS | OWN_ROWS[name]).items()
]


@pytest.mark.parametrize(("name", "row"), CASES)
def test_an_answer_means_what_the_table_says(name: str, row: Row) -> None:
    async def scene(stage: Networked) -> None:
        order = stage.order()
        stage.arm(row.fault, "*" if "any" in row.parameters else stage.place, **row.parameters)

        report = await send(stage, order)
        stage.clear()

        assert type(report) is row.means
        assert stage.taken() == row.is_taken
        if row.means is Lost:
            found = await stage.venue.find_order(order)
            listed = [one.order_id for one in await stage.venue.open_orders()]
            assert (found is not None, listed) == (row.is_taken, [order.id] * row.is_taken)

    play_networked(name, scene)


# --- nothing was sent -----------------------------------------------------------------------------------


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a connection and never answer the greeting of TLS."""
    await reader.read()
    writer.close()


@each
@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1", "http://nobody.invalid"], ids=["refused", "no name"]
)
def test_without_a_connection_nothing_was_sent_and_the_same_bytes_may_go_again(
    name: str, address: str
) -> None:
    async def scene(stage: Networked) -> None:
        order = stage.order()
        stage.point_at(address)

        first = await send(stage, order)
        stage.point_at(None)
        second = await send(stage, order)

        assert isinstance(first, NotSent)
        assert isinstance(second, Acknowledged)
        assert stage.taken() == 1

    play_networked(name, scene)


@each
def test_where_no_encrypted_connection_comes_about_nothing_was_sent(name: str) -> None:
    async def scene(stage: Networked) -> None:
        stage.point_at(stage.url.replace("http://", "https://"))

        report = await send(stage, stage.order())

        assert isinstance(report, NotSent)
        assert stage.taken() == 0

    play_networked(name, scene)


@each
def test_a_connection_that_takes_too_long_is_one_that_was_not_made(name: str) -> None:
    async def scene(stage: Networked) -> None:
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        async with server:
            stage.point_at(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")

            report = await send(stage, stage.order())

        assert isinstance(report, NotSent)
        assert stage.taken() == 0

    play_networked(name, scene)


def test_an_order_that_found_no_free_connection_was_not_sent() -> None:
    async def scene(stage: Networked) -> None:
        stage.point_at(stage.url)  # one connection at a time
        stage.arm(Fault.DELAY, stage.place, delay_ms=SLOW_MS)
        first, second = stage.order(1), stage.order(2)
        stage.venue.prepare(first)
        await stage.venue.send(first)

        report = await send(stage, second)
        placed = await heard(stage, Acknowledged)

        assert (type(report), placed.order_id) == (NotSent, first.id)
        assert stage.taken() == 1

    play_networked("polymarket", scene)


# --- it may have arrived --------------------------------------------------------------------------------


def test_a_slow_answer_is_unknown_when_the_time_is_over() -> None:
    async def scene(stage: Networked) -> None:
        stage.point_at(stage.url)  # with the short time of these tests
        stage.arm(Fault.DELAY, stage.place, delay_ms=SLOW_MS)

        report = await send(stage, stage.order())
        stage.point_at(None)

        assert isinstance(report, Lost)
        assert stage.taken() == 1

    play_networked("binance", scene)


@each
def test_a_late_booking_is_found_though_the_answer_was_not_waited_for(name: str) -> None:
    async def scene(stage: Networked) -> None:
        order = stage.order()
        stage.arm(Fault.BOOK_LATE, stage.place, delay_ms=150)
        stage.venue.prepare(order)
        await stage.venue.send(order)
        await asyncio.sleep(0.05)

        before = await stage.venue.find_order(order)
        await heard(stage, Acknowledged)
        after = await stage.venue.find_order(order)

        assert (before, after is not None) == (None, True)

    play_networked(name, scene)


def test_of_a_batch_whose_answer_lacks_an_entry_nothing_is_known_of_any() -> None:
    async def scene(stage: Networked) -> None:
        orders = [stage.order(number) for number in (1, 2, 3)]
        for order in orders:
            stage.venue.prepare(order)
        stage.arm(Fault.PARTIAL_BATCH, "POST /orders", keep=2)

        stage.venue.send_batch(orders)  # type: ignore[attr-defined]  # only Polymarket has batches
        await heard(stage, Lost, 3)

        assert {report.order_id for report in told(stage, Lost)} == {order.id for order in orders}
        assert stage.taken() == len(await stage.venue.open_orders()) == 3

    play_networked("polymarket", scene)


@each
def test_a_duplicate_is_an_order_that_exists_and_is_found(name: str) -> None:
    async def scene(stage: Networked) -> None:
        order = stage.order()
        stage.arm(Fault.LOST_ANSWER, stage.place)
        await send(stage, order)

        report = await send(stage, order)
        found = await stage.venue.find_order(order)

        assert isinstance(report, Lost)
        assert found is not None
        assert found.status is OrderStatus.OPEN
        assert stage.taken() == 1

    play_networked(name, scene)


# --- after the post succeeded ---------------------------------------------------------------------------

FOLLOW_UPS = {"polymarket": "GET /data/*", "binance": "GET /api/v3/*"}


@each
@pytest.mark.parametrize("fault", [Fault.ANSWER_5XX, Fault.HANG_UP, Fault.HTML_REFUSAL], ids=str)
def test_what_fails_after_the_post_is_never_told_as_the_order_s_own_failure(name: str, fault: Fault) -> None:
    async def scene(stage: Networked) -> None:
        order = stage.taking()
        stage.arm_for_good(fault, FOLLOW_UPS[name])

        report = await send(stage, order)
        await until(lambda: bool(told(stage, Filled)))
        stage.clear()

        assert isinstance(report, Acknowledged)
        assert [one for one in stage.reports if isinstance(one, Rejected | NotSent)] == []
        assert stage.truth(order) == (False, order.quantity)

    play_networked(name, scene)


# --- cancels --------------------------------------------------------------------------------------------

UNCLEAR = (Fault.LOST_REQUEST, Fault.LOST_ANSWER, Fault.HANG_UP, Fault.HTML_BODY, Fault.EMPTY_BODY)
MORE_UNCLEAR = (Fault.ANSWER_5XX, Fault.ANSWER_5XX_AFTER_BOOKING, Fault.STATUS_425, Fault.STATUS_429_BARE)


@each
@pytest.mark.parametrize("fault", UNCLEAR + MORE_UNCLEAR, ids=str)
def test_a_cancel_is_told_only_where_the_order_is_really_gone(name: str, fault: Fault) -> None:
    async def scene(stage: Networked) -> None:
        order = stage.order()
        await send(stage, order)
        stage.arm_for_good(fault, stage.cancel)

        await stage.venue.cancel(order)
        await until(lambda: bool(told(stage, CancelLost) or told(stage, Cancelled)))
        stage.clear()

        truth = stage.truth(order)
        assert truth is not None
        assert not (told(stage, Cancelled) and truth.is_open)

    play_networked(name, scene)


@each
def test_a_cancel_that_finds_nothing_is_a_question_and_not_an_end(name: str) -> None:
    async def scene(stage: Networked) -> None:
        order = stage.order()
        await send(stage, order)
        stage.arm(Fault.DROP_STREAM_MESSAGE, "ws *")
        stage.arm(Fault.DROP_STREAM_MESSAGE, "ws *")
        stage.fill(order, order.quantity)

        await stage.venue.cancel(order)
        await heard(stage, CancelLost)

        assert told(stage, Cancelled) == []
        assert stage.truth(order) == (False, order.quantity)

    play_networked(name, scene)
