"""The clocks' offset: many answers in whole seconds together tell it to a few hundredths."""

import pytest

from clock import NS_PER_MS, NS_PER_S
from live.findings import Grade
from live.venue_clock import Offset, bounds, judged


def test_answers_around_the_change_of_a_second_narrow_the_offset() -> None:
    # The venue is 300 ms ahead: our 9.68 is its 9.98, our 9.72 its 10.02; each answer takes 10 ms.
    before = bounds(
        sent_ns=9_680 * NS_PER_MS,
        answered_ns=9_690 * NS_PER_MS,
        told_ns=9 * NS_PER_S,
        resolution_ns=NS_PER_S,
    )
    after = bounds(
        sent_ns=9_720 * NS_PER_MS,
        answered_ns=9_730 * NS_PER_MS,
        told_ns=10 * NS_PER_S,
        resolution_ns=NS_PER_S,
    )

    narrow = before.narrowed(after)

    assert narrow == Offset(270 * NS_PER_MS, 320 * NS_PER_MS)
    assert (narrow.middle_ms, narrow.error_ms) == (295, 25)


def test_answers_that_contradict_each_other_tell_of_a_jump() -> None:
    assert Offset(0, 10).narrowed(Offset(11, 20)) is None
    assert judged(None).grade is Grade.WARN


@pytest.mark.parametrize(
    ("offset_ms", "grade"),
    [
        pytest.param(250, Grade.OK, id="limit"),
        pytest.param(-250, Grade.OK, id="limit behind"),
        pytest.param(251, Grade.WARN, id="limit + 1"),
        pytest.param(-1_000, Grade.WARN, id="second"),
        pytest.param(1_001, Grade.BAD, id="second + 1"),
    ],
)
def test_the_limits_of_the_control_are_kept(offset_ms: int, grade: Grade) -> None:
    assert judged(Offset(offset_ms * NS_PER_MS, offset_ms * NS_PER_MS)).grade is grade
