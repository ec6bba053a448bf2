"""Measures the market feed: messages a second through decoding and books, and the time from a frame to its event.

A server in another process writes prepared frames to one loopback socket after the other: to the official client's
stream, to both websocket libraries bare, and to our stream with its books and checks. Read the ratios.
"""

import asyncio
import dataclasses
import multiprocessing
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection

import aiohttp
import msgspec
import uvloop
import websockets
from aiohttp import web
from polymarket import PRODUCTION, AsyncPublicClient
from polymarket.environments import _create_environment
from polymarket.streams import MarketSpec

import clock
from bench.report import Row, percentile_ms, show
from domain.identifiers import InstrumentId
from domain.messages import BookSnapshot, MarketEvent
from venues.polymarket.continuity import Continuity, Standing
from venues.polymarket.hosts import single_host
from venues.polymarket.market_messages import MarketMessages
from venues.polymarket.market_stream import MarketStream
from venues.polymarket.public_reads import PublicReads, new_session
from venues.polymarket.stream_wire import BadFrame, ResolvedMessage

MESSAGES = {"500 B": 150_000, "5 kB": 15_000}
WARM_UP = 0.1
PACED_MESSAGES, PACED_PER_S, PACED_MARKETS = 6_000, 1_000, 500
BLOCK = 64
BUFFERED_MAX = 4_000_000
CHANGES_KINDS = 97
LIVE_TIMEOUT_S = 30
STAMP = 10**9
FIRST_MS = 1_790_000_000_000
TOKEN = "7132104567925221259462638553270691275033272857194253228963137931245558{:07d}"
LEVELS_SMALL, LEVELS_LARGE = 20, 70


def main() -> None:
    """Print rates and ratios, then latencies at a steady rate with 500 markets followed."""
    mine, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    port = mine.recv()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            rows = [row for size in MESSAGES for row in runner.run(measure_rates(port, size))]
            show("market feed: messages a second", "1.00× is the official client's stream", rows)
            show("market feed: frame to event", f"{PACED_PER_S} a second", runner.run(measure_latency(port)))
    finally:
        server.terminate()
        server.join()


class Meter:
    """Takes the time from the end of the warm-up to the last message."""

    def __init__(self, messages: int) -> None:
        self.messages = messages
        self.per_s = 0.0
        self._begun: tuple[int, float] | None = None

    def is_done(self, count: int) -> bool:
        """Note how many messages there were by now; True with the last one."""
        if self._begun is None:
            if count >= self.messages * WARM_UP:
                self._begun = count, time.perf_counter()
        elif count >= self.messages:
            self.per_s = (count - self._begun[0]) / (time.perf_counter() - self._begun[1])
            return True
        return False


async def measure_rates(port: int, size: str) -> list[Row]:
    """Receive the same frames in four ways, the official client's first: it is the yardstick."""
    meters = {name: Meter(MESSAGES[size]) for name in WAYS}
    for name, way in WAYS.items():
        await way(port, size, meters[name])
    yardstick = meters["official client"].per_s
    aims = {"ours, decoded into books": "≥ 3×"}
    return [
        Row(f"{size}: {name}", meter.per_s, "messages/s", meter.per_s / yardstick, aims.get(name, ""))
        for name, meter in meters.items()
    ]


async def official(port: int, size: str, meter: Meter) -> None:
    """The client's own iterator; what it dropped for want of room was received too."""
    base, sockets = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    config = dataclasses.replace(
        PRODUCTION._config, clob_url=base, clob_market_ws_url=f"{sockets}/ws/market?size={url_of(size)}"
    )
    async with AsyncPublicClient(environment=_create_environment(name="bench", config=config)) as client:
        stream = await client.subscribe(MarketSpec(asset_ids=[TOKEN.format(0), TOKEN.format(1)]))
        seen = 0
        async for _ in stream:
            seen += 1
            if meter.is_done(seen + getattr(stream, "dropped", 0) - 2):
                break
        await stream.close()


async def bare_websockets(port: int, size: str, meter: Meter) -> None:
    """What `websockets` delivers when nobody looks into it."""
    url = f"ws://127.0.0.1:{port}/ws/market?size={url_of(size)}"
    async with websockets.connect(url, max_size=None, compression=None) as connection:
        await connection.send("{}")
        seen = 0
        while not meter.is_done(seen - 1):
            await connection.recv(decode=False)
            seen += 1


async def bare_aiohttp(port: int, size: str, meter: Meter) -> None:
    """What aiohttp delivers when nobody looks into it."""
    url = f"ws://127.0.0.1:{port}/ws/market?size={url_of(size)}"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, max_msg_size=0, decode_text=False) as connection,
    ):
        await connection.send_str("{}")
        seen = 0
        while not meter.is_done(seen - 1):
            assert (await connection.receive()).data
            seen += 1


