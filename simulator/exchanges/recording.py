"""Plays recorded market data as the market: books by level, top of book and prints, at any speed.

A line is `<receive time in ns> <json>` with a depth change, a top of book or a trade in Binance's spelling, or a
whole book without a name, which belongs to the pair of the line before it.
"""

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

from domain.instrument import Side
from simulator.exchanges.exchange import SpotExchange
from simulator.exchanges.liquidity import House
from simulator.exchanges.server_clock import NS_PER_S

LINES_BETWEEN_YIELDS = 100


def read_lines(path: Path) -> Iterator[str]:
    """Give the lines of a recording, gzipped or not, without reading it whole."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        yield from lines


class Recording:
    """A tape and the house that acts it out; clients' orders trade with it in their turn."""

    def __init__(self, lines: Iterable[str], exchange: SpotExchange, house: House) -> None:
        self._lines = iter(lines)
        self._exchange = exchange
        self._house = house
        self._symbol = ""
        self._begun: set[str] = set()
        self.played: Counter[str] = Counter()
        """Lines by what they were; `skipped` are of pairs that are not listed, or not understood."""

    def play_some(self, lines_max: int) -> int:
        """Act out the next lines at once, and say how many there were."""
        played = 0
        while played < lines_max and (line := next(self._lines, None)) is not None:
            self._act(line)
            played += 1
        return played

    async def play(self, *, speed: int) -> None:
        """Act out the rest as fast as it was recorded, times `speed`."""
        loop, first_ns = asyncio.get_running_loop(), 0
        began_s = loop.time()
        for number, line in enumerate(self._lines):
            time_ns = _time_of(line)
            first_ns = first_ns or time_ns
            wait_s = began_s + (time_ns - first_ns) / NS_PER_S / speed - loop.time()
            if wait_s > 0 or number % LINES_BETWEEN_YIELDS == 0:
                await asyncio.sleep(max(wait_s, 0))
            self._act(line)

    def _act(self, line: str) -> None:
        try:
            message = json.loads(line.partition(" ")[2])
            kind = self._act_out(message.get("data", message))
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
            kind = "skipped"
        self.played[kind] += 1

    def _act_out(self, message: Mapping[str, object]) -> str:
        symbol = str(message.get("s", self._symbol))
        if symbol not in self._exchange.pairs:
            return "skipped"
        self._symbol = symbol
        if symbol not in self._begun:
            self._begun.add(symbol)
            self._house.withdraw(symbol)
        if "lastUpdateId" in message:
            self._house.withdraw(symbol)
            self._set_levels(symbol, message["bids"], message["asks"])
            return "book"
        kind = str(message.get("e", "bookTicker"))
        if kind == "depthUpdate":
            self._set_levels(symbol, message["b"], message["a"])
        elif kind == "trade":
            self._trade(symbol, message)
        elif kind == "bookTicker":
            self._set_top(symbol, message)
        else:
            return "skipped"
        return kind

    def _set_levels(self, symbol: str, bids: object, asks: object) -> None:
        """Set what each level holds; levels that are gone come first, so that nothing crosses in passing."""
        rows = [(Side.BUY, *row) for row in _rows(bids)] + [(Side.SELL, *row) for row in _rows(asks)]
        for side, price, quantity in sorted(rows, key=lambda row: row[2] != 0):
            self._house.set_level(symbol, side, price, quantity)

    def _set_top(self, symbol: str, message: Mapping[str, object]) -> None:
        for side, price, quantity in ((Side.BUY, "b", "B"), (Side.SELL, "a", "A")):
            best = Decimal(str(message[price]))
            self._house.give_way(symbol, side, better_than=best)
            self._house.set_level(symbol, side, best, Decimal(str(message[quantity])))

    def _trade(self, symbol: str, message: Mapping[str, object]) -> None:
        """Let a stranger take what was recorded; what the book does not have is printed all the same."""
        side = Side.SELL if message["m"] else Side.BUY
        price, quantity = Decimal(str(message["p"])), Decimal(str(message["q"]))
        taken = self._house.trade(symbol, side, quantity, limit=price)
        if taken < quantity:
            rest = quantity - taken
            self._exchange.print_trade(symbol, price=price, quantity=rest, taker_side=side)


def _rows(levels: object) -> list[tuple[Decimal, Decimal]]:
    if not isinstance(levels, list):
        raise TypeError(f"levels are {type(levels).__name__}, not a list")
    return [(Decimal(price), Decimal(quantity)) for price, quantity in levels]


def _time_of(line: str) -> int:
    text = line.partition(" ")[0]
    return int(text) if text.isdigit() else 0
