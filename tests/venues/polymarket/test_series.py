"""The rotation of up/down windows: the next is found a whole window before it opens, each once."""

import asyncio

import pytest

from domain.errors import ConfigurationError
from domain.instrument import Market
from tests.venues.polymarket.catalogue import listing
from tests.venues.polymarket.loopback import loopback_venue, running, until
from venues.polymarket.discovery import Discovery
from venues.polymarket.public_reads import PublicReads, new_session
from venues.polymarket.series import RETRY_S, Series, SeriesRotation, Window, parse_series, windows

START_S = 1_773_307_200
FIVE = Series("btc", "5m")


@pytest.mark.parametrize(
    ("now_s", "starts"),
    [
        pytest.param(START_S, [START_S, START_S + 300], id="at the beginning of a window"),
        pytest.param(START_S + 299, [START_S, START_S + 300], id="in its last second"),
        pytest.param(START_S + 300, [START_S + 300, START_S + 600], id="in the next"),
    ],
)
def test_the_running_window_and_the_next_are_wanted(now_s: int, starts: list[int]) -> None:
    assert [window.start_s for window in windows(FIVE, now_s)] == starts


def test_a_window_is_found_once_and_the_one_after_it_before_it_opens() -> None:
    async def rotate() -> None:
        found: list[Market] = []
        now_s = START_S + 10
        async with loopback_venue() as venue, new_session() as session:
            reads = PublicReads(venue.hosts)
            reads.use(session)
            rotation = SeriesRotation([FIVE], Discovery(reads), found.append, now_ns=lambda: now_s * 10**9)
            venue.markets.append(listing(slug=FIVE.slug(START_S), conditionId="0x1"))
            async with running(rotation.run()):
                await until(lambda: rotation.counters.missing > 0)
            first = [market.slug for market in found], rotation.due()
            venue.markets.append(listing(slug=FIVE.slug(START_S + 300), conditionId="0x2"))
            now_s += RETRY_S
            async with running(rotation.run()):
                await until(lambda: rotation.counters.found == 2)

        assert first == ([FIVE.slug(START_S)], [])
        assert [market.slug for market in found] == [FIVE.slug(START_S), FIVE.slug(START_S + 300)]
        assert rotation.due() == []

    asyncio.run(rotate())


def test_a_window_that_is_missing_is_asked_for_again_after_a_while() -> None:
    now_s = START_S

    rotation = SeriesRotation([FIVE], None, lambda _: None, now_ns=lambda: now_s * 10**9)  # type: ignore[arg-type]
    first = rotation.due()
    rotation._asked_s = dict.fromkeys(first, now_s)
    asked_just_now = rotation.due()
    now_s += RETRY_S

    assert first == [Window(FIVE, START_S), Window(FIVE, START_S + 300)]
    assert (asked_just_now, rotation.due()) == ([], first)


@pytest.mark.parametrize("name", ["btc", "btc-1m", "btc-updown-5m", "-5m", ""])
def test_a_name_that_is_no_series_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(ConfigurationError, match="btc-5m"):
        parse_series(name)
