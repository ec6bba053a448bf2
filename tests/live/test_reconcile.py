"""Our books against the venue's: what is ours is adopted, what is not is named, what cannot be read proves nothing."""

from pathlib import Path

import msgspec
import pytest

from domain.errors import VenueReadError
from domain.money import PUSD
from domain.order import OrderStatus
from domain.records import FillRecord, ReconciliationRecord
from live.reconcile import DUST, LINES_SHOWN_MAX, OVERLAP_S, VISIBILITY_LAG_S, Finding, Reconciler, Report
from tests.support.daemon import Daemon, play
from tests.support.trading import (
    NOW_NS,
    UP,
    S,
    acknowledged,
    d,
    fill_of,
    filled_report,
    intent,
    order,
    settlement_of,
)
from venues.base import VenueBalance

BUY = intent("BUY 10 UP 0.50")
FOREIGN = order("BUY 7 UP 0.44", name="not-ours")


def owned(**amounts: str) -> tuple[VenueBalance, ...]:
    """Balances by asset; `money` is the wallet's."""
    named = {PUSD if asset == "money" else UP: d(amount) for asset, amount in amounts.items()}
    return tuple(VenueBalance(asset=asset, total=total, free=total) for asset, total in named.items())


def comparing(daemon: Daemon) -> Reconciler:
    """A reconciler of a session that began now with all the money."""
    daemon.venue.owned = owned(money="1000")
    reconciler = Reconciler(
        engine=daemon.engine, executor=daemon.executor, venue=daemon.venue, scheduler=daemon.scheduler
    )
    reconciler.begin(opened_ns=NOW_NS, since_ns=NOW_NS, baseline={})
    return reconciler


def kinds(report: Report) -> list[tuple[str, bool]]:
    """What was found, and whether it blocks."""
    return [(finding.kind, finding.blocks) for finding in report.findings]


