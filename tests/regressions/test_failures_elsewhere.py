"""How other people's bots lost money on an answer that did not come; each must stay impossible here."""

from pathlib import Path

import pytest

from domain.errors import VenueReadError
from domain.messages import CancelIntent, Lost
from domain.order import Order, OrderStatus
from domain.records import OrderRecord
from tests.support.daemon import Daemon, play
from tests.support.doubt import GTC, cancel_lost, cancel_unknown, unknown
from tests.support.trading import acknowledged, fill_of, intent


def test_py_clob_client_273_three_timeouts_are_one_order_and_one_fill(tmp_path: Path) -> None:
    """Each post timed out and was posted anew, with a new salt; all three filled."""

    async def scenario(daemon: Daemon) -> None:
        order = await daemon.send(GTC)

        for _ in range(3):
            await daemon.wait_s(10)
            daemon.look(GTC)
            await daemon.drain()
        daemon.venue.fills = [fill_of(order, "10")]
        await daemon.wait_s(60)

        assert [sent.id for sent in daemon.venue.sent] == [order.id]
        assert daemon.orders.portfolio.held == {order.instrument_id: 10}

    play(tmp_path, scenario)


def test_hummingbot_8457_no_accepted_order_is_dropped_in_an_outage(tmp_path: Path) -> None:
    """A DNS outage swallowed the answers of six orders; the bot forgot them, and they rested at the venue."""

    async def scenario(daemon: Daemon) -> None:
        orders = list(daemon.look(*(intent("BUY 10 UP 0.40", leg=leg) for leg in range(6))).sends)
        await daemon.wait_s(60)
        kept = [daemon.orders.portfolio.reservations[order.id].pending for order in orders]

        for order in orders:
            daemon.venue.holds(order)
        await daemon.wait_s(60)

        assert kept == [4] * 6  # 10 * 0.40
        assert [daemon.status(order) for order in orders] == [OrderStatus.OPEN] * 6
        assert len(daemon.venue.sent) == 6

    play(tmp_path, scenario)


@pytest.mark.parametrize("queries", [1, 5, 6])
def test_nautilus_3870_4958_not_found_five_times_is_not_rejected(tmp_path: Path, queries: int) -> None:
    """An order in flight that five queries did not find was called rejected; it filled afterwards."""

    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon, GTC)

        await daemon.wait_s(sum((1, 2, 4, 8, 15, 30)[:queries]))

        assert daemon.venue.reads.count("order") == queries
        assert daemon.status(order) is OrderStatus.UNKNOWN
        assert order.id in daemon.orders.portfolio.reservations

    play(tmp_path, scenario)


def test_a_502_on_the_post_is_not_a_rejection(tmp_path: Path) -> None:
    """A gateway said 502 after the order had passed it."""

    def bad_gateway(order: Order) -> Lost:
        return Lost(order_id=order.id, reason="502 Bad Gateway", time_ns=order.created_ns)

    async def scenario(daemon: Daemon) -> None:
        daemon.venue.answers = [bad_gateway]
        order = await daemon.send(GTC)
        before = daemon.status(order)
        daemon.venue.holds(order)

        await daemon.wait_s(1)

        assert (before, daemon.status(order)) == (OrderStatus.UNKNOWN, OrderStatus.OPEN)
        statuses = [record.order.status for record in daemon.written() if isinstance(record, OrderRecord)]
        assert OrderStatus.REJECTED not in statuses

    play(tmp_path, scenario)


def test_a_failed_query_is_not_the_absence_of_trades(tmp_path: Path) -> None:
    """A query that failed was read as "no trades, so cancelled"."""

    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon)
        daemon.venue.read_error = VenueReadError("reset by peer")

        await daemon.wait_s(60)

        assert daemon.status(order) is OrderStatus.UNKNOWN
        assert order.id in daemon.orders.portfolio.reservations

    play(tmp_path, scenario)


def test_no_trades_do_not_make_an_order_cancelled(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon, GTC)
        daemon.venue.holds(order)

        await daemon.wait_s(60)

        assert daemon.status(order) is OrderStatus.OPEN

    play(tmp_path, scenario)


def test_nautilus_4288_a_cancel_whose_retries_ran_out_is_not_cancelled(tmp_path: Path) -> None:
    """After the last retry the order was called cancelled; it rested on and filled."""

    async def scenario(daemon: Daemon) -> None:
        order = await cancel_unknown(daemon)
        daemon.venue.holds(order)
        daemon.venue.cancel_answers = [cancel_lost] * 20

        await daemon.wait_s(10)
        statuses = {record.order.status for record in daemon.written() if isinstance(record, OrderRecord)}
        daemon.venue.holds_no_more(order)
        daemon.venue.fills = [fill_of(order, "10")]
        await daemon.wait_s(60)

        assert len(daemon.venue.cancelled) > 5
        assert OrderStatus.CANCELLED not in statuses
        assert daemon.status(order) is OrderStatus.FILLED

    play(tmp_path, scenario)


def test_freqtrade_the_guard_against_doubt_is_not_always_open_and_not_always_shut(tmp_path: Path) -> None:
    """A guard at start-up compared a thing with itself: it held nobody back."""

    async def scenario(daemon: Daemon) -> None:
        next_one = intent("BUY 10 UP 0.40", key="next")
        before = daemon.look(intent("BUY 10 UP 0.40", key="before")).sends
        await daemon.drain()
        order = await unknown(daemon, GTC)
        during = daemon.look(next_one).sends
        daemon.venue.report(acknowledged(order))
        after = daemon.look(next_one).sends

        assert [len(sends) for sends in (before, during, after)] == [1, 0, 1]

    play(tmp_path, scenario)


def test_a_post_that_succeeded_is_open_whatever_comes_after(tmp_path: Path) -> None:
    """The post had succeeded, a follow-up call failed, and the order was reported as failed."""

    async def scenario(daemon: Daemon) -> None:
        daemon.venue.answers = [acknowledged]
        order = await daemon.send(GTC)

        daemon.look(CancelIntent(order_id=order.id, reason="enough"))
        daemon.venue.cancel_answers = [cancel_lost]
        await daemon.drain()

        assert daemon.status(order) is OrderStatus.CANCEL_UNKNOWN
        assert order.id in daemon.orders.portfolio.reservations

    play(tmp_path, scenario)
