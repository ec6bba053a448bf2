"""Exits of the copy trader: the target's fraction, tried again until it is sold, never more than is ours."""

import msgspec
import pytest

from domain.instrument import Side
from domain.messages import FillReceived, OrderChanged, Settlement
from domain.order import TimeInForce
from strategies.base_strategy import Holding
from tests.strategies.copying.floor import Floor
from tests.support.trading import DOWN, UP, S, d, fill_of, order


def holding(text: str, *, settled: str | None = None) -> Holding:
    return Holding(d(text), d(settled or text), d(text) / 2)


def leaving(floor: Floor, text: str = "SELL 200 UP 0.50") -> None:
    """Let the target sell, on a fresh book a second later."""
    floor.view.time_ns += S
    floor.show()
    floor.trade(text)


@pytest.mark.parametrize(
    ("sold", "held"),
    [
        ("SELL 200 UP 0.50", "0"),
        ("SELL 100 UP 0.50", "10"),
        ("SELL 100.5 UP 0.50", "9.95"),
        ("SELL 900 UP 0.50", "0"),
    ],
    ids=["all", "half", "a part, rounded down to lots", "more than was seen bought"],
)
def test_the_target_s_fraction_is_sold(sold: str, held: str) -> None:
    floor = Floor()
    floor.copied()

    leaving(floor, sold)

    assert floor.held() == d(held)
    assert (floor.latest.outcome, floor.latest.side) == ("copied", Side.SELL)
    assert floor.latest.slippage == d("0.02")  # the target got 0.50, we one tick less than the bid of 0.49


def test_a_sale_takes_what_is_bid_a_tick_below_the_best() -> None:
    floor = Floor()
    floor.copied()

    leaving(floor)

    intent = floor.intents[-1]
    assert (intent.price, intent.time_in_force) == (d("0.48"), TimeInForce.FAK)


def test_a_sale_is_copied_however_late_it_is_heard_of() -> None:
    floor = Floor()
    floor.copied()
    floor.view.time_ns += 600 * S
    floor.show()

    floor.trade("SELL 200 UP 0.50", traded_ns=floor.view.time_ns - 599 * S)

    assert floor.held() == 0


def test_part_fills_are_followed_by_attempts_under_keys_of_their_own_until_flat() -> None:
    floor = Floor()
    floor.copied()
    floor.part = d("0.5")

    leaving(floor)
    assert floor.held() == 10
    assert (floor.latest.outcome, floor.latest.reason) == ("waiting", "10 of 20 sold")
    floor.part = d(1)
    floor.wait(1)

    assert floor.held() == 0
    keys = [i.signal_key for i in floor.intents if i.side is Side.SELL]
    assert keys == ["exit:m:UP:0", "exit:m:UP:1"]
    assert (floor.latest.outcome, floor.latest.our_quantity) == ("copied", d(20))


def test_a_killed_order_is_tried_again_on_the_next_book_or_second_but_not_at_once() -> None:
    floor = Floor()
    floor.copied()
    floor.part = d(0)
    leaving(floor)
    for _ in range(5):
        floor.show()
    assert len(floor.intents) == 2

    floor.view.time_ns += S
    floor.show()
    floor.wait(1)

    assert len(floor.intents) == 4
    assert len({i.signal_key for i in floor.intents}) == 4


def test_a_denied_sale_keeps_its_key_and_is_asked_for_ever_more_rarely() -> None:
    floor = Floor()
    floor.copied()
    floor.denies = True
    leaving(floor)

    floor.wait(30)

    sales = [i for i in floor.intents if i.side is Side.SELL]
    assert {i.signal_key for i in sales} == {"exit:m:UP:0"}
    assert len(sales) == 5  # at once, and 1, 3, 7, 15 s later
    floor.denies = False
    floor.wait(32)
    assert floor.held() == 0


@pytest.mark.parametrize(
    ("bids", "asks", "reason"),
    [
        ("", "0.99x10", "no bids"),
        ("0.01x10", "0.99x10", "placeholder book"),
        ("0.50x10", "0.50x10", "crossed book"),
        ("0.01x10", "", "placeholder book"),
    ],
)
def test_without_a_proper_bid_a_sale_waits_for_one(bids: str, asks: str, reason: str) -> None:
    floor = Floor()
    floor.copied()
    floor.view.time_ns += S
    floor.show(bids, asks)

    floor.trade("SELL 200 UP 0.50")
    assert (floor.latest.outcome, floor.latest.reason) == ("waiting", reason)
    assert floor.gates[-1] == reason
    floor.view.time_ns += S
    floor.show()

    assert floor.held() == 0


def test_a_stale_bid_is_good_enough_to_sell_to() -> None:
    floor = Floor()
    floor.copied()
    floor.view.time_ns += 100 * S

    floor.trade("SELL 200 UP 0.50")

    assert floor.held() == 0


def test_shares_that_are_not_settled_wait() -> None:
    floor = Floor()
    floor.settles = False
    floor.copied()

    leaving(floor)
    assert floor.latest.reason == "shares not settled"
    floor.view.holdings[UP] = holding("20")
    settled = fill_of(order("BUY 20 UP 0.50"), "20")
    floor.view.time_ns += S
    event = FillReceived(time_ns=floor.view.time_ns, fill=settled, settlement=Settlement.SETTLED)
    floor.take(floor.strategy.on_fill(event, floor.view))

    assert floor.held() == 0


