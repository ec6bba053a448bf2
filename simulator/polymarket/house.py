"""The house: liquidity that stands where a recording or a test puts it, and takes what they print."""

from collections import defaultdict
from collections.abc import Iterable

from simulator.polymarket.accounts import HOUSE_ADDRESS
from simulator.polymarket.book import Levels
from simulator.polymarket.exchange import Exchange, Placed
from simulator.polymarket.identifiers import hex_word, uuid_like
from simulator.polymarket.markets import PRICE_UNITS, SimMarket
from simulator.polymarket.orders import BUY, SELL, OrderType, SimOrder, Status

Place = tuple[bool, int]
"""Whether bid, and the price in the first outcome's terms."""


class House:
    """One trader without limits; its levels are set as a whole, everybody else's orders stay where they stand.

    Size that is taken away leaves from the end of the queue: others move up only when somebody trades.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._state = exchange.state
        self._key = uuid_like(self._state.seed, "house key")
        self._orders: defaultdict[str, dict[Place, list[SimOrder]]] = defaultdict(dict)
        self._ordinal = 0

    def set_book(self, market: SimMarket, *, bids: Levels, asks: Levels) -> None:
        """Stand exactly at these levels (first outcome's terms); what crosses other orders trades with them."""
        wanted = {(True, price): size for price, size in bids} | {
            (False, price): size for price, size in asks
        }
        touched: set[Place] = set()
        self._exchange.hold_levels()
        for place in list(self._orders[market.condition_id]):
            self._shrink(market, place, wanted.get(place, 0), touched)
        self._exchange.tell_levels(market, touched, self._state.now_ns())
        for place, size in self._best_first(wanted.items()):
            self._grow(market, place, size)
        self._exchange.release_levels(market)

    def take(self, market: SimMarket, *, outcome: int, side: int, price: int, shares: int) -> Placed:
        """Print a trade: an order that takes what the book has up to the price, and is gone."""
        order = self._order(market, outcome=outcome, side=side, price=price, size=shares)
        order.kind = OrderType.FAK
        return self._exchange.execute(order, self._exchange.plan_for(order))

    def hit(self, order: SimOrder, shares: int | None = None) -> None:
        """Fill a client's order at its own price, whoever stands before it, even after it was cancelled."""
        self._exchange.fill_directly(
            self._order(
                order.market,
                outcome=order.outcome,
                side=SELL if order.side == BUY else BUY,
                price=order.price,
                size=min(shares or order.remaining, order.remaining),
            ),
            order,
        )

    def _shrink(self, market: SimMarket, place: Place, size: int, touched: set[Place]) -> None:
        orders = [order for order in self._orders[market.condition_id][place] if order.is_open]
        excess = sum(order.remaining for order in orders) - size
        while orders and excess > 0:
            last = orders[-1]
            gone = min(excess, last.remaining)
            self._exchange.reduce(last, gone, touched)
            excess -= gone
            if not last.is_open:
                orders.pop()
        if orders:
            self._orders[market.condition_id][place] = orders
        else:
            del self._orders[market.condition_id][place]

    def _grow(self, market: SimMarket, place: Place, size: int) -> None:
        orders = self._orders[market.condition_id].get(place, [])
        missing = size - sum(order.remaining for order in orders if order.is_open)
        if missing <= 0:
            return
        order = self._resting(market, place, missing)
        self._exchange.execute(order, self._exchange.plan_for(order))
        if order.status == Status.LIVE:
            self._orders[market.condition_id].setdefault(place, []).append(order)

    def _resting(self, market: SimMarket, place: Place, size: int) -> SimOrder:
        """At every second price it wants the other token, so that matches mint and merge."""
        is_bid, price = place
        uses_other = self._state.rules.house_uses_both_tokens and price // market.tick_units % 2 == 1
        if uses_other:
            side = SELL if is_bid else BUY
            return self._order(market, outcome=1, side=side, price=PRICE_UNITS - price, size=size)
        return self._order(market, outcome=0, side=BUY if is_bid else SELL, price=price, size=size)

    def _order(self, market: SimMarket, *, outcome: int, side: int, price: int, size: int) -> SimOrder:
        self._ordinal += 1
        order = SimOrder(
            id=hex_word(self._state.seed, "house order", self._ordinal),
            key=self._key,
            maker=HOUSE_ADDRESS,
            market=market,
            outcome=outcome,
            side=side,
            price=price,
            size=size,
            created_ns=self._state.now_ns(),
        )
        wallet = self._state.accounts.house
        if not wallet.balances[order.token]:
            wallet.balances[order.token] = 10**18
        return order

    @staticmethod
    def _best_first(levels: Iterable[tuple[Place, int]]) -> list[tuple[Place, int]]:
        """Bids from the highest down, then asks from the lowest up."""
        return sorted(levels, key=lambda level: -level[0][1] if level[0][0] else PRICE_UNITS + level[0][1])
