"""The documented limits, and what answers teach about them."""

import pytest

from venues.polymarket.budget import CANCEL_RESERVE, Budget


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def leave(budget: Budget, clock: Hands, seconds: float) -> int:
    """How many orders leave within a time when each waits as long as it must."""
    sent, end_s = 0, clock.now_s + seconds
    while clock.now_s < end_s:
        if wait_s := budget.wait_order_s():
            clock.now_s += wait_s
        else:
            budget.take_order()
            sent += 1
    return sent


def test_orders_follow_the_signers_tier() -> None:
    clock = Hands()

    sent = leave(Budget(monotonic_s=clock, tier="standard"), clock, 10)

    assert 0.9 * (60 + 400) <= sent <= 60 + 400  # the burst, and 40/s for 10 s


def test_without_a_tier_orders_follow_the_address_limit() -> None:
    clock = Hands()

    sent = leave(Budget(monotonic_s=clock, tier=None), clock, 20)

    assert 0.9 * 5_000 * 2 <= sent <= 5_000 * 3


def test_a_storm_of_orders_leaves_cancels_their_own() -> None:
    clock = Hands()
    budget = Budget(monotonic_s=clock)

    while not budget.wait_order_s():
        budget.take_order()
    cancels = 0
    while not budget.wait_cancel_s():
        budget.take_cancel()
        cancels += 1

    assert cancels == 108  # 0.9 × 120


def test_reads_leave_the_common_reserve_to_cancels() -> None:
    clock = Hands()
    budget = Budget(monotonic_s=clock, tier=None)

    while not budget.wait_order_s():
        budget.take_order()
    while not budget.wait_read_s():
        budget.take_read()

    assert budget.wait_cancel_s() == 0
    assert CANCEL_RESERVE > 0


def test_a_batch_costs_as_many_orders_and_one_request() -> None:
    clock = Hands()
    budget = Budget(monotonic_s=clock)

    budget.take_order(15)
    budget.take_order(15)
    budget.take_order(15)
    budget.take_order(15)

    assert budget.wait_order_s(15) == pytest.approx(21 / 38)  # 54 less 60, and 15 more; 0.95 × 40/s


def test_another_tier_is_followed_from_the_answers() -> None:
    clock = Hands()
    budget = Budget(monotonic_s=clock)

    budget.learn({"poly-ratelimit-tier": "Gold", "poly-ratelimit-remaining": "599"}, is_cancel=False)

    assert leave(budget, clock, 1) > 0.9 * (600 + 400)


def test_the_venues_own_count_is_believed_where_it_is_lower() -> None:
    clock = Hands()
    budget = Budget(monotonic_s=clock)

    budget.learn({"poly-ratelimit-remaining": "0"}, is_cancel=False)

    assert budget.wait_order_s() == pytest.approx(1 / 38)
    assert budget.wait_cancel_s() == 0


def test_headers_that_are_none_teach_nothing() -> None:
    budget = Budget(monotonic_s=Hands())

    budget.learn({"poly-ratelimit-tier": "Wooden", "poly-ratelimit-remaining": "many"}, is_cancel=True)

    assert budget.wait_order_s() == budget.wait_cancel_s() == 0


def test_a_pause_that_the_venue_asked_for_holds_orders_and_not_cancels() -> None:
    budget = Budget(monotonic_s=Hands())

    budget.pause_orders(7)

    assert budget.wait_order_s() == 7
    assert budget.wait_cancel_s() == 0
