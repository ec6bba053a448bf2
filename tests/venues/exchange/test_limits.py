import pytest

from venues.exchange.limits import BLOCK_S_DEFAULT, Limits


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def limits(seconds: Seconds) -> Limits:
    return Limits(orders_per_10_s=10, window_s=60, now_s=seconds)


def test_a_burst_up_to_the_limit_leaves_at_once_and_the_next_order_waits(
    limits: Limits, seconds: Seconds
) -> None:
    for _ in range(10):
        assert limits.order_wait_s() == 0
        limits.take_order()

    wait_s = limits.order_wait_s()
    seconds.now += wait_s

    assert 9 < wait_s <= 11
    assert limits.order_wait_s() == 0


def test_orders_do_not_make_cancels_wait_nor_reads_orders(limits: Limits) -> None:
    for _ in range(10):
        limits.take_order()
    for _ in range(100):
        limits.take_read(500)

    assert limits.cancel_wait_s() == 0
    assert limits.read_wait_s(1) > 0
    assert limits.order_wait_s() > 0


def test_a_read_does_not_make_an_order_wait(limits: Limits) -> None:
    for _ in range(100):
        limits.take_read(500)

    assert limits.order_wait_s() == 0


def test_a_read_pays_for_itself_while_nothing_happens(limits: Limits, seconds: Seconds) -> None:
    """ccxt's throttler would charge the next call, however long after."""
    limits.take_read(3_000)
    waits_s = limits.read_wait_s(100)
    seconds.now += 10

    assert waits_s == 0  # 3,333 ms at once; 333 are left
    assert limits.read_wait_s(3_000) == 0


def test_reads_keep_to_half_of_the_budget_in_the_long_run(limits: Limits, seconds: Seconds) -> None:
    taken_ms, begun = 0, seconds.now
    while seconds.now - begun < 60:
        seconds.now += limits.read_wait_s(800)
        limits.take_read(800)
        taken_ms += 800

    # 60 s at 0.5, the burst of 3.3 s at the beginning, and the last one
    assert 30_000 <= taken_ms <= 30_000 + 3_333 + 2 * 800


@pytest.mark.parametrize(
    ("retry_after", "wait_s"),
    [
        pytest.param("30", 30, id="seconds"),
        pytest.param(None, BLOCK_S_DEFAULT, id="nothing said"),
        pytest.param("soon", BLOCK_S_DEFAULT, id="no number"),
    ],
)
def test_what_the_exchange_asks_for_stops_everything(
    limits: Limits, seconds: Seconds, retry_after: str | None, wait_s: int
) -> None:
    limits.block(retry_after)

    assert limits.order_wait_s() == limits.cancel_wait_s() == limits.read_wait_s(1) == wait_s
    seconds.now += wait_s
    assert limits.order_wait_s() == 0


def test_a_shorter_pause_does_not_end_a_longer_one(limits: Limits) -> None:
    limits.block("60")
    limits.block("1")

    assert limits.order_wait_s() == 60
    limits.unblock()
    assert limits.order_wait_s() == 0
