"""Sales that mirror the target's: the same fraction of what we hold, asked for again until it is sold."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from msgspec import Struct

from domain.book import OrderBook
from domain.identifiers import InstrumentId
from domain.instrument import Instrument, Side, round_price
from domain.messages import Fill, OrderChanged, PassedOver, StrategyIntent
from domain.money import ZERO, round_down, round_up
from domain.order import Intent, TimeInForce
from strategies.base_strategy import Holding, View
from strategies.copying.gates import NO_BOOK, shape_gate
from strategies.copying.work import COPIED, FAILED, SKIPPED, WAITING, Work, plain

NS_PER_S = 1_000_000_000
RETRY_S, RETRY_S_MAX = 1, 32
"""Pause between two attempts; it doubles while nothing is heard of an order, as after a denial."""

ANSWER_NS_MAX = 10 * NS_PER_S
"""An order that exists is heard of within this; later, none came of the asking."""

NOTHING_HELD = "nothing held to sell"
NO_BIDS = "no bids"
BELOW_MINIMUM = "below the minimum to sell"
NOT_SETTLED = "shares not settled"


class Exit(Struct, kw_only=True):
    """What is to be sold of one outcome, oldest first, and the attempt that is being made at it."""

    works: list[Work]
    attempt: int = 0
    is_asked: bool = False
    is_heard: bool = False
    asked_ns: int = 0
    pause_s: int = RETRY_S
    last: Work | None = None

    @property
    def remaining(self) -> Decimal:
        """Shares that are still to be sold."""
        return sum((work.leaves for work in self.works), ZERO)


class Exits:
    """All sales that are not over."""

    def __init__(self) -> None:
        self._exits: dict[InstrumentId, Exit] = {}

    @property
    def pending(self) -> list[InstrumentId]:
        """Outcomes of which something is to be sold."""
        return [instrument_id for instrument_id, leaving in self._exits.items() if leaving.works]

    def is_pending(self, instrument_id: InstrumentId) -> bool:
        """Say whether something of the outcome is to be sold."""
        leaving = self._exits.get(instrument_id)
        return leaving is not None and bool(leaving.works)

    def add(self, work: Work, *, instrument: Instrument, held: Decimal) -> bool:
        """Take on a sale of the target's fraction of what we hold, or may still get, and are not selling already.

        A part is rounded down to lots; false where nothing is left of it.
        """
        leaving = self._exits.setdefault(instrument.id, Exit(works=[]))
        free = max(ZERO, held - leaving.remaining)
        work.wanted = round_down(free * work.change.fraction, instrument.lot_size)
        if work.wanted:
            leaving.works.append(work)
        return bool(work.wanted)

    def look(
        self, instrument_id: InstrumentId, view: View, *, in_flight: Decimal, ticks_below_bid: int
    ) -> Iterator[StrategyIntent]:
        """Ask for what can be sold now, unless an attempt is at the venue or was made a moment ago."""
        leaving, instrument = self._exits.get(instrument_id), view.instrument(instrument_id)
        if leaving is None or instrument is None or not leaving.works:
            return
        if (leaving.is_asked and leaving.is_heard) or _is_working(instrument, view):
            return
        if view.time_ns - leaving.asked_ns < leaving.pause_s * NS_PER_S:
            return
        holding = view.holding(instrument_id)
        if leaving.is_asked and view.time_ns - leaving.asked_ns >= ANSWER_NS_MAX and not holding.quantity:
            leaving.is_asked = False
        if not leaving.is_asked:
            yield from self._trim(leaving, holding.quantity + in_flight, view.time_ns)
        if leaving.works:
            yield from _attempt(leaving, instrument, holding, view, ticks_below_bid)

    def note_order(self, event: OrderChanged) -> None:
        """Hear of an attempt; its end makes way for the next one, under a key of its own."""
        leaving = self._exits.get(event.order.instrument_id)
        if leaving is None:
            return
        leaving.is_heard, leaving.pause_s = True, RETRY_S
        if event.order.is_done:
            leaving.is_asked = leaving.is_heard = False
            leaving.attempt += 1

    def note_fill(self, fill: Fill, time_ns: int) -> Iterator[StrategyIntent]:
        """Credit a sale to the oldest trade that waits for it; what is sold beyond them all to the last."""
        leaving = self._exits.get(fill.instrument_id)
        if leaving is None:
            return
        left = fill.quantity
        for work in list(leaving.works):
            share = min(left, work.leaves)
            if share:
                left -= share
                yield from self._credit(leaving, work, share, fill, time_ns)
        if left and leaving.last:
            leaving.last.fill(left, price=fill.price, time_ns=fill.time_ns)
            yield from leaving.last.tell(
                time_ns, COPIED, f"{plain(leaving.last.filled)} sold: too few would have stayed"
            )

    def note_failure(self, fill: Fill, time_ns: int) -> Iterator[StrategyIntent]:
        """A sale did not settle, so the shares are back: they are to be sold again."""
        leaving = self._exits.get(fill.instrument_id)
        if leaving is None or leaving.last is None:
            return
        work = leaving.last
        work.fill(-fill.quantity, price=fill.price, time_ns=fill.time_ns)
        work.wanted = max(work.wanted, work.filled + fill.quantity)
        if work not in leaving.works:
            leaving.works.append(work)
        yield from work.tell(time_ns, WAITING, "a sale did not settle; selling again")

    def resolve(self, instrument_id: InstrumentId, time_ns: int) -> Iterator[StrategyIntent]:
        """End what is left of the sales of a resolved market: it is redeemed instead."""
        leaving = self._exits.pop(instrument_id, None)
        for work in leaving.works if leaving else ():
            outcome = COPIED if work.filled > 0 else FAILED
            yield from work.tell(
                time_ns,
                outcome,
                f"{plain(work.filled)} of {plain(work.wanted)} sold before the market resolved",
            )

    def _trim(self, leaving: Exit, held: Decimal, time_ns: int) -> Iterator[StrategyIntent]:
        """Give up wishes beyond what there is, latest first: a buy in flight brought less than hoped."""
        for work in reversed(leaving.works.copy()):
            excess = max(ZERO, leaving.remaining - held)
            work.wanted -= min(excess, work.leaves)
            if not work.leaves:
                leaving.works.remove(work)
                outcome = COPIED if work.filled > 0 else SKIPPED
                yield from work.tell(time_ns, outcome, "sold" if work.filled > 0 else NOTHING_HELD)

    def _credit(
        self, leaving: Exit, work: Work, share: Decimal, fill: Fill, time_ns: int
    ) -> Iterator[StrategyIntent]:
        work.fill(share, price=fill.price, time_ns=fill.time_ns)
        leaving.last = work
        if work.leaves:
            yield from work.tell(time_ns, WAITING, f"{plain(work.filled)} of {plain(work.wanted)} sold")
        else:
            leaving.works.remove(work)
            yield from work.tell(time_ns, COPIED, "sold")


def _attempt(
    leaving: Exit, instrument: Instrument, holding: Holding, view: View, ticks_below_bid: int
) -> Iterator[StrategyIntent]:
    book = view.book(instrument.id)
    gate = _book_gate(book)
    if book is None or book.best_bid is None or gate:
        yield from _wait(leaving, view, gate or NO_BIDS)
        return
    limit = _limit(book.best_bid.price, instrument, ticks_below_bid)
    quantity = sellable(leaving.remaining, holding, instrument, limit)
    if not quantity:
        is_unsettled = holding.settled_quantity < min(leaving.remaining, holding.quantity)
        yield from _wait(leaving, view, NOT_SETTLED if is_unsettled else BELOW_MINIMUM)
        return
    leaving.pause_s = min(RETRY_S_MAX, leaving.pause_s * 2) if leaving.is_asked else RETRY_S
    leaving.is_asked, leaving.asked_ns = True, view.time_ns
    yield Intent(
        instrument_id=instrument.id,
        side=Side.SELL,
        quantity=quantity,
        price=limit,
        time_in_force=TimeInForce.FAK,
        signal_key=f"exit:{instrument.id}:{leaving.attempt}",
        reason=f"{leaving.works[0].change.cause.name} sold {leaving.works[0].change.fraction:.1%}: "
        f"{plain(leaving.remaining)} of our {plain(holding.quantity)} to sell, attempt {leaving.attempt + 1}",
    )


def sellable(remaining: Decimal, holding: Holding, instrument: Instrument, limit: Decimal) -> Decimal:
    """Shares to ask for: settled and free ones, whole lots, at least the venue's minimum, else zero.

    Where fewer than the minimum would stay, they go too, since nobody could sell them later; where they are not
    settled yet, as many stay with them as make up the minimum.
    """
    least = max(instrument.quantity_min, round_up(instrument.taker_notional_min / limit, instrument.lot_size))
    wanted, free = min(remaining, holding.quantity), holding.settled_quantity
    if wanted >= least and holding.quantity - wanted < instrument.quantity_min:
        wanted = holding.quantity
    if free < wanted and holding.quantity - free < instrument.quantity_min:
        free = holding.quantity - instrument.quantity_min
    quantity = round_down(min(wanted, free), instrument.lot_size)
    return quantity if quantity >= least else ZERO


def _limit(bid: Decimal, instrument: Instrument, ticks_below_bid: int) -> Decimal:
    price = round_price(bid, instrument, Side.SELL) - ticks_below_bid * instrument.tick_size
    return min(max(price, instrument.price_min), instrument.price_max)


def _book_gate(book: OrderBook | None) -> str | None:
    """A sale looks less closely than a buy: any bid will do, however old, but not what stands for no market."""
    if book is None:
        return NO_BOOK
    return NO_BIDS if book.best_bid is None else shape_gate(book)


def _wait(leaving: Exit, view: View, gate: str) -> Iterator[StrategyIntent]:
    for work in leaving.works:
        if told := work.tell(view.time_ns, WAITING, gate):
            yield PassedOver(work.change.cause.market_id, gate)
            yield from told


def _is_working(instrument: Instrument, view: View) -> bool:
    orders: Iterable[tuple[InstrumentId, Side]] = (
        (order.instrument_id, order.side) for order in view.orders(instrument.market_id)
    )
    return (instrument.id, Side.SELL) in orders
