"""Which books of an exchange can be trusted: epochs that break for a pair and are mended by a fresh book."""

from collections.abc import Callable, Iterable

from domain.book import OrderBook
from domain.identifiers import InstrumentId
from domain.messages import BookSnapshot, FeedChanged, MarketEvent


class Continuity:
    """The only door through which books reach the sink: while a pair is broken, none does."""

    def __init__(self, sink: Callable[[MarketEvent], None], *, now_ns: Callable[[], int]) -> None:
        self.epoch = 0
        """How often the feed broke, over all pairs."""
        self._sink = sink
        self._now_ns = now_ns
        self._is_live: dict[InstrumentId, bool] = {}

    def add(self, instrument_ids: Iterable[InstrumentId]) -> None:
        """Follow these: none is live before its first book."""
        new = tuple(one for one in instrument_ids if one not in self._is_live)
        self._is_live.update(dict.fromkeys(new, False))
        self._announce(new, is_live=False, reason="not seen yet")

    def is_live(self, instrument_id: InstrumentId) -> bool:
        """Say whether the books of a pair are given out now."""
        return self._is_live.get(instrument_id, False)

    def lose(self, instrument_ids: Iterable[InstrumentId], reason: str) -> None:
        """From now on what we hold of these may be wrong; those that are broken already stay so, silently."""
        live = tuple(one for one in instrument_ids if self._is_live.get(one))
        if live:
            self.epoch += 1
            self._is_live.update(dict.fromkeys(live, False))
            self._announce(live, is_live=False, reason=reason)

    def mend(self, book: OrderBook, reason: str) -> None:
        """A fresh book ends the break of its pair, and is the first that is given out again."""
        if not self.is_live(book.instrument_id):
            self._is_live[book.instrument_id] = True
            self._announce((book.instrument_id,), is_live=True, reason=reason)
        self.give(book)

    def give(self, book: OrderBook) -> None:
        """Give a book out, unless its pair is broken."""
        if self.is_live(book.instrument_id):
            self._sink(BookSnapshot(time_ns=self._now_ns(), book=book))

    def _announce(self, instrument_ids: tuple[InstrumentId, ...], *, is_live: bool, reason: str) -> None:
        if instrument_ids:
            event = FeedChanged(
                time_ns=self._now_ns(),
                instrument_ids=instrument_ids,
                is_live=is_live,
                epoch=self.epoch,
                reason=reason,
            )
            self._sink(event)
