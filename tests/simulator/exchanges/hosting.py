"""A simulated exchange and a real ccxt client of it, kept for a whole module: starting both for each row is slow."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from decimal import Decimal
from typing import Any, Generic, TypeVar

import ccxt.pro as ccxtpro

from domain.instrument import Side
from simulator.exchanges.binance.limits import Limits
from simulator.exchanges.binance.server import BinanceSimulator, binance_simulator
from simulator.exchanges.bybit.server import BybitSimulator, bybit_simulator
from simulator.exchanges.pace import Pace

KEY, SECRET = "a" * 64, "s" * 64
QUICK = Pace(depth_s=0.02, ticker_s=0.05)
PATIENCE_S = 5.0

Simulator = TypeVar("Simulator", bound=BinanceSimulator | BybitSimulator)
Result = TypeVar("Result")
Client = Any  # ccxt ships no types


class Hosted(Generic[Simulator]):
    """One loop in which the simulator runs whenever a test runs something."""

    def __init__(self, runner: asyncio.Runner, simulator: Simulator, client: Client) -> None:
        self._runner = runner
        self.simulator = simulator
        self.client = client

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run one coroutine to its end, within the patience of a test."""

        async def bounded() -> Result:
            async with asyncio.timeout(PATIENCE_S):
                return await coroutine

        return self._runner.run(bounded())


@contextmanager
def hosted(
    served: Callable[[], AbstractAsyncContextManager[Simulator]], exchange_id: str
) -> Iterator[Hosted[Simulator]]:
    """Serve and connect in a task that lives as long as the block."""
    with asyncio.Runner() as runner:
        ready: asyncio.Future[tuple[Simulator, Client]] = runner.get_loop().create_future()
        done = asyncio.Event()

        async def live() -> None:
            async with served() as simulator, client_of(simulator, exchange_id) as client:
                ready.set_result((simulator, client))
                await done.wait()

        async def start() -> tuple[asyncio.Task[None], tuple[Simulator, Client]]:
            task = asyncio.create_task(live())
            await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                await task
            return task, ready.result()

        async def stop(task: asyncio.Task[None]) -> None:
            done.set()
            await task

        task, (simulator, client) = runner.run(start())
        yield Hosted(runner, simulator, client)
        runner.run(stop(task))


@asynccontextmanager
async def client_of(
    simulator: BinanceSimulator | BybitSimulator,
    exchange_id: str,
    *,
    api_key: str = KEY,
    secret: str = SECRET,
    **settings: object,
) -> AsyncIterator[Client]:
    """A ccxt client without its own throttle, with the pairs loaded; closed in the end."""
    if simulator.exchange.account(KEY) is None:
        simulator.open_account(KEY, SECRET)
    config = {**simulator.ccxt_config(api_key, secret), "enableRateLimit": False, **settings}
    client = getattr(ccxtpro, exchange_id)(config)
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()


def served_binance() -> AbstractAsyncContextManager[BinanceSimulator]:
    """Binance with quick streams."""
    return binance_simulator(seed=1, pace=QUICK)


def served_bybit() -> AbstractAsyncContextManager[BybitSimulator]:
    """Bybit with quick streams."""
    return bybit_simulator(seed=1, pace=QUICK)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that the server does a moment later and tells nobody of."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.005)


def run(scenario: Coroutine[Any, Any, Result]) -> Result:
    """Run a scenario with a simulator of its own, within the patience of a test."""

    async def bounded() -> Result:
        async with asyncio.timeout(PATIENCE_S):
            return await scenario

    return asyncio.run(bounded())


def fresh(simulator: BinanceSimulator | BybitSimulator) -> None:
    """Forget what the test before left behind: orders, faults, balances, quotes."""
    simulator.faults.clear()
    if isinstance(simulator, BinanceSimulator):
        simulator.budget.limits = Limits()
        simulator.budget.reset()
    else:
        simulator.rate.reset()
    for order in simulator.exchange.log.open_of(KEY):
        simulator.exchange.cancel(order.id)
    simulator.open_account(KEY, SECRET)
    simulator.house.quote("BTCUSDT", Decimal(60_000))
    assert simulator.exchange.books["BTCUSDT"].best(Side.BUY)