class Ours:
    """Our stream on a list of tokens, with everything behind it."""

    def __init__(self, port: int, query: str, sink: Callable[[MarketEvent], None]) -> None:
        hosts = single_host(f"http://127.0.0.1:{port}", stream_url=f"ws://127.0.0.1:{port}")
        self.reads = PublicReads(hosts)
        self.continuity = Continuity(sink, silence_s_max=60.0, now_ns=clock.wall_ns, now_s=clock.monotonic_s)
        self.messages = MarketMessages(self.continuity, sink, self, now_ns=clock.wall_ns)
        self.stream = MarketStream(
            f"{hosts.market_stream}?{query}",
            self.reads,
            self.continuity,
            self.messages,
            now_s=clock.monotonic_s,
        )

    def unreadable(self, frame: BadFrame) -> None:
        """Nothing here is unreadable."""
        raise AssertionError(frame)

    def resolved(self, message: ResolvedMessage) -> None:
        """Nothing here resolves."""
        raise AssertionError(message)

    @asynccontextmanager
    async def live(self, tokens: int) -> AsyncIterator[None]:
        """Follow so many tokens; the block begins when all their books are live."""
        async with new_session() as session, asyncio.TaskGroup() as group:
            self.reads.use(session)
            for number in range(0, tokens, 2):
                self.stream.add([InstrumentId(TOKEN.format(number)), InstrumentId(TOKEN.format(number + 1))])
            task = group.create_task(self.stream.run(session))
            async with asyncio.timeout(LIVE_TIMEOUT_S):
                while self.stream.standing_counts()[Standing.LIVE] < tokens:  # noqa: ASYNC110  # a figure, no event
                    await asyncio.sleep(0.05)
            yield
            task.cancel()


async def ours(port: int, size: str, meter: Meter) -> None:
    """Strictly decoded, applied to the books of both tokens, held against the top, and given out."""
    feed = Ours(port, f"size={url_of(size)}&held=1", lambda _: None)
    async with feed.live(2):
        already = feed.messages.counters.messages
        await go(port)
        while not meter.is_done(feed.messages.counters.messages - already):
            await asyncio.sleep(0.001)
            assert feed.continuity.breaks == feed.messages.counters.bad == 0, feed.messages.counters


WAYS: dict[str, Callable[[int, str, Meter], Awaitable[None]]] = {
    "official client": official,
    "websockets, bytes only": bare_websockets,
    "aiohttp, bytes only": bare_aiohttp,
    "ours, decoded into books": ours,
}


