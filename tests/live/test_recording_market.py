"""A market that is recorded: what it tells reaches the session first and then the tape, and nothing else changes."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from backtest.open_tape import open_tape
from domain.errors import ConfigurationError
from domain.messages import MarketEvent
from domain.remembered import Remembered
from live.market import Gap, LiveMarket, Sink
from live.recording_market import RecordedMarket
from settings import RunSettings, Settings
from tests.support.fake_venue import FakeVenue
from tests.support.trading import NOW_NS, S, book, listed, shown
from venues.base import Venue

EVENTS: list[MarketEvent] = [listed(), *(shown(book(time_ns=NOW_NS + second * S)) for second in range(3))]


class FakeMarket:
    """Tells some events and ends."""

    def __init__(self) -> None:
        self.venue: Venue = FakeVenue()
        self.label, self.account = "a market", "an account"
        self.is_closed = False

    def restore(self, remembered: Remembered, *, owned: Mapping[str, Decimal]) -> None:
        """Nothing is taken over."""

    def on_market(self, event: MarketEvent) -> None:
        """Nobody looks."""

    async def run(self, sink: Sink, *, on_gap: Gap, ready: Gap) -> None:
        ready("fake")
        for event in EVENTS:
            sink(event)
        on_gap("fake")

    async def opening_cash(self) -> Decimal:
        return Decimal(7)

    def status(self) -> list[str]:
        return ["well"]

    async def close(self) -> None:
        self.is_closed = True


def around(market: LiveMarket, path: Path, said: list[str]) -> RecordedMarket:
    return RecordedMarket(market, Settings(run=RunSettings(record_megabytes_max=10)), path, said.append)


def test_the_session_gets_every_event_and_the_tape_the_same(tmp_path: Path) -> None:
    said: list[str] = []
    told: list[MarketEvent] = []
    heard: list[str] = []
    market = around(FakeMarket(), tmp_path, said)

    asyncio.run(market.run(told.append, on_gap=heard.append, ready=heard.append))

    assert told == EVENTS
    assert list(open_tape(tmp_path).events()) == EVENTS
    assert heard == ["fake", "fake"]
    assert said[0].startswith("recorded 3 books, 1 listings;")


def test_an_error_of_the_session_passes_and_what_came_before_is_on_the_tape(tmp_path: Path) -> None:
    def refuse(event: MarketEvent) -> None:
        if event == EVENTS[3]:
            raise LookupError("the session is over")

    async def play() -> None:
        await around(FakeMarket(), tmp_path, []).run(refuse, on_gap=lambda _: None, ready=lambda _: None)

    with pytest.raises(LookupError):
        asyncio.run(play())

    assert list(open_tape(tmp_path).events()) == EVENTS[:3]


def test_a_folder_that_is_none_is_refused_before_the_market_begins(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    market = around(FakeMarket(), tmp_path / "file", [])

    with pytest.raises(ConfigurationError, match="nothing can be recorded there"):
        asyncio.run(market.run(lambda _: None, on_gap=lambda _: None, ready=lambda _: None))


def test_all_else_is_the_markets_own(tmp_path: Path) -> None:
    inner = FakeMarket()
    market: LiveMarket = around(inner, tmp_path, [])

    assert (market.venue, market.label, market.account) == (inner.venue, "a market", "an account")
    assert asyncio.run(market.opening_cash()) == 7
    assert market.status() == ["well"]
    asyncio.run(market.close())
    assert inner.is_closed
