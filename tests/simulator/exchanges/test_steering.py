"""The paths below /_sim/: what a test in another process steers the exchange with, and sees the truth by."""

from decimal import Decimal
from typing import Any

import pytest
from aiohttp import ClientSession

from domain.instrument import Side
from simulator.exchanges.binance.server import binance_simulator
from tests.simulator.exchanges.hosting import KEY, SECRET, client_of, run


async def steer(url: str, path: str, **body: object) -> tuple[int, Any]:
    async with ClientSession() as session, session.post(f"{url}/_sim/{path}", json=body) as response:
        return response.status, await response.json()


def test_an_account_is_opened_and_shown_with_its_orders_and_fills() -> None:
    async def scenario() -> Any:
        async with binance_simulator(seed=1) as simulator:
            funds = {"USDT": "1000", "BTC": "1"}
            await steer(simulator.url, "accounts", api_key=KEY, secret=SECRET, funds=funds, can_withdraw=True)
            async with client_of(simulator, "binance") as client:
                order = await client.create_order("BTC/USDT", "limit", "buy", 0.001, 59_000)
            await steer(simulator.url, "fill", order_id=order["id"])
            async with (
                ClientSession() as session,
                session.get(f"{simulator.url}/_sim/accounts/{KEY}") as told,
            ):
                return await told.json()

    shown = run(scenario())

    assert [Decimal(part) for part in shown["balances"]["USDT"]] == [941, 0]  # 1 000 - 0.001 * 59 000
    assert [order["state"] for order in shown["orders"]] == ["FILLED"]
    assert len(shown["fills"]) == 1


def test_the_market_moves_and_faults_are_armed() -> None:
    async def scenario() -> tuple[Any, Any, Any]:
        async with binance_simulator(seed=1) as simulator:
            await steer(simulator.url, "quote", symbol="BTCUSDT", middle="50000")
            await steer(simulator.url, "step", times=2)
            await steer(simulator.url, "halt", symbol="ETHUSDT")
            _, armed = await steer(simulator.url, "faults", fault="lost_answer", endpoint="POST *")
            return (
                simulator.exchange.books["BTCUSDT"].best(Side.BUY),
                simulator.exchange.pairs["ETHUSDT"],
                armed,
            )

    bid, pair, armed = run(scenario())

    assert bid[0] < 50_001  # two steps of at most 50 ticks of 0.01
    assert not pair.is_open
    assert [one["fault"] for one in armed["armed"]] == ["lost_answer"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("accounts", {"secret": "x"}, id="no key"),
        pytest.param("accounts", {"api_key": "k", "secret": "x", "funds": 5}, id="no funds"),
        pytest.param("quote", {"symbol": "NOPE", "middle": "1"}, id="no such pair"),
        pytest.param("fill", {"order_id": "x"}, id="no number"),
    ],
)
def test_what_makes_no_sense_is_a_400(path: str, body: dict[str, object]) -> None:
    async def scenario() -> int:
        async with binance_simulator(seed=1) as simulator:
            return (await steer(simulator.url, path, **body))[0]

    assert run(scenario()) == 400
