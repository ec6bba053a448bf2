import statistics

from backtest.generated.chance import Chance


def test_numbers_are_those_of_the_published_algorithm() -> None:
    chance = Chance(0, "any")
    chance._state = 1234567

    numbers = [chance.bits() for _ in range(3)]

    assert numbers == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]  # reference, seed 1234567


def test_purposes_have_streams_of_their_own() -> None:
    first, second = Chance(7, "path"), Chance(7, "crowd")

    assert [first.bits() for _ in range(5)] != [second.bits() for _ in range(5)]


def test_limits_are_kept_and_reached() -> None:
    chance = Chance(7, "limits")

    numbers = [chance.between(3, 5) for _ in range(200)]

    assert set(numbers) == {3, 4, 5}
    assert all(0 <= chance.unit() < 1 for _ in range(200))


def test_gauss_is_normal() -> None:
    chance = Chance(7, "normal")

    numbers = [chance.gauss() for _ in range(5000)]

    assert abs(statistics.mean(numbers)) < 0.05
    assert abs(statistics.stdev(numbers) - 1) < 0.03
    assert 0.94 < statistics.mean(abs(number) < 1.96 for number in numbers) < 0.96
