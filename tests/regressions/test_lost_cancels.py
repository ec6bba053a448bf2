"""A cancel whose outcome is unknown is asked for again, or resolved by what the reads show; never taken for done."""

from pathlib import Path

from domain.messages import CancelIntent
from domain.order import OrderStatus
from executor import QUARANTINE_AFTER_S, QUERY_DELAYS_S
from tests.support.daemon import Daemon, play
from tests.support.doubt import GTC, cancel_lost, cancel_unknown
from tests.support.trading import acknowledged, fill_of, filled_report


def test_a_cancel_that_did_not_work_is_asked_for_again(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await cancel_unknown(daemon)
        daemon.venue.holds(order)

        await daemon.wait_s(QUERY_DELAYS_S[0])

        assert [cancelled.id for cancelled in daemon.venue.cancelled] == [order.id, order.id]
        assert daemon.status(order) is OrderStatus.CANCEL_SENDING

    play(tmp_path, scenario)


def test_an_order_that_filled_before_its_cancel_is_filled(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await cancel_unknown(daemon)
        daemon.venue.fills = [fill_of(order, "10")]

        await daemon.wait_s(QUERY_DELAYS_S[0])

        assert daemon.status(order) is OrderStatus.FILLED
        assert len(daemon.venue.cancelled) == 1

    play(tmp_path, scenario)


def test_an_earlier_fill_does_not_keep_a_lost_cancel_open_for_ever(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        daemon.venue.answers = [acknowledged]
        order = await daemon.send(GTC)
        fill = fill_of(order, "4")
        daemon.venue.report(filled_report(fill))
        daemon.venue.fills = [fill]
        daemon.venue.cancel_answers = [cancel_lost]
        daemon.look(CancelIntent(order_id=order.id, reason="enough"))

        await daemon.wait_s(QUARANTINE_AFTER_S + 60)

        assert daemon.status(order) is OrderStatus.QUARANTINED

    play(tmp_path, scenario)


def test_the_cancel_of_an_old_order_gets_the_same_time_to_be_found(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        daemon.venue.answers = [acknowledged]
        order = await daemon.send(GTC)
        await daemon.wait_s(QUARANTINE_AFTER_S)
        daemon.venue.cancel_answers = [cancel_lost]
        daemon.look(CancelIntent(order_id=order.id, reason="enough"))

        await daemon.wait_s(QUERY_DELAYS_S[0])

        assert daemon.status(order) is OrderStatus.CANCEL_UNKNOWN

    play(tmp_path, scenario)
