"""Locks on money and shares: shared by all strategies, given back on every way in which an order can end."""

import pytest

from domain.instrument import Side
from domain.ledger import AccountKind
from domain.money import PUSD
from domain.order import OrderStatus
from domain.records import ReservationRecord
from order_manager import Denied
from tests.support.reports import (
    Step,
    absent,
    cancel_lost,
    cancelled,
    expired,
    found,
    gave_up,
    lost,
    rejected,
    taken,
    walk,
)
from tests.support.trader import Trader
from tests.support.trading import ALPHA, BETA, UP, WALLET

PATHS = [
    pytest.param([rejected], OrderStatus.REJECTED, id="rejected"),
    pytest.param([cancelled], OrderStatus.CANCELLED, id="cancelled before the answer"),
    pytest.param([expired], OrderStatus.EXPIRED, id="expired before the answer"),
    pytest.param([taken, cancelled], OrderStatus.CANCELLED, id="cancelled by the venue"),
    pytest.param([taken, expired], OrderStatus.EXPIRED, id="expired"),
    pytest.param([taken, "cancel", cancelled], OrderStatus.CANCELLED, id="cancelled by us"),
    pytest.param([taken, "cancel", expired], OrderStatus.EXPIRED, id="expired while we cancelled"),
    pytest.param(
        [taken, "cancel", cancel_lost, cancelled], OrderStatus.CANCELLED, id="cancel lost, cancelled"
    ),
    pytest.param([taken, "cancel", cancel_lost, absent], OrderStatus.DEAD, id="cancel lost, absent"),
    pytest.param(
        [taken, "cancel", cancel_lost, found, "cancel", cancelled],
        OrderStatus.CANCELLED,
        id="cancelled twice",
    ),
    pytest.param(
        [taken, "cancel", cancel_lost, "cancel", cancelled], OrderStatus.CANCELLED, id="cancel lost, again"
    ),
    pytest.param([lost, absent], OrderStatus.DEAD, id="lost, absent"),
    pytest.param([lost, cancelled], OrderStatus.CANCELLED, id="lost, found cancelled"),
    pytest.param([lost, expired], OrderStatus.EXPIRED, id="lost, found expired"),
    pytest.param([lost, found, cancelled], OrderStatus.CANCELLED, id="lost, found, cancelled"),
    pytest.param([lost, gave_up, absent], OrderStatus.DEAD, id="quarantined, absent"),
    pytest.param([lost, gave_up, cancelled], OrderStatus.CANCELLED, id="quarantined, cancelled"),
    pytest.param(["withdraw"], OrderStatus.ABORTED, id="withdrawn"),
    pytest.param(["not sent", "withdraw"], OrderStatus.ABORTED, id="not sent, withdrawn"),
    pytest.param(["not sent", "again", rejected], OrderStatus.REJECTED, id="not sent, again, rejected"),
    pytest.param([taken, "fill"], OrderStatus.FILLED, id="filled"),
    pytest.param(["fill"], OrderStatus.FILLED, id="filled before the answer"),
    pytest.param([lost, "fill"], OrderStatus.FILLED, id="lost, filled"),
    pytest.param([lost, gave_up, "fill"], OrderStatus.FILLED, id="quarantined, filled"),
    pytest.param([taken, "cancel", "fill"], OrderStatus.FILLED, id="the fill wins"),
    pytest.param([taken, "cancel", cancel_lost, "fill"], OrderStatus.FILLED, id="cancel lost, filled"),
    pytest.param([taken, "part", "rest"], OrderStatus.FILLED, id="filled in two parts"),
    pytest.param([taken, "part", cancelled], OrderStatus.CANCELLED, id="part filled, cancelled"),
    pytest.param(["part", taken, expired], OrderStatus.EXPIRED, id="part filled before the answer, expired"),
    pytest.param(["part", lost, cancelled], OrderStatus.CANCELLED, id="part filled, answer lost, cancelled"),
]


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(("path", "status"), PATHS)
def test_an_order_that_ends_gives_back_what_it_had_set_aside(
    path: list[Step], status: OrderStatus, side: Side
) -> None:
    trader = Trader(cash="100")
    trader.bought("20", price="0.30")
    placed = trader.accepted(f"{side} 10 UP 0.50")
    before_end = []

    for step in path:
        before_end.append(placed.id in trader.portfolio.reservations)
        walk(trader, placed.id, step)

    ended = trader.now(placed.id)
    ledger = trader.portfolio.ledger
    assert all(before_end)
    assert (ended.status, trader.portfolio.reservations) == (status, {})
    assert ledger.balance(AccountKind.RESERVED, WALLET, PUSD) == 0
    assert ledger.balance(AccountKind.RESERVED, "s1/alpha", UP) == 0
    assert trader.written(ReservationRecord)[-1].is_closed
    assert trader.written(ReservationRecord)[-1].pending == 0


