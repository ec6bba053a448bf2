"""What the target is exposed to: its shares net of complete sets, and what a trade changes about that."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from domain.identifiers import InstrumentId
from domain.instrument import Side
from domain.money import ONE, ZERO
from strategies.copying.aggregation import LeaderTrade

Complements = Mapping[InstrumentId, InstrumentId | None]
"""The other outcome of each instrument of a market, None where it has none."""


class Stake(Struct, kw_only=True):
    """Shares of the target and what it paid for them."""

    quantity: Decimal = ZERO
    cost: Decimal = ZERO

    def add(self, quantity: Decimal, price: Decimal) -> None:
        """Take a purchase in."""
        self.quantity += quantity
        self.cost += quantity * price

    def remove(self, quantity: Decimal) -> None:
        """Take shares out at their average cost; what we never saw bought cannot make the stake negative."""
        left = max(ZERO, self.quantity - quantity)
        self.cost = self.cost * left / self.quantity if left else ZERO
        self.quantity = left


class Change(NamedTuple):
    """A change of the target's net exposure: what there is to copy. `fraction` is the part of a sold exposure.

    Buying one outcome while holding the other gives the other up: the price is then what is left of 1.
    """

    instrument_id: InstrumentId
    side: Side
    price: Decimal
    quantity: Decimal
    fraction: Decimal
    cause: LeaderTrade


class Exposure:
    """The target's stakes, as far as its trades are known."""

    def __init__(self) -> None:
        self._stakes: dict[InstrumentId, Stake] = {}

    @property
    def cost(self) -> Decimal:
        """What it paid for all that it is known to hold, in pUSD: the least that its portfolio can be."""
        return sum((stake.cost for stake in self._stakes.values()), ZERO)

    def quantity(self, instrument_id: InstrumentId) -> Decimal:
        """Shares that it is known to hold, complete sets included."""
        stake = self._stakes.get(instrument_id)
        return stake.quantity if stake else ZERO

    def net(self, instrument_id: InstrumentId, complements: Complements) -> Decimal:
        """Shares beyond complete sets: a pair of both outcomes pays 1 whatever happens."""
        other = complements.get(instrument_id)
        opposite = self.quantity(other) if other else ZERO
        return max(ZERO, self.quantity(instrument_id) - opposite)

    def apply(self, trades: Iterable[LeaderTrade], complements: Complements) -> list[Change]:
        """Take the leader trades of one market in, buys first, and return what they changed, sales first."""
        in_order = sorted(trades, key=lambda trade: trade.side is Side.SELL)
        touched = list(
            dict.fromkeys(
                i for t in in_order for i in (t.instrument_id, complements.get(t.instrument_id)) if i
            )
        )
        before = {instrument_id: self.net(instrument_id, complements) for instrument_id in touched}
        for trade in in_order:
            self._take(trade)
        changes = [
            self._change(instrument_id, before[instrument_id], in_order, complements)
            for instrument_id in touched
        ]
        return sorted((change for change in changes if change), key=lambda change: change.side is Side.BUY)

    def merge(self, quantity: Decimal, instrument_ids: Iterable[InstrumentId]) -> None:
        """Take complete sets out of a market: both sides fall alike, and the net exposure stays."""
        for instrument_id in instrument_ids:
            self.redeem(quantity, instrument_id)

    def redeem(self, quantity: Decimal, instrument_id: InstrumentId) -> None:
        """Take paid-out shares out; that is no sale and changes nothing that is to be copied."""
        if stake := self._stakes.get(instrument_id):
            stake.remove(quantity)

    def forget(self, instrument_ids: Iterable[InstrumentId]) -> None:
        """Drop the stakes of a resolved market."""
        for instrument_id in instrument_ids:
            self._stakes.pop(instrument_id, None)

    def _take(self, trade: LeaderTrade) -> None:
        stake = self._stakes.setdefault(trade.instrument_id, Stake())
        if trade.side is Side.BUY:
            stake.add(trade.quantity, trade.price)
        else:
            stake.remove(trade.quantity)

    def _change(
        self,
        instrument_id: InstrumentId,
        before: Decimal,
        trades: list[LeaderTrade],
        complements: Complements,
    ) -> Change | None:
        after = self.net(instrument_id, complements)
        if after == before:
            return None
        side = Side.BUY if after > before else Side.SELL
        cause = _cause(instrument_id, side, trades)
        price = cause.price if cause.instrument_id == instrument_id else ONE - cause.price
        fraction = ZERO if side is Side.BUY else (before - after) / before
        return Change(instrument_id, side, price, abs(after - before), fraction, cause)


def _cause(instrument_id: InstrumentId, side: Side, trades: list[LeaderTrade]) -> LeaderTrade:
    """The trade of this instrument and side, else the one of the other outcome that amounts to it."""
    direct = [t for t in trades if t.instrument_id == instrument_id and t.side is side]
    indirect = [t for t in trades if t.instrument_id != instrument_id and t.side is not side]
    causes = direct or indirect
    assert causes, f"the net exposure to {instrument_id} changed without a trade"
    return causes[0]
