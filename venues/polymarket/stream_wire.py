"""What Polymarket's sockets say, decoded strictly: strings first, numbers where somebody needs them.

A frame is an object or an array of objects. One bad object does not cost its neighbours: it becomes a `BadFrame`
with a bounded sample, which is counted and kept, and the loop goes on.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from domain.instrument import Side
from venues.polymarket.signing import Credentials

T = TypeVar("T")

SAMPLE_BYTES_MAX = 500
"""So much of a frame that does not parse is kept: enough to see what it was."""

SCALE = 10_000
"""Prices are sorted as whole ten-thousandths: the finest tick of the venue."""

PRICES_KEPT_MAX = 20_000
SIZE_MAX = Decimal(10) ** 12
"""A level or print of more shares is a broken message."""

TEXT_PONG: Final = b"PONG"
TEXT_REFUSED: Final = b"INVALID OPERATION"

NO_BID, NO_ASK = 0, SCALE
"""How the venue writes an empty side at the top of a book: a bid of 0, an ask of 1."""


class RawLevel(Struct, frozen=True, gc=False):
    """A level as it was written."""

    price: str
    size: str


class BookMessage(Struct, frozen=True, tag_field="event_type", tag="book"):
    """A whole book of a token; the best level stands last on both sides. `timestamp` is in milliseconds."""

    asset_id: str
    market: str
    timestamp: str
    bids: list[RawLevel]
    asks: list[RawLevel]
    hash: str = ""


class Change(Struct, frozen=True, gc=False):
    """A level's new total (0 removes it) and the top of the book after it."""

    asset_id: str
    price: str
    size: str
    side: Side
    best_bid: str = ""
    best_ask: str = ""


class PriceChangeMessage(Struct, frozen=True, tag_field="event_type", tag="price_change"):
    """Changes of both tokens of a market, whoever of them is subscribed."""

    market: str
    timestamp: str
    price_changes: list[Change]


class LastTradeMessage(Struct, frozen=True, tag_field="event_type", tag="last_trade_price"):
    """A print; `side` is the taker's."""

    asset_id: str
    price: str
    size: str
    side: Side
    timestamp: str
    market: str = ""
    transaction_hash: str = ""


class TickSizeMessage(Struct, frozen=True, tag_field="event_type", tag="tick_size_change"):
    """The token's prices are on another grid from now on."""

    asset_id: str
    market: str
    old_tick_size: str
    new_tick_size: str
    timestamp: str


class BestMessage(Struct, frozen=True, tag_field="event_type", tag="best_bid_ask"):
    """The top of a book, on its own."""

    asset_id: str
    best_bid: str
    best_ask: str
    timestamp: str
    market: str = ""


class NewMarketMessage(Struct, frozen=True, tag_field="event_type", tag="new_market"):
    """A market was made, any market: the venue does not filter these by token."""

    market: str
    slug: str
    assets_ids: list[str]
    timestamp: str


class ResolvedMessage(Struct, frozen=True, tag_field="event_type", tag="market_resolved"):
    """The winner of a market is known."""

    market: str
    assets_ids: list[str]
    winning_asset_id: str
    timestamp: str


MarketMessage = (
    BookMessage
    | PriceChangeMessage
    | LastTradeMessage
    | TickSizeMessage
    | BestMessage
    | NewMarketMessage
    | ResolvedMessage
)


LEVEL_KINDS = ("", "book", "price_change")
"""What a frame that cannot be read may have been, where its loss leaves the books in doubt; other kinds do not."""


class ActivityPayload(Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody's match, as the activity topic tells it; `timestamp` in seconds, numbers as JSON numbers."""

    asset: str
    condition_id: str
    proxy_wallet: str
    side: Side
    price: Decimal
    size: Decimal
    timestamp: int
    transaction_hash: str
    name: str = ""
    pseudonym: str = ""
    slug: str = ""
    outcome: str = ""


class ActivityFrame(Struct, frozen=True):
    """The envelope of the realtime topics; the payload stays undecoded until the topic is known to be ours."""

    topic: str
    type: str
    payload: msgspec.Raw


class PricePoint(Struct, frozen=True):
    """One observation of a price feed, in milliseconds; the text is exact, the JSON number is not."""

    timestamp: int
    full_accuracy_value: Decimal


class PricePayload(Struct, frozen=True):
    """One observation, or under `data` those of the last two minutes."""

    symbol: str
    timestamp: int = 0
    full_accuracy_value: Decimal | None = None
    data: list[PricePoint] = []
    window_seconds: int = 0


class PriceFrame(Struct, frozen=True):
    """A frame of the price socket: an answer (`op`) or an observation (`channel`)."""

    op: str = ""
    code: str = ""
    channel: str = ""
    rid: str = ""
    seq: int = 0
    dropped: int = 0
    snapshot: bool = False
    payload: PricePayload | None = None


class BadFrame(Struct, frozen=True):
    """What did not parse: why, the beginning of it, and the kind it calls itself, as far as that can be read."""

    reason: str
    sample: str
    kind: str = ""


class _Kind(Struct, frozen=True):
    event_type: str = ""


_KIND = msgspec.json.Decoder(_Kind)


class WireValueError(ValueError):
    """A value inside a message that parsed is none that the venue can mean; the message is counted and left out."""


class FrameDecoder(Generic[T]):
    """Decodes objects, or arrays of them, of one type."""

    def __init__(self, kind: type[T]) -> None:
        self._one: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind)
        self._many: msgspec.json.Decoder[list[T]] = msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]
        self._parts = msgspec.json.Decoder(list[msgspec.Raw])

    def decode(self, raw: bytes) -> Sequence[T | BadFrame]:
        """Give the messages of a frame in order, what does not parse as BadFrame; raises nothing."""
        try:
            return self._many.decode(raw) if raw.startswith(b"[") else (self._one.decode(raw),)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return self._piecewise(raw) if raw.startswith(b"[") else (bad_frame(raw, str(error)),)

    def _piecewise(self, raw: bytes) -> Sequence[T | BadFrame]:
        try:
            parts = self._parts.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return (bad_frame(raw, str(error)),)
        return [self._part(bytes(part)) for part in parts]

    def _part(self, raw: bytes) -> T | BadFrame:
        try:
            return self._one.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return bad_frame(raw, str(error))


