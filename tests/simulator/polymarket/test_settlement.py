"""What becomes of a match on chain, when balances move, and what the fee is."""

from decimal import Decimal
from typing import Any

import pytest

from simulator.faults import ArmedFault, Fault
from simulator.polymarket.events import Event, TradeChanged
from simulator.polymarket.markets import SimMarket
from simulator.polymarket.trades import SimTrade, TradeStatus
from simulator.polymarket.venue import Venue
from tests.simulator.polymarket.traders import DOLLAR, SECOND, Order, Trader, market_in, quote, venue_with

CASH = ""


def bought(**switches: Any) -> tuple[Venue, SimMarket, Trader, SimTrade, list[str]]:
    """Ten shares just bought for five dollars, and the statuses that are told of the trade."""
    fault = switches.pop("fault", None)
    venue = venue_with(**switches)
    market, trader = market_in(venue), Trader(venue)
    quote(venue, market, ask="0.50")
    told: list[str] = []

    def note(event: Event) -> None:
        if isinstance(event, TradeChanged):
            told.append(event.status)

    venue.state.listen(note)
    if isinstance(fault, Fault):
        venue.faults.arm(ArmedFault(fault=fault, endpoint="trade will-it-rain *"))
    [trade] = trader.placed(Order(market.token_ids[0])).trades
    return venue, market, trader, trade, told


def test_balances_move_when_the_trade_is_mined() -> None:
    venue, market, trader, _, told = bought()

    venue.advance(1_999_000_000)
    before = (
        trader.wallet.balances[CASH],
        trader.wallet.balances[market.token_ids[0]],
        trader.wallet.leaving[CASH],
    )
    venue.advance(1_000_000)
    after = dict(trader.wallet.balances)
    venue.advance(4 * SECOND)

    assert before == (1_000 * DOLLAR, 0, 5 * DOLLAR)
    assert after == {CASH: 995 * DOLLAR, market.token_ids[0]: 10 * DOLLAR}
    assert told == ["MATCHED", "MINED", "CONFIRMED"]


def test_a_failed_trade_moves_nothing_and_its_order_stays_matched() -> None:
    venue, market, trader, trade, told = bought(fault=Fault.TRADE_FAILED)

    venue.advance(60 * SECOND)

    assert told == ["MATCHED", "FAILED"]
    assert trade.is_final
    assert trader.wallet.balances[CASH] == 1_000 * DOLLAR
    assert trader.wallet.balances[market.token_ids[0]] == 0
    assert trader.wallet.leaving[CASH] == 0
    assert trade.taker.matched == 10 * DOLLAR  # a ghost fill


def test_a_retried_trade_gets_another_hash_and_is_mined() -> None:
    venue, _, trader, trade, told = bought(fault=Fault.TRADE_RETRYING)
    first = trade.hash

    venue.advance(60 * SECOND)

    assert told == ["MATCHED", "RETRYING", "MINED", "CONFIRMED"]
    assert trade.hash != first
    assert trader.wallet.balances[CASH] == 995 * DOLLAR


def test_a_stuck_trade_stays_matched() -> None:
    venue, _, trader, _, told = bought(fault=Fault.TRADE_STUCK)

    venue.advance(3_600 * SECOND)

    assert told == ["MATCHED"]
    assert trader.wallet.leaving[CASH] == 5 * DOLLAR


def test_a_trade_that_retries_again_and_again_ends() -> None:
    venue, _, _, trade, told = bought(retrying_rate="1")

    venue.advance(600 * SECOND)

    assert told == ["MATCHED", *["RETRYING"] * 3, "MINED", "CONFIRMED"]
    assert trade.status is TradeStatus.CONFIRMED


def test_a_trade_fails_when_a_wallet_no_longer_has_what_it_promised() -> None:
    venue, _, trader, _, told = bought()

    trader.wallet.balances[CASH] = 4 * DOLLAR  # withdrawn past the venue
    venue.advance(60 * SECOND)

    assert told == ["MATCHED", "FAILED"]
    assert trader.wallet.balances[CASH] == 4 * DOLLAR


def test_rates_fail_the_same_trades_in_every_run() -> None:
    def statuses() -> list[str]:
        venue = venue_with(failed_rate="0.5")
        market, trader = market_in(venue), Trader(venue)
        quote(venue, market, ask="0.50", shares=1_000)
        trades = [trader.placed(Order(market.token_ids[0])).trades[0] for _ in range(20)]
        venue.advance(60 * SECOND)
        return [trade.status for trade in trades]

    first, second = statuses(), statuses()

    assert first == second
    assert set(first) == {"CONFIRMED", "FAILED"}


@pytest.mark.parametrize(
    ("price", "size", "rate", "fee"),
    [
        ("0.64", "25", "0.07", 403_200),  # 25 × 0.07 × 0.64 × 0.36
        ("0.50", "10", "0.05", 125_000),
        ("0.97", "5", "0.07", 10_190),  # 0.010185, rounded to five decimals
        ("0.50", "10", "0", 0),
    ],
)
def test_a_taker_pays_the_fee_on_top(price: str, size: str, rate: str, fee: int) -> None:
    venue = venue_with()
    market, trader = market_in(venue, fee_rate=Decimal(rate)), Trader(venue)
    quote(venue, market, ask=price)

    placed = trader.placed(Order(market.token_ids[0], price=price, size=size))
    venue.advance(60 * SECOND)

    assert placed.trades[0].fee == fee
    assert trader.wallet.balances[CASH] == 1_000 * DOLLAR - placed.value - fee
    assert trader.wallet.balances[market.token_ids[0]] == int(size) * DOLLAR


def test_a_maker_pays_no_fee() -> None:
    venue = venue_with()
    market, trader = market_in(venue, fee_rate=Decimal("0.07")), Trader(venue)
    trader.placed(Order(market.token_ids[0]))

    venue.house.take(market, outcome=0, side=1, price=5_000, shares=10 * DOLLAR)
    venue.advance(60 * SECOND)

    assert trader.wallet.balances[CASH] == 995 * DOLLAR


def test_a_seller_pays_the_fee_out_of_the_proceeds() -> None:
    venue = venue_with()
    market, trader = market_in(venue, fee_rate=Decimal("0.07")), Trader(venue)
    trader.give(market.token_ids[0], 10)
    quote(venue, market, bid="0.50")

    trader.placed(Order(market.token_ids[0], side="SELL"))
    venue.advance(60 * SECOND)

    assert trader.wallet.balances[CASH] == 1_000 * DOLLAR + 5 * DOLLAR - 175_000


def test_a_buyers_fee_comes_out_of_the_shares_where_that_is_switched_on() -> None:
    venue = venue_with(buy_fee_in_shares=True)
    market, trader = market_in(venue, fee_rate=Decimal("0.07")), Trader(venue)
    quote(venue, market, ask="0.50")

    trader.placed(Order(market.token_ids[0]))
    venue.advance(60 * SECOND)

    assert trader.wallet.balances[CASH] == 995 * DOLLAR
    assert trader.wallet.balances[market.token_ids[0]] == 9_650_000  # 10 − 0.175 / 0.50


def test_a_wrong_fee_is_twice_the_right_one() -> None:
    venue = venue_with()
    market, trader = market_in(venue, fee_rate=Decimal("0.07")), Trader(venue)
    quote(venue, market, ask="0.50")
    venue.faults.arm(ArmedFault(fault=Fault.WRONG_FEE))

    trader.placed(Order(market.token_ids[0]))
    venue.advance(60 * SECOND)

    assert trader.wallet.balances[CASH] == 1_000 * DOLLAR - 5 * DOLLAR - 350_000
