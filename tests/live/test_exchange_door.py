"""What is asked of an exchange before its connection is open."""

import asyncio

import pytest

from clock import WallScheduler
from domain.errors import VenueReadError
from domain.identifiers import VenueOrderId
from domain.messages import CancelLost, ExecutionReport, NotSent
from live.exchange_door import CLOSED, ExchangeDoor
from tests.support.fake_venue import FakeVenue
from tests.support.trading import order
from venues.base import ClientIdClass, Prepared, Venue


def door_and_reports() -> tuple[ExchangeDoor, list[ExecutionReport]]:
    """A door that is not open yet, and what it reports."""
    reports: list[ExecutionReport] = []
    door = ExchangeDoor("binance", scheduler=WallScheduler())
    door.connect(reports.append)
    return door, reports


def test_it_is_a_venue_from_the_start() -> None:
    door, _ = door_and_reports()
    venue: Venue = door

    assert (venue.name, venue.client_id_class) == ("binance", ClientIdClass.UNIQUE_WHILE_OPEN)


def test_nothing_is_sent_before_the_connection_is_open() -> None:
    door, reports = door_and_reports()
    wanted = order("BUY 10 UP 0.50")

    asyncio.run(door.send(wanted))
    asyncio.run(door.cancel(wanted))

    assert door.denial(wanted) == CLOSED
    assert [type(report) for report in reports] == [NotSent, CancelLost]


@pytest.mark.parametrize("read", ["find_order", "open_orders", "balances", "fills_since"])
def test_a_read_before_the_connection_is_open_proves_nothing(read: str) -> None:
    door, _ = door_and_reports()
    given = {"find_order": (order("BUY 10 UP 0.50"),), "fills_since": (0,)}.get(read, ())

    with pytest.raises(VenueReadError, match="not connected yet"):
        asyncio.run(getattr(door, read)(*given))


def test_what_was_said_before_reaches_the_venue_behind() -> None:
    door, reports = door_and_reports()
    behind, known = FakeVenue(), order("BUY 10 UP 0.50")
    prepared = Prepared(order_id=known.id, venue_order_id=VenueOrderId("v"), payload="{}")
    door.remember(known, prepared)

    door.open(behind)
    asyncio.run(door.send(known))

    assert behind.prepared == {known.id: prepared}
    assert behind.sent == [known]
    assert (door.denial(known), reports) == (None, [])
