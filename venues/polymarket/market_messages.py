"""From frames of the market channel to events: books through their continuity, everything else as it comes."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from domain.identifiers import InstrumentId
from domain.messages import MarketEvent, SnapshotRejected, TickSizeChanged, TradePrint
from venues.polymarket.continuity import Continuity, Standing, Track
from venues.polymarket.stream_wire import (
    LEVEL_KINDS,
    NO_ASK,
    NO_BID,
    TEXT_PONG,
    TEXT_REFUSED,
    BadFrame,
    BestMessage,
    BookMessage,
    Change,
    LastTradeMessage,
    MarketMessage,
    NewMarketMessage,
    PriceChangeMessage,
    PriceGrid,
    ResolvedMessage,
    TickSizeMessage,
    WireValueError,
    bad_frame,
    market_decoder,
    milliseconds,
    number,
    shares,
)

PRINTS_KEPT_MAX = 2_000
"""Prints that are remembered, so that one that is delivered twice counts once."""


class MessageCounters(Struct, kw_only=True):
    """What the market channel has said since the start."""

    messages: int = 0
    bad: int = 0
    refused: int = 0
    gaps: int = 0
    out_of_order: int = 0
    prints_repeated: int = 0
    new_markets: int = 0


class MessageListener(Protocol):
    """Who is told what is no event of an instrument."""

    def unreadable(self, frame: BadFrame) -> None:
        """A frame, or a value in it, could not be read; the sample is for keeping."""
        ...

    def resolved(self, message: ResolvedMessage) -> None:
        """The venue names a winner."""
        ...


class MarketMessages:
    """Takes frames of all connections of the market channel; raises nothing for what the venue sends."""

    def __init__(
        self,
        continuity: Continuity,
        sink: Callable[[MarketEvent], None],
        listener: MessageListener,
        *,
        now_ns: Callable[[], int],
    ) -> None:
        self.counters = MessageCounters()
        self._continuity, self._sink, self._listener, self._now_ns = continuity, sink, listener, now_ns
        self._decoder = market_decoder()
        self._grid = PriceGrid()
        self._prints: OrderedDict[LastTradeMessage, None] = OrderedDict()

    def take(self, raw: bytes) -> None:
        """Decode a frame and bring everything in it to where it belongs."""
        if raw == TEXT_PONG or not raw:
            return
        if raw == TEXT_REFUSED:
            self.counters.refused += 1
            return
        for message in self._decoder.decode(raw):
            self.counters.messages += 1
            if type(message) is PriceChangeMessage:
                self._take_changes(message)
            elif isinstance(message, BadFrame):
                self._count_bad(message)
                if message.kind in LEVEL_KINDS:
                    self._continuity.suspect_all()
            else:
                self._take_other(message)

    def _take_other(self, message: MarketMessage) -> None:
        try:
            match message:
                case BookMessage():
                    self._take_book(message)
                case LastTradeMessage():
                    self._take_print(message)
                case TickSizeMessage():
                    self._take_tick_size(message)
                case BestMessage():
                    self._take_best(message)
                case ResolvedMessage():
                    self._listener.resolved(message)
                case NewMarketMessage():
                    self.counters.new_markets += 1
                case PriceChangeMessage():
                    self._take_changes(message)
        except WireValueError as error:
            self._count_bad(bad_frame(repr(message).encode(), str(error)))

    def _take_changes(self, message: PriceChangeMessage) -> None:
        """Apply every change, then hold each token's top of book against what its last change says of it."""
        tracks, touched = self._continuity.tracks, {}
        for change in message.price_changes:
            track = tracks.get(change.asset_id)
            if track is None or track.standing is Standing.WAITING:
                continue
            try:
                track.book.take_change(change, self._grid)
            except WireValueError as error:
                self._count_bad(bad_frame(repr(change).encode(), str(error)))
                self._break(track, f"a change that cannot be read: {error}")
            else:
                touched[change.asset_id] = track, change
        if touched:
            self._hold_against_top(message, touched)

    def _hold_against_top(
        self, message: PriceChangeMessage, touched: dict[str, tuple[Track, Change]]
    ) -> None:
        try:
            time_ns = milliseconds(message.timestamp)
            for track, change in touched.values():
                if track.standing is Standing.WAITING:
                    continue
                if time_ns < track.book.time_ns:
                    self.counters.out_of_order += 1
                    self._continuity.suspect(track)
                else:
                    track.book.time_ns = time_ns
                if (reason := track.book.disagreement(change, self._grid)) is not None:
                    self._break(track, reason)
                else:
                    self._continuity.changed(track)
        except WireValueError as error:
            self._count_bad(bad_frame(repr(message).encode(), str(error)))
            for track, _ in touched.values():
                self._break(track, f"a change that cannot be read: {error}")

    def _break(self, track: Track, reason: str) -> None:
        self.counters.gaps += 1
        self._continuity.gap(track, reason)

    def _take_book(self, message: BookMessage) -> None:
        track = self._continuity.tracks.get(message.asset_id)
        if track is None:
            return
        if track.standing is not Standing.WAITING and milliseconds(message.timestamp) < track.book.time_ns:
            self.counters.out_of_order += 1
            self._continuity.suspect(track)
            return
        try:
            track.book.take_snapshot(message, self._grid)
        except WireValueError as error:
            self._count_bad(bad_frame(repr(message).encode(), str(error)))
            instrument_id = track.book.instrument_id
            self._sink(
                SnapshotRejected(time_ns=self._now_ns(), instrument_id=instrument_id, reason=str(error))
            )
            self._break(track, str(error))
            return
        self._continuity.take_snapshot(track)

    def _take_print(self, message: LastTradeMessage) -> None:
        track = self._continuity.tracks.get(message.asset_id)
        if track is None or self._is_repeated(message):
            return
        price, quantity = self._grid.price(message.price)[1], shares(message.size)
        self._continuity.flush_one(track)
        self._sink(
            TradePrint(
                time_ns=self._now_ns(),
                instrument_id=InstrumentId(message.asset_id),
                side=message.side,
                price=price,
                quantity=quantity,
            )
        )

    def _is_repeated(self, message: LastTradeMessage) -> bool:
        """A print with a transaction that was told before, in every word; without one it cannot be known."""
        if not message.transaction_hash:
            return False
        if message in self._prints:
            self.counters.prints_repeated += 1
            return True
        self._prints[message] = None
        if len(self._prints) > PRINTS_KEPT_MAX:
            self._prints.popitem(last=False)
        return False

    def _take_tick_size(self, message: TickSizeMessage) -> None:
        track = self._continuity.tracks.get(message.asset_id)
        tick_size = number(message.new_tick_size)
        if not 0 < tick_size < 1:
            raise WireValueError(f"a tick of {message.new_tick_size[:20]!r} is none")
        if track is not None:
            self._continuity.flush_one(track)
            self._sink(
                TickSizeChanged(
                    time_ns=self._now_ns(),
                    instrument_id=InstrumentId(message.asset_id),
                    tick_size=tick_size,
                )
            )

    def _take_best(self, message: BestMessage) -> None:
        """The top alone may come before or after the change that made it: a difference is a suspicion, no proof."""
        track = self._continuity.tracks.get(message.asset_id)
        if track is None or track.standing is not Standing.LIVE:
            return
        bid, ask = self._grid.top(message.best_bid, NO_BID), self._grid.top(message.best_ask, NO_ASK)
        if (bid, ask) != (track.book.bids.best, track.book.asks.best):
            self._continuity.suspect(track)

    def _count_bad(self, frame: BadFrame) -> None:
        self.counters.bad += 1
        self._listener.unreadable(frame)
