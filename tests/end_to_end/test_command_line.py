"""The ways in besides the default run: one strategy by its own file, one instrument, readers that go away."""

import json
import os
import subprocess
import sys
from decimal import Decimal

import pytest

from tests.end_to_end.conftest import Finished
from tests.end_to_end.daemon import REPLAY, RUN_S_MAX, Daemon, assert_refused, assert_same, environment_of

pytestmark = pytest.mark.slow


def test_a_strategy_runs_by_its_own_file_on_one_instrument(daemon: Daemon, finished: Finished) -> None:
    first = finished.daemon.value("SELECT instrument FROM trades ORDER BY timestamp LIMIT 1")

    ended = daemon.run(
        *(*REPLAY, "--token-id", first, "--db", str(daemon.db), "--json"), script="strategies/sniper.py"
    )

    assert ended.code == 0, ended.stderr
    assert ended.result.strategies.keys() == {"sniper"}
    assert daemon.rows("SELECT DISTINCT instrument FROM trades") == [(first,)]
    trades = "SELECT timestamp, price, size, fee, order_id, trade_id FROM trades WHERE instrument = ?"
    assert daemon.rows(trades, first) == finished.daemon.rows(trades, first)
    assert {control for (control,) in daemon.rows("SELECT DISTINCT control FROM denials")} == {
        "26 permitted instrument"
    }


def test_a_denial_is_stored_with_control_value_and_limit(daemon: Daemon) -> None:
    (daemon.folder / "desk.toml").write_text("[limits]\norder_notional_max = 5\n")

    ended = daemon.trade("--config", "desk.toml")

    sniper = ended.result.strategies["sniper"]
    rows = daemon.rows("SELECT control, reason, value, limit_value, correlation_id FROM denials")
    assert (sniper.orders, sniper.denials) == (0, len(rows))
    assert rows
    for control, reason, value, limit, correlation_id in rows:
        assert control.startswith("03 ")
        assert reason
        assert Decimal(value) > Decimal(limit) == 5
        signals = daemon.rows("SELECT outcome FROM signals WHERE correlation_id = ?", correlation_id)
        assert {outcome for (outcome,) in signals} == {"DENIED"}
    assert ended.result.equity == 1000


def test_options_may_stand_in_a_file(daemon: Daemon, finished: Finished) -> None:
    text = f"[run]\nstrategies = ['sniper']\nseed = 1\ncash = 1000\ndb = '{daemon.db}'\n"
    (daemon.folder / "desk.toml").write_text(text)

    ended = daemon.run("--config", "desk.toml", "--json", *REPLAY)

    assert ended.code == 0, ended.stderr
    assert_same(finished.daemon.tables(), daemon.tables())


def test_without_json_people_read_the_summary_on_standard_output(daemon: Daemon) -> None:
    ended = daemon.run("--strategies", "sniper", *REPLAY)

    assert ended.code == 0
    assert ended.stderr == ""
    told = ["DRY RUN on a recording", "filled", "redeemed", "invariants ok", "why ", "SELECT * FROM trades"]
    assert [word for word in told if word not in ended.stdout] == []
    assert (daemon.folder / "data" / "positions.db").exists()


def test_the_summary_is_one_object_also_for_strict_readers(finished: Finished) -> None:
    told = json.loads(finished.ended.stdout, parse_constant=pytest.fail)

    assert set(told) >= {
        *("run_id", "session", "mode", "market", "events", "wall_s", "strategies", "executor", "equity"),
        "invariants",
    }
    assert set(told["executor"]) >= {"orders", "latency_ms_p50", "latency_ms_p99"}
    assert set(told["strategies"]["sniper"]) >= {
        *("signals", "orders", "fills", "denials", "realized_pnl", "unrealized_pnl", "fees"),
    }


TEXT, JSON = ("--strategies", "sniper", *REPLAY, "--db", "positions.db"), ("--json",)


@pytest.mark.parametrize("more", [pytest.param((), id="text"), pytest.param(JSON, id="json")])
def test_a_reader_that_goes_away_does_not_stop_the_trading(
    daemon: Daemon, finished: Finished, more: tuple[str, ...]
) -> None:
    trade_into_a_closed_pipe(daemon, *TEXT, *more)

    assert_same(finished.daemon.tables(), daemon.tables())
    assert daemon.rows("SELECT status FROM sessions") == [("finished",)]


@pytest.mark.parametrize("more", [pytest.param((), id="text"), pytest.param(JSON, id="json")])
def test_a_reader_that_goes_away_is_no_failure(daemon: Daemon, more: tuple[str, ...]) -> None:
    code, stderr = trade_into_a_closed_pipe(daemon, *TEXT, *more, "--events", "3000")

    assert code == 0, stderr
    assert "Traceback" not in stderr
    assert "Exception ignored" not in stderr


def trade_into_a_closed_pipe(daemon: Daemon, *words: str) -> tuple[int, str]:
    """Run with a standard output that nobody reads, as `| head -1` leaves it; return the code and the errors."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as stdout:
        done = subprocess.run(
            [sys.executable, str(daemon.root / "orchestrator.py"), *words],
            cwd=daemon.folder,
            env=environment_of({}),
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            timeout=RUN_S_MAX,
            check=False,
        )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("def\n", id="no Python"),
        pytest.param("import nothing_of_that_name\n", id="import that fails"),
    ],
)
def test_a_strategy_file_that_cannot_be_read_is_refused(traders: Daemon, text: str) -> None:
    (traders.root / "strategies" / "broken.py").write_text(text)

    assert_refused(traders.run("--strategies", "broken"), "broken")


def test_a_strategy_file_without_a_strategy_is_refused(traders: Daemon) -> None:
    (traders.root / "strategies" / "empty.py").write_text("")

    assert_refused(traders.run("--strategies", "empty"), "strategies/empty.py", "BaseStrategy")


def test_the_example_of_the_readme_runs_as_it_stands(traders: Daemon) -> None:
    _, _, rest = (traders.root / "README.md").read_text().partition("```python\n")
    (traders.root / "strategies" / "longshot.py").write_text(rest.partition("```")[0])

    ended = traders.trade(strategies="sniper,longshot")

    assert ended.result.strategies["longshot"].fills > 0
    assert ended.result.strategies["sniper"].fills > 0
