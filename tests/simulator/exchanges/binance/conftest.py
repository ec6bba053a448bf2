"""A simulated Binance with a real ccxt client, one for each module, made fresh for each test."""

from collections.abc import Iterator

import pytest

from simulator.exchanges.binance.server import BinanceSimulator
from tests.simulator.exchanges.hosting import Hosted, fresh, hosted, served_binance


@pytest.fixture(scope="module")
def host() -> Iterator[Hosted[BinanceSimulator]]:
    """The server and the client, started once."""
    with hosted(served_binance, "binance") as one:
        yield one


@pytest.fixture
def bench(host: Hosted[BinanceSimulator]) -> Iterator[Hosted[BinanceSimulator]]:
    """The same two without what the test before left behind."""
    fresh(host.simulator)
    host.client.timeout = 10_000
    yield host
    host.simulator.faults.clear()
