"""Buys of the copy trader: gates that are final, books that are waited for, caps, and the venue's answers."""

from decimal import Decimal

import msgspec
import pytest

from domain.messages import FillReceived, OrderChanged, Settlement
from tests.strategies.copying.floor import OTHER, Floor
from tests.support.trading import CLOSES_NS, MARKET, NOW_NS, S, d, fill_of, order


def test_a_closed_gate_is_final() -> None:
    floor = Floor()
    floor.show("0.53x100", "0.54x1000")
    floor.trade("BUY 200 UP 0.50")

    floor.wait(1)
    floor.show("0.49x1000", "0.50x1000")

    assert not floor.intents
    assert floor.gates == ["ask too far above the target's price"]
    assert (floor.latest.outcome, floor.latest.reason) == ("skipped", "ask too far above the target's price")


def test_a_proper_book_is_waited_for() -> None:
    floor = Floor()
    floor.trade("BUY 200 UP 0.50")
    assert (floor.latest.outcome, floor.latest.reason) == ("waiting", "no book")

    floor.wait(5)
    floor.show()

    assert floor.latest.outcome == "copied"
    assert floor.gates == ["no book"]


def test_waiting_ends_when_the_trade_is_too_old() -> None:
    floor = Floor()
    floor.show()
    floor.view.time_ns += 3 * S
    floor.trade("BUY 200 UP 0.50")

    floor.wait(61)
    floor.show()

    assert not floor.intents
    assert floor.gates == ["book too old", "trade too old"]
    assert floor.latest.reason == "trade too old after waiting: book too old"


def test_a_denied_buy_is_asked_for_again_under_its_key_until_it_is_too_old() -> None:
    floor = Floor()
    floor.denies = True
    floor.show()
    floor.trade("BUY 200 UP 0.50")

    for _ in range(70):
        floor.wait(1)
        floor.show()

    assert len({i.signal_key for i in floor.intents}) == 1
    assert 50 < len(floor.intents) < 130
    assert (floor.latest.outcome, floor.latest.reason) == (
        "failed",
        "no order came of it, see denials; now: trade too old",
    )


def test_a_denied_buy_that_is_accepted_later_is_bought_once() -> None:
    floor = Floor()
    floor.denies = True
    floor.show()
    floor.trade("BUY 200 UP 0.50")
    floor.denies = False

    for _ in range(5):
        floor.wait(1)
        floor.show()

    assert floor.held() == 20
    assert floor.latest.outcome == "copied"


@pytest.mark.parametrize(
    ("part", "outcome", "reason"),
    [
        ("0", "failed", "no orders found to match"),
        ("0.5", "copied", "10 of 20 bought: no orders found to match"),
    ],
)
def test_a_buy_is_not_repeated_whatever_it_got(part: str, outcome: str, reason: str) -> None:
    floor = Floor()
    floor.part = d(part)
    floor.show()

    floor.trade("BUY 200 UP 0.50")
    floor.wait(3)

    assert len(floor.intents) == 1
    assert (floor.latest.outcome, floor.latest.reason) == (outcome, reason)


def test_a_buy_that_does_not_settle_has_failed() -> None:
    floor = Floor()
    floor.copied()

    failed = fill_of(order("BUY 20 UP 0.51"), "20")
    event = FillReceived(time_ns=floor.view.time_ns, fill=failed, settlement=Settlement.FAILED)
    floor.take(floor.strategy.on_fill(event, floor.view))

    assert (floor.latest.outcome, floor.latest.our_quantity) == ("failed", None)


def test_an_outcome_is_bought_three_times_at_most() -> None:
    floor = Floor(position_max=d(1000))

    for _ in range(4):
        floor.wait(1)
        floor.show()
        floor.trade("BUY 200 UP 0.50")

    assert len(floor.intents) == 3
    assert floor.gates == ["buys of the outcome used up"]


def test_a_second_buy_of_an_outcome_waits_for_the_end_of_the_first() -> None:
    floor = Floor()
    floor.denies = True
    floor.show()
    floor.trade("BUY 200 UP 0.50")

    floor.trade("BUY 200 UP 0.50")

    assert len(floor.intents) == 1
    assert floor.latest.reason == "order working"


@pytest.mark.parametrize(
    ("cap", "amount", "shares", "gate"),
    [
        ("order_max", "5.40", 10, None),  # 10 at 0.51 and 0.0175 of fee are 5.275
        ("order_max", "2.6", 0, "order cap"),  # 5 shares are 2.6375
        ("position_max", "5.40", 10, None),
        ("position_max", "2.6", 0, "position cap"),
        ("target_max", "5.40", 10, None),
        ("target_max", "2.6", 0, "target cap"),
        ("day_max", "5.40", 10, None),
        ("day_max", "2.6", 0, "day cap"),
    ],
)
def test_a_cap_cuts_an_order_or_closes_its_gate(cap: str, amount: str, shares: int, gate: str | None) -> None:
    floor = Floor(**{cap: d(amount)})
    floor.show()

    floor.trade("BUY 200 UP 0.50")

    assert floor.held() == shares
    assert floor.gates == ([gate] if gate else [])


