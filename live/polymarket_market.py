"""Polymarket as a live market: its events with orders on paper, or, where it is armed, with orders that are sent."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal

from clock import Scheduler
from config import COPY_TRADER, Settings
from domain.messages import MarketEvent, MarketListed
from domain.money import PUSD
from domain.remembered import Remembered
from live.access import hosts_of
from live.gate import Armed
from live.market import Gap, Sink
from live.private_files import credentials_path, install_id, store_credentials, stored_credentials
from venue_settings import SelectionKind
from venues.base import Prepared
from venues.paper import PaperVenue
from venues.polymarket.account import Owner
from venues.polymarket.feed import PolymarketFeed
from venues.polymarket.feed_plan import FeedListeners, FeedPlan
from venues.polymarket.session import Session, SessionOptions
from venues.polymarket.venue import PolymarketVenue

FRESH_SERIES = ("btc-updown-5m", "btc-updown-15m")
"""What is followed where nothing was selected: markets that begin and end while one looks."""


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


class ArmedPolymarket:
    """Live events and orders that are sent: only an `Armed` value makes one."""

    def __init__(self, armed: Armed, *, scheduler: Scheduler) -> None:
        settings, keys = armed.settings, armed.polymarket
        self._settings = settings
        self._hosts = hosts_of(settings.venue)
        self._kept_at = credentials_path(settings.db, keys.owner)
        self._owner = Owner(
            key=keys.key,
            wallet=keys.wallet,
            credentials=keys.credentials or stored_credentials(self._kept_at),
            relayer_key=keys.relayer_key,
            relayer_address=keys.relayer_address,
        )
        options = SessionOptions(
            owner=self._owner,
            install_id=install_id(settings),
            hosts=self._hosts,
            has_heartbeat=settings.venue.heartbeat,
        )
        self._session = Session(options)
        self.venue = PolymarketVenue(self._session, scheduler=scheduler)
        self.label = f"Polymarket, wallet {keys.wallet.address}"
        self.account = f"live polymarket {keys.wallet.address}"
        self._followed: Remembered | None = None
        self._feed: PolymarketFeed | None = None

    def restore(self, remembered: Remembered, *, owned: Mapping[str, Decimal]) -> None:
        """Know the terms of what we hold, which orders of the venue are ours, and what becomes of fills not final."""
        self._followed = remembered
        for market in remembered.markets:
            self.venue.on_market(MarketListed(time_ns=market.opens_ns, market=market))
        prepared = {stored.order_id: stored for stored in remembered.prepared}
        for order in remembered.orders:
            if order.is_done and (stored := prepared.get(order.id)):
                venue_id, payload = stored.venue_order_id, stored.payload
                self.venue.remember(
                    order, Prepared(order_id=order.id, venue_order_id=venue_id, payload=payload)
                )
        self.venue.watch_settlement([record.fill for record, _ in remembered.unsettled])

    def on_market(self, event: MarketEvent) -> None:
        """The venue learns ticks, fees and payouts from the events that the strategies hear."""
        self.venue.on_market(event)

    async def run(self, sink: Sink, *, on_gap: Gap, ready: Gap) -> None:
        """Open the account, then run feed and venue together."""
        await self.venue.open()
        self._keep_credentials()

        def on_user_gap(since_ns: int) -> None:
            self.venue.on_gap(since_ns)
            on_gap("a gap in the user stream")

        listeners = FeedListeners(user_message=self.venue.on_user_message, user_gap=on_user_gap)
        self._feed = PolymarketFeed(
            feed_plan(self._settings, has_prices=True),
            sink,
            hosts=self._hosts,
            credentials=self._session.credentials,
            listeners=listeners,
        )
        follow(self._feed, self._followed)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.venue.run(), name="polymarket")
            tasks.create_task(self._feed.run(), name="polymarket feed")
            ready("open")

    async def opening_cash(self) -> Decimal:
        """All the money that the account has at the venue. Raises VenueReadError."""
        return next((b.total for b in await self.venue.balances() if b.asset == PUSD), Decimal(0))

    def status(self) -> list[str]:
        """Health of the account and of the feed."""
        return [f"polymarket: {self.venue.is_ready() or 'ready'}", *feed_lines(self._feed)]

    async def close(self) -> None:
        """Close the connections; ten seconds later the venue cancels what still rests."""
        self.venue.stop()
        await self.venue.close()

    def _keep_credentials(self) -> None:
        if self._owner.credentials is None:
            store_credentials(self._kept_at, self._session.credentials)


def feed_plan(settings: Settings, *, has_prices: bool = False) -> FeedPlan:
    """What the selection, the strategies and their parameters want to hear."""
    named: dict[SelectionKind, list[str]] = {}
    for kind, name in settings.venue.selection:
        named.setdefault(kind, []).append(name)
    wallets = (settings.target,) if COPY_TRADER in settings.strategies and settings.target else ()
    series = tuple(named.get(SelectionKind.SERIES, ()))
    if not named and not wallets:
        series = FRESH_SERIES
    assets = sorted({name.partition("-")[0] for name in series})
    return FeedPlan(
        series=series,
        market_ids=tuple(named.get(SelectionKind.CONDITION, ())),
        slugs=tuple(named.get(SelectionKind.MARKET, ())),
        events=tuple(named.get(SelectionKind.EVENT, ())),
        tags=tuple(named.get(SelectionKind.TAG, ())),
        markets_per_tag=settings.venue.markets_max,
        wallets=wallets,
        price_symbols=tuple(f"{asset}usd" for asset in assets) if has_prices else (),
        tokens_per_socket=settings.venue.tokens_per_socket,
    )


def follow(feed: PolymarketFeed, remembered: Remembered | None) -> None:
    """Keep following the markets that an earlier process listed and that have not resolved."""
    for market in remembered.markets if remembered else ():
        feed.follow(market)


def feed_lines(feed: PolymarketFeed | None) -> list[str]:
    """The feed's health in lines for a person."""
    if feed is None:
        return ["feed: not connected yet"]
    status = feed.status()
    standing = ", ".join(f"{count} {name}" for name, count in status.instruments.items() if count) or "none"
    lines = [
        f"feed: {status.markets} markets; instruments: {standing}; epoch {status.epoch}, {status.breaks} breaks",
        f"feed: {status.checks_agreed} books checked and right, {status.checks_failed} wrong;"
        f" {status.reads} reads, {status.reads_failed} failed; {len(status.samples)} unreadable frames",
    ]
    if status.wallets:
        lines.append(f"following: {', '.join(f'{w.name} {w.address}' for w in status.wallets)}")
    return lines
