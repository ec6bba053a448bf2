"""The simulated venue's own account of us: what it would say we own, independent of the daemon's ledger."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from domain.identifiers import InstrumentId, OrderId
from domain.instrument import Instrument, Side
from domain.messages import Fill
from domain.money import PUSD, UNIT, ZERO, cost_of, proceeds_of, round_down, taker_fee_max, to_units
from domain.order import Order
from venues.paper_refusals import balance_text


class PaperAccount:
    """Cash, settled shares, what is on its way, and what open orders hold of them.

    A buy is paid when it matches, and its shares come when it settles; a sale gives its shares when it
    matches, and is paid when it settles. Whatever has not settled covers no order.
    """

    def __init__(self, cash: Decimal) -> None:
        self._settled: dict[str, Decimal] = {PUSD: cash}
        self._incoming: dict[str, Decimal] = {}
        self._holds: dict[OrderId, tuple[str, Decimal]] = {}

    @classmethod
    def resumed(cls, owned: Mapping[str, Decimal], unsettled: Iterable[Fill]) -> "PaperAccount":
        """The account as an earlier process left it: what is settled, and what fills will still bring."""
        account = cls(ZERO)
        account._settled = dict(owned)
        for fill in unsettled:
            _, (got, due) = exchanged(fill)
            add(account._incoming, got, due)
        return account

    def balances(self) -> dict[str, Decimal]:
        """Settled pUSD (always) and settled shares by instrument (where not zero), held for orders or not."""
        return {PUSD: ZERO} | self._settled

    def incoming(self) -> dict[str, Decimal]:
        """What has matched and not settled: pUSD of sales less their fees, shares of buys."""
        return dict(self._incoming)

    def free(self, asset: str) -> Decimal:
        """Balance less what open orders on that side hold: the largest new order."""
        held = sum((amount for name, amount in self._holds.values() if name == asset), ZERO)
        return self._settled.get(asset, ZERO) - held

    def refusal(self, order: Order, instrument: Instrument, *, is_taker: bool) -> str | None:
        """Say in the venue's words that the order lacks cover; None where it has it."""
        asset, amount = needed(order, order.quantity, instrument, is_taker=is_taker)
        free = self.free(asset)
        if amount <= free:
            return None
        return balance_text(balance=to_units(round_down(max(free, ZERO), UNIT)), amount=to_units(amount))

    def hold(self, order: Order, leaves: Decimal, instrument: Instrument, *, is_taker: bool) -> None:
        """Let an order hold the cover of its remainder, in place of what it held before."""
        self._holds[order.id] = needed(order, leaves, instrument, is_taker=is_taker)

    def release(self, order_id: OrderId) -> None:
        """Free what an order held; harmless where it held nothing."""
        self._holds.pop(order_id, None)

    def match(self, fill: Fill) -> None:
        """Take what we give for a fill; what we get is on its way."""
        (given, paid), (got, due) = exchanged(fill)
        add(self._settled, given, -paid)
        add(self._incoming, got, due)

    def settle(self, fill: Fill) -> None:
        """Let what was on its way arrive."""
        _, (got, due) = exchanged(fill)
        add(self._incoming, got, -due)
        add(self._settled, got, due)

    def undo(self, fill: Fill) -> None:
        """Give back what a fill took, fee included, and forget what was on its way: settlement failed."""
        (given, paid), (got, due) = exchanged(fill)
        add(self._incoming, got, -due)
        add(self._settled, given, paid)

    def redeem(self, instrument_id: InstrumentId, *, quantity: Decimal, payout: Decimal) -> Decimal:
        """Pay out at most the settled shares at `payout` each, rounded down to a unit; return how many."""
        redeemed = min(quantity, self._settled.get(instrument_id, ZERO))
        add(self._settled, instrument_id, -redeemed)
        add(self._settled, PUSD, round_down(redeemed * payout, UNIT))
        return redeemed

    def convert(self, instrument_ids: tuple[InstrumentId, ...], sets: Decimal) -> None:
        """Turn sets into money, or money into sets where `sets` is negative; the caller has seen the cover."""
        for instrument_id in instrument_ids:
            add(self._settled, instrument_id, -sets)
        add(self._settled, PUSD, sets)


def add(balances: dict[str, Decimal], asset: str, amount: Decimal) -> None:
    """Change a balance; one that becomes zero is forgotten, so that memory follows what is held."""
    if total := balances.get(asset, ZERO) + amount:
        balances[asset] = total
    else:
        balances.pop(asset, None)


def needed(order: Order, leaves: Decimal, instrument: Instrument, *, is_taker: bool) -> tuple[str, Decimal]:
    """Asset and amount that cover the remainder: shares to sell, else its cost, and a taker's largest fee."""
    if order.side is Side.SELL:
        return order.instrument_id, leaves
    cost = cost_of(price=order.price, quantity=leaves)
    if not is_taker:
        return PUSD, cost
    rate, exponent = instrument.fee_rate, instrument.fee_exponent
    return PUSD, cost + taker_fee_max(price_max=order.price, quantity=leaves, rate=rate, exponent=exponent)


def exchanged(fill: Fill) -> tuple[tuple[str, Decimal], tuple[str, Decimal]]:
    """What a fill takes from us and what it brings, each as (asset, amount); the fee is paid in pUSD."""
    if fill.side is Side.BUY:
        cost = cost_of(price=fill.price, quantity=fill.quantity)
        return (PUSD, cost + fill.fee), (fill.instrument_id, fill.quantity)
    proceeds = proceeds_of(price=fill.price, quantity=fill.quantity)
    return (fill.instrument_id, fill.quantity), (PUSD, proceeds - fill.fee)
