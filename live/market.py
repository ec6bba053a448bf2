"""What a live session trades on: a venue for its orders and a feed for its events, opened and run together."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Protocol

from domain.messages import MarketEvent
from domain.remembered import Remembered
from venues.base import Venue

Sink = Callable[[MarketEvent], None]
Gap = Callable[[str], None]


class LiveMarket(Protocol):
    """One account at one venue, real or on paper, with the venue's live data."""

    @property
    def venue(self) -> Venue:
        """Where orders go."""
        ...

    @property
    def label(self) -> str:
        """What people are told that this is."""
        ...

    @property
    def account(self) -> str:
        """Whose money it is: a database belongs to one account for good."""
        ...

    def restore(self, remembered: Remembered, *, owned: Mapping[str, Decimal]) -> None:
        """Take over what an earlier process left at the venue; `owned` is what our books call ours and settled."""
        ...

    def on_market(self, event: MarketEvent) -> None:
        """Let the venue see an event before anybody decides on it."""
        ...

    async def run(self, sink: Sink, *, on_gap: Gap, ready: Gap) -> None:
        """Run feed and venue until cancelled; `ready` is called once when orders could be sent, `on_gap` each time
        something of our own account may have been missed."""
        ...

    async def opening_cash(self) -> Decimal:
        """Money that a new session begins with."""
        ...

    def status(self) -> list[str]:
        """Health of the feed and of the account, in lines for a person."""
        ...

    async def close(self) -> None:
        """Release connections; safe to call twice."""
        ...
