"""The lockstep driver: event time moves on only when inboxes, commits and outcomes of the present are drained.

market event ─► venue and engine ─► inboxes ─► steps ─► outbox ─► commit ─► send, tell ─► … until nothing is left
"""

from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal

from msgspec import Struct

from backtest.timeline import Timeline
from clock import NS_PER_S
from config import StopPolicy
from domain.identifiers import StrategyName
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
from order_manager import NEWS
from runner import Backlog, Runner

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


class Lockstep:
    """Plays market events through one session. `before_event` may wait, to pace a run, and says when to stop."""

    def __init__(
        self,
        parts: Parts,
        *,
        stops: dict[int, str],
        note_stop: Callable[[int, StopPolicy], Awaitable[None]],
        before_event: Callable[[MarketEvent], Awaitable[StopPolicy | None]],
    ) -> None:
        self._parts = parts
        self._stops = stops
        self._note_stop = note_stop
        self._before_event = before_event
        self._by_name = {runner.name: runner for runner in parts.runners}
        parts.executor.on_news = self._tell

    async def play(self, events: Iterator[MarketEvent]) -> StopPolicy | None:
        """Play to the end of the events, or until asked to stop; return how it stopped, None for the end."""
        parts = self._parts
        is_started = False
        for event in events:
            await self._run_until(event.time_ns)
            if isinstance(event, COUNTED) and await self._should_stop(event):
                return StopPolicy(self._stops[parts.engine.position])
            parts.timeline.advance(event.time_ns)
            if not is_started:
                is_started = True
                await self._start(event.time_ns)
            parts.venue_feed(event)
            parts.executor.take(parts.engine.take_market(event))
            self._offer(event)
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
                parts.timeline.call_every(interval_s * NS_PER_S, _ring(runner, parts.timeline), start_ns=time_ns)
        await self._drain()

    def _take_stock(self) -> None:
        parts = self._parts
        parts.executor.take(parts.engine.take_stock(time_ns=parts.timeline.now_ns()))

    async def _should_stop(self, event: MarketEvent) -> bool:
        """Ask whether to stop before this event; a stop is durable before anything follows from it.

        Where an earlier run stopped at this very position, what it did then is done again first.
        """
        position = self._parts.engine.position
        was_stopped_here = position in self._stops
        if was_stopped_here:
            await self._wind_down(StopPolicy(self._stops[position]))
            self._parts.engine.orders.is_draining = False
        kind = await self._before_event(event)
        if kind is None:
            return False
        if not was_stopped_here:
            self._stops[position] = kind
            await self._note_stop(position, kind)
            await self._wind_down(kind)
        return True

    async def _wind_down(self, kind: StopPolicy) -> None:
        """Stop in order: no new orders; cancel what works or leave it as it is; store every figure."""
        parts = self._parts
        parts.engine.orders.is_draining = True
        now_ns = parts.timeline.now_ns()
        if kind is StopPolicy.CANCEL:
            self._offer_to_all(Stopped(time_ns=now_ns))
            await self._drain()
            parts.executor.take(parts.engine.cancel_all(reason="the daemon is stopping", time_ns=now_ns))
            await self._drain()
            await self._answer_until(now_ns + STOP_GRACE_NS)
        parts.executor.take(parts.engine.take_stock(time_ns=parts.timeline.now_ns(), is_final=True))
        await self._drain()

    async def _answer_until(self, time_ns: int) -> None:
        while len(self._parts.engine.orders.live) and (due_ns := self._parts.timeline.next_due_ns()) is not None:
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
