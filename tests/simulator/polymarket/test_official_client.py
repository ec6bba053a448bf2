"""The official client, unmodified, against the simulated venue: orders, lists, balances, heartbeats, errors."""

import dataclasses
import time
from decimal import Decimal
from typing import Any

import pytest
from polymarket import AsyncSecureClient
from polymarket.errors import (
    OrderHeartbeatMismatchError,
    RequestRejectedError,
    TransactionFailedError,
    TransportError,
)
from polymarket.models.clob.order_response import AcceptedOrder, RejectedOrder

from simulator.faults import ArmedFault, Fault
from simulator.polymarket.eip712 import SignedFields
from simulator.polymarket.events import OrderChanged
from simulator.polymarket.server import PolymarketSimulator
from simulator.polymarket.signatures import identify
from tests.simulator.polymarket.clients import (
    DOLLAR,
    OTHER_PRIVATE_KEY,
    OWNER,
    PRIVATE_KEY,
    environment_of,
    market_in,
    official_client,
    played,
    quote,
)

SECOND = 10**9


async def bought(client: AsyncSecureClient, token: str, **changes: Any) -> AcceptedOrder:
    order = await client.create_limit_order(asset_id=token, price="0.52", size="10", side="BUY")
    answer = await client.post_order(dataclasses.replace(order, **changes))
    assert isinstance(answer, AcceptedOrder), answer
    return answer


def test_an_order_rests_is_listed_read_and_cancelled() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        async with official_client(simulator) as client:
            order = await client.create_limit_order(
                asset_id=market.token_ids[0], price="0.50", size="10", side="BUY", post_only=True
            )

            posted = await client.post_order(order)
            assert isinstance(posted, AcceptedOrder)
            [listed] = (await client.list_open_orders(market=market.condition_id).first_page()).items
            read = await client.get_order(order_id=posted.order_id)
            cancelled = await client.cancel_order(order_id=posted.order_id)
            gone = (await client.list_open_orders().first_page()).items

        assert (posted.status, listed.status, listed.price, listed.original_size) == (
            "live",
            "LIVE",
            Decimal("0.5"),
            Decimal(10),
        )
        assert read == listed
        assert cancelled.canceled == (posted.order_id,)
        assert gone == ()
        assert simulator.exchange.state.orders[posted.order_id].status == "CANCELED"

    played(scenario)


@pytest.mark.parametrize("changes", [{}, {"neg_risk": True}, {"version": "v2"}], ids=str)
def test_the_order_id_can_be_computed_before_sending(changes: dict[str, object]) -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator, **changes)
        async with official_client(simulator) as client:
            order = await client.create_limit_order(
                asset_id=market.token_ids[0], price="0.50", size="10", side="BUY"
            )
            fields = SignedFields(
                salt=order.salt,
                maker=order.maker,
                signer=order.signer,
                token_id=int(order.token_id),
                maker_amount=order.maker_amount,
                taker_amount=order.taker_amount,
                side=0,
                signature_type=order.signature_type,
                timestamp_ms=order.timestamp,
                metadata=bytes(32),
                builder=bytes(32),
            )

            posted = await client.post_order(order)

        assert isinstance(posted, AcceptedOrder)
        assert posted.order_id == identify(fields, neg_risk=market.spec.neg_risk).order_id

    played(scenario)


def test_a_fill_is_told_listed_settled_and_paid() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator, fee_rate=Decimal("0.07"))
        async with official_client(simulator) as client:
            posted = await bought(client, market.token_ids[0], order_type="FAK")
            [trade] = (await client.list_account_trades(after=str(int(time.time()) - 5)).first_page()).items
            simulator.venue.advance(10 * SECOND)
            hashes = await client.wait_for_order_fill_settlement(posted)
            cash = await client.get_balance_allowance(asset_type="COLLATERAL")
            shares = await client.get_balance_allowance(
                asset_type="CONDITIONAL", asset_id=market.token_ids[0]
            )

        assert (posted.status, posted.making_amount, posted.taking_amount) == (
            "matched",
            Decimal("5.2"),
            Decimal(10),
        )
        assert posted.transactions_hashes == ()  # a FAK's answer has none
        assert (trade.id, trade.status, trade.trader_side) == (posted.trade_ids[0], "MATCHED", "TAKER")
        assert trade.taker_order_id == posted.order_id
        assert hashes == (simulator.exchange.state.trades[trade.id].hash,)
        fee = 174_720  # 10 × 0.07 × 0.52 × 0.48
        assert cash.balance == 1_000 * DOLLAR - 5_200_000 - fee
        assert shares.balance == 10 * DOLLAR

    played(scenario)


