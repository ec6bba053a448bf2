"""`record` and `--record` against the simulated venues: what a feed told is on the tape, and a replay is a run."""

import asyncio
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import accumulate
from pathlib import Path

import msgspec
import pytest

from backtest.open_tape import open_tape
from backtest.own_tape import parts_of
from clock import NS_PER_MS, NS_PER_S, parse_time, wall_ns
from domain.messages import BookSnapshot, FeedChanged, MarketEvent, MarketListed, PriceTick
from live.recording import Recorder
from simulator.faults import ArmedFault, Fault
from simulator.polymarket.player import Player
from simulator.polymarket.recording import Recording
from simulator.polymarket.server import polymarket_simulator
from tests.end_to_end.daemon import EMBEDDED, ROOT, Daemon, Ended, assert_refused, assert_same, environment_of
from tests.end_to_end.guests import make_tree
from tests.simulator.polymarket.clients import official_client
from tests.venues.polymarket.loopback import running
from venues.polymarket.feed import PolymarketFeed
from venues.polymarket.feed_plan import FeedPlan
from venues.polymarket.hosts import single_host

pytestmark = pytest.mark.slow

SPEED, RECORD_S = 20, 20.0
SELECT = ("--select", "tag:crypto")
CUT = ArmedFault(fault=Fault.CUT_STREAM, endpoint="ws /ws/market *")
REFUSED = ArmedFault(fault=Fault.REFUSED_STREAM, endpoint="ws /ws/market*", times=4)
"""Keeps the break open for some seconds."""

WAIT_S_MAX = 30

INSISTS = '''"""Buys what it saw last, each second, whatever the books do."""

from decimal import Decimal

from domain.instrument import Side
from domain.order import Intent, TimeInForce
from strategies.base_strategy import BaseStrategy, state


class Insists(BaseStrategy):
    """Five shares at a time, a cent above the best offer."""

    timer_interval_s = 1
    _asks: dict = state(dict)

    def on_book(self, event, view):
        if event.book.best_ask:
            self._asks[event.book.instrument_id] = event.book.best_ask.price
        return ()

    def on_timer(self, event, view):
        for instrument_id, price in list(self._asks.items())[:1]:
            yield Intent(
                instrument_id=instrument_id,
                side=Side.BUY,
                quantity=Decimal(5),
                price=price,
                signal_key=f"{instrument_id} {event.time_ns}",
                reason="it insists",
                time_in_force=TimeInForce.FAK,
            )
'''


async def recorded(folder: Path) -> list[MarketEvent]:
    """Record a playing venue whose stream is cut once; give what the feed told in the same run."""
    told: list[MarketEvent] = []
    async with polymarket_simulator(seed=1) as simulator:
        Player(simulator.venue).play(Recording(EMBEDDED), speed=Decimal(SPEED))
        tape = Recorder(folder, label="a rehearsal")

        def both(event: MarketEvent) -> None:
            told.append(event)
            tape.take(event)

        hosts = single_host(simulator.url, stream_url=simulator.ws_url)
        async with running(PolymarketFeed(FeedPlan(tags=("crypto",)), both, hosts=hosts).run()):
            await asyncio.sleep(RECORD_S / 2)
            simulator.faults.arm(REFUSED)
            simulator.faults.arm(CUT)
            await asyncio.sleep(RECORD_S / 2)
        await asyncio.to_thread(tape.close)
        assert tape.failure == ""
    return told


def in_order(events: list[MarketEvent]) -> list[MarketEvent]:
    """The same, each no earlier than the one before: the feed reads its clock once for several events."""
    times = accumulate((event.time_ns for event in events), max)
    return [msgspec.structs.replace(event, time_ns=t) for event, t in zip(events, times, strict=True)]


@pytest.fixture(name="daemon")
def daemon_in_an_empty_folder(tmp_path: Path) -> Daemon:
    return Daemon(tmp_path)


