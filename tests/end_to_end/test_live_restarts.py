"""A live daemon that dies at any moment: what it had sent is adopted, nothing is sent twice, nothing is lost."""

import time
from pathlib import Path

import pytest

from tests.end_to_end.rehearsal import Trading, assert_same_truth, rehearsal

pytestmark = pytest.mark.slow

POST, CANCEL = "POST /order", "DELETE /order"
INSTANTS_S = (0.0, 0.01, 0.02, 0.04, 0.08)


def die_when_reached(trading: Trading, fault: str) -> None:
    """End the daemon as soon as the fault has struck."""
    trading.wait_until(lambda: fault in trading.simulator.reached)
    trading.kill()


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [
        pytest.param("lost_answer", {}, id="the answer is lost"),
        pytest.param("delay", {"delay_ms": 3_000}, id="booked, not answered yet"),
        pytest.param("book_late", {"delay_ms": 600}, id="not booked yet"),
    ],
)
def test_a_daemon_killed_between_send_and_answer_adopts_its_order(
    tmp_path: Path, fault: str, parameters: dict[str, int]
) -> None:
    with rehearsal(tmp_path) as trading:
        trading.start()
        trading.simulator.arm(fault, POST, **parameters)
        trading.wish("rests BUY YES 10 0.47 GTC")
        die_when_reached(trading, fault)
        before = trading.states()

        trading.start()
        trading.wait_for(rests="OPEN")
        trading.nudge()

        assert before["rests"] in ("SENDING", "UNKNOWN")
        assert len(trading.simulator.orders) == 1
        assert_same_truth(trading)


def test_a_daemon_that_is_stopped_between_send_and_answer_adopts_its_order(tmp_path: Path) -> None:
    with rehearsal(tmp_path) as trading:
        trading.start()
        trading.simulator.arm("delay", POST, delay_ms=8_000)
        trading.wish("rests BUY YES 10 0.47 GTC")
        trading.wait_until(lambda: "delay" in trading.simulator.reached)

        code = trading.stop()
        trading.start()
        trading.wait_for(rests="OPEN")

        assert code == 0
        assert len(trading.simulator.orders) == 1
        assert_same_truth(trading)


def test_a_daemon_killed_while_it_cancels_learns_that_it_did(tmp_path: Path) -> None:
    with rehearsal(tmp_path) as trading:
        trading.start()
        trading.wish("rests BUY YES 10 0.47 GTC")
        trading.wait_for(rests="OPEN")
        trading.simulator.arm("delay", CANCEL, delay_ms=3_000)
        trading.simulator.press("drop_stream_message", "ws /ws/user*")
        trading.wish("c cancel rests")
        die_when_reached(trading, "delay")
        before = trading.states()

        trading.simulator.clear()
        trading.start()
        trading.wait_for(rests="CANCELLED")

        assert before["rests"] in ("CANCEL_SENDING", "CANCEL_UNKNOWN")
        assert_same_truth(trading)


def test_what_was_filled_while_nobody_looked_is_booked_once(tmp_path: Path) -> None:
    with rehearsal(tmp_path) as trading:
        trading.start()
        trading.wish("rests BUY YES 10 0.47 GTC", "part BUY YES 10 0.46 GTC", "takes BUY YES 5 0.52 FAK")
        trading.wait_for(rests="OPEN", part="OPEN", takes="FILLED")
        trading.kill()
        trading.simulator.take("SELL", "0.46", 14)

        trading.start()
        trading.wait_for(rests="FILLED", part="PARTIALLY_FILLED")
        trading.settle()
        trading.wish("sells SELL YES 19 0.47 FAK")
        trading.wait_for(sells="FILLED")
        trading.settle()

        assert_same_truth(trading)


def test_a_daemon_killed_at_any_instant_of_a_busy_moment_agrees_with_the_venue_again(tmp_path: Path) -> None:
    with rehearsal(tmp_path) as trading:
        trading.start()
        for number, instant_s in enumerate(INSTANTS_S):
            wishes = (
                f"takes{number} BUY YES 6 0.52 FAK",
                f"rests{number} BUY YES 5 0.47 GTC",
                f"other{number} BUY NO 5 0.46 GTC",
                f"c{number} cancel rests{number - 1}",
            )
            trading.wish(*wishes)
            time.sleep(instant_s)
            trading.kill()
            trading.start()
            trading.nudge()

        trading.wait_until(lambda: not unfinished(trading))
        trading.settle()

        assert trading.states()
        assert_same_truth(trading)


def unfinished(trading: Trading) -> list[str]:
    """Orders that the venue took, and of which it is not known here yet what became of them."""
    certain = {"OPEN", "PARTIALLY_FILLED", "FILLED", "CANCELLED", "REJECTED", "ABORTED", "EXPIRED", "DEAD"}
    rows = trading.daemon.rows(
        "SELECT venue_order_id, status FROM payloads JOIN orders ON orders.id = order_id"
    )
    taken = trading.simulator.orders
    return [name for name, status in rows if status not in certain and name in taken]
