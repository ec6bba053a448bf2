"""One session in one process: the parts wired together, played to the end or to a stop, and its figures."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import NamedTuple

import logbook
from backtest.lockstep import Lockstep, Parts
from backtest.tape import Tape
from backtest.timeline import Timeline
from clock import NS_PER_S, monotonic_s
from config import Settings, nearest
from console import Console
from control import Answer, Request, listening
from domain.errors import StoppedEarlyError
from domain.identifiers import InstrumentId
from domain.inputs import InputKind
from domain.messages import MarketEvent
from engine import Engine
from executor import Executor
from guard import Guard
from order_manager import OrderManager
from recovery import Opened
from reporter import Outcome, Reporter
from runner import Backlog, Runner, Supervision
from state.market import MarketData
from storage.cache import open_cache
from strategies.base_strategy import BaseStrategy
from venues.paper import PaperVenue

COMMANDS = ("status", "pause", "resume")

SWITCH_INTERVAL_S = 1e-4
"""How long the interpreter lets a busy loop run while the writer thread waits: bounds a commit under load."""

GARBAGE_THRESHOLDS = 50_000, 20, 100
"""Objects between two searches for cycles. Events, orders and rows have none, so the default of 700 only searches
the books and the orders that work again and again: it cost a third of what the inboxes can carry."""


def tune_interpreter() -> None:
    """Set what a process that trades needs of the interpreter; once, when everything is imported."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


