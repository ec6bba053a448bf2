"""One look at an instrument, as the gates of both modes compare it."""

from decimal import Decimal
from typing import NamedTuple

from domain.book import OrderBook
from domain.instrument import Instrument, Market
from domain.money import ONE, taker_fee

NS_PER_S = 1_000_000_000
ONE_SIDED = "one-sided book"


class Look(NamedTuple):
    """A book with both sides, and the seconds that its market has left."""

    market: Market
    instrument: Instrument
    book: OrderBook
    bid: Decimal
    ask: Decimal
    left_s: Decimal

    @property
    def fee(self) -> Decimal:
        """What taking one share at the ask costs on top, in pUSD."""
        rate, exponent = self.instrument.fee_rate, self.instrument.fee_exponent
        return taker_fee(price=self.ask, quantity=ONE, rate=rate, exponent=exponent)


def look_at(market: Market, instrument: Instrument, book: OrderBook, *, now_ns: int) -> Look | None:
    """Look at a book at `now_ns`; None where one side is empty, which says nothing of value."""
    bid, ask = book.best_bid, book.best_ask
    if bid is None or ask is None:
        return None
    left_s = Decimal(market.closes_ns - now_ns) / NS_PER_S
    return Look(market, instrument, book, bid.price, ask.price, left_s)
