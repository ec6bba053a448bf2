"""The copy trader as a whole: whom it follows, what it copies of his trades, and what it says about them."""

import pytest

from domain.errors import ConfigurationError
from domain.instrument import Side
from domain.messages import MarketResolved, RedeemIntent, WalletAction
from domain.order import TimeInForce
from strategies.copy_trader import CopyTrader
from strategies.loader import build
from tests.strategies.copying.floor import Floor
from tests.support.trading import DOWN, MARKET, NOW_NS, UP, S, book, d


def test_a_purchase_is_copied_with_a_receipt() -> None:
    floor = Floor()
    floor.show("0.49x1000", "0.50x1000")

    floor.view.time_ns += S
    floor.trade("BUY 200 UP 0.50", traded_ns=NOW_NS)

    [intent] = floor.intents  # 10.20 pUSD at a limit of 2 % above 0.50
    assert (intent.side, intent.quantity, intent.price) == (Side.BUY, d("20"), d("0.51"))
    assert intent.time_in_force is TimeInForce.FAK
    receipt = floor.latest
    assert (receipt.outcome, receipt.reason) == ("copied", "bought")
    assert (receipt.leader_price, receipt.leader_quantity, receipt.leader_time_ns) == (
        d("0.5"),
        d("200"),
        NOW_NS,
    )
    assert (receipt.our_price, receipt.our_quantity) == (d("0.51"), d("20"))
    assert (receipt.slippage, receipt.delay_s) == (d("0.01"), d("1"))


def test_other_wallets_are_none_of_our_business() -> None:
    floor = Floor()
    floor.show()

    floor.trade("BUY 200 UP 0.50", wallet="0xB2", name="somebody")

    assert not floor.intents
    assert not floor.receipts


def test_a_name_is_pinned_to_the_first_wallet_that_carries_it() -> None:
    floor = Floor()
    floor.show()
    floor.trade("BUY 200 UP 0.50")

    floor.trade("BUY 400 UP 0.50", wallet="0xB2")

    assert len(floor.intents) == 1
    assert floor.gates == ["name from another wallet"]


def test_the_pinned_wallet_is_followed_under_a_new_name() -> None:
    floor = Floor()
    floor.show()
    floor.trade("BUY 10 UP 0.50")

    floor.trade("BUY 200 UP 0.50", name="renamed")

    assert len(floor.intents) == 1


def test_an_address_is_no_name() -> None:
    floor = Floor(target="0xA1")
    floor.show()

    floor.trade("BUY 200 UP 0.50", wallet="0xB2", name="0xA1")
    floor.trade("BUY 200 UP 0.50", wallet="0xa1", name="anything")

    assert [r.wallet for r in floor.receipts.values()] == ["0xa1"]


def test_a_deed_that_is_reported_twice_counts_once() -> None:
    floor = Floor()
    floor.show()
    trade = floor.heard("BUY 200 UP 0.50")

    for _ in range(2):
        floor.take(floor.strategy.on_wallet_trade(trade, floor.view))

    assert len(floor.intents) == 1
    assert floor.gates == ["reported twice"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"price": d("0.499")}, id="price"),
        pytest.param({"quantity": d("200.1")}, id="quantity"),
        pytest.param({"transaction": "other"}, id="transaction"),
        pytest.param({"instrument_id": DOWN}, id="instrument"),
        pytest.param({"side": Side.SELL}, id="side"),
    ],
)
def test_what_differs_in_anything_is_another_deed(change: dict[str, object]) -> None:
    floor = Floor()
    floor.trade("BUY 200 UP 0.50", transaction="t")

    floor.trade("BUY 200 UP 0.50", **{"transaction": "t", **change})

    assert "reported twice" not in floor.gates


@pytest.mark.parametrize(
    "text", ["BUY 200 UP 1.5", "BUY 0 UP 0.50", "BUY NaN UP 0.50", "BUY 1000000000 UP 0.50", "BUY 9 UP -0.1"]
)
def test_a_report_that_cannot_be_true_is_counted(text: str) -> None:
    floor = Floor()

    floor.trade(text)

    assert floor.gates == ["report not credible"]


