"""What a recording knows of the market at its end: what its next part begins with, so that it can be played alone."""

from collections.abc import Iterator

import msgspec

from domain.identifiers import InstrumentId, MarketId
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

CARRIED = "as it was in the part before"


class Standing:
    """Markets, ticks, latest books, and which of them are live; also puts the times of events in order."""

    def __init__(self) -> None:
        self.time_ns = 0
        """Of the last event whose time is ours; none comes after it with an earlier one."""
        self.gaps = 0
        """How often books that were live broke, by the feed's word or for what we could not write."""
        self._markets: dict[MarketId, MarketListed] = {}
        self._ticks: dict[InstrumentId, TickSizeChanged] = {}
        self._books: dict[InstrumentId, BookSnapshot] = {}
        self._is_live: dict[InstrumentId, bool] = {}
        self._unseen: dict[InstrumentId, None] = {}
        self._epoch = 0

    def in_order(self, event: MarketEvent) -> MarketEvent:
        """The event, at the time of the last one where it would stand before it: clocks are set back, and an
        exchange's is not ours. Prices keep the time of their source, which an average is made over."""
        if isinstance(event, PriceTick):
            return event
        if event.time_ns < self.time_ns:
            return msgspec.structs.replace(event, time_ns=self.time_ns)
        self.time_ns = event.time_ns
        return event

    def note(self, event: MarketEvent) -> None:
        """Take in what is now on the tape."""
        match event:
            case BookSnapshot():
                self._books[event.book.instrument_id] = event
            case MarketListed():
                self._markets[event.market.id] = event
                for instrument in event.market.instruments:
                    self._ticks.pop(instrument.id, None)
            case TickSizeChanged():
                self._ticks[event.instrument_id] = event
            case MarketResolved():
                self._forget(event)
            case FeedChanged():
                self._note_feed(event)
            case TradePrint() | SnapshotRejected() | PriceTick() | WalletTrade():
                pass

    def mended(self, event: MarketEvent) -> FeedChanged | None:
        """What comes before the first whole book after a loss of ours: from here on it is right again."""
        if not isinstance(event, BookSnapshot) or event.book.instrument_id not in self._unseen:
            return None
        mending = self._feed((event.book.instrument_id,), is_live=True, reason="a whole book after the loss")
        self._note_feed(mending)
        return mending

    def broken(self, reason: str) -> FeedChanged | None:
        """What stands for events that could not be written: no book is right before it was seen again."""
        live = tuple(name for name, is_live in self._is_live.items() if is_live)
        if not live:
            return None
        breaking = self._feed(live, is_live=False, reason=reason)
        self._note_feed(breaking)
        self._unseen |= dict.fromkeys(live)
        return breaking

    def carried(self) -> Iterator[MarketEvent]:
        """Everything that is not over, as events of this moment."""
        events: list[MarketEvent] = [*self._markets.values(), *self._ticks.values()]
        for is_live in (False, True):
            names = tuple(name for name, live in self._is_live.items() if live is is_live)
            if names:
                events.append(self._feed(names, is_live=is_live, reason=CARRIED))
        events += [book for name, book in self._books.items() if self._is_live.get(name, True)]
        for event in events:
            yield msgspec.structs.replace(event, time_ns=self.time_ns)

    def _note_feed(self, event: FeedChanged) -> None:
        self._epoch = event.epoch
        self.gaps += not event.is_live and any(self._is_live.get(name) for name in event.instrument_ids)
        for name in event.instrument_ids:
            self._is_live[name] = event.is_live
            self._unseen.pop(name, None)
            if not event.is_live:
                self._books.pop(name, None)

    def _forget(self, event: MarketResolved) -> None:
        listed = self._markets.pop(event.market_id, None)
        for name in [instrument.id for instrument in listed.market.instruments] if listed else ():
            for known in (self._ticks, self._books, self._is_live, self._unseen):
                known.pop(name, None)

    def _feed(self, names: tuple[InstrumentId, ...], *, is_live: bool, reason: str) -> FeedChanged:
        return FeedChanged(
            time_ns=self.time_ns, instrument_ids=names, is_live=is_live, epoch=self._epoch, reason=reason
        )
