"""Bybit's private and trade streams: an account's orders, executions and wallet, and orders over the socket."""

from collections.abc import Mapping

from simulator.exchanges.bybit.authentication import verified_stream
from simulator.exchanges.bybit.connection import Connection, Door, Fields, topics_of
from simulator.exchanges.bybit.errors import BybitError
from simulator.exchanges.bybit.payloads import Json, execution_row, order_row, wallet_row
from simulator.exchanges.bybit.rest import place_by_stream
from simulator.exchanges.events import BalancesChanged, ExchangeEvent, OrderChanged
from simulator.exchanges.exchange import SpotExchange
from simulator.exchanges.stream import StreamTimes

TOPICS = ("order", "execution", "wallet", "execution.fast")
ERROR = 10001


class PrivateStream:
    """Tells accounts what happens to their orders and balances, once they have logged in."""

    def __init__(self, exchange: SpotExchange, times: StreamTimes) -> None:
        self._exchange = exchange
        self._number = 0
        self.door = Door(exchange, times, self._operate)
        self.trade_door = Door(exchange, times, self._trade)
        exchange.listen(self._hear)

    def _hear(self, event: ExchangeEvent) -> None:
        if isinstance(event, OrderChanged):
            order, fills = event.order, self._exchange.log.fills_of_order(event.order.id)
            if event.fill:
                self._tell(order.owner, "execution", execution_row(event.fill, order))
            self._tell(order.owner, "order", order_row(order, fills))
        elif isinstance(event, BalancesChanged) and (owner := self._exchange.account(event.owner)):
            self._tell(event.owner, "wallet", wallet_row(owner, event.assets))

    def _tell(self, api_key: str, topic: str, row: Json) -> None:
        self._number += 1
        now_ms = self._exchange.clock.now_ms()
        message = {"id": str(self._number), "topic": topic, "creationTime": now_ms, "data": [row]}
        for connection in self.door.connections:
            if connection.api_key == api_key and topic in connection.topics:
                connection.send(topic, message)

    def _operate(self, connection: Connection, op: str, asked: Fields) -> Fields:
        if op == "ping":
            return {"op": "pong", "args": [str(self._exchange.clock.now_ms())]}
        if op == "auth":
            self._log_in(connection, asked)
            return {"success": True, "ret_msg": "", "op": "auth"}
        if not connection.api_key:
            raise BybitError(ERROR, "Request not authorized")
        topics = topics_of(asked)
        if op == "subscribe" and topics <= set(TOPICS):
            connection.topics |= topics
        elif op == "unsubscribe":
            connection.topics -= topics
        else:
            raise BybitError(ERROR, f"error:handler not found,topic:{sorted(topics)}")
        return {"success": True, "ret_msg": "", "op": op}

    def _trade(self, connection: Connection, op: str, asked: Fields) -> Fields:
        """Answer in the shape of the trade stream, which is that of REST and not that of the other streams."""
        shown: dict[str, object] = {"op": op, "connId": "simulated"}
        if "reqId" in asked:
            shown["reqId"] = asked["reqId"]
        try:
            return {**shown, "retCode": 0, "retMsg": "OK", **self._traded(connection, op, asked)}
        except BybitError as error:
            return {**shown, "retCode": error.code, "retMsg": error.text, "data": {}, "header": {}}

    def _traded(self, connection: Connection, op: str, asked: Fields) -> Fields:
        if op == "ping":
            return {"op": "pong", "data": [str(self._exchange.clock.now_ms())]}
        if op == "auth":
            self._log_in(connection, asked)
            return {}
        account = self._exchange.account(connection.api_key)
        arguments = asked.get("args")
        if account is None:
            raise BybitError(10003, "Request not authorized")
        if not isinstance(arguments, list) or not arguments or not isinstance(arguments[0], Mapping):
            raise BybitError(ERROR, "Params Error")
        return {"data": place_by_stream(self._exchange, account, op, arguments[0]), "header": {}}

    def _log_in(self, connection: Connection, asked: Fields) -> None:
        arguments = asked.get("args")
        if not isinstance(arguments, list):
            raise BybitError(ERROR, "Params Error")
        connection.api_key = verified_stream(self._exchange, arguments).api_key
