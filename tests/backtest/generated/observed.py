"""Watches a tape once, from outside: faults it may not have, and what the tests count."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from operator import gt, lt
from typing import NamedTuple

from clock import NS_PER_S
from domain.book import Level, OrderBook
from domain.identifiers import InstrumentId, MarketId
from domain.instrument import CENT, Market, Side
from domain.messages import (
    BookSnapshot,
    MarketEvent,
    MarketListed,
    MarketResolved,
    PriceTick,
    TickSizeChanged,
    TradePrint,
    WalletAction,
    WalletTrade,
)

FINE = Decimal("0.001")
NEAR_ONE = Decimal("0.94")
"""The value that makes a grid finer has passed 0.96; the quotes on the coarse grid may stand a little below."""

ASK_MOMENTS_S = (120, 60, 25, 10)
PRICE_MOMENTS_S = (400, 200, 100)


class Sight(NamedTuple):
    """The first book of an up/down market's UP side at some seconds before its end."""

    market_id: MarketId
    left_s: int


class Observed:
    """Faults are sentences, so that a failing test says what was seen."""

    def __init__(self, events: Iterable[MarketEvent]) -> None:
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()
        self.markets: dict[MarketId, Market] = {}
        self.market_of: dict[InstrumentId, Market] = {}
        self.payouts: dict[MarketId, dict[InstrumentId, Decimal]] = {}
        self.resolved_ns: dict[MarketId, int] = {}
        self.settlement: dict[str, dict[int, Decimal]] = defaultdict(dict)
        self.feeds: Counter[str] = Counter()
        self.sights: dict[Sight, OrderBook] = {}
        self.prints: set[tuple[int, InstrumentId, Side, Decimal, Decimal]] = set()
        self.wallet_trades: list[WalletTrade] = []
        self.levels_max = 0
        self.ticks: dict[InstrumentId, Decimal] = {}
        self._books: dict[InstrumentId, OrderBook] = {}
        self._expected: dict[tuple[InstrumentId, Side, Decimal], Decimal] = {}
        self._just_changed: set[InstrumentId] = set()
        self._sound_prices: set[tuple[Decimal, Decimal]] = set()
        self._now_ns = 0
        for event in events:
            self._see(event)

    def up_downs(self) -> list[Market]:
        """Markets that settle on averages, in the order of their listing."""
        return [market for market in self.markets.values() if market.up_down]

    def is_up(self, market: Market) -> bool:
        """Say whether the first outcome was paid."""
        return self.payouts[market.id][market.instruments[0].id] == 1

    def _see(self, event: MarketEvent) -> None:
        self.counts[type(event).__name__] += 1
        self._check(event.time_ns >= self._now_ns, "goes back in time", event)
        if event.time_ns > self._now_ns:
            self._check(not self._expected, "no book after prints", self._expected)
        self._now_ns = event.time_ns
        match event:
            case MarketListed():
                self._list(event.market)
            case BookSnapshot():
                self._see_book(event.book)
            case TradePrint():
                self._see_print(event)
            case TickSizeChanged():
                self._see_tick(event)
            case MarketResolved():
                self.payouts[event.market_id] = event.payouts
                self.resolved_ns[event.market_id] = event.time_ns
            case PriceTick():
                self._see_price(event)
            case WalletTrade():
                self._see_wallet(event)
            case _:
                self.faults.append(f"unexpected {event}")

    def _list(self, market: Market) -> None:
        self._check(market.id not in self.markets, "listed twice", market.id)
        self.markets[market.id] = market
        for instrument in market.instruments:
            self.market_of[instrument.id] = market
            self.ticks[instrument.id] = instrument.tick_size

    def _see_book(self, book: OrderBook) -> None:
        market = self.market_of[book.instrument_id]
        self._check(market.id not in self.payouts, "book after the resolution", market.id)
        self._check(not book.is_crossed, "crossed", book)
        self._check(is_sorted(book), "not best first", book)
        self._check_levels(market, book)
        self._compare_prints(book)
        if book.instrument_id in self._just_changed:
            self._just_changed.remove(book.instrument_id)
            self._check(is_near_an_end(book), "a finer grid in the middle", book)
        self._books[book.instrument_id] = book
        if not market.is_reference:
            self._compare_mirror(market, book)
        if market.up_down and book.instrument_id == market.instruments[0].id:
            self._keep_sight(market, book)

    def _check_levels(self, market: Market, book: OrderBook) -> None:
        tick, sound = self.ticks[book.instrument_id], self._sound_prices
        for price, quantity in (*book.bids, *book.asks):
            if (tick, price) not in sound:
                self._check(price % tick == 0, "off the grid", tick, book)
                self._check(market.is_reference or 0 < price < 1, "out of bounds", book)
                sound.add((tick, price))
            if not quantity:
                self.faults.append(f"empty level: {book}")
        self.levels_max = max(self.levels_max, len(book.bids), len(book.asks))

    def _compare_prints(self, book: OrderBook) -> None:
        """What was printed since the book before is missing from this one, and no more."""
        for (instrument_id, side, price), quantity in list(self._expected.items()):
            if instrument_id == book.instrument_id:
                seen = displayed(book, side, price)
                self._check(seen == quantity, "not taken off by a print", price, quantity, book)
                del self._expected[instrument_id, side, price]

    def _compare_mirror(self, market: Market, book: OrderBook) -> None:
        first, second = market.instruments
        if book.instrument_id == second.id:
            mirror = self._books[first.id]
            is_exact = mirror.time_ns == book.time_ns and mirrored(book) == (mirror.bids, mirror.asks)
            self._check(is_exact, "not mirrors", mirror, book)

    def _keep_sight(self, market: Market, book: OrderBook) -> None:
        left_s = (market.closes_ns - book.time_ns) / NS_PER_S
        for moment_s in (*ASK_MOMENTS_S, *PRICE_MOMENTS_S):
            if abs(left_s - moment_s) <= 1.2:
                self.sights.setdefault(Sight(market.id, moment_s), book)

    def _see_print(self, trade: TradePrint) -> None:
        key = trade.instrument_id, trade.side.opposite, trade.price
        book = self._books[trade.instrument_id]
        there = displayed(book, trade.side.opposite, trade.price)
        self._check(Decimal(0) < trade.quantity <= there, "more than was displayed", there, trade)
        market = self.market_of[trade.instrument_id]
        self._check(market.is_reference or trade.time_ns < market.closes_ns, "print after the end", trade)
        self._expected[key] = there - trade.quantity
        if complement := market.instruments[0].complement_id:
            ids = (market.instruments[0].id, complement)
            other_id = ids[1] if trade.instrument_id == ids[0] else ids[0]
            self._expected[other_id, trade.side, 1 - trade.price] = there - trade.quantity
        self.prints.add((trade.time_ns, *key[:1], trade.side, trade.price, trade.quantity))

    def _see_tick(self, event: TickSizeChanged) -> None:
        self._check(self.ticks[event.instrument_id] == CENT, "changed before", event)
        self._check(event.tick_size == FINE, "another grid", event)
        self.ticks[event.instrument_id] = event.tick_size
        self._just_changed.add(event.instrument_id)

    def _see_price(self, tick: PriceTick) -> None:
        self.feeds[tick.feed] += 1
        if tick.feed.startswith("chainlink:"):
            self._check(tick.time_ns % NS_PER_S == 0, "between seconds", tick)
            self.settlement[tick.feed][tick.time_ns // NS_PER_S] = tick.price

    def _see_wallet(self, trade: WalletTrade) -> None:
        self.wallet_trades.append(trade)
        delay_ns = trade.time_ns - trade.traded_ns
        self._check(2 * NS_PER_S <= delay_ns <= 6 * NS_PER_S, "heard of too early or too late", trade)
        if trade.action is WalletAction.TRADE:
            side = trade.side.opposite if trade.is_maker else trade.side
            key = (trade.traded_ns, trade.instrument_id, side, trade.price, trade.quantity)
            self._check(key in self.prints, "no such print", trade)

    def _check(self, holds: bool, fault: str, *subjects: object) -> None:
        if not holds:
            self.faults.append(f"{fault}: {', '.join(map(str, subjects))}")


def displayed(book: OrderBook, side: Side, price: Decimal) -> Decimal:
    """Shares that the book shows at a price on one side."""
    levels = book.bids if side is Side.BUY else book.asks
    return next((level.quantity for level in levels if level.price == price), Decimal(0))


def mirrored(book: OrderBook) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
    """Bids and asks as the other outcome of the market shows them."""
    bids = tuple(Level(1 - price, quantity) for price, quantity in book.asks)
    asks = tuple(Level(1 - price, quantity) for price, quantity in book.bids)
    return bids, asks


def is_near_an_end(book: OrderBook) -> bool:
    """Say whether the book quotes a value near 0 or 1."""
    bid = book.bids[0].price if book.bids else Decimal(0)
    ask = book.asks[0].price if book.asks else Decimal(1)
    return bid >= NEAR_ONE or ask <= 1 - NEAR_ONE


def is_sorted(book: OrderBook) -> bool:
    """Say whether bids fall and asks rise, no price twice."""
    bids, asks = ([price for price, _ in side] for side in (book.bids, book.asks))
    return all(map(gt, bids, bids[1:])) and all(map(lt, asks, asks[1:]))
