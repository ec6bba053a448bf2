"""What every simulated exchange is made of, whatever protocol it speaks."""

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterable, Mapping
from decimal import Decimal

from simulator.exchanges.accounts import Account
from simulator.exchanges.exchange import ClientIdRule, SpotExchange
from simulator.exchanges.liquidity import House
from simulator.exchanges.pace import Pace, repeat
from simulator.exchanges.pairs import Pair
from simulator.exchanges.recording import Recording
from simulator.exchanges.server_clock import ServerClock
from simulator.faults import FaultPlan

FUNDS: Mapping[str, Decimal] = {"USDT": Decimal(100_000), "BTC": Decimal(2), "ETH": Decimal(50)}
"""What an account has unless it is opened with something else."""


class SimulatedVenue(ABC):
    """The exchange with its house, clock and faults; `exchange` is the truth for tests.

    `url` and `ws_url` are empty until the venue is served.
    """

    def __init__(
        self,
        *,
        seed: int,
        clock: ServerClock | None,
        pairs: Iterable[Pair],
        faults: FaultPlan | None,
        pace: Pace | None,
        client_ids: ClientIdRule,
    ) -> None:
        self.pace = pace or Pace()
        self.faults = faults or FaultPlan(seed)
        self.clock = clock or ServerClock()
        self.exchange = SpotExchange(
            clock=self.clock, faults=self.faults, seed=seed, pairs=pairs, client_ids=client_ids
        )
        self.house = House(self.exchange, seed=seed)
        self.house.open()
        self.recording: Recording | None = None
        self.url = ""
        self.ws_url = ""
        self._speed = 1

    def open_account(self, api_key: str, secret: str, funds: Mapping[str, Decimal] = FUNDS) -> Account:
        """Let a key trade with these amounts."""
        return self.exchange.open_account(api_key, secret, funds)

    def served_at(self, address: str) -> None:
        """Learn `host:port` once it is known."""
        self.url, self.ws_url = f"http://{address}", f"ws://{address}"

    @abstractmethod
    def close_streams(self) -> None:
        """End every websocket; each protocol knows its own."""

    def plays(self, lines: Iterable[str], *, speed: int = 1) -> None:
        """Let a recording be the market, from the moment at which the venue is served; call it before."""
        self.recording = Recording(lines, self.exchange, self.house)
        self._speed = speed

    def market_work(self) -> Iterable[Coroutine[object, object, None]]:
        """What moves the market while the venue is served: the recording, or the house by itself."""
        if self.recording is not None:
            yield self.recording.play(speed=self._speed)
        elif self.pace.house_s is not None:
            yield repeat(self.pace.house_s, self.house.step)
