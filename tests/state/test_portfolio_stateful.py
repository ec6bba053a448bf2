"""Money under everything that can happen to it: any sequence of orders, fills, settlements and redemptions.

After every step all invariants hold, and what the ledger says equals an account of our own (I12): it is kept in
whole units, from the raw fills alone, and knows nothing of reservations, accounts or transfers.
"""

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.identifiers import InstrumentId, OrderId, StrategyName
from domain.instrument import Side
from domain.messages import (
    Cancelled,
    ExecutionReport,
    Expired,
    Fill,
    Lost,
    ProvenAbsent,
    Redeemed,
    Rejected,
    Settlement,
)
from domain.money import taker_fee
from domain.order import Order, OrderStatus
from order_manager import Placed
from state.holdings import fill_key
from tests.support.trader import Trader
from tests.support.trading import (
    ALPHA,
    BETA,
    DOWN,
    PAPER,
    UP,
    S,
    acknowledged,
    fill_of,
    filled_report,
    settlement_of,
)

CASH = 1000
FEE_RATE = Decimal("0.07")
UNSENT = (OrderStatus.ABORTED, OrderStatus.ACCEPTED)
RESTING = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)
STYLES = st.sampled_from(["GTC", "GTC post-only", "FAK"])
STRATEGIES, INSTRUMENTS = st.sampled_from([ALPHA, BETA]), st.sampled_from([UP, DOWN])


def units(amount: Decimal) -> int:
    """Whole millionths; every amount here is one."""
    whole = amount * 1_000_000
    assert whole == int(whole)
    return int(whole)


class Holding:
    """One strategy's shares of one instrument, in whole units: average cost, rounded down when it is taken out."""

    def __init__(self) -> None:
        self.settled = self.settled_cost = self.unsettled = self.unsettled_cost = 0
        self.profit = self.fees = self.money = 0
        self.past_profit = self.past_fees = 0

    def take(self, quantity: int) -> int:
        """Remove settled shares and return what they had cost."""
        cost = self.settled_cost * quantity // self.settled if quantity < self.settled else self.settled_cost
        self.settled -= quantity
        self.settled_cost -= cost
        return cost

    def forget(self) -> None:
        """Begin anew; only an empty one may be forgotten."""
        assert (self.settled, self.settled_cost, self.unsettled, self.unsettled_cost) == (0, 0, 0, 0)
        self.past_profit += self.profit
        self.past_fees += self.fees
        self.profit = self.fees = 0


