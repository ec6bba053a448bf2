"""The executor: durable before sent, first in first out, and silence never taken for an answer."""

import asyncio
import sqlite3
from pathlib import Path

import msgspec
import pytest

from domain.errors import StoreError
from domain.identifiers import OrderId, TradeId
from domain.messages import (
    CancelIntent,
    ExecutionReport,
    FillReceived,
    Lost,
    MarketResolved,
    NotSent,
    OrderChanged,
    RedeemIntent,
    Rejected,
    Settlement,
)
from domain.order import Order, OrderStatus
from domain.records import OrderEventRecord, SettlementRecord
from executor import ANSWER_TIMEOUT_S, RESEND_DELAY_S, SEND_ATTEMPTS_MAX
from tests.support.daemon import Daemon, play
from tests.support.fake_venue import Answer
from tests.support.held_store import HeldStore, turns
from tests.support.trading import (
    DOWN,
    MARKET,
    PAPER,
    UP,
    acknowledged,
    d,
    fill_of,
    filled_report,
    intent,
    settlement_of,
)

BUY = intent("BUY 10 UP 0.50")


# --- durable before sent --------------------------------------------------------------------------------


def test_nothing_is_sent_or_told_before_its_commit_is_durable() -> None:
    async def scenario() -> tuple[int, int, list[OrderId]]:
        store = HeldStore()
        daemon = Daemon(store)
        (order,) = daemon.look(BUY).sends
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(daemon.executor.settle())
            store.let_through(2)  # the listing and the deposit
            await turns()
            before = len(daemon.venue.sent), len(daemon.durable)
            store.let_through(1)
        assert daemon.venue.sent == [order]
        return *before, [sent.id for sent in daemon.venue.sent]

    sent, shown, ids = asyncio.run(scenario())

    assert (sent, shown, len(ids)) == (0, 0, 1)


def test_what_is_taken_while_the_disk_is_busy_waits_for_its_own_commit() -> None:
    async def scenario() -> list[str]:
        store = HeldStore()
        daemon = Daemon(store)
        daemon.look(BUY)
        async with asyncio.TaskGroup() as tasks:
            settling = tasks.create_task(daemon.executor.settle())
            await turns()
            daemon.look(BUY, intent("BUY 10 UP 0.40", key="later"))
            store.let_through(3)  # all but the last
            await settling
        return [order.reason for order in daemon.venue.sent]

    assert asyncio.run(scenario()) == ["because k"]


def test_when_the_first_byte_leaves_the_order_can_be_read_in_the_database(tmp_path: Path) -> None:
    statuses: list[str] = []

    async def scenario(daemon: Daemon) -> None:
        def look_up(order: Order) -> None:
            reader = sqlite3.connect(tmp_path / "positions.db")
            statuses.extend(reader.execute("SELECT status FROM orders WHERE id = ?", (order.id,)).fetchone())
            reader.close()

        daemon.venue.on_send = look_up
        await daemon.send(BUY)

    play(tmp_path, scenario)

    assert statuses == ["SENDING"]