def test_books_that_agree_are_clean_and_the_report_is_stored(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        reconciler = comparing(daemon)
        daemon.venue.answers = [acknowledged]
        daemon.venue.holds(await daemon.send(BUY))

        report = await reconciler.reconcile("start")
        await daemon.drain()

        assert (report.verdict, report.findings, report.reason) == ("clean", (), "")
        (stored,) = [r for r in daemon.written() if isinstance(r, ReconciliationRecord)]
        assert (stored.cause, stored.verdict, stored.report) == ("start", "clean", "[]")

    play(tmp_path, scenario)


def test_an_order_that_is_not_ours_is_named_and_blocks(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        reconciler = comparing(daemon)
        daemon.venue.holds(FOREIGN)

        report = await reconciler.reconcile("start")

        assert (report.verdict, kinds(report)) == ("drift", [("foreign order", True)])
        assert FOREIGN.id in report.reason
        assert any(FOREIGN.id in line for line in report.lines())
        assert daemon.venue.cancelled == []

    play(tmp_path, scenario)


def test_an_order_that_has_ended_here_and_rests_there_blocks(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        reconciler = comparing(daemon)
        sent = await daemon.send(BUY)
        daemon.executor.report(filled_report(fill_of(sent, "10")))
        await daemon.drain()
        daemon.venue.holds(sent)
        daemon.venue.owned = owned(money="995")

        report = await reconciler.reconcile("start")

        assert kinds(report) == [("order rests", True)]

    play(tmp_path, scenario)


def test_an_order_of_ours_that_is_not_listed_is_asked_about_and_blocks_nothing(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        reconciler = comparing(daemon)
        daemon.venue.answers = [acknowledged]
        sent = await daemon.send(BUY)
        early = await reconciler.reconcile("too early to be listed")
        await daemon.wait_s(VISIBILITY_LAG_S + 1)
        daemon.venue.holds(sent, OrderStatus.CANCELLED)

        report = await reconciler.reconcile("every minute")
        await daemon.drain()

        assert (kinds(early), kinds(report)) == ([], [("order not listed", False)])
        assert report.verdict == "clean"
        assert daemon.status(sent) is OrderStatus.CANCELLED

    play(tmp_path, scenario)


def test_a_fill_that_the_streams_missed_is_booked_once(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        reconciler = comparing(daemon)
        daemon.venue.answers = [acknowledged]
        sent = await daemon.send(BUY)
        daemon.venue.holds(sent, filled="4")
        daemon.venue.fills = [fill_of(sent, "4")]

        first, second = await reconciler.reconcile("first"), await reconciler.reconcile("second")
        await daemon.drain()

        assert (kinds(first), kinds(second)) == ([("fill adopted", False)], [])
        assert daemon.orders.portfolio.held == {UP: d(4)}
        assert len([r for r in daemon.written() if isinstance(r, FillRecord)]) == 1

    play(tmp_path, scenario)


def test_fills_are_read_from_well_before_the_newest_one(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        reconciler = comparing(daemon)
        sent = await daemon.send(BUY)
        daemon.venue.fills = [fill_of(sent, "4", time_ns=NOW_NS + 50 * S)]

        await reconciler.reconcile("first")
        await reconciler.reconcile("second")

        assert daemon.venue.since_ns == [NOW_NS - OVERLAP_S * S, NOW_NS + 50 * S - OVERLAP_S * S]

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("at_ns", "found"),
    [
        pytest.param(NOW_NS - 1, [], id="before the session"),
        pytest.param(NOW_NS, [("foreign fill", True)], id="since it began"),
    ],
)
def test_a_fill_of_somebody_else_is_named_where_it_is_of_this_session(
    tmp_path: Path, at_ns: int, found: list[tuple[str, bool]]
) -> None:
    async def scenario(daemon: Daemon) -> None:
        reconciler = comparing(daemon)
        daemon.venue.fills = [fill_of(FOREIGN, "7", time_ns=at_ns)]

        assert kinds(await reconciler.reconcile("start")) == found

    play(tmp_path, scenario)


ALLOWED = DUST
BEYOND = DUST + d("0.000001")


@pytest.mark.parametrize(
    ("money", "blocks"),
    [
        pytest.param(d(1000) - BEYOND, True, id="less"),
        pytest.param(d(1000) - ALLOWED, False, id="dust less"),
        pytest.param(d(1000), False, id="exact"),
        pytest.param(d(1000) + ALLOWED, False, id="dust more"),
        pytest.param(d(1000) + BEYOND, True, id="more"),
    ],
)
def test_money_that_nothing_explains_blocks(tmp_path: Path, money: object, blocks: bool) -> None:
    async def scenario(daemon: Daemon) -> None:
        reconciler = comparing(daemon)
        daemon.venue.owned = owned(money=str(money))

        report = await reconciler.reconcile("start")

        assert kinds(report) == [("balance", True)] * blocks

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("money", "shares", "blocks"),
    [
        pytest.param("1000", "0", 0, id="nothing has moved yet"),
        pytest.param("995", "0", 0, id="the money has gone"),
        pytest.param("1000", "10", 0, id="the shares have come"),
        pytest.param("995", "10", 0, id="both"),
        pytest.param("994.9", "10", 1, id="too much money has gone"),
        pytest.param("995", "10.1", 1, id="too many shares have come"),
    ],
)
def test_a_fill_that_is_not_final_may_have_moved_the_balances_or_not(
    tmp_path: Path, money: str, shares: str, blocks: int
) -> None:
    async def scenario(daemon: Daemon) -> None:
        reconciler = comparing(daemon)
        sent = await daemon.send(BUY)
        daemon.executor.report(filled_report(fill_of(sent, "10")))
        await daemon.drain()
        daemon.venue.fills = [fill_of(sent, "10")]
        daemon.venue.owned = owned(money=money, shares=shares)

        report = await reconciler.reconcile("start")

        assert kinds(report) == [("balance", True)] * blocks

    play(tmp_path, scenario)


def test_what_was_there_before_the_session_is_explained_and_what_came_is_not(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        reconciler = comparing(daemon)
        reconciler.begin(opened_ns=NOW_NS, since_ns=NOW_NS, baseline={UP: d(25)})
        sent = await daemon.send(BUY)
        daemon.executor.report(filled_report(fill_of(sent, "10")))
        daemon.executor.report(settlement_of(fill_of(sent, "10")))
        await daemon.drain()
        daemon.venue.owned = owned(money="995", shares="35")
        right = await reconciler.reconcile("right")
        daemon.venue.owned = owned(money="995", shares="25")

        wrong = await reconciler.reconcile("wrong")

        assert (kinds(right), kinds(wrong)) == ([], [("balance", True)])
        assert "holds 25" in wrong.reason
        assert "35" in wrong.reason

    play(tmp_path, scenario)


def test_a_read_that_fails_is_neither_clean_nor_drift(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon) -> None:
        reconciler = comparing(daemon)
        daemon.venue.holds(FOREIGN)
        daemon.venue.read_error = VenueReadError("HTTP 502")

        report = await reconciler.reconcile("every minute")
        await daemon.drain()

        assert (report.verdict, kinds(report), report.reason) == ("failed", [("read failed", False)], "")
        stored = [r.verdict for r in daemon.written() if isinstance(r, ReconciliationRecord)]
        assert stored == ["failed"]

    play(tmp_path, scenario)


def test_a_report_is_no_longer_than_a_person_reads() -> None:
    findings = tuple(Finding(kind="foreign order", text=str(n), blocks=True) for n in range(300))
    report = Report(
        time_ns=NOW_NS,
        cause="start",
        verdict="drift",
        orders=300,
        fills=0,
        balances=0,
        findings=findings,
    )

    lines = report.lines()

    assert len(lines) == LINES_SHOWN_MAX + 2
    assert lines[-1] == "  and 100 more"
    assert report.reason.endswith("(and 299 more)")
    assert len(msgspec.json.decode(report.record().report)) == 300
