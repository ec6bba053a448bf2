"""One leader trade and what becomes of it: our fills, and the receipt that says so."""

from decimal import Decimal

from msgspec import Struct

from domain.instrument import Side
from domain.messages import Receipt
from domain.money import AMOUNT_MAX, UNIT, ZERO, round_down
from strategies.copying.aggregation import LeaderTrade
from strategies.copying.exposure import Change

NS_PER_MS = 1_000_000

COPIED = "copied"
SKIPPED = "skipped"
WAITING = "waiting"
FAILED = "failed"


class Work(Struct, kw_only=True):
    """What is to be copied, or was passed over, with the shares that we got so far."""

    key: str
    change: Change
    outcome: str = WAITING
    reason: str = ""
    note: str = ""
    wanted: Decimal = ZERO
    filled: Decimal = ZERO
    paid: Decimal = ZERO
    filled_ns: int = 0

    @property
    def leaves(self) -> Decimal:
        """Shares that are still to be traded."""
        return max(ZERO, self.wanted - self.filled)

    @property
    def is_open(self) -> bool:
        """Say whether more may come of it."""
        return self.outcome == WAITING

    def fill(self, quantity: Decimal, *, price: Decimal, time_ns: int) -> None:
        """Add an execution of ours; a negative quantity takes one back that failed to settle."""
        self.filled += quantity
        self.paid += quantity * price
        self.filled_ns = time_ns

    def tell(self, time_ns: int, outcome: str, reason: str) -> list[Receipt]:
        """Move on and return the receipt; empty where a receipt would say what the last one said."""
        if (self.outcome, self.reason) == (outcome, reason):
            return []
        self.outcome, self.reason = outcome, reason
        return [receipt(self, time_ns)]


def passed_over(trade: LeaderTrade, key: str) -> Work:
    """A leader trade that leaves nothing to copy."""
    change = Change(trade.instrument_id, trade.side, trade.price, trade.quantity, ZERO, trade)
    return Work(key=key, change=change)


def receipt(work: Work, time_ns: int) -> Receipt:
    """Set the leader's price and time beside ours; the average of our fills is rounded down to a unit."""
    change, cause = work.change, work.change.cause
    price = round_down(work.paid / work.filled, UNIT) if work.filled > 0 else None
    return Receipt(
        time_ns=time_ns,
        key=work.key,
        wallet=cause.wallet,
        name=cause.name,
        market_id=cause.market_id,
        instrument_id=change.instrument_id,
        side=change.side,
        leader_price=round_down(change.price, UNIT),
        leader_quantity=min(round_down(change.quantity, UNIT), AMOUNT_MAX),
        leader_time_ns=cause.time_ns,
        our_price=price,
        our_quantity=None if price is None else work.filled,
        our_time_ns=None if price is None else work.filled_ns,
        slippage=None
        if price is None
        else slippage(change.side, ours=price, leaders=round_down(change.price, UNIT)),
        delay_s=None if price is None else Decimal((work.filled_ns - cause.time_ns) // NS_PER_MS) / 1000,
        outcome=work.outcome,
        reason="; ".join(text for text in (work.reason, work.note) if text),
    )


def slippage(side: Side, *, ours: Decimal, leaders: Decimal) -> Decimal:
    """How much worse our price is than the leader's, in pUSD a share.

    >>> slippage(Side.BUY, ours=Decimal("0.52"), leaders=Decimal("0.50"))
    Decimal('0.02')
    >>> slippage(Side.SELL, ours=Decimal("0.52"), leaders=Decimal("0.50"))
    Decimal('-0.02')
    """
    return ours - leaders if side is Side.BUY else leaders - ours


def plain(value: Decimal) -> str:
    """Write a number for people: no exponent, no trailing zeros."""
    return f"{value.normalize():f}"
