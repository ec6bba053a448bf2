"""The sniper by price alone: each gate one unit before and one beyond its limit, and the size of what it buys."""

from decimal import Decimal

import pytest

from domain.instrument import Side
from domain.messages import MarketResolved, OrderChanged, PassedOver, RedeemIntent
from domain.order import Intent, OrderStatus, TimeInForce
from strategies.loader import load
from strategies.sniper import Sniper
from tests.strategies.fake_view import FakeView
from tests.support.room import Room
from tests.support.trading import CLOSES_NS, DOWN, MARKET, NOW_NS, UP, S, book, d, order, shown

OPEN = "open"


def sniper(**parameters: str | int | bool) -> Sniper:
    """A sniper whose other gates stand wide open."""
    wide: dict[str, object] = {
        "edge_min": "-1",
        "yearly_return_min": "-1",
        "depth_min": 0,
        "resolution_hours": 0,
    }
    loaded = load("sniper", wide | parameters)
    assert isinstance(loaded, Sniper)
    return loaded


def wish(
    given: Sniper, view: FakeView, bids: str = "0.96x1000", asks: str = "0.97x1000", *, left_ns: int = 300 * S
) -> Intent | PassedOver:
    """The one thing that it yields at a book of UP."""
    (said,) = given.on_book(shown(book(bids, asks, time_ns=CLOSES_NS - left_ns)), view)
    assert isinstance(said, Intent | PassedOver)
    return said


def gate(given: Sniper, view: FakeView, *books: str, left_ns: int = 300 * S) -> str:
    """Name of the gate that is closed, or `open`."""
    said = wish(given, view, *books, left_ns=left_ns)
    return said.gate if isinstance(said, PassedOver) else OPEN


def bought(said: Intent | PassedOver) -> Intent:
    """What is bought, where something is."""
    assert isinstance(said, Intent), said
    return said


# --- gates ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "books", "expected"),
    [
        pytest.param({"bid_min": "0.95"}, ("0.95x9", "0.97x99"), OPEN, id="bid at the band"),
        pytest.param({"bid_min": "0.95"}, ("0.94x9", "0.96x99"), "price outside the band", id="bid below it"),
        pytest.param({"ask_max": "0.97"}, ("0.96x9", "0.97x99"), OPEN, id="ask at the top"),
        pytest.param({"ask_max": "0.97"}, ("0.97x9", "0.98x99"), "price outside the band", id="ask above it"),
        pytest.param({"ask_min": "0.97"}, ("0.96x9", "0.97x99"), OPEN, id="ask at the bottom"),
        pytest.param({"ask_min": "0.97"}, ("0.95x9", "0.96x99"), "price outside the band", id="ask below it"),
        pytest.param({"spread_max": "0.01"}, ("0.96x9", "0.97x99"), OPEN, id="spread at the limit"),
        pytest.param({"spread_max": "0.01"}, ("0.95x9", "0.97x99"), "spread too wide", id="one tick wider"),
        # 10 * 0.96 + 50 * 0.97; what is dearer by more than a cent does not count
        pytest.param(
            {"depth_min": "58.1"}, ("0.95x9", "0.96x10 0.97x50 0.98x99"), OPEN, id="depth at the limit"
        ),
        pytest.param(
            {"depth_min": "58.1"}, ("0.95x9", "0.96x10 0.97x49.99"), "too little depth", id="one lot less"
        ),
        pytest.param({}, ("", "0.97x99"), "one-sided book", id="no bid"),
        pytest.param({}, ("0.96x9", ""), "one-sided book", id="no ask"),
    ],
)
def test_gates_of_the_book(parameters: dict[str, str], books: tuple[str, str], expected: str) -> None:
    assert gate(sniper(**parameters), FakeView(), *books) == expected


@pytest.mark.parametrize(
    ("parameters", "left_ns", "expected"),
    [
        pytest.param({"seconds_left_min": 10}, 10 * S + 1, OPEN, id="a moment before the last"),
        pytest.param({"seconds_left_min": 10}, 10 * S, OPEN, id="the last moment"),
        pytest.param({"seconds_left_min": 10}, 10 * S - 1, "too early or too late", id="too late"),
        pytest.param({"hours_left_max": "0.1"}, 360 * S, OPEN, id="the first moment"),
        pytest.param({"hours_left_max": "0.1"}, 360 * S + 1, "too early or too late", id="too early"),
    ],
)
def test_gates_of_time(parameters: dict[str, str], left_ns: int, expected: str) -> None:
    assert gate(sniper(**parameters), FakeView(), left_ns=left_ns) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(("0.94x9", "0.95x99"), OPEN, id="fell by 4 cents"),  # mid 0.985 to 0.945
        pytest.param(("0.93x9", "0.94x99"), "fell since the market opened", id="fell by 5 cents"),
    ],
)
def test_a_fall_from_the_highest_mid_is_news(now: tuple[str, str], expected: str) -> None:
    given, view = sniper(bid_min="0.9", ask_min="0.9", uncalibrated_ok=True), FakeView()
    wish(given, view, "0.98x9", "0.99x99", left_ns=500 * S)
    wish(given, view, "0.95x9", "0.96x99", left_ns=400 * S)

    assert gate(given, view, *now) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        pytest.param({"edge_min": "0.029999"}, OPEN, id="one unit more than is asked"),
        pytest.param({"edge_min": "0.03"}, OPEN, id="what is asked"),  # 1 - 0.97
        pytest.param({"edge_min": "0.030001"}, "edge too small", id="one unit less"),
        pytest.param(
            {"edge_min": "0.0203", "loss_probability": "0.01"}, OPEN, id="less losses"
        ),  # 0.03 - 0.0097
        pytest.param(
            {"edge_min": "0.020301", "loss_probability": "0.01"}, "edge too small", id="losses, one unit"
        ),
        # 0.97 of capital at 100 % a year for 36.5 days: 864 s and 875.76 h: 0.03 - 0.097 = -0.067
        pytest.param(
            {"edge_min": "-0.067", "capital_rate": "1", "resolution_hours": "720"}, OPEN, id="less capital"
        ),
    ],
)
def test_the_edge_counts_losses_and_capital(parameters: dict[str, str], expected: str) -> None:
    given = sniper(**({"loss_probability": "0", "capital_rate": "0"} | parameters))

    assert gate(given, FakeView(), left_ns=864 * S) == expected


