"""What open orders hold of what is owned."""

from decimal import Decimal

from tests.venues.polymarket.orders import UP_TOKEN
from tests.venues.polymarket.rows import order_row
from venues.polymarket.holdings import tied_up
from venues.polymarket.wire import decode_order


def test_buys_hold_money_and_sales_hold_shares_of_what_is_left_of_them() -> None:
    rows = [
        decode_order(order_row("0x1", price="0.40", original_size="10", size_matched="4")),
        decode_order(order_row("0x2", price="0.50", original_size="2")),
        decode_order(order_row("0x3", side="SELL", original_size="7", size_matched="7.5")),
        decode_order(order_row("0x4", side="SELL", original_size="7", size_matched="2")),
    ]

    tied = tied_up(rows)

    assert tied == {"pUSD": Decimal("3.4"), UP_TOKEN: Decimal(5)}  # 6 × 0.40 + 2 × 0.50; 7 − 2
