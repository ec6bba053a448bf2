"""A strategy that notes which hook was called with what, and at what time of its view."""

from typing import ClassVar, NamedTuple

from domain.messages import (
    BookSnapshot,
    FillReceived,
    MarketResolved,
    OrderChanged,
    PriceTick,
    StrategyEvent,
    StrategyIntent,
    TimerFired,
    TradePrint,
    WalletTrade,
)
from strategies.base_strategy import BaseStrategy, Intents, View, state
from strategies.loader import build


class Call(NamedTuple):
    """One call of a hook; the first and the last hook of a run are given no event."""

    hook: str
    event: StrategyEvent | None
    view_ns: int


class Listener(BaseStrategy):
    """Yields what `says` holds for a hook, once."""

    name: ClassVar[str] = "alpha"
    timer_interval_s: ClassVar[int] = 4

    calls: list[Call] = state(list)
    says: dict[str, StrategyIntent] = state(dict)

    def on_start(self, view: View) -> Intents:
        """Note it."""
        return self._note("on_start", None, view)

    def on_book(self, event: BookSnapshot, view: View) -> Intents:
        """Note it."""
        return self._note("on_book", event, view)

    def on_trade(self, event: TradePrint, view: View) -> Intents:
        """Note it."""
        return self._note("on_trade", event, view)

    def on_price(self, event: PriceTick, view: View) -> Intents:
        """Note it."""
        return self._note("on_price", event, view)

    def on_wallet_trade(self, event: WalletTrade, view: View) -> Intents:
        """Note it."""
        return self._note("on_wallet_trade", event, view)

    def on_fill(self, event: FillReceived, view: View) -> Intents:
        """Note it."""
        return self._note("on_fill", event, view)

    def on_order(self, event: OrderChanged, view: View) -> Intents:
        """Note it."""
        return self._note("on_order", event, view)

    def on_timer(self, event: TimerFired, view: View) -> Intents:
        """Note it."""
        return self._note("on_timer", event, view)

    def on_resolved(self, event: MarketResolved, view: View) -> Intents:
        """Note it."""
        return self._note("on_resolved", event, view)

    def on_stop(self, view: View) -> Intents:
        """Note it."""
        return self._note("on_stop", None, view)

    def _note(self, hook: str, event: StrategyEvent | None, view: View) -> Intents:
        self.calls.append(Call(hook, event, view.time_ns))
        said = self.says.pop(hook, None)
        return iter(() if said is None else (said,))


class Failing(BaseStrategy):
    """Raises at every book."""

    name: ClassVar[str] = "beta"

    def on_book(self, event: BookSnapshot, view: View) -> Intents:
        """Fail."""
        raise ValueError("no idea")


def listening() -> Listener:
    """A listener, made as the daemon makes strategies."""
    listener = build(Listener, {})
    assert isinstance(listener, Listener)
    return listener
