"""What an endpoint of Binance is: its weight, whether it must be signed, and what answers it."""

from collections.abc import Callable

from msgspec import Struct

from simulator.exchanges.accounts import Account
from simulator.exchanges.binance.errors import BAD_KEY, BinanceError
from simulator.exchanges.binance.limits import Budget
from simulator.exchanges.binance.parameters import SYMBOL, Parameters
from simulator.exchanges.exchange import SpotExchange
from simulator.exchanges.order_log import NOW_NS
from simulator.exchanges.pairs import Pair


class Request(Struct, frozen=True, kw_only=True):
    """A request that passed the door: from REST or from the websocket API, it makes no difference."""

    exchange: SpotExchange
    budget: Budget
    parameters: Parameters
    account: Account | None
    as_of_ns: int = NOW_NS

    @property
    def owner(self) -> Account:
        """The account of a signed request; raises BinanceError where the request was not signed."""
        if self.account is None:
            raise BAD_KEY.error()
        return self.account

    def pair(self) -> Pair:
        """The pair that the request names."""
        return self.pair_called(self.parameters.required("symbol", SYMBOL))

    def optional_pair(self) -> Pair | None:
        """The pair that the request names, None where it names none."""
        symbol = self.parameters.optional("symbol", SYMBOL)
        return None if symbol is None else self.pair_called(symbol)

    def pair_called(self, symbol: str) -> Pair:
        """A listed pair; raises BinanceError -1121 for any other name."""
        pair = self.exchange.pairs.get(symbol)
        if pair is None:
            raise BinanceError(-1121, "Invalid symbol.")
        return pair


Respond = Callable[[Request], object]
Weigh = Callable[[Parameters], int]


class Endpoint(Struct, frozen=True, kw_only=True):
    """One line of the table of endpoints; `method` and `path` are those of REST."""

    method: str
    path: str
    respond: Respond
    weigh: Weigh
    is_signed: bool = True
    ws_method: str = ""
    """Name in the websocket API; empty where it has none."""


def always(weight: int) -> Weigh:
    """The same weight whatever the parameters are."""
    return lambda parameters: weight


def by_symbol(*, with_symbol: int, without: int) -> Weigh:
    """Two weights: asking about all pairs costs more."""
    return lambda parameters: with_symbol if parameters.optional("symbol") else without
