"""The user channel: own orders and trades, for those who prove whose they are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from polymarket import AsyncSecureClient
from polymarket.models.clob.order_response import AcceptedOrder
from polymarket.streams import UserSpec

from simulator.faults import ArmedFault, Fault
from simulator.polymarket.api_keys import ApiKey
from simulator.polymarket.server import PolymarketSimulator
from tests.simulator.polymarket.clients import DOLLAR, OWNER, market_in, official_client, played
from tests.simulator.polymarket.sockets import Socket, socket_to

SECOND = 10**9


def key_of(simulator: PolymarketSimulator) -> ApiKey:
    key = simulator.venue.keys.derive(OWNER, 0)
    assert key is not None
    return key


@asynccontextmanager
async def listening(simulator: PolymarketSimulator, **frame: object) -> AsyncIterator[Socket]:
    """The account's channel, once it is known to listen."""
    async with socket_to(simulator, "/ws/user") as socket:
        await socket.send({"type": "user", "auth": key_of(simulator).wire, **frame})
        await socket.send("PING")
        assert await socket.next_text() == "PONG"
        yield socket


async def posted(client: AsyncSecureClient, token: str, *, price: str = "0.40", kind: str = "GTC") -> str:
    order = await client.create_limit_order(asset_id=token, price=price, size="10", side="BUY")
    if kind != "GTC":
        order = await client.create_market_order(
            asset_id=token, side="BUY", amount="5", max_price=price, order_type="FOK"
        )
    answer = await client.post_order(order)
    assert isinstance(answer, AcceptedOrder)
    return answer.order_id


def orders_in(messages: list[Any]) -> list[tuple[str, str, str]]:
    return [
        (message["type"], message["status"], message["size_matched"])
        for message in messages
        if message["event_type"] == "order"
    ]


def trades_in(messages: list[Any]) -> list[tuple[str, str]]:
    return [
        (message["trader_side"], message["status"])
        for message in messages
        if message["event_type"] == "trade"
    ]


def test_an_order_is_told_from_its_placement_to_its_end() -> None:
    async def scenario(simulator: PolymarketSimulator) -> list[Any]:
        market = market_in(simulator)
        async with official_client(simulator) as client, listening(simulator) as socket:
            order_id = await posted(client, market.token_ids[0], price="0.50")
            simulator.venue.house.take(market, outcome=0, side=1, price=5_000, shares=4 * DOLLAR)
            await client.cancel_order(order_id=order_id)
            messages = await socket.rest()
        assert {message["owner"] for message in messages if message["event_type"] == "order"} == {
            key_of(simulator).key
        }
        return messages

    messages = played(scenario)

    assert orders_in(messages) == [
        ("PLACEMENT", "LIVE", "0"),
        ("UPDATE", "LIVE", "4"),
        ("CANCELLATION", "CANCELED", "4"),
    ]
    assert trades_in(messages) == [("MAKER", "MATCHED")]


def test_a_trade_is_repeated_with_each_status() -> None:
    async def scenario(simulator: PolymarketSimulator) -> list[Any]:
        market = market_in(simulator)
        async with official_client(simulator) as client, listening(simulator) as socket:
            await posted(client, market.token_ids[0], price="0.52")
            simulator.venue.advance(10 * SECOND)
            return await socket.rest()

    messages = played(scenario)

    assert trades_in(messages) == [("TAKER", "MATCHED"), ("TAKER", "MINED"), ("TAKER", "CONFIRMED")]
    assert len({message["id"] for message in messages if message["event_type"] == "trade"}) == 1


def test_a_maker_sees_the_takers_side_on_top() -> None:
    async def scenario(simulator: PolymarketSimulator) -> tuple[Any, list[str]]:
        market = market_in(simulator)
        async with official_client(simulator) as client, listening(simulator) as socket:
            await posted(client, market.token_ids[0], price="0.50")
            simulator.venue.house.take(market, outcome=1, side=0, price=5_000, shares=4 * DOLLAR)
            [trade] = [one for one in await socket.rest() if one["event_type"] == "trade"]
        return trade, list(market.token_ids)

    trade, (yes, no) = played(scenario)

    assert (trade["asset_id"], trade["side"], trade["trader_side"]) == (no, "BUY", "MAKER")
    assert [(part["asset_id"], part["side"], part["matched_amount"]) for part in trade["maker_orders"]] == [
        (yes, "BUY", "4")
    ]


