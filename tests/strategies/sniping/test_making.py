"""The making branch of the crypto mode: where its bid stands, when it ends, and what takes it away."""

import pytest

from domain.identifiers import InstrumentId
from domain.messages import TimerFired
from domain.order import Intent, Order, OrderStatus, TimeInForce
from strategies.base_strategy import Holding
from strategies.sniping.crypto_mode import GTD_LEAD_S, GTD_LIFE_S_MIN
from tests.strategies.sniping.scene import (
    CLOSES_NS,
    SHARES_HELD,
    Scene,
    cancels,
    gates,
    order_of,
    the_order,
    tick,
)
from tests.support.trading import DOWN, UP, S, d, intent
from venues.matching import GTD_LEAD_NS
from venues.paper_refusals import GTD_LIFE_MIN_NS

EARLY = "too early or too late"
"""What the taking branch says whenever a bid is still in time."""


def scene(*, fair: str = "0.9000", left_s: str = "200", **parameters: object) -> Scene:
    """A scene in which it is too early to take."""
    return Scene(fair=fair, left_s=left_s, parameters=parameters)


def resting(looked: Scene, status: OrderStatus = OrderStatus.OPEN) -> Order:
    """Let the sniper place its bid, and let it rest."""
    order = order_of(the_order(looked.look()), status=status)
    looked.view.working = [order]
    return order


# --- placing --------------------------------------------------------------------------------------------


def test_a_bid_rests_two_cents_below_the_fair_value() -> None:
    looked = scene().hear()

    order = the_order(looked.look("0.85x500", "0.95x500"))

    assert (order.instrument_id, order.price) == (UP, d("0.88"))
    assert order.post_only
    assert order.time_in_force is TimeInForce.GTD
    assert order.quantity == d("22.72")  # 20 / 0.88 = 22.727
    assert order.signal_key == "m:UP:make:0"
    assert "fair 0.9000, 1.3 sd from the strike 100000.00; a bid 2.00 ¢ below that" in order.reason


@pytest.mark.parametrize(
    ("fair", "asks", "price"),
    [
        pytest.param("0.9000", "0.89x500", "0.88", id="both bounds alike"),
        pytest.param("0.9000", "0.88x500", "0.87", id="a tick below the ask"),
        pytest.param("0.9000", "0.99x500", "0.88", id="two cents below the value"),
        pytest.param("0.9099", "0.99x500", "0.88", id="down to the tick"),
    ],
)
def test_the_bid_stands_below_the_value_and_the_ask(fair: str, asks: str, price: str) -> None:
    assert the_order(scene(fair=fair).hear().look("0.80x500", asks)).price == d(price)


def test_the_bid_ends_two_seconds_before_the_close() -> None:
    order = the_order(scene().hear().look())

    assert order.expires_ns == CLOSES_NS + 58 * S
    assert order.expires_ns - GTD_LEAD_NS == CLOSES_NS - 2 * S


def test_the_venue_has_the_rules_that_the_bid_is_made_for() -> None:
    assert (GTD_LEAD_S * S, GTD_LIFE_S_MIN * S) == (GTD_LEAD_NS, GTD_LIFE_MIN_NS)


@pytest.mark.parametrize(
    ("left_s", "expected"),
    [
        pytest.param("124.001", [EARLY], id="before"),
        pytest.param("124", [EARLY], id="latest"),
        pytest.param("123.999", [EARLY, "too late to rest a bid"], id="after"),
    ],
)
def test_a_bid_that_the_venue_would_refuse_is_not_placed(left_s: str, expected: list[str]) -> None:
    assert gates(scene(left_s=left_s).hear().look()) == expected


@pytest.mark.parametrize(
    ("fair", "expected"),
    [
        pytest.param("0.8199", ["bid outside the band"], id="0.79"),
        pytest.param("0.8200", [], id="0.80"),
        pytest.param("0.8300", [], id="0.81"),
    ],
)
def test_a_bid_for_less_than_a_favourite_is_not_placed(fair: str, expected: list[str]) -> None:
    wishes = scene(fair=fair).hear().look("0.70x500", "0.95x500")

    assert gates(wishes) == [EARLY, *expected]


def test_without_making_only_the_taking_branch_speaks() -> None:
    assert gates(scene(makes=False).hear().look()) == [EARLY]


def test_what_can_be_taken_is_not_bid_for() -> None:
    order = the_order(scene(fair="0.9700", left_s="100").hear().look())

    assert not order.post_only


@pytest.mark.parametrize(
    ("working", "gate"),
    [
        pytest.param("BUY 5 UP 0.80 GTD post-only", "bid resting", id="its own bid"),
        pytest.param("BUY 5 DOWN 0.10 FAK", "order on the other side", id="an order for DOWN"),
        pytest.param("BUY 5 UP 0.90 FAK", None, id="an order of the other branch"),
    ],
)
def test_one_bid_at_a_time_and_never_both_sides(working: str, gate: str | None) -> None:
    looked = scene().hear()

    looked.view.working = [order_of(intent(working))]

    assert gates(looked.look()) == ([EARLY, gate] if gate else [EARLY])


