"""The REST side of simulated Binance: weight, signature, endpoint, headers, in this order."""

from collections.abc import Mapping

from simulator.exchanges.accounts import Account
from simulator.exchanges.binance.account_api import ACCOUNT
from simulator.exchanges.binance.authentication import verified
from simulator.exchanges.binance.endpoints import Endpoint, Request
from simulator.exchanges.binance.errors import BinanceError
from simulator.exchanges.binance.limits import Budget
from simulator.exchanges.binance.market_api import PUBLIC
from simulator.exchanges.binance.order_api import ORDERS, PLACE
from simulator.exchanges.binance.parameters import Parameters
from simulator.exchanges.exchange import SpotExchange
from simulator.exchanges.fault_gate import Answer, Call, Handler

ENDPOINTS = (*PUBLIC, *ORDERS, *ACCOUNT)


def handler_of(endpoint: Endpoint, exchange: SpotExchange, budget: Budget) -> Handler:
    """Make the handler of one endpoint; every answer, also a refusal, carries the weight used so far."""

    def handle(call: Call) -> Answer:
        try:
            answer = _served(endpoint, exchange, budget, call)
        except BinanceError as error:
            answer = refused(error)
        return _with_headers(answer, budget.weight_headers(call.peer))

    return handle


def refused(error: BinanceError) -> Answer:
    """The answer to a request that is not served."""
    return Answer(content=error.content, status=error.status, headers=error.headers)


def _served(endpoint: Endpoint, exchange: SpotExchange, budget: Budget, call: Call) -> Answer:
    budget.charge(call.peer, endpoint.weigh(_unsigned(call)))
    account: Account | None = None
    parameters = _unsigned(call)
    if endpoint.is_signed:
        signed = call.query + call.body
        account, parameters = verified(exchange, api_key=call.headers.get("X-MBX-APIKEY"), signed_text=signed)
    request = Request(
        exchange=exchange, budget=budget, parameters=parameters, account=account, as_of_ns=call.as_of_ns
    )
    content = endpoint.respond(request)
    headers = budget.order_headers(account.api_key) if account and endpoint is PLACE else {}
    return Answer(content=content, headers=headers)


def _unsigned(call: Call) -> Parameters:
    return Parameters.parsed(call.query)


def _with_headers(answer: Answer, headers: Mapping[str, str]) -> Answer:
    merged = {**headers, **answer.headers}
    return Answer(content=answer.content, status=answer.status, headers=merged, text=answer.text)
