"""What a snapshot says of a market: best prices, crossing, and what an order would reach."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.book import Level
from domain.instrument import Side
from tests.support.trading import book, d

PRICES = st.lists(st.integers(1, 99), unique=True, max_size=8)


def test_the_first_levels_are_the_best() -> None:
    shown = book("0.49x10 0.48x20", "0.51x30 0.52x40")

    assert (shown.best_bid, shown.best_ask) == (Level(d("0.49"), d(10)), Level(d("0.51"), d(30)))
    assert (shown.mid, shown.spread) == (d("0.50"), d("0.02"))


@pytest.mark.parametrize(
    ("bids", "asks"), [("", "0.51x1"), ("0.49x1", ""), ("", "")], ids=["no bids", "no asks", "empty"]
)
def test_one_side_alone_says_nothing_of_the_value(bids: str, asks: str) -> None:
    shown = book(bids, asks)

    assert (shown.mid, shown.spread, shown.is_crossed) == (None, None, False)


@pytest.mark.parametrize(
    ("bid", "is_crossed"), [("0.49", False), ("0.50", True), ("0.51", True)], ids=["below", "equal", "above"]
)
def test_a_book_is_crossed_from_the_price_at_which_it_would_trade(bid: str, is_crossed: bool) -> None:
    assert book(f"{bid}x1", "0.50x1").is_crossed is is_crossed


@pytest.mark.parametrize(
    ("side", "limit", "notional"),
    [
        pytest.param(Side.BUY, "0.50", "0", id="buy below the asks"),
        pytest.param(Side.BUY, "0.51", "15.30", id="buy at the best"),  # 0.51 * 30
        pytest.param(Side.BUY, "0.52", "36.10", id="buy both"),  # 15.30 + 0.52 * 40
        pytest.param(Side.SELL, "0.50", "0", id="sell above the bids"),
        pytest.param(Side.SELL, "0.49", "4.90", id="sell at the best"),  # 0.49 * 10
        pytest.param(Side.SELL, "0.48", "14.50", id="sell both"),  # 4.90 + 0.48 * 20
    ],
)
def test_depth_within_a_limit(side: Side, limit: str, notional: str) -> None:
    shown = book("0.49x10 0.48x20", "0.51x30 0.52x40")

    assert shown.notional_within(side, d(limit)) == d(notional)


@given(PRICES, st.integers(1, 99), st.sampled_from(Side))
def test_depth_counts_each_reachable_level_once(prices: list[int], limit: int, side: Side) -> None:
    cents = [Decimal(price) / 100 for price in sorted(prices, reverse=side is Side.SELL)]
    text = " ".join(f"{price}x2" for price in cents)
    shown = book(asks=text) if side is Side.BUY else book(bids=text)

    notional = shown.notional_within(side, Decimal(limit) / 100)

    reached = [p for p in prices if (p <= limit if side is Side.BUY else p >= limit)]
    assert notional == 2 * Decimal(sum(reached)) / 100


def test_a_buy_takes_asks_and_a_sale_takes_bids() -> None:
    shown = book("0.49x10", "0.51x30")

    assert (shown.levels_against(Side.BUY), shown.levels_against(Side.SELL)) == (shown.asks, shown.bids)
