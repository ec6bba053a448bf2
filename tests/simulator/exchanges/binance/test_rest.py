"""Orders, balances and market data of simulated Binance over REST, through ccxt and beside it."""

import asyncio
from decimal import Decimal
from typing import Any

import ccxt.pro as ccxtpro
import pytest
from aiohttp import ClientSession

from simulator.exchanges.binance.server import BinanceSimulator
from simulator.faults import ArmedFault, Fault, Parameter
from tests.simulator.exchanges.hosting import KEY, Hosted, until

SYMBOL = "BTC/USDT"


def call(bench: Hosted[BinanceSimulator], method: str, *arguments: Any) -> Any:
    return bench.run(getattr(bench.client, method)(*arguments))


def arm(bench: Hosted[BinanceSimulator], fault: Fault, endpoint: str, **parameters: Parameter) -> None:
    bench.simulator.faults.arm(ArmedFault(fault=fault, endpoint=endpoint, parameters=parameters))


def test_a_pair_has_its_grid_and_limits(bench: Hosted[BinanceSimulator]) -> None:
    market = bench.client.market(SYMBOL)

    assert (market["precision"]["amount"], market["precision"]["price"]) == (0.00001, 0.01)
    assert market["limits"]["cost"]["min"] == 5
    assert {row["filterType"] for row in market["info"]["filters"]} == {
        "PRICE_FILTER",
        "LOT_SIZE",
        "NOTIONAL",
        "PERCENT_PRICE_BY_SIDE",
        "MAX_NUM_ORDERS",
    }


def test_an_order_is_found_and_cancelled_by_either_id(bench: Hosted[BinanceSimulator]) -> None:
    placed = call(bench, "create_order", SYMBOL, "limit", "buy", 0.01, 59_000, {"clientOrderId": "mine"})

    by_client_id = call(bench, "fetch_order", None, SYMBOL, {"clientOrderId": "mine"})
    by_id = call(bench, "fetch_order", placed["id"], SYMBOL)
    cancelled = call(bench, "cancel_order", None, SYMBOL, {"clientOrderId": "mine"})

    assert by_client_id["id"] == by_id["id"] == placed["id"]
    assert cancelled["status"] == "canceled"
    assert (cancelled["clientOrderId"] != "mine", cancelled["info"]["origClientOrderId"]) == (True, "mine")
    assert call(bench, "fetch_open_orders", SYMBOL) == []


def test_a_buy_locks_its_cost_and_pays_its_fee_in_what_it_gets(bench: Hosted[BinanceSimulator]) -> None:
    call(bench, "create_order", SYMBOL, "limit", "buy", 0.01, 59_000)
    locked = call(bench, "fetch_balance")["USDT"]["used"]
    bought = call(bench, "create_order", SYMBOL, "limit", "buy", 0.01, 60_000.01)
    balance = call(bench, "fetch_balance")

    assert locked == 590  # 0.01 * 59 000
    assert (bought["status"], bought["fee"]) == ("closed", {"currency": "BTC", "cost": 0.00001})
    assert balance["BTC"]["total"] == pytest.approx(2.00999)  # 2 + 0.01 - 0.01 * 0.001
    assert balance["USDT"]["total"] == pytest.approx(99_399.9999)  # 100 000 - 0.01 * 60 000.01


@pytest.mark.parametrize(
    ("params", "amount", "status", "filled"),
    [
        pytest.param({"timeInForce": "IOC"}, 0.05, "expired", 0.035, id="IOC takes what is there"),
        pytest.param({"timeInForce": "FOK"}, 0.05, "expired", 0, id="FOK takes all or nothing"),
        pytest.param({"timeInForce": "FOK"}, 0.03, "closed", 0.03, id="FOK takes all"),
        pytest.param({}, 0.05, "open", 0.035, id="GTC rests"),
        pytest.param({"postOnly": True}, 0.05, None, None, id="post-only is refused"),
    ],
)
def test_how_long_an_order_lives(
    bench: Hosted[BinanceSimulator],
    params: dict[str, Any],
    amount: float,
    status: str | None,
    filled: float | None,
) -> None:
    asked = (SYMBOL, "limit", "buy", amount, 60_000.01, params)  # 0.035 are for sale at this price

    if status is None:
        with pytest.raises(ccxtpro.OrderImmediatelyFillable):
            call(bench, "create_order", *asked)
        return
    order = call(bench, "create_order", *asked)

    assert (order["status"], order["filled"]) == (status, filled)
    assert call(bench, "fetch_order", order["id"], SYMBOL)["status"] == status


