"""The taking branch of the crypto mode: its order, and each of its gates just below, at and above the limit."""

import pytest

from domain.identifiers import InstrumentId
from domain.order import OrderStatus, TimeInForce
from strategies.base_strategy import Holding
from tests.strategies.sniping.scene import SHARES_HELD, Scene, gates, order_of, the_order
from tests.support.trading import DOWN, UP, S, d, intent

TAKES: list[str] = []
"""No gate: the look led to an order."""


def scene(
    *, fair: str = "0.9700", left_s: str = "100", lead: str | None = None, **parameters: object
) -> Scene:
    """A scene in which only the taking branch speaks."""
    return Scene(fair=fair, left_s=left_s, lead=lead, parameters={"makes": False, **parameters})


def test_a_favourite_below_its_value_is_taken() -> None:
    looked = scene().hear()

    order = the_order(looked.look())

    assert (order.instrument_id, order.price, order.time_in_force) == (UP, d("0.90"), TimeInForce.FAK)
    # 2 % of 1000 pUSD = 20; 20 / (0.90 + 0.0175) = 21.798 shares; 21.70 of them cost whole cents
    assert order.quantity == d("21.7")
    assert not order.post_only
    assert order.expires_ns is None
    # 0.97 · 0.98 - 0.90 - 0.07 · 0.9 · 0.1 = 0.0443
    assert "fair 0.9700, 1.9 sd from the strike 100000.00; edge 4.43 ¢ a share" in order.reason


def test_the_other_side_is_taken_when_the_price_has_fallen() -> None:
    looked = scene(fair="0.0299").hear()  # DOWN is worth 0.97

    order = the_order(looked.look(of=DOWN))

    assert order.instrument_id == DOWN
    assert "DOWN of btc-updown-15m at 0.88/0.90, 100 s left: fair 0.9700" in order.reason


def test_the_side_that_is_losing_is_not_taken() -> None:
    looked = scene().hear()

    assert gates(looked.look("0.02x500", "0.03x500", of=DOWN)) == ["price outside the band"]
    assert gates(looked.look("0.80x500", "0.81x500", of=DOWN)) == ["edge too small"]


@pytest.mark.parametrize(
    ("asks", "expected"),
    [
        pytest.param("0.79x500", ["price outside the band"], id="below"),
        pytest.param("0.80x500", TAKES, id="least"),
        pytest.param("0.81x500", TAKES, id="above the least"),
        pytest.param("0.984x500", TAKES, id="below the most"),
        pytest.param("0.985x500", TAKES, id="most"),
        pytest.param("0.986x500", ["price outside the band"], id="above"),
    ],
)
def test_the_band_of_asks(asks: str, expected: list[str]) -> None:
    looked = scene(fair="0.9998", edge_min_crypto=d("-0.03")).hear()

    assert gates(looked.look("0.70x500", asks)) == expected


@pytest.mark.parametrize(
    ("left_s", "expected"),
    [
        pytest.param("120.001", ["too early or too late"], id="too early"),
        pytest.param("120", TAKES, id="earliest"),
        pytest.param("119.999", TAKES, id="after the earliest"),
    ],
)
def test_the_earliest_moment(left_s: str, expected: list[str]) -> None:
    assert gates(scene(left_s=left_s).hear().look()) == expected


@pytest.mark.parametrize(
    ("left_s", "expected"),
    [
        pytest.param("30.001", TAKES, id="before the latest"),
        pytest.param("30", TAKES, id="latest"),
        pytest.param("29.999", ["too early or too late"], id="too late"),
    ],
)
def test_the_latest_moment(left_s: str, expected: list[str]) -> None:
    assert gates(scene(left_s=left_s, lead="100").hear().look()) == expected


@pytest.mark.parametrize(
    ("fair", "of", "expected"),
    [
        pytest.param("0.9330", UP, ["move too small"], id="1.499 deviations"),
        pytest.param("0.9332", UP, TAKES, id="1.5003 deviations"),
        pytest.param("0.0669", DOWN, ["move too small"], id="-1.4993 deviations"),
        pytest.param("0.0667", DOWN, TAKES, id="-1.5008 deviations"),
    ],
)
def test_the_move_must_be_one_and_a_half_deviations(fair: str, of: InstrumentId, expected: list[str]) -> None:
    looked = scene(fair=fair).hear()

    assert gates(looked.look("0.83x500", "0.85x500", of=of)) == expected


@pytest.mark.parametrize(
    ("edge_min", "expected"),
    [
        pytest.param("0.04429", TAKES, id="below"),
        pytest.param("0.0443", TAKES, id="exact"),
        pytest.param("0.04431", ["edge too small"], id="above"),
    ],
)
def test_the_edge_after_doubt_and_fee(edge_min: str, expected: list[str]) -> None:
    looked = scene(edge_min_crypto=d(edge_min)).hear()

    assert gates(looked.look()) == expected  # 0.97 · 0.98 - 0.90 - 0.0063 = 0.0443


