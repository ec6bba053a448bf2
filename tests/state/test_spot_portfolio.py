"""Trades of spot pairs: money of another name, fees in the quote, in what is bought, or in a third asset."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvariantError
from domain.identifiers import InstrumentId
from domain.instrument import FeeSide, Side
from domain.ledger import AccountKind
from domain.messages import Cancelled, Settlement
from state.holdings import worst_case
from tests.support.spot import BTC, OWNER, SPOT_WALLET, SpotTrader, spot, spot_fill
from tests.support.trading import ALPHA, NOW_NS, d, filled_report, settlement_of


def balance(trader: SpotTrader, kind: AccountKind, owner: str, asset: str) -> Decimal:
    return trader.portfolio.ledger.balance(kind, owner, asset)


def cash(trader: SpotTrader) -> Decimal:
    return balance(trader, AccountKind.CASH, SPOT_WALLET, "USDT")


def bought(trader: SpotTrader, quantity: str = "0.01", *, fee: str = "0.00001", key: str = "b") -> None:
    """So much BTC at 60,000, the fee in BTC."""
    order = trader.opened(f"BUY {quantity} 60000", key=key)
    trader.fill(spot_fill(order, quantity, fee=fee))


@pytest.mark.parametrize(
    ("fee_side", "text", "amount"),
    [
        pytest.param(FeeSide.ANY, "BUY 0.01 60000", "600.6", id="the fee may be taken in money"),
        pytest.param(FeeSide.QUOTE, "BUY 0.01 60000", "600.6", id="the fee is taken in money"),
        pytest.param(FeeSide.QUOTE, "BUY 0.01 60000 post-only", "600.3", id="a maker's fee is smaller"),
        pytest.param(FeeSide.RECEIVED, "BUY 0.01 60000", "600", id="the fee is taken in BTC"),
    ],
)
def test_a_purchase_sets_its_cost_and_largest_fee_aside(fee_side: FeeSide, text: str, amount: str) -> None:
    trader = SpotTrader(spot(fee_side=fee_side))

    order = trader.opened(text)

    assert worst_case(order, trader.instrument) == ("USDT", d(amount))  # 600 * (1 + 0.001) or (1 + 0.0005)
    assert cash(trader) == 10_000 - d(amount)


def test_a_purchase_with_a_fee_in_the_asset_brings_what_is_left_of_it() -> None:
    trader = SpotTrader()

    bought(trader, "0.01", fee="0.00001")

    position = trader.portfolio.positions[ALPHA, BTC]
    assert (position.quantity, position.cost, position.fees) == (d("0.00999"), d(600), d(0))
    assert cash(trader) == 9_400
    assert balance(trader, AccountKind.INVENTORY, OWNER, "BTC") == d("0.00999")
    assert balance(trader, AccountKind.FEES, OWNER, "BTC") == d("0.00001")
    assert balance(trader, AccountKind.CLEARING, SPOT_WALLET, "BTC") == d("-0.01")
    assert trader.portfolio.available(Side.SELL, strategy=ALPHA, instrument_id=BTC) == d("0.00999")


def test_a_sale_with_a_fee_in_money_brings_the_rest_of_it() -> None:
    trader = SpotTrader()
    bought(trader)

    sale = trader.opened("SELL 0.00999 60500", key="s")
    trader.fill(spot_fill(sale, "0.00999", fee="0.604395", fee_asset="USDT"))

    position = trader.portfolio.positions[ALPHA, BTC]
    assert cash(trader) == d("10003.790605")  # 9400 + 0.00999 * 60500 - 0.604395
    assert (position.quantity, position.realized_pnl) == (d(0), d("4.395"))  # 604.395 - 600
    assert position.fees == trader.portfolio.fees(ALPHA) == d("0.604395")
    assert trader.portfolio.held == {}


def test_a_fee_in_a_third_asset_is_paid_from_what_the_account_held_before() -> None:
    """hummingbot #3202 and freqtrade #5415: such a fee changes neither the money nor what was bought."""
    trader = SpotTrader()
    order = trader.opened("BUY 0.01 60000")

    trader.fill(spot_fill(order, "0.01", fee="0.00075123", fee_asset="BNB"))

    position = trader.portfolio.positions[ALPHA, BTC]
    assert (cash(trader), position.quantity, position.fees) == (d(9_400), d("0.01"), d(0))
    assert balance(trader, AccountKind.FEES, OWNER, "BNB") == d("0.00075123")
    assert balance(trader, AccountKind.EXTERNAL, SPOT_WALLET, "BNB") == d("-0.00075123")
    assert trader.portfolio.paid_in == 10_000


def test_a_sale_with_a_fee_in_the_asset_gives_the_fee_besides() -> None:
    trader = SpotTrader()
    bought(trader, "0.01", fee="0")

    sale = trader.opened("SELL 0.008 60000", key="s")
    trader.fill(spot_fill(sale, "0.008", fee="0.000008"))

    assert trader.portfolio.positions[ALPHA, BTC].quantity == d("0.001992")  # 0.01 - 0.008 - 0.000008
    assert cash(trader) == 9_880  # 9400 + 480


