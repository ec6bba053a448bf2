"""What happened at the venue, as the streams tell it; each stream renders the same events in its own words."""

from collections.abc import Callable

from msgspec import Struct

from simulator.polymarket.markets import SimMarket
from simulator.polymarket.orders import SimOrder
from simulator.polymarket.trades import SimTrade


class LevelsChanged(Struct, frozen=True, kw_only=True):
    """Prices of the first outcome whose size is another now; `levels` are (is bid, price, shares)."""

    market: SimMarket
    levels: list[tuple[bool, int, int]]
    time_ns: int


class TradePrinted(Struct, frozen=True, kw_only=True):
    """A match, as everybody sees it."""

    trade: SimTrade
    time_ns: int


class OrderChanged(Struct, frozen=True, kw_only=True):
    """An order was placed, filled or ended: `what` is PLACEMENT, UPDATE or CANCELLATION."""

    order: SimOrder
    what: str
    time_ns: int
    status: str
    matched: int
    killed: bool = False


class TradeChanged(Struct, frozen=True, kw_only=True):
    """A trade has a new status."""

    trade: SimTrade
    status: str
    time_ns: int


class TickChanged(Struct, frozen=True, kw_only=True):
    """A market has a new tick; both in price units."""

    market: SimMarket
    old: int
    new: int
    time_ns: int


class MarketCreated(Struct, frozen=True, kw_only=True):
    """A market is new."""

    market: SimMarket
    time_ns: int


class MarketResolved(Struct, frozen=True, kw_only=True):
    """A market has a result."""

    market: SimMarket
    time_ns: int


Event = (
    LevelsChanged | TradePrinted | OrderChanged | TradeChanged | TickChanged | MarketCreated | MarketResolved
)
Listener = Callable[[Event], None]
