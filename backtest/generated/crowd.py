"""Those who trade without knowing more than the price: anonymous takers, a two-sided maker and two noise wallets."""

from collections.abc import Iterable
from functools import partial

from backtest.generated.agenda import Agenda
from backtest.generated.chance import Chance
from backtest.generated.ladder import LOTS_PER_SHARE
from backtest.generated.live_market import LiveMarket, Take
from backtest.generated.wallets import BAGUETTE, MARTEN, OTTER, Wallets
from clock import NS_PER_S
from domain.instrument import Side
from domain.messages import MarketEvent

MAKER_PROBABILITY = 0.7
"""Share of the sales in up/down markets that the two-sided maker buys."""

REBALANCE_PROBABILITY = 0.04
NOISE_PROBABILITY = 0.1
SHARES_MIN, SHARES_MAX, SHARES_LARGE = 5, 40, 400
LARGE_PROBABILITY = 0.05
CENTS_PROBABILITY = 0.3


class Crowd:
    """Trades between snapshots; its directions are tosses of a coin, so that its flow tells nothing."""

    def __init__(self, agenda: Agenda, wallets: Wallets, chance: Chance) -> None:
        self._agenda = agenda
        self._wallets = wallets
        self._chance = chance

    def visit(self, live: LiveMarket, time_ns: int, *, interval_ns: int) -> None:
        """Perhaps trade somewhere in the first half of the interval that begins now."""
        if self._chance.happens(live.prints_per_s * interval_ns / NS_PER_S):
            delay_ns = interval_ns // 10 + self._chance.below(interval_ns * 4 // 10)
            self._agenda.at(time_ns + delay_ns, partial(self._trade, live))

    def execute(self, live: LiveMarket, take: Take, time_ns: int) -> list[MarketEvent]:
        """Let a taker take: the prints, then both books without what is gone; nothing where nobody offers."""
        prints = live.trade(take, time_ns)
        if not prints:
            return []
        if take.taker or take.maker:
            self._wallets.record(live.market, prints, take)
        return [*prints, *live.ladder.books(time_ns)]

    def _trade(self, live: LiveMarket, time_ns: int) -> Iterable[MarketEvent]:
        if not live.is_open:
            return []
        return self.execute(live, self._next_take(live), time_ns)

    def _next_take(self, live: LiveMarket) -> Take:
        chance = self._chance
        outcome = chance.below(2)
        side = Side.SELL if chance.below(2) else Side.BUY
        if live.market.up_down and chance.happens(REBALANCE_PROBABILITY):
            return Take(self._lighter(live), Side.BUY, self._lots(), taker=BAGUETTE)
        take = Take(outcome, side, self._lots())
        if live.market.up_down and side is Side.SELL and chance.happens(MAKER_PROBABILITY):
            take = take._replace(maker=BAGUETTE)
        if chance.happens(NOISE_PROBABILITY):
            take = self._by_noise_wallet(live, take)
        return take

    def _by_noise_wallet(self, live: LiveMarket, take: Take) -> Take:
        """Let a noise wallet take instead; it sells only what it has."""
        name = MARTEN if self._chance.below(2) else OTTER
        if take.side is Side.SELL:
            held = self._wallets.held(name, live.market.id, take.outcome)
            if held < SHARES_MIN * LOTS_PER_SHARE:
                return take
            take = take._replace(lots=min(take.lots, held))
        return take._replace(taker=name)

    def _lighter(self, live: LiveMarket) -> int:
        """The outcome of which the two-sided maker has less."""
        first, second = (self._wallets.held(BAGUETTE, live.market.id, outcome) for outcome in (0, 1))
        return 0 if first <= second else 1

    def _lots(self) -> int:
        chance = self._chance
        most = SHARES_LARGE if chance.happens(LARGE_PROBABILITY) else SHARES_MAX
        cents = chance.below(LOTS_PER_SHARE) if chance.happens(CENTS_PROBABILITY) else 0
        return chance.between(SHARES_MIN, most) * LOTS_PER_SHARE + cents
