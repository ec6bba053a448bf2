"""Candles made of trades, and of the invented past before them."""

from decimal import Decimal

from domain.instrument import Side
from simulator.exchanges.candles import INTERVALS_MS, MINUTE_MS, PAST_MINUTES, Candles
from simulator.exchanges.orders import SpotTrade
from simulator.exchanges.pairs import BITCOIN

NOW_NS = 1_800_000_000_000_000_000  # at a whole minute
NS_PER_MS = 1_000_000


def traded(price: int, quantity: str, *, after_s: int) -> SpotTrade:
    return SpotTrade(
        id=1,
        symbol="BTCUSDT",
        price=Decimal(price),
        quantity=Decimal(quantity),
        taker_side=Side.BUY,
        maker_order_id=1,
        taker_order_id=2,
        time_ns=NOW_NS + after_s * 1_000_000_000,
    )


def test_trades_of_a_minute_are_one_candle_and_longer_ones_are_put_together() -> None:
    candles = Candles(BITCOIN, seed=1, now_ns=NOW_NS)
    for price, quantity, after_s in ((60_100, "1", 0), (60_200, "2", 59), (59_900, "1", 60)):
        candles.add(traded(price, quantity, after_s=after_s))

    first, second = candles.rows(MINUTE_MS, limit=2)
    (hour,) = candles.rows(INTERVALS_MS["1h"], limit=1)

    assert [first.open, first.high, first.close, first.volume] == [60_100, 60_200, 60_200, 3]
    assert second.open_ms - first.open_ms == MINUTE_MS
    assert [hour.close, hour.volume, hour.quote_volume, hour.trades] == [59_900, 4, 240_400, 3]


def test_the_average_price_is_weighted_by_volume_and_forgets() -> None:
    candles = Candles(BITCOIN, seed=1, now_ns=NOW_NS)
    candles.add(traded(60_000, "1", after_s=0))
    candles.add(traded(60_400, "3", after_s=1))

    assert candles.average_price(NOW_NS) == 60_300  # (60 000 + 3 * 60 400) / 4
    assert candles.average_price(NOW_NS + 600_000 * NS_PER_MS) == 60_400  # the last price


def test_the_past_depends_on_the_seed_and_has_no_volume() -> None:
    one, same, other = (
        Candles(BITCOIN, seed=seed, now_ns=NOW_NS).rows(MINUTE_MS, limit=PAST_MINUTES) for seed in (1, 1, 2)
    )

    assert one == same != other
    assert len(one) == PAST_MINUTES
    assert all(candle.low <= candle.open <= candle.high and not candle.volume for candle in one)
