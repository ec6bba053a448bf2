"""The live daemon's own parts on a simulated venue in one process: what the benchmarks of live trading stand on.

simulator ─ sockets ─► PolymarketFeed ─► LiveDriver ─► inbox ─► strategy (guarded) ─► Executor ─ store on disk
    ▲                                                                                    │
    └──────────────────────────── loopback HTTP ◄── PolymarketVenue ◄────────────────────┘
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import uvloop
from msgspec import Struct

from bench.orders import scratch
from bench.parts import WIDE
from bench.polymarket_orders import ADDRESS, KEY
from clock import WallScheduler
from config import Limits
from domain.identifiers import InstrumentId, OrderId, SessionId
from domain.instrument import Side
from domain.messages import Acknowledged, ExecutionReport, OrderChanged, StrategyIntent, TimerFired
from domain.money import PUSD
from domain.order import Intent, Order, TimeInForce
from engine import Engine
from executor import Executor
from guard import Guard
from live.driver import LiveDriver, LiveParts
from live.reconcile import Reconciler
from order_manager import OrderManager
from runner import Backlog, Runner, Supervision
from session import tune_interpreter
from settings import Secret
from simulator.polymarket.markets import PRICE_UNITS, MarketSpec, SimMarket
from simulator.polymarket.server import PolymarketSimulator, polymarket_simulator
from simulator.polymarket.settings import VenueRules
from state.market import MarketData
from storage.sessions import RunInfo
from storage.store import Store
from strategies.base_strategy import BaseStrategy, Intents, View, state
from venues.base import Prepared, ReportSink
from venues.polymarket.account import Owner
from venues.polymarket.feed import PolymarketFeed
from venues.polymarket.feed_plan import FeedListeners, FeedPlan
from venues.polymarket.hosts import Hosts, single_host
from venues.polymarket.session import Session, SessionOptions
from venues.polymarket.signing import Credentials, Wallet, WalletKind
from venues.polymarket.venue import PolymarketVenue

DOLLAR = 1_000_000
CASH = 1_000_000 * DOLLAR
MUCH = 1_000_000 * DOLLAR
LEVELS, CENT, BID, ASK = 20, PRICE_UNITS // 100, PRICE_UNITS * 48 // 100, PRICE_UNITS // 2
TAG = "bench"
OPEN_WIDE = msgspec.structs.replace(WIDE, orders_per_minute=10_000_000, orders_burst=1_000_000)
PATIENCE_S = 60


class Setup(Struct, frozen=True, kw_only=True):
    """What a benchmark wants: so many markets, the venue's rules, the signer's tier at us, wallets to follow."""

    markets: int = 10
    rules: VenueRules
    tier: str | None = None
    wallets: tuple[str, ...] = ()
    limits: Limits = OPEN_WIDE


class Moments(Struct):
    """When an order passed, in seconds of one clock: signing begun and done, handed over, written, answered."""

    signing_s: float
    signed_s: float
    handed_s: float = 0.0
    written_s: float = 0.0
    answered_s: float = 0.0


class WatchedVenue(PolymarketVenue):
    """The adapter itself, with a note of when each order came by."""

    def __init__(self, session: Session, *, scheduler: WallScheduler) -> None:
        super().__init__(session, scheduler=scheduler)
        self.moments: dict[OrderId, Moments] = {}
        self.handed_ns = 0
        self.on_answer: Callable[[OrderId], None] = lambda _: None

    def connect(self, sink: ReportSink) -> None:
        def hear(report: ExecutionReport) -> None:
            if isinstance(report, Acknowledged):
                self.moments[report.order_id].answered_s = time.perf_counter()
            sink(report)
            if isinstance(report, Acknowledged):
                self.on_answer(report.order_id)

        super().connect(hear)

    def prepare(self, order: Order) -> Prepared:
        start_s = time.perf_counter()
        prepared = super().prepare(order)
        self.moments[order.id] = Moments(start_s, time.perf_counter())
        return prepared

    async def send(self, order: Order) -> None:
        moments = self.moments[order.id]
        self.handed_ns, moments.handed_s = time.time_ns(), time.perf_counter()
        await super().send(order)
        moments.written_s = time.perf_counter()


class Wisher(BaseStrategy):
    """Asks at the next ring for whatever it was told to wish for."""

    name = "wisher"

    ended: set[OrderId] = state(set)
    _wishes: deque[StrategyIntent] = state(deque)

    def wish(self, *wishes: StrategyIntent) -> None:
        """Have these asked for when it next hears a timer."""
        self._wishes.extend(wishes)

    def on_timer(self, event: TimerFired, view: View) -> Intents:
        while self._wishes:
            yield self._wishes.popleft()

    def on_order(self, event: OrderChanged, view: View) -> Intents:
        if event.order.is_done:
            self.ended.add(event.order.id)
        return iter(())


class Floor:
    """Simulator and daemon side by side; `on_event` hears what the feed tells just before the driver does."""

    def __init__(
        self, simulator: PolymarketSimulator, setup: Setup, strategies: list[BaseStrategy], db: Path
    ) -> None:
        self.simulator = simulator
        self.hosts: Hosts = single_host(simulator.url, stream_url=simulator.ws_url)
        self.markets = [self._listed(number) for number in range(setup.markets)]
        simulator.venue.fund(ADDRESS, cash=CASH)
        self.scheduler = WallScheduler()
        self.session = Session(self._options(setup))
        self.venue = WatchedVenue(self.session, scheduler=self.scheduler)
        self.store = _store(db)
        self.engine = self._build_engine(setup, strategies)
        self.executor = Executor(
            engine=self.engine, store=self.store, scheduler=self.scheduler, venue=self.venue
        )
        backlog = Backlog()
        self.runners = tuple(
            Runner(
                one,
                engine=self.engine,
                executor=self.executor,
                backlog=backlog,
                supervision=Supervision(),
                conflates=True,
            )
            for one in strategies
        )
        self.driver = LiveDriver(
            LiveParts(
                scheduler=self.scheduler,
                engine=self.engine,
                executor=self.executor,
                runners=self.runners,
                venue_feed=self.venue.on_market,
                metrics_interval_s=300,
            )
        )
        self.reconciler = Reconciler(
            engine=self.engine, executor=self.executor, venue=self.venue, scheduler=self.scheduler
        )
        self.sink = self.driver.take
        self._plan = FeedPlan(
            tags=(TAG,),
            markets_per_tag=setup.markets,
            wallets=setup.wallets,
            since_ns=self.scheduler.now_ns() if setup.wallets else 0,
        )
        self.feed: PolymarketFeed | None = None

    @property
    def credentials(self) -> Credentials:
        """What the simulated venue gave this account."""
        keys = self.simulator.venue.keys
        key = keys.derive(ADDRESS, 0) or keys.create(ADDRESS, 0)
        assert key is not None
        return Credentials(key=key.key, secret=Secret(key.secret), passphrase=Secret(key.passphrase))

    @asynccontextmanager
    async def running(self, guard: Guard) -> AsyncIterator[None]:
        """Everything as in a live session: the account is open, all books are live, the strategies have begun."""
        guard.session, self.engine.ask = "s1", guard.ask
        guard.attach(asyncio.get_running_loop())
        await self.venue.open()
        listeners = FeedListeners(user_message=self.venue.on_user_message, user_gap=self.venue.on_gap)
        self.feed = PolymarketFeed(
            self._plan, self.sink, hosts=self.hosts, credentials=self.credentials, listeners=listeners
        )
        async with asyncio.TaskGroup() as tasks:
            working: list[Coroutine[Any, Any, None]] = [
                *(self.driver.send_and_tell(), self.driver.ask(), self.feed.run(), self.venue.run()),
                *(runner.run() for runner in self.runners),
            ]
            running = [tasks.create_task(work) for work in working]
            await self._until_live(self.feed)
            await self._open_account()
            self.driver.start()
            yield
            for task in running:
                task.cancel()
        await self.venue.close()
        await self.store.close()

    def ring(self) -> None:
        """Let every strategy hear a timer now."""
        for runner in self.runners:
            runner.offer(TimerFired(time_ns=self.scheduler.now_ns()))

    async def until(self, holds: Callable[[], bool], *, every_s: float = 0.005) -> None:
        """Look again and again until something is so; TimeoutError after a minute."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110  # a benchmark looks from outside
                await asyncio.sleep(every_s)

    async def _until_live(self, feed: PolymarketFeed) -> None:
        await self.until(lambda: feed.status().instruments.get("LIVE") == 2 * len(self.markets), every_s=0.1)

    async def _open_account(self) -> None:
        now_ns = self.scheduler.now_ns()
        cash = next(one.total for one in await self.venue.balances() if one.asset == PUSD)
        self.executor.take(self.engine.open_account(cash, time_ns=now_ns, held={}))
        self.reconciler.begin(opened_ns=now_ns, since_ns=now_ns, baseline={})

    def _listed(self, number: int) -> SimMarket:
        """A market whose book the house fills: 20 levels a side around 0.49, too deep to be eaten."""
        slug = f"bench-{number}"
        market = self.simulator.venue.life.create(MarketSpec(slug=slug, tags=(TAG,), event_slug=slug))
        self.simulator.venue.house.set_book(market, bids=levels(BID, -CENT), asks=levels(ASK, CENT))
        return market

    def _options(self, setup: Setup) -> SessionOptions:
        owner = Owner(key=Secret(KEY), wallet=Wallet(ADDRESS, WalletKind.EOA), credentials=self.credentials)
        return SessionOptions(owner=owner, install_id="bench", hosts=self.hosts, tier=setup.tier)

    def _build_engine(self, setup: Setup, strategies: list[BaseStrategy]) -> Engine:
        market = MarketData()
        orders = OrderManager(
            session=SessionId("s1"), seed=1, venue=self.venue.name, limits=setup.limits, market=market
        )
        orders.valid_until, orders.venue_denial = self.venue.valid_until_ns, self.venue.denial
        orders.throttle.share(among=len(strategies))
        engine = Engine(session=SessionId("s1"), market=market, orders=orders)
        for strategy in strategies:
            engine.add(strategy)
        return engine


