"""The realtime activity topic."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from simulator.polymarket.server import PolymarketSimulator
from tests.simulator.polymarket.clients import market_in, played
from tests.simulator.polymarket.sockets import Socket, socket_to
from tests.simulator.polymarket.traders import Order, Trader

SECOND = 10**9


@asynccontextmanager
async def watching(simulator: PolymarketSimulator, *wanted: dict[str, str]) -> AsyncIterator[Socket]:
    async with socket_to(simulator, "/rtds") as socket:
        await socket.send({"action": "subscribe", "subscriptions": list(wanted)})
        await socket.send("PING")
        assert await socket.next_text() == ""
        yield socket


def activity(kind: str, **filters: str) -> dict[str, str]:
    wanted = {"topic": "activity", "type": kind}
    return {**wanted, "filters": json.dumps(filters, separators=(",", ":"))} if filters else wanted


def told(*wanted: dict[str, str], **switches: Any) -> list[Any]:
    """One trader buys from another; what a watcher hears until it is confirmed."""

    async def scenario(simulator: PolymarketSimulator) -> list[Any]:
        market = market_in(simulator)
        taker, maker = Trader(simulator.venue), Trader(simulator.venue, number=2)
        taker.wallet.name = "Taker"
        maker.placed(Order(market.token_ids[1], price="0.50"))
        async with watching(simulator, *wanted) as socket:
            taker.placed(Order(market.token_ids[0], price="0.50"))
            simulator.venue.advance(10 * SECOND)
            return await socket.rest()

    return played(scenario, **switches)


def test_matches_name_the_taker_and_trades_both_sides() -> None:
    messages = told(activity("orders_matched"), activity("trades"))

    seen = [(one["type"], one["payload"]["outcome"], one["payload"]["side"]) for one in messages]
    assert seen == [("orders_matched", "Yes", "BUY"), ("trades", "Yes", "BUY"), ("trades", "No", "BUY")]
    assert messages[0]["payload"]["name"] == "Taker"
    assert messages[0]["payload"]["price"] == 0.5
    assert messages[0]["payload"]["size"] == 10
    assert len({one["payload"]["transactionHash"] for one in messages}) == 1


def test_a_failed_match_is_told_all_the_same_but_never_traded() -> None:
    messages = told(activity("orders_matched"), activity("trades"), failed_rate="1")

    assert [one["type"] for one in messages] == ["orders_matched"]


@pytest.mark.parametrize(("slug", "count"), [("will-it-rain", 1), ("snow", 0)])
def test_a_filter_chooses_a_market(slug: str, count: int) -> None:
    assert len(told(activity("orders_matched", market_slug=slug))) == count


def test_one_unknown_topic_poisons_the_whole_call() -> None:
    assert told(activity("orders_matched"), {"topic": "weather", "type": "*"}) == []


def test_the_feed_goes_silent_without_pings() -> None:
    async def scenario(simulator: PolymarketSimulator) -> list[int]:
        market = market_in(simulator)
        trader = Trader(simulator.venue)
        counts = []
        async with watching(simulator, activity("orders_matched")) as socket:
            for _ in range(2):
                trader.placed(Order(market.token_ids[0], price="0.52", size="5"))
                counts.append(len(await socket.rest()))
                simulator.venue.advance(361 * SECOND)
            await socket.send("PING")
            await socket.next_text()
            trader.placed(Order(market.token_ids[0], price="0.52", size="5"))
            return [*counts, len(await socket.rest())]

    assert played(scenario) == [1, 0, 1]


def test_the_topic_is_late_where_that_is_switched_on() -> None:
    async def scenario(simulator: PolymarketSimulator) -> list[int]:
        market = market_in(simulator)
        trader = Trader(simulator.venue)
        async with watching(simulator, activity("orders_matched")) as socket:
            trader.placed(Order(market.token_ids[0], price="0.52", size="5"))
            simulator.venue.advance(1_800_000_000)
            early = len(await socket.rest())
            simulator.venue.advance(200_000_000)
            return [early, len(await socket.rest())]

    assert played(scenario, activity_lag_ms=1_990) == [0, 1]
