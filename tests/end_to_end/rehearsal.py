"""A rehearsal: the real daemon in live mode, the simulated venue as a process of its own, and what both say."""

import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

from clock import NS_PER_S, wall_ns
from control import Request, speak
from domain.errors import UserError
from tests.end_to_end.daemon import ROOT, Daemon, Ended, environment_of
from tests.end_to_end.guests import make_tree
from tests.venues.polymarket.wallets import KEY, OWNER

SLUG = "will-it-rain"
CASH = 1_000
WAIT_S_MAX = 40
STEP_S = 0.02
START_S_MAX = 30
QUICK = {"mined_after_ms": 100, "confirmed_after_ms": 300, "data_lag_ms": 100}
"""A chain that is done within the patience of a test."""

DOUBTFUL = ("UNKNOWN", "QUARANTINED")
"""States of an order that may never have reached the venue: what is not there agrees with them too."""

Json = dict[str, Any]

OBEYS = '''"""Does what stands in a file, each line once: a hand for the tests."""

import os
from decimal import Decimal
from pathlib import Path

from domain.instrument import Side
from domain.messages import CancelIntent
from domain.order import Intent, TimeInForce
from strategies.base_strategy import BaseStrategy, state

WISHES = Path("wishes.txt")


class Obeys(BaseStrategy):
    """A line is `KEY BUY|SELL OUTCOME QUANTITY PRICE TIF`, `KEY cancel KEY` or `KEY tell WHAT`: read at each book,
    but a KEY with an exclamation mark each second, whatever the books do."""

    timer_interval_s = 1
    _done: set = state(set)
    _known: dict = state(dict)

    def on_book(self, event, view):
        instrument_id = event.book.instrument_id
        self._known[view.instrument(instrument_id).outcome] = instrument_id
        yield from self._obey(view, is_timed=False)

    def on_timer(self, event, view):
        yield from self._obey(view, is_timed=True)

    def _obey(self, view, *, is_timed):
        for line in WISHES.read_text().splitlines() if WISHES.exists() else ():
            key, verb, what, *terms = line.split()
            if key in self._done or key.endswith("!") != is_timed or (terms and what not in self._known):
                continue
            self._done.add(key)
            if verb == "tell":
                raise ValueError(os.environ[what])
            if verb == "cancel":
                for order in view.orders():
                    if f"/{what}/" in order.intent_id:
                        yield CancelIntent(order_id=order.id, reason="the file says so")
            else:
                yield self._intent(self._known[what], key, Side(verb), *terms)

    def _intent(self, instrument_id, key, side, quantity, price, time_in_force):
        return Intent(
            instrument_id=instrument_id,
            side=side,
            quantity=Decimal(quantity),
            price=Decimal(price),
            signal_key=key,
            reason="the file says so",
            time_in_force=TimeInForce(time_in_force),
        )
'''

LIMITS = """[limits]
orders_per_minute = 6000
orders_burst = 200
executions_max = 1000
"""
"""What would slow a test down is not what it is about."""