def test_a_killed_order_is_told_with_empty_numbers() -> None:
    async def scenario(simulator: PolymarketSimulator) -> tuple[list[Any], int]:
        market = market_in(simulator)
        async with official_client(simulator) as client, listening(simulator) as socket:
            stream = await client.subscribe(UserSpec())
            with pytest.raises(Exception, match="couldn't be fully filled"):
                await posted(client, market.token_ids[0], price="0.30", kind="FOK")
            messages = await socket.rest()
            assert client._user_manager is not None
            dropped = client._user_manager.dropped_events
            await stream.close()
        return messages, dropped

    [message], dropped = played(scenario)

    assert (message["size_matched"], message["created_at"]) == ("", "")
    assert message["status"].startswith("CANCELED_order couldn't be fully filled")
    assert dropped == 1  # the official client cannot read it


def test_only_the_chosen_markets_are_told() -> None:
    async def scenario(simulator: PolymarketSimulator) -> tuple[int, int, int]:
        rain, snow = market_in(simulator), market_in(simulator, slug="snow")
        async with (
            official_client(simulator) as client,
            listening(simulator, markets=[snow.condition_id]) as socket,
        ):
            await posted(client, rain.token_ids[0])
            before = len(await socket.rest())
            await socket.send({"operation": "subscribe", "markets": [rain.condition_id]})
            await socket.send("PING")
            await socket.next_text()
            await posted(client, rain.token_ids[0])
            during = len(await socket.rest())
            await socket.send({"operation": "unsubscribe", "markets": [rain.condition_id]})
            await socket.send("PING")
            await socket.next_text()
            await posted(client, rain.token_ids[0])
            return before, during, len(await socket.rest())

    assert played(scenario) == (0, 1, 0)


@pytest.mark.parametrize(("closes", "kind"), [(True, aiohttp.WSMsgType.CLOSE), (False, None)])
def test_wrong_credentials_end_the_connection_or_are_met_with_silence(
    closes: bool, kind: aiohttp.WSMsgType | None
) -> None:
    async def scenario(simulator: PolymarketSimulator) -> object:
        async with official_client(simulator), socket_to(simulator, "/ws/user") as socket:
            await socket.send({"type": "user", "auth": {**key_of(simulator).wire, "secret": "wrong"}})
            try:
                async with asyncio.timeout(0.1):
                    return (await socket.raw.receive()).type
            except TimeoutError:
                return None

    assert played(scenario, bad_user_credentials_close=closes) == kind


def test_the_official_client_reads_its_own_events() -> None:
    async def scenario(simulator: PolymarketSimulator) -> tuple[list[tuple[str, str]], int]:
        market = market_in(simulator)
        async with official_client(simulator) as client:
            stream = await client.subscribe(UserSpec())
            await posted(client, market.token_ids[0], price="0.50")
            simulator.venue.house.take(market, outcome=0, side=1, price=5_000, shares=4 * DOLLAR)
            simulator.venue.advance(10 * SECOND)
            await client.cancel_all()
            told: list[tuple[str, str]] = []
            async for event in stream:
                told.append((event.type, str(event.payload.status)))
                if told[-1] == ("order", "CANCELED"):
                    break
            assert client._user_manager is not None
            dropped = client._user_manager.dropped_events
            await stream.close()
            return told, dropped

    told, dropped = played(scenario)

    assert told == [
        ("order", "LIVE"),
        ("order", "LIVE"),
        ("trade", "MATCHED"),
        ("trade", "MINED"),
        ("trade", "CONFIRMED"),
        ("order", "CANCELED"),
    ]
    assert dropped == 0


def test_events_may_come_before_the_answer() -> None:
    async def scenario(simulator: PolymarketSimulator) -> tuple[bool, str]:
        market = market_in(simulator)
        simulator.faults.arm(
            ArmedFault(fault=Fault.DELAY, endpoint="POST /order", parameters={"delay_ms": 100})
        )
        async with (
            official_client(simulator) as client,
            listening(simulator) as socket,
            asyncio.TaskGroup() as group,
        ):
            posting = group.create_task(posted(client, market.token_ids[0], price="0.52"))
            event = await socket.next()
            return posting.done(), event["event_type"]

    assert played(scenario) == (False, "trade")


def test_fields_can_be_empty_as_the_venue_sends_them() -> None:
    async def scenario(simulator: PolymarketSimulator) -> Any:
        market = market_in(simulator)
        simulator.faults.arm(
            ArmedFault(fault=Fault.EMPTY_FIELDS, endpoint="ws /ws/user order", parameters={"fields": "price"})
        )
        async with official_client(simulator) as client, listening(simulator) as socket:
            await posted(client, market.token_ids[0])
            return await socket.next()

    assert played(scenario)["price"] == ""