def test_a_maker_finds_its_part_in_the_takers_trade() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        async with official_client(simulator) as client:
            order = await client.create_limit_order(
                asset_id=market.token_ids[0], price="0.50", size="10", side="BUY"
            )
            posted = await client.post_order(order)
            assert isinstance(posted, AcceptedOrder)
            simulator.venue.house.take(market, outcome=1, side=0, price=5_000, shares=4 * DOLLAR)
            [trade] = (await client.list_account_trades().first_page()).items

        [mine] = [one for one in trade.maker_orders if one.order_id == posted.order_id]
        assert (trade.trader_side, trade.asset_id, trade.side) == ("MAKER", market.token_ids[1], "BUY")
        assert (mine.asset_id, mine.side, mine.price, mine.matched_amount) == (
            market.token_ids[0],
            "BUY",
            Decimal("0.5"),
            Decimal(4),
        )

    played(scenario)


def test_a_failed_settlement_raises_in_the_client() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        simulator.faults.arm(ArmedFault(fault=Fault.TRADE_FAILED))
        async with official_client(simulator) as client:
            posted = await bought(client, market.token_ids[0])
            simulator.venue.advance(10 * SECOND)
            with pytest.raises(TransactionFailedError):
                await client.wait_for_order_fill_settlement(posted)

    played(scenario)


def test_a_batch_answers_each_order_in_its_place() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        async with official_client(simulator) as client:
            sizes = ["10", "4", "12"]
            orders = [
                await client.create_limit_order(
                    asset_id=market.token_ids[0], price="0.50", size=size, side="BUY"
                )
                for size in sizes
            ]
            first, second, third = await client.post_orders(orders)
            cancelled = await client.cancel_all()

        assert isinstance(first, AcceptedOrder)
        assert isinstance(second, RejectedOrder)
        assert "Size (4) lower than the minimum: 5" in second.message
        assert isinstance(third, AcceptedOrder)
        assert set(cancelled.canceled) == {first.order_id, third.order_id}

    played(scenario)


def test_cancels_by_list_and_by_market() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        rain, snow = market_in(simulator), market_in(simulator, slug="snow")
        async with official_client(simulator) as client:
            ids = []
            for market in (rain, rain, snow):
                order = await client.create_limit_order(
                    asset_id=market.token_ids[0], price="0.40", size="10", side="BUY"
                )
                posted = await client.post_order(order)
                assert isinstance(posted, AcceptedOrder)
                ids.append(posted.order_id)
            by_list = await client.cancel_orders(order_ids=[ids[0], "0x" + "00" * 32])
            by_market = await client.cancel_market_orders(market=rain.condition_id)
            left = (await client.list_open_orders().first_page()).items

        assert by_list.canceled == (ids[0],)
        assert list(by_list.not_canceled) == ["0x" + "00" * 32]
        assert by_market.canceled == (ids[1],)
        assert [order.id for order in left] == [ids[2]]

    played(scenario)


def test_heartbeats_go_on_from_each_other() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        async with official_client(simulator) as client:
            first = await client.send_order_heartbeat(heartbeat_id="")
            second = await client.send_order_heartbeat(heartbeat_id=first.heartbeat_id)
            with pytest.raises(OrderHeartbeatMismatchError) as mismatch:
                await client.send_order_heartbeat(heartbeat_id=first.heartbeat_id)

        assert mismatch.value.heartbeat_id == second.heartbeat_id

    played(scenario)


