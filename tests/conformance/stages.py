"""One stage for each venue: the venue under test on its own simulator, and the truth as that simulator has it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal

import msgspec

from clock import WallScheduler
from config import PaperSettings
from domain.instrument import Side
from domain.messages import BookSnapshot, ExecutionReport, MarketListed, TradePrint
from domain.order import Order, TimeInForce
from simulator.exchanges.orders import SpotOrder
from simulator.faults import Fault
from simulator.polymarket.orders import OPEN_STATES, SELL, SimOrder
from tests.conformance.stage import Networked, Stage, Truth
from tests.venues import paper_floor
from tests.venues.exchange.scene import CANCEL, KEY, PLACE, Trader, trading
from tests.venues.polymarket.floor import DOLLAR, Floor, floor, listing, options
from tests.venues.polymarket.wallets import OWNER
from venues.base import Prepared, Venue
from venues.exchange.venue import ExchangeVenue
from venues.paper import PaperVenue
from venues.polymarket.channel import Channels
from venues.polymarket.session import Session
from venues.polymarket.venue import PolymarketVenue

CONNECT_TIMEOUT_S = 0.2
AT_ONCE = PaperSettings(
    latency_ms_min=1,
    latency_ms_max=1,
    answer_ms=1,
    taker_delay_ms=0,
    settlement_s_min=0,
    settlement_s_max=0,
    settlement_failure_rate=Decimal(0),
)

# --- paper ----------------------------------------------------------------------------------------------


class PaperStage:
    """The simulated venue of a dry run, on the wall's clock: its own book is the truth."""

    money = "pUSD"

    def __init__(self) -> None:
        settings, cash = AT_ONCE, Decimal(1_000)
        self._paper = PaperVenue(scheduler=WallScheduler(), settings=settings, seed=1, cash=cash)
        self.venue: Venue = self._paper
        self.reports: list[ExecutionReport] = []
        self.venue.connect(self.reports.append)
        self._paper.on_market(MarketListed(time_ns=paper_floor.START_NS, market=paper_floor.market()))
        shown = paper_floor.book(bids="0.48x100", asks="0.52x100")
        self._paper.on_market(BookSnapshot(time_ns=paper_floor.START_NS, book=shown))

    def order(self, number: int = 1, **changes: object) -> Order:
        """Rests above the best bid."""
        return msgspec.structs.replace(paper_floor.order("BUY 10 UP 0.50 GTC", name=f"k{number}"), **changes)

    def taking(self, number: int = 1) -> Order:
        """Meets the ask."""
        return self.order(number, price=Decimal("0.52"), time_in_force=TimeInForce.FAK)

    def too_dear(self) -> Order:
        """Costs 2,500 of 1,000."""
        return self.order(9, quantity=Decimal(5_000))

    def fill(self, order: Order, quantity: Decimal) -> None:
        """Somebody sells so much at the order's price."""
        print_ = TradePrint(
            time_ns=paper_floor.START_NS,
            instrument_id=order.instrument_id,
            side=Side.SELL,
            price=order.price,
            quantity=quantity,
        )
        self._paper.on_market(print_)

    def truth(self, order: Order) -> Truth | None:
        """As the paper venue's own list has it."""
        live = self._paper._live.get(order.id)
        seen = self._paper._ended.get(order.id)
        if live is not None:
            return Truth(is_open=True, filled_quantity=live.order.quantity - live.leaves)
        return Truth(is_open=False, filled_quantity=seen.filled_quantity) if seen else None

    def prepared_elsewhere(self, order: Order) -> Prepared | None:
        """Nothing is signed on paper."""
        self.venue.prepare(order)
        return None


@asynccontextmanager
async def paper() -> AsyncIterator[Stage]:
    """The paper venue with one market."""
    yield PaperStage()


# --- Polymarket -----------------------------------------------------------------------------------------


class PolymarketStage:
    """Polymarket's adapter with its user stream on the simulated venue."""

    money = "pUSD"
    place, cancel = "POST /order", "DELETE /order"

    def __init__(self, here: Floor) -> None:
        self._floor = here
        self.venue: Venue = here.venue
        self.reports = here.reports

    @property
    def url(self) -> str:
        """Where the simulator listens."""
        return self._floor.simulator.url

    def order(self, number: int = 1, **changes: object) -> Order:
        """Rests above the best bid."""
        return self._floor.order(number, **({"price": Decimal("0.50")} | changes))

    def taking(self, number: int = 1) -> Order:
        """Meets the ask."""
        return self.order(number, price=Decimal("0.52"), time_in_force=TimeInForce.FAK)

    def too_dear(self) -> Order:
        """Costs 2,500 of 1,000."""
        return self.order(9, quantity=Decimal(5_000))

    def fill(self, order: Order, quantity: Decimal) -> None:
        """The house steps aside and sells so much at the order's price."""
        self._floor.quote(bid="0.30", ask="0.70")
        price, shares = int(order.price * 10_000), int(quantity * DOLLAR)
        house, market = self._floor.simulator.venue.house, self._floor.market
        house.take(market, outcome=0, side=SELL, price=price, shares=shares)

    def truth(self, order: Order) -> Truth | None:
        """As the exchange's own list has it."""
        found = self._orders().get(self._floor.at_venue(order))
        if found is None:
            return None
        return Truth(found.status in OPEN_STATES, Decimal(found.matched) / DOLLAR)

    def prepared_elsewhere(self, order: Order) -> Prepared | None:
        """A venue of another process, made of the same settings."""
        other = Session(options(self._floor.simulator))
        venue = PolymarketVenue(other, scheduler=WallScheduler())
        venue.on_market(listing(self._floor.market))
        other._payloads = self._floor.venue._session.payloads
        return venue.prepare(order)

    def arm(self, fault: Fault, endpoint: str, **parameters: str | int) -> None:
        """Let a fault strike the next matching request."""
        self._floor.arm(fault, endpoint, **parameters)

    def arm_for_good(self, fault: Fault, endpoint: str) -> None:
        """Often enough."""
        for _ in range(20):
            self._floor.arm(fault, endpoint)

    def clear(self) -> None:
        """Let nothing strike any more."""
        self._floor.simulator.faults.clear()

    def point_at(self, url: str | None) -> None:
        """Fresh connections to another address."""
        connection = self._floor.venue._session._connection
        connection._channels.close()
        connection._channels = Channels(
            url or self.url, connections_max=1, connect_timeout_s=CONNECT_TIMEOUT_S
        )

    def taken(self) -> int:
        """Whatever its state; the house's own are not counted."""
        return sum(order.maker == OWNER for order in self._orders().values())

    def _orders(self) -> dict[str, SimOrder]:
        return self._floor.simulator.exchange.state.orders


