"""The token bucket counts event time and says when the next message may go."""

from hypothesis import given
from hypothesis import strategies as st

from risk.throttle import TokenBucket
from tests.support.trading import NOW_NS, S


def test_a_bucket_starts_full_and_empties() -> None:
    bucket = TokenBucket(per_minute=60, burst=3)

    levels = []
    for _ in range(3):
        levels.append(bucket.tokens(NOW_NS))
        bucket.take(NOW_NS)

    assert levels == [3, 2, 1]
    assert bucket.tokens(NOW_NS) == 0


def test_one_nanosecond_before_retry_at_there_is_no_token() -> None:
    bucket = TokenBucket(per_minute=60, burst=1)
    bucket.take(NOW_NS)

    retry_at_ns = bucket.retry_at_ns(NOW_NS)

    assert retry_at_ns == NOW_NS + S  # 60 a minute is one a second
    assert bucket.tokens(retry_at_ns - 1) < 1
    assert bucket.tokens(retry_at_ns) == 1


def test_where_a_token_is_there_it_may_go_now() -> None:
    assert TokenBucket(per_minute=60, burst=1).retry_at_ns(NOW_NS) == NOW_NS


def test_a_long_rest_fills_no_further_than_the_burst() -> None:
    bucket = TokenBucket(per_minute=60, burst=2)
    bucket.take(NOW_NS)

    assert bucket.tokens(NOW_NS + 3600 * S) == 2


def test_time_that_goes_back_gives_no_token() -> None:
    bucket = TokenBucket(per_minute=60, burst=1)
    bucket.take(NOW_NS)

    assert bucket.tokens(NOW_NS - 10 * S) == 0
    assert bucket.tokens(NOW_NS + S) == 1


@given(
    st.integers(1, 12_000),
    st.integers(1, 50),
    st.lists(st.integers(0, 5 * S), max_size=60),
)
def test_no_window_sees_more_than_the_burst_and_the_rate(
    per_minute: int, burst: int, gaps: list[int]
) -> None:
    bucket, now_ns, taken = TokenBucket(per_minute=per_minute, burst=burst), NOW_NS, list[int]()

    for gap in gaps:
        now_ns += gap
        if bucket.tokens(now_ns) >= 1:
            bucket.take(now_ns)
            taken.append(now_ns)

    ns_per_token = 60 * S // per_minute
    for first, start_ns in enumerate(taken):
        for count, end_ns in enumerate(taken[first:], start=1):
            assert count <= burst + (end_ns - start_ns) // ns_per_token + 1


@given(st.integers(1, 12_000), st.lists(st.integers(0, S), max_size=20))
def test_retry_at_is_the_first_moment_with_a_token(per_minute: int, gaps: list[int]) -> None:
    bucket, now_ns = TokenBucket(per_minute=per_minute, burst=1), NOW_NS

    for gap in gaps:
        now_ns += gap
        retry_at_ns = bucket.retry_at_ns(now_ns)
        assert bucket.tokens(retry_at_ns) >= 1
        assert retry_at_ns == now_ns or bucket.tokens(retry_at_ns - 1) < 1
        if retry_at_ns == now_ns:
            bucket.take(now_ns)
