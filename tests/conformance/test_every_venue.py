"""What paper, Polymarket and an exchange of ccxt must do alike through `venues.base.Venue`: one suite for all."""

import asyncio
import statistics
from decimal import Decimal

import pytest

from clock import monotonic_s
from domain.messages import Acknowledged, Cancelled, CancelLost, Filled, Lost, Rejected
from domain.order import OrderStatus
from tests.conformance.stage import Stage, heard, send, told, until
from tests.conformance.stages import ALL, play
from venues.base import VenueBalance, VenueOrder

d = Decimal
every = pytest.mark.parametrize("name", ALL)
PREPARED_IN_S_MAX = 0.001
ORDERS = 50


@every
def test_what_is_prepared_is_the_same_for_the_same_order_in_any_process(name: str) -> None:
    async def scene(stage: Stage) -> None:
        order, other = stage.order(1), stage.order(2)

        first, again = stage.venue.prepare(order), stage.venue.prepare(order)
        elsewhere, of_other = stage.prepared_elsewhere(order), stage.venue.prepare(other)

        assert first == again == elsewhere
        assert (first is None) == (name == "paper")
        assert first is None or (of_other and of_other.venue_order_id != first.venue_order_id)

    play(ALL[name], scene)


@every
def test_preparing_takes_less_than_a_millisecond(name: str) -> None:
    async def scene(stage: Stage) -> None:
        orders, took_s = [stage.order(number) for number in range(ORDERS)], []

        for order in orders:
            began_s = monotonic_s()
            stage.venue.prepare(order)
            took_s.append(monotonic_s() - began_s)

        assert statistics.median(took_s) < PREPARED_IN_S_MAX

    play(ALL[name], scene)


@every
def test_an_order_rests_and_both_reads_show_it(name: str) -> None:
    async def scene(stage: Stage) -> None:
        order = stage.order()
        prepared = stage.venue.prepare(order)

        report = await send(stage, order)
        found, listed = await stage.venue.find_order(order), await stage.venue.open_orders()

        expected = VenueOrder(order_id=order.id, status=OrderStatus.OPEN, filled_quantity=d(0))
        assert isinstance(report, Acknowledged)
        assert prepared is None or name == "binance" or report.venue_order_id == prepared.venue_order_id
        assert (found, listed) == (expected, (expected,))
        assert stage.truth(order) == (True, d(0))

    play(ALL[name], scene)


@every
def test_a_refusal_has_the_venue_s_words_and_leaves_nothing_there(name: str) -> None:
    async def scene(stage: Stage) -> None:
        order = stage.too_dear()

        report = await send(stage, order)

        assert isinstance(report, Rejected)
        assert "balance" in report.reason
        assert stage.truth(order) is None
        assert await stage.venue.find_order(order) is None
        assert await stage.venue.open_orders() == ()

    play(ALL[name], scene)


@every
def test_a_cancel_ends_the_order_here_and_there(name: str) -> None:
    async def scene(stage: Stage) -> None:
        order, other = stage.order(1), stage.order(2)
        await send(stage, order)
        await send(stage, other)

        await stage.venue.cancel(order)
        cancelled = await heard(stage, Cancelled)

        assert cancelled.order_id == order.id
        assert stage.truth(order) == (False, d(0))
        assert [one.order_id for one in await stage.venue.open_orders()] == [other.id]

    play(ALL[name], scene)


@every
def test_a_cancel_of_what_was_filled_is_never_told_as_a_cancel(name: str) -> None:
    async def scene(stage: Stage) -> None:
        order = stage.order()
        await send(stage, order)
        stage.fill(order, order.quantity)
        await heard(stage, Filled)

        await stage.venue.cancel(order)
        await asyncio.sleep(0.1)

        assert told(stage, Cancelled) == []
        found = await stage.venue.find_order(order)
        assert found is not None
        assert (found.status, found.filled_quantity) == (OrderStatus.FILLED, order.quantity)
        assert stage.truth(order) == (False, order.quantity)

    play(ALL[name], scene)


@every
def test_a_fill_is_told_once_by_whichever_way_it_comes(name: str) -> None:
    async def scene(stage: Stage) -> None:
        order = stage.order()
        await send(stage, order)

        for part in (order.quantity / 4, order.quantity / 2):
            stage.fill(order, part)
        reads = []
        for _ in range(3):
            reads.append(await stage.venue.fills_since(order.created_ns // 10**9 * 10**9))
        await heard(stage, Filled, 2)
        last = await stage.venue.fills_since(order.created_ns // 10**9 * 10**9)
        await asyncio.sleep(0.1)

        fills = [report.fill for report in told(stage, Filled)]
        assert [fill.quantity for fill in fills] == [order.quantity / 4, order.quantity / 2]
        assert {fill.trade_id for fill in last} == {fill.trade_id for fill in fills}
        assert len({(fill.trade_id, fill.order_id) for fill in last}) == len(last) == 2
        assert all(len({fill.trade_id for fill in read}) == len(read) for read in reads)
        assert stage.truth(order) == (True, order.quantity * 3 / 4)

    play(ALL[name], scene)


@every
def test_an_order_that_takes_is_filled_and_ends_with_its_trades(name: str) -> None:
    async def scene(stage: Stage) -> None:
        order = stage.taking()

        await send(stage, order)
        await until(lambda: sum(report.fill.quantity for report in told(stage, Filled)) == order.quantity)
        found = await stage.venue.find_order(order)

        assert found is not None
        assert (found.status, found.filled_quantity) == (OrderStatus.FILLED, order.quantity)
        assert all(report.fill.price <= order.price for report in told(stage, Filled))
        assert stage.truth(order) == (False, order.quantity)

    play(ALL[name], scene)


@every
def test_balances_tell_what_is_owned_and_what_of_it_is_free(name: str) -> None:
    async def scene(stage: Stage) -> None:
        before = await money_of(stage)
        resting = stage.order()
        await send(stage, resting)

        after = await money_of(stage)

        held = resting.price * resting.quantity
        assert before.total == before.free == after.total
        assert after.free == after.total - held

    play(ALL[name], scene)


async def money_of(stage: Stage) -> VenueBalance:
    return next(one for one in await stage.venue.balances() if one.asset == stage.money)


@every
def test_sending_again_never_makes_a_second_order(name: str) -> None:
    async def scene(stage: Stage) -> None:
        order = stage.order()
        await send(stage, order)

        second = await send(stage, order)
        listed = await stage.venue.open_orders()

        assert type(second) is (Rejected if name == "paper" else Lost)  # paper's answer cannot be mistaken
        assert len(listed) == 1
        assert stage.truth(order) == (True, d(0))

    play(ALL[name], scene)


@every
def test_a_cancel_of_everything_ends_all_of_ours(name: str) -> None:
    async def scene(stage: Stage) -> None:
        orders = [stage.order(number) for number in (1, 2, 3)]
        for order in orders:
            await send(stage, order)

        await stage.venue.cancel_all()
        await heard(stage, Cancelled, 3)

        assert {report.order_id for report in told(stage, Cancelled)} == {order.id for order in orders}
        assert await stage.venue.open_orders() == ()
        assert told(stage, CancelLost) == []

    play(ALL[name], scene)


@every
def test_an_order_that_was_never_sent_is_known_to_nobody(name: str) -> None:
    async def scene(stage: Stage) -> None:
        order = stage.order()
        stage.venue.prepare(order)

        assert await stage.venue.find_order(order) is None
        assert await stage.venue.fills_since(order.created_ns) == ()

    play(ALL[name], scene)
