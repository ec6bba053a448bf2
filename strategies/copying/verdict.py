"""Whether a target can be copied at all: green, amber or red, with the reasons in words."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from domain.money import ZERO
from strategies.copying.delayed_copy import LagResult
from strategies.copying.observed import Figures

MAKER_SHARE_RED = Decimal("0.5")
PAIRED_SHARE_RED_OF_MAKER = Decimal("0.2")
PAIRED_SHARE_RED = Decimal("0.5")
PAIRED_SHARE_AMBER = Decimal("0.2")
TRADES_PER_MINUTE_RED, TRADES_PER_MINUTE_AMBER = Decimal(20), Decimal(4)
HOLDING_S_RED, HOLDING_S_AMBER = Decimal(15), Decimal(60)
HORIZON_S_RED, HORIZON_S_AMBER = Decimal(60), Decimal(120)
MISSED_SHARE_AMBER = Decimal("0.25")
CLOSED_MARKETS_MIN = 10
"""Resolved markets before a loss of the delayed copy is more than bad luck may explain."""

STANDARD_ERRORS = Decimal(2)
"""A mean profit this many standard errors below zero is not chance."""


class Colour(StrEnum):
    """Green may be copied, amber with care, red not."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


class Verdict(Struct, frozen=True, kw_only=True):
    """The colour, what speaks against copying (worst first), and the figures behind it."""

    colour: Colour
    reasons: tuple[str, ...]
    figures: Figures


def judge(figures: Figures) -> Verdict:
    """Weigh the figures: one red reason makes it red, one amber reason amber."""
    red, amber = red_reasons(figures), amber_reasons(figures)
    colour = Colour.RED if red else Colour.AMBER if amber else Colour.GREEN
    return Verdict(colour=colour, reasons=(*red, *(reason for reason in amber if not red)), figures=figures)


def red_reasons(f: Figures) -> list[str]:
    """Reasons that no care makes good: what the target earns with is out of a copier's reach."""
    return [
        *_two_sided(f),
        *_at_least(
            f.trades_per_minute, TRADES_PER_MINUTE_RED, "{:.1f} trades a minute: nobody can follow that"
        ),
        *_below(f.holding_s, HOLDING_S_RED, "holds for {:.0f} s in the median: gone before a copy arrives"),
        *_below(
            f.horizon_s, HORIZON_S_RED, "trades {:.0f} s before the end in the median: too late to follow"
        ),
        *_loses_for_certain(f.lags),
    ]


def amber_reasons(f: Figures) -> list[str]:
    """Reasons to be careful, or to copy little."""
    copies = sum(lag.copies + lag.missed for lag in f.lags)
    missed_share = Decimal(sum(lag.missed for lag in f.lags)) / copies if copies else ZERO
    return [
        *_at_least(
            f.maker_share, MAKER_SHARE_RED, "{:.0%} of its volume rested as maker: a copy pays the spread"
        ),
        *_at_least(
            f.both_sides_share, PAIRED_SHARE_AMBER, "{:.0%} of its shares were bought as pairs of both sides"
        ),
        *_at_least(f.trades_per_minute, TRADES_PER_MINUTE_AMBER, "{:.1f} trades a minute are hard to follow"),
        *_below(f.holding_s, HOLDING_S_AMBER, "holds for {:.0f} s only in the median"),
        *_below(f.horizon_s, HORIZON_S_AMBER, "trades {:.0f} s before the end in the median"),
        *_below(f.profit_without_best, ZERO, "its profit without the best market is {:.2f} pUSD"),
        *_loses_so_far(f.lags),
        *_at_least(
            missed_share, MISSED_SHARE_AMBER, "{:.0%} of the delayed copies found nobody to trade with"
        ),
    ]


def render(verdict: Verdict) -> list[str]:
    """Lines for people: the colour with its reasons, then every figure."""
    f = verdict.figures
    holding = "unknown" if f.holding_s is None else f"{f.holding_s:.0f} s"
    horizon = "unknown" if f.horizon_s is None else f"{f.horizon_s:.0f} s before the end"
    reasons = verdict.reasons or ("nothing speaks against copying",)
    return [
        f"copyability: {verdict.colour.upper()}",
        *(f"  - {reason}" for reason in reasons),
        f"seen: {f.trades} trades in {f.markets} markets, {f.trades_per_minute:.1f} a minute",
        f"maker {f.maker_share:.0%}, both sides {f.both_sides_share:.0%}, holds {holding} (median), trades {horizon}",
        f"its profit {f.profit:.2f} pUSD, without the best market {f.profit_without_best:.2f}",
        *(_render_lag(lag) for lag in f.lags),
    ]


def _render_lag(lag: LagResult) -> str:
    share = f" ({lag.profit / lag.cost:+.1%})" if lag.cost else ""
    return (
        f"copied {lag.lag_s} s late: {lag.profit:+.2f} pUSD{share}, {lag.copies} bought, {lag.missed} missed"
    )


def _two_sided(f: Figures) -> list[str]:
    """A market maker buys both outcomes for less than 1 together; a copier would pay more than 1 for them."""
    is_maker = f.maker_share >= MAKER_SHARE_RED and f.both_sides_share >= PAIRED_SHARE_RED_OF_MAKER
    if not is_maker and f.both_sides_share < PAIRED_SHARE_RED:
        return []
    return [
        f"two-sided market maker: {f.both_sides_share:.0%} of its shares were bought as pairs of both sides, "
        f"{f.maker_share:.0%} as maker; copies would buy both at the ask and pay fees"
    ]


def _loses_so_far(lags: Sequence[LagResult]) -> list[str]:
    losses = ", ".join(f"{lag.profit:.2f} at {lag.lag_s} s" for lag in lags if lag.profit < 0)
    return [f"copied late it loses so far, in pUSD: {losses}"] if losses else []


def _loses_for_certain(lags: Sequence[LagResult]) -> list[str]:
    if not lags or not all(is_beyond_chance(lag.closed_profits) for lag in lags):
        return []
    worst = min(lags, key=lambda lag: lag.profit)
    return [
        f"copied late it loses at every lag, beyond chance: {worst.profit:.2f} pUSD at {worst.lag_s} s "
        f"over {len(worst.closed_profits)} resolved markets"
    ]


def is_beyond_chance(profits: Sequence[Decimal]) -> bool:
    """Say whether the mean is a loss of more than two standard errors, over enough markets.

    >>> is_beyond_chance([Decimal(-1), Decimal(-2)] * 5)  # mean −1.5, standard error 0.17
    True
    >>> is_beyond_chance([Decimal(-40), Decimal(38)] * 5)  # mean −1, standard error 13
    False
    """
    count = len(profits)
    if count < CLOSED_MARKETS_MIN:
        return False
    mean = sum(profits, ZERO) / count
    variance = sum(((profit - mean) ** 2 for profit in profits), ZERO) / (count - 1)
    return mean + STANDARD_ERRORS * (variance / count).sqrt() < 0


def _at_least(value: Decimal, limit: Decimal, text: str) -> list[str]:
    return [text.format(value)] if value >= limit else []


def _below(value: Decimal | None, limit: Decimal, text: str) -> list[str]:
    return [text.format(value)] if value is not None and value < limit else []
