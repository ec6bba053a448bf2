"""The synchronous heart of every mode: an event goes in, a Decision comes out. No clock, no loop, no I/O."""

import itertools
from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec
from msgspec import Struct

from desk import Desk, Redemption
from domain.conversions import Conversion
from domain.identifiers import InstrumentId, OrderId, SessionId, StrategyName
from domain.instrument import Side
from domain.messages import (
    BookSnapshot,
    ExecutionReport,
    FeedChanged,
    FillReceived,
    MarketEvent,
    MarketListed,
    MarketResolved,
    OrderChanged,
    PriceTick,
    Redeemed,
    Settlement,
    SnapshotRejected,
    StrategyEvent,
    TickSizeChanged,
    TradePrint,
    WalletTrade,
)
from domain.money import ZERO, proceeds_of
from domain.order import Order
from domain.records import (
    EventRecord,
    MarketRecord,
    MetricsRecord,
    ReconciliationRecord,
    Record,
    ResolutionRecord,
    Transaction,
    TransferRecord,
)
from domain.remembered import Remembered
from hooks import ask
from order_manager import OrderManager
from state.holdings import Past
from state.invariants import check_all, check_touched
from state.market import MarketData
from state.orders import NEWS
from state.positions import position_record
from strategies.base_strategy import BaseStrategy, strategy_name

ACCOUNT_OPENED = "account.opened"

FULL_CHECK_EVERY = 1_000
"""Transactions between two checks of every invariant over everything, at least."""

FULL_CHECK_SHARE = 10
"""Transactions more for each working order: the whole check then costs each of them the same, however many work."""


class Decision(Struct, frozen=True, kw_only=True):
    """What a step computed: provisional until its transaction is durable; only then is it sent or told."""

    transaction: Transaction | None = None
    sends: tuple[Order, ...] = ()
    cancels: tuple[Order, ...] = ()
    redemptions: tuple[Redemption, ...] = ()
    conversions: tuple[Conversion, ...] = ()
    news: tuple[tuple[StrategyName, NEWS], ...] = ()


NOTHING = Decision()


