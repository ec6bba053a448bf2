"""The engine: price first, then time; direct, minting and merging matches; amounts that always add up."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.polymarket.exchange import Placed
from simulator.polymarket.markets import SimMarket
from simulator.polymarket.orders import BUY, SELL
from simulator.polymarket.refusals import FAK_KILLED, FOK_KILLED, Refusal
from simulator.polymarket.venue import Venue
from tests.simulator.polymarket.traders import DOLLAR, SECOND, Order, Trader, market_in, quote, venue_with

CASH = ""


def scene(*, traders: int = 2, **switches: Any) -> tuple[Venue, SimMarket, list[Trader]]:
    venue = venue_with(**switches)
    market = market_in(venue)
    return venue, market, [Trader(venue, number=number + 1) for number in range(traders)]


def prices(placed: Placed) -> list[tuple[int, int]]:
    return [(trade.price, trade.shares // DOLLAR) for trade in placed.trades]


def test_the_better_price_is_taken_first_whoever_came_first() -> None:
    venue, market, (early, late) = scene()
    taker = Trader(venue, number=9)
    for maker in (early, late):
        maker.give(market.token_ids[0], 10)
    early.placed(Order(market.token_ids[0], side="SELL", price="0.55"))
    late.placed(Order(market.token_ids[0], side="SELL", price="0.50"))

    placed = taker.placed(Order(market.token_ids[0], price="0.60", size="15"))

    assert prices(placed) == [(5_000, 10), (5_500, 5)]


def test_at_one_price_the_earlier_order_is_taken_first() -> None:
    venue, market, (early, late) = scene()
    taker = Trader(venue, number=9)
    for maker in (early, late):
        maker.give(market.token_ids[0], 10)
        maker.placed(Order(market.token_ids[0], side="SELL"))

    placed = taker.placed(Order(market.token_ids[0], size="15"))

    assert prices(placed) == [(5_000, 15)]  # one trade, two makers
    shares = [(fill.maker.maker, fill.shares // DOLLAR) for fill in placed.trades[0].makers]
    assert shares == [(early.address, 10), (late.address, 5)]


def test_the_taker_gets_the_makers_price() -> None:
    venue, market, (maker, taker) = scene()
    maker.give(market.token_ids[0], 10)
    maker.placed(Order(market.token_ids[0], side="SELL", price="0.40"))

    placed = taker.placed(Order(market.token_ids[0], price="0.60"))
    venue.advance(10 * SECOND)

    assert placed.value == 4 * DOLLAR  # 10 × 0.40
    assert taker.wallet.balances[CASH] == 996 * DOLLAR
    assert maker.wallet.balances[CASH] == 1_004 * DOLLAR


def test_two_buyers_of_different_outcomes_mint_shares() -> None:
    venue, market, (yes, no) = scene()
    yes.placed(Order(market.token_ids[0], price="0.60"))

    placed = no.placed(Order(market.token_ids[1], price="0.45"))
    venue.advance(10 * SECOND)

    assert prices(placed) == [(4_000, 10)]  # 1 − 0.60: better than the limit of 0.45
    assert yes.wallet.balances[market.token_ids[0]] == 10 * DOLLAR
    assert no.wallet.balances[market.token_ids[1]] == 10 * DOLLAR
    assert (yes.wallet.balances[CASH], no.wallet.balances[CASH]) == (994 * DOLLAR, 996 * DOLLAR)
    assert venue.state.locked[market.condition_id] == 10 * DOLLAR


def test_two_sellers_of_different_outcomes_merge_shares() -> None:
    venue, market, (yes, no) = scene()
    venue.life.split(yes.wallet, market, 10 * DOLLAR)
    no.wallet.balances[market.token_ids[1]] = yes.wallet.balances.pop(market.token_ids[1])
    yes.placed(Order(market.token_ids[0], side="SELL", price="0.55"))

    placed = no.placed(Order(market.token_ids[1], side="SELL", price="0.40"))
    venue.advance(10 * SECOND)

    assert prices(placed) == [(4_500, 10)]  # 1 − 0.55
    assert (yes.wallet.balances[CASH], no.wallet.balances[CASH]) == (995_500_000, 1_004_500_000)
    assert venue.state.locked[market.condition_id] == 0


def test_prices_that_do_not_reach_each_other_rest() -> None:
    venue, market, (yes, no) = scene()

    first = yes.placed(Order(market.token_ids[0], price="0.50"))
    second = no.placed(Order(market.token_ids[1], price="0.49"))

    assert (first.status, second.status) == ("live", "live")
    assert venue.state.book_of(market.condition_id).best_of(0) == (5_000, 5_100)
    assert venue.state.book_of(market.condition_id).best_of(1) == (4_900, 5_000)


def test_what_a_limit_order_does_not_match_rests() -> None:
    venue, market, (_, taker) = scene()
    quote(venue, market, ask="0.50", shares=6)

    placed = taker.placed(Order(market.token_ids[0]))

    assert (placed.status, placed.shares) == ("matched", 6 * DOLLAR)
    assert placed.order.status == "LIVE"
    assert venue.state.book_of(market.condition_id).bids.levels() == [(5_000, 4 * DOLLAR)]


def test_a_fok_is_filled_wholly_or_killed() -> None:
    venue, market, (taker, _) = scene()
    quote(venue, market, ask="0.50", shares=9)

    killed = taker.post(Order(market.token_ids[0], kind="FOK"))
    quote(venue, market, ask="0.50", shares=10)
    filled = taker.placed(Order(market.token_ids[0], kind="FOK"))

    assert killed == FOK_KILLED
    assert filled.shares == 10 * DOLLAR
    assert taker.wallet.promised[CASH] == 0


def test_a_fak_takes_what_is_there_and_is_gone() -> None:
    venue, market, (taker, _) = scene()

    killed = taker.post(Order(market.token_ids[0], kind="FAK"))
    quote(venue, market, ask="0.50", shares=4)
    partly = taker.placed(Order(market.token_ids[0], kind="FAK"))

    assert killed == FAK_KILLED
    assert partly.shares == 4 * DOLLAR
    assert not venue.state.open_orders.get(partly.order.id)
    assert taker.wallet.promised[CASH] == 0


def test_a_killed_order_is_remembered_with_its_reason() -> None:
    venue, market, (taker, _) = scene()

    taker.post(Order(market.token_ids[0], kind="FAK"))

    [order] = venue.state.orders.values()
    assert order.status == f"CANCELED_{FAK_KILLED.text}"


@pytest.mark.parametrize(
    ("spends", "shares"),
    [pytest.param(True, 25, id="its budget: 10 / 0.40"), pytest.param(False, 20, id="its shares")],
)
def test_a_market_buy_at_a_better_price_spends_its_budget(spends: bool, shares: int) -> None:
    venue, market, (taker, _) = scene(market_buys_spend_their_budget=spends)
    quote(venue, market, ask="0.40")

    placed = taker.placed(Order(market.token_ids[0], price="0.50", size="20", kind="FAK"))

    assert placed.shares == shares * DOLLAR


def test_a_market_sale_stops_at_its_shares() -> None:
    venue, market, (taker, _) = scene()
    quote(venue, market, bid="0.60")
    taker.give(market.token_ids[0], 50)

    placed = taker.placed(Order(market.token_ids[0], side="SELL", price="0.50", size="20", kind="FAK"))

    assert (placed.shares, placed.value) == (20 * DOLLAR, 12 * DOLLAR)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_wallet_matches_itself_only_where_that_is_allowed(allowed: bool) -> None:
    _, market, (trader, _) = scene(self_match_allowed=allowed)
    trader.give(market.token_ids[0], 10)
    trader.placed(Order(market.token_ids[0], side="SELL"))

    placed = trader.placed(Order(market.token_ids[0]))

    assert bool(placed.trades) is allowed


def test_a_taker_waits_where_the_market_has_a_delay() -> None:
    venue = venue_with()
    market, trader = market_in(venue, taker_delay_ms=150), Trader(venue)
    quote(venue, market, ask="0.50")

    placed = trader.placed(Order(market.token_ids[0]))
    _, refused = venue.exchange.cancel([placed.order.id], trader.key)
    during = (placed.status, placed.order.status, trader.wallet.promised[CASH])
    venue.advance(150_000_000)

    assert during == ("delayed", "DELAYED", 5 * DOLLAR)
    assert "delayed" in refused[placed.order.id]
    assert placed.order.status == "MATCHED"
    assert trader.wallet.promised[CASH] == 0


def test_a_delayed_order_rests_when_the_other_side_has_gone() -> None:
    venue = venue_with()
    market, trader = market_in(venue, taker_delay_ms=150), Trader(venue)
    quote(venue, market, ask="0.50")
    placed = trader.placed(Order(market.token_ids[0]))

    quote(venue, market, ask="0.60")
    venue.advance(150_000_000)

    assert placed.order.status == "LIVE"
    assert not placed.order.trades


def test_a_delayed_fok_is_killed_when_the_other_side_has_gone() -> None:
    venue = venue_with()
    market, trader = market_in(venue, taker_delay_ms=150), Trader(venue)
    quote(venue, market, ask="0.50")
    placed = trader.placed(Order(market.token_ids[0], kind="FOK"))

    quote(venue, market)
    venue.advance(150_000_000)

    assert placed.order.status.startswith("CANCELED_order couldn't be fully filled")


def test_a_gtd_order_ends_a_minute_early() -> None:
    venue, market, (trader, _) = scene()
    now_s = venue.state.now_ns() // SECOND
    placed = trader.placed(Order(market.token_ids[0], kind="GTD", expiration=now_s + 180))

    venue.advance(119 * SECOND)
    before = placed.order.status
    venue.advance(SECOND)

    assert (before, placed.order.status) == ("LIVE", "CANCELED_EXPIRED_ORDER")
    assert trader.wallet.promised[CASH] == 0


def test_an_order_is_cancelled_by_its_owner_only_and_once() -> None:
    venue, market, (owner, other) = scene()
    order_id = owner.placed(Order(market.token_ids[0])).order.id

    by_other = venue.exchange.cancel([order_id], other.key)
    first = venue.exchange.cancel([order_id], owner.key)
    second = venue.exchange.cancel([order_id], owner.key)

    reason = "order can't be found - already canceled or matched"
    assert by_other == ([], {order_id: reason})
    assert first == ([order_id], {})
    assert second == ([], {order_id: reason})
    assert owner.wallet.promised[CASH] == 0


def test_orders_that_lost_their_cover_are_cancelled_the_newest_first() -> None:
    venue, market, (trader, _) = scene()
    old = trader.placed(Order(market.token_ids[0], size="1000")).order  # 500
    new = trader.placed(Order(market.token_ids[0], size="900")).order  # 450

    venue.fund(trader.address, cash=-400 * DOLLAR)

    assert (old.status, new.status) == ("LIVE", "CANCELED_NOT_ENOUGH_BALANCE")


def test_the_house_leaves_from_the_end_of_the_queue() -> None:
    venue, market, (trader, _) = scene()
    quote(venue, market, bid="0.50", shares=100)
    mine = trader.placed(Order(market.token_ids[0])).order
    quote(venue, market, bid="0.50", shares=40)

    venue.house.take(market, outcome=0, side=SELL, price=5_000, shares=45 * DOLLAR)

    assert mine.matched == 5 * DOLLAR  # 40 of the house stood before it


def test_the_house_trades_with_those_its_new_levels_cross() -> None:
    venue, market, (trader, _) = scene()
    mine = trader.placed(Order(market.token_ids[0], price="0.50")).order

    quote(venue, market, bid="0.40", ask="0.45")

    assert mine.status == "MATCHED"
    assert venue.state.book_of(market.condition_id).asks.levels() == [(4_500, 90 * DOLLAR)]


def test_a_print_takes_from_the_book() -> None:
    venue, market, (trader, _) = scene()
    mine = trader.placed(Order(market.token_ids[1], price="0.30")).order

    placed = venue.house.take(market, outcome=1, side=SELL, price=3_000, shares=4 * DOLLAR)

    assert placed.shares == 4 * DOLLAR
    assert mine.matched == 4 * DOLLAR


ORDERS = st.lists(
    st.tuples(
        st.integers(0, 2),  # trader
        st.integers(0, 1),  # outcome
        st.sampled_from(["BUY", "SELL"]),
        st.integers(1, 99),  # cents
        st.integers(500, 3_000),  # hundredths of a share
        st.sampled_from(["GTC", "GTC", "FAK", "FOK"]),
    ),
    max_size=40,
)


@given(orders=ORDERS, failing=st.sampled_from(["0", "0.3"]))
def test_nothing_is_made_or_lost_whatever_is_traded(
    orders: list[tuple[int, int, str, int, int, str]], failing: str
) -> None:
    venue = venue_with(failed_rate=failing, house_uses_both_tokens=True)
    market = market_in(venue)
    traders = [Trader(venue, number=number + 1) for number in range(3)]
    for trader in traders:
        venue.life.split(trader.wallet, market, 100 * DOLLAR)

    for number, outcome, side, cents, hundredths, kind in orders:
        traders[number].post(
            Order(
                market.token_ids[outcome],
                side=side,
                price=str(Decimal(cents) / 100),
                size=str(Decimal(hundredths) / 100),
                kind=kind,
            )
        )
        best_bid, best_ask = venue.state.book_of(market.condition_id).best_of(0)
        assert best_bid is None or best_ask is None or best_bid < best_ask
    venue.advance(60 * SECOND)

    cash = sum(trader.wallet.balances[CASH] for trader in traders)
    held = [sum(trader.wallet.balances[token] for trader in traders) for token in market.token_ids]
    locked = venue.state.locked[market.condition_id]
    assert held == [locked, locked]
    assert cash + locked == 3_000 * DOLLAR
    assert not any(any(trader.wallet.leaving.values()) for trader in traders)
    assert_promises_are_those_of_open_orders(venue, traders)


def assert_promises_are_those_of_open_orders(venue: Venue, traders: list[Trader]) -> None:
    for trader in traders:
        mine = [order for order in venue.state.open_orders.values() if order.maker == trader.address]
        assert sum(trader.wallet.promised.values()) == sum(order.promised for order in mine)
        assert all(trader.wallet.available(token) >= 0 for token in trader.wallet.promised)
        assert all(order.remaining > 0 for order in mine)
        assert all(
            (order.side == BUY) == (order.promised == order.remaining * order.price // 10_000)
            or order.side == SELL
            for order in mine
        )


def test_a_refusal_leaves_nothing_behind() -> None:
    venue, market, (trader, _) = scene()

    refused = trader.post(Order(market.token_ids[0], size="4"))

    assert isinstance(refused, Refusal)
    assert not venue.state.orders
    assert not venue.state.seen
    assert not trader.wallet.promised[CASH]
