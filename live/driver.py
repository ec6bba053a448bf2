"""Drives a session on live data: events as they come, decisions as they become durable, timers of the wall clock.

feed ─► take: venue, engine ─► inboxes (books conflate) ─► runners: step ─► outbox ─► commit ─► send, tell
"""

import asyncio
import contextlib
from collections.abc import Callable

from msgspec import Struct

from clock import NS_PER_S, Scheduler
from domain.identifiers import StrategyName
from domain.inputs import InputKind
from domain.messages import (
    BookSnapshot,
    MarketEvent,
    MarketResolved,
    PriceTick,
    Started,
    Stopped,
    TimerFired,
    TradePrint,
    WalletTrade,
)
from engine import Engine
from executor import Executor
from runner import Runner
from state.orders import NEWS

REDEEM_EVERY_S = 60
"""A redemption that failed, or that an earlier process left, is asked for again so often."""

STOP_GRACE_S = 30
"""How long working orders get to answer when a run stops and cancels them."""


class LiveParts(Struct, frozen=True, kw_only=True):
    """What the driver drives; `venue_feed` sees every event first."""

    scheduler: Scheduler
    engine: Engine
    executor: Executor
    runners: tuple[Runner, ...]
    venue_feed: Callable[[MarketEvent], None]
    metrics_interval_s: int


class LiveDriver:
    """The only one that puts live events into a session; everything happens on the running loop."""

    def __init__(self, parts: LiveParts) -> None:
        self._parts = parts
        self._work = asyncio.Event()
        self._questions = asyncio.Event()
        self._flushed = asyncio.Event()
        self._by_name = {runner.name: runner for runner in parts.runners}
        self._is_started = False
        parts.executor.on_news = self._tell
        parts.executor.on_work = self._wake

    def take(self, event: MarketEvent) -> None:
        """Take one event in; never waits. What it changes is decided now and becomes durable on its own."""
        parts = self._parts
        parts.venue_feed(event)
        parts.executor.take(parts.engine.take_market(event))
        match event:
            case BookSnapshot() | TradePrint() | MarketResolved() | PriceTick() | WalletTrade():
                if self._is_started:
                    for runner in parts.runners:
                        runner.offer(event)
            case _:
                pass

    async def send_and_tell(self) -> None:
        """Work through the outbox until cancelled. Raises StoreError where a commit failed."""
        while True:
            await self._work.wait()
            self._work.clear()
            while self._parts.executor.has_outbox:
                await self._parts.executor.flush()
                self._flushed.set()

    async def ask(self) -> None:
        """Ask about unknown orders until cancelled; apart from the outbox, since a read may take seconds."""
        while True:
            await self._questions.wait()
            self._questions.clear()
            await self._parts.executor.ask()

    def start(self) -> None:
        """Let the strategies begin; events before were only for the engine."""
        parts, now_ns = self._parts, self._parts.scheduler.now_ns()
        self._is_started = True
        self._every(parts.metrics_interval_s, self._take_stock)
        self._every(REDEEM_EVERY_S, self._redeem)
        self._redeem()
        for runner in parts.runners:
            runner.offer(Started(time_ns=now_ns))
            if interval_s := runner.strategy.timer_interval_s:
                self._every(interval_s, self._ring(runner))

    def switch(self, kind: InputKind, *, strategy: str, reason: str) -> None:
        """Pause or resume one strategy; its working orders stand."""
        runner = self._by_name[StrategyName(strategy)]
        if kind is InputKind.PAUSE:
            runner.strategy.pause(reason)
        else:
            runner.strategy.resume()
            self._parts.engine.orders.executions.forget(runner.name)
        note = {"strategy": strategy, "reason": reason}
        now_ns = self._parts.scheduler.now_ns()
        self._parts.executor.take(self._parts.engine.note(now_ns, f"strategy.{kind}d", note))

    async def wind_down(self, kind: InputKind) -> None:
        """Stop in order: no new orders; cancel what works and wait for the answers, or leave it; store every figure."""
        parts = self._parts
        parts.engine.orders.is_draining = True
        now_ns = parts.scheduler.now_ns()
        if kind is InputKind.CANCEL:
            for runner in parts.runners:
                runner.offer(Stopped(time_ns=now_ns))
            parts.executor.take(parts.engine.cancel_all(reason="the daemon is stopping", time_ns=now_ns))
            await self.until(lambda: not len(parts.engine.orders.live), timeout_s=STOP_GRACE_S)
        parts.executor.take(parts.engine.take_stock(time_ns=parts.scheduler.now_ns(), is_final=True))
        await self.until(lambda: not parts.executor.has_outbox, timeout_s=STOP_GRACE_S)

    async def until(self, holds: Callable[[], bool], *, timeout_s: float) -> bool:
        """Wait, as decisions become durable, until something holds; False where it does not within the time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not holds():
                    self._flushed.clear()
                    await self._flushed.wait()
        return holds()

    def _wake(self) -> None:
        self._work.set()
        self._questions.set()

    def _tell(self, strategy: StrategyName, news: NEWS) -> None:
        if runner := self._by_name.get(strategy):
            runner.offer(news)

    def _take_stock(self) -> None:
        parts = self._parts
        parts.executor.take(parts.engine.take_stock(time_ns=parts.scheduler.now_ns()))

    def _redeem(self) -> None:
        parts = self._parts
        parts.executor.take(parts.engine.redeem_resolved(time_ns=parts.scheduler.now_ns()))

    def _ring(self, runner: Runner) -> Callable[[], None]:
        return lambda: runner.offer(TimerFired(time_ns=self._parts.scheduler.now_ns()))

    def _every(self, interval_s: int, callback: Callable[[], None]) -> None:
        def ring() -> None:
            callback()
            self._every(interval_s, callback)

        scheduler = self._parts.scheduler
        scheduler.call_at(scheduler.now_ns() + interval_s * NS_PER_S, ring)
