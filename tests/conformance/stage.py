"""What the conformance suite asks of a stage: a venue under test, and the truth at the simulator behind it."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple, Protocol, TypeVar

from domain.messages import ExecutionReport
from domain.order import Order
from simulator.faults import Fault
from venues.base import Prepared, Venue

PATIENCE_S = 5
STEP_S = 0.005

ReportT = TypeVar("ReportT")


class Truth(NamedTuple):
    """An order as the simulator itself has it, whatever its answers say."""

    is_open: bool
    filled_quantity: Decimal


class Stage(Protocol):
    """What the suite asks of a venue's surroundings; an order here rests and is one of `number`s."""

    venue: Venue
    reports: list[ExecutionReport]
    money: str
    """The asset that purchases are paid in."""

    def order(self, number: int = 1, **changes: object) -> Order:
        """A purchase that rests."""
        ...

    def taking(self, number: int = 1) -> Order:
        """A purchase that is filled at once and as a whole."""
        ...

    def too_dear(self) -> Order:
        """A purchase for which the account has not the money."""
        ...

    def fill(self, order: Order, quantity: Decimal) -> None:
        """Let somebody take so much of the resting order."""
        ...

    def truth(self, order: Order) -> Truth | None:
        """The order at the venue; None where it was never taken."""
        ...

    def prepared_elsewhere(self, order: Order) -> Prepared | None:
        """What another process of this installation prepares for the order."""
        ...


class Networked(Stage, Protocol):
    """A stage whose venue is behind a network that can fail."""

    place: str
    cancel: str

    def arm(self, fault: Fault, endpoint: str, **parameters: str | int) -> None:
        """Let a fault strike the next matching request."""
        ...

    def arm_for_good(self, fault: Fault, endpoint: str) -> None:
        """Let a fault strike every matching request, also those that a client repeats by itself."""
        ...

    def clear(self) -> None:
        """Let nothing strike any more."""
        ...

    def point_at(self, url: str | None) -> None:
        """Let orders go to another address from now on; None is the simulator again."""
        ...

    @property
    def url(self) -> str:
        """Where the simulator listens."""
        ...

    def taken(self) -> int:
        """How many orders of ours the venue ever took."""
        ...


async def send(stage: Stage, order: Order) -> ExecutionReport:
    """Prepare and send as the executor does, and wait for the first report."""
    count = len(stage.reports)
    stage.venue.prepare(order)
    await stage.venue.send(order)
    await until(lambda: len(stage.reports) > count)
    return stage.reports[count]


async def heard(stage: Stage, kind: type[ReportT], count: int = 1) -> ReportT:
    """Wait for the n-th report of a kind."""
    await until(lambda: len(told(stage, kind)) >= count)
    return told(stage, kind)[count - 1]


def told(stage: Stage, kind: type[ReportT]) -> list[ReportT]:
    """The reports of a kind so far."""
    return [report for report in stage.reports if isinstance(report, kind)]


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; TimeoutError where it never does."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110  # what it waits for has no event
            await asyncio.sleep(STEP_S)
