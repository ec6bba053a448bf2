"""Sessions that are stopped, signalled or killed, and go on as if nothing had happened."""

import random
import re
import shutil
import signal
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Finished
from tests.end_to_end.daemon import EVENTS, STOP_S_MAX, Daemon, Rows, assert_same, running

pytestmark = pytest.mark.slow

OPEN_ORDERS = (
    "SELECT id FROM orders WHERE status NOT IN ('FILLED', 'CANCELLED', 'REJECTED', 'EXPIRED', 'DEAD')"
)
TRADES = "SELECT trade_id, price, size FROM trades ORDER BY id"
SHOWN = re.compile(r"filled .* · (\S+)$", re.MULTILINE)
"""What the console says of a fill, once it is durable."""


@pytest.mark.parametrize("events", [1, 2_688, 9_999, EVENTS - 1])
def test_a_run_that_was_stopped_after_some_events_ends_like_one_that_was_not(
    daemon: Daemon, finished: Finished, events: int
) -> None:
    first = daemon.trade("--events", str(events)).result
    second = daemon.trade().result

    assert (first.events, second.events) == (events, EVENTS - events)
    assert (first.run_id, second.run_id) == ("s1-r1", "s1-r2")
    assert second.equity == finished.ended.result.equity
    assert second.strategies == finished.ended.result.strategies
    assert_same(finished.daemon.tables(), daemon.tables())


def test_many_stops_in_a_row_change_nothing(
    traders: Daemon, busy: Finished, short_tape: Path, lossy: Path
) -> None:
    words = ("--tape", str(short_tape), "--config", str(lossy))
    for events in (500, 1, 2_000, 1_234):
        traders.trade(*words, "--events", str(events), strategies="sniper,busy")

    traders.trade(*words, strategies="sniper,busy")

    assert_same(busy.daemon.tables(), traders.tables())


@pytest.mark.parametrize("seed", range(5))
def test_a_kill_at_any_instant_loses_nothing_and_changes_nothing(
    traders: Daemon, busy: Finished, short_tape: Path, lossy: Path, seed: int
) -> None:
    chance = random.Random(seed)
    words = ("--tape", str(short_tape), "--config", str(lossy))
    shown: list[str] = []
    seen: Rows = []
    for run_id in ("s1-r1", "s1-r2"):
        with running(traders, *words, "--speed", "1000", strategies="sniper,busy") as process:
            process.wait_until(lambda: run_id in dict(traders.seen("SELECT run_id, 1 FROM runs")))  # noqa: B023
            process.wait_at_most(chance.uniform(0.05, 1.6))
            seen = traders.rows(TRADES)
            assert process.is_alive, "choose a shorter delay"
            process.kill()
        shown += SHOWN.findall(process.stderr)

    ended = traders.trade(*words, strategies="sniper,busy")

    trades = traders.rows(TRADES)
    assert trades[: len(seen)] == seen
    assert set(shown) <= {order_id for (order_id,) in traders.rows("SELECT order_id FROM trades")}
    assert ended.result.equity == busy.ended.result.equity
    assert_same(busy.daemon.tables(), traders.tables())
    outcomes = [outcome for (outcome,) in traders.rows("SELECT outcome FROM runs ORDER BY started_at")]
    assert outcomes == ["killed", "killed", "the recording has ended"]


def test_kills_during_the_whole_recording_lose_nothing(daemon: Daemon, finished: Finished) -> None:
    chance = random.Random(7)
    for _ in range(3):
        with running(daemon, "--speed", "2000") as process:
            process.wait_at_most(chance.uniform(0.2, 1.6))
            assert process.is_alive, "choose a shorter delay"

    daemon.trade()

    assert_same(finished.daemon.tables(), daemon.tables())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_in_order_and_the_session_goes_on_later(
    daemon: Daemon, finished: Finished, number: signal.Signals
) -> None:
    with running(daemon, "--speed", "3000") as process:
        process.wait_until(lambda: len(daemon.seen("SELECT id FROM trades")) > 2)
        process.send(number)
        ended = process.wait()

    assert ended.code == 0, ended.stderr
    assert ended.seconds < STOP_S_MAX
    assert ended.result.stopped_by == number.name
    assert 0 < ended.result.events < EVENTS
    assert ended.result.invariants == "ok"
    assert daemon.rows("SELECT outcome, events FROM runs") == [(number.name, ended.result.events)]
    assert daemon.rows("SELECT status FROM sessions") == [("open",)]
    daemon.trade()
    assert_same(finished.daemon.tables(), daemon.tables())


