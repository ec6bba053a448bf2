"""What is seen of a target: shares, holding times, profits, and the copies that would have come late."""

import pytest

from domain.book import OrderBook
from domain.identifiers import InstrumentId
from domain.messages import WalletTrade
from strategies.copying.observed import Figures, Observed
from tests.strategies.copying.floor import Floor
from tests.support.trading import DOWN, MARKET, NOW_NS, UP, S, book, d, instrument, market


class Watch:
    """An observer with books that are shown to it, without fees unless told otherwise."""

    def __init__(self, *, fee_rate: str = "0") -> None:
        self.observed = Observed()
        self.books: dict[InstrumentId, OrderBook] = {}
        self.fee_rate = fee_rate
        self._floor = Floor()

    def trade(self, text: str, *, after_s: int = 0, **changes: object) -> None:
        time_ns = NOW_NS + after_s * S
        trade: WalletTrade = self._floor.heard(text, **{"time_ns": time_ns, "traded_ns": time_ns, **changes})
        token = instrument(trade.instrument_id, fee_rate=self.fee_rate)
        self.observed.note(trade, market=market(), instrument=token, is_replayed=True)

    def show(self, bids: str, asks: str, *, after_s: float, of: InstrumentId = UP) -> None:
        time_ns = NOW_NS + int(after_s * S)
        self.books[of] = book(bids, asks, of=of, time_ns=time_ns)
        token = instrument(of, fee_rate=self.fee_rate)
        self.observed.copies.run(time_ns, self.books.get, lambda _: token)

    def resolve(self, up: str, *, after_s: int) -> None:
        self.observed.resolve(MARKET, {UP: d(up), DOWN: 1 - d(up)}, NOW_NS + after_s * S)

    @property
    def figures(self) -> Figures:
        return self.observed.figures(self.books.get)


def test_shares_of_makers_and_of_both_sides() -> None:
    watch = Watch()
    watch.trade("BUY 60 UP 0.50", is_maker=True)
    watch.trade("BUY 40 DOWN 0.25")

    assert watch.figures.maker_share == d("0.75")  # 30 of 40 pUSD
    assert watch.figures.both_sides_share == d("0.8")  # 2 × 40 of 100 shares


def test_holding_times_are_those_of_the_oldest_shares() -> None:
    watch = Watch()
    watch.trade("BUY 10 UP 0.50")
    watch.trade("BUY 10 UP 0.50", after_s=60)
    watch.trade("SELL 10 UP 0.50", after_s=100)
    watch.resolve("1", after_s=400)

    assert watch.figures.holding_s == 220  # median of 100 and 340


def test_the_horizon_is_the_time_left_when_it_trades() -> None:
    watch = Watch()
    watch.trade("BUY 10 UP 0.50", after_s=100)

    assert watch.figures.horizon_s == 800


def test_children_of_one_decision_are_not_counted_as_trades_a_minute() -> None:
    watch = Watch()
    for after_s in (0, 1, 2, 60, 120):
        watch.trade("BUY 10 UP 0.50", after_s=after_s)

    assert watch.figures.trades == 5
    assert watch.figures.trades_per_minute == d("1.5")  # 3 decisions in 2 minutes


def test_profit_counts_fees_of_a_taker_and_marks_what_is_open() -> None:
    watch = Watch(fee_rate="0.07")
    watch.trade("BUY 100 UP 0.50")
    watch.show("0.60x10", "0.61x10", after_s=1)

    assert watch.figures.profit == d("8.25")  # 100 × 0.10 − 1.75
    watch.resolve("1", after_s=900)
    assert watch.figures.profit == d("48.25")
    assert watch.figures.profit_without_best == 0


@pytest.mark.parametrize(
    ("lag", "profit"),
    [
        pytest.param(0, "40", id="2 s: bought at 0.60"),
        pytest.param(1, "20", id="10 s: bought at 0.80"),
        pytest.param(2, "10", id="30 s: bought at 0.90"),
    ],
)
def test_a_delayed_copy_buys_at_the_book_after_the_lag(lag: int, profit: str) -> None:
    watch = Watch()
    watch.trade("BUY 100 UP 0.50")
    watch.show("0.50x10", "0.51x10", after_s=1.9)  # too early for any
    watch.show("0.59x10", "0.60x10", after_s=2)
    watch.show("0.79x10", "0.80x10", after_s=10)
    watch.show("0.89x10", "0.90x10", after_s=31)
    watch.resolve("1", after_s=900)

    result = watch.figures.lags[lag]
    assert (result.copies, result.missed, result.profit) == (1, 0, d(profit))
    assert result.closed_profits == (d(profit),)


def test_a_delayed_copy_pays_the_fee_and_sells_the_same_fraction_at_the_bid() -> None:
    watch = Watch(fee_rate="0.07")
    watch.trade("BUY 100 UP 0.50")
    watch.show("0.49x10", "0.50x10", after_s=2)
    watch.trade("SELL 50 UP 0.50", after_s=3)
    watch.show("0.50x10", "0.51x10", after_s=5)

    # bought 100 at 0.50 + 1.75 of fees, sold 50 at 0.50 − 0.875, the other 50 marked at 0.50
    assert watch.figures.lags[0].profit == d("-2.625")


def test_a_delayed_copy_that_finds_nobody_is_missed() -> None:
    watch = Watch()
    watch.trade("BUY 100 UP 0.50")
    watch.show("0.99x10", "", after_s=40)

    assert [(result.copies, result.missed) for result in watch.figures.lags] == [(0, 1)] * 3


def test_a_merge_ends_the_holding_of_both_sides() -> None:
    watch = Watch()
    watch.trade("BUY 100 UP 0.50")
    watch.trade("BUY 100 DOWN 0.48")
    merged = watch._floor.heard("SELL 100 UP 1", traded_ns=NOW_NS + 50 * S)
    watch.observed.merge(merged, (UP, DOWN))

    assert watch.figures.holding_s == 50
    assert watch.figures.profit == 2  # a set that cost 0.98 pays 1
