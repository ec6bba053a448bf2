"""A live daemon in trouble: streams that lie, servers that hang up, a stopped process, a feed that is cut."""

import signal
import time
from pathlib import Path

import pytest

from tests.end_to_end.rehearsal import Trading, assert_same_truth, rehearsal

pytestmark = pytest.mark.slow

USER, MARKET = "ws /ws/user*", "ws /ws/market*"
TOLD_BY_READS_ALONE = ("drop_stream_message", "reorder")
"""What is dropped, or waits for a message after it, is read every 15 seconds: one such round is enough here."""


def trade_all_ways(trading: Trading) -> None:
    """Rest, take, be taken and cancel."""
    trading.wish("rests BUY YES 10 0.47 GTC", "gone BUY YES 7 0.46 GTC", "takes BUY YES 20 0.52 FAK")
    trading.wait_for(rests="OPEN", gone="OPEN", takes="FILLED")
    trading.wish("c cancel gone")
    trading.wait_for(gone="CANCELLED")
    trading.simulator.take("SELL", "0.47", 4)
    trading.wait_for(rests="PARTIALLY_FILLED")
    trading.settle()


def sell_all(trading: Trading) -> None:
    """Sell what the other ways brought."""
    trading.wish("sells SELL YES 24 0.48 FAK")
    trading.wait_for(sells="FILLED")
    trading.settle()


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [
        pytest.param("drop_stream_message", {}, id="dropped"),
        pytest.param("duplicate_delivery", {}, id="twice"),
        pytest.param("reorder", {}, id="out of order"),
        pytest.param("late_message", {"delay_ms": 700}, id="late"),
    ],
)
def test_a_user_stream_that_lies_changes_nothing_in_the_books(
    tmp_path: Path, fault: str, parameters: dict[str, int]
) -> None:
    with rehearsal(tmp_path) as trading:
        trading.start()
        trading.simulator.press(fault, USER, **parameters)

        trade_all_ways(trading)
        if fault not in TOLD_BY_READS_ALONE:
            sell_all(trading)

        assert trading.simulator.reached[fault] >= 3
        assert_same_truth(trading)


def test_after_a_server_that_hangs_up_on_everything_it_goes_on(tmp_path: Path) -> None:
    with rehearsal(tmp_path) as trading:
        trading.start()
        trading.wish("rests BUY YES 10 0.47 GTC")
        trading.wait_for(rests="OPEN")
        trading.simulator.press("hang_up", "* /*")
        trading.wish("lost BUY YES 5 0.46 GTC")
        trading.wait_for(lost="UNKNOWN")
        trading.wish("frozen BUY YES 5 0.46 GTC", "other SELL YES 5 0.60 GTC")
        frozen = "SELECT 1 FROM denials WHERE control LIKE '15%'"
        trading.wait_until(lambda: bool(trading.daemon.rows(frozen)))

        trading.simulator.clear()
        trading.wish("later BUY NO 5 0.46 GTC")
        trading.wait_for(later="OPEN", rests="OPEN", lost="UNKNOWN")

        assert len(trading.simulator.orders) == 2
        assert "frozen" not in trading.states()


def test_a_daemon_that_was_stopped_learns_that_the_venue_cancelled_its_orders(tmp_path: Path) -> None:
    with rehearsal(tmp_path, heartbeat_sweep_ms=500) as trading:
        trading.start()
        trading.wish("rests BUY YES 10 0.47 GTC")
        trading.wait_for(rests="OPEN")

        trading.signal(signal.SIGSTOP)
        trading.wait_until(lambda: not trading.simulator.open_orders)
        trading.signal(signal.SIGCONT)
        trading.wait_for(rests="CANCELLED")
        trading.wait_until(lambda: trading.is_gate_open)
        trading.wish("again BUY YES 5 0.47 GTC")
        trading.wait_for(again="OPEN")

        assert_same_truth(trading)


def test_while_the_feed_is_cut_no_order_leaves(tmp_path: Path) -> None:
    with rehearsal(tmp_path) as trading:
        trading.start()
        trading.wish("rests BUY YES 10 0.47 GTC")
        trading.wait_for(rests="OPEN")
        trading.simulator.press("refused_stream", MARKET)
        trading.simulator.arm("cut_stream", MARKET)
        trading.nudge()
        trading.wait_until(lambda: not trading.is_gate_open)

        trading.wish("blind! BUY YES 5 0.46 GTC", "blinder! SELL YES 5 0.60 GTC")
        denied = "SELECT count(*) FROM denials WHERE control LIKE '17%'"
        trading.wait_until(lambda: trading.daemon.value(denied) >= 1)
        during = len(trading.simulator.orders)
        trading.simulator.clear()
        trading.wait_until(lambda: trading.is_gate_open)
        trading.wish("sees BUY YES 5 0.46 GTC")
        trading.wait_for(sees="OPEN")

        assert during == 1
        assert {*trading.states()} == {"rests", "sees"}
        assert_same_truth(trading)


def test_an_answer_after_its_time_is_adopted_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    with rehearsal(tmp_path) as trading:
        trading.start()
        trading.simulator.arm("answer_5xx_after_booking", "POST /order", status=502)
        trading.wish("rests BUY YES 10 0.47 GTC")
        trading.wait_for(rests="OPEN")
        trading.simulator.arm("lost_answer", "POST /order")
        trading.wish("takes BUY YES 20 0.52 FAK")
        trading.wait_for(takes="FILLED")
        time.sleep(0)
        trading.settle()

        assert len(trading.simulator.orders) == 2
        assert_same_truth(trading)
