"""Which mode looks at a market, what the record of its category forbids, and what the sniper learns."""

import msgspec
import pytest

from domain.errors import ConfigurationError
from domain.messages import RedeemIntent
from domain.order import Intent, OrderStatus, TimeInForce
from strategies.base_strategy import Holding
from strategies.loader import build, describe, load
from strategies.sniper import Sniper
from strategies.sniping.calibration import Tally, Verdict, calibrate
from strategies.sniping.shipped_calibration import SHIPPED
from tests.strategies.sniping.scene import (
    OPENS_NS,
    Scene,
    gates,
    order_of,
    the_order,
    tick,
    up_down_market,
)
from tests.support.trading import DOWN, UP, S, d, market

NEAR_CERTAIN = ("0.95x500", "0.96x500")
"""A book that the event mode takes."""


def scene(*, makes: bool = False, **parameters: object) -> Scene:
    """A hundred seconds before the end; UP is worth 0.97."""
    return Scene(parameters={"makes": makes, **parameters})


# --- which mode -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "hears", "key"),
    [
        pytest.param("auto", False, "m:UP:0", id="auto, no feed: event"),
        pytest.param("event", True, "m:UP:0", id="event, whatever is heard"),
        pytest.param("auto", True, None, id="auto, the feed is heard: crypto, which finds 0.96 too dear"),
        pytest.param("crypto", True, None, id="crypto"),
    ],
)
def test_the_mode_follows_the_parameter_and_the_feed(mode: str, hears: bool, key: str | None) -> None:
    looked = scene(mode=mode)
    if hears:
        looked.hear()

    wishes = looked.look(*NEAR_CERTAIN)

    assert [wish.signal_key for wish in wishes if isinstance(wish, Intent)] == ([key] if key else [])
    assert gates(wishes) == ([] if key else ["edge too small"])


def test_a_feed_that_fell_silent_does_not_bring_the_event_mode_back() -> None:
    looked = scene().hear(silent_ns=100 * S)

    assert gates(looked.look(*NEAR_CERTAIN)) == ["stale settlement feed"]


def test_an_exchange_alone_is_not_the_settlement_feed() -> None:
    looked = scene()
    looked.say(tick(looked.now_ns, 100_000, feed="binance:BTC"))

    assert the_order(looked.look(*NEAR_CERTAIN)).signal_key == "m:UP:0"


def test_the_crypto_mode_alone_leaves_other_markets_out() -> None:
    silent, other = scene(mode="crypto"), scene(mode="crypto")
    other.view.listed = market()

    assert gates(silent.look(*NEAR_CERTAIN)) == ["no settlement feed"]
    assert gates(other.look(*NEAR_CERTAIN)) == ["not an up/down market"]


def test_before_the_opening_and_at_a_reference_nothing_is_looked_at() -> None:
    early, reference = scene(), scene()
    early.now_ns = OPENS_NS - 1
    reference.view.listed = msgspec.structs.replace(up_down_market(), is_reference=True)

    assert early.look(*NEAR_CERTAIN) == []
    assert reference.look(*NEAR_CERTAIN) == []


def test_an_outcome_that_is_neither_up_nor_down_has_no_value() -> None:
    looked = scene().hear()
    assert looked.view.listed is not None
    tokens = [msgspec.structs.replace(t, outcome=f"{t.outcome}?") for t in looked.view.listed.instruments]
    looked.view.listed = msgspec.structs.replace(looked.view.listed, instruments=tuple(tokens))

    assert gates(looked.look()) == ["unknown outcome"]


# --- parameters -----------------------------------------------------------------------------------------