@pytest.mark.parametrize("doubt", [[lost], [lost, gave_up]], ids=["unknown", "quarantined"])
def test_a_doubtful_order_keeps_what_it_has_set_aside(doubt: list[Step]) -> None:
    trader = Trader(cash="100", fee_rate="0")
    placed = trader.accepted("BUY 10 UP 0.50")

    for step in doubt:
        walk(trader, placed.id, step)

    assert trader.portfolio.reservations[placed.id].pending == 5
    assert trader.portfolio.available(Side.BUY, strategy=ALPHA, instrument_id=UP) == 95


def test_every_final_state_is_on_some_path() -> None:
    ends = {parameter.values[1] for parameter in PATHS}

    assert ends == {status for status in OrderStatus if status.is_terminal}


# --- what is there to sell ------------------------------------------------------------------------------


def test_a_sale_never_exceeds_the_settled_shares() -> None:
    trader = Trader()
    trader.bought("20")

    assert trader.denied_by("SELL 20.01 UP 0.60", key="one lot more") == "18"
    trader.accepted("SELL 20 UP 0.60", key="exactly")


def test_shares_that_wait_for_settlement_cannot_be_sold() -> None:
    trader = Trader()
    trader.fill(trader.opened("BUY 20 UP 0.50"), "20")

    assert trader.denied_by("SELL 5 UP 0.60", key="sale") == "18"


def test_shares_on_offer_cannot_be_offered_again() -> None:
    trader = Trader()
    trader.bought("20")
    trader.accepted("SELL 15 UP 0.60", key="one")

    assert trader.denied_by("SELL 5.01 UP 0.60", key="two") == "18"
    trader.accepted("SELL 5 UP 0.60", key="the rest")


def test_the_shares_of_another_strategy_cannot_be_sold() -> None:
    trader = Trader()
    trader.bought("20", strategy=ALPHA)

    assert trader.denied_by("SELL 5 UP 0.60", strategy=BETA) == "18"


def test_two_strategies_race_for_the_same_money_and_the_second_loses() -> None:
    trader = Trader(cash="9.99", fee_rate="0")

    trader.accepted("BUY 10 UP 0.50", strategy=ALPHA)  # 5 of 9.99

    assert trader.denied_by("BUY 10 UP 0.50", strategy=BETA) == "18"


def test_two_strategies_race_for_the_same_money_and_both_win_where_it_is_enough() -> None:
    trader = Trader(cash="10", fee_rate="0")

    trader.accepted("BUY 10 UP 0.50", strategy=ALPHA)
    trader.accepted("BUY 10 UP 0.50", strategy=BETA)

    assert trader.portfolio.available(Side.BUY, strategy=ALPHA, instrument_id=UP) == 0


@pytest.mark.parametrize(
    ("resting", "wanted", "is_denied"),
    [
        pytest.param("BUY 10 UP 0.49", "SELL 10 UP 0.50", False, id="one tick apart"),
        pytest.param("BUY 10 UP 0.50", "SELL 10 UP 0.50", True, id="they would meet"),
        pytest.param("BUY 10 UP 0.49", "BUY 10 DOWN 0.50", False, id="complement, one tick short"),
        pytest.param("BUY 10 UP 0.50", "BUY 10 DOWN 0.50", True, id="complement, they would mint a pair"),
    ],
)
def test_we_do_not_trade_with_ourselves(resting: str, wanted: str, is_denied: bool) -> None:
    trader = Trader()
    trader.bought("20", strategy=BETA)
    trader.opened(resting, key="resting")

    answer = trader.place(wanted, key="wanted", strategy=BETA)

    assert isinstance(answer, Denied) is is_denied
    if isinstance(answer, Denied):
        assert answer.verdict.control == "23"
