"""Ticks, bounds and whole cents of what can be traded."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instrument import Side, immediate_quantity, round_price
from tests.support.trading import d, instrument

TICKS = st.sampled_from(["0.01", "0.001"])
PRICES = st.decimals(min_value="0.02", max_value="0.98", places=5)
QUANTITIES = st.decimals(min_value="0", max_value="5000", places=6)


@pytest.mark.parametrize(
    ("tick", "lowest", "highest"), [("0.01", "0.01", "0.99"), ("0.001", "0.001", "0.999")]
)
def test_prices_end_one_tick_from_nothing_and_from_one(tick: str, lowest: str, highest: str) -> None:
    token = instrument(tick_size=tick)

    assert (token.price_min, token.price_max) == (d(lowest), d(highest))


@pytest.mark.parametrize(
    ("price", "is_on_tick"), [("0.45", True), ("0.450", True), ("0.451", False), ("0.4500001", False)]
)
def test_a_price_is_a_whole_number_of_ticks_or_not(price: str, is_on_tick: bool) -> None:
    assert instrument().is_on_tick(d(price)) is is_on_tick


@given(PRICES, TICKS)
def test_a_rounded_price_never_costs_more_than_was_asked_for(price: Decimal, tick: str) -> None:
    token = instrument(tick_size=tick)

    buy, sell = round_price(price, token, Side.BUY), round_price(price, token, Side.SELL)

    assert buy <= price <= sell
    assert sell - buy in (0, token.tick_size)
    assert token.is_on_tick(buy)
    assert token.is_on_tick(sell)


@pytest.mark.parametrize(
    ("price", "side", "rounded"),
    [
        pytest.param("0.4567", Side.BUY, "0.45", id="a buy goes down"),
        pytest.param("0.4567", Side.SELL, "0.46", id="a sell goes up"),
        pytest.param("0.45", Side.BUY, "0.45", id="a buy on the tick stays"),
        pytest.param("0.45", Side.SELL, "0.45", id="a sell on the tick stays"),
    ],
)
def test_rounding_a_price(price: str, side: Side, rounded: str) -> None:
    assert round_price(d(price), instrument(), side) == d(rounded)


@given(QUANTITIES, st.integers(1, 999))
def test_an_immediate_quantity_costs_whole_cents(quantity: Decimal, thousandths: int) -> None:
    price, token = Decimal(thousandths) / 1000, instrument(tick_size="0.001")

    whole = immediate_quantity(quantity, price, token)

    assert (whole * price) % d("0.01") == 0
    assert whole % token.lot_size == 0
    assert 0 <= quantity - whole < 10  # at most 1,000 lots of 0.01 make whole cents on a tick of 0.001


@pytest.mark.parametrize(
    ("quantity", "price", "whole"),
    [
        pytest.param("20.31", "0.96", "20.25", id="steps of 0.25"),
        pytest.param("20.25", "0.96", "20.25", id="exactly"),
        pytest.param("20.24", "0.96", "20", id="one lot less"),
        pytest.param("20.31", "0.97", "20", id="steps of one share"),
        pytest.param("20.31", "0.5", "20.30", id="steps of two lots"),
        pytest.param("0.99", "0.97", "0", id="less than a step"),
        pytest.param("0", "0.97", "0", id="nothing"),
    ],
)
def test_immediate_quantities(quantity: str, price: str, whole: str) -> None:
    assert immediate_quantity(d(quantity), d(price), instrument()) == d(whole)


def test_sides_trade_against_each_other() -> None:
    assert (Side.BUY.opposite, Side.SELL.opposite) == (Side.SELL, Side.BUY)


def test_a_change_of_tick_makes_another_instrument() -> None:
    coarse = instrument()

    fine = msgspec.structs.replace(coarse, tick_size=d("0.001"))

    assert (coarse.is_on_tick(d("0.955")), fine.is_on_tick(d("0.955"))) == (False, True)
