"""Whether an order was signed by whom it says: plain for an EOA, proxy or safe, wrapped for a deposit wallet."""

from collections.abc import Callable

from msgspec import Struct

from simulator.polymarket.contracts import EXCHANGE, EXCHANGE_V3, NEG_RISK_EXCHANGE
from simulator.polymarket.eip712 import (
    ORDER_TYPE,
    SIGNATURE_BYTES,
    SignedFields,
    digest_of,
    domain_separator,
    order_hash,
    recover,
    wrapped_hash,
)

EOA, PROXY, SAFE, DEPOSIT_WALLET = 0, 1, 2, 3
SIGNATURE_TYPES = (EOA, PROXY, SAFE, DEPOSIT_WALLET)

RESERVED_BITS = ((1 << 64) - 1) << 40
"""Zero in the identifier of a Protocol V2 position."""


def is_v2_position(token_id: int) -> bool:
    """Say whether the token belongs to Protocol V2, whose orders another contract settles."""
    return token_id & RESERVED_BITS == 0


def separator_of(token_id: int, *, neg_risk: bool) -> bytes:
    """The domain separator under which an order for this token must be signed."""
    if is_v2_position(token_id):
        return domain_separator(version="3", exchange=EXCHANGE_V3)
    return domain_separator(version="2", exchange=NEG_RISK_EXCHANGE if neg_risk else EXCHANGE)


class Identity(Struct, frozen=True, kw_only=True):
    """The hashes of one order for one contract."""

    separator: bytes
    contents_hash: bytes
    digest: bytes

    @property
    def order_id(self) -> str:
        """The order's id: its digest, for every kind of signature."""
        return "0x" + self.digest.hex()


def identify(order: SignedFields, *, neg_risk: bool) -> Identity:
    """Hash an order; ValueError or OverflowError where a field is not what its type says."""
    separator = separator_of(order.token_id, neg_risk=neg_risk)
    contents_hash = order_hash(order)
    digest = digest_of(separator, contents_hash)
    return Identity(separator=separator, contents_hash=contents_hash, digest=digest)


def is_signed(
    order: SignedFields, signature: bytes, identity: Identity, *, owner_of: Callable[[str], str | None]
) -> bool:
    """Say whether the owner of the maker signed; `owner_of` gives the owner of a wallet, None where unknown."""
    try:
        if order.signature_type == DEPOSIT_WALLET:
            signed_by = _signer_of_wrapped(order, signature, identity)
            return signed_by is not None and signed_by == owner_of(order.maker)
        signed_by = recover(identity.digest, signature)
    except ValueError:
        return False
    if signed_by.lower() != order.signer.lower():
        return False
    if order.signature_type == EOA:
        return order.maker.lower() == order.signer.lower()
    return owner_of(order.maker) == signed_by


def _signer_of_wrapped(order: SignedFields, signature: bytes, identity: Identity) -> str | None:
    """Recover the owner from the first 65 bytes, where the trailer repeats what was signed; None where it does not."""
    length = len(ORDER_TYPE).to_bytes(2, "big")
    trailer = identity.separator + identity.contents_hash + ORDER_TYPE + length
    if signature[SIGNATURE_BYTES:] != trailer or order.signer.lower() != order.maker.lower():
        return None
    digest = digest_of(identity.separator, wrapped_hash(identity.contents_hash, wallet=order.signer))
    return recover(digest, signature[:SIGNATURE_BYTES])
