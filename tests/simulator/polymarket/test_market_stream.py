"""The market channel, frame by frame and through the official client, and every fault of a stream."""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from msgspec import structs
from polymarket.streams import MarketSpec

from simulator.faults import ArmedFault, Fault, Parameter
from simulator.polymarket.markets import SimMarket
from simulator.polymarket.server import PolymarketSimulator
from tests.simulator.polymarket.clients import DOLLAR, RAIN, market_in, official_client, played, quote
from tests.simulator.polymarket.sockets import Socket, market_socket, socket_to


@asynccontextmanager
async def following(
    simulator: PolymarketSimulator, market: SimMarket, **options: bool
) -> AsyncIterator[Socket]:
    """A connection that follows the first token and has read its first book."""
    async with market_socket(simulator, market.token_ids[0], **options) as socket:
        await socket.next()
        yield socket


def kinds(messages: list[Any]) -> list[str]:
    return [message["event_type"] for message in messages]


def test_the_first_frame_is_an_array_of_books() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        async with market_socket(simulator, *market.token_ids, "unknown") as socket:
            books = await socket.next()

        assert kinds(books) == ["book", "book"]
        assert [book["asset_id"] for book in books] == list(market.token_ids)
        assert books[1]["bids"] == [{"price": "0.48", "size": "100"}]

    played(scenario)


def test_the_hash_covers_the_book() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        async with market_socket(simulator, market.token_ids[0]) as socket:
            [book] = await socket.next()

        names = ("market", "asset_id", "timestamp", "hash", "bids", "asks", "min_order_size", "tick_size")
        covered = {name: book[name] for name in (*names, "neg_risk", "last_trade_price")} | {"hash": ""}
        text = json.dumps(covered, separators=(",", ":"))
        assert book["hash"] == hashlib.sha1(text.encode()).hexdigest()

    played(scenario)


def test_a_change_names_both_tokens_and_the_new_totals() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        async with following(simulator, market, custom=False) as socket:
            quote(simulator, market, bid="0.47", ask="0.52")
            message = await socket.next()

        yes, no = market.token_ids
        changes = [
            (change["asset_id"], change["side"], change["price"], change["size"])
            for change in message["price_changes"]
        ]
        assert sorted(changes) == sorted(
            [
                (yes, "BUY", "0.47", "100"),
                (yes, "BUY", "0.48", "0"),
                (no, "SELL", "0.53", "100"),
                (no, "SELL", "0.52", "0"),
            ]
        )
        tops = {
            change["asset_id"]: (change["best_bid"], change["best_ask"])
            for change in message["price_changes"]
        }
        assert tops == {yes: ("0.47", "0.52"), no: ("0.48", "0.53")}
        assert message["timestamp"].isdecimal()

    played(scenario)


def test_a_trade_is_told_and_then_the_book() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        async with following(simulator, market, custom=False) as socket:
            simulator.venue.house.take(market, outcome=0, side=0, price=5_200, shares=30 * DOLLAR)
            messages = await socket.rest()

        trade, change, book = messages
        assert kinds(messages) == ["last_trade_price", "price_change", "book"]
        assert (trade["price"], trade["size"], trade["side"]) == ("0.52", "30", "BUY")
        assert change["price_changes"][0]["size"] == "70"
        assert book["asks"] == [{"price": "0.52", "size": "70"}]
        assert book["last_trade_price"] == "0.52"

    played(scenario)