def test_child_fills_within_the_window_are_one_trade() -> None:
    floor = Floor(window_s=3)
    floor.show()
    floor.trade("BUY 50 UP 0.49")
    floor.trade("BUY 150 UP 0.50", transaction="t1")
    assert not floor.intents

    floor.wait(2)
    floor.show()
    assert not floor.intents
    floor.wait(1)

    assert len(floor.intents) == 1
    assert floor.latest.leader_quantity == 200
    assert floor.latest.leader_price == d("0.4975")  # (50 × 0.49 + 150 × 0.50) / 200


def test_any_later_event_closes_the_window() -> None:
    floor = Floor(window_s=3)
    floor.show()
    floor.trade("BUY 200 UP 0.50")

    floor.view.time_ns += 3 * S
    floor.view.books[UP] = book(time_ns=floor.view.time_ns, asks="0.50x1000")
    floor.show("0.49x10", "0.51x10", of=DOWN)

    assert len(floor.intents) == 1


def test_both_sides_within_a_window_are_netted() -> None:
    floor = Floor(window_s=3)
    floor.trade("BUY 300 UP 0.50")
    floor.trade("BUY 200 DOWN 0.48")

    floor.wait(2)
    floor.show()
    floor.wait(1)

    assert [r.outcome for r in floor.receipts.values()] == ["skipped", "copied"]
    assert next(iter(floor.receipts.values())).reason == "net exposure unchanged"
    assert floor.latest.leader_quantity == 100  # 300 UP less 200 complete sets


def test_buying_the_other_side_is_an_exit() -> None:
    floor = Floor()
    floor.copied()
    floor.wait(1)
    floor.show(of=UP)

    floor.trade("BUY 100 DOWN 0.50")  # half of the 200 UP is a complete set now

    assert floor.held() == 10
    assert (floor.latest.side, floor.latest.instrument_id, floor.latest.leader_price) == (
        Side.SELL,
        UP,
        d("0.5"),
    )


@pytest.mark.parametrize("action", [WalletAction.REDEEM, WalletAction.MERGE])
def test_a_redemption_or_merge_is_no_sale(action: WalletAction) -> None:
    floor = Floor()
    floor.copied()

    floor.trade("SELL 200 UP 1", action=action)
    floor.wait(3)

    assert floor.held() == 20
    assert floor.gates == [f"a {action.lower()} is no sale"]


def test_a_merge_takes_both_sides_and_leaves_the_net_exposure() -> None:
    floor = Floor()
    floor.copied()
    floor.trade("BUY 50 DOWN 0.50")  # of 200 UP 150 are left beyond complete sets
    assert floor.held() == 15
    floor.trade("SELL 50 UP 1", action=WalletAction.MERGE)

    floor.wait(1)
    floor.show()
    floor.trade("SELL 75 UP 0.50")  # half of the 150 that remain

    assert floor.held() == d("7.5")


def test_a_merge_reported_for_both_outcomes_counts_once() -> None:
    floor = Floor()
    floor.copied()
    floor.trade("BUY 100 DOWN 0.50", transaction="x")

    floor.trade("SELL 100 UP 1", action=WalletAction.MERGE, transaction="m")
    floor.trade("SELL 100 DOWN 1", action=WalletAction.MERGE, transaction="m")

    assert floor.gates.count("reported twice") == 1


def test_the_baseline_is_not_copied() -> None:
    floor = Floor()
    floor.show()

    floor.trade("BUY 200 UP 0.50", traded_ns=NOW_NS - 1)

    assert not floor.intents
    assert (floor.latest.outcome, floor.latest.reason) == ("skipped", "traded before the start")


def test_exits_of_the_baseline_are_mirrored_by_fraction_of_all_that_the_target_holds() -> None:
    floor = Floor()
    floor.trade("BUY 600 UP 0.40", traded_ns=NOW_NS - 1)
    floor.copied()
    floor.wait(1)
    floor.show()

    floor.trade("SELL 400 UP 0.50")  # of 800: half of our 20

    assert floor.held() == 10