async def measure_latency(port: int) -> list[Row]:
    """Frames that carry the microsecond they were written at; the sink of the books reads the clock again."""
    delays: list[float] = []

    def sink(event: MarketEvent) -> None:
        if isinstance(event, BookSnapshot) and event.book.bids[-1].quantity >= STAMP:
            delays.append((time.time_ns() // 1_000 - int(event.book.bids[-1].quantity)) % STAMP / 1e6)

    feed = Ours(port, "size=paced&held=1", sink)
    async with feed.live(2 * PACED_MARKETS), asyncio.timeout(2 * PACED_MESSAGES / PACED_PER_S):
        await go(port)
        while feed.messages.counters.messages < PACED_MESSAGES + 2 * PACED_MARKETS:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return [
        Row(f"p50, {PACED_MARKETS} markets, {len(delays)} books", percentile_ms(delays, 50), "ms", None, ""),
        Row("p99", percentile_ms(delays, 99), "ms", None, "≤ 10"),
        Row("max", percentile_ms(delays, 100), "ms", None, ""),
    ]


async def go(port: int) -> None:
    """Let the server write to connections that were held back."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/go"):
        pass


def serve(pipe: Connection) -> None:
    """The other process: tell the port, then serve until terminated."""
    asyncio.run(serve_for_ever(pipe))


async def serve_for_ever(pipe: Connection) -> None:
    """One market socket whose frames are written as prepared blocks, and the two reads that our checks need."""
    server = BenchServer()
    app = web.Application()
    app.add_routes(
        [web.get("/ws/market", server.stream), web.post("/books", server.books), web.get("/go", server.go)]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        site = web.SockSite(runner, listener)
        await site.start()
        pipe.send(listener.getsockname()[1])
        await asyncio.Event().wait()


class BenchServer:
    """Every book stands as it was first told but for the levels that the frames change."""

    def __init__(self) -> None:
        self._gone = asyncio.Event()

    async def books(self, request: web.Request) -> web.Response:
        """Tell the first books again."""
        asked = msgspec.json.decode(await request.read(), type=list[dict[str, str]])
        return web.json_response([book(one["token_id"], LEVELS_SMALL, FIRST_MS) for one in asked])

    async def go(self, _: web.Request) -> web.Response:
        """Release the connections that are held back, once."""
        self._gone.set()
        self._gone = asyncio.Event()
        return web.Response()

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        """First books on the first frame, then what was asked for in the address."""
        answer = web.WebSocketResponse(compress=False)
        await answer.prepare(request)
        first = msgspec.json.decode((await answer.receive()).data)
        tokens = first.get("assets_ids", [TOKEN.format(0), TOKEN.format(1)])
        await answer.send_bytes(
            msgspec.json.encode([book(token, LEVELS_SMALL, FIRST_MS) for token in tokens])
        )
        if "held" in request.query:
            await self._gone.wait()
        size = request.query["size"]
        if size == "paced":
            await write_paced(answer, tokens)
        else:
            await write_blocks(request, size)
        await answer.receive()
        return answer


async def write_blocks(request: web.Request, size: str) -> None:
    """Write as fast as the socket takes it; a block is a fixed number of frames that were made before."""
    make = change_frame if size == "small" else book_frame
    frames = [make(number) for number in range(CHANGES_KINDS)]
    transport = request.transport
    assert isinstance(transport, asyncio.WriteTransport)
    total = next(count for name, count in MESSAGES.items() if url_of(name) == size)
    for start in range(0, total, BLOCK):
        block = [frames[number % CHANGES_KINDS] for number in range(start, min(total, start + BLOCK))]
        transport.write(b"".join(block))
        while is_full(transport):  # noqa: ASYNC110
            await asyncio.sleep(0.0005)


def is_full(transport: asyncio.WriteTransport) -> bool:
    """Say whether the reader is behind by some megabytes."""
    return transport.get_write_buffer_size() > BUFFERED_MAX


async def write_paced(answer: web.WebSocketResponse, tokens: list[str]) -> None:
    """One change of one market after the other at a steady rate, each with the time it is written at."""
    share = len(tokens) / (2 * PACED_MARKETS)
    begun, per_s = time.perf_counter(), PACED_PER_S * share
    for number in range(int(PACED_MESSAGES * share)):
        await asyncio.sleep(max(0.0, begun + number / per_s - time.perf_counter()))
        pair = 2 * (number % (len(tokens) // 2))
        stamp = str(STAMP + time.time_ns() // 1_000 % STAMP)
        text = change_text((tokens[pair], tokens[pair + 1]), "0.01", "0.99", stamp, FIRST_MS + number + 1)
        await answer.send_bytes(text)


def book(token: str, levels: int, time_ms: int) -> dict[str, object]:
    """A book as the venue writes one, best levels last."""
    number = int(token[-7:])
    low = [0.01] + [0.5 - 0.001 * step for step in reversed(range(levels - 1))]
    return {
        "event_type": "book",
        "market": f"0x{number // 2:064x}",
        "asset_id": token,
        "timestamp": str(time_ms),
        "hash": f"{number:040x}",
        "bids": [{"price": f"{price:.3f}", "size": f"{1000 * price + 7:.2f}"} for price in low],
        "asks": [{"price": f"{1.01 - price:.3f}", "size": f"{900 * price + 5:.2f}"} for price in low[1:]],
    }


def book_frame(number: int) -> bytes:
    """About 5 kB: a whole book of one of the two tokens."""
    return frame(msgspec.json.encode(book(TOKEN.format(number % 2), LEVELS_LARGE, FIRST_MS + 1)))


def change_frame(number: int) -> bytes:
    """About 500 bytes: one level of both tokens, some way below the top."""
    tokens = TOKEN.format(0), TOKEN.format(1)
    below = number % 11 + 3
    size = f"{number * 3 + 1}.5"
    return frame(
        change_text(tokens, f"{0.5 - 0.001 * below:.3f}", f"{0.51 + 0.001 * below:.3f}", size, FIRST_MS + 1)
    )


def change_text(tokens: tuple[str, str], bid: str, ask: str, size: str, time_ms: int) -> bytes:
    """A change of one token's bid, which is one of the other's ask."""
    changes = [
        {"asset_id": tokens[0], "price": bid, "size": size, "side": "BUY"},
        {"asset_id": tokens[1], "price": ask, "size": size, "side": "SELL"},
    ]
    top = {"best_bid": "0.5", "best_ask": "0.51"}
    market = f"0x{int(tokens[0][-7:]) // 2:064x}"
    body = {"event_type": "price_change", "market": market, "timestamp": str(time_ms)}
    return msgspec.json.encode({**body, "price_changes": [{**change, **top} for change in changes]})


def frame(payload: bytes) -> bytes:
    """One unmasked text frame, as a server writes it (RFC 6455)."""
    length = len(payload)
    head = bytes((0x81, length)) if length < 126 else b"\x81\x7e" + length.to_bytes(2, "big")
    return head + payload


def url_of(size: str) -> str:
    """The name of a size in an address."""
    return {"500 B": "small", "5 kB": "large"}[size]


if __name__ == "__main__":
    main()
