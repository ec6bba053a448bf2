"""A small venue on loopback for the tests of the feed: it tells the truth, and on demand hides or delays it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

import msgspec
from aiohttp import WSMsgType, web

from venues.polymarket.hosts import Hosts, single_host

Row = dict[str, object]


class LoopbackVenue:
    """Books by token as {side: {price: size}}; what streams do wrong is switched by its attributes."""

    def __init__(self) -> None:
        self.books: dict[str, dict[str, dict[str, str]]] = {}
        self.shown: dict[str, dict[str, dict[str, str]]] = {}
        self.time_ms = 1_790_000_000_000
        self.is_stalled = self.are_reads_down = self.are_batches_unknown = False
        self.said: list[str] = []
        self.questions: list[str] = []
        self.markets: list[Row] = []
        self.events: dict[str, Row] = {}
        self.terms: dict[str, Row] = {}
        self.page_body: bytes | None = None
        self.profiles: list[Row | None] = []
        self.trades: list[Row] = []
        self.exits: list[Row] = []
        self.first_padding = ""
        self.sockets: dict[str, list[web.WebSocketResponse]] = {}
        self.hosts = Hosts()

    def add_book(self, token: str, bid: str = "0.50", ask: str = "0.52", size: str = "100") -> None:
        """List a token with one level on each side."""
        self.books[token] = {"BUY": {bid: size}, "SELL": {ask: size}}

    async def change(self, token: str, side: str, price: str, size: str, *, is_told: bool = True) -> None:
        """Give a level another total, and tell it unless it is to be lost on the way."""
        self.time_ms += 1
        levels = self.books[token][side]
        levels.pop(price, None)
        if size != "0":
            levels[price] = size
        change = {"asset_id": token, "price": price, "size": size, "side": side, **self.top(token)}
        if is_told:
            event = {"event_type": "price_change", "market": "0xm", "timestamp": str(self.time_ms)}
            await self.tell(msgspec.json.encode({**event, "price_changes": [change]}).decode())

    def top(self, token: str) -> Row:
        """Best prices as a change tells them."""
        bids, asks = self.books[token]["BUY"], self.books[token]["SELL"]
        return {"best_bid": max(bids, default="0"), "best_ask": min(asks, default="1")}

    def book(self, token: str) -> Row:
        """A book as the venue writes one, best levels last."""
        book = self.books[token]
        sides = {"bids": sorted(book["BUY"].items()), "asks": sorted(book["SELL"].items(), reverse=True)}
        rows = {name: [{"price": p, "size": s} for p, s in levels] for name, levels in sides.items()}
        return {"asset_id": token, "market": "0xm", "timestamp": str(self.time_ms), "hash": "ab", **rows}

    async def tell(self, text: str, path: str = "/ws/market") -> None:
        """Send a frame to everyone on a stream."""
        for socket in self.sockets.get(path, []):
            if not self.is_stalled and not socket.closed:
                await socket.send_str(text)

    async def cut(self, path: str = "/ws/market") -> None:
        """Hang up on everyone on a stream."""
        for socket in self.sockets.pop(path, []):
            await socket.close(code=1013, message=b"slow reader")

    async def _market_stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = await self._open(request)
        async for text in _texts(socket):
            self.said.append(text)
            if text == "PING":
                await socket.send_str("PONG")
                continue
            asked = msgspec.json.decode(text, type=dict[str, object])
            tokens = asked.get("assets_ids") if asked.get("operation") != "unsubscribe" else []
            assert isinstance(tokens, list)
            books = [{"event_type": "book", **self.book(token)} for token in tokens if token in self.books]
            if books and not self.is_stalled:
                await socket.send_str(msgspec.json.encode(books).decode() + self.first_padding)
        return socket

    async def _other_stream(self, request: web.Request) -> web.WebSocketResponse:
        """Any other stream: notes what is said and answers pings; the test tells the rest."""
        socket = await self._open(request)
        async for text in _texts(socket):
            self.said.append(text)
            if self.is_stalled:
                continue
            if text == "PING":
                await socket.send_str("" if request.path == "/rtds" else "PONG")
            elif '"op":"ping"' in text:
                await socket.send_str('{"op":"pong"}')
            elif '"op":"auth"' in text:
                await socket.send_str('{"op":"authed","rid":"auth"}')
        return socket

    async def _open(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.setdefault(request.path, []).append(socket)
        return socket

    async def _books(self, request: web.Request) -> web.Response:
        if self.are_reads_down:
            return web.json_response({"error": "down"}, status=503)
        if self.are_batches_unknown:
            return web.json_response({"error": "No orderbook exists"}, status=404)
        asked = msgspec.json.decode(await request.read(), type=list[dict[str, str]])
        return web.json_response(
            [self.book(one["token_id"]) for one in asked if one["token_id"] in self.books]
        )

    async def _book(self, request: web.Request) -> web.Response:
        token = request.query["token_id"]
        found = self.book(token) if token in self.books else {"error": "No orderbook exists"}
        return web.json_response(found, status=200 if token in self.books else 404)

    async def _market(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        found = next((row for row in self.markets if name in (row.get("slug"), row.get("id"))), None)
        return web.json_response(found, status=200 if found else 404)

    async def _event(self, request: web.Request) -> web.Response:
        found = self.events.get(request.match_info["slug"])
        return web.json_response(found, status=200 if found else 404)

    async def _event_page(self, request: web.Request) -> web.Response:
        """Two events a page; the cursor is the number of the next."""
        self.questions.append(request.path_qs)
        first = int(request.query.get("after_cursor", "0"))
        rows = list(self.events.values())
        next_cursor = str(first + 2) if first + 2 < len(rows) else None
        return web.json_response({"events": rows[first : first + 2], "next_cursor": next_cursor})

    async def _terms(self, request: web.Request) -> web.Response:
        found = self.terms.get(request.match_info["condition"])
        return web.json_response(found, status=200 if found else 404)

    async def _market_page(self, request: web.Request) -> web.Response:
        self.questions.append(request.path_qs)
        if self.page_body is not None:
            return web.Response(body=self.page_body)
        is_closed, asked = request.query["closed"] == "true", request.query.getall("condition_ids")
        rows = [m for m in self.markets if m["conditionId"] in asked and bool(m.get("closed")) == is_closed]
        return web.json_response({"markets": rows})

    async def _search(self, request: web.Request) -> web.Response:
        return web.json_response({"events": None, "tags": None, "profiles": self.profiles})

    async def _trades(self, request: web.Request) -> web.Response:
        self.questions.append(request.path_qs)
        rows = self.trades if request.path == "/v2/trades" else self.exits
        return web.json_response({"data": rows, "pagination": {"has_more": False, "next_cursor": None}})

    def application(self) -> web.Application:
        """All services on one port."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/ws/market", self._market_stream),
                *(web.get(path, self._other_stream) for path in ("/ws/user", "/rtds", "/bolt")),
                web.post("/books", self._books),
                web.get("/book", self._book),
                web.get("/markets/keyset", self._market_page),
                web.get("/events/keyset", self._event_page),
                web.get("/events/slug/{slug}", self._event),
                web.get("/clob-markets/{condition}", self._terms),
                web.get("/markets/slug/{name}", self._market),
                web.get("/markets/{name}", self._market),
                web.get("/public-search", self._search),
                *(web.get(path, self._trades) for path in ("/v2/trades", "/v2/activity")),
            ]
        )
        return app


async def _texts(socket: web.WebSocketResponse) -> AsyncIterator[str]:
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            yield message.data


@asynccontextmanager
async def loopback_venue() -> AsyncIterator[LoopbackVenue]:
    """Serve a venue until the block ends; its `hosts` are for the client."""
    venue = LoopbackVenue()
    runner = web.AppRunner(venue.application(), access_log=None, shutdown_timeout=0.05)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    venue.hosts = single_host(f"http://127.0.0.1:{port}", stream_url=f"ws://127.0.0.1:{port}")
    try:
        yield venue
    finally:
        for path in list(venue.sockets):
            await venue.cut(path)
        await runner.cleanup()


@asynccontextmanager
async def running(*coroutines: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run these beside the block, and end them with it; an error of theirs ends the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in coroutines]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def until(is_true: Callable[[], bool], *, timeout_s: float = 10.0) -> float:
    """Wait for a condition that only the venue's answers bring about; give the seconds it took."""
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    async with asyncio.timeout(timeout_s):
        while not is_true():  # noqa: ASYNC110  # what is awaited happens in sockets, not in the test
            await asyncio.sleep(0.005)
    return loop.time() - begun_s
