"""The control endpoint: faults, clock and the state of the simulated Polymarket, as scripts and tests use it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulator.polymarket.server import PolymarketSimulator
from tests.simulator.polymarket.clients import OWNER, official_client, played

Call = Callable[..., Awaitable[Any]]


def controlled(scenario: Callable[[PolymarketSimulator, Call], Awaitable[Any]]) -> Any:
    """Run a scenario that calls `call(method, path, body)` and gets status and answer."""

    async def run(simulator: PolymarketSimulator) -> Any:
        async with aiohttp.ClientSession(simulator.url) as session:

            async def call(method: str, path: str, body: object = None) -> tuple[int, Any]:
                async with session.request(method, f"/_sim/{path}", json=body) as answer:
                    return answer.status, await answer.json()

            return await scenario(simulator, call)

    return played(run)


def test_faults_are_armed_told_and_cleared() -> None:
    async def scenario(_: PolymarketSimulator, call: Call) -> None:
        fault = {"fault": "lost_answer", "endpoint": "POST /order", "times": 3, "parameters": {"delay_ms": 5}}
        _, armed = await call("POST", "faults", fault)
        _, told = await call("GET", "faults")
        _, cleared = await call("DELETE", "faults?fault=lost_answer")

        assert [one["fault"] for one in armed["armed"]] == ["lost_answer"]
        assert told == armed
        assert cleared["armed"] == []
        assert "engine_restart" in told["known"]

    controlled(scenario)


@pytest.mark.parametrize(
    ("method", "path", "body", "text"),
    [
        ("POST", "faults", {"fault": "bad_luck"}, "Invalid enum value 'bad_luck'"),
        ("POST", "faults", {}, "missing required field `fault`"),
        ("POST", "faults", [1], "the body must be a JSON object"),
        ("POST", "switches", {"speed_of_light": 1}, "no switch 'speed_of_light'"),
        ("POST", "switches", {"mined_after_ms": "soon"}, "mined_after_ms"),
        ("POST", "wallets", {}, "'address' is missing or unknown"),
        ("POST", "markets/none/resolve", {"winner": 0}, "no market 'none'"),
        ("POST", "markets", {"slug": "a", "tick": "0.02"}, "no tick 0.02"),
        ("POST", "mode", {"mode": "party"}, "'party' is not a valid Mode"),
        ("POST", "prices", {"symbol": "xauusd", "value": 1}, "no symbol 'xauusd'"),
        ("POST", "recording", {"path": "nowhere"}, "recording nowhere: is not there"),
    ],
)
def test_what_cannot_be_done_is_told(method: str, path: str, body: object, text: str) -> None:
    async def scenario(_: PolymarketSimulator, call: Call) -> tuple[int, str]:
        status, answer = await call(method, path, body)
        return status, answer["error"]

    status, told = controlled(scenario)

    assert status == 400
    assert text in told


def test_an_evening_is_steered_and_read_through_the_endpoint() -> None:
    async def scenario(simulator: PolymarketSimulator, call: Call) -> None:
        _, market = await call("POST", "markets", {"slug": "rain", "tick": "0.01", "fee_rate": "0"})
        await call("POST", "markets/rain/book", {"bids": [["0.48", "100"]], "asks": [["0.52", "100"]]})
        async with official_client(simulator, cash=0) as client:
            _, funded = await call("POST", "wallets", {"address": OWNER, "cash": "100.5", "name": "Me"})
            order = await client.create_limit_order(
                asset_id=market["token_ids"][0], price="0.52", size="10", side="BUY"
            )
            await client.post_order(order)
        await call("POST", "clock", {"advance_ms": 10_000})
        _, printed = await call(
            "POST", f"markets/{market['condition_id']}/print", {"side": "SELL", "price": "0.48", "size": "5"}
        )
        await call("POST", "markets/rain/tick", {"tick": "0.001"})
        _, closed = await call("POST", "markets/rain/resolve", {"winner": 0})
        _, wallets = await call("GET", "wallets")
        _, orders = await call("GET", "orders")
        _, trades = await call("GET", "trades")
        _, told = await call("GET", "faults")

        assert funded["cash"] == "100.5"
        assert printed["filled"] == "5"
        assert (closed["closed"], closed["tick"], closed["payouts"]) == (True, "0.001", ["1", "0"])
        assert wallets[OWNER]["cash"] == "95.3"
        assert wallets[OWNER]["tokens"] == {market["token_ids"][0]: "10"}
        assert [order["status"] for order in orders.values()] == ["MATCHED"]
        assert [trade["status"] for trade in trades.values()] == ["CONFIRMED", "MATCHED"]
        assert told["reached"]["trade CONFIRMED"] == 1

    controlled(scenario)


def test_the_clock_is_stopped_set_and_let_go() -> None:
    async def scenario(simulator: PolymarketSimulator, call: Call) -> None:
        _, stopped = await call("POST", "clock", {"stop": True, "set_ns": 1_900_000_000_000_000_000})
        _, told = await call("GET", "clock")
        await call("POST", "clock", {"go_on": True})

        assert stopped == told == {"now_ns": 1_900_000_000_000_000_000}
        assert simulator.clock.now_ns() > 1_900_000_000_000_000_000

    controlled(scenario)


def test_switches_modes_and_flags_are_set() -> None:
    async def scenario(simulator: PolymarketSimulator, call: Call) -> None:
        await call("POST", "switches", {"mined_after_ms": 5, "failed_rate": "0.5"})
        await call("POST", "mode", {"mode": "cancel_only"})
        await call("POST", "markets", {"slug": "rain"})
        await call("POST", "markets/rain/change", {"archived": True, "extras": {"icon": "x"}})
        await call("POST", "wallets", {"address": OWNER, "approve": False, "closed_only": True})
        _, told = await call("GET", "switches")
        wallet = simulator.exchange.state.accounts.find(OWNER)
        [market] = simulator.exchange.state.markets.by_slug.values()

        assert (told["mined_after_ms"], told["failed_rate"]) == (5, "0.5")
        assert simulator.exchange.state.mode == "cancel_only"
        assert market.archived
        assert market.extras == {"icon": "x"}
        assert wallet is not None
        assert (wallet.allowances, wallet.closed_only) == ({}, True)

    controlled(scenario)


def test_a_recording_is_played() -> None:
    async def scenario(_: PolymarketSimulator, call: Call) -> int:
        path = str(Path(__file__).parents[2] / "data" / "books_btc15m")
        await call("POST", "recording", {"path": path, "speed": 10})
        _, markets = await call("GET", "markets")
        return len(markets)

    assert controlled(scenario) == 10


def test_faults_leave_the_control_endpoint_alone() -> None:
    async def scenario(_: PolymarketSimulator, call: Call) -> int:
        await call("POST", "faults", {"fault": "lost_request", "times": None})
        status, _ = await call("GET", "faults")
        return int(status)

    assert controlled(scenario) == 200
