"""Entry point: reads the command line, starts the session, prints what it brought.

tape ─► backtest/lockstep.py ─► runner.py: inbox ─► engine.py: step ─► order_manager.py: check, reserve
                                                                                  │ Decision
strategies/*.py ◄─ news ─ executor.py: commit (storage/) ─► send (venues/) ◄──────┘
                                ▲                                │
                                └──── engine.apply ◄── report ───┘
"""

import asyncio
import contextlib
import importlib
import logging
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import ModuleType

import msgspec
import uvloop

import clock
from backtest.generated.market import GeneratedMarket
from backtest.generated_target import WithGeneratedTarget
from backtest.open_tape import open_tape
from backtest.tape import Tape
from clock import monotonic_s
from config import (
    COPY_TRADER,
    Command,
    ControlCommand,
    DecideCommand,
    MarketSource,
    Mode,
    NewStrategyCommand,
    Settings,
    WhyCommand,
    WhyMarketCommand,
    load,
    nearest,
)
from console import Console, silence, summary_lines
from control import Request, speak
from domain.errors import ConfigurationError, InvariantError, StoppedEarlyError, StoreError, UserError
from guard import Guard
from recovery import open_session
from reporter import Outcome
from scaffold import new_strategy
from session import Session, Surroundings, tune_interpreter
from storage.cache import check_url
from storage.queries import why, why_market
from storage.why_market import parse_since
from strategies import loader
from strategies.base_strategy import BaseStrategy
from telemetry import fields, setup

LOG = logging.getLogger("daemon")
Begin = Callable[[list[BaseStrategy], Surroundings, bool], Coroutine[None, None, Outcome]]
"""Opens what a session needs and returns the session to run; True where an earlier attempt of this process failed."""

COMMITS_FAILED_MAX = 3
"""Failed commits after which the daemon gives up instead of reading the store once more."""


