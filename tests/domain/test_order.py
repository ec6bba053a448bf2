"""The order table: complete, closed, and every state of it within reach."""

from decimal import Decimal
from itertools import product

import pytest

from domain.errors import TransitionError
from domain.order import TERMINAL, TRANSITIONS, OrderEvent, OrderStatus, TimeInForce, next_status
from tests.support.trading import NOW_NS, order

ARROWS = """
    OPEN              REJECT           REJECTED
    PARTIALLY_FILLED  REJECT           CANCELLED
    CANCEL_SENDING    REJECT           CANCELLED
    CANCEL_UNKNOWN    REJECT           CANCELLED
    QUARANTINED       REJECT           REJECTED
    OPEN              LOSE             OPEN
    OPEN              CANCEL_LOSE      OPEN
    OPEN              FIND_OPEN        OPEN
    PARTIALLY_FILLED  CANCEL_LOSE      PARTIALLY_FILLED
    PARTIALLY_FILLED  FIND_OPEN        PARTIALLY_FILLED
    UNKNOWN           CANCEL_LOSE      UNKNOWN
    CANCEL_UNKNOWN    LOSE             CANCEL_UNKNOWN
    QUARANTINED       ACKNOWLEDGE      OPEN
    QUARANTINED       LOSE             QUARANTINED
    QUARANTINED       CANCEL_LOSE      QUARANTINED
    UNKNOWN           REJECT           REJECTED
    UNKNOWN           LOSE             UNKNOWN
    OPEN              ACKNOWLEDGE      OPEN
    CANCEL_SENDING    LOSE             CANCEL_SENDING
    CANCEL_UNKNOWN    CANCEL_LOSE      CANCEL_UNKNOWN
    CANCEL_UNKNOWN    ACKNOWLEDGE      CANCEL_UNKNOWN
    EXPIRED           EXPIRE           EXPIRED
    EXPIRED           LOSE             EXPIRED
    ACCEPTED          SEND             SENDING
    ACCEPTED          ABORT            ABORTED
    SENDING           ABORT            ABORTED
    SENDING           NOT_SENT         ACCEPTED
    SENDING           ACKNOWLEDGE      OPEN
    SENDING           REJECT           REJECTED
    SENDING           LOSE             UNKNOWN
    SENDING           FILL_PART        PARTIALLY_FILLED
    SENDING           FILL_ALL         FILLED
    SENDING           CANCEL           CANCELLED
    SENDING           EXPIRE           EXPIRED
    OPEN              FILL_PART        PARTIALLY_FILLED
    OPEN              FILL_ALL         FILLED
    OPEN              CANCEL_SEND      CANCEL_SENDING
    OPEN              CANCEL           CANCELLED
    OPEN              EXPIRE           EXPIRED
    PARTIALLY_FILLED  FILL_PART        PARTIALLY_FILLED
    PARTIALLY_FILLED  FILL_ALL         FILLED
    PARTIALLY_FILLED  CANCEL_SEND      CANCEL_SENDING
    PARTIALLY_FILLED  CANCEL           CANCELLED
    PARTIALLY_FILLED  EXPIRE           EXPIRED
    PARTIALLY_FILLED  ACKNOWLEDGE      PARTIALLY_FILLED
    PARTIALLY_FILLED  LOSE             PARTIALLY_FILLED
    CANCEL_SENDING    CANCEL           CANCELLED
    CANCEL_SENDING    CANCEL_LOSE      CANCEL_UNKNOWN
    CANCEL_SENDING    CANCEL_NOT_SENT  CANCEL_UNKNOWN
    CANCEL_SENDING    FILL_PART        CANCEL_SENDING
    CANCEL_SENDING    FILL_ALL         FILLED
    CANCEL_SENDING    EXPIRE           EXPIRED
    CANCEL_SENDING    ACKNOWLEDGE      CANCEL_SENDING
    CANCEL_UNKNOWN    CANCEL           CANCELLED
    CANCEL_UNKNOWN    CANCEL_SEND      CANCEL_SENDING
    CANCEL_UNKNOWN    FILL_PART        CANCEL_UNKNOWN
    CANCEL_UNKNOWN    FILL_ALL         FILLED
    CANCEL_UNKNOWN    EXPIRE           EXPIRED
    CANCEL_UNKNOWN    FIND_OPEN        OPEN
    CANCEL_UNKNOWN    PROVE_ABSENT     DEAD
    CANCEL_UNKNOWN    GIVE_UP          QUARANTINED
    UNKNOWN           SEND             SENDING
    UNKNOWN           ACKNOWLEDGE      OPEN
    UNKNOWN           FIND_OPEN        OPEN
    UNKNOWN           FILL_PART        PARTIALLY_FILLED
    UNKNOWN           FILL_ALL         FILLED
    UNKNOWN           CANCEL           CANCELLED
    UNKNOWN           EXPIRE           EXPIRED
    UNKNOWN           PROVE_ABSENT     DEAD
    UNKNOWN           GIVE_UP          QUARANTINED
    OPEN              GIVE_UP          QUARANTINED
    PARTIALLY_FILLED  GIVE_UP          QUARANTINED
    QUARANTINED       FIND_OPEN        OPEN
    QUARANTINED       FILL_PART        PARTIALLY_FILLED
    QUARANTINED       FILL_ALL         FILLED
    QUARANTINED       CANCEL           CANCELLED
    QUARANTINED       EXPIRE           EXPIRED
    QUARANTINED       PROVE_ABSENT     DEAD
    FILLED            ACKNOWLEDGE      FILLED
    FILLED            LOSE             FILLED
    FILLED            CANCEL_LOSE      FILLED
    CANCELLED         ACKNOWLEDGE      CANCELLED
    CANCELLED         LOSE             CANCELLED
    CANCELLED         CANCEL           CANCELLED
    CANCELLED         CANCEL_LOSE      CANCELLED
    EXPIRED           ACKNOWLEDGE      EXPIRED
    EXPIRED           CANCEL_LOSE      EXPIRED
    FILLED            FILL_ALL         FILLED
    CANCELLED         FILL_PART        CANCELLED
    CANCELLED         FILL_ALL         FILLED
    EXPIRED           FILL_PART        EXPIRED
    EXPIRED           FILL_ALL         FILLED
    REJECTED          FILL_PART        REJECTED
    REJECTED          FILL_ALL         FILLED
    DEAD              FILL_PART        DEAD
    DEAD              FILL_ALL         FILLED
"""
"""The table once more, on purpose: an arrow that comes or goes is a decision, not an edit in passing."""

