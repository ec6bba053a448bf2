"""Buckets and windows at, below and above their limits."""

from hypothesis import given
from hypothesis import strategies as st

from venues.limiter import RateLimiter, SlidingWindow, TokenBucket


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_bucket_gives_its_burst_at_once_and_then_its_rate() -> None:
    bucket = TokenBucket(per_s=40, burst=60)

    bucket.take(60, now_s=0)

    assert bucket.wait_s(1, now_s=0) == 1 / 40
    assert bucket.wait_s(1, now_s=1 / 40) == 0
    assert bucket.wait_s(60, now_s=10) == 0


def test_a_debt_is_paid_back_before_anything_leaves() -> None:
    bucket = TokenBucket(per_s=10, burst=10)

    bucket.take(30, now_s=0)

    assert bucket.wait_s(1, now_s=0) == 2.1  # (20 owed + 1) / 10


def test_the_venues_lower_count_is_believed_and_a_higher_one_is_not() -> None:
    bucket = TokenBucket(per_s=1, burst=10)

    bucket.correct(3, now_s=0)
    bucket.correct(9, now_s=0)

    assert bucket.wait_s(3, now_s=0) == 0
    assert bucket.wait_s(4, now_s=0) == 1


def test_another_tier_keeps_what_is_used() -> None:
    bucket = TokenBucket(per_s=40, burst=60)
    bucket.take(50, now_s=0)

    bucket.resize(per_s=200, burst=300, now_s=0)

    assert bucket.wait_s(250, now_s=0) == 0
    assert bucket.wait_s(251, now_s=0) == 1 / 200


def test_a_window_takes_its_limit_and_no_more_until_the_first_has_left_it() -> None:
    window = SlidingWindow(limit=5, window_s=10)

    for second in range(5):
        window.take(1, now_s=float(second))

    assert window.wait_s(1, now_s=4.0) > 0
    assert 6.0 <= window.wait_s(1, now_s=4.0) <= 6.2  # the first left at 0 s; parts of 0.1 s
    assert window.wait_s(1, now_s=10.2) == 0
    assert window.wait_s(2, now_s=10.2) > 0


def test_a_demand_above_the_limit_waits_for_an_empty_window_and_not_for_ever() -> None:
    window = SlidingWindow(limit=5, window_s=10)
    window.take(1, now_s=0)

    assert window.wait_s(50, now_s=11) == 0


@given(
    limit=st.integers(min_value=1, max_value=20),
    pauses=st.lists(st.floats(min_value=0, max_value=5), max_size=60),
)
def test_who_asks_first_never_exceeds_the_limit_in_any_stretch(limit: int, pauses: list[float]) -> None:
    window, now_s, sent = SlidingWindow(limit=limit, window_s=10), 0.0, []

    for pause_s in pauses:
        now_s += pause_s
        now_s += window.wait_s(1, now_s=now_s)
        window.take(1, now_s=now_s)
        sent.append(now_s)

    for first in sent:
        assert sum(first <= moment < first + 10 for moment in sent) <= limit


def test_most_of_the_budget_can_be_used() -> None:
    window, now_s, sent = SlidingWindow(limit=500, window_s=10), 0.0, 0

    while now_s < 100:
        now_s += max(window.wait_s(1, now_s=now_s), 0.001)
        window.take(1, now_s=now_s)
        sent += 1

    assert sent >= 0.9 * 500 * 10


def test_orders_leave_a_reserve_that_cancels_may_use() -> None:
    clock, shared = Hands(), SlidingWindow(limit=10, window_s=10)
    limiter = RateLimiter({"order": [shared], "cancel": [shared]}, monotonic_s=clock, reserves={"order": 3})

    while limiter.wait_s("order") == 0:
        limiter.take("order")

    assert limiter.wait_s("cancel", 3) == 0
    assert limiter.wait_s("cancel", 4) > 0


def test_a_pause_stops_its_kind_alone_and_is_never_shortened() -> None:
    clock = Hands()
    limiter = RateLimiter({"order": [], "cancel": []}, monotonic_s=clock)

    limiter.pause("order", 30)
    limiter.pause("order", 1)

    assert limiter.wait_s("order") == 30
    assert limiter.wait_s("cancel") == 0
    clock.now_s += 30
    assert limiter.wait_s("order") == 0


def test_a_reserve_concerns_what_is_shared_and_not_a_kinds_own_rule() -> None:
    clock, shared = Hands(), SlidingWindow(limit=10, window_s=10)
    own = SlidingWindow(limit=2, window_s=10)
    limiter = RateLimiter(
        {"read": [shared, own], "cancel": [shared]}, monotonic_s=clock, reserves={"read": 5}
    )

    limiter.take("read")

    assert limiter.wait_s("read") == 0
