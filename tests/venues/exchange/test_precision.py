from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instrument import Side
from tests.venues.exchange.scene import TERMS
from venues.exchange.precision import refusal, round_price, round_quantity

d = Decimal
PRICES = st.decimals(min_value="0.02", max_value=100_000, places=6)


@given(price=PRICES)
def test_a_rounded_price_never_costs_more_and_is_less_than_a_tick_away(price: Decimal) -> None:
    buy, sell = round_price(price, TERMS, Side.BUY), round_price(price, TERMS, Side.SELL)

    assert price - TERMS.tick_size < buy <= price
    assert price <= sell < price + TERMS.tick_size
    assert buy % TERMS.tick_size == sell % TERMS.tick_size == 0


@pytest.mark.parametrize(
    ("price", "buy", "sell"),
    [
        pytest.param("60000.005", "60000.00", "60000.01", id="half a tick"),
        pytest.param("60000.015", "60000.01", "60000.02", id="ccxt would buy at 60000.02"),
        pytest.param("60000.01", "60000.01", "60000.01", id="on the tick"),
    ],
)
def test_a_buy_is_rounded_down_and_a_sell_up(price: str, buy: str, sell: str) -> None:
    assert round_price(d(price), TERMS, Side.BUY) == d(buy)
    assert round_price(d(price), TERMS, Side.SELL) == d(sell)


def test_a_quantity_is_rounded_down() -> None:
    assert round_quantity(d("1.23456789"), TERMS) == d("1.23456")
    assert round_quantity(d("0.3"), TERMS) == d("0.3")


@pytest.mark.parametrize(
    ("price", "quantity", "word"),
    [
        pytest.param("30000.001", "0.001", "tick", id="off the tick"),
        pytest.param("30000", "0.0010001", "step", id="off the step"),
        pytest.param("0.00", "1", "price 0.00 is below", id="price of nothing"),
        pytest.param("1000000.01", "0.001", "above the maximum 1000000", id="price above"),
        pytest.param("30000", "0", "quantity 0 is below", id="nothing"),
        pytest.param("30000", "-0.001", "quantity -0.001 is below", id="less than nothing"),
        pytest.param("0.01", "9000.00001", "quantity 9000.00001 is above", id="too many"),
        pytest.param("10", "0.49999", "cost in USDT 4.99990 is below the minimum 5", id="cost below"),
        pytest.param("1000000", "9.00001", "cost in USDT 9000010.00000 is above", id="cost above"),
    ],
)
def test_a_refusal_names_the_value_and_the_limit(price: str, quantity: str, word: str) -> None:
    reason = refusal(TERMS, price=d(price), quantity=d(quantity))

    assert reason is not None
    assert word in reason


@pytest.mark.parametrize(
    ("price", "quantity"),
    [
        pytest.param("10", "0.5", id="cost at the minimum"),
        pytest.param("1000000", "0.00001", id="price and quantity at their limits"),
        pytest.param("1000", "9000", id="cost at the maximum"),
    ],
)
def test_what_stands_on_a_limit_is_taken(price: str, quantity: str) -> None:
    assert refusal(TERMS, price=d(price), quantity=d(quantity)) is None


def test_a_pair_that_is_halted_takes_nothing() -> None:
    halted = msgspec.structs.replace(TERMS, is_active=False)

    assert refusal(halted, price=d(30_000), quantity=d(1)) == "BTC/USDT is not trading now; wait until it is"
