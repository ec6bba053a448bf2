"""Spot pairs beside outcome tokens: names, bounds, fees, and what is written of them."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvariantError, TransitionError
from domain.identifiers import InstrumentId, VenueName
from domain.instrument import FeeSide, Instrument, InstrumentKind, Side, assets_of, is_pair, pair_id
from domain.money import AMOUNT_MAX, EXCHANGE_UNIT, UNIT, cost_of, unit_of
from domain.order import Order
from tests.support.spot import SpotTrader, spot
from tests.support.trading import NOW_NS, d, instrument, order

TOKEN = InstrumentId("7" * 77)
CODES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=12)
PRICES = st.decimals(min_value="0.01", max_value="1000000", places=2)
QUANTITIES = st.decimals(min_value="0.00001", max_value="1000", places=5)


@given(base=CODES, quote=CODES)
def test_a_pair_s_name_tells_its_two_assets(base: str, quote: str) -> None:
    name = pair_id(VenueName("binance"), base=base, quote=quote)

    assert (assets_of(name), is_pair(name)) == ((base, quote), True)
    assert unit_of(base) == unit_of(quote) == EXCHANGE_UNIT


@pytest.mark.parametrize("name", [InstrumentId("0x5e:UP"), TOKEN, InstrumentId("m:DOWN")])
def test_shares_are_their_own_asset_and_cost_pusd(name: InstrumentId) -> None:
    assert (assets_of(name), is_pair(name)) == ((name, "pUSD"), False)
    assert unit_of(name) == unit_of("pUSD") == UNIT


def test_what_an_instrument_is() -> None:
    token, pair = instrument(), spot()

    assert (token.kind, token.asset, token.money) == (InstrumentKind.OUTCOME, "m:UP", "pUSD")
    assert (pair.kind, pair.asset, pair.money) == (InstrumentKind.SPOT, "BTC", "USDT")
    assert (token.notional_min, pair.notional_min) == (d(0), d(5))


def test_a_pair_under_another_name_is_refused() -> None:
    with pytest.raises(InvariantError, match="instrument binance:ETH/USDT trades BTC for USDT"):
        msgspec.structs.replace(spot(), id=InstrumentId("binance:ETH/USDT"))


@pytest.mark.parametrize(
    ("price_max", "highest"),
    [
        pytest.param("1000000", d(1_000_000), id="the venue's"),
        pytest.param(None, AMOUNT_MAX, id="none of the venue's"),
    ],
)
def test_prices_of_a_pair_end_where_the_venue_says(price_max: str | None, highest: Decimal) -> None:
    pair = spot(price_max=price_max)

    assert (pair.price_min, pair.price_max) == (d("0.01"), highest)


def test_nothing_new_is_written_of_an_outcome_token() -> None:
    """Tapes, databases and digests from before there were pairs stay what they are, byte for byte."""
    written = msgspec.json.encode(instrument())

    assert b"pair" not in written
    assert msgspec.json.decode(written, type=Instrument) == instrument()


def test_a_pair_is_read_back_as_it_was_written() -> None:
    assert msgspec.json.decode(msgspec.json.encode(spot()), type=Instrument) == spot()


@pytest.mark.parametrize(
    ("fee_side", "side", "asset", "taker", "maker"),
    [
        pytest.param(FeeSide.QUOTE, Side.BUY, "USDT", "0.6", "0.3", id="quote, buy"),
        pytest.param(FeeSide.QUOTE, Side.SELL, "USDT", "0.6", "0.3", id="quote, sell"),
        pytest.param(FeeSide.RECEIVED, Side.BUY, "BTC", "0.00001", "0.000005", id="received, buy"),
        pytest.param(FeeSide.RECEIVED, Side.SELL, "USDT", "0.6", "0.3", id="received, sell"),
        pytest.param(FeeSide.ANY, Side.BUY, "BTC", "0.00001", "0.000005", id="any, buy"),
    ],
)
def test_fees_are_a_part_of_what_is_traded(
    fee_side: FeeSide, side: Side, asset: str, taker: str, maker: str
) -> None:
    pair, price, quantity = spot(fee_side=fee_side), d(60_000), d("0.01")

    assert pair.fee_asset(side) == asset
    assert pair.taker_fee(side=side, price=price, quantity=quantity) == d(taker)  # 0.01 * 60000 * 0.001
    assert pair.maker_fee(side=side, price=price, quantity=quantity) == d(maker)


def test_an_outcome_token_s_fee_is_that_of_its_venue() -> None:
    token = instrument()

    assert token.fee_asset(Side.BUY) == "pUSD"
    assert token.taker_fee(side=Side.BUY, price=d("0.64"), quantity=d(25)) == d(
        "0.4032"
    )  # 25 * 0.07 * 0.2304
    assert token.maker_fee(side=Side.BUY, price=d("0.64"), quantity=d(25)) == 0
    assert token.taker_fee_max(price_max=d("0.96"), quantity=d(20)) == d("0.35")  # 20 * 0.07 * 0.25
    assert token.maker_fee_max(price_max=d("0.96"), quantity=d(20)) == 0


@given(limit=PRICES, part=st.decimals(min_value="0.01", max_value=1, places=2), quantity=QUANTITIES)
def test_what_is_set_aside_covers_any_fill_at_the_limit_or_better(
    limit: Decimal, part: Decimal, quantity: Decimal
) -> None:
    pair, price = spot(fee_side=FeeSide.QUOTE), limit * part

    cost = cost_of(price=price, quantity=quantity, unit=EXCHANGE_UNIT)
    fee = pair.taker_fee(side=Side.BUY, price=price, quantity=quantity)
    aside = cost_of(price=limit, quantity=quantity, unit=EXCHANGE_UNIT)

    assert cost + fee <= aside + pair.taker_fee_max(price_max=limit, quantity=quantity)


@pytest.mark.parametrize("time_in_force", ["GTC", "FAK"])
def test_an_order_of_a_pair_is_filled_for_what_it_asks_and_no_more(time_in_force: str) -> None:
    asked = SpotTrader().opened(f"BUY 0.01 60000 {time_in_force}")

    assert asked.fill_limit == d("0.01")
    assert asked.after_fill(d("0.01"), time_ns=NOW_NS).leaves_quantity == 0
    with pytest.raises(TransitionError, match=r"filled for 0\.01000001 of 0\.01"):
        asked.after_fill(d("0.01000001"), time_ns=NOW_NS)


def test_an_order_of_shares_may_be_filled_for_a_little_more() -> None:
    asked: Order = order("BUY 10 UP 0.50")

    assert asked.fill_limit == d("10.01")