LATE = ["FILLED", "CANCELLED", "EXPIRED", "REJECTED", "DEAD"]
ANSWERS = ["ACKNOWLEDGE", "REJECT", "LOSE", "CANCEL", "CANCEL_LOSE", "EXPIRE", "FIND_OPEN"]
AGREED = {(ended, answer): ended for ended in LATE for answer in ANSWERS} | {
    (line.split()[0], line.split()[1]): line.split()[2] for line in ARROWS.strip().splitlines()
}
ARROW_OUT_OF_NOWHERE = "cannot meet"


@pytest.mark.parametrize(("status", "event"), list(product(OrderStatus, OrderEvent)), ids=str)
def test_a_pair_leads_where_it_was_agreed_or_raises(status: OrderStatus, event: OrderEvent) -> None:
    agreed = AGREED.get((status.value, event.value))

    if agreed is not None:
        assert next_status(status, event).value == agreed
        return
    with pytest.raises(TransitionError, match=ARROW_OUT_OF_NOWHERE):
        next_status(status, event)


def test_every_state_can_be_reached_from_acceptance() -> None:
    reached, frontier = {OrderStatus.ACCEPTED}, [OrderStatus.ACCEPTED]

    while frontier:
        here = frontier.pop()
        found = {after for (before, _), after in TRANSITIONS.items() if before is here} - reached
        reached |= found
        frontier += found

    assert reached == set(OrderStatus)


def test_every_event_has_an_arrow() -> None:
    assert {event for _, event in TRANSITIONS} == set(OrderEvent)


def test_every_state_that_has_not_ended_can_end() -> None:
    can_end = set(TERMINAL)

    for _ in OrderStatus:
        can_end |= {before for (before, _), after in TRANSITIONS.items() if after in can_end}

    assert can_end == set(OrderStatus)


