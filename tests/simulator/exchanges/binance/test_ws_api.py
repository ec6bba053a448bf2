"""The websocket API of simulated Binance: the account's events and orders over the socket, through ccxt.pro."""

import asyncio
from decimal import Decimal
from typing import Any

import ccxt.pro as ccxtpro
import pytest
from aiohttp import ClientSession

from simulator.exchanges.binance.server import BinanceSimulator, binance_simulator
from simulator.faults import ArmedFault, Fault
from tests.simulator.exchanges.hosting import (
    KEY,
    QUICK,
    Client,
    Hosted,
    client_of,
    run,
    until,
)

SYMBOL = "BTC/USDT"


async def watching(simulator: BinanceSimulator, method: str, client: Client) -> asyncio.Task[Any]:
    """Begin to watch, and wait until the server knows."""
    task: asyncio.Task[Any] = asyncio.create_task(getattr(client, method)())
    await until(lambda: simulator.user.subscribers > 0)
    await asyncio.sleep(0.02)
    return task


def test_orders_fills_and_balances_are_told_as_they_change() -> None:
    async def scenario() -> tuple[Any, Any, Any]:
        async with (
            binance_simulator(seed=1, pace=QUICK) as simulator,
            client_of(simulator, "binance") as client,
        ):
            orders = await watching(simulator, "watch_orders", client)
            trades = asyncio.create_task(client.watch_my_trades())
            balance = asyncio.create_task(client.watch_balance())
            await asyncio.sleep(0.02)
            await client.create_order(SYMBOL, "limit", "buy", 0.01, 60_100, {"clientOrderId": "mine"})
            return (await orders)[-1], (await trades)[-1], await balance

    order, trade, balance = run(scenario())

    assert (order["clientOrderId"], trade["takerOrMaker"], trade["fee"]["currency"]) == (
        "mine",
        "taker",
        "BTC",
    )
    assert trade["fee"]["cost"] == pytest.approx(0.00001)  # 0.01 BTC * 0.001
    assert balance["USDT"]["free"] < 100_000


def test_a_cancel_is_told_with_both_ids() -> None:
    async def scenario() -> Any:
        async with binance_simulator(seed=1) as simulator, client_of(simulator, "binance") as client:
            placed = await client.create_order(
                SYMBOL, "limit", "buy", 0.01, 59_000, {"clientOrderId": "mine"}
            )
            orders = await watching(simulator, "watch_orders", client)
            await client.cancel_order(placed["id"], SYMBOL)
            return (await orders)[-1]

    order = run(scenario())

    assert (order["status"], order["clientOrderId"], order["info"]["C"]) == ("canceled", "mine", "mine")
    assert order["info"]["c"] != "mine"


def test_an_order_over_the_socket_is_an_order(bench: Hosted[BinanceSimulator]) -> None:
    async def scenario() -> tuple[Any, Any, Any]:
        client = bench.client
        placed = await client.create_order_ws(SYMBOL, "limit", "buy", 0.01, 59_000, {"clientOrderId": "ws-1"})
        found = await client.fetch_order_ws(placed["id"], SYMBOL)
        return placed, found, await client.cancel_order_ws(placed["id"], SYMBOL)

    placed, found, cancelled = bench.run(scenario())

    assert [one["status"] for one in (placed, found, cancelled)] == ["open", "open", "canceled"]
    assert bench.simulator.exchange.log.open_of(KEY) == []


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"amount": 5}, ccxtpro.InsufficientFunds, id="balance"),
        pytest.param(
            {"price": 2_000_000}, ccxtpro.BadRequest, id="a filter, which over REST is InvalidOrder"
        ),
        pytest.param({"params": {"bogus": "1"}}, ccxtpro.BadRequest, id="unread parameter"),
    ],
)
def test_a_refusal_over_the_socket_books_nothing(
    bench: Hosted[BinanceSimulator], changes: dict[str, Any], error: type[Exception]
) -> None:
    asked: dict[str, Any] = {
        "symbol": SYMBOL,
        "type": "limit",
        "side": "buy",
        "amount": 0.01,
        "price": 59_000,
    }

    with pytest.raises(error) as caught:
        bench.run(bench.client.create_order_ws(**{**asked, **changes}))

    assert type(caught.value) is error
    assert bench.simulator.exchange.log.open_of(KEY) == []