def test_the_day_cap_counts_what_was_sold_again_and_ends_with_the_day() -> None:
    floor = Floor(day_max=d(12))
    floor.copied()
    floor.wait(1)
    floor.show()
    floor.trade("SELL 200 UP 0.50")
    assert floor.held() == 0
    floor.wait(1)
    floor.show()
    floor.trade("BUY 200 UP 0.50")
    assert floor.gates == ["day cap"]

    floor.view.time_ns = NOW_NS + 12 * 3600 * S  # midnight
    later = msgspec.structs.replace(floor.view.markets[MARKET], closes_ns=CLOSES_NS + 86_400 * S)
    floor.view.markets[MARKET] = later
    floor.show()
    floor.trade("BUY 200 UP 0.50")

    assert floor.held() == 20


def test_remainders_below_the_minimum_add_up() -> None:
    floor = Floor(sizing="percent_of_trade", trade_share=d("0.02"))
    floor.show()

    for _ in range(2):
        floor.trade("BUY 100 UP 0.50")  # 1.00 pUSD each; the least is 5 × 0.51 = 2.55
    assert floor.latest.reason == "below the minimum: 2.00 pUSD are kept for the next"
    floor.trade("BUY 100 UP 0.50")

    assert floor.held() == 5
    assert floor.gates == ["below the minimum"] * 2


def test_a_small_copy_is_rounded_up_on_demand() -> None:
    floor = Floor(sizing="percent_of_trade", trade_share=d("0.02"), round_up_to_minimum=True)
    floor.show()

    floor.trade("BUY 100 UP 0.50")

    assert floor.held() == 5


def test_the_limit_follows_an_ask_that_has_fallen() -> None:
    floor = Floor()
    floor.show("0.40x1000", "0.41x1000")

    floor.trade("BUY 200 UP 0.50")

    assert floor.intents[0].price == d("0.42")


def test_a_late_fill_corrects_the_receipt() -> None:
    floor = Floor()
    floor.part = Decimal(0)
    floor.show()
    floor.trade("BUY 200 UP 0.50")
    assert floor.latest.outcome == "failed"

    late = fill_of(order("BUY 20 UP 0.51"), "20")
    event = FillReceived(time_ns=floor.view.time_ns, fill=late, settlement=Settlement.PENDING)
    floor.take(floor.strategy.on_fill(event, floor.view))

    assert (floor.latest.outcome, floor.latest.our_quantity) == ("copied", d(20))


def test_while_a_buy_is_at_the_venue_it_is_not_asked_for_again() -> None:
    floor = Floor()
    floor.is_slow = True
    floor.show()
    floor.trade("BUY 200 UP 0.50")

    for _ in range(20):
        floor.wait(1)
        floor.show()

    assert len(floor.intents) == 1


def test_a_buy_that_is_known_to_exist_is_waited_for_though_it_is_not_listed_any_more() -> None:
    floor = Floor()
    floor.is_slow = True
    floor.show()
    floor.trade("BUY 200 UP 0.50")
    acknowledged = OrderChanged(time_ns=floor.view.time_ns, order=floor.view.working.pop())
    floor.take(floor.strategy.on_order(acknowledged, floor.view))

    for _ in range(70):
        floor.wait(1)
        floor.show()

    assert len(floor.intents) == 1
    assert floor.latest.outcome == "waiting"


@pytest.mark.parametrize("cap", ["target_max", "day_max"])
def test_a_buy_that_is_not_answered_yet_counts_against_the_caps(cap: str) -> None:
    floor = Floor(**{cap: d("12")})  # the first may cost 10.55
    floor.is_slow = True
    floor.show()
    other = floor.list_another()
    floor.trade("BUY 200 UP 0.50")

    floor.trade("BUY 200 UP 0.50", market_id=OTHER, instrument_id=other)

    assert len(floor.intents) == 1
    assert floor.gates == [cap.replace("_max", " cap")]


def test_one_position_more_than_allowed_is_not_opened() -> None:
    floor = Floor(target_open_max=1)
    floor.copied()
    other = floor.list_another()

    floor.trade("BUY 200 UP 0.50", market_id=OTHER, instrument_id=other)
    floor.trade("BUY 200 UP 0.50")

    assert floor.gates == ["too many positions of the target"]
    assert floor.held() == 40


def test_what_was_carried_falls_when_the_target_sells() -> None:
    floor = Floor(sizing="percent_of_trade", trade_share=d("0.02"))
    floor.show()
    for _ in range(2):
        floor.trade("BUY 100 UP 0.50")  # 2.00 pUSD are carried

    floor.trade("SELL 100 UP 0.50")  # half of it is left
    floor.trade("BUY 100 UP 0.50")

    assert floor.latest.reason == "below the minimum: 2.00 pUSD are kept for the next"
