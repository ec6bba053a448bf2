"""Commands to a daemon at work: status, pause and resume, and what a restart makes of them."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Finished
from tests.end_to_end.daemon import Daemon, Running, assert_refused, assert_same, running

pytestmark = pytest.mark.slow

SWITCHES = "SELECT timestamp, type, payload FROM events WHERE type IN ('strategy.paused', 'strategy.resumed')"


@pytest.fixture
def at_work(traders: Daemon, short_tape: Path) -> Iterator[Running]:
    """A daemon that listens, at a pace at which its hour takes a minute."""
    with running(traders, "--tape", str(short_tape), "--speed", "60") as process:
        process.wait_until(traders.socket.exists)
        yield process


def say(daemon: Daemon, *words: str) -> str:
    """Give the running daemon a command that it follows."""
    ended = daemon.run(*words, "--db", str(daemon.db))
    assert ended.code == 0, ended.stderr
    return ended.stdout


def test_a_strategy_is_paused_and_resumed(traders: Daemon, at_work: Running) -> None:
    told = [say(traders, *words.split()) for words in ("status", "pause sniper", "status", "resume sniper")]

    states = [text.split("sniper: ")[1].split()[0].strip(",") for text in told]
    assert states == ["RUNNING", "PAUSED", "PAUSED", "RUNNING"]
    assert [row[1] for row in traders.rows(SWITCHES)] == ["strategy.paused", "strategy.resumed"]
    assert at_work.is_alive


def test_only_its_owner_may_speak_to_it(traders: Daemon, at_work: Running) -> None:
    assert at_work.is_alive
    assert stat.S_IMODE(traders.socket.stat().st_mode) == 0o600


def test_an_unknown_strategy_is_refused_with_the_nearest(traders: Daemon, at_work: Running) -> None:
    ended = traders.run("pause", "snipr", "--db", str(traders.db))

    assert_refused(ended, "'snipr'", "close: sniper")
    assert at_work.is_alive


def test_a_restart_repeats_a_pause(
    traders: Daemon, at_work: Running, short_tape: Path, solo: Finished
) -> None:
    say(traders, "pause", "sniper")
    switched = traders.rows(SWITCHES)
    at_work.kill()

    ended = traders.trade("--tape", str(short_tape))

    # It had not ordered yet and stayed paused: what the sniper alone trades, this one does not.
    assert traders.rows(SWITCHES) == switched
    assert ended.result.strategies["sniper"].orders == 0
    assert solo.ended.result.strategies["sniper"].orders > 0


def test_looking_changes_nothing(traders: Daemon, at_work: Running, short_tape: Path, solo: Finished) -> None:
    for _ in range(3):
        say(traders, "status")
    at_work.kill()

    traders.trade("--tape", str(short_tape))

    assert_same(solo.daemon.tables(), traders.tables())
