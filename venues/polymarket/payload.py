"""An order of ours as the exact bytes that the venue is sent: the same order always makes the same bytes."""

import hashlib
import json
from decimal import Decimal
from functools import lru_cache

from msgspec import Struct

from clock import NS_PER_MS, NS_PER_S
from domain.errors import PayloadError
from domain.identifiers import VenueOrderId
from domain.instrument import CENT, Side
from domain.money import ONE, to_units
from domain.order import Order, TimeInForce
from venues.base import Prepared
from venues.polymarket.signing import OrderSigner, OrderTerms, Signed
from venues.polymarket.terms import Terms

TOKEN_MAX = (1 << 256) - 1
SALT_BITS = 53
"""The wire's salt is a JSON number, which a venue may read as a double."""

TICK_SIZES = frozenset(map(Decimal, ("0.1", "0.01", "0.005", "0.0025", "0.001", "0.0001")))
"""The grids that the venue knows. With two decimals of shares, a price on any of them makes an amount within the
decimals that the venue allows there (docs.polymarket.com, order amounts), so exact amounts need no rounding."""

ZERO_WORD = "0x" + "00" * 32


class Amounts(Struct, frozen=True):
    """What the maker of the order gives and takes, in millionths: money for shares, or shares for money."""

    maker: int
    taker: int


class PayloadMaker:
    """Signs orders for one wallet and API key; `install_id` keeps two installations from making one order twice."""

    def __init__(self, *, signer: OrderSigner, api_key: str, install_id: str) -> None:
        self._signer = signer
        self._owner = json.dumps(api_key)
        self._install_id = install_id

    def prepare(self, order: Order, terms: Terms) -> Prepared:
        """Sign and write the body; raises PayloadError where it cannot be exact."""
        signed_terms = self.terms_to_sign(order, terms)
        signed = self._signer.sign(signed_terms)
        return Prepared(
            order_id=order.id,
            venue_order_id=VenueOrderId(signed.order_id),
            payload=self._body(order, terms, signed_terms, signed),
        )

    def terms_to_sign(self, order: Order, terms: Terms) -> OrderTerms:
        """What of the order is signed; time in force, expiry and post-only travel unsigned."""
        amounts = amounts_of(order, terms.tick_size)
        return OrderTerms(
            salt=salt_of(order, install_id=self._install_id),
            token_id=_token_number(terms.token_id),
            maker_amount=amounts.maker,
            taker_amount=amounts.taker,
            side=order.side,
            timestamp_ms=order.created_ns // NS_PER_MS,
            is_neg_risk=terms.is_neg_risk,
        )

    def _body(self, order: Order, of: Terms, terms: OrderTerms, signed: Signed) -> str:
        """Compact JSON, keys and form as the official client's; no value in it needs escaping."""
        who = self._signer
        post_only = ',"postOnly":true' if order.post_only else ""
        return (
            f'{{"deferExec":false,"order":{{"builder":"{ZERO_WORD}","expiration":"{expiration_s(order)}",'
            f'"maker":"{who.maker}","makerAmount":"{terms.maker_amount}","metadata":"{ZERO_WORD}",'
            f'"salt":{terms.salt},"side":"{terms.side.value}","signature":"{signed.signature}",'
            f'"signatureType":{who.wallet.kind:d},"signer":"{who.signer}",'
            f'"takerAmount":"{terms.taker_amount}","timestamp":"{terms.timestamp_ms}",'
            f'"tokenId":"{of.token_id}"}},"orderType":"{order.time_in_force.value}",'
            f'"owner":{self._owner}{post_only}}}'
        )


def amounts_of(order: Order, tick_size: Decimal) -> Amounts:
    """Turn price and quantity into whole millionths, or raise PayloadError: nothing is rounded.

    Money that a FOK or FAK order gives may have two decimals only: the venue refuses others.
    """
    price, quantity = order.price, order.quantity
    if tick_size not in TICK_SIZES:
        raise PayloadError(f"tick {tick_size} is none that the venue is known to use; update the adapter")
    if not tick_size <= price <= ONE - tick_size or price % tick_size:
        raise PayloadError(f"price {price} is not on the grid of tick {tick_size} within [tick, 1 − tick]")
    if quantity <= 0 or quantity % CENT:
        raise PayloadError(f"quantity {quantity} is not a positive number of hundredths of a share")
    money = price * quantity
    if order.time_in_force.is_immediate and order.side is Side.BUY and money % CENT:
        raise PayloadError(
            f"{order.time_in_force} buy of {money} pUSD: whole cents only; change the quantity"
        )
    if order.post_only and order.time_in_force.is_immediate:
        raise PayloadError(f"{order.time_in_force} cannot be post-only: it never rests")
    money_units, share_units = to_units(money), to_units(quantity)
    is_buy = order.side is Side.BUY
    return Amounts(money_units, share_units) if is_buy else Amounts(share_units, money_units)


@lru_cache(maxsize=4_096)
def _token_number(token_id: str) -> int:
    if not token_id.isdecimal() or int(token_id) > TOKEN_MAX:
        raise PayloadError(f"{token_id[:80]!r} is no token: decimal digits below 2^256")
    return int(token_id)


def salt_of(order: Order, *, install_id: str) -> int:
    """Derive the salt, 53 bits, from what makes the order one: another generation is another order."""
    text = "\x1f".join((install_id, order.intent_id, str(order.generation)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> (64 - SALT_BITS)


def expiration_s(order: Order) -> int:
    """Seconds since the epoch for GTD, down to a whole one so that it never outlives what was asked; else 0."""
    if order.time_in_force is not TimeInForce.GTD:
        return 0
    if order.expires_ns is None:
        raise PayloadError("a GTD order says no end; give expires_ns")
    return order.expires_ns // NS_PER_S
