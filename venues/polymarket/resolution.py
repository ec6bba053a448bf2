"""How markets end: the stream's word or the catalogue's, whichever comes first, each market once.

The stream's `market_resolved` was reported missing (rs-clob-client #226), so Gamma is asked beside it: often for
markets whose end has passed, now and then for all others, since an event market may resolve before its end.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct

from clock import NS_PER_S
from domain.errors import VenueReadError
from domain.identifiers import InstrumentId, MarketId
from domain.instrument import Market
from domain.messages import MarketEvent, MarketResolved
from domain.money import ONE, ZERO
from venues.polymarket.discovery import Discovery
from venues.polymarket.stream_wire import ResolvedMessage

ENDED_EVERY_S = 5
ALL_EVERY_S = 60
REMEMBERED_MAX = 10_000
Payouts = dict[InstrumentId, Decimal]


class ResolutionCounters(Struct, kw_only=True):
    """Who told of resolutions first, and what did not fit."""

    by_stream: int = 0
    by_catalogue: int = 0
    contradictions: int = 0
    unfit: int = 0
    failed_reads: int = 0


class Resolutions:
    """Waits for the outcome of every market that it was told of."""

    def __init__(
        self,
        discovery: Discovery,
        sink: Callable[[MarketEvent], None],
        on_resolved: Callable[[Market], None],
        *,
        now_ns: Callable[[], int],
    ) -> None:
        self.counters = ResolutionCounters()
        self.markets: dict[MarketId, Market] = {}
        self._discovery, self._sink, self._on_resolved, self._now_ns = discovery, sink, on_resolved, now_ns
        self._known: OrderedDict[MarketId, Payouts] = OrderedDict()
        self._all_asked_ns = 0

    def watch(self, market: Market) -> None:
        """Wait for this market's outcome; one that has resolved already is not waited for again."""
        if market.id not in self._known:
            self.markets[market.id] = market

    async def run(self) -> None:
        """Ask the catalogue again and again; only cancellation, or an error of our own, ends it."""
        while True:
            await asyncio.sleep(ENDED_EVERY_S)
            if asked := self.due():
                await self._ask(asked)

    def due(self) -> list[MarketId]:
        """Markets to ask about now: those whose end has passed, and once a minute all."""
        now_ns = self._now_ns()
        if now_ns - self._all_asked_ns >= ALL_EVERY_S * NS_PER_S:
            self._all_asked_ns = now_ns
            return list(self.markets)
        return [market.id for market in self.markets.values() if market.closes_ns <= now_ns]

    def hear(self, message: ResolvedMessage) -> None:
        """Take the stream's word: the winner pays 1, its complement 0."""
        market_id = MarketId(message.market)
        market = self.markets.get(market_id)
        if market is None and market_id not in self._known:
            return
        payouts = {
            InstrumentId(token): ONE if token == message.winning_asset_id else ZERO
            for token in message.assets_ids
        }
        if self._settle(market_id, payouts):
            self.counters.by_stream += 1

    async def _ask(self, market_ids: list[MarketId]) -> None:
        try:
            resolved = await self._discovery.resolutions(market_ids)
        except VenueReadError:
            self.counters.failed_reads += 1
            return
        for market_id, payouts in resolved.items():
            if self._settle(market_id, payouts):
                self.counters.by_catalogue += 1

    def _settle(self, market_id: MarketId, payouts: Payouts) -> bool:
        """Say the outcome where it is new and fits the market; tell whether it did."""
        if (known := self._known.get(market_id)) is not None:
            self.counters.contradictions += known != payouts
            return False
        market = self.markets.get(market_id)
        if market is None:
            return False
        tokens = {instrument.id for instrument in market.instruments}
        if set(payouts) != tokens or sum(payouts.values()) != 1:
            self.counters.unfit += 1
            return False
        del self.markets[market_id]
        self._known[market_id] = payouts
        if len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)
        self._sink(MarketResolved(time_ns=self._now_ns(), market_id=market_id, payouts=payouts))
        self._on_resolved(market)
        return True
