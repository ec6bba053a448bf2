"""Polymarket's public REST reads: books, Gamma and the Data API, each answer checked before it is believed."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeVar

import aiohttp
import msgspec
from msgspec import Struct

from domain.book import OrderBook
from domain.errors import VenueReadError
from domain.identifiers import InstrumentId
from venues.polymarket.hosts import Hosts
from venues.polymarket.local_book import LocalBook
from venues.polymarket.stream_wire import BookMessage, PriceGrid, WireValueError

T = TypeVar("T")
Parameters = Sequence[tuple[str, str]]

TIMEOUT_S = 10.0
BODY_BYTES_MAX = 64 * 1024 * 1024
ERROR_TEXT_MAX = 200
CONNECTIONS_MAX = 20
NOT_FOUND = 404


class TokenQuestion(Struct, frozen=True):
    """One element of what `POST /books` is asked."""

    token_id: str


class PublicReads:
    """Reads over one pool of connections; every method raises VenueReadError where it has no whole answer."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._session: aiohttp.ClientSession | None = None
        self._grid = PriceGrid()
        self._books = msgspec.json.Decoder(list[msgspec.Raw])
        self._book = msgspec.json.Decoder(BookMessage)
        self.reads = self.failures = 0

    def use(self, session: aiohttp.ClientSession) -> None:
        """Read over this pool from now on; before that, every read fails."""
        self._session = session

    async def books(self, instrument_ids: Sequence[InstrumentId]) -> list[OrderBook]:
        """Read the books of these tokens, best levels first; one that is missing or unreadable is left out."""
        body = msgspec.json.encode([TokenQuestion(one) for one in instrument_ids])
        raw = await self._fetch("POST", f"{self._hosts.clob}/books", body=body)
        if raw is None:
            return [book for one in instrument_ids if (book := await self.book(one))]
        try:
            parts = self._books.decode(raw)
        except msgspec.DecodeError as error:
            raise VenueReadError(f"POST /books: {error}") from error
        return [book for part in parts if (book := self._read_book(bytes(part)))]

    async def book(self, instrument_id: InstrumentId) -> OrderBook | None:
        """Read one book; None where the venue has none for this token, or shows one that cannot be."""
        raw = await self.clob("/book", [("token_id", instrument_id)])
        return None if raw is None else self._read_book(raw)

    async def gamma(self, path: str, parameters: Parameters = ()) -> bytes | None:
        """Read a path of the market catalogue; None where there is no such thing."""
        return await self._fetch("GET", f"{self._hosts.gamma}{path}", parameters=parameters)

    async def data(self, path: str, parameters: Parameters = ()) -> bytes | None:
        """Read a path of the data service; None where there is no such thing."""
        return await self._fetch("GET", f"{self._hosts.data}{path}", parameters=parameters)

    async def clob(self, path: str, parameters: Parameters = ()) -> bytes | None:
        """Read a public path of the order book service; None where there is no such thing."""
        return await self._fetch("GET", f"{self._hosts.clob}{path}", parameters=parameters)

    def _read_book(self, raw: bytes) -> OrderBook | None:
        try:
            message = self._book.decode(raw)
            book = LocalBook(InstrumentId(message.asset_id))
            book.take_snapshot(message, self._grid)
        except (msgspec.DecodeError, WireValueError):
            self.failures += 1
            return None
        return book.order_book(book.time_ns)

    async def _fetch(
        self, method: str, url: str, *, parameters: Parameters = (), body: bytes | None = None
    ) -> bytes | None:
        self.reads += 1
        try:
            return await self._body(method, url, parameters, body)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            self.failures += 1
            raise VenueReadError(f"{method} {url}: {type(error).__name__} {error}") from error
        except VenueReadError:
            self.failures += 1
            raise

    async def _body(self, method: str, url: str, parameters: Parameters, body: bytes | None) -> bytes | None:
        if self._session is None:
            raise VenueReadError(f"{method} {url}: there is no pool of connections yet")
        headers: Mapping[str, str] = {"Content-Type": "application/json"} if body is not None else {}
        async with (
            asyncio.timeout(TIMEOUT_S),
            self._session.request(
                method, url, params=list(parameters), data=body, headers=headers, allow_redirects=False
            ) as answer,
        ):
            raw = await _whole_body(answer)
            if answer.status == NOT_FOUND:
                return None
            if answer.status != 200:  # noqa: PLR2004  # what is not "200 OK" is no answer
                text = raw[:ERROR_TEXT_MAX].decode(errors="replace")
                raise VenueReadError(f"{method} {url}: HTTP {answer.status} {text}")
            return raw


async def _whole_body(answer: aiohttp.ClientResponse) -> bytes:
    parts, length = [], 0
    async for part in answer.content.iter_any():
        length += len(part)
        if length > BODY_BYTES_MAX:
            raise VenueReadError(f"{answer.url}: an answer of more than {BODY_BYTES_MAX} bytes")
        parts.append(part)
    return b"".join(parts)


def decoded(decoder: msgspec.json.Decoder[T], raw: bytes | None, *, what: str) -> T | None:
    """Decode an answer; None stays None, and VenueReadError says what could not be read."""
    if raw is None:
        return None
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise VenueReadError(f"{what}: {error}: {raw[:ERROR_TEXT_MAX]!r}") from error


def new_session() -> aiohttp.ClientSession:
    """A pool of connections for public reads and streams; made inside the loop, closed by who asked for it."""
    connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=25, ttl_dns_cache=60)
    return aiohttp.ClientSession(connector=connector, trust_env=False)
