"""One asyncio task per strategy: events come through its inbox, decisions go to the executor's outbox."""

import asyncio
from collections import deque

from domain.errors import StrategyError
from domain.messages import StrategyEvent
from engine import Engine
from executor import Executor
from strategies.base_strategy import BaseStrategy, StrategyState, strategy_name

INBOX_MAX = 100_000
"""Events that may wait for one strategy; one more, and it is stopped: it cannot keep up."""


class Backlog:
    """Counts events that are in any inbox or being handled, and wakes whoever waits for none."""

    def __init__(self) -> None:
        self._count = 0
        self._waiter: asyncio.Future[None] | None = None

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
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter


class Runner:
    """Feeds one strategy; its exception stops it alone and cancels its orders."""

    def __init__(self, strategy: BaseStrategy, *, engine: Engine, executor: Executor, backlog: Backlog) -> None:
        self.strategy = strategy
        self.name = strategy_name(strategy)
        self._engine = engine
        self._executor = executor
        self._backlog = backlog
        self._inbox: deque[StrategyEvent] = deque()
        self._wake = asyncio.Event()

    def offer(self, event: StrategyEvent) -> None:
        """Put an event into the inbox; never blocks. A strategy that cannot keep up is stopped with a reason."""
        if self.strategy.state is StrategyState.STOPPED:
            return
        if len(self._inbox) >= INBOX_MAX:
            self._stop(f"its inbox holds {INBOX_MAX} events", event.time_ns)
            return
        self._backlog.add()
        self._inbox.append(event)
        self._wake.set()

    async def run(self) -> None:
        """Handle events as they come, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._inbox:
                self._handle(self._inbox.popleft())
                self._backlog.done()

    def _handle(self, event: StrategyEvent) -> None:
        if self.strategy.state is StrategyState.STOPPED:
            return
        try:
            self._executor.take(self._engine.step(self.strategy, event))
        except StrategyError as error:
            self._stop(str(error), event.time_ns)

    def _stop(self, reason: str, time_ns: int) -> None:
        self.strategy.stop(reason)
        note = {"strategy": self.name, "reason": reason}
        self._executor.take(self._engine.note(time_ns, "strategy.stopped", note))
        cancels = self._engine.cancel_all(strategy=self.name, reason=f"strategy stopped: {reason}", time_ns=time_ns)
        self._executor.take(cancels)
