"""A binary market while it is listed: snapshots of its two books, and what trades take out of them."""

from decimal import Decimal
from typing import NamedTuple

from backtest.generated.chance import Chance
from backtest.generated.ladder import Ladder
from backtest.generated.pricing import Pricing
from domain.instrument import Market, Side
from domain.messages import MarketEvent, TickSizeChanged, TradePrint

NOISE_MEMORY = 0.9
NOISE_SPREAD = 0.005
"""Deviation of the makers' common error at a value of one half; it shrinks towards 0 and 1, and favours no side."""


class Take(NamedTuple):
    """Somebody takes liquidity: outcome 0 or 1 of the market, the taker's side, and who they are where it is told."""

    outcome: int
    side: Side
    lots: int
    taker: str = ""
    maker: str = ""


class LiveMarket:
    """Passive: others say when. Every change of the book between two snapshots is published with its print."""

    def __init__(self, market: Market, pricing: Pricing, *, seed: int) -> None:
        chance = Chance(seed, market.id)
        self.market = market
        self.is_open = True
        self.prints_per_s = 0.0
        self.ladder = Ladder(market.instruments[0].id, market.instruments[1].id, chance)
        self._pricing = pricing
        self._chance = chance
        self._noise = 0.0

    def snapshot(self, time_ns: int) -> list[MarketEvent]:
        """Quote anew; a tick change comes before the first books on the new grid."""
        quote = self._pricing.quote()
        self.prints_per_s = quote.prints_per_s
        self.ladder.refresh(quote._replace(value=self._with_error(quote.value)))
        return [*self._tick_changes(time_ns, quote.value), *self.ladder.books(time_ns)]

    def close(self, time_ns: int) -> list[MarketEvent]:
        """End trading: nothing is quoted from here on, and the last books are empty on all sides."""
        self.is_open = False
        self.ladder.clear()
        return [*self.ladder.books(time_ns)]

    def trade(self, take: Take, time_ns: int) -> list[TradePrint]:
        """Take from the book last published; one print a level, none where nobody stands on that side."""
        instrument_id = self.market.instruments[take.outcome].id
        return [
            TradePrint(
                time_ns=time_ns, instrument_id=instrument_id, side=take.side, price=price, quantity=quantity
            )
            for price, quantity in self.ladder.take(take.outcome, take.side, take.lots)
        ]

    def left_s(self, time_ns: int) -> Decimal:
        """Seconds until trading ends."""
        return Decimal(self.market.closes_ns - time_ns).scaleb(-9)

    def _with_error(self, value: float) -> float:
        self._noise = NOISE_MEMORY * self._noise + (1 - NOISE_MEMORY**2) ** 0.5 * self._chance.gauss()
        return value + 4 * value * (1 - value) * NOISE_SPREAD * self._noise

    def _tick_changes(self, time_ns: int, value: float) -> list[MarketEvent]:
        if not self.ladder.refine(value):
            return []
        return [
            TickSizeChanged(time_ns=time_ns, instrument_id=instrument.id, tick_size=self.ladder.tick_size)
            for instrument in self.market.instruments
        ]
