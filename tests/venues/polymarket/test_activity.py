"""The activity topic as a trigger: what it tells, and that its loss is noticed within five seconds."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

import clock
from domain.messages import WalletTrade
from tests.venues.polymarket.loopback import LoopbackVenue, loopback_venue, running, until
from venues.polymarket.activity import SILENCE_S_MAX, ActivityTrigger, Busyness
from venues.polymarket.public_reads import new_session
from venues.polymarket.stream_wire import BadFrame
from venues.polymarket.wallet_deeds import WalletDeeds

LEADER = "0x" + "ab" * 20
NOW_S = 1_790_000_100


class Listening:
    """A trigger for one wallet, and everything that it said."""

    def __init__(self) -> None:
        self.told: list[WalletTrade] = []
        self.changes: list[tuple[bool, str]] = []
        self.bad: list[BadFrame] = []
        deeds = WalletDeeds(self.told.append, now_ns=lambda: NOW_S * 10**9, since_ns=0)
        deeds.follow(LEADER, "leader")
        self.trigger = ActivityTrigger(
            deeds, lambda *change: self.changes.append(change), self.bad.append, now_s=clock.monotonic_s
        )

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[LoopbackVenue]:
        """The trigger on a loopback venue that has answered."""
        async with (
            loopback_venue() as venue,
            new_session() as session,
            running(self.trigger.run(venue.hosts.activity_stream, session)),
        ):
            await self.until_change(1)
            yield venue

    async def until_change(self, count: int) -> float:
        """Seconds until so many changes were told."""
        return await until(lambda: len(self.changes) >= count)


def message(wallet: str = LEADER, kind: str = "trades", **changes: object) -> bytes:
    payload = {
        "asset": "111",
        "conditionId": "0xc",
        "proxyWallet": wallet,
        "side": "BUY",
        "price": 0.62,
        "size": 78.55,
        "timestamp": NOW_S,
        "transactionHash": "0xt",
        "name": "Car",
        "outcomeIndex": 0,
    }
    return json.dumps({"topic": "activity", "type": kind, "payload": {**payload, **changes}}).encode()


def test_a_trade_of_a_followed_wallet_is_told_once_by_both_types() -> None:
    listening = Listening()

    listening.trigger.take(message())
    listening.trigger.take(message(kind="orders_matched"))
    listening.trigger.take(message(wallet="0x" + "cd" * 20))

    assert [(deed.wallet, str(deed.price)) for deed in listening.told] == [(LEADER, "0.62")]
    assert listening.trigger.counters.messages == 3


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"{", id="half a frame"),
        pytest.param(message(price="high"), id="a price that is none"),
        pytest.param(message(timestamp=None), id="no time"),
    ],
)
def test_what_cannot_be_read_is_counted_and_kept(raw: bytes) -> None:
    listening = Listening()

    listening.trigger.take(raw)

    assert (listening.told, len(listening.bad), listening.trigger.counters.bad) == ([], 1, 1)


@pytest.mark.parametrize(
    "raw", [b"", b"PONG", message(kind="comments"), message().replace(b"activity", b"prices")]
)
def test_other_frames_are_signs_of_life_and_nothing_more(raw: bytes) -> None:
    listening = Listening()

    listening.trigger.take(raw)

    assert (listening.told, listening.bad) == ([], [])
    assert listening.changes == [(True, "the topic answers")]


def test_a_busy_flow_that_stops_is_frozen_and_a_quiet_one_is_not() -> None:
    busy, quiet = Busyness(0.0), Busyness(0.0)
    for step in range(1, 100):
        for _ in range(5):
            busy.count()
        if step % 40 == 0:
            quiet.count()
        assert not busy.is_frozen(step / 4)
        assert not quiet.is_frozen(step / 4)

    frozen_s = next(s for s in range(100) if busy.is_frozen(25 + s / 4)) / 4

    assert SILENCE_S_MAX - 0.5 <= frozen_s <= SILENCE_S_MAX + 0.5
    assert not quiet.is_frozen(60.0)


def test_a_cut_is_told_at_once_and_the_topic_returns() -> None:
    async def listen() -> tuple[Listening, list[str]]:
        listening = Listening()
        async with listening.connected() as venue:
            await venue.cut("/rtds")
            await listening.until_change(3)
        return listening, venue.said

    listening, said = asyncio.run(listen())

    assert [is_live for is_live, _ in listening.changes] == [True, False, True]
    assert '"topic":"activity","type":"trades"' in said[0]
    assert '"type":"orders_matched"' in said[0]


@pytest.mark.slow
def test_a_topic_that_answers_no_ping_is_lost_within_five_seconds() -> None:
    async def listen() -> float:
        listening = Listening()
        async with listening.connected() as venue:
            venue.is_stalled = True
            return await listening.until_change(2)

    assert asyncio.run(listen()) < 5.0


@pytest.mark.slow
def test_a_busy_topic_that_freezes_while_it_answers_pings_is_lost_within_five_seconds() -> None:
    async def flood(venue: LoopbackVenue) -> None:
        for number in range(250):
            await venue.tell(message(transactionHash=f"0x{number}").decode(), "/rtds")
            await asyncio.sleep(0.01)

    async def listen() -> tuple[float, str]:
        listening = Listening()
        async with listening.connected() as venue:
            await flood(venue)
            return await listening.until_change(2), listening.changes[1][1]

    seconds, reason = asyncio.run(listen())

    assert seconds < 5.0
    assert "busy" in reason
