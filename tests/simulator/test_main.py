"""`python -m simulator` as its own process."""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@contextmanager
def started(*arguments: str) -> Iterator[tuple["subprocess.Popen[str]", dict[str, str]]]:
    command = [sys.executable, "-m", "simulator", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.terminate()


def fetched(url: str) -> object:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.loads(answer.read())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_listens_and_ends_cleanly(number: signal.Signals) -> None:
    with started("--seed", "1") as (process, addresses):
        version = fetched(addresses["polymarket"] + "/version")
        process.send_signal(number)
        code = process.wait(timeout=10)

    assert version == 2
    assert addresses["polymarket_ws"].startswith("ws://127.0.0.1:")
    assert code == 0


@pytest.mark.slow
def test_it_plays_the_embedded_recording() -> None:
    arguments = ("--venues", "polymarket", "--recording", "data/books_btc15m", "--speed", "60")

    with started(*arguments) as (_, addresses):
        listed = fetched(addresses["polymarket"] + "/markets/keyset?closed=false")

    assert isinstance(listed, dict)
    assert len(listed["markets"]) == 10
    assert listed["markets"][0]["bestBid"] > 0
