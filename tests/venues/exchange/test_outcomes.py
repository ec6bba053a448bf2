import aiohttp
import ccxt
import pytest

from venues.exchange.calls import CallRecord, Exchanged
from venues.exchange.outcomes import Outcome, error_code, judge_order, words
from venues.exchange.quirks import BINANCE, BYBIT, COINBASE, GATE, KRAKEN, KUCOIN, OKX, Errors

REFUSED = '{"code":-2010,"msg":"no"}'


def record(
    method: str = "POST", *, bytes_left: bool = True, status: int | None = 400, body: str | None = REFUSED
) -> CallRecord:
    request = Exchanged(method=method, bytes_left=bytes_left, status=status, body=body)
    return CallRecord(requests=[request])


def outcome(made: CallRecord, answer: object, errors: Errors = BINANCE.errors) -> Outcome:
    return judge_order(made, errors, answer).outcome


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        pytest.param(kind, expected, id=kind.__name__)
        for kind, expected in [
            *((kind, Outcome.REFUSED) for kind in (ccxt.InsufficientFunds, ccxt.InvalidOrder)),
            *((kind, Outcome.REFUSED) for kind in (ccxt.OrderImmediatelyFillable, ccxt.OrderNotFillable)),
            *((kind, Outcome.REFUSED) for kind in (ccxt.BadRequest, ccxt.BadSymbol, ccxt.MarketClosed)),
            *((kind, Outcome.REFUSED) for kind in (ccxt.AuthenticationError, ccxt.PermissionDenied)),
            *((kind, Outcome.REFUSED) for kind in (ccxt.OperationRejected, ccxt.InvalidNonce)),
            *((kind, Outcome.REFUSED) for kind in (ccxt.RateLimitExceeded, ccxt.DDoSProtection)),
            (ccxt.DuplicateOrderId, Outcome.EXISTS),
            *((kind, Outcome.UNKNOWN) for kind in (ccxt.ExchangeError, ccxt.OperationFailed)),
            *((kind, Outcome.UNKNOWN) for kind in (ccxt.NetworkError, ccxt.RequestTimeout)),
            *((kind, Outcome.UNKNOWN) for kind in (ccxt.ExchangeNotAvailable, ccxt.OnMaintenance)),
            *((kind, Outcome.UNKNOWN) for kind in (ccxt.BadResponse, ccxt.NullResponse, ccxt.CancelPending)),
            *((kind, Outcome.UNKNOWN) for kind in (KeyError, TypeError, ArithmeticError)),
        ]
    ],
)
def test_a_kind_of_error_after_a_refusal_in_the_exchange_s_words(
    kind: type[Exception], expected: Outcome
) -> None:
    assert outcome(record(), kind("text")) is expected


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(record(status=None, body=None), id="no answer was read"),
        pytest.param(record(status=500), id="a server error"),
        pytest.param(record(status=200), id="a success"),
        pytest.param(record(status=408), id="a timeout"),
        pytest.param(record(status=425), id="too early"),
        pytest.param(record(body="<html>"), id="a page"),
        pytest.param(record(body='{"msg":"no code"}'), id="no code"),
        pytest.param(record(body='{"code":0,"msg":"success"}'), id="the code of success"),
    ],
)
def test_an_error_that_looks_like_a_refusal_proves_nothing_without_one(made: CallRecord) -> None:
    assert outcome(made, ccxt.InvalidOrder("text")) is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("errors", "body"),
    [
        pytest.param(BYBIT.errors, '{"retCode":170131,"retMsg":"Insufficient balance."}', id="bybit"),
        pytest.param(KRAKEN.errors, '{"error":["EOrder:Insufficient funds"]}', id="kraken"),
        pytest.param(OKX.errors, '{"code":"1","data":[{"sCode":"51008"}]}', id="okx"),
        pytest.param(COINBASE.errors, '{"success":false,"error_response":{"error":"X"}}', id="coinbase"),
        pytest.param(KUCOIN.errors, '{"code":"200004","msg":"Balance insufficient!"}', id="kucoin"),
    ],
)
def test_some_exchanges_refuse_with_http_200(errors: Errors, body: str) -> None:
    made = record(status=200, body=body)

    assert outcome(made, ccxt.InsufficientFunds("text"), errors) is Outcome.REFUSED
    assert outcome(made, ccxt.ExchangeError("text"), errors) is Outcome.UNKNOWN


def test_only_where_it_is_documented_is_a_rate_limit_a_refusal() -> None:
    made = record(status=429, body='{"label":"TOO_MANY_REQUESTS","code":"429"}')

    assert outcome(made, ccxt.RateLimitExceeded("text"), GATE.errors) is Outcome.UNKNOWN
    assert outcome(made, ccxt.RateLimitExceeded("text"), BINANCE.errors) is Outcome.REFUSED


def test_a_bad_key_is_a_refusal_whatever_ccxt_calls_it() -> None:
    made = record(status=401, body='{"code":-2015,"msg":"Invalid API-key"}')

    assert outcome(made, ccxt.DDoSProtection("text")) is Outcome.REFUSED


@pytest.mark.parametrize("kind", [ccxt.ExchangeNotAvailable, ccxt.RequestTimeout, ccxt.NetworkError])
def test_what_left_no_byte_may_go_again(kind: type[Exception]) -> None:
    assert outcome(record(bytes_left=False, status=None, body=None), kind("text")) is Outcome.NOT_SENT


def test_what_failed_before_the_order_itself_was_begun_may_go_again() -> None:
    made = record("GET", status=500, body="<html>")

    assert outcome(made, ccxt.ExchangeNotAvailable("text")) is Outcome.NOT_SENT


@pytest.mark.parametrize(
    "kind", [ccxt.InvalidOrder, ccxt.BadSymbol, ccxt.ArgumentsRequired, ccxt.NotSupported]
)
def test_what_ccxt_itself_refuses_will_never_go(kind: type[Exception]) -> None:
    assert outcome(CallRecord(), kind("text")) is Outcome.UNSENDABLE


def test_a_refused_connection_after_a_redirect_does_not_hide_that_bytes_left() -> None:
    error = ccxt.ExchangeNotAvailable("text")
    error.__cause__ = aiohttp.ClientError()

    assert outcome(record(status=None, body=None), error) is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"id": None, "status": None}, id="no id"),
        pytest.param({"id": ""}, id="an empty id"),
        pytest.param({"id": 5}, id="not text"),
        pytest.param({}, id="nothing"),
        pytest.param(None, id="none"),
        pytest.param("<html>", id="a page"),
    ],
)
def test_an_answer_without_an_order_is_unknown(answer: object) -> None:
    assert outcome(record(status=200, body="{}"), answer) is Outcome.UNKNOWN


def test_an_order_is_placed_by_its_id_and_a_success() -> None:
    judged = judge_order(record(status=200, body="{}"), BINANCE.errors, {"id": "77"})

    assert (judged.outcome, judged.venue_order_id) == (Outcome.PLACED, "77")
    assert outcome(record(status=524, body=""), {"id": "77"}) is Outcome.UNKNOWN


@pytest.mark.parametrize("body", [None, "", "[]", "null", "<html>", "{", '{"error":[]}', '{"error":{}}'])
def test_no_code_is_no_code(body: str | None) -> None:
    assert error_code(body, KRAKEN.errors) is None


def test_the_words_of_an_error_hold_no_signed_address() -> None:
    text = words(ccxt.RequestTimeout("binance GET https://x/api?signature=abc&timestamp=1 late\nmore"))

    assert text == "RequestTimeout: binance GET https://x/api late"
