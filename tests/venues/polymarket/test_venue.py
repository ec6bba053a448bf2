"""The adapter and the simulated venue: what is sent, what becomes of it, and what is reported."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import msgspec
import pytest

from domain.identifiers import MarketId
from domain.instrument import Side
from domain.messages import (
    Acknowledged,
    Cancelled,
    CancelLost,
    Filled,
    Lost,
    NotSent,
    Rejected,
    Settlement,
    SettlementReported,
)
from domain.order import OrderStatus, TimeInForce
from simulator.polymarket.markets import MarketSpec
from simulator.polymarket.settings import VenueRules
from tests.venues.polymarket.floor import Floor, floor, running

Scene = Callable[[Floor], Awaitable[None]]


def play(
    scene: Scene, *, has_stream: bool = True, spec: MarketSpec | None = None, rules: VenueRules | None = None
) -> None:
    async def on_the_floor() -> None:
        async with floor(has_stream=has_stream, spec=spec, rules=rules) as here:
            await scene(here)

    asyncio.run(on_the_floor())


def test_an_order_rests_under_the_id_that_was_known_before_and_is_cancelled() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=Decimal("0.50"))
        prepared = here.venue.prepare(order)
        await here.venue.send(order)
        (placed,) = await here.heard(Acknowledged)
        found = await here.venue.find_order(order)
        await here.venue.cancel(order)
        (gone,) = await here.heard(Cancelled)

        assert placed.venue_order_id == prepared.venue_order_id
        assert found is not None
        assert found.status is OrderStatus.OPEN
        assert gone.order_id == order.id
        assert await here.venue.open_orders() == ()

    play(scene)


def test_a_buy_that_takes_is_filled_and_settled_with_the_venues_own_fee() -> None:
    async def scene(here: Floor) -> None:
        await here.place(here.order(price=Decimal("0.52")))
        (filled,) = await here.heard(Filled)
        settled = await here.heard(SettlementReported, 2)

        (trade,) = here.simulator.exchange.state.trades.values()
        fill = filled.fill
        assert (fill.trade_id, fill.price, fill.quantity) == (trade.id, Decimal("0.52"), Decimal(10))
        assert fill.fee * 10**6 == trade.fee
        assert [report.settlement for report in settled] == [Settlement.PENDING, Settlement.SETTLED]

    play(scene)


def test_a_resting_order_is_filled_as_a_maker_without_a_fee() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=Decimal("0.50"))
        await here.place(order)
        await here.heard(Acknowledged)
        here.simulator.venue.house.hit(here.simulator.exchange.state.orders[here.at_venue(order)])
        (filled,) = await here.heard(Filled)

        assert (filled.fill.side, filled.fill.price, filled.fill.fee) == (
            Side.BUY,
            Decimal("0.50"),
            Decimal(0),
        )

    play(scene)


def test_of_a_fak_the_fills_are_told_before_the_rest_ends() -> None:
    async def scene(here: Floor) -> None:
        here.quote(bid="0.48", ask="0.52", shares=4)
        await here.place(here.order(price=Decimal("0.52"), time_in_force=TimeInForce.FAK))
        await here.heard(Cancelled)

        kinds = [type(report) for report in here.reports if not isinstance(report, SettlementReported)]
        assert kinds == [Acknowledged, Filled, Cancelled]

    play(scene)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"price": Decimal("0.52"), "post_only": True}, "crosses", id="post-only crosses"),
        pytest.param({"quantity": Decimal(4), "price": Decimal("0.50")}, "minimum", id="too small"),
        pytest.param(
            {"time_in_force": TimeInForce.FOK, "quantity": Decimal(1_000)}, "fully filled", id="FOK killed"
        ),
        pytest.param(
            {"time_in_force": TimeInForce.FAK, "price": Decimal("0.30")}, "no orders found", id="FAK killed"
        ),
        pytest.param({"quantity": Decimal(10_000), "price": Decimal("0.50")}, "balance", id="no cover"),
        pytest.param({"side": Side.SELL, "price": Decimal("0.60")}, "balance", id="no shares"),
    ],
)
def test_a_refusal_is_told_in_the_venues_words(changes: dict[str, object], words: str) -> None:
    async def scene(here: Floor) -> None:
        await here.place(msgspec.structs.replace(here.order(), **changes))
        (rejected,) = await here.heard(Rejected)

        assert words in rejected.reason
        assert here.reports == [rejected]

    play(scene)


def test_the_same_bytes_again_are_known_to_exist_and_are_asked_for() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=Decimal("0.50"))
        await here.place(order)
        await here.heard(Acknowledged)
        await here.venue.send(order)
        (lost,) = await here.heard(Lost)
        found = await here.venue.find_order(order)

        assert "Duplicated" in lost.reason
        assert found is not None
        assert found.status is OrderStatus.OPEN

    play(scene)


def test_without_a_connection_nothing_was_sent() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=Decimal("0.50"))
        here.venue.prepare(order)
        channels = here.venue._session._connection._channels
        channels.close()
        channels._is_closed, channels._address = False, ("127.0.0.1", 1)
        await here.venue.send(order)
        (report,) = await here.heard(NotSent)

        assert "Connect call failed" in report.reason

    play(scene)


def test_a_fill_that_the_stream_did_not_tell_is_found_by_reading() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=Decimal("0.52"))
        await here.place(order)
        await here.heard(Acknowledged)
        (lost,) = await here.heard(Lost)
        (fill,) = await here.venue.fills_since(order.created_ns - 2 * 10**9)
        found = await here.venue.find_order(order)

        assert "not in yet" in lost.reason
        assert (fill.order_id, fill.quantity) == (order.id, Decimal(10))
        assert found is not None
        assert (found.status, found.filled_quantity) == (OrderStatus.FILLED, Decimal(10))

    play(scene, has_stream=False)


def test_settlements_that_the_stream_did_not_tell_are_found_by_reading() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=Decimal("0.52"))
        await here.place(order)
        await here.heard(Acknowledged)
        await here.venue.fills_since(order.created_ns - 2 * 10**9)
        trades = here.simulator.exchange.state.trades
        await here.until(lambda: all(trade.is_final for trade in trades.values()))
        await here.venue._history.read_unsettled()

        kinds = [type(report) for report in here.reports]
        assert kinds[:3] == [Acknowledged, Filled, SettlementReported]

    play(scene, has_stream=False)


def test_a_foreign_order_and_its_fill_are_listed_under_the_venues_ids() -> None:
    async def scene(here: Floor) -> None:
        async with running(here.simulator, here.market, install_id="other") as other:
            order = other.order(price=Decimal("0.50"))
            await other.place(order)
            await other.heard(Acknowledged)
            listed = await here.venue.open_orders()
            here.simulator.venue.house.hit(here.simulator.exchange.state.orders[other.at_venue(order)])
            fills = await here.venue.fills_since(order.created_ns - 2 * 10**9)

            assert [found.order_id for found in listed] == [other.at_venue(order)]
            assert [(fill.order_id, fill.side) for fill in fills] == [(other.at_venue(order), Side.BUY)]

    play(scene)


def test_everything_is_cancelled_at_once() -> None:
    async def scene(here: Floor) -> None:
        orders = [here.order(number, price=Decimal("0.50")) for number in range(3)]
        for order in orders:
            await here.place(order)
        await here.heard(Acknowledged, 3)
        await here.venue.cancel_all()
        gone = await here.heard(Cancelled, 3)

        assert {report.order_id for report in gone} == {order.id for order in orders}

    play(scene)


def test_a_batch_is_one_request_and_each_order_has_its_own_outcome() -> None:
    async def scene(here: Floor) -> None:
        good, bad = (
            here.order(1, price=Decimal("0.50")),
            here.order(2, quantity=Decimal(2), price=Decimal("0.50")),
        )
        for order in (good, bad):
            here.venue.prepare(order)
        here.venue.send_batch([good, bad])
        (placed,) = await here.heard(Acknowledged)
        (refused,) = await here.heard(Rejected)

        assert (placed.order_id, refused.order_id) == (good.id, bad.id)

    play(scene)


def test_a_cancel_of_what_has_ended_is_not_taken_for_a_cancellation() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=Decimal("0.52"))
        await here.place(order)
        await here.heard(Filled)
        await here.venue.cancel(order)
        (lost,) = await here.heard(CancelLost)

        assert "already canceled or matched" in lost.reason

    play(scene)


def test_balances_name_what_is_free_beside_what_is_owned() -> None:
    async def scene(here: Floor) -> None:
        await here.place(here.order(1, price=Decimal("0.52")))
        await here.heard(SettlementReported, 2)
        await here.place(here.order(2, price=Decimal("0.40")))
        await here.heard(Acknowledged, 2)
        balances = {balance.asset: balance for balance in await here.venue.balances()}

        (trade,) = here.simulator.exchange.state.trades.values()
        spent = Decimal(trade.value + trade.fee) / 10**6
        money = balances["pUSD"]
        assert money.total == 1_000 - spent
        assert money.free == money.total - 4  # 10 × 0.40 on the book
        assert balances[here.instrument_id].total == 10

    play(scene)


def test_while_the_dead_mans_switch_is_not_armed_nothing_leaves() -> None:
    async def scene(here: Floor) -> None:
        here.venue._session.heartbeat._accepted_s = None
        order = here.order(price=Decimal("0.50"))
        reason = here.venue.denial(order)
        await here.place(order)
        await here.heard(NotSent)

        assert "dead-man's switch" in str(reason)
        assert not here.simulator.exchange.state.orders

    play(scene)


def test_an_order_that_is_not_on_the_grid_is_denied_with_the_reason() -> None:
    async def scene(here: Floor) -> None:
        assert here.venue.denial(here.order()) is None
        assert "grid" in str(here.venue.denial(here.order(price=Decimal("0.525"))))
        assert "not listed" in str(here.venue.denial(here.order(instrument_id="5", market_id=MarketId("6"))))

    play(scene)


def test_after_a_gap_in_the_stream_what_it_missed_is_read() -> None:
    async def scene(here: Floor) -> None:
        resting, taken, gone = (here.order(number, price=Decimal("0.50")) for number in (1, 2, 3))
        for order in (resting, taken, gone):
            await here.place(order)
        await here.heard(Acknowledged, 3)
        state = here.simulator.exchange.state
        here.simulator.venue.house.hit(state.orders[here.at_venue(taken)])
        here.simulator.venue.exchange.end(state.orders[here.at_venue(gone)], "CANCELED")
        here.venue.on_gap(resting.created_ns)
        (filled,) = await here.heard(Filled)
        (lost,) = await here.heard(Lost)

        assert (filled.fill.order_id, lost.order_id) == (taken.id, gone.id)

    play(scene, has_stream=False)


def test_a_fill_of_a_market_that_was_not_listed_here_has_its_fee_after_all() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=Decimal("0.52"))
        prepared = here.venue.prepare(order)
        await here.venue.send(order)
        await here.heard(Acknowledged)
        async with running(here.simulator, here.market, has_stream=False, is_listed=False) as later:
            later.venue.remember(order, prepared)
            later.venue.on_gap(order.created_ns)
            (filled,) = await later.heard(Filled)

        (trade,) = here.simulator.exchange.state.trades.values()
        assert filled.fill.fee * 10**6 == trade.fee

    play(scene, has_stream=False)


def test_a_settlement_that_an_earlier_process_waited_for_is_told() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=Decimal("0.52"))
        prepared = here.venue.prepare(order)
        await here.venue.send(order)
        await here.heard(Acknowledged)
        (fill,) = await here.venue.fills_since(order.created_ns - 2 * 10**9)
        trades = here.simulator.exchange.state.trades
        await here.until(lambda: all(trade.is_final for trade in trades.values()))
        async with running(here.simulator, here.market, has_stream=False) as later:
            later.venue.remember(msgspec.structs.replace(order, status=OrderStatus.FILLED), prepared)
            later.venue.watch_settlement([fill])
            await later.venue._history.read_unsettled()
            (told,) = await later.heard(SettlementReported)

        assert (told.trade_id, told.settlement) == (fill.trade_id, Settlement.SETTLED)

    play(scene, has_stream=False)


def test_a_fak_buy_that_gets_more_for_its_money_is_told_with_all_its_shares() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=Decimal("0.55"), time_in_force=TimeInForce.FAK)
        await here.place(order)
        (filled,) = await here.heard(Filled)

        money = filled.fill.price * filled.fill.quantity
        assert filled.fill.quantity > order.quantity
        assert money <= order.price * order.quantity  # 10 × 0.55 is what was offered

    play(scene)


def test_a_market_of_the_second_generation_and_a_neg_risk_market_take_our_signatures() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=Decimal("0.50"))
        await here.place(order)
        await here.heard(Acknowledged)

    play(scene, spec=MarketSpec(slug="second", version="v2"))
    play(scene, spec=MarketSpec(slug="neg-risk", neg_risk=True))


def test_on_a_finer_tick_the_amounts_are_exact_too() -> None:
    async def scene(here: Floor) -> None:
        order = here.order(price=Decimal("0.5025"), quantity=Decimal("7.77"))
        await here.place(order)
        await here.heard(Acknowledged)

        stored = here.simulator.exchange.state.orders[here.at_venue(order)]
        assert stored.price == 5_025

    play(scene, spec=MarketSpec(slug="fine", tick=Decimal("0.0025")))
