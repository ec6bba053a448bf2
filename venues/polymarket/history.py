"""What reads say about our orders and trades: lookups for the executor, and the copy of the streams that REST is."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from decimal import Decimal

from clock import NS_PER_S
from domain.errors import VenueReadError
from domain.identifiers import MarketId, OrderId, TradeId, VenueName
from domain.instrument import CENT
from domain.messages import Fill
from domain.money import ZERO
from domain.order import Order, OrderStatus, TimeInForce
from telemetry import fields
from venues.base import VenueOrder
from venues.polymarket.clob import Clob
from venues.polymarket.executions import foreign_fill
from venues.polymarket.terms import TermsBook, terms_of_market, wire_id
from venues.polymarket.tracking import Tracked, Tracker
from venues.polymarket.wire import OrderRow, OrderState, TradeRow, TradeStatus, WireError

POLL_EVERY_S = 15
SETTLES_WITHIN_S = 600
"""Trades that are not final after this time are read one by one, and seldom: the venue may never end them."""

SLOW_POLLS = 20
"""Every so many polls those are looked at."""

GAP_ATTEMPTS = 6
OVERLAP_S = 5
"""Seconds before a moment that reads start from: the venue counts in whole ones, and its clock is not ours."""

log = logging.getLogger(__name__)


class History:
    """Reads of one account, in the words of the domain; what they bring that is news goes to `on_row`."""

    def __init__(
        self,
        clob: Clob,
        *,
        tracker: Tracker,
        terms: TermsBook,
        venue: VenueName,
        owns: Callable[[str], bool],
        now_ns: Callable[[], int],
    ) -> None:
        self.on_row: Callable[[TradeRow], None] = lambda _: None
        self._clob = clob
        self._tracker = tracker
        self._terms = terms
        self._venue = venue
        self._owns = owns
        self._now_ns = now_ns
        self._watched: dict[TradeId, int] = {}
        self._polls = 0

    async def find(self, tracked: Tracked) -> VenueOrder | None:
        """Look one of our orders up; raises VenueReadError where it has ended and its trades do not show it yet."""
        row = await self._clob.order(tracked.prepared.venue_order_id)
        if row is None:
            return None
        if row.state is OrderState.OPEN:
            return VenueOrder(
                order_id=tracked.order.id, status=OrderStatus.OPEN, filled_quantity=row.matched_quantity
            )
        filled = (
            await self._filled(tracked, row)
            if row.matched_quantity or row.state is OrderState.MATCHED
            else ZERO
        )
        status = ended_status(row, filled=filled, order=tracked.order)
        return VenueOrder(order_id=tracked.order.id, status=status, filled_quantity=filled)

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """Everything that rests for this account; what is not ours has the venue's id."""
        return tuple(self.seen(row) for row in await self._clob.open_orders())

    def seen(self, row: OrderRow) -> VenueOrder:
        """A row of the list of open orders."""
        tracked = self._tracker.of_venue(row.id)
        order_id = tracked.order.id if tracked else OrderId(row.id)
        return VenueOrder(order_id=order_id, status=OrderStatus.OPEN, filled_quantity=row.matched_quantity)

    async def fills_since(self, time_ns: int) -> tuple[Fill, ...]:
        """Our fills from then on, with those of orders that we do not know; settlements follow as reports."""
        fills: list[Fill] = []
        for row in await self._clob.trades(after_s=max(0, time_ns // NS_PER_S - 1)):
            if self._tracker.is_ours(row) and not self._tracker.is_final(row):
                self.watch(TradeId(row.id), row.matched_ns)
            if self._tracker.lacks_terms(row):
                await self.learn_terms(row.condition_id)
            fills += self._fills(row)
        return tuple(fills)

    def watch(self, trade_id: TradeId, matched_ns: int) -> None:
        """Read this trade until it is final, and tell what it comes to."""
        self._watched[trade_id] = matched_ns

    async def learn_terms(self, condition_id: str) -> None:
        """Read the terms of a market that was never listed here: an earlier process traded it."""
        try:
            for terms in terms_of_market(await self._clob.market(condition_id), MarketId(condition_id)):
                if self._terms.of_token(terms.token_id) is None:
                    self._terms.learn(terms)
        except WireError as error:
            raise VenueReadError(str(error)) from error

    async def poll(self) -> None:
        """Read again what is not final, for ever: settlements that the stream did not tell are told."""
        while True:
            await asyncio.sleep(POLL_EVERY_S)
            try:
                await self.read_unsettled()
            except VenueReadError as error:
                log.warning("settlements could not be read", extra=fields(reason=str(error)))

    async def read_unsettled(self) -> None:
        """Read the trades that are not final once; young ones together, old ones by their id and seldom."""
        self._polls += 1
        waiting = dict(self._watched) | {item.trade_id: item.matched_ns for item in self._tracker.unsettled()}
        if not waiting:
            return
        young_from_ns = self._now_ns() - SETTLES_WITHIN_S * NS_PER_S
        young = [matched_ns for matched_ns in waiting.values() if matched_ns >= young_from_ns]
        if young:
            for row in await self._clob.trades(after_s=max(0, min(young) // NS_PER_S - OVERLAP_S)):
                self._hear(row)
        if self._polls % SLOW_POLLS == 0:
            for trade_id in [key for key, matched_ns in waiting.items() if matched_ns < young_from_ns]:
                for row in await self._clob.trades(trade_id=trade_id):
                    self._hear(row)

    async def catch_up(self, since_ns: int) -> list[Tracked]:
        """After a gap in the user stream: hear all trades since, and return our orders that do not rest any more.

        Raises VenueReadError after some attempts; the periodic reconciliation goes on from there.
        """
        for attempt in range(1, GAP_ATTEMPTS + 1):
            try:
                for row in await self._clob.trades(after_s=max(0, since_ns // NS_PER_S - OVERLAP_S)):
                    self._hear(row)
                resting = {row.id for row in await self._clob.open_orders()}
                break
            except VenueReadError:
                if attempt == GAP_ATTEMPTS:
                    raise
                await asyncio.sleep(attempt)
        else:
            raise AssertionError("the last attempt returns or raises")
        live = (tracked for tracked in self._tracker.live() if tracked.is_answered)
        return [tracked for tracked in live if tracked.prepared.venue_order_id not in resting]

    def _hear(self, row: TradeRow) -> None:
        if row.status.is_final:
            self._watched.pop(TradeId(row.id), None)
        self.on_row(row)

    async def _filled(self, tracked: Tracked, row: OrderRow) -> Decimal:
        """Shares of an ended order, by its trades, once they account for what the row says has matched."""
        after_s = tracked.order.created_ns // NS_PER_S - OVERLAP_S
        trades = await self._clob.trades(after_s=after_s, condition_id=wire_id(tracked.order.market_id))
        parts = [
            part
            for trade in trades
            for part in self._tracker.parts_of(trade)
            if part.venue_order_id == tracked.prepared.venue_order_id
        ]
        shares = sum((part.quantity for part in parts), ZERO)
        money = sum((part.quantity * part.price for part in parts), ZERO)
        is_money = tracked.order.time_in_force.is_immediate and row.matched_quantity != shares
        if (money if is_money else shares) < row.matched_quantity - CENT or not parts:
            words = f"{row.matched_quantity} matched, trades of {shares} shares are visible"
            raise VenueReadError(f"order {tracked.order.id}: {words}")
        return shares

    def _fills(self, row: TradeRow) -> Iterable[Fill]:
        """Our fills of a trade; of orders that are not known, those that the venue books on this account."""
        for part in self._tracker.parts_of(row):
            tracked = self._tracker.of_venue(part.venue_order_id)
            if tracked:
                fill = self._tracker.fill(tracked, part, row)
                if fill:
                    yield fill
            elif row.status is not TradeStatus.FAILED and self._is_own(part.venue_order_id, row):
                terms = self._terms.of_token(part.token_id)
                yield foreign_fill(part, row, terms=terms, venue=self._venue)

    def _is_own(self, venue_order_id: str, row: TradeRow) -> bool:
        if venue_order_id == row.taker_order_id:
            return not row.is_ours_as_maker
        makers = (part for part in row.makers if part.order_id == venue_order_id)
        return any(self._owns(part.owner) or self._owns(part.address) for part in makers)


def ended_status(row: OrderRow, *, filled: Decimal, order: Order) -> OrderStatus:
    """How an ended order ended: what did not fill of it is gone, whatever word the venue has for that."""
    if filled >= order.quantity:
        return OrderStatus.FILLED
    if row.state is OrderState.EXPIRED:
        return OrderStatus.EXPIRED
    is_timed = order.time_in_force is TimeInForce.GTD and "EXPIRED" in row.words.upper()
    return OrderStatus.EXPIRED if is_timed else OrderStatus.CANCELLED
