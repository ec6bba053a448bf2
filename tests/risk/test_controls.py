"""Every control at its limit, one unit below and one above; without a limit; with numbers that are none."""

from collections.abc import Callable

import pytest

from domain.instrument import Side
from domain.messages import Cancelled
from order_manager import Denied, Placed
from risk import controls
from risk.candidate import Candidate, Verdict
from risk.controls import CONTROLS, evaluate
from tests.risk.candidates import candidate, refusal
from tests.support.trader import Trader, narrowed
from tests.support.trading import BETA, CLOSES_NS, DOWN, NOW_NS, UP, S, book, d, instrument

Control = Callable[[Candidate], Verdict]

NUMBERS = ["10", "26", "11", "15", "14", "12", "16", "17", "02", "01", "03", "06", "23", "13", "18"]


def at_time_to_close(seconds: str) -> Candidate:
    return candidate(
        limits={"time_to_close_s_min": d(seconds)},
        time_ns=CLOSES_NS - 60 * S,
        book=book(time_ns=CLOSES_NS - 60 * S),
    )


def at_age(nanoseconds: int) -> Candidate:
    return candidate(book=book(time_ns=NOW_NS - nanoseconds))


def at_quantity(quantity: str) -> Candidate:
    return candidate(f"BUY {quantity} UP 0.50", limits={"order_quantity_max": d("12.50")})


def at_least(quantity: str) -> Candidate:
    return candidate(f"BUY {quantity} UP 0.50")


def at_bid(price: str) -> Candidate:
    return candidate(f"BUY 10 UP {price}", limits={"collar_fraction": d("0.05"), "collar_ticks": 2})


def at_offer(price: str) -> Candidate:
    return candidate(f"SELL 10 UP {price}", limits={"collar_fraction": d("0.05"), "collar_ticks": 2})


def at_edge(price: str) -> Candidate:
    return candidate(f"BUY 10 UP {price}", instrument=instrument(tick_size="0.001"))


def at_exit(quantity: str) -> Candidate:
    return candidate(f"SELL {quantity} UP 0.50 FAK")


def at_resting_sale(quantity: str) -> Candidate:
    return candidate(f"SELL {quantity} UP 0.50 GTC")


def at_notional(value: str) -> Candidate:
    return candidate(limits={"order_notional_max": d("5.175")}, worst_case=d(value))


def at_sale(quantity: str) -> Candidate:
    return candidate(
        f"SELL {quantity} UP 0.50", limits={"order_notional_max": d("5")}, worst_case=d(quantity)
    )


def at_shares(after: str) -> Candidate:
    return candidate(limits={"position_quantity_max": d(100)}, exposure_after=d(after))


def at_commitment(committed: str) -> Candidate:
    return candidate(limits={"position_notional_max": d(100)}, committed=d(committed), worst_case=d("5.175"))


def at_tokens(tokens: str) -> Candidate:
    return candidate(tokens=d(tokens))


def at_unknown(orders: int) -> Candidate:
    return candidate(limits={"unknown_orders_max": 2}, unknown_orders=orders)


def at_open(orders: int) -> Candidate:
    return candidate(limits={"open_orders_max": 3}, open_orders=orders)


def at_executions(executions: int) -> Candidate:
    return candidate(limits={"executions_max": 3}, executions=executions)


def at_balance(available: str) -> Candidate:
    return candidate(available=d(available))