def test_the_file_of_the_strategy_is_found_with_all_parameters() -> None:
    described = describe(load("sniper", {}))

    assert described["mode"] == "auto"
    assert described["edge_min_crypto"] == "0.02"
    assert (described["makes"], described["uncalibrated_ok"]) == ("True", "False")
    assert described["ask_min"] == "0.95"


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        pytest.param({"mode": "both"}, "mode = 'both' is not a Mode", id="mode"),
        pytest.param({"ask_min": d("0.99")}, "ask_min = 0.99 is above ask_max", id="band of asks"),
        pytest.param(
            {"price_min_crypto": d("0.99")}, "price_min_crypto = 0.99 is above", id="band of prices"
        ),
        pytest.param({"seconds_left_min_crypto": 121}, "is above seconds_left_max_crypto", id="moments"),
        pytest.param({"market_share_max": d("0.2")}, "market_share_max <= event_share_max", id="shares"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(parameters: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        build(Sniper, parameters)


# --- the record of a category ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "uncalibrated_ok", "gate"),
    [
        pytest.param("crypto", False, None, id="calibrated"),
        pytest.param("politics", False, "category not calibrated", id="unknown"),
        pytest.param("politics", True, None, id="unknown, and allowed"),
        pytest.param("esports", False, "category overpriced", id="overpriced"),
        pytest.param("esports", True, "category overpriced", id="overpriced stays closed"),
    ],
)
@pytest.mark.parametrize("mode", ["event", "crypto"])
def test_a_category_must_be_calibrated(
    mode: str, category: str, uncalibrated_ok: bool, gate: str | None
) -> None:
    looked = scene(mode=mode, uncalibrated_ok=uncalibrated_ok, edge_min_crypto=d("-0.05")).hear()
    looked.view.listed = up_down_market(category=category)

    wishes = looked.look(*NEAR_CERTAIN)

    assert gates(wishes) == ([gate] if gate else [])
    assert gate or the_order(wishes).time_in_force is TimeInForce.FAK


def test_a_closed_category_is_named_once_for_both_branches() -> None:
    looked = Scene(left_s="150", parameters={"seconds_left_max_crypto": 200}).hear()
    looked.view.listed = up_down_market(category="politics")

    assert gates(looked.look()) == ["category not calibrated"]


@pytest.mark.parametrize(("from_table", "gate"), [(False, None), (True, "edge too small")])
def test_the_upper_side_of_the_losses_is_used_where_asked_for(from_table: bool, gate: str | None) -> None:
    looked = scene(mode="event", losses_from_table=from_table)

    # 0.96 costs 4 cents less 0.27 of fee: λ = 2 % leaves 1.8 cents, the table's 6.6 % a loss
    assert gates(looked.look(*NEAR_CERTAIN)) == ([gate] if gate else [])


# --- own outcomes ---------------------------------------------------------------------------------------


def bought(category: str = "politics") -> Scene:
    """A sniper that ordered UP in the event mode, and holds ten shares at 0.96."""
    looked = scene(mode="event", uncalibrated_ok=True)
    looked.view.listed = up_down_market(category=category)
    order = order_of(the_order(looked.look(*NEAR_CERTAIN)))
    looked.view.working = [order]
    looked.end(order, OrderStatus.FILLED)
    looked.view.held = {UP: Holding(d(10), d(10), d("9.60"))}
    return looked


@pytest.mark.parametrize(("payouts", "won"), [({"UP": "1", "DOWN": "0"}, 1), ({"UP": "0", "DOWN": "1"}, 0)])
def test_own_purchases_are_outcomes_too(payouts: dict[str, str], won: int) -> None:
    looked = bought()

    wishes = looked.resolve(**payouts)

    assert wishes == [RedeemIntent(instrument_id=UP)]
    (own,) = looked.sniper._record.own
    assert own == Tally("politics", d("0.95"), d("1.00"), n=1, won=won, paid=d("0.96"))
    assert [cell.verdict for cell in looked.sniper.calibration if cell.tally.category == "politics"] == [
        Verdict.INSUFFICIENT
    ]


def test_own_outcomes_are_added_to_the_shipped_ones() -> None:
    looked = bought("crypto")

    looked.resolve(UP="1", DOWN="0")

    (cell,) = [
        c for c in looked.sniper.calibration if (c.tally.category, c.tally.low) == ("crypto", d("0.95"))
    ]
    assert (cell.tally.n, cell.tally.won) == (83, 82)  # 82 and 81 are shipped


@pytest.mark.parametrize(
    "payouts", [pytest.param({"UP": "0.5", "DOWN": "0.5"}, id="split"), pytest.param({}, id="nothing paid")]
)
def test_a_market_without_a_winner_is_left_out(payouts: dict[str, str]) -> None:
    looked = bought()

    looked.resolve(**payouts)

    assert looked.sniper._record.own == ()


def test_a_market_in_which_nothing_is_held_is_left_out() -> None:
    looked = bought()
    looked.view.held = {}

    assert looked.resolve(UP="1", DOWN="0") == []
    assert looked.sniper.calibration == calibrate(SHIPPED)


def test_enough_own_losses_close_a_category() -> None:
    looked = bought("crypto")
    record = looked.sniper._record
    record.own = (Tally("crypto", d("0.95"), d("1.00"), n=20, won=10, paid=d("19.20")),)

    looked.resolve(UP="0", DOWN="1")  # 91 of 103 won; up to 93.3 % are plausible, 96.6 % were paid

    looked.view.listed = up_down_market()
    looked.view.held = {}
    assert gates(looked.look(*NEAR_CERTAIN)) == ["category overpriced"]


def test_what_is_known_of_a_market_goes_with_it() -> None:
    looked = Scene(parameters={}).hear()
    looked.view.working = [order_of(the_order(looked.look()))]

    looked.resolve(UP="1", DOWN="0")

    crypto = looked.sniper._crypto
    assert (crypto.model._strikes, crypto._fair_when_placed) == ({}, {})
    assert looked.sniper._record._categories == {}
    assert looked.look(of=DOWN) == []
