"""Plays one generated market: a step of the hidden prices each second, and around it snapshots, trades, endings.

second ─► hidden prices ─► feeds ─► quotes at each snapshot ─► prints ─► wallet reports, seconds later
"""

from collections.abc import Iterable, Iterator
from functools import partial

from backtest.generated.agenda import Agenda
from backtest.generated.catalogue import (
    CONTESTANTS,
    EVENT_PRIOR,
    SERIES,
    Plan,
    Window,
    contest_markets,
    event_market,
    listed_s,
    spot_market,
    up_down_market,
    windows,
)
from backtest.generated.chance import Chance
from backtest.generated.crowd import Crowd
from backtest.generated.heron import BASELINE_SHARES, Heron
from backtest.generated.ladder import LOTS_PER_SHARE
from backtest.generated.live_market import LiveMarket
from backtest.generated.pricing import BeliefPricing, Beliefs, UpDownPricing
from backtest.generated.spot import SpotPair
from backtest.generated.underlying import Underlying
from backtest.generated.wallets import HERON, Wallets
from backtest.recorded_books import RESOLUTION_DELAY_NS
from clock import NS_PER_MS, NS_PER_S
from domain.identifiers import MarketId
from domain.instrument import Market
from domain.messages import MarketEvent, MarketListed, MarketResolved
from domain.money import ONE, ZERO

CORRELATION = 0.8
NEWS_INTERVAL_S = 5
SLOWNESS = 5
"""Event markets are quoted once where up/down markets are quoted so many times."""

JITTER_PERCENT = 8
LATE_PROBABILITY, LATE_INTERVALS_MAX = 0.015, 3
LOST_PROBABILITY, LOST_INTERVALS_MAX = 0.0005, 15
HERON_STARTS_S = 5


