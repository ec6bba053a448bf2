"""Requests over kept connections, against a server that answers in every way that one can."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.polymarket.channel import Channels, parse_head, unchunked
from venues.polymarket.outcomes import Answer, InterruptedRequestError, NotConnectedError

REQUEST = b"POST /order HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Tier: Gold\r\n\r\nhi"

Work = Callable[["Server", Channels], Awaitable[None]]


class Server:
    """Answers each request with the next piece of its script; b"" hangs up."""

    def __init__(self, *script: bytes, pieces: int = 1_000_000) -> None:
        self.script = list(script)
        self.requests: list[bytes] = []
        self.connections = 0
        self.busy = 0
        self._pieces = pieces

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.busy += 1
        with suppress(ConnectionError):  # the client may close first
            await self._answer(reader, writer)
        writer.close()
        self.busy -= 1

    async def rest(self) -> None:
        """Wait until every connection has ended."""
        while True:
            if not self.busy:
                return
            await asyncio.sleep(0.001)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.read(65_536):
            self.requests.append(head)
            answer = self.script.pop(0) if self.script else OK
            for start in range(0, len(answer), self._pieces):
                writer.write(answer[start : start + self._pieces])
                await writer.drain()
                await asyncio.sleep(0)
            says_its_end = b"Content-Length" in answer or b"chunked" in answer
            if not says_its_end or b"Connection: close" in answer:
                break


def play(server: Server, work: Work, *, connections_max: int = 4) -> None:
    async def whole() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        channels = Channels(
            f"http://127.0.0.1:{port}", connections_max=connections_max, connect_timeout_s=0.05
        )
        async with listening:
            await work(server, channels)
            channels.close()
            async with asyncio.timeout(1):
                await server.rest()

    asyncio.run(whole())


def test_requests_one_after_the_other_share_a_connection() -> None:
    async def work(server: Server, channels: Channels) -> None:
        answers = [await channels.begin(REQUEST) for _ in range(3)]

        assert answers == [Answer(200, {"content-length": "2", "x-tier": "Gold"}, b"hi")] * 3
        assert (server.connections, server.requests) == (1, [REQUEST] * 3)

    play(Server(), work)


@pytest.mark.parametrize(
    ("raw", "status", "body"),
    [
        pytest.param(OK, 200, b"hi", id="a length"),
        pytest.param(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 204, b"", id="no body"),
        pytest.param(b"HTTP/1.1 425 Too Early\r\nContent-Length: 0\r\n\r\n", 425, b"", id="an empty refusal"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n4;x=y\r\n you\r\n0\r\n\r\n",
            200,
            b"hi you",
            id="chunks",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nDigest: x\r\n\r\n",
            200,
            b"hi",
            id="chunks with a trailer",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, b"until the end", id="until it closes"),
        pytest.param(b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK, 200, b"hi", id="a hint before it"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
            200,
            b"hi",
            id="and closes",
        ),
    ],
)
@pytest.mark.parametrize("pieces", [1, 7, 1_000_000])
def test_an_answer_is_read_however_it_comes(raw: bytes, status: int, body: bytes, pieces: int) -> None:
    async def work(server: Server, channels: Channels) -> None:
        first = await channels.begin(REQUEST)
        second = await channels.begin(REQUEST)

        assert (first.status, first.body) == (status, body)
        assert second.body == b"hi"

    play(Server(raw, pieces=pieces), work)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="hung up"),
        pytest.param(OK[:20], id="cut in the head"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nhi", id="cut in the body"
        ),
        pytest.param(b"SMTP ready Content-Length\r\n\r\n", id="no HTTP"),
        pytest.param(b"HTTP/1.1 2x0 OK\r\nContent-Length: 2\r\n\r\nhi", id="no status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nhi", id="no length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", id="a huge length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n", id="no header"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi", id="compressed"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nContent-Length", id="no chunk"
        ),
        pytest.param(b"Content-Length" + b"x" * 70_000, id="a head without an end"),
    ],
)
def test_whatever_goes_wrong_after_the_request_was_written_it_may_have_arrived(raw: bytes) -> None:
    async def work(server: Server, channels: Channels) -> None:
        with pytest.raises(InterruptedRequestError):
            await channels.begin(REQUEST)

        assert (await channels.begin(REQUEST)).body == b"hi"
        assert server.connections == 2

    play(Server(raw), work)


def test_an_answer_that_nobody_asked_for_is_given_to_nobody() -> None:
    async def work(server: Server, channels: Channels) -> None:
        first = await channels.begin(REQUEST)
        await asyncio.sleep(0.01)
        second = await channels.begin(REQUEST)

        assert (first.body, second.body) == (b"hi", b"hi")
        assert server.connections == 2

    play(Server(OK + OK.replace(b"hi", b"no")), work)


def test_a_request_that_is_given_up_is_never_answered_by_a_later_one() -> None:
    async def work(server: Server, channels: Channels) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await channels.begin(REQUEST)

        assert (await channels.begin(REQUEST)).body == b"hi"
        assert server.connections == 2

    play(Server(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"), work)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://127.0.0.1:1", id="refused"),
        pytest.param("http://no-such-host.invalid", id="DNS"),
        pytest.param("https://127.0.0.1:{port}", id="TLS"),
    ],
)
def test_without_a_connection_no_byte_has_left(url: str) -> None:
    async def work(server: Server, channels: Channels) -> None:
        port = channels._address[1]
        other = Channels(url.format(port=port), connections_max=1, connect_timeout_s=1)

        with pytest.raises(NotConnectedError):
            await other.begin(REQUEST)

        assert not [request for request in server.requests if request.startswith(b"POST")]

    play(Server(b""), work)


def test_who_waits_for_a_busy_connection_too_long_has_sent_nothing() -> None:
    async def work(server: Server, channels: Channels) -> None:
        async with asyncio.TaskGroup() as tasks:
            slow = tasks.create_task(channels.begin(REQUEST))
            await asyncio.sleep(0.01)
            with pytest.raises(NotConnectedError, match="no connection within"):
                await channels.begin(REQUEST)
            slow.cancel()

        assert len(server.requests) == 1

    play(Server(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"), work, connections_max=1)


def test_many_at_once_share_the_connections_there_are() -> None:
    async def work(server: Server, channels: Channels) -> None:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(channels.begin(REQUEST)) for _ in range(50)]

        assert [task.result().body for task in running] == [b"hi"] * 50
        assert server.connections <= 4

    play(Server(), work)


def test_after_closing_nothing_is_sent() -> None:
    async def work(server: Server, channels: Channels) -> None:
        await channels.begin(REQUEST)
        channels.close()

        with pytest.raises(NotConnectedError):
            await channels.begin(REQUEST)

        assert len(server.requests) == 1

    play(Server(), work)


@given(body=st.binary(max_size=200), cuts=st.lists(st.integers(min_value=1, max_value=40), min_size=1))
def test_chunks_are_joined_to_what_was_cut_and_are_incomplete_until_the_end(
    body: bytes, cuts: list[int]
) -> None:
    chunks, at = bytearray(), 0
    while at < len(body):
        size = cuts[at % len(cuts)]
        piece = body[at : at + size]
        chunks += b"%x\r\n%s\r\n" % (len(piece), piece)
        at += size
    chunks += b"0\r\n\r\n"

    joined, end = unchunked(chunks, 0)

    assert (joined, end) == (body, len(chunks))
    assert unchunked(chunks[:-1], 0)[0] is None


def test_a_head_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="first line"):
        parse_head(b"GET / HTTP/1.1")
