"""What our copies cost: orders asked for, money spent today, buys by outcome, and the room that the caps leave."""

from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from domain.identifiers import InstrumentId
from domain.money import ZERO
from strategies.base_strategy import View
from strategies.copying.sizing import Room

NS_PER_DAY = 86_400 * 1_000_000_000


class Caps(NamedTuple):
    """Most that one order, the position in an outcome, all copies of the target and a UTC day may cost, in pUSD."""

    order_max: Decimal = Decimal(25)
    position_max: Decimal = Decimal(50)
    target_max: Decimal = Decimal(200)
    day_max: Decimal = Decimal(200)


class Ask(Struct, kw_only=True):
    """A buy that was asked for and whose end was not heard of; `unit_cost` is the limit price with the largest fee."""

    leaves: Decimal
    unit_cost: Decimal
    has_filled: bool = False

    @property
    def cost(self) -> Decimal:
        """The most that it can still cost."""
        return self.leaves * self.unit_cost


class Spending:
    """Counts an order in full from the moment of asking until its end is told, so that no cap is ever passed.

    Strategies hear of a fill after it stands in the books; in between it counts twice, which is the safe side.
    """

    def __init__(self) -> None:
        self.asks: dict[InstrumentId, Ask] = {}
        self.buys: dict[InstrumentId, int] = {}
        self._day = 0
        self._spent = ZERO

    def ask(self, instrument_id: InstrumentId, *, quantity: Decimal, unit_cost: Decimal) -> None:
        """Note a buy; an instrument has one at a time."""
        assert instrument_id not in self.asks, f"a second buy of {instrument_id} before the first has ended"
        self.asks[instrument_id] = Ask(leaves=quantity, unit_cost=unit_cost)

    def end(self, instrument_id: InstrumentId) -> None:
        """Forget a buy that has ended, or of which no order came."""
        self.asks.pop(instrument_id, None)

    def fill(self, instrument_id: InstrumentId, *, quantity: Decimal, cost: Decimal, time_ns: int) -> None:
        """Count an execution and its cost with the fee; a negative quantity is one that failed to settle."""
        self._spent = self.spent(time_ns) + cost
        ask = self.asks.get(instrument_id)
        if ask and quantity > 0:
            self.buys[instrument_id] = self.buys.get(instrument_id, 0) + (not ask.has_filled)
            ask.has_filled, ask.leaves = True, max(ZERO, ask.leaves - quantity)
        else:
            self.buys.setdefault(instrument_id, 1)

    def spent(self, time_ns: int) -> Decimal:
        """What fills have cost on the UTC day of `time_ns`; a new day begins at nothing."""
        day = time_ns // NS_PER_DAY
        if day != self._day:
            self._day, self._spent = day, ZERO
        return self._spent

    def in_flight(self, instrument_id: InstrumentId) -> Decimal:
        """Shares that a buy may still bring."""
        ask = self.asks.get(instrument_id)
        return ask.leaves if ask else ZERO

    def open_instruments(self, view: View) -> set[InstrumentId]:
        """Outcomes of which we hold copies or may get some."""
        held = {instrument_id for instrument_id in self.buys if view.holding(instrument_id).quantity}
        return held | set(self.asks)

    def rooms(self, instrument_id: InstrumentId, caps: Caps, view: View) -> tuple[Room, ...]:
        """What each cap leaves for another buy of this outcome; an order is cut to the least of them."""
        asked = sum((ask.cost for ask in self.asks.values()), ZERO)
        held = sum((view.holding(known).cost for known in self.buys), ZERO)
        return (
            Room("order cap", caps.order_max),
            Room("position cap", caps.position_max - view.holding(instrument_id).cost),
            Room("target cap", caps.target_max - held - asked),
            Room("day cap", caps.day_max - self.spent(view.time_ns) - asked),
        )

    def forget(self, instrument_id: InstrumentId) -> None:
        """Drop an outcome whose market has resolved; what was spent today stays."""
        self.asks.pop(instrument_id, None)
        self.buys.pop(instrument_id, None)
