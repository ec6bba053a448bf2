"""Verdicts as vectors: which figures make a target green, amber or red, and what is said about it."""

import msgspec
import pytest

from strategies.copying.delayed_copy import LagResult
from strategies.copying.observed import Figures
from strategies.copying.verdict import Colour, judge, render
from tests.support.trading import d


def lag(
    lag_s: int = 2, *, profit: str = "12", closed: tuple[str, ...] = ("12",), missed: int = 0
) -> LagResult:
    return LagResult(lag_s, 20, missed, d(100), d(profit), tuple(map(d, closed)))


FINE = Figures(
    trades=40,
    markets=8,
    maker_share=d("0.1"),
    both_sides_share=d("0.05"),
    trades_per_minute=d(1),
    holding_s=d(600),
    horizon_s=d(500),
    profit=d(90),
    profit_without_best=d(30),
    lags=(lag(2), lag(10), lag(30)),
)
LOSING = lag(profit="-20", closed=("-1", "-3") * 5)
UNLUCKY = lag(profit="-20", closed=("-40", "36") * 5)


@pytest.mark.parametrize(
    ("change", "colour", "reason"),
    [
        pytest.param({}, "green", "", id="nothing against it"),
        pytest.param({"holding_s": None, "horizon_s": None, "lags": ()}, "green", "", id="little known"),
        pytest.param({"maker_share": d("0.49")}, "green", "", id="maker 49 %"),
        pytest.param({"maker_share": d("0.5")}, "amber", "50% of its volume rested", id="maker 50 %"),
        pytest.param({"both_sides_share": d("0.19")}, "green", "", id="both sides 19 %"),
        pytest.param({"both_sides_share": d("0.2")}, "amber", "20% of its shares", id="both sides 20 %"),
        pytest.param({"both_sides_share": d("0.49")}, "amber", "49% of its shares", id="both sides 49 %"),
        pytest.param({"both_sides_share": d("0.5")}, "red", "two-sided market maker", id="both sides 50 %"),
        pytest.param(
            {"maker_share": d("0.5"), "both_sides_share": d("0.2")},
            "red",
            "two-sided market maker",
            id="maker of both",
        ),
        pytest.param({"trades_per_minute": d("3.9")}, "green", "", id="3.9 a minute"),
        pytest.param({"trades_per_minute": d(4)}, "amber", "4.0 trades a minute", id="4 a minute"),
        pytest.param({"trades_per_minute": d(20)}, "red", "20.0 trades a minute", id="20 a minute"),
        pytest.param({"holding_s": d(60)}, "green", "", id="holds 60 s"),
        pytest.param({"holding_s": d(59)}, "amber", "holds for 59 s", id="holds 59 s"),
        pytest.param({"holding_s": d(14)}, "red", "holds for 14 s", id="holds 14 s"),
        pytest.param({"horizon_s": d(119)}, "amber", "trades 119 s before the end", id="horizon 119 s"),
        pytest.param({"horizon_s": d(59)}, "red", "trades 59 s before the end", id="horizon 59 s"),
        pytest.param(
            {"profit_without_best": d("-0.01")}, "amber", "without the best market", id="one lucky market"
        ),
        pytest.param({"lags": (lag(2), UNLUCKY)}, "amber", "copied late it loses so far", id="one lag loses"),
        pytest.param({"lags": (UNLUCKY, UNLUCKY)}, "amber", "copied late it loses so far", id="by chance"),
        pytest.param(
            {"lags": (LOSING, LOSING)}, "red", "loses at every lag, beyond chance", id="beyond chance"
        ),
        pytest.param(
            {"lags": (lag(2), LOSING)}, "amber", "copied late it loses so far", id="not at every lag"
        ),
        pytest.param(
            {"lags": (lag(2, missed=7),)}, "amber", "found nobody to trade with", id="missed 7 of 27"
        ),
    ],
)
def test_the_colour(change: dict[str, object], colour: str, reason: str) -> None:
    verdict = judge(msgspec.structs.replace(FINE, **change))

    assert verdict.colour is Colour(colour)
    assert reason in "; ".join(verdict.reasons)
    assert bool(verdict.reasons) is (colour != "green")


def test_a_red_verdict_gives_the_red_reasons_alone() -> None:
    verdict = judge(msgspec.structs.replace(FINE, holding_s=d(3), profit_without_best=d(-1)))

    assert verdict.reasons == ("holds for 3 s in the median: gone before a copy arrives",)


def test_people_read_every_figure() -> None:
    lines = render(judge(FINE))

    assert lines == [
        "copyability: GREEN",
        "  - nothing speaks against copying",
        "seen: 40 trades in 8 markets, 1.0 a minute",
        "maker 10%, both sides 5%, holds 600 s (median), trades 500 s before the end",
        "its profit 90.00 pUSD, without the best market 30.00",
        "copied 2 s late: +12.00 pUSD (+12.0%), 20 bought, 0 missed",
        "copied 10 s late: +12.00 pUSD (+12.0%), 20 bought, 0 missed",
        "copied 30 s late: +12.00 pUSD (+12.0%), 20 bought, 0 missed",
    ]
