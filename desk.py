"""One strategy's desk: what it may see, its signals that are up, and what becomes of the intents that it yields."""

import itertools
from collections.abc import Iterator
from decimal import Decimal

import msgspec
from msgspec import Struct

from clock import NS_PER_S
from domain import identifiers
from domain.book import OrderBook
from domain.conversions import Conversion, SetAction, SetIntent
from domain.errors import StrategyFloodError
from domain.identifiers import InstrumentId, MarketId, SessionId, StrategyName
from domain.instrument import Instrument, Market, Side
from domain.messages import CancelIntent, PassedOver, Receipt, RedeemIntent, StrategyIntent
from domain.money import ZERO
from domain.order import Intent, Order
from domain.records import (
    DenialRecord,
    EventRecord,
    GateCountRecord,
    ReceiptRecord,
    Record,
    SignalOutcome,
    SignalRecord,
    TransferRecord,
)
from order_manager import Denied, Duplicate, OrderManager, Placed
from risk.candidate import Verdict
from risk.controls import REPEATED_EXECUTION
from state.complete_sets import set_aside
from state.market import MarketData
from strategies.base_strategy import BaseStrategy, Holding, StrategyState, strategy_name

NS_PER_MINUTE = 60 * NS_PER_S
SIGNALS_PER_MINUTE_MAX = 6_000
"""Signals, repeats of one that is up included, that a strategy may give in a minute of event time."""

PAIR = 2
"""Outcomes of a market whose sets can be merged."""

NOTHING_HELD = Holding(ZERO, ZERO, ZERO)


class Redemption(Struct, frozen=True, kw_only=True):
    """Shares that go to the venue to be paid out."""

    strategy: StrategyName
    instrument_id: InstrumentId
    quantity: Decimal


class Wishes(Struct, kw_only=True):
    """What a step wants done at the venue once it is durable."""

    sends: list[Order] = []
    cancels: list[Order] = []
    redemptions: list[Redemption] = []
    conversions: list[Conversion] = []


class Signal(Struct, kw_only=True):
    """A signal key that is up: one row, however often the strategy repeats it while it lasts."""

    record: SignalRecord
    controls: set[str]


class DeskView:
    """The strategy's window: the markets, its own orders and what it holds itself."""

    def __init__(self, strategy: StrategyName, market: MarketData, orders: OrderManager) -> None:
        self.time_ns = 0
        self._strategy = strategy
        self._market = market
        self._orders = orders

    @property
    def bankroll(self) -> Decimal:
        """Money of the wallet plus the cost of all positions."""
        return self._orders.portfolio.bankroll

    def instrument(self, instrument_id: InstrumentId) -> Instrument | None:
        """The instrument with its present tick."""
        return self._market.instrument(instrument_id)

    def market(self, market_id: MarketId) -> Market | None:
        """The market, until it resolves."""
        return self._market.markets.get(market_id)

    def book(self, instrument_id: InstrumentId) -> OrderBook | None:
        """The latest book."""
        return self._market.books.get(instrument_id)

    def payout(self, instrument_id: InstrumentId) -> Decimal | None:
        """What a share pays, once resolved."""
        return self._market.payout(instrument_id)

    def holding(self, instrument_id: InstrumentId) -> Holding:
        """What this strategy holds; free settled shares can be sold or redeemed."""
        position = self._orders.portfolio.positions.get((self._strategy, instrument_id))
        if position is None:
            return NOTHING_HELD
        free = self._orders.portfolio.available(
            Side.SELL, strategy=self._strategy, instrument_id=instrument_id
        )
        return Holding(position.quantity, free, position.cost)

    def orders(self, market_id: MarketId | None = None) -> list[Order]:
        """This strategy's orders that have not ended."""
        mine = self._orders.live.of(self._strategy)
        return mine if market_id is None else [order for order in mine if order.market_id == market_id]

    def committed(self, event_id: str | None = None) -> Decimal:
        """Cost of this strategy's positions plus what its open buys have set aside."""
        markets = None if event_id is None else self._markets_of(event_id)
        portfolio = self._orders.portfolio
        held = [p for p in portfolio.positions.values() if p.strategy == self._strategy]
        working = [o for o in self.orders() if o.side is Side.BUY]
        return sum((p.cost for p in held if markets is None or p.market_id in markets), ZERO) + sum(
            (
                portfolio.reservations[o.id].pending
                for o in working
                if markets is None or o.market_id in markets
            ),
            ZERO,
        )

    def _markets_of(self, event_id: str) -> set[MarketId]:
        return {market.id for market in self._market.markets.values() if market.event_id == event_id}


