"""What the price feeds say of an up/down market: its fair value, or the gate that keeps it unknown."""

from typing import NamedTuple

from domain.identifiers import MarketId
from domain.instrument import Market, UpDown
from domain.messages import PriceTick
from strategies.sniping.fair_value import (
    Forecast,
    deviations_from,
    forecast_before_window,
    forecast_within_window,
)
from strategies.sniping.price_history import GAP_NS, NS_PER_S, PriceHistory

FRESH_NS = 2 * NS_PER_S
DISAGREEMENT_MAX = 0.0005
"""The settlement feed and the exchanges may differ by five basis points."""


class FairValue(NamedTuple):
    """How far UP leads, in standard deviations of the closing average (DOWN by the negative), and the strike."""

    deviations: float
    strike: float


class UpDownModel:
    """Hears every feed; knows the strikes of the markets that it was asked about since they opened."""

    def __init__(self) -> None:
        self._histories: dict[str, PriceHistory] = {}
        self._feeds_of: dict[str, list[str]] = {}
        self._strikes: dict[MarketId, float | None] = {}

    def hear(self, tick: PriceTick) -> None:
        """Take a tick of any feed in."""
        history = self._histories.get(tick.feed)
        if history is None:
            history = self._histories[tick.feed] = PriceHistory()
            self._feeds_of.setdefault(tick.asset, []).append(tick.feed)
        history.add(tick.time_ns, float(tick.price))

    def delivers(self, feed: str) -> bool:
        """Say whether the feed was ever heard; one that falls silent later is stale, not absent."""
        return feed in self._histories

    def forget(self, market_id: MarketId) -> None:
        """Drop what is known of a market that resolved."""
        self._strikes.pop(market_id, None)

    def has_gap(self, rule: UpDown, now_ns: int) -> bool:
        """Say whether the settlement feed is silent for so long that its price is not known any more."""
        return now_ns - self._settlement(rule).last_ns > GAP_NS

    def closed_gate(self, rule: UpDown, now_ns: int) -> str | None:
        """Name what is wrong with the prices of this moment; None where they are fresh and agree."""
        if now_ns - self._settlement(rule).last_ns > FRESH_NS:
            return "stale settlement feed"
        fresh = [
            history.last_price
            for feed in self._feeds_of.get(rule.asset, ())
            if now_ns - (history := self._histories[feed]).last_ns <= FRESH_NS
        ]
        if len(fresh) < 2:  # noqa: PLR2004  # the settlement feed and one exchange
            return "no fresh spot source"
        return "spot sources disagree" if max(fresh) > min(fresh) * (1 + DISAGREEMENT_MAX) else None

    def value(self, market: Market, rule: UpDown, now_ns: int) -> FairValue | str:
        """The fair value while the market runs, or the gate behind which it stays unknown."""
        history = self._settlement(rule)
        strike, volatility = self._strike(market, rule), history.volatility
        if strike is None:
            return "no strike"
        if volatility is None:
            return "volatility not known"
        forecast = _forecast(market, rule, history, volatility, now_ns)
        if forecast is None:
            return "feed gap in the closing window"
        return FairValue(deviations_from(strike, forecast), strike)

    def _settlement(self, rule: UpDown) -> PriceHistory:
        return self._histories.get(rule.feed) or PriceHistory()

    def _strike(self, market: Market, rule: UpDown) -> float | None:
        """The average before the opening, once the feed has gone past it: then it is known, or lost for good."""
        if market.id not in self._strikes:
            history = self._settlement(rule)
            if history.last_ns < market.opens_ns:
                return None
            start_ns = market.opens_ns - rule.twap_s * NS_PER_S
            self._strikes[market.id] = history.average(start_ns, market.opens_ns)
        return self._strikes[market.id]


def _forecast(
    market: Market, rule: UpDown, history: PriceHistory, volatility: float, now_ns: int
) -> Forecast | None:
    """The closing average as it is expected now; None where the feed had a gap in the part that has passed."""
    left_s, window_s = max(0.0, (market.closes_ns - now_ns) / NS_PER_S), float(rule.twap_s)
    spot = history.last_price
    if left_s >= window_s:
        return forecast_before_window(spot=spot, volatility=volatility, left_s=left_s, window_s=window_s)
    known_average = history.average(market.closes_ns - rule.twap_s * NS_PER_S, now_ns)
    if known_average is None:
        return None
    return forecast_within_window(
        spot=spot, volatility=volatility, left_s=left_s, window_s=window_s, known_average=known_average
    )
