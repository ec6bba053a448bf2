"""Our money and our positions: reservations, fills, settlements and redemptions, all through the ledger."""

from decimal import Decimal

from domain.errors import InvariantError
from domain.identifiers import InstrumentId, OrderId, SessionId, StrategyName, VenueName
from domain.instrument import Instrument, Side, assets_of, is_pair
from domain.ledger import Account, AccountKind, Entry, Ledger, Transfer
from domain.messages import Fill
from domain.money import PUSD, ZERO, cost_of, proceeds_of, round_down, unit_of
from domain.order import Order
from state.holdings import (
    Booked,
    FillKey,
    Past,
    Position,
    Reservation,
    fill_key,
    money_fee,
    moved_quantity,
    worst_case,
)

ROUNDING_UNITS_MAX = 10
"""Each fill of an order is rounded by itself: so much can its fills cost more than the order was reserved for."""


class Portfolio:
    """Ledger, reservations and positions of one wallet, which has one kind of money (`cash_asset`); each method returns
    the transfer that it posted."""

    def __init__(self, *, session: SessionId, venue: VenueName) -> None:
        self.ledger = Ledger()
        self.positions: dict[tuple[StrategyName, InstrumentId], Position] = {}
        self.past: dict[StrategyName, Past] = {}
        self.reservations: dict[OrderId, Reservation] = {}
        self.unsettled: dict[FillKey, Booked] = {}
        self.filled: dict[OrderId, Decimal] = {}
        self.held: dict[InstrumentId, Decimal] = {}
        self.invested = ZERO
        self._session = session
        self._venue = venue
        self._wallet = f"{session}/{venue}"
        self.cash_asset = PUSD
        self._unit = unit_of(PUSD)
        self.seen: set[FillKey] = set()

    def denominate(self, cash_asset: str) -> None:
        """Say what the wallet's money is, where it is not pUSD: once, before anything is booked."""
        assert not self.positions, "the money of a wallet does not change while it holds something"
        self.cash_asset, self._unit = cash_asset, unit_of(cash_asset)

    @property
    def paid_in(self) -> Decimal:
        """Money that came into the wallet from outside."""
        return -self.ledger.balance(AccountKind.EXTERNAL, self._wallet, self.cash_asset)

    @property
    def wallet(self) -> str:
        """Account owner of the wallet's money."""
        return self._wallet

    # --- what there is ------------------------------------------------------------------------------

    def available(self, order_side: Side, *, strategy: StrategyName, instrument_id: InstrumentId) -> Decimal:
        """Free money for a buy; for a sale what the strategy has of the asset, settled and not set aside."""
        if order_side is Side.BUY:
            return self.ledger.balance(AccountKind.CASH, self._wallet, self.cash_asset)
        asset, _ = assets_of(instrument_id)
        return self.ledger.balance(AccountKind.INVENTORY, self.owner(strategy), asset)

    @property
    def cash_total(self) -> Decimal:
        """Money of the wallet wherever it stands: free, reserved, on its way, and rounding residue."""
        kinds = (AccountKind.CASH, AccountKind.RESERVED, AccountKind.UNSETTLED, AccountKind.ROUNDING)
        return sum((self.ledger.balance(kind, self._wallet, self.cash_asset) for kind in kinds), ZERO)

    @property
    def bankroll(self) -> Decimal:
        """Money plus the cost of what is held: what position sizing takes fractions of."""
        return self.cash_total + self.invested

    @property
    def committed(self) -> Decimal:
        """Cost of all positions plus what open orders have set aside."""
        return self.invested + self.ledger.balance(AccountKind.RESERVED, self._wallet, self.cash_asset)

    def realized_pnl(self, strategy: StrategyName) -> Decimal:
        """Profit of the session from sales and redemptions, fees apart (income stands negative in the ledger)."""
        return -self.ledger.balance(AccountKind.REALISED_PNL, self.owner(strategy), self.cash_asset)

    def fees(self, strategy: StrategyName) -> Decimal:
        """Fees of the session, those of failed fills given back."""
        return self.ledger.balance(AccountKind.FEES, self.owner(strategy), self.cash_asset)

    def cost(self, strategy: StrategyName) -> Decimal:
        """What the strategy's present positions were bought for."""
        owner = self.owner(strategy)
        kinds = (AccountKind.INVENTORY, AccountKind.UNSETTLED)
        return sum((self.ledger.balance(kind, owner, self.cash_asset) for kind in kinds), ZERO)

    def owner(self, strategy: StrategyName) -> str:
        """Account owner of what a strategy holds."""
        return f"{self._session}/{strategy}"

    def has_seen(self, fill: Fill) -> bool:
        """Say whether this execution has been posted before (invariant I6)."""
        return fill_key(fill) in self.seen

    # --- money in, orders, fills --------------------------------------------------------------------

    def deposit(self, amount: Decimal, *, time_ns: int) -> Transfer:
        """Bring outside money into the wallet."""
        entries = (
            self._cash(amount),
            Entry(Account(AccountKind.EXTERNAL, self._wallet), self.cash_asset, -amount),
        )
        return self.post(f"deposit:{self._session}", "DEPOSIT", time_ns, entries)

    def reserve(self, order: Order, instrument: Instrument) -> Transfer:
        """Set aside the worst case of the order; the caller has checked that it is available."""
        asset, amount = worst_case(order, instrument)
        self.reservations[order.id] = Reservation(
            order_id=order.id, instrument=instrument, asset=asset, amount=amount, pending=amount
        )
        entries = (self._free(order, asset, -amount), self._reserved(order, asset, amount))
        return self.post(f"reserve:{order.id}", "RESERVE", order.created_ns, entries)

    def release(self, order: Order, *, time_ns: int) -> Transfer | None:
        """Void what is still set aside for an order that has ended; None where nothing is."""
        reservation = self.reservations.pop(order.id)
        if not (amount := reservation.pending):
            return None
        reservation.pending = ZERO
        entries = (
            self._reserved(order, reservation.asset, -amount),
            self._free(order, reservation.asset, amount),
        )
        return self.post(f"release:{order.id}", "RELEASE", time_ns, entries)

    def fill(self, order: Order, fill: Fill) -> Booked:
        """Post a fill of `order` (its state after the fill): provisional until it settles."""
        key = fill_key(fill)
        if key in self.seen:
            raise InvariantError(f"I6: fill {fill.trade_id} of order {fill.order_id} is posted already")
        self._refuse_unbookable(fill)
        self.seen.add(key)
        self.filled[order.id] = self.filled.get(order.id, ZERO) + fill.quantity
        position = self._position(order, time_ns=fill.time_ns)
        book = self._fill_buy if fill.side is Side.BUY else self._fill_sell
        booked = book(order, fill, self._use_reservation(order), position)
        position.fees += money_fee(fill)
        self.unsettled[key] = booked
        return booked

    def settle(self, key: FillKey, *, time_ns: int) -> tuple[Booked, Transfer]:
        """Make a fill final: what was matched becomes what is owned."""
        booked = self.unsettled.pop(key)
        position = self.positions[booked.strategy, booked.fill.instrument_id]
        if booked.fill.side is Side.BUY:
            position.unsettled_quantity -= booked.quantity
            position.settled_quantity += booked.quantity
            position.unsettled_cost -= booked.cost
            position.settled_cost += booked.cost
        entries = tuple(
            entry
            for account, asset, amount in booked.transfer.entries
            if account.kind is AccountKind.UNSETTLED
            for entry in (
                Entry(account, asset, -amount),
                Entry(Account(self._settled_kind(account), account.owner), asset, amount),
            )
        )
        return booked, self.post(f"settle:{booked.transfer.id}", "SETTLE", time_ns, entries)

    def fail(self, key: FillKey, *, time_ns: int) -> tuple[Booked, Transfer]:
        """Undo a fill whose settlement failed: money, shares, fee and profit in one transfer."""
        booked = self.unsettled.pop(key)
        fill, position = booked.fill, self.positions[booked.strategy, booked.fill.instrument_id]
        if fill.side is Side.BUY:
            position.unsettled_quantity -= booked.quantity
            position.unsettled_cost -= booked.cost
            self.hold(fill.instrument_id, -booked.quantity)
            self.invested -= booked.cost
        else:
            position.settled_quantity += booked.quantity
            position.settled_cost += booked.cost
            self.hold(fill.instrument_id, booked.quantity)
            self.invested += booked.cost
        position.fees -= money_fee(fill)
        position.realized_pnl -= booked.realized_pnl
        position.closed_ns = None if position.quantity else time_ns
        entries = tuple(self._undone(entry) for entry in booked.transfer.entries)
        return booked, self.post(f"void:{booked.transfer.id}", "VOID", time_ns, entries)

    def redeem(self, position: Position, *, quantity: Decimal, payout: Decimal, time_ns: int) -> Transfer:
        """Turn settled shares of a resolved instrument into cash; a payout of zero closes a loser."""
        cost = self.take_cost(position, quantity)
        amount = round_down(quantity * payout, self._unit)
        position.realized_pnl += amount - cost
        owner, asset = self.owner(position.strategy), position.instrument_id
        entries = (
            self._cash(amount),
            Entry(Account(AccountKind.INVENTORY, owner), self.cash_asset, -cost),
            Entry(Account(AccountKind.REALISED_PNL, owner), self.cash_asset, cost - amount),
            Entry(Account(AccountKind.INVENTORY, owner), asset, -quantity),
            Entry(Account(AccountKind.CLEARING, self._wallet), asset, quantity),
        )
        position.closed_ns = None if position.quantity else time_ns
        return self.post(f"redeem:{owner}:{asset}:{time_ns}", "REDEEM", time_ns, entries)

    def forget(self, position: Position) -> None:
        """Drop a position that is over for good: its market has resolved and nothing of it can still fail."""
        past = self.past.setdefault(position.strategy, Past())
        earned = position.realized_pnl - position.fees
        past.wins += earned > 0
        past.losses += earned < 0
        past.earned += earned
        del self.positions[position.strategy, position.instrument_id]

    # --- the two kinds of fill ----------------------------------------------------------------------

    def _fill_buy(self, order: Order, fill: Fill, freed: Decimal, position: Position) -> Booked:
        cost = cost_of(price=fill.price, quantity=fill.quantity, unit=self._unit)
        fee, received = money_fee(fill), moved_quantity(fill)
        owner, (asset, _) = self.owner(order.strategy), assets_of(fill.instrument_id)
        entries = (
            self._reserved(order, self.cash_asset, -freed),
            Entry(Account(AccountKind.UNSETTLED, owner), self.cash_asset, cost),
            *self._fee_entries(owner, fill),
            self._difference(order, freed - cost - fee),
            Entry(Account(AccountKind.UNSETTLED, owner), asset, received),
            Entry(Account(AccountKind.CLEARING, self._wallet), asset, -fill.quantity),
        )
        position.unsettled_quantity += received
        position.unsettled_cost += cost
        position.closed_ns = None
        self.hold(fill.instrument_id, received)
        self.invested += cost
        self._note_posted(order, cost + fee)
        return Booked(fill, order.strategy, self._post_fill(fill, entries), cost, ZERO)

    def _fill_sell(self, order: Order, fill: Fill, freed: Decimal, position: Position) -> Booked:
        proceeds = proceeds_of(price=fill.price, quantity=fill.quantity, unit=self._unit)
        given = moved_quantity(fill)
        cost = self.take_cost(position, given)
        profit = proceeds - cost
        owner, (asset, _) = self.owner(order.strategy), assets_of(fill.instrument_id)
        entries = (
            self._reserved(order, asset, -freed),
            self._free(order, asset, freed - given),
            Entry(Account(AccountKind.CLEARING, self._wallet), asset, fill.quantity),
            Entry(Account(AccountKind.UNSETTLED, self._wallet), self.cash_asset, proceeds - money_fee(fill)),
            *self._fee_entries(owner, fill),
            Entry(Account(AccountKind.INVENTORY, owner), self.cash_asset, -cost),
            Entry(Account(AccountKind.REALISED_PNL, owner), self.cash_asset, -profit),
        )
        position.realized_pnl += profit
        position.closed_ns = None if position.quantity else fill.time_ns
        self._note_posted(order, fill.quantity)
        return Booked(fill, order.strategy, self._post_fill(fill, entries), cost, profit)

    def _fee_entries(self, owner: str, fill: Fill) -> tuple[Entry, ...]:
        """The fee in its own asset; in a third one it is paid out of what the account held before us, from outside."""
        fee = Entry(Account(AccountKind.FEES, owner), fill.fee_asset, fill.fee)
        if fill.fee_asset in assets_of(fill.instrument_id):
            return (fee,)
        return fee, Entry(Account(AccountKind.EXTERNAL, self._wallet), fill.fee_asset, -fill.fee)

    def _refuse_unbookable(self, fill: Fill) -> None:
        """Raise InvariantError for a fill in another money than ours, and for a fee that shares never have."""
        asset, money = assets_of(fill.instrument_id)
        if money != self.cash_asset:
            raise InvariantError(
                f"fill {fill.trade_id} is in {money}; this wallet's money is {self.cash_asset}"
            )
        if fill.fee_asset not in (asset, money) and not is_pair(fill.instrument_id):
            raise InvariantError(
                f"fill {fill.trade_id} has a fee in {fill.fee_asset}; it can be in {money} or in the shares"
            )

    def take_cost(self, position: Position, quantity: Decimal) -> Decimal:
        """Remove settled shares at average cost, rounded down; the last shares take whatever cost is left."""
        is_last = quantity == position.settled_quantity
        share = position.settled_cost * quantity / position.settled_quantity if quantity else ZERO
        cost = position.settled_cost if is_last else round_down(share, self._unit)
        position.settled_quantity -= quantity
        position.settled_cost -= cost
        self.hold(position.instrument_id, -quantity)
        self.invested -= cost
        return cost

    def add_shares(self, position: Position, *, quantity: Decimal, cost: Decimal) -> None:
        """Add settled shares with their cost to the position, which is opened where there is none yet."""
        mine = self.positions.setdefault((position.strategy, position.instrument_id), position)
        mine.settled_quantity += quantity
        mine.settled_cost += cost
        mine.closed_ns = None
        self.hold(mine.instrument_id, quantity)
        self.invested += cost

    def hold(self, instrument_id: InstrumentId, quantity: Decimal) -> None:
        """Keep the wallet's total per instrument, over all strategies, in step with the positions."""
        self.held[instrument_id] = self.held.get(instrument_id, ZERO) + quantity
        if not self.held[instrument_id]:
            del self.held[instrument_id]

    def _use_reservation(self, order: Order) -> Decimal:
        """Shrink the reservation to the worst case of what is left, and return what that frees."""
        reservation = self.reservations.get(order.id)
        if reservation is None:
            return ZERO
        freed = reservation.pending - worst_case(order, reservation.instrument)[1]
        reservation.pending -= freed
        return freed

    def _note_posted(self, order: Order, amount: Decimal) -> None:
        if reservation := self.reservations.get(order.id):
            reservation.posted += amount

    # --- entries ------------------------------------------------------------------------------------

    def _cash(self, amount: Decimal) -> Entry:
        return Entry(Account(AccountKind.CASH, self._wallet), self.cash_asset, amount)

    def _free(self, order: Order, asset: str, amount: Decimal) -> Entry:
        """Money is free in the wallet, shares are free in the strategy's inventory."""
        if asset == self.cash_asset:
            return self._cash(amount)
        return Entry(Account(AccountKind.INVENTORY, self.owner(order.strategy)), asset, amount)

    def _reserved(self, order: Order, asset: str, amount: Decimal) -> Entry:
        owner = self._wallet if asset == self.cash_asset else self.owner(order.strategy)
        return Entry(Account(AccountKind.RESERVED, owner), asset, amount)

    def _difference(self, order: Order, amount: Decimal) -> Entry:
        """Price improvement goes back to cash; a few units that rounding made short come from ROUNDING.

        A late fill has no reservation any more, and the fee of more shares than were asked for was not set aside: both
        are paid from cash.
        """
        is_short = -ROUNDING_UNITS_MAX * self._unit <= amount < 0 and order.id in self.reservations
        kind = AccountKind.ROUNDING if is_short else AccountKind.CASH
        return Entry(Account(kind, self._wallet), self.cash_asset, amount)

    def _settled_kind(self, account: Account) -> AccountKind:
        return AccountKind.CASH if account.owner == self._wallet else AccountKind.INVENTORY

    def _undone(self, entry: Entry) -> Entry:
        """Reverse an entry; what came out of a reservation goes back to where it is free."""
        account, asset, amount = entry
        if account.kind is AccountKind.RESERVED:
            account = Account(
                AccountKind.CASH if asset == self.cash_asset else AccountKind.INVENTORY, account.owner
            )
        return Entry(account, asset, -amount)

    def _position(self, order: Order, *, time_ns: int) -> Position:
        key = order.strategy, order.instrument_id
        if key not in self.positions:
            self.positions[key] = Position(
                strategy=order.strategy,
                venue=order.venue,
                market_id=order.market_id,
                instrument_id=order.instrument_id,
                opened_ns=time_ns,
            )
        return self.positions[key]

    def _post_fill(self, fill: Fill, entries: tuple[Entry, ...]) -> Transfer:
        return self.post(
            f"fill:{fill.instrument_id}:{fill.trade_id}:{fill.order_id}", "FILL", fill.time_ns, entries
        )

    def post(self, transfer_id: str, kind: str, time_ns: int, entries: tuple[Entry, ...]) -> Transfer:
        """Post the entries that are not zero; raises InvariantError where they do not balance."""
        real = tuple(entry for entry in entries if entry.amount)
        transfer = Transfer(id=transfer_id, kind=kind, time_ns=time_ns, entries=real)
        self.ledger.post(transfer)
        return transfer
