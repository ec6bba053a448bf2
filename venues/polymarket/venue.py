"""Polymarket as a venue: orders signed here and sent over our own connections, what became of them as reports.

prepare ─ sign ─► stored (executor) ─► send ─► POST in its own task ─► verdict ─► tracker ─► Acknowledged, Rejected …
user stream, reads ─► rows ─► tracker ─► Filled, SettlementReported, Cancelled …: each once, fills before ends
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from decimal import Decimal
from functools import partial

from clock import NS_PER_S, Scheduler
from domain.conversions import Conversion, SetConverted
from domain.errors import PayloadError, VenueReadError
from domain.identifiers import InstrumentId, StrategyName, VenueName
from domain.messages import CancelLost, ExecutionReport, Fill, MarketEvent, NotSent, Redeemed
from domain.money import ZERO
from domain.order import Order, TimeInForce
from telemetry import fields
from venues.base import ClientIdClass, Prepared, ReportSink, VenueBalance, VenueOrder
from venues.polymarket.clob import BATCH_MAX
from venues.polymarket.outcomes import Outcome, Verdict, of_failure
from venues.polymarket.payload import amounts_of
from venues.polymarket.session import Session
from venues.polymarket.tracking import Tracked, Tracker
from venues.polymarket.user_messages import UserMessages
from venues.polymarket.wire import OrderRow, OrderState, TradeRow

IN_FLIGHT_S = 60
"""Seconds that a FOK or FAK may still reach the book after we gave up: others saw up to 40."""

DOUBT_AFTER_S = 1
"""Seconds that the streams get to tell what an answer left open, before it is asked for."""

CANCEL_ALL_ATTEMPTS = 3

log = logging.getLogger(__name__)


class PolymarketVenue:
    """A `Venue`. `open` connects and authenticates, `run` owns every task; until both, nothing is sent."""

    name = VenueName("polymarket")
    client_id_class = ClientIdClass.UNIQUE_FOREVER

    def __init__(self, session: Session, *, scheduler: Scheduler) -> None:
        self.user_messages = UserMessages()
        self._session = session
        self._scheduler = scheduler
        self._sink: ReportSink | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._stopping = asyncio.Event()
        self._tracker = Tracker(venue=self.name, terms=session.terms, now_ns=scheduler.now_ns)
        self._history = session.history(self._tracker, venue=self.name, now_ns=scheduler.now_ns)
        self._history.on_row = self.on_user_event
        session.on_expired = self._doubt_all

    # --- life ---------------------------------------------------------------------------------------

    def connect(self, sink: ReportSink) -> None:
        """Say where reports go; called once, before anything is sent."""
        assert self._sink is None, "the venue is connected already"
        self._sink = sink

    async def open(self) -> None:
        """Connect, authenticate, check our signatures and the protocol's version, and arm the dead-man's switch.

        Raises ConfigurationError where any of these says that no order may be sent, VenueReadError where the venue
        cannot be reached.
        """
        await self._session.open()

    async def run(self) -> None:
        """Own all tasks until `stop`: signs of life, warm connections, settlements, and every request under way."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            background = [
                tasks.create_task(self._session.run_heartbeat(), name="polymarket heartbeat"),
                tasks.create_task(self._session.keep_warm(), name="polymarket keep warm"),
                tasks.create_task(self._history.poll(), name="polymarket settlements"),
            ]
            await self._stopping.wait()
            for task in background:
                task.cancel()
        self._tasks = None

    def stop(self) -> None:
        """End `run` when what is under way is answered. Ten seconds later the venue cancels what still rests."""
        self._stopping.set()

    async def close(self) -> None:
        """Close the connections; after `run` has ended."""
        await self._session.close()

    # --- before an order is sent --------------------------------------------------------------------

    def on_market(self, event: MarketEvent) -> None:
        """Learn ticks, fees and payouts from the same events that the strategies hear."""
        self._session.terms.on_market(event)

    def is_ready(self) -> str | None:
        """Why nothing may be opened now (control 16); None where nothing is known against it."""
        if self._tasks is None or self._stopping.is_set():
            return "the venue's session does not run"
        return self._session.reason()

    def denial(self, order: Order) -> str | None:
        """Why this order would not be taken now: the session, the market, or the grid of prices and amounts."""
        if reason := self.is_ready():
            return reason
        terms = self._session.terms.of(order.instrument_id)
        if terms is None:
            return f"instrument {order.instrument_id} was not listed here"
        try:
            amounts_of(order, terms.tick_size)
        except PayloadError as error:
            return str(error)
        return None

    def valid_until_ns(self, order: Order) -> int | None:
        """When an order sent now can no longer execute; a GTD order really ends a minute before it says so."""
        if order.time_in_force.is_immediate:
            return self._scheduler.now_ns() + IN_FLIGHT_S * NS_PER_S
        return order.expires_ns if order.time_in_force is TimeInForce.GTD else None

    def prepare(self, order: Order) -> Prepared:
        """Sign the order; the id is the digest that the venue will know it by. Raises PayloadError."""
        terms = self._session.terms.of(order.instrument_id)
        if terms is None:
            raise PayloadError(f"instrument {order.instrument_id} was not listed here")
        prepared = self._session.payloads.prepare(order, terms)
        self._tracker.add(order, prepared)
        return prepared

    def remember(self, order: Order, prepared: Prepared) -> None:
        """Take back an order of an earlier process, working or ended with fills that are not settled."""
        self._tracker.add(order, prepared).is_answered = True

    def watch_settlement(self, fills: Iterable[Fill]) -> None:
        """Tell what becomes of fills that an earlier process booked and that were not final then."""
        for fill in fills:
            self._history.watch(fill.trade_id, fill.time_ns)

    def wait_s(self, order: Order) -> float:
        """Seconds until the venue's limits, as we keep them, let the order leave."""
        return self._session.budget.wait_order_s()

    # --- orders and cancels -------------------------------------------------------------------------

    async def send(self, order: Order) -> None:
        """Write the request and return; its outcome comes as a report. Nothing leaves while `is_ready` objects."""
        tracked = self._tracker.of(order.id)
        reason = self.is_ready() or (None if tracked else "it was never prepared here")
        if tracked is None or reason:
            report = NotSent(order_id=order.id, reason=str(reason), time_ns=self._scheduler.now_ns())
            self._tell_later(report)
            return
        self._session.budget.take_order()
        prepared = tracked.prepared
        answering = self._session.clob.begin_post(prepared.payload, order_id=prepared.venue_order_id)
        self._spawn(self._post(tracked, answering), f"post {order.id}")

    def send_batch(self, orders: Iterable[Order]) -> None:
        """Send prepared orders together, 15 to a request; each gets its own report."""
        known = [tracked for order in orders if (tracked := self._tracker.of(order.id))]
        for start in range(0, len(known), BATCH_MAX):
            batch = known[start : start + BATCH_MAX]
            self._session.budget.take_order(len(batch))
            self._spawn(self._post_batch(batch), "post a batch")

    async def cancel(self, order: Order) -> None:
        """Start the cancel and return; it ends in Cancelled, or in CancelLost where only a query can tell."""
        tracked = self._tracker.of(order.id)
        if tracked and self._tasks:
            self._spawn(self._cancel(tracked), f"cancel {order.id}")
            return
        reason = "the venue's session does not run" if tracked else "it was never prepared here"
        self._tell_later(CancelLost(order_id=order.id, reason=reason, time_ns=self._scheduler.now_ns()))

    async def cancel_all(self) -> None:
        """Start a cancel of all that rests for this account; ours that it does not name are asked for."""
        self._spawn(self._cancel_all(), "cancel all")

    async def cancel_market(self, instrument_id: InstrumentId) -> None:
        """Start a cancel of all that rests of one instrument."""
        terms = self._session.terms.of(instrument_id)
        if terms:
            request = partial(self._session.clob.cancel_market, terms.condition_id, token_id=terms.token_id)
            self._spawn(
                self._cancel_where(request, lambda one: one.order.instrument_id == instrument_id), "cancel"
            )

    async def redeem(self, *, strategy: StrategyName, instrument_id: InstrumentId, quantity: Decimal) -> None:
        """Start a redemption of the whole market; its payout is that of one share, as in `MarketResolved`."""
        self._spawn(self._redeem(strategy, instrument_id, quantity), f"redeem {instrument_id}")

    async def convert(self, conversion: Conversion) -> None:
        """Start a merge or split; `SetConverted` says how many sets, all or none."""
        self._spawn(self._convert(conversion), f"convert {conversion.id}")

    # --- reads --------------------------------------------------------------------------------------

    async def find_order(self, order: Order) -> VenueOrder | None:
        """Look the order up by its digest; one that has ended is told only when its trades are visible."""
        tracked = self._tracker.of(order.id)
        if tracked is None:
            raise VenueReadError(
                f"order {order.id} was never prepared here: its id at the venue is not known"
            )
        return await self._history.find(tracked)

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """List what rests; orders that are not ours have the venue's id."""
        return await self._history.open_orders()

    async def fills_since(self, time_ns: int) -> tuple[Fill, ...]:
        """List our fills, and those of this account's other orders under the venue's ids."""
        return await self._history.fills_since(time_ns)

    async def balances(self) -> tuple[VenueBalance, ...]:
        """What the account owns; free is what open orders do not hold."""
        return await self._session.balances(self._tracker.tokens())

    # --- the user stream ----------------------------------------------------------------------------

    def on_user_message(self, raw: bytes) -> None:
        """Take a frame of the user stream as it came; what does not parse is counted and sampled."""
        for row in self.user_messages.read(raw):
            self.on_user_event(row)

    def on_user_event(self, row: OrderRow | TradeRow) -> None:
        """Take an order or a trade, from the stream or from a read, in any order and any number of times."""
        if isinstance(row, OrderRow):
            self._hear_order(row)
        elif self._tracker.lacks_terms(row):
            self._spawn(self._learn_and_hear(row), f"terms of {row.condition_id}")
        else:
            self._tell(self._tracker.on_trade(row))

    def on_gap(self, since_ns: int) -> None:
        """The user stream was broken since then: read what it may have missed."""
        self._spawn(self._catch_up(since_ns), "catch up")

    # --- tasks --------------------------------------------------------------------------------------

    async def _post(self, tracked: Tracked, answering: Coroutine[None, None, Verdict]) -> None:
        try:
            verdict = await answering
        except Exception as error:  # supervised: whatever went wrong, the order may have left
            log.exception("posting an order failed", extra=fields(order=tracked.order.id))
            verdict = of_failure(error)
        self._hear_verdict(tracked, verdict)

    async def _post_batch(self, batch: list[Tracked]) -> None:
        pairs = [(tracked.prepared.venue_order_id, tracked.prepared.payload) for tracked in batch]
        try:
            verdicts = await self._session.clob.post_batch(pairs)
        except Exception as error:  # supervised: whatever went wrong, the orders may have left
            log.exception("posting a batch failed", extra=fields(orders=len(batch)))
            verdicts = (of_failure(error),) * len(batch)
        for tracked, verdict in zip(batch, verdicts, strict=True):
            self._hear_verdict(tracked, verdict)

    async def _cancel(self, tracked: Tracked) -> None:
        verdict = await self._session.clob.cancel(tracked.prepared.venue_order_id)
        if verdict.is_cancelled:
            self._tell(self._tracker.on_cancelled(tracked, verdict.reason))
            self._doubt_soon(tracked, "cancelled, and trades of it are not in yet")
            return
        time_ns = self._scheduler.now_ns()
        self._tell([CancelLost(order_id=tracked.order.id, reason=verdict.reason, time_ns=time_ns)])

    async def _cancel_all(self) -> None:
        await self._cancel_where(self._session.clob.cancel_all, lambda _: True)

    async def _cancel_where(
        self,
        request: Callable[[], Coroutine[None, None, frozenset[str] | str]],
        concerns: Callable[[Tracked], bool],
    ) -> None:
        """Repeat a cancel of many until it is answered; ours that it does not name are asked for."""
        answer: frozenset[str] | str = ""
        for attempt in range(CANCEL_ALL_ATTEMPTS):
            await asyncio.sleep(attempt)
            answer = await request()
            if not isinstance(answer, str):
                break
        for tracked in filter(concerns, self._tracker.live()):
            if not isinstance(answer, str) and tracked.prepared.venue_order_id in answer:
                self._tell(self._tracker.on_cancelled(tracked, "cancelled on request"))
            elif tracked.is_answered:
                words = answer if isinstance(answer, str) else "the answer does not name it"
                self._tell(self._tracker.doubt(tracked, f"a cancel of all that rests: {words}"))

    async def _redeem(self, strategy: StrategyName, instrument_id: InstrumentId, quantity: Decimal) -> None:
        terms = self._session.terms.of(instrument_id)
        if terms is None:
            log.error(
                "nothing is redeemed: the market's terms are not known", extra=fields(token=instrument_id)
            )
        redeemed = await self._session.chain.redeem(terms, quantity) if terms else ZERO
        report = Redeemed(
            venue=self.name,
            strategy=strategy,
            instrument_id=instrument_id,
            quantity=redeemed,
            payout=(terms.payout if terms else None) or ZERO,
            time_ns=self._scheduler.now_ns(),
        )
        self._tell([report])

    async def _convert(self, conversion: Conversion) -> None:
        quantity = await self._session.chain.convert(conversion)
        time_ns = self._scheduler.now_ns()
        self._tell([SetConverted(venue=self.name, conversion=conversion, quantity=quantity, time_ns=time_ns)])

    async def _learn_and_hear(self, row: TradeRow) -> None:
        try:
            await self._history.learn_terms(row.condition_id)
        except VenueReadError as error:
            # The trade stays unheard: whoever asks for its order next reads it again.
            log.warning("a fee cannot be told yet", extra=fields(trade=row.id, reason=str(error)))
            return
        self._tell(self._tracker.on_trade(row))

    async def _catch_up(self, since_ns: int) -> None:
        try:
            gone = await self._history.catch_up(since_ns)
        except VenueReadError as error:
            log.error("what the stream missed could not be read", extra=fields(reason=str(error)))
            gone = [tracked for tracked in self._tracker.live() if tracked.is_answered]
        for tracked in gone:
            self._tell(
                self._tracker.doubt(tracked, "it does not rest any more after a gap in the user stream")
            )

    # --- what is heard ------------------------------------------------------------------------------

    def _hear_verdict(self, tracked: Tracked, verdict: Verdict) -> None:
        self._session.note(verdict)
        self._tell(self._tracker.on_answer(tracked, verdict))
        is_placed = verdict.outcome in (Outcome.ACKNOWLEDGED, Outcome.DELAYED)
        if is_placed and (verdict.has_matched or verdict.outcome is Outcome.DELAYED or is_immediate(tracked)):
            self._doubt_soon(tracked, f"{verdict.reason}, and its trades are not in yet")

    def _hear_order(self, row: OrderRow) -> None:
        self._tell(self._tracker.on_order(row))
        tracked = self._tracker.of_venue(row.id)
        if tracked and row.state is not OrderState.OPEN:
            self._doubt_soon(tracked, f"{row.words} at the venue, and its trades are not in yet")

    def _doubt_soon(self, tracked: Tracked, reason: str) -> None:
        """Give the trades a moment; then the executor asks, again and again, until the order has ended."""
        if not tracked.is_ended:
            at_ns = self._scheduler.now_ns() + DOUBT_AFTER_S * NS_PER_S
            self._scheduler.call_at(at_ns, partial(self._doubt, tracked, reason))

    def _doubt(self, tracked: Tracked, reason: str) -> None:
        if tracked.is_answered:
            self._tell(self._tracker.doubt(tracked, reason))

    def _doubt_all(self, reason: str) -> None:
        for tracked in self._tracker.live():
            self._doubt(tracked, reason)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        if self._tasks is None:
            work.close()
            log.warning("not done, the venue's session does not run", extra=fields(what=name))
            return
        self._tasks.create_task(work, name=name)

    def _tell(self, reports: Iterable[ExecutionReport]) -> None:
        assert self._sink is not None, "the venue is used before connect()"
        for report in reports:
            self._sink(report)

    def _tell_later(self, report: ExecutionReport) -> None:
        """Report after the caller has gone on: it is in the middle of acting on what it just made durable."""
        self._scheduler.call_at(report.time_ns, lambda: self._tell([report]))


def is_immediate(tracked: Tracked) -> bool:
    """Say whether nothing of the order can rest, so that it must end with its trades."""
    return tracked.order.time_in_force.is_immediate
