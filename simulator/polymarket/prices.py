"""Prices of the assets that up/down markets are about: once a second, with their mean over the last minute."""

from collections import deque
from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct

from simulator.polymarket.identifiers import digest
from simulator.polymarket.state import VenueState
from simulator.timing import NS_PER_MS, NS_PER_S

HISTORY_S, TWAP_S = 120, 60
PLACES = Decimal("0.00000001")
START_PRICES = {
    "btcusd": Decimal(78_800),
    "ethusd": Decimal(3_100),
    "solusd": Decimal(165),
    "xrpusd": Decimal("2.4"),
    "dogeusd": Decimal("0.19"),
    "hypeusd": Decimal(38),
    "bnbusd": Decimal(640),
    "zecusd": Decimal(52),
}
"""Every symbol of the service, and where its invented walk begins."""

STEP_MAX = Decimal("0.0002")
SPAN = Decimal(2**64)


class PricePoint(Struct, frozen=True, kw_only=True):
    """A price and when it was valid, in milliseconds."""

    timestamp_ms: int
    value: Decimal


OnPrice = Callable[[str, PricePoint, PricePoint], None]
"""Called with the symbol, the price and the mean of the last minute."""


class Prices:
    """The latest two minutes of every symbol; a seeded walk until somebody sets a price, which then stays."""

    def __init__(self, state: VenueState) -> None:
        self._state = state
        self._spot: dict[str, deque[PricePoint]] = {}
        self._twap: dict[str, deque[PricePoint]] = {}
        self._fixed: dict[str, Decimal] = {}
        self._listeners: list[OnPrice] = []
        now_ns = state.now_ns()
        for symbol, price in START_PRICES.items():
            self._spot[symbol] = deque(maxlen=HISTORY_S)
            self._twap[symbol] = deque(maxlen=HISTORY_S)
            self._spot[symbol].append(PricePoint(timestamp_ms=now_ns // NS_PER_MS, value=price))
        self._plan(now_ns)

    def listen(self, listener: OnPrice) -> None:
        """Tell every new price."""
        self._listeners.append(listener)

    def set(self, symbol: str, price: Decimal) -> None:
        """Let the symbol have this price from the next second on; ValueError where there is no such symbol."""
        if symbol not in self._spot:
            raise ValueError(f"no symbol {symbol!r}; the symbols: {', '.join(self._spot)}")
        self._fixed[symbol] = price

    def history(self, symbol: str, *, twap: bool) -> list[PricePoint]:
        """The last two minutes of a symbol; KeyError where there is no such symbol."""
        return list((self._twap if twap else self._spot)[symbol])

    def _plan(self, now_ns: int) -> None:
        """Plan the next second; of a long jump of the clock only what the history holds is filled in."""
        since_ns = max(now_ns, self._state.now_ns() - HISTORY_S * NS_PER_S)
        self._state.agenda.plan((since_ns // NS_PER_S + 1) * NS_PER_S, self._tick)

    def _tick(self, now_ns: int) -> None:
        for symbol, points in self._spot.items():
            point = PricePoint(
                timestamp_ms=now_ns // NS_PER_MS, value=self._next(symbol, points[-1].value, now_ns)
            )
            points.append(point)
            since_ms = point.timestamp_ms - TWAP_S * 1000
            lately = [one.value for one in points if one.timestamp_ms > since_ms]
            mean = (sum(lately, Decimal(0)) / len(lately)).quantize(PLACES)
            averaged = PricePoint(timestamp_ms=point.timestamp_ms, value=mean)
            self._twap[symbol].append(averaged)
            for listener in self._listeners:
                listener(symbol, point, averaged)
        self._plan(now_ns)

    def _next(self, symbol: str, last: Decimal, now_ns: int) -> Decimal:
        if symbol in self._fixed:
            return self._fixed[symbol]
        drawn = int.from_bytes(digest(self._state.seed, "price", symbol, now_ns)[:8], "big")
        step = (Decimal(drawn) / SPAN - Decimal("0.5")) * 2 * STEP_MAX
        return (last * (1 + step)).quantize(PLACES)