def test_part_of_it_settled_is_sold_first_leaving_enough_to_be_sold_later() -> None:
    floor = Floor()
    floor.copied()
    floor.view.holdings[UP] = holding("20", settled="18")

    leaving(floor)

    assert floor.intents[-1].quantity == 15  # of 18 settled, so that 5 stay and not 2


def test_shares_of_another_strategy_are_left_alone() -> None:
    floor = Floor()
    floor.copied()
    floor.view.holdings[UP] = holding("8")  # what the view says is ours, whatever the wallet holds

    leaving(floor)

    assert floor.sold == 8


def test_a_rest_that_nobody_could_sell_goes_too() -> None:
    floor = Floor()
    floor.copied()

    leaving(floor, "SELL 160 UP 0.50")  # 16 of 20; 4 are below the minimum of 5

    assert floor.sold == 20


def test_parts_below_the_minimum_add_up() -> None:
    floor = Floor()
    floor.copied()

    leaving(floor, "SELL 40 UP 0.50")  # 4 of 20
    assert (floor.latest.outcome, floor.latest.reason) == ("waiting", "below the minimum to sell")
    leaving(floor, "SELL 40 UP 0.50")  # a quarter of the 16 that are not for sale: 4 more

    assert floor.sold == 8
    assert [r.outcome for r in floor.receipts.values()] == ["copied"] * 3


def test_a_whole_exit_after_a_part_sells_everything_once() -> None:
    floor = Floor()
    floor.copied()
    floor.part = d(0)
    leaving(floor, "SELL 100 UP 0.50")
    leaving(floor, "SELL 100 UP 0.50")
    floor.part = d(1)

    floor.wait(1)
    floor.wait(5)

    assert floor.held() == 0


def test_a_sale_that_does_not_settle_is_made_again() -> None:
    floor = Floor()
    floor.copied()
    leaving(floor)
    assert floor.latest.outcome == "copied"
    floor.view.holdings[UP] = holding("20")
    failed = fill_of(order("SELL 20 UP 0.48"), "20")
    event = FillReceived(time_ns=floor.view.time_ns, fill=failed, settlement=Settlement.FAILED)

    floor.take(floor.strategy.on_fill(event, floor.view))
    assert floor.latest.outcome == "waiting"
    floor.wait(1)

    assert floor.held() == 0
    assert (floor.latest.outcome, floor.latest.our_quantity) == ("copied", d(20))


def test_an_exit_that_the_resolution_overtakes_has_failed() -> None:
    floor = Floor()
    floor.copied()
    floor.part = d(0)
    leaving(floor)

    floor.resolve({UP: d(1), DOWN: d(0)})
    floor.wait(3)

    assert (floor.latest.outcome, floor.latest.reason) == (
        "failed",
        "0 of 20 sold before the market resolved",
    )
    assert len(floor.intents) == 2


def test_a_purchase_that_waits_is_given_up_when_the_target_sells() -> None:
    floor = Floor()
    floor.trade("BUY 200 UP 0.50")  # no book yet

    floor.trade("SELL 100 UP 0.50")
    floor.view.time_ns += S
    floor.show()

    assert not floor.intents
    assert [r.reason for r in floor.receipts.values()] == ["target sold meanwhile", "nothing held to sell"]


def test_what_a_buy_at_the_venue_still_brings_is_sold_too() -> None:
    floor = Floor()
    floor.denies = True  # the order is on its way: nothing is heard of it yet
    floor.show()
    floor.trade("BUY 200 UP 0.50")

    floor.trade("SELL 100 UP 0.50")
    floor.view.holdings[UP] = holding("20")  # it fills after all
    bought = order("BUY 20 UP 0.51", filled="20")
    bought = msgspec.structs.replace(bought, intent_id=f"s1/copy_trader/{floor.intents[0].signal_key}/0")
    fill = FillReceived(time_ns=floor.view.time_ns, fill=fill_of(bought, "20"), settlement=Settlement.PENDING)
    floor.take(floor.strategy.on_fill(fill, floor.view))
    floor.denies = False
    floor.wait(1)

    assert floor.held() == 10


def test_while_a_sale_is_at_the_venue_nothing_more_is_asked_for() -> None:
    floor = Floor()
    floor.copied()
    floor.is_slow = True
    leaving(floor)

    floor.wait(20)
    assert len(floor.intents) == 2
    floor.is_slow = False
    floor.answer(part="0.5")
    floor.wait(1)

    assert floor.held() == 0
    assert len(floor.intents) == 3


def test_an_order_that_is_known_to_exist_is_waited_for_though_it_is_not_listed_any_more() -> None:
    floor = Floor()
    floor.copied()
    floor.is_slow = True
    leaving(floor)
    acknowledged = OrderChanged(time_ns=floor.view.time_ns, order=floor.view.working.pop())
    floor.take(floor.strategy.on_order(acknowledged, floor.view))

    floor.wait(20)

    assert len(floor.intents) == 2


def test_a_buy_that_brings_nothing_leaves_nothing_to_sell() -> None:
    floor = Floor()
    floor.is_slow = True
    floor.show()
    floor.trade("BUY 200 UP 0.50")
    floor.trade("SELL 200 UP 0.50")
    assert floor.latest.outcome == "waiting"

    floor.answer(part="0")
    floor.wait(1)

    assert [r.outcome for r in floor.receipts.values()] == ["failed", "skipped"]
    assert floor.latest.reason == "nothing held to sell"
