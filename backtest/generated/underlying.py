"""The hidden price of a crypto asset at 1 Hz, and the feeds through which the world hears of it."""

import math
from decimal import Decimal

from backtest.generated.agenda import Agenda
from backtest.generated.chance import Chance
from clock import NS_PER_MS, NS_PER_S
from domain.messages import MarketEvent, PriceTick

FEED_DECIMALS = 4
FEED_SCALE = 10_000
CENTS = 100

VOLATILITY_MEMORY_S = 900
VOLATILITY_SPREAD = 0.3
"""Deviation of the logarithm of the volatility, which returns to its mean over some 15 minutes."""

JUMP_PROBABILITY = 1 / 14_400
JUMP_SIZE = 0.0015
"""One second in four hours moves the price by some 15 basis points at once."""

EXCHANGES = ("binance", "coinbase")
BASIS_MEMORY = 0.98
BASIS_SPREAD = 0.00015
EXCHANGE_LOSS = 0.01

GAPS_PER_S = ((0.045, 1, 1), (2.3 / 3600, 5, 8), (2.0 / 3600, 40, 120), (0.07 / 3600, 200, 387))
"""Chance per second and the least and most seconds without a tick, as seen in 15 hours of the real feed: single
seconds often, 34 gaps of 6 to 9 s, 29 of 41 to 131 s, one of 387 s."""


class Underlying:
    """One asset. `second` is the present whole second; `price` the hidden price in it, known to no feed exactly."""

    def __init__(self, asset: str, *, price: float, volatility: float, seed: int) -> None:
        self.asset = asset
        self.feed = f"chainlink:{asset}"
        self.price = price
        self.second = 0
        self.settlement_total = 0
        self._volatility_mean = self._volatility = volatility
        self._volatility_shift = 0.0
        self._settlement = 0
        self._gap_s = 0
        self._basis = dict.fromkeys(EXCHANGES, 0.0)
        self._path = Chance(seed, f"path {asset}")
        self._feeds = Chance(seed, f"feeds {asset}")

    @property
    def variance_per_s(self) -> float:
        """Variance of the logarithm of the price over a second, jumps included."""
        return self._volatility * self._volatility + JUMP_PROBABILITY * JUMP_SIZE * JUMP_SIZE

    def step(self, second: int, shock: float, agenda: Agenda) -> list[MarketEvent]:
        """Move to the next second by a normal shock; return the settlement feed's tick if there is one.

        `settlement_total` becomes the sum over all seconds before this one of the last value then known, in
        units of 0.0001, so that a difference of two of them is a time-weighted average.
        """
        self._move(shock)
        self.second = second
        self.settlement_total += self._settlement
        for exchange in EXCHANGES:
            self._plan_tick(exchange, agenda)
        if self._is_silent():
            return []
        self._settlement = round(self.price * FEED_SCALE)
        price = Decimal(self._settlement).scaleb(-FEED_DECIMALS)
        return [PriceTick(time_ns=second * NS_PER_S, feed=self.feed, asset=self.asset, price=price)]

    def _move(self, shock: float) -> None:
        path = self._path
        pull = self._volatility_shift / VOLATILITY_MEMORY_S
        self._volatility_shift += VOLATILITY_SPREAD * math.sqrt(2 / VOLATILITY_MEMORY_S) * path.gauss() - pull
        self._volatility = self._volatility_mean * math.exp(self._volatility_shift - VOLATILITY_SPREAD**2 / 2)
        change = self._volatility * shock - self._volatility**2 / 2
        if path.happens(JUMP_PROBABILITY):
            change += JUMP_SIZE * path.gauss()
        self.price *= math.exp(change)

    def _is_silent(self) -> bool:
        """Say whether the settlement feed misses this second; its very first one it never misses."""
        if self._gap_s:
            self._gap_s -= 1
            return True
        lot = self._feeds.unit()
        if not self._settlement:
            return False
        for probability, least_s, most_s in GAPS_PER_S:
            if lot < probability:
                self._gap_s = self._feeds.between(least_s, most_s) - 1
                return True
            lot -= probability
        return False

    def _plan_tick(self, exchange: str, agenda: Agenda) -> None:
        """Put down an exchange's tick at some moment of this second; now and then one is lost."""
        chance = self._feeds
        basis = BASIS_MEMORY * self._basis[exchange]
        basis += BASIS_SPREAD * math.sqrt(1 - BASIS_MEMORY**2) * chance.gauss()
        self._basis[exchange] = basis
        if chance.happens(EXCHANGE_LOSS):
            return
        time_ns = self.second * NS_PER_S + chance.between(50, 950) * NS_PER_MS
        price = Decimal(round(self.price * (1.0 + basis) * CENTS)).scaleb(-2)
        tick = PriceTick(time_ns=time_ns, feed=f"{exchange}:{self.asset}", asset=self.asset, price=price)
        agenda.at(time_ns, lambda _: (tick,))
