"""One connection after the other: signs of life, patience, large messages, and why the last one ended."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aiohttp
import pytest

import clock
from tests.venues.polymarket.loopback import LoopbackVenue, loopback_venue, running, until
from venues.polymarket.public_reads import new_session
from venues.polymarket.stream_socket import (
    BACKOFF_S,
    BACKOFF_S_MAX,
    OUTGOING_MAX,
    SocketRules,
    StreamSocket,
    backoff_s,
)


class Noted:
    """A handler that notes everything."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.losses: list[str] = []

    def opening_frames(self) -> Iterable[bytes]:
        yield b"hello"
        yield b"PING"

    def take(self, raw: bytes) -> None:
        self.frames.append(raw)

    def lost(self, reason: str) -> None:
        self.losses.append(reason)


def socket_to(
    url: str, handler: Noted, session: aiohttp.ClientSession, dead_after_s: float = 30.0
) -> StreamSocket:
    """A socket that pings four times before it counts as dead."""
    rules = SocketRules(name="test", url=url, ping_s=dead_after_s / 4, dead_after_s=dead_after_s)
    return StreamSocket(rules, handler, session, now_s=clock.monotonic_s)


@asynccontextmanager
async def connected(dead_after_s: float = 30.0) -> AsyncIterator[tuple[LoopbackVenue, StreamSocket, Noted]]:
    """A socket on a loopback venue that has been answered."""
    handler = Noted()
    async with loopback_venue() as venue, new_session() as session:
        socket = socket_to(venue.hosts.user_stream, handler, session, dead_after_s)
        async with running(socket.run()):
            await until(lambda: bool(handler.frames))
            yield venue, socket, handler


def test_opening_frames_are_said_in_order_on_every_connection() -> None:
    async def talk() -> tuple[list[str], Noted, StreamSocket]:
        async with connected() as (venue, socket, handler):
            await venue.cut("/ws/user")
            await until(lambda: len(handler.frames) == 2)
            return venue.said, handler, socket

    said, handler, socket = asyncio.run(talk())

    assert said == ["hello", "PING", "hello", "PING"]
    assert handler.losses == ["closed by the venue with 1013 slow reader"]
    assert (socket.counters.connections, socket.counters.failures) == (2, 1)


@pytest.mark.slow
def test_a_connection_without_a_sign_of_life_is_given_up() -> None:
    async def talk() -> tuple[float, Noted]:
        async with connected(dead_after_s=1.0) as (venue, _, handler):
            venue.is_stalled = True
            return await until(lambda: bool(handler.losses)), handler

    seconds, handler = asyncio.run(talk())

    assert handler.losses == ["no sign of life for 1 s"]
    assert 0.7 < seconds < 2.0


@pytest.mark.slow
def test_a_quiet_connection_that_answers_pings_is_kept() -> None:
    async def talk() -> tuple[Noted, int]:
        async with connected(dead_after_s=0.8) as (_, socket, handler):
            await asyncio.sleep(1.6)
            return handler, socket.counters.connections

    handler, connections = asyncio.run(talk())

    assert (handler.losses, connections) == ([], 1)
    assert set(handler.frames) == {b"PONG"}


def test_a_message_of_many_megabytes_is_received() -> None:
    async def talk() -> int:
        async with connected() as (venue, _, handler):
            await venue.tell("x" * 9_000_000, "/ws/user")
            await until(lambda: len(handler.frames[-1]) > 10)
            return len(handler.frames[-1])

    assert asyncio.run(talk()) == 9_000_000


def test_a_venue_that_is_not_there_is_tried_again_and_the_reason_kept() -> None:
    async def talk() -> tuple[StreamSocket, Noted]:
        handler = Noted()
        async with new_session() as session:
            socket = socket_to("ws://127.0.0.1:1/ws", handler, session)
            async with running(socket.run()):
                await until(lambda: len(handler.losses) == 2)
        return socket, handler

    socket, handler = asyncio.run(talk())

    assert socket.counters.connections == 0
    assert "no connection" in handler.losses[0]
    assert socket.counters.last_failure == handler.losses[1]


def test_frames_are_dropped_without_a_connection_and_bounded_with_one() -> None:
    async def talk() -> tuple[Noted, list[str]]:
        async with connected() as (venue, socket, handler):
            for _ in range(OUTGOING_MAX + 1):
                socket.send_nowait(b"much")
            await until(lambda: bool(handler.losses))
            socket.send_nowait(b"nobody hears this")
            return handler, list(venue.said)

    handler, said = asyncio.run(talk())

    assert handler.losses == [f"{OUTGOING_MAX} frames wait to be sent"]
    assert "nobody hears this" not in said


def test_what_a_handler_raises_ends_the_stream_and_is_no_loss_of_the_connection() -> None:
    class Broken(Noted):
        def take(self, raw: bytes) -> None:
            raise OSError("the disk is full")

    async def talk() -> Noted:
        handler = Broken()
        async with loopback_venue() as venue, new_session() as session:
            with pytest.raises(ExceptionGroup) as error:
                await socket_to(venue.hosts.user_stream, handler, session).run()
        assert error.group_contains(OSError, match="the disk is full")
        return handler

    assert asyncio.run(talk()).losses == []


@pytest.mark.parametrize("attempt", [0, 1, 5, 50])
def test_the_back_off_grows_to_a_limit_and_is_the_same_again(attempt: int) -> None:
    longest_s = min(BACKOFF_S_MAX, BACKOFF_S * 2**attempt)

    assert longest_s / 2 <= backoff_s("market-0", attempt) <= longest_s
    assert backoff_s("market-0", attempt) == backoff_s("market-0", attempt)


def test_connections_do_not_return_in_step() -> None:
    assert len({backoff_s(f"market-{number}", 3) for number in range(20)}) > 15
