"""An order and the one literal table of the states it can pass through (design: the life of an order)."""

from decimal import Decimal
from enum import StrEnum

import msgspec
from msgspec import Struct

from domain.errors import TransitionError
from domain.identifiers import (
    CorrelationId,
    InstrumentId,
    IntentId,
    MarketId,
    OrderId,
    StrategyName,
    VenueName,
)
from domain.instrument import Side, is_pair
from domain.money import ZERO


class TimeInForce(StrEnum):
    """How long an order stands, in the venue's words."""

    GTC = "GTC"
    GTD = "GTD"
    FOK = "FOK"
    FAK = "FAK"

    @property
    def is_immediate(self) -> bool:
        """Say whether the order never rests: it fills at once or dies."""
        return self in (TimeInForce.FOK, TimeInForce.FAK)


class OrderStatus(StrEnum):
    """States of an accepted order; a denied intent never becomes one."""

    ACCEPTED = "ACCEPTED"
    ABORTED = "ABORTED"
    SENDING = "SENDING"
    OPEN = "OPEN"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCEL_SENDING = "CANCEL_SENDING"
    CANCELLED = "CANCELLED"
    CANCEL_UNKNOWN = "CANCEL_UNKNOWN"
    EXPIRED = "EXPIRED"
    DEAD = "DEAD"
    QUARANTINED = "QUARANTINED"

    @property
    def is_terminal(self) -> bool:
        """Say whether nothing more is expected: the order holds no reservation."""
        return self in TERMINAL


TERMINAL = frozenset(
    {
        OrderStatus.ABORTED,
        OrderStatus.REJECTED,
        OrderStatus.FILLED,
        OrderStatus.CANCELLED,
        OrderStatus.EXPIRED,
        OrderStatus.DEAD,
    }
)


class OrderEvent(StrEnum):
    """What can happen to an order; each is one row of `order_events` and one database transaction."""

    SEND = "SEND"
    ABORT = "ABORT"
    NOT_SENT = "NOT_SENT"
    ACKNOWLEDGE = "ACKNOWLEDGE"
    REJECT = "REJECT"
    LOSE = "LOSE"
    FILL_PART = "FILL_PART"
    FILL_ALL = "FILL_ALL"
    CANCEL_SEND = "CANCEL_SEND"
    CANCEL_NOT_SENT = "CANCEL_NOT_SENT"
    CANCEL_LOSE = "CANCEL_LOSE"
    CANCEL = "CANCEL"
    EXPIRE = "EXPIRE"
    FIND_OPEN = "FIND_OPEN"
    PROVE_ABSENT = "PROVE_ABSENT"
    GIVE_UP = "GIVE_UP"


_S = OrderStatus
_E = OrderEvent

