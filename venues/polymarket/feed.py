"""Everything that Polymarket tells, as one feed: markets found and followed, books, prints, prices, wallets, outcomes.

discovery: series, slugs, events, tags ─► MarketListed ─► market stream ─► books (only while continuous), prints, ticks
stream or Gamma ─► MarketResolved · price stream ─► PriceTick · trigger and audit ─► WalletTrade · user stream ─► venue

Events reach the sink one after the other, in the loop of `run`; the sink must not wait.
"""

import asyncio
from collections import deque
from collections.abc import Callable

import aiohttp

import clock
from domain.errors import VenueReadError
from domain.instrument import Market
from domain.messages import MarketEvent, MarketListed
from venues.polymarket.activity import ActivityTrigger
from venues.polymarket.continuity import Continuity
from venues.polymarket.discovery import Discovery
from venues.polymarket.feed_plan import FeedListeners, FeedPlan, FeedStatus
from venues.polymarket.hosts import PRODUCTION, Hosts
from venues.polymarket.listings import Listings
from venues.polymarket.market_messages import MarketMessages
from venues.polymarket.market_stream import MarketStream
from venues.polymarket.price_stream import PriceStream
from venues.polymarket.public_reads import PublicReads, new_session
from venues.polymarket.resolution import Resolutions
from venues.polymarket.series import SeriesRotation, parse_series
from venues.polymarket.signing import Credentials
from venues.polymarket.stream_wire import BadFrame, ResolvedMessage
from venues.polymarket.user_stream import UserStream
from venues.polymarket.wallet_audit import WalletAudit
from venues.polymarket.wallet_deeds import WalletDeeds
from venues.polymarket.wallet_names import FollowedWallet, find_wallet

RETRY_S = 2.0
SAMPLES_KEPT_MAX = 20
SAMPLES_TOLD_MAX = 200
"""Samples of unreadable frames that listeners get in all: a venue that changes its format must not fill a disk."""


