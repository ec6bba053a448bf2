"""The user channel: frames of our orders and trades as they come, and a word after every gap.

The venue replays nothing: after each connection whoever keeps the account has to read REST again, from the last
moment at which the earlier connection was known to be good. Frames are handed over as they are.
"""

from collections.abc import Callable, Iterable

import aiohttp
import msgspec
from msgspec import Struct

from clock import NS_PER_S
from venues.polymarket.signing import Credentials
from venues.polymarket.stream_socket import SocketRules, StreamSocket
from venues.polymarket.stream_wire import TEXT_PONG, TEXT_REFUSED, login_words

PING_S, DEAD_AFTER_S = 5.0, 15.0
"""Quiet for hours, the channel shows that it lives only by its PONG: asked for twice as often as documented."""

MARGIN_NS = 10 * NS_PER_S
"""What was sent to us shortly before the last sign of life may have been lost with the connection."""


class UserCounters(Struct, kw_only=True):
    """What the user channel has said since the start."""

    frames: int = 0
    gaps: int = 0
    is_live: bool = False
    reason: str = "not connected yet"


class UserStream:
    """The handler of the user channel.

    `on_message(raw)` takes every frame that is no answer to a PING; `on_gap(since_ns)` is called once on every new
    connection, the first one too, as soon as the venue has answered on it: what is read over REST from then on
    overlaps with the stream.
    """

    def __init__(
        self,
        credentials: Credentials,
        on_message: Callable[[bytes], None],
        on_gap: Callable[[int], None],
        *,
        now_ns: Callable[[], int],
        now_s: Callable[[], float],
    ) -> None:
        self.counters = UserCounters()
        self.socket: StreamSocket | None = None
        self._credentials, self._on_message, self._on_gap = credentials, on_message, on_gap
        self._now_ns, self._now_s = now_ns, now_s
        self._good_ns = now_ns()

    async def run(self, url: str, session: aiohttp.ClientSession) -> None:
        """Keep the connection; only cancellation, or an error of our own, ends it."""
        rules = SocketRules(name="user", url=url, ping_s=PING_S, dead_after_s=DEAD_AFTER_S)
        self.socket = StreamSocket(rules, self, session, now_s=self._now_s)
        await self.socket.run()

    def opening_frames(self) -> Iterable[bytes]:
        """Authenticate for all markets of the account, and ask for a sign that it was heard."""
        yield msgspec.json.encode({"type": "user", "auth": login_words(self._credentials)})
        yield b"PING"

    def take(self, raw: bytes) -> None:
        """Hand a frame over; the first one of a connection shows that the subscription stands."""
        if not self.counters.is_live:
            self.counters.is_live, self.counters.reason = True, ""
            self.counters.gaps += 1
            self._on_gap(self._good_ns - MARGIN_NS)
        self._good_ns = self._now_ns()
        if raw in (b"", TEXT_PONG, TEXT_REFUSED):
            return
        self.counters.frames += 1
        self._on_message(raw)

    def lost(self, reason: str) -> None:
        """Until the next connection answers, nothing of our orders is heard."""
        self.counters.is_live, self.counters.reason = False, reason
