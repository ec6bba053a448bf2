"""What a simulated exchange tells those who listen, at the moment it happens and in the order it happens."""

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from simulator.exchanges.orders import SpotFill, SpotOrder, SpotTrade


class OrderChange(StrEnum):
    """Why there is a new version of an order."""

    NEW = "NEW"
    TRADE = "TRADE"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class OrderChanged(Struct, frozen=True, kw_only=True):
    """A new version of an order; `fill` is there for a trade, `cancel_id` names the request of a cancel."""

    order: SpotOrder
    change: OrderChange
    fill: SpotFill | None = None
    cancel_id: str = ""


class BalancesChanged(Struct, frozen=True, kw_only=True):
    """An account's amounts of these assets may have changed."""

    owner: str
    assets: tuple[str, ...]


class Traded(Struct, frozen=True, kw_only=True):
    """A print, for everybody."""

    trade: SpotTrade


class BookChanged(Struct, frozen=True, kw_only=True):
    """At least one level of the pair's book is different now."""

    symbol: str


ExchangeEvent = OrderChanged | BalancesChanged | Traded | BookChanged
Listener = Callable[[ExchangeEvent], None]
