"""The servers of the simulated venue: one loopback port for all its services, one task that lets time pass."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.typedefs import Middleware

from simulator.control import Control
from simulator.faults import FaultPlan
from simulator.faulty_http import FaultyHttp, Handler
from simulator.polymarket.activity_stream import ActivityStream
from simulator.polymarket.answers import RATE_LIMITED, RefusedError, fault_answers, refuse
from simulator.polymarket.chain_rpc import ChainRpc
from simulator.polymarket.clob_private import ClobPrivate
from simulator.polymarket.clob_public import ClobPublic
from simulator.polymarket.data_api import DataApi
from simulator.polymarket.exchange import Exchange
from simulator.polymarket.gamma import Gamma
from simulator.polymarket.limits import AddressLimits
from simulator.polymarket.market_stream import MarketStream
from simulator.polymarket.price_stream import PriceStream
from simulator.polymarket.relayer import Relayer
from simulator.polymarket.settings import VenueRules
from simulator.polymarket.steering import Steering
from simulator.polymarket.user_stream import UserStream
from simulator.polymarket.venue import Venue
from simulator.timing import NS_PER_MS, SYSTEM_TIME, SimulatorClock, Source

TICK_S = 0.005
"""How often the venue looks what is due when nobody asks it anything."""

BODY_BYTES_MAX = 1 << 20


class PolymarketSimulator:
    """A running venue: where it listens, and everything inside for a test to look at and to drive."""

    def __init__(self, venue: Venue, host: str, port: int) -> None:
        self.venue = venue
        self.host = host
        self.port = port

    @property
    def url(self) -> str:
        """Base of every HTTP service."""
        return f"http://{self.host}:{self.port}"

    @property
    def ws_url(self) -> str:
        """Base of every socket: /ws/market, /ws/user, /rtds and /bolt stand below it."""
        return f"ws://{self.host}:{self.port}"

    @property
    def exchange(self) -> Exchange:
        """The matching engine; `exchange.state` has the orders, trades and wallets."""
        return self.venue.exchange

    @property
    def clock(self) -> SimulatorClock:
        """The venue's clock, for tests that let time pass."""
        return self.venue.clock

    @property
    def faults(self) -> FaultPlan:
        """Where faults are armed and counted."""
        return self.venue.faults


@asynccontextmanager
async def polymarket_simulator(
    *,
    seed: int = 1,
    host: str = "127.0.0.1",
    port: int = 0,
    now_ns: Source = SYSTEM_TIME,
    rules: VenueRules | None = None,
) -> AsyncIterator[PolymarketSimulator]:
    """Serve a venue until the block ends; port 0 takes any free one. OSError where the port is taken."""
    faults = FaultPlan(seed)
    venue = Venue(seed=seed, clock=SimulatorClock(now_ns), faults=faults, rules=rules)
    runner = web.AppRunner(application(venue), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield PolymarketSimulator(venue, host, runner.addresses[0][1])
    finally:
        await runner.cleanup()


def application(venue: Venue) -> web.Application:
    """All services of the venue as one aiohttp application."""
    faulty = FaultyHttp(venue.faults, fault_answers(venue))
    app = web.Application(
        middlewares=[_middleware(faulty.handle), _middleware(_Gate(venue).handle)],
        client_max_size=BODY_BYTES_MAX,
    )
    app.cleanup_ctx.append(_clockwork(venue))
    app.on_shutdown.append(_close_streams(venue))
    app.add_routes(ClobPublic(venue).routes())
    app.add_routes(ClobPrivate(venue).routes())
    app.add_routes(Gamma(venue).routes())
    app.add_routes(DataApi(venue).routes())
    app.add_routes(Relayer(venue).routes())
    app.add_routes(ChainRpc(venue).routes())
    app.add_routes(Control(venue.faults, venue.clock, venue.state.run_due).routes())
    app.add_routes(Steering(venue).routes())
    app.router.add_get("/ws/market", MarketStream(venue).connect)
    app.router.add_get("/ws/user", UserStream(venue).connect)
    app.router.add_get("/rtds", ActivityStream(venue).connect)
    app.router.add_get("/bolt", PriceStream(venue).connect)
    return app


class _Gate:
    """Limits of the network address, and refusals that handlers raise."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._limits = AddressLimits(venue.state)

    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._venue.state.run_due()
        if not request.path.startswith("/_sim") and (wait_ns := self._wait_ns(request)):
            held_ms = min(wait_ns // NS_PER_MS + 1, self._venue.rules.queued_ms_max)
            await asyncio.sleep(held_ms / 1000)
            if not held_ms or self._wait_ns(request):
                self._venue.faults.mark("address limit")
                return refuse(RATE_LIMITED)
        try:
            return await handler(request)
        except RefusedError as error:
            return refuse(error.refusal)

    def _wait_ns(self, request: web.Request) -> int:
        endpoint = f"{request.method} {request.path}"
        return self._limits.wait_ns(request.remote or "", endpoint, request.path)


def _middleware(handle: Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handle(request, handler)

    return middleware


def _clockwork(venue: Venue) -> Callable[[web.Application], AsyncIterator[None]]:
    """Lets time pass as long as the application is served, also while nobody asks it anything."""

    async def run(_: web.Application) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            ticking = tasks.create_task(_let_time_pass(venue), name="time of the simulated venue")
            yield
            ticking.cancel()

    return run


def _close_streams(venue: Venue) -> Callable[[web.Application], Awaitable[None]]:
    """Ends open sockets before the server waits for them."""

    async def close(_: web.Application) -> None:
        venue.streams.close_all()

    return close


async def _let_time_pass(venue: Venue) -> None:
    while True:
        venue.state.run_due()
        await asyncio.sleep(TICK_S)
