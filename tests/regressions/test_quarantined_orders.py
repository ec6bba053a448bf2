"""An order that was left to a person: the end of its market tells what became of it after all."""

from pathlib import Path

import pytest

from domain.errors import VenueReadError
from domain.messages import MarketResolved
from domain.order import Order, OrderStatus
from executor import QUARANTINE_AFTER_S, QUERY_DELAYS_S
from tests.support.daemon import Daemon, play
from tests.support.doubt import GTC, cancel_unknown, unknown
from tests.support.trading import DOWN, MARKET, UP, d, fill_of

NEXT_QUESTION_S = QUERY_DELAYS_S[-1] + 1


async def quarantined(daemon: Daemon, order: Order) -> None:
    """Nobody finds it for as long as the daemon looks by itself."""
    await daemon.wait_s(QUARANTINE_AFTER_S + NEXT_QUESTION_S)
    assert daemon.status(order) is OrderStatus.QUARANTINED


def resolve(daemon: Daemon) -> None:
    """The market pays UP: nothing can trade in it any more."""
    daemon.executor.take(
        daemon.engine.take_market(
            MarketResolved(
                time_ns=daemon.scheduler.now_ns(), market_id=MARKET, payouts={UP: d(1), DOWN: d(0)}
            )
        )
    )


@pytest.mark.parametrize("is_cancelled", [False, True], ids=["the order is lost", "its cancel is lost"])
def test_it_is_proven_absent_when_its_market_resolves(tmp_path: Path, is_cancelled: bool) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await (cancel_unknown(daemon) if is_cancelled else unknown(daemon, GTC))
        await quarantined(daemon, order)
        resolve(daemon)

        await daemon.wait_s(NEXT_QUESTION_S)

        assert daemon.status(order) is OrderStatus.DEAD
        assert daemon.orders.portfolio.reservations == {}
        assert daemon.orders.portfolio.cash_total == 1000

    play(tmp_path, scenario)


def test_it_keeps_its_reservation_as_long_as_its_market_trades(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon, GTC)
        await quarantined(daemon, order)

        await daemon.wait_s(10 * NEXT_QUESTION_S)

        assert daemon.status(order) is OrderStatus.QUARANTINED
        assert daemon.orders.portfolio.reservations[order.id].pending == 5  # 10 × 0.50

    play(tmp_path, scenario)


def test_trades_that_show_at_the_end_outweigh_the_absence(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon, GTC)
        await quarantined(daemon, order)
        daemon.venue.fills = [fill_of(order, "10")]
        resolve(daemon)

        await daemon.wait_s(NEXT_QUESTION_S)

        assert daemon.status(order) is OrderStatus.FILLED
        assert daemon.orders.portfolio.held == {UP: 10}

    play(tmp_path, scenario)


def test_a_read_that_fails_proves_nothing_at_the_end_either(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await unknown(daemon, GTC)
        await quarantined(daemon, order)
        daemon.venue.read_error = VenueReadError("503")
        resolve(daemon)

        await daemon.wait_s(NEXT_QUESTION_S)
        before = daemon.status(order)
        daemon.venue.read_error = None
        await daemon.wait_s(NEXT_QUESTION_S)

        assert (before, daemon.status(order)) == (OrderStatus.QUARANTINED, OrderStatus.DEAD)

    play(tmp_path, scenario)
