"""What must always hold of our books (I1 to I9 of the design); a breach raises InvariantError and halts."""

from collections.abc import Iterable
from decimal import Decimal

from domain.conversions import SetAction
from domain.errors import InvariantError
from domain.identifiers import InstrumentId, StrategyName
from domain.instrument import assets_of
from domain.ledger import Account, AccountKind, Transfer
from domain.money import ZERO
from domain.order import Order
from domain.records import OrderRecord, PositionRecord, Record, TransferRecord
from state.complete_sets import conserves_collateral
from state.holdings import worst_case
from state.live_orders import LiveOrders
from state.portfolio import Portfolio

CONVERSIONS = tuple(SetAction)
NEVER_NEGATIVE = (AccountKind.CASH, AccountKind.RESERVED, AccountKind.UNSETTLED, AccountKind.INVENTORY)


def check_touched(portfolio: Portfolio, live: LiveOrders, records: Iterable[Record]) -> None:
    """Check what one transaction touched: its accounts, orders and positions."""
    for record in records:
        match record:
            case TransferRecord(transfer=transfer):
                _check_accounts(portfolio, transfer)
                if transfer.kind in CONVERSIONS:
                    _demand(conserves_collateral(transfer), f"I9: {transfer.id} does not conserve collateral")
            case OrderRecord(order=order):
                _check_order(portfolio, live.get(order.id), order)
            case PositionRecord(strategy=strategy, instrument_id=instrument_id):
                _check_position(portfolio, strategy, instrument_id)
            case _:
                pass


def check_all(portfolio: Portfolio, live: LiveOrders) -> None:
    """Check everything there is."""
    _check_sums(portfolio)
    for account, asset, balance in portfolio.ledger.balances():
        _check_balance(account, asset, balance)
    for order in live:
        _check_order(portfolio, order, order)
    orphans = [order_id for order_id in portfolio.reservations if live.get(order_id) is None]
    _demand(not orphans, f"I7: ended orders hold reservations: {orphans[:3]}")
    for strategy, instrument_id in portfolio.positions:
        _check_position(portfolio, strategy, instrument_id)
    _check_equity(portfolio)


def _check_sums(portfolio: Portfolio) -> None:
    sums: dict[str, Decimal] = {}
    for _, asset, balance in portfolio.ledger.balances():
        sums[asset] = sums.get(asset, ZERO) + balance
    wrong = [asset for asset, total in sums.items() if total]
    _demand(not wrong, f"I1: the ledger does not sum to zero in {wrong[:3]}")


def _check_accounts(portfolio: Portfolio, transfer: Transfer) -> None:
    for account, asset, _ in transfer.entries:
        _check_balance(account, asset, portfolio.ledger.balance(account.kind, account.owner, asset))


def _check_balance(account: Account, asset: str, balance: Decimal) -> None:
    if balance < 0 and account.kind in NEVER_NEGATIVE:
        raise InvariantError(f"I2: {account} stands at {balance} {asset}")
    if balance and account.kind is AccountKind.SUSPENSE:
        raise InvariantError(f"{account} holds {balance} {asset} that reconciliation could not explain")


def _check_order(portfolio: Portfolio, live: Order | None, order: Order) -> None:
    """Where a transaction holds several states of an order, the last one is live: the earlier ones are history."""
    if order.filled_quantity > order.fill_limit:
        raise InvariantError(f"I5: {order.id} is filled for more than it ordered")
    if order.is_done and order.id in portfolio.reservations:
        raise InvariantError(f"I7: {order.id} is {order.status} and holds a reservation")
    if live is not order:
        return
    filled = portfolio.filled.get(order.id, ZERO)
    if order.filled_quantity != filled:
        raise InvariantError(f"I5: {order.id} says {order.filled_quantity} filled, its fills {filled}")
    reservation = portfolio.reservations.get(order.id)
    if order.is_done or reservation is None:
        _demand(
            order.is_done and reservation is None,
            f"I7: {order.id} is {order.status} with reservation {reservation}",
        )
        return
    wanted = worst_case(order, reservation.instrument)[1]
    if reservation.pending != wanted:
        raise InvariantError(f"I3: {order.id} holds {reservation.pending}, it can cost {wanted}")


def _check_position(portfolio: Portfolio, strategy: StrategyName, instrument_id: InstrumentId) -> None:
    position = portfolio.positions.get((strategy, instrument_id))
    owner = portfolio.owner(strategy)
    kinds = (AccountKind.INVENTORY, AccountKind.RESERVED, AccountKind.UNSETTLED)
    asset, _ = assets_of(instrument_id)
    booked = sum((portfolio.ledger.balance(kind, owner, asset) for kind in kinds), ZERO)
    held = position.quantity if position else ZERO
    _demand(booked == held, f"I4: {owner} holds {held} of {instrument_id}, the ledger {booked}")


def _check_equity(portfolio: Portfolio) -> None:
    """I8: money and positions at cost are what came in, plus profit, less fees, computed from the positions."""
    positions = portfolio.positions.values()
    cost = sum((p.cost for p in positions), ZERO)
    earned = sum((p.realized_pnl - p.fees for p in positions), ZERO)
    earned += sum((past.earned for past in portfolio.past.values()), ZERO)
    came_in = portfolio.paid_in
    have = portfolio.cash_total + cost
    _demand(have == came_in + earned, f"I8: {have} at cost is not {came_in} paid in and {earned} earned")
    _demand(
        portfolio.invested == cost, f"I8: positions cost {cost}, the running total says {portfolio.invested}"
    )


def _demand(holds: bool, message: str) -> None:
    if not holds:
        raise InvariantError(message)