def test_a_market_order_with_a_price_spends_quote(bench: Hosted[BinanceSimulator]) -> None:
    order = call(bench, "create_order", SYMBOL, "market", "sell", 0.002, 50_000)

    assert order["info"]["origQuoteOrderQty"] == "100.00000000"
    assert order["filled"] == 0.00166  # 100 / 59 999.99, whole steps


def test_fills_are_listed_once_each_with_their_order(bench: Hosted[BinanceSimulator]) -> None:
    order = call(bench, "create_order", SYMBOL, "limit", "buy", 0.05, 60_000.03)

    fills = call(bench, "fetch_my_trades", SYMBOL, None, None, {"orderId": order["id"]})

    assert [(fill["amount"], fill["price"]) for fill in fills] == [(0.035, 60_000.01), (0.015, 60_000.03)]
    assert {fill["order"] for fill in fills} == {order["id"]}


def test_a_resting_order_is_filled_as_a_maker(bench: Hosted[BinanceSimulator]) -> None:
    order = call(bench, "create_order", SYMBOL, "limit", "sell", 0.01, 60_001)

    bench.simulator.house.quote("BTCUSDT", Decimal(60_100))

    fills = call(bench, "fetch_my_trades", SYMBOL, None, None, {"orderId": order["id"]})
    assert call(bench, "fetch_order", order["id"], SYMBOL)["status"] == "closed"
    assert [(fill["takerOrMaker"], fill["price"], fill["fee"]["currency"]) for fill in fills] == [
        ("maker", 60_001, "USDT")
    ]


def test_all_orders_of_a_pair_are_cancelled_at_once(bench: Hosted[BinanceSimulator]) -> None:
    for price in (58_000, 58_500):
        call(bench, "create_order", SYMBOL, "limit", "buy", 0.01, price)

    cancelled = call(bench, "cancel_all_orders", SYMBOL)

    assert [order["status"] for order in cancelled] == ["canceled", "canceled"]
    with pytest.raises(ccxtpro.OrderNotFound):
        call(bench, "cancel_all_orders", SYMBOL)


def test_market_data_shows_the_exchange(bench: Hosted[BinanceSimulator]) -> None:
    book = call(bench, "fetch_order_book", SYMBOL, 5)
    ticker = call(bench, "fetch_ticker", SYMBOL)
    candles = call(bench, "fetch_ohlcv", SYMBOL, "5m", None, 3)
    tops = call(bench, "fetch_bids_asks", [SYMBOL])

    assert (len(book["bids"]), book["bids"][0]) == (5, [59_999.99, 0.04])
    assert (ticker["bid"], ticker["ask"]) == (59_999.99, 60_000.01)
    assert [row[0] % 300_000 for row in candles] == [0, 0, 0]
    assert tops[SYMBOL]["askVolume"] == 0.035


def test_a_key_says_whether_it_may_withdraw(bench: Hosted[BinanceSimulator]) -> None:
    account = bench.simulator.exchange.account(KEY)
    assert account

    before = call(bench, "sapiGetAccountApiRestrictions")["enableWithdrawals"]
    account.can_withdraw = True
    after = call(bench, "sapiGetAccountApiRestrictions")["enableWithdrawals"]

    assert (before, after) == (False, True)


