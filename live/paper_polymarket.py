"""Polymarket's live events with orders on paper: a dry run on the real market."""

from collections.abc import Mapping
from decimal import Decimal

from clock import Scheduler
from config import Settings
from domain.messages import MarketEvent
from domain.remembered import Remembered
from live.following import feed_lines, feed_plan, follow
from live.hosts import hosts_of
from live.market import Gap, Sink
from venues.paper import PaperVenue
from venues.polymarket.feed import PolymarketFeed


class PaperPolymarket:
    """Live events, paper orders; needs no key and has nothing that could send."""

    def __init__(self, settings: Settings, *, scheduler: Scheduler) -> None:
        self.venue = PaperVenue(
            scheduler=scheduler, settings=settings.paper, seed=settings.seed, cash=settings.cash
        )
        self.label = "Polymarket's live data, orders on paper"
        self.account = "paper on live data"
        self._settings = settings
        self._followed: Remembered | None = None
        self._feed: PolymarketFeed | None = None

    def restore(self, remembered: Remembered, *, owned: Mapping[str, Decimal]) -> None:
        """Let paper orders rest again, and follow what they are in until it resolves."""
        self.venue.resume(remembered, owned=owned)
        self._followed = remembered

    def on_market(self, event: MarketEvent) -> None:
        """Paper orders meet the book before anybody sees it."""
        self.venue.on_market(event)

    async def run(self, sink: Sink, *, on_gap: Gap, ready: Gap) -> None:
        """Run the feed; paper needs nothing else."""
        self._feed = PolymarketFeed(feed_plan(self._settings), sink, hosts=hosts_of(self._settings.venue))
        follow(self._feed, self._followed)
        ready("paper")
        await self._feed.run()

    async def opening_cash(self) -> Decimal:
        """The paper money of the settings."""
        return self._settings.cash

    def status(self) -> list[str]:
        """The feed's health."""
        return feed_lines(self._feed)

    async def close(self) -> None:
        """Nothing is open but what `run` closes."""
