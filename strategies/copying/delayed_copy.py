"""What copying would have brought so far, had each trade of the target been copied some seconds late."""

import heapq
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from domain.book import OrderBook
from domain.identifiers import InstrumentId, MarketId
from domain.instrument import Instrument, Side
from domain.messages import WalletTrade
from domain.money import ONE, ZERO, taker_fee
from strategies.copying.aggregation import NEVER_NS

NS_PER_S = 1_000_000_000
LAGS_S = (2, 10, 30)
PENDING_MAX = 10_000
"""Copies that wait for their moment; with more, the target trades too often to be copied anyway."""

BookOf = Callable[[InstrumentId], OrderBook | None]


class LagResult(NamedTuple):
    """The replay at one lag: shares that could (not) be bought, their cost with fees, profit by market.

    `closed_profits` are those of resolved markets; `profit` marks the others at the best bid.
    """

    lag_s: int
    copies: int
    missed: int
    cost: Decimal
    profit: Decimal
    closed_profits: tuple[Decimal, ...]


class Replica(Struct, kw_only=True):
    """One market copied at one lag: money out and in, and the shares that are left."""

    cash: Decimal = ZERO
    shares: dict[InstrumentId, Decimal] = {}


class LagAccount(Struct, kw_only=True):
    """All markets copied at one lag."""

    lag_s: int
    copies: int = 0
    missed: int = 0
    cost: Decimal = ZERO
    replicas: dict[MarketId, Replica] = {}
    closed_profits: list[Decimal] = []


class DelayedCopies:
    """Copies each fill of the target, same shares, at the best price of the book that stands after the lag.

    A copy is bought at the ask and sold at the bid, by the fraction that the target sells, and pays the taker's
    fee; with no book or an empty side there is no fill. A fill that is heard of late is copied when it is heard of.
    """

    def __init__(self, lags_s: tuple[int, ...] = LAGS_S) -> None:
        self.due_ns = NEVER_NS
        self._accounts = [LagAccount(lag_s=lag_s, replicas={}, closed_profits=[]) for lag_s in lags_s]
        self._pending: list[tuple[int, int, int, WalletTrade, Decimal]] = []
        self._count = 0

    def note(self, trade: WalletTrade, *, fraction: Decimal) -> None:
        """Plan the copies of a fill; of a sale `fraction` says which part of the target's shares it was."""
        if len(self._pending) >= PENDING_MAX:
            return
        for index, account in enumerate(self._accounts):
            self._count += 1
            due_ns = trade.traded_ns + account.lag_s * NS_PER_S
            heapq.heappush(self._pending, (due_ns, self._count, index, trade, fraction))
        self.due_ns = self._pending[0][0]

    def run(
        self, time_ns: int, book_of: BookOf, instrument_of: Callable[[InstrumentId], Instrument | None]
    ) -> None:
        """Make the copies that are due with the books as they stand."""
        while self._pending and self._pending[0][0] <= time_ns:
            _, _, index, trade, fraction = heapq.heappop(self._pending)
            instrument = instrument_of(trade.instrument_id)
            if instrument:
                _copy(self._accounts[index], trade, fraction, instrument, book_of(trade.instrument_id))
        self.due_ns = self._pending[0][0] if self._pending else NEVER_NS

    def resolve(self, market_id: MarketId, payouts: Mapping[InstrumentId, Decimal]) -> None:
        """Close a market at its payouts."""
        for account in self._accounts:
            if replica := account.replicas.pop(market_id, None):
                worth = sum((payouts.get(i, ZERO) * shares for i, shares in replica.shares.items()), ZERO)
                account.closed_profits.append(replica.cash + worth)

    def results(self, book_of: BookOf) -> tuple[LagResult, ...]:
        """Where each lag stands now."""
        return tuple(_result(account, book_of) for account in self._accounts)


def _copy(
    account: LagAccount, trade: WalletTrade, fraction: Decimal, instrument: Instrument, book: OrderBook | None
) -> None:
    replica = account.replicas.setdefault(trade.market_id, Replica(shares={}))
    held = replica.shares.get(trade.instrument_id, ZERO)
    quantity = trade.quantity if trade.side is Side.BUY else held * fraction
    if not quantity:
        return
    levels = book.levels_against(trade.side) if book else ()
    if not levels:
        account.missed += 1
        return
    price = levels[0].price
    fee = _fee(price, instrument) * quantity
    if trade.side is Side.BUY:
        account.copies += 1
        account.cost += price * quantity + fee
        replica.cash -= price * quantity + fee
        replica.shares[trade.instrument_id] = held + quantity
    else:
        replica.cash += price * quantity - fee
        replica.shares[trade.instrument_id] = held - quantity


def _fee(price: Decimal, instrument: Instrument) -> Decimal:
    return taker_fee(price=price, quantity=ONE, rate=instrument.fee_rate, exponent=instrument.fee_exponent)


def _result(account: LagAccount, book_of: BookOf) -> LagResult:
    open_profit = sum(
        (replica.cash + marked(replica.shares.items(), book_of) for replica in account.replicas.values()),
        ZERO,
    )
    return LagResult(
        lag_s=account.lag_s,
        copies=account.copies,
        missed=account.missed,
        cost=account.cost,
        profit=open_profit + sum(account.closed_profits, ZERO),
        closed_profits=tuple(account.closed_profits),
    )


def marked(shares: Iterable[tuple[InstrumentId, Decimal]], book_of: BookOf) -> Decimal:
    """What shares would bring at the best bids; nothing where nobody bids."""
    total = ZERO
    for instrument_id, quantity in shares:
        book = book_of(instrument_id)
        if quantity and book and book.best_bid:
            total += quantity * book.best_bid.price
    return total
