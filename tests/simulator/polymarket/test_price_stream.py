"""PolyBolt: prices of assets and their means of a minute."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from polymarket.streams import CryptoPriceSpec, CryptoTwapPriceSpec

from simulator.polymarket.server import PolymarketSimulator
from tests.simulator.polymarket.clients import official_client, played
from tests.simulator.polymarket.sockets import Socket, socket_to
from tests.simulator.polymarket.traders import SECOND, Trader, venue_with

SPOT = {"channel": "price.crypto", "filter": {"symbol": "btcusd"}}
TWAP = {"channel": "price.crypto.twap", "filter": {"symbol": "btcusd", "window_seconds": 60}}


@asynccontextmanager
async def known(simulator: PolymarketSimulator) -> AsyncIterator[Socket]:
    """A connection whose key was accepted."""
    async with socket_to(simulator, "/bolt") as socket:
        await socket.send({"op": "auth", "auth": Trader(simulator.venue).key.wire, "rid": "1"})
        assert await socket.next() == {"op": "authed", "rid": "1"}
        yield socket


def subscribe(*wanted: object) -> dict[str, object]:
    return {"op": "subscribe", "subscriptions": list(wanted), "rid": "2"}


def test_a_subscription_begins_with_its_history_and_counts_its_frames() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        simulator.venue.advance(300 * SECOND)
        async with known(simulator) as socket:
            await socket.send(subscribe(SPOT, TWAP))
            frames = [await socket.next() for _ in range(4)]
            simulator.venue.prices.set("btcusd", Decimal("80000.5"))
            simulator.venue.advance(SECOND)
            updates = [await socket.next(), await socket.next()]

        assert frames[0] == {"op": "subscribed", "channel": "price.crypto", "rid": "2"}
        assert [len(frame["payload"]["data"]) for frame in frames if "v" in frame] == [120, 120]
        assert [frame["seq"] for frame in (*frames, *updates) if "v" in frame] == [1, 2, 3, 4]
        assert updates[0]["payload"]["full_accuracy_value"] == "80000.5"
        assert updates[1]["channel"] == "price.crypto.twap"
        assert updates[1]["payload"]["window_seconds"] == 60

    played(scenario)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"op": "dance", "rid": "2"}, "bad_op"),
        (subscribe({"channel": "price.weather", "filter": {"symbol": "btcusd"}}), "bad_channel"),
        (subscribe({"channel": "price.crypto", "filter": {"symbol": "xauusd"}}), "bad_filter"),
        (subscribe({"channel": "price.crypto.twap", "filter": {"symbol": "btcusd"}}), "bad_filter"),
        (subscribe(*[SPOT] * 65), "sub_limit"),
    ],
    ids=["operation", "channel", "symbol", "window", "limit"],
)
def test_a_wrong_frame_is_told_by_its_code(frame: dict[str, object], code: str) -> None:
    async def scenario(simulator: PolymarketSimulator) -> Any:
        async with known(simulator) as socket:
            await socket.send(frame)
            return await socket.next()

    assert played(scenario) == {"op": "error", "code": code, "rid": "2"}


def test_ping_is_answered_and_strangers_are_shown_out() -> None:
    async def scenario(simulator: PolymarketSimulator) -> tuple[Any, Any, int | None]:
        async with socket_to(simulator, "/bolt") as socket:
            await socket.send({"op": "ping"})
            pong = await socket.next()
            await socket.send(subscribe(SPOT))
            error = await socket.next()
            await socket.next_text()
            return pong, error, socket.raw.close_code

    pong, error, code = played(scenario)

    assert pong == {"op": "pong"}
    assert error == {"op": "error", "code": "auth_invalid", "rid": "2"}
    assert code == 4001


def test_eight_wrong_keys_are_enough() -> None:
    async def scenario(simulator: PolymarketSimulator) -> int | None:
        async with socket_to(simulator, "/bolt") as socket:
            for _ in range(8):
                await socket.send({"op": "auth", "auth": {"apiKey": "none"}})
                await socket.next()
            await socket.next_text()
            return socket.raw.close_code

    assert played(scenario) == 4001


def test_the_mean_is_that_of_the_last_minute() -> None:
    venue = venue_with()
    venue.prices.set("btcusd", Decimal(100))
    venue.advance(60 * SECOND)
    venue.prices.set("btcusd", Decimal(160))

    venue.advance(15 * SECOND)

    [*_, latest] = venue.prices.history("btcusd", twap=True)
    assert latest.value == 115  # (45 × 100 + 15 × 160) / 60


def test_prices_walk_the_same_way_in_every_run() -> None:
    def walk(seed: int) -> list[Decimal]:
        venue = venue_with(seed=seed)
        venue.advance(30 * SECOND)
        return [point.value for point in venue.prices.history("ethusd", twap=False)]

    assert walk(1) == walk(1)
    assert walk(1) != walk(2)


def test_a_price_of_an_unknown_symbol_is_refused() -> None:
    with pytest.raises(ValueError, match="no symbol 'xauusd'"):
        venue_with().prices.set("xauusd", Decimal(1))


def test_the_official_client_reads_both_channels() -> None:
    async def two_events(simulator: PolymarketSimulator, stream: Any) -> list[str]:
        told = []
        async for event in stream:
            told.append(f"{event.topic} {event.type}")
            if len(told) == 2:
                break
            simulator.venue.advance(SECOND)
        await stream.close()
        return told

    async def scenario(simulator: PolymarketSimulator) -> list[str]:
        async with official_client(simulator) as client:
            spot = await client.subscribe(CryptoPriceSpec(symbols=["btcusd"]))
            twap = await client.subscribe(CryptoTwapPriceSpec(symbols=["btcusd"]))
            return [*await two_events(simulator, spot), *await two_events(simulator, twap)]

    assert played(scenario) == [
        "prices.crypto subscribe",
        "prices.crypto update",
        "prices.crypto.twap subscribe",
        "prices.crypto.twap update",
    ]
