"""The parts of the simulated venue, put together around one state."""

from simulator.faults import FaultPlan
from simulator.polymarket.accounts import CASH, Wallet
from simulator.polymarket.activity import Activity
from simulator.polymarket.api_keys import ApiKeys
from simulator.polymarket.contracts import COLLATERAL_SPENDERS, CTF_OPERATORS, MANAGER_OPERATORS
from simulator.polymarket.engine_mode import EngineMode
from simulator.polymarket.exchange import Exchange
from simulator.polymarket.heartbeats import Heartbeats
from simulator.polymarket.house import House
from simulator.polymarket.limits import SignerLimits
from simulator.polymarket.market_life import MarketLife
from simulator.polymarket.notices import Notices
from simulator.polymarket.orders import Status
from simulator.polymarket.prices import Prices
from simulator.polymarket.settings import VenueRules
from simulator.polymarket.signatures import EOA
from simulator.polymarket.state import VenueState
from simulator.polymarket.stream import Streams
from simulator.timing import SimulatorClock


class Venue:
    """One simulated Polymarket; tests read and drive it directly, clients through the servers."""

    def __init__(
        self, *, seed: int, clock: SimulatorClock, faults: FaultPlan, rules: VenueRules | None = None
    ) -> None:
        self.state = VenueState(seed=seed, clock=clock, faults=faults, rules=rules or VenueRules())
        self.clock = clock
        self.faults = faults
        self.rules = self.state.rules
        self.keys = ApiKeys(seed)
        self.exchange = Exchange(self.state)
        self.house = House(self.exchange)
        self.notices = Notices(self.state)
        self.activity = Activity(self.state)
        self.life = MarketLife(self.exchange, self.notices, self.activity)
        self.mode = EngineMode(self.state)
        self.heartbeats = Heartbeats(self.state, self._cancel_key)
        self.signer_limits = SignerLimits(self.state)
        self.prices = Prices(self.state)
        self.streams = Streams(faults, self.rules)

    def advance(self, duration_ns: int) -> None:
        """Let time pass and everything happen that is due by then."""
        self.clock.advance(duration_ns)
        self.state.run_due()

    def fund(self, address: str, *, owner: str = "", kind: int = EOA, cash: int = 0) -> Wallet:
        """Make a wallet that may trade, with allowances set, and add pUSD in base units."""
        wallet = self.state.accounts.register(address, owner=owner or address, kind=kind)
        wallet.allowed = True
        wallet.approve_all()
        wallet.balances[CASH] += cash
        self.exchange.cancel_uncovered(wallet)
        return wallet

    @staticmethod
    def approve(wallet: Wallet) -> None:
        """Set every approval that the venue's own set-up of a wallet sets."""
        wallet.approve_all(COLLATERAL_SPENDERS)
        wallet.operators.update(CTF_OPERATORS, MANAGER_OPERATORS)

    def _cancel_key(self, key: str) -> None:
        for order in [order for order in self.state.open_orders.values() if order.key == key]:
            if order.status != Status.DELAYED:
                self.exchange.end(order, Status.CANCELED)
