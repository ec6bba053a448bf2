"""Which markets are followed: those that were asked for by name, and those in which a followed wallet trades."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator

from clock import wall_ns
from domain.errors import VenueReadError
from domain.identifiers import MarketId
from domain.instrument import Market
from domain.messages import TickSizeChanged, WalletTrade
from venues.polymarket.discovery import Discovery, Found, Refused
from venues.polymarket.feed_plan import FeedPlan

REDISCOVER_S = 300.0
"""Tags and events grow: they are asked again."""

RETRY_S = 2.0
LOOKUP_TIMEOUT_S = 2.0
LOOKUPS_MAX = 1_000
UNKNOWN_MAX = 20_000
REFUSED_KEPT_MAX = 50

Question = Callable[[], Awaitable[Found]]


class Listings:
    """Asks the catalogue what the plan names, and lists each market once."""

    def __init__(
        self,
        plan: FeedPlan,
        discovery: Discovery,
        on_listed: Callable[[Market], None],
        on_deed: Callable[[WalletTrade], None],
    ) -> None:
        self.markets: dict[MarketId, Market] = {}
        self.refused: deque[Refused] = deque(maxlen=REFUSED_KEPT_MAX)
        self.failed_reads = 0
        self.on_tick: Callable[[TickSizeChanged], None] = lambda _: None
        self._plan, self._discovery, self._on_listed, self._on_deed = plan, discovery, on_listed, on_deed
        self._deeds: asyncio.Queue[WalletTrade] = asyncio.Queue(LOOKUPS_MAX)
        self._unknown: set[MarketId] = set()

    def list_market(self, market: Market) -> None:
        """Follow a market, once; listed again with other ticks, it tells them: a change may have been missed."""
        known = self.markets.get(market.id)
        self.markets[market.id] = market
        if known is None:
            self._unknown.discard(market.id)
            self._on_listed(market)
            return
        ticks = {instrument.id: instrument.tick_size for instrument in known.instruments}
        for instrument in market.instruments:
            if ticks.get(instrument.id, instrument.tick_size) != instrument.tick_size:
                self.on_tick(
                    TickSizeChanged(
                        time_ns=wall_ns(), instrument_id=instrument.id, tick_size=instrument.tick_size
                    )
                )

    def forget(self, market: Market) -> None:
        """A market has resolved: it is not followed any more, and not looked up again."""
        self.markets.pop(market.id, None)
        self._give_up_on(market.id)

    def take_deed(self, deed: WalletTrade) -> None:
        """Pass a wallet's deed on; where its market is unknown, look that up first, so that it can be copied."""
        if deed.market_id in self.markets or deed.market_id in self._unknown:
            self._on_deed(deed)
            return
        try:
            self._deeds.put_nowait(deed)
        except asyncio.QueueFull:
            self._on_deed(deed)

    async def discover(self) -> None:
        """Ask everything the plan names, again and again; only cancellation, or an error of our own, ends it."""
        while True:
            for question in self._questions():
                await self._ask(question)
            await asyncio.sleep(REDISCOVER_S)

    async def look_up(self) -> None:
        """Look up the markets of deeds, one after the other, and pass each deed on, whatever was found."""
        while True:
            deed = await self._deeds.get()
            if deed.market_id not in self.markets and deed.market_id not in self._unknown:
                await self._look_up(deed.market_id)
            self._on_deed(deed)

    async def _look_up(self, market_id: MarketId) -> None:
        try:
            async with asyncio.timeout(LOOKUP_TIMEOUT_S):
                found = await self._discovery.by_condition(market_id)
        except (VenueReadError, TimeoutError):
            self.failed_reads += 1
            return
        self._take(found)
        if market_id not in self.markets:
            self._give_up_on(market_id)

    def _give_up_on(self, market_id: MarketId) -> None:
        if len(self._unknown) >= UNKNOWN_MAX:
            self._unknown.clear()
        self._unknown.add(market_id)

    async def _ask(self, question: Question) -> None:
        while True:
            try:
                self._take(await question())
            except VenueReadError:
                self.failed_reads += 1
                await asyncio.sleep(RETRY_S)
            else:
                return

    def _take(self, found: Found) -> None:
        self.refused.extend(found.refused)
        for market in found.markets:
            self.list_market(market)

    def _questions(self) -> Iterator[Question]:
        plan, discovery = self._plan, self._discovery
        for market_id in plan.market_ids:
            yield lambda market_id=market_id: discovery.by_id(market_id)  # type: ignore[misc]
        for slug in plan.slugs:
            yield lambda slug=slug: discovery.by_slug(slug)  # type: ignore[misc]
        for slug in plan.events:
            yield lambda slug=slug: discovery.by_event(slug)  # type: ignore[misc]
        for tag in plan.tags:
            yield lambda tag=tag: discovery.by_tag(tag, markets_max=plan.markets_per_tag)  # type: ignore[misc]