@asynccontextmanager
async def polymarket() -> AsyncIterator[Networked]:
    """Polymarket's adapter, open and running."""
    async with floor() as here:
        yield PolymarketStage(here)


# --- Binance through ccxt -------------------------------------------------------------------------------


class BinanceStage:
    """The ccxt adapter with its user stream on the simulated Binance."""

    money = "USDT"
    place, cancel = PLACE, CANCEL

    def __init__(self, trader: Trader) -> None:
        self._trader = trader
        self.venue: Venue = trader.venue
        self.reports = trader.heard.reports
        self._private = trader.connection.orders.urls["api"]["private"]

    @property
    def url(self) -> str:
        """Where the simulator listens."""
        return self._trader.sim.url

    def order(self, number: int = 1, **changes: object) -> Order:
        """Rests far below the market."""
        return self._trader.order(number, **changes)

    def taking(self, number: int = 1) -> Order:
        """Meets the asks of the house."""
        return self.order(number, price=Decimal(61_000), time_in_force=TimeInForce.FAK)

    def too_dear(self) -> Order:
        """Costs more than the account has."""
        return self.order(9, price=Decimal(50_000), quantity=Decimal(100))

    def fill(self, order: Order, quantity: Decimal) -> None:
        """Somebody takes it at its price."""
        (held,) = [one for one in self._held() if one.client_order_id == self._client_id(order)]
        self._trader.sim.exchange.fill(held.id, quantity)

    def truth(self, order: Order) -> Truth | None:
        """As the exchange's own log has it."""
        found = [one for one in self._held() if one.client_order_id == self._client_id(order)]
        return Truth(found[-1].state.is_open, found[-1].filled) if found else None

    def prepared_elsewhere(self, order: Order) -> Prepared | None:
        """A venue of another process, on the same connection."""
        return ExchangeVenue(self._trader.connection, scheduler=WallScheduler()).prepare(order)

    def arm(self, fault: Fault, endpoint: str, **parameters: str | int) -> None:
        """Let a fault strike the next matching request."""
        self._trader.arm(fault, endpoint, **parameters)

    def arm_for_good(self, fault: Fault, endpoint: str) -> None:
        """Until it is cleared."""
        self._trader.arm_for_good(fault, endpoint)

    def clear(self) -> None:
        """Let nothing strike any more."""
        self._trader.clear()

    def point_at(self, url: str | None) -> None:
        """Only the private calls of the order path."""
        orders = self._trader.connection.orders
        orders.urls["api"]["private"] = f"{url}/api/v3" if url else self._private
        orders.timeout = int(CONNECT_TIMEOUT_S * 1_000) if url else 10_000

    def taken(self) -> int:
        """Whatever its state."""
        return len(self._held())

    def _held(self) -> list[SpotOrder]:
        return self._trader.sim.exchange.log.orders_of(KEY)

    def _client_id(self, order: Order) -> str:
        prepared = self.venue.prepare(order)
        assert prepared is not None
        return prepared.venue_order_id


@asynccontextmanager
async def binance() -> AsyncIterator[Networked]:
    """The ccxt adapter, running."""
    async with trading("binance") as trader:
        yield BinanceStage(trader)


Opens = Callable[[], AbstractAsyncContextManager[Stage]]
OpensNetworked = Callable[[], AbstractAsyncContextManager[Networked]]
NETWORKED: dict[str, OpensNetworked] = {"polymarket": polymarket, "binance": binance}
ALL: dict[str, Opens] = {"paper": paper, "polymarket": polymarket, "binance": binance}


def play(opens: Opens, scene: Callable[[Stage], Awaitable[None]]) -> None:
    """Run a scene on a fresh stage."""

    async def run() -> None:
        async with opens() as stage:
            await scene(stage)

    asyncio.run(run())


def play_networked(name: str, scene: Callable[[Networked], Awaitable[None]]) -> None:
    """Run a scene on a fresh stage that has a network."""

    async def run() -> None:
        async with NETWORKED[name]() as stage:
            await scene(stage)

    asyncio.run(run())
