"""What ccxt makes of an order whose answer is broken, late or lost: the unknown rows of the table of facts."""

import asyncio

import ccxt.pro as ccxtpro
import pytest
from aiohttp import ClientPayloadError, ServerDisconnectedError

from simulator.exchanges.binance.errors import (
    BACKEND_TIMEOUT,
    BAD_KEY_FORMAT,
    DISCONNECTED,
    OVERLOADED,
    UNEXPECTED_RESPONSE,
    UNKNOWN_ERROR,
)
from simulator.exchanges.binance.server import BinanceSimulator
from simulator.faults import Fault
from tests.simulator.exchanges.binance.ordering import SYMBOL, arm, booked, place, raised
from tests.simulator.exchanges.hosting import Hosted


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        pytest.param(400, '{"code":-1003,"msg":"weight"}', ccxtpro.RateLimitExceeded, id="-1003 in a 400"),
        pytest.param(400, '{"code":-1015,"msg":"orders"}', ccxtpro.RateLimitExceeded, id="-1015 in a 400"),
        pytest.param(
            400, '{"code":-1013,"msg":"Filter failure: MIN_NOTIONAL"}', ccxtpro.BadRequest, id="MIN_NOTIONAL"
        ),
        pytest.param(
            400,
            '{"code":-1013,"msg":"Filter failure: PERCENT_PRICE"}',
            ccxtpro.BadRequest,
            id="PERCENT_PRICE",
        ),
        pytest.param(401, BAD_KEY_FORMAT.body, ccxtpro.AuthenticationError, id="-2014"),
        pytest.param(400, '{"code":-9999,"msg":"news"}', ccxtpro.ExchangeError, id="unmapped code"),
        pytest.param(504, BACKEND_TIMEOUT.body, ccxtpro.RequestTimeout, id="-1007"),
        pytest.param(504, "<html>", ccxtpro.RequestTimeout, id="504"),
        pytest.param(500, UNKNOWN_ERROR.body, ccxtpro.OperationFailed, id="-1000"),
        pytest.param(500, DISCONNECTED.body, ccxtpro.OperationFailed, id="-1001"),
        pytest.param(400, UNEXPECTED_RESPONSE.body, ccxtpro.OperationFailed, id="-1006"),
        pytest.param(503, OVERLOADED.body, ccxtpro.ExchangeError, id="-1008 on loopback"),
        pytest.param(500, "<html>", ccxtpro.ExchangeNotAvailable, id="500"),
        pytest.param(502, "<html>", ccxtpro.ExchangeNotAvailable, id="502"),
        pytest.param(503, "<html>", ccxtpro.ExchangeNotAvailable, id="503"),
        pytest.param(403, "<html>", ccxtpro.ExchangeNotAvailable, id="403"),
        pytest.param(404, "<html>", ccxtpro.ExchangeNotAvailable, id="404"),
        pytest.param(451, "<html>", ccxtpro.ExchangeNotAvailable, id="451"),
        pytest.param(418, "{}", ccxtpro.DDoSProtection, id="418"),
        pytest.param(429, "{}", ccxtpro.DDoSProtection, id="429"),
    ],
)
@pytest.mark.parametrize("fault", [Fault.ANSWER_5XX, Fault.ANSWER_5XX_AFTER_BOOKING])
def test_an_answer_has_its_class_whether_the_order_was_booked_or_not(
    bench: Hosted[BinanceSimulator], fault: Fault, status: int, body: str, error: type[Exception]
) -> None:
    arm(bench, fault, status=status, body=body)

    problem = raised(bench)

    assert type(problem) is error
    assert booked(bench) == (fault is Fault.ANSWER_5XX_AFTER_BOOKING)


def test_overloaded_is_an_operation_that_failed_once_the_spot_table_is_used(
    bench: Hosted[BinanceSimulator],
) -> None:
    table = bench.client.exceptions
    before = dict(table["exact"])
    table["exact"].update(table["spot"]["exact"])
    arm(bench, Fault.ANSWER_5XX, status=503, body=OVERLOADED.body)

    problem = raised(bench)

    table["exact"] = before
    assert type(problem) is ccxtpro.OperationFailed


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(200, "", id="empty"),
        pytest.param(200, "<html>", id="html"),
        pytest.param(200, '{"symbol":"BTCUSDT","order', id="half of the JSON"),
        pytest.param(200, "{}", id="{}"),
        pytest.param(200, "[]", id="[]"),
        pytest.param(200, "null", id="null"),
        pytest.param(302, "", id="302"),
        pytest.param(524, "", id="524"),
        pytest.param(599, "", id="599"),
        pytest.param(425, "", id="425"),
    ],
)
def test_an_order_without_an_id_may_have_been_booked(
    bench: Hosted[BinanceSimulator], status: int, body: str
) -> None:
    arm(bench, Fault.ANSWER_5XX_AFTER_BOOKING, status=status, body=body)

    order = place(bench)

    assert (order["id"], order["status"], booked(bench)) == (None, None, 1)


@pytest.mark.parametrize("fault", [Fault.HTML_BODY, Fault.EMPTY_BODY])
def test_a_body_that_is_not_the_venues_gives_no_id(bench: Hosted[BinanceSimulator], fault: Fault) -> None:
    arm(bench, fault)

    order = place(bench)

    assert (order["id"], booked(bench)) == (None, 1)


def test_an_answer_that_comes_too_late_is_a_timeout_of_a_booked_order(
    bench: Hosted[BinanceSimulator],
) -> None:
    bench.client.timeout = 50
    arm(bench, Fault.DELAY, delay_ms=150)

    problem = raised(bench)

    assert type(problem) is ccxtpro.RequestTimeout
    assert booked(bench) == 1


@pytest.mark.parametrize(
    ("fault", "count"),
    [
        pytest.param(Fault.LOST_REQUEST, 0, id="lost request"),
        pytest.param(Fault.HANG_UP, 0, id="hang-up"),
        pytest.param(Fault.LOST_ANSWER, 1, id="lost answer"),
    ],
)
def test_a_connection_that_ends_says_nothing_about_the_order(
    bench: Hosted[BinanceSimulator], fault: Fault, count: int
) -> None:
    arm(bench, fault)

    problem = raised(bench)

    assert type(problem) is ccxtpro.ExchangeNotAvailable
    assert isinstance(problem.__cause__, ServerDisconnectedError | ConnectionResetError)
    assert booked(bench) == count


def test_half_of_an_answer_is_a_plain_exchange_error_of_a_booked_order(
    bench: Hosted[BinanceSimulator],
) -> None:
    arm(bench, Fault.TRUNCATED_BODY)

    problem = raised(bench)

    assert type(problem) is ccxtpro.ExchangeError
    assert isinstance(problem.__cause__, ClientPayloadError)
    assert booked(bench) == 1


def test_a_body_that_does_not_unpack_is_a_plain_exchange_error_of_a_booked_order(
    bench: Hosted[BinanceSimulator],
) -> None:
    arm(bench, Fault.ANSWER_5XX_AFTER_BOOKING, status=200, body="not gzip", encoding="gzip")

    problem = raised(bench)

    assert type(problem) is ccxtpro.ExchangeError
    assert isinstance(problem.__cause__, ClientPayloadError)
    assert booked(bench) == 1


def test_a_cancelled_call_leaves_an_order_behind(bench: Hosted[BinanceSimulator]) -> None:
    arm(bench, Fault.DELAY, delay_ms=200)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bench.client.create_order(SYMBOL, "limit", "buy", 0.01, 59_000), 0.05)

    bench.run(give_up())

    assert booked(bench) == 1
