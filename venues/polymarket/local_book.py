"""The book of one token as the stream tells it: a snapshot, and totals of levels after it."""

from bisect import bisect_left
from collections.abc import Sequence
from decimal import Decimal
from operator import lt

from domain.book import Level, OrderBook
from domain.identifiers import InstrumentId
from domain.instrument import Side
from venues.polymarket.stream_wire import (
    NO_ASK,
    NO_BID,
    BookMessage,
    Change,
    PriceGrid,
    RawLevel,
    WireValueError,
    milliseconds,
    shares,
)

Levels = tuple[Level, ...]
Ranked = tuple[list[int], list[Level]]
"""A side best first: the keys by which its levels are found, and the levels."""

new_level = tuple.__new__
"""Makes a Level in a third of the time that its own constructor takes: books have a hundred of them."""


class BookSide:
    """The levels of one side, best first; `sign` is −1 for bids, so that the order of the keys is the order of rank."""

    __slots__ = ("_frozen", "_keys", "_levels", "_sign")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._keys: list[int] = []
        self._levels: list[Level] = []
        self._frozen: Levels | None = ()

    @property
    def best(self) -> int:
        """Best price in ten-thousandths; what the venue writes for an empty side where nobody is there."""
        if self._keys:
            return self._keys[0] * self._sign
        return NO_BID if self._sign < 0 else NO_ASK

    def levels(self) -> Levels:
        """The present levels; made anew only after a change."""
        if self._frozen is None:
            self._frozen = tuple(self._levels)
        return self._frozen

    def set(self, key: int, price: Decimal, quantity: Decimal) -> None:
        """Give the level at this price a new total; zero removes it."""
        rank = key * self._sign
        keys, place = self._keys, bisect_left(self._keys, rank)
        is_there = place < len(keys) and keys[place] == rank
        self._frozen = None
        if not quantity:
            if is_there:
                del keys[place], self._levels[place]
        elif is_there:
            self._levels[place] = Level(price, quantity)
        else:
            keys.insert(place, rank)
            self._levels.insert(place, Level(price, quantity))

    def replace(self, ranked: Ranked) -> None:
        """Take all levels from what `ranked` made."""
        self._keys, self._levels = ranked
        self._frozen = None

    def ranked(self, raw: Sequence[RawLevel], grid: PriceGrid) -> Ranked:
        """Turn a snapshot's side, best level last, to best first, without empty levels; one in another order is
        sorted. Raises WireValueError for one that cannot be."""
        known, learn, sign = grid.known, grid.price, self._sign
        ranks: list[int] = []
        levels: list[Level] = []
        for level in reversed(raw):
            text = level.price
            key, price = known.get(text) or learn(text)
            if quantity := shares(level.size):
                ranks.append(key * sign)
                levels.append(new_level(Level, (price, quantity)))
        if not all(map(lt, ranks, ranks[1:])):
            return _sorted(ranks, levels)
        return ranks, levels


def _sorted(ranks: list[int], levels: list[Level]) -> Ranked:
    """Put levels in order that came in another; two at one price cannot be."""
    if len(set(ranks)) != len(ranks):
        raise WireValueError("two levels at one price")
    pairs = sorted(zip(ranks, levels, strict=True))
    return [rank for rank, _ in pairs], [level for _, level in pairs]


class LocalBook:
    """One token's book; `time_ns` is the venue's time stamp of what changed it last."""

    __slots__ = ("asks", "bids", "instrument_id", "time_ns")

    def __init__(self, instrument_id: InstrumentId) -> None:
        self.instrument_id = instrument_id
        self.time_ns = 0
        self.bids = BookSide(-1)
        self.asks = BookSide(1)

    def take_snapshot(self, message: BookMessage, grid: PriceGrid) -> None:
        """Replace the book; raises WireValueError, and leaves it as it was, where the message cannot be true."""
        time_ns = milliseconds(message.timestamp)
        bids, asks = self.bids.ranked(message.bids, grid), self.asks.ranked(message.asks, grid)
        if bids[0] and asks[0] and -bids[0][0] >= asks[0][0]:
            raise WireValueError(f"crossed: bid {bids[1][0].price} reaches ask {asks[1][0].price}")
        self.bids.replace(bids)
        self.asks.replace(asks)
        self.time_ns = time_ns

    def take_change(self, change: Change, grid: PriceGrid) -> None:
        """Take a level's new total in; raises WireValueError, and changes nothing, for values that cannot be."""
        key, price = grid.price(change.price)
        side = self.bids if change.side is Side.BUY else self.asks
        side.set(key, price, shares(change.size))

    def disagreement(self, change: Change, grid: PriceGrid) -> str | None:
        """Say where the top differs from the one that the venue told with its last change; None where it agrees."""
        bid, ask = grid.top(change.best_bid, NO_BID), grid.top(change.best_ask, NO_ASK)
        if change.best_bid and bid != self.bids.best:
            return f"the best bid is {self.bids.best} here and {bid} ten-thousandths at the venue"
        if change.best_ask and ask != self.asks.best:
            return f"the best ask is {self.asks.best} here and {ask} ten-thousandths at the venue"
        if self.bids.best >= self.asks.best:
            return f"crossed: bid {self.bids.best} reaches ask {self.asks.best} ten-thousandths"
        return None

    def version(self) -> tuple[Levels, Levels]:
        """Both sides as they are now, to compare with another reading of them."""
        return self.bids.levels(), self.asks.levels()

    def order_book(self, time_ns: int) -> OrderBook:
        """The book as a value, true at `time_ns`."""
        bids, asks = self.version()
        return OrderBook(instrument_id=self.instrument_id, time_ns=time_ns, bids=bids, asks=asks)