def test_the_edge_counts_the_fee() -> None:
    free = {"loss_probability": "0", "capital_rate": "0"}
    view = FakeView(fee_rate="0.07")  # 0.07 * 0.97 * 0.03 = 0.002037, charged as 0.00204

    assert gate(sniper(edge_min="0.02796", **free), view) == OPEN
    assert gate(sniper(edge_min="0.027961", **free), view) == "edge too small"


def test_the_edge_of_a_year_counts_the_days_until_the_payout() -> None:
    free = {"loss_probability": "0", "capital_rate": "0", "resolution_hours": "23.76"}
    half: dict[str, str | bool] = {
        "bid_min": "0.4",
        "ask_min": "0.4",
        "uncalibrated_ok": True,
    }  # 0.5 / 0.5 * 365 / 1 day
    books = ("0.49x9", "0.50x99")

    # 0.5 / 0.5 * 365 / 1 day
    at_limit = gate(sniper(yearly_return_min="365", **free, **half), FakeView(), *books, left_ns=864 * S)
    beyond = gate(sniper(yearly_return_min="365.000001", **free, **half), FakeView(), *books, left_ns=864 * S)

    assert (at_limit, beyond) == (OPEN, "edge too small")


@pytest.mark.parametrize(
    ("category", "parameters", "expected"),
    [
        ("crypto", {}, OPEN),
        ("weather", {}, "category not calibrated"),
        ("weather", {"uncalibrated_ok": True}, OPEN),
        ("esports", {}, "category overpriced"),
        ("esports", {"uncalibrated_ok": True}, "category overpriced"),
    ],
)
def test_gates_of_the_category(category: str, parameters: dict[str, bool], expected: str) -> None:
    assert gate(sniper(**parameters), FakeView(category=category)) == expected


def test_one_order_at_a_time() -> None:
    view = FakeView()
    view.working = [order("BUY 10 UP 0.97")]

    assert gate(sniper(), view) == "order working"


@pytest.mark.parametrize(("ended", "expected"), [(1, OPEN), (2, "attempts used up"), (3, "attempts used up")])
def test_so_many_attempts_and_no_more(ended: int, expected: str) -> None:
    given, view = sniper(attempts_max=2), FakeView()

    for number in range(ended):
        gone = order("BUY 10 UP 0.97", name=f"o{number}", status=OrderStatus.CANCELLED)
        list(given.on_order(OrderChanged(time_ns=NOW_NS, order=gone), view))

    assert gate(given, view) == expected


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        pytest.param("9.69", OPEN, id="bought cheaper"),
        pytest.param("9.70", OPEN, id="bought at the same price"),  # 10 * 0.97
        pytest.param("9.71", "would average down", id="bought dearer"),
    ],
)
def test_it_never_averages_down(cost: str, expected: str) -> None:
    view = FakeView()
    view.holds(UP, "10", cost)

    assert gate(sniper(), view) == expected


def test_it_never_holds_both_sides() -> None:
    view = FakeView()
    view.holds(DOWN, "10", "0.50")

    assert gate(sniper(), view) == "holds the other side"


@pytest.mark.parametrize(
    ("bankroll", "expected"), [("242.51", OPEN), ("242.50", OPEN), ("242.49", "no budget left")]
)
def test_below_the_venues_minimum_there_is_no_budget(bankroll: str, expected: str) -> None:
    assert gate(sniper(), FakeView(bankroll=bankroll)) == expected  # 5 * 0.97 / 2 %


def test_before_the_market_opens_it_does_not_look() -> None:
    early = shown(book("0.96x9", "0.97x99", time_ns=NOW_NS - 1))

    assert list(sniper().on_book(early, FakeView())) == []


def test_an_unlisted_instrument_is_not_looked_at() -> None:
    unlisted = shown(book("0.96x9", "0.97x99", of=type(UP)("other:UP")))

    assert list(sniper().on_book(unlisted, FakeView())) == []


