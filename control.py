"""Commands to a running daemon: a socket beside the database that only its owner can open, one JSON line each way."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from domain.errors import UserError

LINE_BYTES_MAX = 4_096
ANSWER_S_MAX = 10


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`action` is status, pause, resume or decide; `strategy` is whom to pause or resume, `order` and `decision`
    (absent or open) are a person's word on an order that no read could settle."""

    action: str
    strategy: str = ""
    order: str = ""
    decision: str = ""


class Answer(Struct, frozen=True, kw_only=True):
    """Lines for a person; `is_refused` where the request could not be followed."""

    lines: list[str]
    is_refused: bool = False


@contextlib.asynccontextmanager
async def listening(db: Path, answer: Callable[[Request], Awaitable[Answer]]) -> AsyncIterator[None]:
    """Answer requests while the body runs; the socket is removed afterwards."""
    path = _socket_path(db)
    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(_handler(answer), sock=_bound(path), limit=LINE_BYTES_MAX)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)


def speak(db: Path, request: Request) -> list[str]:
    """Send a request to the daemon of this database and return its lines; UserError where none answers or refuses."""
    path = _socket_path(db)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_S_MAX)
        try:
            with contextlib.chdir(path.parent):
                connection.connect(path.name)
            connection.sendall(msgspec.json.encode(request) + b"\n")
            line = connection.makefile("rb").readline()
            answer = msgspec.json.decode(line, type=Answer)
        except (OSError, msgspec.DecodeError) as error:
            remedy = "start one with this --db, or give the --db of one that runs"
            raise UserError(f"no daemon answers for {db} ({error}); {remedy}") from error
    if answer.is_refused:
        raise UserError(" ".join(answer.lines))
    return answer.lines


def _handler(
    answer: Callable[[Request], Awaitable[Answer]],
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                request = msgspec.json.decode(await reader.readline(), type=Request)
                reply = await answer(request)
        except (msgspec.DecodeError, ValueError, TimeoutError) as error:
            reply = Answer(lines=[f"not understood: {error}"], is_refused=True)
        with contextlib.suppress(OSError):
            writer.write(msgspec.json.encode(reply) + b"\n")
            await writer.drain()
        writer.close()

    return handle


def _bound(path: Path) -> socket.socket:
    """Bind by the short name: the system allows some hundred bytes for it, and a database may lie deep."""
    bound = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        with contextlib.chdir(path.parent):
            bound.bind(path.name)
    finally:
        os.umask(before)
    return bound


def _socket_path(db: Path) -> Path:
    return Path(f"{db.resolve()}.sock")
