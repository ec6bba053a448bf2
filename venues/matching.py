"""Simulated matching against displayed books and prints: never fills more than was there.

Plain and synchronous: no clock, no chance, no account. The rules, their reasons and examples: docs/fills.md.
"""

from collections.abc import Iterable
from decimal import Decimal
from itertools import takewhile

import msgspec
from msgspec import Struct

from clock import NS_PER_S
from domain.book import Level, OrderBook
from domain.identifiers import InstrumentId, MarketId, OrderId
from domain.instrument import Instrument, Market, Side
from domain.messages import Liquidity, TradePrint
from domain.money import ONE, ZERO, round_down
from domain.order import Order, OrderStatus, TimeInForce
from venues.paper_refusals import (
    NO_BOOK,
    NOT_READY,
    crossing_refusal,
    duplicate_text,
    form_refusal,
    kill_text,
    tick_refusal,
)

GTD_LEAD_NS = 60 * NS_PER_S
"""The venue expires a GTD order this long before the time it states."""

LEVELS_SHOWN_MAX = 20
"""A side with this many levels may have been cut short: what lies beyond its last level is not known."""


class Execution(Struct, frozen=True, kw_only=True):
    """Part of one of our orders that traded at one price; the fee is in the instrument's `fee_asset` of its side."""

    order_id: OrderId
    price: Decimal
    quantity: Decimal
    fee: Decimal
    liquidity: Liquidity


class Refused(Struct, frozen=True, kw_only=True):
    """The order was not taken, for a reason in the venue's own words; nothing of it traded."""

    order_id: OrderId
    reason: str


class Accepted(Struct, frozen=True, kw_only=True):
    """What the order took at once, and its state after that.

    `status` is FILLED, OPEN (the rest rests) or CANCELLED (the rest of a FAK was killed).
    """

    order_id: OrderId
    executions: tuple[Execution, ...]
    status: OrderStatus


Outcome = Refused | Accepted


