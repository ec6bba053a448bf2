"""Digests and signatures against vectors made with the official client, and everything that must not pass."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from simulator.polymarket.eip712 import SignedFields, address_bytes, checksummed, order_hash, recover
from simulator.polymarket.signatures import identify, is_signed, separator_of

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())
OWNER = VECTORS["owner"]
CASES = [pytest.param(vector, id=vector["case"]) for vector in VECTORS["orders"]]


def fields_of(vector: dict[str, Any]) -> SignedFields:
    order = vector["order"]
    return SignedFields(
        salt=order["salt"],
        maker=order["maker"],
        signer=order["signer"],
        token_id=int(order["tokenId"]),
        maker_amount=int(order["makerAmount"]),
        taker_amount=int(order["takerAmount"]),
        side=0 if order["side"] == "BUY" else 1,
        signature_type=order["signatureType"],
        timestamp_ms=int(order["timestamp"]),
        metadata=bytes(32),
        builder=bytes(32),
    )


def passes(fields: SignedFields, signature: bytes, *, neg_risk: bool, owner: str | None = OWNER) -> bool:
    return is_signed(fields, signature, identify(fields, neg_risk=neg_risk), owner_of=lambda _: owner)


@pytest.mark.parametrize("vector", CASES)
def test_separator_hash_and_id_are_those_of_the_client(vector: dict[str, Any]) -> None:
    fields, neg_risk = fields_of(vector), vector["neg_risk"]

    assert "0x" + separator_of(fields.token_id, neg_risk=neg_risk).hex() == vector["domain_separator"]
    assert "0x" + order_hash(fields).hex() == vector["struct_hash"]
    assert identify(fields, neg_risk=neg_risk).order_id == vector["order_id"]


@pytest.mark.parametrize("vector", CASES)
def test_the_clients_signature_passes(vector: dict[str, Any]) -> None:
    signature = bytes.fromhex(vector["signature"][2:])

    assert passes(fields_of(vector), signature, neg_risk=vector["neg_risk"])


@pytest.mark.parametrize("vector", CASES)
@pytest.mark.parametrize("name", ["salt", "token_id", "maker_amount", "taker_amount", "timestamp_ms"])
def test_a_changed_field_breaks_the_signature(vector: dict[str, Any], name: str) -> None:
    fields, signature = fields_of(vector), bytes.fromhex(vector["signature"][2:])

    changed = structs.replace(fields, **{name: getattr(fields, name) + 1})

    assert not passes(changed, signature, neg_risk=vector["neg_risk"])


@pytest.mark.parametrize("vector", CASES)
@pytest.mark.parametrize("place", [0, 40, 64, -1])
def test_a_changed_byte_breaks_the_signature(vector: dict[str, Any], place: int) -> None:
    signature = bytearray.fromhex(vector["signature"][2:])
    signature[place] ^= 1

    assert not passes(fields_of(vector), bytes(signature), neg_risk=vector["neg_risk"])


def test_the_other_contract_breaks_the_signature() -> None:
    vector = VECTORS["orders"][0]

    assert not passes(fields_of(vector), bytes.fromhex(vector["signature"][2:]), neg_risk=True)


def test_a_deposit_wallet_of_somebody_else_does_not_pass() -> None:
    vector = VECTORS["orders"][2]
    signature = bytes.fromhex(vector["signature"][2:])

    assert not passes(fields_of(vector), signature, neg_risk=False, owner="0x" + "ab" * 20)
    assert not passes(fields_of(vector), signature, neg_risk=False, owner=None)


def test_a_plain_signature_of_a_deposit_wallet_does_not_pass() -> None:
    vector = VECTORS["orders"][2]

    assert not passes(fields_of(vector), bytes.fromhex(vector["signature"][2:132]), neg_risk=False)


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(b"", id="empty"),
        pytest.param(bytes(65), id="zeros"),
        pytest.param(b"\xff" * 65, id="ones"),
        pytest.param(bytes(64), id="64 bytes"),
        pytest.param(bytes(66), id="66 bytes"),
    ],
)
def test_what_is_no_signature_does_not_pass(signature: bytes) -> None:
    assert not passes(fields_of(VECTORS["orders"][0]), signature, neg_risk=False)


def test_the_malleable_twin_of_a_signature_does_not_pass() -> None:
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    signature = bytes.fromhex(VECTORS["orders"][0]["signature"][2:])
    twin_s = (order - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big")

    twin = signature[:32] + twin_s + bytes([55 - signature[64]])

    assert not passes(fields_of(VECTORS["orders"][0]), twin, neg_risk=False)


def test_recovering_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="65 bytes"):
        recover(bytes(32), b"short")


def test_capitals_of_an_address_are_those_of_the_standard() -> None:
    assert checksummed(OWNER.lower()) == OWNER  # EIP-55


@pytest.mark.parametrize("text", ["", "0x12", "1a642f0E3c3aF545E7AcBD38b07251B3990914F1", "0x" + "zz" * 20])
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text differs with what is wrong
        address_bytes(text)
