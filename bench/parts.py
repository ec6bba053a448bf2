"""The real parts wired without a session: what the benchmarks of the order path and of the engine share."""

from decimal import Decimal
from pathlib import Path

from backtest.timeline import Timeline
from config import Limits
from domain.book import Level, OrderBook
from domain.conversions import Conversion
from domain.identifiers import InstrumentId, MarketId, SessionId, StrategyName, VenueName, VenueOrderId
from domain.instrument import Instrument, Market, Side
from domain.messages import Acknowledged, BookSnapshot, Cancelled, Fill, MarketListed
from domain.order import Intent, Order, TimeInForce
from engine import Engine
from executor import Executor
from order_manager import OrderManager
from state.market import MarketData
from storage.sessions import RunInfo
from storage.store import Store
from strategies.base_strategy import BaseStrategy, Intents, View
from venues.base import ClientIdClass, Prepared, ReportSink, Venue, VenueBalance, VenueOrder

START_NS = 1_790_586_000_000_000_000
PAPER = VenueName("paper")
MARKET = MarketId("m")
UP, DOWN = InstrumentId("m:UP"), InstrumentId("m:DOWN")
WIDE = Limits(
    orders_per_minute=12_000,
    orders_burst=500,
    open_orders_max=100_000,
    executions_max=100_000,
    book_age_s_max=Decimal(3_600),
    order_notional_max=Decimal(1_000_000),
    position_quantity_max=Decimal(10_000_000),
    position_notional_max=Decimal(100_000_000),
)


class InstantVenue(Venue):
    """Acknowledges at once and cancels at once: what is left is the daemon's own cost."""

    name = PAPER
    client_id_class = ClientIdClass.UNIQUE_FOREVER

    def __init__(self, timeline: Timeline) -> None:
        self.received = 0
        self._timeline = timeline
        self._sink: ReportSink = lambda _: None

    def connect(self, sink: ReportSink) -> None:
        self._sink = sink

    def valid_until_ns(self, order: Order) -> int | None:
        return None

    def denial(self, order: Order) -> str | None:
        """Nothing speaks against an order before it arrives."""
        return None

    def prepare(self, order: Order) -> Prepared | None:
        return None

    def remember(self, order: Order, prepared: Prepared) -> None:
        raise AssertionError("nothing is prepared here")

    def wait_s(self, order: Order) -> float:
        return 0.0

    async def cancel_all(self) -> None:
        raise AssertionError("nothing is cancelled at once here")

    async def balances(self) -> tuple[VenueBalance, ...]:
        return ()

    async def send(self, order: Order) -> None:
        self.received += 1
        self._sink(
            Acknowledged(
                order_id=order.id, venue_order_id=VenueOrderId(order.id), time_ns=self._timeline.now_ns()
            )
        )

    async def cancel(self, order: Order) -> None:
        self._sink(Cancelled(order_id=order.id, reason="asked", time_ns=self._timeline.now_ns()))

    async def redeem(self, *, strategy: StrategyName, instrument_id: InstrumentId, quantity: Decimal) -> None:
        raise AssertionError("nothing is redeemed here")

    async def convert(self, conversion: Conversion) -> None:
        raise AssertionError("nothing is converted here")

    async def find_order(self, order: Order) -> VenueOrder | None:
        return None

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        return ()

    async def fills_since(self, time_ns: int) -> tuple[Fill, ...]:
        return ()


class Quoter(BaseStrategy):
    """One resting order per book: its price is far from the market, so that nothing trades."""

    name = "quoter"

    def on_book(self, event: BookSnapshot, view: View) -> Intents:
        yield Intent(
            instrument_id=event.book.instrument_id,
            side=Side.BUY,
            quantity=Decimal(5),
            price=Decimal("0.40"),
            time_in_force=TimeInForce.GTC,
            post_only=True,
            signal_key=str(event.time_ns),
            reason="benchmark",
        )


class Watcher(BaseStrategy):
    """Looks at every book and wants nothing."""

    name = "watcher"

    def on_book(self, event: BookSnapshot, view: View) -> Intents:
        return iter(())


def wired(
    path: Path, strategies: list[BaseStrategy], *, cash: Decimal = Decimal(90_000_000), is_begun: bool = True
) -> tuple[Store, Engine, Executor, Timeline, InstantVenue]:
    """A new database with the parts on it; the market is listed and has a book."""
    timeline = Timeline()
    timeline.advance(START_NS if is_begun else 0)
    venue, market = InstantVenue(timeline), MarketData()
    store = Store.open(path, account_kind="paper on a recording")
    run = RunInfo(mode="dry-run", market="bench", strategies=(), seed=1, config_hash="", version="0")
    store.begin(fingerprint={}, run=run, fresh=False)
    orders = OrderManager(session=SessionId("s1"), seed=1, venue=PAPER, limits=WIDE, market=market)
    engine = Engine(session=SessionId("s1"), market=market, orders=orders)
    for strategy in strategies:
        engine.add(strategy)
    executor = Executor(engine=engine, store=store, scheduler=timeline, venue=venue)
    if not is_begun:
        return store, engine, executor, timeline, venue
    executor.take(engine.open_account(cash, time_ns=START_NS))
    executor.take(engine.take_market(MarketListed(time_ns=START_NS, market=listed())))
    engine.take_market(snapshot(START_NS))
    return store, engine, executor, timeline, venue


def listed() -> Market:
    """A market that stays open for the whole benchmark."""
    instruments = tuple(
        Instrument(
            id=one,
            market_id=MARKET,
            venue=PAPER,
            outcome=one[2:],
            complement_id=other,
            tick_size=Decimal("0.01"),
        )
        for one, other in ((UP, DOWN), (DOWN, UP))
    )
    return Market(
        id=MARKET,
        venue=PAPER,
        slug="bench",
        question="",
        category="other",
        event_id="bench",
        opens_ns=0,
        closes_ns=START_NS + 10**17,
        instruments=instruments,
    )


def snapshot(time_ns: int, instrument_id: InstrumentId = UP) -> BookSnapshot:
    """A book of one level a side."""
    bids, asks = (Level(Decimal("0.49"), Decimal(1000)),), (Level(Decimal("0.51"), Decimal(1000)),)
    return BookSnapshot(
        time_ns=time_ns, book=OrderBook(instrument_id=instrument_id, time_ns=time_ns, bids=bids, asks=asks)
    )
