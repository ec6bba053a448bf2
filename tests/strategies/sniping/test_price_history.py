"""A feed's averages over time, its silences and its volatility."""

import math

import pytest

from strategies.sniping.price_history import DECAY, KEPT_NS, RETURNS_MIN, VOLATILITY_MIN, PriceHistory

S = 1_000_000_000
T0 = 1_000_000 * S


def history(*ticks: tuple[float, float]) -> PriceHistory:
    """A feed from pairs of second and price."""
    made = PriceHistory()
    for second, price in ticks:
        made.add(T0 + round(second * S), price)
    return made


def average(made: PriceHistory, start_s: float, end_s: float) -> float | None:
    """The average between two seconds."""
    return made.average(T0 + round(start_s * S), T0 + round(end_s * S))


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected"),
    [
        pytest.param(0, 4, (2 * 100 + 2 * 110) / 4, id="a tick each"),
        pytest.param(1, 4, (1 * 100 + 2 * 110) / 3, id="the value at the start is carried"),
        pytest.param(0, 5, (2 * 100 + 2 * 110 + 1 * 130) / 5, id="the last value is carried"),
        pytest.param(2, 4, 110.0, id="from a tick to a tick, whose own value does not count"),
        pytest.param(4.5, 9, 130.0, id="carried for five seconds"),
        pytest.param(3, 3, 110.0, id="no time: the value itself"),
    ],
)
def test_the_average_weighs_by_time(start_s: float, end_s: float, expected: float) -> None:
    made = history((0, 100), (2, 110), (4, 130))

    assert average(made, start_s, end_s) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("silence_ns", "is_known"),
    [(5 * S - 1, True), (5 * S, True), (5 * S + 1, False)],
)
@pytest.mark.parametrize("end_s", [8, 10])
def test_a_gap_of_more_than_five_seconds_leaves_the_average_unknown(
    silence_ns: int, is_known: bool, end_s: int
) -> None:
    made = history((0, 100), (1, 100))
    made.add(T0 + S + silence_ns, 100.0)

    assert (average(made, 0, end_s) is not None) is is_known


def test_a_gap_outside_the_window_does_not_matter() -> None:
    made = history((0, 100), (60, 110), (62, 110))

    assert average(made, 60, 63) == 110.0


@pytest.mark.parametrize(("carried_s", "is_known"), [(5, True), (5.001, False)])
def test_a_value_that_is_too_old_at_the_end_leaves_it_unknown(carried_s: float, is_known: bool) -> None:
    made = history((0, 100), (2, 100))

    assert (average(made, 0, 2 + carried_s) is not None) is is_known


def test_nothing_is_known_before_the_first_tick() -> None:
    made = history((1, 100), (2, 100))

    assert average(made, 0, 3) is None
    assert PriceHistory().average(0, 1) is None


def test_a_tick_that_is_not_later_is_ignored() -> None:
    made = history((0, 100), (2, 110), (1, 500), (2, 500))

    assert made.last_price == 110.0
    assert average(made, 0, 3) == pytest.approx((2 * 100 + 110) / 3)


def test_the_volatility_of_equal_moves_is_their_size() -> None:
    made = history(*((n, 100.0 if n % 2 else 100.1) for n in range(40)))

    assert made.volatility == pytest.approx(math.log(1.001))


def test_a_move_weighs_six_hundredths_and_fades() -> None:
    made = history(*((n, 100.0) for n in range(40)), (40, 101.0), (41, 101.0))

    expected = math.sqrt(DECAY * (1 - DECAY) * math.log(1.01) ** 2)
    assert made.volatility == pytest.approx(expected)


def test_a_move_over_two_seconds_counts_as_two() -> None:
    made = history(*((n, 100.0) for n in range(40)), (41, 101.0))

    expected = math.sqrt((1 - DECAY**2) * math.log(1.01) ** 2 / 2)
    assert made.volatility == pytest.approx(expected)


@pytest.mark.parametrize(("pause_s", "is_counted"), [(5, True), (5.001, False)])
def test_a_move_over_a_gap_is_not_one_of_the_market(pause_s: float, is_counted: bool) -> None:
    made = history(*((n, 100.0) for n in range(40)), (39 + pause_s, 101.0))

    assert made.volatility is not None
    assert (made.volatility > VOLATILITY_MIN) is is_counted


def test_ticks_within_a_second_are_one_return() -> None:
    made = history(*((n / 4, 100.0 if n % 4 == 0 else 105.0) for n in range(160)))

    assert made.volatility == VOLATILITY_MIN


@pytest.mark.parametrize(
    ("returns", "is_known"), [(RETURNS_MIN - 1, False), (RETURNS_MIN, True), (RETURNS_MIN + 1, True)]
)
def test_the_volatility_is_known_after_thirty_returns_and_has_a_floor(returns: int, is_known: bool) -> None:
    made = history(*((n, 100.0) for n in range(returns + 1)))

    assert made.volatility == (VOLATILITY_MIN if is_known else None)


def test_old_ticks_are_forgotten_and_recent_ones_kept() -> None:
    seconds = 3 * KEPT_NS // S
    made = history(*((n, 100.0 + n) for n in range(seconds)))

    assert len(made._times) <= 2 * KEPT_NS // S + 1
    assert average(made, seconds - 61, seconds - 1) == pytest.approx(100 + seconds - 61 + 29.5)
    assert average(made, 0, 60) is None