TRANSITIONS: dict[tuple[OrderStatus, OrderEvent], OrderStatus] = {
    (_S.ACCEPTED, _E.SEND): _S.SENDING,
    (_S.ACCEPTED, _E.ABORT): _S.ABORTED,
    # SEND is durable before the first byte, often in one transaction with the acceptance: when the last
    # check before the bytes fails, none has left, and the order is withdrawn rather than unknown.
    (_S.SENDING, _E.ABORT): _S.ABORTED,
    # Connect refused, DNS, TLS: no byte reached the venue, and the same payload may go again.
    (_S.SENDING, _E.NOT_SENT): _S.ACCEPTED,
    (_S.SENDING, _E.ACKNOWLEDGE): _S.OPEN,
    (_S.SENDING, _E.REJECT): _S.REJECTED,
    (_S.SENDING, _E.LOSE): _S.UNKNOWN,
    # The user stream is often faster than the answer to the post.
    (_S.SENDING, _E.FILL_PART): _S.PARTIALLY_FILLED,
    (_S.SENDING, _E.FILL_ALL): _S.FILLED,
    (_S.SENDING, _E.CANCEL): _S.CANCELLED,
    (_S.SENDING, _E.EXPIRE): _S.EXPIRED,
    # A delayed order was found open, and then its match was refused; of a part-filled one the rest ends.
    (_S.OPEN, _E.REJECT): _S.REJECTED,
    (_S.PARTIALLY_FILLED, _E.REJECT): _S.CANCELLED,
    (_S.CANCEL_SENDING, _E.REJECT): _S.CANCELLED,
    (_S.CANCEL_UNKNOWN, _E.REJECT): _S.CANCELLED,
    (_S.QUARANTINED, _E.REJECT): _S.REJECTED,
    # Answers that come after a query or a fill has told more than they do.
    (_S.OPEN, _E.LOSE): _S.OPEN,
    (_S.OPEN, _E.CANCEL_LOSE): _S.OPEN,
    (_S.OPEN, _E.FIND_OPEN): _S.OPEN,
    (_S.PARTIALLY_FILLED, _E.CANCEL_LOSE): _S.PARTIALLY_FILLED,
    (_S.PARTIALLY_FILLED, _E.FIND_OPEN): _S.PARTIALLY_FILLED,
    (_S.UNKNOWN, _E.CANCEL_LOSE): _S.UNKNOWN,
    (_S.CANCEL_UNKNOWN, _E.LOSE): _S.CANCEL_UNKNOWN,
    (_S.QUARANTINED, _E.ACKNOWLEDGE): _S.OPEN,
    (_S.QUARANTINED, _E.LOSE): _S.QUARANTINED,
    (_S.QUARANTINED, _E.CANCEL_LOSE): _S.QUARANTINED,
    # A query found it open before the answer to the post came.
    (_S.OPEN, _E.ACKNOWLEDGE): _S.OPEN,
    (_S.OPEN, _E.FILL_PART): _S.PARTIALLY_FILLED,
    (_S.OPEN, _E.FILL_ALL): _S.FILLED,
    (_S.OPEN, _E.CANCEL_SEND): _S.CANCEL_SENDING,
    # The venue cancels by itself: market closed, cover lost, the rest of a FAK.
    (_S.OPEN, _E.CANCEL): _S.CANCELLED,
    (_S.OPEN, _E.EXPIRE): _S.EXPIRED,
    (_S.PARTIALLY_FILLED, _E.FILL_PART): _S.PARTIALLY_FILLED,
    (_S.PARTIALLY_FILLED, _E.FILL_ALL): _S.FILLED,
    (_S.PARTIALLY_FILLED, _E.CANCEL_SEND): _S.CANCEL_SENDING,
    (_S.PARTIALLY_FILLED, _E.CANCEL): _S.CANCELLED,
    (_S.PARTIALLY_FILLED, _E.EXPIRE): _S.EXPIRED,
    # The answer to the post comes after the first fill: it adds nothing.
    (_S.PARTIALLY_FILLED, _E.ACKNOWLEDGE): _S.PARTIALLY_FILLED,
    # The answer was lost, but a fill has already proven that the order arrived.
    (_S.PARTIALLY_FILLED, _E.LOSE): _S.PARTIALLY_FILLED,
    (_S.CANCEL_SENDING, _E.CANCEL): _S.CANCELLED,
    (_S.CANCEL_SENDING, _E.CANCEL_LOSE): _S.CANCEL_UNKNOWN,
    # No byte of the cancel left: asked again, the order still stands.
    (_S.CANCEL_SENDING, _E.CANCEL_NOT_SENT): _S.CANCEL_UNKNOWN,
    (_S.CANCEL_SENDING, _E.FILL_PART): _S.CANCEL_SENDING,
    (_S.CANCEL_SENDING, _E.FILL_ALL): _S.FILLED,
    (_S.CANCEL_SENDING, _E.EXPIRE): _S.EXPIRED,
    (_S.CANCEL_SENDING, _E.ACKNOWLEDGE): _S.CANCEL_SENDING,
    (_S.CANCEL_SENDING, _E.LOSE): _S.CANCEL_SENDING,
    (_S.CANCEL_UNKNOWN, _E.CANCEL): _S.CANCELLED,
    (_S.CANCEL_UNKNOWN, _E.CANCEL_SEND): _S.CANCEL_SENDING,
    (_S.CANCEL_UNKNOWN, _E.CANCEL_LOSE): _S.CANCEL_UNKNOWN,
    (_S.CANCEL_UNKNOWN, _E.ACKNOWLEDGE): _S.CANCEL_UNKNOWN,
    (_S.CANCEL_UNKNOWN, _E.FILL_PART): _S.CANCEL_UNKNOWN,
    (_S.CANCEL_UNKNOWN, _E.FILL_ALL): _S.FILLED,
    (_S.CANCEL_UNKNOWN, _E.EXPIRE): _S.EXPIRED,
    (_S.CANCEL_UNKNOWN, _E.FIND_OPEN): _S.OPEN,
    (_S.CANCEL_UNKNOWN, _E.PROVE_ABSENT): _S.DEAD,
    (_S.CANCEL_UNKNOWN, _E.GIVE_UP): _S.QUARANTINED,
    # A class A venue takes the same bytes again and cannot make a second order of them.
    (_S.UNKNOWN, _E.SEND): _S.SENDING,
    (_S.UNKNOWN, _E.ACKNOWLEDGE): _S.OPEN,
    (_S.UNKNOWN, _E.FIND_OPEN): _S.OPEN,
    (_S.UNKNOWN, _E.FILL_PART): _S.PARTIALLY_FILLED,
    (_S.UNKNOWN, _E.FILL_ALL): _S.FILLED,
    (_S.UNKNOWN, _E.CANCEL): _S.CANCELLED,
    (_S.UNKNOWN, _E.EXPIRE): _S.EXPIRED,
    # A definitive answer that came after we had stopped waiting for it.
    (_S.UNKNOWN, _E.REJECT): _S.REJECTED,
    (_S.UNKNOWN, _E.LOSE): _S.UNKNOWN,
    (_S.UNKNOWN, _E.PROVE_ABSENT): _S.DEAD,
    (_S.UNKNOWN, _E.GIVE_UP): _S.QUARANTINED,
    # It was acknowledged, and then no read shows it, nor a trade: somebody has to look.
    (_S.OPEN, _E.GIVE_UP): _S.QUARANTINED,
    (_S.PARTIALLY_FILLED, _E.GIVE_UP): _S.QUARANTINED,
    # A person or a late message ends a quarantine; the reservation has been kept all the while.
    (_S.QUARANTINED, _E.FIND_OPEN): _S.OPEN,
    (_S.QUARANTINED, _E.FILL_PART): _S.PARTIALLY_FILLED,
    (_S.QUARANTINED, _E.FILL_ALL): _S.FILLED,
    (_S.QUARANTINED, _E.CANCEL): _S.CANCELLED,
    (_S.QUARANTINED, _E.EXPIRE): _S.EXPIRED,
    (_S.QUARANTINED, _E.PROVE_ABSENT): _S.DEAD,
    # The answer to the post, or to a cancel that lost the race, after the order had ended.
    (_S.FILLED, _E.ACKNOWLEDGE): _S.FILLED,
    (_S.FILLED, _E.LOSE): _S.FILLED,
    (_S.FILLED, _E.CANCEL_LOSE): _S.FILLED,
    (_S.CANCELLED, _E.ACKNOWLEDGE): _S.CANCELLED,
    (_S.CANCELLED, _E.LOSE): _S.CANCELLED,
    (_S.CANCELLED, _E.CANCEL): _S.CANCELLED,
    (_S.CANCELLED, _E.CANCEL_LOSE): _S.CANCELLED,
    (_S.EXPIRED, _E.ACKNOWLEDGE): _S.EXPIRED,
    (_S.EXPIRED, _E.EXPIRE): _S.EXPIRED,
    (_S.EXPIRED, _E.LOSE): _S.EXPIRED,
    (_S.EXPIRED, _E.CANCEL_LOSE): _S.EXPIRED,
    # A late fill on an order that had ended is posted, marked LATE and alerted, never dropped.
    (_S.FILLED, _E.FILL_ALL): _S.FILLED,
    (_S.CANCELLED, _E.FILL_PART): _S.CANCELLED,
    (_S.CANCELLED, _E.FILL_ALL): _S.FILLED,
    (_S.EXPIRED, _E.FILL_PART): _S.EXPIRED,
    (_S.EXPIRED, _E.FILL_ALL): _S.FILLED,
    (_S.REJECTED, _E.FILL_PART): _S.REJECTED,
    (_S.REJECTED, _E.FILL_ALL): _S.FILLED,
    (_S.DEAD, _E.FILL_PART): _S.DEAD,
    (_S.DEAD, _E.FILL_ALL): _S.FILLED,
}

