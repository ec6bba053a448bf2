"""What a trade brings and costs, from both sides of it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instrument import Side
from domain.messages import Liquidity
from domain.money import cost_of, proceeds_of
from tests.venues.polymarket.orders import UP_TOKEN, terms
from tests.venues.polymarket.rows import SOMEBODY, maker, minted, trade_row
from venues.polymarket.executions import average_price, maker_part, taker_levels, taker_part
from venues.polymarket.wire import decode_trade

CENTS = st.integers(min_value=1, max_value=99).map(lambda cents: Decimal(cents) / 100)
LOTS = st.integers(min_value=1, max_value=100_000).map(lambda lots: Decimal(lots) / 100)


def test_a_taker_pays_the_makers_price_and_the_fee_there() -> None:
    row = decode_trade(trade_row("0x1", [maker(SOMEBODY, price="0.36", matched_amount="25")], size="25"))

    part = taker_part(row, terms())

    assert (part.price, part.quantity, part.liquidity) == (Decimal("0.36"), Decimal(25), Liquidity.TAKER)
    assert part.fee == Decimal("0.40320")  # 25 × 0.07 × 0.36 × 0.64


def test_against_a_bid_for_the_other_token_the_price_is_its_complement() -> None:
    row = decode_trade(trade_row("0x1", [minted(SOMEBODY, price="0.47")]))

    assert taker_part(row, terms()).price == Decimal("0.53")


def test_several_makers_make_one_fill_with_the_money_exact() -> None:
    makers = [
        maker(SOMEBODY, price="0.50", matched_amount="3"),
        minted(SOMEBODY, price="0.48", matched_amount="4"),
    ]
    row = decode_trade(trade_row("0x1", makers, size="7"))

    part = taker_part(row, terms())

    # 3 × 0.50 + 4 × 0.52 = 3.58; fees 3 × 0.07 × 0.25 = 0.0525 and 4 × 0.07 × 0.2496 = 0.069888 → 0.06989
    assert cost_of(price=part.price, quantity=part.quantity) == Decimal("3.58")
    assert part.fee == Decimal("0.12239")


def test_where_the_makers_do_not_add_up_the_rows_own_price_counts() -> None:
    row = decode_trade(trade_row("0x1", [maker(SOMEBODY, price="0.40", matched_amount="3")], price="0.51"))

    assert taker_levels(row) == [(Decimal("0.51"), Decimal(10))]


@pytest.mark.parametrize(
    ("part", "side"),
    [
        pytest.param(maker("0x2"), Side.SELL, id="the same token"),
        pytest.param({**maker("0x2"), "side": None}, Side.SELL, id="the same token, side missing"),
        pytest.param({**minted("0x2"), "side": None}, Side.BUY, id="the other token, side missing"),
        pytest.param(minted("0x2"), Side.BUY, id="the other token"),
    ],
)
def test_a_maker_has_its_own_side_price_and_no_fee(part: dict[str, object], side: Side) -> None:
    row = decode_trade(trade_row(SOMEBODY, [part], price="0.99"))

    mine = maker_part(row, row.makers[0])

    assert (mine.side, mine.price, mine.fee) == (side, Decimal(str(part["price"])), Decimal(0))
    assert mine.token_id == (UP_TOKEN if part["asset_id"] == UP_TOKEN else part["asset_id"])


@given(levels=st.lists(st.tuples(CENTS, LOTS), min_size=1, max_size=6))
def test_an_average_never_changes_the_money_that_moves(levels: list[tuple[Decimal, Decimal]]) -> None:
    quantity = sum((shares for _, shares in levels), Decimal(0))
    money = sum((price * shares for price, shares in levels), Decimal(0))

    assert cost_of(price=average_price(levels, Side.BUY), quantity=quantity) == money
    assert proceeds_of(price=average_price(levels, Side.SELL), quantity=quantity) == money