class World:
    """All that happens between two moments, from one seed; an instance is played once."""

    def __init__(self, plan: Plan, *, seed: int, interval_ms: int) -> None:
        self._plan = plan
        self._seed = seed
        self._interval_ns = interval_ms * NS_PER_MS
        self._agenda = agenda = Agenda()
        self._shocks = Chance(seed, "shocks")
        self._pace = Chance(seed, "pace")
        self._bitcoin = Underlying("BTC", price=87_600.0, volatility=5.5e-5, seed=seed)
        self._ether = Underlying("ETH", price=2_970.0, volatility=7.5e-5, seed=seed)
        self._live: dict[MarketId, LiveMarket] = {}
        self._windows: dict[MarketId, UpDownPricing] = {}
        self._beliefs: list[Beliefs] = []
        self._wallets = Wallets(agenda, Chance(seed, "wallets"))
        self._crowd = Crowd(agenda, self._wallets, Chance(seed, "crowd"))
        self._heron = Heron(self._live, self._crowd, self._wallets, Chance(seed, "heron"))

    def events(self) -> Iterator[MarketEvent]:
        """Everything that can be seen, in order of time."""
        start_ns = self._plan.start_s * NS_PER_S
        self._agenda.at(start_ns, self._open)
        self._agenda.at(start_ns, self._second)
        for series in SERIES:
            self._list_next(windows(series, self._plan))
        return self._agenda.run(until_ns=self._plan.end_s * NS_PER_S)

    # --- the hidden prices --------------------------------------------------------------------------

    def _second(self, time_ns: int) -> Iterable[MarketEvent]:
        second = time_ns // NS_PER_S
        shock, own = self._shocks.gauss(), self._shocks.gauss()
        ticks = self._bitcoin.step(second, shock, self._agenda)
        shock = CORRELATION * shock + (1 - CORRELATION**2) ** 0.5 * own
        ticks += self._ether.step(second, shock, self._agenda)
        for pricing in self._windows.values():
            pricing.on_second()
        if second % NEWS_INTERVAL_S == 0:
            for beliefs in self._beliefs:
                beliefs.step(second, interval_s=NEWS_INTERVAL_S)
        self._agenda.at(time_ns + NS_PER_S, self._second)
        return ticks

    # --- listings -----------------------------------------------------------------------------------

    def _open(self, time_ns: int) -> Iterable[MarketEvent]:
        """List what stands from the beginning, and wake the directional wallet."""
        plan, seed = self._plan, self._seed
        spot = SpotPair(spot_market(plan), self._bitcoin, Chance(seed, "spot"))
        self._agenda.at(time_ns + self._pace.below(self._interval_ns), partial(self._spot, spot))
        event, contest = event_market(plan), contest_markets(plan)
        self._wallets.endow(HERON, event.id, BASELINE_SHARES * LOTS_PER_SHARE)
        heron_ns = time_ns + HERON_STARTS_S * NS_PER_S + self._interval_ns * SLOWNESS
        self._agenda.at(heron_ns, partial(self._heron_begins, event.id))
        priors = [prior for _, prior in CONTESTANTS]
        return [
            MarketListed(time_ns=time_ns, market=spot.market),
            *self._list_event((event,), [EVENT_PRIOR, 1 - EVENT_PRIOR], time_ns),
            *self._list_event(contest, priors, time_ns),
        ]

    def _list_event(
        self, markets: tuple[Market, ...], priors: list[float], time_ns: int
    ) -> Iterator[MarketEvent]:
        closes_s = markets[0].closes_ns // NS_PER_S
        beliefs = Beliefs(priors, closes_s=closes_s, chance=Chance(self._seed, markets[0].event_id))
        self._beliefs.append(beliefs)
        for number, market in enumerate(markets):
            winner = 0 if beliefs.winner == number else 1
            ends_ns = market.closes_ns + RESOLUTION_DELAY_NS
            self._agenda.at(ends_ns, partial(self._resolve, market, winner))
            yield from self._list(market, BeliefPricing(beliefs, number), time_ns)

    def _list_next(self, rest: Iterator[Window]) -> None:
        """Put down the listing of the next window of a series: no more than one at a time."""
        if window := next(rest, None):
            time_ns = listed_s(window, self._plan) * NS_PER_S
            self._agenda.at(time_ns, partial(self._list_window, window, rest))

    def _list_window(self, window: Window, rest: Iterator[Window], time_ns: int) -> Iterable[MarketEvent]:
        self._list_next(rest)
        market = up_down_market(window)
        asset = self._bitcoin if window.series.asset == self._bitcoin.asset else self._ether
        pricing = UpDownPricing(window, asset, luck=Chance(self._seed, f"luck {market.id}").gauss())
        self._windows[market.id] = pricing
        self._agenda.at(market.closes_ns + RESOLUTION_DELAY_NS, partial(self._resolve_window, market))
        return self._list(market, pricing, time_ns)

    def _list(
        self, market: Market, pricing: UpDownPricing | BeliefPricing, time_ns: int
    ) -> list[MarketEvent]:
        live = LiveMarket(market, pricing, seed=self._seed)
        self._live[market.id] = live
        interval_ns = self._interval_ns * (1 if market.up_down else SLOWNESS)
        self._agenda.at(market.closes_ns, live.close)
        first_ns = time_ns + 1 + self._pace.below(interval_ns)
        self._agenda.at(first_ns, partial(self._snapshot, live, interval_ns))
        return [MarketListed(time_ns=time_ns, market=market)]

    # --- trading ------------------------------------------------------------------------------------

    def _snapshot(self, live: LiveMarket, interval_ns: int, time_ns: int) -> Iterable[MarketEvent]:
        if not live.is_open:
            return []
        self._agenda.at(time_ns + self._next_ns(interval_ns), partial(self._snapshot, live, interval_ns))
        events = live.snapshot(time_ns)
        self._crowd.visit(live, time_ns, interval_ns=interval_ns)
        return events

    def _next_ns(self, interval_ns: int) -> int:
        """Time to the next snapshot: about the interval, at times two or three, seldom many more."""
        pace = self._pace
        jitter_ns = interval_ns * pace.between(-JITTER_PERCENT, JITTER_PERCENT) // 100
        if pace.happens(LATE_PROBABILITY):
            return interval_ns * pace.between(2, LATE_INTERVALS_MAX) + jitter_ns
        if pace.happens(LOST_PROBABILITY):
            return interval_ns * pace.between(LATE_INTERVALS_MAX, LOST_INTERVALS_MAX) + jitter_ns
        return interval_ns + jitter_ns

    def _spot(self, spot: SpotPair, time_ns: int) -> Iterable[MarketEvent]:
        if spot.wants_print():
            self._agenda.at(time_ns + self._interval_ns // 2, spot.trade)
        self._agenda.at(time_ns + self._interval_ns, partial(self._spot, spot))
        return spot.snapshot(time_ns)

    def _heron_begins(self, market_id: MarketId, time_ns: int) -> Iterable[MarketEvent]:
        self._agenda.at(time_ns + self._heron.wait_s() * NS_PER_S, self._heron_acts)
        return self._heron.buy_into(market_id, time_ns)

    def _heron_acts(self, time_ns: int) -> Iterable[MarketEvent]:
        self._agenda.at(time_ns + self._heron.wait_s() * NS_PER_S, self._heron_acts)
        return self._heron.act(time_ns)

    # --- endings ------------------------------------------------------------------------------------

    def _resolve_window(self, market: Market, time_ns: int) -> Iterable[MarketEvent]:
        is_up = self._windows.pop(market.id).is_up
        assert is_up is not None, f"{market.id} resolves before its end"
        return self._resolve(market, 0 if is_up else 1, time_ns)

    def _resolve(self, market: Market, winner: int, time_ns: int) -> Iterable[MarketEvent]:
        del self._live[market.id]
        self._wallets.resolve(market, winner, time_ns)
        payouts = {
            instrument.id: ONE if number == winner else ZERO
            for number, instrument in enumerate(market.instruments)
        }
        return [MarketResolved(time_ns=time_ns, market_id=market.id, payouts=payouts)]
