"""The realtime activity topic: hears followed wallets within seconds, and says at once when it cannot.

The topic freezes without closing (real-time-data-client #26) and may be switched off. Three signs tell: the
connection ends; a text PING every two seconds is not answered within four; or a topic that was busy a moment ago
says nothing for four seconds. Whoever polls meanwhile polls faster.
"""

import asyncio
import math
from collections.abc import Callable, Iterable

import aiohttp
import msgspec
from msgspec import Struct

from domain.messages import WalletAction
from venues.polymarket.stream_socket import SocketRules, StreamSocket
from venues.polymarket.stream_wire import ActivityFrame, ActivityPayload, BadFrame, bad_frame
from venues.polymarket.wallet_deeds import Deed, WalletDeeds

TOPIC = "activity"
TYPES = ("trades", "orders_matched")
PING_S, SILENCE_S_MAX = 2.0, 4.0
"""The loss of the trigger has to be noticed within five seconds."""

WATCH_S = 0.25
BUSY_PER_S = 2.0
RATE_SPAN_S = 30.0
"""The topic tells some 50 messages a second; where it told two or more lately, four silent seconds are no chance."""

TriggerListener = Callable[[bool, str], None]


class TriggerCounters(Struct, kw_only=True):
    """What the topic has said since the start."""

    messages: int = 0
    bad: int = 0
    losses: int = 0
    is_live: bool = False
    reason: str = "not connected yet"


class ActivityTrigger:
    """The handler of the topic's connection; `on_change(is_live, reason)` hears of its loss and of its return."""

    def __init__(
        self,
        deeds: WalletDeeds,
        on_change: TriggerListener,
        on_bad: Callable[[BadFrame], None],
        *,
        now_s: Callable[[], float],
    ) -> None:
        self.counters = TriggerCounters()
        self.socket: StreamSocket | None = None
        self._deeds, self._on_change, self._on_bad, self._now_s = deeds, on_change, on_bad, now_s
        self._frame = msgspec.json.Decoder(ActivityFrame)
        self._payload = msgspec.json.Decoder(ActivityPayload)
        self._busyness = Busyness(now_s())

    async def run(self, url: str, session: aiohttp.ClientSession) -> None:
        """Keep the connection and watch the flow; only cancellation, or an error of our own, ends it."""
        rules = SocketRules(name="activity", url=url, ping_s=PING_S, dead_after_s=SILENCE_S_MAX)
        self.socket = StreamSocket(rules, self, session, now_s=self._now_s)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.socket.run(), name="activity socket")
            group.create_task(self._watch(self.socket), name="activity watch")

    def opening_frames(self) -> Iterable[bytes]:
        """Subscribe to both types: one was reported off at times, the other tells takers only."""
        self._busyness = Busyness(self._now_s())
        wanted = [{"topic": TOPIC, "type": kind} for kind in TYPES]
        yield msgspec.json.encode({"action": "subscribe", "subscriptions": wanted})
        yield b"PING"

    def take(self, raw: bytes) -> None:
        """Any frame shows that the connection lives; those of the topic are read."""
        if not self.counters.is_live:
            self._change(True, "the topic answers")
        if not raw.startswith(b"{"):
            return
        try:
            frame = self._frame.decode(raw)
            if frame.topic != TOPIC or frame.type not in TYPES:
                return
            payload = self._payload.decode(frame.payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.counters.bad += 1
            self._on_bad(bad_frame(raw, str(error)))
            return
        self.counters.messages += 1
        self._busyness.count()
        self._deeds.hear_trigger(_deed(payload))

    def lost(self, reason: str) -> None:
        """The connection is gone: say so once, however often it fails."""
        if self.counters.is_live or self.counters.losses == 0:
            self.counters.losses += 1
            self._change(False, reason)

    def _change(self, is_live: bool, reason: str) -> None:
        self.counters.is_live, self.counters.reason = is_live, reason
        self._on_change(is_live, reason)

    async def _watch(self, socket: StreamSocket) -> None:
        """Give up a connection whose flow has stopped though it answers."""
        while True:
            await asyncio.sleep(WATCH_S)
            if self.counters.is_live and self._busyness.is_frozen(self._now_s()):
                reason = f"a busy topic says nothing for {SILENCE_S_MAX:g} s"
                self.lost(reason)
                socket.give_up(reason)


class Busyness:
    """How many messages a second came lately, as a mean that forgets over half a minute."""

    def __init__(self, now_s: float) -> None:
        self.rate_per_s = 0.0
        self._count = 0
        self._looked_s = self._heard_s = now_s

    def count(self) -> None:
        """One more message has come."""
        self._count += 1

    def is_frozen(self, now_s: float) -> bool:
        """Say whether a flow that was busy has stopped; to be asked several times a second."""
        elapsed_s = now_s - self._looked_s
        if elapsed_s > 0:
            if self._count:
                self._heard_s = now_s
            weight = math.exp(-elapsed_s / RATE_SPAN_S)
            self.rate_per_s = self.rate_per_s * weight + self._count / elapsed_s * (1 - weight)
            self._count, self._looked_s = 0, now_s
        return self.rate_per_s >= BUSY_PER_S and now_s - self._heard_s >= SILENCE_S_MAX


def _deed(payload: ActivityPayload) -> Deed:
    return Deed(
        wallet=payload.proxy_wallet,
        name=payload.name or payload.pseudonym,
        action=WalletAction.TRADE,
        condition_id=payload.condition_id,
        token_id=payload.asset,
        side=payload.side,
        price=payload.price,
        quantity=payload.size,
        time_s=payload.timestamp,
        transaction=payload.transaction_hash,
    )
