"""Lean HTTP/1.1 over connections that stay open: it knows whether a byte has left, and costs an order little.

A general client takes a third of a millisecond of this process for each order, and repeats some requests by itself.
This one writes prebuilt bytes, reads one answer, and says of a failure whether the request may have arrived.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Coroutine, Mapping
from typing import cast
from urllib.parse import urlsplit

from venues.polymarket.outcomes import Answer, InterruptedRequestError, NotConnectedError

HEAD_BYTES_MAX = 65_536
BODY_BYTES_MAX = 16_000_000
"""Longer than any answer that the venue is known to give: what exceeds it is not read."""

HEAD_END = b"\r\n\r\n"
CRLF = b"\r\n"
STATUS = slice(9, 12)
INFORMATIONAL = range(100, 200)
WITHOUT_BODY = (204, 304)


class Channel(asyncio.Protocol):
    """One connection: one request at a time, and its answer."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._buffer = bytearray()
        self._stays_open = True

    @property
    def is_usable(self) -> bool:
        """Say whether the next request may go over this connection."""
        return self._transport is not None and not self._transport.is_closing() and self._stays_open

    def begin(self, request: bytes) -> None:
        """Write a request; `finish` must be awaited for its answer."""
        assert self._waiting is None, "a request on a connection that is busy"
        if not self.is_usable or self._transport is None:
            raise NotConnectedError("the connection was closed before the request was written")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)

    async def finish(self) -> Answer:
        """Wait for the answer; InterruptedRequestError where the connection breaks before it is complete."""
        assert self._waiting is not None, "nothing was asked"
        try:
            return await self._waiting
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._waiting = None

    def close(self) -> None:
        """Close the connection; a request under way ends as interrupted."""
        if self._transport:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop when the connection stands."""
        self._transport = cast(asyncio.WriteTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop when it has ended: without a length, that is the end of the answer too."""
        self._transport = None
        if self._waiting is None or self._waiting.done():
            return
        answer = None if exc else self._parsed_quietly(is_at_end=True)
        if answer:
            self._waiting.set_result(answer)
            return
        error = InterruptedRequestError(
            str(exc) if exc else "the venue hung up before its answer was complete"
        )
        error.__cause__ = exc
        self._waiting.set_exception(error)

    def data_received(self, data: bytes) -> None:
        """Called by the loop with what came."""
        self._buffer += data
        if self._waiting is None or self._waiting.done():
            self.close()  # an answer that nobody asked for: whose it is cannot be told
            return
        try:
            answer = self._parsed(is_at_end=False)
        except ValueError as error:
            self._waiting.set_exception(InterruptedRequestError(f"no HTTP answer: {error}"))
            self.close()
            return
        if answer:
            if self._buffer or not self._stays_open:
                self.close()
            self._waiting.set_result(answer)

    def _parsed_quietly(self, *, is_at_end: bool) -> Answer | None:
        try:
            return self._parsed(is_at_end=is_at_end)
        except ValueError:
            return None

    def _parsed(self, *, is_at_end: bool) -> Answer | None:
        """Take the answer off the buffer once it is complete; ValueError where it is none."""
        while True:
            end = self._buffer.find(HEAD_END)
            if end < 0:
                if len(self._buffer) > HEAD_BYTES_MAX:
                    raise ValueError("a head that does not end")
                return None
            status, headers = parse_head(bytes(self._buffer[:end]))
            if status not in INFORMATIONAL:
                break
            del self._buffer[: end + len(HEAD_END)]
        start = end + len(HEAD_END)
        body, used = self._body(status, headers, start, is_at_end)
        if body is None:
            return None
        del self._buffer[:used]
        return Answer(status, headers, body)

    def _body(
        self, status: int, headers: Mapping[str, str], start: int, is_at_end: bool
    ) -> tuple[bytes | None, int]:
        """The whole body and where it ends in the buffer, None while some of it is missing."""
        if headers.get("connection", "").lower() == "close":
            self._stays_open = False
        if headers.get("content-encoding", "identity") != "identity":
            raise ValueError("a compressed body that was not asked for")
        if status in WITHOUT_BODY:
            return b"", start
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return unchunked(self._buffer, start)
        length = headers.get("content-length")
        if length is None:
            self._stays_open = False
            check_length(len(self._buffer) - start)
            return (bytes(self._buffer[start:]), len(self._buffer)) if is_at_end else (None, start)
        if not length.isdecimal():
            raise ValueError(f"a length of {length[:20]!r}")
        check_length(int(length))
        end = start + int(length)
        return (bytes(self._buffer[start:end]), end) if len(self._buffer) >= end else (None, start)


