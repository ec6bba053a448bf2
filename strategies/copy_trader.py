"""Copy trader: follows one wallet's net exposure late, small and within gates, and says what became of each trade."""

if __name__ == "__main__":  # python strategies/copy_trader.py …: the orchestrator runs this strategy alone
    import os
    import sys
    from pathlib import Path

    orchestrator = Path(__file__).resolve().parents[1] / "orchestrator.py"
    os.execv(
        sys.executable, [sys.executable, str(orchestrator), "--strategies", "copy_trader", *sys.argv[1:]]
    )

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

from domain.identifiers import InstrumentId, MarketId
from domain.instrument import Side
from domain.messages import (
    BookSnapshot,
    FillReceived,
    MarketResolved,
    OrderChanged,
    PassedOver,
    Settlement,
    StrategyIntent,
    TimerFired,
    WalletAction,
    WalletTrade,
)
from domain.money import ONE
from domain.order import Order
from strategies.base_strategy import BaseStrategy, Bounds, Intents, View, require, state
from strategies.copying.aggregation import LeaderTrade, Windows, leader_trade
from strategies.copying.exits import NOTHING_HELD, Exits
from strategies.copying.exposure import Change, Complements, Exposure
from strategies.copying.gates import GateLimits
from strategies.copying.observed import Observed
from strategies.copying.purchases import Purchases, Rules
from strategies.copying.sizing import Sizing, SizingMode, parse_tiers
from strategies.copying.spending import Caps
from strategies.copying.target import Pin, Recognition, SeenDeeds, is_credible
from strategies.copying.verdict import Colour, Verdict, judge, render
from strategies.copying.work import SKIPPED, Work, passed_over

NS_PER_S = 1_000_000_000
VERDICT_EVERY_NS = 10 * NS_PER_S
BASELINE_NS = 15 * NS_PER_S
"""By then a live feed has told what the target did before our start."""

NAMESAKE = "name from another wallet"
NOT_CREDIBLE = "report not credible"
REPORTED_TWICE = "reported twice"
BASELINE = "traded before the start"
RESOLVED = "market resolved"
NET_UNCHANGED = "net exposure unchanged"
VERDICT_PENDING = "verdict pending"
VERDICT_RED = "verdict red"
VERDICT_AMBER = "verdict amber"

Fraction = Annotated[Decimal, Bounds(0, 1)]
Money = Annotated[Decimal, Bounds(0, 1_000_000)]