class Stage(NamedTuple):
    """A loop that is guarded as the daemon's is, and a folder on disk."""

    folder: Path
    guard: Guard
    runner: asyncio.Runner


@contextmanager
def stage() -> Iterator[Stage]:
    """One benchmark's process-wide surroundings; everything is gone afterwards.

    The interpreter is set as the daemon's: with the default thresholds a search for cycles stops the loop for 100 ms.
    """
    tune_interpreter()
    with (
        scratch() as folder,
        Guard(folder / "live.db") as guard,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        yield Stage(folder, guard, runner)


@asynccontextmanager
async def floor(here: Stage, setup: Setup, strategies: list[BaseStrategy]) -> AsyncIterator[Floor]:
    """A simulated venue with the daemon's parts on it, not yet running."""
    async with polymarket_simulator(rules=setup.rules) as simulator:
        yield Floor(simulator, setup, strategies, here.folder / "live.db")


def unlimited() -> VenueRules:
    """A venue that refuses nobody for being fast."""
    rules = VenueRules()
    rules.change({"ip_limits_scale": "0", "signer_limits_scale": "0"})
    return rules


def levels(best: int, step: int) -> list[tuple[int, int]]:
    """Price and share units of one side, best first."""
    return [(best + number * step, MUCH) for number in range(LEVELS)]


def resting_buy(market: SimMarket, key: str) -> Intent:
    """Five shares at a cent: far below the market, so that it stays."""
    return Intent(
        instrument_id=InstrumentId(market.token_ids[0]),
        side=Side.BUY,
        quantity=Decimal(5),
        price=Decimal("0.01"),
        time_in_force=TimeInForce.GTC,
        signal_key=key,
        reason="benchmark",
    )


def _store(db: Path) -> Store:
    store = Store.open(db, account_kind="live polymarket")
    run = RunInfo(mode="live", market="simulator", strategies=(), seed=1, config_hash="", version="0")
    store.begin(fingerprint={}, run=run, fresh=False, is_replayed=False)
    return store
