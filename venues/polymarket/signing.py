"""EIP-712 digests and signatures of orders, and the two ways requests are authenticated.

An order's id is keccak(0x1901 ‖ domain separator ‖ struct hash): known before anything is sent. Type and domain
hashes are computed once, so an order costs three keccaks and one secp256k1 signature.
"""

import base64
import hmac
from enum import IntEnum
from functools import lru_cache

from coincurve import PrivateKey
from Crypto.Hash import keccak
from msgspec import Struct

from domain.errors import ConfigurationError
from domain.instrument import Side
from settings import Secret
from venues.polymarket.contracts import CHAIN_ID, Exchange, exchange_of

WORD = 32
KEY_DIGITS = 64
TOKENS_KEPT_MAX = 4_096

ADDRESS_BYTES = 20
ORDER_TYPE = (
    "Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,uint256 takerAmount,"
    "uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,bytes32 builder)"
)
DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
NESTED_TYPE = (
    "TypedDataSign(Order contents,string name,string version,uint256 chainId,address verifyingContract,"
    "bytes32 salt)"
)
LOGIN_DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId)"
LOGIN_TYPE = "ClobAuth(address address,string timestamp,uint256 nonce,string message)"
LOGIN_MESSAGE = "This message attests that I control the given wallet"
NOTHING = bytes(WORD)
NO_TAGS = NOTHING + NOTHING
"""Metadata and builder, which we leave empty as the official client does."""

BUY_WORD, SELL_WORD = NOTHING, bytes(WORD - 1) + b"\x01"


class WalletKind(IntEnum):
    """Who holds the money; the number is the order's `signatureType`."""

    EOA = 0
    PROXY = 1
    SAFE = 2
    DEPOSIT = 3


class Wallet(Struct, frozen=True):
    """The account that trades: for an EOA the key's own address, else a contract that the key's owner controls."""

    address: str
    kind: WalletKind


class OrderTerms(Struct, frozen=True, kw_only=True):
    """What is signed of an order besides who signs it; amounts in millionths, time in milliseconds since the epoch."""

    salt: int
    token_id: int
    maker_amount: int
    taker_amount: int
    side: Side
    timestamp_ms: int
    is_neg_risk: bool = False


class Signed(Struct, frozen=True):
    """The id under which the venue will know the order, and the signature as it goes on the wire."""

    order_id: str
    signature: str


class Login(Struct, frozen=True):
    """A proof that we hold the key (L1), good for creating or deriving API credentials."""

    address: str
    nonce: int
    timestamp_s: int
    signature: str


class Credentials(Struct, frozen=True, kw_only=True):
    """An API key of the venue; the key itself is an identifier, what authenticates is hidden."""

    key: str
    secret: Secret
    passphrase: Secret


class OrderSigner:
    """Signs orders of one wallet with one key; the key is never shown, not even by the errors raised here."""

    def __init__(self, *, key: Secret, wallet: Wallet) -> None:
        self._key = _private_key(key)
        self.owner = checksummed(_hash(self._key.public_key.format(compressed=False)[1:])[-ADDRESS_BYTES:])
        self.wallet = wallet
        if wallet.kind is WalletKind.EOA and wallet.address.lower() != self.owner.lower():
            raise ConfigurationError(
                f"wallet {wallet.address} is not the address of the key, {self.owner}; give the key's own, or "
                "say which kind of wallet it is"
            )
        self.maker = checksummed(_address_bytes(wallet.address))
        self.signer = self.maker if wallet.kind is WalletKind.DEPOSIT else self.owner
        self._kind = _word(wallet.kind)
        self._who = _address_word(self.maker) + _address_word(self.signer)
        self._nested_tail = b"".join(
            (
                _hash(b"DepositWallet"),
                _hash(b"1"),
                _word(CHAIN_ID),
                _address_word(self.maker),
                NOTHING,
            )
        )

    def __repr__(self) -> str:
        return f"OrderSigner(owner={self.owner}, wallet={self.maker})"

    def sign(self, terms: OrderTerms) -> Signed:
        """Return id and signature, both deterministic; OverflowError where a number exceeds 256 bits."""
        domain = _domain_of(terms.token_id, terms.is_neg_risk)
        contents = self.struct_hash(terms)
        digest = _hash(b"\x19\x01" + domain + contents)
        if self.wallet.kind is not WalletKind.DEPOSIT:
            return Signed("0x" + digest.hex(), "0x" + self._sign(digest).hex())
        nested = _hash(NESTED_TYPE_HASH + contents + self._nested_tail)
        signature = self._sign(_hash(b"\x19\x01" + domain + nested)) + domain + contents + NESTED_TRAILER
        return Signed("0x" + digest.hex(), "0x" + signature.hex())

    def struct_hash(self, terms: OrderTerms) -> bytes:
        """Hash what is signed, without the exchange it is signed for."""
        return _hash(
            b"".join(
                (
                    ORDER_TYPE_HASH,
                    _word(terms.salt),
                    self._who,
                    _word(terms.token_id),
                    _word(terms.maker_amount),
                    _word(terms.taker_amount),
                    BUY_WORD if terms.side is Side.BUY else SELL_WORD,
                    self._kind,
                    _word(terms.timestamp_ms),
                    NO_TAGS,
                )
            )
        )

    def log_in(self, *, timestamp_s: int, nonce: int = 0) -> Login:
        """Sign the message that API credentials are asked for with (ClobAuth)."""
        contents = b"".join(
            (
                LOGIN_TYPE_HASH,
                _address_word(self.owner),
                _hash(str(timestamp_s).encode()),
                _word(nonce),
                _hash(LOGIN_MESSAGE.encode()),
            )
        )
        signature = self._sign(_hash(b"\x19\x01" + LOGIN_DOMAIN + _hash(contents)))
        return Login(self.owner, nonce, timestamp_s, "0x" + signature.hex())

    def _sign(self, digest: bytes) -> bytes:
        """The 65 bytes of Ethereum: r, s and 27 or 28."""
        signature = self._key.sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes((signature[64] + 27,))


