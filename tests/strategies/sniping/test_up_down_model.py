"""Strike, freshness and agreement of the feeds, and the fair value inside the closing window."""

import math
from decimal import Decimal

import pytest

from domain.instrument import UpDown
from strategies.sniping.price_history import VOLATILITY_MIN
from strategies.sniping.up_down_model import FairValue, UpDownModel
from tests.strategies.sniping.scene import (
    CLOSES_NS,
    EXCHANGE,
    FEED,
    OPENS_NS,
    STRIKE,
    WINDOW_S,
    tick,
    up_down_market,
)
from tests.support.trading import S

MARKET = up_down_market()
RULE = UpDown(asset="BTC", feed=FEED, twap_s=WINDOW_S)


def model(prices: dict[int, int], *, until_s: int = 60) -> UpDownModel:
    """A feed with a tick a second from 90 s before the opening; `prices` says where the price changes."""
    made, price = UpDownModel(), STRIKE
    for second in range(-90, until_s + 1):
        price = prices.get(second, price)
        made.hear(tick(OPENS_NS + second * S, price))
    return made


def value(made: UpDownModel, *, at_s: float) -> FairValue:
    """The fair value, which must be known."""
    found = made.value(MARKET, RULE, OPENS_NS + round(at_s * S))
    assert isinstance(found, FairValue), found
    return found


@pytest.mark.parametrize(
    ("prices", "strike"),
    [
        pytest.param({}, 100_000, id="a still price"),
        pytest.param({-30: 100_060}, 100_030, id="half the window 60 higher"),
        pytest.param({-61: 100_060}, 100_060, id="carried into the window"),
        pytest.param({-60: 100_060}, 100_060, id="from its first instant"),
        pytest.param({-1: 100_060}, 100_001, id="its last second: a sixtieth"),
        pytest.param({0: 100_060}, 100_000, id="the tick at the opening does not count"),
    ],
)
def test_the_strike_is_the_average_before_the_opening(prices: dict[int, int], strike: int) -> None:
    assert value(model(prices), at_s=60).strike == pytest.approx(strike)


@pytest.mark.parametrize(
    ("missing", "is_known"),
    [
        pytest.param(range(-20, -16), True, id="five seconds between two ticks"),
        pytest.param(range(-20, -15), False, id="six seconds"),
        pytest.param(range(-64, -60), True, id="five seconds into the start"),
        pytest.param(range(-65, -59), False, id="a stale value at the start"),
        pytest.param(range(-75, -65), True, id="a gap before the window"),
        pytest.param(range(-4, 20), True, id="a gap that begins five seconds before the opening"),
        pytest.param(range(-5, 20), False, id="a gap that begins six seconds before it"),
        pytest.param(range(-90, -60), True, id="the first tick at the start of the window"),
        pytest.param(range(-90, -59), False, id="the first tick within it"),
    ],
)
def test_a_gap_in_the_window_leaves_no_strike(missing: range, is_known: bool) -> None:
    made = UpDownModel()
    for second in range(-90, 100):
        if second not in missing:
            made.hear(tick(OPENS_NS + second * S, STRIKE))

    found = made.value(MARKET, RULE, OPENS_NS + 99 * S)

    assert isinstance(found, FairValue) if is_known else found == "no strike"


def test_the_exchanges_say_nothing_about_the_strike() -> None:
    made = UpDownModel()
    for second in range(-90, 61):
        made.hear(tick(OPENS_NS + second * S, STRIKE, feed=EXCHANGE))

    assert made.value(MARKET, RULE, OPENS_NS + 60 * S) == "no strike"


def test_the_strike_waits_until_the_feed_has_passed_the_opening() -> None:
    made = model({}, until_s=-1)

    assert made.value(MARKET, RULE, OPENS_NS + S) == "no strike"
    made.hear(tick(OPENS_NS + 2 * S, STRIKE))
    assert value(made, at_s=2).strike == STRIKE


def test_without_enough_returns_the_volatility_is_not_known() -> None:
    made = UpDownModel()
    for second in range(-60, 6, 3):  # 21 returns
        made.hear(tick(OPENS_NS + second * S, STRIKE))

    assert made.value(MARKET, RULE, OPENS_NS + 6 * S) == "volatility not known"