class PolymarketFeed:
    """Owns every task of the feed; without credentials there is no user stream and no price stream.

    Raises ConfigurationError at once for a series or symbol that is none, and from `run` for a wallet name that is
    not clear.
    """

    def __init__(
        self,
        plan: FeedPlan,
        sink: Callable[[MarketEvent], None],
        *,
        hosts: Hosts = PRODUCTION,
        credentials: Credentials | None = None,
        listeners: FeedListeners | None = None,
        now_ns: Callable[[], int] = clock.wall_ns,
    ) -> None:
        self.wallets: list[FollowedWallet] = []
        self._plan, self._sink, self._hosts, self._now_ns = plan, sink, hosts, now_ns
        self._listeners = listeners or FeedListeners()
        self._samples: deque[BadFrame] = deque(maxlen=SAMPLES_KEPT_MAX)
        self._samples_told = 0
        self._reads = PublicReads(hosts)
        self._make_market_parts()
        self._make_wallet_parts()
        self._prices = self._price_stream(credentials) if credentials and plan.price_symbols else None
        self._user = self._user_stream(credentials) if credentials else None

    async def run(self) -> None:
        """Run until cancelled; an error of our own, the sink's too, ends it."""
        async with new_session() as session:
            self._reads.use(session)
            await self._pin_wallets()
            async with asyncio.TaskGroup() as group:
                self._start(group, session)

    def follow(self, market: Market) -> None:
        """Follow a market that somebody else found, such as those in which we have a position."""
        self.listings.list_market(market)

    def unreadable(self, frame: BadFrame) -> None:
        """Keep a sample of what did not parse; called by the parts of the feed."""
        self._samples.append(frame)
        if self._samples_told < SAMPLES_TOLD_MAX:
            self._samples_told += 1
            self._listeners.bad_frame(frame)

    def resolved(self, message: ResolvedMessage) -> None:
        """Hear the stream's word on an outcome; called by the parts of the feed."""
        self._resolutions.hear(message)

    def status(self) -> FeedStatus:
        """The health of the feed now; its counters go on counting."""
        continuity = self._continuity
        return FeedStatus(
            markets=len(self.listings.markets),
            epoch=continuity.epoch,
            instruments={str(name): count for name, count in self._stream.standing_counts().items()},
            breaks=continuity.breaks,
            checks_agreed=continuity.checks_agreed,
            checks_failed=continuity.checks_failed,
            reads=self._reads.reads,
            reads_failed=self._reads.failures,
            market_sockets=tuple(socket.counters for socket in self._stream.sockets),
            messages=self._messages.counters,
            rotation=self._rotation.counters,
            resolutions=self._resolutions.counters,
            refused=tuple(self.listings.refused),
            samples=tuple(self._samples),
            wallets=tuple(self.wallets),
            deeds=self._deeds.counters,
            trigger=self._trigger.counters,
            audit=self._audit.counters,
            prices=self._prices.counters if self._prices else None,
            user=self._user.counters if self._user else None,
        )

    def _make_market_parts(self) -> None:
        plan, now_ns, now_s = self._plan, self._now_ns, clock.monotonic_s
        discovery = Discovery(self._reads)
        self._continuity = Continuity(
            self._sink, silence_s_max=plan.silence_s_max, now_ns=now_ns, now_s=now_s
        )
        self._messages = MarketMessages(self._continuity, self._sink, self, now_ns=now_ns)
        self._stream = MarketStream(
            self._hosts.market_stream,
            self._reads,
            self._continuity,
            self._messages,
            tokens_per_socket=plan.tokens_per_socket,
            now_s=now_s,
        )
        self._resolutions = Resolutions(discovery, self._sink, self._on_resolved, now_ns=now_ns)
        self.listings = Listings(plan, discovery, self._on_listed, self._sink)
        self.listings.on_tick = self._sink
        series = [parse_series(name) for name in plan.series]
        self._rotation = SeriesRotation(series, discovery, self.listings.list_market, now_ns=now_ns)

    def _make_wallet_parts(self) -> None:
        now_ns = self._now_ns
        self._deeds = WalletDeeds(self.listings.take_deed, now_ns=now_ns, since_ns=self._plan.since_ns)
        self._audit = WalletAudit(self._reads, self._deeds, self.unreadable, now_ns=now_ns)
        self._trigger = ActivityTrigger(
            self._deeds, self._on_trigger, self.unreadable, now_s=clock.monotonic_s
        )

    def _price_stream(self, credentials: Credentials) -> PriceStream:
        return PriceStream(
            self._plan.price_symbols, credentials, self._sink, self.unreadable, now_s=clock.monotonic_s
        )

    def _user_stream(self, credentials: Credentials) -> UserStream:
        return UserStream(
            credentials,
            self._listeners.user_message,
            self._listeners.user_gap,
            now_ns=self._now_ns,
            now_s=clock.monotonic_s,
        )

    def _start(self, group: asyncio.TaskGroup, session: aiohttp.ClientSession) -> None:
        hosts, plan = self._hosts, self._plan
        group.create_task(self._stream.run(session), name="market stream")
        group.create_task(self._resolutions.run(), name="resolutions")
        group.create_task(self.listings.discover(), name="discovery")
        if plan.series:
            group.create_task(self._rotation.run(), name="series")
        if self._user is not None:
            group.create_task(self._user.run(hosts.user_stream, session), name="user stream")
        if self._prices is not None:
            group.create_task(self._prices.run(hosts.price_stream, session), name="price stream")
        if self.wallets:
            group.create_task(self.listings.look_up(), name="markets of wallets")
            group.create_task(self._audit.run(), name="wallet audit")
            group.create_task(self._trigger.run(hosts.activity_stream, session), name="wallet trigger")

    async def _pin_wallets(self) -> None:
        """Turn names into addresses before anything else; a search that fails is repeated."""
        for text in self._plan.wallets:
            wallet = await self._find_wallet(text)
            if wallet not in self.wallets:
                self.wallets.append(wallet)
                self._deeds.follow(wallet.address, wallet.name)

    async def _find_wallet(self, text: str) -> FollowedWallet:
        while True:
            try:
                return await find_wallet(text, self._reads)
            except VenueReadError:
                await asyncio.sleep(RETRY_S)

    def _on_listed(self, market: Market) -> None:
        self._sink(MarketListed(time_ns=self._now_ns(), market=market))
        self._resolutions.watch(market)
        self._stream.add([instrument.id for instrument in market.instruments])

    def _on_resolved(self, market: Market) -> None:
        self.listings.forget(market)
        self._stream.remove([instrument.id for instrument in market.instruments], reason="resolved")

    def _on_trigger(self, is_live: bool, reason: str) -> None:
        self._audit.trigger_changed(is_live)
        self._listeners.trigger_changed(is_live, reason)