def test_ticks_new_markets_results_and_tops_come_to_those_who_asked() -> None:
    async def scenario(simulator: PolymarketSimulator) -> tuple[list[str], list[str]]:
        market = market_in(simulator)
        async with (
            following(simulator, market) as asked,
            following(simulator, market, custom=False) as not_asked,
        ):
            simulator.venue.life.change_tick(market, Decimal("0.001"))
            simulator.venue.life.create(structs.replace(RAIN, slug="snow"))
            quote(simulator, market, bid="0.49", ask="0.52")
            simulator.venue.life.resolve(market, (Decimal(0), Decimal(1)))
            asked_messages, plain_messages = await asked.rest(), await not_asked.rest()
        resolved = asked_messages[-1]
        assert (resolved["winning_asset_id"], resolved["winning_outcome"]) == (market.token_ids[1], "No")
        return kinds(asked_messages), kinds(plain_messages)

    asked, plain = played(scenario)

    change = ["price_change", "best_bid_ask"]
    assert asked == ["tick_size_change", "new_market", *change, *change, "market_resolved"]
    assert plain == ["tick_size_change", "price_change", "price_change"]


def test_ping_is_answered_and_a_second_beginning_refused() -> None:
    async def scenario(simulator: PolymarketSimulator) -> list[str | None]:
        market = market_in(simulator)
        async with following(simulator, market) as socket:
            answers = []
            for frame in ("PING", {"type": "market", "assets_ids": []}, "{", {"operation": "dance"}):
                await socket.send(frame)
                answers.append(await socket.next_text())
        async with socket_to(simulator, "/ws/market") as socket:
            await socket.send({"operation": "subscribe", "assets_ids": []})
            answers.append(await socket.next_text())
        return answers

    assert played(scenario) == ["PONG", *["INVALID OPERATION"] * 4]


def test_later_subscriptions_get_their_books_and_ended_ones_nothing() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        rain, snow = market_in(simulator), market_in(simulator, slug="snow")
        async with following(simulator, rain) as socket:
            await socket.send({"operation": "subscribe", "assets_ids": [snow.token_ids[0]]})
            [book] = await socket.next()
            await socket.send({"operation": "unsubscribe", "assets_ids": [rain.token_ids[0]]})
            await socket.send("PING")
            await socket.next_text()
            quote(simulator, rain, bid="0.40", ask="0.52")
            quote(simulator, snow, bid="0.40", ask="0.52")
            messages = await socket.rest()

        assert book["asset_id"] == snow.token_ids[0]
        assert {message["market"] for message in messages} == {snow.condition_id}

    played(scenario)


@pytest.mark.parametrize(("tokens", "books"), [(3, True), (4, False)])
def test_too_many_tokens_get_no_first_books(tokens: int, books: bool) -> None:
    async def scenario(simulator: PolymarketSimulator) -> bool:
        market = market_in(simulator)
        wanted = [*market.token_ids, *(str(number) for number in range(tokens - 2))]
        async with market_socket(simulator, *wanted) as socket:
            return bool(await socket.rest())

    assert played(scenario, snapshot_tokens_max=3) is books


def test_the_official_client_reads_the_stream() -> None:
    async def scenario(simulator: PolymarketSimulator) -> tuple[list[str], int]:
        market = market_in(simulator)
        async with official_client(simulator) as client:
            stream = await client.subscribe(
                MarketSpec(asset_ids=[market.token_ids[0]], custom_feature_enabled=True)
            )
            told: list[str] = []
            async for event in stream:
                told.append(event.type)
                if told == ["book"]:
                    simulator.venue.house.take(market, outcome=0, side=0, price=5_200, shares=100 * DOLLAR)
                    simulator.venue.life.change_tick(market, Decimal("0.001"))
                    simulator.venue.life.create(structs.replace(RAIN, slug="snow"))
                    simulator.venue.life.resolve(market, (Decimal(0), Decimal(1)))
                if told[-1] == "market_resolved":
                    break
            assert client._market_manager is not None
            dropped = client._market_manager.dropped_events
            await stream.close()
        return told, dropped

    told, dropped = played(scenario)

    assert told[:5] == ["book", "last_trade_price", "price_change", "book", "best_bid_ask"]
    assert told[5:] == ["tick_size_change", "new_market", "price_change", "best_bid_ask", "market_resolved"]
    assert dropped == 0


