"""One asyncio task per strategy: events come through its inbox, decisions go to the executor's outbox."""

import asyncio
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from domain.errors import StrategyError, StrategyFloodError
from domain.identifiers import InstrumentId
from domain.inputs import Input, InputKind
from domain.messages import BookSnapshot, StrategyEvent
from engine import Engine
from executor import Executor
from guard import HookTimeoutError, TaskLeakError
from strategies.base_strategy import BaseStrategy, StrategyState, strategy_name

INBOX_MAX = 100_000
"""Events that may wait for one strategy; one more, and it is stopped: it cannot keep up."""

ERRORS_MAX = 3
"""Hooks that may raise before the strategy is stopped; a hang, a leak or a flood stops it at once."""


class Backlog:
    """Counts events that are in any inbox or being handled, and wakes whoever waits for none."""

    def __init__(self) -> None:
        self._count = 0
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_empty(self) -> bool:
        """Say whether no event waits."""
        return not self._count

    def add(self) -> None:
        """One more event is waiting."""
        self._count += 1

    def done(self) -> None:
        """One event was handled."""
        self._count -= 1
        if not self._count and self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait_empty(self) -> None:
        """Return when no event waits; at once where none does."""
        if self._count:
            await asyncio.sleep(0)  # one turn of the loop is nearly always enough, and cheaper than a future
        if self._count:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter


class Inbox:
    """Events in order. Where books conflate (live data only), a newer book takes the place of one still waiting;
    fills, order events and all else are never dropped."""

    def __init__(self, *, conflates: bool) -> None:
        self._conflates = conflates
        self._events: deque[StrategyEvent | InstrumentId] = deque()
        self._books: dict[InstrumentId, BookSnapshot] = {}

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: StrategyEvent) -> bool:
        """Take an event in; False where it only replaced an older book."""
        if not self._conflates or not isinstance(event, BookSnapshot):
            self._events.append(event)
            return True
        instrument_id = event.book.instrument_id
        is_new = instrument_id not in self._books
        self._books[instrument_id] = event
        if is_new:
            self._events.append(instrument_id)
        return is_new

    def get(self) -> StrategyEvent:
        """Take the oldest event out; a book that was replaced meanwhile comes in its newest form."""
        event = self._events.popleft()
        return self._books.pop(event) if isinstance(event, str) else event


class Supervision(Struct, kw_only=True):
    """What a runner is told about its strategy from outside, and whom it tells when it stops it.

    `halt` is where an earlier run of this session interrupted the strategy: a re-execution leaves it out from
    the same event on. `note_input` stores a new interruption before anything follows from it; `redact` hides
    secrets in what the strategy's exceptions say.
    """

    halt: Input | None = None
    note_input: Callable[[Input], None] = lambda _: None
    redact: Callable[[str], str] = lambda text: text


class Runner:
    """Feeds one strategy; what it does wrong stops it alone and cancels its orders."""

    def __init__(
        self,
        strategy: BaseStrategy,
        *,
        engine: Engine,
        executor: Executor,
        backlog: Backlog,
        supervision: Supervision | None = None,
        conflates: bool = False,
    ) -> None:
        self.strategy = strategy
        self.name = strategy_name(strategy)
        self._engine = engine
        self._executor = executor
        self._backlog = backlog
        self._supervision = supervision or Supervision()
        self._inbox = Inbox(conflates=conflates)
        self._is_live = conflates
        self._sleeping: asyncio.Future[None] | None = None

    def offer(self, event: StrategyEvent) -> None:
        """Put an event into the inbox; never blocks. A strategy that cannot keep up is stopped with a reason."""
        if self.strategy.state is StrategyState.STOPPED:
            return
        if len(self._inbox) >= INBOX_MAX:
            self._stop(f"its inbox holds {INBOX_MAX} events", event.time_ns)
            return
        if self._inbox.put(event):
            self._backlog.add()
        if self._sleeping is not None and not self._sleeping.done():
            self._sleeping.set_result(None)

    async def run(self) -> None:
        """Handle events as they come, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            while self._inbox:
                self._handle(self._inbox.get())
                self._backlog.done()
                if self._is_live:
                    # Feeds and answers get their turn between two events of a busy strategy.
                    await asyncio.sleep(0)
            self._sleeping = loop.create_future()
            await self._sleeping

    def _handle(self, event: StrategyEvent) -> None:
        if self.strategy.state is StrategyState.STOPPED:
            return
        halt = self._supervision.halt
        if halt is not None and self.strategy.metrics.events + 1 == halt.ordinal:
            self._engine.note_event(self.strategy, event)
            self._stop(halt.reason, event.time_ns)
            return
        try:
            self._executor.take(self._engine.step(self.strategy, event))
        except StrategyError as error:
            self._fail(error, event.time_ns)

    def _fail(self, error: StrategyError, time_ns: int) -> None:
        """Count what raised and go on a few times; what depends on the clock is stored, so that it can be repeated."""
        metrics, reason = self.strategy.metrics, self._supervision.redact(str(error))
        metrics.errors += 1
        is_timing = isinstance(error, HookTimeoutError | TaskLeakError)
        if is_timing:
            self._supervision.note_input(
                Input(
                    position=self._engine.position,
                    kind=InputKind.HALT,
                    strategy=self.name,
                    ordinal=metrics.events,
                    reason=reason,
                )
            )
        if is_timing or isinstance(error, StrategyFloodError) or metrics.errors >= ERRORS_MAX:
            self._stop(reason, time_ns)
        else:
            note = {"strategy": self.name, "error": reason}
            self._executor.take(self._engine.note(time_ns, "strategy.error", note))

    def _stop(self, reason: str, time_ns: int) -> None:
        self.strategy.stop(reason)
        note = {"strategy": self.name, "reason": reason}
        self._executor.take(self._engine.note(time_ns, "strategy.stopped", note))
        why = f"strategy {self.name} was stopped"
        self._executor.take(self._engine.cancel_all(strategy=self.name, reason=why, time_ns=time_ns))
