"""Engine, executor, a fake venue and a real store on a file: what runs between a decision and its outcome."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from domain.identifiers import OrderId, StrategyName
from domain.messages import BookSnapshot, StrategyIntent
from domain.order import Order, OrderStatus
from domain.records import Record, Transaction
from engine import Decision
from executor import Executor
from state.orders import NEWS
from storage.sessions import RunInfo
from storage.store import Store
from tests.support.fake_venue import FakeScheduler, FakeVenue
from tests.support.puppet import Puppet
from tests.support.room import Room
from tests.support.trading import S, book, shown

RUN = RunInfo(
    mode="dry-run", market="test", strategies=("alpha", "beta"), seed=1, config_hash="0", version="0"
)


class Daemon:
    """A room whose decisions go through an executor; books are made fresh whenever a puppet looks."""

    def __init__(self, store: Store, *, cash: str = "1000") -> None:
        self.store = store
        self.venue = FakeVenue()
        self.scheduler = FakeScheduler()
        self.room = Room(cash=cash)
        self.engine, self.orders = self.room.engine, self.room.orders
        self.orders.valid_until = self.venue.valid_until_ns
        self.executor = Executor(engine=self.engine, store=store, scheduler=self.scheduler, venue=self.venue)
        self.durable: list[Transaction] = []
        self.news: list[NEWS] = []
        self.executor.on_durable = self.durable.append
        self.executor.on_news = self._hear
        for decision in self.room.opening:
            self.executor.take(decision)

    def look(self, *intents: StrategyIntent, by: Puppet | None = None) -> Decision:
        """Let a puppet say this at a fresh book; what follows is queued and nothing is sent yet."""
        puppet = by or self.room.alpha
        puppet.says[:] = intents
        event = self.fresh_book()
        self.engine.take_market(event)
        decision = self.engine.step(puppet, event)
        self.executor.take(decision)
        return decision

    def fresh_book(self) -> BookSnapshot:
        """A book of this instant."""
        return shown(book("0.49x1000", "0.51x1000", time_ns=self.scheduler.now_ns()))

    async def drain(self) -> None:
        """Let everything of this instant happen."""
        while not self.executor.is_idle:
            await self.executor.settle()
        self.engine.check()

    async def send(self, intent: StrategyIntent) -> Order:
        """Let alpha ask for an order and send it."""
        (order,) = self.look(intent).sends
        await self.drain()
        return order

    async def wait_s(self, seconds: float) -> None:
        """Let time pass, one instant after the other."""
        await self.drain()
        until_ns = self.scheduler.now_ns() + round(seconds * S)
        while self.scheduler.run_next(until_ns=until_ns):
            await self.drain()

    def status(self, order: Order) -> OrderStatus:
        """The present state of an order."""
        found = self.orders.order(OrderId(order.id))
        assert found is not None
        return found.status

    def written(self) -> list[Record]:
        """All durable records, oldest first."""
        return [record for transaction in self.durable for record in transaction.records]

    def _hear(self, strategy: StrategyName, news: NEWS) -> None:
        self.news.append(news)


def play(folder: Path, scenario: Callable[[Daemon], Awaitable[None]], *, cash: str = "1000") -> None:
    """Run a scenario on a daemon with a real store in the folder."""

    async def run() -> None:
        store = Store.open(folder / "positions.db", account_kind="paper on a recording")
        store.begin(fingerprint={}, run=RUN, fresh=False)
        try:
            await scenario(Daemon(store, cash=cash))
        finally:
            await store.close()

    asyncio.run(run())
