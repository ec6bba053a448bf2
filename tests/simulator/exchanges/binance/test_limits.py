"""Binance's budgets: windows of the exchange's clock, the refusal and the ban."""

import pytest

from simulator.exchanges.binance.errors import BinanceError
from simulator.exchanges.binance.limits import Budget, Limits
from simulator.exchanges.server_clock import NS_PER_S, ServerClock

MINUTE_NS = 60 * NS_PER_S
PEER = "10.0.0.1"


def budget_at(time_ns: int, limits: Limits) -> tuple[Budget, ServerClock]:
    clock = ServerClock(lambda: time_ns)
    return Budget(limits, clock), clock


def test_weight_is_counted_by_address_and_minute() -> None:
    budget, clock = budget_at(30 * NS_PER_S, Limits(weight_per_minute=10))
    budget.charge(PEER, 10)
    budget.charge("10.0.0.2", 10)

    with pytest.raises(BinanceError) as caught:
        budget.charge(PEER, 1)
    clock.advance(30 * NS_PER_S)
    budget.charge(PEER, 10)

    assert (caught.value.status, caught.value.code) == (429, -1003)
    assert caught.value.headers == {"Retry-After": "30"}


def test_who_goes_on_after_a_429_is_banned_beyond_the_minute() -> None:
    budget, clock = budget_at(0, Limits(weight_per_minute=0, ignored_max=2, ban_s=120))
    statuses = []

    for _ in range(4):
        with pytest.raises(BinanceError) as caught:
            budget.charge(PEER, 1)
        statuses.append(caught.value.status)
    clock.advance(MINUTE_NS)
    with pytest.raises(BinanceError) as later:
        budget.charge(PEER, 0)

    assert statuses == [429, 429, 418, 418]
    assert (later.value.status, later.value.headers["Retry-After"]) == (418, "60")


@pytest.mark.parametrize(
    ("limits", "wait_s", "retry_after"),
    [
        pytest.param(Limits(orders_per_10s=2), 10, "7", id="ten seconds"),
        pytest.param(Limits(orders_per_day=2), 86_400, "86397", id="day"),
    ],
)
def test_unfilled_orders_are_counted_by_account_and_window(
    limits: Limits, wait_s: int, retry_after: str
) -> None:
    budget, clock = budget_at(3 * NS_PER_S, limits)
    for _ in range(2):
        budget.charge_order("key")

    with pytest.raises(BinanceError) as caught:
        budget.charge_order("key")
    clock.advance(wait_s * NS_PER_S)
    budget.charge_order("key")

    assert (caught.value.code, caught.value.headers) == (-1015, {"Retry-After": retry_after})


def test_a_filled_order_gives_its_place_back() -> None:
    budget, _ = budget_at(0, Limits(orders_per_10s=1))
    budget.charge_order("key")

    budget.give_back_order("key")
    budget.charge_order("key")

    assert budget.order_headers("key") == {"X-MBX-ORDER-COUNT-10S": "1", "X-MBX-ORDER-COUNT-1D": "1"}
