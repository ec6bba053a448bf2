"""Outcomes: told once, by the stream or by the catalogue, and only where they fit the market."""

import asyncio
from decimal import Decimal

import pytest

from domain.identifiers import InstrumentId, MarketId
from domain.instrument import Market
from domain.messages import MarketEvent, MarketResolved
from domain.money import ONE, ZERO
from tests.venues.polymarket.catalogue import CONDITION, DOWN_TOKEN, UP_TOKEN, listing, row
from tests.venues.polymarket.loopback import loopback_venue
from venues.polymarket.discovery import Discovery
from venues.polymarket.gamma_wire import as_market
from venues.polymarket.hosts import Hosts
from venues.polymarket.public_reads import PublicReads, new_session
from venues.polymarket.resolution import ALL_EVERY_S, Resolutions
from venues.polymarket.stream_wire import ResolvedMessage

WON = ResolvedMessage(CONDITION, [UP_TOKEN, DOWN_TOKEN], UP_TOKEN, "1773307554000")


class Waiting:
    """Resolutions of one market at a time that the test sets."""

    def __init__(self, reads: PublicReads | None = None) -> None:
        self.now_s = 1_773_307_400
        self.events: list[MarketEvent] = []
        self.ended: list[Market] = []
        self.resolutions = Resolutions(
            Discovery(reads or PublicReads(Hosts())),
            self.events.append,
            self.ended.append,
            now_ns=lambda: self.now_s * 10**9,
        )
        self.resolutions.watch(as_market(row()))

    def payouts(self) -> list[dict[InstrumentId, Decimal]]:
        return [event.payouts for event in self.events if isinstance(event, MarketResolved)]


def test_the_streams_word_is_told_once() -> None:
    waiting = Waiting()

    waiting.resolutions.hear(WON)
    waiting.resolutions.hear(WON)

    assert waiting.payouts() == [{UP_TOKEN: ONE, DOWN_TOKEN: ZERO}]
    assert [market.id for market in waiting.ended] == [CONDITION]
    assert waiting.resolutions.counters.by_stream == 1


def test_a_market_that_has_resolved_is_not_waited_for_again() -> None:
    waiting = Waiting()
    waiting.resolutions.hear(WON)

    waiting.resolutions.watch(as_market(row()))

    assert waiting.resolutions.markets == {}


def test_another_word_on_the_same_market_is_counted_and_not_told() -> None:
    waiting = Waiting()
    waiting.resolutions.hear(WON)

    waiting.resolutions.hear(ResolvedMessage(CONDITION, [UP_TOKEN, DOWN_TOKEN], DOWN_TOKEN, "1"))

    assert len(waiting.payouts()) == 1
    assert waiting.resolutions.counters.contradictions == 1


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(ResolvedMessage(CONDITION, [UP_TOKEN, "9"], UP_TOKEN, "1"), id="another token"),
        pytest.param(ResolvedMessage(CONDITION, [UP_TOKEN, DOWN_TOKEN], "9", "1"), id="no winner"),
        pytest.param(ResolvedMessage("0xstranger", [UP_TOKEN, DOWN_TOKEN], UP_TOKEN, "1"), id="a stranger"),
    ],
)
def test_a_word_that_does_not_fit_settles_nothing(message: ResolvedMessage) -> None:
    waiting = Waiting()

    waiting.resolutions.hear(message)

    assert waiting.payouts() == []
    assert list(waiting.resolutions.markets) == [CONDITION]


def test_a_market_is_asked_about_often_after_its_end_and_now_and_then_before() -> None:
    waiting = Waiting()

    at_first = waiting.resolutions.due()
    before_its_end = waiting.resolutions.due()
    waiting.now_s = 1_773_307_500
    at_its_end = waiting.resolutions.due()
    waiting.now_s += ALL_EVERY_S

    assert (at_first, before_its_end, at_its_end) == ([CONDITION], [], [CONDITION])
    assert waiting.resolutions.due() == [MarketId(CONDITION)]


def test_the_catalogue_tells_what_the_stream_did_not() -> None:
    async def ask() -> Waiting:
        async with loopback_venue() as venue, new_session() as session:
            reads = PublicReads(venue.hosts)
            reads.use(session)
            waiting = Waiting(reads)
            venue.markets.append(listing(closed=True, outcomePrices='["0", "1"]'))
            await waiting.resolutions._ask([MarketId(CONDITION)])
        return waiting

    waiting = asyncio.run(ask())

    assert waiting.payouts() == [{UP_TOKEN: ZERO, DOWN_TOKEN: ONE}]
    assert waiting.resolutions.counters.by_catalogue == 1
