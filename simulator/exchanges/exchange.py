"""A spot exchange without a protocol: accounts, books and orders; what it holds is the truth for tests."""

from collections import deque
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum

import msgspec

from domain.instrument import Side
from domain.money import ZERO, round_down
from simulator.exchanges.accounts import Account
from simulator.exchanges.candles import Candles
from simulator.exchanges.events import (
    BalancesChanged,
    BookChanged,
    ExchangeEvent,
    Listener,
    OrderChange,
    OrderChanged,
    Traded,
)
from simulator.exchanges.matching import Match, SpotBook, Taking
from simulator.exchanges.order_log import OrderLog
from simulator.exchanges.order_rules import refusal_of
from simulator.exchanges.orders import (
    Lifetime,
    OrderForm,
    OrderKind,
    OrderRefusedError,
    OrderState,
    Refusal,
    SpotFill,
    SpotOrder,
    SpotTrade,
)
from simulator.exchanges.pairs import PAIRS, Pair
from simulator.exchanges.server_clock import ServerClock
from simulator.faults import Fault, FaultPlan

HOUSE = ""
"""Owner of the liquidity that belongs to nobody: it has no balances and pays no fee."""

FEE_UNIT = Decimal("0.00000001")
TRADES_KEPT = 1_000
FIRST_ORDER_ID = 28_000_000


class ClientIdRule(StrEnum):
    """How long a client order id stays taken."""

    AMONG_OPEN = "among open orders"
    FOR_EVER = "for ever"


