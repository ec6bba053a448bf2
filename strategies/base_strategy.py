"""What a strategy is: a class whose fields are its parameters and whose hooks yield intents."""

import dataclasses
from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar, dataclass_transform

from domain.book import OrderBook
from domain.errors import ConfigurationError
from domain.identifiers import InstrumentId, MarketId, StrategyName
from domain.instrument import Instrument, Market
from domain.messages import (
    BookSnapshot,
    FillReceived,
    MarketResolved,
    OrderChanged,
    PriceTick,
    RedeemIntent,
    Settlement,
    StrategyIntent,
    TimerFired,
    TradePrint,
    WalletTrade,
)
from domain.order import Order
from domain.records import MetricsRecord

Intents = Iterator[StrategyIntent]
T = TypeVar("T")


class Bounds(NamedTuple):
    """Limits of a number parameter, both included: `share: Annotated[Decimal, Bounds(0, 1)] = Decimal("0.02")`."""

    low: int | Decimal
    high: int | Decimal


class Holding(NamedTuple):
    """What the strategy itself holds of an instrument: shares, those it may sell, and their cost in pUSD."""

    quantity: Decimal
    settled_quantity: Decimal
    cost: Decimal

    @property
    def average_price(self) -> Decimal:
        """Cost per share; only where something is held."""
        return self.cost / self.quantity


class View(Protocol):
    """What a strategy may see: the domain at the time of the event, its own orders and positions; read-only."""

    @property
    def time_ns(self) -> int:
        """Time of the event, UTC nanoseconds."""
        ...

    @property
    def bankroll(self) -> Decimal:
        """The wallet's money plus the cost of all positions, in pUSD: what sizes are fractions of."""
        ...

    def instrument(self, instrument_id: InstrumentId) -> Instrument | None:
        """The instrument with its present tick; None once its market has resolved."""
        ...

    def market(self, market_id: MarketId) -> Market | None:
        """The market; None once it has resolved."""
        ...

    def book(self, instrument_id: InstrumentId) -> OrderBook | None:
        """The latest book."""
        ...

    def payout(self, instrument_id: InstrumentId) -> Decimal | None:
        """What a share pays, once resolved."""
        ...

    def holding(self, instrument_id: InstrumentId) -> Holding:
        """What this strategy holds; zeros where it holds nothing."""
        ...

    def orders(self, market_id: MarketId | None = None) -> list[Order]:
        """This strategy's orders that have not ended, of one market or of all."""
        ...

    def committed(self, event_id: str | None = None) -> Decimal:
        """pUSD that this strategy has in positions (at cost) and open buys, in one event or in all."""
        ...