def struck(fault: Fault, parameters: dict[str, Parameter] | None = None) -> tuple[list[Any], int | None]:
    """Three books are set, the fault strikes the first change; what a follower gets, and how it was closed."""

    async def scenario(simulator: PolymarketSimulator) -> tuple[list[Any], int | None]:
        market = market_in(simulator)
        async with following(simulator, market, custom=False) as socket:
            simulator.faults.arm(
                ArmedFault(fault=fault, endpoint="ws /ws/market price_change", parameters=parameters or {})
            )
            for bid in ("0.41", "0.42", "0.43"):
                quote(simulator, market, bid=bid, ask="0.52")
            found = await socket.rest()
            assert simulator.faults.reached[fault.value] == 1
            return found, socket.raw.close_code

    return played(scenario)


def added(messages: list[Any]) -> list[str]:
    """The bid that each change added."""
    return [
        change["price"]
        for message in messages
        if isinstance(message, dict) and "price_changes" in message
        for change in message["price_changes"][:2]
        if change["size"] != "0"
    ]


@pytest.mark.parametrize(
    ("fault", "bids"),
    [
        (Fault.DROP_STREAM_MESSAGE, ["0.42", "0.43"]),
        (Fault.DUPLICATE_DELIVERY, ["0.41", "0.41", "0.42", "0.43"]),
        (Fault.REORDER, ["0.42", "0.41", "0.43"]),
        (Fault.LATE_MESSAGE, ["0.42", "0.43", "0.41"]),
        (Fault.UNKNOWN_MESSAGE, ["0.41", "0.42", "0.43"]),
        (Fault.TRUNCATED_MESSAGE, ["0.42", "0.43"]),
        (Fault.HUGE_MESSAGE, ["0.41", "0.42", "0.43"]),
        (Fault.STALL_STREAM, []),
        (Fault.DEAD_STREAM, []),
        (Fault.CUT_STREAM, []),
    ],
)
def test_a_message_is_lost_doubled_turned_late_or_broken(fault: Fault, bids: list[str]) -> None:
    messages, _ = struck(fault, {"delay_ms": 20})

    assert added(messages) == bids


def test_a_stream_is_cut_with_a_code_or_without() -> None:
    _, with_code = struck(Fault.CUT_STREAM, {"code": 1012})
    _, without = struck(Fault.CUT_STREAM)

    assert with_code == 1012
    assert without in (None, 1006)


@pytest.mark.parametrize(("fault", "answer"), [(Fault.STALL_STREAM, ["PONG"]), (Fault.DEAD_STREAM, [])])
def test_a_stalled_stream_answers_pings_and_a_dead_one_does_not(fault: Fault, answer: list[str]) -> None:
    async def scenario(simulator: PolymarketSimulator) -> list[Any]:
        market = market_in(simulator)
        async with following(simulator, market) as socket:
            simulator.faults.arm(ArmedFault(fault=fault, endpoint="ws /ws/market *"))
            quote(simulator, market, bid="0.41", ask="0.52")
            await socket.send("PING")
            return await socket.rest()

    assert played(scenario) == answer


def test_a_stream_is_closed_right_after_it_was_accepted() -> None:
    async def scenario(simulator: PolymarketSimulator) -> object:
        simulator.faults.arm(ArmedFault(fault=Fault.REFUSED_STREAM, endpoint="ws /ws/market"))
        async with socket_to(simulator, "/ws/market") as socket:
            return (await socket.raw.receive()).type

    assert played(scenario) in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


def test_a_client_that_does_not_read_is_closed() -> None:
    async def scenario(simulator: PolymarketSimulator) -> int | None:
        market = market_in(simulator)
        async with following(simulator, market, custom=False) as socket:
            for number in range(60):
                quote(
                    simulator,
                    market,
                    bid=f"0.{number + 10}" if number < 38 else "0.40",
                    ask="0.52",
                    shares=number + 1,
                )
            while await socket.next_text() is not None:
                pass
            return socket.raw.close_code

    assert played(scenario, stream_queue_max=50) == 1013
