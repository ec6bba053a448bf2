"""Everything the venue knows at one moment, and the one way to tell the streams that something changed."""

from collections import defaultdict
from enum import StrEnum

from simulator.faults import FaultPlan
from simulator.polymarket.accounts import Accounts
from simulator.polymarket.book import UnifiedBook
from simulator.polymarket.events import Event, Listener
from simulator.polymarket.markets import MarketList
from simulator.polymarket.orders import SimOrder
from simulator.polymarket.settings import VenueRules
from simulator.polymarket.trades import SimTrade
from simulator.timing import Agenda, SimulatorClock

ORDERS_MAX = 2_000_000
"""Orders that a run may see; all are remembered, since none may be sent twice."""


class Mode(StrEnum):
    """What the engine accepts at present."""

    NORMAL = "normal"
    RESTARTING = "restarting"
    POST_ONLY = "post_only"
    CANCEL_ONLY = "cancel_only"
    DISABLED = "disabled"


class VenueState:
    """Shared by the parts of the exchange; the parts change it, everybody else reads."""

    def __init__(self, *, seed: int, clock: SimulatorClock, faults: FaultPlan, rules: VenueRules) -> None:
        self.seed = seed
        self.clock = clock
        self.faults = faults
        self.rules = rules
        self.agenda = Agenda()
        self.accounts = Accounts()
        self.markets = MarketList(seed)
        self.books: defaultdict[str, UnifiedBook] = defaultdict(UnifiedBook)
        self.orders: dict[str, SimOrder] = {}
        self.open_orders: dict[str, SimOrder] = {}
        self.trades: dict[str, SimTrade] = {}
        self.trades_of: defaultdict[str, list[SimTrade]] = defaultdict(list)
        """Trades by the maker address of everybody in them, the earliest first."""
        self.seen: set[str] = set()
        """Identifiers of all orders that ever arrived in due form."""
        self.locked: defaultdict[str, int] = defaultdict(int)
        """pUSD behind the outcome tokens of each condition."""
        self.mode = Mode.NORMAL
        self.mode_until_ns: int | None = None
        self._listeners: list[Listener] = []

    def now_ns(self) -> int:
        """The venue's clock."""
        return self.clock.now_ns()

    def run_due(self) -> None:
        """Let everything happen that is due by now."""
        self.agenda.run_until(self.clock.now_ns())

    def book_of(self, condition_id: str) -> UnifiedBook:
        """The one book of a market."""
        return self.books[condition_id]

    def listen(self, listener: Listener) -> None:
        """Tell the listener everything that happens from now on, in its order."""
        self._listeners.append(listener)

    def emit(self, event: Event) -> None:
        """Tell all listeners at once; none of them may wait."""
        for listener in self._listeners:
            listener(event)
