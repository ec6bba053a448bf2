"""One unified book of a binary market in whole numbers, shown as two books that mirror each other exactly."""

import math
from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from backtest.generated.chance import Chance
from domain.book import Level, OrderBook
from domain.identifiers import InstrumentId
from domain.instrument import CENT, Side
from domain.messages import BookSnapshot

MILLS = 1000
"""Prices count thousandths of a pUSD, quantities hundredths of a share (lots)."""

LOTS_PER_SHARE = 100
COARSE, FINE = 10, 1
TICK_SIZES = {COARSE: CENT, FINE: Decimal("0.001")}
FINE_FROM, FINE_BELOW = 960, 40
"""The venue takes thousandths once a price passes 0.96 or 0.04."""

LEVELS_MAX = 10
SHARES_BY_RANK = (134, 265, 519, 805, 1024, 1247, 1347, 694, 440, 313)
"""Median size of the n-th level from the top, recorded in BTC 15-minute markets while the mid was near 0.50."""

MULTIPLIERS = tuple(math.exp(0.8 * 2.0 * ((n + 0.5) / 32 - 1.0)) for n in range(64))
SHARES_MIN = 5
SLACK_MILLS = 2
"""Quotes stay where they are until the value is so far outside of them: most snapshots repeat the last mid."""

WIDE_PROBABILITY = 0.03
SWEEP_MILLS = 20
"""A taker goes at most so far beyond the best price."""

PRICES = tuple((Decimal(mills) / MILLS).normalize() for mills in range(MILLS + 1))


class Quote(NamedTuple):
    """What makers show: a value between 0 and 1, levels a side, depth relative to the usual, and which sides; and
    how often others trade there."""

    value: float
    levels: int = LEVELS_MAX
    depth: float = 1.0
    prints_per_s: float = 0.0
    shows_bids: bool = True
    shows_asks: bool = True


class Rung(NamedTuple):
    """A price of the unified book: so many lots, as the first outcome and as the second one show it."""

    lots: int
    level: Level
    mirror: Level


Rungs = dict[int, Rung]


