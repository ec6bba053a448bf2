"""Order and trade rows as the CLOB sends them, in reads and on the user stream alike, decoded strictly.

Amounts come as text, numbers or "", times as seconds, milliseconds, ISO text or "": whatever form one was seen in
is read, anything else raises WireError with a sample, so that nothing is guessed.
"""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

import msgspec
from msgspec import Struct

from clock import NS_PER_MS, NS_PER_S
from domain.instrument import Side
from domain.money import ZERO, is_amount

SAMPLE_LENGTH_MAX = 300
MILLISECONDS_FROM = 10**11
"""A whole number from here on is milliseconds: as seconds it would be the year 5138."""

LAST_CURSOR = "LTE="
Text = str | int | float
"""An amount or a time before it is read; a JSON number goes through its shortest decimal form."""

DecodedT = TypeVar("DecodedT")


class WireError(ValueError):
    """What the venue sent is none of the shapes known; the message carries the beginning of it."""


class TradeStatus(StrEnum):
    """How far the settlement of a trade is; only the last two are final."""

    MATCHED = "MATCHED"
    MINED = "MINED"
    RETRYING = "RETRYING"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"

    @property
    def is_final(self) -> bool:
        """Say whether nothing more can happen to the trade."""
        return self in (TradeStatus.CONFIRMED, TradeStatus.FAILED)


class OrderState(StrEnum):
    """What a status word of the venue comes to."""

    OPEN = "OPEN"
    MATCHED = "MATCHED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class OrderRow(Struct, frozen=True, kw_only=True):
    """One order of the account. `matched_quantity` counts shares that traded, settled or not; `asked_size` is the
    money of a FOK or FAK buy and the shares of any other; `words` is the status as it came, with its reason."""

    id: str
    condition_id: str
    token_id: str
    side: Side
    price: Decimal
    asked_size: Decimal
    matched_quantity: Decimal
    state: OrderState
    words: str
    order_type: str


class MakerPart(Struct, frozen=True, kw_only=True):
    """What one resting order gave to a trade, at its own price and perhaps on the other token of the market."""

    order_id: str
    owner: str
    address: str
    token_id: str
    side: Side | None
    price: Decimal
    quantity: Decimal


class TradeRow(Struct, frozen=True, kw_only=True):
    """One trade that the account took part in; token, side, price and quantity are the taker's."""

    id: str
    condition_id: str
    taker_order_id: str
    token_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    status: TradeStatus
    matched_ns: int
    owner: str
    address: str
    is_ours_as_maker: bool
    makers: tuple[MakerPart, ...]


class BalanceRow(Struct, frozen=True):
    """What the account owns of one asset, and what each spender may take of it, in whole assets."""

    balance: Decimal
    allowances: dict[str, Decimal]


class Page(Struct, frozen=True):
    """One page of a listing, its rows not yet decoded; `next_cursor` is None on the last."""

    rows: tuple[msgspec.Raw, ...]
    next_cursor: str | None


class _OrderWire(Struct):
    id: str
    market: str
    asset_id: str
    side: Side
    price: Text
    original_size: Text
    size_matched: Text
    status: str
    order_type: str = ""


class _MakerWire(Struct):
    order_id: str
    asset_id: str
    price: Text
    matched_amount: Text
    owner: str = ""
    maker_address: str = ""
    side: Side | None = None


class _TradeWire(Struct):
    id: str
    market: str
    taker_order_id: str
    asset_id: str
    side: Side
    price: Text
    size: Text
    status: str
    match_time: Text
    trader_side: str
    maker_orders: list[_MakerWire]
    owner: str = ""
    maker_address: str = ""


class _PageWire(Struct):
    data: list[msgspec.Raw]
    next_cursor: str | None = None


class _BalanceWire(Struct):
    balance: Text
    allowances: dict[str, Text] = {}
    allowance: Text | None = None


class _Kind(Struct):
    event_type: str = ""
    type: str = ""


_ORDER = msgspec.json.Decoder(_OrderWire)
_TRADE = msgspec.json.Decoder(_TradeWire)
_PAGE = msgspec.json.Decoder(_PageWire)
_BALANCE = msgspec.json.Decoder(_BalanceWire)
_KIND = msgspec.json.Decoder(_Kind)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_OPTIONAL_ORDER = msgspec.json.Decoder(_OrderWire | None)


def decode_order(raw: bytes | msgspec.Raw) -> OrderRow:
    """Read an order of a listing or of the user stream."""
    return _order(_decode(_ORDER, raw), raw)


def decode_found_order(raw: bytes) -> OrderRow | None:
    """Read the answer to a question for one order, which may be null: the venue does not know it."""
    wire = _decode(_OPTIONAL_ORDER, raw)
    return _order(wire, raw) if wire else None


def decode_trade(raw: bytes | msgspec.Raw) -> TradeRow:
    """Read a trade of a listing or of the user stream."""
    wire = _decode(_TRADE, raw)
    return TradeRow(
        id=wire.id,
        condition_id=wire.market,
        taker_order_id=wire.taker_order_id,
        token_id=wire.asset_id,
        side=wire.side,
        price=_amount(wire.price, raw),
        quantity=_amount(wire.size, raw),
        status=trade_status(wire.status),
        matched_ns=_time_ns(wire.match_time, raw),
        owner=wire.owner,
        address=wire.maker_address,
        is_ours_as_maker=wire.trader_side == "MAKER",
        makers=tuple(_maker(part, raw) for part in wire.maker_orders),
    )


