"""The real daemon trades on an exchange, is killed, and knows afterwards to the last unit what it has."""

from functools import partial
from pathlib import Path

import pytest

from tests.live.exchange_floor import KEY, SECRET, Trading, assert_same_truth, exchange_floor

pytestmark = pytest.mark.slow

ABSENCE_S_MAX = 120
"""That an order never arrived is proven when its request can no longer be executed, and asked for every half minute."""


def work(trading: Trading) -> None:
    """A bid that is cancelled, one that rests, a purchase and a part of it sold again."""
    trading.wish("rests BUY 0.01 59000 GTC", "buys BUY 0.012 60100 FAK")
    trading.wait_for(rests="OPEN", buys="FILLED")
    trading.wish("regret cancel rests", "stays BUY 0.015 59500 GTC")
    trading.wait_for(rests="CANCELLED", stays="OPEN")
    trading.settle()
    trading.wish("sells SELL 0.00517 59900 FAK")
    trading.wait_for(sells="FILLED")
    trading.settle()


def test_it_places_fills_and_cancels_and_its_books_are_the_exchange_s(tmp_path: Path) -> None:
    with exchange_floor(tmp_path) as trading:
        trading.start()

        work(trading)

        assert trading.stop() == 0
        assert_same_truth(trading)
        assert trading.booked().keys() == {"BTC", "USDT"}
        compared = trading.reconcile()
        assert (compared.code, "clean" in compared.stdout) == (0, True), compared
        assert "at most 5000 at risk" in trading.printed
        assert KEY not in trading.printed


def test_after_a_kill_it_finds_what_was_filled_meanwhile(tmp_path: Path) -> None:
    with exchange_floor(tmp_path) as trading:
        trading.start()
        work(trading)
        (resting,) = trading.simulator.open_orders

        trading.kill()
        trading.simulator.say("fill", {"order_id": resting["id"], "quantity": "0.00123"})
        trading.start()
        trading.wait_for(stays="PARTIALLY_FILLED")
        trading.settle()
        trading.wish("again SELL 0.00611 59900 FAK")
        trading.wait_for(again="FILLED")
        trading.settle()

        assert trading.stop() == 0
        assert_same_truth(trading)


@pytest.mark.parametrize(
    ("wish", "became"),
    [
        pytest.param("unknown BUY 0.013 60100 FAK", "FILLED", id="it was filled"),
        pytest.param("unknown BUY 0.013 59000 GTC", "OPEN", id="it rests"),
    ],
)
def test_an_order_without_an_answer_is_adopted_after_a_kill(tmp_path: Path, wish: str, became: str) -> None:
    with exchange_floor(tmp_path) as trading:
        trading.start()
        trading.arm("delay", "POST /api/v3/order", delay_ms=60_000)
        trading.wish(wish)
        trading.wait_until(lambda: bool(trading.simulator.account["orders"]))

        trading.kill()
        before = trading.states()["unknown"]
        trading.start()
        trading.wait_for(unknown=became)
        trading.settle()

        assert before in (
            "SENDING",
            "FILLED",
        )  # the stream of our own orders may have been faster than the kill
        assert trading.stop() == 0
        assert len(trading.simulator.account["orders"]) == 1
        assert_same_truth(trading)


def test_kills_at_any_moment_lose_and_repeat_nothing(tmp_path: Path) -> None:
    with exchange_floor(tmp_path) as trading:
        for number, pause_s in enumerate((0.02, 0.06, 0.12)):
            trading.start()
            trading.wish(
                f"a{number} BUY 0.01{number} 60100 FAK",
                f"b{number} BUY 0.001 {59_000 + number} GTC",
                f"c{number} SELL 0.00{number + 3}1 59900 FAK",
                f"d{number} cancel b{number}",
            )
            trading.wait_until(partial(trading.knows, f"b{number}"))
            trading.pause(pause_s)
            trading.kill()
        trading.start()
        trading.wait_until(lambda: not trading.doubtful(), seconds=ABSENCE_S_MAX)
        trading.settle()

        assert trading.stop() == 0
        assert_same_truth(trading)


def test_a_dry_run_fills_on_paper_and_sends_nothing(tmp_path: Path) -> None:
    with exchange_floor(tmp_path) as trading:
        trading.start("dry-run", "--cash", "10000")
        trading.wish("buys BUY 0.012 60100 FAK", "rests BUY 0.01 59000 GTC")
        trading.wait_for(buys="FILLED", rests="OPEN")

        trading.kill()
        trading.start("dry-run", "--cash", "10000")
        trading.wish("sells SELL 0.005 59900 FAK")
        trading.wait_for(sells="FILLED")

        assert trading.stop() == 0
        assert trading.simulator.account["orders"] == []
        assert trading.daemon.rows("SELECT DISTINCT fee_asset FROM trades ORDER BY 1") == [
            ("BTC",),
            ("USDT",),
        ]
        assert {"USDT", "BTC"} == trading.booked().keys()


def test_a_key_that_can_withdraw_is_refused(tmp_path: Path) -> None:
    with exchange_floor(tmp_path) as trading:
        trading.simulator.say("accounts", {"api_key": KEY, "secret": SECRET, "can_withdraw": True})

        with pytest.raises(AssertionError, match="the key of binance may withdraw; make one that may only"):
            trading.start()

        assert trading.process.wait() == 2
