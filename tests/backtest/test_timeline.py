"""Event time stands still until it is moved, and callbacks come in an order that depends on nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.timeline import Timeline
from tests.support.trading import S


@given(st.lists(st.integers(0, 20), max_size=30))
def test_callbacks_come_in_order_of_time_and_then_of_arrival(times: list[int]) -> None:
    timeline, called = Timeline(), list[tuple[int, int]]()

    for number, time_ns in enumerate(times):
        timeline.call_at(time_ns, lambda at=time_ns, of=number: called.append((at, of)))  # type: ignore[misc]
    while (due_ns := timeline.next_due_ns()) is not None:
        timeline.run_instant(due_ns)

    assert called == sorted((time_ns, number) for number, time_ns in enumerate(times))


def test_time_does_not_move_by_itself() -> None:
    timeline = Timeline()
    timeline.advance(100)

    timeline.call_at(500, lambda: None)

    assert (timeline.now_ns(), timeline.next_due_ns()) == (100, 500)


def test_time_never_goes_back() -> None:
    timeline = Timeline()

    timeline.advance(100)
    timeline.advance(50)

    assert timeline.now_ns() == 100


@pytest.mark.parametrize(("asked_ns", "due_ns"), [(99, 100), (100, 100), (101, 101)])
def test_a_moment_that_has_passed_is_the_present_one(asked_ns: int, due_ns: int) -> None:
    timeline = Timeline()
    timeline.advance(100)

    timeline.call_at(asked_ns, lambda: None)

    assert timeline.next_due_ns() == due_ns


def test_a_callback_sees_its_own_time() -> None:
    timeline, seen = Timeline(), list[int]()
    timeline.call_at(300, lambda: seen.append(timeline.now_ns()))

    timeline.run_instant(300)

    assert seen == [300]


def test_what_is_due_later_waits() -> None:
    timeline, called = Timeline(), list[str]()
    timeline.call_at(100, lambda: called.append("now"))
    timeline.call_at(101, lambda: called.append("later"))

    timeline.run_instant(100)

    assert called == ["now"]


def test_recurring_callbacks_come_at_whole_multiples_and_do_not_keep_a_run_alive() -> None:
    timeline, seen = Timeline(), list[int]()
    timeline.call_every(10 * S, lambda: seen.append(timeline.now_ns() // S), start_ns=103 * S)

    alive = timeline.next_due_ns()
    while (due_ns := timeline.next_any_ns()) is not None and due_ns <= 130 * S:
        timeline.run_instant(due_ns)

    assert alive is None
    assert seen == [110, 120, 130]


def test_at_one_instant_what_was_asked_for_once_comes_before_what_recurs() -> None:
    timeline, called = Timeline(), list[str]()
    timeline.call_every(100, lambda: called.append("recurring"), start_ns=0)
    timeline.call_at(100, lambda: called.append("once"))

    timeline.run_instant(100)

    assert called == ["once", "recurring"]


def test_a_gap_of_years_is_one_tick_of_what_recurs() -> None:
    timeline, ticks = Timeline(), list[int]()
    timeline.advance(1_000)
    timeline.call_every(300 * 10**9, lambda: ticks.append(timeline.now_ns()), start_ns=1_000)
    later = 10 * 365 * 86_400 * 10**9

    timeline.skip_gap(later)
    while (due := timeline.next_any_ns()) is not None and due <= later:
        timeline.run_instant(due)

    assert ticks == [later - later % (300 * 10**9)]
