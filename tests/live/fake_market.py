"""A live session on a venue of the test's own: what is restored, compared and traded, without any server."""

import asyncio
import io
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from decimal import Decimal
from pathlib import Path

import msgspec

from clock import wall_ns
from console import Console
from domain.messages import MarketEvent, MarketListed
from domain.money import PUSD
from domain.remembered import Remembered
from guard import Guard
from live.market import Gap, Sink
from live.session import LiveSession
from recovery import open_live
from session import Surroundings
from settings import Settings
from tests.support.fake_venue import FakeVenue
from tests.support.puppet import Puppet, puppet
from tests.support.trader import WIDE
from tests.support.trading import S, book, d, market, shown
from venues.base import VenueBalance

PATIENCE_S = 10
STEP_S = 0.002
LASTS_S = 900


class FakeMarket:
    """A `LiveMarket` without a feed: the test tells the events, and its venue does what the test says."""

    label, account = "a market of the test", "live test 0xabc"

    def __init__(self, venue: FakeVenue) -> None:
        self.venue = venue
        self.restored: list[Mapping[str, Decimal]] = []
        self.sink: Sink = lambda _: None
        self.on_gap: Gap = lambda _: None

    def restore(self, remembered: Remembered, *, owned: Mapping[str, Decimal]) -> None:
        """Note what our books call ours."""
        self.restored.append(dict(owned))

    def on_market(self, event: MarketEvent) -> None:
        """Nothing is learnt."""

    async def run(self, sink: Sink, *, on_gap: Gap, ready: Gap) -> None:
        """Ready at once; one market is listed."""
        self.sink, self.on_gap = sink, on_gap
        opens_ns = wall_ns()
        closes_ns = opens_ns + LASTS_S * S
        lasting = msgspec.structs.replace(market(fee_rate="0"), opens_ns=opens_ns, closes_ns=closes_ns)
        sink(MarketListed(time_ns=opens_ns, market=lasting))
        ready("open")
        await asyncio.Event().wait()

    async def opening_cash(self) -> Decimal:
        """The wallet of the venue."""
        return next((b.total for b in self.venue.owned if b.asset == PUSD), Decimal(0))

    def status(self) -> list[str]:
        """Nothing to tell."""
        return []

    async def close(self) -> None:
        """Nothing is open."""


class Playing:
    """A session at work, its strategy, and what it showed."""

    def __init__(self, folder: Path, venue: FakeVenue) -> None:
        self.db = folder / "positions.db"
        self.venue = venue
        self.market = FakeMarket(venue)
        self.alpha: Puppet = puppet(Puppet)
        self.shown = io.StringIO()
        settings = Settings(strategies=("alpha",), db=self.db, limits=WIDE)
        opened = open_live(settings, account=self.market.account, label=self.market.label)
        self.guard = Guard(self.db)
        around = Surroundings(Console(self.shown), self.guard)
        self.session = LiveSession(settings, self.market, [self.alpha], opened, around)
        self.engine = self.session._engine

    @property
    def gate(self) -> str:
        """Why nothing may be ordered; empty where the gate is open."""
        return self.engine.orders.gate

    def look(self) -> None:
        """Show a fresh book, at which the strategy says what it is to say."""
        self.market.sink(shown(book("0.49x1000", "0.51x1000", time_ns=wall_ns())))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110  # a thread of the store, no event of ours
                await asyncio.sleep(STEP_S)

    async def open(self) -> None:
        """Wait until the books have been compared and the gate is open."""
        await self.until(lambda: bool(self.alpha.metrics.events) and not self.gate)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """What is durable."""
        with closing(sqlite3.connect(f"{self.db.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()

    def states(self) -> list[object]:
        """The stored states of all orders, the oldest first."""
        return [state for (state,) in self.rows("SELECT status FROM orders ORDER BY created_at")]


def wealthy(venue: FakeVenue | None = None, *, money: str = "1000") -> FakeVenue:
    """A venue where the account has so much."""
    venue = venue or FakeVenue()
    venue.owned = (VenueBalance(asset=PUSD, total=d(money), free=d(money)),)
    return venue


@asynccontextmanager
async def playing(folder: Path, venue: FakeVenue) -> AsyncIterator[Playing]:
    """Play a session until the block ends, and then end it as a crash would: nothing is wound down."""
    here = Playing(folder, venue)
    with here.guard:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(here.session.play())
            yield here
            task.cancel()