def test_an_exit_of_the_baseline_alone_sells_nothing() -> None:
    floor = Floor()
    floor.trade("BUY 600 UP 0.40", traded_ns=NOW_NS - 1)
    floor.show()

    floor.trade("SELL 400 UP 0.50")

    assert not floor.intents
    assert floor.latest.reason == "nothing held to sell"


def test_an_unknown_market_gets_a_receipt() -> None:
    floor = Floor()

    floor.trade("BUY 200 UP 0.50", market_id="elsewhere", instrument_id="elsewhere:UP")

    assert (floor.latest.outcome, floor.latest.reason) == ("skipped", "market unknown or resolved")


def test_a_trade_that_is_heard_of_after_the_resolution_is_skipped() -> None:
    floor = Floor(window_s=3)
    floor.trade("BUY 200 UP 0.50")
    floor.resolve({UP: d(1), DOWN: d(0)})

    floor.trade("BUY 100 UP 0.99")

    assert [r.reason for r in floor.receipts.values()] == ["market resolved"] * 2


def test_what_is_held_is_redeemed() -> None:
    floor = Floor()
    floor.copied()
    floor.view.markets.clear()
    floor.view.payouts = {UP: d(1)}

    event = MarketResolved(time_ns=floor.view.time_ns, market_id=MARKET, payouts={UP: d(1)})
    yielded = list(floor.strategy.on_resolved(event, floor.view))

    assert RedeemIntent(instrument_id=UP) in yielded


def test_a_two_sided_maker_turns_red_and_is_not_bought() -> None:
    floor = Floor(verdict_trades_min=4)
    for _ in range(2):
        floor.trade("BUY 200 UP 0.49", is_maker=True)
        floor.trade("BUY 200 DOWN 0.49", is_maker=True)
    floor.intents.clear()
    floor.show()

    floor.trade("BUY 200 UP 0.50")

    assert not floor.intents
    assert floor.gates[-1] == "verdict red"
    assert floor.latest.reason.startswith("verdict red; two-sided market maker: ")
    assert floor.strategy.describe_verdict()[0] == "copyability: RED"


def test_a_red_target_is_copied_on_demand() -> None:
    floor = Floor(verdict_trades_min=4, copy_red=True)
    for _ in range(2):
        floor.trade("BUY 200 UP 0.49", is_maker=True)
        floor.trade("BUY 200 DOWN 0.49", is_maker=True)
    floor.show()

    floor.trade("BUY 200 UP 0.50")

    assert floor.intents
    assert "verdict red: two-sided" in floor.latest.reason


def test_an_amber_verdict_is_noted_and_the_copy_made() -> None:
    floor = Floor(verdict_trades_min=1)
    floor.show()

    floor.trade("BUY 200 UP 0.50", is_maker=True)

    assert floor.gates == ["verdict amber"]
    assert floor.latest.outcome == "copied"
    assert "verdict amber: 100% of its volume rested as maker" in floor.latest.reason


@pytest.mark.parametrize(("waits", "orders"), [(False, 1), (True, 0)])
def test_before_the_verdict_copies_are_made_unless_it_is_waited_for(waits: bool, orders: int) -> None:
    floor = Floor(verdict_trades_min=2, wait_for_verdict=waits)
    floor.show()

    floor.trade("BUY 200 UP 0.50")

    assert len(floor.intents) == orders
    assert ("verdict pending" in floor.gates) is waits


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"target": "  "}, "target is empty"),
        ({"sizing": "all_in"}, "there are: fixed, percent_of_trade"),
        ({"price_min": d("0.96")}, "price_min is above price_max"),
        ({"tiers": "100:1, 50:2"}, "is not a rising list"),
        ({"tiers": "100"}, "is not a rising list"),
        ({"sizing": "adaptive", "adaptive_share_min": d("0.5")}, "must hold"),
        ({"bankroll_share": d("0.04")}, "out of range"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        build(CopyTrader, parameters)
