"""What ccxt makes of an order that Binance refuses, or that never leaves: the table of facts, row by row."""

from typing import Any

import ccxt.pro as ccxtpro
import pytest
from aiohttp import ClientConnectorError

from simulator.exchanges.binance.limits import Limits
from simulator.exchanges.binance.server import BinanceSimulator
from simulator.faults import ArmedFault, Fault
from tests.simulator.exchanges.binance.ordering import SYMBOL, arm, booked, place, raised
from tests.simulator.exchanges.hosting import KEY, SECRET, Hosted, client_of


def test_an_order_with_an_id_is_placed(bench: Hosted[BinanceSimulator]) -> None:
    order = place(bench, params={"clientOrderId": "mine-1"})

    assert (order["status"], order["clientOrderId"], booked(bench)) == ("open", "mine-1", 1)
    assert bench.simulator.exchange.log.open_of(KEY)[0].id == int(order["id"])


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"symbol": "NO/SUCH"}, ccxtpro.BadSymbol, id="unknown symbol"),
        pytest.param({"amount": 0.000001}, ccxtpro.InvalidOrder, id="below the step"),
        pytest.param({"price": None}, ccxtpro.InvalidOrder, id="no price"),
        pytest.param({"type": "limitless"}, ccxtpro.InvalidOrder, id="bad type"),
    ],
)
def test_what_ccxt_refuses_itself_never_leaves(
    bench: Hosted[BinanceSimulator], changes: dict[str, Any], error: type[Exception]
) -> None:
    before = bench.simulator.budget.used_weight("127.0.0.1")

    problem = raised(bench, **changes)

    assert type(problem) is error
    assert bench.simulator.budget.used_weight("127.0.0.1") == before


def test_nobody_listening_is_told_apart_by_its_cause(bench: Hosted[BinanceSimulator]) -> None:
    async def order_to_nobody() -> BaseException:
        async with client_of(bench.simulator, "binance") as client:
            client.urls["api"]["private"] = "http://127.0.0.1:1/api/v3"
            with pytest.raises(ccxtpro.ExchangeNotAvailable) as caught:
                await client.create_order(SYMBOL, "limit", "buy", 0.01, 59_000)
            problem: BaseException = caught.value
            return problem

    problem = bench.run(order_to_nobody())

    assert isinstance(problem.__cause__, ClientConnectorError)


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        pytest.param({"amount": 9_001}, ccxtpro.InvalidOrder, "LOT_SIZE", id="lot size"),
        pytest.param({"price": 2_000_000}, ccxtpro.InvalidOrder, "PRICE_FILTER", id="price filter"),
        pytest.param({"price": 400_000}, ccxtpro.InvalidOrder, "PERCENT_PRICE_BY_SIDE", id="far price"),
        pytest.param({"amount": 0.00001}, ccxtpro.BadRequest, "NOTIONAL", id="notional"),
        pytest.param({"params": {"clientOrderId": "bad id!"}}, ccxtpro.BadRequest, "-1100", id="-1100"),
        pytest.param({"params": {"quantity": ""}}, ccxtpro.BadRequest, "-1102", id="-1102"),
        pytest.param({"params": {"bogus": "1"}}, ccxtpro.BadRequest, "-1104", id="-1104"),
        pytest.param({"params": {"price": "1.000000001"}}, ccxtpro.BadRequest, "-1111", id="-1111"),
        pytest.param({"params": {"symbol": "NOPE"}}, ccxtpro.BadSymbol, "-1121", id="-1121"),
        pytest.param({"amount": 5}, ccxtpro.InsufficientFunds, "insufficient balance", id="balance"),
        pytest.param(
            {"price": 60_100, "params": {"postOnly": True}},
            ccxtpro.OrderImmediatelyFillable,
            "immediately match",
            id="post only",
        ),
    ],
)
def test_a_refusal_books_nothing(
    bench: Hosted[BinanceSimulator], changes: dict[str, Any], error: type[Exception], text: str
) -> None:
    problem = raised(bench, **changes)

    assert type(problem) is error
    assert text in str(problem)
    assert booked(bench) == 0


def test_a_duplicate_says_so_only_in_its_text_and_the_first_order_is_open(
    bench: Hosted[BinanceSimulator],
) -> None:
    place(bench, params={"clientOrderId": "twice"})

    problem = raised(bench, params={"clientOrderId": "twice"})

    assert type(problem) is ccxtpro.InvalidOrder
    assert "Duplicate order sent" in str(problem)
    assert booked(bench) == 1


def test_the_same_client_id_is_taken_again_once_the_first_order_is_filled(
    bench: Hosted[BinanceSimulator],
) -> None:
    first = place(bench, price=60_100, params={"clientOrderId": "again"})

    second = place(bench, price=60_100, params={"clientOrderId": "again"})

    assert first["id"] != second["id"]
    assert len(bench.simulator.exchange.log.fills_of_order(int(second["id"]))) > 0


def test_too_many_open_orders_are_refused(bench: Hosted[BinanceSimulator]) -> None:
    limit = bench.simulator.exchange.pairs["BTCUSDT"].open_orders_max

    async def fill_up() -> None:
        for number in range(limit):
            await bench.client.create_order(SYMBOL, "limit", "buy", 0.0002, 50_000 + number)

    budget = bench.simulator.budget
    budget.limits = Limits(orders_per_10s=10_000)
    bench.run(fill_up())

    problem = raised(bench)

    assert type(problem) is ccxtpro.InvalidOrder
    assert "MAX_NUM_ORDERS" in str(problem)


