"""The Data API through the official client: trades, activity, positions, values, late and cached."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from polymarket import AsyncSecureClient
from polymarket.models.clob.order_response import AcceptedOrder

from simulator.polymarket.markets import SimMarket
from simulator.polymarket.server import PolymarketSimulator
from tests.simulator.polymarket.clients import DOLLAR, OWNER, market_in, official_client, played, quote

SECOND = 10**9
Scenario = Callable[[PolymarketSimulator, AsyncSecureClient, SimMarket], Awaitable[Any]]


def traded(scenario: Scenario, **switches: Any) -> Any:
    """A client that has bought ten shares at 0.52 as a taker and four at 0.40 as a maker."""

    async def run(simulator: PolymarketSimulator) -> Any:
        market = market_in(simulator)
        async with official_client(simulator) as client:
            for price in ("0.52", "0.40"):
                order = await client.create_limit_order(
                    asset_id=market.token_ids[0], price=price, size="10", side="BUY"
                )
                assert isinstance(await client.post_order(order), AcceptedOrder)
            quote(simulator, market, bid="0.39", ask="0.52")
            simulator.venue.house.take(market, outcome=1, side=0, price=6_000, shares=4 * DOLLAR)
            return await scenario(simulator, client, market)

    return played(run, **switches)


def test_trades_appear_after_they_are_mined_and_indexed() -> None:
    async def scenario(simulator: PolymarketSimulator, client: AsyncSecureClient, _: SimMarket) -> list[int]:
        counts = []
        for wait_s in (0, 2, 4):
            simulator.venue.advance(wait_s * SECOND)
            page = await client.list_trades(user=OWNER, taker_only=False, page_size=10 + wait_s).first_page()
            counts.append(len(page.items))
        return counts

    assert traded(scenario, data_lag_ms=4_000) == [0, 0, 2]


def test_makers_are_listed_only_on_demand_and_in_their_own_terms() -> None:
    async def scenario(simulator: PolymarketSimulator, client: AsyncSecureClient, market: SimMarket) -> None:
        simulator.venue.advance(10 * SECOND)
        takers = (await client.list_trades(user=OWNER).first_page()).items
        both = (await client.list_trades(user=OWNER, taker_only=False).first_page()).items

        assert [(one.size, one.price) for one in takers] == [(Decimal(10), Decimal("0.52"))]
        assert {(one.asset_id, one.side, one.size, one.price) for one in both} == {
            (market.token_ids[0], "BUY", Decimal(10), Decimal("0.52")),
            (market.token_ids[0], "BUY", Decimal(4), Decimal("0.4")),
        }

    traded(scenario)


def test_a_failed_trade_never_appears() -> None:
    async def scenario(simulator: PolymarketSimulator, client: AsyncSecureClient, _: SimMarket) -> int:
        simulator.venue.advance(60 * SECOND)
        return len((await client.list_trades(user=OWNER, taker_only=False).first_page()).items)

    assert traded(scenario, failed_rate="1") == 0


def test_activity_has_every_deed_with_its_value() -> None:
    async def scenario(
        simulator: PolymarketSimulator, client: AsyncSecureClient, market: SimMarket
    ) -> list[tuple[str, Decimal]]:
        simulator.venue.advance(10 * SECOND)
        wallet = simulator.exchange.state.accounts.find(OWNER)
        assert wallet is not None
        simulator.venue.life.resolve(market, (Decimal(1), Decimal(0)))
        simulator.venue.life.redeem(wallet, market)
        simulator.venue.advance(10 * SECOND)
        page = await client.list_activity(user=OWNER).first_page()
        return sorted((row["type"], row["amount"]) for row in [one.model_dump() for one in page.items])

    assert traded(scenario) == [
        ("REDEEM", Decimal(14)),
        ("TRADE", Decimal("1.6")),
        ("TRADE", Decimal("5.2")),
    ]


def test_positions_have_their_cost_and_worth() -> None:
    async def scenario(simulator: PolymarketSimulator, client: AsyncSecureClient, market: SimMarket) -> None:
        simulator.venue.advance(10 * SECOND)
        [held] = (await client.list_positions(user=OWNER).first_page()).items
        redeemable_before = (await client.list_positions(user=OWNER, status="REDEEMABLE").first_page()).items
        simulator.venue.life.resolve(market, (Decimal(1), Decimal(0)))
        [redeemable] = (await client.list_positions(user=OWNER, status="REDEEMABLE").first_page()).items
        value = await client.get_portfolio_value(user=OWNER)
        [resolution] = await client.get_resolutions(condition_ids=market.condition_id)

        assert held.current_size == 14
        assert held.entry_cost_usdc == Decimal("6.8")  # 5.20 + 1.60
        assert redeemable_before == ()
        assert redeemable.redeemable
        assert value.value == 14
        assert resolution.status.value == "resolved"
        assert resolution.price == 1

    traded(scenario)


def test_the_same_url_is_answered_from_the_cache() -> None:
    async def scenario(simulator: PolymarketSimulator, client: AsyncSecureClient, _: SimMarket) -> list[int]:
        counts = []
        for page_size in (10, 10, 11, 10):
            page = await client.list_trades(user=OWNER, taker_only=False, page_size=page_size).first_page()
            counts.append(len(page.items))
            simulator.venue.advance((290 if page_size == 11 else 5) * SECOND)
        return counts

    assert traded(scenario, data_cache_ms=300_000, data_lag_ms=0) == [0, 0, 2, 2]


def test_pages_have_cursors() -> None:
    async def scenario(simulator: PolymarketSimulator, client: AsyncSecureClient, _: SimMarket) -> list[int]:
        simulator.venue.advance(10 * SECOND)
        pages = client.list_trades(user=OWNER, taker_only=False, page_size=1)
        return [len(page.items) async for page in pages]

    assert traded(scenario) == [1, 1]


def test_approvals_are_told_as_they_stand() -> None:
    async def scenario(simulator: PolymarketSimulator, client: AsyncSecureClient, _: SimMarket) -> list[bool]:
        wallet = simulator.exchange.state.accounts.find(OWNER)
        assert wallet is not None
        told = [(await client.get_trading_approvals_state()).is_fully_approved]
        simulator.venue.approve(wallet)
        told.append((await client.get_trading_approvals_state()).is_fully_approved)
        return told

    assert traded(scenario) == [False, True]