def test_fees_and_order_counts_are_told(bench: Hosted[BinanceSimulator]) -> None:
    call(bench, "create_order", SYMBOL, "limit", "buy", 0.01, 59_000)
    call(bench, "create_order", SYMBOL, "limit", "buy", 0.01, 60_000.01)

    fee = call(bench, "fetch_trading_fee", SYMBOL)
    counts = call(bench, "privateGetRateLimitOrder")

    assert (fee["maker"], fee["taker"]) == (0.001, 0.001)
    assert [int(row["count"]) for row in counts] == [1, 1]  # the filled order was given back


def test_every_answer_tells_the_weight_and_an_order_the_count(bench: Hosted[BinanceSimulator]) -> None:
    call(bench, "create_order", SYMBOL, "limit", "buy", 0.01, 59_000)
    of_order = dict(bench.client.last_response_headers)
    call(bench, "fetch_order_book", SYMBOL, 1000)
    of_book = dict(bench.client.last_response_headers)

    assert (of_order["X-MBX-USED-WEIGHT-1M"], of_order["X-MBX-ORDER-COUNT-10S"]) == ("1", "1")
    assert of_book["X-MBX-USED-WEIGHT-1M"] == "51"  # 1 + 50


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [
        pytest.param(Fault.STALE_READ, {"age_ms": 60_000}, id="stale"),
        pytest.param(Fault.MISSING_READ, {}, id="missing"),
    ],
)
def test_a_read_may_not_know_of_an_order_yet(
    bench: Hosted[BinanceSimulator], fault: Fault, parameters: dict[str, Parameter]
) -> None:
    order = call(bench, "create_order", SYMBOL, "limit", "buy", 0.01, 59_000)
    arm(bench, fault, "GET /api/v3/order", **parameters)
    arm(bench, fault, "GET /api/v3/openOrders", **parameters)

    with pytest.raises(ccxtpro.OrderNotFound):
        call(bench, "fetch_order", order["id"], SYMBOL)

    assert call(bench, "fetch_open_orders", SYMBOL) == []
    assert len(call(bench, "fetch_open_orders", SYMBOL)) == 1


@pytest.mark.parametrize(
    ("fault", "rows"),
    [
        pytest.param(Fault.DUPLICATE_ROWS, [58_000, 58_000, 58_500, 58_500], id="doubled"),
        pytest.param(Fault.PARTIAL_BATCH, [58_000], id="cut short"),
    ],
)
def test_a_list_may_be_wrong(bench: Hosted[BinanceSimulator], fault: Fault, rows: list[int]) -> None:
    for price in (58_000, 58_500):
        call(bench, "create_order", SYMBOL, "limit", "buy", 0.01, price)
    arm(bench, fault, "GET /api/v3/openOrders")

    orders = call(bench, "fetch_open_orders", SYMBOL)

    assert sorted(order["price"] for order in orders) == rows


def test_an_answer_may_lack_the_id(bench: Hosted[BinanceSimulator]) -> None:
    arm(bench, Fault.MISSING_FIELD, "POST /api/v3/order", field="orderId")

    order = call(bench, "create_order", SYMBOL, "limit", "buy", 0.01, 59_000)

    assert order["id"] is None


def test_a_huge_answer_is_still_the_answer(bench: Hosted[BinanceSimulator]) -> None:
    arm(bench, Fault.HUGE_BODY, "POST /api/v3/order")

    order = call(bench, "create_order", SYMBOL, "limit", "buy", 0.01, 59_000)

    assert order["status"] == "open"


@pytest.mark.parametrize(
    ("fault", "answer", "truth"),
    [
        pytest.param(Fault.CANCEL_LOST, "canceled", "open", id="acknowledged and not done"),
        pytest.param(Fault.CANCEL_FILL_RACE, None, "closed", id="the fill wins"),
        pytest.param(
            Fault.FILL_AFTER_CANCEL, "canceled", "canceled", id="a fill that the answer does not know"
        ),
    ],
)
def test_a_cancel_and_a_fill_may_miss_each_other(
    bench: Hosted[BinanceSimulator], fault: Fault, answer: str | None, truth: str
) -> None:
    order = call(bench, "create_order", SYMBOL, "limit", "buy", 0.01, 59_000)
    arm(bench, fault, "cancel BTCUSDT")

    if answer is None:
        with pytest.raises(ccxtpro.OrderNotFound):
            call(bench, "cancel_order", order["id"], SYMBOL)
    else:
        told = call(bench, "cancel_order", order["id"], SYMBOL)
        assert (told["status"], told["filled"]) == (answer, 0)

    found = call(bench, "fetch_order", order["id"], SYMBOL)
    assert found["status"] == truth
    assert (found["filled"] > 0) == (fault is not Fault.CANCEL_LOST)


