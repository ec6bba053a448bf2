"""The formulas of the fair value: vectors by hand, and what simulated averages do."""

import math
import random
from decimal import Decimal

import pytest

from strategies.sniping.fair_value import (
    Forecast,
    deviations_from,
    exact_probability,
    forecast_before_window,
    forecast_within_window,
    normal_probability,
)

WINDOW_S = 60
SPOT, VOLATILITY = 100_000.0, 0.0001
STEPS_PER_S = 2
PATHS = 3_000


def forecast(left_s: float, known_average: float = SPOT) -> Forecast:
    """The forecast of the side of the window that applies."""
    if left_s >= WINDOW_S:
        return forecast_before_window(spot=SPOT, volatility=VOLATILITY, left_s=left_s, window_s=WINDOW_S)
    return forecast_within_window(
        spot=SPOT, volatility=VOLATILITY, left_s=left_s, window_s=WINDOW_S, known_average=known_average
    )


@pytest.mark.parametrize(
    ("left_s", "deviation"),
    [
        pytest.param(300, 10 * math.sqrt(260), id="300 - 40"),
        pytest.param(61, 10 * math.sqrt(21), id="just before the window"),
        pytest.param(60, 10 * math.sqrt(20), id="as it begins: 60 - 40 = 60 / 3"),
        pytest.param(59.999, 9.9995 / 60 * 60 * math.sqrt(20), id="just within, without a step"),
        pytest.param(30, 10 * 0.5 * math.sqrt(10), id="half of it"),
        pytest.param(3, 10 * 0.05 * 1.0, id="three seconds"),
        pytest.param(0, 0.0, id="over"),
    ],
)
def test_the_deviation_of_the_average(left_s: float, deviation: float) -> None:
    assert forecast(left_s).deviation == pytest.approx(deviation, rel=1e-3)


def test_within_the_window_the_past_counts_by_its_share() -> None:
    known, left_s = 99_940.0, 20

    mean = forecast(left_s, known).mean

    assert mean == pytest.approx((40 * 99_940 + 20 * 100_000) / 60)  # 99,960


@pytest.mark.parametrize(
    ("lead", "probability"),
    [(-150.0, 0.0668), (0.0, 0.5), (150.0, 0.9332), (232.6, 0.99)],
)
def test_the_probability_of_up(lead: float, probability: float) -> None:
    deviations = deviations_from(SPOT, Forecast(SPOT + lead, 100.0))

    assert normal_probability(deviations) == pytest.approx(probability, abs=1e-4)


@pytest.mark.parametrize(("lead", "probability"), [(0.01, 1.0), (0.0, 1.0), (-0.01, 0.0)])
def test_what_is_over_is_certain_and_a_tie_is_up(lead: float, probability: float) -> None:
    assert normal_probability(deviations_from(SPOT, Forecast(SPOT + lead, 0.0))) == probability


@pytest.mark.parametrize(
    ("probability", "exact"),
    [(0.97, "0.9700"), (0.96999, "0.9699"), (0.999999, "0.9999"), (1e-9, "0"), (1.0, "1")],
)
def test_the_exact_probability_is_never_above_the_model(probability: float, exact: str) -> None:
    assert exact_probability(probability) == Decimal(exact)


@pytest.mark.parametrize("left_s", [180, 90, 60, 45, 20])
def test_simulated_averages_do_what_the_formulas_say(left_s: int) -> None:
    expected = forecast(left_s)
    chance = random.Random(left_s)

    averages = [closing_average(left_s, chance) for _ in range(PATHS)]

    variance = sum((average - expected.mean) ** 2 for average in averages) / PATHS
    assert math.sqrt(variance) == pytest.approx(expected.deviation, rel=0.05)
    for lead in (-1.5, -0.5, 0.5, 1.5):  # in standard deviations
        strike = expected.mean - lead * expected.deviation
        above = sum(average >= strike for average in averages) / PATHS
        assert above == pytest.approx(normal_probability(deviations_from(strike, expected)), abs=0.03)


def closing_average(left_s: int, chance: random.Random) -> float:
    """Walk to the end in half seconds from a window whose known part averaged the spot; return its average."""
    step = SPOT * VOLATILITY / math.sqrt(STEPS_PER_S)
    known_s = max(0, WINDOW_S - left_s)
    total, price = known_s * STEPS_PER_S * SPOT, SPOT
    first_counted = (left_s - WINDOW_S) * STEPS_PER_S
    for number in range(left_s * STEPS_PER_S):
        before = price
        price += chance.gauss(0.0, step)
        if number >= first_counted:
            total += (before + price) / 2
    return total / (WINDOW_S * STEPS_PER_S)