def test_amounts_of_eight_decimals_are_kept_to_the_last_one() -> None:
    trader = SpotTrader()
    order = trader.opened("BUY 0.00123 60000.01")

    trader.fill(spot_fill(order, "0.00123", fee="0.00000123"))

    assert cash(trader) == d("9926.1999877")  # 10000 - 0.00123 * 60000.01
    assert trader.portfolio.positions[ALPHA, BTC].quantity == d("0.00122877")


def test_a_finer_grid_than_ours_leaves_a_unit_in_the_rounding_account() -> None:
    trader = SpotTrader(spot(fee_side=FeeSide.RECEIVED, tick_size=d("0.000001")))
    order = trader.opened("BUY 0.0001 60000.000001")

    for number in range(3):
        trader.fill(spot_fill(order, "0.00003", trade_id=f"t{number}"))

    # Each costs 1.80000000003, rounded up to 1.80000001, and frees 1.8 of what was rounded once, when it was set aside.
    assert balance(trader, AccountKind.ROUNDING, SPOT_WALLET, "USDT") == d("-0.00000003")
    assert trader.portfolio.cash_total + trader.portfolio.invested == 10_000


def test_an_end_gives_back_what_was_set_aside() -> None:
    trader = SpotTrader()
    order = trader.opened("BUY 0.01 60000")
    trader.fill(spot_fill(order, "0.004", fee="0.000004"))

    trader.report(Cancelled(order_id=order.id, reason="asked", time_ns=NOW_NS))

    assert cash(trader) == 9_760  # 10000 - 240
    assert trader.portfolio.reservations == {}


def test_a_fill_that_fails_is_undone_with_its_fee() -> None:
    trader = SpotTrader()
    order = trader.opened("BUY 0.01 60000")
    fill = spot_fill(order, "0.01", fee="0.00001")
    trader.report(filled_report(fill))

    trader.report(settlement_of(fill, Settlement.FAILED))

    assert cash(trader) == 10_000
    assert trader.portfolio.positions[ALPHA, BTC].quantity == 0
    assert balance(trader, AccountKind.FEES, OWNER, "BTC") == 0


def test_an_exchange_never_fills_more_than_was_ordered() -> None:
    trader = SpotTrader()
    order = trader.opened("BUY 0.01 60000 FAK")

    with pytest.raises(InvariantError, match=r"is filled for 0\.01001 of 0\.01"):
        trader.fill(spot_fill(order, "0.01001"))


def test_a_wallet_books_no_trade_in_another_money() -> None:
    trader = SpotTrader(spot(InstrumentId("binance:BTC/USDC")), money="USDC")
    order = trader.opened("BUY 0.01 60000")
    trader.portfolio.cash_asset = "USDT"

    with pytest.raises(InvariantError, match="is in USDC; this wallet's money is USDT"):
        trader.fill(spot_fill(order, "0.01"))


FEES = st.sampled_from(["USDT", "BTC", "BNB"])
LOTS, TICKS = st.integers(100, 5_000), st.integers(5_900_000, 6_100_000)


@given(trades=st.lists(st.tuples(st.booleans(), LOTS, TICKS, FEES), min_size=1, max_size=12))
def test_any_trades_leave_what_an_account_of_our_own_says(trades: list[tuple[bool, int, int, str]]) -> None:
    """Kept in whole units of 1e-8, from the fills alone."""
    trader = SpotTrader(cash="1000000")
    units = {"USDT": 10**14, "BTC": 0, "BNB": 0}
    for number, (is_buy, lots, ticks, fee_asset) in enumerate(trades):
        quantity, price = Decimal(lots) / 100_000, Decimal(ticks) / 100
        worth, size = lots * ticks * 10, lots * 1_000
        fee = {"USDT": worth // 1_000, "BTC": size // 1_000, "BNB": 12_345}[fee_asset]
        if not is_buy and units["BTC"] < size + fee:
            continue
        order = trader.opened(f"{'BUY' if is_buy else 'SELL'} {quantity} {price} FAK", key=f"k{number}")
        charged = Decimal(fee).scaleb(-8)
        trader.fill(spot_fill(order, quantity, fee=charged, fee_asset=fee_asset, trade_id=f"t{number}"))
        units["USDT"] += -worth if is_buy else worth
        units["BTC"] += size if is_buy else -size
        units[fee_asset] -= fee

    portfolio = trader.portfolio
    assert portfolio.cash_total == Decimal(units["USDT"]).scaleb(-8)
    assert portfolio.held.get(BTC, Decimal(0)) == Decimal(units["BTC"]).scaleb(-8)
    assert balance(trader, AccountKind.EXTERNAL, SPOT_WALLET, "BNB") == Decimal(units["BNB"]).scaleb(-8)
