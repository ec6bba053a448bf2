"""What was there, for tests: counted without the engine's bookkeeping, and held against our fills."""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from operator import eq, ge, gt, le, lt
from typing import NamedTuple

from domain.book import OrderBook
from domain.identifiers import InstrumentId
from domain.instrument import Side
from domain.messages import Fill, Liquidity
from domain.money import ONE, ZERO
from domain.order import Order
from tests.venues.paper_floor import UP
from venues.matching import Execution

Test = Callable[[Decimal, Decimal], bool]
Ladder = tuple[InstrumentId, Side]
"""The bids (BUY) or asks (SELL) of an instrument."""


class Take(NamedTuple):
    """Shares that a taker took from the level at `price`, or a maker from levels strictly beyond it."""

    ladder: Ladder
    price: Decimal
    quantity: Decimal
    liquidity: Liquidity


def take_of(order: Order, fill: Execution | Fill) -> Take:
    """What a fill that a book proved must have taken."""
    return Take((order.instrument_id, order.side.opposite), fill.price, fill.quantity, fill.liquidity)


class Shown:
    """`there`: for each level, the shares first displayed and every later growth."""

    def __init__(self) -> None:
        self.there: defaultdict[Ladder, defaultdict[Decimal, Decimal]] = defaultdict(
            lambda: defaultdict(Decimal)
        )
        self._last: dict[Ladder, dict[Decimal, Decimal]] = {}

    def add_up(self, book: OrderBook) -> None:
        """Count what a snapshot shows more than the one before it."""
        for side, levels in ((Side.BUY, book.bids), (Side.SELL, book.asks)):
            ladder = (book.instrument_id, side)
            before, now = self._last.get(ladder, {}), dict(levels)
            for price, quantity in now.items():
                self.there[ladder][price] += max(quantity - before.get(price, ZERO), ZERO)
            self._last[ladder] = now


def assert_was_there(shown: Shown, takes: list[Take]) -> None:
    """What was taken was shown: at each very level by takers, and up to each price by all."""
    for ladder in {take.ladder for take in takes}:
        there, ours = shown.there[ladder], [take for take in takes if take.ladder == ladder]
        makers = [take for take in ours if take.liquidity is Liquidity.MAKER]
        takers = [take for take in ours if take.liquidity is Liquidity.TAKER]
        reaches, is_beyond = (le, lt) if ladder[1] is Side.SELL else (ge, gt)
        for bound in {take.price for take in ours}:
            assert_covered([t for t in takers if t.price == bound], there, bound, eq)
            assert_covered([t for t in ours if reaches(t.price, bound)], there, bound, reaches)
            beyond = [t for t in takers if is_beyond(t.price, bound)]
            assert_covered(beyond + [t for t in makers if reaches(t.price, bound)], there, bound, is_beyond)


def assert_covered(takes: list[Take], there: dict[Decimal, Decimal], bound: Decimal, test: Test) -> None:
    """The takes together are no more than was there at the levels that pass the test against `bound`."""
    taken = sum((take.quantity for take in takes), ZERO)
    available = sum((quantity for price, quantity in there.items() if test(price, bound)), ZERO)
    assert taken <= available, f"took {taken} of {available}: {test.__name__} {bound}"


def as_up(take: Take) -> Take:
    """The same take seen on the one book that both instruments share."""
    instrument_id, side = take.ladder
    if instrument_id == UP:
        return take
    return take._replace(ladder=(UP, side.opposite), price=ONE - take.price)
