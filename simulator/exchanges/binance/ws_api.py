"""Binance's websocket API: signed requests over a socket, and the account's own events."""

import json
from collections.abc import Mapping
from decimal import Decimal

from aiohttp import web
from msgspec import Struct

from simulator.exchanges.accounts import Account
from simulator.exchanges.binance.authentication import verified_fields
from simulator.exchanges.binance.endpoints import Endpoint, Request
from simulator.exchanges.binance.errors import BinanceError
from simulator.exchanges.binance.limits import Budget
from simulator.exchanges.binance.market_api import rate_limits
from simulator.exchanges.binance.parameters import Parameters
from simulator.exchanges.binance.payloads import Json, account_position, amount, execution_report
from simulator.exchanges.binance.rest import ENDPOINTS
from simulator.exchanges.events import BalancesChanged, ExchangeEvent, OrderChanged
from simulator.exchanges.exchange import SpotExchange
from simulator.exchanges.stream import Stream, StreamTimes
from simulator.faults import Fault

BY_METHOD: Mapping[str, Endpoint] = {e.ws_method: e for e in ENDPOINTS if e.ws_method}
CONNECT_WEIGHT = 2
SUBSCRIBE_WEIGHT = 2
SUBSCRIBE = "userDataStream.subscribe.signature"
UNSUBSCRIBE = "userDataStream.unsubscribe"


class Session(Struct, eq=False):
    """One connection: its subscriptions to accounts' events, by the number that the client was given."""

    stream: Stream
    peer: str
    subscriptions: dict[int, str] = {}
    next_subscription: int = 0


class WebsocketApi:
    """Answers requests and tells subscribers what happens to their orders and balances."""

    def __init__(self, exchange: SpotExchange, budget: Budget, times: StreamTimes) -> None:
        self._exchange = exchange
        self._budget = budget
        self._times = times
        self._sessions: list[Session] = []
        self._reports = 0
        exchange.listen(self._hear)

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one websocket until it closes; connecting costs weight too."""
        peer = request.remote or ""
        try:
            self._budget.charge(peer, CONNECT_WEIGHT)
        except BinanceError as error:
            return web.json_response(error.content, status=error.status, headers=error.headers)
        socket = web.WebSocketResponse(autoping=False, timeout=1.0, compress=False)
        await socket.prepare(request)
        stream = Stream(socket, path=request.path, faults=self._exchange.faults, times=self._times)
        session = Session(stream, peer)
        self._sessions.append(session)
        try:
            await stream.run(lambda text: self._answer(session, text))
        finally:
            self._sessions.remove(session)
        return socket

    def deposit(self, account: Account, asset: str, change: Decimal) -> None:
        """Book money that comes or goes without a trade, and tell the account's subscribers of it."""
        account.deposit(asset, change)
        now_ms = self._exchange.clock.now_ms()
        event: Json = {"e": "balanceUpdate", "E": now_ms, "a": asset, "d": amount(change), "T": now_ms}
        self._tell(account.api_key, event)

    def terminate(self, api_key: str) -> None:
        """End an account's event streams, saying so; the connections stay and nothing more comes on them."""
        self._tell(api_key, {"e": "eventStreamTerminated", "E": self._exchange.clock.now_ms()})
        for session in self._sessions:
            session.subscriptions = {n: key for n, key in session.subscriptions.items() if key != api_key}

    def announce_shutdown(self) -> None:
        """Tell every connection that the server is about to go down."""
        event = {"event": {"e": "serverShutdown", "E": self._exchange.clock.now_ms()}}
        for session in self._sessions:
            session.stream.send("serverShutdown", json.dumps(event))

    def close(self) -> None:
        """End every connection."""
        for session in self._sessions:
            session.stream.end()

    @property
    def subscribers(self) -> int:
        """How many subscriptions to accounts' events there are now."""
        return sum(len(session.subscriptions) for session in self._sessions)

    def _hear(self, event: ExchangeEvent) -> None:
        now_ms = self._exchange.clock.now_ms()
        if isinstance(event, OrderChanged):
            self._reports += 1
            report = execution_report(event, now_ms=now_ms, number=self._reports)
            self._tell(event.order.owner, report)
        elif isinstance(event, BalancesChanged) and (owner := self._exchange.account(event.owner)):
            self._tell(event.owner, account_position(owner, event.assets, now_ms=now_ms))

    def _tell(self, api_key: str, event: Json) -> None:
        for session in self._sessions:
            for number, key in session.subscriptions.items():
                if key == api_key:
                    text = json.dumps({"subscriptionId": number, "event": event}, separators=(",", ":"))
                    session.stream.send(str(event["e"]), text)

    async def _answer(self, session: Session, text: str) -> None:
        try:
            asked = json.loads(text)
            number, method, fields = asked["id"], asked["method"], asked.get("params") or {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problem = {"code": -1135, "msg": f"Invalid JSON request: {error}"}
            session.stream.send("error", json.dumps({"id": None, "status": 400, "error": problem}))
            return
        if self._exchange.faults.strikes(Fault.LOST_REQUEST, f"ws-api {method}"):
            return
        shows_limits = fields.get("returnRateLimits", True) is not False
        try:
            answer: Json = {"id": number, "status": 200, "result": self._result(session, method, fields)}
        except BinanceError as error:
            answer = {"id": number, "status": error.status, "error": error.content}
        if shows_limits:
            answer["rateLimits"] = self._rate_limits(session.peer)
        session.stream.send(f"answer {method}", json.dumps(answer, separators=(",", ":")))

    def _result(self, session: Session, method: str, fields: Mapping[str, object]) -> object:
        if method == SUBSCRIBE:
            return self._subscribe(session, fields)
        if method == UNSUBSCRIBE:
            session.subscriptions = {}
            return {}
        endpoint = BY_METHOD.get(method)
        if endpoint is None:
            raise BinanceError(-1000, f"Unknown method '{method}'.")
        account, parameters = self._opened(endpoint, fields)
        self._budget.charge(session.peer, endpoint.weigh(parameters))
        request = Request(
            exchange=self._exchange, budget=self._budget, parameters=parameters, account=account
        )
        return endpoint.respond(request)

    def _opened(self, endpoint: Endpoint, fields: Mapping[str, object]) -> tuple[Account | None, Parameters]:
        if not endpoint.is_signed:
            return None, Parameters({name: str(value) for name, value in fields.items()})
        account, parameters = verified_fields(self._exchange, fields)
        # ccxt sends its own name for the client's id beside the venue's; whether Binance minds is not known.
        parameters.allow("clientOrderId", "returnRateLimits")
        return account, parameters

    def _subscribe(self, session: Session, fields: Mapping[str, object]) -> Json:
        self._budget.charge(session.peer, SUBSCRIBE_WEIGHT)
        account, parameters = verified_fields(self._exchange, fields)
        parameters.finish()
        number, session.next_subscription = session.next_subscription, session.next_subscription + 1
        session.subscriptions = {**session.subscriptions, number: account.api_key}
        return {"subscriptionId": number}

    def _rate_limits(self, peer: str) -> list[Json]:
        weight = rate_limits(self._budget.limits)[0]
        return [{**weight, "count": self._budget.used_weight(peer)}]
