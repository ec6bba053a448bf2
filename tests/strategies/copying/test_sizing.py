"""Sizes of copies: each way, the tightest cap, and the venue's minimum."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instrument import immediate_quantity
from domain.money import ONE, taker_fee_max
from strategies.copying.sizing import (
    Room,
    Sizing,
    SizingMode,
    fit,
    parse_tiers,
    quantity_min,
    wanted_notional,
)
from tests.support.trading import d, instrument

TIERS = parse_tiers("25:2, 100:1, 500:0.5")


@pytest.mark.parametrize(
    ("mode", "trade", "wanted"),
    [
        pytest.param("fixed", "300", "10", id="fixed"),
        pytest.param("percent_of_trade", "300", "30", id="10 % of 300"),
        pytest.param("proportional", "300", "30", id="1000 × 300 / 10000"),
        pytest.param("percent_of_bankroll", "300", "20", id="2 % of 1000"),
        pytest.param("adaptive", "250", "37.5", id="15 % of 250"),
        pytest.param("adaptive", "1000", "50", id="5 % of 1000"),
        pytest.param("tiered", "24", "0", id="below the tiers"),
        pytest.param("tiered", "99", "19.8", id="10 % × 2 of 99"),
        pytest.param("tiered", "100", "10", id="10 % × 1 of 100"),
        pytest.param("tiered", "600", "30", id="10 % × 0.5 of 600"),
    ],
)
def test_each_way_of_sizing(mode: str, trade: str, wanted: str) -> None:
    sizing = Sizing(SizingMode(mode), tiers=TIERS)

    assert wanted_notional(sizing, trade_notional=d(trade), bankroll=d(1000)) == d(wanted)


def test_a_portfolio_that_is_known_to_be_larger_makes_the_copy_smaller() -> None:
    sizing = Sizing(SizingMode.PROPORTIONAL)

    assert wanted_notional(sizing, trade_notional=d(300), bankroll=d(1000), portfolio_known=d(30_000)) == 10
    assert wanted_notional(sizing, trade_notional=d(300), bankroll=d(1000), portfolio_known=d(300)) == 30


@pytest.mark.parametrize(
    ("wanted", "room", "rounds", "quantity", "carried", "gate"),
    [
        pytest.param("2.54", "100", False, "0", "2.54", "below the minimum", id="a cent below the minimum"),
        pytest.param("2.55", "100", False, "5", "0", None, id="5 × 0.51"),
        pytest.param("2.56", "100", False, "5", "0.01", None, id="a cent above is carried"),
        pytest.param("0.01", "100", True, "5", "0", None, id="rounded up"),
        pytest.param("2.54", "2.63", True, "0", "0", "cap", id="never rounded over a cap"),
        pytest.param("10.20", "2.6375", False, "5", "0", None, id="cut to 5 × (0.51 + 0.0175)"),
        pytest.param("10.20", "0", False, "0", "0", "cap", id="no room"),
        pytest.param("10.20", "-3", False, "0", "0", "cap", id="less than no room"),
        pytest.param("0", "100", True, "0", "0", "sized to zero", id="nothing wanted"),
    ],
)
def test_a_size_is_fitted(
    wanted: str, room: str, rounds: bool, quantity: str, carried: str, gate: str | None
) -> None:
    fitted = fit(
        d(wanted),
        price=d("0.51"),
        instrument=instrument(),
        rooms=(Room("wide", d(1000)), Room("cap", d(room))),
        round_up_to_minimum=rounds,
    )

    assert fitted == (d(quantity), d(carried), gate)


def test_a_pusd_is_the_minimum_where_five_shares_are_less() -> None:
    assert quantity_min(instrument(), d("0.10")) == 10
    assert quantity_min(instrument(), d("0.50")) == 5


prices = st.decimals("0.01", "0.99", places=2)
money = st.decimals("0", "500", places=2)


@given(wanted=money, room=money, price=prices, rounds=st.booleans())
def test_what_fits_is_takeable_and_within_every_cap(
    wanted: Decimal, room: Decimal, price: Decimal, rounds: bool
) -> None:
    token = instrument()

    fitted = fit(
        wanted, price=price, instrument=token, rooms=(Room("cap", room),), round_up_to_minimum=rounds
    )

    fee = taker_fee_max(price_max=price, quantity=ONE, rate=token.fee_rate, exponent=1)
    assert fitted.quantity * (price + fee) <= room or not fitted.quantity
    assert bool(fitted.quantity) is (fitted.gate is None)
    if fitted.quantity:
        assert immediate_quantity(fitted.quantity, price, token) == fitted.quantity
        assert fitted.quantity >= max(Decimal(5), 1 / price)
    assert 0 <= fitted.carried <= wanted
