"""A strategy that says what a test tells it to say, and remembers what it heard."""

from typing import ClassVar, TypeVar

from domain.messages import (
    BookSnapshot,
    FillReceived,
    MarketResolved,
    OrderChanged,
    StrategyEvent,
    StrategyIntent,
    TimerFired,
    TradePrint,
)
from strategies.base_strategy import BaseStrategy, Intents, View, state
from strategies.loader import build


class Puppet(BaseStrategy):
    """At every event it yields what `says` holds, then raises `raises` where that is set."""

    name: ClassVar[str] = "alpha"

    says: list[StrategyIntent] = state(list)
    heard: list[StrategyEvent] = state(list)
    raises: list[Exception] = state(list)

    def on_start(self, view: View) -> Intents:
        """Nothing is asked for at the start."""
        return iter(())

    def on_book(self, event: BookSnapshot, view: View) -> Intents:
        """Say it."""
        return self._say(event)

    def on_trade(self, event: TradePrint, view: View) -> Intents:
        """Say it."""
        return self._say(event)

    def on_timer(self, event: TimerFired, view: View) -> Intents:
        """Say it."""
        return self._say(event)

    def on_order(self, event: OrderChanged, view: View) -> Intents:
        """Only listen."""
        self.heard.append(event)
        return iter(())

    def on_fill(self, event: FillReceived, view: View) -> Intents:
        """Only listen."""
        self.heard.append(event)
        return iter(())

    def on_resolved(self, event: MarketResolved, view: View) -> Intents:
        """Say it."""
        return self._say(event)

    def _say(self, event: StrategyEvent) -> Intents:
        self.heard.append(event)
        yield from self.says
        if self.raises:
            raise self.raises[0]


PuppetKind = TypeVar("PuppetKind", bound=Puppet)


def puppet(kind: type[PuppetKind]) -> PuppetKind:
    """Build one as the loader does."""
    built = build(kind, {})
    assert isinstance(built, kind)
    return built


class OtherPuppet(Puppet):
    """A second strategy beside it."""

    name: ClassVar[str] = "beta"
