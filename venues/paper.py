"""The simulated venue of dry-run and backtest: late answers, refusals, delayed takers, failed settlements.

send ─ latency ─► arrival: refused | rests | taker delay ─► match ─ answer time ─► Acknowledged, Filled …
                                                                └ settlement time ─► SETTLED | FAILED
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import TypeVar

from clock import NS_PER_MS, NS_PER_S, Scheduler
from config import PaperSettings
from domain.conversions import Conversion, SetAction, SetConverted
from domain.identifiers import InstrumentId, MarketId, OrderId, StrategyName, TradeId, VenueName, VenueOrderId
from domain.messages import (
    Acknowledged,
    BookSnapshot,
    Cancelled,
    CancelLost,
    ExecutionReport,
    Expired,
    FeedChanged,
    Fill,
    Filled,
    MarketEvent,
    MarketListed,
    MarketResolved,
    PriceTick,
    Redeemed,
    Rejected,
    Settlement,
    SettlementReported,
    SnapshotRejected,
    TickSizeChanged,
    TradePrint,
    WalletTrade,
)
from domain.money import PUSD, ZERO
from domain.order import Order, OrderStatus, TimeInForce
from domain.remembered import Remembered
from venues.base import ClientIdClass, Prepared, ReportSink, VenueBalance, VenueOrder
from venues.matching import GTD_LEAD_NS, Accepted, Execution, MatchingEngine, Refused
from venues.paper_account import PaperAccount
from venues.paper_chance import Chance, order_key
from venues.paper_order import LiveOrder, returning_orders
from venues.paper_refusals import NO_BOOK, duplicate_text

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")

ORDERS_KEPT_MAX = 10_000
"""How many ended orders are remembered: queries and duplicates are answered that far back."""

FILLS_KEPT_MAX = 10_000
"""How many fills `fills_since` can return."""

PAYOUTS_KEPT_MAX = 10_000
"""How many resolved instruments can still be redeemed."""

NOT_CANCELLED = "order can't be found - already canceled or matched"
NOT_CANCELLED_YET = "order is delayed and can't be canceled"
CANCELLED_BY_US = "canceled on request"
REST_KILLED = "the rest of a FAK order is killed"
MARKET_RESOLVED = "market resolved"


class PaperVenue:
    """A `Venue` that fills by the rules of docs/fills.md; everything happens in the scheduler's time."""

    name = VenueName("paper")
    client_id_class = ClientIdClass.UNIQUE_FOREVER

    def __init__(
        self, *, scheduler: Scheduler, settings: PaperSettings, seed: int, cash: Decimal, money: str = PUSD
    ) -> None:
        self._scheduler = scheduler
        self._settings = settings
        self._chance = Chance(seed)
        self._engine = MatchingEngine()
        self._money = money
        self._account = PaperAccount(cash, money=money)
        self._sink: ReportSink | None = None
        self._live: dict[OrderId, LiveOrder] = {}
        self._ended: dict[OrderId, VenueOrder] = {}
        self._fills: dict[tuple[TradeId, OrderId], Fill] = {}
        self._payouts: dict[InstrumentId, Decimal] = {}
        self._returning: dict[MarketId, list[LiveOrder]] = {}

    def connect(self, sink: ReportSink) -> None:
        """Say where reports go; called once, before anything is sent."""
        assert self._sink is None, "the paper venue is connected already"
        self._sink = sink

    def valid_until_ns(self, order: Order) -> int | None:
        """Bound the life of an order that is sent now: for FOK and FAK the slowest way and one second."""
        if order.time_in_force.is_immediate:
            slowest_ms = self._settings.latency_ms_max + self._settings.taker_delay_ms
            return self._scheduler.now_ns() + slowest_ms * NS_PER_MS + NS_PER_S
        return order.expires_ns if order.time_in_force is TimeInForce.GTD else None

    def resume(self, remembered: Remembered, *, owned: Mapping[str, Decimal]) -> None:
        """Stand where an earlier process left us: `owned` is settled, fills on their way settle, and what worked
        rests again, at the end of its queue, as soon as its market is listed."""
        fills = [record.fill for record, _ in remembered.unsettled]
        self._account = PaperAccount.resumed(owned, fills, money=self._money)
        self._payouts.update(remembered.payouts)
        for fill in fills:
            self._fills[fill.trade_id, fill.order_id] = fill
            self._after(self._settings.settlement_s_max * NS_PER_S, partial(self._settle, fill))
        for live in returning_orders(remembered):
            self._returning.setdefault(live.order.market_id, []).append(live)

    def on_market(self, event: MarketEvent) -> None:
        """Take the market's next event, before any strategy sees it: what it fills was there already."""
        match event:
            case BookSnapshot(book=book):
                self._book(self._engine.on_book(book))
            case TradePrint():
                self._book(self._engine.on_print(event))
            case MarketListed(market=market):
                self._engine.open_market(market)
                for live in self._returning.pop(market.id, ()):
                    self._live[live.order.id] = live
                    self._match(live)
            case TickSizeChanged(instrument_id=instrument_id, tick_size=tick_size):
                self._engine.on_tick_size(instrument_id, tick_size)
            case MarketResolved():
                self._resolve(event)
            case SnapshotRejected() | PriceTick() | WalletTrade() | FeedChanged():
                pass

    def denial(self, order: Order) -> str | None:
        """Nothing speaks against an order before it arrives."""
        return None

    def prepare(self, order: Order) -> None:
        """Nothing is signed on paper: our own id is the venue's."""

    def remember(self, order: Order, prepared: Prepared) -> None:
        """Nothing was prepared."""

    def wait_s(self, order: Order) -> float:
        """Paper has no rate limit of its own beside control 13."""
        return 0.0

    async def send(self, order: Order) -> None:
        """Put the order on its way and return at once; a lost request leaves no trace and gets no answer."""
        loss_rate = self._settings.request_loss_rate
        if self._chance.happens(loss_rate, key=order_key(order), purpose=f"request loss {order.attempts}"):
            return
        self._travel(order_key(order), "send", partial(self._arrive, order, self._scheduler.now_ns()))

    async def cancel(self, order: Order) -> None:
        """Put a cancel on its way; it may overtake the order, and it cannot catch a delayed one."""
        self._travel(order_key(order), "cancel", partial(self._arrive_cancel, order.id))

    async def cancel_all(self) -> None:
        """Put a cancel of everything that is live on its way."""
        for live in list(self._live.values()):
            await self.cancel(live.order)

    async def redeem(self, *, strategy: StrategyName, instrument_id: InstrumentId, quantity: Decimal) -> None:
        """Pay out settled shares of a resolved instrument; `Redeemed` says how many, perhaps none.

        Its `payout` is that of one share, as in `MarketResolved`.
        """
        arrive = partial(self._arrive_redemption, strategy, instrument_id, quantity)
        self._travel(f"{strategy}/{instrument_id}", "redeem", arrive)

    async def convert(self, conversion: Conversion) -> None:
        """Merge or split sets that are settled and free; `SetConverted` says how many, perhaps none."""
        self._travel(conversion.id, "convert", partial(self._arrive_conversion, conversion))

    async def find_order(self, order: Order) -> VenueOrder | None:
        """Look the order up; a delayed one counts as open, one on its way or refused is not known."""
        live = self._live.get(order.id)
        return live.seen(OrderStatus.OPEN) if live else self._ended.get(order.id)

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """List every order that has arrived and not ended, delayed ones too."""
        return tuple(live.seen(OrderStatus.OPEN) for live in self._live.values())

    async def fills_since(self, time_ns: int) -> tuple[Fill, ...]:
        """List our fills matched from `time_ns` on; those whose settlement failed are gone."""
        return tuple(fill for fill in self._fills.values() if fill.time_ns >= time_ns)

    async def balances(self) -> tuple[VenueBalance, ...]:
        """What the venue says is ours and settled: pUSD, and shares by instrument; open orders included."""
        owned = self._account.balances()
        return tuple(
            VenueBalance(asset=asset, total=amount, free=self._account.free(asset))
            for asset, amount in owned.items()
        )

    def owned(self) -> dict[str, Decimal]:
        """The same totals without waiting, for tests and reports."""
        return self._account.balances()

    def incoming(self) -> dict[str, Decimal]:
        """What has matched for us and not settled: the pending transfers between ledger and venue."""
        return self._account.incoming()

    # --- an order at the venue ----------------------------------------------------------------------

    def _arrive(self, order: Order, sent_ns: int) -> None:
        instrument = self._engine.instrument(order.instrument_id)
        if instrument is None:
            self._reject(order, NO_BOOK)
            return
        is_marketable = self._engine.is_marketable(order)
        reason = self._refusal(order, sent_ns)
        reason = reason or self._account.refusal(order, instrument, is_taker=is_marketable)
        if reason:
            self._reject(order, reason)
            return
        live = self._live[order.id] = LiveOrder(order=order, instrument=instrument)
        self._account.hold(order, order.quantity, instrument, is_taker=is_marketable)
        if is_marketable:
            self._after(self._settings.taker_delay_ms * NS_PER_MS, partial(self._match, live))
        else:
            self._match(live)

    def _refusal(self, order: Order, sent_ns: int) -> str | None:
        """Judge an arriving order; its expiry counts from when it was sent, as in the client library."""
        if order.id in self._live or order.id in self._ended:
            return duplicate_text(order)
        return self._engine.refusal(order, time_ns=sent_ns)

    def _match(self, live: LiveOrder) -> None:
        order = live.order
        match self._engine.match(order):
            case Refused(reason=reason):
                del self._live[order.id]
                self._account.release(order.id)
                self._reject(order, reason)
            case Accepted(executions=executions, status=status):
                self._acknowledge(order)
                self._book(executions)
                if status is OrderStatus.CANCELLED:
                    self._cancel((order.id,), REST_KILLED)
                elif status is OrderStatus.OPEN:
                    self._rest(live)

    def _rest(self, live: LiveOrder) -> None:
        order = live.order
        self._account.hold(order, live.leaves, live.instrument, is_taker=False)
        if order.time_in_force is TimeInForce.GTD and order.expires_ns is not None:
            self._scheduler.call_at(order.expires_ns - GTD_LEAD_NS, self._expire)

    def _expire(self) -> None:
        for order_id in self._engine.expire(self._scheduler.now_ns()):
            self._end(order_id, OrderStatus.EXPIRED)
            self._report(Expired(order_id=order_id, time_ns=self._heard_ns()))

    def _arrive_cancel(self, order_id: OrderId) -> None:
        if self._engine.cancel(order_id):
            self._cancel((order_id,), CANCELLED_BY_US)
            return
        reason = NOT_CANCELLED_YET if order_id in self._live else NOT_CANCELLED
        self._report(CancelLost(order_id=order_id, reason=reason, time_ns=self._heard_ns()))

    def _resolve(self, event: MarketResolved) -> None:
        self._cancel(self._engine.close_market(event.market_id), MARKET_RESOLVED)
        self._payouts.update(event.payouts)
        trim(self._payouts, PAYOUTS_KEPT_MAX)

    def _cancel(self, order_ids: Iterable[OrderId], reason: str) -> None:
        for order_id in order_ids:
            self._end(order_id, OrderStatus.CANCELLED)
            self._report(Cancelled(order_id=order_id, reason=reason, time_ns=self._heard_ns()))

    def _end(self, order_id: OrderId, status: OrderStatus) -> None:
        self._ended[order_id] = self._live.pop(order_id).seen(status)
        self._account.release(order_id)
        trim(self._ended, ORDERS_KEPT_MAX)

    # --- fills, settlement, redemption --------------------------------------------------------------

    def _book(self, executions: Iterable[Execution]) -> None:
        for execution in executions:
            live = self._live[execution.order_id]
            fill = live.fill(execution, venue=self.name, time_ns=self._scheduler.now_ns())
            self._account.match(fill)
            self._fills[fill.trade_id, fill.order_id] = fill
            trim(self._fills, FILLS_KEPT_MAX)
            self._report(Filled(fill=fill, time_ns=self._heard_ns()))
            self._plan_settlement(live, fill)
            if live.leaves:
                self._account.hold(live.order, live.leaves, live.instrument, is_taker=False)
            else:
                self._end(live.order.id, OrderStatus.FILLED)

    def _plan_settlement(self, live: LiveOrder, fill: Fill) -> None:
        """Decide now when a fill settles and whether it fails, from the order and the fill's number in it."""
        key = order_key(live.order)
        delay_ns = self._chance.between(
            self._settings.settlement_s_min * NS_PER_S,
            self._settings.settlement_s_max * NS_PER_S,
            key=key,
            purpose=f"settlement time {live.fills}",
        )
        failure_rate = self._settings.settlement_failure_rate
        is_failure = self._chance.happens(failure_rate, key=key, purpose=f"settlement failure {live.fills}")
        self._after(delay_ns, partial(self._fail if is_failure else self._settle, fill))

    def _settle(self, fill: Fill) -> None:
        self._account.settle(fill)
        self._report_settlement(fill, Settlement.SETTLED)

    def _fail(self, fill: Fill) -> None:
        self._account.undo(fill)
        self._fills.pop((fill.trade_id, fill.order_id), None)
        self._report_settlement(fill, Settlement.FAILED)

    def _arrive_redemption(
        self, strategy: StrategyName, instrument_id: InstrumentId, quantity: Decimal
    ) -> None:
        payout = self._payouts.get(instrument_id)
        redeemed = ZERO
        if payout is not None:
            redeemed = self._account.redeem(instrument_id, quantity=quantity, payout=payout)
        report = Redeemed(
            venue=self.name,
            strategy=strategy,
            instrument_id=instrument_id,
            quantity=redeemed,
            payout=payout or ZERO,
            time_ns=self._heard_ns(),
        )
        self._report(report)

    def _arrive_conversion(self, conversion: Conversion) -> None:
        is_merge = conversion.action is SetAction.MERGE
        given = conversion.instrument_ids if is_merge else (PUSD,)
        is_covered = min(self._account.free(asset) for asset in given) >= conversion.quantity
        quantity = conversion.quantity if is_covered else ZERO
        self._account.convert(conversion.instrument_ids, quantity if is_merge else -quantity)
        self._report(
            SetConverted(venue=self.name, conversion=conversion, quantity=quantity, time_ns=self._heard_ns())
        )

    # --- what we hear, and when ---------------------------------------------------------------------

    def _acknowledge(self, order: Order) -> None:
        report = Acknowledged(
            order_id=order.id, venue_order_id=VenueOrderId(order.id), time_ns=self._heard_ns()
        )
        self._answer(order, report)

    def _reject(self, order: Order, reason: str) -> None:
        self._answer(order, Rejected(order_id=order.id, reason=reason, time_ns=self._heard_ns()))

    def _answer(self, order: Order, report: Acknowledged | Rejected) -> None:
        """Answer the post itself, unless the answer gets lost; later news of the order goes another way."""
        loss_rate = self._settings.answer_loss_rate
        if not self._chance.happens(loss_rate, key=order_key(order), purpose=f"answer loss {order.attempts}"):
            self._report(report)

    def _report_settlement(self, fill: Fill, settlement: Settlement) -> None:
        report = SettlementReported(
            venue=self.name,
            instrument_id=fill.instrument_id,
            trade_id=fill.trade_id,
            order_id=fill.order_id,
            settlement=settlement,
            time_ns=self._heard_ns(),
        )
        self._report(report)

    def _report(self, report: ExecutionReport) -> None:
        assert self._sink is not None, "the paper venue is used before connect()"
        self._scheduler.call_at(report.time_ns, partial(self._sink, report))

    def _heard_ns(self) -> int:
        """When we hear of what happens at the venue now."""
        return self._scheduler.now_ns() + self._settings.answer_ms * NS_PER_MS

    def _travel(self, key: str, purpose: str, arrive: Callable[[], None]) -> None:
        low, high = self._settings.latency_ms_min, self._settings.latency_ms_max
        delay_ns = self._chance.between(low * NS_PER_MS, high * NS_PER_MS, key=key, purpose=purpose)
        self._after(delay_ns, arrive)

    def _after(self, delay_ns: int, callback: Callable[[], None]) -> None:
        self._scheduler.call_at(self._scheduler.now_ns() + delay_ns, callback)


def trim(kept: dict[KeyT, ValueT], count_max: int) -> None:
    """Forget the oldest entries beyond `count_max`."""
    while len(kept) > count_max:
        del kept[next(iter(kept))]
