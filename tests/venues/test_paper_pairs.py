"""The simulated venue with a spot pair: its fees, its minima, and an account in another money."""

import asyncio
from decimal import Decimal

import pytest

from clock import NS_PER_S
from config import PaperSettings
from domain.instrument import FeeSide
from domain.messages import Acknowledged, ExecutionReport, Filled, MarketListed, Rejected
from domain.order import Order
from tests.support.fake_venue import FakeScheduler
from tests.support.spot import BTC, SpotTrader, spot, spot_market
from tests.support.trading import NOW_NS, book, d, shown
from venues.paper import PaperVenue

INSTANT = PaperSettings(
    latency_ms_min=0,
    latency_ms_max=0,
    answer_ms=0,
    taker_delay_ms=0,
    settlement_s_min=0,
    settlement_s_max=0,
    settlement_failure_rate=Decimal(0),
)


class Floor:
    """A paper venue with 10,000 USDT and one pair, and what it reported."""

    def __init__(self, fee_side: FeeSide = FeeSide.ANY) -> None:
        self.scheduler = FakeScheduler()
        self.reports: list[ExecutionReport] = []
        self.venue = PaperVenue(
            scheduler=self.scheduler, settings=INSTANT, seed=1, cash=Decimal(10_000), money="USDT"
        )
        self.venue.connect(self.reports.append)
        instrument = spot(fee_side=fee_side)
        self.venue.on_market(MarketListed(time_ns=NOW_NS, market=spot_market(instrument)))
        self._trader = SpotTrader(instrument, cash="1000000")
        self.show()

    def show(self, bids: str = "59999.99x1", asks: str = "60000.01x1") -> None:
        """Show a book."""
        self.venue.on_market(shown(book(bids, asks, of=BTC)))

    def send(self, text: str, *, key: str = "k") -> Order:
        """Send an order, and let everything happen that follows within a second."""
        order = self._trader.opened(text, key=key)
        asyncio.run(self.venue.send(order))
        self.settle()
        return order

    def settle(self) -> None:
        """Let what is due within a second happen."""
        until_ns = self.scheduler.now_ns() + NS_PER_S
        while self.scheduler.run_next(until_ns=until_ns):
            pass

    def fill(self) -> Filled:
        """The latest fill."""
        return [report for report in self.reports if isinstance(report, Filled)][-1]


@pytest.mark.parametrize(
    ("fee_side", "fee", "asset", "owned"),
    [
        pytest.param(
            FeeSide.ANY, "0.00001", "BTC", {"USDT": "9399.9999", "BTC": "0.00999"}, id="in what is bought"
        ),
        pytest.param(FeeSide.QUOTE, "0.6000001", "USDT", {"USDT": "9399.3999", "BTC": "0.01"}, id="in money"),
    ],
)
def test_a_taker_pays_its_fee(fee_side: FeeSide, fee: str, asset: str, owned: dict[str, str]) -> None:
    floor = Floor(fee_side)

    floor.send("BUY 0.01 60100 FAK")

    fill = floor.fill().fill
    assert (fill.price, fill.fee, fill.fee_asset) == (d("60000.01"), d(fee), asset)
    paid = {name: d(amount) for name, amount in owned.items()}
    if asset == "USDT":
        paid["USDT"] = 10_000 - d("600.0001") - d(fee)
    assert floor.venue.owned() == paid


def test_a_maker_pays_its_own_rate() -> None:
    floor = Floor(FeeSide.QUOTE)
    floor.send("BUY 0.01 59000 GTC")

    floor.show("58000x1", "58999x1")
    floor.settle()

    fill = floor.fill().fill
    assert (fill.price, fill.fee, fill.fee_asset) == (d(59_000), d("0.295"), "USDT")  # 590 * 0.0005


def test_an_immediate_purchase_need_not_cost_whole_cents() -> None:
    floor = Floor()

    floor.send("BUY 0.00123 60000.01 FOK")

    assert floor.fill().fill.quantity == d("0.00123")


def test_what_is_not_covered_is_refused_in_units_of_the_exchange() -> None:
    floor = Floor()

    floor.send("BUY 0.5 60000 GTC")

    (report,) = floor.reports
    assert isinstance(report, Rejected)
    assert "balance: 1000000000000, order amount: 3001500000000" in report.reason  # 10,000 of 30,015 USDT


def test_an_order_that_rests_holds_its_cover() -> None:
    floor = Floor()

    floor.send("BUY 0.1 59000 GTC post-only")

    (balance,) = asyncio.run(floor.venue.balances())
    assert isinstance(floor.reports[0], Acknowledged)
    assert (balance.asset, balance.total, balance.free) == (
        "USDT",
        d(10_000),
        d("4097.05"),
    )  # less 5900 * 1.0005
