"""The one book of a market with two outcomes, in the first outcome's terms: price first, then time."""

from bisect import bisect_left, insort

from simulator.polymarket.markets import PRICE_UNITS
from simulator.polymarket.orders import SimOrder

Levels = list[tuple[int, int]]
"""Prices in price units with shares in base units."""


class BookSide:
    """One side; the best price is the highest of bids and the lowest of asks."""

    def __init__(self, *, bids: bool) -> None:
        self._bids = bids
        self._prices: list[int] = []
        self._orders: dict[int, dict[str, SimOrder]] = {}
        self._sizes: dict[int, int] = {}

    def add(self, order: SimOrder) -> None:
        """Stand at the end of the queue at its price."""
        price = order.book_price
        if price not in self._orders:
            insort(self._prices, price)
            self._orders[price] = {}
            self._sizes[price] = 0
        self._orders[price][order.id] = order
        self._sizes[price] += order.remaining

    def remove(self, order: SimOrder) -> None:
        """Leave the queue with all that remains of it; KeyError where it does not stand there."""
        self.reduce(order.book_price, order.remaining)
        self._drop(order)

    def _drop(self, order: SimOrder) -> None:
        price = order.book_price
        del self._orders[price][order.id]
        if not self._orders[price]:
            del self._orders[price], self._sizes[price]
            self._prices.pop(bisect_left(self._prices, price))

    def drop_done(self, order: SimOrder) -> None:
        """Take out an order of which nothing remains."""
        self._drop(order)

    def reduce(self, price: int, shares: int) -> None:
        """Say that so many shares at a price are gone; the queue keeps its order."""
        self._sizes[price] -= shares

    def best(self) -> int | None:
        """The price that trades first; None where the side is empty."""
        if not self._prices:
            return None
        return self._prices[-1] if self._bids else self._prices[0]

    def best_first(self) -> list[int]:
        """All prices, the best first."""
        return self._prices[::-1] if self._bids else self._prices[:]

    def queue(self, price: int) -> list[SimOrder]:
        """The orders at a price, the earliest first."""
        return list(self._orders.get(price, {}).values())

    def size(self, price: int) -> int:
        """Shares at a price; 0 where nobody stands."""
        return self._sizes.get(price, 0)

    def levels(self) -> Levels:
        """Prices with their shares, from the lowest price up."""
        return [(price, self._sizes[price]) for price in self._prices]

    def __contains__(self, order: SimOrder) -> bool:
        """Whether the order stands here."""
        return order.id in self._orders.get(order.book_price, {})


class UnifiedBook:
    """Bids and asks of one market."""

    def __init__(self) -> None:
        self.bids = BookSide(bids=True)
        self.asks = BookSide(bids=False)

    def side_of(self, order: SimOrder) -> BookSide:
        """Where the order stands, or would."""
        return self.bids if order.is_bid else self.asks

    def opposite_of(self, order: SimOrder) -> BookSide:
        """What the order would trade against."""
        return self.asks if order.is_bid else self.bids

    def crosses(self, order: SimOrder) -> bool:
        """Whether it would trade at once."""
        best = self.opposite_of(order).best()
        return best is not None and reaches(order, best)

    def levels_of(self, outcome: int) -> tuple[Levels, Levels]:
        """Bids upwards and asks downwards as an outcome's holders see them: the best is last on both."""
        if outcome == 0:
            return self.bids.levels(), self.asks.levels()[::-1]
        bids = [(PRICE_UNITS - price, size) for price, size in reversed(self.asks.levels())]
        asks = [(PRICE_UNITS - price, size) for price, size in self.bids.levels()]
        return bids, asks

    def best_of(self, outcome: int) -> tuple[int | None, int | None]:
        """Best bid and best ask in an outcome's own terms."""
        bid, ask = self.bids.best(), self.asks.best()
        if outcome == 0:
            return bid, ask
        return (
            None if ask is None else PRICE_UNITS - ask,
            None if bid is None else PRICE_UNITS - bid,
        )


def reaches(order: SimOrder, book_price: int) -> bool:
    """Say whether the order's limit accepts a price of the other side."""
    return book_price <= order.book_price if order.is_bid else book_price >= order.book_price