def test_books_and_prices_are_read() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        token = market.token_ids[1]
        async with official_client(simulator) as client:
            book = await client.get_order_book(asset_id=token)
            both = await client.get_order_books(asset_ids=list(market.token_ids))
            assert await client.get_midpoint(asset_id=token) == Decimal("0.5")
            assert await client.get_spread(asset_id=token) == Decimal("0.04")
            assert await client.get_price(asset_id=token, side="BUY") == Decimal("0.48")
            assert await client.get_last_trade_price(asset_id=token) is None

        assert (book.bids[-1].price, book.asks[-1].price) == (Decimal("0.48"), Decimal("0.52"))
        assert [one.asset_id for one in both] == list(market.token_ids)

    played(scenario)


def test_credentials_can_be_kept() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        async with official_client(simulator) as client:
            credentials = client.credentials
        again = await AsyncSecureClient.create(
            private_key=PRIVATE_KEY,
            wallet=OWNER,
            credentials=credentials,
            environment=environment_of(simulator),
        )
        assert again.credentials == credentials
        await again.close()

    played(scenario)


def test_another_account_sees_and_cancels_nothing() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        async with (
            official_client(simulator) as client,
            official_client(simulator, private_key=OTHER_PRIVATE_KEY) as other,
        ):
            order = await client.create_limit_order(
                asset_id=market.token_ids[0], price="0.40", size="10", side="BUY"
            )
            posted = await client.post_order(order)
            assert isinstance(posted, AcceptedOrder)
            listed = (await other.list_open_orders().first_page()).items
            cancelled = await other.cancel_order(order_id=posted.order_id)
            with pytest.raises(RequestRejectedError) as missing:
                await other.get_order(order_id=posted.order_id)
            with pytest.raises(RequestRejectedError, match="order signer address"):
                await other.post_order(order)

        assert listed == ()
        assert cancelled.canceled == ()
        assert missing.value.status == 404

    played(scenario)


def test_a_resend_of_the_same_bytes_is_duplicated() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        simulator.faults.arm(ArmedFault(fault=Fault.LOST_ANSWER, endpoint="POST /order"))
        async with official_client(simulator) as client:
            order = await client.create_limit_order(
                asset_id=market.token_ids[0], price="0.40", size="10", side="BUY"
            )
            with pytest.raises(TransportError):
                await client.post_order(order)
            with pytest.raises(RequestRejectedError, match="Duplicated"):
                await client.post_order(order)
            [listed] = (await client.list_open_orders().first_page()).items

        assert listed.original_size == 10

    played(scenario)


def test_a_taker_in_an_up_down_market_is_answered_before_its_outcome() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator, taker_delay_ms=150)
        async with official_client(simulator) as client:
            posted = await bought(client, market.token_ids[0])
            during = await client.get_order(order_id=posted.order_id)
            simulator.venue.advance(SECOND)
            after = await client.get_order(order_id=posted.order_id)

        assert (posted.status, during.status, after.status) == ("delayed", "DELAYED", "MATCHED")

    played(scenario)


def test_an_unmatched_order_is_on_the_book_though_the_client_calls_it_rejected() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator, taker_delay_ms=100)
        async with official_client(simulator) as client:
            order = await client.create_limit_order(
                asset_id=market.token_ids[0], price="0.52", size="10", side="BUY"
            )
            simulator.venue.state.listen(
                lambda event: (
                    quote(simulator, market, bid="0.40", ask="0.60")
                    if isinstance(event, OrderChanged) and event.status == "DELAYED"
                    else None
                )
            )
            answer = await client.post_order(order)
            [listed] = (await client.list_open_orders().first_page()).items

        assert isinstance(answer, RejectedOrder)
        assert answer.code == "unmatched"
        assert listed.status == "LIVE"

    played(scenario, delay_answers_at_once=False)


def test_rate_limits_are_told_to_the_client() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        updates: list[object] = []
        simulator.venue.fund(OWNER, cash=1_000 * DOLLAR)
        client = await AsyncSecureClient.create(
            private_key=PRIVATE_KEY,
            wallet=OWNER,
            environment=environment_of(simulator),
            on_rate_limit_update=updates.append,
        )
        await bought(client, market.token_ids[0])
        await client.close()

        [update] = updates
        assert (update.remaining, update.tier, update.warning) == (59, "Standard", False)  # type: ignore[attr-defined]

    played(scenario)
