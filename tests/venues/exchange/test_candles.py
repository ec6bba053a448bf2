import pytest

from tests.support.trading import d
from tests.venues.exchange.scene import BTC
from venues.exchange.candles import Candle, CandleTracker

MINUTE_MS = 60_000


def row(minute: int, close: str = "101") -> list[object]:
    return [minute * MINUTE_MS, "100", "102.5", "99", close, "1.25"]


@pytest.fixture
def told() -> list[Candle]:
    return []


@pytest.fixture
def tracker(told: list[Candle]) -> CandleTracker:
    return CandleTracker(told.append)


def test_a_candle_is_final_when_a_later_one_is_seen(tracker: CandleTracker, told: list[Candle]) -> None:
    tracker.take(BTC, [row(1), row(1, close="101.5")])
    before = list(told)
    tracker.take(BTC, [row(2)])

    (candle,) = told
    assert before == []
    assert (candle.opens_ns, candle.close, candle.volume) == (60 * 10**9, d("101.5"), d("1.25"))


def test_the_same_minutes_from_stream_and_rest_come_once(tracker: CandleTracker, told: list[Candle]) -> None:
    tracker.take(BTC, [row(1), row(2), row(3)])
    tracker.take(BTC, [row(1), row(2), row(3), row(4)])

    assert [candle.opens_ns // (60 * 10**9) for candle in told] == [1, 2, 3]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param([None, "1", "1", "1", "1", "1"], id="no time"),
        pytest.param([MINUTE_MS, "1", None, "1", "1", "1"], id="no high"),
        pytest.param([MINUTE_MS, "1"], id="cut"),
        pytest.param([], id="empty"),
    ],
)
def test_a_row_that_is_not_whole_is_passed_over(
    tracker: CandleTracker, told: list[Candle], broken: list[object]
) -> None:
    tracker.take(BTC, [row(1), broken, row(2)])

    assert len(told) == 1
