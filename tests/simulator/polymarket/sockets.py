"""Plain websocket clients for tests: what a stream sends, frame by frame."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from simulator.polymarket.server import PolymarketSimulator

QUIET_S = 0.08


class Socket:
    """One connection; `next` waits for a message, `rest` takes what comes until it is quiet."""

    def __init__(self, raw: aiohttp.ClientWebSocketResponse) -> None:
        self.raw = raw

    async def send(self, value: object) -> None:
        """Send text as it is, anything else as JSON."""
        await self.raw.send_str(value if isinstance(value, str) else json.dumps(value))

    async def next_text(self) -> str | None:
        """The next text; None where the socket closes."""
        message = await self.raw.receive()
        return message.data if message.type is aiohttp.WSMsgType.TEXT else None

    async def next(self) -> Any:
        """The next message as JSON."""
        text = await self.next_text()
        assert text is not None, self.raw.close_code
        return json.loads(text)

    async def rest(self) -> list[Any]:
        """Everything that comes, text that is no JSON as it is."""
        found: list[Any] = []
        while True:
            try:
                async with asyncio.timeout(QUIET_S):
                    text = await self.next_text()
            except TimeoutError:
                return found
            if text is None:
                return found
            found.append(json.loads(text) if text[:1] in ("{", "[") and text[-1:] in ("}", "]") else text)


@asynccontextmanager
async def socket_to(simulator: PolymarketSimulator, path: str) -> AsyncIterator[Socket]:
    """Connect to a stream of the venue."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(simulator.ws_url + path, max_msg_size=1 << 24) as raw,
    ):
        yield Socket(raw)


@asynccontextmanager
async def market_socket(
    simulator: PolymarketSimulator, *tokens: str, custom: bool = True
) -> AsyncIterator[Socket]:
    """Subscribe to tokens; the first books are still to be read."""
    async with socket_to(simulator, "/ws/market") as socket:
        await socket.send({"type": "market", "assets_ids": list(tokens), "custom_feature_enabled": custom})
        yield socket