def main(argv: Sequence[str]) -> int:
    """Run the command line; a person's mistake is one line on standard error and exit code 2."""
    try:
        command = load(argv)
        if isinstance(command, Settings):
            return trade(command)
        lines, code = _obey(command)
        print("\n".join(lines))
        return code
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except StoppedEarlyError as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 0
    except InvariantError as error:
        LOG.critical("halted", exc_info=error)
        print(f"halted: {error}; nothing more is sent, and the store holds all up to here", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("interrupted before anything was started", file=sys.stderr)
        return 130


def _loaded(name: str) -> ModuleType:
    """A part of live trading, loaded when it is wanted: the venues' client libraries take a second to load, and a
    mistyped option, or a recording, needs none of them."""
    return importlib.import_module(name)


def _obey(command: Command) -> tuple[list[str], int]:
    """Follow a command that is no run; return what to print and the exit code."""
    match command:
        case WhyCommand():
            return asyncio.run(why(command.db, command.identifier)), 0
        case WhyMarketCommand():
            since_s = parse_since(command.since) if command.since else None
            return asyncio.run(why_market(command.db, command.market, since_s=since_s)), 0
        case ControlCommand():
            return speak(command.db, Request(action=command.action, strategy=command.strategy)), 0
        case DecideCommand():
            request = Request(action="decide", order=command.order_id, decision=command.decision)
            return speak(command.db, request), 0
        case NewStrategyCommand():
            return new_strategy(command.name, root=Path(__file__).resolve().parent), 0
        case _:
            obeyed: tuple[list[str], int] = _loaded("live.commands").obey(command)
            return obeyed


def trade(settings: Settings) -> int:
    """Trade until the events end, a limit is reached or a signal comes; print the summary."""
    started_s = monotonic_s()
    check_url(settings.environment.get("REDIS_URL"))
    _load_strategies(settings)
    settings = _with_caution(_with_source(settings))
    is_live = settings.market is MarketSource.LIVE
    start = _loaded("live.entry").LiveStart(settings) if is_live else None
    begin = start.play if start else _replay(settings, _open_tape(settings))
    console = Console(sys.stderr if settings.json_output else sys.stdout)
    tune_interpreter()
    log_dir, level = settings.run.log_dir, settings.log_level.value
    telemetry = setup(log_dir, strategies=settings.strategies, level=level, clock=clock)
    for secret in (*settings.secrets(), *(start.secrets if start else ())):
        telemetry.register_secret(secret)
    with contextlib.closing(telemetry):
        around = Surroundings(console, Guard(settings.db), telemetry.redact, telemetry.register_secret)
        outcome = _play(settings, begin, around)
    result = _result(outcome, settings, wall_s=monotonic_s() - started_s)
    if settings.json_output:
        try:
            print(msgspec.json.Encoder(decimal_format="number").encode(result).decode(), flush=True)
        except OSError:
            silence(sys.stdout)
        return 0
    latency_ms = outcome.latency_ms_p50, outcome.latency_ms_p99
    table = summary_lines(
        outcome.figures, cash=outcome.cash, equity=outcome.equity, asset=outcome.asset, latency_ms=latency_ms
    )
    for line in (*table, *_next_steps(outcome, settings)):
        console.say(line)
    return 0


def _with_source(settings: Settings) -> Settings:
    """Who selects markets of a venue, or sends orders there, wants its live data; else the recording plays."""
    if settings.market is not MarketSource.AUTO:
        return settings
    wants_live = settings.mode is Mode.LIVE or settings.venue.select
    market = MarketSource.LIVE if wants_live else MarketSource.REPLAY
    return msgspec.structs.replace(settings, market=market)


def _with_caution(settings: Settings) -> Settings:
    """With real money, copy_trader copies nobody before it has judged him, unless the file says otherwise."""
    if settings.mode is not Mode.LIVE or COPY_TRADER not in settings.strategies:
        return settings
    given = settings.strategy_parameters.get(COPY_TRADER, {})
    careful = {COPY_TRADER: {"wait_for_verdict": True, **given}}
    return msgspec.structs.replace(settings, strategy_parameters={**settings.strategy_parameters, **careful})


def _play(settings: Settings, begin: Begin, around: Surroundings) -> Outcome:
    """Play the session; a failed commit discards memory as a whole and reads the store again."""
    for attempt in range(COMMITS_FAILED_MAX):
        playing = begin(_load_strategies(settings), around, attempt > 0)
        try:
            with around.guard, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return runner.run(playing)
        except StoreError as error:
            LOG.error(
                "a commit failed: memory is discarded, the store read again", extra=fields(error=str(error))
            )
    raise UserError(
        f"{settings.db}: {COMMITS_FAILED_MAX} commits failed; free some disk space or give another --db"
    )


def _replay(settings: Settings, tape: Tape) -> Begin:
    """Sessions on a recording."""

    def begin(
        strategies: list[BaseStrategy], around: Surroundings, is_retry: bool
    ) -> Coroutine[None, None, Outcome]:
        opened = open_session(settings, tape, strategies, guard=around.guard, is_retry=is_retry)
        state = opened.state
        around.console.banner(_banner(settings, tape, state.session, is_resumed=state.is_resumed))
        return Session(settings, tape, strategies, opened, around).play()

    return begin


def _open_tape(settings: Settings) -> Tape:
    """The generated market, or a recording; one without other wallets gets an invented one to copy."""
    if settings.market is MarketSource.SIM:
        tape: Tape = GeneratedMarket(seed=settings.seed, hours=settings.run.sim_hours)
    else:
        tape = open_tape(settings.tape)
        tape = WithGeneratedTarget(tape) if COPY_TRADER in settings.strategies else tape
    _check_token_ids(settings, tape)
    return tape


def _load_strategies(settings: Settings) -> list[BaseStrategy]:
    for name in settings.strategy_parameters:
        if name not in loader.available():
            raise ConfigurationError(
                f"[strategies.{name}]: no such strategy{nearest(name, loader.available())}"
            )
    return [loader.load(name, settings.strategy_parameters.get(name, {})) for name in settings.strategies]


def _check_token_ids(settings: Settings, tape: Tape) -> None:
    for token_id in settings.token_ids:
        if token_id not in tape.instrument_ids:
            raise ConfigurationError(
                f"--token-id {token_id!r}: the recording does not list it{nearest(token_id, tape.instrument_ids)}"
            )


def _banner(settings: Settings, tape: Tape, session: str, *, is_resumed: bool) -> list[str]:
    is_generated = settings.market is MarketSource.SIM
    what = "a GENERATED, SYNTHETIC market" if is_generated else "a recording"
    begun = "resumed where it stood" if is_resumed else "new"
    return [
        f"DRY RUN on {what}: no real market, no real money, no network",
        f"{tape.label} · seed {settings.seed} · {settings.db}",
        f"session {session} ({begun}) · {', '.join(settings.strategies)} · {settings.cash:,} pUSD of paper money",
    ]


def _result(outcome: Outcome, settings: Settings, *, wall_s: float) -> dict[str, object]:
    """The figures that --json prints; amounts are exact decimal numbers."""
    return {
        "run_id": outcome.run_id,
        "session": outcome.session,
        "mode": settings.mode.value,
        "market": settings.market.value,
        "events": outcome.events,
        "snapshots_rejected": outcome.snapshots_rejected,
        "wall_s": round(wall_s, 3),
        "stopped_by": outcome.stopped_by,
        "strategies": {
            figures.strategy: {
                "state": outcome.states[figures.strategy],
                "signals": figures.signals,
                "orders": figures.orders,
                "fills": figures.fills,
                "denials": figures.denials,
                "duplicates": figures.duplicates,
                "realized_pnl": figures.realized_pnl,
                "unrealized_pnl": figures.unrealized_pnl,
                "fees": figures.fees,
            }
            for figures in outcome.figures
        },
        "executor": {
            "orders": outcome.orders_sent,
            "latency_ms_p50": outcome.latency_ms_p50,
            "latency_ms_p99": outcome.latency_ms_p99,
        },
        "equity": outcome.equity,
        "invariants": "ok",
    }


def _next_steps(outcome: Outcome, settings: Settings) -> list[str]:
    first = outcome.last_order_id or "ORDER_ID"
    return [
        f"{outcome.events:,} market events, {outcome.snapshots_rejected} snapshots rejected; {outcome.stopped_by}",
        "",
        f"why:   python orchestrator.py why {first} --db {settings.db}",
        f'look:  sqlite3 {settings.db} "SELECT * FROM trades ORDER BY timestamp DESC LIMIT 10;"',
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
