from decimal import Decimal
from typing import Any

import ccxt
import pytest

from domain.errors import ConfigurationError
from domain.identifiers import VenueName
from tests.support.trading import d
from venues.exchange.instruments import SpotTerms, decimal_of, market_of, terms_of
from venues.exchange.quirks import BINANCE, BYBIT

MARKET: dict[str, Any] = {
    "symbol": "BTC/USDT",
    "spot": True,
    "base": "BTC",
    "quote": "USDT",
    "active": True,
    "precision": {"price": "0.01", "amount": "0.00001"},
    "limits": {
        "price": {"min": "0.01", "max": "1000000.00"},
        "amount": {"min": "0.00001", "max": "9000"},
        "cost": {"min": "5", "max": None},
    },
    "taker": "0.001",
    "maker": "0.0008",
}


def terms(mode: int = ccxt.TICK_SIZE, **changes: Any) -> SpotTerms:
    return terms_of("binance", MARKET | changes, mode, BINANCE)


def test_the_terms_are_exact_and_those_of_the_exchange() -> None:
    made = terms()

    assert made.instrument_id == "binance:BTC/USDT"
    assert (made.tick_size, made.step_size) == (d("0.01"), d("0.00001"))
    assert (made.price_max, made.quantity_min, made.notional_min) == (d(1_000_000), d("0.00001"), d(5))
    assert made.notional_max is None
    assert (made.taker_fee_rate, made.maker_fee_rate) == (d("0.001"), d("0.0008"))


def test_where_the_exchange_sets_no_minimum_one_step_is_it() -> None:
    made = terms(limits={"price": {"min": "0"}, "amount": {}})

    assert (made.price_min, made.quantity_min, made.notional_min) == (d("0.01"), d("0.00001"), d(0))
    assert made.quantity_max is None


@pytest.mark.parametrize(
    ("changes", "mode"),
    [
        pytest.param({"spot": False}, ccxt.TICK_SIZE, id="a future"),
        pytest.param({"precision": {"price": None, "amount": "1"}}, ccxt.TICK_SIZE, id="no tick"),
        pytest.param({"precision": {"price": "5", "amount": "8"}}, ccxt.SIGNIFICANT_DIGITS, id="digits"),
    ],
)
def test_a_pair_without_a_grid_is_refused_by_name(changes: dict[str, Any], mode: int) -> None:
    with pytest.raises(ConfigurationError, match="BTC/USDT"):
        terms(mode, **changes)


def test_decimal_places_are_a_grid_too() -> None:
    made = terms(ccxt.DECIMAL_PLACES, precision={"price": "2", "amount": "5"})

    assert (made.tick_size, made.step_size) == (d("0.01"), d("0.00001"))


def test_the_asset_of_the_fee_is_only_said_where_it_is_known() -> None:
    unknown, known = terms(), terms_of("bybit", MARKET, ccxt.TICK_SIZE, BYBIT)

    assert unknown.fee_asset(is_buy=True) is None
    assert known.fee_asset(is_buy=True) == "BTC"
    assert known.fee_asset(is_buy=False) == "USDT"


def test_the_market_has_one_instrument_on_the_grid_of_the_pair() -> None:
    made = market_of(VenueName("binance"), terms())

    (instrument,) = made.instruments
    assert (instrument.tick_size, instrument.lot_size, instrument.quantity_min) == (
        d("0.01"),
        d("0.00001"),
        d("0.00001"),
    )
    assert made.category == "spot"


@pytest.mark.parametrize(
    ("value", "number"),
    [
        pytest.param("0.10", d("0.10"), id="text as it is"),
        pytest.param(60000.01, d("60000.01"), id="a float by its shortest text"),
        pytest.param(1e-8, d("0.00000001"), id="a small float"),
        pytest.param("", None, id="empty"),
        pytest.param("NaN", None, id="not a number"),
        pytest.param("many", None, id="words"),
    ],
)
def test_a_number_of_ccxt_becomes_exact_or_nothing(value: object, number: Decimal | None) -> None:
    assert decimal_of(value) == number
