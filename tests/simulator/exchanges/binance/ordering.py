"""Placing orders through ccxt in few words, and seeing whether the exchange has booked them."""

from typing import Any

import ccxt.pro as ccxtpro
import pytest

from simulator.exchanges.binance.server import BinanceSimulator
from simulator.faults import ArmedFault, Fault, Parameter
from tests.simulator.exchanges.hosting import KEY, Hosted

SYMBOL = "BTC/USDT"
ORDERS = "POST /api/v3/order"


def place(bench: Hosted[BinanceSimulator], **changes: Any) -> Any:
    """Place a buy that rests, changed as wished."""
    asked = {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 0.01, "price": 59_000, **changes}
    return bench.run(bench.client.create_order(**asked))


def raised(bench: Hosted[BinanceSimulator], **changes: Any) -> BaseException:
    """Place an order that must fail, and return what ccxt raised."""
    with pytest.raises(ccxtpro.BaseError) as caught:
        place(bench, **changes)
    problem: BaseException = caught.value
    return problem


def booked(bench: Hosted[BinanceSimulator]) -> int:
    """How many orders rest at the exchange."""
    return len(bench.simulator.exchange.log.open_of(KEY))


def arm(bench: Hosted[BinanceSimulator], fault: Fault, **parameters: Parameter) -> None:
    """Let a fault strike the next order."""
    bench.simulator.faults.arm(ArmedFault(fault=fault, endpoint=ORDERS, parameters=parameters))
