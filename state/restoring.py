"""Puts the books of an earlier process back: the same balances, positions, reservations and fills on their way."""

from collections.abc import Mapping
from decimal import Decimal

from domain.identifiers import InstrumentId, OrderId, StrategyName, TradeId, VenueName
from domain.instrument import Instrument, Side
from domain.ledger import Account, AccountKind
from domain.money import ZERO
from domain.remembered import Remembered
from state.holdings import Booked, FillKey, Position, Reservation, fill_key
from state.portfolio import Portfolio


def restore_portfolio(
    portfolio: Portfolio, remembered: Remembered, instruments: Mapping[InstrumentId, Instrument]
) -> None:
    """Stand where an earlier process stood; `instruments` are those that reservations and positions name.

    Raises InvariantError where the rows do not fit together.
    """
    portfolio.ledger.restore(remembered.balances)
    portfolio.seen = {_named(*names) for names in remembered.seen}
    portfolio.filled = {
        order.id: order.filled_quantity for order in remembered.orders if order.filled_quantity
    }
    lines = {order.id: order.instrument_id for order in remembered.orders}
    for stored in remembered.reservations:
        portfolio.reservations[stored.order_id] = Reservation(
            order_id=stored.order_id,
            instrument=instruments[lines[stored.order_id]],
            asset=stored.asset,
            amount=stored.amount,
            posted=stored.posted,
            pending=stored.pending,
        )
    unsettled_cost = _restore_unsettled(portfolio, remembered)
    for row in remembered.positions:
        waiting = unsettled_cost.get((row.strategy, row.instrument_id), ZERO)
        portfolio.positions[row.strategy, row.instrument_id] = Position(
            strategy=row.strategy,
            venue=row.venue,
            market_id=row.market_id,
            instrument_id=row.instrument_id,
            opened_ns=row.opened_ns,
            settled_quantity=row.quantity - row.unsettled_quantity,
            unsettled_quantity=row.unsettled_quantity,
            settled_cost=row.cost - waiting,
            unsettled_cost=waiting,
            fees=row.fees,
            realized_pnl=row.realized_pnl,
            closed_ns=row.closed_ns,
        )
        if row.quantity:
            portfolio.hold(row.instrument_id, row.quantity)
        portfolio.invested += row.cost


def _restore_unsettled(
    portfolio: Portfolio, remembered: Remembered
) -> dict[tuple[StrategyName, InstrumentId], Decimal]:
    """Keep how each fill that is not final was posted; return what unsettled shares cost."""
    costs: dict[tuple[StrategyName, InstrumentId], Decimal] = {}
    for record, transfer in remembered.unsettled:
        fill = record.fill
        kind = AccountKind.UNSETTLED if fill.side is Side.BUY else AccountKind.INVENTORY
        account = Account(kind, portfolio.owner(record.strategy))
        money = portfolio.cash_asset
        moved = sum((e.amount for e in transfer.entries if e.account == account and e.asset == money), ZERO)
        cost = abs(moved)
        portfolio.unsettled[fill_key(fill)] = Booked(
            fill, record.strategy, transfer, cost, record.realized_pnl
        )
        if fill.side is Side.BUY:
            key = record.strategy, fill.instrument_id
            costs[key] = costs.get(key, ZERO) + cost
    return costs


def _named(venue: str, instrument: str, trade: str, order: str) -> FillKey:
    return VenueName(venue), InstrumentId(instrument), TradeId(trade), OrderId(order)
