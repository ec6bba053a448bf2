"""What the makers of a market believe: from the hidden price under the settlement rule, or from news of an event."""

import math
from collections.abc import Sequence
from typing import Protocol

from backtest.generated.catalogue import TWAP_S, Window
from backtest.generated.chance import Chance
from backtest.generated.fair_value import (
    emptiness_rank,
    probability_up,
    share_with_ask,
    variance_left_s,
)
from backtest.generated.ladder import LEVELS_MAX, Quote
from backtest.generated.underlying import FEED_SCALE, Underlying

HALF_STEP_S = 0.5
"""The feed's average is over steps, of which the present one is known: half a second less is open than in a line."""

EMPTYING_S = 240
THINNING_S = 300
SHORTENING_S = 120
LEVELS_MIN = 3
DEPTH_MIN = 0.1

PRINTS_PER_S_PLAYING, PRINTS_PER_S_WAITING = 0.12, 0.02
PRINTS_PER_S_EVENT = 0.01

NEWS_RATE, NEWS_FLOOR_S = 3.0, 60
"""News comes at a rate of 3 / (seconds left + 60): slowly at first, and by the end the outcome is all but known."""


class Pricing(Protocol):
    """Quotes a market, at present."""

    def quote(self) -> Quote:
        """What makers show now; asked only until trading ends."""
        ...


class UpDownPricing:
    """The fair value of one window: it knows the hidden price of the present second and nothing of the next.

    Opening and closing average are sums of the settlement feed's values, the last one carried through gaps.
    """

    def __init__(self, window: Window, asset: Underlying, *, luck: float) -> None:
        self.is_up: bool | None = None
        self._window = window
        self._asset = asset
        self._luck = luck
        self._opening_base = self._opening_total = self._closing_base = 0

    def on_second(self) -> None:
        """Note the sums at the edges of the two averages; call once in each second, after the asset's step."""
        total, second, window = self._asset.settlement_total, self._asset.second, self._window
        if second == window.start_s - TWAP_S:
            self._opening_base = total
        elif second == window.start_s:
            self._opening_total = total - self._opening_base
        elif second == window.end_s - TWAP_S:
            self._closing_base = total
        elif second == window.end_s:
            self.is_up = total - self._closing_base >= self._opening_total

    def quote(self) -> Quote:
        """The fair probability, thinner towards the end, the favourite's asks gone as often as measured."""
        left_s = self._window.end_s - self._asset.second
        lead, variance = self._lead(), self._variance(left_s)
        value = probability_up(lead=lead, deviation=math.sqrt(variance))
        is_bare = left_s < EMPTYING_S and self._is_bare(left_s, lead)
        is_up_favourite = lead >= 0.0
        is_playing = left_s <= self._window.series.length_s
        return Quote(
            value=value,
            levels=max(LEVELS_MIN, min(LEVELS_MAX, LEVELS_MAX * left_s // SHORTENING_S)),
            depth=max(DEPTH_MIN, min(1.0, left_s / THINNING_S)),
            prints_per_s=PRINTS_PER_S_PLAYING if is_playing else PRINTS_PER_S_WAITING,
            shows_bids=is_up_favourite or not is_bare,
            shows_asks=not (is_up_favourite and is_bare),
        )

    def _lead(self) -> float:
        """How far the closing average is expected above the opening one, in units of the feed."""
        asset, window = self._asset, self._window
        price, second = asset.price * FEED_SCALE, asset.second
        if second >= window.end_s - TWAP_S:
            known = asset.settlement_total - self._closing_base
            return (known + (window.end_s - second) * price - self._opening_total) / TWAP_S
        if second >= window.start_s:
            return price - self._opening_total / TWAP_S
        if second >= window.start_s - TWAP_S:
            known = asset.settlement_total - self._opening_base
            return ((second - window.start_s + TWAP_S) * price - known) / TWAP_S
        return 0.0

    def _variance(self, left_s: float) -> float:
        length_s = self._window.series.length_s
        seconds = variance_left_s(length_s=length_s, left_s=left_s - HALF_STEP_S, window_s=TWAP_S)
        price = self._asset.price * FEED_SCALE
        return seconds * self._asset.variance_per_s * price * price

    def _is_bare(self, left_s: float, lead: float) -> bool:
        """Say whether nobody offers the favourite any more; depends on the lead and on the market's own luck."""
        past = self._variance(2 * self._window.series.length_s) - self._variance(left_s)
        rank = emptiness_rank(surprise=lead / math.sqrt(past), luck=self._luck)
        return rank > share_with_ask(left_s)


class Beliefs:
    """What the world believes of exclusive outcomes, of which one is true: Bayes' rule on noisy news.

    Each probability is a martingale: nobody who sees only prices knows more than they say.
    """

    def __init__(self, priors: Sequence[float], *, closes_s: int, chance: Chance) -> None:
        self.probabilities = tuple(priors)
        self.winner = _drawn(priors, chance)
        self._closes_s = closes_s
        self._logs = [math.log(prior) for prior in priors]
        self._chance = chance

    def step(self, second: int, *, interval_s: int) -> None:
        """Hear the news of the `interval_s` seconds up to this one."""
        left_s = max(0, self._closes_s - second)
        strength = NEWS_RATE * interval_s / (left_s + NEWS_FLOOR_S)
        for number in range(len(self._logs)):
            self._logs[number] += math.sqrt(strength) * self._chance.gauss()
        self._logs[self.winner] += strength
        top = max(self._logs)
        weights = [math.exp(log - top) for log in self._logs]
        self.probabilities = tuple(weight / sum(weights) for weight in weights)


class BeliefPricing:
    """Quotes one outcome of an event."""

    def __init__(self, beliefs: Beliefs, number: int) -> None:
        self._beliefs = beliefs
        self._number = number

    def quote(self) -> Quote:
        """The present belief, with full depth until trading ends."""
        return Quote(value=self._beliefs.probabilities[self._number], prints_per_s=PRINTS_PER_S_EVENT)


def _drawn(priors: Sequence[float], chance: Chance) -> int:
    lot = chance.unit() * sum(priors)
    for number, prior in enumerate(priors):
        lot -= prior
        if lot < 0:
            return number
    return len(priors) - 1
