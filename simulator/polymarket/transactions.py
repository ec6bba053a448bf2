"""Signed transactions of an EOA: reading one, and who signed it (RLP, EIP-155)."""

from coincurve import PublicKey
from msgspec import Struct

from simulator.polymarket.contracts import CHAIN_ID
from simulator.polymarket.eip712 import checksummed, keccak

FIELDS = 9
SHORT_MAX = 55
Item = bytes | list["Item"]


class Transaction(Struct, frozen=True, kw_only=True):
    """What a signed transaction says, and the address that signed it."""

    sender: str
    nonce: int
    target: str
    value: int
    data: bytes
    hash: str


def read_transaction(raw: bytes) -> Transaction:
    """Read a transaction of the first kind; ValueError where it is none, or for another chain."""
    fields = decode(raw)
    if not isinstance(fields, list) or len(fields) != FIELDS:
        raise ValueError("not a legacy transaction")
    parts = [field for field in fields if isinstance(field, bytes)]
    if len(parts) != FIELDS:
        raise ValueError("a field is a list")
    v = _number(parts[6])
    if v not in (CHAIN_ID * 2 + 35, CHAIN_ID * 2 + 36):
        raise ValueError(f"v {v} is not of chain {CHAIN_ID}")
    unsigned = encode([*parts[:6], _bytes_of(CHAIN_ID), b"", b""])
    signature = parts[7].rjust(32, b"\0") + parts[8].rjust(32, b"\0") + bytes([v - CHAIN_ID * 2 - 35])
    key = PublicKey.from_signature_and_message(signature, keccak(unsigned), hasher=None)
    return Transaction(
        sender=checksummed("0x" + keccak(key.format(compressed=False)[1:])[12:].hex()),
        nonce=_number(parts[0]),
        target=checksummed("0x" + parts[3].hex()),
        value=_number(parts[4]),
        data=parts[5],
        hash="0x" + keccak(raw).hex(),
    )


def decode(raw: bytes) -> Item:
    """The one item that the bytes hold; ValueError where they hold less or more."""
    item, rest = _take(raw)
    if rest:
        raise ValueError(f"{len(rest)} bytes are left over")
    return item


def encode(item: Item) -> bytes:
    """An item as bytes.

    >>> encode([b"cat", b"dog"]).hex()
    'c88363617483646f67'
    """
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:  # noqa: PLR2004 - such a byte stands for itself
            return item
        return _header(0x80, len(item)) + item
    content = b"".join(map(encode, item))
    return _header(0xC0, len(content)) + content


def _header(base: int, length: int) -> bytes:
    if length <= SHORT_MAX:
        return bytes([base + length])
    size = _bytes_of(length)
    return bytes([base + SHORT_MAX + len(size)]) + size


def _take(raw: bytes) -> tuple[Item, bytes]:
    if not raw:
        raise ValueError("no bytes are left")
    first = raw[0]
    if first < 0x80:  # noqa: PLR2004 - the ranges of the encoding
        return raw[:1], raw[1:]
    base = 0xC0 if first >= 0xC0 else 0x80  # noqa: PLR2004
    length, start = first - base, 1
    if length > SHORT_MAX:
        start = 1 + length - SHORT_MAX
        length = _number(raw[1:start])
    content, rest = raw[start : start + length], raw[start + length :]
    if len(content) != length:
        raise ValueError(f"{length} bytes are promised, {len(content)} there")
    if base == 0x80:  # noqa: PLR2004
        return content, rest
    items: list[Item] = []
    while content:
        item, content = _take(content)
        items.append(item)
    return items, rest


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _bytes_of(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