def test_a_tape_holds_what_the_feed_told_with_its_gap_and_replays_alike(tmp_path: Path) -> None:
    told = asyncio.run(recorded(tmp_path / "tapes"))

    events = list(open_tape(tmp_path / "tapes").events())
    books = [event for event in events if isinstance(event, BookSnapshot)]
    broken = [event for event in events if isinstance(event, FeedChanged) and "connection" in event.reason]
    assert events == in_order(told)
    assert all(one.time_ns - other.time_ns < NS_PER_MS for one, other in zip(events, told, strict=True))
    assert len(books) > 100
    assert [event.is_live for event in broken] == [False]
    assert [event.time_ns for event in events] == sorted(event.time_ns for event in events)

    tree = make_tree(tmp_path / "tree")
    (tree / "strategies" / "insists.py").write_text(INSISTS)
    words, strategies = ("--tape", str(tmp_path / "tapes")), "sniper,copy_trader,insists"
    one, other = (Daemon(tmp_path / name, tree) for name in ("one", "other"))
    for daemon in (one, other):
        daemon.folder.mkdir()
    whole = one.trade(*words, strategies=strategies).result
    other.trade(*words, "--events", str(len(books) // 2), strategies=strategies)
    other.trade(*words, strategies=strategies)

    (gap_ns,) = (event.time_ns for event in broken)
    mended_ns = min(event.time_ns for event in events if event.time_ns > gap_ns and is_mending(event))
    assert mended_ns - gap_ns > NS_PER_S  # the guest's timer rings in it
    denied = one.rows(
        "SELECT timestamp FROM denials WHERE control = '17 stale data' AND value = 'a broken feed'"
    )
    assert denied
    assert all(gap_ns <= parse_time(time) <= mended_ns for (time,) in denied)
    assert whole.strategies["insists"].fills > 0
    assert_same(one.tables(), other.tables())


def is_mending(event: MarketEvent) -> bool:
    return isinstance(event, FeedChanged) and event.is_live


class Simulator:
    """The simulated venues in a process of their own."""

    def __init__(self) -> None:
        words = ("--recording", str(EMBEDDED), "--speed", str(SPEED))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulator", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.urls: dict[str, str] = json.loads(self.process.stdout.readline())

    def cut(self) -> None:
        """Hang up on the market stream at its next message."""
        body = json.dumps({"fault": CUT.fault.value, "endpoint": CUT.endpoint}).encode()
        request = urllib.request.Request(f"{self.urls['polymarket']}/_sim/faults", body)
        urllib.request.urlopen(request, timeout=WAIT_S_MAX).close()


@pytest.fixture(name="simulator", scope="module")
def simulator_for_all() -> Iterator[Simulator]:
    """One for all tests of this file: each of them has its own recorder."""
    simulator = Simulator()
    yield simulator
    simulator.process.terminate()
    simulator.process.communicate()


@contextmanager
def orchestrator(daemon: Daemon, simulator: Simulator, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """The daemon's command line as a process that does not outlive the block."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "orchestrator.py"), *words],
        cwd=daemon.folder,
        env=environment_of({"POLYMARKET_URL": simulator.urls["polymarket"]}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_books(folder: Path, *, parts: int = 1, books: int = 20) -> None:
    """Wait until the latest part holds so many."""
    deadline_s = time.monotonic() + WAIT_S_MAX
    while len(found := parts_of(folder)) < parts or books_of(found[-1]) < books:
        assert time.monotonic() < deadline_s, found
        time.sleep(0.1)


def books_of(path: Path) -> int:
    return sum(isinstance(event, BookSnapshot) for event in open_tape(path).events())


def test_a_killed_recorder_loses_a_second_and_the_next_goes_on_after_a_gap(
    daemon: Daemon, simulator: Simulator
) -> None:
    tapes = daemon.folder / "tapes"
    words = ("record", "--out", str(tapes), *SELECT)
    with orchestrator(daemon, simulator, *words) as recorder:
        wait_for_books(tapes)
        recorder.send_signal(signal.SIGKILL)
        killed_ns = wall_ns()
        recorder.wait()
    last = max(event.time_ns for event in open_tape(tapes).events())
    assert killed_ns - last < 3 * NS_PER_S  # a second, and what a busy machine adds

    with orchestrator(daemon, simulator, *words) as recorder:
        wait_for_books(tapes, parts=2)
        recorder.send_signal(signal.SIGINT)
        told, _ = recorder.communicate()

    assert recorder.returncode == 0
    assert told.startswith("recorded ")
    assert "in 1 part(s)" in told
    gaps = [
        event for event in open_tape(tapes).events() if isinstance(event, FeedChanged) and not event.is_live
    ]
    assert any("nothing was recorded between two parts" in gap.reason for gap in gaps)
    assert daemon.trade("--tape", str(tapes)).result.events >= 40


def test_a_run_that_records_leaves_a_tape_that_replays(daemon: Daemon, simulator: Simulator) -> None:
    tapes = daemon.folder / "tapes"
    words = ("--strategies", "sniper", "--record", str(tapes), "--db", str(daemon.folder / "live.db"))
    with orchestrator(daemon, simulator, *words, *SELECT) as run:
        wait_for_books(tapes)
        simulator.cut()
        wait_for_books(tapes, books=80)
        run.send_signal(signal.SIGTERM)
        told, errors = run.communicate()

    assert run.returncode == 0, errors
    assert "recorded " in told
    events = list(open_tape(tapes).events())
    assert isinstance(events[0], MarketListed)
    assert any(isinstance(event, FeedChanged) and not event.is_live for event in events)
    assert daemon.trade("--tape", str(tapes)).result.events >= 80


def test_pairs_of_an_exchange_are_recorded_with_their_candles(daemon: Daemon, simulator: Simulator) -> None:
    url, stream = simulator.urls["binance"], simulator.urls["binance_ws"]
    tapes, config = daemon.folder / "tapes", daemon.folder / "desk.toml"
    config.write_text(
        f"[venue]\nname = 'binance'\n[venue.urls.api]\npublic = '{url}/api/v3'\nprivate = '{url}/api/v3'\n"
        f"sapi = '{url}/sapi/v1'\n[venue.urls.api.ws]\nspot = '{stream}/stream/ws'\n"
    )
    words = (
        "record",
        "--out",
        str(tapes),
        "--config",
        str(config),
        "--select",
        "BTC/USDT",
        "--duration",
        "6",
    )

    ended = daemon.run(*words, "--candles", "BTC/USDT,ETH/USDT")

    assert ended.code == 0, ended.stderr
    assert " candles" in ended.stdout
    assert open_tape(tapes).instrument_ids == {"binance:BTC/USDT"}
    assert len(list(tapes.glob("candles-*.gz"))) == 1


def test_settlement_prices_are_recorded_for_who_has_an_api_key(daemon: Daemon) -> None:
    async def play() -> Ended:
        async with polymarket_simulator(seed=1) as simulator, official_client(simulator) as client:
            key = simulator.venue.keys.derive(client.wallet, 0)
            assert key is not None
            given = {"KEY": key.key, "SECRET": key.secret, "PASSPHRASE": key.passphrase}
            environment = {f"POLYMARKET_API_{name}": value for name, value in given.items()}
            words = ("record", "--out", "tapes", "--select", "btc-updown-5m", "--duration", "4")
            return await asyncio.to_thread(daemon.run, *words, POLYMARKET_URL=simulator.url, **environment)

    ended = asyncio.run(play())

    assert ended.code == 0, ended.stderr
    prices = [event for event in open_tape(daemon.folder / "tapes").events() if isinstance(event, PriceTick)]
    assert {price.feed for price in prices} >= {"chainlink:BTC"}


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        pytest.param(("--venue", "binance"), ("nothing to record", "--select BTC/USDT"), id="no pairs"),
        pytest.param(("--out", "/dev/null/x"), ("nothing can be recorded there",), id="no folder"),
    ],
)
def test_what_cannot_be_recorded_is_refused_in_one_line(
    daemon: Daemon, words: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    assert_refused(daemon.run("record", *words), *parts)


def test_a_venue_that_is_not_there_ends_the_command_in_one_line(daemon: Daemon) -> None:
    ended = daemon.run("record", POLYMARKET_URL="http://127.0.0.1:9")

    assert ended.code == 2
    assert "cannot be reached" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
