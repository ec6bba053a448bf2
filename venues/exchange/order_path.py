"""The two requests that change something, new order and cancel: limits, one call, and what its end proves."""

import asyncio
from functools import partial
from typing import Any

import ccxt

from clock import NS_PER_S, Scheduler
from domain.errors import VenueReadError
from domain.identifiers import VenueOrderId
from domain.messages import Acknowledged, CancelLost, Lost, NotSent, Rejected
from domain.order import Order, OrderStatus
from venues.base import ClientIdClass
from venues.exchange.account import Account
from venues.exchange.calls import recorded
from venues.exchange.connection import Connection
from venues.exchange.news import News
from venues.exchange.outcomes import Judgement, Outcome, judge_order, words
from venues.exchange.own_orders import OwnOrder
from venues.exchange.payload import decode
from venues.exchange.translation import status_of

LIMIT_WAIT_S_MAX = 2.0
"""An order waits so long for our limits in front of the exchange; beyond that it is reported as not sent."""


class OrderPath:
    """Sends and cancels over the connection's order instance; every outcome becomes a report."""

    def __init__(self, connection: Connection, account: Account, news: News, scheduler: Scheduler) -> None:
        self._connection = connection
        self._quirks = connection.quirks
        self._account = account
        self._orders = account.orders
        self._news = news
        self._scheduler = scheduler

    def window_ns(self) -> int | None:
        """How long after it was stamped a request may still take effect; None where nothing bounds that."""
        if self._quirks.valid_s is None:
            return None
        return (self._quirks.valid_s + self._quirks.gives_up_s) * NS_PER_S

    async def place(self, own: OwnOrder, order: Order) -> None:
        """Send it once, or say why not, and follow what it leads to."""
        time_ns = self._scheduler.now_ns()
        if own.denial:
            self._news.tell(Rejected(order_id=order.id, reason=f"not sent: {own.denial}", time_ns=time_ns))
            return
        if own.is_uncertain and self._quirks.client_id_class is not ClientIdClass.UNIQUE_FOREVER:
            reason = "an earlier attempt may have arrived, and a second could be a second order: ask first"
            self._news.tell(Lost(order_id=order.id, reason=reason, time_ns=time_ns))
            return
        if reason_not_to := await self._wait_or_say_why_not(order):
            report = NotSent(order_id=order.id, reason=reason_not_to, time_ns=self._scheduler.now_ns())
            self._news.tell(report)
            return
        judgement, answer = await self._post(own)
        self._tell(own, judgement)
        if judgement.outcome is Outcome.PLACED:
            await self._news.absorb(own, answer)

    async def cancel(self, own: OwnOrder) -> None:
        """Ask for the cancel, and report what the order's state then shows."""
        own.is_cancel_wanted = True
        try:
            row = await self._ask_to_cancel(own)
        except Exception as error:  # supervised: whatever went wrong, only a query tells what became of it
            self._tell_cancel_lost(own, words(error))
            return
        if status_of(row) in (None, OrderStatus.OPEN):
            await self._confirm_cancel(own)
        else:
            await self._news.absorb(own, row)

    async def cancel_all(self) -> None:
        """Cancel what rests on the account, then report what became of ours; raises VenueReadError."""
        rows = await self._account.open_orders()
        for symbol in sorted({str(row["symbol"]) for row in rows}):
            ids = [str(row["id"]) for row in rows if row["symbol"] == symbol]
            await self._cancel_everything(symbol, ids)
        for row in rows:
            own = self._orders.of_row(row)
            if own is not None:
                await self._confirm_cancel(own)

    async def _wait_or_say_why_not(self, order: Order) -> str | None:
        limits, window_ns = self._connection.limits, self.window_ns()
        wait_s = limits.order_wait_s()
        if wait_s > LIMIT_WAIT_S_MAX:
            return f"the exchange's limit opens in {wait_s:.1f} s"
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        if window_ns is not None and order.valid_until_ns is not None:
            late_ns = self._scheduler.now_ns() + window_ns - order.valid_until_ns
            if late_ns > 0:
                return f"its time to be sent ended {late_ns / NS_PER_S:.1f} s ago"
        limits.take_order()
        return None

    async def _post(self, own: OwnOrder) -> tuple[Judgement, dict[str, Any]]:
        """Make the one request; whatever happens to it, the judgement says so."""
        request, orders = own.request or decode(own.payload), self._connection.orders
        call = partial(orders.create_order, request.symbol, request.type, request.side)
        own.is_uncertain = True
        with recorded() as record:
            try:
                answer: Any = await call(request.amount, request.price, request.params)
            except asyncio.CancelledError as error:
                self._tell(own, judge_order(record, self._quirks.errors, error))
                raise
            except Exception as error:  # supervised: every exception after the first byte means UNKNOWN
                answer = error
        judgement = judge_order(record, self._quirks.errors, answer)
        return judgement, answer if isinstance(answer, dict) else {}

    def _tell(self, own: OwnOrder, judgement: Judgement) -> None:
        order_id, time_ns, reason = own.order.id, self._scheduler.now_ns(), judgement.reason
        own.is_uncertain = judgement.outcome in (Outcome.UNKNOWN, Outcome.EXISTS)
        match judgement.outcome:
            case Outcome.PLACED:
                self._orders.learn(own, judgement.venue_order_id)
                venue_id = VenueOrderId(judgement.venue_order_id)
                self._news.tell(Acknowledged(order_id=order_id, venue_order_id=venue_id, time_ns=time_ns))
            case Outcome.NOT_SENT:
                self._news.tell(NotSent(order_id=order_id, reason=reason, time_ns=time_ns))
            case Outcome.UNSENDABLE:
                self._news.tell(Rejected(order_id=order_id, reason=f"not sent: {reason}", time_ns=time_ns))
            case Outcome.REFUSED:
                self._news.tell(Rejected(order_id=order_id, reason=reason, time_ns=time_ns))
            case Outcome.EXISTS:
                self._news.tell(Lost(order_id=order_id, reason=f"it exists: {reason}", time_ns=time_ns))
            case Outcome.UNKNOWN:
                self._news.tell(Lost(order_id=order_id, reason=reason, time_ns=time_ns))

    async def _ask_to_cancel(self, own: OwnOrder) -> dict[str, Any]:
        """Cancel by the exchange's id where it is known or needed, else by ours."""
        limits, symbol = self._connection.limits, self._account.symbol_of(own)
        if own.venue_id is None and self._quirks.cancel_parameter is None:
            await self._account.find(own)
            if own.venue_id is None:
                raise VenueReadError("the exchange does not show the order, and cancels by its own id only")
        if (wait_s := limits.cancel_wait_s()) > 0:
            await asyncio.sleep(wait_s)
        limits.take_cancel()
        params = {} if own.venue_id else {self._quirks.cancel_parameter: own.client_id}
        answer = await self._connection.orders.cancel_order(own.venue_id, symbol, params)
        return answer if isinstance(answer, dict) else {}

    async def _cancel_everything(self, symbol: str, venue_ids: list[str]) -> None:
        """In one request where the exchange has one for a pair, else one by one."""
        orders, limits = self._connection.orders, self._connection.limits
        calls = [partial(orders.cancel_order, venue_id, symbol) for venue_id in venue_ids]
        if orders.has.get("cancelAllOrders") is True:
            calls = [partial(orders.cancel_all_orders, symbol)]
        for call in calls:
            limits.take_cancel()
            try:
                await call()
            except ccxt.OrderNotFound:
                continue  # gone meanwhile; what became of ours is asked for afterwards
            except ccxt.BaseError as error:
                raise VenueReadError(f"cancel all of {symbol}: {words(error)}") from error

    async def _confirm_cancel(self, own: OwnOrder) -> None:
        """The exchange took the cancel without saying what became of the order: ask."""
        try:
            row = await self._account.find(own)
        except VenueReadError as error:
            self._tell_cancel_lost(own, str(error))
            return
        if row is None or status_of(row) in (None, OrderStatus.OPEN):
            self._tell_cancel_lost(own, "taken by the exchange, and the order is still to be seen")
        else:
            await self._news.absorb(own, row)

    def _tell_cancel_lost(self, own: OwnOrder, reason: str) -> None:
        if not own.is_ended:
            time_ns = self._scheduler.now_ns()
            self._news.tell(CancelLost(order_id=own.order.id, reason=reason, time_ns=time_ns))
