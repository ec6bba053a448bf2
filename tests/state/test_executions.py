"""How often a strategy traded one side of one instrument within the window."""

import pytest

from domain.instrument import Side
from state.executions import Executions
from tests.support.trading import ALPHA, BETA, DOWN, NOW_NS, UP, S

LINE = (ALPHA, UP, Side.BUY)


@pytest.mark.parametrize(
    ("age_ns", "count"),
    [(60 * S - 1, 1), (60 * S, 0), (60 * S + 1, 0)],
    ids=["a moment younger", "as old as the window", "older"],
)
def test_an_execution_is_forgotten_when_it_is_as_old_as_the_window(age_ns: int, count: int) -> None:
    executions = Executions(window_s=60)
    executions.note(LINE, time_ns=NOW_NS)

    assert executions.count(LINE, time_ns=NOW_NS + age_ns) == count


def test_only_the_same_line_counts() -> None:
    executions = Executions(window_s=60)
    for _ in range(3):
        executions.note(LINE, time_ns=NOW_NS)

    others = [(BETA, UP, Side.BUY), (ALPHA, DOWN, Side.BUY), (ALPHA, UP, Side.SELL)]

    assert executions.count(LINE, time_ns=NOW_NS) == 3
    assert [executions.count(other, time_ns=NOW_NS) for other in others] == [0, 0, 0]


def test_a_resumed_strategy_begins_with_a_clean_sheet() -> None:
    executions = Executions(window_s=60)
    executions.note(LINE, time_ns=NOW_NS)
    executions.note((BETA, UP, Side.BUY), time_ns=NOW_NS)

    executions.forget(ALPHA)

    assert executions.count(LINE, time_ns=NOW_NS) == 0
    assert executions.count((BETA, UP, Side.BUY), time_ns=NOW_NS) == 1