class MatchingEngine:
    """Displayed books, what we have consumed of them, and our resting orders with their queue positions.

    Our own orders never meet each other: all liquidity was displayed or printed, and we are in neither.
    """

    def __init__(self) -> None:
        self._states: dict[InstrumentId, _InstrumentState] = {}
        self._resting: dict[OrderId, _Resting] = {}

    def open_market(self, market: Market) -> None:
        """Learn instruments; a market that is listed again keeps its books and orders."""
        for instrument in market.instruments:
            state = self._states.setdefault(instrument.id, _InstrumentState(instrument=instrument))
            state.instrument = instrument

    def close_market(self, market_id: MarketId) -> tuple[OrderId, ...]:
        """Forget the market's instruments and return the orders that rested there, now gone."""
        closed = [state for state in self._states.values() if state.instrument.market_id == market_id]
        for state in closed:
            del self._states[state.instrument.id]
        return self._drop(resting for state in closed for resting in state.resting.values())

    def instrument(self, instrument_id: InstrumentId) -> Instrument | None:
        """The instrument with its present tick; None before it is listed and after its market has closed."""
        state = self._states.get(instrument_id)
        return state.instrument if state else None

    def on_tick_size(self, instrument_id: InstrumentId, tick_size: Decimal) -> None:
        """Judge new prices by another grid; resting orders stay as they are (the venue does not say)."""
        if state := self._states.get(instrument_id):
            state.instrument = msgspec.structs.replace(state.instrument, tick_size=tick_size)

    def on_book(self, book: OrderBook) -> tuple[Execution, ...]:
        """Take a newer snapshot; return maker fills where the other side stands strictly beyond our price.

        A crossed snapshot proves nothing and is ignored, as is one of an instrument that is not listed.
        """
        state = self._states.get(book.instrument_id)
        if state is None or book.is_crossed:
            return ()
        state.show(book)
        if not state.resting:
            return ()
        executions: list[Execution] = []
        for resting in (*state.by_priority(Side.BUY), *state.by_priority(Side.SELL)):
            executions += self._fill_from_book(state, resting)
        for resting in state.resting.values():
            resting.advance(state.displayed_at(resting.order.side, resting.order.price))
        return tuple(executions)

    def on_print(self, trade: TradePrint) -> tuple[Execution, ...]:
        """Share a print by price, then time: through our price it fills us, at it the queue comes first."""
        state = self._states.get(trade.instrument_id)
        if state is None:
            return ()
        executions: list[Execution] = []
        volume, eaten = trade.quantity, ZERO
        for resting in state.by_priority(trade.side.opposite):
            if not reaches(resting.order.side, price=trade.price, limit=resting.order.price):
                break
            if trade.price == resting.order.price:
                passed = resting.let_pass(volume, eaten=eaten)
                eaten, volume = eaten + passed, volume - passed
            quantity = round_down(min(resting.leaves, volume), state.instrument.lot_size)
            volume -= quantity
            executions += self._fill_maker(resting, quantity)
        return tuple(executions)

    def add(self, order: Order, *, time_ns: int) -> Outcome:
        """Judge and match an order at one instant; a venue with a delay calls `refusal` and `match` apart."""
        reason = self.refusal(order, time_ns=time_ns)
        return Refused(order_id=order.id, reason=reason) if reason else self.match(order)

    def refusal(self, order: Order, *, time_ns: int) -> str | None:
        """Say why the venue would not take the order at this moment, balances apart; None where it would."""
        if order.id in self._resting:
            return duplicate_text(order)
        state = self._states.get(order.instrument_id)
        if state is None:
            return NO_BOOK
        if state.book is None:
            return NOT_READY
        reason = form_refusal(order, state.instrument, time_ns=time_ns)
        return reason or crossing_refusal(order, state.instrument, is_marketable=self.is_marketable(order))

    def is_marketable(self, order: Order) -> bool:
        """Say whether a displayed level reaches the order's limit, even one that we have consumed."""
        state = self._states.get(order.instrument_id)
        levels = state.book.levels_against(order.side) if state and state.book else ()
        return bool(levels) and reaches(order.side, price=levels[0].price, limit=order.price)

    def match(self, order: Order) -> Outcome:
        """Take what is there and rest the remainder, for an order that `refusal` let pass.

        That may have been some time ago, and the book may have moved; market and tick are looked at again.
        """
        assert order.id not in self._resting, f"order {order.id} rests already"
        state = self._states.get(order.instrument_id)
        if state is None:
            return Refused(order_id=order.id, reason=NO_BOOK)
        plan = state.plan_taking(order)
        taken = sum((level.quantity for level in plan), ZERO)
        if reason := tick_refusal(order, state.instrument) or kill_text(order, taken=taken):
            return Refused(order_id=order.id, reason=reason)
        self._consume(state, order.side, plan)
        leaves = order.quantity - taken
        if leaves and not order.time_in_force.is_immediate:
            self._rest(state, order, leaves)
        executions = tuple(taker_execution(order, level, state.instrument) for level in plan)
        return Accepted(order_id=order.id, executions=executions, status=status_after(order, leaves))

    def cancel(self, order_id: OrderId) -> bool:
        """Take a resting order off the book; False where none of that id rests."""
        resting = self._resting.get(order_id)
        return bool(self._drop([resting] if resting else []))

    def expire(self, time_ns: int) -> tuple[OrderId, ...]:
        """Take off the GTD orders whose life, one minute shorter than stated, has ended; return their ids."""
        return self._drop(r for r in self._resting.values() if r.ends_ns is not None and r.ends_ns <= time_ns)

    # --- liquidity and orders -----------------------------------------------------------------------

    def _fill_from_book(self, state: "_InstrumentState", resting: "_Resting") -> list[Execution]:
        plan = state.plan_proven(resting)
        self._consume(state, resting.order.side, plan)
        return self._fill_maker(resting, sum((level.quantity for level in plan), ZERO))

    def _consume(self, state: "_InstrumentState", side: Side, plan: Iterable[Level]) -> None:
        """Note what an order of `side` took, on this instrument and, mirrored, on its complement."""
        complement_id = state.instrument.complement_id
        mirror = self._states.get(complement_id) if complement_id else None
        for price, quantity in plan:
            state.note_consumed(side.opposite, price, quantity)
            if mirror:
                mirror.note_consumed(side, ONE - price, quantity)

    def _fill_maker(self, resting: "_Resting", quantity: Decimal) -> list[Execution]:
        """Fill a resting order at its own price; empty where there is nothing for it."""
        if not quantity:
            return []
        resting.leaves -= quantity
        assert resting.leaves >= 0, f"order {resting.order.id} is overfilled by {-resting.leaves}"
        if not resting.leaves:
            self._drop([resting])
        return [
            maker_execution(resting.order, quantity, self._states[resting.order.instrument_id].instrument)
        ]

    def _rest(self, state: "_InstrumentState", order: Order, leaves: Decimal) -> None:
        ahead = state.displayed_at(order.side, order.price)
        resting = _Resting(order=order, leaves=leaves, ahead=ahead)
        state.resting[order.id] = self._resting[order.id] = resting

    def _drop(self, dropped: Iterable["_Resting"]) -> tuple[OrderId, ...]:
        ids = tuple([resting.order.id for resting in dropped])
        for order_id in ids:
            state = self._states.get(self._resting.pop(order_id).order.instrument_id)
            if state:
                del state.resting[order_id]
        return ids


class _Resting(Struct, kw_only=True):
    """An order on the book. `ahead` is the others' volume before it at its price; None: not seen, so all."""

    order: Order
    leaves: Decimal
    ahead: Decimal | None

    @property
    def ends_ns(self) -> int | None:
        """When the venue takes the order off by itself; None for one that rests without end."""
        if self.order.time_in_force is not TimeInForce.GTD or self.order.expires_ns is None:
            return None
        return self.order.expires_ns - GTD_LEAD_NS

    def let_pass(self, volume: Decimal, *, eaten: Decimal) -> Decimal:
        """Let those before us trade first; return what they take of `volume` besides the `eaten`."""
        if self.ahead is None:
            return volume
        passed = min(max(self.ahead - eaten, ZERO), volume)
        self.ahead = max(self.ahead - eaten - passed, ZERO)
        return passed

    def advance(self, displayed: Decimal | None) -> None:
        """Move up where the level is smaller than the queue before us; who joins later stands behind."""
        if displayed is not None:
            self.ahead = displayed if self.ahead is None else min(self.ahead, displayed)


