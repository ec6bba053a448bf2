"""What is known of the markets now: instruments, latest books, ticks, resolutions."""

from collections import OrderedDict
from decimal import Decimal

import msgspec

from domain.book import OrderBook
from domain.identifiers import InstrumentId, MarketId
from domain.instrument import Instrument, Market
from domain.messages import (
    BookSnapshot,
    FeedChanged,
    MarketEvent,
    MarketListed,
    MarketResolved,
    PriceTick,
    SnapshotRejected,
    TickSizeChanged,
    TradePrint,
    WalletTrade,
)
from domain.money import ZERO
from domain.remembered import Remembered

PAYOUTS_KEPT_MAX = 10_000
"""How many resolved instruments are remembered: enough for every late settlement, bounded for a long run."""


class MarketData:
    """The present state of every listed market; `apply` is the only way in."""

    def __init__(self) -> None:
        self.markets: dict[MarketId, Market] = {}
        self.books: dict[InstrumentId, OrderBook] = {}
        self.snapshots_rejected = 0
        self.breaks: dict[InstrumentId, str] = {}
        self._instruments: dict[InstrumentId, Instrument] = {}
        self._payouts: OrderedDict[InstrumentId, Decimal] = OrderedDict()

    def apply(self, event: MarketEvent) -> None:
        """Take one market event in; books of markets that are not listed (any more) are ignored."""
        match event:
            case BookSnapshot(book=book):
                if book.instrument_id in self._instruments:
                    self.books[book.instrument_id] = book
            case MarketListed(market=market):
                self.markets[market.id] = market
                self._instruments.update((instrument.id, instrument) for instrument in market.instruments)
            case TickSizeChanged(instrument_id=instrument_id, tick_size=tick_size):
                if instrument := self._instruments.get(instrument_id):
                    self._instruments[instrument_id] = msgspec.structs.replace(
                        instrument, tick_size=tick_size
                    )
            case MarketResolved():
                self._resolve(event)
            case SnapshotRejected():
                self.snapshots_rejected += 1
            case FeedChanged():
                self._note_feed(event)
            case TradePrint() | PriceTick() | WalletTrade():
                pass

    def restore(self, remembered: Remembered) -> None:
        """Know the markets that an earlier process knew; their books are to be seen anew."""
        self._payouts.update(remembered.payouts)
        for market in remembered.markets:
            if not any(instrument.id in self._payouts for instrument in market.instruments):
                self.apply(MarketListed(time_ns=market.opens_ns, market=market))

    def instrument(self, instrument_id: InstrumentId) -> Instrument | None:
        """The instrument with its present tick, or None where it is unknown or its market has resolved."""
        return self._instruments.get(instrument_id)

    def market_of(self, instrument_id: InstrumentId) -> MarketId:
        """Market of an instrument; of an unknown one, what its id says before the outcome."""
        instrument = self._instruments.get(instrument_id)
        return instrument.market_id if instrument else MarketId(instrument_id.rpartition(":")[0])

    def payout(self, instrument_id: InstrumentId) -> Decimal | None:
        """What a share pays, once its market has resolved."""
        return self._payouts.get(instrument_id)

    def mark_price(self, instrument_id: InstrumentId) -> Decimal | None:
        """What a share would bring now: its payout once resolved, else the best bid, zero where nobody bids.

        None where no book was ever seen; there is no fallback price.
        """
        if (payout := self._payouts.get(instrument_id)) is not None:
            return payout
        book = self.books.get(instrument_id)
        if book is None:
            return None
        return book.bids[0].price if book.bids else ZERO

    def _resolve(self, event: MarketResolved) -> None:
        market = self.markets.pop(event.market_id, None)
        for instrument in market.instruments if market else ():
            self._instruments.pop(instrument.id, None)
            self.books.pop(instrument.id, None)
            self.breaks.pop(instrument.id, None)
        self._payouts.update(event.payouts)
        while len(self._payouts) > PAYOUTS_KEPT_MAX:
            self._payouts.popitem(last=False)

    def _note_feed(self, event: FeedChanged) -> None:
        """Remember why the books of these instruments cannot be trusted now, or that they can be again."""
        for instrument_id in event.instrument_ids:
            if event.is_live:
                self.breaks.pop(instrument_id, None)
            elif instrument_id in self._instruments:
                self.breaks[instrument_id] = event.reason
