"""An exchange as a `Venue`: what is handed over is sent once, and what became of it is reported, never returned.

prepare ─ client id, payload ─► send ─ limits, window ─► create_order ─► judgement ─► Acknowledged | Rejected | …
                                            answers, user stream, drop copy ─► trades ─► Filled, settled at once
"""

import asyncio
from collections.abc import Coroutine
from decimal import Decimal
from functools import partial
from typing import Any

from clock import NS_PER_S, Scheduler
from domain.conversions import Conversion, SetConverted
from domain.errors import VenueReadError
from domain.identifiers import InstrumentId, OrderId, StrategyName, VenueName, VenueOrderId
from domain.instrument import Market
from domain.messages import Fill, Redeemed
from domain.money import ZERO
from domain.order import Order, OrderStatus
from venues.base import ClientIdClass, Prepared, ReportSink, VenueBalance, VenueOrder
from venues.exchange.account import Account
from venues.exchange.connection import Connection
from venues.exchange.heartbeat import Heartbeat
from venues.exchange.instruments import SpotTerms, market_of
from venues.exchange.news import News
from venues.exchange.order_path import OrderPath
from venues.exchange.own_orders import OwnOrder
from venues.exchange.payload import client_id, denial, encode, request_of
from venues.exchange.reads import Rows
from venues.exchange.translation import filled_of, status_of
from venues.exchange.user_stream import UserStream

SEND_WITHIN_S = 10
"""An order that has not left so long after its checks is not sent any more: its proof of absence counts from here."""