def test_six_states_are_final() -> None:
    assert {status.value for status in OrderStatus if status.is_terminal} == {
        *("ABORTED", "REJECTED", "FILLED", "CANCELLED", "EXPIRED", "DEAD"),
    }


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_an_order_that_has_ended_never_works_again(status: OrderStatus) -> None:
    after = {next_status(status, event) for before, event in TRANSITIONS if before is status}

    assert after <= {status, OrderStatus.FILLED}  # a late fill may complete it


def test_a_lost_answer_leaves_the_order_unknown() -> None:
    sent = order("BUY 10 UP 0.50", status=OrderStatus.SENDING)

    lost = sent.after(OrderEvent.LOSE, time_ns=NOW_NS, reason="no answer")

    assert (lost.status, lost.is_done, lost.reason) == (OrderStatus.UNKNOWN, False, "no answer")


def test_only_proof_makes_an_order_dead() -> None:
    dead = OrderStatus.DEAD
    into_dead = {
        event for (before, event), after in TRANSITIONS.items() if after is dead and before is not dead
    }

    assert into_dead == {OrderEvent.PROVE_ABSENT}


@pytest.mark.parametrize(
    ("filled", "quantity", "status", "leaves"),
    [
        pytest.param("0", "9.99", "PARTIALLY_FILLED", "0.01", id="one lot short"),
        pytest.param("0", "10", "FILLED", "0", id="exactly"),
        pytest.param("4", "5.99", "PARTIALLY_FILLED", "0.01", id="second fill, one lot short"),
        pytest.param("4", "6", "FILLED", "0", id="second fill, exactly"),
    ],
)
def test_a_fill_counts_towards_the_quantity(filled: str, quantity: str, status: str, leaves: str) -> None:
    before = order("BUY 10 UP 0.50", filled=filled)

    after = before.after_fill(Decimal(quantity), time_ns=NOW_NS + 1)

    assert (after.status.value, after.leaves_quantity) == (status, Decimal(leaves))
    assert after.updated_ns == NOW_NS + 1


@pytest.mark.parametrize(("filled", "quantity"), [("0", "10.02"), ("4", "6.02"), ("10", "0.02")])
def test_more_than_rounding_beyond_what_was_ordered_raises(filled: str, quantity: str) -> None:
    before = order("BUY 10 UP 0.50", filled=filled)

    with pytest.raises(TransitionError, match=r"filled for 10\.02 of 10"):
        before.after_fill(Decimal(quantity), time_ns=NOW_NS)


def test_a_venues_rounding_may_add_a_hundredth_of_a_share() -> None:
    after = order("BUY 10 UP 0.50", filled="4").after_fill(Decimal("6.01"), time_ns=NOW_NS)

    assert (after.status, after.leaves_quantity) == (OrderStatus.FILLED, Decimal(0))


def test_an_immediate_purchase_may_get_more_shares_for_its_money() -> None:
    budget = order("BUY 10 UP 0.50 FAK")  # 5 pUSD, which buy 10.2 shares at 0.49

    after = budget.after_fill(Decimal("10.2"), time_ns=NOW_NS)

    assert (after.status, after.filled_quantity, after.leaves_quantity) == (
        OrderStatus.FILLED,
        Decimal("10.2"),
        Decimal(0),
    )


def test_each_send_is_an_attempt_and_nothing_else_is() -> None:
    accepted = order("BUY 10 UP 0.50", status=OrderStatus.ACCEPTED)

    sent = accepted.after(OrderEvent.SEND, time_ns=NOW_NS)
    again = sent.after(OrderEvent.NOT_SENT, time_ns=NOW_NS).after(OrderEvent.SEND, time_ns=NOW_NS)

    assert (sent.attempts, again.attempts) == (1, 2)
    assert again.after(OrderEvent.ACKNOWLEDGE, time_ns=NOW_NS).attempts == 2


def test_a_change_makes_a_new_value() -> None:
    before = order("BUY 10 UP 0.50")

    before.after_fill(Decimal(3), time_ns=NOW_NS)

    assert (before.status, before.filled_quantity) == (OrderStatus.OPEN, Decimal(0))


@pytest.mark.parametrize(
    ("time_in_force", "is_immediate"), [("GTC", False), ("GTD", False), ("FOK", True), ("FAK", True)]
)
def test_only_fok_and_fak_never_rest(time_in_force: str, is_immediate: bool) -> None:
    assert TimeInForce(time_in_force).is_immediate is is_immediate