def test_a_halted_pair_is_a_closed_market(bench: Hosted[BinanceSimulator]) -> None:
    pairs = bench.simulator.exchange.pairs
    pair = pairs["BTCUSDT"]
    bench.simulator.exchange.halt("BTCUSDT")

    problem = raised(bench)

    pairs["BTCUSDT"] = pair
    assert type(problem) is ccxtpro.MarketClosed


def test_a_wrong_signature_is_an_authentication_error(bench: Hosted[BinanceSimulator]) -> None:
    bench.client.secret = "x" * 64

    problem = raised(bench)

    bench.client.secret = SECRET
    assert type(problem) is ccxtpro.AuthenticationError
    assert "-1022" in str(problem)


@pytest.mark.parametrize("skew_ms", [pytest.param(11_000, id="too old"), pytest.param(-2_000, id="ahead")])
def test_a_clock_that_is_off_refuses_the_order_as_a_nonce(
    bench: Hosted[BinanceSimulator], skew_ms: int
) -> None:
    arm(bench, Fault.CLOCK_SKEW, skew_ms=skew_ms)

    problem = raised(bench)

    assert type(problem) is ccxtpro.InvalidNonce
    assert booked(bench) == 0


def test_a_request_that_arrives_after_its_window_is_refused(bench: Hosted[BinanceSimulator]) -> None:
    arm(bench, Fault.BOOK_LATE, delay_ms=60)

    problem = raised(bench, params={"recvWindow": 50})

    assert type(problem) is ccxtpro.InvalidNonce
    assert booked(bench) == 0


def test_a_bad_key_looks_like_a_ban_once_the_client_has_been_served(bench: Hosted[BinanceSimulator]) -> None:
    async def two_tries() -> list[type[BaseException]]:
        classes = []
        async with client_of(bench.simulator, "binance", api_key="b" * 64) as client:
            for key in ("b" * 64, KEY, "b" * 64):
                client.apiKey = key
                try:
                    await client.create_order(SYMBOL, "limit", "buy", 0.01, 59_000)
                except ccxtpro.BaseError as error:
                    classes.append(type(error))
        return classes

    assert bench.run(two_tries()) == [ccxtpro.AuthenticationError, ccxtpro.DDoSProtection]


def test_too_much_weight_and_the_ban_after_it(bench: Hosted[BinanceSimulator]) -> None:
    simulator = bench.simulator
    simulator.budget.limits = Limits(weight_per_minute=0, ignored_max=1)

    refused, banned = raised(bench), raised(bench)

    retry_after = bench.client.last_response_headers["Retry-After"]
    assert type(refused) is type(banned) is ccxtpro.DDoSProtection
    assert (" 429 " in str(refused), " 418 " in str(banned)) == (True, True)
    assert retry_after == "120"


def test_too_many_orders_in_ten_seconds(bench: Hosted[BinanceSimulator]) -> None:
    bench.simulator.budget.limits = Limits(orders_per_10s=0)

    problem = raised(bench)

    assert type(problem) is ccxtpro.DDoSProtection
    assert "-1015" in str(problem)


def test_the_refusals_of_the_plan_are_in_the_venues_words(bench: Hosted[BinanceSimulator]) -> None:
    classes = {}
    for fault in (Fault.STATUS_429, Fault.STATUS_429_BARE, Fault.UNAUTHORIZED, Fault.HTML_REFUSAL):
        arm(bench, fault)
        classes[fault] = type(raised(bench))
    arm(bench, Fault.REGION_BLOCKED)
    blocked = raised(bench)

    assert classes[Fault.STATUS_429] is classes[Fault.STATUS_429_BARE] is ccxtpro.DDoSProtection
    assert classes[Fault.HTML_REFUSAL] is ccxtpro.ExchangeNotAvailable
    assert classes[Fault.UNAUTHORIZED] in (ccxtpro.AuthenticationError, ccxtpro.DDoSProtection)
    assert "restricted location" in str(blocked)
    assert booked(bench) == 0


def test_a_cancel_of_what_is_not_open_says_not_found_whatever_became_of_it(
    bench: Hosted[BinanceSimulator],
) -> None:
    filled = place(bench, price=60_100)

    with pytest.raises(ccxtpro.OrderNotFound) as caught:
        bench.run(bench.client.cancel_order(filled["id"], SYMBOL))

    assert "-2011" in str(caught.value)
    assert bench.run(bench.client.fetch_order(filled["id"], SYMBOL))["status"] == "closed"


def test_a_retried_cancel_on_a_dead_connection_reaches_the_venue_twice(
    bench: Hosted[BinanceSimulator],
) -> None:
    order = place(bench)
    fault = ArmedFault(fault=Fault.LOST_ANSWER, endpoint="DELETE /api/v3/order")
    bench.simulator.faults.arm(fault)

    with pytest.raises(ccxtpro.OrderNotFound):
        bench.run(bench.client.cancel_order(order["id"], SYMBOL))

    assert booked(bench) == 0
