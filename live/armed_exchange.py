"""An exchange with orders that are sent: its events, our account there, and the right to trade on it."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal

from clock import NS_PER_S, Scheduler
from domain.errors import ConfigurationError
from domain.instrument import is_pair
from domain.messages import MarketEvent
from domain.money import AMOUNT_MAX, EXCHANGE_UNIT, UNIT, ZERO
from domain.remembered import Remembered
from live.exchange_access import exchange_settings
from live.exchange_door import ExchangeDoor
from live.exchange_market import feed_line, terms_of_pairs
from live.gate import Armed
from live.market import Gap, Sink
from live.money import money_of
from venues.base import Prepared
from venues.exchange.connection import Connection
from venues.exchange.market_feed import MarketFeed
from venues.exchange.permissions import refuse_withdrawal_keys
from venues.exchange.venue import ExchangeVenue

GAP_LOOK_S = 0.5
"""How often breaks of the stream of our own orders are looked for."""

CASH_MAX = AMOUNT_MAX * EXCHANGE_UNIT / UNIT
"""More money than this is not kept exactly with eight decimals."""


class ArmedExchange:
    """Live events and orders that are sent: only an `Armed` value makes one."""

    def __init__(self, armed: Armed, *, scheduler: Scheduler) -> None:
        """Raises ConfigurationError where the selected pairs have no common money."""
        settings = armed.settings
        self._money = money_of(settings)
        self.venue = ExchangeDoor(settings.venue.name, scheduler=scheduler)
        network = "test network of " if settings.venue.sandbox else ""
        self._last_four = armed.exchange.last_four
        self.label = f"{network}{settings.venue.name}, key …{self._last_four}"
        # Keys are changed now and then, and the account stays: that it is the same is what the comparison shows.
        self.account = f"live {network}{settings.venue.name} in {self._money}"
        self._settings = settings
        self._access = exchange_settings(settings, armed.exchange)
        self._scheduler = scheduler
        self._exchange: ExchangeVenue | None = None
        self._feed: MarketFeed | None = None
        self._rights = "its rights were not asked for yet"

    def restore(self, remembered: Remembered, *, owned: Mapping[str, Decimal]) -> None:
        """Know again which orders of the account are ours, those that have ended too: their last fills may come late.

        Raises ConfigurationError for a working order in a pair that is not selected: nobody would look after it.
        """
        prepared = {stored.order_id: stored for stored in remembered.prepared}
        selected = set(self._settings.venue.symbols)
        for order in remembered.orders:
            symbol = order.instrument_id.partition(":")[2]
            if not order.is_done and is_pair(order.instrument_id) and symbol not in selected:
                raise ConfigurationError(
                    f"order {order.id} works in {symbol}, which is not selected; add it to --select"
                )
            if order.is_done and (stored := prepared.get(order.id)):
                venue_id, payload = stored.venue_order_id, stored.payload
                kept = Prepared(order_id=order.id, venue_order_id=venue_id, payload=payload)
                self.venue.remember(order, kept)

    def on_market(self, event: MarketEvent) -> None:
        """The exchange needs no events: it has its terms from the exchange itself."""

    async def run(self, sink: Sink, *, on_gap: Gap, ready: Gap) -> None:
        """Open the account, then run feed and venue together.

        Raises VenueReadError where the exchange cannot be reached, ConfigurationError for a key that can withdraw.
        """
        async with Connection(self._access) as connection:
            is_told = await refuse_withdrawal_keys(connection)
            self._rights = "it may not withdraw" if is_told else "the exchange does not tell its rights"
            terms = terms_of_pairs(connection)
            exchange = self._exchange = ExchangeVenue(connection, scheduler=self._scheduler)
            feed = self._feed = MarketFeed(connection, terms, sink, scheduler=self._scheduler)
            self.venue.open(exchange)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(exchange.run(), name=exchange.name)
                tasks.create_task(feed.run(), name=f"{exchange.name} feed")
                tasks.create_task(self._watch(exchange, on_gap), name=f"{exchange.name} gaps")
                ready("open")

    async def opening_cash(self) -> Decimal:
        """All the money that the account has, free or locked in orders.

        Raises VenueReadError, and ConfigurationError for more than can be kept exactly.
        """
        money = self._money
        cash = next((b.total for b in await self.venue.balances() if b.asset == money), ZERO)
        if cash >= CASH_MAX:
            raise ConfigurationError(
                f"the account has {cash} {money}, amounts are kept up to {CASH_MAX}; trade on a subaccount with less"
            )
        return cash

    def status(self) -> list[str]:
        """Health of the account and of the feed."""
        if self._exchange is None:
            return [f"{self.venue.name}: not connected yet", feed_line(self._feed)]
        stream, offset_ms = self._exchange.stream, self._exchange.heartbeat.clock_offset_ms
        polled_ns = stream.polled_ns
        age = (
            "none yet" if polled_ns is None else f"{(self._scheduler.now_ns() - polled_ns) // NS_PER_S} s ago"
        )
        clock = "not compared" if offset_ms is None else f"{offset_ms} ms off"
        return [
            f"{self.venue.name}: key …{self._last_four}, {self._rights}; clock {clock}",
            f"own orders: {stream.breaks} breaks, last drop copy {age}, {stream.polls_failed} failed",
            feed_line(self._feed),
        ]

    async def close(self) -> None:
        """Nothing is open but what `run` closes."""

    async def _watch(self, exchange: ExchangeVenue, on_gap: Gap) -> None:
        """Tell each break of the stream of our own orders once: something may have been missed."""
        seen = exchange.stream.breaks
        while True:
            await asyncio.sleep(GAP_LOOK_S)
            if exchange.stream.breaks != seen:
                seen = exchange.stream.breaks
                on_gap("a gap in the stream of our own orders")
