from decimal import Decimal
from typing import Any

import pytest

from domain.instrument import Side
from domain.order import TimeInForce
from tests.venues.exchange.scene import TERMS, order
from venues.exchange.payload import client_id, decode, denial, encode, request_of
from venues.exchange.quirks import BINANCE, CAREFUL, COINBASE, KRAKEN, QUIRKS, Quirks


def test_the_client_id_is_the_same_for_the_same_intent_and_generation() -> None:
    one = client_id(order(), install_id="i", quirks=BINANCE)

    assert one == client_id(order(created_ns=5, quantity=Decimal(7)), install_id="i", quirks=BINANCE)
    assert one != client_id(order(generation=2), install_id="i", quirks=BINANCE)
    assert one != client_id(order(2), install_id="i", quirks=BINANCE)
    assert one != client_id(order(), install_id="j", quirks=BINANCE)


@pytest.mark.parametrize("row", [*QUIRKS.values(), CAREFUL])
def test_the_client_id_fits_the_exchange(row: Quirks) -> None:
    identifier = client_id(order(), install_id="i", quirks=row)

    assert len(identifier) == row.client_id_length
    assert set(identifier) <= set("0123456789abcdef")


def test_a_request_is_canonical_and_comes_back_whole() -> None:
    made = request_of(
        order(side=Side.SELL, price=Decimal("3E+4"), time_in_force=TimeInForce.FAK), TERMS, BINANCE, "abc"
    )

    text = encode(made)

    assert text == (
        '{"amount":"0.001","params":{"clientOrderId":"abc","timeInForce":"IOC"},'
        '"price":"30000","side":"sell","symbol":"BTC/USDT","type":"limit"}'
    )
    assert decode(text) == made


def test_an_exchange_gets_our_id_under_its_own_name() -> None:
    assert request_of(order(), TERMS, COINBASE, "abc").params == {"client_order_id": "abc"}
    assert request_of(order(post_only=True), TERMS, KRAKEN, "abc").params["postOnly"] is True


@pytest.mark.parametrize(
    ("changes", "row", "word"),
    [
        pytest.param({"time_in_force": TimeInForce.GTD}, BINANCE, "use one of FAK, FOK, GTC", id="GTD"),
        pytest.param({"time_in_force": TimeInForce.FOK}, CAREFUL, "use one of GTC", id="unknown exchange"),
        pytest.param({"post_only": True}, CAREFUL, "post-only", id="post-only unknown"),
        pytest.param(
            {"post_only": True, "time_in_force": TimeInForce.FAK}, BINANCE, "contradicts", id="contradiction"
        ),
        pytest.param(
            {"quantity": Decimal("0.0001")}, BINANCE, "cost in USDT 3.0000", id="below the minimum cost"
        ),
    ],
)
def test_what_cannot_be_a_request_is_denied(changes: dict[str, Any], row: Quirks, word: str) -> None:
    reason = denial(order(**changes), TERMS, row)

    assert reason is not None
    assert word in reason


def test_an_order_within_the_terms_is_not_denied() -> None:
    assert denial(order(), TERMS, BINANCE) is None
    assert denial(order(), None, BINANCE) is not None
