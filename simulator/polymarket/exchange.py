"""The matching engine: takes orders, matches them price first and then time, and ends them."""

from collections.abc import Iterable
from itertools import groupby

from msgspec import Struct, field

from simulator.faults import Fault
from simulator.polymarket.accounts import CASH, HOUSE_ADDRESS, Wallet
from simulator.polymarket.admission import read_order, refused_for_funds, refused_for_value
from simulator.polymarket.api_keys import ApiKey
from simulator.polymarket.events import LevelsChanged, OrderChanged, TradePrinted
from simulator.polymarket.identifiers import hex_word, uuid_like
from simulator.polymarket.markets import PRICE_UNITS, SimMarket
from simulator.polymarket.matching import Plan, PlannedFill, plan
from simulator.polymarket.order_payload import PostedOrder
from simulator.polymarket.orders import BUY, OrderType, SimOrder, Status, value_of
from simulator.polymarket.refusals import (
    FAK_KILLED,
    FOK_KILLED,
    IS_DELAYED,
    IS_DONE,
    POST_ONLY_CROSSES,
    Refusal,
)
from simulator.polymarket.settlement import Settlement
from simulator.polymarket.state import ORDERS_MAX, VenueState
from simulator.polymarket.trades import SimTrade, fee_units
from simulator.timing import NS_PER_MS, NS_PER_S

WRONG_FEE_FACTOR = 2


class Placed(Struct, frozen=True, kw_only=True):
    """What the venue answers to an order it took: live, matched, delayed or unmatched."""

    order: SimOrder
    status: str
    shares: int = 0
    value: int = 0
    trades: list[SimTrade] = field(default_factory=list)


