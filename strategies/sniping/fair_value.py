"""The fair value of a market that compares two time-weighted averages: pure arithmetic, in floats."""

import math
from decimal import Decimal
from typing import NamedTuple

from domain.money import round_down

ROOT_2 = math.sqrt(2.0)
PROBABILITY_UNIT = Decimal("0.0001")


class Forecast(NamedTuple):
    """What the closing average will be, in the asset's price: its mean and its standard deviation."""

    mean: float
    deviation: float


def forecast_before_window(*, spot: float, volatility: float, left_s: float, window_s: float) -> Forecast:
    """Forecast the closing average while none of it is known: s ≥ W.

    `volatility` is that of the log return over one second. The average of the last W seconds of a random walk
    that has s to go has the variance σ²(s − 2W/3), less than the walk's own.

    >>> forecast_before_window(
    ...     spot=100_000.0, volatility=0.0001, left_s=140.0, window_s=60.0
    ... )  # √(140 − 40) · 10
    Forecast(mean=100000.0, deviation=100.0)
    """
    return Forecast(spot, volatility * spot * math.sqrt(left_s - 2.0 * window_s / 3.0))


def forecast_within_window(
    *, spot: float, volatility: float, left_s: float, window_s: float, known_average: float
) -> Forecast:
    """Forecast the closing average when its first W − s seconds have averaged `known_average`: s < W.

    A = ((W − s)·known + s·S) / W, and only the rest of the walk is open: sd = σ·S·(s/W)·√(s/3).

    >>> within = dict(spot=100_000.0, volatility=0.0001, left_s=12.0, window_s=60.0)
    >>> forecast_within_window(
    ...     known_average=99_900.0, **within
    ... )  # 0.8 · 99,900 + 0.2 · 100,000; 10 · 0.2 · √4
    Forecast(mean=99920.0, deviation=4.0)
    """
    mean = ((window_s - left_s) * known_average + left_s * spot) / window_s
    return Forecast(mean, volatility * spot * (left_s / window_s) * math.sqrt(left_s / 3.0))


def deviations_from(strike: float, forecast: Forecast) -> float:
    """How far the expected closing average stands above the strike, in its standard deviations.

    >>> deviations_from(99_850.0, Forecast(mean=100_000.0, deviation=100.0))
    1.5
    """
    lead = forecast.mean - strike
    if forecast.deviation <= 0.0:
        return math.inf if lead >= 0.0 else -math.inf
    return lead / forecast.deviation


def normal_probability(deviations: float) -> float:
    """Φ: the chance that a standard normal number is below `deviations`.

    >>> [round(normal_probability(x), 4) for x in (-1.5, 0.0, 1.0, 2.326)]
    [0.0668, 0.5, 0.8413, 0.99]
    """
    return 0.5 * math.erfc(-deviations / ROOT_2)


def exact_probability(probability: float) -> Decimal:
    """Turn the model's probability into an exact one of four decimals, rounded down: never more than it said.

    This is the only place where a float of the model becomes a Decimal; all that follows, up to the order, is
    exact. The two sides of a market are rounded each by itself, so that both err against us.

    >>> exact_probability(0.57), exact_probability(0.97779), exact_probability(1.0)
    (Decimal('0.57'), Decimal('0.9777'), Decimal('1.0'))
    """
    return round_down(Decimal(str(probability)), PROBABILITY_UNIT)
