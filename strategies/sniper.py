"""Expiration sniper, event mode: buys a favourite shortly before its market ends and redeems it when it has won."""

if __name__ == "__main__":  # python strategies/sniper.py …: the orchestrator runs this strategy alone
    import os
    import sys
    from pathlib import Path

    orchestrator = Path(__file__).resolve().parents[1] / "orchestrator.py"
    os.execv(sys.executable, [sys.executable, str(orchestrator), "--strategies", "sniper", *sys.argv[1:]])

from decimal import Decimal
from typing import Annotated, NamedTuple

from domain.book import OrderBook
from domain.identifiers import InstrumentId, MarketId
from domain.instrument import Instrument, Market, Side, immediate_quantity
from domain.messages import BookSnapshot, MarketResolved, OrderChanged, PassedOver
from domain.money import ONE, ZERO, taker_fee, taker_fee_max
from domain.order import Intent, TimeInForce
from strategies.base_strategy import BaseStrategy, Bounds, Intents, View, require, state

SECONDS_PER_DAY = Decimal(86_400)
NS_PER_S = 1_000_000_000
Fraction = Annotated[Decimal, Bounds(0, 1)]


class Look(NamedTuple):
    """One look at an instrument: what the gates compare."""

    market: Market
    instrument: Instrument
    book: OrderBook
    bid: Decimal
    ask: Decimal
    left_s: Decimal


class Edge(NamedTuple):
    """Expected profit per share after fee, losses and the cost of capital, and the same per year."""

    per_share: Decimal
    per_year: Decimal


