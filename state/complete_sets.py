"""Merging and splitting complete sets through the ledger: collateral is conserved (invariant I9)."""

from decimal import Decimal

from domain.conversions import Conversion, SetAction, SetConverted
from domain.identifiers import MarketId
from domain.ledger import Account, AccountKind, Entry, Transfer
from domain.money import UNIT, ZERO, round_down
from state.holdings import Position
from state.portfolio import Portfolio


def set_aside(portfolio: Portfolio, conversion: Conversion, *, time_ns: int) -> Transfer:
    """Lock the shares of a merge, or the money of a split, until the venue answers; the caller saw them free."""
    entries = _moved(portfolio, conversion, from_free=True)
    return portfolio.post(f"hold:{conversion.id}", "HOLD", time_ns, entries)


def convert(portfolio: Portfolio, report: SetConverted) -> tuple[Transfer, Transfer | None]:
    """Unlock what was set aside and post what the venue did; None where it did nothing."""
    conversion = report.conversion
    unlocked = portfolio.post(
        f"unhold:{conversion.id}", "UNHOLD", report.time_ns, _moved(portfolio, conversion, from_free=False)
    )
    if not report.quantity:
        return unlocked, None
    act = _merge if conversion.action is SetAction.MERGE else _split
    entries = act(portfolio, conversion, report)
    return unlocked, portfolio.post(conversion.id, conversion.action.value, report.time_ns, entries)


def _merge(portfolio: Portfolio, conversion: Conversion, report: SetConverted) -> tuple[Entry, ...]:
    """Shares of every outcome go, their number comes as money; the difference to their cost is profit."""
    owner, quantity = portfolio.owner(conversion.strategy), report.quantity
    entries = [Entry(Account(AccountKind.CASH, portfolio.wallet), portfolio.cash_asset, quantity)]
    share = round_down(quantity / len(conversion.instrument_ids), UNIT)
    for number, instrument_id in enumerate(conversion.instrument_ids):
        position = portfolio.positions[conversion.strategy, instrument_id]
        cost = portfolio.take_cost(position, quantity)
        brought = share if number else quantity - share * (len(conversion.instrument_ids) - 1)
        position.realized_pnl += brought - cost
        position.closed_ns = None if position.quantity else report.time_ns
        entries += [
            Entry(Account(AccountKind.INVENTORY, owner), portfolio.cash_asset, -cost),
            Entry(Account(AccountKind.REALISED_PNL, owner), portfolio.cash_asset, cost - brought),
            Entry(Account(AccountKind.INVENTORY, owner), instrument_id, -quantity),
            Entry(Account(AccountKind.CLEARING, portfolio.wallet), instrument_id, quantity),
        ]
    return tuple(entries)


def _split(portfolio: Portfolio, conversion: Conversion, report: SetConverted) -> tuple[Entry, ...]:
    """Money goes, shares of every outcome come; each carries an equal part of the money as its cost."""
    owner, quantity = portfolio.owner(conversion.strategy), report.quantity
    entries = [Entry(Account(AccountKind.CASH, portfolio.wallet), portfolio.cash_asset, -quantity)]
    share = round_down(quantity / len(conversion.instrument_ids), UNIT)
    for number, instrument_id in enumerate(conversion.instrument_ids):
        cost = share if number else quantity - share * (len(conversion.instrument_ids) - 1)
        portfolio.add_shares(
            Position(
                strategy=conversion.strategy,
                venue=report.venue,
                market_id=MarketId(conversion.market_id),
                instrument_id=instrument_id,
                opened_ns=report.time_ns,
            ),
            quantity=quantity,
            cost=cost,
        )
        entries += [
            Entry(Account(AccountKind.INVENTORY, owner), portfolio.cash_asset, cost),
            Entry(Account(AccountKind.INVENTORY, owner), instrument_id, quantity),
            Entry(Account(AccountKind.CLEARING, portfolio.wallet), instrument_id, -quantity),
        ]
    return tuple(entries)


def _moved(portfolio: Portfolio, conversion: Conversion, *, from_free: bool) -> tuple[Entry, ...]:
    """What the conversion needs, from where it is free to where it is locked, or back."""
    quantity: Decimal = conversion.quantity if from_free else -conversion.quantity
    if conversion.action is SetAction.SPLIT:
        free = Account(AccountKind.CASH, portfolio.wallet)
        assets: tuple[str, ...] = (portfolio.cash_asset,)
    else:
        free = Account(AccountKind.INVENTORY, portfolio.owner(conversion.strategy))
        assets = tuple(str(instrument_id) for instrument_id in conversion.instrument_ids)
    locked = Account(AccountKind.RESERVED, free.owner)
    return tuple(
        entry for asset in assets for entry in (Entry(free, asset, -quantity), Entry(locked, asset, quantity))
    )


def conserves_collateral(transfer: Transfer) -> bool:
    """I9: money moved and shares of each outcome moved are the same number, in opposite directions."""
    moved = [e.amount for e in transfer.entries if e.account.kind is AccountKind.CLEARING]
    cash = sum((e.amount for e in transfer.entries if e.account.kind is AccountKind.CASH), ZERO)
    return bool(moved) and all(amount == cash for amount in moved)
