"""A second daemon on the same wallet, with a database of its own, and hands other than ours on the account."""

from pathlib import Path

import pytest

from tests.end_to_end.rehearsal import Trading, assert_same_truth, rehearsal

pytestmark = pytest.mark.slow


def test_a_second_daemon_on_the_wallet_finds_foreign_orders_and_stays_closed(tmp_path: Path) -> None:
    with rehearsal(tmp_path) as trading:
        trading.start()
        trading.wish("rests BUY YES 10 0.47 GTC")
        trading.wait_for(rests="OPEN")
        (foreign,) = trading.simulator.orders
        second = Trading(tmp_path / "second", trading.daemon.root, trading.simulator)
        try:
            second.start(is_open=False)
            second.wait_until(lambda: any("foreign" in line or foreign in line for line in second.status))
            second.wish("mine BUY YES 5 0.46 GTC")
            denied = "SELECT reason FROM denials WHERE control LIKE '16%'"
            second.wait_until(lambda: bool(second.daemon.seen(denied)))

            assert second.states() == {}
            assert foreign in second.printed
            (reason,) = {reason for (reason,) in second.daemon.rows(denied)}
            assert foreign in reason
            report = second.daemon.rows(
                "SELECT verdict, report FROM reconciliations ORDER BY id DESC LIMIT 1"
            )
            assert report[0][0] == "drift"
            assert foreign in report[0][1]
        finally:
            second.kill()

        assert len(trading.simulator.open_orders) == 1
        assert_same_truth(trading)


def test_the_command_that_compares_names_a_foreign_order_and_says_so_in_its_code(tmp_path: Path) -> None:
    with rehearsal(tmp_path) as trading:
        trading.start()
        trading.wish("rests BUY YES 10 0.47 GTC")
        trading.wait_for(rests="OPEN")
        (foreign,) = trading.simulator.orders
        other = Trading(tmp_path / "other", trading.daemon.root, trading.simulator)

        ended = other.run("reconcile")

        assert ended.code == 1, ended.stderr
        assert foreign in ended.stdout
        assert_same_truth(trading)
