"""An order manager with a listed market, fresh books and money, driven in the words of the trade."""

from decimal import Decimal
from typing import TypeVar

import msgspec

from config import Limits
from domain.identifiers import OrderId, StrategyName
from domain.messages import ExecutionReport, Settlement
from domain.order import Order
from domain.records import Record
from order_manager import Denied, Duplicate, OrderManager, Placed
from state.invariants import check_all
from state.market import MarketData
from state.orders import NEWS
from tests.support.trading import (
    ALPHA,
    DOWN,
    NOW_NS,
    PAPER,
    SESSION,
    UP,
    acknowledged,
    book,
    fill_of,
    filled_report,
    intent,
    listed,
    settlement_of,
    shown,
)

RecordKind = TypeVar("RecordKind", bound=Record)

WIDE = Limits(
    collar_fraction=Decimal(1),
    collar_ticks=100,
    book_age_s_max=Decimal(2),
    order_quantity_max=Decimal(1_000_000),
    order_notional_max=Decimal(1_000_000),
    position_quantity_max=Decimal(1_000_000),
    position_notional_max=Decimal(1_000_000),
    orders_per_minute=600,
    orders_burst=100,
    time_to_close_s_min=Decimal(0),
    unknown_orders_max=100,
    open_orders_max=10_000,
    executions_max=10_000,
)
"""Limits that nothing in a test reaches, so that each test narrows just the one it is about."""


def narrowed(**limits: object) -> Limits:
    """The wide limits with some of them changed."""
    return msgspec.structs.replace(WIDE, **limits)


class Trader:
    """Places intents and reports outcomes; after each change every invariant is checked in full."""

    def __init__(
        self, *, cash: str = "1000", limits: Limits = WIDE, fee_rate: str = "0.07", seed: int = 1
    ) -> None:
        self.now_ns = NOW_NS
        self.market = MarketData()
        self.market.apply(listed(fee_rate=fee_rate))
        self.show()
        self.manager = OrderManager(
            session=SESSION, seed=seed, venue=PAPER, limits=limits, market=self.market
        )
        self.portfolio = self.manager.portfolio
        self.journal: list[Record] = []
        if Decimal(cash):
            self.portfolio.deposit(Decimal(cash), time_ns=NOW_NS)

    def show(self, bids: str = "0.49x1000", asks: str = "0.51x1000") -> None:
        """Show a fresh book of UP and of DOWN."""
        for of in (UP, DOWN):
            self.market.apply(shown(book(bids, asks, of=of, time_ns=self.now_ns)))

    def place(
        self, text: str, *, key: str = "k", leg: int = 0, strategy: StrategyName = ALPHA
    ) -> Placed | Denied | Duplicate:
        """Ask for an order now."""
        answer = self.manager.place(
            intent(text, key=key, leg=leg), strategy=strategy, time_ns=self.now_ns, journal=self.journal
        )
        check_all(self.portfolio, self.manager.live)
        return answer

    def accepted(self, text: str, *, key: str = "k", strategy: StrategyName = ALPHA) -> Order:
        """Ask for an order that must be accepted; it is being sent."""
        answer = self.place(text, key=key, strategy=strategy)
        assert isinstance(answer, Placed), answer
        return answer.order

    def opened(self, text: str, *, key: str = "k", strategy: StrategyName = ALPHA) -> Order:
        """An order that the venue has acknowledged."""
        sent = self.accepted(text, key=key, strategy=strategy)
        self.report(acknowledged(sent))
        return self.now(sent.id)

    def denied_by(self, text: str, *, key: str = "k", strategy: StrategyName = ALPHA) -> str:
        """Number of the control that refuses the intent."""
        answer = self.place(text, key=key, strategy=strategy)
        assert isinstance(answer, Denied), answer
        return answer.verdict.control

    def report(self, report: ExecutionReport) -> list[NEWS]:
        """Let the venue report."""
        news = self.manager.apply(report, self.journal)
        check_all(self.portfolio, self.manager.live)
        return news

    def fill(
        self, order: Order, quantity: str, *, price: str | None = None, fee: str = "0", trade: str = "t1"
    ) -> list[NEWS]:
        """Let the venue fill some of the order."""
        return self.report(filled_report(fill_of(order, quantity, price=price, fee=fee, trade=trade)))

    def bought(
        self, quantity: str, *, price: str = "0.50", strategy: StrategyName = ALPHA, key: str = "bought"
    ) -> Order:
        """Shares of UP that are held and settled."""
        order = self.opened(f"BUY {quantity} UP {price}", key=key, strategy=strategy)
        fill = fill_of(order, quantity, trade=f"t-{key}")
        self.report(filled_report(fill))
        self.report(settlement_of(fill, Settlement.SETTLED))
        return self.now(order.id)

    def now(self, order_id: OrderId) -> Order:
        """The order in its present state."""
        order = self.manager.order(order_id)
        assert order is not None, order_id
        return order

    def written(self, kind: type[RecordKind]) -> list[RecordKind]:
        """Records of one kind that were journalled, oldest first."""
        return [record for record in self.journal if isinstance(record, kind)]
