"""The simulator's clock and its agenda."""

import pytest

from simulator import timing
from simulator.timing import Agenda, SimulatorClock


class Source:
    """Time that a test sets."""

    now_ns = 1_000

    def __call__(self) -> int:
        return self.now_ns


def test_the_clock_follows_its_source_and_can_be_shifted() -> None:
    source = Source()
    clock = SimulatorClock(source)

    clock.advance(50)
    source.now_ns += 7

    assert clock.now_ns() == 1_057


def test_a_stopped_clock_moves_only_by_hand() -> None:
    source = Source()
    clock = SimulatorClock(source)
    clock.stop()

    source.now_ns += 500
    stood = clock.now_ns()
    clock.advance(5)
    clock.go_on()
    source.now_ns += 1

    assert (stood, clock.now_ns()) == (1_000, 1_006)


def test_the_clock_can_be_set() -> None:
    source = Source()
    clock = SimulatorClock(source)

    clock.set(9_000)
    source.now_ns += 3

    assert clock.now_ns() == 9_003


def test_what_is_due_runs_in_order_of_time_and_then_of_planning() -> None:
    agenda, ran = Agenda(), []
    for name, due_ns in (("b", 20), ("a", 10), ("c", 20), ("d", 30)):
        agenda.plan(due_ns, lambda now_ns, name=name: ran.append((name, now_ns)))  # type: ignore[misc]

    agenda.run_until(20)

    assert ran == [("a", 10), ("b", 20), ("c", 20)]
    assert agenda.next_ns() == 30


def test_what_a_callback_plans_runs_too_when_it_is_due() -> None:
    agenda, ran = Agenda(), []

    def again(now_ns: int) -> None:
        ran.append(now_ns)
        agenda.plan(now_ns + 10, again)

    agenda.plan(10, again)
    agenda.run_until(35)

    assert ran == [10, 20, 30]


def test_an_agenda_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "AGENDA_MAX", 2)
    agenda = Agenda()
    agenda.plan(1, lambda _: None)
    agenda.plan(1, lambda _: None)

    with pytest.raises(OverflowError, match="2 entries"):
        agenda.plan(1, lambda _: None)