class RequestSigner:
    """Authenticates requests of one API key (L2): HMAC-SHA256 over time, method, path without query, and body."""

    def __init__(self, credentials: Credentials) -> None:
        self.key = credentials.key
        self.passphrase = credentials.passphrase
        if not (self.key.isprintable() and self.passphrase.reveal().isprintable()):
            raise ConfigurationError("the API key or passphrase has characters that no header may have")
        try:
            text = credentials.secret.reveal()
            self._secret = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            raise ConfigurationError(
                "the API secret is not url-safe base64; derive the credentials again"
            ) from None

    def __repr__(self) -> str:
        return f"RequestSigner(key={self.key})"

    def sign(self, *, timestamp_s: int, method: str, path: str, body: bytes = b"") -> str:
        """Return the value of POLY_SIGNATURE; the body must be the very bytes that are sent."""
        message = f"{timestamp_s}{method}{path}".encode() + body
        return base64.urlsafe_b64encode(hmac.digest(self._secret, message, "sha256")).decode()


@lru_cache(maxsize=TOKENS_KEPT_MAX)
def _domain_of(token_id: int, is_neg_risk: bool) -> bytes:
    return domain_separator(exchange_of(token_id, is_neg_risk=is_neg_risk))


@lru_cache(maxsize=8)
def domain_separator(exchange: Exchange) -> bytes:
    """Hash of the domain that orders for this exchange are signed under; there are three."""
    return _hash(
        DOMAIN_TYPE_HASH
        + _hash(b"Polymarket CTF Exchange")
        + _hash(exchange.version.encode())
        + _word(CHAIN_ID)
        + _address_word(exchange.address)
    )


def checksummed(address: bytes) -> str:
    """Write an address with the letter case that EIP-55 gives it: the wire compares the text.

    >>> checksummed(bytes.fromhex("1a642f0e3c3af545e7acbd38b07251b3990914f1"))
    '0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1'
    """
    text = address.hex()
    digits = _hash(text.encode()).hex()
    return "0x" + "".join(
        letter.upper() if digit in "89abcdef" else letter for letter, digit in zip(text, digits, strict=False)
    )


def _private_key(key: Secret) -> PrivateKey:
    """Read 32 bytes of hexadecimal digits; the message never repeats what was given."""
    digits = key.reveal().removeprefix("0x")
    try:
        if len(digits) == KEY_DIGITS:
            return PrivateKey.from_hex(digits)
    except (ValueError, TypeError):
        pass
    raise ConfigurationError("the private key is not 64 hexadecimal digits of a valid key") from None


def _address_bytes(address: str) -> bytes:
    try:
        raw = bytes.fromhex(address.removeprefix("0x"))
    except ValueError:
        raw = b""
    if len(raw) != ADDRESS_BYTES:
        raise ConfigurationError(f"wallet {address!r} is not an address; give 0x and 40 hexadecimal digits")
    return raw


def _address_word(address: str) -> bytes:
    return _address_bytes(address).rjust(WORD, b"\0")


def _word(number: int) -> bytes:
    return number.to_bytes(WORD, "big")


def _hash(data: bytes) -> bytes:
    return keccak.Keccak_Hash(data, WORD, False).digest()


ORDER_TYPE_HASH = _hash(ORDER_TYPE.encode())
DOMAIN_TYPE_HASH = _hash(DOMAIN_TYPE.encode())
NESTED_TYPE_HASH = _hash((NESTED_TYPE + ORDER_TYPE).encode())
NESTED_TRAILER = ORDER_TYPE.encode() + len(ORDER_TYPE).to_bytes(2, "big")
LOGIN_TYPE_HASH = _hash(LOGIN_TYPE.encode())
LOGIN_DOMAIN = _hash(
    _hash(LOGIN_DOMAIN_TYPE.encode()) + _hash(b"ClobAuthDomain") + _hash(b"1") + _word(CHAIN_ID)
)
