"""API keys and who may use them: the owner's signature creates one, an HMAC of each request uses it."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

from msgspec import Struct

from simulator.polymarket.eip712 import auth_digest, checksummed, recover
from simulator.polymarket.identifiers import secret, uuid_like
from simulator.polymarket.refusals import INVALID_KEY, INVALID_L1, UNAUTHORIZED, Refusal

KEYS_MAX = 10_000


class ApiKey(Struct, frozen=True, kw_only=True):
    """One key; the address is the owner's, checksummed."""

    key: str
    secret: str
    passphrase: str
    address: str
    nonce: int

    @property
    def wire(self) -> dict[str, str]:
        """As the venue hands it out."""
        return {"apiKey": self.key, "secret": self.secret, "passphrase": self.passphrase}


class ApiKeys:
    """Every key, and the two ways to show that a request comes from its owner."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._by_key: dict[str, ApiKey] = {}
        self._by_owner: dict[tuple[str, int], ApiKey] = {}

    def create(self, address: str, nonce: int) -> ApiKey | None:
        """A new key for an owner and a nonce; None where there is one already or the list is full."""
        if (address, nonce) in self._by_owner or len(self._by_key) >= KEYS_MAX:
            return None
        key = ApiKey(
            key=uuid_like(self._seed, "api key", address, nonce),
            secret=secret(self._seed, "secret", address, nonce),
            passphrase=secret(self._seed, "passphrase", address, nonce)[:32],
            address=address,
            nonce=nonce,
        )
        self._by_key[key.key] = self._by_owner[address, nonce] = key
        return key

    def derive(self, address: str, nonce: int) -> ApiKey | None:
        """The key that was created with this nonce; None where there is none."""
        return self._by_owner.get((address, nonce))

    def delete(self, key: ApiKey) -> None:
        """Let the key open nothing any more."""
        self._by_key.pop(key.key, None)
        self._by_owner.pop((key.address, key.nonce), None)

    def of_owner(self, address: str) -> list[ApiKey]:
        """All keys of an owner."""
        return [key for key in self._by_key.values() if key.address == address]

    def find(self, key: str) -> ApiKey | None:
        """The key by its name; None where it opens nothing."""
        return self._by_key.get(key)

    def opened_by(self, *, key: str, secret_text: str, passphrase: str) -> ApiKey | None:
        """The key that all three parts belong to, as the user channel gives them."""
        found = self._by_key.get(key)
        if found and found.secret == secret_text and found.passphrase == passphrase:
            return found
        return None


def owner_of_request(headers: Mapping[str, str], *, now_s: int, window_s: int) -> tuple[str, int] | Refusal:
    """Level 1: the owner and the nonce that the headers prove."""
    try:
        address = checksummed(headers["POLY_ADDRESS"])
        timestamp, nonce = headers["POLY_TIMESTAMP"], int(headers.get("POLY_NONCE", "0"))
        signature = bytes.fromhex(headers["POLY_SIGNATURE"].removeprefix("0x"))
        is_fresh = abs(int(timestamp) - now_s) <= window_s
        signed_by = recover(auth_digest(address=address, timestamp=timestamp, nonce=nonce), signature)
    except (KeyError, ValueError, OverflowError):
        return INVALID_L1
    return (address, nonce) if is_fresh and signed_by == address else INVALID_L1


def request_signature(secret_text: str, *, timestamp: str, method: str, path: str, body: bytes) -> str:
    """Level 2: HMAC of a request, without its query."""
    message = f"{timestamp}{method}{path}".encode() + body
    mac = hmac.new(base64.urlsafe_b64decode(secret_text), message, hashlib.sha256)
    return base64.urlsafe_b64encode(mac.digest()).decode()


def refused_key(
    key: ApiKey | None,
    headers: Mapping[str, str],
    *,
    message: tuple[str, str, bytes],
    now_s: int,
    window_s: int,
) -> Refusal | None:
    """Level 2: None where the headers prove the key for this (method, path, body)."""
    if key is None:
        return UNAUTHORIZED
    try:
        timestamp = headers["POLY_TIMESTAMP"]
        is_fresh = abs(int(timestamp) - now_s) <= window_s
        address = checksummed(headers["POLY_ADDRESS"])
        given, passphrase = headers["POLY_SIGNATURE"], headers["POLY_PASSPHRASE"]
    except (KeyError, ValueError):
        return UNAUTHORIZED
    method, path, body = message
    expected = request_signature(key.secret, timestamp=timestamp, method=method, path=path, body=body)
    if not hmac.compare_digest(expected.encode(), given.encode()):
        return UNAUTHORIZED
    if not is_fresh or address != key.address or passphrase != key.passphrase:
        return INVALID_KEY
    return None
