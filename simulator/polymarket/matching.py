"""What an incoming order matches: pure plans over the book, which the exchange then carries out."""

from msgspec import Struct

from simulator.polymarket.book import UnifiedBook, reaches
from simulator.polymarket.markets import PRICE_UNITS
from simulator.polymarket.orders import SELL, SimOrder, value_of

BUDGET_LEFT_MAX = 10
"""Base units of a budget that rounding may leave over; less than the smallest purchase."""


class PlannedFill(Struct, frozen=True, kw_only=True):
    """So many shares from one maker; the price is the maker's, in the taker's terms."""

    maker: SimOrder
    shares: int
    taker_price: int
    taker_value: int
    """pUSD the taker gives or gets, without its fee."""
    maker_value: int


class Plan(Struct, frozen=True, kw_only=True):
    """All fills of one incoming order, best price first, and whether they satisfy it wholly."""

    fills: list[PlannedFill]
    complete: bool

    @property
    def shares(self) -> int:
        """Shares of all fills."""
        return sum(fill.shares for fill in self.fills)

    @property
    def value(self) -> int:
        """pUSD of the taker in all fills."""
        return sum(fill.taker_value for fill in self.fills)


def plan(order: SimOrder, book: UnifiedBook, *, spends_budget: bool, self_match: bool) -> Plan:
    """Match against the other side as far as the limit reaches.

    A buy with a budget spends it where `spends_budget`, and so gets more shares where prices are better;
    else it stops at the shares it named.
    """
    fills: list[PlannedFill] = []
    wanted = order.size - order.matched
    money = order.budget - order.spent if order.budget is not None else None
    side = book.opposite_of(order)
    for price in side.best_first():
        if not reaches(order, price):
            break
        taker_price = price if order.outcome == 0 else PRICE_UNITS - price
        for maker in side.queue(price):
            if not self_match and maker.maker == order.maker:
                continue
            limit = _limit(wanted, money, taker_price, spends_budget=spends_budget)
            shares = min(maker.remaining, limit)
            if shares <= 0:
                return Plan(fills=fills, complete=_is_complete(wanted, money, spends_budget=spends_budget))
            fill = _fill(order, maker, shares, taker_price)
            fills.append(fill)
            wanted -= shares
            if money is not None:
                money -= fill.taker_value
    return Plan(fills=fills, complete=_is_complete(wanted, money, spends_budget=spends_budget))


def _limit(wanted: int, money: int | None, price: int, *, spends_budget: bool) -> int:
    if money is None:
        return wanted
    affordable = money * PRICE_UNITS // price
    return affordable if spends_budget else min(affordable, wanted)


def _is_complete(wanted: int, money: int | None, *, spends_budget: bool) -> bool:
    if money is not None and spends_budget:
        return money <= BUDGET_LEFT_MAX
    return wanted <= 0 or (money is not None and money <= BUDGET_LEFT_MAX)


def _fill(taker: SimOrder, maker: SimOrder, shares: int, taker_price: int) -> PlannedFill:
    """Same token: what one gives the other gets. Two tokens: both values make up one pUSD a share."""
    taker_value = value_of(shares, taker_price)
    same_token = taker.outcome == maker.outcome
    if taker.side == SELL and not same_token:
        taker_value = shares - value_of(shares, PRICE_UNITS - taker_price)
    maker_value = taker_value if same_token else shares - taker_value
    return PlannedFill(
        maker=maker,
        shares=shares,
        taker_price=taker_price,
        taker_value=taker_value,
        maker_value=maker_value,
    )
