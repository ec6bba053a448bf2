"""Which wallet belongs to which owner: addresses of deposit wallets are computed as their factory does (CREATE2)."""

from simulator.polymarket.contracts import (
    DEPOSIT_WALLET_BEACON,
    DEPOSIT_WALLET_FACTORY,
    DEPOSIT_WALLET_IMPLEMENTATION,
)
from simulator.polymarket.eip712 import address_bytes, checksummed, keccak, left_padded

ARGUMENTS_BYTES = 64
"""A wallet's creation code ends in two words: its factory and its owner."""

BEACON_PREFIX, BEACON_PREFIX_BYTES = 0x6100523D8160233D3973, 10
BEACON_CODE = bytes.fromhex(
    "60195155f3363d3d373d3d363d602036600436635c60da"
    "1b60e01b36527fa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6c"
    "b3582b35133d50545afa5036515af43d6000803e604d573d6000fd5b3d6000f3"
)
PLAIN_PREFIX = 0x61003D3D8160233D3973
PLAIN_CODE = bytes.fromhex(
    "60095155f3363d3d373d3d363d7f360894a13ba1a3210667c828492db98dca3e2076"
    "cc3735a920a3ca505d382bbc545af43d6000803e6038573d6000fd5b3d6000f3"
)


def beacon_wallet(owner: str) -> str:
    """The deposit wallet of an owner in the present generation, behind the beacon."""
    prefix = (BEACON_PREFIX + (ARGUMENTS_BYTES << 56)).to_bytes(BEACON_PREFIX_BYTES, "big")
    return _create2(owner, prefix + address_bytes(DEPOSIT_WALLET_BEACON) + BEACON_CODE)


def plain_wallet(owner: str) -> str:
    """The deposit wallet of an owner in the first generation, with a fixed implementation."""
    prefix = (PLAIN_PREFIX + (ARGUMENTS_BYTES << 56)).to_bytes(BEACON_PREFIX_BYTES, "big")
    return _create2(owner, prefix + address_bytes(DEPOSIT_WALLET_IMPLEMENTATION) + PLAIN_CODE)


def _create2(owner: str, code: bytes) -> str:
    arguments = left_padded(address_bytes(DEPOSIT_WALLET_FACTORY)) + left_padded(address_bytes(owner))
    raw = b"\xff" + address_bytes(DEPOSIT_WALLET_FACTORY) + keccak(arguments) + keccak(code + arguments)
    return checksummed("0x" + keccak(raw)[12:].hex())
