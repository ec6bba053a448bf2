"""Chainlink prices of underlying assets and their 60 s averages: what up/down markets settle on, as it is told.

Prices become ticks of the feed that a market names (`chainlink:BTC`). The venue's own average becomes a tick of
another feed and another asset, so that nobody takes it for a spot price.
"""

import re
from collections.abc import Callable, Iterable, Sequence

import aiohttp
import msgspec
from msgspec import Struct

from clock import NS_PER_MS
from domain.errors import ConfigurationError
from domain.messages import PriceTick
from venues.polymarket.signing import Credentials
from venues.polymarket.stream_socket import SocketRules, StreamSocket
from venues.polymarket.stream_wire import (
    BadFrame,
    PriceFrame,
    PricePayload,
    PricePoint,
    bad_frame,
    login_words,
)

SPOT, TWAP = "price.crypto", "price.crypto.twap"
TWAP_S = 60
PING_S, DEAD_AFTER_S = 5.0, 15.0
"""Prices come every second; the official client pings every 30 s and waits for 90, which is too long to settle on."""

SUBSCRIPTIONS_MAX = 64
SYMBOL = re.compile(r"([a-z0-9]+)usd")


class PriceCounters(Struct, kw_only=True):
    """What the price socket has said since the start; `error` is its last refusal."""

    ticks: int = 0
    bad: int = 0
    missed: int = 0
    is_authenticated: bool = False
    error: str = ""


class PriceStream:
    """The handler of the price socket; each observation is told once, in order of time for each feed."""

    def __init__(
        self,
        symbols: Sequence[str],
        credentials: Credentials,
        sink: Callable[[PriceTick], None],
        on_bad: Callable[[BadFrame], None],
        *,
        now_s: Callable[[], float],
    ) -> None:
        if 2 * len(symbols) > SUBSCRIPTIONS_MAX:
            raise ConfigurationError(f"{len(symbols)} price symbols; at most {SUBSCRIPTIONS_MAX // 2} fit")
        self.counters = PriceCounters()
        self.socket: StreamSocket | None = None
        self._assets = {symbol: asset_of(symbol) for symbol in symbols}
        self._credentials, self._sink, self._on_bad, self._now_s = credentials, sink, on_bad, now_s
        self._decoder = msgspec.json.Decoder(PriceFrame)
        self._last_ms: dict[str, int] = {}
        self._sequence = 0

    async def run(self, url: str, session: aiohttp.ClientSession) -> None:
        """Keep the connection; only cancellation, or an error of our own, ends it."""
        rules = SocketRules(
            name="prices", url=url, ping=b'{"op":"ping"}', ping_s=PING_S, dead_after_s=DEAD_AFTER_S
        )
        self.socket = StreamSocket(rules, self, session, now_s=self._now_s)
        await self.socket.run()

    def opening_frames(self) -> Iterable[bytes]:
        """Say who we are; subscriptions follow the answer."""
        self.counters.is_authenticated, self._sequence = False, 0
        yield msgspec.json.encode({"op": "auth", "auth": login_words(self._credentials), "rid": "auth"})

    def take(self, raw: bytes) -> None:
        """Read a frame: an answer, or observations."""
        if not raw.startswith(b"{"):
            return
        try:
            frame = self._decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.counters.bad += 1
            self._on_bad(bad_frame(raw, str(error)))
            return
        if frame.op:
            self._take_answer(frame)
        elif frame.payload is not None and frame.channel in (SPOT, TWAP):
            self._count_missed(frame)
            self._take_prices(frame.channel, frame.payload)

    def lost(self, reason: str) -> None:
        """Another connection will be opened; the first frame of each brings the last two minutes again."""
        self.counters.is_authenticated = False

    def _take_answer(self, frame: PriceFrame) -> None:
        if frame.op == "authed" and self.socket is not None:
            self.counters.is_authenticated = True
            self.socket.send_nowait(self._subscription())
        elif frame.op == "error":
            self.counters.error = f"{frame.code} {frame.rid}"
            if frame.code.startswith("auth") and self.socket is not None:
                self.socket.give_up(f"refused: {frame.code}")

    def _subscription(self) -> bytes:
        wanted: list[dict[str, object]] = []
        for symbol in self._assets:
            wanted.append({"channel": SPOT, "filter": {"symbol": symbol}})
            wanted.append({"channel": TWAP, "filter": {"symbol": symbol, "window_seconds": TWAP_S}})
        return msgspec.json.encode({"op": "subscribe", "subscriptions": wanted, "rid": "prices"})

    def _count_missed(self, frame: PriceFrame) -> None:
        """Frames are numbered per connection; what was dropped for our slowness is told besides."""
        if self._sequence and frame.seq > self._sequence + 1:
            self.counters.missed += frame.seq - self._sequence - 1
        self._sequence = max(self._sequence, frame.seq)
        self.counters.missed += frame.dropped

    def _take_prices(self, channel: str, payload: PricePayload) -> None:
        asset = self._assets.get(payload.symbol)
        if asset is None:
            return
        points = payload.data
        if payload.full_accuracy_value is not None:
            points = [*points, PricePoint(payload.timestamp, payload.full_accuracy_value)]
        name = asset if channel == SPOT else f"{asset}-TWAP-{TWAP_S}S"
        for point in sorted(points, key=lambda point: point.timestamp):
            self._tell(name, point)

    def _tell(self, name: str, point: PricePoint) -> None:
        value = point.full_accuracy_value
        if not value.is_finite() or value <= 0:
            self.counters.bad += 1
            return
        if point.timestamp <= self._last_ms.get(name, 0):
            return
        self._last_ms[name] = point.timestamp
        self.counters.ticks += 1
        time_ns = point.timestamp * NS_PER_MS
        self._sink(PriceTick(time_ns=time_ns, feed=f"chainlink:{name}", asset=name, price=value))


def asset_of(symbol: str) -> str:
    """The asset of a symbol of the price socket; raises ConfigurationError for what is none.

    >>> asset_of("btcusd")
    'BTC'
    """
    match = SYMBOL.fullmatch(symbol)
    if match is None:
        raise ConfigurationError(f"no price symbol {symbol[:20]!r}; give one such as btcusd")
    return match[1].upper()