LATE_ANSWERS = (_E.ACKNOWLEDGE, _E.REJECT, _E.LOSE, _E.CANCEL, _E.CANCEL_LOSE, _E.EXPIRE, _E.FIND_OPEN)
SENT_AND_ENDED = (_S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED, _S.DEAD)

# Any answer may come after an order that was sent has ended: it changes nothing, is stored and is marked LATE.
TRANSITIONS |= {(status, answer): status for status in SENT_AND_ENDED for answer in LATE_ANSWERS}


def next_status(status: OrderStatus, event: OrderEvent) -> OrderStatus:
    """Look the transition up; raise TransitionError for a pair that the table does not hold."""
    try:
        return TRANSITIONS[status, event]
    except KeyError:
        raise TransitionError(f"an order in state {status} cannot meet {event}") from None


PRICE_MIN = Decimal("0.0001")
"""Smallest price of an outcome share: the finest tick."""

OVERFILL_MAX = Decimal("0.01")


class Intent(Struct, frozen=True, kw_only=True):
    """What a strategy asks for. `price` is the limit; `signal_key` and `leg` make the intent unique in a session.

    `reason` is a sentence for people, stored with the order; `expires_ns` belongs to GTD alone.
    """

    instrument_id: InstrumentId
    side: Side
    quantity: Decimal
    price: Decimal
    signal_key: str
    reason: str
    time_in_force: TimeInForce = TimeInForce.GTC
    leg: int = 0
    post_only: bool = False
    expires_ns: int | None = None


