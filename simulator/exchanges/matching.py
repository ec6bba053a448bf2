"""Price-time priority of one pair's book: who meets whom, and what rests; it knows no money and no time."""

from bisect import insort
from collections.abc import Iterator
from decimal import Decimal
from itertools import takewhile

from msgspec import Struct

from domain.instrument import Side
from domain.money import ZERO, round_down

LEVELS_MAX = 5_000
"""Levels that a snapshot shows at most, as Binance's depth endpoint does."""


class Match(Struct, frozen=True, kw_only=True):
    """A resting order that an arriving one meets, at the resting one's price."""

    order_id: int
    price: Decimal
    quantity: Decimal


class Taking(Struct, frozen=True, kw_only=True):
    """What an arriving order wants of the book: a limit (None takes any price) and a base or quote amount."""

    side: Side
    limit: Decimal | None
    quantity: Decimal | None
    quote_quantity: Decimal | None
    step: Decimal


class SpotBook:
    """Both sides of one pair; `update_id` grows by one with every level that changes."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.update_id = 1
        self._sides = {side: _BookSide(side) for side in Side}
        self._changed: dict[tuple[Side, Decimal], None] = {}

    def rest(self, order_id: int, *, side: Side, price: Decimal, quantity: Decimal) -> None:
        """Put an order behind those at its price; the caller has matched it before."""
        self._sides[side].join(order_id, price, quantity)
        self._note(side, price)

    def reduce(self, order_id: int, *, side: Side, price: Decimal, quantity: Decimal) -> None:
        """Take quantity off an order in its place in the queue; it leaves the book when nothing is left."""
        self._sides[side].reduce(order_id, price, quantity)
        self._note(side, price)

    def plan(self, taking: Taking) -> list[Match]:
        """Say whom an arriving order would meet, best price first, then oldest first; nothing changes."""
        matches: list[Match] = []
        quantity, budget = taking.quantity, taking.quote_quantity
        for price, queue in self._sides[taking.side.opposite].queues():
            if taking.limit is not None and _is_worse(taking.side, price, taking.limit):
                break
            for order_id, leaves in queue.items():
                wanted = (
                    quantity if quantity is not None else round_down((budget or ZERO) / price, taking.step)
                )
                share = min(leaves, wanted)
                if share <= 0:
                    return matches
                matches.append(Match(order_id=order_id, price=price, quantity=share))
                quantity = None if quantity is None else quantity - share
                budget = None if budget is None else budget - share * price
        return matches

    def best(self, side: Side) -> tuple[Decimal, Decimal] | None:
        """Best price of a side and the quantity there; None where the side is empty."""
        return next(iter(self.levels(side, 1)), None)

    def levels(self, side: Side, depth_max: int = LEVELS_MAX) -> list[tuple[Decimal, Decimal]]:
        """Prices and whole quantities of a side, best first."""
        return self._sides[side].levels(depth_max)

    def quantity_at(self, side: Side, price: Decimal) -> Decimal:
        """What rests at one price; zero where nothing does."""
        return self._sides[side].quantity_at(price)

    def take_changes(self) -> list[tuple[Side, Decimal, Decimal]]:
        """Levels that changed since the last call, with what rests there now (zero: the level is gone)."""
        changes = [(side, price, self.quantity_at(side, price)) for side, price in self._changed]
        self._changed.clear()
        return changes

    def prices_within(self, side: Side, limit: Decimal) -> list[Decimal]:
        """Prices of `side` that an order of the other side with this limit would meet, best first."""
        prices = (price for price, _ in self._sides[side].queues())
        return list(takewhile(lambda price: not _is_worse(side.opposite, price, limit), prices))

    def _note(self, side: Side, price: Decimal) -> None:
        self.update_id += 1
        self._changed[side, price] = None


class _BookSide:
    """Queues by price; `_ranks` are prices sorted so that the best is first (bids are negated)."""

    def __init__(self, side: Side) -> None:
        self._sign = -1 if side is Side.BUY else 1
        self._ranks: list[Decimal] = []
        self._queues: dict[Decimal, dict[int, Decimal]] = {}

    def join(self, order_id: int, price: Decimal, quantity: Decimal) -> None:
        queue = self._queues.get(price)
        if queue is None:
            queue = self._queues[price] = {}
            insort(self._ranks, price * self._sign)
        assert order_id not in queue, f"order {order_id} rests already"
        queue[order_id] = quantity

    def reduce(self, order_id: int, price: Decimal, quantity: Decimal) -> None:
        queue = self._queues[price]
        left = queue[order_id] - quantity
        assert left >= 0, f"order {order_id} is overfilled by {-left}"
        if left:
            queue[order_id] = left
            return
        del queue[order_id]
        if not queue:
            del self._queues[price]
            self._ranks.remove(price * self._sign)

    def queues(self) -> Iterator[tuple[Decimal, dict[int, Decimal]]]:
        for rank in self._ranks:
            price = rank * self._sign
            yield price, self._queues[price]

    def levels(self, depth_max: int) -> list[tuple[Decimal, Decimal]]:
        prices = (rank * self._sign for rank in self._ranks[:depth_max])
        return [(price, self.quantity_at(price)) for price in prices]

    def quantity_at(self, price: Decimal) -> Decimal:
        return sum(self._queues.get(price, {}).values(), ZERO)


def _is_worse(side: Side, price: Decimal, limit: Decimal) -> bool:
    """Say whether an order of `side` with this limit would not take the price."""
    return price > limit if side is Side.BUY else price < limit
