"""What prices have been worth: how often a favourite of a category and price has won, against what it cost."""

import math
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from domain.money import round_up

BUCKETS = tuple(
    (Decimal(low), Decimal(high))
    for low, high in (("0.50", "0.80"), ("0.80", "0.90"), ("0.90", "0.95"), ("0.95", "1.00"))
)
"""Prices from the first, included, to the second, not included; what is cheaper is no favourite."""

OUTCOMES_MIN = 30
"""With fewer outcomes the interval is wider than any edge, and nothing is said."""

NORMAL_95 = 1.959964
"""95 % of a normal distribution lie within so many standard deviations of its mean."""

PROBABILITY_UNIT = Decimal("0.0001")
HEADER = "category     price           n  implied      won   95 % interval  loss ≤  verdict"


class Outcome(NamedTuple):
    """A favourite that could be bought at `price` per share, and whether it won. One market gives one a bucket:
    its later prices are not further evidence."""

    category: str
    price: Decimal
    won: bool


class Verdict(StrEnum):
    """What the outcomes say of the prices; *calibrated* means not refuted, it promises no edge."""

    CALIBRATED = "calibrated"
    INSUFFICIENT = "insufficient"
    OVERPRICED = "overpriced"


class Tally(NamedTuple):
    """Outcomes of one category and bucket, added up; `paid` is the sum of their prices for one share each."""

    category: str
    low: Decimal
    high: Decimal
    n: int
    won: int
    paid: Decimal


class Cell(NamedTuple):
    """One line of the report: frequencies from 0 to 1, and the Wilson interval of the observed one.

    `loss_probability` is the upper side of the interval, rounded up: what to reckon with, not what was seen.
    """

    tally: Tally
    implied: float
    observed: float
    observed_min: float
    observed_max: float
    verdict: Verdict
    loss_probability: Decimal


Table = tuple[Cell, ...]


def calibrate(tallies: Iterable[Tally]) -> Table:
    """Judge tallies, sorted by category and price; those of one category and bucket are added up before.

    >>> low, high = BUCKETS[-1]
    >>> (cell,) = calibrate([Tally("esports", low, high, n=61, won=54, paid=Decimal("59.78"))])
    >>> round(cell.implied, 3), round(cell.observed, 3), cell.verdict.value
    (0.98, 0.885, 'overpriced')
    """
    sums: dict[tuple[str, Decimal], Tally] = {}
    for tally in tallies:
        key = tally.category, tally.low
        sums[key] = _sum(sums[key], tally) if key in sums else tally
    return tuple(_judge(sums[key]) for key in sorted(sums))


def tally(outcomes: Iterable[Outcome]) -> tuple[Tally, ...]:
    """Add outcomes up by category and bucket; prices below the lowest bucket are left out.

    >>> tally([Outcome("crypto", Decimal("0.96"), True), Outcome("crypto", Decimal("0.97"), False)])[0][3:]
    (2, 1, Decimal('1.93'))
    """
    sums: dict[tuple[str, Decimal], Tally] = {}
    for outcome in outcomes:
        bounds = bucket_of(outcome.price)
        if bounds is None:
            continue
        one = Tally(outcome.category, *bounds, n=1, won=int(outcome.won), paid=outcome.price)
        key = outcome.category, one.low
        sums[key] = _sum(sums[key], one) if key in sums else one
    return tuple(sums.values())


def bucket_of(price: Decimal) -> tuple[Decimal, Decimal] | None:
    """The bounds of the bucket that holds the price; None where it is no favourite's."""
    return next(((low, high) for low, high in BUCKETS if low <= price < high), None)


def find(table: Table, category: str, price: Decimal) -> Cell | None:
    """The line for a category and price; None where there is none."""
    for cell in table:
        if cell.tally.category == category and cell.tally.low <= price < cell.tally.high:
            return cell
    return None


def wilson_interval(*, won: int, n: int) -> tuple[float, float]:
    """The frequencies that n outcomes leave plausible, 95 times of 100 (Wilson 1927); good near 0 and 1 too.

    >>> tuple(round(side, 4) for side in wilson_interval(won=10, n=10))  # 10 / (10 + 1.96²)
    (0.7225, 1.0)
    """
    observed, z_square = won / n, NORMAL_95 * NORMAL_95
    centre = observed + z_square / (2 * n)
    half = NORMAL_95 * math.sqrt(observed * (1 - observed) / n + z_square / (4 * n * n))
    scale = 1 + z_square / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def render(table: Table) -> list[str]:
    """Lay the table out for people, one line a cell below a header; in the order of the table."""
    return [HEADER, *(_line(cell) for cell in table)]


def _judge(summed: Tally) -> Cell:
    low, high = wilson_interval(won=summed.won, n=summed.n)
    implied = float(summed.paid) / summed.n
    return Cell(
        tally=summed,
        implied=implied,
        observed=summed.won / summed.n,
        observed_min=low,
        observed_max=high,
        verdict=_verdict(summed.n, implied=implied, observed_max=high),
        loss_probability=round_up(Decimal(str(1.0 - low)), PROBABILITY_UNIT),
    )


def _verdict(n: int, *, implied: float, observed_max: float) -> Verdict:
    if n < OUTCOMES_MIN:
        return Verdict.INSUFFICIENT
    return Verdict.OVERPRICED if observed_max < implied else Verdict.CALIBRATED


def _sum(first: Tally, second: Tally) -> Tally:
    return first._replace(n=first.n + second.n, won=first.won + second.won, paid=first.paid + second.paid)


def _line(cell: Cell) -> str:
    t = cell.tally
    interval = f"{cell.observed_min:.1%} to {cell.observed_max:.1%}"
    return (
        f"{t.category:<12} {t.low}–{t.high:<6} {t.n:>5} {cell.implied:>8.1%} {cell.observed:>8.1%}"
        f" {interval:>15} {cell.loss_probability:>7.1%}  {cell.verdict}"
    )
