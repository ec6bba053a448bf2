"""Terms and cover of an order: prices, sizes, amounts, expiry, balances, allowances, and the engine's mode."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from simulator.faults import ArmedFault, Fault
from simulator.polymarket.exchange import Placed
from simulator.polymarket.markets import SimMarket
from simulator.polymarket.refusals import Refusal
from simulator.polymarket.state import Mode
from simulator.polymarket.venue import Venue
from tests.simulator.polymarket.traders import (
    DOLLAR,
    NOW_NS,
    RAIN,
    SECOND,
    Body,
    Order,
    Trader,
    market_in,
    quote,
    venue_with,
)

NOW_S = NOW_NS // SECOND
Change = Callable[[Body, Body], None]


def scene(**changes: Any) -> tuple[Venue, SimMarket, Trader]:
    venue = venue_with()
    market = market_in(venue, **changes)
    return venue, market, Trader(venue)


def outer(**values: object) -> Change:
    return lambda body, _: body.update(values)


def inner(**values: object) -> Change:
    return lambda _, order: order.update(values)


def refusal_of(result: Placed | Refusal) -> tuple[int, str]:
    assert isinstance(result, Refusal), result
    return result.status, result.text


@pytest.mark.parametrize(
    ("price", "size", "money", "text"),
    [
        ("0.525", "10", "", "Price (0.525) breaks minimum tick size rule: 0.01"),
        ("1.00", "10", "", "Price (1) breaks minimum tick size rule: 0.01"),
        ("0.009", "10", "", "Price (0.009) breaks minimum tick size rule: 0.01"),
        ("0.50", "10", "5.01", "Price (0.501) breaks minimum tick size rule: 0.01"),
        ("0.50", "4", "", "Size (4) lower than the minimum: 5"),
        ("0.50", "4.99", "", "Size (4.99) lower than the minimum: 5"),
    ],
)
def test_a_resting_order_off_the_grid_or_too_small_is_refused(
    price: str, size: str, money: str, text: str
) -> None:
    _, market, trader = scene()

    status, told = refusal_of(trader.post(Order(market.token_ids[0], price=price, size=size, money=money)))

    assert status == 400
    assert told.startswith("order 0x")
    assert told.endswith(f"is invalid. {text}")


@pytest.mark.parametrize(("price", "size"), [("0.01", "5"), ("0.99", "5"), ("0.50", "5.01")])
def test_a_resting_order_at_the_edge_is_taken(price: str, size: str) -> None:
    _, market, trader = scene()

    assert trader.placed(Order(market.token_ids[0], price=price, size=size)).status == "live"


def test_a_size_of_three_decimals_is_refused() -> None:
    _, market, trader = scene()

    assert refusal_of(trader.post(Order(market.token_ids[0], size="10.001")))[1].startswith("invalid amounts")


@pytest.mark.parametrize(
    ("order", "passes"),
    [
        pytest.param(Order("", money="10", size="18.8679", price="0.53"), True, id="rounded down"),
        pytest.param(Order("", money="10", size="18.8678", price="0.53"), False, id="a tick beyond"),
        pytest.param(Order("", money="10", size="18.86792", price="0.53"), False, id="5 decimals"),
        pytest.param(Order("", money="5.2624", size="10.12", price="0.52"), False, id="4 decimals of money"),
        pytest.param(Order("", money="5.20", size="10", price="0.52"), True, id="exact"),
        pytest.param(Order("", side="SELL", size="7.77", price="0.48"), True, id="sale"),
        pytest.param(Order("", side="SELL", size="7.777", price="0.48"), False, id="sale of 3 decimals"),
    ],
)
def test_amounts_of_market_orders_have_few_decimals(order: Order, passes: bool) -> None:
    venue, market, trader = scene()
    quote(venue, market, bid="0.48", ask="0.52")
    trader.give(market.token_ids[0], 100)

    result = trader.post(structs.replace(order, token=market.token_ids[0], kind="FAK"))

    assert isinstance(result, Placed) is passes, result
    if isinstance(result, Refusal):
        assert "invalid amounts" in result.text or "tick size" in result.text


@pytest.mark.parametrize(
    ("lead_s", "kind", "passes"),
    [(60, "GTD", True), (59, "GTD", False), (600, "GTC", False), (0, "GTD", False), (0, "GTC", True)],
)
def test_an_expiration_belongs_to_gtd_and_lies_ahead(lead_s: int, kind: str, passes: bool) -> None:
    _, market, trader = scene()
    expiration = NOW_S + lead_s if lead_s else 0

    result = trader.post(Order(market.token_ids[0], kind=kind, expiration=expiration))

    assert isinstance(result, Placed) is passes
    if isinstance(result, Refusal):
        assert result.text == "invalid expiration"


def test_a_post_only_order_that_crosses_is_refused_and_one_that_rests_is_not() -> None:
    venue, market, trader = scene()
    quote(venue, market, ask="0.50")

    crossing = trader.post(Order(market.token_ids[0], price="0.50", post_only=True))
    resting = trader.post(Order(market.token_ids[0], price="0.49", post_only=True))

    assert refusal_of(crossing) == (400, "invalid post-only order: order crosses book")
    assert isinstance(resting, Placed)


def test_a_post_only_order_that_crosses_through_the_other_token_is_refused() -> None:
    venue, market, trader = scene()
    quote(venue, market, bid="0.50")  # somebody pays 0.50 for Yes, so No can be had for 0.50

    crossing = trader.post(Order(market.token_ids[1], price="0.50", post_only=True))

    assert refusal_of(crossing)[1] == "invalid post-only order: order crosses book"


@pytest.mark.parametrize(("size", "passes"), [("1.98", False), ("2", True)])
def test_a_taker_pays_a_dollar_at_least(size: str, passes: bool) -> None:
    venue, market, trader = scene()
    quote(venue, market, ask="0.50")

    result = trader.post(Order(market.token_ids[0], price="0.50", size=size, kind="FAK"))

    assert isinstance(result, Placed) is passes
    if isinstance(result, Refusal):
        assert result.text == "invalid amount for a marketable BUY order ($0.99), min size: $1"


def test_a_resting_order_may_be_worth_less_than_a_dollar() -> None:
    _, market, trader = scene()

    assert trader.placed(Order(market.token_ids[0], price="0.10", size="5")).status == "live"


def test_open_orders_use_up_the_balance() -> None:
    _, market, _ = scene()
    trader = Trader(venue_with(), cash=0)
    venue = trader.venue
    market = market_in(venue)
    trader.wallet.balances[""] = 12 * DOLLAR
    trader.placed(Order(market.token_ids[0], size="20"))  # 10 of 12

    refused = trader.post(Order(market.token_ids[0], size="5"))  # 2.50 of 2
    fitting = trader.post(Order(market.token_ids[0], price="0.40", size="5"))  # 2 of 2

    assert refusal_of(refused) == (
        400,
        "not enough balance / allowance: the balance is not enough -> balance: 12000000, "
        "sum of matched orders: 10000000, order amount: 2500000",
    )
    assert isinstance(fitting, Placed)


def test_a_sale_needs_the_shares() -> None:
    _, market, trader = scene()
    trader.give(market.token_ids[0], 9)

    refused = trader.post(Order(market.token_ids[0], side="SELL", size="10"))

    assert refusal_of(refused)[1] == (
        "not enough balance / allowance: the balance is not enough -> balance: 9000000, order amount: 10000000"
    )


def test_shares_that_are_matched_but_not_mined_cannot_be_sold() -> None:
    venue, market, trader = scene()
    quote(venue, market, bid="0.40", ask="0.50")
    trader.placed(Order(market.token_ids[0], price="0.50"))

    early = trader.post(Order(market.token_ids[0], side="SELL", price="0.40"))
    venue.advance(2 * SECOND)

    assert "balance is not enough -> balance: 0" in refusal_of(early)[1]
    assert isinstance(trader.post(Order(market.token_ids[0], side="SELL", price="0.40")), Placed)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_the_exchange_of_the_market_needs_an_allowance(side: str) -> None:
    venue, _, trader = scene()
    market = market_in(venue, RAIN, slug="neg-risk", neg_risk=True)
    trader.give(market.token_ids[0], 10)
    trader.wallet.allowances.clear()
    trader.wallet.operators.clear()

    refused = trader.post(Order(market.token_ids[0], side=side))

    assert refusal_of(refused)[1].startswith(
        "not enough balance / allowance: the allowance is not enough -> spender: "
        "0xe2222d279d744050d28e00520010520000310F59, allowance: 0, order amount: "
    )


def test_a_buyer_needs_the_fee_on_top() -> None:
    trader = Trader(venue_with(), cash=0)
    market = market_in(trader.venue, fee_rate=Decimal("0.07"))
    quote(trader.venue, market, ask="0.50")
    trader.wallet.balances[""] = 5 * DOLLAR  # the fee of 10 shares is 0.175

    refused = trader.post(Order(market.token_ids[0]))
    trader.wallet.balances[""] += 175_000

    assert refusal_of(refused)[1].endswith("order amount: 5175000")
    assert isinstance(trader.post(Order(market.token_ids[0])), Placed)


def test_a_blocked_balance_refuses_though_it_is_there() -> None:
    venue, market, trader = scene()
    venue.faults.arm(ArmedFault(fault=Fault.BLOCKED_BALANCE))

    refused = trader.post(Order(market.token_ids[0]))

    assert refusal_of(refused)[1].startswith("not enough balance / allowance")
    assert isinstance(trader.post(Order(market.token_ids[0])), Placed)


@pytest.mark.parametrize(
    ("mode", "status", "text"),
    [
        (Mode.RESTARTING, 425, "service not ready"),
        (Mode.DISABLED, 503, "Trading is currently disabled. Check polymarket.com for updates"),
        (
            Mode.CANCEL_ONLY,
            503,
            "Trading is currently cancel-only. New orders are not accepted, but cancels are allowed.",
        ),
        (Mode.POST_ONLY, 503, "post-only mode: only post-only orders and cancels are allowed"),
    ],
)
def test_a_restricted_engine_says_so(mode: Mode, status: int, text: str) -> None:
    venue, market, trader = scene()
    venue.mode.set(mode)

    assert refusal_of(trader.post(Order(market.token_ids[0]))) == (status, text)


def test_post_only_orders_pass_while_the_engine_comes_back() -> None:
    venue, market, trader = scene()
    venue.mode.restart()
    venue.advance(90 * SECOND)

    refused = trader.refused(Order(market.token_ids[0]))

    assert refused.more == {"code": "post_only_mode", "retry_after_seconds": 120}
    assert isinstance(trader.post(Order(market.token_ids[0], post_only=True)), Placed)
    venue.advance(120 * SECOND)
    assert isinstance(trader.post(Order(market.token_ids[0])), Placed)


def test_an_old_signing_time_is_refused_only_where_that_is_switched_on() -> None:
    venue, market, trader = scene()
    old = inner(timestamp=str((NOW_NS - 31 * SECOND) // 1_000_000))

    assert isinstance(trader.post(Order(market.token_ids[0]), old), Placed)
    venue.rules.change({"order_timestamp_window_s": 30})

    assert isinstance(trader.post(Order(market.token_ids[0], price="0.49"), old), Refusal)
