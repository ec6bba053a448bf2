"""What the public, private and trade sockets of Bybit have in common: operations, topics, answers."""

import json
from collections.abc import Callable, Mapping

from aiohttp import web
from msgspec import Struct

from simulator.exchanges.bybit.errors import BybitError
from simulator.exchanges.exchange import SpotExchange
from simulator.exchanges.stream import Stream, StreamTimes

TOPICS_MAX = 1_000

Fields = Mapping[str, object]


class Connection(Struct, eq=False):
    """One socket: the topics it wants and, once it has logged in, whose events it gets."""

    stream: Stream
    topics: set[str] = set()
    api_key: str = ""

    def send(self, topic: str, message: Fields) -> None:
        """Queue a message; the topic is what faults are matched with."""
        self.stream.send(topic, json.dumps(message, separators=(",", ":")))


Operate = Callable[[Connection, str, Fields], Fields]
"""Carries out one operation and returns what the answer says besides its name and number."""


class Door:
    """Accepts connections of one kind and lets `operate` answer what they send; a refusal is answered too."""

    def __init__(self, exchange: SpotExchange, times: StreamTimes, operate: Operate) -> None:
        self._exchange = exchange
        self._times = times
        self._operate = operate
        self.connections: list[Connection] = []

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one websocket until it closes."""
        socket = web.WebSocketResponse(autoping=False, timeout=1.0, compress=False)
        await socket.prepare(request)
        stream = Stream(socket, path=request.path, faults=self._exchange.faults, times=self._times)
        connection = Connection(stream)
        self.connections.append(connection)
        try:
            await stream.run(lambda text: self._answer(connection, text))
        finally:
            self.connections.remove(connection)
        return socket

    def publish(self, topic: str, message: Fields) -> None:
        """Send to every connection that wants the topic."""
        for connection in self.connections:
            if topic in connection.topics:
                connection.send(topic, message)

    def close(self) -> None:
        """End every connection."""
        for connection in self.connections:
            connection.stream.end()

    async def _answer(self, connection: Connection, text: str) -> None:
        try:
            asked = json.loads(text)
            op = str(asked["op"])
        except (ValueError, KeyError, TypeError) as error:
            connection.send("error", {"success": False, "ret_msg": f"Params Error: {error}", "op": ""})
            return
        number = {"req_id": asked["req_id"]} if "req_id" in asked else {}
        try:
            said = self._operate(connection, op, asked)
        except BybitError as error:
            said = {"success": False, "ret_msg": error.text, "op": op, "request": {"op": op}}
        connection.send(f"answer {op}", {"conn_id": "simulated", **number, **said})


def topics_of(asked: Fields) -> set[str]:
    """The topics that an operation names; raises BybitError where there are none or too many."""
    named = asked.get("args")
    if not isinstance(named, list) or not named or len(named) > TOPICS_MAX:
        raise BybitError(10001, "Params Error")
    return {str(topic) for topic in named}