class Simulator:
    """The simulated venue in a process of its own, steered and read through its control paths."""

    def __init__(self, *, port: int = 0) -> None:
        words = ("-m", "simulator", "--venues", "polymarket", "--port", str(port))
        self._process = subprocess.Popen(
            [sys.executable, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url: str = json.loads(self._process.stdout.readline())["polymarket"]
        self.tokens: list[str] = []

    def open(self, **rules: object) -> None:
        """Fund the wallet of the throwaway key, list one market and stand on both sides of it."""
        self.say("switches", QUICK | rules)
        self.say("wallets", {"address": OWNER, "owner": OWNER, "cash": CASH, "approve": "all"})
        ends_ns = wall_ns() + 3_600 * NS_PER_S
        self.tokens = self.say("markets", {"slug": SLUG, "ends_ns": ends_ns})["token_ids"]
        self.quote()

    def say(self, path: str, body: object | None = None, *, method: str = "POST") -> Any:
        """Speak to a control path."""
        data = json.dumps(body or {}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/_sim/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def ask(self, path: str) -> Any:
        """Read a control path."""
        return self.say(path, method="GET")

    def quote(self, bid: str = "0.48", ask: str = "0.52", shares: int = 100) -> None:
        """Let the house stand at one level on each side of the first outcome."""
        self.say(f"markets/{SLUG}/book", {"bids": [[bid, str(shares)]], "asks": [[ask, str(shares)]]})

    def take(self, side: str, price: str, shares: int) -> Json:
        """Let the house step aside and take from what rests in the first outcome."""
        self.quote("0.30", "0.70")
        row: Json = self.say(f"markets/{SLUG}/print", {"side": side, "price": price, "size": shares})
        return row

    def arm(self, fault: str, endpoint: str = "*", times: int | None = 1, **parameters: object) -> None:
        """Let a fault strike the next so many times, or (None) until it is cleared."""
        body = {"fault": fault, "endpoint": endpoint, "times": times, "parameters": parameters}
        self.say("faults", body)

    def clear(self) -> None:
        """Let nothing strike any more."""
        self.say("faults", method="DELETE")

    def press(self, fault: str, endpoint: str = "*", **parameters: object) -> None:
        """Let a fault strike until it is cleared."""
        self.arm(fault, endpoint, None, **parameters)

    @property
    def reached(self) -> Json:
        """How often each fault has struck."""
        row: Json = self.ask("faults")["reached"]
        return row

    @property
    def orders(self) -> dict[str, Json]:
        """Our orders that the venue ever took, by its id."""
        rows: dict[str, Json] = self.ask("orders")
        return {name: row for name, row in rows.items() if row["maker_address"] == OWNER}

    @property
    def open_orders(self) -> list[Json]:
        """Our orders that rest."""
        return [row for row in self.orders.values() if row["status"] == "LIVE"]

    @property
    def wallet(self) -> Json:
        """What the venue says is ours: `cash` and `tokens`."""
        row: Json = self.ask("wallets")[OWNER]
        return row

    def end(self) -> None:
        """Stop serving."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Trading:
    """A daemon in live mode on a simulated venue; it can be killed and started again in its folder."""

    def __init__(self, folder: Path, tree: Path, simulator: Simulator, *options: str) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "config.toml").write_text(LIMITS)
        self.daemon = Daemon(folder, tree)
        self.simulator = simulator
        self._options = options
        self._nudges = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._wishes = folder / "wishes.txt"

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The daemon at work."""
        assert self._process is not None, "not started yet"
        return self._process

    def environment(self) -> dict[str, str]:
        """What live mode asks for where there is no terminal."""
        return environment_of(
            {
                "LIVE_TRADING": "yes",
                "LIVE_CONFIRM": OWNER[-4:],
                "POLYMARKET_PRIVATE_KEY": KEY.reveal(),
                "POLYMARKET_URL": self.simulator.url,
            }
        )

    def start(self, *, is_open: bool = True) -> None:
        """Start it, and wait until the gate is open; `is_open` False only waits until it answers."""
        live = ("--mode", "live", "--notional-max", "500", "--select", SLUG, "--db", str(self.daemon.db))
        own = ("--strategies", "obeys", "--config", "config.toml", *self._options)
        words = [str(self.daemon.root / "orchestrator.py"), *own, *live]
        out = self.daemon.folder / "out.txt"
        with out.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, *words],
                cwd=self.daemon.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.wait_until(lambda: bool(self.status) and (not is_open or self.is_gate_open), seconds=START_S_MAX)

    @property
    def status(self) -> list[str]:
        """What it answers to `status`; nothing while it does not answer."""
        with suppress(UserError, OSError):
            return speak(self.daemon.db, Request(action="status", strategy=""))
        return []

    @property
    def is_gate_open(self) -> bool:
        """Say whether orders may leave, and books are there to order on."""
        lines = self.status
        return "gate: open" in lines and any("2 LIVE" in line for line in lines)

    @property
    def printed(self) -> str:
        """All that it has printed so far, earlier processes included."""
        return (self.daemon.folder / "out.txt").read_text()

    def wish(self, *lines: str) -> None:
        """Have these lines obeyed, at the next book, which comes at once."""
        with self._wishes.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)
        self.nudge()

    def nudge(self) -> None:
        """Make a book: the house's sizes change a little."""
        self._nudges += 1
        self.simulator.quote(shares=100 + self._nudges)

    def wait_until(self, holds: Callable[[], bool], *, seconds: float = WAIT_S_MAX) -> None:
        """Look again and again until it is so; fails where the daemon has ended, or it takes too long."""
        deadline_s = time.monotonic() + seconds
        while not holds():
            assert self.process.poll() is None, self.printed
            assert time.monotonic() < deadline_s, (
                self.printed[-4_000:],
                self.states(),
                self.simulator.orders,
            )
            time.sleep(STEP_S)

    def states(self) -> dict[str, str]:
        """The state of each order by its key, as stored."""
        rows = self.daemon.seen("SELECT intent_id, status FROM orders ORDER BY created_at")
        return {intent.split("/")[2]: status for intent, status in rows}

    def wait_for(self, **states: str) -> None:
        """Wait until the orders of these keys are stored in these states."""
        self.wait_until(lambda: states.items() <= self.states().items())

    def settle(self) -> None:
        """Wait until every fill that is stored is final."""
        pending = "SELECT 1 FROM trades WHERE settlement = 'PENDING'"
        self.wait_until(lambda: not self.daemon.rows(pending))

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """Ask it to stop, and wait for its end."""
        self.signal(signal.SIGTERM)
        return self.process.wait(WAIT_S_MAX)

    def run(self, *words: str) -> Ended:
        """Run a command beside it in its folder."""
        environment = {k: v for k, v in self.environment().items() if k not in environment_of({})}
        return self.daemon.run(*words, "--select", SLUG, "--db", str(self.daemon.db), **environment)


@contextmanager
def rehearsal(folder: Path, *options: str, **rules: object) -> Iterator[Trading]:
    """A venue with money and a market, and a daemon that is not started yet; both end with the block."""
    tree = folder / "tree"
    tree.mkdir()
    make_tree(tree)
    (tree / "strategies" / "obeys.py").write_text(OBEYS)
    simulator = Simulator()
    trading = Trading(folder / "first", tree, simulator, *options)
    try:
        simulator.open(**rules)
        yield trading
    finally:
        trading.kill()
        simulator.end()
        shutil.rmtree(tree)


def assert_same_truth(trading: Trading) -> None:
    """The database and the venue tell of the same orders, fills, cash and shares, to the unit."""
    db, simulator = trading.daemon, trading.simulator
    theirs = {name: float(row["size_matched"]) for name, row in simulator.orders.items()}
    ours = {
        name: filled
        for name, filled, status in db.rows(
            "SELECT venue_order_id, filled_size, status FROM payloads JOIN orders ON id = order_id"
            " WHERE status NOT IN ('REJECTED', 'ABORTED', 'DEAD')"
        )
        if name in theirs or status not in DOUBTFUL
    }
    assert ours == theirs, (ours, theirs)
    resting = {row["id"] for row in simulator.open_orders}
    stored = "SELECT venue_order_id FROM payloads JOIN orders ON id = order_id WHERE status IN ({})"
    assert {one for (one,) in db.rows(stored.format("'OPEN', 'PARTIALLY_FILLED'"))} == resting
    trades = {name for name, row in simulator.ask("trades").items() if OWNER in json.dumps(row)}
    assert {one for (one,) in db.rows("SELECT trade_id FROM trades")} == trades
    wallet = simulator.wallet
    sums: dict[str, int] = dict(
        db.rows(
            "SELECT asset, sum(units) FROM ledger WHERE account LIKE 'CASH:%' OR account LIKE 'RESERVED:%'"
            " OR (account LIKE 'INVENTORY:%' AND asset != 'pUSD') GROUP BY asset HAVING sum(units) != 0"
        )
    )
    held = {"pUSD": wallet["cash"], **wallet["tokens"]}
    units = {asset: int(Decimal(amount) * 1_000_000) for asset, amount in held.items()}
    assert sums == units, (sums, units)