@pytest.mark.parametrize(
    ("control", "at", "values"),
    [
        pytest.param("26", at_time_to_close, ("59.999999", "60", "60.000001"), id="26 time to close"),
        pytest.param("15", at_unknown, (1, 2, 3), id="15 unknown orders"),
        pytest.param("17", at_age, (2 * S - 1, 2 * S, 2 * S + 1), id="17 age of the book"),
        pytest.param("02", at_quantity, ("12.49", "12.50", "12.51"), id="02 quantity"),
        pytest.param("02", at_least, ("5.01", "5", "4.99"), id="02 the venue's minimum"),
        pytest.param("02", at_resting_sale, ("5.01", "5", "4.99"), id="02 the minimum of a sale that rests"),
        pytest.param("02", at_exit, ("0.02", "0.01", "0"), id="02 the least of a sale that takes at once"),
        # 0.50 * 1.05 + 2 ticks = 0.545; 0.50 * 0.95 - 2 ticks = 0.455
        pytest.param("01", at_bid, ("0.53", "0.54", "0.55"), id="01 collar of a buy"),
        pytest.param("01", at_offer, ("0.47", "0.46", "0.45"), id="01 collar of a sale"),
        pytest.param("01", at_edge, ("0.998", "0.999", "1"), id="01 highest price"),
        pytest.param("01", at_edge, ("0.002", "0.001", "0"), id="01 lowest price"),
        pytest.param("03", at_notional, ("5.174999", "5.175", "5.175001"), id="03 notional"),
        pytest.param("03", at_sale, ("9.99", "10", "10.01"), id="03 notional of a sale"),
        pytest.param("06", at_shares, ("99.99", "100", "100.01"), id="06 shares"),
        pytest.param("06", at_shares, ("-99.99", "-100", "-100.01"), id="06 shares sold"),
        # 94.825 + 5.175 = 100
        pytest.param("06", at_commitment, ("94.824999", "94.825", "94.825001"), id="06 money"),
        pytest.param("13", at_tokens, ("1.1", "1", "0.999999"), id="13 tokens"),
        # this order would be one more
        pytest.param("14", at_open, (1, 2, 3), id="14 open orders"),
        pytest.param("12", at_executions, (1, 2, 3), id="12 executions of one line"),
        pytest.param("18", at_balance, ("5.175001", "5.175", "5.174999"), id="18 balance"),
    ],
)
def test_a_control_passes_up_to_its_limit_and_not_beyond(
    control: str, at: Callable[[object], Candidate], values: tuple[object, object, object]
) -> None:
    below, exact, above = (refusal(at(value)) for value in values)

    assert (below, exact, above) == (None, None, control)


@pytest.mark.parametrize(
    ("control", "given"),
    [
        pytest.param("26", candidate(is_draining=True), id="26 stopping"),
        pytest.param("26", candidate(instrument=None), id="26 not listed"),
        pytest.param("26", candidate(closes_ns=None), id="26 resolved"),
        pytest.param("26", candidate(allowed=frozenset({DOWN})), id="26 not on the allow list"),
        pytest.param("10", candidate(first_order_id="s1-first"), id="10 repeated"),
        pytest.param("11", candidate(order_id_is_used=True), id="11 id in use"),
        pytest.param("15", candidate(unknown_order_id="s1-lost"), id="15 same line"),
        pytest.param("17", candidate(book=None), id="17 no book"),
        pytest.param("02", candidate("BUY 10.005 UP 0.50"), id="02 half a lot"),
        pytest.param("01", candidate("BUY 10 UP 0.505"), id="01 off the tick"),
        pytest.param("01", candidate(book=book("0.49x10", "")), id="01 one-sided book"),
        pytest.param("23", candidate(crossing_order_id="s1-own"), id="23 own order"),
    ],
)
def test_a_control_refuses(control: str, given: Candidate) -> None:
    assert refusal(given) == control
    assert evaluate(given)[-1].reason


def test_an_instrument_on_the_allow_list_passes() -> None:
    assert refusal(candidate(allowed=frozenset({UP}))) is None


@pytest.mark.parametrize(
    ("limit", "control"),
    [
        ("time_to_close_s_min", "26"),
        ("unknown_orders_max", "15"),
        ("book_age_s_max", "17"),
        ("open_orders_max", "14"),
        ("executions_max", "12"),
        ("order_quantity_max", "02"),
        ("collar_fraction", "01"),
        ("collar_ticks", "01"),
        ("order_notional_max", "03"),
        ("position_quantity_max", "06"),
        ("position_notional_max", "06"),
    ],
)
def test_a_missing_limit_denies(limit: str, control: str) -> None:
    assert refusal(candidate(limits={limit: None})) == control


