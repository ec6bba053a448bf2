"""What is seen of a target, kept as the figures that a verdict rests on."""

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from decimal import Decimal
from statistics import median

from msgspec import Struct, field

from domain.identifiers import InstrumentId, MarketId
from domain.instrument import Instrument, Market, Side
from domain.messages import WalletTrade
from domain.money import ONE, ZERO, taker_fee
from strategies.copying.delayed_copy import BookOf, DelayedCopies, LagResult, marked

NS_PER_S = 1_000_000_000
SAMPLES_MAX = 1_000
"""Latest holding times and horizons that the medians are taken of."""

MARKETS_MAX = 5_000
"""Latest markets that shares of both sides and profits are kept of."""

CHILD_GAP_NS = 5 * NS_PER_S
"""Fills of one instrument and side this close together are one decision, however many orders they met."""

MARKET_MIN = 2
"""Outcomes bought that make a market two-sided."""


class Figures(Struct, frozen=True, kw_only=True):
    """A target in numbers: shares as fractions of one, times in seconds, money in pUSD; None where unknown."""

    trades: int
    markets: int
    maker_share: Decimal
    both_sides_share: Decimal
    trades_per_minute: Decimal
    holding_s: Decimal | None
    horizon_s: Decimal | None
    profit: Decimal
    profit_without_best: Decimal
    lags: tuple[LagResult, ...]


class Lot(Struct, kw_only=True):
    """Shares of one purchase that are still held."""

    bought_ns: int
    quantity: Decimal


class MarketSeen(Struct, kw_only=True):
    """The target in one market."""

    cash: Decimal = ZERO
    bought: dict[InstrumentId, Decimal] = field(default_factory=dict)
    lots: dict[InstrumentId, deque[Lot]] = field(default_factory=dict)

    def held(self, instrument_id: InstrumentId) -> Decimal:
        """Shares that are known to be held."""
        return sum((lot.quantity for lot in self.lots.get(instrument_id, ())), ZERO)

    @property
    def paired_share(self) -> Decimal:
        """Part of the shares bought that formed complete sets: 0 for one side only, 1 for as many of each."""
        total = sum(self.bought.values(), ZERO)
        if len(self.bought) < MARKET_MIN or not total:
            return ZERO
        return len(self.bought) * min(self.bought.values()) / total


