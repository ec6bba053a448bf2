"""The only door to a venue: what a decision asks for is sent once it is durable, and every outcome is booked."""

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

import msgspec
from msgspec import Struct

from clock import NS_PER_S, Scheduler, monotonic_s
from domain.errors import PayloadError, VenueReadError
from domain.identifiers import OrderId, StrategyName, VenueName
from domain.messages import (
    Acknowledged,
    Cancelled,
    CancelLost,
    ExecutionReport,
    Expired,
    Filled,
    FoundOpen,
    GaveUp,
    Lost,
    NotSent,
    ProvenAbsent,
)
from domain.order import Order, OrderStatus
from domain.records import PayloadRecord, Transaction
from engine import Decision, Engine
from state.orders import NEWS
from storage.store import Store
from telemetry import LatencyRecorder
from venues.base import Prepared, Venue, VenueOrder

ANSWER_TIMEOUT_S = 5
"""Seconds without an answer after which an order, or a cancel, is unknown."""

CLOCK_SKEW_S = 2
VISIBILITY_LAG_S = 5
"""Seconds that a venue may take to show in its reads what it has accepted."""

QUARANTINE_AFTER_S = 120
"""An order without a validity window that no read finds is left to a person after this time."""

GIVEN_UP_FROM = (
    OrderStatus.UNKNOWN,
    OrderStatus.CANCEL_UNKNOWN,
    OrderStatus.OPEN,
    OrderStatus.PARTIALLY_FILLED,
)
UNRESOLVED = (OrderStatus.UNKNOWN, OrderStatus.CANCEL_UNKNOWN, OrderStatus.QUARANTINED)
QUESTIONS_MAX = 500
"""Reads for one order, the later ones half a minute apart; after some four hours only a person can tell."""

HELD_S_MAX = 2
"""Longer, and the order is withdrawn: its validity, from which absence is proven, counts from its acceptance."""

QUERY_DELAYS_S = (1, 2, 4, 8, 15, 30)
RESEND_DELAY_S = 1
SEND_ATTEMPTS_MAX = 3


class Parcel(Struct, frozen=True):
    """A decision with the moment at which it was taken, for the latency figure."""

    decision: Decision
    taken_s: float


class Doubt(Struct):
    """An order, or its cancel, of which nobody knows what became: since when, and how often we asked."""

    since_ns: int
    asked: int = 0