def test_decisions_are_sent_in_the_order_in_which_they_were_taken(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        taken = [daemon.look(intent("BUY 10 UP 0.40", key=f"k{n}")).sends[0].id for n in range(5)]

        await daemon.drain()

        assert [order.id for order in daemon.venue.sent] == taken
        assert [t.sequence for t in daemon.durable] == list(range(1, 8))

    play(tmp_path, scenario)


def test_a_failed_commit_sends_nothing_and_says_so() -> None:
    async def scenario() -> tuple[int, int]:
        store = HeldStore()
        daemon = Daemon(store)
        daemon.look(BUY)
        store.let_through(2)
        store.fail()
        with pytest.raises(StoreError, match="disk is full"):
            await daemon.executor.settle()
        return len(daemon.venue.sent), len(daemon.durable)

    assert asyncio.run(scenario()) == (0, 0)


def test_a_commit_that_the_database_refuses_sends_nothing(tmp_path: Path) -> None:
    nowhere = SettlementRecord(
        venue=PAPER,
        instrument_id=UP,
        trade_id=TradeId("none"),
        order_id=OrderId("none"),
        settlement=Settlement.SETTLED,
        time_ns=0,
    )

    async def scenario(daemon: Daemon) -> None:
        await daemon.drain()
        decision = daemon.engine.note(0, "noted", {})
        assert decision.transaction is not None
        broken = msgspec.structs.replace(decision.transaction, records=(nowhere,))
        daemon.executor.take(msgspec.structs.replace(decision, transaction=broken))
        daemon.look(BUY)

        with pytest.raises(StoreError):
            await daemon.executor.settle()

        assert daemon.venue.sent == []

    play(tmp_path, scenario)


# --- what an outcome means ------------------------------------------------------------------------------


def rejected(order: Order) -> ExecutionReport:
    return Rejected(order_id=order.id, reason="not enough balance", time_ns=order.created_ns)


def lost(order: Order) -> ExecutionReport:
    return Lost(order_id=order.id, reason="connection reset", time_ns=order.created_ns)


def not_sent(order: Order) -> ExecutionReport:
    return NotSent(order_id=order.id, reason="connection refused", time_ns=order.created_ns)


def filled(order: Order) -> ExecutionReport:
    return filled_report(fill_of(order, "10"))


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        pytest.param(acknowledged, OrderStatus.OPEN, id="acknowledged"),
        pytest.param(rejected, OrderStatus.REJECTED, id="refused in the venue's own words"),
        pytest.param(not_sent, OrderStatus.ACCEPTED, id="no byte left"),
        pytest.param(lost, OrderStatus.UNKNOWN, id="connection reset, 5xx, HTML, no definitive answer"),
        pytest.param(filled, OrderStatus.FILLED, id="filled before the answer"),
    ],
)
def test_an_outcome_is_booked(tmp_path: Path, answer: Answer, status: OrderStatus) -> None:
    async def scenario(daemon: Daemon) -> None:
        daemon.venue.answers = [answer]

        order = await daemon.send(BUY)

        assert daemon.status(order) is status
        is_held = order.id in daemon.orders.portfolio.reservations
        assert is_held is not status.is_terminal

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("seconds", "status"),
    [
        pytest.param(ANSWER_TIMEOUT_S - 1e-9, OrderStatus.SENDING, id="a moment before"),
        pytest.param(ANSWER_TIMEOUT_S, OrderStatus.UNKNOWN, id="at the time-out"),
        pytest.param(ANSWER_TIMEOUT_S + 60, OrderStatus.UNKNOWN, id="long after"),
    ],
)
def test_silence_makes_an_order_unknown_and_never_rejected(
    tmp_path: Path, seconds: float, status: OrderStatus
) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await daemon.send(BUY)

        await daemon.wait_s(seconds)

        assert daemon.status(order) is status
        assert order.id in daemon.orders.portfolio.reservations

    play(tmp_path, scenario)


