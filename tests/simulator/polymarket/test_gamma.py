"""Gamma through the official client: lists with filters and pages, single objects, search and profiles."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from polymarket import AsyncSecureClient
from polymarket.errors import RequestRejectedError, UnexpectedResponseError

from simulator.faults import ArmedFault, Fault
from simulator.polymarket.server import PolymarketSimulator
from tests.simulator.polymarket.clients import OWNER, market_in, official_client, played

END_NS = 1_900_000_000 * 10**9


def asked(scenario: Callable[[PolymarketSimulator, AsyncSecureClient], Awaitable[Any]]) -> Any:
    """Three markets, two of them in one event and one of each generation, and a client that asks about them."""

    async def run(simulator: PolymarketSimulator) -> Any:
        market_in(simulator, slug="rain", question="Will it rain?", tags=("weather",), ends_ns=END_NS)
        market_in(simulator, slug="snow", question="Will it snow?", event_slug="winter", version="v2")
        market_in(simulator, slug="hail", question="Will it hail?", event_slug="winter", neg_risk=True)
        async with official_client(simulator) as client:
            return await scenario(simulator, client)

    return played(run)


def test_pages_follow_each_other_and_end() -> None:
    async def scenario(_: PolymarketSimulator, client: AsyncSecureClient) -> list[list[str | None]]:
        return [
            [market.slug for market in page.items]
            async for page in client.list_markets(closed=False, page_size=2)
        ]

    assert asked(scenario) == [["rain", "snow"], ["hail"]]


def test_a_market_that_is_added_does_not_shift_the_pages() -> None:
    async def scenario(simulator: PolymarketSimulator, client: AsyncSecureClient) -> list[str | None]:
        found: list[str | None] = []
        async for page in client.list_markets(page_size=2, order="endDate", ascending=True):
            found += [market.slug for market in page.items]
            if len(found) == 2:
                market_in(simulator, slug="first", ends_ns=1)
        return found

    assert asked(scenario) == ["snow", "hail", "first", "rain"]


@pytest.mark.parametrize(
    ("filters", "slugs"),
    [
        ({"slug": "snow"}, ["snow"]),
        ({"version": "v2"}, ["snow"]),
        ({"end_date_min": "2030-01-01T00:00:00Z"}, ["rain"]),
        ({"closed": True}, []),
        ({"ids": ["500002"]}, ["hail"]),
        ({"order": "id", "ascending": False}, ["hail", "snow", "rain"]),
    ],
    ids=str,
)
def test_filters_choose_markets(filters: dict[str, Any], slugs: list[str]) -> None:
    async def scenario(_: PolymarketSimulator, client: AsyncSecureClient) -> list[str | None]:
        return [market.slug for market in (await client.list_markets(**filters).first_page()).items]

    assert asked(scenario) == slugs


def test_each_generation_names_its_tokens_in_its_own_field() -> None:
    async def scenario(simulator: PolymarketSimulator, client: AsyncSecureClient) -> None:
        rain, snow = await client.get_market(slug="rain"), await client.get_market(slug="snow")
        by_slug = simulator.exchange.state.markets.by_slug

        assert (rain.version, snow.version) == ("v1", "v2")
        assert (rain.outcomes.yes.token_id, rain.outcomes.no.token_id) == by_slug["rain"].token_ids
        assert (snow.outcomes.yes.position_id, snow.outcomes.no.position_id) == by_slug["snow"].token_ids
        assert rain.outcomes.yes.position_id is None
        assert snow.outcomes.yes.token_id is None
        assert rain.trading.minimum_order_size == 5
        assert rain.trading.fee_schedule is not None
        assert str(rain.trading.fee_schedule.rate) == "0.07"

    asked(scenario)


def test_an_event_holds_its_markets() -> None:
    async def scenario(_: PolymarketSimulator, client: AsyncSecureClient) -> None:
        event = await client.get_event(slug="winter")
        same = await client.get_event(id=event.id)
        alone = await client.get_event(slug="rain")
        listed = (await client.list_events(closed=False).first_page()).items

        assert [market.slug for market in event.markets] == ["snow", "hail"]
        assert same.slug == "winter"
        assert [market.slug for market in alone.markets] == ["rain"]
        assert [one.slug for one in listed] == ["rain", "winter"]

    asked(scenario)


def test_what_is_not_there_is_a_404() -> None:
    async def scenario(_: PolymarketSimulator, client: AsyncSecureClient) -> list[int]:
        statuses: list[int] = []
        for read in (
            client.get_market(slug="none"),
            client.get_market(id="999999"),
            client.get_event(slug="none"),
        ):
            with pytest.raises(RequestRejectedError) as missing:
                await read
            statuses.append(missing.value.status)
        return statuses

    assert asked(scenario) == [404, 404, 404]


def test_a_resolved_market_is_closed_with_its_prices() -> None:
    async def scenario(simulator: PolymarketSimulator, client: AsyncSecureClient) -> None:
        market = simulator.exchange.state.markets.by_slug["rain"]
        simulator.venue.life.resolve(market, (Decimal(1), Decimal(0)))
        found = await client.get_market(slug="rain")

        assert found.state.closed
        assert not found.state.accepting_orders
        assert (found.outcomes.yes.price, found.outcomes.no.price) == (Decimal(1), Decimal(0))
        assert found.resolution.uma_resolution_status == "resolved"

    asked(scenario)


def test_search_finds_events_and_people() -> None:
    async def scenario(simulator: PolymarketSimulator, client: AsyncSecureClient) -> None:
        wallet = simulator.exchange.state.accounts.find(OWNER)
        assert wallet is not None
        wallet.name, wallet.pseudonym = "Satoshi", "Rainy-Day"
        [found] = (await client.search(q="rain", search_profiles=True).first_page()).items
        profile = await client.get_public_profile(OWNER)

        assert [event.slug for event in found.events] == ["rain"]
        assert [(one.name, one.wallet) for one in found.profiles] == [("Satoshi", OWNER)]
        assert profile is not None
        assert (profile.name, profile.wallet) == ("Satoshi", OWNER)

    asked(scenario)


def test_one_broken_market_fails_its_whole_page() -> None:
    async def scenario(simulator: PolymarketSimulator, client: AsyncSecureClient) -> None:
        simulator.faults.arm(ArmedFault(fault=Fault.UNPARSABLE_ROW, endpoint="gamma markets"))
        with pytest.raises(UnexpectedResponseError):
            await client.list_markets().first_page()
        assert (await client.get_market(slug="rain")).slug == "rain"

    asked(scenario)


def test_fields_can_be_added_to_a_market() -> None:
    async def scenario(simulator: PolymarketSimulator, client: AsyncSecureClient) -> None:
        market = simulator.exchange.state.markets.by_slug["rain"]
        market.extras["version"] = "v3"
        with pytest.raises(UnexpectedResponseError):
            await client.get_market(slug="rain")

    asked(scenario)
