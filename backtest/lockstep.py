"""The lockstep driver: event time moves on only when inboxes, commits and outcomes of the present are drained.

market event ─► venue and engine ─► inboxes ─► steps ─► outbox ─► commit ─► send, tell ─► … until nothing is left
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Protocol

import msgspec
from msgspec import Struct

from backtest.timeline import Timeline
from clock import NS_PER_S
from domain.identifiers import StrategyName
from domain.inputs import Input, InputKind
from domain.messages import (
    COUNTED,
    BookSnapshot,
    MarketEvent,
    MarketResolved,
    PriceTick,
    Started,
    Stopped,
    StrategyEvent,
    TimerFired,
    TradePrint,
    WalletTrade,
)
from engine import Engine
from executor import Executor
from runner import Backlog, Runner
from state.orders import NEWS

STOP_GRACE_NS = 30 * NS_PER_S
"""Event time that working orders get to answer when a run stops and cancels them."""


class Parts(Struct, frozen=True, kw_only=True):
    """What the driver drives."""

    timeline: Timeline
    engine: Engine
    executor: Executor
    runners: tuple[Runner, ...]
    backlog: Backlog
    venue_feed: Callable[[MarketEvent], None]
    cash: Decimal
    metrics_interval_s: int


class Gate(Protocol):
    """What stands before each market event: it may wait, to pace a run, and says when to stop."""

    def is_wanted(self, event: MarketEvent) -> bool:
        """Say, quickly, whether the gate has anything to do before this event."""
        ...

    async def pass_event(self, event: MarketEvent) -> InputKind | None:
        """Wait as long as it takes; return how to stop, or None to go on."""
        ...


class Lockstep:
    """Plays market events through one session.

    `recorded` are the inputs of earlier runs of this session, repeated where they acted; `note_input` stores a
    new one before anything follows from it.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        recorded: list[Input],
        note_input: Callable[[Input], None],
        gate: Gate,
    ) -> None:
        self._parts = parts
        self._recorded = recorded
        self._note_input = note_input
        self._gate = gate
        self._asked: deque[tuple[Input, asyncio.Future[None]]] = deque()
        self._by_name = {runner.name: runner for runner in parts.runners}
        parts.executor.on_news = self._tell

    async def ask(self, kind: InputKind, *, strategy: str, reason: str) -> None:
        """Ask for a pause or a resume and wait until it is done, durably: before the next market event."""
        done = asyncio.get_running_loop().create_future()
        self._asked.append((Input(position=-1, kind=kind, strategy=strategy, reason=reason), done))
        await done

    async def play(self, events: Iterator[MarketEvent]) -> InputKind | None:
        """Play to the end of the events, or until asked to stop; return how it stopped, None for the end."""
        parts = self._parts
        is_started = False
        for event in events:
            due_ns = parts.timeline.next_any_ns()
            if due_ns is not None and due_ns <= event.time_ns:
                await self._run_until(event.time_ns)
            is_counted = isinstance(event, COUNTED)
            if is_counted and self._wants_attention(event) and (stop := await self._take_inputs(event)):
                return stop
            parts.timeline.advance(event.time_ns)
            if not is_started:
                is_started = True
                await self._start(event.time_ns)
            parts.venue_feed(event)
            parts.executor.take(parts.engine.take_market(event))
            self._offer(event)
            if not parts.backlog.is_empty or not parts.executor.is_idle:
                await self._drain()
        await self._finish()
        return None

    # --- the present instant ------------------------------------------------------------------------

    async def _drain(self) -> None:
        """Let everything of this instant happen, in rounds that do not depend on how fast the disk is."""
        while True:
            await self._parts.backlog.wait_empty()
            if self._parts.executor.is_idle:
                return
            await self._parts.executor.settle()

    async def _run_until(self, time_ns: int) -> None:
        """Run every callback that is due by then, one instant after the other."""
        self._parts.timeline.skip_gap(time_ns)
        while (due_ns := self._parts.timeline.next_any_ns()) is not None and due_ns <= time_ns:
            self._parts.timeline.run_instant(due_ns)
            await self._drain()

    def _offer(self, event: MarketEvent) -> None:
        match event:
            case BookSnapshot() | TradePrint() | MarketResolved() | PriceTick() | WalletTrade():
                for runner in self._parts.runners:
                    runner.offer(event)
            case _:
                pass

    def _tell(self, strategy: StrategyName, news: NEWS) -> None:
        if runner := self._by_name.get(strategy):
            runner.offer(news)

    # --- beginning and end --------------------------------------------------------------------------

    async def _start(self, time_ns: int) -> None:
        parts = self._parts
        parts.executor.take(parts.engine.open_account(parts.cash, time_ns=time_ns))
        parts.timeline.call_every(parts.metrics_interval_s * NS_PER_S, self._take_stock, start_ns=time_ns)
        for runner in parts.runners:
            runner.offer(Started(time_ns=time_ns))
            if interval_s := runner.strategy.timer_interval_s:
                parts.timeline.call_every(
                    interval_s * NS_PER_S, _ring(runner, parts.timeline), start_ns=time_ns
                )
        await self._drain()

    def _take_stock(self) -> None:
        parts = self._parts
        parts.executor.take(parts.engine.take_stock(time_ns=parts.timeline.now_ns()))

    def _wants_attention(self, event: MarketEvent) -> bool:
        """Say whether anything is to be done, asked or waited for before this event: most of the time nothing is."""
        return bool(self._recorded or self._asked) or self._gate.is_wanted(event)

    async def _take_inputs(self, event: MarketEvent) -> InputKind | None:
        """Repeat what was done at this position before, do what is asked for now, and say whether to stop."""
        position = self._parts.engine.position
        last: InputKind | None = None
        while self._recorded and self._recorded[0].position <= position:
            last = await self._apply(self._recorded.pop(0))
        stop = await self._gate.pass_event(event)
        while self._asked:
            wish, done = self._asked.popleft()
            asked = msgspec.structs.replace(wish, position=position)
            self._note_input(asked)
            last = await self._apply(asked)
            if not done.done():
                done.set_result(None)
        if stop is not None and last is not stop:
            self._note_input(Input(position=position, kind=stop))
            await self._apply(Input(position=position, kind=stop))
        return stop

    async def _apply(self, given: Input) -> InputKind:
        match given.kind:
            case InputKind.KEEP | InputKind.CANCEL:
                await self._wind_down(given.kind)
                self._parts.engine.orders.is_draining = False
            case InputKind.PAUSE | InputKind.RESUME:
                await self._switch(given)
            case InputKind.HALT:
                pass  # the runner itself counts up to the event at which it acts
        return given.kind

    async def _switch(self, given: Input) -> None:
        """Pause or resume one strategy; its working orders stand."""
        runner = self._by_name[StrategyName(given.strategy)]
        if given.kind is InputKind.PAUSE:
            runner.strategy.pause(given.reason)
        else:
            runner.strategy.resume()
            self._parts.engine.orders.executions.forget(runner.name)
        note = {"strategy": given.strategy, "reason": given.reason}
        time_ns = self._parts.timeline.now_ns()
        self._parts.executor.take(self._parts.engine.note(time_ns, f"strategy.{given.kind}d", note))
        await self._drain()

    async def _wind_down(self, kind: InputKind) -> None:
        """Stop in order: no new orders; cancel what works or leave it as it is; store every figure."""
        parts = self._parts
        parts.engine.orders.is_draining = True
        now_ns = parts.timeline.now_ns()
        if kind is InputKind.CANCEL:
            self._offer_to_all(Stopped(time_ns=now_ns))
            await self._drain()
            parts.executor.take(parts.engine.cancel_all(reason="the daemon is stopping", time_ns=now_ns))
            await self._drain()
            await self._answer_until(now_ns + STOP_GRACE_NS)
        parts.executor.take(parts.engine.take_stock(time_ns=parts.timeline.now_ns(), is_final=True))
        await self._drain()

    async def _answer_until(self, time_ns: int) -> None:
        while (
            len(self._parts.engine.orders.live) and (due_ns := self._parts.timeline.next_due_ns()) is not None
        ):
            if due_ns > time_ns:
                return
            self._parts.timeline.run_instant(due_ns)
            await self._drain()

    async def _finish(self) -> None:
        """The tape has ended: let every answer, settlement and redemption come, then store every figure."""
        parts = self._parts
        await self._answer_all()
        parts.engine.orders.is_draining = True
        self._offer_to_all(Stopped(time_ns=parts.timeline.now_ns()))
        await self._drain()
        parts.executor.take(
            parts.engine.cancel_all(reason="the recording has ended", time_ns=parts.timeline.now_ns())
        )
        await self._drain()
        await self._answer_all()
        parts.executor.take(parts.engine.take_stock(time_ns=parts.timeline.now_ns(), is_final=True))
        await self._drain()

    async def _answer_all(self) -> None:
        while (due_ns := self._parts.timeline.next_due_ns()) is not None:
            self._parts.timeline.run_instant(due_ns)
            await self._drain()

    def _offer_to_all(self, event: StrategyEvent) -> None:
        for runner in self._parts.runners:
            runner.offer(event)


def _ring(runner: Runner, timeline: Timeline) -> Callable[[], None]:
    return lambda: runner.offer(TimerFired(time_ns=timeline.now_ns()))