class SpotExchange:
    """Accepts, matches and cancels; every change is told to the listeners before the call returns."""

    def __init__(
        self,
        *,
        clock: ServerClock,
        faults: FaultPlan,
        seed: int,
        pairs: Iterable[Pair] = PAIRS,
        client_ids: ClientIdRule = ClientIdRule.AMONG_OPEN,
    ) -> None:
        self.clock = clock
        self.faults = faults
        self.client_ids = client_ids
        self.pairs = {pair.symbol: pair for pair in pairs}
        self.books = {symbol: SpotBook(symbol) for symbol in self.pairs}
        now_ns = clock.now_ns()
        self.candles = {s: Candles(pair, seed=seed, now_ns=now_ns) for s, pair in self.pairs.items()}
        self.trades: dict[str, deque[SpotTrade]] = {s: deque(maxlen=TRADES_KEPT) for s in self.pairs}
        self.log = OrderLog()
        self._accounts: dict[str, Account] = {}
        self._live: dict[int, SpotOrder] = {}
        self._listeners: list[Listener] = []
        self._order_id = FIRST_ORDER_ID
        self._trade_id = 0

    def open_account(self, api_key: str, secret: str, balances: Mapping[str, Decimal]) -> Account:
        """Let a key trade, with these amounts free; a key that is known already keeps nothing of its past."""
        account = self._accounts[api_key] = Account(api_key, secret, balances)
        return account

    def account(self, api_key: str) -> Account | None:
        """The account of a key; None for an unknown one."""
        return self._accounts.get(api_key)

    def listen(self, listener: Listener) -> None:
        """Tell this callable everything from now on; it must not place or cancel."""
        self._listeners.append(listener)

    def forget(self, listener: Listener) -> None:
        """Stop telling a listener; one that is not there is no error."""
        self._listeners = [kept for kept in self._listeners if kept is not listener]

    def halt(self, symbol: str) -> None:
        """Close a pair for new orders; what rests stays and may be cancelled."""
        self.pairs[symbol] = self.pairs[symbol].closed()

    def resting(self, order_id: int) -> SpotOrder | None:
        """The present version of an order that rests, the house's included; None where none does."""
        return self._live.get(order_id)

    def place(self, form: OrderForm, *, owner: str = HOUSE) -> SpotOrder:
        """Accept and match an order, and return what became of it; raise OrderRefusedError where nothing is booked."""
        pair = self.pairs[form.pair.symbol]
        form = msgspec.structs.replace(form, pair=pair)
        if owner != HOUSE:
            self._refuse_bad(form, owner)
        book = self.books[pair.symbol]
        plan = book.plan(_taking(form))
        if form.kind is OrderKind.POST_ONLY and plan:
            raise OrderRefusedError(Refusal.WOULD_TAKE)
        if _is_killed(form, plan):
            plan = []
        order = self._accept(form, owner, plan)
        for match in plan:
            order = self._trade(order, match)
        order = self._settle_rest(order)
        self._tell(BookChanged(symbol=pair.symbol))
        return order

    def cancel(self, order_id: int, *, cancel_id: str = "") -> SpotOrder | None:
        """Take a resting order off and give back what it locked; None where it does not rest any more."""
        order = self._live.get(order_id)
        if order is None:
            return None
        self._take_off(order, order.leaves)
        order = self._end(order, OrderState.CANCELLED, cancel_id=cancel_id)
        self._tell(BookChanged(symbol=order.form.pair.symbol))
        return order

    def fill(self, order_id: int, quantity: Decimal | None = None) -> SpotOrder | None:
        """Let a stranger trade with one resting order, whoever stands before it; None where it does not rest."""
        order = self._live.get(order_id)
        if order is None or order.form.price is None:
            return None
        match = Match(order_id=order_id, price=order.form.price, quantity=quantity or order.leaves)
        self._take_off(order, match.quantity)
        trade = self._print(order.form.pair.symbol, match, order.form.side.opposite, taker_order_id=0)
        order = self._fill(order, trade, is_maker=True)
        self._tell(BookChanged(symbol=order.form.pair.symbol))
        return order

    def print_trade(self, symbol: str, *, price: Decimal, quantity: Decimal, taker_side: Side) -> None:
        """Report a trade between strangers that no order here had a part in."""
        self._print(symbol, Match(order_id=0, price=price, quantity=quantity), taker_side, taker_order_id=0)

    def _refuse_bad(self, form: OrderForm, owner: str) -> None:
        pair, now_ns = form.pair, self.clock.now_ns()
        if self.faults.strikes(Fault.BLOCKED_BALANCE, f"order {pair.symbol}"):
            raise OrderRefusedError(Refusal.INSUFFICIENT_BALANCE)
        refusal = refusal_of(form, average_price=self.candles[pair.symbol].average_price(now_ns))
        if refusal:
            raise OrderRefusedError(refusal)
        if form.client_order_id and self._is_taken(owner, form.client_order_id):
            raise OrderRefusedError(Refusal.DUPLICATE_CLIENT_ID)
        if len(self.log.open_of(owner, symbol=pair.symbol)) >= pair.open_orders_max:
            raise OrderRefusedError(Refusal.TOO_MANY_ORDERS)

    def _is_taken(self, owner: str, client_id: str) -> bool:
        if self.client_ids is ClientIdRule.FOR_EVER:
            return self.log.was_used(owner, client_id)
        newest = self.log.newest_by_client_id(owner, client_id)
        return newest is not None and newest.state.is_open

    def _accept(self, form: OrderForm, owner: str, plan: list[Match]) -> SpotOrder:
        now_ns = self.clock.now_ns()
        planned = sum((match.quantity for match in plan), ZERO)
        quantity = planned if form.quantity is None else form.quantity
        locked = _amount_to_lock(form, plan, quantity)
        if owner != HOUSE:
            self._accounts[owner].lock(_locked_asset(form), locked)
        self._order_id += 1
        order = SpotOrder(
            id=self._order_id,
            owner=owner,
            form=form,
            client_order_id=form.client_order_id,
            created_ns=now_ns,
            updated_ns=now_ns,
            quantity=quantity,
            locked=locked,
        )
        self._record(order, OrderChange.NEW)
        return order

    def _trade(self, taker: SpotOrder, match: Match) -> SpotOrder:
        maker = self._live[match.order_id]
        self._take_off(maker, match.quantity)
        trade = self._print(taker.form.pair.symbol, match, taker.form.side, taker_order_id=taker.id)
        taker = self._fill(taker, trade, is_maker=False)
        self._fill(maker, trade, is_maker=True)
        return taker

    def _print(self, symbol: str, match: Match, taker_side: Side, *, taker_order_id: int) -> SpotTrade:
        self._trade_id += 1
        trade = SpotTrade(
            id=self._trade_id,
            symbol=symbol,
            price=match.price,
            quantity=match.quantity,
            taker_side=taker_side,
            maker_order_id=match.order_id,
            taker_order_id=taker_order_id,
            time_ns=self.clock.now_ns(),
        )
        self.trades[symbol].append(trade)
        self.candles[symbol].add(trade)
        self._tell(Traded(trade=trade))
        return trade

    def _fill(self, order: SpotOrder, trade: SpotTrade, *, is_maker: bool) -> SpotOrder:
        fill = self._fill_of(order, trade, is_maker=is_maker)
        spent, released = _spent_and_released(order, trade)
        filled = order.filled + trade.quantity
        changed = msgspec.structs.replace(
            order,
            filled=filled,
            filled_quote=order.filled_quote + trade.cost,
            locked=order.locked - spent - released,
            state=OrderState.FILLED if filled == order.quantity else OrderState.PARTIALLY_FILLED,
            updated_ns=trade.time_ns,
        )
        if order.owner != HOUSE:
            account = self._accounts[order.owner]
            account.spend(_locked_asset(order.form), spent)
            account.release(_locked_asset(order.form), released)
            account.deposit(fill.fee_asset, _received(order, trade) - fill.fee)
            self.log.note_fill(order.owner, fill)
        self._record(changed, OrderChange.TRADE, fill=fill)
        return changed

    def _fill_of(self, order: SpotOrder, trade: SpotTrade, *, is_maker: bool) -> SpotFill:
        pair = order.form.pair
        rate = ZERO if order.owner == HOUSE else (pair.maker_fee_rate if is_maker else pair.taker_fee_rate)
        if rate and self.faults.strikes(Fault.WRONG_FEE, f"trade {pair.symbol}"):
            rate *= 2
        return SpotFill(
            trade=trade,
            order_id=order.id,
            side=order.form.side,
            is_maker=is_maker,
            fee=round_down(_received(order, trade) * rate, FEE_UNIT),
            fee_asset=pair.base if order.form.side is Side.BUY else pair.quote,
        )

    def _settle_rest(self, order: SpotOrder) -> SpotOrder:
        """Rest what is left of an order that may rest, and end one that may not."""
        form = order.form
        if order.state is OrderState.FILLED:
            return order
        if form.kind is OrderKind.MARKET or form.lifetime is not Lifetime.GTC:
            return self._end(order, OrderState.EXPIRED)
        assert form.price is not None, "a limit order has a price"
        self.books[form.pair.symbol].rest(order.id, side=form.side, price=form.price, quantity=order.leaves)
        return order

    def _take_off(self, order: SpotOrder, quantity: Decimal) -> None:
        form = order.form
        assert form.price is not None, "only orders with a price rest"
        book = self.books[form.pair.symbol]
        book.reduce(order.id, side=form.side, price=form.price, quantity=quantity)

    def _end(self, order: SpotOrder, state: OrderState, *, cancel_id: str = "") -> SpotOrder:
        if order.owner != HOUSE:
            self._accounts[order.owner].release(_locked_asset(order.form), order.locked)
        ended = msgspec.structs.replace(order, state=state, locked=ZERO, updated_ns=self.clock.now_ns())
        change = OrderChange.CANCELLED if state is OrderState.CANCELLED else OrderChange.EXPIRED
        self._record(ended, change, cancel_id=cancel_id)
        return ended

    def _record(
        self, order: SpotOrder, change: OrderChange, *, fill: SpotFill | None = None, cancel_id: str = ""
    ) -> None:
        if order.state.is_open:
            self._live[order.id] = order
        else:
            self._live.pop(order.id, None)
        if order.owner == HOUSE:
            return
        self.log.note(order)
        self._tell(OrderChanged(order=order, change=change, fill=fill, cancel_id=cancel_id))
        assets = (order.form.pair.base, order.form.pair.quote)
        self._tell(BalancesChanged(owner=order.owner, assets=assets))

    def _tell(self, event: ExchangeEvent) -> None:
        for listener in self._listeners:
            listener(event)


