"""The plan of faults: what strikes when, how often, and the same in every run."""

from decimal import Decimal
from pathlib import Path

import pytest

from simulator.faults import ARMED_MAX, ArmedFault, Fault, FaultPlan

LOST = Fault.LOST_ANSWER


def strikes(plan: FaultPlan, *, times: int, endpoint: str = "POST /order", fault: Fault = LOST) -> list[bool]:
    return [plan.strikes(fault, endpoint) for _ in range(times)]


def test_a_fault_strikes_as_often_as_it_was_armed_and_is_counted() -> None:
    plan = FaultPlan(1)
    plan.arm(ArmedFault(fault=LOST, times=2))

    assert strikes(plan, times=4) == [True, True, False, False]
    assert plan.reached == {"lost_answer": 2}
    assert plan.armed() == []


def test_a_fault_waits_for_its_endpoint() -> None:
    plan = FaultPlan(1)
    plan.arm(ArmedFault(fault=LOST, endpoint="POST /order*"))

    assert not plan.strikes(LOST, "GET /data/orders")
    assert plan.strikes(LOST, "POST /orders")


def test_some_occasions_can_pass_first() -> None:
    plan = FaultPlan(1)
    plan.arm(ArmedFault(fault=LOST, skip=2))

    assert strikes(plan, times=4) == [False, False, True, False]


def test_a_fault_without_a_number_stays_until_it_is_cleared() -> None:
    plan = FaultPlan(1)
    plan.arm(ArmedFault(fault=LOST, times=None))
    plan.arm(ArmedFault(fault=Fault.DELAY, times=None))

    before = strikes(plan, times=10)
    plan.clear(LOST)

    assert all(before)
    assert not any(strikes(plan, times=10))
    assert plan.strikes(Fault.DELAY, "x")
    plan.clear()
    assert not plan.strikes(Fault.DELAY, "x")
    assert plan.reached["lost_answer"] == 10  # counters stay


def test_chance_is_the_same_in_every_run_and_another_with_another_seed() -> None:
    def drawn(seed: int) -> list[bool]:
        plan = FaultPlan(seed)
        plan.arm(ArmedFault(fault=LOST, times=None, probability=Decimal("0.3")))
        return strikes(plan, times=400)

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert 80 < sum(drawn(1)) < 160  # 120 of 400


@pytest.mark.parametrize(("probability", "struck"), [("0", 0), ("1", 50)])
def test_chance_has_its_ends(probability: str, struck: int) -> None:
    plan = FaultPlan(1)
    plan.arm(ArmedFault(fault=LOST, times=None, probability=Decimal(probability)))

    assert sum(strikes(plan, times=50)) == struck


def test_the_first_armed_of_several_strikes_first() -> None:
    plan = FaultPlan(1)
    plan.arm(ArmedFault(fault=Fault.DELAY))
    plan.arm(ArmedFault(fault=LOST))

    first = plan.strike((LOST, Fault.DELAY), "x")
    second = plan.strike((LOST, Fault.DELAY), "x")

    assert first is not None
    assert second is not None
    assert (first.fault, second.fault) == (Fault.DELAY, LOST)


@pytest.mark.parametrize("probability", ["-0.1", "1.1"])
def test_a_probability_lies_between_0_and_1(probability: str) -> None:
    with pytest.raises(ValueError, match="give 0 to 1"):
        FaultPlan(1).arm(ArmedFault(fault=LOST, probability=Decimal(probability)))


def test_the_number_of_armed_faults_is_limited() -> None:
    plan = FaultPlan(1)
    for _ in range(ARMED_MAX):
        plan.arm(ArmedFault(fault=LOST))

    with pytest.raises(ValueError, match="at most 1000"):
        plan.arm(ArmedFault(fault=LOST))


def test_parameters_are_read_as_numbers_or_text() -> None:
    fault = ArmedFault(fault=LOST, parameters={"delay_ms": "20", "body": "x"})

    assert (fault.number("delay_ms", 1), fault.number("status", 500)) == (20, 500)
    assert (fault.text("body", ""), fault.text("field", "y")) == ("x", "y")


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_is_served_and_reached_by_a_test(fault: Fault) -> None:
    root = Path(__file__).parents[2]
    served = [*(root / "simulator" / "polymarket").glob("*.py"), root / "simulator" / "faulty_http.py"]
    tests = (root / "tests" / "simulator" / "polymarket").glob("test_*.py")

    assert any(f"Fault.{fault.name}" in path.read_text() for path in served)
    assert any(f"Fault.{fault.name}" in path.read_text() for path in tests)


def test_edges_are_counted_beside_the_faults() -> None:
    plan = FaultPlan(1)

    plan.mark("order CANCELLATION")
    plan.mark("order CANCELLATION")

    assert plan.reached["order CANCELLATION"] == 2
