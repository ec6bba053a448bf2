"""What the paper venue reports is booked as it means it: in the end both say that the same money is there."""

from decimal import Decimal

import pytest

from domain.conversions import SetAction, SetIntent
from domain.ledger import AccountKind
from domain.messages import (
    CancelIntent,
    ExecutionReport,
    Lost,
    MarketEvent,
    MarketResolved,
    NotSent,
    RedeemIntent,
    StrategyIntent,
)
from domain.money import PUSD
from domain.order import Order, OrderStatus
from engine import Decision
from tests.contract.crossings import EXECUTION_REPORTS
from tests.support.fake_venue import FakeScheduler
from tests.support.room import Room
from tests.support.trading import ALPHA, DOWN, MARKET, NOW_NS, UP, S, book, d, intent, listed, shown
from tests.venues.paper_floor import FAILING, NO_CHANCE, at_once
from venues.paper import PaperVenue

ONLY_OVER_A_NETWORK = (NotSent, Lost)
"""Reports of real venues alone: what is lost on the way to the paper venue is silence, which the executor notes."""


class Exchange:
    """A room whose decisions go to a paper venue, and whose reports come back; no store and no executor between."""

    def __init__(self, *, fails: bool = False) -> None:
        self.room = Room(fee_rate="0.07")
        self.scheduler = FakeScheduler()
        self.reports: list[ExecutionReport] = []
        self.venue = PaperVenue(
            scheduler=self.scheduler, settings=FAILING if fails else NO_CHANCE, seed=1, cash=d(1000)
        )
        self.venue.connect(self._hear)
        self.venue.on_market(listed(fee_rate="0.07"))

    def ask(self, *intents: StrategyIntent, wait_s: int = 1) -> Decision:
        """Show a fresh book to both, let alpha say this, hand it over, and let time pass."""
        self.room.now_ns = self.scheduler.now_ns()
        event = shown(book("0.49x1000", "0.51x1000", time_ns=self.room.now_ns))
        self.venue.on_market(event)
        decision = self.room.look(*intents)
        for order in decision.sends:
            at_once(self.venue.send(order))
        for order in decision.cancels:
            at_once(self.venue.cancel(order))
        for wish in decision.redemptions:
            at_once(
                self.venue.redeem(
                    strategy=wish.strategy, instrument_id=wish.instrument_id, quantity=wish.quantity
                )
            )
        for conversion in decision.conversions:
            at_once(self.venue.convert(conversion))
        self.wait_s(wait_s)
        return decision

    def order(self, text: str, *, key: str, expires_ns: int | None = None, wait_s: int = 1) -> Order:
        """Let alpha give an order."""
        (sent,) = self.ask(intent(text, key=key, expires_ns=expires_ns), wait_s=wait_s).sends
        return sent

    def tell(self, event: MarketEvent) -> None:
        """Let both hear of something."""
        self.venue.on_market(event)
        self.room.keep(self.room.engine.take_market(event))

    def wait_s(self, seconds: int) -> None:
        """Let what is under way arrive."""
        until_ns = self.scheduler.now_ns() + seconds * S
        while self.scheduler.run_next(until_ns=until_ns):
            pass

    def status(self, order: Order) -> OrderStatus:
        """The state of the order in our books."""
        found = self.room.orders.order(order.id)
        assert found is not None
        return found.status

    @property
    def ours(self) -> dict[str, Decimal]:
        """What our ledger says is free and settled: money of the wallet, shares of the strategy."""
        ledger, wallet = self.room.orders.portfolio.ledger, self.room.orders.portfolio.wallet
        shares = {of: ledger.balance(AccountKind.INVENTORY, "s1/alpha", of) for of in (UP, DOWN)}
        money = ledger.balance(AccountKind.CASH, wallet, PUSD)
        return {PUSD: money, **{of: quantity for of, quantity in shares.items() if quantity}}

    def _hear(self, report: ExecutionReport) -> None:
        self.reports.append(report)
        self.room.report(report)


