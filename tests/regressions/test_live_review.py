"""Defects that a review of live trading found, each as the scenario in which it showed."""

from pathlib import Path

from domain.messages import CancelIntent, Lost, MarketResolved, NotSent
from domain.order import OrderStatus
from executor import ANSWER_TIMEOUT_S, HELD_S_MAX, QUARANTINE_AFTER_S, RESEND_DELAY_S
from live.reconcile import compare_balances
from tests.support.daemon import Daemon, play
from tests.support.trader import Trader
from tests.support.trading import (
    DOWN,
    MARKET,
    NOW_NS,
    UP,
    S,
    acknowledged,
    d,
    fill_of,
    filled_report,
    intent,
    settlement_of,
)
from venues.base import VenueBalance


def test_the_silence_of_an_earlier_attempt_says_nothing_of_the_next(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await daemon.send(intent("BUY 10 UP 0.50"))
        await daemon.wait_s(3)
        daemon.executor.report(
            NotSent(order_id=order.id, reason="refused", time_ns=daemon.scheduler.now_ns())
        )
        daemon.engine.take_market(daemon.fresh_book())
        await daemon.wait_s(RESEND_DELAY_S)
        assert len(daemon.venue.sent) == 2

        await daemon.wait_s(ANSWER_TIMEOUT_S - 3)

        assert daemon.status(order) is OrderStatus.SENDING

    play(tmp_path, scenario)


def test_a_late_word_that_nothing_left_changes_nothing(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await daemon.send(intent("BUY 10 UP 0.50"))
        daemon.executor.report(Lost(order_id=order.id, reason="no answer", time_ns=NOW_NS))

        daemon.executor.report(NotSent(order_id=order.id, reason="refused", time_ns=NOW_NS + S))
        await daemon.drain()

        assert daemon.status(order) is OrderStatus.UNKNOWN

    play(tmp_path, scenario)


def test_a_failed_post_of_a_withdrawn_order_changes_nothing(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        (ended,) = daemon.look(intent("BUY 10 UP 0.50")).sends
        daemon.orders.is_draining = True
        await daemon.drain()

        daemon.executor.report(Lost(order_id=ended.id, reason="a gap", time_ns=NOW_NS))
        await daemon.drain()

        assert daemon.status(ended) is OrderStatus.ABORTED

    play(tmp_path, scenario)


def test_a_cancel_that_was_wanted_of_an_unknown_order_goes_out_when_a_fill_finds_it(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await daemon.send(intent("BUY 10 UP 0.50"))
        daemon.executor.report(Lost(order_id=order.id, reason="no answer", time_ns=NOW_NS))
        daemon.look(CancelIntent(order_id=order.id, reason="changed my mind"))
        await daemon.drain()
        assert daemon.venue.cancelled == []

        daemon.executor.report(filled_report(fill_of(order, "4")))
        await daemon.drain()

        assert [cancelled.id for cancelled in daemon.venue.cancelled] == [order.id]

    play(tmp_path, scenario)


def test_an_order_that_the_limits_would_hold_for_long_is_withdrawn(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        daemon.venue.limit_s = HELD_S_MAX + 1

        order = await daemon.send(intent("BUY 10 UP 0.50"))

        assert (daemon.status(order), daemon.venue.sent) == (OrderStatus.ABORTED, [])

    play(tmp_path, scenario)


def test_an_acknowledged_order_that_no_read_shows_waits_for_a_person_in_the_end(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        order = await daemon.send(intent("BUY 10 UP 0.50"))
        daemon.executor.report(acknowledged(order))
        daemon.executor.doubt(order.id)

        await daemon.wait_s(QUARANTINE_AFTER_S + 60)

        assert daemon.status(order) is OrderStatus.QUARANTINED

    play(tmp_path, scenario)


def test_worthless_shares_in_the_wallet_are_no_difference() -> None:
    trader = Trader()
    order = trader.opened("BUY 10 UP 0.50")
    fill = fill_of(order, "10")
    trader.report(filled_report(fill))
    trader.report(settlement_of(fill))
    over = MarketResolved(time_ns=NOW_NS, market_id=MARKET, payouts={UP: d(0), DOWN: d(1)})
    wallet = (
        VenueBalance(asset="pUSD", total=d("995"), free=d("995")),
        VenueBalance(asset=UP, total=d(25), free=d(25)),
    )

    before = [f.blocks for f in compare_balances(trader.portfolio, wallet, {})]
    after = [
        f.blocks for f in compare_balances(trader.portfolio, wallet, {}, is_over=over.payouts.__contains__)
    ]

    assert (before, after) == ([True], [False])