class _InstrumentState(Struct, kw_only=True):
    """One instrument: what the venue shows, what of it we consumed, and our resting orders by age."""

    instrument: Instrument
    book: OrderBook | None = None
    consumed: dict[tuple[Side, Decimal], Decimal] = {}
    resting: dict[OrderId, _Resting] = {}

    def show(self, book: OrderBook) -> None:
        """Replace the snapshot; a level counts as consumed at most as far as it is still displayed."""
        self.book = book
        if self.consumed:
            shown = {(Side.BUY, price): quantity for price, quantity in book.bids}
            shown |= {(Side.SELL, price): quantity for price, quantity in book.asks}
            self.consumed = {key: min(old, shown[key]) for key, old in self.consumed.items() if key in shown}

    def note_consumed(self, side: Side, price: Decimal, quantity: Decimal) -> None:
        """Count shares of the level of `side` (BUY: a bid) as taken by us."""
        self.consumed[side, price] = self.consumed.get((side, price), ZERO) + quantity

    def plan_taking(self, order: Order) -> tuple[Level, ...]:
        """What an arriving order takes: unconsumed shares of levels up to its limit, best first."""
        levels = self.book.levels_against(order.side) if self.book else ()
        within = takewhile(lambda level: reaches(order.side, price=level.price, limit=order.price), levels)
        return self._unconsumed(order.side.opposite, within, order.quantity)

    def plan_proven(self, resting: _Resting) -> tuple[Level, ...]:
        """What proves a fill of a resting order: unconsumed shares of levels strictly beyond its price."""
        order = resting.order
        levels = self.book.levels_against(order.side) if self.book else ()
        beyond = takewhile(lambda level: is_beyond(order.side, price=level.price, limit=order.price), levels)
        return self._unconsumed(order.side.opposite, beyond, resting.leaves)

    def by_priority(self, side: Side) -> list[_Resting]:
        """Our orders of one side, best price first, then oldest first."""
        orders = [resting for resting in self.resting.values() if resting.order.side is side]
        return sorted(orders, key=lambda resting: resting.order.price, reverse=side is Side.BUY)

    def displayed_at(self, side: Side, price: Decimal) -> Decimal | None:
        """Size shown at a price on one side; None where it lies beyond a snapshot that may have been cut."""
        levels = self.book.levels_against(side.opposite) if self.book else ()
        if len(levels) >= LEVELS_SHOWN_MAX and is_beyond(side, price=price, limit=levels[-1].price):
            return None
        return next((level.quantity for level in levels if level.price == price), ZERO)

    def _unconsumed(self, side: Side, levels: Iterable[Level], quantity: Decimal) -> tuple[Level, ...]:
        """Whole lots of up to `quantity` shares that the levels of `side` still have, best first."""
        plan: list[Level] = []
        for price, displayed in levels:
            available = displayed - self.consumed.get((side, price), ZERO)
            share = round_down(min(available, quantity), self.instrument.lot_size)
            if share > 0:
                plan.append(Level(price, share))
                quantity -= share
        return tuple(plan)


def reaches(side: Side, *, price: Decimal, limit: Decimal) -> bool:
    """Say whether an order of `side` with this limit accepts the price."""
    return price <= limit if side is Side.BUY else price >= limit


def is_beyond(side: Side, *, price: Decimal, limit: Decimal) -> bool:
    """Say whether the price is strictly better than an order of `side` with this limit asks for."""
    return price < limit if side is Side.BUY else price > limit


def maker_execution(order: Order, quantity: Decimal, instrument: Instrument) -> Execution:
    """A fill of an order that waited: at its own price, though the other side would give more."""
    fee = instrument.maker_fee(side=order.side, price=order.price, quantity=quantity)
    return Execution(
        order_id=order.id, price=order.price, quantity=quantity, fee=fee, liquidity=Liquidity.MAKER
    )


def taker_execution(order: Order, level: Level, instrument: Instrument) -> Execution:
    """What taking a level costs: its own price (the improvement is the taker's) and the fee there."""
    price, quantity = level
    fee = instrument.taker_fee(side=order.side, price=price, quantity=quantity)
    return Execution(order_id=order.id, price=price, quantity=quantity, fee=fee, liquidity=Liquidity.TAKER)


def status_after(order: Order, leaves: Decimal) -> OrderStatus:
    """State of an accepted order once it has taken what there was."""
    if not leaves:
        return OrderStatus.FILLED
    return OrderStatus.CANCELLED if order.time_in_force.is_immediate else OrderStatus.OPEN