# --- the order ------------------------------------------------------------------------------------------


def test_all_gates_open_make_one_immediate_buy_at_the_ask() -> None:
    said = bought(wish(sniper(), FakeView()))

    assert (said.side, said.price, said.time_in_force) == (Side.BUY, d("0.97"), TimeInForce.FAK)
    assert (said.instrument_id, said.signal_key, said.post_only) == (UP, "m:UP:0", False)
    assert said.quantity == 20  # 1000 * 2 % = 20 pUSD, 20.61 shares, of which 20 cost whole cents


@pytest.mark.parametrize(
    ("committed", "shares"),
    [
        pytest.param({}, "20", id="market"),  # 20 pUSD
        pytest.param({"held": "10.5"}, "9", id="market, part used"),  # 9.50 pUSD
        pytest.param({"event": "90.3"}, "10", id="event"),  # 100 - 90.30 = 9.70
        pytest.param({"event": "90.31"}, "9", id="event, one cent less"),
        pytest.param({"all": "240.3"}, "10", id="strategy"),  # 250 - 240.30 = 9.70
        pytest.param({"all": "240.31"}, "9", id="strategy, one cent less"),
    ],
)
def test_the_smallest_of_three_budgets_counts(committed: dict[str, str], shares: str) -> None:
    view = FakeView()
    view.committed_in_event = d(committed.get("event", "0"))
    view.committed_in_all = d(committed.get("all", "0"))
    if "held" in committed:
        view.holds(UP, "20", committed["held"])

    assert bought(wish(sniper(), view)).quantity == d(shares)


def test_no_more_is_bought_than_is_offered_at_the_ask() -> None:
    said = bought(wish(sniper(), FakeView(), "0.95x9", "0.96x7.60 0.97x99"))

    assert said.quantity == d("7.50")  # at 0.96 steps of 0.25 shares cost whole cents


def test_the_budget_pays_the_largest_fee_too() -> None:
    said = bought(wish(sniper(), FakeView(fee_rate="0.07", bankroll="970"), "0.95x9", "0.96x99"))

    # 19.40 / (0.96 + 0.07 * 0.25) = 19.84
    assert said.quantity == d("19.75")


@pytest.mark.parametrize("ask", ["0.95", "0.96", "0.97", "0.98"])
@pytest.mark.parametrize("bankroll", ["250", "333.33", "1000", "12345.67"])
def test_what_it_buys_costs_whole_cents_within_the_budget(ask: str, bankroll: str) -> None:
    given, view = sniper(bid_min="0.9"), FakeView(bankroll=bankroll)

    said = bought(wish(given, view, f"{d(ask) - d('0.01')}x9", f"{ask}x100000"))

    cost = said.quantity * said.price
    assert cost % d("0.01") == 0
    assert cost <= Decimal(bankroll) * d("0.02")


# --- keys -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "key"),
    [
        (OrderStatus.REJECTED, "m:UP:1"),
        (OrderStatus.CANCELLED, "m:UP:1"),
        (OrderStatus.FILLED, "m:UP:1"),
        (OrderStatus.OPEN, "m:UP:0"),
        (OrderStatus.UNKNOWN, "m:UP:0"),
    ],
)
def test_only_an_order_that_ended_gives_the_next_one_another_key(status: OrderStatus, key: str) -> None:
    given, view = sniper(), FakeView()

    list(given.on_order(OrderChanged(time_ns=NOW_NS, order=order("BUY 10 UP 0.97", status=status)), view))

    assert bought(wish(given, view)).signal_key == key


def test_an_order_that_ends_counts_once() -> None:
    given, view = sniper(), FakeView()

    for filled in ("0", "5"):  # cancelled, then a late fill of it
        gone = order("BUY 10 UP 0.97", status=OrderStatus.CANCELLED, filled=filled)
        list(given.on_order(OrderChanged(time_ns=NOW_NS, order=gone), view))

    assert bought(wish(given, view)).signal_key == "m:UP:1"


def test_a_denied_signal_keeps_its_key_until_it_is_accepted() -> None:
    room, given = Room(cash="1000"), sniper()
    room.engine.add(given)
    event = shown(book("0.96x1000", "0.97x1000", time_ns=CLOSES_NS - 300 * S))
    room.engine.take_market(event)
    room.orders.is_draining = True
    room.keep(room.engine.step(given, event))

    room.orders.is_draining = False
    decision = room.keep(room.engine.step(given, event))

    assert (given.metrics.signals, given.metrics.denials) == (1, 1)
    assert [sent.intent_id for sent in decision.sends] == ["s1/sniper/m:UP:0/0"]


def test_what_has_won_is_redeemed() -> None:
    given, view = sniper(), FakeView()
    view.holds(UP, "10", "9.70")

    resolved = MarketResolved(time_ns=NOW_NS, market_id=MARKET, payouts={UP: d(1), DOWN: d(0)})

    assert list(given.on_resolved(resolved, view)) == [RedeemIntent(instrument_id=UP)]
