"""Authenticated calls: what is signed, what is repeated, and what never is."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from settings import Secret
from tests.venues.polymarket.test_channel import OK, Server
from venues.polymarket.connection import Connection, target_of
from venues.polymarket.outcomes import InterruptedRequestError
from venues.polymarket.signing import Credentials, RequestSigner

NOW_NS = 1_795_200_000_987_654_321
SIGNER = RequestSigner(Credentials(key="k1", secret=Secret("c3Nzcw=="), passphrase=Secret("pp")))

Work = Callable[[Server, Connection], Awaitable[None]]


def play(server: Server, work: Work) -> None:
    async def whole() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        connection = Connection(f"http://127.0.0.1:{port}", owner="0xOwner", wall_ns=lambda: NOW_NS)
        connection.authenticate(SIGNER)
        async with listening:
            await work(server, connection)
            connection.close()
            async with asyncio.timeout(1):
                await server.rest()

    asyncio.run(whole())


def test_a_private_call_proves_the_key_over_path_and_body_and_not_over_the_query() -> None:
    async def work(server: Server, connection: Connection) -> None:
        await connection.call("DELETE", "/order", body=b"{}", query={"a": "b c"})

        head, _, body = server.requests[0].decode().partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        signature = SIGNER.sign(timestamp_s=1_795_200_000, method="DELETE", path="/order", body=b"{}")
        assert (first, body) == ("DELETE /order?a=b+c HTTP/1.1", "{}")
        assert headers["POLY_ADDRESS"] == "0xOwner"
        assert headers["POLY_API_KEY"] == "k1"
        assert headers["POLY_PASSPHRASE"] == "pp"
        assert headers["POLY_TIMESTAMP"] == "1795200000"
        assert headers["POLY_SIGNATURE"] == signature
        assert headers["Content-Length"] == "2"

    play(Server(), work)


def test_a_public_read_shows_nothing_of_the_account() -> None:
    async def work(server: Server, connection: Connection) -> None:
        await connection.ask("/time")

        assert b"POLY" not in server.requests[0]

    play(Server(), work)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_comes_to_the_same_when_it_arrives_twice_is_repeated_once(method: str) -> None:
    async def work(server: Server, connection: Connection) -> None:
        answer = await connection.call(method, "/order")
        with pytest.raises(InterruptedRequestError):
            await connection.call(method, "/order")

        assert answer.body == b"hi"
        assert len(server.requests) == 4

    play(Server(b"", OK, b"", b""), work)


def test_an_order_is_never_repeated() -> None:
    async def work(server: Server, connection: Connection) -> None:
        with pytest.raises(InterruptedRequestError):
            await connection.begin("/order", b"{}")

        assert len(server.requests) == 1

    play(Server(b""), work)


def test_on_an_idle_connection_an_order_has_left_before_anything_is_waited_for() -> None:
    async def work(server: Server, connection: Connection) -> None:
        await connection.ask("/time")
        answering = connection.begin("/order", b"{}")
        await asyncio.sleep(0.01)
        arrived = len(server.requests)

        assert arrived == 2
        assert (await answering).body == b"hi"

    play(Server(), work)


def test_two_connections_are_kept_warm() -> None:
    async def work(server: Server, connection: Connection) -> None:
        async with asyncio.TaskGroup() as tasks:
            warming = tasks.create_task(connection.keep_warm())
            await asyncio.sleep(0.02)
            warming.cancel()

        assert server.connections == 2

    play(Server(), work)


@pytest.mark.parametrize("path", ["/a b", "/a\r\nX: y", "/ü"])
def test_a_path_that_would_end_its_line_is_not_sent(path: str) -> None:
    with pytest.raises(AssertionError):
        target_of(path, None)
