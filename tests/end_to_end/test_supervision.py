"""Strategies that misbehave beside a good one: each is stopped alone, durably, and the good one does not notice."""

import json
import signal
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Finished
from tests.end_to_end.daemon import Daemon, Ended, Rows, Running, assert_same, running
from tests.end_to_end.guests import MISBEHAVES_AT_BOOK

pytestmark = pytest.mark.slow

HANG_S_MAX = 30
"""The watchdog looks after 5 s; what hangs would do so for hours. The rest is for a machine that does other work."""

STOPPED = "SELECT payload FROM events WHERE type = 'strategy.stopped'"
OF_SNIPER = {
    "trades": "SELECT * FROM trades WHERE strategy = 'sniper' ORDER BY id",
    "orders": "SELECT * FROM orders WHERE strategy = 'sniper' ORDER BY rowid",
    "order_events": "SELECT e.* FROM order_events e JOIN orders o ON o.id = e.order_id"
    " WHERE o.strategy = 'sniper' ORDER BY e.id",
    "positions": "SELECT * FROM positions WHERE strategy = 'sniper'",
    "signals": "SELECT * FROM signals WHERE strategy = 'sniper' ORDER BY id",
    "denials": "SELECT * FROM denials WHERE strategy = 'sniper' ORDER BY id",
    "gate_counts": "SELECT * FROM gate_counts WHERE strategy = 'sniper'",
    "ledger": "SELECT timestamp, transfer_id, entry, account, asset, units FROM ledger"
    " WHERE account LIKE '%/sniper' ORDER BY ledger.id",
    "reservations": "SELECT r.* FROM reservations r JOIN orders o ON o.id = r.order_id"
    " WHERE o.strategy = 'sniper' ORDER BY r.id",
}
SHARED = {"order_events": (0, 7), "trades": (0,), "signals": (0, 3), "denials": (0,), "reservations": (0,)}
"""Columns that number the rows of all strategies, and the controls' numbers, which tell of the shared limits."""


def of_sniper(daemon: Daemon) -> dict[str, Rows]:
    """What the sniper did, without what numbers the rows of all."""
    return {
        table: [
            tuple(value for column, value in enumerate(row) if column not in SHARED.get(table, ()))
            for row in daemon.rows(query)
        ]
        for table, query in OF_SNIPER.items()
    }


def play(traders: Daemon, tape: Path, name: str, *words: str, **environment: str) -> Ended:
    """Trade the short recording with the sniper and this guest."""
    strategies = f"sniper,{name}"
    return traders.run(*traders.words("--tape", str(tape), *words, strategies=strategies), **environment)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        pytest.param("raises", "raised ValueError: the guest fell over", id="raises"),
        pytest.param("loops", "did not return within 0.5 s", id="loops"),
        pytest.param("swallows", "did not return within 0.5 s", id="swallows exceptions in a loop"),
        pytest.param("floods", "more than 1000 intents", id="floods"),
        pytest.param("leaks", "task(s) of its own", id="leaks a task"),
        pytest.param("exits", "SystemExit", id="leaves the process"),
    ],
)
def test_a_strategy_that_misbehaves_is_stopped_alone(
    traders: Daemon, solo: Finished, short_tape: Path, name: str, told: str
) -> None:
    ended = play(traders, short_tape, name)

    assert ended.code == 0, ended.stderr
    assert ended.result.events == solo.ended.result.events
    ((payload,),) = traders.rows(STOPPED)
    stopped = json.loads(payload)
    assert stopped["strategy"] == name
    assert told in stopped["reason"]
    assert_same(of_sniper(solo.daemon), of_sniper(traders))
    assert ended.result.strategies["sniper"] == solo.ended.result.strategies["sniper"]
    assert_nothing_is_left_of(traders, name)


def assert_nothing_is_left_of(traders: Daemon, name: str) -> None:
    """Its resting order is cancelled, its money free."""
    orders = traders.rows("SELECT status FROM orders WHERE strategy = ?", name)
    assert orders == [("CANCELLED",)]
    ((stopped_at,),) = traders.rows("SELECT timestamp FROM events WHERE type = 'strategy.stopped'")
    ((cancelled_at,),) = traders.rows("SELECT updated_at FROM orders WHERE strategy = ?", name)
    assert stopped_at < cancelled_at < stopped_at[:14] + "20"  # misbehaves at 09:19
    assert traders.rows("SELECT DISTINCT status, pending FROM reservations") == [("closed", 0)]


@pytest.mark.parametrize("name", ["raises", "loops", "swallows", "floods", "leaks"])
def test_a_restart_repeats_the_stop(traders: Daemon, tmp_path: Path, short_tape: Path, name: str) -> None:
    whole = Daemon(tmp_path / "whole", traders.root)
    whole.folder.mkdir()
    assert play(whole, short_tape, name).code == 0

    assert play(traders, short_tape, name, "--events", str(MISBEHAVES_AT_BOOK + 100)).code == 0
    stopped = traders.rows(STOPPED)
    assert play(traders, short_tape, name).code == 0

    assert len(stopped) == 1
    assert traders.rows(STOPPED) == stopped == whole.rows(STOPPED)
    assert_same(whole.tables(), traders.tables())


