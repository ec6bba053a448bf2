"""An engine with a listed market, money and two puppets; it checks every invariant after each decision."""

from decimal import Decimal

from config import Limits
from domain.identifiers import InstrumentId
from domain.messages import ExecutionReport, StrategyIntent
from domain.order import Order
from domain.records import OrderRecord, Record
from engine import Decision, Engine
from order_manager import OrderManager
from state.market import MarketData
from tests.support.puppet import OtherPuppet, Puppet, puppet
from tests.support.trader import WIDE, RecordKind
from tests.support.trading import (
    NOW_NS,
    PAPER,
    SESSION,
    UP,
    S,
    acknowledged,
    book,
    fill_of,
    filled_report,
    listed,
    shown,
)


class Room:
    """Lets puppets look at books and venues report; keeps all records in `journal`."""

    def __init__(self, *, cash: str = "1000", limits: Limits = WIDE, fee_rate: str = "0") -> None:
        self.now_ns = NOW_NS
        market = MarketData()
        self.orders = OrderManager(session=SESSION, seed=1, venue=PAPER, limits=limits, market=market)
        self.engine = Engine(session=SESSION, market=market, orders=self.orders)
        self.alpha, self.beta = puppet(Puppet), puppet(OtherPuppet)
        self.engine.add(self.alpha)
        self.engine.add(self.beta)
        self.journal: list[Record] = []
        self.opening = (
            self.engine.take_market(listed(fee_rate=fee_rate)),
            self.engine.open_account(Decimal(cash), time_ns=NOW_NS),
        )

    def keep(self, decision: Decision) -> Decision:
        """Keep the records of a decision and check everything."""
        if decision.transaction:
            self.journal += decision.transaction.records
        self.engine.check()
        return decision

    def look(
        self,
        *intents: StrategyIntent,
        by: Puppet | None = None,
        of: InstrumentId = UP,
        after_s: int = 0,
        bids: str = "0.49x1000",
        asks: str = "0.51x1000",
    ) -> Decision:
        """Show a book to a puppet that says just this."""
        self.now_ns += after_s * S
        event = shown(book(bids, asks, of=of, time_ns=self.now_ns))
        self.engine.take_market(event)
        puppet = by or self.alpha
        puppet.says[:] = intents
        return self.keep(self.engine.step(puppet, event))

    def report(self, report: ExecutionReport) -> Decision:
        """Let the venue report."""
        return self.keep(self.engine.apply(report))

    def opened(self, intent: StrategyIntent, *, by: Puppet | None = None) -> Order:
        """An order of the puppet's that the venue has acknowledged."""
        (sent,) = self.look(intent, by=by).sends
        self.report(acknowledged(sent, time_ns=self.now_ns))
        return self.written(OrderRecord)[-1].order

    def fill(self, order: Order, quantity: str, *, trade: str = "t1") -> Decision:
        """Let the venue fill some of the order at its limit."""
        return self.report(filled_report(fill_of(order, quantity, trade=trade, time_ns=self.now_ns)))

    def written(self, kind: type[RecordKind]) -> list[RecordKind]:
        """Records of one kind, oldest first."""
        return [record for record in self.journal if isinstance(record, kind)]