def test_before_the_closing_window_the_lead_is_that_of_the_spot() -> None:
    made = model({5: 100_030}, until_s=200)

    # 100 s left: (100,030 - 100,000) / (σ · S · √(100 - 40))
    expected = 30 / (VOLATILITY_MIN * 100_030 * math.sqrt(60))
    assert value(made, at_s=200).deviations == pytest.approx(expected)


def test_inside_the_closing_window_the_past_is_known() -> None:
    made = model({5: 100_030, 250: 99_970}, until_s=280)

    # 20 s left: 10 s at 100,030, then 30 s at 99,970 are known
    mean = (10 * 100_030 + 30 * 99_970 + 20 * 99_970) / 60
    # The fall of 60 weighs 6 % of its square, 30 s later; it has faded below the floor no sooner than this.
    variance = 0.06 * math.log(99_970 / 100_030) ** 2 * 0.94**30
    deviation = max(VOLATILITY_MIN, math.sqrt(variance)) * 99_970 * (20 / 60) * math.sqrt(20 / 3)
    assert value(made, at_s=280).deviations == pytest.approx((mean - 100_000) / deviation)


@pytest.mark.parametrize(("missing", "is_known"), [(range(250, 254), True), (range(250, 255), False)])
def test_a_gap_in_the_closing_window_leaves_the_value_unknown(missing: range, is_known: bool) -> None:
    made = UpDownModel()
    for second in range(-90, 281):
        if second not in missing:
            made.hear(tick(OPENS_NS + second * S, STRIKE))

    found = made.value(MARKET, RULE, CLOSES_NS - 20 * S)

    assert isinstance(found, FairValue) if is_known else found == "feed gap in the closing window"


@pytest.mark.parametrize(
    ("age_ns", "gate"),
    [(2 * S - 1, None), (2 * S, None), (2 * S + 1, "stale settlement feed")],
)
def test_the_settlement_feed_is_fresh_for_two_seconds(age_ns: int, gate: str | None) -> None:
    made = model({})
    now_ns = OPENS_NS + 60 * S + age_ns
    made.hear(tick(now_ns, STRIKE, feed=EXCHANGE))

    assert made.closed_gate(RULE, now_ns) == gate


@pytest.mark.parametrize(
    ("age_ns", "gate"),
    [(2 * S - 1, None), (2 * S, None), (2 * S + 1, "no fresh spot source")],
)
def test_one_exchange_must_be_fresh_too(age_ns: int, gate: str | None) -> None:
    made = model({})
    now_ns = OPENS_NS + 60 * S
    made.hear(tick(now_ns - age_ns, STRIKE, feed=EXCHANGE))

    assert made.closed_gate(RULE, now_ns) == gate


@pytest.mark.parametrize(
    ("price", "gate"),
    [
        pytest.param("100049", None, id="4.9 bp above"),
        pytest.param("100050", None, id="5 bp above"),
        pytest.param("100051", "spot sources disagree", id="5.1 bp above"),
        pytest.param("99951", None, id="4.9 bp below"),
        pytest.param("99949", "spot sources disagree", id="5.1 bp below"),
    ],
)
def test_the_sources_agree_within_five_basis_points(price: str, gate: str | None) -> None:
    made = model({})
    now_ns = OPENS_NS + 60 * S
    made.hear(tick(now_ns, Decimal(price), feed=EXCHANGE))

    assert made.closed_gate(RULE, now_ns) == gate


def test_two_exchanges_must_agree_with_each_other() -> None:
    made = model({})
    now_ns = OPENS_NS + 60 * S
    made.hear(tick(now_ns, 100_040, feed=EXCHANGE))
    made.hear(tick(now_ns, 99_960, feed="coinbase:BTC"))  # each within 4 bp of the feed, 8 bp apart

    assert made.closed_gate(RULE, now_ns) == "spot sources disagree"


def test_another_asset_does_not_count() -> None:
    made = model({})
    now_ns = OPENS_NS + 60 * S
    ether = tick(now_ns, STRIKE, feed="binance:ETH")
    made.hear(type(ether)(time_ns=now_ns, feed="binance:ETH", asset="ETH", price=Decimal(3_000)))

    assert made.closed_gate(RULE, now_ns) == "no fresh spot source"


@pytest.mark.parametrize(("silent_ns", "has_gap"), [(5 * S - 1, False), (5 * S, False), (5 * S + 1, True)])
def test_five_seconds_of_silence_are_no_gap(silent_ns: int, has_gap: bool) -> None:
    assert model({}).has_gap(RULE, OPENS_NS + 60 * S + silent_ns) is has_gap