class Observed:
    """All that was seen of the target, in memory that does not grow with its trades."""

    def __init__(self) -> None:
        self.trades = 0
        self.copies = DelayedCopies()
        self._decisions = 0
        self._notional = self._maker_notional = ZERO
        self._first_ns = self._last_ns = 0
        self._latest_ns: OrderedDict[tuple[InstrumentId, Side], int] = OrderedDict()
        self._holding_s: deque[Decimal] = deque(maxlen=SAMPLES_MAX)
        self._horizon_s: deque[Decimal] = deque(maxlen=SAMPLES_MAX)
        self._markets: OrderedDict[MarketId, MarketSeen] = OrderedDict()
        self._profits: OrderedDict[MarketId, Decimal] = OrderedDict()

    def note(
        self, trade: WalletTrade, *, market: Market | None, instrument: Instrument | None, is_replayed: bool
    ) -> None:
        """Take a fill in; one from before the start tells of the target's habits but cannot be replayed."""
        notional = trade.price * trade.quantity
        self.trades += 1
        self._notional += notional
        self._maker_notional += notional if trade.is_maker else ZERO
        self._note_time(trade)
        if market:
            self._horizon_s.append(Decimal(market.closes_ns - trade.traded_ns) / NS_PER_S)
        seen = self._seen(trade.market_id)
        if is_replayed:
            held = seen.held(trade.instrument_id)
            self.copies.note(trade, fraction=min(ONE, trade.quantity / held) if held else ONE)
        fee = ZERO if trade.is_maker or instrument is None else _fee(trade, instrument)
        seen.cash += (notional if trade.side is Side.SELL else -notional) - fee
        if trade.side is Side.BUY:
            seen.bought[trade.instrument_id] = seen.bought.get(trade.instrument_id, ZERO) + trade.quantity
            lot = Lot(bought_ns=trade.traded_ns, quantity=trade.quantity)
            seen.lots.setdefault(trade.instrument_id, deque()).append(lot)
        else:
            self._close(seen, trade.instrument_id, trade.quantity, trade.traded_ns)

    def merge(self, trade: WalletTrade, instrument_ids: Iterable[InstrumentId]) -> None:
        """Take complete sets out: each pair is worth 1, and its shares are held no longer."""
        seen = self._seen(trade.market_id)
        seen.cash += trade.quantity
        for instrument_id in instrument_ids:
            self._close(seen, instrument_id, trade.quantity, trade.traded_ns)

    def resolve(self, market_id: MarketId, payouts: Mapping[InstrumentId, Decimal], time_ns: int) -> None:
        """Close a market at its payouts; what was held to the end was held until now."""
        self.copies.resolve(market_id, payouts)
        seen = self._markets.get(market_id)
        if seen is None:
            return
        self._profits[market_id] = seen.cash + sum(
            (payouts.get(i, ZERO) * seen.held(i) for i in seen.lots), ZERO
        )
        for instrument_id in list(seen.lots):
            self._close(seen, instrument_id, seen.held(instrument_id), time_ns)
        if len(self._profits) > MARKETS_MAX:
            self._profits.popitem(last=False)

    def figures(self, book_of: BookOf) -> Figures:
        """Sum up; open positions are valued at the best bids."""
        profits = dict(self._profits)
        for market_id, seen in self._markets.items():
            if market_id not in profits:
                held = [(instrument_id, seen.held(instrument_id)) for instrument_id in seen.lots]
                profits[market_id] = seen.cash + marked(held, book_of)
        profit = sum(profits.values(), ZERO)
        minutes = Decimal(max(60 * NS_PER_S, self._last_ns - self._first_ns)) / (60 * NS_PER_S)
        return Figures(
            trades=self.trades,
            markets=len(self._markets),
            maker_share=self._maker_notional / self._notional if self._notional else ZERO,
            both_sides_share=both_sides_share(self._markets.values()),
            trades_per_minute=self._decisions / minutes,
            holding_s=median(self._holding_s) if self._holding_s else None,
            horizon_s=median(self._horizon_s) if self._horizon_s else None,
            profit=profit,
            profit_without_best=profit - max(profits.values(), default=ZERO),
            lags=self.copies.results(book_of),
        )

    def _seen(self, market_id: MarketId) -> MarketSeen:
        if len(self._markets) >= MARKETS_MAX and market_id not in self._markets:
            self._markets.popitem(last=False)
        return self._markets.setdefault(market_id, MarketSeen())

    def _note_time(self, trade: WalletTrade) -> None:
        key, time_ns = (trade.instrument_id, trade.side), trade.traded_ns
        self._first_ns = min(self._first_ns or time_ns, time_ns)
        self._last_ns = max(self._last_ns, time_ns)
        self._decisions += key not in self._latest_ns or abs(time_ns - self._latest_ns[key]) > CHILD_GAP_NS
        self._latest_ns[key] = time_ns
        if len(self._latest_ns) > SAMPLES_MAX:
            self._latest_ns.popitem(last=False)

    def _close(self, seen: MarketSeen, instrument_id: InstrumentId, quantity: Decimal, time_ns: int) -> None:
        """Take shares from the oldest lots and note how long they were held; unknown shares are passed over."""
        lots = seen.lots.get(instrument_id, deque())
        while lots and quantity:
            taken = min(quantity, lots[0].quantity)
            self._holding_s.append(Decimal(max(0, time_ns - lots[0].bought_ns)) / NS_PER_S)
            quantity -= taken
            lots[0].quantity -= taken
            if not lots[0].quantity:
                lots.popleft()


def both_sides_share(markets: Iterable[MarketSeen]) -> Decimal:
    """Part of all shares bought that formed complete sets, over all markets.

    >>> one, two = (
    ...     MarketSeen(bought={"a": Decimal(60)}),
    ...     MarketSeen(bought={"b": Decimal(20), "c": Decimal(20)}),
    ... )
    >>> both_sides_share([one, two])  # 40 of 100 shares
    Decimal('0.4')
    """
    totals = [(sum(seen.bought.values(), ZERO), seen.paired_share) for seen in markets]
    total = sum((bought for bought, _ in totals), ZERO)
    return sum((bought * paired for bought, paired in totals), ZERO) / total if total else ZERO


def _fee(trade: WalletTrade, instrument: Instrument) -> Decimal:
    return taker_fee(
        price=trade.price, quantity=trade.quantity, rate=instrument.fee_rate, exponent=instrument.fee_exponent
    )