def test_a_fee_may_be_wrong(bench: Hosted[BinanceSimulator]) -> None:
    arm(bench, Fault.WRONG_FEE, "trade BTCUSDT")

    order = call(bench, "create_order", SYMBOL, "limit", "buy", 0.01, 60_000.01)

    assert order["fee"]["cost"] == 0.00002


def test_a_funded_order_may_be_refused_for_its_balance(bench: Hosted[BinanceSimulator]) -> None:
    arm(bench, Fault.BLOCKED_BALANCE, "order BTCUSDT")

    with pytest.raises(ccxtpro.InsufficientFunds):
        call(bench, "create_order", SYMBOL, "limit", "buy", 0.01, 59_000)


def test_orders_survive_a_restart_of_the_engine_and_streams_do_not(bench: Hosted[BinanceSimulator]) -> None:
    call(bench, "create_order", SYMBOL, "limit", "buy", 0.01, 59_000)

    async def restart() -> type[BaseException]:
        watcher = asyncio.create_task(bench.client.watch_orders())
        await until(lambda: bench.simulator.user.subscribers > 0)
        arm(bench, Fault.ENGINE_RESTART, "GET /api/v3/time")
        with pytest.raises(ccxtpro.ExchangeNotAvailable):
            await bench.client.fetch_time()
        with pytest.raises(ccxtpro.NetworkError) as caught:
            await watcher
        return type(caught.value)

    assert bench.run(restart()) is ccxtpro.NetworkError
    assert len(call(bench, "fetch_open_orders", SYMBOL)) == 1


@pytest.mark.parametrize(
    ("headers", "query", "status", "code"),
    [
        pytest.param({}, "timestamp=1&signature=x", 401, -2014, id="no key"),
        pytest.param({"X-MBX-APIKEY": "z" * 64}, "timestamp=1&signature=x", 401, -2015, id="unknown key"),
        pytest.param({"X-MBX-APIKEY": KEY}, "timestamp=1", 400, -1102, id="no signature"),
        pytest.param({"X-MBX-APIKEY": KEY}, "recvWindow=1&signature=x", 400, -1102, id="no time"),
        pytest.param({"X-MBX-APIKEY": KEY}, "timestamp=1&signature=x", 400, -1021, id="old"),
        pytest.param(
            {"X-MBX-APIKEY": KEY}, "timestamp=1&recvWindow=60001&signature=x", 400, -1131, id="wide window"
        ),
        pytest.param({"X-MBX-APIKEY": KEY}, "timestamp=1&timestamp=2&signature=x", 400, -1101, id="twice"),
    ],
)
def test_a_request_that_cannot_be_believed_is_refused(
    bench: Hosted[BinanceSimulator], headers: dict[str, str], query: str, status: int, code: int
) -> None:
    async def ask() -> tuple[int, Any]:
        async with ClientSession() as session:
            url = f"{bench.simulator.url}/api/v3/account?{query}"
            async with session.get(url, headers=headers) as response:
                return response.status, await response.json()

    got, body = bench.run(ask())

    assert (got, body["code"]) == (status, code)


def test_the_signature_is_over_the_text_that_was_sent(bench: Hosted[BinanceSimulator]) -> None:
    client_id = "a:b/c.d"  # its encoding differs from itself

    order = call(bench, "create_order", SYMBOL, "limit", "buy", 0.01, 59_000, {"clientOrderId": client_id})

    assert order["clientOrderId"] == client_id
