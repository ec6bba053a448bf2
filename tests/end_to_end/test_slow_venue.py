"""A venue whose answers come after we have stopped waiting, or never: nothing halts, and the books balance."""

import pytest

from tests.end_to_end.daemon import REPLAY, Daemon

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "paper",
    [
        pytest.param("taker_delay_ms = 6000", id="found open, then matched or refused"),
        pytest.param("latency_ms_min = 0\nlatency_ms_max = 6000", id="late requests"),
        pytest.param("latency_ms_max = 60000\nanswer_ms = 60000", id="a minute each way"),
        pytest.param("request_loss_rate = 0.5\nanswer_loss_rate = 0.5", id="half of all is lost"),
        pytest.param("settlement_failure_rate = 1", id="nothing settles"),
    ],
)
def test_late_and_lost_answers_halt_nothing(daemon: Daemon, paper: str) -> None:
    (daemon.folder / "venue.toml").write_text(f"[paper]\n{paper}\n")

    ended = daemon.run(
        "--strategies", "sniper", *REPLAY, "--config", "venue.toml", "--db", str(daemon.db), "--json"
    )

    assert ended.code == 0, ended.stderr
    assert ended.result.invariants == "ok"
    assert daemon.rows("SELECT id FROM reservations WHERE status = 'pending'") == []
    assert daemon.rows("SELECT asset FROM ledger GROUP BY transfer_id, asset HAVING sum(units) != 0") == []


def test_another_name_of_the_same_database_is_the_same_database(daemon: Daemon) -> None:
    ended = daemon.run("--strategies", "sniper", *REPLAY, "--db", str(daemon.db), "--events", "100", "--json")
    link = daemon.folder / "link.db"
    link.symlink_to(daemon.db)

    again = daemon.run("--strategies", "sniper", *REPLAY, "--db", str(link), "--events", "100", "--json")

    assert (ended.code, again.code) == (0, 0)
    assert not (daemon.folder / "link.db.lock").exists()
