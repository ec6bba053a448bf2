"""API keys: the owner's signature and the HMAC of requests, against vectors of the official client."""

import json
from pathlib import Path
from typing import Any

import pytest

from simulator.polymarket.api_keys import ApiKey, ApiKeys, owner_of_request, refused_key, request_signature
from simulator.polymarket.refusals import INVALID_KEY, INVALID_L1, UNAUTHORIZED

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())
L1 = VECTORS["l1"]
NOW_S = int(L1["POLY_TIMESTAMP"])
BODY = b'{"orderID":"0xabc"}'


def key_and_headers() -> tuple[ApiKey, dict[str, str]]:
    key = ApiKeys(1).create(VECTORS["owner"], 0)
    assert key is not None
    timestamp = str(NOW_S)
    signature = request_signature(key.secret, timestamp=timestamp, method="DELETE", path="/order", body=BODY)
    headers = {
        "POLY_ADDRESS": key.address,
        "POLY_API_KEY": key.key,
        "POLY_PASSPHRASE": key.passphrase,
        "POLY_TIMESTAMP": timestamp,
        "POLY_SIGNATURE": signature,
    }
    return key, headers


def test_the_clients_level_1_headers_prove_the_owner() -> None:
    assert owner_of_request(L1, now_s=NOW_S, window_s=60) == (VECTORS["owner"], 0)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"POLY_NONCE": "1"}, id="nonce"),
        pytest.param({"POLY_TIMESTAMP": str(NOW_S + 1)}, id="timestamp"),
        pytest.param({"POLY_ADDRESS": "0x" + "11" * 20}, id="address"),
        pytest.param({"POLY_SIGNATURE": "0x" + "11" * 65}, id="signature"),
        pytest.param({"POLY_SIGNATURE": "not hexadecimal"}, id="no signature"),
    ],
)
def test_changed_level_1_headers_prove_nothing(change: dict[str, str]) -> None:
    assert owner_of_request({**L1, **change}, now_s=NOW_S, window_s=60) == INVALID_L1


@pytest.mark.parametrize(
    ("late_s", "passes"), [(59, True), (60, True), (61, False), (-60, True), (-61, False)]
)
def test_the_timestamp_has_a_window(late_s: int, passes: bool) -> None:
    owner = owner_of_request(L1, now_s=NOW_S + late_s, window_s=60)

    assert (owner != INVALID_L1) is passes


@pytest.mark.parametrize("vector", VECTORS["l2"], ids=lambda vector: vector["path"])
def test_the_hmac_is_that_of_the_client(vector: dict[str, Any]) -> None:
    signature = request_signature(
        vector["secret"],
        timestamp=vector["timestamp"],
        method=vector["method"],
        path=vector["path"],
        body=(vector["body"] or "").encode(),
    )

    assert signature == vector["POLY_SIGNATURE"]


def test_a_signed_request_proves_its_key() -> None:
    key, headers = key_and_headers()

    message = ("DELETE", "/order", BODY)

    assert refused_key(key, headers, message=message, now_s=NOW_S, window_s=60) is None


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(("POST", "/order", BODY), id="method"),
        pytest.param(("DELETE", "/orders", BODY), id="path"),
        pytest.param(("DELETE", "/order", BODY + b" "), id="body"),
    ],
)
def test_another_request_is_not_proved(message: tuple[str, str, bytes]) -> None:
    key, headers = key_and_headers()

    assert refused_key(key, headers, message=message, now_s=NOW_S, window_s=60) == UNAUTHORIZED


@pytest.mark.parametrize(
    ("change", "late_s", "refusal"),
    [
        pytest.param({"POLY_PASSPHRASE": "wrong"}, 0, INVALID_KEY, id="passphrase"),
        pytest.param({"POLY_ADDRESS": "0x" + "11" * 20}, 0, INVALID_KEY, id="address"),
        pytest.param({}, 61, INVALID_KEY, id="too late"),
        pytest.param({"POLY_TIMESTAMP": "soon"}, 0, UNAUTHORIZED, id="timestamp"),
        pytest.param({"POLY_SIGNATURE": "x"}, 0, UNAUTHORIZED, id="signature"),
    ],
)
def test_a_request_with_a_wrong_part_is_refused(change: dict[str, str], late_s: int, refusal: object) -> None:
    key, headers = key_and_headers()

    found = refused_key(
        key, {**headers, **change}, message=("DELETE", "/order", BODY), now_s=NOW_S + late_s, window_s=60
    )

    assert found == refusal


def test_an_owner_has_one_key_for_each_nonce() -> None:
    keys = ApiKeys(1)
    first = keys.create(VECTORS["owner"], 0)

    assert keys.create(VECTORS["owner"], 0) is None
    assert keys.derive(VECTORS["owner"], 0) == first
    assert keys.derive(VECTORS["owner"], 1) is None
    assert keys.create(VECTORS["owner"], 1) != first


def test_a_deleted_key_opens_nothing() -> None:
    keys = ApiKeys(1)
    key = keys.create(VECTORS["owner"], 0)
    assert key is not None

    keys.delete(key)

    assert keys.find(key.key) is None
    assert keys.opened_by(key=key.key, secret_text=key.secret, passphrase=key.passphrase) is None


def test_the_same_seed_gives_the_same_key() -> None:
    assert ApiKeys(7).create(VECTORS["owner"], 0) == ApiKeys(7).create(VECTORS["owner"], 0)
    assert ApiKeys(7).create(VECTORS["owner"], 0) != ApiKeys(8).create(VECTORS["owner"], 0)
