"""A live session: nothing leaves before the books were compared, and what cannot be explained closes the gate."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from control import Answer, Request
from domain.errors import StoreError, VenueReadError
from domain.order import OrderStatus
from live import session as session_module
from tests.live.fake_market import Playing, playing, wealthy
from tests.support.fake_venue import FakeVenue
from tests.support.trading import acknowledged, d, fill_of, intent, order
from venues.base import VenueOrder

BUY = intent("BUY 10 UP 0.50")
FOREIGN = order("BUY 7 UP 0.44", name="not-ours")
SECOND_LOOK_S, RECONCILE_EVERY_S = 0.02, 0.2


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Minutes are too long for a test."""
    monkeypatch.setattr(session_module, "SECOND_LOOK_S", SECOND_LOOK_S)
    monkeypatch.setattr(session_module, "RECONCILE_EVERY_S", RECONCILE_EVERY_S)


def play(folder: Path, venue: FakeVenue, scenario: Callable[[Playing], Awaitable[None]]) -> None:
    """Play a scenario in a session on this venue."""

    async def run() -> None:
        async with playing(folder, venue) as here:
            await scenario(here)

    asyncio.run(run())


def test_the_account_s_money_is_the_session_s_and_orders_go_out(tmp_path: Path) -> None:
    async def scenario(here: Playing) -> None:
        await here.open()
        here.alpha.says[:] = [BUY]
        here.look()
        await here.until(lambda: len(here.venue.sent) == 1)

        assert here.engine.orders.portfolio.paid_in == d(250)
        assert here.rows("SELECT cause, verdict FROM reconciliations") == [("start", "clean")]
        assert here.states() == ["SENDING"]

    play(tmp_path, wealthy(money="250"), scenario)


def test_a_foreign_order_keeps_the_gate_closed_and_no_order_leaves(tmp_path: Path) -> None:
    venue = wealthy()
    venue.holds(FOREIGN)

    async def scenario(here: Playing) -> None:
        await here.until(lambda: FOREIGN.id in here.gate)
        await here.until(lambda: bool(here.alpha.metrics.events))
        here.alpha.says[:] = [BUY]
        here.look()
        await here.until(lambda: bool(here.rows("SELECT 1 FROM denials")))

        assert here.venue.sent == []
        assert here.rows("SELECT DISTINCT control FROM denials") == [("16 session health",)]
        assert FOREIGN.id in here.shown.getvalue()

    play(tmp_path, venue, scenario)


def test_the_gate_opens_by_itself_when_what_was_foreign_is_gone(tmp_path: Path) -> None:
    venue = wealthy()
    venue.holds(FOREIGN)

    async def scenario(here: Playing) -> None:
        await here.until(lambda: FOREIGN.id in here.gate)
        here.venue.holds_no_more(FOREIGN)
        await here.open()
        verdicts = "SELECT verdict FROM reconciliations ORDER BY id"
        await here.until(lambda: here.rows(verdicts)[-1] == ("clean",))

        assert here.rows(verdicts)[:2] == [("drift",), ("drift",)]

    play(tmp_path, venue, scenario)


def test_one_difference_that_a_second_look_does_not_find_closes_nothing(tmp_path: Path) -> None:
    async def scenario(here: Playing) -> None:
        await here.open()
        seen: list[str] = []
        foreign = VenueOrder(order_id=FOREIGN.id, status=OrderStatus.OPEN, filled_quantity=d(0))

        async def fleeting() -> tuple[VenueOrder, ...]:
            seen.append(here.gate)
            return () if len(seen) > 1 else (foreign,)

        here.venue.open_orders = fleeting  # type: ignore[method-assign]  # only the first look finds it
        here.market.on_gap("a gap in the user stream")
        await here.until(lambda: len(seen) >= 2)
        await here.until(lambda: len(here.rows("SELECT 1 FROM reconciliations")) >= 3)

        assert {*seen, here.gate} == {""}
        verdicts = [verdict for (verdict,) in here.rows("SELECT verdict FROM reconciliations")]
        assert verdicts[:3] == ["clean", "drift", "clean"]

    play(tmp_path, wealthy(), scenario)


def test_a_read_that_fails_leaves_the_gate_as_it_is(tmp_path: Path) -> None:
    async def scenario(here: Playing) -> None:
        await here.open()
        here.venue.read_error = VenueReadError("HTTP 502")
        here.market.on_gap("a gap in the user stream")
        await here.until(lambda: ("failed",) in here.rows("SELECT verdict FROM reconciliations"))

        assert here.gate == ""

    play(tmp_path, wealthy(), scenario)


def test_a_fill_that_no_stream_told_is_found_within_a_round(tmp_path: Path) -> None:
    async def scenario(here: Playing) -> None:
        await here.open()
        here.venue.answers = [lambda sent: acknowledged(sent, time_ns=sent.created_ns)]
        here.alpha.says[:] = [BUY]
        here.look()
        await here.until(lambda: len(here.venue.sent) == 1)
        sent = here.venue.sent[0]
        here.venue.holds(sent, filled="4")
        here.venue.fills = [fill_of(sent, "4", time_ns=sent.created_ns)]

        await here.until(lambda: here.states() == ["PARTIALLY_FILLED"])

        assert here.rows("SELECT size FROM trades") == [(4.0,)]

    play(tmp_path, wealthy(), scenario)


def test_a_failed_commit_ends_the_session_with_its_own_error(tmp_path: Path) -> None:
    async def scenario(here: Playing) -> None:
        await here.open()

        async def fail() -> None:
            raise StoreError("the disk is full")

        here.session._store.wait_durable = fail  # type: ignore[method-assign]  # a disk that is full
        here.alpha.says[:] = [BUY]
        here.look()
        await asyncio.sleep(5)

    with pytest.raises((StoreError, ExceptionGroup)) as raised:
        play(tmp_path, wealthy(), scenario)

    group = raised.value
    assert isinstance(group, StoreError) or raised.group_contains(StoreError)


def test_a_person_sees_the_gate_and_pauses_a_strategy(tmp_path: Path) -> None:
    async def scenario(here: Playing) -> None:
        await here.open()

        status = await answer(here, "status")
        paused = await answer(here, "pause", "alpha")
        unknown, mistyped = await answer(here, "pause", "alfa"), await answer(here, "paus")

        assert "gate: open" in status.lines
        assert any(line.startswith("alpha: PAUSED") for line in paused.lines)
        assert (unknown.is_refused, mistyped.is_refused) == (True, True)
        assert "close: alpha" in unknown.lines[0]

    async def answer(here: Playing, action: str, strategy: str = "") -> Answer:
        return await here.session._answer(Request(action=action, strategy=strategy))

    play(tmp_path, wealthy(), scenario)
