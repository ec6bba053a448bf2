"""Which orders at the exchange are ours: our id, the client id and the exchange's id, and what was reported of each."""

from decimal import Decimal
from typing import Any

from msgspec import Struct

from domain.identifiers import InstrumentId, OrderId, TradeId
from domain.money import ZERO
from domain.order import Order
from venues.exchange.payload import Request

ORDERS_KEPT_MAX = 10_000
FILLS_KEPT_MAX = 50_000
FOREIGN_KEPT_MAX = 10_000

FillKey = tuple[InstrumentId, TradeId, OrderId]


class OwnOrder(Struct, kw_only=True):
    """One of our orders, as far as this process knows it."""

    order: Order
    client_id: str
    payload: str
    request: Request | None = None
    """What the payload says; None where it has not been read back since a restart."""
    venue_id: str | None = None
    denial: str | None = None
    """Why it cannot be sent at all."""
    reported_quantity: Decimal = ZERO
    """Base quantity of the fills that were reported."""
    is_uncertain: bool = False
    """An attempt went out and nobody knows whether it arrived."""
    is_cancel_wanted: bool = False
    """We asked for its cancel."""
    is_ended: bool = False


class OwnOrders:
    """Bounded: the oldest that have ended are forgotten first."""

    def __init__(self, *, client_id_prefix: str) -> None:
        self._prefix = client_id_prefix
        self._by_id: dict[OrderId, OwnOrder] = {}
        self._by_client_id: dict[str, OwnOrder] = {}
        self._by_venue_id: dict[str, OwnOrder] = {}
        self._fills: dict[FillKey, None] = {}
        self._foreign: dict[str, None] = {}

    def add(self, own: OwnOrder) -> None:
        """Know one more order, in place of what was known of it."""
        self._by_id[own.order.id] = self._by_client_id[own.client_id] = own
        if len(self._by_id) > ORDERS_KEPT_MAX:
            self._forget_ended()

    def get(self, order_id: OrderId) -> OwnOrder | None:
        """By our id."""
        return self._by_id.get(order_id)

    def live(self) -> list[OwnOrder]:
        """Those that the exchange has acknowledged and that have not ended."""
        return [own for own in self._by_venue_id.values() if not own.is_ended]

    def unplaced(self) -> list[OwnOrder]:
        """Those that were handed over, may be there, and whose id at the exchange is not known."""
        return [own for own in self._by_id.values() if own.venue_id is None and own.is_uncertain]

    def learn(self, own: OwnOrder, venue_id: str) -> None:
        """Remember the exchange's id of an order."""
        own.venue_id = venue_id
        self._by_venue_id[venue_id] = own
        self._foreign.pop(venue_id, None)

    def of_row(self, row: dict[str, Any]) -> OwnOrder | None:
        """Whose order a row of ccxt is, by either id; None for somebody else's."""
        own = self._by_venue_id.get(str(row.get("id")))
        if own is None:
            own = self._by_client_id.get(str(row.get("clientOrderId") or "").removeprefix(self._prefix))
            if own is not None and row.get("id"):
                self.learn(own, str(row["id"]))
        return own

    def of_trade(self, trade: dict[str, Any]) -> OwnOrder | None:
        """Whose fill a trade of ccxt is; None for an order that is not known by the exchange's id."""
        return self._by_venue_id.get(str(trade.get("order")))

    def is_foreign(self, venue_id: str) -> bool:
        """Say whether this order was looked up before and is somebody else's."""
        return venue_id in self._foreign

    def note_foreign(self, venue_id: str) -> None:
        """Remember that this order is somebody else's."""
        self._foreign[venue_id] = None
        _trim(self._foreign, FOREIGN_KEPT_MAX)

    def is_new_fill(self, key: FillKey) -> bool:
        """Count a fill; False where it was counted before."""
        if key in self._fills:
            return False
        self._fills[key] = None
        _trim(self._fills, FILLS_KEPT_MAX)
        return True

    def _forget_ended(self) -> None:
        oldest = next((own for own in self._by_id.values() if own.is_ended), None)
        if oldest is not None:
            del self._by_id[oldest.order.id]
            self._by_client_id.pop(oldest.client_id, None)
            self._by_venue_id.pop(oldest.venue_id or "", None)


def _trim(kept: dict[Any, None], count_max: int) -> None:
    while len(kept) > count_max:
        del kept[next(iter(kept))]