class CopyTrader(BaseStrategy):
    """Money in pUSD, prices in pUSD a share, `_share` as a fraction of one; docs/copy-trading.md explains each.

    `target` is a name or a 0x address. `sizing` is one of fixed, percent_of_trade, proportional,
    percent_of_bankroll, adaptive, tiered. Until `verdict_trades_min` trades were seen there is no verdict, and
    copies are made unless `wait_for_verdict`; a red one stops all buys unless `copy_red`.
    """

    summary = "copies one wallet's net exposure: aggregated, gated, sized, exits mirrored, with receipts"
    timer_interval_s = 1

    target: str = "steady-heron"
    window_s: Annotated[Decimal, Bounds(0, 60)] = Decimal(3)
    sizing: str = "percent_of_trade"
    fixed_notional: Money = Decimal(10)
    trade_share: Fraction = Decimal("0.10")
    bankroll_share: Annotated[Decimal, Bounds(0, Decimal("0.03"))] = Decimal("0.02")
    target_portfolio: Annotated[Decimal, Bounds(1, 1_000_000_000)] = Decimal(10_000)
    adaptive_share_max: Fraction = Decimal("0.20")
    adaptive_share_min: Fraction = Decimal("0.05")
    adaptive_notional: Annotated[Decimal, Bounds(1, 1_000_000)] = Decimal(500)
    tiers: str = "0:2, 100:1, 500:0.5, 5000:0.1"
    round_up_to_minimum: bool = False
    order_max: Money = Decimal(25)
    position_max: Money = Decimal(50)
    target_max: Money = Decimal(200)
    day_max: Money = Decimal(200)
    age_s_max: Annotated[Decimal, Bounds(0, 3600)] = Decimal(60)
    target_notional_min: Money = Decimal(25)
    price_min: Fraction = Decimal("0.05")
    price_max: Fraction = Decimal("0.95")
    slippage_max: Fraction = Decimal("0.03")
    slippage_share_max: Fraction = Decimal("0.02")
    depth_min: Money = Decimal(50)
    seconds_left_min: Annotated[Decimal, Bounds(0, 86_400)] = Decimal(60)
    buys_max: Annotated[int, Bounds(0, 1000)] = 3
    open_max: Annotated[int, Bounds(0, 1000)] = 20
    target_open_max: Annotated[int, Bounds(0, 1000)] = 5
    book_age_s_max: Annotated[Decimal, Bounds(0, 3600)] = Decimal(2)
    exit_ticks_below_bid: Annotated[int, Bounds(0, 20)] = 1
    verdict_trades_min: Annotated[int, Bounds(1, 10_000)] = 20
    wait_for_verdict: bool = False
    copy_red: bool = False

    verdict: Verdict | None = state(lambda: None)

    _start_ns: int = state(int)
    _pin: Pin = state(Pin)
    _deeds: SeenDeeds = state(SeenDeeds)
    _windows: Windows = state(Windows)
    _exposure: Exposure = state(Exposure)
    _observed: Observed = state(Observed)
    _purchases: Purchases = state(Purchases)
    _exits: Exits = state(Exits)
    _receipts: int = state(int)
    _judged_ns: int = state(int)
    _left: dict[InstrumentId, LeaderTrade] = state(dict)

    def check(self) -> None:
        """A target, a known way of sizing, and bands and shares that are not empty."""
        at = "[strategies.copy_trader]"
        ways = ", ".join(SizingMode)
        require(bool(self.target.strip()), f"{at} target is empty; give a name or a 0x address")
        require(
            self.sizing in list(SizingMode), f"{at} sizing = {self.sizing!r} is not known; there are: {ways}"
        )
        require(
            self.price_min <= self.price_max,
            f"{at} price_min is above price_max = {self.price_max}; swap them",
        )
        falls = self.adaptive_share_min <= self.trade_share <= self.adaptive_share_max
        falls = falls or self.sizing != SizingMode.ADAPTIVE
        require(
            falls, f"{at} adaptive_share_min <= trade_share <= adaptive_share_max must hold; raise the last"
        )
        parse_tiers(self.tiers)

    def describe_verdict(self) -> list[str]:
        """The copyability of the target in lines for people."""
        if self.verdict:
            return render(self.verdict)
        return [f"copyability: undecided, {self._observed.trades} of {self.verdict_trades_min} trades seen"]

    # --- hooks --------------------------------------------------------------------------------------

    def on_start(self, view: View) -> Intents:
        """What the target traded before this moment is its baseline."""
        self._start_ns = view.time_ns
        return iter(())

    def on_wallet_trade(self, event: WalletTrade, view: View) -> Intents:
        """Take a deed of the target in, once; other wallets are none of our business."""
        yield from self._catch_up(view)
        recognition = self._pin.recognise(event, self.target)
        if recognition is Recognition.TARGET and not is_credible(event):
            yield PassedOver(event.market_id, NOT_CREDIBLE)
        elif recognition is Recognition.TARGET and not self._deeds.is_new(event):
            yield PassedOver(event.market_id, REPORTED_TWICE)
        elif recognition is Recognition.TARGET:
            yield from self._take(event, view)
        elif recognition is Recognition.NAMESAKE:
            yield PassedOver(event.market_id, NAMESAKE)

    def on_book(self, event: BookSnapshot, view: View) -> Intents:
        """Close what is due, and look again at what waits for this book."""
        instrument_id = event.book.instrument_id
        if event.time_ns >= self._windows.due_ns or event.time_ns >= self._observed.copies.due_ns:
            yield from self._catch_up(view)
        if self._exits.is_pending(instrument_id):
            yield from self._look_at_exit(instrument_id, view)
        if instrument_id in self._purchases.instruments:
            yield from self._look_at_purchases(instrument_id, view)

    def on_timer(self, event: TimerFired, view: View) -> Intents:
        """Once a second: close what is due, and try again where no book comes."""
        yield from self._catch_up(view)
        if self._left and event.time_ns >= self._start_ns + BASELINE_NS:
            yield from self._leave_what_was_left(view)
        for instrument_id in self._exits.pending:
            yield from self._look_at_exit(instrument_id, view)
        for instrument_id in list(self._purchases.instruments):
            yield from self._look_at_purchases(instrument_id, view)

    def on_order(self, event: OrderChanged, view: View) -> Intents:
        """The end of an order is the end of a purchase, or makes way for the next attempt to sell."""
        if event.order.side is Side.BUY:
            yield from self._purchases.note_order(signal_key_of(event.order), event)
            yield from self._look_at_purchases(event.order.instrument_id, view)
        else:
            self._exits.note_order(event)
            yield from self._look_at_exit(event.order.instrument_id, view)

    def on_fill(self, event: FillReceived, view: View) -> Intents:
        """Credit a fill to the trade that it copies; one that did not settle is taken back."""
        yield from super().on_fill(event, view)
        is_buy = event.fill.side is Side.BUY
        if event.settlement is Settlement.SETTLED:
            yield from self._look_at_exit(event.fill.instrument_id, view)
        elif is_buy:
            sign = 1 if event.settlement is Settlement.PENDING else -1
            yield from self._purchases.note_fill(event.fill, event.time_ns, sign=sign)
        elif event.settlement is Settlement.PENDING:
            yield from self._exits.note_fill(event.fill, event.time_ns)
        else:
            yield from self._exits.note_failure(event.fill, event.time_ns)

    def on_resolved(self, event: MarketResolved, view: View) -> Intents:
        """Redeem what is held, end what waits, and forget the market but for the verdict."""
        yield from super().on_resolved(event, view)
        yield from self._pass_over(self._windows.close(event.market_id), RESOLVED, view)
        self._observed.resolve(event.market_id, event.payouts, event.time_ns)
        self._exposure.forget(event.payouts)
        for instrument_id in event.payouts:
            yield from self._exits.resolve(instrument_id, event.time_ns)
            yield from self._purchases.resolve(instrument_id, event.time_ns)

    # --- what the target did ------------------------------------------------------------------------

    def _take(self, event: WalletTrade, view: View) -> Iterator[StrategyIntent]:
        """A trade waits for its window; a merge or redemption is no sale, and only changes what the target holds."""
        is_over = view.payout(event.instrument_id) is not None
        if is_over and event.action is WalletAction.TRADE:
            yield from self._pass_over([leader_trade([event])], RESOLVED, view)
            return
        complements = self._complements(event.market_id, view)
        if event.action is WalletAction.TRADE:
            yield from self._take_trade(event, complements, view)
            return
        yield PassedOver(event.market_id, f"a {event.action.lower()} is no sale")
        if is_over:
            return
        yield from self._copy(self._windows.close(event.market_id), view)
        if event.action is WalletAction.MERGE:
            pair = [i for i in (event.instrument_id, complements.get(event.instrument_id)) if i]
            self._observed.merge(event, pair)
            self._exposure.merge(event.quantity, pair)
        else:
            self._exposure.redeem(event.quantity, event.instrument_id)

    def _take_trade(
        self, event: WalletTrade, complements: Complements, view: View
    ) -> Iterator[StrategyIntent]:
        is_baseline = event.traded_ns < self._start_ns
        self._observed.note(
            event,
            market=view.market(event.market_id),
            instrument=view.instrument(event.instrument_id),
            is_replayed=not is_baseline,
        )
        if is_baseline:
            baseline = leader_trade([event])
            self._exposure.apply([baseline], complements)
            if event.side is Side.SELL:
                self._left[event.instrument_id] = baseline
            yield from self._pass_over([baseline], BASELINE, view)
        else:
            self._windows.add(event, window_ns=int(self.window_s * NS_PER_S))
            yield from self._catch_up(view)

    def _leave_what_was_left(self, view: View) -> Iterator[StrategyIntent]:
        """Sell what an earlier process copied and the target has given up meanwhile: its sales were before our start,
        and so are in the baseline."""
        for instrument_id, trade in self._left.items():
            if not self._exposure.quantity(instrument_id) and view.holding(instrument_id).quantity:
                change = Change(instrument_id, Side.SELL, trade.price, trade.quantity, ONE, trade)
                yield from self._sell(change, view)
        self._left.clear()

    def _catch_up(self, view: View) -> Iterator[StrategyIntent]:
        """Do what its time has come for: replayed copies, and windows whose trades are complete."""
        if view.time_ns >= self._observed.copies.due_ns:
            self._observed.copies.run(view.time_ns, view.book, view.instrument)
        if view.time_ns >= self._windows.due_ns:
            for trades in self._windows.close_due(view.time_ns):
                yield from self._copy(trades, view)

    def _copy(self, trades: list[LeaderTrade], view: View) -> Iterator[StrategyIntent]:
        """Copy what the leader trades of one market changed about the target's net exposure."""
        if not trades:
            return
        self._judge(view)
        changes = self._exposure.apply(trades, self._complements(trades[0].market_id, view))
        causes = [change.cause for change in changes]
        yield from self._pass_over([trade for trade in trades if trade not in causes], NET_UNCHANGED, view)
        for change in changes:
            if change.side is Side.SELL:
                yield from self._sell(change, view)
            else:
                yield from self._buy(change, view)

    # --- what we do about it ------------------------------------------------------------------------

    def _buy(self, change: Change, view: View) -> Iterator[StrategyIntent]:
        """Take a purchase on, unless the verdict is against it."""
        work = Work(key=self._key(change.instrument_id, change.side), change=change)
        verdict, market_id = self.verdict, change.cause.market_id
        if verdict is None and self.wait_for_verdict:
            yield from _skip(work, VERDICT_PENDING, view)
            return
        if verdict and verdict.colour is Colour.RED and not self.copy_red:
            work.note = "; ".join(verdict.reasons)
            yield from _skip(work, VERDICT_RED, view)
            return
        if verdict and verdict.colour is not Colour.GREEN:
            more = f" (and {len(verdict.reasons) - 1} more)" if verdict.reasons[1:] else ""
            work.note = f"verdict {verdict.colour}: {verdict.reasons[0]}{more}"
            yield PassedOver(market_id, VERDICT_AMBER)
        self._purchases.add(work)
        yield from self._look_at_purchases(change.instrument_id, view)

    def _sell(self, change: Change, view: View) -> Iterator[StrategyIntent]:
        """Take an exit on: the fraction of what we hold, buys at the venue included."""
        instrument_id = change.instrument_id
        yield from self._purchases.target_sold(instrument_id, change.fraction, view)
        work = Work(key=self._key(instrument_id, change.side), change=change)
        instrument = view.instrument(instrument_id)
        held = view.holding(instrument_id).quantity + self._purchases.in_flight(instrument_id)
        if instrument and self._exits.add(work, instrument=instrument, held=held):
            yield from work.tell(view.time_ns, work.outcome, "to be sold")
            yield from self._look_at_exit(instrument_id, view)
        else:
            yield from _skip(work, NOTHING_HELD, view)

    def _look_at_purchases(self, instrument_id: InstrumentId, view: View) -> Iterator[StrategyIntent]:
        return self._purchases.look(instrument_id, view, self._rules(), self._exposure.cost)

    def _look_at_exit(self, instrument_id: InstrumentId, view: View) -> Iterator[StrategyIntent]:
        in_flight = self._purchases.in_flight(instrument_id)
        return self._exits.look(
            instrument_id, view, in_flight=in_flight, ticks_below_bid=self.exit_ticks_below_bid
        )

    def _pass_over(self, trades: list[LeaderTrade], gate: str, view: View) -> Iterator[StrategyIntent]:
        for trade in trades:
            yield from _skip(passed_over(trade, self._key(trade.instrument_id, trade.side)), gate, view)

    def _judge(self, view: View) -> None:
        """Judge what was seen so far, at most every ten seconds; no verdict stands while it is too little."""
        is_due = self.verdict is None or view.time_ns - self._judged_ns >= VERDICT_EVERY_NS
        if is_due and self._observed.trades >= self.verdict_trades_min:
            self.verdict, self._judged_ns = judge(self._observed.figures(view.book)), view.time_ns

    def _key(self, instrument_id: InstrumentId, side: Side) -> str:
        """A key of its own for each copied trade: the same ones again when the session is executed again."""
        self._receipts += 1
        return f"{self._receipts}:{instrument_id}:{side}"

    def _complements(self, market_id: MarketId, view: View) -> Complements:
        market = view.market(market_id)
        return {i.id: i.complement_id for i in market.instruments} if market else {}

    def _rules(self) -> Rules:
        sizing = Sizing(
            SizingMode(self.sizing),
            fixed_notional=self.fixed_notional,
            trade_share=self.trade_share,
            bankroll_share=self.bankroll_share,
            target_portfolio=self.target_portfolio,
            adaptive_share_max=self.adaptive_share_max,
            adaptive_share_min=self.adaptive_share_min,
            adaptive_notional=self.adaptive_notional,
            tiers=parse_tiers(self.tiers),
        )
        gates = GateLimits(**{name: getattr(self, name) for name in GateLimits._fields})
        caps = Caps(**{name: getattr(self, name) for name in Caps._fields})
        return Rules(gates, sizing, caps, self.round_up_to_minimum)


def signal_key_of(order: Order) -> str:
    """The signal key that an order was asked for with: its intent is named session/strategy/key/leg."""
    return order.intent_id.split("/", 2)[2].rpartition("/")[0]


def _skip(work: Work, gate: str, view: View) -> Iterator[StrategyIntent]:
    yield PassedOver(work.change.cause.market_id, gate)
    yield from work.tell(view.time_ns, SKIPPED, gate)