@pytest.mark.parametrize("name", ["hangs", "clings"])
def test_a_strategy_that_hangs_for_good_ends_the_process_and_is_left_out_next_time(
    traders: Daemon, solo: Finished, short_tape: Path, name: str
) -> None:
    first = play(traders, short_tape, name)
    trades = traders.rows("SELECT * FROM trades ORDER BY id")

    second = play(traders, short_tape, name)

    assert first.code != 0
    assert first.seconds < HANG_S_MAX
    assert first.stdout == ""
    assert second.code == 0, second.stderr
    assert second.result.run_id == "s1-r2"
    assert traders.rows("SELECT * FROM trades ORDER BY id")[: len(trades)] == trades
    ((payload,),) = traders.rows(STOPPED)
    assert json.loads(payload)["strategy"] == name
    assert "hung" in json.loads(payload)["reason"]
    assert_same(of_sniper(solo.daemon), of_sniper(traders))
    assert_nothing_is_left_of(traders, name)


def test_a_strategy_that_prints_does_not_disturb_the_summary(
    traders: Daemon, solo: Finished, short_tape: Path
) -> None:
    ended = play(traders, short_tape, "prints")

    assert ended.code == 0, ended.stderr
    assert ended.result.strategies["sniper"] == solo.ended.result.strategies["sniper"]
    assert "a word from the guest" not in ended.stdout
    assert_same(of_sniper(solo.daemon), of_sniper(traders))
    logged = sum(path.stat().st_size for path in (traders.folder / "logs").iterdir())
    assert logged < 1_000_000  # it printed about 70 MB; 64 KiB of them are kept, in two files
    assert sum(path.stat().st_size for path in traders.folder.iterdir() if path.is_file()) < 10_000_000


def test_what_a_strategy_prints_is_kept_in_its_log(traders: Daemon, short_tape: Path) -> None:
    play(traders, short_tape, "prints", "--events", str(MISBEHAVES_AT_BOOK + 100))

    assert "a word from the guest" in (traders.folder / "logs" / "prints.log").read_text()


def test_a_stop_is_shown(traders: Daemon, short_tape: Path) -> None:
    ended = play(traders, short_tape, "raises", "--events", str(MISBEHAVES_AT_BOOK + 100))

    assert "the guest fell over" in ended.stderr
    assert "the guest fell over" in (traders.folder / "logs" / "orchestrator.log").read_text()


def test_a_flood_below_the_limit_leaves_the_good_strategy_its_orders(
    traders: Daemon, solo: Finished, short_tape: Path
) -> None:
    ended = play(traders, short_tape, "bids")

    assert ended.code == 0, ended.stderr
    assert_same(of_sniper(solo.daemon), of_sniper(traders))


def test_a_machine_that_stands_still_in_a_hook_stops_no_strategy(traders: Daemon, short_tape: Path) -> None:
    words = ("--tape", str(short_tape), "--events", str(MISBEHAVES_AT_BOOK + 100))
    with running(traders, *words, strategies="sleeps") as process:
        process.wait_until((traders.folder / "asleep").exists)  # it suspends itself in the middle of a hook
        stand_still(process, seconds=0.7)
        ended = process.wait()

    assert ended.code == 0, ended.stderr
    assert traders.rows(STOPPED) == []


def test_a_daemon_that_was_suspended_goes_on(traders: Daemon, short_tape: Path) -> None:
    with running(traders, "--tape", str(short_tape), "--speed", "1") as process:
        process.wait_until(traders.socket.exists)
        stand_still(process, seconds=6.5)
        process.wait_at_most(1)
        assert process.is_alive
        process.send(signal.SIGTERM)

        assert process.wait().code == 0


def stand_still(process: Running, *, seconds: float) -> None:
    """Suspend the daemon for so long, as a laptop's lid, Ctrl-Z or a busy host does."""
    process.send(signal.SIGSTOP)
    process.wait_at_most(seconds)
    process.send(signal.SIGCONT)


def test_two_that_misbehave_are_both_stopped(traders: Daemon, solo: Finished, short_tape: Path) -> None:
    ended = play(traders, short_tape, "loops,floods,raises")

    assert ended.code == 0, ended.stderr
    stopped = {json.loads(payload)["strategy"] for (payload,) in traders.rows(STOPPED)}
    assert stopped == {"loops", "floods", "raises"}
    assert_same(of_sniper(solo.daemon), of_sniper(traders))


def test_what_a_strategy_says_of_a_secret_is_stored_nowhere(traders: Daemon, short_tape: Path) -> None:
    secret = "0xC0FFEE5EC2E7C0FFEE5EC2E7"

    ended = play(traders, short_tape, "tells", POLYMARKET_PRIVATE_KEY=secret)

    assert ended.code == 0, ended.stderr
    assert len(traders.rows(STOPPED)) == 1
    places = [path for path in traders.folder.rglob("*") if path.is_file()]
    assert [path.name for path in places if secret.encode() in path.read_bytes()] == []
    assert secret not in ended.stdout + ended.stderr
