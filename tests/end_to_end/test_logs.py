"""The logs: few lines, nothing lost that matters, and no secret in anything that a run leaves."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.end_to_end.conftest import KEY, SECRET, Finished
from tests.end_to_end.daemon import EVENTS

LINES_PER_EVENT_MAX = 0.05


def lines_of(path: Path) -> list[dict[str, object]]:
    """A log's lines, which are JSON objects."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def messages(finished: Finished) -> list[str]:
    """What the daemon's log says, line by line."""
    log = finished.daemon.folder / "logs" / "orchestrator.log"
    return [str(line["message"]) for line in lines_of(log)]


def test_there_are_few_lines_for_many_events(finished: Finished) -> None:
    lines = sum(len(lines_of(path)) for path in (finished.daemon.folder / "logs").iterdir())

    assert 0 < lines <= LINES_PER_EVENT_MAX * EVENTS


def test_each_strategy_has_a_log_of_its_own(finished: Finished) -> None:
    folder = finished.daemon.folder / "logs"

    assert {path.name for path in folder.iterdir()} == {"orchestrator.log", "sniper.log"}
    assert {line["logger"] for line in lines_of(folder / "sniper.log")} == {"strategies.sniper"}


def test_every_line_has_its_time_and_the_time_of_the_event(finished: Finished) -> None:
    for line in lines_of(finished.daemon.folder / "logs" / "sniper.log"):
        assert str(line["event_time"]).startswith("2026-09-28T")
        assert str(line["time"]) > str(line["event_time"])


def test_every_fill_is_in_the_log(finished: Finished) -> None:
    trades = [name for (name,) in finished.daemon.rows("SELECT trade_id FROM trades")]
    said = messages(finished)

    assert trades
    assert [trade for trade in trades if not any(trade in text for text in said)] == []


@pytest.mark.slow
def test_every_fill_of_many_is_in_the_log(busy: Finished) -> None:
    test_every_fill_is_in_the_log(busy)


@pytest.mark.slow
def test_every_denial_is_in_the_log_or_in_the_count_of_its_repetitions(busy: Finished) -> None:
    stored = Counter(
        f"denied by {control}: {reason}"
        for control, reason in busy.daemon.rows("SELECT control, reason FROM denials")
    )

    logged: Counter[str] = Counter()
    for line in lines_of(busy.daemon.folder / "logs" / "orchestrator.log"):
        text, repeated, _ = str(line["message"]).partition(" … repeated ")
        logged[text] += int(str(line["repeated"])) if repeated else 1

    assert stored
    assert {text: logged[text] for text in stored} == stored


def test_no_secret_is_in_anything_that_the_run_left(finished: Finished) -> None:
    left = [path for path in finished.daemon.folder.rglob("*") if path.is_file() and path.name != ".env"]

    assert {path.name for path in left} >= {"positions.db", "orchestrator.log"}
    for secret in (KEY, KEY.removeprefix("0x"), SECRET):
        assert secret not in finished.ended.stdout + finished.ended.stderr
        assert [path.name for path in left if secret.encode() in path.read_bytes()] == []
