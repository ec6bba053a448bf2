"""What surrounds a run: links to its database, a full disk under its logs, a stop before it has caught up."""

from pathlib import Path

import pytest

from tests.end_to_end.conftest import Finished
from tests.end_to_end.daemon import Daemon, assert_refused, assert_same, running

pytestmark = pytest.mark.slow

FULL = Path("/dev/full")
"""Takes every write as a disk without room does."""


def test_a_second_daemon_is_refused_by_a_link_to_the_database_too(daemon: Daemon) -> None:
    link = daemon.folder / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(daemon.db)
    with running(daemon, "--speed", "1") as first:
        first.wait_until(lambda: bool(daemon.seen("SELECT run_id FROM runs")))
        second = daemon.run(*daemon.words("--db", str(link)))
        assert first.is_alive

    assert_refused(second, str(daemon.db), "in use by process", "--db")
    assert daemon.rows("SELECT count(*) FROM runs") == [(1,)]


@pytest.mark.skipif(not FULL.exists(), reason="a device that is always full is needed")
def test_a_full_disk_under_the_logs_costs_nothing_but_lines(
    traders: Daemon, solo: Finished, short_tape: Path
) -> None:
    logs = traders.folder / "logs"
    logs.mkdir()
    for name in ("orchestrator", "sniper"):
        (logs / f"{name}.log").symlink_to(FULL)

    ended = traders.trade("--tape", str(short_tape))

    assert "Traceback" not in ended.stderr
    assert ended.result.equity == solo.ended.result.equity
    assert_same(solo.daemon.tables(), traders.tables())


def test_a_stop_before_a_restart_has_caught_up_changes_nothing(
    traders: Daemon, solo: Finished, short_tape: Path
) -> None:
    words = ("--tape", str(short_tape))
    traders.trade(*words, "--events", str(solo.ended.result.events - 100))
    before = traders.tables()

    stopped = traders.run(*traders.words(*words, "--duration", "0.001"))

    assert stopped.code == 0, stopped.stderr
    assert stopped.stdout == ""
    assert (
        "stopped: the --duration is over while the session was read back; nothing has changed"
        in stopped.stderr
    )
    assert_same(before, traders.tables())
    assert traders.rows("SELECT status, last_position > 0 FROM sessions") == [("open", 1)]
    traders.trade(*words)
    assert_same(solo.daemon.tables(), traders.tables())
