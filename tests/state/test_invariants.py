"""A broken invariant is found, by the whole check and by the one of what a transaction touched."""

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from domain.errors import InvariantError
from domain.ledger import Account, AccountKind, Entry, Transfer
from domain.money import PUSD
from domain.records import OrderRecord, PositionRecord, Record, TransferRecord
from state.holdings import Reservation
from state.invariants import check_all, check_touched
from state.positions import position_record
from tests.support.trader import Trader
from tests.support.trading import ALPHA, NOW_NS, UP, WALLET, d, instrument

Break = Callable[[Trader], Record]


def moved(trader: Trader, *entries: Entry) -> TransferRecord:
    """A transfer that balances and should never have been made."""
    transfer = Transfer(id="wrong", kind="WRONG", time_ns=NOW_NS, entries=entries)
    trader.portfolio.ledger.post(transfer)
    return TransferRecord(transfer=transfer)


def money_out_of_nowhere(trader: Trader) -> Record:
    cash, external = Account(AccountKind.CASH, WALLET), Account(AccountKind.EXTERNAL, WALLET)
    return moved(trader, Entry(cash, PUSD, d(-2000)), Entry(external, PUSD, d(2000)))


def something_unexplained(trader: Trader) -> Record:
    suspense, rounding = Account(AccountKind.SUSPENSE, WALLET), Account(AccountKind.ROUNDING, WALLET)
    unit = d("0.000001")
    return moved(trader, Entry(suspense, PUSD, unit), Entry(rounding, PUSD, -unit))


def one_unit_too_little_is_reserved(trader: Trader) -> Record:
    (order,) = trader.manager.live
    trader.portfolio.reservations[order.id].pending -= d("0.000001")
    return OrderRecord(order=order)


def the_reservation_is_gone(trader: Trader) -> Record:
    (order,) = trader.manager.live
    del trader.portfolio.reservations[order.id]
    return OrderRecord(order=order)


def a_share_too_many(trader: Trader) -> Record:
    position = trader.portfolio.positions[ALPHA, UP]
    position.settled_quantity += d("0.000001")
    return position_record(position, None, time_ns=NOW_NS)


def fills_that_the_order_does_not_know(trader: Trader) -> Record:
    (order,) = trader.manager.live
    trader.portfolio.filled[order.id] = d(1)
    return OrderRecord(order=order)


def filled_for_more_than_ordered(trader: Trader) -> Record:
    (order,) = trader.manager.live
    wrong = msgspec.structs.replace(order, filled_quantity=order.quantity + d("0.01"))
    trader.manager.live.put(wrong)
    return OrderRecord(order=wrong)


def busy_trader() -> Trader:
    """A trader who holds 20 shares and bids for 10 more."""
    trader = Trader()
    trader.bought("20")
    trader.opened("BUY 10 UP 0.40", key="bid")
    return trader


BREAKS = [
    pytest.param(money_out_of_nowhere, "I2", id="a negative balance"),
    pytest.param(something_unexplained, "could not explain", id="suspense"),
    pytest.param(one_unit_too_little_is_reserved, "I3", id="one unit too little reserved"),
    pytest.param(the_reservation_is_gone, "I7", id="no reservation"),
    pytest.param(a_share_too_many, "I4", id="one unit of a share too many"),
    pytest.param(fills_that_the_order_does_not_know, "I5", id="unknown fills"),
    pytest.param(filled_for_more_than_ordered, "I5", id="filled for more than ordered"),
]


@pytest.mark.parametrize(("break_it", "invariant"), BREAKS)
def test_the_whole_check_finds(break_it: Break, invariant: str) -> None:
    trader = busy_trader()
    check_all(trader.portfolio, trader.manager.live)

    break_it(trader)

    with pytest.raises(InvariantError, match=invariant):
        check_all(trader.portfolio, trader.manager.live)


@pytest.mark.parametrize(("break_it", "invariant"), BREAKS)
def test_the_check_of_what_was_touched_finds(break_it: Break, invariant: str) -> None:
    trader = busy_trader()
    check_touched(trader.portfolio, trader.manager.live, trader.journal)

    touched = break_it(trader)

    with pytest.raises(InvariantError, match=invariant):
        check_touched(trader.portfolio, trader.manager.live, [touched])


def test_what_was_not_touched_is_left_to_the_whole_check() -> None:
    trader = busy_trader()

    a_share_too_many(trader)

    check_touched(trader.portfolio, trader.manager.live, [])


@pytest.mark.parametrize("field", ["settled_cost", "realized_pnl", "fees"])
def test_money_that_no_position_accounts_for_breaks_the_equity_identity(field: str) -> None:
    trader = busy_trader()
    position = trader.portfolio.positions[ALPHA, UP]

    setattr(position, field, getattr(position, field) + d("0.000001"))

    with pytest.raises(InvariantError, match="I8"):
        check_all(trader.portfolio, trader.manager.live)


def test_a_running_total_that_drifts_is_found() -> None:
    trader = busy_trader()

    trader.portfolio.invested += d("0.000001")

    with pytest.raises(InvariantError, match="I8: positions cost"):
        check_all(trader.portfolio, trader.manager.live)


def test_an_ended_order_that_still_holds_money_is_found_by_the_whole_check() -> None:
    trader = busy_trader()
    ended = next(o for o in trader.written(OrderRecord) if o.order.is_done).order

    keep_reservation(trader, ended.id)

    with pytest.raises(InvariantError, match="I7"):
        check_all(trader.portfolio, trader.manager.live)


def test_an_ended_order_that_still_holds_money_is_found_at_once() -> None:
    trader = busy_trader()
    ended = next(o for o in trader.written(OrderRecord) if o.order.is_done)

    keep_reservation(trader, ended.order.id)

    with pytest.raises(InvariantError, match="I7"):
        check_touched(trader.portfolio, trader.manager.live, [ended])


def test_earlier_states_of_an_order_within_a_transaction_are_history() -> None:
    trader = Trader()
    order = trader.opened("BUY 10 UP 0.40")
    trader.fill(order, "4")

    states = [record.order.status.value for record in trader.written(OrderRecord)]
    check_touched(trader.portfolio, trader.manager.live, trader.journal)

    assert states == ["SENDING", "OPEN", "PARTIALLY_FILLED"]
    assert trader.written(PositionRecord)[0].quantity == 4


def keep_reservation(trader: Trader, order_id: object) -> None:
    """Let an order hold nothing of value, but hold it."""
    (live,) = trader.portfolio.reservations.values()
    kept = Reservation(order_id=live.order_id, instrument=instrument(), asset=PUSD, amount=Decimal(1))
    trader.portfolio.reservations[order_id] = kept  # type: ignore[index]  # the id of an order
