"""Secrets stay where they belong, and without an armed run nothing exists that could send an order."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.daemon import environment_of
from tests.end_to_end.rehearsal import SLUG, Trading, rehearsal
from tests.venues.polymarket.wallets import KEY

pytestmark = pytest.mark.slow

OUR_OWN_FILES = re.compile(r".*\.key")

SCAN = """
import gc, sys, threading, time

sys.path.insert(0, ROOT)
SENDERS = {"PolymarketVenue", "ArmedPolymarket", "ExchangeVenue", "Clob", "OrderSigner", "PayloadMaker", "Armed"}
MODULES = {"venues.polymarket.venue", "live.armed_polymarket", "venues.exchange.venue"}
AT_WORK = {"PolymarketFeed"}
seen = []

def look():
    kinds = {type(one).__name__ for one in gc.get_objects()}
    return kinds & AT_WORK, kinds & {"PaperVenue"}, kinds & SENDERS, MODULES & set(sys.modules)

def watch():
    while "PolymarketFeed" not in look()[0]:
        time.sleep(0.2)
    time.sleep(1)
    seen.append([sorted(found) for found in look()])

threading.Thread(target=watch, daemon=True).start()
import orchestrator
code = orchestrator.main(sys.argv[1:])
print(code, seen)
"""
DURATION_S = 6


def secrets_of(trading: Trading) -> dict[str, str]:
    """Each secret of the run by what it is: the key, and the credentials that were derived from it."""
    (kept,) = trading.daemon.folder.glob("polymarket-*.key")
    derived = json.loads(kept.read_text())
    return {
        "private key": KEY.reveal().removeprefix("0x"),
        **{k: derived[k] for k in ("secret", "passphrase")},
    }


def leaks(trading: Trading) -> list[tuple[str, str]]:
    """The files that hold a secret, and which."""
    found = [path for path in trading.daemon.folder.rglob("*") if path.is_file()]
    return [
        (path.name, name)
        for path in found
        if not OUR_OWN_FILES.fullmatch(path.name)
        for name, secret in secrets_of(trading).items()
        if secret.encode() in path.read_bytes()
    ]


def test_no_secret_stands_in_a_log_a_database_or_the_output(tmp_path: Path) -> None:
    with rehearsal(tmp_path, "--log-level", "debug") as trading:
        trading.start()
        trading.wish("rests BUY YES 10 0.47 GTC", "poor BUY YES 900 0.47 GTC", "takes BUY YES 5 0.52 FAK")
        trading.wait_for(rests="OPEN", takes="FILLED")
        trading.simulator.arm("unauthorized", "POST /order")
        trading.wish("refused BUY YES 5 0.46 GTC")
        trading.wait_for(refused="REJECTED")
        trading.simulator.arm("lost_answer", "DELETE /order")
        trading.wish("c cancel rests")
        trading.wait_for(rests="CANCELLED")
        trading.wish("blurts tell POLYMARKET_PRIVATE_KEY")
        trading.wait_until(lambda: any(" 1 errors" in line for line in trading.status))
        status = "\n".join(trading.status)
        trading.stop()

        assert leaks(trading) == []
        assert [name for name, secret in secrets_of(trading).items() if secret in status] == []
        assert any(path.stat().st_size for path in trading.daemon.folder.glob("logs/*.log"))
        keys = trading.daemon.folder.glob("*.key")
        assert {oct(path.stat().st_mode & 0o777) for path in keys} == {"0o600"}


def test_in_a_dry_run_on_live_data_no_object_exists_that_could_send(tmp_path: Path) -> None:
    with rehearsal(tmp_path) as trading:
        program = f"ROOT = {str(trading.daemon.root)!r}\n{SCAN}"
        live = ("--market", "live", "--mode", "dry-run", "--select", SLUG, "--duration", str(DURATION_S))
        trading.wish("rests BUY YES 10 0.47 GTC")

        done = subprocess.run(
            [sys.executable, "-c", program, "--strategies", "obeys", *live, "--db", str(trading.daemon.db)],
            cwd=trading.daemon.folder,
            env=environment_of({"POLYMARKET_URL": trading.simulator.url, "LIVE_TRADING": "yes"}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith("0 [[['PolymarketFeed'], ['PaperVenue'], [], []]]\n"), done.stdout
        assert trading.states() == {"rests": "OPEN"}
        assert trading.simulator.orders == {}


def test_the_same_look_finds_what_an_armed_run_has(tmp_path: Path) -> None:
    with rehearsal(tmp_path) as trading:
        program = f"ROOT = {str(trading.daemon.root)!r}\n{SCAN}"
        live = ("--mode", "live", "--notional-max", "500", "--select", SLUG, "--duration", str(DURATION_S))

        done = subprocess.run(
            [sys.executable, "-c", program, "--strategies", "obeys", *live, "--db", str(trading.daemon.db)],
            cwd=trading.daemon.folder,
            env=trading.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert "'PolymarketVenue'" in done.stdout, done.stdout + done.stderr
        assert "'venues.polymarket.venue'" in done.stdout