def _taking(form: OrderForm) -> Taking:
    return Taking(
        side=form.side,
        limit=form.price,
        quantity=form.quantity,
        quote_quantity=form.quote_quantity,
        step=form.pair.quantity_step,
    )


def _is_killed(form: OrderForm, plan: list[Match]) -> bool:
    """Say whether a fill-or-kill order finds less than all of its quantity."""
    found = sum((match.quantity for match in plan), ZERO)
    return form.lifetime is Lifetime.FOK and found < (form.quantity or ZERO)


def _locked_asset(form: OrderForm) -> str:
    return form.pair.quote if form.side is Side.BUY else form.pair.base


def _amount_to_lock(form: OrderForm, plan: list[Match], quantity: Decimal) -> Decimal:
    """Quote of a buy at its limit (a market order: what the plan costs), base of a sale."""
    if form.side is Side.SELL:
        return quantity
    if form.price is not None:
        return form.price * quantity
    return sum((match.price * match.quantity for match in plan), ZERO)


def _spent_and_released(order: SpotOrder, trade: SpotTrade) -> tuple[Decimal, Decimal]:
    """What a trade takes out of the lock, and what a better price than the limit gives back."""
    if order.form.side is Side.SELL:
        return trade.quantity, ZERO
    limit = order.form.price if order.form.price is not None else trade.price
    return trade.cost, (limit - trade.price) * trade.quantity


def _received(order: SpotOrder, trade: SpotTrade) -> Decimal:
    return trade.quantity if order.form.side is Side.BUY else trade.cost
