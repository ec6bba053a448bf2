"""The real daemon on an exchange: the simulated one as a process of its own, and what both say of the account."""

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

from control import Request, speak
from domain.errors import UserError
from tests.end_to_end.daemon import ROOT, Daemon, Ended, environment_of
from tests.end_to_end.guests import make_tree

KEY, SECRET = "a-key-that-ends-in-7f3d", "a-secret-of-nobody"
PAIR, SYMBOL = "BTC/USDT", "BTCUSDT"
FUNDS = {"USDT": "10000", "BTC": "0.5", "BNB": "3"}
WAIT_S_MAX, STEP_S = 40, 0.02
UNIT = Decimal("0.00000001")

ENVIRONMENT = {
    "BINANCE_API_KEY": KEY,
    "BINANCE_SECRET": SECRET,
    "LIVE_TRADING": "yes",
    "LIVE_CONFIRM": KEY[-4:],
}

Json = dict[str, Any]

OBEYS = '''"""Does what stands in a file: a hand for the tests."""

from decimal import Decimal
from pathlib import Path

from domain.instrument import Side
from domain.messages import CancelIntent
from domain.order import Intent, TimeInForce
from strategies.base_strategy import BaseStrategy

WISHES = Path("wishes.txt")


class Obeys(BaseStrategy):
    """A line is `KEY BUY|SELL QUANTITY PRICE TIF`, or `KEY cancel KEY`; wished at every book, and done once."""

    def on_book(self, event, view):
        for line in WISHES.read_text().splitlines() if WISHES.exists() else ():
            key, verb, what, *terms = line.split()
            if verb != "cancel":
                yield self._intent(event.book.instrument_id, key, Side(verb), what, *terms)
            for order in view.orders() if verb == "cancel" else ():
                if order.intent_id.endswith(f"/{what}/0"):
                    yield CancelIntent(order_id=order.id, reason="the file says so")

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

SETTINGS = """
[venue]
name = "binance"

[venue.options]
defaultType = "spot"

[venue.urls.api]
public = "{url}/api/v3"
private = "{url}/api/v3"
sapi = "{url}/sapi/v1"

[venue.urls.api.ws]
spot = "{ws_url}/stream/ws"

[venue.urls.api.ws.ws-api]
spot = "{ws_url}/ws-api/v3"
"""


class Simulator:
    """The simulated exchange in a process of its own, steered and read through its control paths."""

    def __init__(self) -> None:
        words = ("-m", "simulator", "--venues", "binance")
        self._process = subprocess.Popen(
            [sys.executable, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        addresses: Json = json.loads(self._process.stdout.readline())
        self.url: str = addresses["binance"]
        self.ws_url: str = addresses["binance_ws"]

    def say(self, path: str, body: object | None = None, *, method: str = "POST") -> Any:
        """Speak to a control path."""
        data = json.dumps(body or {}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/_sim/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    @property
    def account(self) -> Json:
        """Balances (free and locked), orders and fills of our key: the truth."""
        row: Json = self.say(f"accounts/{KEY}", method="GET")
        return row

    @property
    def totals(self) -> dict[str, Decimal]:
        """What the account owns of each asset, locked or not."""
        return {
            asset: Decimal(free) + Decimal(locked)
            for asset, (free, locked) in self.account["balances"].items()
        }

    @property
    def open_orders(self) -> list[Json]:
        """Our orders that rest."""
        return [row for row in self.account["orders"] if row["state"] in ("NEW", "PARTIALLY_FILLED")]

    def end(self) -> None:
        """Stop serving."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Trading:
    """A daemon on the simulated exchange; it can be killed and started again in its folder."""

    def __init__(self, folder: Path, tree: Path, simulator: Simulator) -> None:
        self.daemon = Daemon(folder, tree)
        self.simulator = simulator
        self._process: subprocess.Popen[bytes] | None = None
        self._wishes = folder / "wishes.txt"
        self._nudges = 0
        settings = SETTINGS.format(url=simulator.url, ws_url=simulator.ws_url)
        (folder / "settings.toml").write_text(settings)

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The daemon at work."""
        assert self._process is not None, "not started yet"
        return self._process

    def start(self, mode: str = "live", *options: str) -> None:
        """Start it, and wait until the gate is open."""
        limit = ("--mode", mode, "--notional-max", "5000")
        words = ("--strategies", "obeys", *limit, *self._venue(), *options)
        with (self.daemon.folder / "out.txt").open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, str(self.daemon.root / "orchestrator.py"), *words],
                cwd=self.daemon.folder,
                env=environment_of(ENVIRONMENT),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.wait_until(lambda: "gate: open" in self.status)

    @property
    def status(self) -> list[str]:
        """What it answers to `status`; nothing while it does not answer."""
        with suppress(UserError, OSError):
            return speak(self.daemon.db, Request(action="status", strategy=""))
        return []

    @property
    def printed(self) -> str:
        """All that it has printed so far, earlier processes included."""
        return (self.daemon.folder / "out.txt").read_text()

    def wish(self, *lines: str) -> None:
        """Have these lines obeyed at the next book, which comes at once."""
        with self._wishes.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    def nudge(self) -> None:
        """Make a book: the house moves by a few ticks around 60,000."""
        self._nudges += 1
        self.simulator.say("quote", {"symbol": SYMBOL, "middle": str(60_000 + self._nudges % 5)})

    def arm(self, fault: str, endpoint: str, **parameters: object) -> None:
        """Let a fault strike the next request of this kind."""
        body = {"fault": fault, "endpoint": endpoint, "times": 1, "parameters": parameters}
        self.simulator.say("faults", body)

    def pause(self, seconds: float) -> None:
        """Show books for a while."""
        deadline_s = time.monotonic() + seconds
        while time.monotonic() < deadline_s:
            self.nudge()

    def doubtful(self) -> list[str]:
        """Orders of which the daemon does not know what became."""
        waiting = ("SENDING", "UNKNOWN", "CANCEL_SENDING", "CANCEL_UNKNOWN")
        return [key for key, status in self.states().items() if status in waiting]

    def wait_until(self, holds: Callable[[], bool], *, seconds: float = WAIT_S_MAX) -> None:
        """Look again and again until it is so, a book each time; fails where the daemon has ended, or it takes long."""
        deadline_s = time.monotonic() + seconds
        while not holds():
            assert self.process.poll() is None, self.printed
            assert time.monotonic() < deadline_s, (
                self.printed[-4_000:],
                self.states(),
                self.simulator.account,
            )
            self.nudge()
            time.sleep(STEP_S)

    def states(self) -> dict[str, str]:
        """The state of each order by its key, as stored."""
        rows = self.daemon.seen("SELECT intent_id, status FROM orders ORDER BY created_at")
        return {intent.split("/")[2]: status for intent, status in rows}

    def knows(self, key: str) -> bool:
        """Say whether the order of this key is stored."""
        return key in self.states()

    def wait_for(self, **states: str) -> None:
        """Wait until the orders of these keys are stored in these states."""
        self.wait_until(lambda: states.items() <= self.states().items())

    def settle(self) -> None:
        """Wait until every fill that is stored is final."""
        self.wait_until(lambda: not self.daemon.rows("SELECT 1 FROM trades WHERE settlement = 'PENDING'"))

    def reconcile(self) -> Ended:
        """Compare once, as a person at a shell would."""
        return self.daemon.run("reconcile", *self._venue(), **ENVIRONMENT)

    def _venue(self) -> tuple[str, ...]:
        where = ("--venue", "binance", "--select", PAIR, "--config", "settings.toml")
        return (*where, "--db", str(self.daemon.db))

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """Ask it to stop, and wait for its end."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT_S_MAX)

    def booked(self) -> dict[str, Decimal]:
        """What the ledger calls ours, by asset: money that is free or set aside, and what strategies hold."""
        rows = self.daemon.rows(
            "SELECT asset, sum(units), scale FROM ledger WHERE account LIKE 'CASH:%' OR account LIKE 'RESERVED:%'"
            " OR (account LIKE 'INVENTORY:%' AND asset != 'USDT') GROUP BY asset, scale HAVING sum(units) != 0"
        )
        return {asset: Decimal(units).scaleb(-scale) for asset, units, scale in rows}


@contextmanager
def exchange_floor(folder: Path) -> Iterator[Trading]:
    """An exchange with an account, and a daemon that is not started yet; both end with the block."""
    tree = folder / "tree"
    tree.mkdir()
    make_tree(tree)
    (tree / "strategies" / "obeys.py").write_text(OBEYS)
    (folder / "work").mkdir()
    simulator = Simulator()
    trading = Trading(folder / "work", tree, simulator)
    try:
        simulator.say("accounts", {"api_key": KEY, "secret": SECRET, "funds": FUNDS})
        yield trading
    finally:
        trading.kill()
        simulator.end()
        shutil.rmtree(tree)


def assert_same_truth(trading: Trading) -> None:
    """The database and the exchange tell of the same orders, fills and balances, to the last unit."""
    db, simulator = trading.daemon, trading.simulator
    account = simulator.account
    ours = db.rows(
        "SELECT venue_order_id, filled_size FROM payloads JOIN orders ON id = order_id"
        " WHERE status NOT IN ('REJECTED', 'ABORTED', 'DEAD')"
    )
    theirs = {row["client_order_id"]: float(row["filled"]) for row in account["orders"]}
    assert dict(ours) == theirs
    stored = "SELECT venue_order_id FROM payloads JOIN orders ON id = order_id"
    resting = db.rows(f"{stored} WHERE status IN ('OPEN', 'PARTIALLY_FILLED')")
    assert {one for (one,) in resting} == {row["client_order_id"] for row in simulator.open_orders}
    trades = {str(fill["trade"]["id"]) for fill in account["fills"]}
    assert {one for (one,) in db.rows("SELECT trade_id FROM trades")} == trades
    fees = {str(fill["trade"]["id"]): (float(fill["fee"]), fill["fee_asset"]) for fill in account["fills"]}
    assert {
        t: (fee, asset) for t, fee, asset in db.rows("SELECT trade_id, fee, fee_asset FROM trades")
    } == fees
    before = {asset: Decimal(amount) for asset, amount in FUNDS.items() if asset != "USDT"}
    booked = trading.booked()
    expected = {a: booked.get(a, Decimal(0)) + before.get(a, Decimal(0)) for a in simulator.totals}
    assert expected == simulator.totals
