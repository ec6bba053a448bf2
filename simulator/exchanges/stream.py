"""One websocket connection of a simulated exchange: keepalive, limits, end of life, and the faults of a stream."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import WSMsgType, web
from msgspec import Struct

from simulator.faults import ArmedFault, Fault, FaultPlan

QUEUE_MAX = 10_000
"""Messages that wait for a slow reader; one more and the connection is closed."""

CLOSE_GOING_AWAY = 1001
CLOSE_POLICY = 1008
HUGE_MESSAGE = '{"e":"padding","p":"' + "x" * 1_500_000 + '"}'

MESSAGE_FAULTS = (
    *(Fault.DROP_STREAM_MESSAGE, Fault.DUPLICATE_DELIVERY, Fault.REORDER, Fault.LATE_MESSAGE),
    *(Fault.UNKNOWN_MESSAGE, Fault.TRUNCATED_MESSAGE, Fault.HUGE_MESSAGE, Fault.STALL_STREAM),
    *(Fault.DEAD_STREAM, Fault.CUT_STREAM),
)


class StreamTimes(Struct, frozen=True, kw_only=True):
    """When the server pings, how long it waits for the pong, how long a connection lives, how much it takes in."""

    ping_s: float | None = 20.0
    """None for a venue where the client pings."""
    pong_s: float = 60.0
    lifetime_s: float = 24 * 3600.0
    incoming_per_s_max: int = 5


class Message(Struct, frozen=True):
    """Text on its way out; the topic is what faults are matched with, after the connection's path."""

    topic: str
    text: str


OnText = Callable[[str], Awaitable[None]]


class Stream:
    """Sends in order what `send` was given, in its own task; everything ends when the socket closes."""

    def __init__(
        self, socket: web.WebSocketResponse, *, path: str, faults: FaultPlan, times: StreamTimes
    ) -> None:
        self._socket = socket
        self._path = path
        self._faults = faults
        self._times = times
        self._waiting: asyncio.Queue[Message | None] = asyncio.Queue(QUEUE_MAX)
        self._held_back: Message | None = None
        self._unanswered: dict[bytes, float] = {}
        self._arrivals: deque[float] = deque(maxlen=times.incoming_per_s_max + 1)
        self._is_stalled = False
        self._is_dead = False

    def send(self, topic: str, text: str) -> None:
        """Queue a message without waiting; a connection whose reader is far behind is closed instead."""
        try:
            self._waiting.put_nowait(Message(topic, text))
        except asyncio.QueueFull:
            self._is_dead = True
            self._waiting = asyncio.Queue(QUEUE_MAX)
            self.end()

    def end(self) -> None:
        """Close the connection after what is queued; calling it twice is no error."""
        if not self._waiting.full():
            self._waiting.put_nowait(None)

    async def run(self, on_text: OnText) -> None:
        """Serve the connection until it closes; `on_text` gets every text frame of the client."""
        if self._faults.strikes(Fault.REFUSED_STREAM, f"ws {self._path}"):
            await self._socket.close(code=CLOSE_POLICY)
            return
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._write()), group.create_task(self._end_of_life())]
            if self._times.ping_s is not None:
                tasks.append(group.create_task(self._ping(self._times.ping_s)))
            await self._read(on_text)
            for task in tasks:
                task.cancel()

    async def _read(self, on_text: OnText) -> None:
        while not self._socket.closed:
            frame = await self._socket.receive()
            if frame.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return
            if self._is_flooded():
                await self._close(CLOSE_POLICY, b"Too many requests")
                return
            await self._take(frame.type, frame.data, on_text)

    async def _take(self, kind: WSMsgType, data: object, on_text: OnText) -> None:
        if self._is_dead:
            return
        if kind is WSMsgType.TEXT and isinstance(data, str):
            await on_text(data)
        elif kind is WSMsgType.PING and isinstance(data, bytes | bytearray):
            await self._socket.pong(bytes(data))
        elif kind is WSMsgType.PONG and isinstance(data, bytes | bytearray):
            self._hear_pong(bytes(data))

    def _hear_pong(self, payload: bytes) -> None:
        """A pong answers its ping and those before it; one that nobody asked for answers nothing."""
        if payload in self._unanswered:
            self._unanswered.clear()

    def _is_flooded(self) -> bool:
        self._arrivals.append(asyncio.get_running_loop().time())
        is_full = len(self._arrivals) == self._arrivals.maxlen
        return is_full and self._arrivals[-1] - self._arrivals[0] < 1

    async def _ping(self, interval_s: float) -> None:
        """Ping as the venue does; each pong must bring back the payload of a ping, and in time."""
        loop = asyncio.get_running_loop()
        number = 0
        while True:
            await asyncio.sleep(interval_s)
            if any(loop.time() > deadline_s for deadline_s in self._unanswered.values()):
                await self._close(CLOSE_POLICY, b"Pong timeout")
                return
            number += 1
            payload = str(number).encode()
            self._unanswered[payload] = loop.time() + self._times.pong_s
            if not self._is_dead:
                with suppress(ConnectionError):
                    await self._socket.ping(payload)

    async def _end_of_life(self) -> None:
        await asyncio.sleep(self._times.lifetime_s)
        await self._close(CLOSE_GOING_AWAY, b"connection is too old")

    async def _write(self) -> None:
        while (message := await self._waiting.get()) is not None:
            struck = self._faults.strike(MESSAGE_FAULTS, f"ws {self._path} {message.topic}")
            if struck:
                await self._spoil(message, struck)
            elif not (self._is_stalled or self._is_dead):
                await self._put(message)
        await self._close(CLOSE_GOING_AWAY, b"")

    async def _put(self, *messages: Message) -> None:
        held, self._held_back = self._held_back, None
        for message in (*messages, *([held] if held else ())):
            with suppress(ConnectionError):
                await self._socket.send_str(message.text)

    async def _spoil(self, message: Message, struck: ArmedFault) -> None:
        match struck.fault:
            case Fault.DUPLICATE_DELIVERY:
                await self._put(message, message)
            case Fault.REORDER:
                self._held_back = message
            case Fault.LATE_MESSAGE:
                await asyncio.sleep(struck.number("delay_ms", 1000) / 1000)
                await self._put(message)
            case Fault.UNKNOWN_MESSAGE:
                await self._put(Message("", struck.text("body", '{"e":"somethingNew","E":1}')), message)
            case Fault.TRUNCATED_MESSAGE:
                await self._put(Message("", message.text[: len(message.text) // 2]))
            case Fault.HUGE_MESSAGE:
                await self._put(Message("", HUGE_MESSAGE), message)
            case Fault.STALL_STREAM:
                self._is_stalled = True
            case Fault.DEAD_STREAM:
                self._is_dead = True
            case Fault.CUT_STREAM:
                await self._close(struck.number("code", CLOSE_GOING_AWAY), b"")
            case _:
                pass  # DROP_STREAM_MESSAGE: nothing goes out

    async def _close(self, code: int, reason: bytes) -> None:
        if not self._socket.closed:
            await self._socket.close(code=code, message=reason)