def test_two_cents_are_the_usual_edge() -> None:
    looked = scene().hear()

    # 0.9506 - 0.92 - 0.07 · 0.92 · 0.08 = 0.02545, and at 0.93: 0.01604
    assert gates(looked.look("0.91x500", "0.92x500")) == TAKES
    assert gates(looked.look("0.91x500", "0.93x500")) == ["edge too small"]


@pytest.mark.parametrize(
    ("age_ns", "expected"),
    [(2 * S - 1, TAKES), (2 * S, TAKES), (2 * S + 1, ["stale book"])],
)
def test_the_book_is_fresh_for_two_seconds(age_ns: int, expected: list[str]) -> None:
    assert gates(scene().hear().look(age_ns=age_ns)) == expected


@pytest.mark.parametrize(
    ("silent_ns", "expected"),
    [(2 * S - 1, TAKES), (2 * S, TAKES), (2 * S + 1, ["stale settlement feed"])],
)
def test_the_feed_is_fresh_for_two_seconds(silent_ns: int, expected: list[str]) -> None:
    assert gates(scene().hear(silent_ns=silent_ns).look()) == expected


def test_sources_that_disagree_keep_it_closed() -> None:
    looked = scene()

    looked.hear(spot_price=looked.spot * d("1.0006"))

    assert gates(looked.look()) == ["spot sources disagree"]


@pytest.mark.parametrize(
    ("bids", "asks", "gate"),
    [
        pytest.param("", "0.90x500", "one-sided book", id="no bid"),
        pytest.param("0.88x500", "", "one-sided book", id="no ask"),
        pytest.param("0.90x500", "0.90x500", "crossed book", id="crossed"),
    ],
)
def test_a_book_must_have_two_sides_apart(bids: str, asks: str, gate: str) -> None:
    assert gates(scene().hear().look(bids, asks)) == [gate]


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        pytest.param({DOWN: SHARES_HELD}, ["holds the other side"], id="the other side"),
        pytest.param({UP: Holding(d(10), d(10), d("8.99"))}, TAKES, id="bought cheaper"),
        pytest.param({UP: Holding(d(10), d(10), d("9.00"))}, TAKES, id="bought at this price"),
        pytest.param({UP: Holding(d(10), d(10), d("9.01"))}, ["would average down"], id="bought dearer"),
    ],
)
def test_what_is_held_decides(held: dict[InstrumentId, Holding], expected: list[str]) -> None:
    looked = scene().hear()

    looked.view.held = held

    assert gates(looked.look()) == expected


@pytest.mark.parametrize(
    ("working", "expected"),
    [
        pytest.param("BUY 10 UP 0.90 FAK", ["order working"], id="an order of this branch"),
        pytest.param("BUY 5 UP 0.80 GTD post-only", TAKES, id="a bid of the other branch"),
        pytest.param("BUY 5 DOWN 0.10 GTD post-only", ["order on the other side"], id="a bid for DOWN"),
    ],
)
def test_one_order_at_a_time_and_never_both_sides(working: str, expected: list[str]) -> None:
    looked = scene().hear()

    looked.view.working = [order_of(intent(working))]

    assert gates(looked.look()) == expected


def test_a_new_look_is_the_same_signal_until_an_order_has_ended() -> None:
    looked = scene().hear()
    first, second = the_order(looked.look()), the_order(looked.look())
    looked.view.working = [order_of(first)]
    looked.end(looked.view.working[0], OrderStatus.FILLED)

    third = the_order(looked.look())

    assert first.signal_key == second.signal_key == "m:UP:take:0"
    assert third.signal_key == "m:UP:take:1"


@pytest.mark.parametrize(("ended", "expected"), [(4, TAKES), (5, ["attempts used up"])])
def test_the_attempts_of_a_market_are_limited(ended: int, expected: list[str]) -> None:
    looked = scene().hear()
    for _ in range(ended):
        looked.view.working = [order_of(the_order(looked.look()))]
        looked.end(looked.view.working[0])

    assert gates(looked.look()) == expected


@pytest.mark.parametrize(
    ("bankroll", "expected"),
    [
        pytest.param("229.37", ["no budget left"], id="4.99 shares"),
        pytest.param("230", TAKES, id="5 shares"),
    ],
)
def test_less_than_the_least_quantity_is_not_ordered(bankroll: str, expected: list[str]) -> None:
    looked = scene().hear()

    looked.view.bankroll = d(bankroll)  # 2 % of it, at 0.9175 a share with the largest fee

    assert gates(looked.look()) == expected


def test_what_a_resting_bid_has_set_aside_is_not_spent_again() -> None:
    looked = scene().hear()
    looked.view.working = [order_of(intent("BUY 20 UP 0.80 GTD post-only"), filled="5")]

    order = the_order(looked.look())

    assert order.quantity == d("8.7")  # (20 - 15 · 0.80) / 0.9175 = 8.719


def test_no_more_is_taken_than_is_offered() -> None:
    order = the_order(scene().hear().look(asks="0.90x8 0.91x500"))

    assert order.quantity == 8
