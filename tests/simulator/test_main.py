"""`python -m simulator` as its own process."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def started(*arguments: str) -> tuple["subprocess.Popen[str]", dict[str, str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def fetched(url: str) -> object:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.loads(answer.read())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_listens_and_ends_cleanly(number: signal.Signals) -> None:
    process, addresses = started("--seed", "1")

    version = fetched(addresses["polymarket"] + "/version")
    process.send_signal(number)

    assert version == 2
    assert addresses["polymarket_ws"].startswith("ws://127.0.0.1:")
    assert process.wait(timeout=10) == 0


@pytest.mark.slow
def test_it_plays_the_embedded_recording() -> None:
    process, addresses = started(
        "--venues", "polymarket", "--recording", "data/books_btc15m", "--speed", "60"
    )

    listed = fetched(addresses["polymarket"] + "/markets/keyset?closed=false")
    process.terminate()

    assert isinstance(listed, dict)
    assert len(listed["markets"]) == 10
    assert listed["markets"][0]["bestBid"] > 0
    assert process.wait(timeout=10) == 0
