"""The market channel on loopback: live books, and what cuts, stalls, losses and large first frames do to them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import msgspec
import pytest

import clock
from domain.identifiers import InstrumentId
from domain.messages import BookSnapshot, FeedChanged, MarketEvent
from tests.venues.polymarket.loopback import LoopbackVenue, loopback_venue, running, until
from venues.polymarket.continuity import Continuity, Standing
from venues.polymarket.market_messages import MarketMessages
from venues.polymarket.market_stream import MarketStream
from venues.polymarket.public_reads import PublicReads, new_session
from venues.polymarket.stream_wire import BadFrame, ResolvedMessage

UP, DOWN = InstrumentId("111"), InstrumentId("222")


class Watched:
    """A market stream on a loopback venue, and everything that came out of it in order."""

    def __init__(
        self, venue: LoopbackVenue, *, silence_s_max: float = 60.0, tokens_per_socket: int = 200
    ) -> None:
        self.venue = venue
        self.events: list[MarketEvent] = []
        self.bad: list[BadFrame] = []
        self.reads = PublicReads(venue.hosts)
        self.continuity = Continuity(
            self.events.append, silence_s_max=silence_s_max, now_ns=clock.wall_ns, now_s=clock.monotonic_s
        )
        self.messages = MarketMessages(self.continuity, self.events.append, self, now_ns=clock.wall_ns)
        self.stream = MarketStream(
            venue.hosts.market_stream,
            self.reads,
            self.continuity,
            self.messages,
            tokens_per_socket=tokens_per_socket,
            now_s=clock.monotonic_s,
        )

    def unreadable(self, frame: BadFrame) -> None:
        self.bad.append(frame)

    def resolved(self, message: ResolvedMessage) -> None:
        raise AssertionError(message)

    async def until_live(self, count: int = 2) -> None:
        """Wait until so many books are live, then drop what came out."""
        await until(lambda: self.stream.standing_counts()[Standing.LIVE] == count)
        self.events.clear()

    def kinds(self) -> list[str]:
        """What came out: books, and the feed breaking or mending."""
        names = []
        for event in self.events:
            if isinstance(event, FeedChanged):
                names.append("live" if event.is_live else "broken")
            elif isinstance(event, BookSnapshot):
                names.append("book")
        return names

    def best_bid(self, token: InstrumentId) -> Decimal | None:
        """The best bid that was given out last."""
        books = [e.book for e in self.events if isinstance(e, BookSnapshot) and e.book.instrument_id == token]
        return books[-1].best_bid.price if books and books[-1].best_bid else None


@asynccontextmanager
async def watching(
    tokens: tuple[InstrumentId, ...] = (UP, DOWN),
    *,
    silence_s_max: float = 60.0,
    tokens_per_socket: int = 200,
) -> AsyncIterator[Watched]:
    """Follow these tokens; the block begins when they are live."""
    async with loopback_venue() as venue, new_session() as session:
        watched = Watched(venue, silence_s_max=silence_s_max, tokens_per_socket=tokens_per_socket)
        watched.reads.use(session)
        for start in range(0, len(tokens), 2):
            for token in tokens[start : start + 2]:
                venue.add_book(token)
            watched.stream.add(tokens[start : start + 2])
        async with running(watched.stream.run(session)):
            await watched.until_live(len(tokens))
            yield watched


def test_changes_become_books() -> None:
    async def watch() -> Watched:
        async with watching() as watched:
            await watched.venue.change(UP, "BUY", "0.51", "7")
            await until(lambda: bool(watched.events))
        return watched

    watched = asyncio.run(watch())

    assert watched.kinds() == ["book"]
    assert watched.best_bid(UP) == Decimal("0.51")


def test_the_first_frame_has_a_type_and_later_ones_an_operation() -> None:
    async def watch() -> list[dict[str, object]]:
        async with watching() as watched:
            watched.venue.add_book("333")
            watched.stream.add([InstrumentId("333")])
            await until(lambda: watched.stream.standing_counts()[Standing.LIVE] == 3)
            watched.stream.remove([UP], reason="not wanted")
            await until(lambda: "unsubscribe" in watched.venue.said[-1])
            return [msgspec.json.decode(text) for text in watched.venue.said]

    said = asyncio.run(watch())

    assert [(frame.get("type"), frame.get("operation")) for frame in said] == [
        ("market", None),
        (None, "subscribe"),
        (None, "unsubscribe"),
    ]
    assert said[0]["assets_ids"] == [UP, DOWN]
    assert said[2]["assets_ids"] == [UP]


def test_a_cut_breaks_the_epoch_and_nothing_is_given_out_until_it_is_mended() -> None:
    async def watch() -> Watched:
        async with watching() as watched:
            await watched.venue.cut()
            await watched.venue.change(UP, "BUY", "0.51", "7")
            await until(
                lambda: watched.stream.standing_counts()[Standing.LIVE] == 2 and len(watched.events) > 3
            )
        return watched

    watched = asyncio.run(watch())

    assert watched.kinds() == ["broken", "live", "book", "book"]
    assert watched.best_bid(UP) == Decimal("0.51")
    breaking, mending = (event for event in watched.events if isinstance(event, FeedChanged))
    assert (breaking.epoch, mending.epoch) == (1, 1)
    assert "1013" in breaking.reason


def test_a_change_that_is_lost_is_found_by_the_next_and_mended_by_a_new_snapshot() -> None:
    async def watch() -> Watched:
        async with watching() as watched:
            await watched.venue.change(UP, "BUY", "0.51", "7", is_told=False)
            await watched.venue.change(UP, "BUY", "0.49", "7")
            await until(lambda: watched.kinds()[-2:] == ["live", "book"])
        return watched

    watched = asyncio.run(watch())

    assert watched.kinds() == ["broken", "live", "book"]
    assert watched.best_bid(UP) == Decimal("0.51")
    assert watched.stream.sockets[0].counters.connections == 1


@pytest.mark.slow
def test_a_stream_that_pongs_and_tells_nothing_is_found_out_and_replaced() -> None:
    async def watch() -> tuple[Watched, float]:
        async with watching(silence_s_max=0.5) as watched:
            watched.venue.is_stalled = True
            await watched.venue.change(UP, "BUY", "0.51", "7")
            seconds = await until(lambda: "broken" in watched.kinds())
            watched.venue.is_stalled = False
            await until(lambda: watched.best_bid(UP) == Decimal("0.51"), timeout_s=20)
        return watched, seconds

    watched, seconds = asyncio.run(watch())

    assert seconds < 5.0
    assert "stall" in next(event.reason for event in watched.events if isinstance(event, FeedChanged))


@pytest.mark.slow
def test_a_quiet_stream_that_tells_the_truth_is_left_alone_and_fresh() -> None:
    async def watch() -> Watched:
        async with watching(silence_s_max=0.3) as watched:
            await until(lambda: len(watched.events) >= 4)
        return watched

    watched = asyncio.run(watch())

    assert set(watched.kinds()) == {"book"}


def test_a_first_frame_of_many_megabytes_is_taken() -> None:
    async def watch() -> Watched:
        async with loopback_venue() as venue, new_session() as session:
            watched = Watched(venue)
            watched.reads.use(session)
            venue.add_book(UP)
            venue.first_padding = " " * 9_000_000
            watched.stream.add([UP])
            async with running(watched.stream.run(session)):
                await watched.until_live(1)
        return watched

    assert asyncio.run(watch()).stream.sockets[0].counters.received_bytes > 9_000_000


def test_tokens_are_spread_over_connections_and_a_cut_breaks_only_its_own() -> None:
    tokens = tuple(InstrumentId(str(number)) for number in range(100, 106))

    async def watch() -> Watched:
        async with watching(tokens, tokens_per_socket=2) as watched:
            watched.stream.sockets[1].give_up("for the test")
            await until(lambda: "broken" in watched.kinds())
        return watched

    watched = asyncio.run(watch())

    assert len(watched.stream.sockets) == 3
    broken = [event.instrument_ids for event in watched.events if isinstance(event, FeedChanged)]
    assert broken[0] == tokens[2:4]


@pytest.mark.parametrize(
    "junk", ["{", "[1,2]", '{"event_type":"riddle"}', "INVALID OPERATION", "PONG", "\u2603"]
)
def test_junk_between_messages_changes_nothing(junk: str) -> None:
    async def watch() -> Watched:
        async with watching() as watched:
            await watched.venue.tell(junk)
            await watched.venue.change(UP, "BUY", "0.51", "7")
            await until(lambda: bool(watched.events))
        return watched

    assert asyncio.run(watch()).kinds() == ["book"]


def test_reads_that_fail_keep_the_books_from_going_live_until_they_succeed() -> None:
    async def watch() -> tuple[dict[Standing, int], Watched]:
        async with loopback_venue() as venue, new_session() as session:
            watched = Watched(venue)
            watched.reads.use(session)
            venue.add_book(UP)
            venue.are_reads_down = True
            watched.stream.add([UP])
            async with running(watched.stream.run(session)):
                await until(lambda: watched.stream.reads_failed > 0)
                before = watched.stream.standing_counts()
                venue.are_reads_down = False
                await watched.until_live(1)
        return before, watched

    before, _ = asyncio.run(watch())

    assert before[Standing.LIVE] == 0
