"""The house: orders that belong to nobody, quoted around a price that a seed moves, or set level by level."""

import hashlib
from decimal import Decimal

from domain.instrument import Side
from domain.money import ZERO, round_down
from simulator.exchanges.exchange import SpotExchange
from simulator.exchanges.orders import Lifetime, OrderForm, OrderKind
from simulator.exchanges.pairs import Pair

LEVELS = 20
SPREAD_TICKS = 2
MOVE_TICKS_MAX = 50
UNIT_NOTIONAL = 300
"""A level of the smallest size is worth about this much of the quote asset; the largest ten times that."""
SPAN = 2**64


class House:
    """Quotes every pair; what it draws depends on the seed, the pair and the number of the step only."""

    def __init__(self, exchange: SpotExchange, *, seed: int) -> None:
        self._exchange = exchange
        self._seed = seed
        self._levels: dict[tuple[str, Side, Decimal], list[int]] = {}
        self._middles = {symbol: pair.opening_price for symbol, pair in exchange.pairs.items()}
        self._steps = 0

    def open(self) -> None:
        """Quote every pair around its opening price."""
        for symbol, middle in self._middles.items():
            self.quote(symbol, middle)

    def step(self) -> None:
        """Move every pair by a few ticks, quote it anew, and let a stranger take a little."""
        self._steps += 1
        for symbol, pair in self._exchange.pairs.items():
            ticks = self._draw(symbol, "move", 2 * MOVE_TICKS_MAX) - MOVE_TICKS_MAX
            self.quote(symbol, self._middles[symbol] + ticks * pair.price_tick)
            side = Side.BUY if self._draw(symbol, "side", 1) else Side.SELL
            self.trade(symbol, side, self._size(pair, "trade") / 10)

    def quote(self, symbol: str, middle: Decimal) -> None:
        """Replace all levels of a pair by new ones around a price; clients' orders beyond it are filled."""
        pair = self._exchange.pairs[symbol]
        self._middles[symbol] = round_down(middle, pair.price_tick)
        self.withdraw(symbol)
        for number in range(LEVELS):
            distance = (SPREAD_TICKS // 2 + number * SPREAD_TICKS) * pair.price_tick
            for side, price in (
                (Side.BUY, self._middles[symbol] - distance),
                (Side.SELL, self._middles[symbol] + distance),
            ):
                self.set_level(symbol, side, price, self._size(pair, f"{side}{number}"))

    def set_level(self, symbol: str, side: Side, price: Decimal, quantity: Decimal) -> None:
        """Make the house's part of one level exactly this; levels of its own on the other side give way."""
        held = self._held(symbol, side, price)
        if quantity < held:
            self._remove(symbol, side, price)
            held = ZERO
        if quantity > held:
            for crossed in self._exchange.books[symbol].prices_within(side.opposite, price):
                self._remove(symbol, side.opposite, crossed)
            self._rest(symbol, side, price, quantity - held)

    def trade(self, symbol: str, side: Side, quantity: Decimal, *, limit: Decimal | None = None) -> Decimal:
        """Let a stranger take from the book, clients' orders in their turn, and return what he got."""
        pair = self._exchange.pairs[symbol]
        amount = max(round_down(quantity, pair.quantity_step), pair.quantity_min)
        kind = OrderKind.MARKET if limit is None else OrderKind.LIMIT
        form = _form(pair, side, limit, amount, kind=kind, lifetime=Lifetime.IOC)
        return self._exchange.place(form).filled

    def give_way(self, symbol: str, side: Side, *, better_than: Decimal) -> None:
        """Take off the house's part of every level of a side that is better than this price."""
        for price in self._exchange.books[symbol].prices_within(side, better_than):
            if price != better_than:
                self._remove(symbol, side, price)

    def withdraw(self, symbol: str) -> None:
        """Take all of the house's orders off a pair."""
        for key in [key for key in self._levels if key[0] == symbol]:
            self._remove(*key)

    def _rest(self, symbol: str, side: Side, price: Decimal, quantity: Decimal) -> None:
        pair = self._exchange.pairs[symbol]
        order = self._exchange.place(_form(pair, side, price, quantity))
        if order.state.is_open:
            self._levels.setdefault((symbol, side, price), []).append(order.id)

    def _held(self, symbol: str, side: Side, price: Decimal) -> Decimal:
        ids = self._levels.get((symbol, side, price), ())
        resting = (self._exchange.resting(order_id) for order_id in ids)
        return sum((order.leaves for order in resting if order), ZERO)

    def _remove(self, symbol: str, side: Side, price: Decimal) -> None:
        for order_id in self._levels.pop((symbol, side, price), ()):
            self._exchange.cancel(order_id)

    def _size(self, pair: Pair, purpose: str) -> Decimal:
        units = 1 + self._draw(pair.symbol, purpose, 9)
        size = round_down(units * UNIT_NOTIONAL / pair.opening_price, pair.quantity_step)
        return max(size, pair.quantity_min) if pair.quote == "USDT" else Decimal(units)

    def _draw(self, symbol: str, purpose: str, high: int) -> int:
        """A whole number in [0, high]."""
        text = f"{self._seed}\x1f{symbol}\x1f{self._steps}\x1f{purpose}"
        drawn = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        return drawn * (high + 1) // SPAN


def _form(
    pair: Pair,
    side: Side,
    price: Decimal | None,
    quantity: Decimal,
    *,
    kind: OrderKind = OrderKind.LIMIT,
    lifetime: Lifetime = Lifetime.GTC,
) -> OrderForm:
    return OrderForm(pair=pair, side=side, kind=kind, lifetime=lifetime, price=price, quantity=quantity)
