"""Signatures against the vectors made with the official client."""

import json
from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from domain.instrument import Side
from settings import Secret
from venues.polymarket.contracts import exchange_of
from venues.polymarket.signing import (
    Credentials,
    OrderSigner,
    OrderTerms,
    RequestSigner,
    Wallet,
    WalletKind,
    domain_separator,
)

VECTORS = json.loads((Path(__file__).parent / "vectors_signing_and_auth.json").read_text())
KEY = Secret(VECTORS["private_key"])
OWNER = VECTORS["owner_address"]


def signer_of(vector: dict[str, object]) -> OrderSigner:
    order = vector["order"]
    assert isinstance(order, dict)
    return OrderSigner(key=KEY, wallet=Wallet(order["maker"], WalletKind(order["signatureType"])))


def terms_of(vector: dict[str, object]) -> OrderTerms:
    order = vector["order"]
    assert isinstance(order, dict)
    return OrderTerms(
        salt=order["salt"],
        token_id=int(order["tokenId"]),
        maker_amount=int(order["makerAmount"]),
        taker_amount=int(order["takerAmount"]),
        side=Side(order["side"]),
        timestamp_ms=int(order["timestamp"]),
        is_neg_risk="neg-risk" in str(vector["case"]),
    )


@pytest.mark.parametrize("vector", VECTORS["orders"], ids=lambda vector: vector["case"])
def test_an_order_is_signed_as_the_official_client_signs_it(vector: dict[str, object]) -> None:
    terms = terms_of(vector)

    signed = signer_of(vector).sign(terms)

    exchange = exchange_of(terms.token_id, is_neg_risk=terms.is_neg_risk)
    assert "0x" + domain_separator(exchange).hex() == vector["domain_separator"]
    assert "0x" + signer_of(vector).struct_hash(terms).hex() == vector["order_struct_hash"]
    assert signed.order_id == vector["order_id"]
    assert signed.signature == vector["signature_on_wire"]


def test_a_login_is_signed_as_the_official_client_signs_it() -> None:
    headers = VECTORS["l1_auth"]["headers"]

    login = OrderSigner(key=KEY, wallet=Wallet(OWNER, WalletKind.EOA)).log_in(
        timestamp_s=int(headers["POLY_TIMESTAMP"])
    )

    assert login.address == headers["POLY_ADDRESS"]
    assert login.signature == headers["POLY_SIGNATURE"]


@pytest.mark.parametrize("vector", VECTORS["l2_hmac"], ids=lambda vector: vector["method"])
def test_a_request_is_authenticated_as_the_official_client_does_it(vector: dict[str, str]) -> None:
    credentials = Credentials(key="k", secret=Secret(vector["secret"]), passphrase=Secret("p"))

    signature = RequestSigner(credentials).sign(
        timestamp_s=int(vector["timestamp"]),
        method=vector["method"],
        path=vector["path"],
        body=(vector["body"] or "").encode(),
    )

    assert signature == vector["POLY_SIGNATURE"]


def test_the_key_is_in_no_text_that_can_be_printed() -> None:
    signer = OrderSigner(key=KEY, wallet=Wallet(OWNER, WalletKind.EOA))
    credentials = Credentials(key="k", secret=Secret("c2VjcmV0"), passphrase=Secret("pass"))

    shown = repr(signer) + repr(credentials) + repr(RequestSigner(credentials))

    assert "0101" not in shown
    assert "c2VjcmV0" not in shown
    assert "pass" not in shown.replace("passphrase=", "")


@pytest.mark.parametrize(
    ("key", "wallet"),
    [
        pytest.param("0xnothex", OWNER, id="no digits"),
        pytest.param("0x" + "00" * 32, OWNER, id="zero is no key"),
        pytest.param("11" * 33, OWNER, id="too long"),
        pytest.param("11" * 31, OWNER, id="cut short"),
        pytest.param(VECTORS["private_key"], "0x12", id="no address"),
        pytest.param(VECTORS["private_key"], "0x" + "d0" * 20, id="another key's address"),
    ],
)
def test_what_cannot_sign_is_refused_without_repeating_the_key(key: str, wallet: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OrderSigner(key=Secret(key), wallet=Wallet(wallet, WalletKind.EOA))

    assert key.removeprefix("0x") not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_secret_that_is_not_base64_is_refused_without_repeating_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        RequestSigner(Credentials(key="k", secret=Secret("a"), passphrase=Secret("p")))

    assert "derive the credentials again" in str(caught.value)