def test_a_signal_while_a_restart_catches_up_stops_in_order_after_that(
    daemon: Daemon, finished: Finished
) -> None:
    daemon.trade("--events", str(EVENTS - 500))
    with running(daemon, "--speed", "1") as process:
        process.wait_until(daemon.socket.exists)  # it listens to commands, and so to signals
        process.send(signal.SIGTERM)
        ended = process.wait()

    assert ended.code == 0, ended.stderr
    daemon.trade()
    assert_same(finished.daemon.tables(), daemon.tables())


def test_a_second_signal_ends_at_once_and_loses_nothing(daemon: Daemon, finished: Finished) -> None:
    with running(daemon, "--speed", "3000") as process:
        process.wait_until(lambda: len(daemon.seen("SELECT id FROM trades")) > 2)
        seen = daemon.rows(TRADES)
        # Held still meanwhile, it finds both signals at once, and has no time to stop in order in between.
        process.send(signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGCONT)
        ended = process.wait()

    assert ended.code in (128 + signal.SIGINT, 128 + signal.SIGTERM)
    assert ended.seconds < STOP_S_MAX
    assert ended.stdout == ""
    assert daemon.rows(TRADES)[: len(seen)] == seen
    daemon.trade()
    assert_same(finished.daemon.tables(), daemon.tables())


def test_a_run_ends_when_its_duration_is_over(daemon: Daemon) -> None:
    ended = daemon.trade("--duration", "0.5", "--speed", "10")

    assert ended.seconds > 0.5
    assert 0 < ended.result.events < EVENTS
    assert daemon.rows("SELECT status FROM sessions") == [("open",)]


def test_a_stop_lets_working_orders_stand(traders: Daemon, short_tape: Path) -> None:
    traders.trade("--tape", str(short_tape), "--events", "2200", strategies="raises")

    assert traders.rows("SELECT status FROM orders") == [("OPEN",)]
    assert traders.rows("SELECT status, amount = pending FROM reservations") == [("pending", 1)]


def test_a_stop_cancels_working_orders_where_the_settings_say_so(traders: Daemon, short_tape: Path) -> None:
    (traders.folder / "desk.toml").write_text("[run]\nstop_policy = 'cancel'\n")
    words = ("--tape", str(short_tape), "--config", "desk.toml")

    traders.trade(*words, "--events", "2200", strategies="raises")

    assert traders.rows("SELECT status FROM orders") == [("CANCELLED",)]
    assert traders.rows("SELECT status, pending FROM reservations") == [("closed", 0)]


def test_a_stop_that_cancels_is_part_of_the_session_from_then_on(
    traders: Daemon, short_tape: Path, lossy: Path
) -> None:
    (traders.folder / "desk.toml").write_text(lossy.read_text() + "[run]\nstop_policy = 'cancel'\n")
    words = ("--tape", str(short_tape), "--config", "desk.toml")
    traders.trade(*words, "--events", "3000", strategies="sniper,busy")
    assert traders.rows(OPEN_ORDERS) == []
    before = traders.rows("SELECT id, status FROM orders ORDER BY rowid")
    with running(traders, *words, "--speed", "2000", strategies="sniper,busy") as process:
        process.wait_until(lambda: len(traders.seen("SELECT id FROM orders")) > len(before))
        process.kill()

    traders.trade(*words, strategies="sniper,busy")

    after = traders.rows("SELECT id, status FROM orders ORDER BY rowid")
    assert after[: len(before)] == before
    assert len(after) > len(before)
    assert traders.rows(OPEN_ORDERS) == []


def test_a_finished_session_is_followed_by_a_new_one_with_fresh_money(
    daemon: Daemon, finished: Finished
) -> None:
    shutil.copy(finished.daemon.db, daemon.db)

    second = daemon.trade().result

    assert (second.session, second.run_id) == ("s2", "s2-r1")
    assert second.equity == finished.ended.result.equity
    deposits = (
        "SELECT session, amount FROM ledger WHERE kind = 'DEPOSIT' AND account LIKE 'CASH:%' ORDER BY id"
    )
    assert daemon.rows(deposits) == [("s1", 1000), ("s2", 1000)]
    told = "SELECT timestamp, market, instrument, side, price, size, fee FROM trades WHERE session = ?"
    assert daemon.rows(told, "s2") == daemon.rows(told, "s1")
    ids = daemon.rows("SELECT session, id, intent_id FROM orders")
    assert [row for row in ids if not row[1].startswith(f"{row[0]}-")] == []
    assert [row for row in ids if not row[2].startswith(f"{row[0]}/")] == []
    for table, rows in finished.daemon.tables().items():
        assert repr(daemon.rows(f"SELECT * FROM {table} WHERE +session = 's1'")) == repr(rows), table
