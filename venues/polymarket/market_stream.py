"""The market channel: one connection per shard of tokens, books given out in turn, and checked against REST.

A frame is applied at once; books are given out when the loop comes round, so that a burst of changes to one book
costs one event, and a slow reader of events never lets the connection back up.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import aiohttp

from domain.errors import VenueReadError
from domain.identifiers import InstrumentId
from venues.polymarket.continuity import Continuity, Plea, Standing
from venues.polymarket.market_messages import MarketMessages
from venues.polymarket.public_reads import PublicReads
from venues.polymarket.shards import TOKENS_PER_SOCKET, Shards
from venues.polymarket.stream_socket import SocketRules, StreamSocket
from venues.polymarket.stream_wire import subscribe_frame, unsubscribe_frame

BURST_MAX = 64
"""Frames that are applied before their books are given out even while more are there to read."""

BOOKS_PER_READ = 50
CHECK_EVERY_S = 0.1
READS_PER_ROUND_MAX = 4
"""`POST /books` is limited to 50 a second; a round of ten a second uses at most 40."""


class Shard:
    """The handler of one connection."""

    def __init__(self, stream: "MarketStream", number: int) -> None:
        self.is_begun = False
        self._stream, self._number = stream, number
        self._applied = 0
        self._is_scheduled = False

    def opening_frames(self) -> Iterable[bytes]:
        """Subscribe to all tokens of the shard; without any the connection waits for the first."""
        tokens = self._stream.shards.members(self._number)
        self.is_begun = bool(tokens)
        if tokens:
            self._stream.continuity.subscribed(tokens)
            yield subscribe_frame(tokens, is_first=True)

    def take(self, raw: bytes) -> None:
        """Apply a frame; its books are given out when the loop comes round."""
        stream = self._stream
        stream.messages.take(raw)
        self._applied += 1
        if self._applied >= BURST_MAX:
            self._give_out()
        elif stream.continuity.is_dirty and not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._give_out)
        if stream.continuity.is_pleading:
            stream.answer_pleas()

    def lost(self, reason: str) -> None:
        """Every book of the shard may have missed something from now on."""
        self.is_begun = False
        self._stream.continuity.lose(self._stream.shards.members(self._number), f"connection: {reason}")

    def _give_out(self) -> None:
        self._applied, self._is_scheduled = 0, False
        self._stream.continuity.flush()


class MarketStream:
    """Follows the books of instruments; `add` and `remove` may be called at any time inside the loop."""

    def __init__(
        self,
        url: str,
        reads: PublicReads,
        continuity: Continuity,
        messages: MarketMessages,
        *,
        tokens_per_socket: int = TOKENS_PER_SOCKET,
        now_s: Callable[[], float],
    ) -> None:
        self.continuity, self.messages = continuity, messages
        self.shards = Shards(tokens_per_socket)
        self.sockets: list[StreamSocket] = []
        self.reads_failed = 0
        self._handlers: list[Shard] = []
        self._url, self._reads, self._now_s = url, reads, now_s
        self._session: aiohttp.ClientSession | None = None
        self._group: asyncio.TaskGroup | None = None

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Keep every connection and check what is due; only cancellation, or an error of our own, ends it."""
        self._session = session
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._open_sockets()
                group.create_task(self._check_for_ever(group), name="market books check")
        finally:
            self._group = None

    def add(self, group: Sequence[InstrumentId]) -> None:
        """Follow the tokens of a market; they share a connection."""
        new = [one for one in group if self.shards.shard_of(one) is None]
        if not new:
            return
        self.continuity.add(new)
        number = self.shards.place(new)
        self._open_sockets()
        if number < len(self.sockets):
            self._subscribe(number, new)

    def remove(self, instrument_ids: Iterable[InstrumentId], *, reason: str) -> None:
        """Follow these no longer."""
        gone = tuple(instrument_ids)
        for number, tokens in self.shards.remove(gone).items():
            if number < len(self.sockets):
                self.sockets[number].send_nowait(unsubscribe_frame(tokens))
        self.continuity.remove(gone, reason=reason)

    def answer_pleas(self) -> None:
        """Ask again for the books that are wanted: by a new subscription, or by a new connection."""
        for plea in self.continuity.take_pleas():
            number = self.shards.shard_of(plea.instrument_id)
            if number is not None and number < len(self.sockets):
                self._answer(plea, number)

    def _answer(self, plea: Plea, number: int) -> None:
        if plea.is_for_reconnect:
            self.sockets[number].give_up(f"no book of {plea.instrument_id[:12]}… came: {plea.reason}")
            return
        self.sockets[number].send_nowait(unsubscribe_frame([plea.instrument_id]))
        self._subscribe(number, [plea.instrument_id])

    def _subscribe(self, number: int, tokens: Sequence[InstrumentId]) -> None:
        socket, handler = self.sockets[number], self._handlers[number]
        if not socket.counters.is_open:
            return
        self.continuity.subscribed(tokens)
        socket.send_nowait(subscribe_frame(tokens, is_first=not handler.is_begun))
        handler.is_begun = True

    def _open_sockets(self) -> None:
        """Open the connections that the shards need and that are not there yet; none before `run`."""
        if self._group is None or self._session is None:
            return
        while len(self.sockets) < len(self.shards):
            number = len(self.sockets)
            rules = SocketRules(name=f"market-{number}", url=self._url)
            handler = Shard(self, number)
            socket = StreamSocket(rules, handler, self._session, now_s=self._now_s)
            self._handlers.append(handler)
            self.sockets.append(socket)
            self._group.create_task(socket.run(), name=rules.name)

    async def _check_for_ever(self, group: asyncio.TaskGroup) -> None:
        """Read over REST what is due, several reads at a time; a read that fails is asked again."""
        while True:
            for _ in range(READS_PER_ROUND_MAX):
                asked = self.continuity.begin_checks(BOOKS_PER_READ)
                if not asked:
                    break
                group.create_task(self._check(asked), name="market books read")
            self.answer_pleas()
            await asyncio.sleep(CHECK_EVERY_S)

    async def _check(self, asked: Sequence[InstrumentId]) -> None:
        try:
            readings = await self._reads.books(asked)
        except VenueReadError:
            self.reads_failed += 1
            readings = []
        self.continuity.judge(readings, asked)

    def standing_counts(self) -> dict[Standing, int]:
        """How many instruments are waiting, being checked and live."""
        counts = dict.fromkeys(Standing, 0)
        for track in self.continuity.tracks.values():
            counts[track.standing] += 1
        return counts