def split_user_message(raw: bytes) -> list[msgspec.Raw]:
    """The events of one frame of the user stream, which is one of them or a list; each may still be a bad one."""
    return _decode(_LIST, raw) if raw.lstrip()[:1] == b"[" else [msgspec.Raw(raw)]


def decode_user_event(raw: bytes | msgspec.Raw) -> OrderRow | TradeRow:
    """Read an event of the user stream; one of no known kind raises."""
    kind = _decode(_KIND, raw)
    if kind.event_type == "trade" or (not kind.event_type and kind.type == "TRADE"):
        return decode_trade(raw)
    if kind.event_type == "order" or (not kind.event_type and kind.type):
        return decode_order(raw)
    raise WireError(f"a user event of kind {kind.event_type!r}: {_sample(raw)}")


def decode_page(raw: bytes) -> Page:
    """Read a page of a listing; the cursor that marks the end becomes None."""
    wire = _decode(_PAGE, raw)
    is_last = wire.next_cursor in (None, "", LAST_CURSOR)
    return Page(tuple(wire.data), None if is_last else wire.next_cursor)


def decode_balance(raw: bytes) -> BalanceRow:
    """Read a balance in base units; an old answer has one allowance without a spender, kept under ""."""
    wire = _decode(_BALANCE, raw)
    spenders = wire.allowances or ({"": wire.allowance} if wire.allowance is not None else {})
    unit = Decimal(10) ** -6
    allowances = {spender: _unbounded(amount, raw) * unit for spender, amount in spenders.items()}
    return BalanceRow(_unbounded(wire.balance, raw) * unit, allowances)


def trade_status(words: str) -> TradeStatus:
    """Read a trade's status; one that is not known is not final, as only CONFIRMED and FAILED are.

    >>> trade_status("TRADE_STATUS_CONFIRMED"), trade_status("MATCHED_NOT_BROADCASTED")
    (<TradeStatus.CONFIRMED: 'CONFIRMED'>, <TradeStatus.MATCHED: 'MATCHED'>)
    """
    name = words.removeprefix("TRADE_STATUS_")
    return TradeStatus(name) if name in TradeStatus.__members__ else TradeStatus.MATCHED


def order_state(words: str) -> OrderState:
    """Read an order's status; raises WireError for a word that may mean anything.

    >>> order_state("CANCELED_order couldn't be fully filled.")
    <OrderState.CANCELLED: 'CANCELLED'>
    """
    name = words.removeprefix("ORDER_STATUS_").upper()
    if name in ("LIVE", "DELAYED", "UNMATCHED"):
        return OrderState.OPEN
    if name == "MATCHED":
        return OrderState.MATCHED
    if name.startswith("CANCEL") and "EXPIRED" in name:
        return OrderState.EXPIRED
    if name.startswith("CANCEL") or name == "INVALID":
        return OrderState.CANCELLED
    raise WireError(f"order status {words[:SAMPLE_LENGTH_MAX]!r} is none that is known")


def _order(wire: _OrderWire, raw: bytes | msgspec.Raw) -> OrderRow:
    return OrderRow(
        id=wire.id,
        condition_id=wire.market,
        token_id=wire.asset_id,
        side=wire.side,
        price=_amount(wire.price, raw),
        asked_size=_amount(wire.original_size, raw),
        matched_quantity=_amount(wire.size_matched, raw),
        state=order_state(wire.status),
        words=wire.status,
        order_type=wire.order_type,
    )


def _maker(part: _MakerWire, raw: bytes | msgspec.Raw) -> MakerPart:
    return MakerPart(
        order_id=part.order_id,
        owner=part.owner,
        address=part.maker_address,
        token_id=part.asset_id,
        side=part.side,
        price=_amount(part.price, raw),
        quantity=_amount(part.matched_amount, raw),
    )


def _amount(text: Text, raw: bytes | msgspec.Raw) -> Decimal:
    """A finite amount that is not negative; "" is nothing, as a killed order says it."""
    value = _unbounded(text, raw)
    if not is_amount(value):
        raise WireError(f"{text!r} is no amount: {_sample(raw)}")
    return value


def _unbounded(text: Text, raw: bytes | msgspec.Raw) -> Decimal:
    """The same without an upper limit: an allowance may be 2^256 − 1."""
    if text == "":
        return ZERO
    try:
        value = Decimal(str(text))
    except InvalidOperation:
        raise WireError(f"{text!r} is no number: {_sample(raw)}") from None
    if not value.is_finite() or value < 0:
        raise WireError(f"{text!r} is no amount: {_sample(raw)}")
    return value


def _time_ns(text: Text, raw: bytes | msgspec.Raw) -> int:
    """UTC nanoseconds of seconds, milliseconds or ISO text; 0 for "": not said."""
    if text == "":
        return 0
    if isinstance(text, int) or (isinstance(text, str) and text.isdecimal()):
        number = int(text)
        return number * (NS_PER_MS if number >= MILLISECONDS_FROM else NS_PER_S)
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise WireError(f"{text!r} is no time: {_sample(raw)}") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * NS_PER_S


def _decode(decoder: msgspec.json.Decoder[DecodedT], raw: bytes | msgspec.Raw) -> DecodedT:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireError(f"{error}: {_sample(raw)}") from error


def _sample(raw: bytes | msgspec.Raw) -> str:
    return bytes(raw)[:SAMPLE_LENGTH_MAX].decode(errors="replace")
