"""What tests of simulated matching share: a binary market, orders and books in few words, driven time."""

import heapq
from collections.abc import Callable, Coroutine
from decimal import Decimal
from itertools import count
from typing import TypeVar, cast

import msgspec

from config import PaperSettings
from domain.book import Level, OrderBook
from domain.identifiers import (
    CorrelationId,
    InstrumentId,
    IntentId,
    MarketId,
    OrderId,
    StrategyName,
    VenueName,
)
from domain.instrument import Instrument, Market, Side
from domain.messages import (
    BookSnapshot,
    Cancelled,
    CancelLost,
    ExecutionReport,
    MarketListed,
    Rejected,
    TradePrint,
)
from domain.money import ONE
from domain.order import Order, TimeInForce
from venues.matching import Accepted, Execution, MatchingEngine
from venues.paper import PaperVenue

ResultT = TypeVar("ResultT")

UP, DOWN = InstrumentId("UP"), InstrumentId("DOWN")
MARKET = MarketId("m")
PAPER = VenueName("paper")
MS, S = 1_000_000, 1_000_000_000
START_NS = 1_790_585_000 * S

NO_CHANCE = PaperSettings(
    latency_ms_min=50,
    latency_ms_max=50,
    settlement_s_min=5,
    settlement_s_max=5,
    settlement_failure_rate=Decimal(0),
)


FAILING = msgspec.structs.replace(NO_CHANCE, settlement_failure_rate=Decimal(1))
"""Latency 50 ms, taker delay 150 ms, answer 20 ms, settlement 5 s; here settlement always fails."""


def instrument(of: InstrumentId, complement: InstrumentId, market_id: MarketId = MARKET) -> Instrument:
    """A cent-tick instrument with the crypto fee and the venue's usual minima."""
    return Instrument(
        id=of,
        market_id=market_id,
        venue=PAPER,
        outcome=of,
        complement_id=complement,
        tick_size=Decimal("0.01"),
        fee_rate=Decimal("0.07"),
    )


def market(market_id: MarketId = MARKET, up: InstrumentId = UP, down: InstrumentId = DOWN) -> Market:
    """A market of two mirrored instruments."""
    return Market(
        id=market_id,
        venue=PAPER,
        slug="btc-updown-15m",
        question="Bitcoin Up or Down",
        category="crypto",
        event_id="e",
        opens_ns=START_NS,
        closes_ns=START_NS + 900 * S,
        instruments=(instrument(up, down, market_id), instrument(down, up, market_id)),
    )


def order(text: str, *, name: str = "k", session: str = "s1", expires_ns: int | None = None) -> Order:
    """Read "BUY 10 UP 0.50 FAK": side, shares, instrument, limit, time in force, perhaps `post-only`."""
    side, quantity, of, price, time_in_force, *post_only = text.split()
    return Order(
        id=OrderId(f"{session}-{name}"),
        intent_id=IntentId(f"{session}/tester/{name}/0"),
        generation=1,
        correlation_id=CorrelationId("c"),
        strategy=StrategyName("tester"),
        venue=PAPER,
        market_id=MARKET,
        instrument_id=InstrumentId(of),
        side=Side(side),
        time_in_force=TimeInForce(time_in_force),
        post_only=bool(post_only),
        price=Decimal(price),
        quantity=Decimal(quantity),
        created_ns=START_NS,
        updated_ns=START_NS,
        expires_ns=expires_ns,
    )


def levels(text: str) -> tuple[Level, ...]:
    """Read levels such as "0.50x100 0.49x20", best first."""
    pairs = (quote.split("x") for quote in text.split())
    return tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in pairs)


def book(*, bids: str = "", asks: str = "", of: InstrumentId = UP) -> OrderBook:
    """A snapshot from two texts of levels."""
    return OrderBook(instrument_id=of, time_ns=START_NS, bids=levels(bids), asks=levels(asks))


def mirrored(shown: OrderBook) -> OrderBook:
    """The same book as the other instrument shows it: an ask at p is a bid at 1 − p."""
    return OrderBook(
        instrument_id=DOWN if shown.instrument_id == UP else UP,
        time_ns=shown.time_ns,
        bids=tuple(Level(ONE - price, quantity) for price, quantity in shown.asks),
        asks=tuple(Level(ONE - price, quantity) for price, quantity in shown.bids),
    )


