"""Orders that have not ended, indexed so that a check costs the same with ten of them as with ten thousand."""

from collections.abc import Iterator
from decimal import Decimal

from domain.identifiers import InstrumentId, OrderId, StrategyName
from domain.instrument import Instrument, Side
from domain.money import ONE, ZERO
from domain.order import Intent, Order, OrderStatus

Line = tuple[InstrumentId, Side]

DOUBTFUL = (OrderStatus.UNKNOWN, OrderStatus.QUARANTINED)


class LiveOrders:
    """The working set: `put` and `remove` keep every index in step."""

    def __init__(self) -> None:
        self._orders: dict[OrderId, Order] = {}
        self._counts: dict[StrategyName, int] = {}
        self._lines: dict[Line, dict[OrderId, Order]] = {}
        self._leaves: dict[Line, Decimal] = {}
        self._doubtful: dict[OrderId, Order] = {}

    def __iter__(self) -> Iterator[Order]:
        return iter(self._orders.values())

    def __len__(self) -> int:
        return len(self._orders)

    def get(self, order_id: OrderId) -> Order | None:
        """The order in its present state, or None where it is not live."""
        return self._orders.get(order_id)

    def of(self, strategy: StrategyName) -> list[Order]:
        """The strategy's orders that have not ended, oldest first."""
        return [order for order in self._orders.values() if order.strategy == strategy]

    def count_of(self, strategy: StrategyName) -> int:
        """How many of the strategy's orders have not ended."""
        return self._counts.get(strategy, 0)

    def put(self, order: Order) -> None:
        """Take a new order in, or the next state of one that is there, which keeps its place."""
        line = order.instrument_id, order.side
        before = self._orders.get(order.id)
        assert before is None or line == (before.instrument_id, before.side), (
            "an order never changes its line"
        )
        self._orders[order.id] = order
        if before is None:
            self._counts[order.strategy] = self.count_of(order.strategy) + 1
        self._lines.setdefault(line, {})[order.id] = order
        left = before.leaves_quantity if before else ZERO
        self._leaves[line] = self._leaves.get(line, ZERO) + order.leaves_quantity - left
        if order.status in DOUBTFUL:
            self._doubtful[order.id] = order
        else:
            self._doubtful.pop(order.id, None)

    def remove(self, order_id: OrderId) -> None:
        """Drop an order; nothing happens where it is not live."""
        order = self._orders.pop(order_id, None)
        if order is None:
            return
        self._counts[order.strategy] -= 1
        line = order.instrument_id, order.side
        self._leaves[line] -= order.leaves_quantity
        self._doubtful.pop(order_id, None)
        orders = self._lines[line]
        del orders[order_id]
        if not orders:
            del self._lines[line]
            del self._leaves[line]

    @property
    def doubtful_count(self) -> int:
        """How many orders are unknown or quarantined."""
        return len(self._doubtful)

    def leaves(self, instrument_id: InstrumentId, side: Side) -> Decimal:
        """Shares that the live orders of one side may still trade, unknown ones included."""
        return self._leaves.get((instrument_id, side), ZERO)

    def doubtful_like(self, order: Order) -> OrderId | None:
        """An unknown order of the same strategy, instrument and side: it freezes that line."""
        mine = order.strategy, order.instrument_id, order.side
        return next(
            (o.id for o in self._doubtful.values() if (o.strategy, o.instrument_id, o.side) == mine), None
        )

    def crossing(self, intent: Intent, instrument: Instrument) -> OrderId | None:
        """Own order that this one could trade with: the other side here, or the same side of the complement.

        Buying YES at p meets buying NO at 1 − p or more: the venue mints the pair.
        """
        for order in self._lines.get((intent.instrument_id, intent.side.opposite), {}).values():
            if _reaches(intent, order.price):
                return order.id
        if instrument.complement_id is not None:
            for order in self._lines.get((instrument.complement_id, intent.side), {}).values():
                if _reaches(intent, ONE - order.price):
                    return order.id
        return None


def _reaches(intent: Intent, price: Decimal) -> bool:
    return intent.price >= price if intent.side is Side.BUY else intent.price <= price