class Engine:
    """Markets, orders and money of one session; the only place where they change."""

    def __init__(self, *, session: SessionId, market: MarketData, orders: OrderManager) -> None:
        self.market = market
        self.orders = orders
        self.position = 0
        self.ask = ask
        self._session = session
        self._desks: dict[StrategyName, Desk] = {}
        self._signal_numbers = itertools.count(1)
        self._sequence = 0
        self._past: dict[StrategyName, MetricsRecord] = {}
        self._full_check_at = FULL_CHECK_EVERY
        self._journal: list[Record] = []

    def restore(self, remembered: Remembered, *, sequence: int, position: int) -> None:
        """Stand where an earlier process stood after its last transaction; before any strategy is added.

        Raises InvariantError where the rows do not balance.
        """
        self._sequence, self.position, self._past = sequence, position, remembered.metrics
        self._signal_numbers = itertools.count(remembered.signals + 1)
        self.market.restore(remembered)
        self.orders.restore(remembered)
        self.check()

    def add(self, strategy: BaseStrategy) -> None:
        """Give a strategy a desk; its events go through `step`."""
        if past := self._past.get(strategy_name(strategy)):
            strategy.metrics.count_on(past)
        self._desks[strategy_name(strategy)] = Desk(
            strategy,
            session=self._session,
            market=self.market,
            orders=self.orders,
            numbers=self._signal_numbers,
        )

    @property
    def strategies(self) -> list[BaseStrategy]:
        """All strategies, in the order of the command line."""
        return [desk.strategy for desk in self._desks.values()]

    # --- ways in ------------------------------------------------------------------------------------

    def open_account(
        self, cash: Decimal, *, time_ns: int, held: Mapping[str, Decimal] | None = None
    ) -> Decision:
        """Bring the session's money in; the first transaction of a session. `held` is what a real account holds
        besides, and is none of ours: noted, since later comparisons with the venue have to know it."""
        self._journal.append(TransferRecord(transfer=self.orders.portfolio.deposit(cash, time_ns=time_ns)))
        if held is not None:
            amounts = {asset: str(amount) for asset, amount in held.items()}
            self._note(time_ns, ACCOUNT_OPENED, {"opened_ns": time_ns, "held": amounts})
        return self._close(time_ns)

    def take_market(self, event: MarketEvent) -> Decision:
        """Let a market event change what is known; what people may ask about later is stored."""
        self.market.apply(event)
        match event:
            case BookSnapshot() | TradePrint() | PriceTick() | WalletTrade():
                self.position += 1
                return NOTHING
            case MarketListed(market=market):
                self._journal.append(MarketRecord(market=market))
                self._note(event.time_ns, "market.listed", {"market": market.id, "slug": market.slug})
            case MarketResolved():
                self._journal.append(
                    ResolutionRecord(time_ns=event.time_ns, market_id=event.market_id, payouts=event.payouts)
                )
                payouts = {instrument: str(payout) for instrument, payout in event.payouts.items()}
                self._note(event.time_ns, "market.resolved", {"market": event.market_id, "payouts": payouts})
            case TickSizeChanged():
                tick = {"instrument": event.instrument_id, "tick_size": str(event.tick_size)}
                self._note(event.time_ns, "market.tick_size", tick)
            case SnapshotRejected():
                self.position += 1
                rejected = {"instrument": event.instrument_id, "reason": event.reason}
                self._note(event.time_ns, "book.rejected", rejected)
            case FeedChanged():
                kind = "feed.live" if event.is_live else "feed.broken"
                feed = {"instruments": event.instrument_ids, "epoch": event.epoch, "reason": event.reason}
                self._note(event.time_ns, kind, feed)
        return self._close(event.time_ns)

    def step(self, strategy: BaseStrategy, event: StrategyEvent) -> Decision:
        """Let a strategy see an event and turn what it yields into orders, cancels, redemptions or denials."""
        desk = self.note_event(strategy, event)
        intents = self.ask(strategy, event, desk.view)
        scope = event.book.instrument_id if isinstance(event, BookSnapshot) else type(event).__name__
        wishes = desk.decide(intents, scope=scope, journal=self._journal)
        if not self._journal:
            return NOTHING
        return self._close(
            event.time_ns,
            sends=tuple(wishes.sends),
            cancels=tuple(wishes.cancels),
            redemptions=tuple(wishes.redemptions),
            conversions=tuple(wishes.conversions),
        )

    def note_event(self, strategy: BaseStrategy, event: StrategyEvent) -> Desk:
        """Count the event and close the past minute: all of a step that comes before the hook."""
        desk = self._desks[strategy_name(strategy)]
        desk.view.time_ns = event.time_ns
        desk.turn_minute(self._journal)
        strategy.metrics.events += 1
        strategy.last_event_ns = event.time_ns
        return desk

    def apply(self, report: ExecutionReport) -> Decision:
        """Book what a venue reported; the strategies hear of it when it is durable."""
        told = tuple((self._owner(item), item) for item in self.orders.apply(report, self._journal))
        for name, item in told:
            if (
                isinstance(item, FillReceived)
                and item.settlement is Settlement.PENDING
                and name in self._desks
            ):
                self._desks[name].strategy.metrics.fills += 1
        return self._close(report.time_ns, news=told, redemptions=tuple(self._redeem_freed(report, told)))

    def _redeem_freed(
        self, report: ExecutionReport, told: tuple[tuple[StrategyName, NEWS], ...]
    ) -> Iterator[Redemption]:
        """Redeem what came free after its market had resolved: by a sale that ended, or beside a redemption."""
        freed = [
            (name, item.order.instrument_id)
            for name, item in told
            if isinstance(item, OrderChanged) and item.order.is_done and item.order.side is Side.SELL
        ]
        if isinstance(report, Redeemed):
            freed.append((report.strategy, report.instrument_id))
        for name, instrument_id in freed:
            if desk := self._desks.get(name):
                desk.view.time_ns = max(desk.view.time_ns, report.time_ns)
                yield from self._redeem_again(desk, instrument_id, report)

    def _redeem_again(
        self, desk: Desk, instrument_id: InstrumentId, report: ExecutionReport
    ) -> Iterator[Redemption]:
        """A redemption that was refused is asked for again by and by, not at once."""
        if isinstance(report, Redeemed):
            desk.redemption_ended(instrument_id)
            if not report.quantity:
                return
        yield from desk.redeem_free(instrument_id, self._journal)

    def redeem_resolved(self, *, time_ns: int) -> Decision:
        """Redeem whatever is settled and free of resolved markets and not under way: what failed, or what an earlier
        process left."""
        redemptions = []
        for (name, instrument_id), position in self.orders.portfolio.positions.items():
            if position.settled_quantity and (desk := self._desks.get(name)):
                desk.view.time_ns = max(desk.view.time_ns, time_ns)
                redemptions += desk.redeem_free(instrument_id, self._journal)
        return self._close(time_ns, redemptions=tuple(redemptions))

    def withdraw(self, order: Order, *, reason: str, time_ns: int) -> Decision:
        """End an order of which no byte has left."""
        news = self.orders.withdraw(order.id, reason=reason, time_ns=time_ns, journal=self._journal)
        return self._close(time_ns, news=tuple((order.strategy, item) for item in news))

    def send_again(self, order: Order, *, time_ns: int) -> Decision:
        """Send the very same payload once more, after its new attempt is durable."""
        again = self.orders.send_again(order.id, time_ns=time_ns, journal=self._journal)
        return self._close(time_ns, sends=(again,))

    def cancel_all(self, *, strategy: StrategyName | None = None, reason: str, time_ns: int) -> Decision:
        """Cancel every order that rests, of one strategy or of all."""
        sent = [
            self.orders.request_cancel(order.id, reason=reason, time_ns=time_ns, journal=self._journal)
            for order in list(self.orders.live)
            if strategy is None or order.strategy == strategy
        ]
        return self._close(time_ns, cancels=tuple(order for order in sent if order))

    def cancel_again(self, order: Order, *, time_ns: int) -> Decision:
        """Ask once more for a cancel whose outcome is unknown."""
        sent = self.orders.request_cancel(
            order.id, reason="asked again", time_ns=time_ns, journal=self._journal
        )
        return self._close(time_ns, cancels=(sent,) if sent else ())

    def cancel_if_unwanted(self, order_id: OrderId, *, time_ns: int) -> Decision:
        """Cancel an order that somebody wanted cancelled while it was still on its way."""
        order = self.orders.take_unwanted(order_id)
        return self.cancel_again(order, time_ns=time_ns) if order else NOTHING

    def take_stock(self, *, time_ns: int, is_final: bool = False) -> Decision:
        """Store every strategy's figures and what it holds is worth; at the end the counts of the open minute too."""
        for desk in self._desks.values():
            self._journal.append(self.figures(desk.strategy, time_ns=time_ns))
            if is_final:
                desk.write_counts(self._journal)
        for position in self.orders.portfolio.positions.values():
            if position.quantity:
                mark = self.market.mark_price(position.instrument_id)
                self._journal.append(position_record(position, mark, time_ns=time_ns))
        return self._close(time_ns)

    def note(self, time_ns: int, kind: str, payload: Mapping[str, object]) -> Decision:
        """Store something that people ask about later."""
        self._note(time_ns, kind, payload)
        return self._close(time_ns)

    def keep(self, record: ReconciliationRecord) -> Decision:
        """Store what a comparison with the venue found."""
        self._journal.append(record)
        return self._close(record.time_ns)

    # --- what there is ------------------------------------------------------------------------------

    def figures(self, strategy: BaseStrategy, *, time_ns: int) -> MetricsRecord:
        """A strategy's counters and money since the session began."""
        name, metrics, portfolio = strategy_name(strategy), strategy.metrics, self.orders.portfolio
        past = portfolio.past.get(name, Past())
        closed = [p for p in portfolio.positions.values() if p.strategy == name and p.closed_ns]
        profits = [p.realized_pnl - p.fees for p in closed if not p.quantity]
        return MetricsRecord(
            time_ns=time_ns,
            strategy=name,
            signals=metrics.signals,
            orders=metrics.orders,
            fills=metrics.fills,
            denials=metrics.denials,
            duplicates=metrics.duplicates,
            wins=past.wins + sum(profit > 0 for profit in profits),
            losses=past.losses + sum(profit < 0 for profit in profits),
            realized_pnl=portfolio.realized_pnl(name),
            unrealized_pnl=self.value_of(name) - portfolio.cost(name),
            fees=portfolio.fees(name),
        )

    def value_of(self, strategy: StrategyName) -> Decimal:
        """What the strategy's positions would bring now, at the exit side; at cost where no book was ever seen."""
        total = ZERO
        for position in self.orders.portfolio.positions.values():
            if position.strategy == strategy and position.quantity:
                mark = self.market.mark_price(position.instrument_id)
                total += (
                    position.cost if mark is None else proceeds_of(price=mark, quantity=position.quantity)
                )
        return total

    @property
    def equity(self) -> Decimal:
        """Money of the wallet plus the value of all positions at the exit side, in pUSD."""
        values = (self.value_of(strategy_name(strategy)) for strategy in self.strategies)
        return self.orders.portfolio.cash_total + sum(values, ZERO)

    def check(self) -> None:
        """Check every invariant over everything; raise InvariantError where one does not hold."""
        check_all(self.orders.portfolio, self.orders.live)

    # --- the journal --------------------------------------------------------------------------------

    def _close(
        self,
        time_ns: int,
        *,
        sends: tuple[Order, ...] = (),
        cancels: tuple[Order, ...] = (),
        redemptions: tuple[Redemption, ...] = (),
        conversions: tuple[Conversion, ...] = (),
        news: tuple[tuple[StrategyName, NEWS], ...] = (),
    ) -> Decision:
        """Number what was journalled and check what it touched; an empty journal makes no transaction."""
        records, self._journal = tuple(self._journal), []
        if not records:
            return Decision(news=news) if news else NOTHING
        self._sequence += 1
        check_touched(self.orders.portfolio, self.orders.live, records)
        if self._sequence >= self._full_check_at:
            self.check()
            self._full_check_at += FULL_CHECK_EVERY + FULL_CHECK_SHARE * len(self.orders.live)
        return Decision(
            transaction=Transaction(
                sequence=self._sequence, position=self.position, time_ns=time_ns, records=records
            ),
            sends=sends,
            cancels=cancels,
            redemptions=redemptions,
            conversions=conversions,
            news=news,
        )

    def _note(self, time_ns: int, kind: str, payload: Mapping[str, object]) -> None:
        text = msgspec.json.encode(payload).decode()
        self._journal.append(
            EventRecord(time_ns=time_ns, kind=kind, source="engine", correlation_id="", payload=text)
        )

    def _owner(self, item: NEWS) -> StrategyName:
        if isinstance(item, OrderChanged):
            return item.order.strategy
        order = self.orders.order(item.fill.order_id)
        assert order is not None, "the order manager has just changed this order"
        return order.strategy
