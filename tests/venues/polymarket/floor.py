"""The adapter on a simulated venue: an account with money, one market, the reports it makes, and its user stream."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from typing import TypeVar

import msgspec
from aiohttp import ClientSession, ClientWebSocketResponse

from clock import WallScheduler, wall_ns
from domain.identifiers import InstrumentId, MarketId
from domain.instrument import Instrument, Market
from domain.messages import ExecutionReport, MarketListed
from domain.order import Order
from settings import Secret
from simulator.faults import ArmedFault, Fault
from simulator.polymarket.markets import MarketSpec, SimMarket
from simulator.polymarket.server import PolymarketSimulator, polymarket_simulator
from simulator.polymarket.settings import VenueRules
from tests.venues.polymarket.orders import VENUE, order
from tests.venues.polymarket.wallets import KEY, OWNER
from venues.polymarket.account import Owner
from venues.polymarket.hosts import single_host
from venues.polymarket.session import Session, SessionOptions
from venues.polymarket.signing import Credentials, Wallet, WalletKind
from venues.polymarket.venue import PolymarketVenue

DOLLAR = 1_000_000
PATIENCE_S = 5

ReportT = TypeVar("ReportT")


class Floor:
    """What a test needs: the simulator as the truth, the venue under test, and what it reported."""

    def __init__(self, simulator: PolymarketSimulator, market: SimMarket, venue: PolymarketVenue) -> None:
        self.simulator = simulator
        self.market = market
        self.venue = venue
        self.reports: list[ExecutionReport] = []
        self.instrument_id = InstrumentId(market.token_ids[0])
        self._news = asyncio.Event()

    def hear(self, report: ExecutionReport) -> None:
        self.reports.append(report)
        self._news.set()

    def order(self, number: int = 1, **changes: object) -> Order:
        """An order of this market, signed now."""
        own = msgspec.structs.replace(
            order(number),
            instrument_id=self.instrument_id,
            market_id=MarketId(self.market.condition_id),
            created_ns=wall_ns(),
        )
        return msgspec.structs.replace(own, **changes)

    async def place(self, of: Order) -> None:
        """Prepare and send, as the executor does."""
        self.venue.prepare(of)
        await self.venue.send(of)

    async def heard(self, kind: type[ReportT], count: int = 1) -> list[ReportT]:
        """Wait until so many reports of a kind have come."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found: list[ReportT] = [report for report in self.reports if isinstance(report, kind)]
                if len(found) >= count:
                    return found
                self._news.clear()
                await self._news.wait()

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Wait until something is so at the venue."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                if is_true():
                    return
                await asyncio.sleep(0.005)

    def arm(self, fault: Fault, endpoint: str = "*", **parameters: str | int | bool) -> None:
        """Let a fault strike the next time."""
        self.simulator.faults.arm(ArmedFault(fault=fault, endpoint=endpoint, parameters=parameters))

    def quote(self, *, bid: str, ask: str, shares: int = 100) -> None:
        """Let the house stand at one level on each side."""
        self.simulator.venue.house.set_book(
            self.market,
            bids=[(int(Decimal(bid) * 10_000), shares * DOLLAR)],
            asks=[(int(Decimal(ask) * 10_000), shares * DOLLAR)],
        )

    def at_venue(self, of: Order) -> str:
        """The id that the venue has for an order."""
        return self.venue.prepare(of).venue_order_id


@asynccontextmanager
async def floor(
    *, rules: VenueRules | None = None, has_stream: bool = True, spec: MarketSpec | None = None
) -> AsyncIterator[Floor]:
    """A simulated venue with one market, and the adapter on it, open and running."""
    async with polymarket_simulator(rules=rules or quick()) as simulator:
        simulator.venue.fund(OWNER, cash=1_000 * DOLLAR)
        sim_market = simulator.venue.life.create(spec or MarketSpec(slug="will-it-rain"))
        async with running(simulator, sim_market, has_stream=has_stream) as here:
            here.quote(bid="0.48", ask="0.52")
            yield here


@asynccontextmanager
async def running(
    simulator: PolymarketSimulator,
    market: SimMarket,
    *,
    has_stream: bool = True,
    is_listed: bool = True,
    install_id: str = "test",
) -> AsyncIterator[Floor]:
    """The adapter, open and running, with a user stream unless told otherwise."""
    async with AsyncExitStack() as stack:
        venue = PolymarketVenue(Session(options(simulator, install_id)), scheduler=WallScheduler())
        here = Floor(simulator, market, venue)
        venue.connect(here.hear)
        if is_listed:
            venue.on_market(listing(market))
        await venue.open()
        stack.push_async_callback(venue.close)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        tasks.create_task(venue.run())
        stack.callback(venue.stop)
        await asyncio.sleep(0)
        if has_stream:
            pumping = tasks.create_task(await stack.enter_async_context(user_stream(simulator, venue)))
            stack.callback(pumping.cancel)
        yield here


def quick() -> VenueRules:
    """A venue that settles within the patience of a test."""
    return VenueRules(mined_after_ms=50, confirmed_after_ms=100, data_lag_ms=0)


def options(simulator: PolymarketSimulator, install_id: str = "test") -> SessionOptions:
    """The account of the throwaway key, with credentials that the venue knows already."""
    key = simulator.venue.keys.create(OWNER, 0) or simulator.venue.keys.derive(OWNER, 0)
    assert key is not None
    credentials = Credentials(key=key.key, secret=Secret(key.secret), passphrase=Secret(key.passphrase))
    owner = Owner(key=KEY, wallet=Wallet(OWNER, WalletKind.EOA), credentials=credentials)
    hosts = single_host(simulator.url, stream_url=simulator.ws_url)
    return SessionOptions(owner=owner, install_id=install_id, hosts=hosts)


def listing(market: SimMarket) -> MarketListed:
    """The market as a feed tells it."""
    up, down = market.token_ids
    instruments = tuple(
        Instrument(
            id=InstrumentId(token),
            market_id=MarketId(market.condition_id),
            venue=VENUE,
            outcome=outcome,
            complement_id=InstrumentId(other),
            tick_size=market.spec.tick,
            fee_rate=market.spec.fee_rate,
            fee_exponent=market.spec.fee_exponent,
        )
        for token, other, outcome in ((up, down, "Yes"), (down, up, "No"))
    )
    return MarketListed(
        time_ns=wall_ns(),
        market=Market(
            id=MarketId(market.condition_id),
            venue=VENUE,
            slug=market.spec.slug,
            question="",
            category="crypto",
            event_id="",
            opens_ns=0,
            closes_ns=wall_ns() + 10**12,
            instruments=instruments,
            is_neg_risk=market.spec.neg_risk,
        ),
    )


@asynccontextmanager
async def user_stream(
    simulator: PolymarketSimulator, venue: PolymarketVenue
) -> AsyncIterator[Coroutine[None, None, None]]:
    """A bare user stream: connected and subscribed, and what then moves its frames."""
    key = simulator.venue.keys.derive(OWNER, 0)
    assert key is not None
    auth = {"apiKey": key.key, "secret": key.secret, "passphrase": key.passphrase}
    async with ClientSession() as http, http.ws_connect(f"{simulator.ws_url}/ws/user") as socket:
        await socket.send_str(json.dumps({"type": "user", "auth": auth}))
        await socket.send_str("PING")
        await socket.receive()
        yield _pump(socket, venue)


async def _pump(socket: ClientWebSocketResponse, venue: PolymarketVenue) -> None:
    async for message in socket:
        if message.data != "PONG":
            venue.on_user_message(message.data.encode())