@pytest.mark.parametrize("quantity", ["0", "-0.01", "-10", "NaN", "Infinity", "-Infinity", "0.005"])
@pytest.mark.parametrize("side", list(Side))
def test_a_quantity_that_is_none_denies(side: Side, quantity: str) -> None:
    trader = Trader()

    assert trader.denied_by(f"{side} {quantity} UP 0.50") == "02"


@pytest.mark.parametrize("price", ["0", "-0.01", "1", "1.01", "NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("side", list(Side))
def test_a_price_that_is_none_denies(side: Side, price: str) -> None:
    trader = Trader()
    trader.bought("20")

    assert trader.denied_by(f"{side} 10 UP {price}") == "01"


@pytest.mark.parametrize("quantity", ["1e9", "1e20"])
def test_an_absurd_quantity_denies(quantity: str) -> None:
    assert Trader().denied_by(f"BUY {quantity} UP 0.50") == "02"


@pytest.mark.parametrize("quantity", ["1e27", "1e999999"])
def test_a_quantity_beyond_all_arithmetic_denies(quantity: str) -> None:
    assert Trader().denied_by(f"BUY {quantity} UP 0.50") == "02"


def test_a_signalling_nan_denies() -> None:
    assert Trader().denied_by("BUY sNaN UP 0.50") == "02"


def test_a_sale_only_reduces_risk_and_may_see_an_old_book_on_17() -> None:
    sale = candidate("SELL 10 UP 0.50", book=book(time_ns=NOW_NS - 3600 * S))

    assert controls.stale_data(sale).passed


def test_a_sale_is_not_measured_against_the_mid_of_an_old_book() -> None:
    assert refusal(candidate("SELL 10 UP 0.50", book=book(time_ns=NOW_NS - 3600 * S))) == "01"


def test_the_order_of_the_controls_is_agreed() -> None:
    passed = evaluate(candidate())

    assert [verdict.control for verdict in passed] == NUMBERS
    assert all(verdict.value and verdict.limit for verdict in passed)


def test_nothing_more_is_asked_after_a_refusal() -> None:
    verdicts = evaluate(candidate("BUY 4.99 UP 0.50", available=d(0)))

    assert [verdict.control for verdict in verdicts] == NUMBERS[: NUMBERS.index("02") + 1]


def test_a_repeat_is_answered_before_anything_else_is_asked() -> None:
    assert refusal(candidate(first_order_id="s1-first", instrument=None, available=d(0))) == "10"


@pytest.mark.parametrize("text", ["BUY 10 UP 0.50", "SELL 10 UP 0.50"])
def test_a_broken_feed_lets_neither_a_purchase_nor_a_sale_pass(text: str) -> None:
    verdict = evaluate(candidate(text, feed_break="no data for 5 s"))[-1]

    assert (verdict.control, verdict.reason) == ("17", "no data for 5 s")


def test_a_throttled_order_learns_when_it_may_come_again() -> None:
    verdict = evaluate(candidate(tokens=d(0), retry_at_ns=NOW_NS + S))[-1]

    assert verdict.reason.endswith("retry_at 2026-09-28T12:00:01.000000Z")


# --- a control that is taken out is missed ----------------------------------------------------------------

ONLY_REFUSED_BY: dict[Control, Candidate] = {
    controls.duplicate_intent: candidate(first_order_id="s1-first"),
    controls.permitted_instrument: candidate(is_draining=True),
    controls.duplicate_payload: candidate(order_id_is_used=True),
    controls.unknown_orders: at_unknown(3),
    controls.session_health: candidate(venue_denial="the dead-man switch is not armed"),
    controls.stale_data: at_age(2 * S + 1),
    controls.quantity: at_least("4.99"),
    controls.price_collar: at_bid("0.55"),
    controls.notional: at_notional("5.175001"),
    controls.position: at_shares("100.01"),
    controls.self_trade: candidate(crossing_order_id="s1-own"),
    controls.open_orders: at_open(3),
    controls.repeated_execution: at_executions(3),
    controls.throttle: at_tokens("0.99"),
    controls.balance: at_balance("5.174999"),
}


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.__name__)
def test_without_a_control_its_candidate_would_not_be_refused_by_it(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = ONLY_REFUSED_BY[control]
    before = refusal(refused)
    assert before is not None

    monkeypatch.setattr(controls, "CONTROLS", tuple(other for other in CONTROLS if other is not control))

    # An old book has no mid either, so the collar refuses what the check of its age would have.
    assert refusal(refused) == ("01" if control is controls.stale_data else None)


def test_every_control_of_this_version_is_asked() -> None:
    assert set(CONTROLS) == set(ONLY_REFUSED_BY)


# --- what the order manager measures for them -----------------------------------------------------------


def test_the_rate_counts_accepted_orders_only() -> None:
    trader = Trader(limits=narrowed(orders_per_minute=60, orders_burst=1))

    trader.denied_by("BUY 4 UP 0.50", key="too small")
    trader.accepted("BUY 10 UP 0.40", key="one")
    denied = trader.place("BUY 10 UP 0.40", key="two")
    trader.now_ns += S
    trader.show()

    assert isinstance(denied, Denied)
    assert denied.verdict.control == "13"
    assert isinstance(trader.place("BUY 10 UP 0.40", key="two"), Placed)


def test_a_position_counts_what_is_held_open_and_unknown_over_all_strategies() -> None:
    trader = Trader(limits=narrowed(position_quantity_max=d(40)))
    trader.bought("20")
    trader.opened("BUY 10 UP 0.40", key="open", strategy=BETA)

    denied = trader.denied_by("BUY 10.01 UP 0.40", key="more")  # 20 + 10 + 10.01
    trader.accepted("BUY 10 UP 0.40", key="exactly")

    assert denied == "06"


def test_orders_that_have_ended_do_not_count() -> None:
    trader = Trader(limits=narrowed(position_quantity_max=d(10)))
    ended = trader.opened("BUY 10 UP 0.40")

    trader.report(Cancelled(order_id=ended.id, reason="asked", time_ns=NOW_NS))

    trader.accepted("BUY 10 UP 0.40", key="next")


def test_open_orders_count_over_all_strategies_until_they_end() -> None:
    trader = Trader(limits=narrowed(open_orders_max=2))
    ended = trader.opened("BUY 10 UP 0.40", key="one")
    trader.accepted("BUY 10 UP 0.40", key="two", strategy=BETA)

    denied = trader.denied_by("BUY 10 UP 0.40", key="three")
    trader.report(Cancelled(order_id=ended.id, reason="asked", time_ns=NOW_NS))

    assert denied == "14"
    trader.accepted("BUY 10 UP 0.40", key="three")


def test_an_execution_counts_once_however_many_fills_it_has() -> None:
    trader = Trader(limits=narrowed(executions_max=2))
    order = trader.opened("BUY 10 UP 0.40", key="one")
    for number in range(3):
        trader.fill(order, "2", trade=f"t{number}")

    second = trader.opened("BUY 10 UP 0.40", key="two")
    trader.fill(second, "10")

    assert trader.denied_by("BUY 10 UP 0.40", key="three") == "12"
    trader.accepted("BUY 10 DOWN 0.40", key="another line")


def test_money_counts_positions_at_cost_and_what_open_buys_hold() -> None:
    trader = Trader(limits=narrowed(position_notional_max=d("15.9")), fee_rate="0")
    trader.bought("20", price="0.30")  # 6
    trader.opened("BUY 10 UP 0.40", key="open")  # 4

    denied = trader.denied_by("BUY 10.01 DOWN 0.59", key="more")  # 6 + 4 + 5.9059
    trader.accepted("BUY 10 DOWN 0.59", key="exactly")  # 6 + 4 + 5.90

    assert denied == "06"