class Sniper(BaseStrategy):
    """Prices and depths in pUSD, sizes as fractions of the bankroll; every gate that is closed is counted.

    `fall_max` stands for the usual "24 h move": on a market that lives 15 minutes it is the fall of this
    outcome from its highest mid since the market opened (docs/decisions/0004).
    """

    summary = "buys favourites at 0.95 to 0.985 before the end, holds to resolution, redeems"

    bid_min: Fraction = Decimal("0.95")
    ask_min: Fraction = Decimal("0.95")
    ask_max: Fraction = Decimal("0.985")
    hours_left_max: Annotated[Decimal, Bounds(0, 8760)] = Decimal(24)
    seconds_left_min: Annotated[Decimal, Bounds(0, 86_400)] = Decimal(10)
    depth_min: Annotated[Decimal, Bounds(0, 1_000_000)] = Decimal(50)
    spread_max: Fraction = Decimal("0.02")
    fall_max: Fraction = Decimal("0.05")
    loss_probability: Fraction = Decimal("0.02")
    capital_rate: Fraction = Decimal("0.10")
    resolution_hours: Annotated[Decimal, Bounds(0, 720)] = Decimal(3)
    edge_min: Annotated[Decimal, Bounds(-1, 1)] = Decimal("0.005")
    yearly_return_min: Annotated[Decimal, Bounds(-1, 1000)] = Decimal("0.20")
    market_share_max: Fraction = Decimal("0.02")
    event_share_max: Fraction = Decimal("0.10")
    strategy_share_max: Fraction = Decimal("0.25")
    attempts_max: Annotated[int, Bounds(1, 100)] = 5

    _peaks: dict[InstrumentId, Decimal] = state(dict)
    _attempts: dict[MarketId, int] = state(dict)

    def check(self) -> None:
        """The band of prices must not be empty, and a market may not take more than its event or the strategy."""
        band = f"[strategies.sniper] ask_min = {self.ask_min} is above ask_max = {self.ask_max}; swap them"
        require(self.ask_min <= self.ask_max, band)
        shares = "[strategies.sniper] market_share_max <= event_share_max <= strategy_share_max does not hold; lower the first"
        require(self.market_share_max <= self.event_share_max <= self.strategy_share_max, shares)

    def on_book(self, event: BookSnapshot, view: View) -> Intents:
        """Look at the book; yield one FAK buy, or the first gate that passed it over."""
        instrument = view.instrument(event.book.instrument_id)
        market = view.market(instrument.market_id) if instrument else None
        if instrument is None or market is None or event.time_ns < market.opens_ns:
            return
        self._note_peak(event.book)
        looked = self._look(market, instrument, event.book)
        if isinstance(looked, str):
            yield PassedOver(market.id, looked)
        elif gate := self._closed_gate(looked, view):
            yield PassedOver(market.id, gate)
        else:
            yield self._order(looked, view)

    def on_order(self, event: OrderChanged, view: View) -> Intents:
        """Count an order that ended: the next look is a signal of its own. A denied one keeps its key."""
        if event.order.is_done:
            market_id = event.order.market_id
            self._attempts[market_id] = self._attempts.get(market_id, 0) + 1
        return iter(())

    def on_resolved(self, event: MarketResolved, view: View) -> Intents:
        """Forget the market and redeem what is held of it."""
        self._attempts.pop(event.market_id, None)
        for instrument_id in event.payouts:
            self._peaks.pop(instrument_id, None)
        return super().on_resolved(event, view)

    def _note_peak(self, book: OrderBook) -> None:
        """Remember the highest mid since the market opened: a fall from it is news against the favourite."""
        if (mid := book.mid) is not None:
            self._peaks[book.instrument_id] = max(mid, self._peaks.get(book.instrument_id, ZERO))

    def _look(self, market: Market, instrument: Instrument, book: OrderBook) -> Look | str:
        bid, ask = book.best_bid, book.best_ask
        left_s = Decimal(market.closes_ns - book.time_ns) / NS_PER_S
        if bid is None or ask is None:
            return "one-sided book"
        return Look(market, instrument, book, bid.price, ask.price, left_s)

    def _closed_gate(self, look: Look, view: View) -> str | None:
        """Name the first gate that is closed, cheapest first; None where all are open."""
        if look.bid < self.bid_min or not self.ask_min <= look.ask <= self.ask_max:
            return "price outside the band"
        if not self.seconds_left_min <= look.left_s <= self.hours_left_max * 3600:
            return "too early or too late"
        if look.ask - look.bid > self.spread_max:
            return "spread too wide"
        if look.book.notional_within(Side.BUY, look.ask + Decimal("0.01")) < self.depth_min:
            return "too little depth"
        if self._peaks[look.instrument.id] - (look.bid + look.ask) / 2 >= self.fall_max:
            return "fell since the market opened"
        edge = self._edge(look)
        if edge.per_share < self.edge_min or edge.per_year < self.yearly_return_min:
            return "edge too small"
        return self._closed_size_gate(look, view)

    def _closed_size_gate(self, look: Look, view: View) -> str | None:
        if view.orders(look.market.id):
            return "order working"
        if self._attempts.get(look.market.id, 0) >= self.attempts_max:
            return "attempts used up"
        for instrument in look.market.instruments:
            holding = view.holding(instrument.id)
            if holding.quantity and instrument.id != look.instrument.id:
                return "holds the other side"
            if holding.quantity and holding.average_price > look.ask:
                return "would average down"
        return None if self._quantity(look, view) >= look.instrument.quantity_min else "no budget left"

    def _edge(self, look: Look) -> Edge:
        """e = (1 − p) − fee − p·λ − c, with c the cost of capital until the resolution is paid out."""
        price = look.ask
        fee = taker_fee(
            price=price, quantity=ONE, rate=look.instrument.fee_rate, exponent=look.instrument.fee_exponent
        )
        days = (look.left_s + self.resolution_hours * 3600) / SECONDS_PER_DAY
        capital = price * self.capital_rate * days / 365
        per_share = ONE - price - fee - price * self.loss_probability - capital
        return Edge(per_share, per_share / price * 365 / days)

    def _quantity(self, look: Look, view: View) -> Decimal:
        """Shares that the three budgets and the offered depth allow, in whole cents of cost; zero where none."""
        bankroll = view.bankroll
        held = sum((view.holding(i.id).cost for i in look.market.instruments), ZERO)
        budget = min(
            bankroll * self.market_share_max - held,
            bankroll * self.event_share_max - view.committed(look.market.event_id),
            bankroll * self.strategy_share_max - view.committed(),
        )
        fee = taker_fee_max(
            price_max=look.ask,
            quantity=ONE,
            rate=look.instrument.fee_rate,
            exponent=look.instrument.fee_exponent,
        )
        offered = sum((q for p, q in look.book.asks if p <= look.ask), ZERO)
        return immediate_quantity(
            max(ZERO, min(budget / (look.ask + fee), offered)), look.ask, look.instrument
        )

    def _order(self, look: Look, view: View) -> Intent:
        attempt = self._attempts.get(look.market.id, 0)
        edge = self._edge(look)
        return Intent(
            instrument_id=look.instrument.id,
            side=Side.BUY,
            quantity=self._quantity(look, view),
            price=look.ask,
            time_in_force=TimeInForce.FAK,
            signal_key=f"{look.instrument.id}:{attempt}",
            reason=(
                f"{look.instrument.outcome} of {look.market.slug} at {look.bid}/{look.ask}, {look.left_s:.0f} s left: "
                f"edge {100 * edge.per_share:.2f} ¢ a share after fee and {self.loss_probability:.1%} expected losses"
            ),
        )
