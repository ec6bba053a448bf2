"""The working set: every index in step with the orders, whatever is put in and taken out."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.instrument import Side
from domain.order import Order, OrderStatus
from state.live_orders import LiveOrders
from tests.support.trading import ALPHA, BETA, DOWN, UP, d, instrument, intent, order

CHANGES = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from(["put", "remove"]),
        st.sampled_from(["BUY 10 UP 0.40", "SELL 10 UP 0.60", "BUY 7 DOWN 0.40"]),
        st.sampled_from([OrderStatus.OPEN, OrderStatus.UNKNOWN, OrderStatus.QUARANTINED]),
        st.integers(0, 7),
    ),
    max_size=25,
)


@settings(deadline=None)
@given(CHANGES)
def test_the_indexes_follow_the_orders(changes: list[tuple[int, str, str, OrderStatus, int]]) -> None:
    live, known = LiveOrders(), dict[str, Order]()

    for number, change, text, status, filled in changes:
        made = order(text, name=str(number), status=status, filled=str(filled))
        before = known.get(made.id, made)
        if change == "put" and (before.instrument_id, before.side) == (made.instrument_id, made.side):
            live.put(made)
            known[made.id] = made
        else:
            live.remove(made.id)
            known.pop(made.id, None)

    assert {o.id: o for o in live} == known
    assert len(live) == len(known)
    assert live.doubtful_count == sum(o.status is not OrderStatus.OPEN for o in known.values())
    for of in (UP, DOWN):
        for side in Side:
            line = [o for o in known.values() if (o.instrument_id, o.side) == (of, side)]
            assert live.leaves(of, side) == sum((o.leaves_quantity for o in line), Decimal(0))


def test_orders_stay_in_the_order_of_their_age() -> None:
    live = LiveOrders()

    for name in ("one", "two"):
        live.put(order("BUY 10 UP 0.40", name=name, status=OrderStatus.SENDING))
    live.put(order("BUY 10 UP 0.40", name="one", status=OrderStatus.OPEN))

    assert [o.id for o in live] == ["s1-one", "s1-two"]


@pytest.mark.parametrize(
    ("resting", "wanted", "meets"),
    [
        pytest.param("SELL 10 UP 0.51", "BUY 10 UP 0.50", False, id="buy one tick below our ask"),
        pytest.param("SELL 10 UP 0.51", "BUY 10 UP 0.51", True, id="buy at our ask"),
        pytest.param("SELL 10 UP 0.51", "BUY 10 UP 0.52", True, id="buy above our ask"),
        pytest.param("BUY 10 UP 0.49", "SELL 10 UP 0.50", False, id="sell one tick above our bid"),
        pytest.param("BUY 10 UP 0.49", "SELL 10 UP 0.49", True, id="sell at our bid"),
        pytest.param("BUY 10 UP 0.49", "SELL 10 UP 0.48", True, id="sell below our bid"),
        pytest.param("BUY 10 DOWN 0.40", "BUY 10 UP 0.59", False, id="complement, one tick short of 1"),
        pytest.param(
            "BUY 10 DOWN 0.40", "BUY 10 UP 0.60", True, id="complement, exactly 1: a pair is minted"
        ),
        pytest.param("SELL 10 DOWN 0.40", "SELL 10 UP 0.61", False, id="complement sale, one tick over 1"),
        pytest.param("SELL 10 DOWN 0.40", "SELL 10 UP 0.60", True, id="complement sale, exactly 1"),
        pytest.param("BUY 10 UP 0.50", "BUY 10 UP 0.60", False, id="same side"),
        pytest.param(
            "SELL 10 DOWN 0.40", "BUY 10 UP 0.99", False, id="a sale of the complement is the same side"
        ),
    ],
)
def test_an_own_order_that_would_be_met(resting: str, wanted: str, meets: bool) -> None:
    live = LiveOrders()
    live.put(order(resting, strategy=BETA))

    crossing = live.crossing(intent(wanted), instrument())

    assert crossing == ("s1-o" if meets else None)


def test_an_instrument_without_a_complement_meets_its_own_line_only() -> None:
    live = LiveOrders()
    live.put(order("BUY 10 DOWN 0.40"))

    assert live.crossing(intent("BUY 10 UP 0.99"), instrument(complement=None)) is None


@pytest.mark.parametrize("status", [OrderStatus.UNKNOWN, OrderStatus.QUARANTINED])
@pytest.mark.parametrize(
    ("text", "strategy", "is_frozen"),
    [
        pytest.param("BUY 5 UP 0.30", ALPHA, True, id="same line"),
        pytest.param("BUY 5 UP 0.30", BETA, False, id="another strategy"),
        pytest.param("SELL 5 UP 0.90", ALPHA, False, id="the other side"),
        pytest.param("BUY 5 DOWN 0.30", ALPHA, False, id="another instrument"),
    ],
)
def test_a_doubtful_order_freezes_its_line(
    status: OrderStatus, text: str, strategy: str, is_frozen: bool
) -> None:
    live = LiveOrders()
    live.put(order("BUY 10 UP 0.40", name="doubtful", status=status))

    found = live.doubtful_like(order(text, name="next", strategy=type(ALPHA)(strategy)))

    assert found == ("s1-doubtful" if is_frozen else None)


def test_an_order_that_is_found_again_thaws_its_line() -> None:
    live = LiveOrders()
    live.put(order("BUY 10 UP 0.40", status=OrderStatus.UNKNOWN))

    live.put(order("BUY 10 UP 0.40", status=OrderStatus.OPEN))

    assert (live.doubtful_count, live.doubtful_like(order("BUY 5 UP 0.30", name="next"))) == (0, None)


def test_leaves_count_what_is_not_filled() -> None:
    live = LiveOrders()

    live.put(order("BUY 10 UP 0.40", filled="3"))

    assert live.leaves(UP, Side.BUY) == d(7)