@pytest.mark.parametrize(
    ("held", "gate"),
    [
        pytest.param({DOWN: SHARES_HELD}, "holds the other side", id="the other side"),
        pytest.param({UP: Holding(d(10), d(10), d("8.80"))}, None, id="bought at the price of the bid"),
        pytest.param({UP: Holding(d(10), d(10), d("8.81"))}, "would average down", id="bought dearer"),
    ],
)
def test_what_is_held_decides(held: dict[InstrumentId, Holding], gate: str | None) -> None:
    looked = scene().hear()

    looked.view.held = held

    assert gates(looked.look("0.85x500", "0.95x500")) == ([EARLY, gate] if gate else [EARLY])


@pytest.mark.parametrize(("bankroll", "gate"), [("219.99", "no budget left"), ("220", None)])
def test_a_bid_has_at_least_five_shares(bankroll: str, gate: str | None) -> None:
    looked = scene().hear()

    looked.view.bankroll = d(bankroll)  # 2 % of 220 = 5 · 0.88

    assert gates(looked.look("0.85x500", "0.95x500")) == ([EARLY, gate] if gate else [EARLY])


# --- cancelling -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fair", "reason"),
    [
        pytest.param("0.9300", None, id="it rose"),
        pytest.param("0.8701", None, id="2.99 cents"),
        pytest.param("0.8700", "the fair value fell from 0.9000 to 0.8700", id="3 cents"),
        pytest.param("0.8699", "the fair value fell from 0.9000 to 0.8699", id="3.01 cents"),
    ],
)
def test_a_fall_of_three_cents_takes_the_bid_away(fair: str, reason: str | None) -> None:
    looked = scene().hear()
    order = resting(looked)

    wishes = looked.turn(fair)

    assert [wish.reason for wish in cancels(wishes)] == ([reason] if reason else [])
    assert all(wish.order_id == order.id for wish in cancels(wishes))


def test_the_fall_of_down_is_the_rise_of_up() -> None:
    looked = scene(fair="0.1000").hear()
    order = order_of(the_order(looked.look(of=DOWN)))
    looked.view.working = [order]

    assert not cancels(looked.turn("0.0700"))
    assert [wish.order_id for wish in cancels(looked.turn("0.1400"))] == [order.id]


def test_a_fall_counts_from_placing_and_not_from_a_peak() -> None:
    looked = scene().hear()
    resting(looked)

    looked.turn("0.9200")

    assert not cancels(looked.turn("0.8800"))


@pytest.mark.parametrize(
    ("silent_ns", "is_cancelled"), [(5 * S - 1, False), (5 * S, False), (5 * S + 1, True)]
)
def test_a_silent_feed_takes_the_bid_away(silent_ns: int, is_cancelled: bool) -> None:
    looked = scene().hear()
    order = resting(looked)
    looked.now_ns += silent_ns

    by_timer = list(looked.sniper.on_timer(TimerFired(time_ns=looked.now_ns), looked.view))
    by_exchange = looked.say(tick(looked.now_ns, looked.spot, feed="coinbase:BTC"))
    by_book = cancels(looked.look())

    expected = [order.id] if is_cancelled else []
    assert [wish.order_id for wish in cancels(by_timer)] == expected
    assert [wish.order_id for wish in cancels(by_exchange)] == expected
    assert [wish.order_id for wish in by_book] == expected


@pytest.mark.parametrize(
    "status", [OrderStatus.SENDING, OrderStatus.CANCEL_SENDING, OrderStatus.CANCEL_UNKNOWN]
)
def test_what_cannot_be_cancelled_now_is_not_asked_for(status: OrderStatus) -> None:
    looked = scene().hear()
    resting(looked, status)

    assert not cancels(looked.turn("0.8000"))


def test_an_order_that_takes_is_left_alone() -> None:
    looked = scene().hear()
    bid = resting(looked)
    looked.view.working = [order_of(intent("BUY 5 UP 0.90 FAK")), bid]

    assert [wish.order_id for wish in cancels(looked.turn("0.8000"))] == [bid.id]


def test_after_a_cancel_the_bid_may_stand_lower() -> None:
    looked = scene().hear()
    order = resting(looked)
    looked.turn("0.8600")
    looked.end(order)

    again: Intent = the_order(looked.look("0.80x500", "0.95x500"))

    assert (again.price, again.signal_key) == (d("0.84"), "m:UP:make:1")


def test_a_bid_that_is_gone_is_not_looked_after() -> None:
    looked = scene().hear()
    order = resting(looked)
    looked.end(order, OrderStatus.EXPIRED)

    assert not looked.turn("0.5000")


@pytest.mark.parametrize(("ended", "gate"), [(4, None), (5, "bids used up")])
def test_the_bids_of_a_market_are_limited(ended: int, gate: str | None) -> None:
    looked = scene().hear()
    for _ in range(ended):
        looked.end(resting(looked))

    assert gates(looked.look()) == ([EARLY, gate] if gate else [EARLY])


def test_bids_that_ended_leave_the_taking_branch_its_attempts() -> None:
    looked = scene(attempts_max=1).hear()
    looked.end(resting(looked))

    for _ in range(100):
        looked.turn("0.9700")

    assert not the_order(looked.look()).post_only