class Channels:
    """The connections to one host: the one used last is used next, so that few stay warm."""

    def __init__(self, base_url: str, *, connections_max: int, connect_timeout_s: float) -> None:
        parts = urlsplit(base_url)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._address = parts.hostname or "", parts.port or (443 if self._tls else 80)
        self._connections_max = connections_max
        self._connect_timeout_s = connect_timeout_s
        self._idle: list[Channel] = []
        self._count = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._is_closed = False

    def begin(self, request: bytes) -> Coroutine[None, None, Answer]:
        """Write a request at once where a connection is idle; what is returned must be awaited for the answer.

        NotConnectedError: no byte has left. InterruptedRequestError, TimeoutError: it may have arrived.
        """
        channel = self._idle_one()
        if channel is None:
            return self._exchange(request)
        channel.begin(request)
        return self._finish(channel)

    async def _exchange(self, request: bytes) -> Answer:
        channel = await self._acquire()
        try:
            channel.begin(request)
        except NotConnectedError:
            self._release(channel)
            raise
        return await self._finish(channel)

    async def _finish(self, channel: Channel) -> Answer:
        try:
            return await channel.finish()
        finally:
            self._release(channel)

    def _idle_one(self) -> Channel | None:
        """The connection used last that still stands."""
        while self._idle:
            channel = self._idle.pop()
            if channel.is_usable:
                return channel
            self._count -= 1
        return None

    def close(self) -> None:
        """Close what is idle, and refuse what comes; requests under way end by themselves."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()

    async def _acquire(self) -> Channel:
        if channel := self._idle_one():
            return channel
        if self._is_closed:
            raise NotConnectedError("the connections were closed")
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                if self._count >= self._connections_max:
                    return await self._wait_for_one()
                return await self._connect()
        except TimeoutError as error:
            raise NotConnectedError(f"no connection within {self._connect_timeout_s} s") from error

    async def _wait_for_one(self) -> Channel:
        """All are busy: wait in turn until one is free."""
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._call_next()
            raise
        return self._idle_one() or await self._connect()

    async def _connect(self) -> Channel:
        """Open one more connection; its place is given up again where that fails or takes too long."""
        self._count += 1
        channel: Channel | None = None
        try:
            host, port = self._address
            loop = asyncio.get_running_loop()
            _, channel = await loop.create_connection(Channel, host, port, ssl=self._tls)
        except (OSError, ssl.SSLError) as error:
            raise NotConnectedError(f"{type(error).__name__}: {error}") from error
        finally:
            if channel is None:
                self._give_up_place()
        return channel

    def _release(self, channel: Channel) -> None:
        if channel.is_usable and not self._is_closed:
            self._idle.append(channel)
            self._call_next()
        else:
            channel.close()
            self._give_up_place()

    def _give_up_place(self) -> None:
        self._count -= 1
        self._call_next()

    def _call_next(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Status and headers, their names in lower case, of several of one name the last.

    >>> parse_head(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2")
    (200, {'content-length': '2'})
    """
    first, *lines = head.split(CRLF)
    status = first[STATUS]
    if not first.startswith(b"HTTP/1.") or not status.isdigit():
        raise ValueError(f"a first line of {first[:40]!r}")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise ValueError(f"a header of {line[:40]!r}")
        headers[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")
    return int(status), headers


def unchunked(buffer: bytearray, start: int) -> tuple[bytes | None, int]:
    """Join the chunks of a body, which begin at `start`; None while the last is missing."""
    body, at = bytearray(), start
    while True:
        line_end = buffer.find(CRLF, at)
        if line_end < 0:
            return None, start
        size = int(bytes(buffer[at:line_end]).partition(b";")[0], 16)
        check_length(len(body) + size)
        at = line_end + len(CRLF)
        if size == 0:
            end = (
                buffer.find(CRLF, at)
                if buffer[at : at + 2] == CRLF
                else buffer.find(HEAD_END, at) + len(CRLF)
            )
            return (bytes(body), end + len(CRLF)) if end >= at else (None, start)
        if len(buffer) < at + size + len(CRLF):
            return None, start
        body += buffer[at : at + size]
        at += size + len(CRLF)


def check_length(length: int) -> None:
    """Raise ValueError for a body that is longer than any that is known."""
    if not 0 <= length <= BODY_BYTES_MAX:
        raise ValueError(f"a body of {length} bytes, at most {BODY_BYTES_MAX}")