@pytest.mark.parametrize(
    ("fault", "endpoint", "booked"),
    [
        pytest.param(Fault.LOST_REQUEST, "ws-api order.place", 0, id="lost request"),
        pytest.param(Fault.DROP_STREAM_MESSAGE, "ws /ws-api/v3 answer order.place", 1, id="lost answer"),
    ],
)
def test_an_order_over_the_socket_waits_for_ever_where_no_answer_comes(
    bench: Hosted[BinanceSimulator], fault: Fault, endpoint: str, booked: int
) -> None:
    bench.simulator.faults.arm(ArmedFault(fault=fault, endpoint=endpoint))

    async def scenario() -> None:
        order = bench.client.create_order_ws(SYMBOL, "limit", "buy", 0.01, 59_000)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(order, 0.1)

    bench.run(scenario())

    assert len(bench.simulator.exchange.log.open_of(KEY)) == booked


def test_a_terminated_event_stream_leaves_the_watcher_waiting() -> None:
    async def scenario() -> tuple[bool, int]:
        async with binance_simulator(seed=1) as simulator, client_of(simulator, "binance") as client:
            orders = await watching(simulator, "watch_orders", client)
            simulator.user.terminate(KEY)
            await client.create_order(SYMBOL, "limit", "buy", 0.01, 59_000)
            await asyncio.wait((orders,), timeout=0.1)
            is_waiting = not orders.done()
            orders.cancel()
            await asyncio.wait((orders,))
            return is_waiting, simulator.user.subscribers

    assert run(scenario()) == (True, 0)


def test_money_that_comes_without_a_trade_is_told() -> None:
    async def scenario() -> Any:
        async with binance_simulator(seed=1) as simulator, client_of(simulator, "binance") as client:
            balance = await watching(simulator, "watch_balance", client)
            owner = simulator.exchange.account(KEY)
            assert owner
            simulator.user.deposit(owner, "USDT", Decimal(5))
            return (await balance)["info"]

    event = run(scenario())

    assert (event["e"], event["d"]) == ("balanceUpdate", "5.00000000")


def test_a_refused_subscription_comes_out_of_ccxt_as_no_error_of_its_own() -> None:
    async def scenario() -> BaseException | None:
        async with (
            binance_simulator(seed=1) as simulator,
            client_of(simulator, "binance", secret="x" * 64) as client,
        ):
            with pytest.raises(KeyError) as caught:
                await client.watch_orders()
            return caught.value.__context__

    assert isinstance(run(scenario()), ccxtpro.AuthenticationError)


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"id": 1}', '{"id": 1, "method": "nothing.such"}'])
def test_what_cannot_be_understood_is_answered(bench: Hosted[BinanceSimulator], text: str) -> None:
    async def ask() -> Any:
        async with ClientSession() as session:
            socket = await session.ws_connect(f"{bench.simulator.ws_url}/ws-api/v3")
            await socket.send_str(text)
            return await socket.receive_json()

    answer = bench.run(ask())

    assert answer["status"] == 400
    assert answer["error"]["code"] < 0


def test_requests_without_a_signature_are_served_too(bench: Hosted[BinanceSimulator]) -> None:
    async def ask() -> Any:
        async with ClientSession() as session:
            socket = await session.ws_connect(f"{bench.simulator.ws_url}/ws-api/v3")
            await socket.send_json({"id": 1, "method": "depth", "params": {"symbol": "BTCUSDT", "limit": 5}})
            return await socket.receive_json()

    answer = bench.run(ask())

    assert answer["result"]["bids"][0][0] == "59999.99000000"
    assert answer["rateLimits"][0]["count"] > 0