class StopRequest:
    """Set by a signal, a deadline or a limit; the driver sees it before the next market event."""

    def __init__(self) -> None:
        self.reason = ""
        self._event = asyncio.Event()

    def set(self, reason: str) -> None:
        """Ask for a stop; the first reason stays."""
        self.reason = self.reason or reason
        self._event.set()

    async def wait_s(self, delay_s: float) -> None:
        """Wait for the request, at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._event.wait()


def watch_signals(stop: StopRequest, *, duration_s: Decimal | None) -> None:
    """The first signal stops in order; a second one ends the process at once: what was acknowledged is durable."""

    def on_signal(number: signal.Signals) -> None:
        if stop.reason.startswith("SIG"):
            os._exit(128 + number)
        stop.set(f"{number.name}")

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal, number)
    if duration_s is not None:
        loop.call_later(float(duration_s), stop.set, "the --duration is over")


class Surroundings(NamedTuple):
    """What a session is shown through and held by: one of each per process. `hide` takes a value that no log may show,
    such as credentials that are derived on the way."""

    console: Console
    guard: Guard
    redact: Callable[[str], str] = str
    hide: Callable[[str], None] = lambda _: None


class Session:
    """Built once per attempt; a failed commit throws it away as a whole, and another is built from the store."""

    def __init__(
        self,
        settings: Settings,
        tape: Tape,
        strategies: list[BaseStrategy],
        opened: Opened,
        surroundings: Surroundings,
    ) -> None:
        self._settings = settings
        self._tape = tape
        self._console, self._guard, self._redact, _ = surroundings
        self._store, self._state, self._inputs = opened
        self._resumed_at = self._state.last_position
        self._is_limited = settings.speed is not None or settings.events_max is not None
        self._stop = StopRequest()
        self._pace_from: tuple[float, int] | None = None
        self._cache = open_cache(settings.environment.get("REDIS_URL"), session=self._state.session)
        self._timeline = Timeline()
        self._venue = PaperVenue(
            scheduler=self._timeline, settings=settings.paper, seed=settings.seed, cash=settings.cash
        )
        self._engine = self._build_engine(strategies)
        self._executor = Executor(
            engine=self._engine, store=self._store, scheduler=self._timeline, venue=self._venue
        )
        self._reporter = Reporter(
            settings, self._state, engine=self._engine, console=self._console, cache=self._cache
        )
        self._executor.on_durable = self._reporter.show
        backlog = Backlog()
        self._runners = tuple(self._build_runner(strategy, backlog) for strategy in strategies)
        self._parts = Parts(
            timeline=self._timeline,
            engine=self._engine,
            executor=self._executor,
            runners=self._runners,
            backlog=backlog,
            venue_feed=self._feed,
            cash=settings.cash,
            metrics_interval_s=settings.run.metrics_interval_s,
        )

    async def play(self) -> Outcome:
        """Play the recording from where the session stands; raises StoreError where memory must be discarded."""
        watch_signals(self._stop, duration_s=self._settings.duration_s)
        self._guard.attach(asyncio.get_running_loop())
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(runner.run(), name=runner.name) for runner in self._runners]
                running.append(tasks.create_task(self._cache.run(), name="cache"))
                outcome = await self._play()
                for task in running:
                    task.cancel()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from group
        finally:
            await self._store.close()
            await self._cache.close()
        return outcome

    async def _play(self) -> Outcome:
        driver = Lockstep(
            self._parts,
            recorded=[given for given in self._inputs if given.kind is not InputKind.HALT],
            note_input=self._store.add_input,
            gate=self,
        )
        async with listening(self._settings.db, partial(self._answer, driver)):
            stopped = await driver.play(self._tape.events())
        self._engine.check()
        reason = self._stop.reason if stopped else "the recording has ended"
        events = max(0, self._engine.position - self._resumed_at)
        await self._store.finish(reason, session_is_finished=stopped is None, events=events)
        return self._reporter.outcome(
            self._executor,
            run_id=self._store.run_id,
            reason=reason,
            events=events,
            now_ns=self._timeline.now_ns(),
        )

    # --- the parts ----------------------------------------------------------------------------------

    def _build_engine(self, strategies: list[BaseStrategy]) -> Engine:
        market = MarketData()
        orders = OrderManager(
            session=self._state.session,
            seed=self._settings.seed,
            venue=self._venue.name,
            limits=self._settings.limits,
            market=market,
        )
        orders.valid_until = self._venue.valid_until_ns
        if self._settings.token_ids:
            orders.allowed = frozenset(InstrumentId(token_id) for token_id in self._settings.token_ids)
        engine = Engine(session=self._state.session, market=market, orders=orders)
        self._guard.session = self._state.session
        self._guard.position_of = lambda: engine.position
        engine.ask = self._guard.ask
        self._guard.on_output = logbook.write_output
        orders.throttle.share(among=len(strategies))
        for strategy in strategies:
            engine.add(strategy)
        return engine

    def _build_runner(self, strategy: BaseStrategy, backlog: Backlog) -> Runner:
        """Where an earlier run of this session had to interrupt the strategy, it is left out again."""
        halts = [i for i in self._inputs if i.kind is InputKind.HALT and i.strategy == strategy.name]
        return Runner(
            strategy,
            engine=self._engine,
            executor=self._executor,
            backlog=backlog,
            supervision=Supervision(
                halt=halts[0] if halts else None, note_input=self._store.add_input, redact=self._redact
            ),
        )

    def _feed(self, event: MarketEvent) -> None:
        """The venue sees an event before anybody; the cache only hears of it."""
        self._venue.on_market(event)
        self._cache.publish_market(event)

    # --- pacing and stopping ------------------------------------------------------------------------

    def is_wanted(self, event: MarketEvent) -> bool:
        """Say whether the run is paced, limited or asked to stop, or has progress to tell."""
        return self._is_limited or bool(self._stop.reason) or self._console.is_progress_due

    async def pass_event(self, event: MarketEvent) -> InputKind | None:
        """Wait as the speed asks, and say whether to stop; while a restart catches up it neither waits nor stops."""
        if self._store.is_catching_up:
            if self._stop.reason:
                raise StoppedEarlyError(
                    f"{self._stop.reason} while the session was read back; nothing has changed"
                )
            return None
        taken = self._engine.position - self._resumed_at
        if self._settings.events_max is not None and taken >= self._settings.events_max:
            self._stop.set(f"--events {self._settings.events_max} were taken")
        await self._pace(event.time_ns)
        if self._stop.reason:
            return InputKind(self._settings.run.stop_policy.value)
        self._console.progress(
            events=self._engine.position,
            total=self._tape.events_total,
            time_ns=event.time_ns,
            equity=lambda: self._engine.equity,
        )
        return None

    async def _pace(self, time_ns: int) -> None:
        """Keep event time at `speed` seconds per second of the wall clock, counted from the first event of this run."""
        if self._settings.speed is None:
            return
        if self._pace_from is None:
            self._pace_from = monotonic_s(), time_ns
        start_s, start_ns = self._pace_from
        due_s = start_s + float(Decimal(time_ns - start_ns) / NS_PER_S / self._settings.speed)
        if (delay_s := due_s - monotonic_s()) > 0:
            await self._stop.wait_s(delay_s)

    # --- commands -----------------------------------------------------------------------------------

    async def _answer(self, driver: Lockstep, request: Request) -> Answer:
        """Follow a command from the socket; it acts between two market events, durably."""
        names = [runner.name for runner in self._runners]
        if request.action == "status":
            return Answer(lines=[*self._status(), *await self._reporter.stored()])
        if request.action not in ("pause", "resume"):
            return Answer(
                lines=[f"{request.action!r} is no command{nearest(request.action, COMMANDS)}"],
                is_refused=True,
            )
        if request.strategy not in names:
            line = f"no strategy {request.strategy!r} runs here{nearest(request.strategy, names)}"
            return Answer(lines=[line], is_refused=True)
        await driver.ask(InputKind(request.action), strategy=request.strategy, reason="a person asked for it")
        return Answer(lines=self._status())

    def _status(self) -> list[str]:
        return self._reporter.status(self._timeline.now_ns())