def everything(exchange: Exchange) -> dict[OrderStatus, Order]:
    """Give one order for each way to end, make sets of money and redeem what the market pays."""
    bought = exchange.order("BUY 20 UP 0.51 FAK", key="taker", wait_s=30)
    rejected = exchange.order("BUY 1000 UP 0.50 FOK", key="too much")
    cancelled = exchange.order("BUY 10 UP 0.40", key="rests")
    exchange.ask(CancelIntent(order_id=cancelled.id, reason="asked"))
    at_once(exchange.venue.cancel(cancelled))
    exchange.wait_s(1)
    expires_ns = exchange.scheduler.now_ns() + 200 * S
    expired = exchange.order("BUY 10 UP 0.41 GTD", key="until then", expires_ns=expires_ns, wait_s=250)
    exchange.ask(SetIntent(action=SetAction.SPLIT, market_id=MARKET, quantity=d("9.5")))
    exchange.ask(SetIntent(action=SetAction.MERGE, market_id=MARKET, quantity=d("2.25")))
    exchange.order("SELL 6 UP 0.49 FAK", key="sale", wait_s=30)
    now_ns = exchange.scheduler.now_ns()
    exchange.tell(MarketResolved(time_ns=now_ns, market_id=MARKET, payouts={UP: d("0.25"), DOWN: d("0.75")}))
    exchange.ask(RedeemIntent(instrument_id=UP))
    return {
        OrderStatus.FILLED: bought,
        OrderStatus.REJECTED: rejected,
        OrderStatus.CANCELLED: cancelled,
        OrderStatus.EXPIRED: expired,
    }


def test_the_venue_makes_every_report_of_its_row_and_no_other() -> None:
    exchange = Exchange()

    everything(exchange)

    listed_there = {row.message.__name__ for row in EXECUTION_REPORTS if "venues" in row.makers.split()}
    made = {type(report).__name__ for report in exchange.reports}
    assert made == listed_there - {kind.__name__ for kind in ONLY_OVER_A_NETWORK}


def test_every_order_ends_for_us_as_it_ended_at_the_venue() -> None:
    exchange = Exchange()

    ended = everything(exchange)

    assert {status: exchange.status(order) for status, order in ended.items()} == {
        status: status for status in ended
    }


@pytest.mark.parametrize("fails", [False, True], ids=["settled", "settlement fails"])
def test_the_venue_and_our_books_hold_the_same(fails: bool) -> None:
    exchange = Exchange(fails=fails)

    everything(exchange)

    assert exchange.ours == exchange.venue.owned()
    assert exchange.venue.incoming() == {}
    assert exchange.ours[PUSD] != d(1000)


def test_a_share_is_paid_once_and_at_its_payout() -> None:
    exchange = Exchange()
    exchange.ask(SetIntent(action=SetAction.SPLIT, market_id=MARKET, quantity=d(8)))
    now_ns = exchange.scheduler.now_ns()
    exchange.tell(MarketResolved(time_ns=now_ns, market_id=MARKET, payouts={UP: d("0.25"), DOWN: d("0.75")}))

    exchange.ask(RedeemIntent(instrument_id=UP), RedeemIntent(instrument_id=DOWN))

    assert exchange.ours == {PUSD: d(1000)}  # 8 sets cost 8, and 8 * 0.25 + 8 * 0.75 = 8 came back
    assert exchange.venue.owned() == exchange.ours


def test_a_fill_carries_the_identity_of_its_order() -> None:
    exchange = Exchange()

    order = exchange.order("BUY 20 UP 0.51 FAK", key="taker", wait_s=30)

    (fill,) = at_once(exchange.venue.fills_since(NOW_NS))
    names = ("venue", "instrument_id", "market_id", "side")
    assert [getattr(fill, name) for name in names] == [getattr(order, name) for name in names]
    assert (fill.order_id, fill.quantity, fill.fee_asset) == (order.id, order.quantity, PUSD)
    assert (fill.price, fill.fee) == (d("0.51"), d("0.34986"))  # 20 * 0.07 * 0.51 * 0.49
    position = exchange.room.orders.portfolio.positions[ALPHA, UP]
    assert (position.quantity, position.fees) == (fill.quantity, fill.fee)
