"""What happened to our orders at an exchange, from answers, streams and polls: reported once, trades before endings."""

import asyncio
import logging
from typing import Any

from clock import NS_PER_S, Scheduler
from domain.errors import VenueReadError
from domain.identifiers import VenueName
from domain.messages import (
    Cancelled,
    ExecutionReport,
    Expired,
    Fill,
    Filled,
    Settlement,
    SettlementReported,
)
from domain.money import ZERO
from domain.order import OrderStatus
from venues.base import ReportSink
from venues.exchange.account import Account
from venues.exchange.own_orders import OwnOrder
from venues.exchange.reads import Rows
from venues.exchange.translation import filled_of, status_of

FOLLOW_UP_DELAYS_S = (0.0, 0.25, 1.0, 3.0)
"""When the trades of an order are read until they explain its filled quantity: some exchanges show them late."""

LOOK_BACK_S = 20
"""Trades of an order are read from so long before its creation: the clocks differ."""

STATES_PER_POLL_MAX = 20
CANCELLED_THERE = "cancelled at the exchange"
CANCELLED_BY_US = "cancelled on request"
REST_KILLED = "the rest of an immediate order is killed"
ENDED = (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED)

log = logging.getLogger("venues.exchange")


class News:
    """Tells the sink; a fill is known by its trade, never by a status, and is final at once."""

    def __init__(self, account: Account, *, venue: VenueName, scheduler: Scheduler) -> None:
        self.broken_rows = 0
        """Trades of streams and answers that could not be understood: the polls will bring them again."""
        self._account = account
        self._orders = account.orders
        self._venue = venue
        self._scheduler = scheduler
        self._sink: ReportSink | None = None

    def connect(self, sink: ReportSink) -> None:
        """Say where reports go; called once."""
        assert self._sink is None, "the exchange is connected already"
        self._sink = sink

    def tell(self, report: ExecutionReport) -> None:
        """Hand one report over."""
        assert self._sink is not None, "the exchange is used before connect()"
        self._sink(report)

    def tell_fills(self, fills: tuple[Fill, ...]) -> None:
        """Report those of our fills that were not reported before, each settled at once."""
        for fill in fills:
            own = self._orders.get(fill.order_id)
            key = (fill.instrument_id, fill.trade_id, fill.order_id)
            if own is None or not self._orders.is_new_fill(key):
                continue
            own.reported_quantity += fill.quantity
            time_ns = self._scheduler.now_ns()
            settled = SettlementReported(
                venue=self._venue,
                instrument_id=fill.instrument_id,
                trade_id=fill.trade_id,
                order_id=fill.order_id,
                settlement=Settlement.SETTLED,
                time_ns=time_ns,
            )
            self.tell(Filled(fill=fill, time_ns=time_ns))
            self.tell(settled)

    def take_trades(self, trades: Rows) -> None:
        """Take rows of a stream or an answer: fills of known orders are reported, others wait for the next poll."""
        for trade in trades:
            if self._orders.of_trade(trade) is None:
                continue
            try:
                fill = self._account.fill(trade)
            except VenueReadError as error:
                self.broken_rows += 1
                log.warning("a trade that could not be read: %s", error)
            else:
                self.tell_fills((fill,) if fill else ())

    def has_ended(self, row: dict[str, Any]) -> OwnOrder | None:
        """Whose order a row shows to have ended, where that has not been reported yet."""
        own = self._orders.of_row(row)
        return own if own is not None and not own.is_ended and status_of(row) in ENDED else None

    async def poll(self, since_ns: int) -> None:
        """The drop copy: report fills from `since_ns` on, and what became of orders that rest no more.

        Raises VenueReadError where a read failed.
        """
        self.tell_fills(await self._account.fills_since(since_ns))
        resting = {str(row.get("id")) for row in await self._account.open_orders()}
        gone = [own for own in self._orders.live() if own.venue_id not in resting]
        for own in gone[:STATES_PER_POLL_MAX]:
            row = await self._account.find(own)
            if row is not None:
                await self.absorb(own, row)

    async def absorb(self, own: OwnOrder, row: dict[str, Any]) -> None:
        """Report what an order's state shows, its trades first; wait for trades that are still to be shown."""
        is_immediate = own.order.time_in_force.is_immediate
        self.take_trades(_whole(own, row))
        for delay_s in FOLLOW_UP_DELAYS_S:
            status = status_of(row, is_immediate=is_immediate)
            is_explained = own.reported_quantity >= (filled_of(row) or ZERO)
            is_due = is_immediate and status in (None, OrderStatus.OPEN)
            if is_explained and not is_due:
                break
            await asyncio.sleep(delay_s)
            row = await self._reread(own, row, needs_state=is_due)
        self._tell_ending(own, status_of(row, is_immediate=is_immediate))

    async def _reread(self, own: OwnOrder, row: dict[str, Any], *, needs_state: bool) -> dict[str, Any]:
        """Read the order's state where that is not known, and its trades; a failed read leaves it to the next."""
        since_ns = own.order.created_ns - LOOK_BACK_S * NS_PER_S
        try:
            seen = await self._account.find(own) if needs_state else None
            self.tell_fills(await self._account.fills_since(since_ns))
        except VenueReadError as error:
            log.info("what became of %s could not be read: %s", own.order.id, error)
            return row
        return seen or row

    def _tell_ending(self, own: OwnOrder, status: OrderStatus | None) -> None:
        if own.is_ended or status not in ENDED:
            return
        own.is_ended = True
        time_ns = self._scheduler.now_ns()
        if status is OrderStatus.CANCELLED:
            self.tell(Cancelled(order_id=own.order.id, reason=_reason(own), time_ns=time_ns))
        elif status is OrderStatus.EXPIRED:
            self.tell(Expired(order_id=own.order.id, time_ns=time_ns))


def _reason(own: OwnOrder) -> str:
    if own.is_cancel_wanted:
        return CANCELLED_BY_US
    return REST_KILLED if own.order.time_in_force.is_immediate else CANCELLED_THERE


def _whole(own: OwnOrder, row: dict[str, Any]) -> Rows:
    """Trades inside an order's answer, with what they leave to the order around them."""
    around = {"order": own.venue_id, "side": own.order.side.lower(), "symbol": row.get("symbol")}
    time = {"timestamp": row.get("timestamp")}
    return [
        {**time, **{k: v for k, v in t.items() if v is not None}, **around} for t in row.get("trades") or []
    ]
