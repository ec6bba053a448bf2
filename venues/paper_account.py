"""The simulated venue's own account of us: what it would say we own, independent of the daemon's ledger."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from domain.identifiers import InstrumentId, OrderId
from domain.instrument import Instrument, Side, assets_of
from domain.messages import Fill
from domain.money import PUSD, UNIT, ZERO, cost_of, proceeds_of, round_down, to_units, unit_of
from domain.order import Order
from venues.paper_refusals import balance_text


class PaperAccount:
    """Cash, settled shares, what is on its way, and what open orders hold of them.

    A buy is paid when it matches, and its shares come when it settles; a sale gives its shares when it
    matches, and is paid when it settles. Whatever has not settled covers no order.
    """

    def __init__(self, cash: Decimal, *, money: str = PUSD) -> None:
        self._money = money
        self._settled: dict[str, Decimal] = {money: cash}
        self._incoming: dict[str, Decimal] = {}
        self._holds: dict[OrderId, tuple[str, Decimal]] = {}

    @classmethod
    def resumed(
        cls, owned: Mapping[str, Decimal], unsettled: Iterable[Fill], *, money: str = PUSD
    ) -> "PaperAccount":
        """The account as an earlier process left it: what is settled, and what fills will still bring."""
        account = cls(ZERO, money=money)
        account._settled = dict(owned)
        for fill in unsettled:
            _, (got, due) = exchanged(fill)
            add(account._incoming, got, due)
        return account

    def balances(self) -> dict[str, Decimal]:
        """Settled money (always) and settled amounts by asset (where not zero), held for orders or not."""
        return {self._money: ZERO} | self._settled

    def incoming(self) -> dict[str, Decimal]:
        """What has matched and not settled: money of sales less their fees, shares of buys."""
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
        unit = unit_of(instrument.money)
        have = to_units(round_down(max(free, ZERO), unit), unit)
        return balance_text(balance=have, amount=to_units(amount, unit))

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
        add(self._settled, self._money, round_down(redeemed * payout, UNIT))
        return redeemed

    def convert(self, instrument_ids: tuple[InstrumentId, ...], sets: Decimal) -> None:
        """Turn sets into money, or money into sets where `sets` is negative; the caller has seen the cover."""
        for instrument_id in instrument_ids:
            add(self._settled, instrument_id, -sets)
        add(self._settled, self._money, sets)


def add(balances: dict[str, Decimal], asset: str, amount: Decimal) -> None:
    """Change a balance; one that becomes zero is forgotten, so that memory follows what is held."""
    if total := balances.get(asset, ZERO) + amount:
        balances[asset] = total
    else:
        balances.pop(asset, None)


def needed(order: Order, leaves: Decimal, instrument: Instrument, *, is_taker: bool) -> tuple[str, Decimal]:
    """Asset and amount that cover the remainder: what is sold, else its cost, and the largest fee."""
    if order.side is Side.SELL:
        return instrument.asset, leaves
    fee_max = instrument.taker_fee_max if is_taker else instrument.maker_fee_max
    cost = cost_of(price=order.price, quantity=leaves, unit=unit_of(instrument.money))
    return instrument.money, cost + fee_max(price_max=order.price, quantity=leaves)


def exchanged(fill: Fill) -> tuple[tuple[str, Decimal], tuple[str, Decimal]]:
    """What a fill takes from us and what it brings, each as (asset, amount), the fee paid in either of the two."""
    asset, money = assets_of(fill.instrument_id)
    unit, fee = unit_of(money), {fill.fee_asset: fill.fee}
    if fill.side is Side.BUY:
        cost = cost_of(price=fill.price, quantity=fill.quantity, unit=unit)
        return (money, cost + fee.get(money, ZERO)), (asset, fill.quantity - fee.get(asset, ZERO))
    proceeds = proceeds_of(price=fill.price, quantity=fill.quantity, unit=unit)
    return (asset, fill.quantity + fee.get(asset, ZERO)), (money, proceeds - fee.get(money, ZERO))
