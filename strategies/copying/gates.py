"""What keeps a purchase from being copied: gates with exact names, and which of them may still open."""

from decimal import Decimal
from typing import NamedTuple

from domain.book import OrderBook
from domain.instrument import CENT, Instrument, Market, Side, round_price
from domain.money import ONE

NS_PER_S = 1_000_000_000

UNKNOWN_MARKET = "market unknown or resolved"
NO_ORDERS = "market takes no orders"
TOO_OLD = "trade too old"
TOO_SMALL = "target notional too small"
OUT_OF_BAND = "price outside the band"
ENDS_TOO_SOON = "market ends too soon"
NO_BOOK = "no book"
STALE_BOOK = "book too old"
ONE_SIDED = "one-sided book"
CROSSED = "crossed book"
PLACEHOLDER = "placeholder book"
TOO_DEAR = "ask too far above the target's price"
TOO_THIN = "too little depth"
BUYS_USED_UP = "buys of the outcome used up"
TOO_MANY_OPEN = "too many open positions"
TOO_MANY_OF_TARGET = "too many positions of the target"

WAITED_FOR = frozenset({NO_BOOK, STALE_BOOK, ONE_SIDED, CROSSED, PLACEHOLDER})
"""Gates that say nothing about the trade: a proper book may come while the trade is still young enough."""


class GateLimits(NamedTuple):
    """Limits of the gates, all included; prices in pUSD a share, notionals and depth in pUSD."""

    age_s_max: Decimal = Decimal(60)
    target_notional_min: Decimal = Decimal(25)
    price_min: Decimal = Decimal("0.05")
    price_max: Decimal = Decimal("0.95")
    slippage_max: Decimal = Decimal("0.03")
    slippage_share_max: Decimal = Decimal("0.02")
    depth_min: Decimal = Decimal(50)
    seconds_left_min: Decimal = Decimal(60)
    buys_max: int = 3
    open_max: int = 20
    target_open_max: int = 5
    book_age_s_max: Decimal = Decimal(2)


class Look(NamedTuple):
    """A purchase of the target as it stands now; `positions` are ours, `is_new` where a copy would add one."""

    time_ns: int
    traded_ns: int
    price: Decimal
    quantity: Decimal
    market: Market | None
    instrument: Instrument | None
    book: OrderBook | None
    buys: int
    positions: int
    is_new: bool


def closed_gate(look: Look, limits: GateLimits) -> str | None:
    """Name the first gate that is closed, what is final before what may open; None where all are open."""
    if look.market is None or look.instrument is None:
        return UNKNOWN_MARKET
    if look.market.is_reference:
        return NO_ORDERS
    return (
        _closed_trade_gate(look, look.market, limits)
        or _closed_count_gate(look, limits)
        or book_gate(look.book, look.time_ns, limits)
        or _closed_price_gate(look, look.instrument, limits)
    )


def price_most(price: Decimal, instrument: Instrument, limits: GateLimits) -> Decimal:
    """Most that a copy may pay: 3 ¢ and 2 % above the target's price, whichever is less, on the tick.

    At 0.50 the 2 % are the less, 1 ¢: 0.51.
    """
    most = min(price + limits.slippage_max, price * (ONE + limits.slippage_share_max), limits.price_max)
    return round_price(most, instrument, Side.BUY)


def price_limit(look: Look, limits: GateLimits) -> Decimal:
    """Limit of a copy whose gates are open: a tick above the ask, should it move meanwhile, but never too much.

    Where the ask has fallen since, the limit falls with it: far above the mid it would be taken for a slip.
    """
    assert look.instrument is not None, "closed_gate refuses an unknown instrument"
    assert look.book is not None, "closed_gate refuses a missing book"
    most = price_most(look.price, look.instrument, limits)
    ask = look.book.best_ask
    return min(most, ask.price + look.instrument.tick_size) if ask else most


def book_gate(book: OrderBook | None, time_ns: int, limits: GateLimits) -> str | None:
    """Name what makes a book no ground to buy on."""
    if book is None:
        return NO_BOOK
    if time_ns - book.time_ns > limits.book_age_s_max * NS_PER_S:
        return STALE_BOOK
    if book.best_bid is None or book.best_ask is None:
        return ONE_SIDED
    return shape_gate(book)


def shape_gate(book: OrderBook) -> str | None:
    """Name what no market can mean: a crossed book, or one that stands at 0.01 and 0.99 for want of quotes."""
    if book.is_crossed:
        return CROSSED
    bid, ask = book.best_bid, book.best_ask
    is_placeholder = (bid is None or bid.price <= CENT) and (ask is None or ask.price >= ONE - CENT)
    return PLACEHOLDER if is_placeholder else None


def _closed_trade_gate(look: Look, market: Market, limits: GateLimits) -> str | None:
    if look.time_ns - look.traded_ns > limits.age_s_max * NS_PER_S:
        return TOO_OLD
    if look.price * look.quantity < limits.target_notional_min:
        return TOO_SMALL
    if not limits.price_min <= look.price <= limits.price_max:
        return OUT_OF_BAND
    if market.closes_ns - look.time_ns < limits.seconds_left_min * NS_PER_S:
        return ENDS_TOO_SOON
    return None


def _closed_count_gate(look: Look, limits: GateLimits) -> str | None:
    if look.buys >= limits.buys_max:
        return BUYS_USED_UP
    if look.is_new and look.positions >= limits.open_max:
        return TOO_MANY_OPEN
    if look.is_new and look.positions >= limits.target_open_max:
        return TOO_MANY_OF_TARGET
    return None


def _closed_price_gate(look: Look, instrument: Instrument, limits: GateLimits) -> str | None:
    """The book has two sides: compare its ask, and what is offered up to the most that we may pay."""
    assert look.book is not None, "book_gate stands before this"
    assert look.book.best_ask is not None, "book_gate stands before this"
    ask, most = look.book.best_ask.price, price_most(look.price, instrument, limits)
    if not limits.price_min <= ask <= limits.price_max:
        return OUT_OF_BAND
    if ask > most:
        return TOO_DEAR
    return TOO_THIN if look.book.notional_within(Side.BUY, most) < limits.depth_min else None
