import statistics

import pytest

from backtest.generated.chance import Chance
from backtest.generated.fair_value import (
    emptiness_rank,
    probability_up,
    share_with_ask,
    variance_left_s,
)
from backtest.generated.pricing import Beliefs

PRIORS = (0.46, 0.26, 0.19, 0.09)


@pytest.mark.parametrize(
    ("left_s", "variance"),
    [
        pytest.param(0, 0, id="over"),
        pytest.param(60, 20, id="closing window begins"),  # 60 - 2 * 60 / 3 = 60 / 3
        pytest.param(300, 260, id="starts now"),  # 300 - 40
        pytest.param(360, 280, id="opening window begins"),  # 300 - 60 + 2 * 60 / 3
        pytest.param(900, 280, id="long before"),
    ],
)
def test_variance_at_the_edges_of_the_averages(left_s: int, variance: float) -> None:
    assert variance_left_s(length_s=300, left_s=left_s, window_s=60) == pytest.approx(variance)


@pytest.mark.parametrize("edge_s", [60, 300, 360])
def test_variance_has_no_jump(edge_s: int) -> None:
    before, after = (variance_left_s(length_s=300, left_s=edge_s + e, window_s=60) for e in (1e-6, -1e-6))

    assert before == pytest.approx(after, abs=1e-4)


def test_variance_agrees_with_simulated_averages() -> None:
    chance = Chance(3, "walks")
    differences = []
    for _ in range(1500):
        walk = [0.0]
        for _ in range(120):  # an opening average over 20 steps, 100 steps to the end, a closing one over 20
            walk.append(walk[-1] + chance.gauss())
        differences.append(statistics.fmean(walk[100:120]) - statistics.fmean(walk[0:20]))

    expected = variance_left_s(length_s=100, left_s=120, window_s=20)

    assert statistics.pvariance(differences) == pytest.approx(expected, rel=0.12)


def test_certainty_at_the_end_follows_the_tie_rule() -> None:
    assert probability_up(lead=0.0, deviation=0.0) == 1.0
    assert probability_up(lead=-0.1, deviation=0.0) == 0.0


@pytest.mark.parametrize(("left_s", "share"), [(20, 0.0), (60, 0.33), (120, 0.78), (500, 1.0)])
def test_share_with_ask_meets_the_measured_points(left_s: int, share: float) -> None:
    assert share_with_ask(left_s) == share


def test_emptiness_ranks_are_uniform_over_many_markets() -> None:
    chance = Chance(5, "ranks")

    ranks = [emptiness_rank(surprise=chance.gauss(), luck=chance.gauss()) for _ in range(4000)]

    assert statistics.quantiles(ranks, n=4) == pytest.approx([0.25, 0.5, 0.75], abs=0.03)


def test_a_decided_market_empties_before_an_open_one() -> None:
    assert emptiness_rank(surprise=2.5, luck=0.0) > emptiness_rank(surprise=-0.5, luck=0.0)


def test_beliefs_are_fair_halfway_and_all_but_certain_at_the_end() -> None:
    halfway, final = [], []
    for seed in range(400):
        beliefs = Beliefs(PRIORS, closes_s=3000, chance=Chance(seed, "news"))
        for second in range(0, 3001, 20):
            beliefs.step(second, interval_s=20)
            if second == 1500:
                halfway += [(p, n == beliefs.winner) for n, p in enumerate(beliefs.probabilities)]
        final.append(beliefs.probabilities[beliefs.winner])

    likely = [pair for pair in halfway if 0.4 < pair[0] < 0.9]
    price, won = (statistics.mean(column) for column in zip(*likely, strict=True))
    assert won == pytest.approx(price, abs=0.08)
    assert statistics.median(final) > 0.99
