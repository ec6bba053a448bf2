"""The REST side of simulated Bybit: signature, rate, endpoint, envelope."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from msgspec import Struct

from simulator.exchanges.accounts import Account
from simulator.exchanges.bybit import market_api, order_api
from simulator.exchanges.bybit.authentication import verified
from simulator.exchanges.bybit.errors import BybitError
from simulator.exchanges.bybit.payloads import Json
from simulator.exchanges.bybit.requests import PARAMETER_ERROR, Request
from simulator.exchanges.exchange import SpotExchange
from simulator.exchanges.fault_gate import Answer, Call, Handler

ORDERS_PER_S = 20
"""Creates, and likewise cancels, that an account may send in one second of the exchange's clock."""

SECOND_MS = 1_000


class Endpoint(Struct, frozen=True):
    """One line of the table of endpoints."""

    method: str
    path: str
    respond: Callable[[Request], Json]
    is_signed: bool = True
    is_counted: bool = False


ENDPOINTS = (
    Endpoint("GET", "/v5/market/time", market_api.server_time, is_signed=False),
    Endpoint("GET", "/v5/market/instruments-info", market_api.instruments, is_signed=False),
    Endpoint("GET", "/v5/market/orderbook", market_api.order_book, is_signed=False),
    Endpoint("GET", "/v5/market/tickers", market_api.tickers, is_signed=False),
    Endpoint("GET", "/v5/market/kline", market_api.candles, is_signed=False),
    Endpoint("GET", "/v5/market/recent-trade", market_api.recent_trades, is_signed=False),
    Endpoint("POST", "/v5/order/create", order_api.create, is_counted=True),
    Endpoint("POST", "/v5/order/cancel", order_api.cancel, is_counted=True),
    Endpoint("POST", "/v5/order/cancel-all", order_api.cancel_all, is_counted=True),
    Endpoint("GET", "/v5/order/realtime", order_api.open_orders),
    Endpoint("GET", "/v5/order/history", order_api.order_history),
    Endpoint("GET", "/v5/execution/list", order_api.executions),
    Endpoint("GET", "/v5/account/wallet-balance", order_api.wallet),
    Endpoint("GET", "/v5/account/fee-rate", order_api.fee_rate),
    Endpoint("GET", "/v5/account/info", order_api.account_information),
    Endpoint("GET", "/v5/user/query-api", order_api.key_information),
)
"""All that is served, with what needs a signature and what counts against the account's rate."""


class Rate:
    """Counts an account's requests by endpoint and second."""

    def __init__(self, exchange: SpotExchange, per_s: int | None) -> None:
        self._exchange = exchange
        self._per_s = per_s
        self._counts: Counter[tuple[str, str, int]] = Counter()

    def charge(self, api_key: str, path: str) -> Mapping[str, str]:
        """Count a request and return the headers about it; raise BybitError 10006 above the limit."""
        if self._per_s is None:
            return {}
        second = self._exchange.clock.now_ms() // SECOND_MS
        window = api_key, path, second
        self._counts[window] += 1
        left = self._per_s - self._counts[window]
        if left < 0:
            raise BybitError(10006, "Too many visits. Exceeded the API Rate Limit.")
        return {
            "X-Bapi-Limit": str(self._per_s),
            "X-Bapi-Limit-Status": str(left),
            "X-Bapi-Limit-Reset-Timestamp": str((second + 1) * SECOND_MS),
        }

    def reset(self) -> None:
        """Forget what was counted, as after a pause."""
        self._counts.clear()


def handler_of(endpoint: Endpoint, exchange: SpotExchange, rate: Rate) -> Handler:
    """Make the handler of one endpoint; a refusal too has HTTP status 200."""

    def handle(call: Call) -> Answer:
        try:
            account = verified(exchange, call) if endpoint.is_signed else None
            fields = _fields(call)
            headers = rate.charge(account.api_key, call.path) if account and endpoint.is_counted else {}
            request = Request(exchange=exchange, fields=fields, account=account, as_of_ns=call.as_of_ns)
            return Answer(content=enveloped(exchange, endpoint.respond(request)), headers=headers)
        except BybitError as error:
            return Answer(content=refused(exchange, error))

    return handle


def enveloped(exchange: SpotExchange, result: Json) -> Json:
    """What every successful answer is wrapped in."""
    return {
        "retCode": 0,
        "retMsg": "OK",
        "result": result,
        "retExtInfo": {},
        "time": exchange.clock.now_ms(),
    }


def refused(exchange: SpotExchange, error: BybitError) -> Json:
    """The answer to a request that is not served."""
    return {
        "retCode": error.code,
        "retMsg": error.text,
        "result": {},
        "retExtInfo": {},
        "time": exchange.clock.now_ms(),
    }


def place_by_stream(exchange: SpotExchange, account: Account, op: str, fields: Mapping[str, object]) -> Json:
    """Do what `order.create` and `order.cancel` of the trade stream ask for."""
    responds = {"order.create": order_api.create, "order.cancel": order_api.cancel}
    if op not in responds:
        raise BybitError(10404, f"op type is not found: {op}")
    return responds[op](Request(exchange=exchange, fields=fields, account=account))


def _fields(call: Call) -> Mapping[str, object]:
    if call.method != "POST":
        return dict(parse_qsl(call.query, keep_blank_values=True))
    try:
        fields = json.loads(call.body)
    except ValueError as error:
        raise BybitError(PARAMETER_ERROR, "Params Error: not JSON") from error
    if not isinstance(fields, dict):
        raise BybitError(PARAMETER_ERROR, "Params Error: not an object")
    return fields