class PriceGrid:
    """Exact prices by their text, each made once: a book's prices are few and come again and again."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[int, Decimal]] = {}

    def price(self, text: str) -> tuple[int, Decimal]:
        """The price in ten-thousandths, and exact; raises WireValueError for one that is not between 0 and 1."""
        return self.known.get(text) or self._learn(text)

    def top(self, text: str, empty: int) -> int:
        """The best price of a side in ten-thousandths; `empty` (NO_BID or NO_ASK) where nobody is there."""
        known = self.known.get(text)
        if known is not None:
            return known[0]
        return empty if text in ("", "0", "1") or number(text) in (0, 1) else self._learn(text)[0]

    def _learn(self, text: str) -> tuple[int, Decimal]:
        price = number(text)
        scaled = price * SCALE
        if not 0 < price < 1 or scaled != int(scaled):
            raise WireValueError(f"a price of {text[:20]!r} is on no tick between 0 and 1")
        if len(self.known) >= PRICES_KEPT_MAX:
            self.known.clear()
        known = self.known[text] = int(scaled), price
        return known


def number(text: str) -> Decimal:
    """Read an exact decimal number; raises WireValueError for what is none."""
    try:
        value = Decimal(text)
    except ArithmeticError as error:
        raise WireValueError(f"{text[:20]!r} is no number") from error
    if not value.is_finite():
        raise WireValueError(f"{text[:20]!r} is no number")
    return value


def shares(text: str) -> Decimal:
    """Read a quantity from 0 on; raises WireValueError for what is none."""
    try:
        value = Decimal(text)
        is_possible = 0 <= value < SIZE_MAX
    except ArithmeticError as error:
        raise WireValueError(f"{text[:20]!r} is no quantity") from error
    if not is_possible:
        raise WireValueError(f"a quantity of {text[:20]!r} is out of range")
    return value


def milliseconds(text: str) -> int:
    """Read a time stamp as UTC nanoseconds; raises WireValueError for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) == 13):  # noqa: PLR2004  # until the year 2286
        raise WireValueError(f"a time stamp of {text[:20]!r} is not in milliseconds")
    return int(text) * 1_000_000


def bad_frame(raw: bytes, reason: str) -> BadFrame:
    """Keep the reason and the beginning of what was sent."""
    sample = raw[:SAMPLE_BYTES_MAX].decode(errors="replace")
    return BadFrame(reason[:SAMPLE_BYTES_MAX], sample, _kind_of(raw))


def _kind_of(raw: bytes) -> str:
    try:
        return _KIND.decode(raw).event_type[:SAMPLE_BYTES_MAX]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def market_decoder() -> FrameDecoder[MarketMessage]:
    """A decoder of the market channel."""
    return FrameDecoder(MarketMessage)  # type: ignore[arg-type]


def subscribe_frame(tokens: Sequence[str], *, is_first: bool) -> bytes:
    """What opens a subscription: the first frame of a connection has `type`, every later one `operation`.

    >>> subscribe_frame(["1"], is_first=False)
    b'{"operation":"subscribe","assets_ids":["1"],"custom_feature_enabled":true}'
    """
    head = {"type": "market"} if is_first else {"operation": "subscribe"}
    return msgspec.json.encode({**head, "assets_ids": list(tokens), "custom_feature_enabled": True})


def unsubscribe_frame(tokens: Sequence[str]) -> bytes:
    """What ends the subscription of these tokens; the connection stays.

    >>> unsubscribe_frame(["1"])
    b'{"operation":"unsubscribe","assets_ids":["1"]}'
    """
    return msgspec.json.encode({"operation": "unsubscribe", "assets_ids": list(tokens)})


def login_words(credentials: Credentials) -> dict[str, str]:
    """The API key as the streams ask for it: with its secrets, so for a frame that is sent and for nothing else."""
    return {
        "apiKey": credentials.key,
        "secret": credentials.secret.reveal(),
        "passphrase": credentials.passphrase.reveal(),
    }
