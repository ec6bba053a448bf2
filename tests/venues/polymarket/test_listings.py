"""Which markets are followed: those of the plan, and those in which a followed wallet trades."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

from msgspec.structs import replace

from domain.identifiers import InstrumentId, MarketId
from domain.instrument import Market, Side
from domain.messages import WalletAction, WalletTrade
from tests.venues.polymarket.catalogue import CONDITION, SLUG, UP_TOKEN, listing
from tests.venues.polymarket.loopback import LoopbackVenue, loopback_venue, running, until
from venues.polymarket.discovery import Discovery
from venues.polymarket.feed_plan import FeedPlan
from venues.polymarket.listings import Listings
from venues.polymarket.public_reads import PublicReads, new_session

DEED = WalletTrade(
    time_ns=2,
    traded_ns=1,
    wallet="0xab",
    name="leader",
    action=WalletAction.TRADE,
    market_id=MarketId(CONDITION),
    instrument_id=InstrumentId(UP_TOKEN),
    side=Side.BUY,
    price=Decimal("0.5"),
    quantity=Decimal(5),
    transaction="0xt",
)


class Told:
    """Listings on a loopback venue, and what they told in order."""

    def __init__(self, venue: LoopbackVenue, reads: PublicReads, plan: FeedPlan) -> None:
        self.venue, self.reads = venue, reads
        self.order: list[str] = []
        self.listings = Listings(plan, Discovery(reads), self._listed, self._deed)

    def _listed(self, market: Market) -> None:
        self.order.append(f"market {market.slug}")

    def _deed(self, deed: WalletTrade) -> None:
        self.order.append(f"deed {deed.transaction}")


def listed(scenario: Callable[[Told], Awaitable[None]], plan: FeedPlan | None = None) -> list[str]:
    """Play a scenario on a venue with one market; give what was told."""

    async def play() -> list[str]:
        async with loopback_venue() as venue, new_session() as session:
            venue.markets.append(listing())
            reads = PublicReads(venue.hosts)
            reads.use(session)
            told = Told(venue, reads, plan or FeedPlan())
            await scenario(told)
            return told.order

    return asyncio.run(play())


def test_what_the_plan_names_in_several_ways_is_listed_once() -> None:
    async def scenario(told: Told) -> None:
        told.venue.events["one"] = {"id": "1", "slug": "one", "markets": [listing()]}
        async with running(told.listings.discover()):
            await until(lambda: bool(told.venue.questions))

    plan = FeedPlan(market_ids=("1557558",), slugs=(SLUG,), events=("one",), tags=("crypto",))
    assert listed(scenario, plan) == [f"market {SLUG}"]


def test_the_market_of_a_deed_is_listed_before_the_deed_is_told() -> None:
    async def scenario(told: Told) -> None:
        async with running(told.listings.look_up()):
            told.listings.take_deed(DEED)
            await until(lambda: len(told.order) == 2)
            told.listings.take_deed(DEED)

    assert listed(scenario) == [f"market {SLUG}", "deed 0xt", "deed 0xt"]


def test_a_deed_in_a_market_that_nobody_lists_is_told_and_not_looked_up_again() -> None:
    async def scenario(told: Told) -> None:
        told.venue.markets.clear()
        async with running(told.listings.look_up()):
            told.listings.take_deed(DEED)
            await until(lambda: len(told.order) == 1)
            told.listings.take_deed(DEED)
        assert len(told.venue.questions) == 1

    assert listed(scenario) == ["deed 0xt", "deed 0xt"]


def test_a_deed_in_a_market_that_has_resolved_is_told_at_once() -> None:
    async def scenario(told: Told) -> None:
        async with running(told.listings.look_up()):
            told.listings.take_deed(DEED)
            await until(lambda: len(told.order) == 2)
        told.listings.forget(told.listings.markets[MarketId(CONDITION)])
        told.listings.take_deed(DEED)

    assert listed(scenario)[-1] == "deed 0xt"


def test_a_tick_that_changed_while_nobody_listened_is_told_when_the_market_is_listed_again() -> None:
    ticks: list[tuple[str, Decimal]] = []

    async def scenario(told: Told) -> None:
        told.listings.on_tick = lambda event: ticks.append((event.instrument_id, event.tick_size))
        (market,) = (await Discovery(told.reads).by_slug(SLUG)).markets
        told.listings.list_market(market)
        finer = [replace(i, tick_size=Decimal("0.001")) for i in market.instruments]

        told.listings.list_market(market)
        told.listings.list_market(replace(market, instruments=tuple(finer)))

    assert listed(scenario) == [f"market {SLUG}"]
    assert [tick for _, tick in ticks] == [Decimal("0.001"), Decimal("0.001")]
