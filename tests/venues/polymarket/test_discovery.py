"""Questions to the catalogue over loopback: one bad market does not cost its page, and every refusal has a reason."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.errors import VenueReadError
from domain.identifiers import MarketId
from tests.venues.polymarket.catalogue import CONDITION, DOWN_TOKEN, SLUG, UP_TOKEN, listing
from tests.venues.polymarket.loopback import LoopbackVenue, loopback_venue
from venues.polymarket.discovery import Discovery
from venues.polymarket.public_reads import PublicReads, new_session


@asynccontextmanager
async def catalogue() -> AsyncIterator[tuple[LoopbackVenue, Discovery]]:
    """A venue and questions to it."""
    async with loopback_venue() as venue, new_session() as session:
        reads = PublicReads(venue.hosts)
        reads.use(session)
        yield venue, Discovery(reads)


def test_a_market_is_found_by_slug_and_by_id() -> None:
    async def ask() -> None:
        async with catalogue() as (venue, discovery):
            venue.markets.append(listing())

            by_slug, by_id = await discovery.by_slug(SLUG), await discovery.by_id("1557558")
            none = await discovery.by_slug("not-there-yet")

        assert [market.id for market in by_slug.markets] == [CONDITION]
        assert by_id == by_slug
        assert (none.markets, none.refused) == ((), ())

    asyncio.run(ask())


def test_the_bad_markets_of_an_event_are_listed_and_the_good_ones_found() -> None:
    async def ask() -> None:
        async with catalogue() as (venue, discovery):
            bad = [listing(slug="numbers", orderMinSize="five"), {"slug": "empty"}, listing(version="v9")]
            closed = listing(slug="over", closed=True)
            venue.events["lantern"] = {"id": "77", "slug": "lantern", "markets": [*bad, closed, listing()]}

            found = await discovery.by_event("lantern")

        assert [(market.id, market.event_id) for market in found.markets] == [(CONDITION, "77")]
        assert [refused.slug for refused in found.refused] == ["numbers", "empty", SLUG, "over"]
        assert "version 'v9'" in found.refused[2].reason
        assert found.refused[3].reason == "it is closed"

    asyncio.run(ask())


def test_a_tag_is_read_page_by_page_until_there_are_enough() -> None:
    async def ask() -> None:
        async with catalogue() as (venue, discovery):
            for number in range(5):
                market = listing(conditionId=f"0x{number}", slug=f"m{number}")
                venue.events[f"e{number}"] = {"id": str(number), "slug": f"e{number}", "markets": [market]}

            found = await discovery.by_tag("crypto", markets_max=3)

        assert [market.slug for market in found.markets] == ["m0", "m1", "m2"]
        assert len(venue.questions) == 2

    asyncio.run(ask())


def test_a_fee_schedule_that_the_catalogue_leaves_out_is_read_from_the_order_book_service() -> None:
    async def ask() -> None:
        async with catalogue() as (venue, discovery):
            venue.markets.append(listing(feeSchedule=None))
            without = await discovery.by_slug(SLUG)
            venue.terms[CONDITION] = {"mts": 0.01, "mos": 5, "fd": {"r": 0.04, "e": 1, "to": True}}
            found = await discovery.by_slug(SLUG)

        assert "schedule is not known" in without.refused[0].reason
        assert str(found.markets[0].instruments[0].fee_rate) == "0.04"

    asyncio.run(ask())


def test_resolutions_are_told_of_the_markets_that_were_asked_about() -> None:
    async def ask() -> None:
        async with catalogue() as (venue, discovery):
            over = {"closed": True, "outcomePrices": '["1", "0"]'}
            venue.markets += [listing(**over), listing(conditionId="0xopen", slug="open"), {"closed": True}]
            venue.markets[-1]["conditionId"] = "0xbroken"

            told = await discovery.resolutions(
                [MarketId(CONDITION), MarketId("0xopen"), MarketId("0xbroken")]
            )

        assert {market: {k: str(v) for k, v in paid.items()} for market, paid in told.items()} == {
            CONDITION: {UP_TOKEN: "1", DOWN_TOKEN: "0"}
        }

    asyncio.run(ask())


@pytest.mark.parametrize("body", [b"<html>", b"[]", json.dumps({"markets": 5}).encode()])
def test_an_answer_that_is_none_is_a_failed_read(body: bytes) -> None:
    async def ask() -> None:
        async with catalogue() as (venue, discovery):
            venue.page_body = body
            with pytest.raises(VenueReadError):
                await discovery.resolutions([MarketId(CONDITION)])

    asyncio.run(ask())
