"""Authenticated calls to one host: one call, one answer or one exception that says whether it may have arrived."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from urllib.parse import urlencode, urlsplit

from clock import NS_PER_S
from venues.polymarket.channel import Channels
from venues.polymarket.outcomes import Answer, InterruptedRequestError, NotConnectedError
from venues.polymarket.signing import RequestSigner

CONNECTIONS_MAX = 64
"""At once; further requests wait for a free one, and where none comes, they were not sent."""

CONNECT_TIMEOUT_S = 3
ANSWER_TIMEOUT_S = 10
"""Seconds for a whole call. The executor stops waiting sooner; an answer within this time still tells it something."""

PING_EVERY_S = 12
WARM_CONNECTIONS = 2
REPEATABLE = ("GET", "DELETE")
"""Methods that come to the same when they arrive twice: repeated once where a kept connection turns out closed."""


class Connection:
    """The connections to one host; they belong to the one loop that uses them."""

    def __init__(self, base_url: str, *, owner: str, wall_ns: Callable[[], int]) -> None:
        self._channels = Channels(
            base_url, connections_max=CONNECTIONS_MAX, connect_timeout_s=CONNECT_TIMEOUT_S
        )
        self._owner = owner
        self._wall_ns = wall_ns
        self._signer: RequestSigner | None = None
        self._base = f"Host: {urlsplit(base_url).netloc}\r\nUser-Agent: polymarket-daemon\r\nAccept: */*\r\n"
        self._identity = ""

    def close(self) -> None:
        """Close all connections; further calls are not sent."""
        self._channels.close()

    def authenticate(self, signer: RequestSigner) -> None:
        """Sign all private calls from now on with this API key."""
        self._signer = signer
        self._identity = (
            f"{self._base}Content-Type: application/json\r\nPOLY_ADDRESS: {self._owner}\r\n"
            f"POLY_API_KEY: {signer.key}\r\nPOLY_PASSPHRASE: {signer.passphrase.reveal()}\r\n"
        )

    def begin(self, path: str, body: bytes) -> Coroutine[None, None, Answer]:
        """Make a private POST (L2) that leaves at once where a connection is idle; await it for the answer.

        Raises NotConnectedError where no byte has left, else InterruptedRequestError or TimeoutError.
        """
        return _in_time(self._channels.begin(self._private("POST", path, body, None)))

    async def call(
        self, method: str, path: str, *, body: bytes = b"", query: Mapping[str, str] | None = None
    ) -> Answer:
        """Make a private call (L2); the signature covers the path without its query. Raises as `begin` does."""
        return await self._repeated(method, self._private(method, path, body, query))

    async def ask(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """Make a public read; raises as `call` does."""
        return await self._repeated("GET", written("GET", target_of(path, query), self._base, b""))

    async def keep_warm(self) -> None:
        """Use connections before they are closed for idleness, for ever: a cold one costs an order milliseconds."""
        while True:
            async with asyncio.TaskGroup() as group:
                for _ in range(WARM_CONNECTIONS):
                    group.create_task(self._ping())
            await asyncio.sleep(PING_EVERY_S)

    async def _ping(self) -> None:
        try:
            await self.ask("/time")
        except (OSError, TimeoutError):
            return  # whoever sends something next finds out, and says so with a reason

    def _private(self, method: str, path: str, body: bytes, query: Mapping[str, str] | None) -> bytes:
        assert self._signer is not None, "a private call before authenticate()"
        timestamp_s = self._wall_ns() // NS_PER_S
        signature = self._signer.sign(timestamp_s=timestamp_s, method=method, path=path, body=body)
        head = f"{self._identity}POLY_TIMESTAMP: {timestamp_s}\r\nPOLY_SIGNATURE: {signature}\r\n"
        return written(method, target_of(path, query), head, body)

    async def _repeated(self, method: str, request: bytes) -> Answer:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            try:
                return await self._channels.begin(request)
            except (InterruptedRequestError, NotConnectedError):
                if method not in REPEATABLE:
                    raise
            return await self._channels.begin(request)


async def _in_time(answering: Coroutine[None, None, Answer]) -> Answer:
    async with asyncio.timeout(ANSWER_TIMEOUT_S):
        return await answering


def written(method: str, target: str, head: str, body: bytes) -> bytes:
    """A request as its bytes; `head` is whole lines."""
    length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
    return f"{method} {target} HTTP/1.1\r\n{head}{length}\r\n".encode() + body


def target_of(path: str, query: Mapping[str, str] | None) -> str:
    """Path and query as they stand in the first line of a request.

    >>> target_of("/data/trades", {"after": "1", "market": "0x1"})
    '/data/trades?after=1&market=0x1'
    """
    assert path.isascii(), f"path {path!r}"
    assert path.isprintable(), f"path {path!r}"
    assert " " not in path, f"path {path!r}"
    return f"{path}?{urlencode(query)}" if query else path
