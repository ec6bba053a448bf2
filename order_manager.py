"""Our orders: an intent becomes a denial or an order, a report the next state. Synchronous, no clock, no I/O."""

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

import msgspec

from clock import NS_PER_S
from config import Limits
from domain import identifiers
from domain.drafting import Author, draft_order
from domain.identifiers import InstrumentId, IntentId, OrderId, SessionId, StrategyName, VenueName
from domain.instrument import Side
from domain.messages import ExecutionReport
from domain.money import ZERO, is_amount
from domain.order import Intent, Order, OrderEvent, OrderStatus
from domain.records import OrderRecord, Record, TransferRecord
from domain.remembered import Remembered
from risk.candidate import Candidate, Verdict
from risk.controls import DUPLICATE_INTENT, evaluate
from risk.throttle import Throttle
from state.executions import Executions, line_of
from state.holdings import worst_case
from state.market import MarketData
from state.orders import NEWS, Orders
from state.portfolio import Portfolio
from state.positions import arrow_record, reservation_record
from state.restoring import restore_portfolio

CANCELLABLE = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED, OrderStatus.CANCEL_UNKNOWN)
NOT_YET_CANCELLABLE = (OrderStatus.ACCEPTED, OrderStatus.SENDING, OrderStatus.UNKNOWN)


class Placed(NamedTuple):
    """The intent became this order."""

    order: Order


class Denied(NamedTuple):
    """A control refused; it is the last of the verdicts."""

    verdict: Verdict


class Duplicate(NamedTuple):
    """The intent is this order already; None where it ended so long ago that only the store remembers it."""

    order: Order | None


