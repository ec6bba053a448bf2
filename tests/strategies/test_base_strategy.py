"""What every strategy has: parameters as fields, a life, health, and hooks that do nothing by themselves."""

from decimal import Decimal
from typing import Annotated, ClassVar

import pytest

from domain.errors import ConfigurationError
from domain.messages import FillReceived, MarketResolved, RedeemIntent, Settlement
from strategies.base_strategy import (
    BaseStrategy,
    Bounds,
    Holding,
    StrategyState,
    require,
    state,
    strategy_name,
)
from strategies.loader import build, describe
from tests.strategies.fake_view import FakeView
from tests.support.trading import DOWN, MARKET, NOW_NS, UP, S, d, fill_of, order


class Example(BaseStrategy):
    """A strategy with one parameter of each kind."""

    name: ClassVar[str] = "example"

    share: Annotated[Decimal, Bounds(0, 1)] = Decimal("0.5")
    attempts: Annotated[int, Bounds(1, 100)] = 5
    label: str = "quiet"
    is_bold: bool = False

    _seen: dict[str, int] = state(dict)

    def check(self) -> None:
        """One rule over two parameters."""
        require(
            self.label != "loud" or self.is_bold, "[strategies.example] label = loud needs is_bold; set it"
        )


def example(**parameters: object) -> Example:
    """Built as the loader builds it."""
    built = build(Example, parameters)
    assert isinstance(built, Example)
    return built


def test_parameters_have_their_defaults() -> None:
    assert describe(example()) == {"share": "0.5", "attempts": "5", "label": "quiet", "is_bold": "False"}


def test_private_state_is_no_parameter_and_is_not_shared() -> None:
    one, other = example(), example()

    one._seen["x"] = 1

    assert other._seen == {}
    with pytest.raises(ConfigurationError, match="no parameter '_seen'"):
        example(_seen={})


@pytest.mark.parametrize(
    ("share", "is_refused"),
    [
        ("-0.000001", True),
        ("0", False),
        ("0.000001", False),
        ("0.999999", False),
        ("1", False),
        ("1.000001", True),
    ],
)
def test_a_parameter_keeps_its_bounds(share: str, is_refused: bool) -> None:
    if not is_refused:
        assert example(share=d(share)).share == d(share)
        return
    with pytest.raises(
        ConfigurationError, match=r"\[strategies\.example\] share = .* is out of range; give 0 to 1"
    ):
        example(share=d(share))


@pytest.mark.parametrize("attempts", [0, 101])
def test_a_whole_number_keeps_its_bounds(attempts: int) -> None:
    with pytest.raises(ConfigurationError, match=f"attempts = {attempts} is out of range; give 1 to 100"):
        example(attempts=attempts)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_is_out_of_range(number: str) -> None:
    with pytest.raises(ConfigurationError, match="out of range"):
        example(share=d(number))


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        pytest.param("share", "half", "Decimal", id="a word for a number"),
        pytest.param("share", True, "Decimal", id="yes for a number"),
        pytest.param("share", [1], "Decimal", id="a list for a number"),
        pytest.param("attempts", "5", "int", id="text for a whole number"),
        pytest.param("attempts", d("5.5"), "int", id="a part for a whole number"),
        pytest.param("attempts", True, "int", id="yes for a whole number"),
        pytest.param("label", 5, "str", id="a number for text"),
        pytest.param("is_bold", 1, "bool", id="a number for yes"),
        pytest.param("is_bold", "yes", "bool", id="text for yes"),
    ],
)
def test_a_parameter_keeps_its_type(key: str, value: object, kind: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"\[strategies\.example\] {key} = .* is not a {kind}"):
        example(**{key: value})


@pytest.mark.parametrize("whole", [0, 1])
def test_a_whole_number_will_do_for_a_decimal(whole: int) -> None:
    share = example(share=whole).share

    assert (share, type(share)) == (Decimal(whole), Decimal)


def test_an_unknown_parameter_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="no parameter 'atempts'; close: attempts"):
        example(atempts=3)


def test_where_none_is_near_all_are_named() -> None:
    with pytest.raises(ConfigurationError, match="there are: share, attempts, label, is_bold"):
        example(zzz=3)


def test_parameters_are_checked_together() -> None:
    assert example(label="loud", is_bold=True).label == "loud"
    with pytest.raises(ConfigurationError, match="label = loud needs is_bold"):
        example(label="loud")


# --- life -----------------------------------------------------------------------------------------------


def test_a_pause_ends_with_a_resume() -> None:
    strategy = example()

    strategy.pause("lunch")
    paused = strategy.state, strategy.state_reason
    strategy.resume()

    assert paused == (StrategyState.PAUSED, "lunch")
    assert (strategy.state, strategy.state_reason) == (StrategyState.RUNNING, "")


def test_a_stop_is_for_good() -> None:
    strategy = example()
    strategy.stop("it raised")

    strategy.pause("lunch")
    strategy.resume()

    assert (strategy.state, strategy.state_reason) == (StrategyState.STOPPED, "it raised")


@pytest.mark.parametrize(
    ("last_event_ns", "idle_s"),
    [(0, "0"), (NOW_NS - 3 * S, "3"), (NOW_NS + S, "0")],
    ids=["no event yet", "three seconds ago", "an event from ahead"],
)
def test_health_says_how_long_it_has_heard_nothing(last_event_ns: int, idle_s: str) -> None:
    strategy = example()
    strategy.last_event_ns = last_event_ns

    health = strategy.health(NOW_NS)

    assert (health.state, health.events, health.idle_s) == (StrategyState.RUNNING, 0, d(idle_s))


def test_a_strategy_is_named_after_itself() -> None:
    assert strategy_name(example()) == "example"


def test_an_average_price_is_cost_per_share() -> None:
    assert Holding(d(20), d(20), d(9)).average_price == d("0.45")


# --- what it does by itself -----------------------------------------------------------------------------

RESOLVED = MarketResolved(time_ns=NOW_NS, market_id=MARKET, payouts={UP: d(1), DOWN: d(0)})


def test_what_is_held_when_a_market_resolves_is_redeemed_winner_or_not() -> None:
    view = FakeView()
    view.holds(DOWN, "10", "5")

    assert list(example().on_resolved(RESOLVED, view)) == [RedeemIntent(instrument_id=DOWN)]


@pytest.mark.parametrize(
    ("settlement", "is_resolved", "is_redeemed"),
    [
        pytest.param(Settlement.SETTLED, True, True, id="settled after the resolution"),
        pytest.param(Settlement.SETTLED, False, False, id="settled before"),
        pytest.param(Settlement.PENDING, True, False, id="not settled"),
        pytest.param(Settlement.FAILED, True, False, id="failed"),
    ],
)
def test_what_settles_late_is_redeemed_then(
    settlement: Settlement, is_resolved: bool, is_redeemed: bool
) -> None:
    view, fill = FakeView(), fill_of(order("BUY 10 UP 0.50"), "10")
    view.payouts = {UP: d(1)} if is_resolved else {}

    said = list(example().on_fill(FillReceived(time_ns=NOW_NS, fill=fill, settlement=settlement), view))

    assert said == ([RedeemIntent(instrument_id=UP)] if is_redeemed else [])
