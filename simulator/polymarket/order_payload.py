"""From the body of an order request to an order: its shape, its terms on the market's grid, and its identity."""

from decimal import Decimal
from typing import Literal

import msgspec
from msgspec import Struct

from simulator.polymarket.contracts import UNITS
from simulator.polymarket.eip712 import SignedFields
from simulator.polymarket.markets import AMOUNT_DECIMALS, PRICE_UNITS, SimMarket
from simulator.polymarket.orders import BUY, OrderType
from simulator.polymarket.refusals import (
    INVALID_PAYLOAD,
    PRECISION,
    SELL_PRECISION,
    SIZE_PRECISION,
    VERSION_MISMATCH,
    Refusal,
    breaks_tick,
)

SHARE_STEP = UNITS // 100
"""Sizes have two decimals."""

AMOUNT_DIGITS_MAX = 30
OLD_FIELDS = (b'"feeRateBps"', b'"nonce"', b'"taker"')
"""Fields that only orders of the first protocol have."""


class WireOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """The signed part of the body; numbers travel as text except the salt and the kind of signature."""

    builder: str
    expiration: str
    maker: str
    makerAmount: str  # noqa: N815 - the wire's name
    metadata: str
    salt: int
    side: Literal["BUY", "SELL"]
    signature: str
    signatureType: int  # noqa: N815 - the wire's name
    signer: str
    takerAmount: str  # noqa: N815 - the wire's name
    timestamp: str
    tokenId: str  # noqa: N815 - the wire's name


class PostedOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """One order request."""

    order: WireOrder
    orderType: OrderType  # noqa: N815 - the wire's name
    owner: str
    deferExec: bool = False  # noqa: N815 - the wire's name
    postOnly: bool = False  # noqa: N815 - the wire's name


class Terms(Struct, frozen=True, kw_only=True):
    """What an order offers: price in price units, size and budget in base units."""

    price: int
    size: int
    budget: int | None


ORDER_DECODER = msgspec.json.Decoder(PostedOrder)
BATCH_DECODER = msgspec.json.Decoder(list[msgspec.Raw])


def read_posted(body: bytes | msgspec.Raw) -> PostedOrder | Refusal:
    """Read one order; one of the first protocol is told from one that is merely broken."""
    try:
        posted = ORDER_DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        is_old = any(name in bytes(body) for name in OLD_FIELDS)
        return VERSION_MISMATCH if is_old else INVALID_PAYLOAD
    order = posted.order
    numbers = (order.expiration, order.makerAmount, order.takerAmount, order.timestamp, order.tokenId)
    if not all(text.isascii() and text.isdecimal() and len(text) <= 78 for text in numbers):  # noqa: PLR2004 - 2^256
        return INVALID_PAYLOAD
    if max(len(order.makerAmount), len(order.takerAmount)) > AMOUNT_DIGITS_MAX:
        return INVALID_PAYLOAD
    return posted


def signed_fields(order: WireOrder) -> SignedFields:
    """What the signature covers; ValueError where a field is not what its type says."""
    return SignedFields(
        salt=order.salt,
        maker=order.maker,
        signer=order.signer,
        token_id=int(order.tokenId),
        maker_amount=int(order.makerAmount),
        taker_amount=int(order.takerAmount),
        side=BUY if order.side == "BUY" else 1,
        signature_type=order.signatureType,
        timestamp_ms=int(order.timestamp),
        metadata=bytes.fromhex(order.metadata.removeprefix("0x")),
        builder=bytes.fromhex(order.builder.removeprefix("0x")),
    )


def signature_bytes(order: WireOrder) -> bytes:
    """The signature; ValueError where it is not hexadecimal."""
    return bytes.fromhex(order.signature.removeprefix("0x"))


def read_terms(signed: SignedFields, kind: OrderType, market: SimMarket, order_id: str) -> Terms | Refusal:
    """Price and size out of the two amounts, by the rules of the kind of order and of the market's tick."""
    is_buy = signed.side == BUY
    money, shares = (
        (signed.maker_amount, signed.taker_amount) if is_buy else (signed.taker_amount, signed.maker_amount)
    )
    if money <= 0 or shares <= 0:
        return INVALID_PAYLOAD
    takes_at_once = kind in (OrderType.FOK, OrderType.FAK)
    decimals = AMOUNT_DECIMALS[market.tick_units]
    step = UNITS // 10**decimals
    if takes_at_once and is_buy and (money % SHARE_STEP or shares % step):
        return PRECISION
    if takes_at_once and not is_buy and shares % SHARE_STEP:
        return SELL_PRECISION
    if not takes_at_once and shares % SHARE_STEP:
        return SIZE_PRECISION
    price = money * PRICE_UNITS // shares
    slack = step if takes_at_once and is_buy else 0
    if not _is_on_grid(price, money, shares + slack, shares, market):
        return breaks_tick(order_id, _shown(money, shares), market.tick)
    return Terms(price=price, size=shares, budget=money if takes_at_once and is_buy else None)


def _is_on_grid(price: int, money: int, shares_max: int, shares: int, market: SimMarket) -> bool:
    """A market buy rounds its shares down, which makes its price look a hair too high; nothing else may."""
    if price % market.tick_units or not market.tick_units <= price <= PRICE_UNITS - market.tick_units:
        return False
    return money * PRICE_UNITS == price * shares or price * shares_max > money * PRICE_UNITS


def _shown(money: int, shares: int) -> Decimal:
    return (Decimal(money) / Decimal(shares)).quantize(Decimal("0.000001")).normalize()
