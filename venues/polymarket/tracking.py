"""Our orders at the venue: answers, order rows and trade rows become reports, each fill once. Plain and synchronous.

An order's end is told only after its fills: a cancel that names more matched shares than we have trades for is
held back until they come, and "Lost" sends the executor to ask where they do not.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple

import msgspec
from msgspec import Struct

from domain.identifiers import OrderId, TradeId, VenueName
from domain.instrument import CENT, Side
from domain.messages import (
    Acknowledged,
    Cancelled,
    ExecutionReport,
    Expired,
    Fill,
    Filled,
    Lost,
    NotSent,
    Rejected,
    Settlement,
    SettlementReported,
)
from domain.money import ZERO
from domain.order import Order, TimeInForce
from venues.base import Prepared
from venues.matching import GTD_LEAD_NS
from venues.polymarket.executions import Execution, fill_of, maker_part, taker_part
from venues.polymarket.outcomes import Outcome, Verdict
from venues.polymarket.terms import TermsBook, wire_id
from venues.polymarket.wire import OrderRow, OrderState, TradeRow, TradeStatus

ENDED_KEPT_MAX = 100_000
"""Ended orders that late fills are still matched to."""

OVERFILL_MAX = CENT
"""Shares that the venue may round an order up by; what it gives beyond is told as it is."""

SETTLEMENTS = {
    TradeStatus.MATCHED: Settlement.PENDING,
    TradeStatus.MINED: Settlement.PENDING,
    TradeStatus.RETRYING: Settlement.PENDING,
    TradeStatus.CONFIRMED: Settlement.SETTLED,
    TradeStatus.FAILED: Settlement.FAILED,
}
REST_KILLED = "the rest of an order that does not rest is killed"


class Part(Struct):
    """A fill of one order: its shares, the status last told, and when it matched."""

    quantity: Decimal
    status: TradeStatus
    matched_ns: int


class Tracked(Struct, kw_only=True):
    """One order. `matched_quantity` is the most that the venue has said is matched; `ending` waits for the fills."""

    order: Order
    prepared: Prepared
    parts: dict[TradeId, Part] = {}
    matched_quantity: Decimal = ZERO
    is_answered: bool = False
    is_ended: bool = False
    ending: ExecutionReport | None = None

    @property
    def filled_quantity(self) -> Decimal:
        """Shares of the trades that were told."""
        return sum((part.quantity for part in self.parts.values()), ZERO)

    @property
    def is_complete(self) -> bool:
        """Say whether no more trades are expected of what is known to have matched."""
        return self.filled_quantity >= min(self.matched_quantity, self.order.quantity) - OVERFILL_MAX


class Unsettled(NamedTuple):
    """A trade whose settlement is not final, and when it matched."""

    trade_id: TradeId
    matched_ns: int


class Tracker:
    """All orders of this account that we know; every method returns the reports that follow, in order."""

    def __init__(self, *, venue: VenueName, terms: TermsBook, now_ns: Callable[[], int]) -> None:
        self._venue = venue
        self._terms = terms
        self._now_ns = now_ns
        self._by_order: dict[OrderId, Tracked] = {}
        self._by_venue: dict[str, Tracked] = {}
        self._live: dict[OrderId, Tracked] = {}
        self._ended: dict[OrderId, None] = {}

    def add(self, order: Order, prepared: Prepared) -> Tracked:
        """Know an order under both its ids from now on; what is known of it already stays."""
        tracked = self._by_order.get(order.id)
        if tracked is None:
            tracked = Tracked(order=order, prepared=prepared)
            self._by_order[order.id] = self._live[order.id] = tracked
            self._by_venue[prepared.venue_order_id] = tracked
            if order.is_done:
                self._note_end(tracked)
        return tracked

    def of(self, order_id: OrderId) -> Tracked | None:
        """One of our orders by our id."""
        return self._by_order.get(order_id)

    def of_venue(self, venue_order_id: str) -> Tracked | None:
        """One of our orders by the venue's id; None for a foreign one."""
        return self._by_venue.get(venue_order_id)

    def live(self) -> list[Tracked]:
        """Orders that may rest or be filled still."""
        return list(self._live.values())

    def tokens(self) -> set[str]:
        """The tokens that our orders were about, as the wire names them."""
        return {wire_id(tracked.order.instrument_id) for tracked in self._by_order.values()}

    def unsettled(self) -> list[Unsettled]:
        """Trades of ours that are not final, oldest first."""
        found = {
            trade_id: part.matched_ns
            for tracked in self._by_order.values()
            for trade_id, part in tracked.parts.items()
            if not part.status.is_final
        }
        return sorted((Unsettled(*item) for item in found.items()), key=lambda item: item.matched_ns)

    def is_ours(self, row: TradeRow) -> bool:
        """Say whether an order that we know took part in the trade."""
        return any(part.venue_order_id in self._by_venue for part in self.parts_of(row))

    def is_final(self, row: TradeRow) -> bool:
        """Say whether the end of the trade's settlement has been told for each of our orders in it."""
        ours = (self._by_venue.get(part.venue_order_id) for part in self.parts_of(row))
        parts = [tracked.parts.get(TradeId(row.id)) for tracked in ours if tracked]
        return all(part is not None and part.status.is_final for part in parts)

    def lacks_terms(self, row: TradeRow) -> bool:
        """Say whether the fee of our part cannot be told yet: its market was never listed here."""
        return row.taker_order_id in self._by_venue and self._terms.of_token(row.token_id) is None

    # --- what the venue says ------------------------------------------------------------------------

    def on_answer(self, tracked: Tracked, verdict: Verdict) -> list[ExecutionReport]:
        """The answer to the post, or that there is none."""
        order_id, time_ns = tracked.order.id, self._now_ns()
        if verdict.outcome is Outcome.NOT_SENT:
            return [NotSent(order_id=order_id, reason=verdict.reason, time_ns=time_ns)]
        tracked.is_answered = True
        match verdict.outcome:
            case Outcome.ACKNOWLEDGED | Outcome.DELAYED:
                self._note_match(tracked, verdict)
                placed = Acknowledged(
                    order_id=order_id, venue_order_id=tracked.prepared.venue_order_id, time_ns=time_ns
                )
                return [placed, *self._end(tracked)]
            case Outcome.REJECTED if not tracked.parts:
                tracked.ending = None
                self._note_end(tracked)
                return [Rejected(order_id=order_id, reason=verdict.reason, time_ns=time_ns)]
            case _:
                lost = Lost(order_id=order_id, reason=verdict.reason, time_ns=time_ns)
                return [lost, *self._end(tracked)]

    def on_order(self, row: OrderRow) -> list[ExecutionReport]:
        """An order event of the user stream, or a row of a read."""
        tracked = self._by_venue.get(row.id)
        if tracked is None or tracked.is_ended:
            return []
        order, time_ns = tracked.order, self._now_ns()
        if not _counts_money(order):
            tracked.matched_quantity = max(tracked.matched_quantity, row.matched_quantity)
        if row.state in (OrderState.OPEN, OrderState.MATCHED):
            return []
        if order.time_in_force.is_immediate:
            # What a FOK or FAK filled before it was killed is in its answer and its trades, never in this event.
            reason = f"ended at the venue ({row.words}), and only its trades tell how much of it was filled"
            return [Lost(order_id=order.id, reason=reason, time_ns=time_ns)] if tracked.is_answered else []
        if row.state is OrderState.EXPIRED or self._has_expired(order):
            tracked.ending = Expired(order_id=order.id, time_ns=time_ns)
        else:
            tracked.ending = Cancelled(order_id=order.id, reason=row.words, time_ns=time_ns)
        return self._end(tracked)

    def on_cancelled(self, tracked: Tracked, reason: str) -> list[ExecutionReport]:
        """The venue named the order as cancelled when we asked for it."""
        if tracked.is_ended:
            return []
        tracked.is_answered = True
        tracked.ending = Cancelled(order_id=tracked.order.id, reason=reason, time_ns=self._now_ns())
        return self._end(tracked)

    def on_trade(self, row: TradeRow) -> list[ExecutionReport]:
        """A trade of the user stream or of a read, in any order and any number of times."""
        reports: list[ExecutionReport] = []
        for execution in self.parts_of(row):
            if tracked := self._by_venue.get(execution.venue_order_id):
                reports += self._fill(tracked, execution, row)
                reports += self._settle(tracked, row)
                reports += self._end(tracked)
        return reports

    def parts_of(self, row: TradeRow) -> Iterable[Execution]:
        """Every order's part of a trade, ours or not."""
        yield taker_part(row, self._terms.of_token(row.token_id))
        for part in row.makers:
            yield maker_part(row, part)

    def fill(self, tracked: Tracked, execution: Execution, row: TradeRow) -> Fill | None:
        """Our fill of a trade, without what the venue rounded it up by; None where nothing is left of it."""
        fill = fill_of(execution, row, order=tracked.order, venue=self._venue, now_ns=self._now_ns())
        others = sum((part.quantity for key, part in tracked.parts.items() if key != fill.trade_id), ZERO)
        leaves = tracked.order.quantity - others
        if leaves < fill.quantity <= leaves + OVERFILL_MAX:
            fill = msgspec.structs.replace(fill, quantity=leaves)
        return fill if fill.quantity > 0 else None

    def doubt(self, tracked: Tracked, reason: str) -> list[ExecutionReport]:
        """Ask for an order of which the venue has said less than there is."""
        if tracked.is_ended:
            return []
        return [Lost(order_id=tracked.order.id, reason=reason, time_ns=self._now_ns())]

    # --- bookkeeping --------------------------------------------------------------------------------

    def _note_match(self, tracked: Tracked, verdict: Verdict) -> None:
        """Of an order that matched at once the answer says how many shares; a FOK or FAK has no rest after that."""
        order = tracked.order
        shares = verdict.taking if order.side is Side.BUY else verdict.making
        if not verdict.has_matched or not shares:
            return
        tracked.matched_quantity = max(tracked.matched_quantity, shares)
        if order.time_in_force.is_immediate and shares < order.quantity - OVERFILL_MAX:
            tracked.ending = Cancelled(order_id=order.id, reason=REST_KILLED, time_ns=self._now_ns())

    def _fill(self, tracked: Tracked, execution: Execution, row: TradeRow) -> list[ExecutionReport]:
        if TradeId(row.id) in tracked.parts:
            return []
        fill = self.fill(tracked, execution, row)
        if fill is None:
            return []
        tracked.parts[fill.trade_id] = Part(fill.quantity, TradeStatus.MATCHED, fill.time_ns)
        return [Filled(fill=fill, time_ns=self._now_ns())]

    def _settle(self, tracked: Tracked, row: TradeRow) -> list[ExecutionReport]:
        """A status that is newer than the one told; RETRYING and MINED may alternate, and nothing follows the end."""
        part = tracked.parts.get(TradeId(row.id))
        if part is None or part.status.is_final or row.status in (part.status, TradeStatus.MATCHED):
            return []
        part.status = row.status
        return [
            SettlementReported(
                venue=self._venue,
                instrument_id=tracked.order.instrument_id,
                trade_id=TradeId(row.id),
                order_id=tracked.order.id,
                settlement=SETTLEMENTS[row.status],
                time_ns=self._now_ns(),
            )
        ]

    def _end(self, tracked: Tracked) -> list[ExecutionReport]:
        """Tell the end of an order once its answer and its fills have been told."""
        if tracked.is_ended:
            return []
        if tracked.filled_quantity >= tracked.order.quantity:
            self._note_end(tracked)
            return []
        if tracked.ending is None or not tracked.is_answered or not tracked.is_complete:
            return []
        ending = msgspec.structs.replace(tracked.ending, time_ns=self._now_ns())
        self._note_end(tracked)
        return [ending]

    def _note_end(self, tracked: Tracked) -> None:
        tracked.is_ended = True
        self._live.pop(tracked.order.id, None)
        self._ended[tracked.order.id] = None
        while len(self._ended) > ENDED_KEPT_MAX:
            oldest = next(iter(self._ended))
            del self._ended[oldest]
            gone = self._by_order.pop(oldest)
            del self._by_venue[gone.prepared.venue_order_id]

    def _has_expired(self, order: Order) -> bool:
        """A GTD order that ends after its moment has expired, whatever word the venue has for it."""
        is_timed = order.time_in_force is TimeInForce.GTD and order.expires_ns is not None
        return is_timed and self._now_ns() >= (order.expires_ns or 0) - GTD_LEAD_NS


def _counts_money(order: Order) -> bool:
    """Of a FOK or FAK buy the venue counts pUSD where it counts shares of any other."""
    return order.time_in_force.is_immediate and order.side is Side.BUY
