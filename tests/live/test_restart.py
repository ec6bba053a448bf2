"""A live session that ended at any moment is gone on with from its rows: known again, asked about, not sent twice."""

import asyncio
from pathlib import Path

import pytest

from domain.identifiers import VenueOrderId
from domain.messages import CancelIntent, Lost
from domain.order import Order, OrderStatus
from live import session as session_module
from tests.live.fake_market import Playing, playing, wealthy
from tests.support.fake_venue import FakeVenue
from tests.support.trading import UP, acknowledged, d, fill_of, intent
from venues.base import Prepared

BUY = intent("BUY 10 UP 0.50")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds are too long for a test."""
    monkeypatch.setattr(session_module, "SECOND_LOOK_S", 0.02)


def taken(sent: Order) -> object:
    """The venue has it."""
    return acknowledged(sent, time_ns=sent.created_ns)


async def sent_by(here: Playing, *answers: object) -> Order:
    """Let alpha buy, and the venue answer like this."""
    await here.open()
    here.venue.answers = list(answers)  # type: ignore[arg-type]  # each is one of `Answer`
    here.alpha.says[:] = [BUY]
    here.look()
    await here.until(lambda: len(here.venue.sent) == 1)
    here.alpha.says.clear()
    return here.venue.sent[0]


def after_a_crash(
    folder: Path, before: FakeVenue, *, holds: OrderStatus | None, filled: str = "0"
) -> FakeVenue:
    """The venue as the next process meets it; the process before sent one order that was never answered."""

    async def crash() -> Order:
        async with playing(folder, before) as here:
            return await sent_by(here)

    order = asyncio.run(crash())
    later = wealthy()
    if holds is not None:
        later.holds(order, holds, filled=filled)
    return later


def test_an_order_on_its_way_at_the_crash_is_found_and_not_sent_again(tmp_path: Path) -> None:
    venue = after_a_crash(tmp_path, wealthy(), holds=OrderStatus.OPEN)

    async def go_on() -> None:
        async with playing(tmp_path, venue) as here:
            await here.open()
            here.alpha.says[:] = [BUY]
            here.look()
            await here.until(lambda: here.states() == ["OPEN"])
            await here.until(lambda: here.alpha.metrics.duplicates > 0)

            assert venue.sent == []
            assert len(here.engine.orders.live) == 1

    asyncio.run(go_on())


def test_an_order_that_nobody_knows_stays_unknown_and_keeps_its_money(tmp_path: Path) -> None:
    venue = after_a_crash(tmp_path, wealthy(), holds=None)

    async def go_on() -> None:
        async with playing(tmp_path, venue) as here:
            await here.open()
            here.alpha.says[:] = [intent("BUY 10 UP 0.50", key="another")]
            here.look()
            await here.until(lambda: bool(here.rows("SELECT 1 FROM denials")))

            assert here.states() == ["UNKNOWN"]
            assert here.rows("SELECT sum(pending) FROM reservations") == [(5.0,)]
            assert here.rows("SELECT DISTINCT control FROM denials") == [("15 unknown orders",)]
            assert venue.sent == []

    asyncio.run(go_on())


def test_what_was_filled_meanwhile_is_booked_once_over_two_restarts(tmp_path: Path) -> None:
    venue = after_a_crash(tmp_path, wealthy(), holds=OrderStatus.OPEN, filled="4")
    order = next(iter(venue.known))

    async def go_on() -> dict[str, object]:
        async with playing(tmp_path, venue) as here:
            (ours,) = here.engine.orders.live
            venue.fills = [fill_of(ours, "4", time_ns=ours.created_ns)]
            await here.open()
            await here.until(lambda: here.states() == ["PARTIALLY_FILLED"])
            return {"held": here.engine.orders.portfolio.held, "rows": here.rows("SELECT size FROM trades")}

    first, second = asyncio.run(go_on()), asyncio.run(go_on())

    assert first == second == {"held": {UP: d(4)}, "rows": [(4.0,)]}
    assert order


def test_a_cancel_on_its_way_at_the_crash_is_asked_for_and_sent_again_where_the_order_rests(
    tmp_path: Path,
) -> None:
    async def crash() -> Order:
        async with playing(tmp_path, wealthy()) as here:
            order = await sent_by(here, taken)
            here.alpha.says[:] = [CancelIntent(order_id=order.id, reason="enough")]
            here.look()
            await here.until(lambda: len(here.venue.cancelled) == 1)
            await here.until(lambda: here.states() == ["CANCEL_SENDING"])
            return order

    order, venue = asyncio.run(crash()), wealthy()
    venue.holds(order)

    async def go_on() -> None:
        async with playing(tmp_path, venue) as here:
            await here.until(lambda: len(venue.cancelled) == 1)

            assert venue.cancelled[0].id == order.id
            assert venue.sent == []

    asyncio.run(go_on())


def test_the_venue_is_given_back_what_was_prepared_before_anything_is_asked(tmp_path: Path) -> None:
    venue = wealthy()
    original = venue.prepare

    def signed(order: Order) -> Prepared | None:
        return original(order) or Prepared(
            order_id=order.id, venue_order_id=VenueOrderId("0x5e"), payload="signed"
        )

    venue.prepare = signed  # type: ignore[method-assign]  # as a venue that signs
    later = after_a_crash(tmp_path, venue, holds=OrderStatus.OPEN)

    async def go_on() -> None:
        async with playing(tmp_path, later) as here:
            await here.open()

            (prepared,) = later.prepared.values()
            assert (prepared.order_id, prepared.payload) == (next(iter(later.known)), "signed")

    asyncio.run(go_on())


def test_an_order_that_was_lost_before_the_crash_is_asked_about_again(tmp_path: Path) -> None:
    def lost(sent: Order) -> Lost:
        return Lost(order_id=sent.id, reason="no answer", time_ns=sent.created_ns)

    async def crash() -> Order:
        async with playing(tmp_path, wealthy()) as here:
            order = await sent_by(here, lost)
            await here.until(lambda: here.states() == ["UNKNOWN"])
            return order

    order, venue = asyncio.run(crash()), wealthy()
    venue.holds(order, OrderStatus.CANCELLED)

    async def go_on() -> None:
        async with playing(tmp_path, venue) as here:
            await here.until(lambda: here.states() == ["CANCELLED"])
            await here.open()

            assert here.engine.orders.portfolio.cash_total == d(1000)

    asyncio.run(go_on())