class Exchange:
    """The engine; everything is synchronous and happens at the venue's present instant."""

    def __init__(self, state: VenueState) -> None:
        self.state = state
        self.settlement = Settlement(state, self.cancel_uncovered)
        self._held: set[tuple[bool, int]] | None = None

    def submit(self, posted: PostedOrder, key: ApiKey) -> Placed | Refusal:
        """Take one order of a client, or say why not; a refusal has changed nothing but a killed order's record."""
        if len(self.state.orders) >= ORDERS_MAX:
            raise OverflowError(f"{ORDERS_MAX} orders are the most of one run; start it again")
        order = read_order(self.state, posted, key)
        if isinstance(order, Refusal):
            return order
        found = self.plan_for(order)
        takes = bool(found.fills) or not order.rests
        if order.post_only and found.fills:
            return POST_ONLY_CROSSES
        refused = (takes and refused_for_value(self.state, order)) or refused_for_funds(
            self.state, order, found
        )
        if refused:
            return refused
        self._remember(order)
        if found.fills and order.market.spec.taker_delay_ms:
            return self._delay(order)
        if killed := self._killed(order, found):
            return killed
        return self.execute(order, found)

    def plan_for(self, order: SimOrder) -> Plan:
        """What the order would match now."""
        return plan(
            order,
            self.state.book_of(order.market.condition_id),
            spends_budget=self.state.rules.market_buys_spend_their_budget,
            self_match=self.state.rules.self_match_allowed,
        )

    def execute(self, order: SimOrder, found: Plan) -> Placed:
        """Carry out the plan; what is left rests or is gone, as the order's kind says."""
        now_ns = self.state.now_ns()
        touched: set[tuple[bool, int]] = set()
        trades = [
            self._trade(order, list(fills), touched, now_ns)
            for _, fills in groupby(found.fills, key=lambda fill: fill.taker_price)
        ]
        if order.rests and order.remaining > 0:
            order.status = Status.LIVE
            self.rest(order, touched)
        else:
            order.status = Status.MATCHED
            self._leave(order)
        self.tell_levels(order.market, touched, now_ns)
        for trade in trades:
            self.settlement.begin(trade)
        if order.status == Status.LIVE:
            self.tell(order, "PLACEMENT", matched=0)
        if trades:
            self.tell(order, "UPDATE")
        status = "matched" if trades else "live"
        return Placed(order=order, status=status, shares=found.shares, value=found.value, trades=trades)

    def rest(self, order: SimOrder, touched: set[tuple[bool, int]]) -> None:
        """Put an order into the book and set aside what it may take."""
        self.state.book_of(order.market.condition_id).side_of(order).add(order)
        self.state.open_orders[order.id] = order
        self._promise(order)
        touched.add((order.is_bid, order.book_price))
        if order.expires_s:
            due_ns = (order.expires_s - self.state.rules.expires_early_s) * NS_PER_S
            self.state.agenda.plan(due_ns, lambda _: self._expire(order))

    def cancel(self, ids: Iterable[str], key: ApiKey | None) -> tuple[list[str], dict[str, str]]:
        """Cancel orders of a key by id; gives those cancelled, and the reason for each that was not."""
        done: list[str] = []
        not_done: dict[str, str] = {}
        for order_id in ids:
            order = self.state.open_orders.get(order_id)
            if order is None or (key is not None and order.key != key.key):
                not_done[order_id] = IS_DONE
            elif order.status == Status.DELAYED:
                not_done[order_id] = IS_DELAYED
            elif self.state.faults.strikes(Fault.CANCEL_LOST, f"cancel {order_id}"):
                done.append(order_id)
            else:
                self.end(order, Status.CANCELED)
                done.append(order_id)
        return done, not_done

    def end(self, order: SimOrder, status: str) -> None:
        """Take an open order off the book for good."""
        book = self.state.book_of(order.market.condition_id)
        if order in book.side_of(order):
            book.side_of(order).remove(order)
            touched = {(order.is_bid, order.book_price)}
            order.status = status
            self._leave(order)
            self.tell_levels(order.market, touched, self.state.now_ns())
        else:
            order.status = status
            self._leave(order)
        self.tell(order, "CANCELLATION")

    def cancel_uncovered(self, wallet: Wallet) -> None:
        """Cancel the newest orders of a wallet that no longer has what its open orders may take."""
        if wallet is self.state.accounts.house:
            return
        for token in [token for token in wallet.promised if wallet.available(token) < 0]:
            mine = [order for order in self.state.open_orders.values() if order.maker == wallet.address]
            for order in reversed(mine):
                pays_in = CASH if order.side == BUY else order.token
                if pays_in == token and wallet.available(token) < 0:
                    self.end(order, Status.CANCELED_NOT_ENOUGH_BALANCE)

    def tell(self, order: SimOrder, what: str, *, killed: bool = False, matched: int | None = None) -> None:
        """Tell the streams how a client's order stands now."""
        if order.maker == HOUSE_ADDRESS:
            return
        self.state.faults.mark(f"order {what} {order.status.partition(' ')[0]}")
        self.state.emit(
            OrderChanged(
                order=order,
                what=what,
                time_ns=self.state.now_ns(),
                status=order.status,
                matched=order.matched if matched is None else matched,
                killed=killed,
            )
        )

    def hold_levels(self) -> None:
        """Collect changes of the book instead of telling each, until `release_levels`."""
        self._held = set()

    def release_levels(self, market: SimMarket) -> None:
        """Tell everything that was collected as one change."""
        touched, self._held = self._held or set(), None
        self.tell_levels(market, touched, self.state.now_ns())

    def reduce(self, order: SimOrder, shares: int, touched: set[tuple[bool, int]]) -> None:
        """Take shares off a resting order; it keeps its place, and leaves when nothing remains."""
        side = self.state.book_of(order.market.condition_id).side_of(order)
        side.reduce(order.book_price, shares)
        touched.add((order.is_bid, order.book_price))
        order.size -= shares
        if order.remaining <= 0:
            side.drop_done(order)
            order.status = Status.CANCELED
            self._leave(order)

    def fill_directly(self, taker: SimOrder, maker: SimOrder) -> Placed:
        """Match two orders at the maker's price, past the queue, even where the maker has left the book."""
        fill = PlannedFill(
            maker=maker,
            shares=taker.size,
            taker_price=maker.price,
            taker_value=value_of(taker.size, maker.price),
            maker_value=value_of(taker.size, maker.price),
        )
        return self.execute(taker, Plan(fills=[fill], complete=True))

    def tell_levels(self, market: SimMarket, touched: set[tuple[bool, int]], now_ns: int) -> None:
        """Tell the streams the present sizes at the prices where something changed."""
        if self._held is not None:
            self._held |= touched
            return
        if not touched:
            return
        book = self.state.book_of(market.condition_id)
        levels = [
            (is_bid, price, (book.bids if is_bid else book.asks).size(price))
            for is_bid, price in sorted(touched)
        ]
        self.state.emit(LevelsChanged(market=market, levels=levels, time_ns=now_ns))

    def fill(self, order: SimOrder, fill: PlannedFill, touched: set[tuple[bool, int]]) -> None:
        """Book one maker's part of a match; an order that was cancelled meanwhile is filled all the same."""
        side = self.state.book_of(order.market.condition_id).side_of(order)
        stands = order in side
        order.matched += fill.shares
        order.spent += fill.maker_value
        if stands:
            side.reduce(order.book_price, fill.shares)
            touched.add((order.is_bid, order.book_price))
        if order.remaining <= 0 and order.is_open:
            order.status = Status.MATCHED
        if stands and order.remaining <= 0:
            side.drop_done(order)
            self._leave(order)
        elif stands:
            self._promise(order)

    def _trade(
        self, taker: SimOrder, fills: list[PlannedFill], touched: set[tuple[bool, int]], now_ns: int
    ) -> SimTrade:
        shares, value = sum(fill.shares for fill in fills), sum(fill.taker_value for fill in fills)
        price = fills[0].taker_price
        ordinal = len(self.state.trades) + 1
        fee = fee_units(taker.market, price=price, shares=shares)
        trade = SimTrade(
            id=uuid_like(self.state.seed, "trade", taker.id, ordinal),
            market=taker.market,
            taker=taker,
            price=price,
            shares=shares,
            value=value,
            fee=fee,
            makers=fills,
            matched_ns=now_ns,
            updated_ns=now_ns,
            hash=hex_word(self.state.seed, "transaction", taker.id, ordinal),
        )
        self.state.trades[trade.id] = trade
        if self.state.faults.strikes(Fault.WRONG_FEE, f"trade {taker.market.spec.slug} {trade.id}"):
            trade.fee *= WRONG_FEE_FACTOR
        taker.matched += shares
        taker.spent += value
        taker.trades.append(trade.id)
        taker.market.last_price_units = price if taker.outcome == 0 else PRICE_UNITS - price
        taker.market.last_side = "BUY" if taker.is_bid else "SELL"
        taker.market.volume_units += value
        for fill in fills:
            self.fill(fill.maker, fill, touched)
            fill.maker.trades.append(trade.id)
        self.state.emit(TradePrinted(trade=trade, time_ns=now_ns))
        for fill in fills:
            self.tell(fill.maker, "UPDATE")
        return trade

    def _delay(self, order: SimOrder) -> Placed:
        """Let a taker wait, with its funds set aside; it cannot be cancelled meanwhile."""
        order.status = Status.DELAYED
        self.state.open_orders[order.id] = order
        self._promise(order)
        due_ns = self.state.now_ns() + order.market.spec.taker_delay_ms * NS_PER_MS
        self.state.agenda.plan(due_ns, lambda _: self._after_delay(order))
        self.tell(order, "PLACEMENT")
        return Placed(order=order, status="delayed")

    def _after_delay(self, order: SimOrder) -> None:
        if order.status != Status.DELAYED:
            return
        found = self.plan_for(order)
        if not self._killed(order, found):
            self.state.faults.mark("delayed order processed" if found.fills else "delayed order unmatched")
            self.execute(order, found)

    def _killed(self, order: SimOrder, found: Plan) -> Refusal | None:
        """Kill a FOK that is not filled wholly, or a FAK that finds nothing; None where it goes on."""
        if order.kind is OrderType.FOK and not found.complete:
            refusal = FOK_KILLED
        elif order.kind is OrderType.FAK and not found.fills:
            refusal = FAK_KILLED
        else:
            return None
        order.status = f"{Status.CANCELED}_{refusal.text}"
        self._leave(order)
        self.tell(order, "CANCELLATION", killed=True)
        return refusal

    def _expire(self, order: SimOrder) -> None:
        if order.is_open:
            self.end(order, Status.CANCELED_EXPIRED_ORDER)

    def _remember(self, order: SimOrder) -> None:
        self.state.seen.add(order.id)
        self.state.orders[order.id] = order

    def _promise(self, order: SimOrder) -> None:
        """Set aside what the order may still take of its wallet."""
        wallet = self.state.accounts.find(order.maker)
        if wallet is None:
            return
        wanted = 0
        if order.is_open and order.budget is not None:
            wanted = order.budget - order.spent
        elif order.is_open:
            wanted = value_of(order.remaining, order.price) if order.side == BUY else order.remaining
        wallet.promised[CASH if order.side == BUY else order.token] += wanted - order.promised
        order.promised = wanted

    def _leave(self, order: SimOrder) -> None:
        self.state.open_orders.pop(order.id, None)
        self._promise(order)