class StrategyState(StrEnum):
    """What a strategy is doing; only a running one may order."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"


class Metrics:
    """Counters of a strategy since the session began; its money stands in the ledger, not here."""

    __slots__ = ("denials", "duplicates", "errors", "events", "fills", "losses", "orders", "signals", "wins")

    def __init__(self) -> None:
        self.events = self.signals = self.orders = self.fills = self.denials = self.duplicates = 0
        self.errors = self.wins = self.losses = 0

    def count_on(self, past: MetricsRecord) -> None:
        """Go on from the last figures that an earlier process of the session stored."""
        self.signals, self.orders, self.fills = past.signals, past.orders, past.fills
        self.denials, self.duplicates = past.denials, past.duplicates


class Health(NamedTuple):
    """How a strategy is doing: `idle_s` counts from its last event to the time asked for."""

    state: StrategyState
    events: int
    errors: int
    idle_s: Decimal
    reason: str


def state(factory: Callable[[], T], *, init: Literal[False] = False) -> T:
    """Declare a private field: `_peaks: dict[InstrumentId, Decimal] = state(dict)`; it is no parameter."""
    return dataclasses.field(default_factory=factory, init=init, repr=False)


@dataclass_transform(kw_only_default=True, field_specifiers=(state,))
class BaseStrategy:
    """Derive from it, declare parameters as annotated fields with defaults, override the hooks you need.

    Hooks are plain generators: they may not wait and have no clock. An `Intent` with a `signal_key` that was
    accepted before in the session is answered with the first order; one that was denied may come again.
    """

    name: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    timer_interval_s: ClassVar[int] = 0
    """Seconds of event time between two calls of `on_timer`; 0 for none."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Make the annotated fields parameters; the file's name is the strategy's name."""
        super().__init_subclass__(**options)
        dataclasses.dataclass(kw_only=True, eq=False)(cls)
        cls.name = cls.name or cls.__module__.rpartition(".")[2]

    def __post_init__(self) -> None:
        """Set up what every strategy has; override `check` to validate parameters, not this."""
        self.metrics = Metrics()
        self.state = StrategyState.RUNNING
        self.state_reason = ""
        self.last_event_ns = 0

    # --- hooks --------------------------------------------------------------------------------------

    def check(self) -> None:
        """Validate the parameters together; raise ConfigurationError with value, limit and remedy."""

    def on_start(self, view: View) -> Intents:
        """First call of a run."""
        return iter(())

    def on_book(self, event: BookSnapshot, view: View) -> Intents:
        """A new book of an instrument."""
        return iter(())

    def on_trade(self, event: TradePrint, view: View) -> Intents:
        """Somebody traded."""
        return iter(())

    def on_price(self, event: PriceTick, view: View) -> Intents:
        """An underlying asset has a new price at one of the feeds."""
        return iter(())

    def on_wallet_trade(self, event: WalletTrade, view: View) -> Intents:
        """Another wallet that is followed did something."""
        return iter(())

    def on_fill(self, event: FillReceived, view: View) -> Intents:
        """One of our orders was filled, or a fill settled or failed. The default redeems what settles late."""
        if event.settlement is Settlement.SETTLED and view.payout(event.fill.instrument_id) is not None:
            yield RedeemIntent(instrument_id=event.fill.instrument_id)

    def on_order(self, event: OrderChanged, view: View) -> Intents:
        """One of our orders is in another state."""
        return iter(())

    def on_timer(self, event: TimerFired, view: View) -> Intents:
        """Every `timer_interval_s` seconds of event time."""
        return iter(())

    def on_resolved(self, event: MarketResolved, view: View) -> Intents:
        """A market resolved. The default redeems what is held and settled."""
        for instrument_id in event.payouts:
            if view.holding(instrument_id).settled_quantity:
                yield RedeemIntent(instrument_id=instrument_id)

    def on_stop(self, view: View) -> Intents:
        """Last call of a run that ends in order; new orders are denied by then, cancels are not."""
        return iter(())

    def on_error(self, error: Exception) -> None:
        """A hook of this strategy raised; it will be stopped. For notes to oneself, not for going on."""

    # --- life ---------------------------------------------------------------------------------------

    def pause(self, reason: str) -> None:
        """Take no new orders from this strategy; events still reach it, so that its view stays right."""
        if self.state is StrategyState.RUNNING:
            self.state, self.state_reason = StrategyState.PAUSED, reason

    def resume(self) -> None:
        """End a pause; a stopped strategy stays stopped."""
        if self.state is StrategyState.PAUSED:
            self.state, self.state_reason = StrategyState.RUNNING, ""

    def stop(self, reason: str) -> None:
        """End the strategy for this run."""
        self.state, self.state_reason = StrategyState.STOPPED, reason

    def health(self, time_ns: int) -> Health:
        """Its state and how long it has heard nothing."""
        idle_s = (
            Decimal(max(0, time_ns - self.last_event_ns)) / 1_000_000_000
            if self.last_event_ns
            else Decimal(0)
        )
        return Health(self.state, self.metrics.events, self.metrics.errors, idle_s, self.state_reason)


def require(condition: bool, message: str) -> None:
    """For `check`: raise ConfigurationError with the message where the condition does not hold."""
    if not condition:
        raise ConfigurationError(message)


def strategy_name(strategy: BaseStrategy) -> StrategyName:
    """The strategy's name as an identifier."""
    return StrategyName(strategy.name)