def test_an_answer_in_time_disarms_the_time_out(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        daemon.venue.answers = [acknowledged]
        order = await daemon.send(BUY)

        await daemon.wait_s(ANSWER_TIMEOUT_S + 1)

        assert (daemon.status(order), daemon.venue.reads) == (OrderStatus.OPEN, [])

    play(tmp_path, scenario)


def test_silence_after_a_cancel_makes_the_cancel_unknown(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        daemon.venue.answers = [acknowledged]
        order = await daemon.send(BUY)
        daemon.look(CancelIntent(order_id=order.id, reason="enough"))

        await daemon.wait_s(ANSWER_TIMEOUT_S)

        assert [cancelled.id for cancelled in daemon.venue.cancelled] == [order.id]
        assert daemon.status(order) is OrderStatus.CANCEL_UNKNOWN

    play(tmp_path, scenario)


def test_what_was_not_sent_goes_again_with_the_same_id(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        daemon.venue.answers = [not_sent, acknowledged]
        order = await daemon.send(BUY)

        await daemon.wait_s(RESEND_DELAY_S - 1e-9)
        once = len(daemon.venue.sent)
        await daemon.wait_s(1e-9)

        assert once == 1
        assert [(sent.id, sent.attempts) for sent in daemon.venue.sent] == [(order.id, 1), (order.id, 2)]
        assert daemon.status(order) is OrderStatus.OPEN

    play(tmp_path, scenario)


def test_what_cannot_be_sent_is_given_up_after_three_attempts(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        daemon.venue.answers = [not_sent] * 9
        order = await daemon.send(BUY)

        await daemon.wait_s(60)

        assert len(daemon.venue.sent) == SEND_ATTEMPTS_MAX == 3
        assert daemon.status(order) is OrderStatus.ABORTED
        assert daemon.orders.portfolio.reservations == {}

    play(tmp_path, scenario)


def test_another_attempt_is_durable_before_it_is_sent(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        daemon.venue.answers = [not_sent]
        await daemon.send(BUY)
        attempts: list[int] = []
        daemon.venue.on_send = lambda _: attempts.append(
            sum(isinstance(r, OrderEventRecord) and r.event == "SEND" for r in daemon.written())
        )

        await daemon.wait_s(RESEND_DELAY_S)

        assert attempts == [2]

    play(tmp_path, scenario)


# --- the last look before the first byte ----------------------------------------------------------------


def test_an_order_whose_market_resolved_meanwhile_is_withdrawn(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        (order,) = daemon.look(BUY).sends
        resolved = MarketResolved(time_ns=order.created_ns, market_id=MARKET, payouts={UP: d(1), DOWN: d(0)})
        daemon.executor.take(daemon.engine.take_market(resolved))

        await daemon.drain()

        assert (daemon.venue.sent, daemon.status(order)) == ([], OrderStatus.ABORTED)
        assert daemon.orders.portfolio.reservations == {}

    play(tmp_path, scenario)


def test_an_order_that_was_accepted_before_a_stop_is_withdrawn(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        (order,) = daemon.look(BUY).sends
        daemon.orders.is_draining = True

        await daemon.drain()

        assert (daemon.venue.sent, daemon.status(order)) == ([], OrderStatus.ABORTED)
        assert daemon.executor.orders_sent == 0

    play(tmp_path, scenario)


# --- what strategies hear -------------------------------------------------------------------------------


def test_news_come_when_they_are_durable_and_in_order(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        daemon.venue.answers = [acknowledged]
        order = await daemon.send(BUY)

        daemon.venue.report(filled_report(fill_of(order, "10")))
        heard_at_once = len(daemon.news)
        await daemon.drain()

        assert heard_at_once == 1  # the acknowledgement
        assert [type(item) for item in daemon.news] == [OrderChanged, FillReceived, OrderChanged]

    play(tmp_path, scenario)


def test_a_fill_that_is_heard_twice_is_told_once(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        daemon.venue.answers = [acknowledged]
        order = await daemon.send(BUY)

        for _ in range(2):
            daemon.venue.report(filled_report(fill_of(order, "4")))
            await daemon.drain()

        assert sum(isinstance(item, FillReceived) for item in daemon.news) == 1

    play(tmp_path, scenario)


def test_a_redemption_goes_to_the_venue_once_it_is_durable(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        daemon.venue.answers = [acknowledged]
        order = await daemon.send(BUY)
        fill = fill_of(order, "10")
        daemon.venue.report(filled_report(fill))
        daemon.venue.report(settlement_of(fill))
        resolved = MarketResolved(time_ns=order.created_ns, market_id=MARKET, payouts={UP: d(1), DOWN: d(0)})
        daemon.executor.take(daemon.engine.take_market(resolved))
        daemon.look(RedeemIntent(instrument_id=UP))
        before = list(daemon.venue.redeemed)

        await daemon.drain()

        assert (before, daemon.venue.redeemed) == ([], [UP])

    play(tmp_path, scenario)
