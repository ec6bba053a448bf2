"""Cancels: what is reported of them, and that nothing but an answer or a query ends an order."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from domain.messages import Cancelled, CancelLost, Filled
from simulator.faults import Fault
from tests.venues.exchange.scene import CANCEL, Trader, trading

d = Decimal


def play(scene: Callable[[Trader], Awaitable[None]]) -> None:
    async def run() -> None:
        async with trading() as trader:
            await scene(trader)

    asyncio.run(run())


def test_a_cancel_ends_the_order() -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order()
        await trader.send(sent)

        await trader.venue.cancel(sent)
        await trader.heard.wait(Cancelled)

        assert trader.heard.kinds() == ["Acknowledged", "Cancelled"]
        assert await trader.venue.open_orders() == ()

    play(scene)


def test_what_was_filled_before_a_cancel_is_reported_before_it() -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order()
        await trader.send(sent)
        (held,) = trader.held()
        trader.arm(Fault.DROP_STREAM_MESSAGE, "ws *")
        trader.sim.exchange.fill(held.id, d("0.0004"))

        await trader.venue.cancel(sent)
        await trader.heard.wait(Cancelled)

        assert trader.heard.kinds() == ["Acknowledged", "Filled", "SettlementReported", "Cancelled"]
        assert trader.heard.all(Filled)[0].fill.quantity == d("0.0004")

    play(scene)


@pytest.mark.parametrize(
    "fault", [Fault.LOST_REQUEST, Fault.ANSWER_5XX, Fault.STATUS_429, Fault.HTML_REFUSAL], ids=str
)
def test_a_cancel_without_a_clear_answer_is_lost(fault: Fault) -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order()
        await trader.send(sent)
        trader.arm_for_good(fault, CANCEL)

        await trader.venue.cancel(sent)
        lost = await trader.heard.wait(CancelLost)
        trader.clear()

        assert lost.order_id == sent.id
        assert len(await trader.venue.open_orders()) == 1

    play(scene)


def test_a_cancel_of_an_order_that_is_gone_is_lost_not_done() -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order()
        await trader.send(sent)
        (held,) = trader.held()
        trader.arm(Fault.DROP_STREAM_MESSAGE, "ws *")
        trader.sim.exchange.fill(held.id)

        await trader.venue.cancel(sent)
        await trader.heard.wait(CancelLost)

        assert not trader.heard.all(Cancelled)

    play(scene)


def test_cancel_all_takes_foreign_orders_too_and_reports_ours() -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order()
        await trader.send(sent)
        await trader.connection.data.create_order("BTC/USDT", "limit", "buy", "0.001", "20000")

        await trader.venue.cancel_all()

        cancelled = await trader.heard.wait(Cancelled)
        assert cancelled.order_id == sent.id
        assert await trader.venue.open_orders() == ()

    play(scene)
