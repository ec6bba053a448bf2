"""Polymarket's contracts on Polygon, and which of them an order is signed for."""

from msgspec import Struct

CHAIN_ID = 137
STANDARD_EXCHANGE = "0xE111180000d2663C0091e4f400237545B87B996B"
NEG_RISK_EXCHANGE = "0xe2222d279d744050d28e00520010520000310F59"
EXCHANGE_V3 = "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa"

RESERVED_BITS = ((1 << 64) - 1) << 40
"""Zero in every position id of Protocol V2; a V1 token id, being a hash, has some of them set."""


class Exchange(Struct, frozen=True):
    """The contract that will check a signature, and the version of the domain it is made under."""

    address: str
    version: str


def is_position_id(token_id: int) -> bool:
    """Say whether the asset belongs to a Protocol V2 market: the id itself tells, nothing else is needed.

    >>> is_position_id(755628523515574437047200361729489104557184628977942975970487229876815121664)
    True
    """
    return token_id & RESERVED_BITS == 0


def exchange_of(token_id: int, *, is_neg_risk: bool) -> Exchange:
    """Choose the exchange by the asset, and among those of the first generation by the kind of market."""
    if is_position_id(token_id):
        return Exchange(EXCHANGE_V3, "3")
    return Exchange(NEG_RISK_EXCHANGE if is_neg_risk else STANDARD_EXCHANGE, "2")
