"""The directional wallet that a copy trader may follow: takes favourites and events, and holds them."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from backtest.generated.chance import Chance
from backtest.generated.crowd import Crowd
from backtest.generated.ladder import LOTS_PER_SHARE, MILLS
from backtest.generated.live_market import LiveMarket, Take
from backtest.generated.wallets import HERON, Wallets
from domain.identifiers import MarketId
from domain.instrument import Side
from domain.messages import MarketEvent

BASELINE_SHARES = 400
"""YES shares of the event market that it holds before the first event: nothing on the tape shows their purchase."""

PRICE_MIN, PRICE_MAX = 550, 950
LEFT_S_MIN = 90
SELL_PROBABILITY = 0.3
SELL_ALL_PROBABILITY = 0.25
SHARES_MIN = 5
PUSD_MIN, PUSD_MAX = 30, 150
SMALL_PROBABILITY, SMALL_PUSD = 0.1, 12
WAIT_S_MIN, WAIT_S_MAX = 20, 100


class Candidate(NamedTuple):
    """An outcome that it may trade, with the price in mills that it would pay or get."""

    live: LiveMarket
    outcome: int
    price: int


class Heron:
    """Decides by price alone, never holds both sides of a market, and has no more foresight than the crowd."""

    def __init__(
        self, live: Mapping[MarketId, LiveMarket], crowd: Crowd, wallets: Wallets, chance: Chance
    ) -> None:
        self._live = live
        self._crowd = crowd
        self._wallets = wallets
        self._chance = chance

    def wait_s(self) -> int:
        """Seconds until its next decision."""
        return self._chance.between(WAIT_S_MIN, WAIT_S_MAX)

    def act(self, time_ns: int) -> Iterable[MarketEvent]:
        """Buy something, or sell part of what it holds; does nothing where it finds no candidate."""
        if self._chance.happens(SELL_PROBABILITY):
            return self._sell(time_ns)
        return self._buy(time_ns)

    def buy_into(self, market_id: MarketId, time_ns: int) -> Iterable[MarketEvent]:
        """Buy the first outcome of a market at any price: its first trade after the run begins."""
        live = self._live[market_id]
        price = live.ladder.best(0, Side.BUY)
        return self._take(Candidate(live, 0, price), time_ns) if price else []

    def _buy(self, time_ns: int) -> Iterable[MarketEvent]:
        candidates = [
            candidate
            for candidate in self._offers(time_ns)
            if PRICE_MIN <= candidate.price <= PRICE_MAX
            and not self._wallets.held(HERON, candidate.live.market.id, 1 - candidate.outcome)
        ]
        if not candidates:
            return []
        return self._take(candidates[self._chance.below(len(candidates))], time_ns)

    def _take(self, candidate: Candidate, time_ns: int) -> Iterable[MarketEvent]:
        live, outcome, price = candidate
        is_small = self._chance.happens(SMALL_PROBABILITY)
        pusd = SMALL_PUSD if is_small else self._chance.between(PUSD_MIN, PUSD_MAX)
        shares = max(SHARES_MIN, pusd * MILLS // price)
        take = Take(outcome, Side.BUY, shares * LOTS_PER_SHARE, taker=HERON)
        return self._crowd.execute(live, take, time_ns)

    def _sell(self, time_ns: int) -> Iterable[MarketEvent]:
        holdings = [
            (live, outcome, held)
            for live in self._live.values()
            for outcome in (0, 1)
            if live.is_open and (held := self._wallets.held(HERON, live.market.id, outcome)) > 0
        ]
        if not holdings:
            return []
        live, outcome, held = holdings[self._chance.below(len(holdings))]
        percent = 100 if self._chance.happens(SELL_ALL_PROBABILITY) else self._chance.between(25, 60)
        lots = max(held * percent // 100, min(held, SHARES_MIN * LOTS_PER_SHARE))
        return self._crowd.execute(live, Take(outcome, Side.SELL, lots, taker=HERON), time_ns)

    def _offers(self, time_ns: int) -> Iterable[Candidate]:
        """What is offered in markets that are under way and do not end at once."""
        for live in self._live.values():
            is_under_way = live.is_open and live.market.opens_ns <= time_ns
            if is_under_way and live.left_s(time_ns) >= LEFT_S_MIN:
                prices = [(outcome, live.ladder.best(outcome, Side.BUY)) for outcome in (0, 1)]
                yield from (Candidate(live, outcome, price) for outcome, price in prices if price)
