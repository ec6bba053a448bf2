"""Simulated fills never exceed what was there, stated without the engine's own bookkeeping.

Every snapshot is added up here by itself: what a level first showed, and every later growth. Shares that
we took from levels up to any price must have been there, and a print fills at most its own volume.
"""

from collections import defaultdict
from decimal import Decimal
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.book import Level, OrderBook
from domain.identifiers import InstrumentId, OrderId
from domain.instrument import Side
from domain.messages import Liquidity, TradePrint
from domain.money import ONE, ZERO
from domain.order import Order
from tests.venues.paper_floor import DOWN, START_NS, UP, engine_showing, mirrored, order
from venues.matching import Accepted, Execution, MatchingEngine

Step = OrderBook | TradePrint | tuple[Side, Decimal, InstrumentId, Decimal, str]
Ladder = tuple[InstrumentId, Side]
"""The bids (BUY) or asks (SELL) of an instrument."""

cents = st.integers(46, 54).map(lambda cent: Decimal(cent) / 100)
shares = st.integers(1, 4000).map(lambda lots: Decimal(lots) / 200)  # in halves of a lot
lots = st.integers(500, 4000).map(lambda lots: Decimal(lots) / 100)
instruments = st.sampled_from([UP, DOWN])
sides = st.sampled_from(list(Side))


class Take(NamedTuple):
    """Shares that a taker took from one level, or a maker from some levels none worse than `price_worst`."""

    ladder: Ladder
    price_worst: Decimal
    quantity: Decimal
    liquidity: Liquidity


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
        self.shown: dict[Ladder, dict[Decimal, Decimal]] = {}
        self.there: defaultdict[Ladder, defaultdict[Decimal, Decimal]] = defaultdict(
            lambda: defaultdict(Decimal)
        )
        self.takes: list[Take] = []

    def show(self, book: OrderBook) -> None:
        """Both books change at once where the feed is synchronous, else only one."""
        if self.is_synchronous:
            self.add_up(mirrored(book))
        self.add_up(book)
        executions = self.engine.on_book(book)
        if self.is_synchronous:
            executions += self.engine.on_book(mirrored(book))
        self.note(executions, is_proven_by_book=True)

    def add_up(self, book: OrderBook) -> None:
        """Count first sizes and growth of each level."""
        for side, levels in ((Side.BUY, book.bids), (Side.SELL, book.asks)):
            ladder = (book.instrument_id, side)
            before, now = self.shown.get(ladder, {}), dict(levels)
            for price, quantity in now.items():
                self.there[ladder][price] += max(quantity - before.get(price, ZERO), ZERO)
            self.shown[ladder] = now

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
                worst = execution.price
                if execution.liquidity is Liquidity.MAKER:
                    tick = Decimal("0.01")
                    worst = worst - tick if filled.side is Side.BUY else worst + tick
                ladder = (filled.instrument_id, filled.side.opposite)
                self.takes.append(Take(ladder, worst, execution.quantity, execution.liquidity))


def assert_was_there(there: dict[Decimal, Decimal], takes: list[Take], side: Side) -> None:
    """What was taken was shown: by takers at each very level, by all at levels up to each price."""
    for bound in {take.price_worst for take in takes}:
        exact = [t.quantity for t in takes if t.price_worst == bound and t.liquidity is Liquidity.TAKER]
        assert sum(exact, ZERO) <= there[bound]
        if side is Side.SELL:
            taken = sum((take.quantity for take in takes if take.price_worst <= bound), ZERO)
            available = sum((quantity for price, quantity in there.items() if price <= bound), ZERO)
        else:
            taken = sum((take.quantity for take in takes if take.price_worst >= bound), ZERO)
            available = sum((quantity for price, quantity in there.items() if price >= bound), ZERO)
        assert taken <= available, f"took {taken} of {available} up to {bound}"


def as_up(take: Take) -> Take:
    """The same take seen on the one book that both instruments share."""
    instrument_id, side = take.ladder
    if instrument_id == UP:
        return take
    return take._replace(ladder=(UP, side.opposite), price_worst=ONE - take.price_worst)


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

    for ladder in {take.ladder for take in market.takes}:
        takes = [take for take in market.takes if take.ladder == ladder]
        assert_was_there(market.there[ladder], takes, ladder[1])


@settings(max_examples=300, deadline=None)
@given(steps)
def test_fills_never_exceed_what_the_one_book_of_both_instruments_showed(script: list[Step]) -> None:
    market = Market(is_synchronous=True)

    play(market, script)

    takes = [as_up(take) for take in market.takes]
    for side in Side:
        ours = [take for take in takes if take.ladder == (UP, side)]
        assert_was_there(market.there[UP, side], ours, side)