class Executor:
    """First in, first out: commit, check again, send, tell. Nothing is sent or told before its own commit."""

    def __init__(self, *, engine: Engine, store: Store, scheduler: Scheduler, venue: Venue) -> None:
        self.latency = LatencyRecorder()
        self.orders_sent = 0
        self.on_durable: Callable[[Transaction], None] = lambda _: None
        self.on_work: Callable[[], None] = lambda: None
        self.on_news: Callable[[StrategyName, NEWS], None] = lambda _strategy, _news: None
        self._engine = engine
        self._store = store
        self._scheduler = scheduler
        self._venue = venue
        self._outbox: deque[Parcel] = deque()
        self._questions: deque[OrderId] = deque()
        self._doubts: dict[OrderId, Doubt] = {}
        self._held: deque[tuple[Order, float]] = deque()
        self._unfit: dict[OrderId, str] = {}
        venue.connect(self.report)

    @property
    def venue_name(self) -> VenueName:
        """The venue that this executor guards."""
        return self._venue.name

    @property
    def is_idle(self) -> bool:
        """Say whether everything of the present instant is durable, sent and told."""
        return not self._outbox and not self._questions and not self._held

    def take(self, decision: Decision) -> None:
        """Queue a decision behind those taken before it; its records go to the store's writer at once."""
        if decision.transaction is not None:
            self._store.commit(self._with_payloads(decision.transaction, decision.sends))
        if decision.transaction is not None or decision.news:
            self._outbox.append(Parcel(decision, monotonic_s()))
            self.on_work()

    def report(self, report: ExecutionReport) -> None:
        """Book what the venue reported and see to what must follow from it."""
        if isinstance(report, NotSent | Lost) and self._is_past(report):
            return
        self.take(self._engine.apply(report))
        match report:
            case Lost(order_id=order_id) | CancelLost(order_id=order_id):
                self._doubts.setdefault(order_id, Doubt(since_ns=report.time_ns))
                self._ask_later(order_id)
            case NotSent(order_id=order_id):
                self._in_s(RESEND_DELAY_S, partial(self._send_again, order_id))
            case Acknowledged(order_id=order_id) | FoundOpen(order_id=order_id):
                self._doubts.pop(order_id, None)
                self.take(self._engine.cancel_if_unwanted(order_id, time_ns=report.time_ns))
            case Filled(fill=fill):
                self.take(self._engine.cancel_if_unwanted(fill.order_id, time_ns=report.time_ns))
            case _:
                pass

    def _is_past(self, report: NotSent | Lost) -> bool:
        """Say whether a post that failed tells nothing any more: of an order that was withdrawn or waits for its next
        attempt, or a late word that no byte left, of one that somebody has come to doubt or heard of since."""
        order = self._engine.orders.order(report.order_id)
        if order is None:
            return False
        if isinstance(report, NotSent):
            return order.status is not OrderStatus.SENDING
        return order.status in (OrderStatus.ACCEPTED, OrderStatus.ABORTED)

    async def settle(self) -> None:
        """Wait until all that was taken is durable, then send and tell it; ask the venue about what is unknown.

        What is taken meanwhile waits for the next call: it may not be durable yet. Raises StoreError where a
        commit failed: memory is ahead of the disk then and must be discarded.
        """
        await self.flush()
        await self.ask()

    async def flush(self) -> None:
        """Make durable, send and tell what was taken; on live data this never waits for what `ask` reads."""
        taken, held = len(self._outbox), len(self._held)
        await self._store.wait_durable()
        for _ in range(taken):
            parcel = self._outbox.popleft()
            await self._act(parcel.decision, parcel.taken_s)
        for _ in range(held):
            await self._send(*self._held.popleft())

    async def ask(self) -> None:
        """Ask the venue about the unknown orders whose turn it is."""
        for _ in range(len(self._questions)):
            await self._resolve(self._questions.popleft())

    @property
    def has_outbox(self) -> bool:
        """Say whether `flush` has anything to do."""
        return bool(self._outbox or self._held)

    def restore(self, prepared: Iterable[PayloadRecord]) -> None:
        """Take over the working orders of an earlier process: whatever was on its way then is unknown now."""
        payloads = {stored.order_id: stored for stored in prepared}
        for order in list(self._engine.orders.live):
            if (stored := payloads.get(order.id)) is not None:
                venue_id, payload = stored.venue_order_id, stored.payload
                self._venue.remember(
                    order, Prepared(order_id=order.id, venue_order_id=venue_id, payload=payload)
                )
            time_ns, reason = self._scheduler.now_ns(), "the daemon stopped while it was on its way"
            match order.status:
                case OrderStatus.ACCEPTED:
                    self.take(self._engine.withdraw(order, reason=reason, time_ns=time_ns))
                case OrderStatus.SENDING:
                    self.report(Lost(order_id=order.id, reason=reason, time_ns=time_ns))
                case OrderStatus.CANCEL_SENDING:
                    self.report(CancelLost(order_id=order.id, reason=reason, time_ns=time_ns))
                case status if status in UNRESOLVED:
                    self._doubts[order.id] = Doubt(since_ns=order.updated_ns)
                    self._ask_later(order.id)
                case _:
                    pass

    def doubt(self, order_id: OrderId) -> None:
        """Somebody has reason to think that the venue sees this order otherwise than we do: ask about it."""
        if order_id not in self._doubts:
            self._doubts[order_id] = Doubt(since_ns=self._scheduler.now_ns())
            self._ask_now(order_id)

    async def resolve_doubts(self) -> int:
        """Ask about every unknown order now; return how many are still unknown."""
        for order_id in list(self._doubts):
            await self._resolve(order_id)
        return len(self._doubts)

    # --- acting on what is durable ------------------------------------------------------------------

    async def _act(self, decision: Decision, taken_s: float) -> None:
        if decision.transaction is not None:
            self.on_durable(decision.transaction)
        for order in decision.sends:
            await self._send(order, taken_s)
        for order in decision.cancels:
            await self._venue.cancel(order)
            self._in_s(ANSWER_TIMEOUT_S, partial(self._note_silence, order))
        for wish in decision.redemptions:
            await self._venue.redeem(
                strategy=wish.strategy, instrument_id=wish.instrument_id, quantity=wish.quantity
            )
        for conversion in decision.conversions:
            await self._venue.convert(conversion)
        for strategy, news in decision.news:
            self.on_news(strategy, news)

    async def _send(self, order: Order, taken_s: float) -> None:
        """Check again what may have changed since the step, then let the first byte leave."""
        present = self._engine.orders.order(order.id)
        if present is None or present.status is not OrderStatus.SENDING:
            return  # it ended, or is in doubt, before its turn came: whatever it is, it is not sent now
        time_ns = self._scheduler.now_ns()
        if reason := self._engine.orders.reason_to_withdraw(order, time_ns=time_ns):
            self.take(self._engine.withdraw(order, reason=reason, time_ns=time_ns))
            return
        if reason := self._unfit.pop(order.id, ""):
            self.take(self._engine.withdraw(order, reason=reason, time_ns=time_ns))
            return
        if (wait_s := self._venue.wait_s(order)) > 0:
            if monotonic_s() - taken_s + wait_s > HELD_S_MAX:
                reason = (
                    f"the venue's limits would hold it for {wait_s:.1f} s: what was decided is old by then"
                )
                self.take(self._engine.withdraw(order, reason=reason, time_ns=time_ns))
                return
            self._in_s(wait_s, partial(self._hold, order, taken_s))
            return
        self.latency.add(monotonic_s() - taken_s)
        self.orders_sent += 1
        await self._venue.send(order)
        self._in_s(ANSWER_TIMEOUT_S, partial(self._note_silence, order))

    def _hold(self, order: Order, taken_s: float) -> None:
        """The venue's limit has let go: the order is checked once more and leaves."""
        self._held.append((order, taken_s))
        self.on_work()

    def _with_payloads(self, transaction: Transaction, sends: Iterable[Order]) -> Transaction:
        """Add what the venue prepares to the transaction that must be durable before the first byte."""
        records = []
        for order in sends:
            try:
                prepared = self._venue.prepare(order) if order.attempts == 1 else None
            except PayloadError as error:
                self._unfit[order.id] = str(error)
                continue
            if prepared:
                venue_id, payload = prepared.venue_order_id, prepared.payload
                records.append(PayloadRecord(order_id=order.id, venue_order_id=venue_id, payload=payload))
        if not records:
            return transaction
        return msgspec.structs.replace(transaction, records=(*transaction.records, *records))

    def _note_silence(self, sent: Order) -> None:
        """A time-out never means failure: an order that still waits for the answer to this attempt becomes unknown."""
        order_id, status = sent.id, sent.status
        order = self._engine.orders.order(order_id)
        if order is None or order.status is not status or order.attempts != sent.attempts:
            return
        time_ns, reason = self._scheduler.now_ns(), f"no answer within {ANSWER_TIMEOUT_S} s"
        if status is OrderStatus.SENDING:
            self.report(Lost(order_id=order_id, reason=reason, time_ns=time_ns))
        else:
            self.report(CancelLost(order_id=order_id, reason=reason, time_ns=time_ns))

    def _send_again(self, order_id: OrderId) -> None:
        """Proven that no byte arrived: the same payload goes again, a bounded number of times."""
        order = self._engine.orders.order(order_id)
        if order is None or order.status is not OrderStatus.ACCEPTED:
            return
        time_ns = self._scheduler.now_ns()
        if order.attempts >= SEND_ATTEMPTS_MAX:
            reason = f"not sent after {order.attempts} attempts"
            self.take(self._engine.withdraw(order, reason=reason, time_ns=time_ns))
        else:
            self.take(self._engine.send_again(order, time_ns=time_ns))

    # --- resolving what is unknown ------------------------------------------------------------------

    def _doubtful(self, order_id: OrderId) -> Order | None:
        """The order, as long as nobody knows what became of it; a fill alone does not say what the rest does."""
        order = self._engine.orders.order(order_id)
        if order is None or order.is_done:
            self._doubts.pop(order_id, None)
        return order if order_id in self._doubts else None

    def _ask_later(self, order_id: OrderId) -> None:
        if self._doubtful(order_id) is None:
            return
        doubt = self._doubts[order_id]
        if doubt.asked >= QUESTIONS_MAX:
            return
        delay_s = QUERY_DELAYS_S[min(doubt.asked, len(QUERY_DELAYS_S) - 1)]
        doubt.asked += 1
        self._in_s(delay_s, partial(self._ask_now, order_id))

    def _ask_now(self, order_id: OrderId) -> None:
        self._questions.append(order_id)
        self.on_work()

    async def _resolve(self, order_id: OrderId) -> None:
        """Read by id, read what is open, read the trades; adopt what is found, and prove what is absent."""
        order = self._doubtful(order_id)
        if order is None:
            return
        try:
            found = await self._venue.find_order(order)
            listed = [other for other in await self._venue.open_orders() if other.order_id == order_id]
            fills = await self._venue.fills_since(order.created_ns - CLOCK_SKEW_S * NS_PER_S)
        except VenueReadError:
            self._ask_later(order_id)
            return
        news = [f for f in fills if f.order_id == order_id and not self._engine.orders.portfolio.has_seen(f)]
        for fill in news:
            self.report(Filled(fill=fill, time_ns=self._scheduler.now_ns()))
        order = self._doubtful(order_id)
        if order is not None:
            if found or listed:
                self._adopt(order, found or listed[0])
            elif not news:
                self._consider_absence(order)
        self._ask_later(order_id)

    def _adopt(self, order: Order, found: VenueOrder) -> None:
        """Take over the venue's state; what is filled came with the trades, and a part fill says that it is open."""
        time_ns, reason = self._scheduler.now_ns(), "found by a query"
        match found.status:
            case OrderStatus.OPEN if order.status in UNRESOLVED:
                wants_cancel = order.status is OrderStatus.CANCEL_UNKNOWN
                self.report(FoundOpen(order_id=order.id, time_ns=time_ns))
                if wants_cancel:
                    self.take(self._engine.cancel_again(order, time_ns=time_ns))
            case OrderStatus.OPEN:
                self._doubts.pop(order.id, None)
                self.take(self._engine.cancel_if_unwanted(order.id, time_ns=time_ns))
            case OrderStatus.CANCELLED:
                self.report(Cancelled(order_id=order.id, reason=reason, time_ns=time_ns))
            case OrderStatus.EXPIRED:
                self.report(Expired(order_id=order.id, time_ns=time_ns))
            case _:
                pass

    def _consider_absence(self, order: Order) -> None:
        """Not found is proof only when the payload can no longer execute and the reads agree; else keep asking."""
        time_ns = self._scheduler.now_ns()
        if self._engine.market.instrument(order.instrument_id) is None:
            self._report_absent(order, time_ns)  # its market has resolved: nothing of it can execute any more
            return
        if order.valid_until_ns is not None:
            proven_ns = order.valid_until_ns + (CLOCK_SKEW_S + VISIBILITY_LAG_S) * NS_PER_S
            if time_ns > proven_ns:
                self._report_absent(order, time_ns)
            return
        is_overdue = time_ns > self._doubts[order.id].since_ns + QUARANTINE_AFTER_S * NS_PER_S
        if is_overdue and order.status in GIVEN_UP_FROM:
            reason = f"not found for {QUARANTINE_AFTER_S} s, and it has no end of validity: a person decides"
            self.report(GaveUp(order_id=order.id, reason=reason, time_ns=time_ns))

    def _report_absent(self, order: Order, time_ns: int) -> None:
        """Of an order that was filled in part, it is the rest that is proven to be gone."""
        reason = "its validity has passed, and neither orders nor trades know it"
        if order.status in UNRESOLVED:
            self.report(ProvenAbsent(order_id=order.id, reason=reason, time_ns=time_ns))
        else:
            self.report(Cancelled(order_id=order.id, reason=reason, time_ns=time_ns))

    def _in_s(self, delay_s: float, callback: Callable[[], None]) -> None:
        self._scheduler.call_at(self._scheduler.now_ns() + int(delay_s * NS_PER_S), callback)