class Account(RuleBasedStateMachine):
    """Two strategies trade both sides of one market from one wallet."""

    def __init__(self) -> None:
        super().__init__()
        self.trader = Trader(cash=str(CASH))
        self.orders: list[OrderId] = []
        self.fills: list[Fill] = []
        self.pending: dict[int, int] = {}
        self.books: dict[tuple[StrategyName, InstrumentId], Holding] = {}

    # --- orders -------------------------------------------------------------------------------------

    @initialize()
    def begin_with_shares(self) -> None:
        """Both strategies hold both outcomes, so that sales and redemptions happen from the start."""
        for strategy, of in product((ALPHA, BETA), (UP, DOWN)):
            self.place(strategy, f"BUY 100 {of[2:]} 0.37", is_answered=True)
            self.fill_with(self.trader.now(self.orders[-1]), Decimal("99.999999"), Decimal("0.33"))
            self.report_settlement(len(self.fills) - 1, Settlement.SETTLED)

    @rule(
        strategy=STRATEGIES,
        of=INSTRUMENTS,
        cents=st.integers(1, 49),
        lots=st.integers(500, 20_000),
        style=STYLES,
    )
    def buy(self, strategy: StrategyName, of: InstrumentId, cents: int, lots: int, style: str) -> None:
        text = f"BUY {Decimal(lots) / 100} {of[2:]} {Decimal(cents) / 100} {style}"
        self.place(strategy, text, is_answered="FAK" not in style)

    @rule(strategy=STRATEGIES, of=INSTRUMENTS, cents=st.integers(51, 99), part=st.integers(1, 4))
    def sell(self, strategy: StrategyName, of: InstrumentId, cents: int, part: int) -> None:
        """Offer some of what is free; half of the offers are taken up at once, in part."""
        lots, orders = int(self.free(strategy, of) * 100) // part, len(self.orders)
        self.place(strategy, f"SELL {Decimal(lots) / 100} {of[2:]} {Decimal(cents) / 100}", is_answered=True)
        if part % 2 and len(self.orders) > orders:
            sale = self.trader.now(self.orders[-1])
            self.fill_with(sale, sale.quantity / 4, sale.price)

    def place(self, strategy: StrategyName, text: str, *, is_answered: bool) -> None:
        """Ask for an order; it may be denied for want of money or shares."""
        self.trader.now_ns += S // 10
        self.trader.show()
        answer = self.trader.place(text, key=f"k{len(self.orders)}", strategy=strategy)
        if isinstance(answer, Placed):
            self.orders.append(answer.order.id)
            if is_answered:
                self.trader.report(acknowledged(answer.order, time_ns=self.trader.now_ns))

    @precondition(lambda self: self.found(OrderStatus.SENDING))
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        sent = data.draw(st.sampled_from(self.found(OrderStatus.SENDING)))
        time_ns = self.trader.now_ns
        answers: list[ExecutionReport] = [
            acknowledged(sent, time_ns=time_ns),
            Rejected(order_id=sent.id, reason="no", time_ns=time_ns),
            Lost(order_id=sent.id, reason="silence", time_ns=time_ns),
        ]
        self.trader.report(data.draw(st.sampled_from(answers)))

    @precondition(lambda self: self.found(OrderStatus.SENDING))
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        sent = data.draw(st.sampled_from(self.found(OrderStatus.SENDING)))
        self.trader.manager.withdraw(
            sent.id, reason="stopping", time_ns=self.trader.now_ns, journal=self.trader.journal
        )

    @precondition(lambda self: self.found(*RESTING, OrderStatus.UNKNOWN))
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        working = data.draw(st.sampled_from(self.found(*RESTING, OrderStatus.UNKNOWN)))
        time_ns = self.trader.now_ns
        ends: list[ExecutionReport] = [
            Cancelled(order_id=working.id, reason="asked", time_ns=time_ns),
            Expired(order_id=working.id, time_ns=time_ns),
        ]
        if working.status is OrderStatus.UNKNOWN:
            ends.append(ProvenAbsent(order_id=working.id, reason="proof", time_ns=time_ns))
        self.trader.report(data.draw(st.sampled_from(ends)))

    # --- fills --------------------------------------------------------------------------------------

    @precondition(lambda self: self.fillable())
    @rule(data=st.data())
    def fill(self, data: st.DataObject) -> None:
        """On time or late, in part or whole, at the limit or better; fills need not be whole lots."""
        before = data.draw(st.sampled_from(self.fillable()))
        leaves = units(before.leaves_quantity)
        quantity = Decimal(data.draw(st.sampled_from([leaves, max(1, leaves // 3), 1]))) / 1_000_000
        better = Decimal(data.draw(st.integers(0, 30))) / 100
        price = max(Decimal("0.01"), before.price - better)
        if before.side is Side.SELL:
            price = min(Decimal("0.99"), before.price + better)
        self.fill_with(before, quantity, price)

    def fill_with(self, before: Order, quantity: Decimal, price: Decimal) -> None:
        fee = Decimal(0)
        if not before.post_only:
            fee = taker_fee(price=price, quantity=quantity, rate=FEE_RATE, exponent=1)
        fill = fill_of(before, quantity, price=price, fee=fee, trade=f"t{len(self.fills)}")
        if before.is_done and not self.covers(before, fill):
            return
        self.trader.report(filled_report(fill))
        self.book(before.strategy, fill)

    def book(self, strategy: StrategyName, fill: Fill) -> None:
        holding = self.books.setdefault((strategy, fill.instrument_id), Holding())
        quantity, fee = units(fill.quantity), units(fill.fee)
        exact = quantity * int(fill.price * 100)  # hundredths of a unit
        holding.fees += fee
        if fill.side is Side.BUY:
            cost = -(-exact // 100)
            holding.unsettled += quantity
            holding.unsettled_cost += cost
            holding.money -= cost + fee
        else:
            cost, proceeds = holding.take(quantity), exact // 100
            holding.profit += proceeds - cost
            holding.money += proceeds - fee
        self.pending[len(self.fills)] = cost
        self.fills.append(fill)

    @precondition(lambda self: self.fills)
    @rule(data=st.data())
    def hear_twice(self, data: st.DataObject) -> None:
        """The same fill through another channel changes nothing."""
        fill = data.draw(st.sampled_from(self.fills))
        balances = list(self.trader.portfolio.ledger.balances())

        assert self.trader.report(filled_report(fill)) == []

        assert list(self.trader.portfolio.ledger.balances()) == balances

    @precondition(lambda self: self.pending)
    @rule(data=st.data(), succeeds=st.booleans())
    def settle(self, data: st.DataObject, succeeds: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.pending)))
        self.report_settlement(number, Settlement.SETTLED if succeeds else Settlement.FAILED)

    def report_settlement(self, number: int, settlement: Settlement) -> None:
        fill, cost = self.fills[number], self.pending.pop(number)
        holding = self.books[self.trader.now(fill.order_id).strategy, fill.instrument_id]
        quantity, fee, succeeds = units(fill.quantity), units(fill.fee), settlement is Settlement.SETTLED
        self.trader.report(settlement_of(fill, settlement))
        if fill.side is Side.BUY:
            holding.unsettled -= quantity
            holding.unsettled_cost -= cost
        if fill.side is Side.BUY and succeeds:
            holding.settled += quantity
            holding.settled_cost += cost
        if succeeds:
            return
        holding.fees -= fee
        if fill.side is Side.BUY:
            holding.money += cost + fee
            return
        proceeds = quantity * int(fill.price * 100) // 100
        holding.settled += quantity
        holding.settled_cost += cost
        holding.profit -= proceeds - cost
        holding.money -= proceeds - fee

    @rule(strategy=STRATEGIES, of=INSTRUMENTS, halves=st.integers(0, 2), part=st.integers(1, 3))
    def redeem(self, strategy: StrategyName, of: InstrumentId, halves: int, part: int) -> None:
        quantity = Decimal(units(self.free(strategy, of)) // part) / 1_000_000
        if not quantity:
            return
        self.trader.now_ns += 1
        payout = Decimal(halves) / 2
        self.trader.report(
            Redeemed(
                venue=PAPER,
                strategy=strategy,
                instrument_id=of,
                quantity=quantity,
                payout=payout,
                time_ns=self.trader.now_ns,
            )
        )
        holding = self.books[strategy, of]
        paid = units(quantity) * halves // 2
        holding.profit += paid - holding.take(units(quantity))
        holding.money += paid

    # --- what must hold -----------------------------------------------------------------------------

    @invariant()
    def the_ledger_says_what_the_fills_say(self) -> None:
        portfolio = self.trader.portfolio
        for (strategy, of), holding in self.books.items():
            position = portfolio.positions.get((strategy, of))
            if position is None:  # it was over, and nothing of it could fail any more
                holding.forget()
                continue
            said = (
                *(units(position.settled_quantity), units(position.settled_cost)),
                *(units(position.unsettled_quantity), units(position.unsettled_cost)),
                *(units(position.realized_pnl), units(position.fees)),
            )
            ours = (
                *(holding.settled, holding.settled_cost),
                *(holding.unsettled, holding.unsettled_cost),
                *(holding.profit, holding.fees),
            )
            assert said == ours
        assert units(portfolio.cash_total) == CASH * 1_000_000 + sum(h.money for h in self.books.values())

    @invariant()
    def each_strategys_profit_is_the_sum_of_its_positions(self) -> None:
        for strategy in (ALPHA, BETA):
            mine = [holding for (owner, _), holding in self.books.items() if owner == strategy]
            profit, fees = (
                sum(h.profit + h.past_profit for h in mine),
                sum(h.fees + h.past_fees for h in mine),
            )
            assert units(self.trader.portfolio.realized_pnl(strategy)) == profit
            assert units(self.trader.portfolio.fees(strategy)) == fees

    @invariant()
    def what_was_forgotten_is_in_the_past(self) -> None:
        self.the_ledger_says_what_the_fills_say()
        for strategy, past in self.trader.portfolio.past.items():
            mine = [holding for (owner, _), holding in self.books.items() if owner == strategy]
            assert units(past.earned) == sum(h.past_profit - h.past_fees for h in mine)

    @invariant()
    def the_wallet_holds_what_its_strategies_hold(self) -> None:
        for of in (UP, DOWN):
            held = sum(h.settled + h.unsettled for (_, i), h in self.books.items() if i == of)
            assert units(self.trader.portfolio.held.get(of, Decimal(0))) == held

    @invariant()
    def what_waits_for_settlement_is_what_was_not_settled(self) -> None:
        assert set(self.trader.portfolio.unsettled) == {
            fill_key(self.fills[number]) for number in self.pending
        }

    # --- choices ------------------------------------------------------------------------------------

    def found(self, *statuses: OrderStatus) -> list[Order]:
        return [order for order in map(self.trader.now, self.orders) if order.status in statuses]

    def fillable(self) -> list[Order]:
        return [o for o in map(self.trader.now, self.orders) if o.leaves_quantity and o.status not in UNSENT]

    def free(self, strategy: StrategyName, of: InstrumentId) -> Decimal:
        return self.trader.portfolio.available(Side.SELL, strategy=strategy, instrument_id=of)

    def covers(self, order: Order, fill: Fill) -> bool:
        """A late fill holds nothing aside any more: it comes out of what is free."""
        free = self.trader.portfolio.available(
            fill.side, strategy=order.strategy, instrument_id=fill.instrument_id
        )
        return free >= (
            fill.quantity if fill.side is Side.SELL else fill.price * fill.quantity + fill.fee + 1
        )


AccountTest = pytest.mark.slow(Account.TestCase)
AccountTest.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
