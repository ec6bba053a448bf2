"""Continuity and messages of a few tokens, with a clock that the test moves and a list of what came out."""

from typing import TypeVar

import msgspec

from domain.identifiers import InstrumentId
from domain.messages import BookSnapshot, FeedChanged, MarketEvent
from venues.polymarket.continuity import Continuity, Track
from venues.polymarket.local_book import LocalBook
from venues.polymarket.market_messages import MarketMessages
from venues.polymarket.stream_wire import BadFrame, BookMessage, PriceGrid, ResolvedMessage

UP, DOWN = InstrumentId("111"), InstrumentId("222")
FIRST_MS = 1_790_000_000_000
SILENCE_S_MAX = 5.0
E = TypeVar("E", bound=MarketEvent)


class Followed:
    """Two tokens that are followed and subscribed."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.events: list[MarketEvent] = []
        self.bad: list[BadFrame] = []
        self.winners: list[ResolvedMessage] = []
        self.continuity = Continuity(
            self.events.append,
            silence_s_max=SILENCE_S_MAX,
            now_ns=lambda: int(self.now_s * 10**9),
            now_s=lambda: self.now_s,
        )
        self.messages = MarketMessages(
            self.continuity, self.events.append, self, now_ns=lambda: int(self.now_s * 10**9)
        )
        self.continuity.add([UP, DOWN])
        self.continuity.subscribed([UP, DOWN])

    def unreadable(self, frame: BadFrame) -> None:
        self.bad.append(frame)

    def resolved(self, message: ResolvedMessage) -> None:
        self.winners.append(message)

    def track(self, token: InstrumentId = UP) -> Track:
        return self.continuity.tracks[token]

    def say(self, *messages: object) -> None:
        """Let the stream tell this, as one array."""
        self.messages.take(msgspec.json.encode(list(messages)))

    def rest_says(self, *books: dict[str, object], asked: tuple[InstrumentId, ...] = ()) -> None:
        """Answer the checks that are due with these books."""
        due = tuple(self.continuity.begin_checks(50))
        readings = []
        for told in books:
            message = msgspec.convert(told, BookMessage)
            book = LocalBook(InstrumentId(message.asset_id))
            book.take_snapshot(message, PriceGrid())
            readings.append(book.order_book(book.time_ns))
        self.continuity.judge(readings, asked or due)

    def go_live(self) -> None:
        """Both books told, read and found to agree; what came out until then is dropped."""
        self.say(book(UP), book(DOWN))
        self.rest_says(book(UP), book(DOWN))
        self.events.clear()

    def told(self, kind: type[E]) -> list[E]:
        """Events of a kind since the last clearing."""
        return [event for event in self.events if isinstance(event, kind)]

    def books(self) -> list[BookSnapshot]:
        """Books that were given out."""
        self.continuity.flush()
        return self.told(BookSnapshot)

    def feed_changes(self) -> list[tuple[bool, tuple[InstrumentId, ...], int]]:
        """Each change of the feed: live or not, of whom, in which epoch."""
        return [(event.is_live, event.instrument_ids, event.epoch) for event in self.told(FeedChanged)]


def book(token: str, bid: str = "0.50", ask: str = "0.52", *, after_ms: int = 0) -> dict[str, object]:
    """A book of one level a side."""
    return {
        "event_type": "book",
        "asset_id": token,
        "market": "0xm",
        "timestamp": str(FIRST_MS + after_ms),
        "bids": [{"price": bid, "size": "100"}],
        "asks": [{"price": ask, "size": "100"}],
    }


def change(token: str, price: str, size: str, side: str = "BUY", **top: object) -> dict[str, object]:
    """A message with one change; the top stays as in `book` unless given."""
    after_ms = top.pop("after_ms", 1)
    assert isinstance(after_ms, int)
    one = {"asset_id": token, "price": price, "size": size, "side": side}
    return {
        "event_type": "price_change",
        "market": "0xm",
        "timestamp": str(FIRST_MS + after_ms),
        "price_changes": [{**one, "best_bid": "0.5", "best_ask": "0.52", **top}],
    }