class ExchangeVenue:
    """A `Venue` on an open `Connection`; `run` owns its tasks and must be running before anything is sent."""

    def __init__(self, connection: Connection, *, scheduler: Scheduler) -> None:
        """Raises ConfigurationError for a symbol without a price grid."""
        self.name = VenueName(connection.settings.exchange)
        self.quirks = connection.quirks
        self.client_id_class: ClientIdClass = connection.quirks.client_id_class
        self._install_id = connection.settings.install_id
        self._limits = connection.limits
        self._scheduler = scheduler
        self._account = Account(connection, venue=self.name, scheduler=scheduler)
        self._orders = self._account.orders
        self._news = News(self._account, venue=self.name, scheduler=scheduler)
        self._path = OrderPath(connection, self._account, self._news, scheduler)
        self.stream = UserStream(connection, self, scheduler=scheduler)
        self.heartbeat = Heartbeat(connection, scheduler=scheduler)
        self._tasks: asyncio.TaskGroup | None = None

    def connect(self, sink: ReportSink) -> None:
        """Say where reports go; called once, before anything is sent."""
        self._news.connect(sink)

    async def run(self) -> None:
        """Own the calls under way and the user stream, until cancelled; what is unanswered then is reported lost."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self.heartbeat.run(), name=f"{self.name} heartbeat")
            await self.stream.run()

    def markets(self) -> tuple[Market, ...]:
        """The pairs traded, as markets of one instrument each."""
        return tuple(market_of(self.name, terms) for terms in self._account.terms.values())

    def terms(self, instrument_id: InstrumentId) -> SpotTerms | None:
        """Grid, minima and fees of a pair; None for one that is not traded."""
        return self._account.terms_by_id(instrument_id)

    def denial(self, order: Order) -> str | None:
        """Why the exchange would refuse this order for its amounts or kind: for the controls, before it is accepted."""
        return denial(order, self.terms(order.instrument_id), self.quirks)

    def valid_until_ns(self, order: Order) -> int | None:
        """Where requests are stamped and expire: until when one that leaves in time can still be executed."""
        window_ns = self._path.window_ns()
        if window_ns is None:
            return None
        return self._scheduler.now_ns() + SEND_WITHIN_S * NS_PER_S + window_ns

    def prepare(self, order: Order) -> Prepared | None:
        """Choose the client id and write the request down; without waiting, the same for the same order."""
        own = self._own(order)
        return Prepared(order_id=order.id, venue_order_id=VenueOrderId(own.client_id), payload=own.payload)

    def remember(self, order: Order, prepared: Prepared) -> None:
        """Take back what an earlier process had prepared: unless it was merely accepted, it may have been sent."""
        is_sent = order.status is not OrderStatus.ACCEPTED
        identifier, payload = str(prepared.venue_order_id), prepared.payload
        self._orders.add(OwnOrder(order=order, client_id=identifier, payload=payload, is_uncertain=is_sent))

    def wait_s(self, order: Order) -> float:
        """Seconds until the exchange's limits let this order leave."""
        return self._limits.order_wait_s()

    async def send(self, order: Order) -> None:
        """Start the call and return; its outcome is reported."""
        self._start(self._path.place(self._own(order), order), f"send {order.id}")

    async def cancel(self, order: Order) -> None:
        """Start the cancel and return; its outcome is reported."""
        self._start(self._path.cancel(self._own(order)), f"cancel {order.id}")

    async def cancel_all(self) -> None:
        """Cancel whatever rests on the account; what became of ours is reported. Raises VenueReadError where the
        exchange could not be asked."""
        await self._path.cancel_all()

    async def redeem(self, *, strategy: StrategyName, instrument_id: InstrumentId, quantity: Decimal) -> None:
        """Nothing of a spot pair is ever redeemed: reported as none."""
        report = Redeemed(
            venue=self.name,
            strategy=strategy,
            instrument_id=instrument_id,
            quantity=ZERO,
            payout=ZERO,
            time_ns=self._scheduler.now_ns(),
        )
        self._news.tell(report)

    async def convert(self, conversion: Conversion) -> None:
        """There are no sets of spot pairs: reported as none."""
        time_ns = self._scheduler.now_ns()
        self._news.tell(SetConverted(venue=self.name, conversion=conversion, quantity=ZERO, time_ns=time_ns))

    async def find_order(self, order: Order) -> VenueOrder | None:
        """Ask for the order by its ids; None where the exchange does not know it. Raises VenueReadError."""
        row = await self._account.find(self._own(order))
        return None if row is None else self._seen(row, order)

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """What rests on the account; a foreign order has the exchange's id. Raises VenueReadError."""
        rows = await self._account.open_orders()
        return tuple(
            self._seen(row, own.order if (own := self._orders.of_row(row)) else None) for row in rows
        )

    async def balances(self) -> tuple[VenueBalance, ...]:
        """What the account owns. Raises VenueReadError."""
        return await self._account.balances()

    async def fills_since(self, time_ns: int) -> tuple[Fill, ...]:
        """Our fills from `time_ns` on; those of foreign orders have the exchange's order id. Raises VenueReadError.

        What is ours and new is reported too, after the caller has seen it: a fill of an exchange settles at once.
        """
        fills = await self._account.fills_since(time_ns)
        self._scheduler.call_at(self._scheduler.now_ns(), partial(self._news.tell_fills, fills))
        return fills

    def on_trades(self, trades: Rows) -> None:
        """Take rows of the user stream."""
        self._news.take_trades(trades)

    def on_orders(self, rows: Rows) -> None:
        """Take states of the user stream: an order that has ended is followed up, since its last trades may be late."""
        for row in rows:
            own = self._news.has_ended(row)
            if own is not None:
                follow_up = self._news.absorb(own, dict(row))
                self._start(follow_up, f"news of {own.order.id}")

    async def poll(self, since_ns: int) -> None:
        """The drop copy: report what the streams may have missed from `since_ns` on. Raises VenueReadError."""
        await self._news.poll(since_ns)

    def _own(self, order: Order) -> OwnOrder:
        own = self._orders.get(order.id)
        if own is None:
            identifier = client_id(order, install_id=self._install_id, quirks=self.quirks)
            terms, reason = self.terms(order.instrument_id), self.denial(order)
            own = OwnOrder(order=order, client_id=identifier, payload="", denial=reason)
            if terms is not None and reason is None:
                own.request = request_of(order, terms, self.quirks, identifier)
                own.payload = encode(own.request)
            self._orders.add(own)
        return own

    def _seen(self, row: dict[str, Any], order: Order | None) -> VenueOrder:
        is_immediate = order is not None and order.time_in_force.is_immediate
        order_id = order.id if order else OrderId(str(row.get("id")))
        status = status_of(row, is_immediate=is_immediate)
        if status is None:
            raise VenueReadError(f"order {order_id}: no state in the answer")
        return VenueOrder(order_id=order_id, status=status, filled_quantity=filled_of(row) or ZERO)

    def _start(self, call: Coroutine[Any, Any, None], name: str) -> None:
        assert self._tasks is not None, "the exchange is used before run()"
        self._tasks.create_task(call, name=name)
