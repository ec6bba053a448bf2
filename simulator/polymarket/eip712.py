"""EIP-712 digests of orders and of the authentication message, and who signed one; own code, see EIP-712 and EIP-191.

Nothing is taken from the client: what both compute alike was computed twice.
"""

from functools import lru_cache

from coincurve import PublicKey
from Crypto.Hash import keccak as keccak_module
from msgspec import Struct

from simulator.polymarket.contracts import CHAIN_ID

WORD = 32
SIGNATURE_BYTES = 65
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""The curve's order, halved: a larger s is the malleable twin of a signature, which contracts refuse."""

ORDER_TYPE = (
    b"Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,uint256 takerAmount,"
    b"uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,bytes32 builder)"
)
TYPED_DATA_SIGN_TYPE = (
    b"TypedDataSign(Order contents,string name,string version,uint256 chainId,"
    b"address verifyingContract,bytes32 salt)"
)
DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
AUTH_DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId)"
AUTH_TYPE = b"ClobAuth(address address,string timestamp,uint256 nonce,string message)"
AUTH_MESSAGE = b"This message attests that I control the given wallet"


class SignedFields(Struct, frozen=True, kw_only=True):
    """The fields of an order that the signature covers; amounts in base units, side 0 for a buy, 1 for a sell."""

    salt: int
    maker: str
    signer: str
    token_id: int
    maker_amount: int
    taker_amount: int
    side: int
    signature_type: int
    timestamp_ms: int
    metadata: bytes
    builder: bytes


def keccak(data: bytes) -> bytes:
    """Keccak-256 as Ethereum has it: the padding from before SHA-3 was standardised."""
    return keccak_module.new(digest_bits=256, data=data).digest()


def address_bytes(address: str) -> bytes:
    """The 20 bytes of a hexadecimal address; ValueError where it is none."""
    raw = bytes.fromhex(address.removeprefix("0x"))
    if len(raw) != 20 or not address.startswith("0x"):  # noqa: PLR2004 - an address has 20 bytes
        raise ValueError(f"{address!r} is not an address; 0x and 40 hexadecimal digits")
    return raw


@lru_cache(maxsize=10_000)
def checksummed(address: str) -> str:
    """The address with the capitals of EIP-55."""
    digits = address_bytes(address).hex()
    marks = keccak(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if int(mark, 16) >= 8 else digit  # noqa: PLR2004 - the upper half of a digit's range
        for digit, mark in zip(digits, marks, strict=False)
    )


@lru_cache(maxsize=64)
def domain_separator(*, version: str, exchange: str) -> bytes:
    """Separator of an exchange: domain version 2 for its first two contracts, 3 for Protocol V2's."""
    return keccak(
        keccak(DOMAIN_TYPE)
        + keccak(b"Polymarket CTF Exchange")
        + keccak(version.encode())
        + word(CHAIN_ID)
        + left_padded(address_bytes(exchange))
    )


def order_hash(order: SignedFields) -> bytes:
    """The struct hash of an order; ValueError or OverflowError where a field is not what its type says."""
    if len(order.metadata) != WORD or len(order.builder) != WORD:
        raise ValueError("metadata and builder are 32 bytes each")
    return keccak(
        ORDER_TYPE_HASH
        + word(order.salt)
        + left_padded(address_bytes(order.maker))
        + left_padded(address_bytes(order.signer))
        + word(order.token_id)
        + word(order.maker_amount)
        + word(order.taker_amount)
        + word(order.side)
        + word(order.signature_type)
        + word(order.timestamp_ms)
        + order.metadata
        + order.builder
    )


def digest_of(separator: bytes, struct_hash: bytes) -> bytes:
    """What is signed: for an order this is also its id."""
    return keccak(b"\x19\x01" + separator + struct_hash)


def wrapped_hash(contents_hash: bytes, *, wallet: str) -> bytes:
    """Struct hash of the nested message that the owner of a deposit wallet signs (ERC-7739)."""
    return keccak(
        TYPED_DATA_SIGN_TYPE_HASH
        + contents_hash
        + WALLET_NAME_HASH
        + WALLET_VERSION_HASH
        + word(CHAIN_ID)
        + left_padded(address_bytes(wallet))
        + bytes(WORD)
    )


def auth_digest(*, address: str, timestamp: str, nonce: int) -> bytes:
    """What an owner signs to create or derive an API key; the timestamp is text."""
    separator = keccak(keccak(AUTH_DOMAIN_TYPE) + keccak(b"ClobAuthDomain") + keccak(b"1") + word(CHAIN_ID))
    struct_hash = keccak(
        keccak(AUTH_TYPE)
        + left_padded(address_bytes(address))
        + keccak(timestamp.encode())
        + word(nonce)
        + keccak(AUTH_MESSAGE)
    )
    return digest_of(separator, struct_hash)


def personal_digest(message: bytes) -> bytes:
    """What `personal_sign` signs (EIP-191)."""
    return keccak(b"\x19Ethereum Signed Message:\n" + str(len(message)).encode() + message)


def recover(digest: bytes, signature: bytes) -> str:
    """Checksummed address whose key made the signature r ‖ s ‖ v; ValueError where there is none."""
    if len(signature) != SIGNATURE_BYTES:
        raise ValueError(f"a signature has {SIGNATURE_BYTES} bytes, not {len(signature)}")
    if int.from_bytes(signature[32:64], "big") > HALF_ORDER:
        raise ValueError("the signature's s is in the upper half")
    if signature[64] not in (27, 28):
        raise ValueError(f"v is {signature[64]}, not 27 or 28")
    recoverable = signature[:64] + bytes([signature[64] - 27])
    key = PublicKey.from_signature_and_message(recoverable, digest, hasher=None)
    return checksummed("0x" + keccak(key.format(compressed=False)[1:])[12:].hex())


def word(value: int) -> bytes:
    """A number as one word; OverflowError where it does not fit or is negative."""
    return value.to_bytes(WORD, "big")


def left_padded(data: bytes) -> bytes:
    """Bytes at the right end of one word."""
    return data.rjust(WORD, b"\x00")


ORDER_TYPE_HASH = keccak(ORDER_TYPE)
TYPED_DATA_SIGN_TYPE_HASH = keccak(TYPED_DATA_SIGN_TYPE + ORDER_TYPE)
WALLET_NAME_HASH = keccak(b"DepositWallet")
WALLET_VERSION_HASH = keccak(b"1")
