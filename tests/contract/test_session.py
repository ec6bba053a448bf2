"""What crosses the rooms of a whole session: events to strategies, notes to their readers, inputs to a restart."""

import asyncio
import io
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, get_args

import msgspec
import pytest

from backtest.own_tape import OwnTape, write_tape
from config import Settings
from console import Console
from domain.inputs import Input, InputKind
from domain.messages import (
    COUNTED,
    FeedChanged,
    FillReceived,
    MarketEvent,
    MarketListed,
    OrderChanged,
    SnapshotRejected,
    StrategyEvent,
    TickSizeChanged,
)
from guard import Guard
from recovery import open_session
from reporter import Outcome
from session import Session, Surroundings
from storage.queries import why, why_market
from storage.sessions import RunInfo
from storage.store import Store
from tests.contract.crossings import ROOT
from tests.contract.examples import INPUT, MARKET_EVENTS
from tests.contract.listener import Call, Failing, listening
from tests.support.trading import NOW_NS, UP, S, book, intent, listed, shown
from tests.venues.paper_floor import NO_CHANCE

NOT_FOR_STRATEGIES = (MarketListed, TickSizeChanged, SnapshotRejected, FeedChanged)
EVENTS: list[MarketEvent] = [
    listed(),
    *(shown(book("0.49x100", "0.51x100", time_ns=NOW_NS + part * S // 10)) for part in (1, 2, 3)),
    *(event for kind, event in MARKET_EVENTS.items() if kind is not MarketListed),
]
INPUTS = [
    Input(position=3, kind=InputKind.PAUSE, strategy="alpha", reason="asked to"),
    Input(position=4, kind=InputKind.RESUME, strategy="alpha", reason="asked again"),
]
RUN = RunInfo(mode="dry-run", market="x", strategies=("alpha",), seed=1, config_hash="0", version="0")


class Played(NamedTuple):
    """A session that has ended, what its first strategy heard, and what a person saw of it."""

    db: Path
    outcome: Outcome
    calls: list[Call]
    shown: str


@pytest.fixture(name="played", scope="module")
def played_session(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Every kind of market event, one order, one strategy that fails, a pause and its end."""
    folder = tmp_path_factory.mktemp("session")
    write_tape(folder / "tape.jsonl.gz", EVENTS, label="every kind")
    tape, db, stream = OwnTape(folder / "tape.jsonl.gz"), folder / "x.db", io.StringIO()
    settings = Settings(strategies=("alpha", "beta"), db=db, paper=NO_CHANCE)
    alpha = listening()
    alpha.says["on_book"] = intent("BUY 10 UP 0.51 FAK", key="a key")
    strategies = [alpha, Failing()]
    guard = Guard(db)
    opened = open_session(settings, tape, strategies, guard=guard)._replace(inputs=list(INPUTS))
    with guard, asyncio.Runner() as runner:
        around = Surroundings(Console(stream), guard)
        outcome = runner.run(Session(settings, tape, strategies, opened, around).play())
    return Played(db, outcome, alpha.calls, stream.getvalue())


def test_strategies_are_given_every_market_event_that_is_for_them(played: Played) -> None:
    given = [call.event for call in played.calls if isinstance(call.event, get_args(MarketEvent))]

    assert given == [event for event in EVENTS if not isinstance(event, NOT_FOR_STRATEGIES)]
    assert set(NOT_FOR_STRATEGIES) == set(get_args(MarketEvent)) - set(get_args(StrategyEvent))
    assert {type(event) for event in EVENTS} == set(get_args(MarketEvent))


def test_a_run_begins_and_ends_for_a_strategy_and_rings_its_timer(played: Played) -> None:
    hooks = [call.hook for call in played.calls]
    rung = [call.view_ns - NOW_NS for call in played.calls if call.hook == "on_timer"]

    assert (hooks[0], hooks[-1]) == ("on_start", "on_stop")
    assert (hooks.count("on_start"), hooks.count("on_stop")) == (1, 1)
    assert rung[:2] == [4 * S, 8 * S]


def test_an_order_and_its_fill_are_told_to_the_strategy(played: Played) -> None:
    orders = [call.event.order.status for call in played.calls if isinstance(call.event, OrderChanged)]
    fills = [call.event.settlement for call in played.calls if isinstance(call.event, FillReceived)]

    assert orders == ["OPEN", "FILLED"]
    assert fills == ["PENDING", "SETTLED"]


# --- notes that another room reads ----------------------------------------------------------------------

PAYLOADS = {
    "market.listed": "market slug",
    "market.tick_size": "instrument tick_size",
    "market.resolved": "market payouts",
    "book.rejected": "instrument reason",
    "feed.broken": "instruments epoch reason",
    "strategy.error": "strategy error",
    "strategy.stopped": "strategy reason",
    "strategy.paused": "strategy reason",
    "strategy.resumed": "strategy reason",
}
"""Keys of the notes: `console.learn` and `why --market` read them, and so do people with sqlite3."""


def test_notes_have_the_keys_that_their_readers_expect(played: Played) -> None:
    with closing(sqlite3.connect(played.db)) as connection:
        rows = connection.execute("SELECT DISTINCT type, payload FROM events").fetchall()

    assert {kind: " ".join(json.loads(payload)) for kind, payload in rows} == PAYLOADS


def test_the_console_learns_the_name_of_a_market_from_its_listing(played: Played) -> None:
    (line,) = [line for line in played.shown.splitlines() if "filled" in line]

    assert "· btc-updown-15m ·" in line


@pytest.mark.parametrize("name", ["btc-updown-15m", "m", UP])
def test_the_reader_of_gates_finds_the_market_and_what_became_of_each_strategy(
    played: Played, name: str
) -> None:
    lines = asyncio.run(why_market(played.db, name, since_s=None))

    told = "\n".join(lines)
    assert lines[0] == "MARKET btc-updown-15m, session s1"
    assert "  resolved 2026-09-28 12:00:08.000" in lines
    assert "  stopped since 2026-09-28 12:00:00.300: strategy beta raised ValueError: no idea" in lines
    assert "it did trade: 1 of 1 order filled." in told
    assert "paused since" not in told


def test_the_reader_of_orders_understands_the_controls_that_were_asked(played: Played) -> None:
    assert played.outcome.last_order_id is not None

    lines = asyncio.run(why(played.db, played.outcome.last_order_id))

    assert any(line.endswith("controls passed:") for line in lines)
    assert "    ✓ 10 duplicate intent none" in lines
    assert "  key a key" in lines


# --- inputs ---------------------------------------------------------------------------------------------


def test_every_value_of_an_input_reaches_the_restart(tmp_path: Path) -> None:
    async def note() -> None:
        store = Store.open(tmp_path / "x.db", account_kind="paper")
        store.begin(fingerprint={}, run=RUN, fresh=False)
        store.add_input(INPUT)
        await store.close()

    async def read() -> list[Input]:
        store = Store.open(tmp_path / "x.db", account_kind="paper")
        store.begin(fingerprint={}, run=RUN, fresh=False)
        inputs = store.inputs()
        await store.close()
        return inputs

    asyncio.run(note())

    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        cursor = connection.execute("SELECT * FROM inputs")
        row = dict(zip((column[0] for column in cursor.description), cursor.fetchone(), strict=True))
    assert row == {"id": 1, "session": "s1", **msgspec.structs.asdict(INPUT)}
    assert asyncio.run(read()) == [INPUT]


def test_every_kind_of_input_has_the_word_that_is_stored() -> None:
    words = {kind.name: kind.value for kind in InputKind}

    assert words == {"KEEP": "keep", "CANCEL": "cancel", "PAUSE": "pause", "RESUME": "resume", "HALT": "halt"}
    assert [kind.name for kind in InputKind if kind.is_stop] == ["KEEP", "CANCEL"]


# --- the result -----------------------------------------------------------------------------------------

RESULT = "run_id session mode market events snapshots_rejected wall_s stopped_by strategies executor equity invariants"
FIGURES = "state signals orders fills denials duplicates realized_pnl unrealized_pnl fees"
EXECUTOR = "orders latency_ms_p50 latency_ms_p99"


def test_the_result_has_the_keys_that_programs_rely_on(tmp_path: Path) -> None:
    write_tape(tmp_path / "tape.jsonl.gz", EVENTS, label="every kind")
    options = ("--strategies", "sniper", "--tape", "tape.jsonl.gz", "--db", "x.db", "--json")

    done = subprocess.run(
        [sys.executable, str(ROOT / "orchestrator.py"), *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    result = json.loads(done.stdout)
    assert " ".join(result) == RESULT
    assert " ".join(result["strategies"]["sniper"]) == FIGURES
    assert " ".join(result["executor"]) == EXECUTOR
    assert result["events"] == sum(isinstance(event, COUNTED) for event in EVENTS)
    assert (result["mode"], result["market"], result["invariants"]) == ("dry-run", "replay", "ok")
