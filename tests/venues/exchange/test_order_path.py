"""The classification table: what an exchange, or the way to it, answers to a new order, and what that proves."""

import asyncio
from typing import NamedTuple

import pytest

from domain.messages import Acknowledged, ExecutionReport, Lost, NotSent, Rejected
from simulator.faults import Fault
from tests.venues.exchange.scene import PLACE, trading


class Row(NamedTuple):
    """A status and a body, and what they mean for the order."""

    status: int
    body: str
    means: type[ExecutionReport]


def error(code: int, text: str = "no") -> str:
    return f'{{"code":{code},"msg":"{text}"}}'


HTML = "<html><body>error</body></html>"

ANSWERED = {
    "price filter": Row(400, error(-1013, "Filter failure: PRICE_FILTER"), Rejected),
    "lot size": Row(400, error(-1013, "Filter failure: LOT_SIZE"), Rejected),
    "percent price by side": Row(400, error(-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"), Rejected),
    "notional": Row(400, error(-1013, "Filter failure: NOTIONAL"), Rejected),
    "market is closed": Row(400, error(-1013, "Market is closed."), Rejected),
    "illegal characters": Row(400, error(-1100), Rejected),
    "missing parameter": Row(400, error(-1102), Rejected),
    "precision": Row(400, error(-1111), Rejected),
    "symbol": Row(400, error(-1121), Rejected),
    "signature": Row(400, error(-1022), Rejected),
    "key format": Row(401, error(-2014), Rejected),
    "key, before a success": Row(401, error(-2015), Rejected),
    "timestamp": Row(400, error(-1021), Rejected),
    "insufficient balance": Row(
        400, error(-2010, "Account has insufficient balance for requested action."), Rejected
    ),
    "post-only would take": Row(400, error(-2010, "Order would immediately match and take."), Rejected),
    "other refusal": Row(400, error(-2010, "Filter failure: MAX_NUM_ORDERS"), Rejected),
    "duplicate": Row(400, error(-2010, "Duplicate order sent."), Lost),
    "too much weight": Row(429, error(-1003), Rejected),
    "too many orders": Row(429, error(-1015), Rejected),
    "banned": Row(418, error(-1003), Rejected),
    "too much weight in a 400": Row(400, error(-1003), Rejected),
    "429 of a proxy": Row(429, HTML, Lost),
    "no answer from the engine": Row(400, error(-1007), Lost),
    "unknown error": Row(400, error(-1000), Lost),
    "disconnected": Row(400, error(-1001), Lost),
    "unexpected response": Row(400, error(-1006), Lost),
    "overloaded": Row(503, error(-1008), Lost),
    "a code of tomorrow": Row(400, error(-9999), Lost),
    "a firewall's page": Row(403, HTML, Lost),
    "not found": Row(404, HTML, Lost),
    "region": Row(451, HTML, Lost),
    "server error": Row(500, HTML, Lost),
    "bad gateway": Row(502, HTML, Lost),
    "unavailable": Row(503, HTML, Lost),
    "gateway timeout": Row(504, HTML, Lost),
    "refusal in a 5xx": Row(500, error(-2010, "Filter failure: MAX_NUM_ORDERS"), Lost),
    "timeout without a body": Row(408, "", Lost),
    "too early": Row(425, "{}", Lost),
    "cloudflare": Row(520, HTML, Lost),
    "origin timeout": Row(524, HTML, Lost),
    "network timeout": Row(599, "", Lost),
    "a redirect": Row(302, "", Lost),
    "nothing": Row(200, "", Lost),
    "a page": Row(200, HTML, Lost),
    "an empty object": Row(200, "{}", Lost),
    "an empty list": Row(200, "[]", Lost),
    "null": Row(200, "null", Lost),
    "half of an answer": Row(200, '{"symbol":"BTCUSDT","orderI', Lost),
}

ON_THE_WAY: dict[str, tuple[Fault, dict[str, str | int], type[ExecutionReport]]] = {
    "reset before it was read": (Fault.LOST_REQUEST, {}, Lost),
    "closed after it was read": (Fault.HANG_UP, {}, Lost),
    "booked, then reset": (Fault.LOST_ANSWER, {}, Lost),
    "booked, then a server error": (Fault.ANSWER_5XX_AFTER_BOOKING, {}, Lost),
    "booked, then a page": (Fault.HTML_BODY, {}, Lost),
    "booked, then nothing": (Fault.EMPTY_BODY, {}, Lost),
    "booked, then half": (Fault.TRUNCATED_BODY, {}, Lost),
    "booked, and the id is missing": (Fault.MISSING_FIELD, {"field": "orderId"}, Lost),
    "booked, and a huge answer": (Fault.HUGE_BODY, {}, Acknowledged),
    "not what its encoding says": (Fault.ANSWER_5XX, {"status": 200, "encoding": "gzip", "body": "x"}, Lost),
    "the exchange's clock is ahead": (Fault.CLOCK_SKEW, {"skew_ms": 20_000}, Rejected),
}


def placed(fault: Fault, parameters: dict[str, str | int]) -> tuple[ExecutionReport, int]:
    """The report about one order that a fault strikes, and how many orders the exchange then has."""

    async def run() -> tuple[ExecutionReport, int]:
        async with trading() as trader:
            trader.arm(fault, PLACE, **parameters)
            report = await trader.send(trader.order())
            trader.clear()
            return report, trader.posts()

    return asyncio.run(run())


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in ANSWERED])
def test_an_answer_means_what_the_table_says(name: str) -> None:
    row = ANSWERED[name]

    report, _ = placed(Fault.ANSWER_5XX, {"status": row.status, "body": row.body})

    assert type(report) is row.means


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in ON_THE_WAY])
def test_trouble_on_the_way_means_what_the_table_says(name: str) -> None:
    fault, parameters, means = ON_THE_WAY[name]

    report, orders = placed(fault, parameters)

    assert type(report) is means
    assert "booked" not in name or orders == 1


