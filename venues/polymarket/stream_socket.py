"""One connection of a stream, kept for ever: opened, watched for signs of life, and opened again with patience.

aiohttp's reader is used: on the same loopback socket it delivers more than twice what `websockets` does
(bench/feed.py), it knows no limit of 1 MiB unless told, and it hands out bytes without decoding them to text.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, TypeVar

import aiohttp
from aiohttp import ClientWebSocketResponse, WSMessageTypeError, WSMsgType
from aiohttp.http import WSMessageDecodeText, WSMessageNoDecodeText
from msgspec import Struct

MESSAGE_BYTES_MAX = 256 * 1024 * 1024
"""A first array of 200 books has a few megabytes; at the usual limit of 1 MiB such a connection loops for ever."""

OUTGOING_MAX = 1_000
CONNECT_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 1.0
BACKOFF_S, BACKOFF_S_MAX = 0.25, 30.0
STABLE_S = 10.0
"""A connection that lived for so long proves the venue well: the next back-off begins anew."""

PROTOCOL_PING_S = 20.0
TICK_S = 0.25
FLAWS = (OSError, TimeoutError, aiohttp.ClientError, WSMessageTypeError)

T = TypeVar("T")
Socket = ClientWebSocketResponse[bool]
WSMessage = WSMessageDecodeText | WSMessageNoDecodeText


class StreamLostError(Exception):
    """The connection is gone, or is to be given up; the message says why."""


class Handler(Protocol):
    """What a stream does with its connection; none of these may wait."""

    def opening_frames(self) -> Iterable[bytes]:
        """What to say first on a new connection."""
        ...

    def take(self, raw: bytes) -> None:
        """A text or binary frame has come."""
        ...

    def lost(self, reason: str) -> None:
        """The connection is gone; another will be opened."""
        ...


class SocketRules(Struct, frozen=True, kw_only=True):
    """How a stream is kept alive, in seconds: what is sent so often, and after which silence it counts as dead."""

    name: str
    url: str
    ping: bytes = b"PING"
    ping_s: float = 10.0
    dead_after_s: float = 30.0


class SocketCounters(Struct, kw_only=True):
    """What a connection has been through since the start."""

    is_open: bool = False
    frames: int = 0
    received_bytes: int = 0
    connections: int = 0
    failures: int = 0
    last_failure: str = ""


class StreamSocket:
    """Runs one connection after the other for its handler until it is cancelled."""

    def __init__(
        self,
        rules: SocketRules,
        handler: Handler,
        session: aiohttp.ClientSession,
        *,
        now_s: Callable[[], float],
    ) -> None:
        self.rules = rules
        self.counters = SocketCounters()
        self._handler, self._session, self._now_s = handler, session, now_s
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue(OUTGOING_MAX)
        self._given_up: str | None = None
        self._signs_of_life = 0

    async def run(self) -> None:
        """Connect, read and connect again; only cancellation, or an error of our own, ends it."""
        attempt = 0
        while True:
            opened_s = self._now_s()
            reason = await self._connection()
            attempt = 0 if self._now_s() - opened_s >= STABLE_S else attempt + 1
            self.counters.failures += 1
            self.counters.last_failure = reason
            self._handler.lost(reason)
            await asyncio.sleep(backoff_s(self.rules.name, attempt))

    def send_nowait(self, frame: bytes) -> None:
        """Put a frame in the queue of the present connection; without one it is dropped, since opening frames say
        all that is wanted."""
        if not self.counters.is_open:
            return
        try:
            self._outgoing.put_nowait(frame)
        except asyncio.QueueFull:
            self.give_up(f"{OUTGOING_MAX} frames wait to be sent")

    def give_up(self, reason: str) -> None:
        """End the present connection as soon as the watch comes round, and open another."""
        if self.counters.is_open:
            self._given_up = self._given_up or reason

    async def _connection(self) -> str:
        """One connection from its opening to its end; says why it ended."""
        self._given_up, self._outgoing = None, asyncio.Queue(OUTGOING_MAX)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                socket = await self._connect()
        except FLAWS as error:
            return f"no connection: {type(error).__name__} {error}"
        try:
            return await self._converse(socket)
        finally:
            self.counters.is_open = False
            await socket.close()

    async def _connect(self) -> Socket:
        return await self._session.ws_connect(
            self.rules.url,
            autoping=False,
            max_msg_size=MESSAGE_BYTES_MAX,
            decode_text=False,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
        )

    async def _converse(self, socket: Socket) -> str:
        self.counters.connections += 1
        reason = "ended"
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write(socket), name=f"{self.rules.name} writer")
                group.create_task(self._watch(), name=f"{self.rules.name} watch")
                group.create_task(self._read(socket), name=f"{self.rules.name} reader")
        except* StreamLostError as group_error:
            reason = str(_first(group_error))
        return reason

    async def _read(self, socket: Socket) -> None:
        """Hand over every frame; nothing here waits but for the next one."""
        counters, take = self.counters, self._handler.take
        while True:
            try:
                message = await socket.receive()
            except FLAWS as error:
                raise StreamLostError(f"{type(error).__name__} {error}") from error
            self._signs_of_life += 1
            kind = message.type
            if kind is WSMsgType.TEXT or kind is WSMsgType.BINARY:
                raw: bytes = message.data  # as decode_text=False gives it
                counters.frames += 1
                counters.received_bytes += len(raw)
                take(raw)
            elif kind is WSMsgType.PING:
                await _told(socket.pong(message.data or b""))
            elif kind is not WSMsgType.PONG:
                raise StreamLostError(_closing_words(socket, message))

    async def _write(self, socket: Socket) -> None:
        """Send the opening frames, then what is queued, and the protocol's own pings between."""
        opening = list(self._handler.opening_frames())
        self.counters.is_open = True
        for frame in opening:
            await _told(socket.send_str(frame.decode()))
        due_s = self._now_s() + PROTOCOL_PING_S
        while True:
            try:
                async with asyncio.timeout(max(0.0, due_s - self._now_s())):
                    frame = await self._outgoing.get()
            except TimeoutError:
                await _told(socket.ping())
                due_s = self._now_s() + PROTOCOL_PING_S
            else:
                await _told(socket.send_str(frame.decode()))

    async def _watch(self) -> None:
        """Queue the text pings, and give up a connection that shows no sign of life; this never waits for it."""
        rules, seen = self.rules, -1
        heard_s = pinged_s = self._now_s()
        while True:
            now_s = self._now_s()
            if self._signs_of_life != seen:
                seen, heard_s = self._signs_of_life, now_s
            if self._given_up is not None:
                raise StreamLostError(self._given_up)
            if now_s - heard_s >= rules.dead_after_s:
                raise StreamLostError(f"no sign of life for {rules.dead_after_s:g} s")
            if now_s - pinged_s >= rules.ping_s:
                pinged_s = now_s
                self.send_nowait(rules.ping)
            await asyncio.sleep(min(TICK_S, rules.ping_s / 4))


def backoff_s(name: str, attempt: int) -> float:
    """Seconds before the next attempt: twice as long each time up to a limit, the upper half of it spread by a
    hash of the name, so that the connections of a daemon do not return in step.

    >>> [backoff_s("market-0", attempt) <= limit for attempt, limit in ((0, 0.25), (1, 0.5), (99, 30))]
    [True, True, True]
    """
    longest_s: float = min(BACKOFF_S_MAX, BACKOFF_S * 2 ** min(attempt, 16))
    share = hashlib.sha256(f"{name}/{attempt}".encode()).digest()[0] / 255
    return longest_s * (0.5 + share / 2)


async def _told(network: Awaitable[T]) -> T:
    """Turn what the network raises into the end of this connection; what handlers raise is not touched."""
    try:
        return await network
    except FLAWS as error:
        raise StreamLostError(f"{type(error).__name__} {error}") from error


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first plain exception in a group, however deep."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _closing_words(socket: Socket, message: WSMessage) -> str:
    if message.type is WSMsgType.ERROR:
        return f"{type(message.data).__name__} {message.data}"
    text = f" {message.extra}" if message.extra else ""
    return f"closed by the venue with {socket.close_code}{text}"