class Order(Struct, frozen=True, kw_only=True):
    """An intent that passed the controls; quantities in shares, price in pUSD per share, times UTC nanoseconds.

    `valid_until_ns` is the moment after which the venue can no longer execute the payload; None for an
    order that rests without end.
    """

    id: OrderId
    intent_id: IntentId
    generation: int
    correlation_id: CorrelationId
    strategy: StrategyName
    venue: VenueName
    market_id: MarketId
    instrument_id: InstrumentId
    side: Side
    time_in_force: TimeInForce
    post_only: bool
    price: Decimal
    quantity: Decimal
    created_ns: int
    updated_ns: int
    status: OrderStatus = OrderStatus.ACCEPTED
    filled_quantity: Decimal = Decimal(0)
    attempts: int = 0
    reason: str = ""
    expires_ns: int | None = None
    valid_until_ns: int | None = None

    @property
    def leaves_quantity(self) -> Decimal:
        """Shares not yet filled; none where more came than was asked for."""
        return max(ZERO, self.quantity - self.filled_quantity)

    @property
    def fill_limit(self) -> Decimal:
        """The most shares that this order can be filled for.

        A venue may take an immediate purchase for a budget of price × quantity, which buys more at a better price:
        Polymarket's stream gives the size of such orders in money (nautilus_trader #3734). Its rounding may add up
        to a hundredth of a share to any order (#3221). An exchange never fills a limit order for more than it asks.
        """
        if is_pair(self.instrument_id):
            return self.quantity
        if self.side is Side.BUY and self.time_in_force.is_immediate:
            return self.quantity * self.price / PRICE_MIN
        return self.quantity + OVERFILL_MAX

    @property
    def is_done(self) -> bool:
        """Say whether the order has ended."""
        return self.status in TERMINAL

    def after(self, event: OrderEvent, *, time_ns: int, reason: str | None = None) -> "Order":
        """Return the order after the event; raise TransitionError where the table does not allow it."""
        return msgspec.structs.replace(
            self,
            status=next_status(self.status, event),
            updated_ns=time_ns,
            attempts=self.attempts + (event is OrderEvent.SEND),
            reason=self.reason if reason is None else reason,
        )

    def after_fill(self, quantity: Decimal, *, time_ns: int) -> "Order":
        """Return the order with `quantity` more filled; raise TransitionError beyond its `fill_limit`."""
        filled = self.filled_quantity + quantity
        if filled > self.fill_limit:
            raise TransitionError(f"order {self.id} is filled for {filled} of {self.quantity}")
        event = OrderEvent.FILL_ALL if filled >= self.quantity else OrderEvent.FILL_PART
        return msgspec.structs.replace(self.after(event, time_ns=time_ns), filled_quantity=filled)
