"""The book as a stream shows it: the best levels only, as a snapshot first and then by what changed."""

from decimal import Decimal

from domain.instrument import Side
from domain.money import ZERO
from simulator.exchanges.bybit.payloads import Json, levels
from simulator.exchanges.matching import SpotBook

Levels = dict[Decimal, Decimal]


class BookView:
    """What the subscribers of one depth of one pair have been told so far."""

    def __init__(self, book: SpotBook, depth: int) -> None:
        self._book = book
        self._depth = depth
        self._shown = self._levels()
        self.update_id = book.update_id

    def snapshot(self) -> Json:
        """All that is shown, for somebody who has just subscribed."""
        sides = {side: list(self._shown[side].items()) for side in Side}
        return self._data(sides[Side.BUY], sides[Side.SELL])

    def take_delta(self) -> Json | None:
        """Levels that differ from what was shown (quantity 0: gone); None where nothing does."""
        old, new = self._shown, self._levels()
        changes = {side: _differences(old[side], new[side]) for side in Side}
        self._shown, self.update_id = new, self._book.update_id
        if not any(changes.values()):
            return None
        return self._data(changes[Side.BUY], changes[Side.SELL])

    def _levels(self) -> dict[Side, Levels]:
        return {side: dict(self._book.levels(side, self._depth)) for side in Side}

    def _data(self, bids: list[tuple[Decimal, Decimal]], asks: list[tuple[Decimal, Decimal]]) -> Json:
        return {
            "s": self._book.symbol,
            "b": levels(bids),
            "a": levels(asks),
            "u": self.update_id,
            "seq": self.update_id,
        }


def _differences(old: Levels, new: Levels) -> list[tuple[Decimal, Decimal]]:
    changed = [(price, quantity) for price, quantity in new.items() if old.get(price) != quantity]
    return changed + [(price, ZERO) for price in old if price not in new]
