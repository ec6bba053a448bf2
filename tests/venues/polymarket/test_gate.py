"""What stands against trading: for a while, or until a person mends it."""

from decimal import Decimal

from venues.polymarket.gate import Gate
from venues.polymarket.outcomes import Outcome, Restriction, Verdict


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def refused(restriction: Restriction | None, pause_s: int | None = None) -> Verdict:
    pause = None if pause_s is None else Decimal(pause_s)
    return Verdict(outcome=Outcome.REJECTED, reason="words", restriction=restriction, pause_s=pause)


def test_a_refusal_of_one_order_stands_against_no_other() -> None:
    gate = Gate(monotonic_s=Hands())

    gate.note(refused(None))

    assert gate.reason() is None


def test_post_only_mode_ends_when_the_venue_said_it_would() -> None:
    clock = Hands()
    gate = Gate(monotonic_s=clock)

    gate.note(refused(Restriction.POST_ONLY, 79))
    clock.now_s += 78.9
    during = gate.reason()
    clock.now_s += 0.2

    assert "post-only" in str(during)
    assert gate.reason() is None


def test_a_restart_is_waited_for_ever_longer_up_to_a_bound() -> None:
    gate = Gate(monotonic_s=Hands())

    pauses = [gate.note(refused(Restriction.RESTARTING)) for _ in range(8)]

    assert pauses == [2, 4, 8, 16, 30, 30, 30, 30]


def test_an_order_that_is_taken_opens_the_gate() -> None:
    gate = Gate(monotonic_s=Hands())
    gate.note(refused(Restriction.RESTARTING))

    gate.note(Verdict(outcome=Outcome.ACKNOWLEDGED, reason="live"))

    assert gate.reason() is None
    assert gate.note(refused(Restriction.RESTARTING)) == 2


def test_what_only_a_person_can_mend_does_not_pass() -> None:
    clock = Hands()
    gate = Gate(monotonic_s=clock)

    gate.note(refused(Restriction.ACCOUNT))
    clock.now_s += 10**6
    gate.note(Verdict(outcome=Outcome.ACKNOWLEDGED, reason="live"))

    assert "mend it" in str(gate.reason())
