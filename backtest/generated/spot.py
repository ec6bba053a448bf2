"""The spot pair: a book of whole cents around an exchange's price, and trades at its best levels."""

from collections.abc import Iterable
from decimal import Decimal

from backtest.generated.chance import Chance
from backtest.generated.ladder import MULTIPLIERS
from backtest.generated.underlying import CENTS, Underlying
from domain.book import Level, OrderBook
from domain.instrument import Market, Side
from domain.messages import BookSnapshot, MarketEvent, TradePrint

LEVELS = 10
LOT_DECIMALS = 5
LOTS_MEDIAN = 20_000
"""A fifth of a bitcoin."""

GAP_CENTS_MAX = 120
PRINT_PROBABILITY = 0.4
Levels = list[tuple[int, int]]
"""Price in cents and quantity in lots of 0.00001, best first."""


class SpotPair:
    """A reference market: it is drawn anew with each snapshot, and thinned by each print in between."""

    def __init__(self, market: Market, asset: Underlying, chance: Chance) -> None:
        self.market = market
        self._id = market.instruments[0].id
        self._asset = asset
        self._chance = chance
        self._bids: Levels = []
        self._asks: Levels = []

    def snapshot(self, time_ns: int) -> Iterable[MarketEvent]:
        """Show the book around the present price."""
        bid = int(self._asset.price * CENTS)
        self._bids = self._side(bid, -1)
        self._asks = self._side(bid + 1, 1)
        return [self._book(time_ns)]

    def wants_print(self) -> bool:
        """Toss for a trade before the next snapshot."""
        return self._chance.happens(PRINT_PROBABILITY)

    def trade(self, time_ns: int) -> Iterable[MarketEvent]:
        """Trade part or all of one of the best levels; the book without it follows the print."""
        is_buy = self._chance.below(2) == 0
        levels = self._asks if is_buy else self._bids
        price, lots = levels[0]
        taken = self._chance.between(1, lots)
        levels[:1] = [(price, lots - taken)] if taken < lots else []
        trade = TradePrint(
            time_ns=time_ns,
            instrument_id=self._id,
            side=Side.BUY if is_buy else Side.SELL,
            price=Decimal(price).scaleb(-2),
            quantity=Decimal(taken).scaleb(-LOT_DECIMALS),
        )
        return [trade, self._book(time_ns)]

    def _side(self, price: int, direction: int) -> Levels:
        levels = []
        for _ in range(LEVELS):
            bits = self._chance.bits()
            levels.append((price, int(LOTS_MEDIAN * MULTIPLIERS[bits & 63]) + (bits >> 6 & 0xFFF)))
            price += direction * (1 + (bits >> 32) % GAP_CENTS_MAX)
        return levels

    def _book(self, time_ns: int) -> BookSnapshot:
        book = OrderBook(
            instrument_id=self._id, time_ns=time_ns, bids=_levels(self._bids), asks=_levels(self._asks)
        )
        return BookSnapshot(time_ns=time_ns, book=book)


def _levels(levels: Levels) -> tuple[Level, ...]:
    return tuple(
        [Level(Decimal(price).scaleb(-2), Decimal(lots).scaleb(-LOT_DECIMALS)) for price, lots in levels]
    )
