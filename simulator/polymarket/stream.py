"""One websocket of a client: a bounded queue out, faults on the way, and the signs of life."""

import asyncio
import json
from collections.abc import Callable
from weakref import WeakSet

from aiohttp import WSMsgType, web

from simulator.faults import ArmedFault, Fault, FaultPlan
from simulator.polymarket.settings import VenueRules

SLOW_CLIENT = 1013
"""Close code for a client that does not read fast enough."""

GONE, GOING_AWAY = 1006, 1001
FRAME_BYTES_MAX = 1 << 22
HUGE_BYTES = (1 << 20) + 1
DELAY_MS = 1_000
MESSAGE_FAULTS = (
    *(Fault.DROP_STREAM_MESSAGE, Fault.DUPLICATE_DELIVERY, Fault.REORDER, Fault.LATE_MESSAGE),
    *(Fault.UNKNOWN_MESSAGE, Fault.TRUNCATED_MESSAGE, Fault.HUGE_MESSAGE, Fault.EMPTY_FIELDS),
    *(Fault.STALL_STREAM, Fault.DEAD_STREAM, Fault.CUT_STREAM),
)

OnText = Callable[[str], None]


class Stream:
    """Messages to one client; `tell` goes through the faults, `answer` only through a dead line."""

    def __init__(self, faults: FaultPlan, path: str, *, queue_max: int) -> None:
        self._faults = faults
        self._path = path
        self._queue_max = queue_max
        self._queue: asyncio.Queue[str | int] = asyncio.Queue(queue_max + 1)
        self._held: str | None = None
        self._is_stalled = False
        self._is_dead = False

    async def serve(self, request: web.Request, on_text: OnText) -> web.WebSocketResponse:
        """Accept the socket and stay until either side closes; `on_text` gets every text frame."""
        socket = web.WebSocketResponse(autoping=False, max_msg_size=FRAME_BYTES_MAX, timeout=0.5)
        await socket.prepare(request)
        if self._faults.strikes(Fault.REFUSED_STREAM, f"ws {self._path}"):
            await socket.close(code=GOING_AWAY)
            return socket
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._write(socket, request), name=f"writer of {self._path}")
            try:
                await self._read(socket, on_text)
            finally:
                writing.cancel()
        return socket

    def tell(self, kind: str, text: str) -> None:
        """Queue a message of a kind, as whatever strikes it lets it through."""
        if self._is_stalled or self._is_dead:
            return
        fault = self._faults.strike(MESSAGE_FAULTS, f"ws {self._path} {kind}")
        if fault is None:
            self._put(text)
            self._release()
            return
        self._struck(fault, text)

    def answer(self, text: str) -> None:
        """Queue an answer to the client, also on a stalled stream."""
        if not self._is_dead:
            self._put(text)

    def close(self, code: int) -> None:
        """Close after what is queued."""
        self._put(code)

    def _struck(self, fault: ArmedFault, text: str) -> None:
        match fault.fault:
            case Fault.DUPLICATE_DELIVERY:
                self._put(text)
                self._put(text)
            case Fault.REORDER:
                self._held = text
            case Fault.LATE_MESSAGE:
                delay_s = fault.number("delay_ms", DELAY_MS) / 1000
                asyncio.get_running_loop().call_later(delay_s, self._put, text)
            case Fault.UNKNOWN_MESSAGE:
                self._put('{"event_type":"surprise","payload":{"of":["a","kind"]}}')
                self._put(text)
            case Fault.TRUNCATED_MESSAGE:
                self._put(text[: len(text) // 2])
            case Fault.HUGE_MESSAGE:
                self._put(text[0] + " " * HUGE_BYTES + text[1:])
            case Fault.EMPTY_FIELDS:
                self._put(_emptied(text, fault.text("fields", "size_matched").split(",")))
            case Fault.STALL_STREAM:
                self._is_stalled = True
            case Fault.DEAD_STREAM:
                self._is_dead = True
            case Fault.CUT_STREAM:
                self._put(fault.number("code", GONE))
            case _:
                pass  # dropped

    def _release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._put(held)

    def _put(self, item: str | int) -> None:
        """Queue for the writer; a client that lets the queue fill up is closed."""
        if self._queue.qsize() >= self._queue_max:
            self._is_stalled = True
            item = SLOW_CLIENT
        if not self._queue.full():
            self._queue.put_nowait(item)

    async def _write(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        while not socket.closed:
            item = await self._queue.get()
            if item == GONE:
                if request.transport is not None:
                    request.transport.abort()
                return
            try:
                if isinstance(item, int):
                    await socket.close(code=item)
                    return
                await socket.send_str(item)
            except ConnectionError:
                return

    async def _read(self, socket: web.WebSocketResponse, on_text: OnText) -> None:
        async for message in socket:
            if self._is_dead:
                continue
            if message.type is WSMsgType.TEXT:
                on_text(message.data)
            elif message.type is WSMsgType.PING:
                await socket.pong(message.data)


class Streams:
    """Opens the streams of one venue and can end them all."""

    def __init__(self, faults: FaultPlan, rules: VenueRules) -> None:
        self._faults = faults
        self._rules = rules
        self._open: WeakSet[Stream] = WeakSet()

    def open(self, path: str) -> Stream:
        """A stream for one connection."""
        stream = Stream(self._faults, path, queue_max=self._rules.stream_queue_max)
        self._open.add(stream)
        return stream

    def close_all(self, code: int = GOING_AWAY) -> None:
        """End every connection after what is queued for it."""
        for stream in list(self._open):
            stream.close(code)


def _emptied(text: str, names: list[str]) -> str:
    """The message with these fields empty, on its top level or in the objects of its lists."""
    value = json.loads(text)
    for one in value if isinstance(value, list) else [value]:
        for name in names:
            if name in one:
                one[name] = ""
    return json.dumps(value, separators=(",", ":"))


def read_object(text: str) -> dict[str, object] | None:
    """The frame as a JSON object; None where it is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def texts(value: object) -> list[str]:
    """The strings of a list in a frame; empty where it is none."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
