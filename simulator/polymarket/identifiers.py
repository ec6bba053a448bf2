"""Names the venue gives to things, each a hash of the seed and what it is for: the same run has the same names."""

import base64
import hashlib


def digest(seed: int, *parts: object) -> bytes:
    """32 bytes that belong to the seed and the parts."""
    return hashlib.sha256("\x1f".join(map(str, (seed, *parts))).encode()).digest()


def hex_word(seed: int, *parts: object) -> str:
    """A hash as conditions, transactions and questions have it: 0x and 64 digits."""
    return "0x" + digest(seed, *parts).hex()


def uuid_like(seed: int, *parts: object) -> str:
    """An identifier in the shape of a random UUID, as API keys and trades have it."""
    text = bytearray(digest(seed, *parts)[:16])
    text[6] = text[6] & 0x0F | 0x40
    text[8] = text[8] & 0x3F | 0x80
    digits = text.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def secret(seed: int, *parts: object) -> str:
    """An API secret: 32 bytes in url-safe base64."""
    return base64.urlsafe_b64encode(digest(seed, *parts)).decode()


def token_id(seed: int, condition_id: str, outcome_index: int) -> str:
    """The token of an outcome of the first generation, a number of 256 bits."""
    number = int.from_bytes(digest(seed, "token", condition_id, outcome_index), "big")
    return str(number | 1 << 41)  # never in the range of Protocol V2


def v2_condition_id(seed: int, *parts: object, neg_risk: bool) -> str:
    """A condition of Protocol V2: module, 18 bytes of its own, then zeros; 31 bytes, padded with one more."""
    module = 2 if neg_risk else 1
    return "0x" + (bytes([module]) + digest(seed, *parts)[:18] + bytes(13)).hex()


def v2_position_id(condition_id: str, outcome_index: int) -> str:
    """The position of an outcome of Protocol V2: its condition with the outcome in the last byte."""
    return str(int(condition_id, 16) & ~0xFF | outcome_index)