class Ladder:
    """The book in prices of the first outcome, best first; between refreshes only trades change it."""

    def __init__(self, first_id: InstrumentId, second_id: InstrumentId, chance: Chance) -> None:
        self.step = COARSE
        self._ids = (first_id, second_id)
        self._chance = chance
        self._bids: Rungs = {}
        self._asks: Rungs = {}
        self._best_bid = 0

    @property
    def tick_size(self) -> Decimal:
        """The grid in force: 0.01, and 0.001 for good once a value has come near 0 or 1."""
        return TICK_SIZES[self.step]

    def refine(self, value: float) -> bool:
        """Change to the fine grid where the value asks for it; return whether that happened now."""
        is_due = self.step == COARSE and not FINE_BELOW <= value * MILLS <= FINE_FROM
        if is_due:
            self.step = FINE
        return is_due

    def refresh(self, quote: Quote) -> None:
        """Move the quotes around the value; levels that stay in reach mostly keep their size."""
        bid, ask = self._best_prices(quote.value * MILLS)
        bids = islice(self._prices(bid, -1), quote.levels if quote.shows_bids else 0)
        asks = islice(self._prices(ask, 1), quote.levels if quote.shows_asks else 0)
        self._bids = self._filled(self._bids, bids, quote.depth)
        self._asks = self._filled(self._asks, asks, quote.depth)
        self._best_bid = bid

    def clear(self) -> None:
        """Take all quotes off, as at the end of trading."""
        self._bids, self._asks = {}, {}

    def best(self, outcome: int, side: Side) -> int | None:
        """Price in mills that a taker of `side` in the outcome (0 or 1) would pay or get first."""
        takes_asks = _takes_asks(outcome, side)
        price = next(iter(self._asks if takes_asks else self._bids), None)
        return None if price is None else _price_in(outcome, price)

    def take(self, outcome: int, side: Side, lots: int) -> list[tuple[Decimal, Decimal]]:
        """Remove what a taker gets, level by level; return price in that outcome and quantity of each part."""
        rungs = self._asks if _takes_asks(outcome, side) else self._bids
        best = next(iter(rungs), 0)
        parts = []
        for price in [price for price in rungs if abs(price - best) <= SWEEP_MILLS]:
            taken = min(lots, rungs[price].lots)
            lots -= taken
            self._reduce(rungs, price, taken)
            parts.append((PRICES[_price_in(outcome, price)], Decimal(taken).scaleb(-2)))
            if not lots:
                break
        return parts

    def books(self, time_ns: int) -> tuple[BookSnapshot, BookSnapshot]:
        """Both books at one instant: a bid at p of the first is an ask at 1 − p of the second, of the same size."""
        bids, asks = self._bids.values(), self._asks.values()
        first = OrderBook(
            instrument_id=self._ids[0],
            time_ns=time_ns,
            bids=tuple([rung.level for rung in bids]),
            asks=tuple([rung.level for rung in asks]),
        )
        second = OrderBook(
            instrument_id=self._ids[1],
            time_ns=time_ns,
            bids=tuple([rung.mirror for rung in asks]),
            asks=tuple([rung.mirror for rung in bids]),
        )
        return BookSnapshot(time_ns=time_ns, book=first), BookSnapshot(time_ns=time_ns, book=second)

    def _best_prices(self, value: float) -> tuple[int, int]:
        step = self.step
        width = self._width(value)
        bid, ask = self._best_bid, self._best_bid + width
        if bid % step or not bid - SLACK_MILLS <= value <= ask + SLACK_MILLS or self._chance.happens(0.02):
            bid = round((value - width / 2) / step) * step
        bid = min(max(bid, step), MILLS - step - width)
        return bid, bid + width

    def _width(self, value: float) -> int:
        """Spread in mills: one cent, sometimes two; on the fine grid a few mills, fewer near 0 and 1."""
        if self.step == COARSE:
            return COARSE * (1 + self._chance.happens(WIDE_PROBABILITY))
        share = min(max(value / MILLS, 0.0), 1.0)
        return 2 + round(32 * share * (1.0 - share))

    def _prices(self, best: int, direction: int) -> Iterable[int]:
        """Prices from the best one outwards: each cent, or on the fine grid ever sparser."""
        if self.step == COARSE:
            return range(best, MILLS if direction > 0 else 0, direction * COARSE)
        near = range(best, best + 4 * direction, direction)
        fives = range(_next_multiple(near[-1], 5, direction), best + 20 * direction, 5 * direction)
        last = fives[-1] if fives else near[-1]
        tens = range(_next_multiple(last, 10, direction), MILLS if direction > 0 else 0, 10 * direction)
        return [price for part in (near, fives, tens) for price in part if 0 < price < MILLS]

    def _filled(self, old: Rungs, prices: Iterable[int], depth: float) -> Rungs:
        """Keep seven of eight levels as they are, and draw the others anew."""
        rungs = {}
        lottery = self._chance.bits()
        for rank, price in enumerate(prices):
            rung = old.get(price)
            if rung is None or not lottery & 7:
                rung = self._draw(price, rank, depth)
            lottery >>= 3
            rungs[price] = rung
        return rungs

    def _draw(self, price: int, rank: int, depth: float) -> Rung:
        bits = self._chance.bits()
        shares = SHARES_BY_RANK[rank] * MULTIPLIERS[bits & 63] * depth
        lots = max(SHARES_MIN, int(shares)) * LOTS_PER_SHARE
        if not bits >> 6 & 3:
            lots += bits >> 8 & 63
        return _rung(price, lots)

    def _reduce(self, rungs: Rungs, price: int, lots: int) -> None:
        left = rungs[price].lots - lots
        if left:
            rungs[price] = _rung(price, left)
        else:
            del rungs[price]


def _rung(price: int, lots: int) -> Rung:
    quantity = Decimal(lots).scaleb(-2)
    return Rung(lots, Level(PRICES[price], quantity), Level(PRICES[MILLS - price], quantity))


def _takes_asks(outcome: int, side: Side) -> bool:
    """Say whether a taker meets the unified book's asks: by a buy of the first outcome or a sale of the second."""
    return (side is Side.BUY) == (outcome == 0)


def _price_in(outcome: int, price: int) -> int:
    return price if outcome == 0 else MILLS - price


def _next_multiple(price: int, step: int, direction: int) -> int:
    """The first multiple of `step` strictly beyond the price in the direction."""
    return (price // step + 1) * step if direction > 0 else (-(-price // step) - 1) * step