def trade(side: str, quantity: str, price: str, *, of: InstrumentId = UP) -> TradePrint:
    """A print; the side is the taker's."""
    return TradePrint(
        time_ns=START_NS,
        instrument_id=of,
        side=Side(side),
        price=Decimal(price),
        quantity=Decimal(quantity),
    )


def engine_showing(*books: OrderBook) -> MatchingEngine:
    """An engine that knows the market and these books."""
    engine = MatchingEngine()
    engine.open_market(market())
    for shown in books:
        engine.on_book(shown)
    return engine


def accepted(engine: MatchingEngine, wanted: Order) -> Accepted:
    """Add an order that must not be refused."""
    outcome = engine.add(wanted, time_ns=START_NS)
    assert isinstance(outcome, Accepted), outcome
    return outcome


def shares_at(executions: tuple[Execution, ...]) -> list[tuple[str, str]]:
    """Executions as (quantity, price) texts, which tables compare."""
    return [(f"{e.quantity.normalize():f}", f"{e.price.normalize():f}") for e in executions]


def shares_of(executions: tuple[Execution, ...]) -> list[tuple[str, str]]:
    """Executions as (order, quantity) texts."""
    return [(e.order_id, f"{e.quantity.normalize():f}") for e in executions]


class FakeScheduler:
    """Time that moves only by `run_until`; callbacks of one instant run in the order of asking."""

    def __init__(self) -> None:
        self._now_ns = START_NS
        self._waiting: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = count()

    def now_ns(self) -> int:
        return self._now_ns

    def call_at(self, time_ns: int, callback: Callable[[], None]) -> None:
        heapq.heappush(self._waiting, (max(time_ns, self._now_ns), next(self._numbers), callback))

    def run_until(self, time_ns: int) -> None:
        while self._waiting and self._waiting[0][0] <= time_ns:
            self._now_ns, _, callback = heapq.heappop(self._waiting)
            callback()
        self._now_ns = time_ns


class Floor:
    """A connected paper venue on driven time, and everything that it reported."""

    def __init__(self, settings: PaperSettings = NO_CHANCE, *, seed: int = 1, cash: str = "1000") -> None:
        self.scheduler = FakeScheduler()
        self.reports: list[ExecutionReport] = []
        self.venue = PaperVenue(scheduler=self.scheduler, settings=settings, seed=seed, cash=Decimal(cash))
        self.venue.connect(self.reports.append)

    def after(self, *, ms: int) -> list[ExecutionReport]:
        """Let time pass, and return what was reported meanwhile."""
        heard = len(self.reports)
        self.scheduler.run_until(self.scheduler.now_ns() + ms * MS)
        return self.reports[heard:]


def trading_floor(settings: PaperSettings = NO_CHANCE, *, seed: int = 1, cash: str = "1000") -> Floor:
    """A floor whose market is listed and shows bids at 0.50 and asks at 0.52."""
    floor = Floor(settings, seed=seed, cash=cash)
    floor.venue.on_market(MarketListed(time_ns=START_NS, market=market()))
    show(floor, bids="0.50x100", asks="0.52x100")
    return floor


def show(floor: Floor, *, bids: str = "", asks: str = "") -> None:
    """Let the market show a book of UP."""
    floor.venue.on_market(BookSnapshot(time_ns=START_NS, book=book(bids=bids, asks=asks)))


def send(
    floor: Floor, text: str, *, name: str = "k", session: str = "s1", expires_ns: int | None = None
) -> Order:
    """Send an order without letting time pass."""
    sent = order(text, name=name, session=session, expires_ns=expires_ns)
    at_once(floor.venue.send(sent))
    return sent


def kinds(reports: list[ExecutionReport]) -> list[str]:
    """The reports' types, in order."""
    return [type(report).__name__ for report in reports]


def reason_of(reports: list[ExecutionReport]) -> str:
    """The words of the only report."""
    (report,) = reports
    assert isinstance(report, Rejected | Cancelled | CancelLost), report
    return report.reason


def at_once(coroutine: Coroutine[object, None, ResultT]) -> ResultT:
    """Run a coroutine that must not wait for anything."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast(ResultT, done.value)
    raise AssertionError("the venue waited; it must answer through the scheduler")
