"""Simulated Binance as a whole: the exchange, its doors, and how to serve it and point ccxt at it."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

from simulator.exchanges.binance.errors import BAD_KEY, TOO_MANY_WEIGHT, BinanceError
from simulator.exchanges.binance.limits import Budget, Limits
from simulator.exchanges.binance.market_streams import MarketStreams
from simulator.exchanges.binance.rest import ENDPOINTS, handler_of, refused
from simulator.exchanges.binance.ws_api import WebsocketApi
from simulator.exchanges.events import ExchangeEvent, OrderChanged
from simulator.exchanges.exchange import ClientIdRule
from simulator.exchanges.fault_gate import Answer, FaultGate
from simulator.exchanges.orders import OrderState
from simulator.exchanges.pace import Pace, repeat
from simulator.exchanges.pairs import PAIRS, Pair
from simulator.exchanges.server_clock import ServerClock
from simulator.exchanges.serving import run_beside, serving
from simulator.exchanges.steering import Steering
from simulator.exchanges.venue import SimulatedVenue
from simulator.faults import Fault, FaultPlan

REQUESTS_PER_S_MAX = 1_000
"""Frames that the websocket API takes: it limits requests by weight."""


class BinanceSimulator(SimulatedVenue):
    """Everything of one simulated Binance; `user` and `market` are its sockets, `budget` what clients have used."""

    def __init__(
        self,
        *,
        seed: int,
        clock: ServerClock | None = None,
        pairs: Iterable[Pair] = PAIRS,
        limits: Limits | None = None,
        pace: Pace | None = None,
        faults: FaultPlan | None = None,
    ) -> None:
        super().__init__(
            seed=seed, clock=clock, pairs=pairs, faults=faults, pace=pace, client_ids=ClientIdRule.AMONG_OPEN
        )
        self.budget = Budget(limits or Limits(), self.clock)
        times = self.pace.streams
        self.market = MarketStreams(self.exchange, times)
        requests = msgspec.structs.replace(times, incoming_per_s_max=REQUESTS_PER_S_MAX)
        self.user = WebsocketApi(self.exchange, self.budget, requests)
        self.exchange.listen(self._give_back_filled)

    def mount(self, app: web.Application) -> None:
        """Add all routes and background work to an application that is not served yet."""
        gate = FaultGate(faults=self.faults, clock=self.clock, refusals=self._refusals())
        for endpoint in ENDPOINTS:
            handler = gate.open(handler_of(endpoint, self.exchange, self.budget))
            app.router.add_route(endpoint.method, endpoint.path, handler)
        for path in ("/stream", "/stream/ws", "/stream/ws/{number}"):
            app.router.add_get(path, self.market.connect)
        app.router.add_get("/ws-api/v3", self.user.connect)
        run_beside(app, self._background, close=self.close_streams)

    def announce_shutdown(self) -> None:
        """Send the event that goes before a shutdown to every connection."""
        self.market.announce_shutdown()
        self.user.announce_shutdown()

    def close_streams(self) -> None:
        """End every websocket, as at the end of its day."""
        self.market.close()
        self.user.close()

    def ccxt_config(self, api_key: str, secret: str) -> dict[str, object]:
        """What to construct `ccxt.pro.binance` with so that it talks to this simulator and to nobody else."""
        rest, stream = f"{self.url}/api/v3", f"{self.ws_url}/stream/ws"
        sockets = {"spot": stream, "ws-api": {"spot": f"{self.ws_url}/ws-api/v3"}}
        api = {"public": rest, "private": rest, "sapi": f"{self.url}/sapi/v1", "ws": sockets}
        return {
            "apiKey": api_key,
            "secret": secret,
            "urls": {"api": api},
            "options": {
                "defaultType": "spot",
                "fetchCurrencies": False,
                "fetchMargins": False,
                "fetchMarkets": {"types": ["spot"]},
            },
        }

    def _give_back_filled(self, event: ExchangeEvent) -> None:
        if isinstance(event, OrderChanged) and event.order.state is OrderState.FILLED:
            self.budget.give_back_order(event.order.owner)

    def _restart(self) -> Answer:
        """Cut every stream and serve nothing for this request; orders and balances survive."""
        self.close_streams()
        return Answer(text="", status=503)

    def _background(self) -> Iterable[Coroutine[object, object, None]]:
        yield repeat(self.pace.depth_s, self.market.publish_books)
        yield repeat(self.pace.ticker_s, self.market.publish_tickers)
        yield from self.market_work()

    def _refusals(self) -> Mapping[Fault, Callable[[], Answer]]:
        limit = self.budget.limits.weight_per_minute
        too_many = TOO_MANY_WEIGHT.format(limit=limit)
        retry = {"Retry-After": "30", "X-MBX-USED-WEIGHT-1M": str(limit + 1)}
        return {
            Fault.ENGINE_RESTART: self._restart,
            Fault.STATUS_425: lambda: Answer(content={}, status=425),
            Fault.STATUS_429: lambda: refused(BinanceError(-1003, too_many, status=429, headers=retry)),
            Fault.STATUS_429_BARE: lambda: refused(BinanceError(-1003, too_many, status=429)),
            Fault.UNAUTHORIZED: lambda: refused(BAD_KEY.error()),
            Fault.REGION_BLOCKED: lambda: Answer(
                content={"code": 0, "msg": "Service unavailable from a restricted location."}, status=451
            ),
        }


@asynccontextmanager
async def binance_simulator(
    *,
    seed: int = 1,
    clock: ServerClock | None = None,
    limits: Limits | None = None,
    pace: Pace | None = None,
    port: int = 0,
) -> AsyncIterator[BinanceSimulator]:
    """Serve a simulated Binance on loopback inside the block; its clock is the system's unless one is given."""
    simulator = BinanceSimulator(seed=seed, clock=clock, limits=limits, pace=pace)
    app = web.Application()
    simulator.mount(app)
    app.add_routes(Steering(simulator).routes())
    async with serving(app, port=port) as address:
        simulator.served_at(address)
        yield simulator
