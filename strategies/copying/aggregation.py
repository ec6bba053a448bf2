"""Child fills become leader trades: one per instrument and side over a short window of a market."""

from decimal import Decimal

from msgspec import Struct

from domain.identifiers import InstrumentId, MarketId
from domain.instrument import Side
from domain.messages import WalletTrade
from domain.money import UNIT, ZERO, round_down

NEVER_NS = 2**63 - 1


class LeaderTrade(Struct, frozen=True, kw_only=True):
    """What a target did to one side of one instrument within a window; `time_ns` is that of the first child fill.

    The price is the average of the fills, rounded down to a unit: what gates compare a buy with is never too high.
    """

    wallet: str
    name: str
    market_id: MarketId
    instrument_id: InstrumentId
    side: Side
    price: Decimal
    quantity: Decimal
    time_ns: int


class Windows:
    """Open windows by market: the first fill that is heard of opens one, and all of the market closes with it."""

    def __init__(self) -> None:
        self.due_ns = NEVER_NS
        self._fills: dict[MarketId, list[WalletTrade]] = {}
        self._ends_ns: dict[MarketId, int] = {}

    def add(self, trade: WalletTrade, *, window_ns: int) -> None:
        """Take a child fill in; the window counts from the moment at which the first one was heard of."""
        self._fills.setdefault(trade.market_id, []).append(trade)
        self._ends_ns.setdefault(trade.market_id, trade.time_ns + window_ns)
        self.due_ns = min(self.due_ns, self._ends_ns[trade.market_id])

    def close_due(self, time_ns: int) -> list[list[LeaderTrade]]:
        """Close the windows that have passed, in the order in which they opened; one list for each market."""
        due = [market_id for market_id, end_ns in self._ends_ns.items() if end_ns <= time_ns]
        return [self.close(market_id) for market_id in due]

    def close(self, market_id: MarketId) -> list[LeaderTrade]:
        """Close the window of one market now; empty where none is open."""
        fills = self._fills.pop(market_id, [])
        self._ends_ns.pop(market_id, None)
        self.due_ns = min(self._ends_ns.values(), default=NEVER_NS)
        groups: dict[tuple[InstrumentId, Side], list[WalletTrade]] = {}
        for fill in fills:
            groups.setdefault((fill.instrument_id, fill.side), []).append(fill)
        return [leader_trade(group) for group in groups.values()]


def leader_trade(fills: list[WalletTrade]) -> LeaderTrade:
    """Sum the fills of one instrument and side up; there is at least one."""
    quantity = sum((fill.quantity for fill in fills), ZERO)
    notional = sum((fill.price * fill.quantity for fill in fills), ZERO)
    first = fills[0]
    return LeaderTrade(
        wallet=first.wallet,
        name=first.name,
        market_id=first.market_id,
        instrument_id=first.instrument_id,
        side=first.side,
        price=round_down(notional / quantity, UNIT) if quantity else first.price,
        quantity=quantity,
        time_ns=min(fill.traded_ns for fill in fills),
    )
