"""Exact amounts: which way each function rounds, and that it never rounds more than it must."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigurationError
from domain.money import (
    FEE_UNIT,
    UNIT,
    cost_of,
    parse_amount,
    proceeds_of,
    round_down,
    round_nearest,
    round_up,
    taker_fee,
    taker_fee_max,
    to_units,
)
from tests.support.trading import d

VALUES = st.decimals(min_value=-1_000_000, max_value=1_000_000, places=9)
STEPS = st.sampled_from([d("0.000001"), d("0.00001"), d("0.001"), d("0.01"), d("0.25"), d("5")])
PRICES = st.decimals(min_value="0.001", max_value="0.999", places=3)
QUANTITIES = st.decimals(min_value="0.01", max_value="100000", places=2)
FILLS = st.decimals(min_value="0.000001", max_value="100000", places=6)
RATES = st.sampled_from([d("0"), d("0.04"), d("0.05"), d("0.07")])


@given(VALUES, STEPS)
def test_rounding_down_takes_away_less_than_a_step(value: Decimal, step: Decimal) -> None:
    rounded = round_down(value, step)

    assert rounded % step == 0
    assert 0 <= value - rounded < step


@given(VALUES, STEPS)
def test_rounding_up_adds_less_than_a_step(value: Decimal, step: Decimal) -> None:
    rounded = round_up(value, step)

    assert rounded % step == 0
    assert 0 <= rounded - value < step


@given(VALUES, STEPS)
def test_rounding_to_the_nearest_moves_at_most_half_a_step(value: Decimal, step: Decimal) -> None:
    rounded = round_nearest(value, step)

    assert rounded % step == 0
    assert abs(rounded - value) * 2 <= step


@given(st.integers(-10_000, 10_000), STEPS)
def test_a_whole_number_of_steps_is_left_alone(steps: int, step: Decimal) -> None:
    value = steps * step

    rounded = round_down(value, step), round_up(value, step), round_nearest(value, step)

    assert rounded == (value, value, value)


@given(PRICES, FILLS)
def test_we_owe_at_least_and_get_at_most_what_a_trade_is_worth(price: Decimal, quantity: Decimal) -> None:
    worth = price * quantity

    assert 0 <= cost_of(price=price, quantity=quantity) - worth < UNIT
    assert 0 <= worth - proceeds_of(price=price, quantity=quantity) < UNIT


@given(PRICES, FILLS, FILLS)
def test_a_purchase_in_parts_costs_at_most_a_unit_more(price: Decimal, one: Decimal, other: Decimal) -> None:
    whole = cost_of(price=price, quantity=one + other)

    parts = cost_of(price=price, quantity=one) + cost_of(price=price, quantity=other)

    assert whole <= parts <= whole + UNIT


@given(PRICES, PRICES, QUANTITIES, RATES)
def test_no_fill_at_the_limit_or_better_pays_more_than_the_largest_fee(
    limit: Decimal, price: Decimal, quantity: Decimal, rate: Decimal
) -> None:
    price = min(price, limit)

    fee = taker_fee(price=price, quantity=quantity, rate=rate, exponent=1)

    assert fee <= taker_fee_max(price_max=limit, quantity=quantity, rate=rate, exponent=1)


@given(PRICES, QUANTITIES, RATES)
def test_a_fee_is_symmetric_and_a_whole_number_of_fee_units(
    price: Decimal, quantity: Decimal, rate: Decimal
) -> None:
    fee = taker_fee(price=price, quantity=quantity, rate=rate, exponent=1)

    assert fee == taker_fee(price=1 - price, quantity=quantity, rate=rate, exponent=1)
    assert fee % FEE_UNIT == 0


@pytest.mark.parametrize(
    ("price", "quantity", "rate", "exponent", "fee"),
    [
        pytest.param("0.50", "100", "0.07", 1, "1.75", id="half"),  # 100 * 0.07 * 0.25
        pytest.param("0.64", "25", "0.07", 1, "0.4032", id="above half"),  # 25 * 0.07 * 0.2304
        pytest.param("0.36", "25", "0.07", 1, "0.4032", id="mirrored"),
        pytest.param("0.5", "2", "0.25", 2, "0.03125", id="squared"),  # 2 * 0.25 * 0.0625
        pytest.param("0.99", "0.01", "0.05", 1, "0", id="below half a unit"),  # 0.00000495
        pytest.param("0.9", "0.01", "0.05", 1, "0.00005", id="half a unit goes up"),  # 0.000045
        pytest.param("0.5", "100", "0", 1, "0", id="no fee"),
    ],
)
def test_a_takers_fee(price: str, quantity: str, rate: str, exponent: int, fee: str) -> None:
    assert taker_fee(price=d(price), quantity=d(quantity), rate=d(rate), exponent=exponent) == d(fee)


@pytest.mark.parametrize(
    ("value", "down", "up", "nearest"),
    [
        pytest.param("10.004", "10.00", "10.01", "10.00", id="below half"),
        pytest.param("10.005", "10.00", "10.01", "10.01", id="half"),
        pytest.param("10.006", "10.00", "10.01", "10.01", id="above half"),
        pytest.param("-10.004", "-10.01", "-10.00", "-10.00", id="negative"),
    ],
)
def test_rounding_to_cents(value: str, down: str, up: str, nearest: str) -> None:
    cent = d("0.01")

    rounded = round_down(d(value), cent), round_up(d(value), cent), round_nearest(d(value), cent)

    assert rounded == (d(down), d(up), d(nearest))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("1000.50", "1000.50"),
        ("0.000001", "0.000001"),
        ("999999999", "999999999"),
        ("1e3", "1000"),
    ],
)
def test_an_amount_is_read_exactly(text: str, value: str) -> None:
    assert parse_amount(text, name="--cash") == d(value)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        pytest.param("", "not a number", id="nothing"),
        pytest.param("ten", "not a number", id="a word"),
        pytest.param("1,000", "not a number", id="a comma"),
        pytest.param("-0.000001", "out of range", id="one unit below zero"),
        pytest.param("1000000000", "out of range", id="one above the largest"),
        pytest.param("NaN", "out of range", id="not a number at all"),
        pytest.param("sNaN", "out of range", id="signalling"),
        pytest.param("Infinity", "out of range", id="infinite"),
        pytest.param("0.0000001", "six decimals", id="a tenth of a unit"),
    ],
)
def test_a_bad_amount_is_refused_by_name(text: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError, match=remedy) as refused:
        parse_amount(text, name="--cash")

    assert str(refused.value).startswith("--cash")


@given(st.integers(-(10**15), 10**15))
def test_units_are_counted_back_exactly(units: int) -> None:
    assert to_units(units * UNIT) == units


@pytest.mark.parametrize("amount", ["0.0000001", "1.0000005", "-0.0000009"])
def test_a_part_of_a_unit_is_no_number_of_units(amount: str) -> None:
    with pytest.raises(ValueError, match="not a whole number of units"):
        to_units(d(amount))
