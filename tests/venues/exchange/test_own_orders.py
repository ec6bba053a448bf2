from typing import Any

import pytest

from domain.identifiers import TradeId
from tests.venues.exchange.scene import BTC, order
from venues.exchange import own_orders
from venues.exchange.own_orders import OwnOrder, OwnOrders


def known(number: int = 1, **changes: Any) -> OwnOrder:
    return OwnOrder(order=order(number), client_id=f"c{number}", payload="", **changes)


@pytest.fixture
def orders() -> OwnOrders:
    return OwnOrders(client_id_prefix="t-")


def test_a_row_is_ours_by_either_id_and_teaches_the_other(orders: OwnOrders) -> None:
    orders.add(own := known())

    assert orders.of_row({"id": "77", "clientOrderId": "t-c1"}) is own
    assert own.venue_id == "77"
    assert orders.of_row({"id": "77", "clientOrderId": None}) is own
    assert orders.of_trade({"order": "77"}) is own


def test_a_foreign_row_is_nobodys(orders: OwnOrders) -> None:
    orders.add(known())

    assert orders.of_row({"id": "78", "clientOrderId": "other"}) is None
    assert orders.of_row({"id": None, "clientOrderId": None}) is None


def test_a_fill_counts_once_for_each_order_of_a_trade(orders: OwnOrders) -> None:
    one, other = order(1).id, order(2).id

    assert orders.is_new_fill((BTC, TradeId("5"), one))
    assert orders.is_new_fill((BTC, TradeId("5"), other))
    assert not orders.is_new_fill((BTC, TradeId("5"), one))


def test_what_is_live_was_acknowledged_and_has_not_ended(orders: OwnOrders) -> None:
    resting, ended, waiting = known(1), known(2, is_ended=True), known(3, is_uncertain=True)
    for own in (resting, ended, waiting):
        orders.add(own)
    orders.learn(resting, "77")
    orders.learn(ended, "78")

    assert orders.live() == [resting]
    assert orders.unplaced() == [waiting]


def test_those_that_ended_are_forgotten_first(orders: OwnOrders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_orders, "ORDERS_KEPT_MAX", 2)
    resting, ended = known(1), known(2, is_ended=True)

    for own in (resting, ended, known(3)):
        orders.add(own)

    assert orders.get(resting.order.id) is resting
    assert orders.get(ended.order.id) is None


def test_an_order_that_turns_out_to_be_ours_is_foreign_no_longer(orders: OwnOrders) -> None:
    orders.add(own := known())
    orders.note_foreign("77")

    orders.learn(own, "77")

    assert not orders.is_foreign("77")