class OrderManager:
    """All orders of a session, live and ended; every change appends its records to the journal it is given."""

    def __init__(
        self, *, session: SessionId, seed: int, venue: VenueName, limits: Limits, market: MarketData
    ) -> None:
        self.portfolio = Portfolio(session=session, venue=venue)
        self.executions = Executions(window_s=limits.executions_window_s)
        self.is_draining = False
        self.allowed: frozenset[InstrumentId] | None = None
        self.gate = ""
        self.venue_denial: Callable[[Order], str | None] = lambda _: None
        self.valid_until: Callable[[Order], int | None] = lambda _: None
        self._session = session
        self._seed = seed
        self._venue = venue
        self._limits = limits
        self._market = market
        self._by_intent: dict[IntentId, OrderId] = {}
        self._orders = Orders(market=market, portfolio=self.portfolio, executions=self.executions)
        self.live = self._orders.live
        self.throttle = Throttle(per_minute=limits.orders_per_minute, burst=limits.orders_burst)

    def order(self, order_id: OrderId) -> Order | None:
        """The order in its present state; None where it was never ours (or ended long ago)."""
        return self._orders.get(order_id)

    def restore(self, remembered: Remembered) -> None:
        """Stand where an earlier process stood; what control 12 and 13 counted lately is counted again."""
        instruments = {i.id: i for market in remembered.markets for i in market.instruments}
        restore_portfolio(self.portfolio, remembered, instruments)
        self._orders.restore(remembered.orders)
        self._by_intent.update(remembered.intents)
        for order_id, time_ns in reversed(remembered.executed):
            if order := self.order(order_id):
                self.executions.note(line_of(order), time_ns=time_ns)
        for order in remembered.orders:
            self.throttle.of(order.strategy).note(order.created_ns)

    def apply(self, report: ExecutionReport, journal: list[Record]) -> list[NEWS]:
        """Book what a venue reported and return what the strategies hear of it once it is durable."""
        return self._orders.apply(report, journal)

    # --- intent → denial or order -------------------------------------------------------------------

    def place(
        self, intent: Intent, *, strategy: StrategyName, time_ns: int, journal: list[Record]
    ) -> Placed | Denied | Duplicate:
        """Check, reserve and accept in one step; nothing is journalled for a denial or a repeat."""
        intent_id = identifiers.intent_id(
            session=self._session, strategy=strategy, signal_key=intent.signal_key, leg=intent.leg
        )
        first_id = self._by_intent.get(intent_id)
        first = self.order(first_id) if first_id else None
        is_retry = first is not None and first.status is OrderStatus.DEAD
        draft = draft_order(
            intent,
            Author(session=self._session, seed=self._seed, strategy=strategy, venue=self._venue),
            market_id=self._market.market_of(intent.instrument_id),
            generation=first.generation + 1 if is_retry and first else 1,
            time_ns=time_ns,
        )
        verdicts = evaluate(self._candidate(intent, draft, None if is_retry else first_id))
        if verdicts[-1].passed:
            return Placed(self._accept(draft, verdicts, journal))
        return Duplicate(first) if verdicts[-1].control == DUPLICATE_INTENT else Denied(verdicts[-1])

    def _candidate(self, intent: Intent, draft: Order, first_order_id: OrderId | None) -> Candidate:
        instrument = self._market.instrument(intent.instrument_id)
        market = self._market.markets.get(instrument.market_id) if instrument else None
        is_number = is_amount(intent.quantity) and is_amount(intent.price)
        return Candidate(
            intent=intent,
            instrument=instrument,
            order_id=draft.id,
            time_ns=draft.created_ns,
            limits=self._limits,
            allowed=self.allowed,
            book=self._market.books.get(intent.instrument_id),
            venue_denial=self.gate or self.venue_denial(draft),
            feed_break=self._market.breaks.get(intent.instrument_id),
            closes_ns=market.closes_ns if market else None,
            first_order_id=first_order_id,
            order_id_is_used=first_order_id is None and self.order(draft.id) is not None,
            unknown_order_id=self.live.doubtful_like(draft),
            unknown_orders=self.live.doubtful_count,
            open_orders=len(self.live),
            own_open_orders=self.live.count_of(draft.strategy),
            sharers=self.throttle.sharers,
            executions=self.executions.count(line_of(draft), time_ns=draft.created_ns),
            worst_case=worst_case(draft, instrument)[1] if instrument and is_number else ZERO,
            available=self.portfolio.available(
                intent.side, strategy=draft.strategy, instrument_id=intent.instrument_id
            ),
            exposure_after=self._exposure_after(intent) if is_number else ZERO,
            committed=self.portfolio.committed,
            crossing_order_id=self.live.crossing(intent, instrument) if instrument and is_number else None,
            tokens=self.throttle.of(draft.strategy).tokens(draft.created_ns),
            retry_at_ns=self.throttle.of(draft.strategy).retry_at_ns(draft.created_ns),
            is_draining=self.is_draining,
        )

    def _exposure_after(self, intent: Intent) -> Decimal:
        """Shares of the wallet, with what open and unknown orders of the same side and this intent may add."""
        working = self.live.leaves(intent.instrument_id, intent.side) + intent.quantity
        return self.portfolio.held.get(intent.instrument_id, ZERO) + (
            working if intent.side is Side.BUY else -working
        )

    def _accept(self, draft: Order, verdicts: list[Verdict], journal: list[Record]) -> Order:
        """Reserve and store; acceptance and sending share one transaction, so one commit precedes the first byte."""
        self.throttle.of(draft.strategy).take(draft.created_ns)
        instrument = self._market.instrument(draft.instrument_id)
        assert instrument is not None, "control 26 has let an unlisted instrument pass"
        transfer = self.portfolio.reserve(draft, instrument)
        journal.append(arrow_record(draft, None, None, msgspec.json.encode(verdicts).decode()))
        draft = msgspec.structs.replace(draft, valid_until_ns=self.valid_until(draft))
        order = draft.after(OrderEvent.SEND, time_ns=draft.created_ns)
        journal.append(arrow_record(order, OrderEvent.SEND, draft.status, f"attempt {order.attempts}"))
        journal.append(OrderRecord(order=order))
        journal.append(TransferRecord(transfer=transfer))
        journal.append(reservation_record(self.portfolio.reservations[order.id]))
        self._by_intent[order.intent_id] = order.id
        self.live.put(order)
        return order

    # --- what we do to an order ---------------------------------------------------------------------

    def withdraw(self, order_id: OrderId, *, reason: str, time_ns: int, journal: list[Record]) -> list[NEWS]:
        """End an order of which no byte has left."""
        return self._orders.move(order_id, OrderEvent.ABORT, time_ns, reason, journal)

    def reason_to_withdraw(self, order: Order, *, time_ns: int) -> str | None:
        """Say why the order must not leave after all; asked when it is durable, just before its first byte."""
        if self.is_draining:
            return "the daemon is stopping"
        if self.gate:
            return self.gate
        if self._market.instrument(order.instrument_id) is None:
            return "the market has resolved"
        if reason := self._market.breaks.get(order.instrument_id):
            return f"the feed broke before the order left: {reason}"
        book, age_s_max = self._market.books.get(order.instrument_id), self._limits.book_age_s_max
        is_stale = book is None or age_s_max is None or time_ns - book.time_ns > age_s_max * NS_PER_S
        return "the book went stale before the order left" if is_stale and order.side is Side.BUY else None

    def take_unwanted(self, order_id: OrderId) -> Order | None:
        """The order, where a cancel was wanted while it could not be cancelled yet and it can be now."""
        order = self.live.get(order_id)
        if order is None or order.status not in CANCELLABLE or order_id not in self._orders.unwanted:
            return None
        self._orders.unwanted.discard(order_id)
        return order

    def send_again(self, order_id: OrderId, *, time_ns: int, journal: list[Record]) -> Order:
        """Note another attempt with the very same payload, durable before its first byte; its validity starts anew."""
        order = self._orders.known(order_id)
        self.live.put(msgspec.structs.replace(order, valid_until_ns=self.valid_until(order)))
        self._orders.move(order_id, OrderEvent.SEND, time_ns, "the same payload again", journal)
        return self._orders.known(order_id)

    def request_cancel(
        self, order_id: OrderId, *, reason: str, time_ns: int, journal: list[Record]
    ) -> Order | None:
        """Note that a cancel goes out; None where the order has ended, is being cancelled, or is still on its way:
        then it is remembered and cancelled on arrival."""
        order = self.live.get(order_id)
        if order is not None and order.status in NOT_YET_CANCELLABLE:
            self._orders.unwanted.add(order_id)
        if order is None or order.status not in CANCELLABLE:
            return None
        self._orders.move(order_id, OrderEvent.CANCEL_SEND, time_ns, reason, journal)
        return self._orders.known(order_id)
