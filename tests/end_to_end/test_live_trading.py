"""Live mode against the simulated venue: orders rest, take, are cancelled and sold, and both sides tell the same."""

from pathlib import Path

import pytest

from tests.end_to_end.rehearsal import assert_same_truth, rehearsal
from tests.venues.polymarket.wallets import OWNER

pytestmark = pytest.mark.slow


def test_what_the_database_says_is_what_the_venue_says_to_the_unit(tmp_path: Path) -> None:
    with rehearsal(tmp_path) as trading:
        trading.start()

        trading.wish("rests BUY YES 10 0.47 GTC", "gone BUY YES 7 0.46 GTC", "takes BUY YES 20 0.52 FAK")
        trading.wait_for(rests="OPEN", gone="OPEN", takes="FILLED")
        trading.wish("c cancel gone")
        trading.wait_for(gone="CANCELLED")
        trading.simulator.take("SELL", "0.47", 4)
        trading.wait_for(rests="PARTIALLY_FILLED")
        trading.settle()
        trading.wish("sells SELL YES 13 0.48 FAK")
        trading.wait_for(sells="FILLED")
        trading.settle()

        assert_same_truth(trading)
        assert trading.stop() == 0
        assert_same_truth(trading)


def test_trades_that_fail_or_are_retried_on_chain_leave_the_books_right(tmp_path: Path) -> None:
    with rehearsal(tmp_path, retry_after_ms=200) as trading:
        trading.start()
        trading.simulator.arm("trade_failed", "trade *")
        trading.wish("fails BUY YES 20 0.52 FAK")
        trading.wait_for(fails="FILLED")
        trading.settle()
        trading.simulator.arm("trade_retrying", "trade *")
        trading.wish("late BUY NO 10 0.52 FAK")
        trading.wait_for(late="FILLED")
        trading.settle()

        stored = trading.daemon.rows("SELECT size, settlement FROM trades ORDER BY id")
        assert stored == [(20.0, "FAILED"), (10.0, "SETTLED")]
        assert_same_truth(trading)


def test_a_refusal_is_stored_in_the_venue_s_words_and_frees_the_money(tmp_path: Path) -> None:
    with rehearsal(tmp_path) as trading:
        trading.start()
        trading.simulator.arm("blocked_balance")
        trading.wish("poor BUY YES 10 0.47 GTC")
        trading.wait_for(poor="REJECTED")

        reason = trading.daemon.value("SELECT reason FROM orders")
        assert "not enough balance" in reason
        assert trading.daemon.value("SELECT sum(pending) FROM reservations") == 0
        assert trading.simulator.orders == {}


def test_money_that_nobody_can_explain_closes_the_gate_and_keeps_it_closed(tmp_path: Path) -> None:
    with rehearsal(tmp_path) as trading:
        trading.start()
        trading.simulator.say("wallets", {"address": OWNER, "cash": "5.25"})
        trading.simulator.arm("cut_stream", "ws /ws/user*")
        trading.wish("before BUY YES 5 0.46 GTC")
        trading.wait_until(lambda: any("1005.25" in line for line in trading.status))
        trading.kill()

        trading.start(is_open=False)
        trading.wait_until(lambda: any("1005.25" in line for line in trading.status))
        trading.wish("after! SELL YES 5 0.60 GTC")
        denied = "SELECT count(*) FROM denials WHERE control LIKE '16%'"
        trading.wait_until(lambda: trading.daemon.value(denied) >= 1)

        assert {*trading.states()} <= {"before"}
