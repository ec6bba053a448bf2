"""What every exchange must do alike, whatever its client ids, its answers and its private streams are like."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import msgspec
import pytest

from clock import NS_PER_S, WallScheduler
from domain.instrument import Side
from domain.messages import Acknowledged, Cancelled, Filled, Lost, Rejected
from domain.order import OrderStatus, TimeInForce
from simulator.faults import Fault
from tests.venues.exchange.scene import Heard, Trader, trading, until
from venues.base import ClientIdClass, VenueOrder
from venues.exchange.permissions import can_withdraw, refuse_withdrawal_keys
from venues.exchange.venue import ExchangeVenue

d = Decimal
SYMBOL = "BTCUSDT"
POSTS = {"binance": "POST /api/v3/order", "bybit": "POST /v5/order/create"}
CLASSES = {"binance": ClientIdClass.UNIQUE_WHILE_OPEN, "bybit": ClientIdClass.UNIQUE_FOREVER}
ABOVE = d(61_000)

both = pytest.mark.parametrize("exchange", sorted(POSTS))


def play(exchange: str, scene: Callable[[Trader], Awaitable[None]]) -> None:
    async def run() -> None:
        async with trading(exchange) as trader:
            await scene(trader)

    asyncio.run(run())


@both
def test_an_order_rests_is_found_and_is_cancelled(exchange: str) -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order()

        report = await trader.send(sent)
        expected = VenueOrder(order_id=sent.id, status=OrderStatus.OPEN, filled_quantity=d(0))
        found, listed = await trader.venue.find_order(sent), await trader.venue.open_orders()
        await trader.venue.cancel(sent)
        cancelled = await trader.heard.wait(Cancelled)

        assert isinstance(report, Acknowledged)
        assert found == expected
        assert listed == (expected,)
        assert cancelled.reason == "cancelled on request"
        assert trader.heard.kinds() == ["Acknowledged", "Cancelled"]

    play(exchange, scene)


@both
def test_a_fill_comes_by_the_stream_and_never_twice(exchange: str) -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order(quantity=d("0.002"))
        await trader.send(sent)

        trader.sim.exchange.fill(trader.held()[0].id)
        await trader.heard.wait(Filled)
        await trader.venue.poll(sent.created_ns)
        await trader.venue.fills_since(sent.created_ns)
        await asyncio.sleep(0)

        assert trader.heard.kinds() == ["Acknowledged", "Filled", "SettlementReported"]
        assert trader.heard.all(Filled)[0].fill.quantity == d("0.002")

    play(exchange, scene)


@both
def test_an_immediate_order_is_filled_in_part_and_its_rest_is_cancelled(exchange: str) -> None:
    async def scene(trader: Trader) -> None:
        house = trader.sim.house
        house.withdraw(SYMBOL)
        house.set_level(SYMBOL, Side.SELL, d(60_000), d("0.3"))

        await trader.send(trader.order(price=ABOVE, quantity=d("0.5"), time_in_force=TimeInForce.FAK))
        await trader.heard.wait(Cancelled)

        assert trader.heard.all(Filled)[0].fill.quantity == d("0.3")
        assert trader.heard.kinds()[-1] == "Cancelled"
        assert trader.heard.kinds().count("Filled") == trader.heard.kinds().count("Cancelled") == 1

    play(exchange, scene)


@both
def test_a_refusal_is_the_exchange_s_own(exchange: str) -> None:
    async def scene(trader: Trader) -> None:
        poor = await trader.send(trader.order(1, price=d(50_000), quantity=d(100)))
        taking = await trader.send(trader.order(2, price=ABOVE, post_only=True))

        assert isinstance(poor, Rejected)
        assert isinstance(taking, Rejected | Acknowledged)
        assert not poor.reason.startswith("not sent")
        assert not trader.heard.all(Filled)

    play(exchange, scene)


@both
def test_a_lost_answer_is_resolved_by_our_own_id(exchange: str) -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order()
        trader.arm(Fault.LOST_ANSWER, POSTS[exchange])

        report = await trader.send(sent)
        found = await trader.venue.find_order(sent)

        assert isinstance(report, Lost)
        assert found is not None
        assert found.status is OrderStatus.OPEN
        assert trader.posts() == 1

    play(exchange, scene)


@both
def test_sending_again_never_makes_a_second_order(exchange: str) -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order(price=ABOVE)
        trader.arm(Fault.LOST_ANSWER, POSTS[exchange])
        await trader.send(sent)
        await until(lambda: len(trader.heard.all(Lost)) == 1)

        await trader.venue.send(sent)
        await until(lambda: len(trader.heard.all(Lost)) == 2)

        assert trader.venue.client_id_class is CLASSES[exchange]
        assert trader.posts() == 1

    play(exchange, scene)


@both
def test_an_order_that_never_arrived_is_found_by_nobody(exchange: str) -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order()
        trader.arm(Fault.LOST_REQUEST, POSTS[exchange])

        report = await trader.send(sent)

        assert isinstance(report, Lost)
        assert await trader.venue.find_order(sent) is None
        assert await trader.venue.open_orders() == ()
        assert await trader.venue.fills_since(sent.created_ns - NS_PER_S) == ()
        assert sent.valid_until_ns is not None

    play(exchange, scene)


@both
def test_after_a_restart_the_fills_of_an_unanswered_order_are_ours(exchange: str) -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order(quantity=d("0.002"))
        prepared = trader.venue.prepare(sent)
        assert prepared is not None
        trader.arm(Fault.LOST_ANSWER, POSTS[exchange])
        await trader.send(sent)
        trader.sim.exchange.fill(trader.held()[0].id, d("0.0005"))
        reborn = ExchangeVenue(trader.connection, scheduler=WallScheduler())
        reborn.connect(heard := Heard())

        reborn.remember(msgspec.structs.replace(sent, status=OrderStatus.UNKNOWN), prepared)
        (fill,) = await reborn.fills_since(sent.created_ns - 60 * NS_PER_S)
        await until(lambda: bool(heard.reports))

        assert (fill.order_id, fill.quantity) == (sent.id, d("0.0005"))
        assert heard.kinds() == ["Filled", "SettlementReported"]

    play(exchange, scene)


@both
def test_what_the_stream_did_not_tell_the_drop_copy_does(exchange: str) -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order()
        await trader.send(sent)
        trader.arm_for_good(Fault.DROP_STREAM_MESSAGE, "ws *")
        held = trader.held()[0]
        trader.sim.exchange.fill(held.id, d("0.0004"))
        trader.sim.exchange.cancel(held.id)

        await trader.venue.poll(sent.created_ns)

        assert trader.heard.kinds() == ["Acknowledged", "Filled", "SettlementReported", "Cancelled"]
        assert trader.heard.all(Cancelled)[0].reason == "cancelled at the exchange"

    play(exchange, scene)


@both
@pytest.mark.slow
def test_a_user_stream_that_is_cut_comes_back_and_what_it_missed_is_read(exchange: str) -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order(quantity=d("0.002"))
        await trader.send(sent)
        held = trader.held()[0]

        trader.sim.close_streams()
        trader.sim.exchange.fill(held.id, d("0.001"))
        await trader.heard.wait(Filled)
        await asyncio.sleep(1)
        trader.sim.exchange.fill(held.id, d("0.001"))
        await trader.heard.wait(Filled, 2)

        assert trader.venue.stream.breaks >= 1
        assert [report.fill.quantity for report in trader.heard.all(Filled)] == [d("0.001"), d("0.001")]

    play(exchange, scene)


@both
@pytest.mark.slow
def test_a_frame_that_does_not_decode_ends_no_stream(exchange: str) -> None:
    async def scene(trader: Trader) -> None:
        sent = trader.order(quantity=d("0.002"))
        await trader.send(sent)
        trader.arm(Fault.TRUNCATED_MESSAGE, "ws *")

        trader.sim.exchange.fill(trader.held()[0].id)
        await trader.heard.wait(Filled)

        assert trader.connection.data.undecodable == 1
        assert len(trader.connection.data.samples()) == 1

    play(exchange, scene)


@both
def test_a_key_says_whether_it_can_withdraw(exchange: str) -> None:
    async def scene(trader: Trader) -> None:
        assert await can_withdraw(trader.connection) is False
        assert await refuse_withdrawal_keys(trader.connection)

    play(exchange, scene)
