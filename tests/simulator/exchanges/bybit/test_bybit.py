"""Simulated Bybit through ccxt.pro: ids only in the answer to an order, client ids that stay taken, streams."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import ccxt.pro as ccxtpro
import pytest
from aiohttp import ClientSession

from domain.instrument import Side
from simulator.exchanges.bybit.server import BybitSimulator
from simulator.exchanges.exchange import ClientIdRule
from simulator.faults import ArmedFault, Fault, Parameter
from tests.simulator.exchanges.hosting import KEY, SECRET, Hosted, fresh, hosted, served_bybit, until

SYMBOL = "BTC/USDT"
CREATE = "POST /v5/order/create"


@pytest.fixture(scope="module")
def host() -> Iterator[Hosted[BybitSimulator]]:
    with hosted(served_bybit, "bybit") as one:
        yield one


@pytest.fixture
def bench(host: Hosted[BybitSimulator]) -> Hosted[BybitSimulator]:
    fresh(host.simulator)
    host.client.timeout = 10_000
    host.simulator.exchange.client_ids = ClientIdRule.AMONG_OPEN
    return host


def call(bench: Hosted[BybitSimulator], method: str, *arguments: Any) -> Any:
    return bench.run(getattr(bench.client, method)(*arguments))


def buy(bench: Hosted[BybitSimulator], amount: float, price: float, **params: object) -> Any:
    return call(bench, "create_order", SYMBOL, "limit", "buy", amount, price, params)


def arm(bench: Hosted[BybitSimulator], fault: Fault, endpoint: str, **parameters: Parameter) -> None:
    bench.simulator.faults.arm(ArmedFault(fault=fault, endpoint=endpoint, parameters=parameters))


def booked(bench: Hosted[BybitSimulator]) -> int:
    return len(bench.simulator.exchange.log.open_of(KEY))


def test_an_order_is_acknowledged_with_its_ids_and_found_by_the_clients(
    bench: Hosted[BybitSimulator],
) -> None:
    order = buy(bench, 0.01, 59_000, clientOrderId="find-me")

    found = call(bench, "fetch_open_orders", SYMBOL, None, None, {"orderLinkId": "find-me"})

    assert (order["clientOrderId"], order["status"], order["filled"]) == ("find-me", None, None)
    assert [(one["id"], one["status"], one["price"]) for one in found] == [(order["id"], "open", 59_000)]
    assert call(bench, "fetch_open_orders", SYMBOL, None, None, {"orderLinkId": "other"}) == []


def test_an_order_that_is_done_is_in_the_history_only(bench: Hosted[BybitSimulator]) -> None:
    filled = buy(bench, 0.01, 60_000.01, clientOrderId="filled-1")
    cancelled = buy(bench, 0.01, 59_000, clientOrderId="cancelled-1")
    call(bench, "cancel_order", None, SYMBOL, {"orderLinkId": "cancelled-1"})

    closed = call(bench, "fetch_closed_orders", SYMBOL, None, None, {"orderLinkId": "filled-1"})
    ended = call(bench, "fetch_canceled_orders", SYMBOL, None, None, {"orderLinkId": "cancelled-1"})

    assert [one["id"] for one in closed + ended] == [filled["id"], cancelled["id"]]
    assert closed[0]["fee"] == {"currency": "BTC", "cost": 0.00001}
    assert call(bench, "fetch_open_orders", SYMBOL) == []


def test_a_client_id_stays_taken_for_ever_unless_told_otherwise(bench: Hosted[BybitSimulator]) -> None:
    buy(bench, 0.01, 60_000.01, clientOrderId="once")
    bench.simulator.exchange.client_ids = ClientIdRule.FOR_EVER

    with pytest.raises(ccxtpro.InvalidOrder) as caught:
        buy(bench, 0.01, 59_000, clientOrderId="once")
    bench.simulator.exchange.client_ids = ClientIdRule.AMONG_OPEN
    again = buy(bench, 0.01, 59_000, clientOrderId="once")

    assert "170141" in str(caught.value)
    assert BybitSimulator(seed=1).exchange.client_ids is ClientIdRule.FOR_EVER
    assert again["id"]


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        pytest.param({"amount": 5}, ccxtpro.InsufficientFunds, 170131, id="balance"),
        pytest.param({"amount": 0.00001}, ccxtpro.InvalidOrder, 170140, id="notional"),
        pytest.param({"amount": 9_001}, ccxtpro.InvalidOrder, 170135, id="too much"),
        pytest.param({"price": 2_000_000}, ccxtpro.InvalidOrder, 170132, id="too dear"),
        pytest.param(
            {"price": 60_100, "params": {"postOnly": True}}, ccxtpro.InvalidOrder, 170218, id="post"
        ),
        pytest.param({"params": {"symbol": "NOPE"}}, ccxtpro.InvalidOrder, 170121, id="symbol"),
        pytest.param({"params": {"clientOrderId": "bad id!"}}, ccxtpro.BadRequest, 10001, id="client id"),
        pytest.param({"params": {"qty": 1}}, ccxtpro.BadRequest, 10001, id="a number for a text"),
    ],
)
def test_a_refusal_comes_with_status_200_and_books_nothing(
    bench: Hosted[BybitSimulator], changes: dict[str, Any], error: type[Exception], code: int
) -> None:
    asked = {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 0.01, "price": 59_000, **changes}

    with pytest.raises(error) as caught:
        bench.run(bench.client.create_order(**asked))

    assert (type(caught.value), str(code) in str(caught.value), booked(bench)) == (error, True, 0)


def test_a_cancel_says_what_became_of_the_order(bench: Hosted[BybitSimulator]) -> None:
    filled = buy(bench, 0.01, 60_000.01)

    with pytest.raises(ccxtpro.InvalidOrder) as too_late:
        call(bench, "cancel_order", filled["id"], SYMBOL)
    with pytest.raises(ccxtpro.OrderNotFound):
        call(bench, "cancel_order", "1", SYMBOL)

    assert "170139" in str(too_late.value)


def test_balances_and_fills_follow_the_trade(bench: Hosted[BybitSimulator]) -> None:
    order = buy(bench, 0.05, 60_000.03)

    fills = call(bench, "fetch_my_trades", SYMBOL, None, None, {"orderId": order["id"]})
    balance = call(bench, "fetch_balance")

    assert sorted((fill["amount"], fill["price"]) for fill in fills) == [
        (0.015, 60_000.03),
        (0.035, 60_000.01),
    ]
    assert balance["BTC"]["total"] == pytest.approx(2.04995)  # 2 + 0.05 - 0.05 * 0.001


def test_long_lists_are_read_page_by_page(bench: Hosted[BybitSimulator]) -> None:
    for price in range(58_000, 58_005):
        buy(bench, 0.001, price)

    params = {"limit": "2", "paginate": False}
    first = call(bench, "fetch_open_orders", SYMBOL, None, None, params)
    cursor = first[-1]["info"].get("nextPageCursor") or first[0]["info"]["nextPageCursor"]
    second = call(bench, "fetch_open_orders", SYMBOL, None, None, {**params, "cursor": cursor})

    prices = [order["price"] for order in first + second]
    assert sorted(prices) == [58_001, 58_002, 58_003, 58_004]


def test_market_data_shows_the_exchange(bench: Hosted[BybitSimulator]) -> None:
    book = call(bench, "fetch_order_book", SYMBOL, 5)
    ticker = call(bench, "fetch_ticker", SYMBOL)
    candles = call(bench, "fetch_ohlcv", SYMBOL, "5m", None, 3)

    assert (len(book["bids"]), book["bids"][0]) == (5, [59_999.99, 0.04])
    assert (ticker["bid"], ticker["ask"]) == (59_999.99, 60_000.01)
    assert [row[0] % 300_000 for row in candles] == [0, 0, 0]


def test_the_account_is_told_of_its_orders_fills_and_balances(bench: Hosted[BybitSimulator]) -> None:
    async def scenario() -> list[Any]:
        client, door = bench.client, bench.simulator.private.door
        names = ("watch_orders", "watch_my_trades", "watch_balance")
        tasks = [asyncio.create_task(getattr(client, name)()) for name in names]
        await until(lambda: sum(len(one.topics) for one in door.connections) == len(names))
        await client.create_order(SYMBOL, "limit", "buy", 0.01, 60_000.01, {"clientOrderId": "told"})
        return [await task for task in tasks]

    orders, fills, balance = bench.run(scenario())

    assert (orders[-1]["clientOrderId"], fills[-1]["takerOrMaker"]) == ("told", "taker")
    assert balance["USDT"]["total"] <= 100_000


def test_a_watched_book_is_the_exchanges_book(bench: Hosted[BybitSimulator]) -> None:
    async def watch() -> Any:
        book = await bench.client.watch_order_book(SYMBOL)
        for _ in range(3):
            bench.simulator.house.step()
            book = await bench.client.watch_order_book(SYMBOL)
        return book

    book = bench.run(watch())

    truth = bench.simulator.exchange.books["BTCUSDT"]
    assert [Decimal(str(price)) for price, _ in book["bids"]] == [p for p, _ in truth.levels(Side.BUY)]
    assert [Decimal(str(size)) for _, size in book["asks"]] == [q for _, q in truth.levels(Side.SELL)]


def test_trades_tickers_and_candles_arrive(bench: Hosted[BybitSimulator]) -> None:
    async def watch() -> tuple[Any, Any, Any]:
        task = asyncio.create_task(bench.client.watch_trades(SYMBOL))
        await asyncio.sleep(0.1)
        bench.simulator.house.trade("BTCUSDT", Side.BUY, Decimal("0.01"))
        ticker = await bench.client.watch_ticker(SYMBOL)
        return await task, ticker, await bench.client.watch_ohlcv(SYMBOL, "1m")

    trades, ticker, candles = bench.run(watch())

    assert (trades[-1]["side"], trades[-1]["price"]) == ("buy", 60_000.01)
    assert ticker["last"] == candles[-1][4] == 60_000.01


def test_an_order_over_the_socket_is_an_order(bench: Hosted[BybitSimulator]) -> None:
    order = call(bench, "create_order_ws", SYMBOL, "limit", "buy", 0.01, 59_000, {"clientOrderId": "ws-1"})

    with pytest.raises(ccxtpro.InsufficientFunds):
        call(bench, "create_order_ws", SYMBOL, "limit", "buy", 5, 59_000)

    assert bench.simulator.exchange.log.open_of(KEY)[0].id == int(order["id"])


@pytest.mark.parametrize(
    ("fault", "parameters", "error", "count"),
    [
        pytest.param(Fault.LOST_REQUEST, {}, ccxtpro.ExchangeNotAvailable, 0, id="lost request"),
        pytest.param(Fault.LOST_ANSWER, {}, ccxtpro.ExchangeNotAvailable, 1, id="lost answer"),
        pytest.param(Fault.DELAY, {"delay_ms": 150}, ccxtpro.RequestTimeout, 1, id="late answer"),
        pytest.param(Fault.ANSWER_5XX, {"status": 502}, ccxtpro.ExchangeNotAvailable, 0, id="502"),
        pytest.param(Fault.TRUNCATED_BODY, {}, ccxtpro.ExchangeError, 1, id="half an answer"),
        pytest.param(Fault.STATUS_429, {}, ccxtpro.RateLimitExceeded, 0, id="429"),
        pytest.param(Fault.CLOCK_SKEW, {"skew_ms": 20_000}, ccxtpro.InvalidNonce, 0, id="clock"),
        pytest.param(Fault.UNAUTHORIZED, {}, ccxtpro.AuthenticationError, 0, id="key"),
    ],
)
def test_a_fault_has_its_class_and_the_order_its_fate(
    bench: Hosted[BybitSimulator],
    fault: Fault,
    parameters: dict[str, Parameter],
    error: type[Exception],
    count: int,
) -> None:
    bench.client.timeout = 50 if fault is Fault.DELAY else 10_000
    arm(bench, fault, CREATE, **parameters)

    with pytest.raises(error) as caught:
        buy(bench, 0.01, 59_000)

    assert (type(caught.value), booked(bench)) == (error, count)


@pytest.mark.parametrize("fault", [Fault.EMPTY_BODY, Fault.HTML_BODY])
def test_a_body_that_is_not_the_venues_gives_no_id(bench: Hosted[BybitSimulator], fault: Fault) -> None:
    arm(bench, fault, CREATE)

    order = buy(bench, 0.01, 59_000)

    assert (order["id"], booked(bench)) == (None, 1)


def test_too_many_orders_in_a_second_are_refused_and_the_next_second_is_free(
    bench: Hosted[BybitSimulator],
) -> None:
    clock = bench.simulator.clock
    clock.stop()
    clock.advance(1_000_000_000)

    async def burst() -> int:
        for number in range(21):
            try:
                await bench.client.create_order(SYMBOL, "limit", "buy", 0.001, 58_000 + number)
            except ccxtpro.RateLimitExceeded:
                return number
        return -1

    stopped_at = bench.run(burst())
    clock.go_on()

    assert stopped_at == 20


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param([KEY], "Params Error", id="too few"),
        pytest.param(["z" * 64, "9999999999999", "x"], "API key is invalid.", id="unknown key"),
        pytest.param([KEY, "1", "x"], "Request expired.", id="expired"),
        pytest.param([KEY, "9999999999999", "x"], "error sign!", id="bad signature"),
    ],
)
def test_a_private_stream_believes_nobody_without_a_signature(
    bench: Hosted[BybitSimulator], arguments: list[str], text: str
) -> None:
    async def ask() -> tuple[Any, Any]:
        async with ClientSession() as session:
            socket = await session.ws_connect(f"{bench.simulator.ws_url}/v5/private")
            await socket.send_json({"op": "auth", "args": arguments})
            refused = await socket.receive_json()
            await socket.send_json({"op": "subscribe", "args": ["order"]})
            return refused, await socket.receive_json()

    refused, subscribed = bench.run(ask())

    assert (refused["success"], refused["ret_msg"]) == (False, text)
    assert (subscribed["success"], subscribed["ret_msg"]) == (False, "Request not authorized")


def test_a_topic_that_does_not_exist_is_refused_and_a_ping_answered(bench: Hosted[BybitSimulator]) -> None:
    async def ask() -> tuple[Any, Any]:
        async with ClientSession() as session:
            socket = await session.ws_connect(f"{bench.simulator.ws_url}/v5/public/spot")
            await socket.send_json({"op": "subscribe", "args": ["orderbook.7.BTCUSDT"], "req_id": "1"})
            refused = await socket.receive_json()
            await socket.send_json({"op": "ping", "req_id": "2"})
            return refused, await socket.receive_json()

    refused, pong = bench.run(ask())

    assert (refused["success"], pong["ret_msg"]) == (False, "pong")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"X-BAPI-API-KEY": "z" * 64}, 10003, id="unknown key"),
        pytest.param({"X-BAPI-TIMESTAMP": "1"}, 10002, id="old"),
        pytest.param({"X-BAPI-SIGN": "x"}, 10004, id="bad signature"),
        pytest.param({"X-BAPI-TIMESTAMP": "now"}, 10001, id="no time"),
    ],
)
def test_a_request_that_cannot_be_believed_is_refused(
    bench: Hosted[BybitSimulator], change: dict[str, str], code: int
) -> None:
    async def ask() -> Any:
        async with ClientSession() as session:
            signed = bench.client.sign("v5/account/info", ["private"], "GET", {})
            headers = {**signed["headers"], **change}
            async with session.get(f"{bench.simulator.url}/v5/account/info", headers=headers) as response:
                return response.status, await response.json()

    status, body = bench.run(ask())

    assert (status, body["retCode"], bench.client.secret) == (200, code, SECRET)