def test_a_slow_answer_is_unknown_when_the_time_is_over() -> None:
    async def run() -> ExecutionReport:
        async with trading() as trader:
            trader.connection.orders.timeout = 50
            trader.arm(Fault.DELAY, PLACE, delay_ms=300)
            return await trader.send(trader.order())

    assert isinstance(asyncio.run(run()), Lost)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a connection and never answer the greeting of TLS."""
    await reader.read()
    writer.close()
    await writer.wait_closed()


def test_a_connection_that_cannot_be_made_in_time_is_proof_that_nothing_left() -> None:
    """ccxt raises one and the same error for this and for a slow answer."""

    async def run() -> ExecutionReport:
        async with trading() as trader:
            server = await asyncio.start_server(silent, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            trader.connection.orders.urls["api"]["private"] = f"https://127.0.0.1:{port}/api/v3"
            trader.connection.orders.timeout = 100
            async with server:
                return await trader.send(trader.order())

    assert isinstance(asyncio.run(run()), NotSent)


def test_a_storm_of_orders_does_not_keep_a_cancel_waiting() -> None:
    async def run() -> tuple[float, float]:
        async with trading() as trader:
            for _ in range(trader.venue.quirks.orders_per_10_s):
                trader.connection.limits.take_order()
            return trader.venue.wait_s(trader.order()), trader.connection.limits.cancel_wait_s()

    order_wait_s, cancel_wait_s = asyncio.run(run())

    assert order_wait_s > 5
    assert cancel_wait_s == 0


def test_an_order_that_the_limits_hold_back_too_long_is_reported_as_not_sent() -> None:
    async def run() -> tuple[ExecutionReport, int]:
        async with trading() as trader:
            trader.connection.limits.block("30")
            return await trader.send(trader.order()), trader.posts()

    report, orders = asyncio.run(run())

    assert isinstance(report, NotSent)
    assert "limit opens in" in report.reason
    assert orders == 0


def test_a_rate_limit_stops_what_comes_next_for_as_long_as_the_exchange_says() -> None:
    async def run() -> float:
        async with trading() as trader:
            trader.arm(Fault.STATUS_429)
            await trader.send(trader.order())
            wait_s = trader.venue.wait_s(trader.order(2))
            trader.clear()
            return wait_s

    assert 25 < asyncio.run(run()) <= 30
