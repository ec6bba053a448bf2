"""The whole feed against the simulated venue: markets found, books kept right under every fault of a stream."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

import clock
from domain.errors import ConfigurationError
from domain.identifiers import InstrumentId
from domain.instrument import UpDown
from domain.messages import (
    BookSnapshot,
    FeedChanged,
    MarketEvent,
    MarketListed,
    MarketResolved,
    PriceTick,
    TickSizeChanged,
    TradePrint,
    WalletTrade,
)
from settings import Secret
from simulator.faults import ArmedFault, Fault
from simulator.polymarket.markets import SimMarket
from simulator.polymarket.server import PolymarketSimulator
from tests.simulator.polymarket.clients import (
    OTHER_PRIVATE_KEY,
    market_in,
    official_client,
    played,
    quote,
)
from tests.venues.polymarket.loopback import running, until
from venues.polymarket.feed import PolymarketFeed
from venues.polymarket.feed_plan import FeedListeners, FeedPlan
from venues.polymarket.hosts import single_host
from venues.polymarket.signing import Credentials
from venues.polymarket.wire import OrderRow, decode_user_event

NS = 10**9


class Run:
    """A feed on a simulated venue, and everything that its sink got in order."""

    def __init__(
        self, simulator: PolymarketSimulator, plan: FeedPlan, credentials: Credentials | None = None
    ) -> None:
        self.simulator = simulator
        self.events: list[MarketEvent] = []
        self.user_frames: list[bytes] = []
        self.gaps: list[int] = []
        self.feed = PolymarketFeed(
            plan,
            self.events.append,
            hosts=single_host(simulator.url, stream_url=simulator.ws_url),
            credentials=credentials,
            listeners=FeedListeners(user_message=self.user_frames.append, user_gap=self.gaps.append),
        )

    @property
    def live(self) -> int:
        return self.feed.status().instruments["LIVE"]

    def top(self, token: str) -> tuple[Decimal, Decimal] | None:
        """Best prices of the book that was given out last."""
        for event in reversed(self.events):
            if isinstance(event, BookSnapshot) and event.book.instrument_id == token:
                bid, ask = event.book.best_bid, event.book.best_ask
                return (bid.price, ask.price) if bid and ask else None
        return None

    def told_while_broken(self) -> list[InstrumentId]:
        """Books that were given out between a break and its mending: there must be none."""
        broken: set[InstrumentId] = set()
        wrong = []
        for event in self.events:
            if isinstance(event, FeedChanged):
                broken = (
                    broken - {*event.instrument_ids} if event.is_live else broken | {*event.instrument_ids}
                )
            elif isinstance(event, BookSnapshot) and event.book.instrument_id in broken:
                wrong.append(event.book.instrument_id)
        return wrong


@asynccontextmanager
async def feeding(
    simulator: PolymarketSimulator, plan: FeedPlan, credentials: Credentials | None = None
) -> AsyncIterator[Run]:
    """Run a feed beside the block."""
    run = Run(simulator, plan, credentials)
    async with running(run.feed.run()):
        yield run


def arm(simulator: PolymarketSimulator, fault: Fault, kind: str = "price_change", **parameters: int) -> None:
    """Let a fault strike the next message of a kind on the market channel."""
    simulator.faults.arm(ArmedFault(fault=fault, endpoint=f"ws /ws/market {kind}", parameters={**parameters}))


def window(simulator: PolymarketSimulator, start_s: int) -> SimMarket:
    """A five-minute market on bitcoin."""
    return market_in(
        simulator,
        slug=f"btc-updown-5m-{start_s}",
        outcomes=("Up", "Down"),
        starts_ns=start_s * NS,
        ends_ns=(start_s + 300) * NS,
    )


def test_the_running_window_of_a_series_and_the_next_are_listed_and_live() -> None:
    async def scenario(simulator: PolymarketSimulator) -> Run:
        start_s = clock.wall_ns() // NS // 300 * 300
        window(simulator, start_s)
        window(simulator, start_s + 300)
        async with feeding(simulator, FeedPlan(series=("btc-5m",))) as run:
            await until(lambda: run.live == 4)
        return run

    run = played(scenario)

    listed = [event.market for event in run.events if isinstance(event, MarketListed)]
    assert [market.closes_ns - market.opens_ns for market in listed] == [300 * NS] * 2
    assert listed[0].up_down == UpDown(asset="BTC", feed="chainlink:BTC", twap_s=60)
    assert [instrument.outcome for instrument in listed[0].instruments] == ["UP", "DOWN"]
    assert run.told_while_broken() == []


def test_prints_ticks_and_outcomes_are_told_with_the_books() -> None:
    async def scenario(simulator: PolymarketSimulator) -> tuple[Run, SimMarket]:
        market = market_in(simulator)
        async with feeding(simulator, FeedPlan(slugs=("will-it-rain",))) as run:
            await until(lambda: run.live == 2)
            simulator.venue.house.take(market, outcome=0, side=0, price=5_200, shares=10_000_000)
            simulator.venue.life.change_tick(market, Decimal("0.001"))
            simulator.venue.life.resolve(market, (Decimal(1), Decimal(0)))
            await until(lambda: any(isinstance(event, MarketResolved) for event in run.events))
        return run, market

    run, market = played(scenario)

    up, down = market.token_ids
    prints = [event for event in run.events if isinstance(event, TradePrint)]
    ticks = {
        event.instrument_id: event.tick_size for event in run.events if isinstance(event, TickSizeChanged)
    }
    (outcome,) = (event for event in run.events if isinstance(event, MarketResolved))
    assert [(one.price, one.quantity, one.side) for one in prints] == [(Decimal("0.52"), Decimal(10), "BUY")]
    assert ticks == {up: Decimal("0.001"), down: Decimal("0.001")}
    assert outcome.payouts == {up: Decimal(1), down: Decimal(0)}
    assert run.feed.status().markets == 0


@pytest.mark.parametrize(
    ("fault", "is_break"),
    [
        pytest.param(Fault.DROP_STREAM_MESSAGE, True, id="a change is lost"),
        pytest.param(Fault.CUT_STREAM, True, id="the connection is cut"),
        pytest.param(Fault.TRUNCATED_MESSAGE, True, id="half a change"),
        pytest.param(Fault.REORDER, False, id="a change comes after the top that it makes"),
        pytest.param(Fault.DUPLICATE_DELIVERY, False, id="a change comes twice"),
        pytest.param(Fault.UNKNOWN_MESSAGE, False, id="a message of no known kind"),
        pytest.param(Fault.HUGE_MESSAGE, False, id="a message above a megabyte"),
    ],
)
def test_a_fault_of_the_stream_never_leaves_a_wrong_book(fault: Fault, is_break: bool) -> None:
    async def scenario(simulator: PolymarketSimulator) -> tuple[Run, str]:
        market = market_in(simulator)
        token = market.token_ids[0]
        async with feeding(simulator, FeedPlan(slugs=("will-it-rain",))) as run:
            await until(lambda: run.live == 2)
            arm(simulator, fault)
            quote(simulator, market, bid="0.47", ask="0.53")
            quote(simulator, market, bid="0.46", ask="0.54")
            await until(lambda: run.top(token) == (Decimal("0.46"), Decimal("0.54")) and run.live == 2)
        return run, token

    run, _ = played(scenario)

    assert run.simulator.faults.reached[fault] == 1
    assert (run.feed.status().breaks > 0) == is_break
    assert run.told_while_broken() == []


@pytest.mark.slow
@pytest.mark.parametrize("fault", [Fault.STALL_STREAM, Fault.LATE_MESSAGE])
def test_a_stream_that_stalls_or_lags_is_found_out(fault: Fault) -> None:
    async def scenario(simulator: PolymarketSimulator) -> Run:
        market = market_in(simulator)
        token = market.token_ids[0]
        async with feeding(simulator, FeedPlan(slugs=("will-it-rain",), silence_s_max=0.5)) as run:
            await until(lambda: run.live == 2)
            arm(simulator, fault, delay_ms=300)
            quote(simulator, market, bid="0.47", ask="0.53")
            quote(simulator, market, bid="0.46", ask="0.54")
            await until(lambda: run.top(token) == (Decimal("0.46"), Decimal("0.54")) and run.live == 2)
        return run

    run = played(scenario)

    assert run.told_while_broken() == []
    assert run.feed.status().breaks > 0


def test_a_large_first_array_of_many_tokens_is_taken() -> None:
    async def scenario(simulator: PolymarketSimulator) -> Run:
        slugs = [f"question-{number}" for number in range(30)]
        for slug in slugs:
            market_in(simulator, slug=slug)
        arm(simulator, Fault.HUGE_MESSAGE, "book")
        async with feeding(simulator, FeedPlan(slugs=tuple(slugs))) as run:
            await until(lambda: run.live == 60)
        return run

    run = played(scenario)

    assert len(run.feed.status().market_sockets) == 1
    assert run.feed.status().market_sockets[0].connections == 1


@pytest.mark.slow
def test_an_outcome_that_no_stream_tells_is_found_in_the_catalogue() -> None:
    async def scenario(simulator: PolymarketSimulator) -> Run:
        market = window(simulator, clock.wall_ns() // NS // 300 * 300 - 600)
        simulator.faults.arm(ArmedFault(fault=Fault.SILENT_RESOLUTION))
        async with feeding(simulator, FeedPlan(slugs=(market.spec.slug,))) as run:
            await until(lambda: run.live == 2)
            simulator.venue.life.resolve(market, (Decimal(0), Decimal(1)))
            await until(lambda: any(isinstance(event, MarketResolved) for event in run.events))
        return run

    assert played(scenario).feed.status().resolutions.by_catalogue == 1


def test_a_market_of_the_second_generation_is_followed_by_its_position_ids() -> None:
    async def scenario(simulator: PolymarketSimulator) -> tuple[Run, SimMarket]:
        market = market_in(simulator, version="v2")
        async with feeding(simulator, FeedPlan(slugs=("will-it-rain",))) as run:
            await until(lambda: run.live == 2)
        return run, market

    run, market = played(scenario)

    (listed,) = (event.market for event in run.events if isinstance(event, MarketListed))
    assert tuple(instrument.id for instrument in listed.instruments) == market.token_ids


def test_a_market_of_an_unknown_generation_is_refused_in_words() -> None:
    async def scenario(simulator: PolymarketSimulator) -> Run:
        market = market_in(simulator)
        market.extras["version"] = "v9"
        async with feeding(simulator, FeedPlan(slugs=("will-it-rain",))) as run:
            await until(lambda: bool(run.feed.status().refused))
        return run

    assert "version 'v9'" in played(scenario).feed.status().refused[0].reason


async def credentials_of(simulator: PolymarketSimulator, owner: str) -> Credentials:
    """The API key that the official client made for itself."""
    key = simulator.venue.keys.derive(owner, 0)
    assert key is not None
    return Credentials(key=key.key, secret=Secret(key.secret), passphrase=Secret(key.passphrase))


def test_orders_and_prices_are_heard_with_the_key_of_the_account() -> None:
    async def scenario(simulator: PolymarketSimulator) -> Run:
        market = market_in(simulator)
        async with official_client(simulator) as client:
            credentials = await credentials_of(simulator, client.wallet)
            plan = FeedPlan(slugs=("will-it-rain",), price_symbols=("btcusd",))
            async with feeding(simulator, plan, credentials) as run:
                await until(lambda: len(run.gaps) == 1)
                order = await client.create_limit_order(
                    asset_id=market.token_ids[0], price=Decimal("0.40"), size=Decimal(10), side="BUY"
                )
                await client.post_order(order)
                await until(lambda: bool(run.user_frames))
                await until(lambda: any(isinstance(event, PriceTick) for event in run.events))
        return run

    run = played(scenario)

    row = decode_user_event(run.user_frames[0])
    assert isinstance(row, OrderRow)
    assert {event.feed for event in run.events if isinstance(event, PriceTick)} >= {"chainlink:BTC"}


def leader_trades(tell: Callable[[Run], Awaitable[None]], **plan: object) -> Run:
    """Let another wallet buy while it is followed by its name."""

    async def scenario(simulator: PolymarketSimulator) -> Run:
        market = market_in(simulator)
        async with official_client(simulator, private_key=OTHER_PRIVATE_KEY) as leader:
            simulator.venue.fund(leader.wallet).name = "Heron"
            follow = FeedPlan(wallets=("heron",), since_ns=clock.wall_ns() - 60 * NS)
            async with feeding(simulator, follow) as run:
                await tell(run)
                order = await leader.create_limit_order(
                    asset_id=market.token_ids[0], price=Decimal("0.52"), size=Decimal(20), side="BUY"
                )
                await leader.post_order(order)
                await until(lambda: any(isinstance(event, WalletTrade) for event in run.events))
                await asyncio.sleep(plan_s)
        return run

    plan_s = float(str(plan.get("linger_s", 0)))
    return played(scenario, mined_after_ms=100, confirmed_after_ms=200, data_lag_ms=100)


def test_a_followed_wallets_trade_comes_by_the_trigger_with_its_market_listed_first() -> None:
    async def once_the_trigger_is_live(run: Run) -> None:
        await until(lambda: run.feed.status().trigger.is_live)

    run = leader_trades(once_the_trigger_is_live, linger_s=3)

    deeds = [event for event in run.events if isinstance(event, WalletTrade)]
    listed = next(place for place, event in enumerate(run.events) if isinstance(event, MarketListed))
    assert [(deed.name, deed.price, deed.quantity) for deed in deeds] == [
        ("Heron", Decimal("0.52"), Decimal(20))
    ]
    assert listed < run.events.index(deeds[0])
    assert run.feed.status().deeds.by_trigger == 1


def test_a_followed_wallets_trade_comes_by_the_audit_where_the_trigger_is_down() -> None:
    async def while_the_trigger_is_refused(run: Run) -> None:
        run.simulator.faults.arm(ArmedFault(fault=Fault.DEAD_STREAM, endpoint="ws /rtds *", times=None))

    run = leader_trades(while_the_trigger_is_refused)

    assert run.feed.status().deeds.by_audit == 1


def test_a_name_that_nobody_carries_ends_the_run_with_the_reason() -> None:
    async def scenario(simulator: PolymarketSimulator) -> str:
        run = Run(simulator, FeedPlan(wallets=("nobody-at-all",)))
        with pytest.raises(ConfigurationError) as refusal:
            await run.feed.run()
        return str(refusal.value)

    assert "nobody-at-all" in played(scenario)


@pytest.mark.parametrize("plan", [FeedPlan(series=("btc",)), FeedPlan(series=("btc-7m",))])
def test_a_plan_that_makes_no_sense_is_refused_before_anything_starts(plan: FeedPlan) -> None:
    with pytest.raises(ConfigurationError):
        PolymarketFeed(plan, lambda _: None)
