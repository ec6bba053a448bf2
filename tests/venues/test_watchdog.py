"""Who has been silent for too long."""

import pytest

from venues.watchdog import Watchdog


@pytest.mark.parametrize(
    ("now_s", "silent"),
    [
        pytest.param(104.9, [], id="just before the limit"),
        pytest.param(105.0, ["a"], id="at the limit"),
        pytest.param(106.0, ["a", "b"], id="all of them"),
    ],
)
def test_a_key_is_silent_from_the_limit_on(now_s: float, silent: list[str]) -> None:
    watchdog: Watchdog[str] = Watchdog(5.0)
    watchdog.watch(["a", "b"], 100.0)

    watchdog.hear("b", 101.0)

    assert list(watchdog.silent(now_s)) == silent


def test_a_key_that_is_forgotten_is_neither_heard_nor_missed() -> None:
    watchdog: Watchdog[str] = Watchdog(5.0)
    watchdog.watch(["a"], 100.0)

    watchdog.forget(["a", "never seen"])
    watchdog.hear("a", 101.0)

    assert (len(watchdog), list(watchdog.silent(200.0)), watchdog.silence_s("a", 200.0)) == (0, [], 0.0)


def test_silence_counts_from_what_was_heard_last() -> None:
    watchdog: Watchdog[str] = Watchdog(5.0)
    watchdog.watch(["a"], 100.0)

    watchdog.hear("a", 103.0)

    assert watchdog.silence_s("a", 110.0) == 7.0
