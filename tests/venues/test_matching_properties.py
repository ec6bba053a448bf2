"""Simulated fills never exceed what was there, stated without the engine's own bookkeeping.

Every snapshot is added up here by itself: what a level first showed, and every later growth. Shares that
we took from levels up to any price must have been there, and a print fills at most its own volume.
"""

from collections import defaultdict
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.book import Level, OrderBook
from domain.identifiers import InstrumentId, OrderId
from domain.instrument import Side
from domain.messages import TradePrint
from domain.money import ZERO
from domain.order import Order
from tests.venues.paper_audit import Shown, Take, as_up, assert_was_there, take_of
from tests.venues.paper_floor import DOWN, START_NS, UP, engine_showing, mirrored, order
from venues.matching import Accepted, Execution, MatchingEngine

Step = OrderBook | TradePrint | tuple[Side, Decimal, InstrumentId, Decimal, str]

cents = st.integers(46, 54).map(lambda cent: Decimal(cent) / 100)
shares = st.integers(1, 4000).map(lambda lots: Decimal(lots) / 200)  # in halves of a lot
lots = st.integers(500, 4000).map(lambda lots: Decimal(lots) / 100)
instruments = st.sampled_from([UP, DOWN])
sides = st.sampled_from(list(Side))


@st.composite
def books(draw: st.DrawFn) -> OrderBook:
    """A book that is not crossed, within nine cents so that orders meet it often."""
    split = draw(st.integers(46, 55))
    bids = draw(
        st.dictionaries(st.integers(46, split - 1), shares, max_size=4) if split > 46 else st.just({})
    )
    asks = draw(st.dictionaries(st.integers(split, 54), shares, max_size=4) if split < 55 else st.just({}))
    return OrderBook(
        instrument_id=draw(instruments),
        time_ns=START_NS,
        bids=tuple(Level(Decimal(cent) / 100, bids[cent]) for cent in sorted(bids, reverse=True)),
        asks=tuple(Level(Decimal(cent) / 100, asks[cent]) for cent in sorted(asks)),
    )


prints = st.builds(
    TradePrint, time_ns=st.just(START_NS), instrument_id=instruments, side=sides, price=cents, quantity=shares
)
wishes = st.tuples(sides, lots, instruments, cents, st.sampled_from(["GTC", "GTC", "FAK", "FOK"]))
steps = st.lists(st.one_of(books(), prints, wishes), min_size=4, max_size=40)


class Market:
    """The engine, and beside it what was shown, what was printed, and what we got."""

    def __init__(self, *, is_synchronous: bool) -> None:
        self.engine: MatchingEngine = engine_showing()
        self.is_synchronous = is_synchronous
        self.orders: dict[OrderId, Order] = {}
        self.filled: defaultdict[OrderId, Decimal] = defaultdict(Decimal)
        self.shown = Shown()
        self.takes: list[Take] = []

    def show(self, book: OrderBook) -> None:
        """Both books change at once where the feed is synchronous, else only one."""
        if self.is_synchronous:
            self.shown.add_up(mirrored(book))
        self.shown.add_up(book)
        executions = self.engine.on_book(book)
        if self.is_synchronous:
            executions += self.engine.on_book(mirrored(book))
        self.note(executions, is_proven_by_book=True)

    def print(self, trade: TradePrint) -> None:
        """A print fills at most what was printed, and only at prices that it reached."""
        executions = self.engine.on_print(trade)
        self.note(executions, is_proven_by_book=False)

        assert sum((e.quantity for e in executions), ZERO) <= trade.quantity
        for execution in executions:
            filled = self.orders[execution.order_id]
            assert filled.instrument_id == trade.instrument_id
            assert filled.side is trade.side.opposite
            assert filled.price >= trade.price if filled.side is Side.BUY else filled.price <= trade.price

    def wish(self, side: Side, quantity: Decimal, of: InstrumentId, price: Decimal, kind: str) -> None:
        """Send an order; it may well be refused."""
        wanted = order(f"{side} {quantity} {of} {price} {kind}", name=str(len(self.orders)))
        self.orders[wanted.id] = wanted
        outcome = self.engine.add(wanted, time_ns=START_NS)
        if isinstance(outcome, Accepted):
            self.note(outcome.executions, is_proven_by_book=True)

    def note(self, executions: tuple[Execution, ...], *, is_proven_by_book: bool) -> None:
        """Count fills; what the book proved was taken from levels at the price, or for a maker beyond it."""
        for execution in executions:
            filled = self.orders[execution.order_id]
            self.filled[filled.id] += execution.quantity
            assert execution.quantity > 0
            assert execution.quantity % Decimal("0.01") == 0
            assert self.filled[filled.id] <= filled.quantity
            if is_proven_by_book:
                self.takes.append(take_of(filled, execution))


def play(market: Market, script: list[Step]) -> None:
    """Let the market and us act in the order of the script."""
    for step in script:
        match step:
            case OrderBook():
                market.show(step)
            case TradePrint():
                market.print(step)
            case _:
                market.wish(*step)


@settings(max_examples=300, deadline=None)
@given(steps)
def test_fills_never_exceed_what_one_instrument_showed(script: list[Step]) -> None:
    market = Market(is_synchronous=False)

    play(market, script)

    assert_was_there(market.shown, market.takes)


@settings(max_examples=300, deadline=None)
@given(steps)
def test_fills_never_exceed_what_the_one_book_of_both_instruments_showed(script: list[Step]) -> None:
    market = Market(is_synchronous=True)

    play(market, script)

    assert_was_there(market.shown, [as_up(take) for take in market.takes])
