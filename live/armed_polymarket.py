"""Polymarket with orders that are sent: its events, its account, and the right to trade on it."""

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal

from clock import Scheduler
from domain.messages import MarketEvent, MarketListed, MarketResolved
from domain.money import PUSD
from domain.remembered import Remembered
from live.following import feed_lines, feed_plan, follow, payouts_of
from live.gate import Armed
from live.hosts import hosts_of
from live.market import Gap, Sink
from live.private_files import credentials_path, install_id, store_credentials, stored_credentials
from venues.base import Prepared
from venues.polymarket.account import Owner
from venues.polymarket.feed import PolymarketFeed
from venues.polymarket.feed_plan import FeedListeners
from venues.polymarket.session import Session, SessionOptions
from venues.polymarket.venue import PolymarketVenue


class ArmedPolymarket:
    """Live events and orders that are sent: only an `Armed` value makes one."""

    def __init__(
        self, armed: Armed, *, scheduler: Scheduler, note_secret: Callable[[str], None] = lambda _: None
    ) -> None:
        settings, keys = armed.settings, armed.polymarket
        self._note_secret = note_secret
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
            has_heartbeat=settings.venue.heartbeat and armed.notional_max > 0,
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
            payouts = payouts_of(market, remembered)
            if payouts:
                over = MarketResolved(time_ns=market.closes_ns, market_id=market.id, payouts=payouts)
                self.venue.on_market(over)
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
        credentials = self._session.credentials
        for secret in (credentials.secret, credentials.passphrase):
            self._note_secret(secret.reveal())
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
