"""An exchange's live events with orders on paper; and what an exchange needs whether its orders are sent or not."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from clock import Scheduler
from config import Settings
from domain.messages import MarketEvent
from domain.remembered import Remembered
from live.exchange_access import exchange_settings
from live.market import Gap, Sink
from live.money import money_of
from settings import PaperSettings
from venues.exchange.connection import Connection
from venues.exchange.instruments import SpotTerms, terms_of
from venues.exchange.market_feed import MarketFeed
from venues.paper import PaperVenue


def terms_of_pairs(connection: Connection) -> tuple[SpotTerms, ...]:
    """Grids, minima and fees of the selected pairs; raises ConfigurationError for one that cannot be traded here."""
    data, exchange = connection.data, connection.settings.exchange
    return tuple(
        terms_of(exchange, data.markets[symbol], data.precisionMode, connection.quirks)
        for symbol in connection.settings.symbols
    )


def paper_of(settings: PaperSettings) -> PaperSettings:
    """How the simulated venue behaves as an exchange: nothing is delayed on purpose, and a match is final at once."""
    return msgspec.structs.replace(
        settings,
        taker_delay_ms=0,
        settlement_s_min=0,
        settlement_s_max=0,
        settlement_failure_rate=Decimal(0),
    )


def feed_line(feed: MarketFeed | None) -> str:
    """The health of a feed, for a person."""
    return (
        f"feed: epoch {feed.epoch}, {feed.breaks} breaks" if feed is not None else "feed: not connected yet"
    )


class PaperExchange:
    """Live events, paper orders: opened without keys, it can read what is public and nothing else."""

    def __init__(self, settings: Settings, *, scheduler: Scheduler) -> None:
        """Raises ConfigurationError where the selected pairs have no common money."""
        money = money_of(settings)
        self.venue = PaperVenue(
            scheduler=scheduler,
            settings=paper_of(settings.paper),
            seed=settings.seed,
            cash=settings.cash,
            money=money,
        )
        self.label = f"{settings.venue.name}'s live data, orders on paper"
        self.account = f"paper on live data of {settings.venue.name} in {money}"
        self._settings = settings
        self._scheduler = scheduler
        self._feed: MarketFeed | None = None

    def restore(self, remembered: Remembered, *, owned: Mapping[str, Decimal]) -> None:
        """Let paper orders rest again."""
        self.venue.resume(remembered, owned=owned)

    def on_market(self, event: MarketEvent) -> None:
        """Paper orders meet the book before anybody sees it."""
        self.venue.on_market(event)

    async def run(self, sink: Sink, *, on_gap: Gap, ready: Gap) -> None:
        """Run the feed; paper needs nothing else. Raises VenueReadError where the exchange cannot be reached now."""
        async with Connection(exchange_settings(self._settings, None)) as connection:
            terms = terms_of_pairs(connection)
            self._feed = MarketFeed(connection, terms, sink, scheduler=self._scheduler)
            ready("paper")
            await self._feed.run()

    async def opening_cash(self) -> Decimal:
        """The paper money of the settings."""
        return self._settings.cash

    def status(self) -> list[str]:
        """The feed's health."""
        return [feed_line(self._feed)]

    async def close(self) -> None:
        """Nothing is open but what `run` closes."""
