"""Positions and reservations as they are stored."""

import pytest

from domain.records import ReservationRecord
from state.positions import position_record, reservation_record
from tests.support.trader import Trader
from tests.support.trading import ALPHA, NOW_NS, UP, d


@pytest.mark.parametrize(
    ("mark", "unrealized"),
    [
        pytest.param("0.55", "3", id="up"),  # 20 * 0.55 - 20 * 0.40
        pytest.param("0.40", "0", id="level"),
        pytest.param("0", "-8", id="worthless"),
        pytest.param(None, None, id="no mark, no profit"),
    ],
)
def test_a_position_is_valued_at_its_mark(mark: str | None, unrealized: str | None) -> None:
    trader = Trader()
    trader.bought("20", price="0.40")

    record = position_record(
        trader.portfolio.positions[ALPHA, UP], None if mark is None else d(mark), time_ns=NOW_NS
    )

    assert record.unrealized_pnl == (None if unrealized is None else d(unrealized))
    assert (record.quantity, record.unsettled_quantity, record.cost) == (d(20), d(0), d(8))


def test_value_is_rounded_down_to_a_unit() -> None:
    trader = Trader()
    order = trader.opened("BUY 5 UP 0.40")
    trader.fill(order, "1.000001")

    record = position_record(trader.portfolio.positions[ALPHA, UP], d("0.55"), time_ns=NOW_NS)

    assert record.unrealized_pnl == d("0.149999")  # 0.55000055 down, less 0.4000004 up: 0.550000 - 0.400001


@pytest.mark.parametrize("is_closed", [True, False])
def test_a_reservation_is_written_as_it_stands(is_closed: bool) -> None:
    trader = Trader()
    order = trader.opened("BUY 20 UP 0.50")

    record = reservation_record(trader.portfolio.reservations[order.id], is_closed=is_closed)

    assert record == ReservationRecord(
        order_id=order.id,
        asset="pUSD",
        amount=d("10.35"),
        posted=d(0),
        pending=d("10.35"),
        is_closed=is_closed,
    )