class Desk:
    """Turns a strategy's intents into orders and rows; repeats of what is up cost no row."""

    def __init__(
        self,
        strategy: BaseStrategy,
        *,
        session: SessionId,
        market: MarketData,
        orders: OrderManager,
        numbers: Iterator[int],
    ) -> None:
        self.strategy = strategy
        self.name = strategy_name(strategy)
        self.view = DeskView(self.name, market, orders)
        self._session = session
        self._market = market
        self._orders = orders
        self._numbers = numbers
        self._up: dict[str, dict[str, Signal]] = {}
        self._gates: dict[tuple[MarketId, str], int] = {}
        self._conversions = itertools.count(1)
        self._redeeming: set[InstrumentId] = set()
        self._minute_ns = 0
        self._signals_of_minute = 0

    def decide(self, intents: list[StrategyIntent], *, scope: str, journal: list[Record]) -> Wishes:
        """Act on what one hook yielded. `scope` is what it saw: an instrument's book, or a kind of event.

        A signal of that scope that is not repeated has come down, and its next appearance is a new one.
        """
        self._refuse_flood(sum(isinstance(intent, Intent) for intent in intents))
        wishes = Wishes(sends=[], cancels=[], redemptions=[], conversions=[])
        wanted: dict[str, list[Intent]] = {}
        for intent in intents:
            match intent:
                case Intent():
                    wanted.setdefault(intent.signal_key, []).append(intent)
                case CancelIntent():
                    self._cancel(intent, wishes, journal)
                case RedeemIntent():
                    self._redeem(intent, wishes, journal)
                case SetIntent():
                    self._convert(intent, wishes, journal)
                case PassedOver(market_id=market_id, gate=gate):
                    self._count(market_id, gate)
                case Receipt():
                    journal.append(ReceiptRecord(strategy=self.name, receipt=intent))
        up = self._up.setdefault(scope, {}) if wanted else self._up.pop(scope, {})
        for key in [key for key in up if key not in wanted]:
            del up[key]
        for key, legs in wanted.items():
            wishes.sends += self._place(up, key, legs, journal)
        return wishes

    def turn_minute(self, journal: list[Record]) -> None:
        """Write the counts of the past minute where the time of the view has left it."""
        minute_ns = self.view.time_ns - self.view.time_ns % NS_PER_MINUTE
        if minute_ns != self._minute_ns:
            self.write_counts(journal)
            self._minute_ns = minute_ns
            self._signals_of_minute = 0

    def write_counts(self, journal: list[Record]) -> None:
        """Write the counts gathered so far; the store adds to a minute that it has already."""
        for (market_id, gate), count in self._gates.items():
            journal.append(
                GateCountRecord(
                    minute_ns=self._minute_ns, strategy=self.name, market_id=market_id, gate=gate, count=count
                )
            )
        self._gates.clear()

    def _refuse_flood(self, signals: int) -> None:
        """Bound the rows that one strategy can make; counted before any of them is written."""
        self._signals_of_minute += signals
        if self._signals_of_minute > SIGNALS_PER_MINUTE_MAX:
            raise StrategyFloodError(
                f"strategy {self.name} gave more than {SIGNALS_PER_MINUTE_MAX} signals in a minute"
            )

    # --- signals ------------------------------------------------------------------------------------

    def _place(
        self, up: dict[str, Signal], key: str, legs: list[Intent], journal: list[Record]
    ) -> list[Order]:
        """Place the legs of one signal; its row is written when it comes up and when its outcome changes."""
        market_id = self._market.market_of(legs[0].instrument_id)
        if self.strategy.state is not StrategyState.RUNNING:
            self._count(market_id, f"strategy {self.strategy.state.lower()}")
            return []
        placed: list[Order] = []
        refused: list[Verdict] = []
        for leg in legs:
            match self._orders.place(leg, strategy=self.name, time_ns=self.view.time_ns, journal=journal):
                case Placed(order=order):
                    placed.append(order)
                case Denied(verdict=verdict):
                    refused.append(verdict)
                case Duplicate():
                    self.strategy.metrics.duplicates += 1
        outcome = SignalOutcome.DENIED if refused else SignalOutcome.DUPLICATE
        outcome = SignalOutcome.ORDERED if placed else outcome
        signal = self._raise(up, key, legs[0], outcome, journal)
        for verdict in refused:
            self._deny(signal, verdict, journal)
        self.strategy.metrics.orders += len(placed)
        return placed

    def _raise(
        self, up: dict[str, Signal], key: str, leg: Intent, outcome: SignalOutcome, journal: list[Record]
    ) -> Signal:
        """Return the signal that is up, with its row written where it is new or was denied and is ordered now."""
        signal = up.get(key)
        if signal is None:
            self.strategy.metrics.signals += 1
            signal = up[key] = Signal(record=self._record(key, leg, outcome), controls=set())
            journal.append(signal.record)
        elif signal.record.outcome is not outcome and outcome is SignalOutcome.ORDERED:
            signal.record = msgspec.structs.replace(signal.record, outcome=outcome)
            journal.append(signal.record)
        return signal

    def _record(self, key: str, leg: Intent, outcome: SignalOutcome) -> SignalRecord:
        return SignalRecord(
            number=next(self._numbers),
            time_ns=self.view.time_ns,
            strategy=self.name,
            market_id=self._market.market_of(leg.instrument_id),
            correlation_id=identifiers.correlation_id(
                session=self._session, strategy=self.name, signal_key=key
            ),
            key=key,
            reason=leg.reason,
            outcome=outcome,
        )

    def _deny(self, signal: Signal, verdict: Verdict, journal: list[Record]) -> None:
        """Store a refusal once per control while the signal is up; further ones are counted by minute."""
        if verdict.control in signal.controls:
            self._count(signal.record.market_id, f"control {verdict.control} {verdict.name}")
            return
        signal.controls.add(verdict.control)
        if verdict.control == REPEATED_EXECUTION:
            self.strategy.pause(f"control {verdict.control}: {verdict.value}, {verdict.reason}")
            reason = {"strategy": self.name, "reason": self.strategy.state_reason}
            self._note(journal, "strategy.paused", reason)
        self.strategy.metrics.denials += 1
        journal.append(
            DenialRecord(
                time_ns=self.view.time_ns,
                strategy=self.name,
                market_id=signal.record.market_id,
                correlation_id=signal.record.correlation_id,
                control=f"{verdict.control} {verdict.name}",
                reason=verdict.reason,
                value=verdict.value,
                limit=verdict.limit,
            )
        )

    def _note(self, journal: list[Record], kind: str, payload: dict[str, str]) -> None:
        journal.append(
            EventRecord(
                time_ns=self.view.time_ns,
                kind=kind,
                source=self.name,
                correlation_id="",
                payload=msgspec.json.encode(payload).decode(),
            )
        )

    # --- cancels and redemptions --------------------------------------------------------------------

    def _cancel(self, intent: CancelIntent, wishes: Wishes, journal: list[Record]) -> None:
        """Cancel an own order; another strategy's is none of its business and is left alone."""
        order = self._orders.order(intent.order_id)
        if order is None or order.strategy != self.name:
            return
        sent = self._orders.request_cancel(
            order.id, reason=intent.reason, time_ns=self.view.time_ns, journal=journal
        )
        if sent:
            wishes.cancels.append(sent)

    def _redeem(self, intent: RedeemIntent, wishes: Wishes, journal: list[Record]) -> None:
        wishes.redemptions += self.redeem_free(intent.instrument_id, journal)

    def redeem_free(self, instrument_id: InstrumentId, journal: list[Record]) -> list[Redemption]:
        """Send what is settled and free of a resolved instrument to be paid out, unless that is under way."""
        quantity = self.view.holding(instrument_id).settled_quantity
        if self._market.payout(instrument_id) is None or not quantity or instrument_id in self._redeeming:
            return []
        self._redeeming.add(instrument_id)
        self._note(journal, "redeem.requested", {"instrument": instrument_id, "quantity": str(quantity)})
        return [Redemption(strategy=self.name, instrument_id=instrument_id, quantity=quantity)]

    def redemption_ended(self, instrument_id: InstrumentId) -> None:
        """The venue has answered; what has come free meanwhile may be sent too."""
        self._redeeming.discard(instrument_id)

    def _convert(self, intent: SetIntent, wishes: Wishes, journal: list[Record]) -> None:
        """Set aside what a merge or split needs, where it is free; otherwise the wish is counted and dropped."""
        market = self._market.markets.get(intent.market_id)
        instrument_ids = tuple(i.id for i in market.instruments) if market else ()
        free = [
            self._orders.portfolio.available(side, strategy=self.name, instrument_id=instrument_id)
            for instrument_id in instrument_ids
            for side in (Side.SELL if intent.action is SetAction.MERGE else Side.BUY,)
        ]
        if intent.quantity <= 0 or len(free) < PAIR or min(free) < intent.quantity:
            self._count(intent.market_id, f"{intent.action.lower()} not covered")
            return
        conversion = Conversion(
            id=f"{intent.action.lower()}:{self.name}:{self.view.time_ns}:{next(self._conversions)}",
            strategy=self.name,
            market_id=intent.market_id,
            instrument_ids=instrument_ids,
            action=intent.action,
            quantity=intent.quantity,
        )
        transfer = set_aside(self._orders.portfolio, conversion, time_ns=self.view.time_ns)
        journal.append(TransferRecord(transfer=transfer))
        wishes.conversions.append(conversion)

    def _count(self, market_id: MarketId, gate: str) -> None:
        key = market_id, gate
        self._gates[key] = self._gates.get(key, 0) + 1
