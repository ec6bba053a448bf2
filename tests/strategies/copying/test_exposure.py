"""Net exposure: complete sets cancel out, and what is unknown is never guessed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instrument import Side
from strategies.copying.aggregation import LeaderTrade
from strategies.copying.exposure import Exposure
from tests.support.trading import DOWN, MARKET, NOW_NS, UP, d

PAIR = {UP: DOWN, DOWN: UP}


def leader(text: str) -> LeaderTrade:
    side, quantity, outcome, price = text.split()
    return LeaderTrade(
        wallet="0xA1",
        name="leader",
        market_id=MARKET,
        instrument_id={"UP": UP, "DOWN": DOWN}[outcome],
        side=Side(side),
        price=d(price),
        quantity=d(quantity),
        time_ns=NOW_NS,
    )


def changes_of(*steps: list[str]) -> list[str]:
    """What the last step changes: "SIDE quantity outcome @ price, fraction"."""
    exposure = Exposure()
    for step in steps[:-1]:
        exposure.apply([leader(text) for text in step], PAIR)
    changes = exposure.apply([leader(text) for text in steps[-1]], PAIR)
    return [
        f"{c.side} {c.quantity.normalize():f} {c.instrument_id[2:]} @ {c.price.normalize()}, {c.fraction.normalize():f}"
        for c in changes
    ]


@pytest.mark.parametrize(
    ("steps", "changes"),
    [
        pytest.param([["BUY 100 UP 0.5"]], ["BUY 100 UP @ 0.5, 0"], id="a purchase"),
        pytest.param([["BUY 100 UP 0.5"], ["SELL 25 UP 0.6"]], ["SELL 25 UP @ 0.6, 0.25"], id="a sale"),
        pytest.param(
            [["BUY 100 UP 0.5"], ["SELL 900 UP 0.6"]], ["SELL 100 UP @ 0.6, 1"], id="more than known"
        ),
        pytest.param([["SELL 100 UP 0.5"]], [], id="a sale of the unknown"),
        pytest.param([["BUY 100 UP 0.5", "BUY 100 DOWN 0.4"]], [], id="a complete set"),
        pytest.param([["BUY 100 UP 0.5", "BUY 60 DOWN 0.4"]], ["BUY 40 UP @ 0.5, 0"], id="set and a rest"),
        pytest.param([["SELL 40 UP 0.6", "BUY 100 UP 0.5"]], ["BUY 60 UP @ 0.5, 0"], id="buys come first"),
        pytest.param(
            [["BUY 100 UP 0.5"], ["BUY 50 DOWN 0.4"]], ["SELL 50 UP @ 0.6, 0.5"], id="exit by the other side"
        ),
        pytest.param(
            [["BUY 100 UP 0.5"], ["BUY 150 DOWN 0.4"]],
            ["SELL 100 UP @ 0.6, 1", "BUY 50 DOWN @ 0.4, 0"],
            id="turned round",
        ),
        pytest.param(
            [["BUY 100 UP 0.5", "BUY 100 DOWN 0.4"], ["SELL 30 UP 0.7"]],
            ["BUY 30 DOWN @ 0.3, 0"],
            id="a set opened",
        ),
    ],
)
def test_what_a_trade_changes(steps: list[list[str]], changes: list[str]) -> None:
    assert changes_of(*steps) == changes


def test_a_merge_leaves_the_net_exposure() -> None:
    exposure = Exposure()
    exposure.apply([leader("BUY 100 UP 0.5"), leader("BUY 60 DOWN 0.4")], PAIR)

    exposure.merge(d(50), (UP, DOWN))

    assert (exposure.quantity(UP), exposure.quantity(DOWN), exposure.net(UP, PAIR)) == (d(50), d(10), d(40))


def test_the_cost_falls_with_the_shares() -> None:
    exposure = Exposure()
    exposure.apply([leader("BUY 100 UP 0.5")], PAIR)
    exposure.apply([leader("SELL 25 UP 0.9")], PAIR)

    assert exposure.cost == d("37.5")
    exposure.forget([UP])
    assert exposure.cost == 0


steps = st.lists(
    st.builds(
        lambda side, quantity, outcome: leader(f"{side} {quantity} {outcome} 0.5"),
        st.sampled_from(["BUY", "SELL"]),
        st.integers(1, 500),
        st.sampled_from(["UP", "DOWN"]),
    ),
    max_size=8,
)


@given(st.lists(steps, max_size=6))
def test_changes_add_up_to_the_net_exposure(windows: list[list[LeaderTrade]]) -> None:
    exposure = Exposure()
    net = {UP: Decimal(0), DOWN: Decimal(0)}

    for window in windows:
        for change in exposure.apply(window, PAIR):
            net[change.instrument_id] += change.quantity if change.side is Side.BUY else -change.quantity
            assert 0 <= change.fraction <= 1

    assert net == {UP: exposure.net(UP, PAIR), DOWN: exposure.net(DOWN, PAIR)}
    assert not (net[UP] and net[DOWN])
