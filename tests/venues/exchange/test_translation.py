from decimal import Decimal
from typing import Any

import pytest

from domain.errors import VenueReadError
from domain.identifiers import OrderId, VenueName
from domain.instrument import Side
from domain.messages import Fill, Liquidity
from domain.order import OrderStatus
from tests.venues.exchange.scene import TERMS
from venues.exchange.translation import balances_of, fill_of, filled_of, status_of

d = Decimal
TRADE: dict[str, Any] = {
    "id": "5",
    "order": "77",
    "timestamp": 1_700_000_000_123,
    "symbol": "BTC/USDT",
    "side": "sell",
    "price": "30000.10",
    "amount": "0.00200",
    "takerOrMaker": "maker",
    "fee": {"currency": "BNB", "cost": "0.00001"},
}


def fill(**changes: Any) -> Fill:
    return fill_of(TRADE | changes, venue=VenueName("binance"), terms=TERMS, order_id=OrderId("o"), time_ns=9)


@pytest.mark.parametrize(
    ("row", "status"),
    [
        pytest.param({"status": "open"}, OrderStatus.OPEN, id="open"),
        pytest.param({"status": "canceling"}, OrderStatus.OPEN, id="canceling"),
        pytest.param({"status": "PENDING_NEW"}, OrderStatus.OPEN, id="a word of the exchange's own"),
        pytest.param({"status": "canceled"}, OrderStatus.CANCELLED, id="canceled"),
        pytest.param({"status": "expired"}, OrderStatus.EXPIRED, id="expired"),
        pytest.param({"status": "rejected"}, OrderStatus.CANCELLED, id="rejected"),
        pytest.param({"status": "closed", "amount": "2", "filled": "2"}, OrderStatus.FILLED, id="closed"),
        pytest.param({"status": "closed"}, OrderStatus.FILLED, id="closed, nothing said"),
        pytest.param(
            {"status": "closed", "amount": "2", "filled": "1.9"}, OrderStatus.CANCELLED, id="closed early"
        ),
        pytest.param({"status": None, "filled": "0.0"}, None, id="ids alone"),
    ],
)
def test_a_state_of_ccxt_is_a_state_of_ours(row: dict[str, Any], status: OrderStatus | None) -> None:
    assert status_of(row) is status


def test_the_rest_of_an_immediate_order_is_killed_whatever_word_is_used() -> None:
    assert status_of({"status": "expired"}, is_immediate=True) is OrderStatus.CANCELLED


def test_a_filled_quantity_of_an_answer_without_a_state_is_made_up() -> None:
    assert filled_of({"status": None, "filled": "0.0"}) is None
    assert filled_of({"status": "open", "filled": "0.4"}) == d("0.4")


def test_a_trade_is_a_fill_with_the_fee_that_the_exchange_took() -> None:
    made = fill()

    assert (made.side, made.price, made.quantity) == (Side.SELL, d("30000.10"), d("0.00200"))
    assert (made.fee, made.fee_asset, made.liquidity) == (d("0.00001"), "BNB", Liquidity.MAKER)
    assert made.time_ns == 1_700_000_000_123_000_000


@pytest.mark.parametrize(
    ("changes", "fee", "asset"),
    [
        pytest.param({"fee": None}, "0", "USDT", id="none told"),
        pytest.param({"fee": {"currency": "USDT", "cost": "-0.01"}}, "-0.01", "USDT", id="a rebate"),
        pytest.param(
            {"fees": [{"currency": "BTC", "cost": "1"}, {"currency": "BTC", "cost": "2"}]},
            *("3", "BTC"),
            id="two of one asset",
        ),
    ],
)
def test_fees_are_taken_as_told(changes: dict[str, Any], fee: str, asset: str) -> None:
    made = fill(**changes)

    assert (made.fee, made.fee_asset) == (d(fee), asset)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"id": None}, id="no id"),
        pytest.param({"price": None}, id="no price"),
        pytest.param({"amount": "many"}, id="no amount"),
        pytest.param({"side": None}, id="no side"),
        pytest.param(
            {"fees": [{"currency": "BTC", "cost": "1"}, {"currency": "BNB", "cost": "2"}]}, id="two assets"
        ),
    ],
)
def test_a_trade_that_is_not_whole_is_an_error(changes: dict[str, Any]) -> None:
    with pytest.raises(VenueReadError):
        fill(**changes)


def test_a_trade_without_a_time_gets_the_time_it_was_heard_of() -> None:
    assert fill(timestamp=None).time_ns == 9


def test_balances_leave_out_what_is_not_owned() -> None:
    answer = {"total": {"BTC": "1.5", "ETH": "0", "BNB": None}, "free": {"BTC": "1.0"}}

    (balance,) = balances_of(answer)

    assert (balance.asset, balance.total, balance.free) == ("BTC", d("1.5"), d("1.0"))


def test_an_answer_without_totals_is_no_account() -> None:
    with pytest.raises(VenueReadError):
        balances_of({"info": "<html>"})
