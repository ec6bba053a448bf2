"""The controls with a spot pair: its bounds, its minima, its words."""

from decimal import Decimal

import msgspec
import pytest

from risk.candidate import Candidate
from risk.controls import notional, position, price_collar, quantity
from tests.risk.candidates import candidate
from tests.support.spot import BTC, spot, spot_intent
from tests.support.trading import book, d


def wanting(text: str, **changes: object) -> Candidate:
    """An intent in the pair, with a book around 60,000 and limits that nothing reaches."""
    given = candidate(
        instrument=spot(),
        book=book("59999x9", "60001x9", of=BTC),
        intent=spot_intent(text),
        exposure_after=d("0.01"),
        worst_case=d("600.6"),
    )
    return msgspec.structs.replace(given, **changes)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("BUY 0.01 60000", "", id="at the mid"),
        pytest.param("BUY 0.01 0.01", "", id="the lowest"),
        pytest.param("BUY 0.01 0.00", "the price is outside the venue's bounds", id="below the lowest"),
        pytest.param("SELL 0.01 1000000", "", id="the highest"),
        pytest.param(
            "SELL 0.01 1000000.01", "the price is outside the venue's bounds", id="above the highest"
        ),
        pytest.param("BUY 0.01 60000.001", "the price is off the tick", id="off the tick"),
    ],
)
def test_prices_of_a_pair_keep_its_bounds(text: str, reason: str) -> None:
    assert price_collar(wanting(text)).reason == reason


@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        pytest.param("BUY 0.00008 60000", True, id="4.80 to buy"),
        pytest.param("BUY 0.0001 50000", False, id="exactly 5"),
        pytest.param("SELL 0.00008 60000 FAK", True, id="4.80 to sell, at once: an exchange knows no exits"),
        pytest.param("SELL 0.0001 60000 FAK", False, id="6 to sell"),
    ],
)
def test_an_order_below_the_venue_s_worth_is_refused(text: str, is_refused: bool) -> None:
    verdict = notional(wanting(text))

    assert (not verdict.passed, "at least 5" in verdict.limit) == (is_refused, is_refused)


def test_a_sale_of_a_pair_keeps_the_minimum_quantity() -> None:
    pair = spot(quantity_min=Decimal("0.001"))

    verdict = quantity(wanting("SELL 0.0009 60000 FAK", instrument=pair))

    assert verdict.reason == "the quantity is below the venue's minimum"


def test_the_position_is_told_in_the_pair_s_own_assets() -> None:
    verdict = position(wanting("BUY 0.01 60000"))

    assert (verdict.value, verdict.passed) == ("0.01 BTC, 600.6 USDT", True)
