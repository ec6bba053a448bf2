"""Our orders, live and ended, and what venues report of them: the next state, fills, settlements, redemptions."""

from collections import OrderedDict
from collections.abc import Iterable

import msgspec

from domain.conversions import SetConverted
from domain.errors import InvariantError
from domain.identifiers import InstrumentId, OrderId, StrategyName
from domain.messages import (
    Acknowledged,
    Cancelled,
    CancelLost,
    ExecutionReport,
    Expired,
    Filled,
    FillReceived,
    FoundOpen,
    GaveUp,
    Lost,
    NotSent,
    OrderChanged,
    ProvenAbsent,
    Redeemed,
    Rejected,
    Settlement,
    SettlementReported,
)
from domain.order import Order, OrderEvent, OrderStatus
from domain.records import FillRecord, OrderEventRecord, OrderRecord, Record, SettlementRecord, TransferRecord
from state.complete_sets import convert
from state.executions import Executions, line_of
from state.live_orders import LiveOrders
from state.market import MarketData
from state.portfolio import Portfolio
from state.positions import arrow_record, position_record, reservation_record

ENDED_KEPT_MAX = 100_000
"""How many ended orders are remembered in memory for late reports; the store remembers all."""

NEWS = FillReceived | OrderChanged


class Orders:
    """Every order of a session in its present state; each change appends its records to the journal it is given."""

    def __init__(self, *, market: MarketData, portfolio: Portfolio, executions: Executions) -> None:
        self.live = LiveOrders()
        self.unwanted: set[OrderId] = set()
        self._market = market
        self._portfolio = portfolio
        self._executions = executions
        self._ended: OrderedDict[OrderId, Order] = OrderedDict()

    def get(self, order_id: OrderId) -> Order | None:
        """The order in its present state; None where it was never ours (or ended long ago)."""
        return self.live.get(order_id) or self._ended.get(order_id)

    def restore(self, orders: Iterable[Order]) -> None:
        """Take over the orders of an earlier process in the state in which it left them."""
        for order in orders:
            if order.is_done:
                self._ended[order.id] = order
            else:
                self.live.put(order)

    def known(self, order_id: OrderId) -> Order:
        """The order in its present state; raise InvariantError where it was never ours."""
        order = self.get(order_id)
        if order is None:
            raise InvariantError(f"a report names order {order_id}, which is not ours")
        return order

    def apply(  # noqa: C901, PLR0911, PLR0912  # one case for each kind of report
        self, report: ExecutionReport, journal: list[Record]
    ) -> list[NEWS]:
        """Book what a venue reported and return what the strategies hear of it once it is durable."""
        time_ns = report.time_ns
        match report:
            case Acknowledged():
                return self.move(
                    report.order_id, OrderEvent.ACKNOWLEDGE, time_ns, report.venue_order_id, journal
                )
            case Rejected():
                return self.move(report.order_id, OrderEvent.REJECT, time_ns, report.reason, journal)
            case NotSent():
                return self.move(report.order_id, OrderEvent.NOT_SENT, time_ns, report.reason, journal)
            case Lost():
                return self.move(report.order_id, OrderEvent.LOSE, time_ns, report.reason, journal)
            case Cancelled():
                return self.move(report.order_id, OrderEvent.CANCEL, time_ns, report.reason, journal)
            case CancelLost():
                return self.move(report.order_id, OrderEvent.CANCEL_LOSE, time_ns, report.reason, journal)
            case Expired():
                return self.move(report.order_id, OrderEvent.EXPIRE, time_ns, "expired at the venue", journal)
            case FoundOpen():
                return self.move(
                    report.order_id, OrderEvent.FIND_OPEN, time_ns, "found open by a query", journal
                )
            case ProvenAbsent():
                return self.move(report.order_id, OrderEvent.PROVE_ABSENT, time_ns, report.reason, journal)
            case GaveUp():
                return self.move(report.order_id, OrderEvent.GIVE_UP, time_ns, report.reason, journal)
            case Filled():
                return self._fill(report, journal)
            case SettlementReported():
                return self._settle(report, journal)
            case Redeemed():
                return self._redeem(report, journal)
            case SetConverted():
                return self._convert(report, journal)

    def move(
        self, order_id: OrderId, event: OrderEvent, time_ns: int, detail: str, journal: list[Record]
    ) -> list[NEWS]:
        """Take an order along one arrow of the table and journal it; news only where its status changes."""
        before = self.known(order_id)
        keeps_reason = event in (OrderEvent.ACKNOWLEDGE, OrderEvent.SEND, OrderEvent.FIND_OPEN)
        after = before.after(
            event, time_ns=time_ns, reason=None if keeps_reason or before.is_done else detail
        )
        if after.status is OrderStatus.OPEN and after.filled_quantity:
            after = msgspec.structs.replace(after, status=OrderStatus.PARTIALLY_FILLED)
        self._store(
            before, after, arrow_record(after, event, before.status, detail, is_late=before.is_done), journal
        )
        return [] if after.status is before.status else [OrderChanged(time_ns=time_ns, order=after)]

    def _fill(self, report: Filled, journal: list[Record]) -> list[NEWS]:
        """Post a fill once; one that was posted before, from another channel, adds nothing."""
        fill = report.fill
        if self._portfolio.has_seen(fill):
            return []
        before = self.known(fill.order_id)
        after = before.after_fill(fill.quantity, time_ns=report.time_ns)
        event = OrderEvent.FILL_PART if after.leaves_quantity else OrderEvent.FILL_ALL
        booked = self._portfolio.fill(after, fill)
        if not before.filled_quantity:
            self._executions.note(line_of(after), time_ns=report.time_ns)
        journal.append(
            FillRecord(
                fill=fill,
                strategy=after.strategy,
                correlation_id=after.correlation_id,
                realized_pnl=booked.realized_pnl,
            )
        )
        journal.append(TransferRecord(transfer=booked.transfer))
        detail = f"{fill.quantity} at {fill.price}, fee {fill.fee} {fill.fee_asset}"
        self._store(
            before, after, arrow_record(after, event, before.status, detail, is_late=before.is_done), journal
        )
        self._note_position(after.strategy, after.instrument_id, report.time_ns, journal)
        return [
            FillReceived(time_ns=report.time_ns, fill=fill, settlement=Settlement.PENDING),
            OrderChanged(time_ns=report.time_ns, order=after),
        ]

    def _settle(self, report: SettlementReported, journal: list[Record]) -> list[NEWS]:
        key = report.venue, report.instrument_id, report.trade_id, report.order_id
        if report.settlement is Settlement.PENDING or key not in self._portfolio.unsettled:
            return []
        act = self._portfolio.settle if report.settlement is Settlement.SETTLED else self._portfolio.fail
        booked, transfer = act(key, time_ns=report.time_ns)
        journal.append(
            SettlementRecord(
                venue=report.venue,
                instrument_id=report.instrument_id,
                trade_id=report.trade_id,
                order_id=report.order_id,
                settlement=report.settlement,
                time_ns=report.time_ns,
            )
        )
        journal.append(TransferRecord(transfer=transfer))
        self._note_position(booked.strategy, report.instrument_id, report.time_ns, journal)
        return [FillReceived(time_ns=report.time_ns, fill=booked.fill, settlement=report.settlement)]

    def _redeem(self, report: Redeemed, journal: list[Record]) -> list[NEWS]:
        position = self._portfolio.positions.get((report.strategy, report.instrument_id))
        if not report.quantity:
            return []
        if position is None or report.quantity > position.settled_quantity:
            raise InvariantError(
                f"I4: {report.quantity} of {report.instrument_id} were redeemed, more than is settled"
            )
        transfer = self._portfolio.redeem(
            position, quantity=report.quantity, payout=report.payout, time_ns=report.time_ns
        )
        journal.append(TransferRecord(transfer=transfer))
        self._note_position(report.strategy, report.instrument_id, report.time_ns, journal)
        if not position.quantity and not any(
            key[1] == report.instrument_id for key in self._portfolio.unsettled
        ):
            self._portfolio.forget(position)
        return []

    def _convert(self, report: SetConverted, journal: list[Record]) -> list[NEWS]:
        """Unlock what a merge or split had set aside and post what the venue did of it."""
        unlocked, converted = convert(self._portfolio, report)
        journal.append(TransferRecord(transfer=unlocked))
        if converted is None:
            return []
        journal.append(TransferRecord(transfer=converted))
        for instrument_id in report.conversion.instrument_ids:
            self._note_position(report.conversion.strategy, instrument_id, report.time_ns, journal)
        return []

    # --- bookkeeping --------------------------------------------------------------------------------

    def _store(self, before: Order, after: Order, arrow: OrderEventRecord, journal: list[Record]) -> None:
        """Keep the new state; an order that ends gives back what it had set aside (invariant I7)."""
        journal.append(arrow)
        journal.append(OrderRecord(order=after))
        reservation = self._portfolio.reservations.get(after.id)
        if after.is_done and not before.is_done:
            self.live.remove(after.id)
            self.unwanted.discard(after.id)
            if transfer := self._portfolio.release(after, time_ns=after.updated_ns):
                journal.append(TransferRecord(transfer=transfer))
        if after.is_done:
            self._ended[after.id] = after
            while len(self._ended) > ENDED_KEPT_MAX:
                self._portfolio.filled.pop(self._ended.popitem(last=False)[0], None)
        else:
            self.live.put(after)
        if reservation and (after.is_done or after.filled_quantity != before.filled_quantity):
            journal.append(reservation_record(reservation, is_closed=after.is_done))

    def _note_position(
        self, strategy: StrategyName, instrument_id: InstrumentId, time_ns: int, journal: list[Record]
    ) -> None:
        position, mark = (
            self._portfolio.positions[strategy, instrument_id],
            self._market.mark_price(instrument_id),
        )
        journal.append(position_record(position, mark, time_ns=time_ns))
