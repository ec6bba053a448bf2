"""Simulated Bybit as a whole: the exchange, its doors, and how to serve it and point ccxt at it."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

from simulator.exchanges.bybit.errors import BybitError
from simulator.exchanges.bybit.private_stream import PrivateStream
from simulator.exchanges.bybit.public_stream import PublicStream
from simulator.exchanges.bybit.rest import ENDPOINTS, ORDERS_PER_S, Rate, handler_of, refused
from simulator.exchanges.exchange import ClientIdRule
from simulator.exchanges.fault_gate import Answer, FaultGate
from simulator.exchanges.pace import Pace, repeat
from simulator.exchanges.pairs import PAIRS, Pair
from simulator.exchanges.server_clock import ServerClock
from simulator.exchanges.serving import run_beside, serving
from simulator.exchanges.steering import Steering
from simulator.exchanges.venue import SimulatedVenue
from simulator.faults import Fault, FaultPlan

INCOMING_PER_S_MAX = 500


class BybitSimulator(SimulatedVenue):
    """Everything of one simulated Bybit; whether its client ids stay taken for ever is not established."""

    def __init__(
        self,
        *,
        seed: int,
        clock: ServerClock | None = None,
        pairs: Iterable[Pair] = PAIRS,
        pace: Pace | None = None,
        faults: FaultPlan | None = None,
        orders_per_s: int | None = ORDERS_PER_S,
    ) -> None:
        super().__init__(
            seed=seed, clock=clock, pairs=pairs, faults=faults, pace=pace, client_ids=ClientIdRule.FOR_EVER
        )
        times = msgspec.structs.replace(self.pace.streams, ping_s=None, incoming_per_s_max=INCOMING_PER_S_MAX)
        self.rate = Rate(self.exchange, orders_per_s)
        self.public = PublicStream(self.exchange, times)
        self.private = PrivateStream(self.exchange, times)

    def mount(self, app: web.Application) -> None:
        """Add all routes and background work to an application that is not served yet."""
        gate = FaultGate(faults=self.faults, clock=self.clock, refusals=self._refusals())
        for endpoint in ENDPOINTS:
            handler = gate.open(handler_of(endpoint, self.exchange, self.rate))
            app.router.add_route(endpoint.method, endpoint.path, handler)
        app.router.add_get("/v5/public/spot", self.public.door.connect)
        app.router.add_get("/v5/private", self.private.door.connect)
        app.router.add_get("/v5/trade", self.private.trade_door.connect)
        run_beside(app, self._background, close=self.close_streams)

    def close_streams(self) -> None:
        """End every websocket."""
        for door in (self.public.door, self.private.door, self.private.trade_door):
            door.close()

    def ccxt_config(self, api_key: str, secret: str) -> dict[str, object]:
        """What to construct `ccxt.pro.bybit` with so that it talks to this simulator and to nobody else."""
        private = f"{self.ws_url}/v5/private"
        sockets = {
            "public": {"spot": f"{self.ws_url}/v5/public/spot", "linear": f"{self.ws_url}/v5/public/linear"},
            "private": {
                "spot": {"unified": private},
                "contract": private,
                "trade": f"{self.ws_url}/v5/trade",
            },
        }
        names = ("public", "private", "spot", "futures", "v2")
        return {
            "apiKey": api_key,
            "secret": secret,
            "has": {"fetchCurrencies": False},
            "urls": {"api": {**dict.fromkeys(names, self.url), "ws": sockets}},
            "options": {
                "defaultType": "spot",
                "fetchMarkets": {"types": ["spot"]},
                "enableUnifiedMargin": False,
                "enableUnifiedAccount": True,
                "unifiedMarginStatus": 5,
            },
        }

    def _restart(self) -> Answer:
        """Cut every stream and serve nothing for this request; orders and balances survive."""
        self.close_streams()
        return Answer(text="", status=503)

    def _background(self) -> Iterable[Coroutine[object, object, None]]:
        yield repeat(self.pace.depth_s, self.public.publish_books)
        yield repeat(self.pace.ticker_s, self.public.publish_tickers)
        yield from self.market_work()

    def _refusals(self) -> Mapping[Fault, Callable[[], Answer]]:
        exchange = self.exchange
        too_many = BybitError(10006, "Too many visits. Exceeded the API Rate Limit.")
        blocked = {
            "error": "The Amazon CloudFront distribution is configured to block access from your country."
        }
        return {
            Fault.ENGINE_RESTART: self._restart,
            Fault.STATUS_425: lambda: Answer(content={}, status=425),
            Fault.STATUS_429: lambda: Answer(content=refused(exchange, too_many), status=429),
            Fault.STATUS_429_BARE: lambda: Answer(content={}, status=429),
            Fault.UNAUTHORIZED: lambda: Answer(
                content=refused(exchange, BybitError(10003, "API key is invalid."))
            ),
            Fault.REGION_BLOCKED: lambda: Answer(content=blocked, status=403),
        }


@asynccontextmanager
async def bybit_simulator(
    *, seed: int = 1, clock: ServerClock | None = None, pace: Pace | None = None, port: int = 0
) -> AsyncIterator[BybitSimulator]:
    """Serve a simulated Bybit on loopback inside the block; its clock is the system's unless one is given."""
    simulator = BybitSimulator(seed=seed, clock=clock, pace=pace)
    app = web.Application()
    simulator.mount(app)
    app.add_routes(Steering(simulator).routes())
    async with serving(app, port=port) as address:
        simulator.served_at(address)
        yield simulator
