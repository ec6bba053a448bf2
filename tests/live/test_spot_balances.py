"""An exchange's balances against our books: exact in what is ours, and the rest is the owner's business."""

from decimal import Decimal

import pytest

from live.reconcile import compare_balances, settled
from tests.support.spot import SpotTrader, spot_fill
from tests.support.trading import d, filled_report
from venues.base import VenueBalance

BEFORE = {"BTC": d("0.5"), "BNB": d(3)}
"""What the account held before the session."""


def trader_with_btc() -> SpotTrader:
    """0.00999 BTC that cost 600 of 10,000 USDT, and a fee of 0.001 BNB for a further 0.001 BTC, which cost 60."""
    trader = SpotTrader()
    first = trader.opened("BUY 0.01 60000", key="a")
    trader.fill(spot_fill(first, "0.01", fee="0.00001"))
    second = trader.opened("BUY 0.001 60000", key="b")
    trader.fill(spot_fill(second, "0.001", fee="0.001", fee_asset="BNB"))
    return trader


def found(trader: SpotTrader, **owned: str) -> list[tuple[str, bool]]:
    """Which assets differ, and whether that closes the gate."""
    theirs = {"USDT": "9340", "BTC": "0.51099", "BNB": "2.999"} | owned
    balances = tuple(VenueBalance(asset=a, total=d(t), free=d(t)) for a, t in theirs.items() if t != "none")
    findings = compare_balances(trader.portfolio, balances, BEFORE)
    return [(finding.text.split()[4].rstrip(","), finding.blocks) for finding in findings]


def test_what_is_ours_by_asset() -> None:
    ours = settled(trader_with_btc().portfolio)

    assert ours == {"USDT": d(9_340), "BTC": d("0.01099"), "BNB": d("-0.001")}


@pytest.mark.parametrize(
    ("owned", "differences"),
    [
        pytest.param({}, [], id="equal"),
        pytest.param({"USDT": "9339.99998"}, [("USDT", True)], id="money is missing"),
        pytest.param({"USDT": "9339.999995"}, [], id="the exchange rounds otherwise"),
        pytest.param({"USDT": "none"}, [("USDT", True)], id="no money at all"),
        pytest.param({"BTC": "0.51"}, [("BTC", True)], id="some of what we bought is missing"),
        pytest.param({"BTC": "none"}, [("BTC", True)], id="all of it is missing"),
        pytest.param({"BNB": "7.999"}, [("BNB", False)], id="the owner pays in fee money"),
        pytest.param({"ETH": "2"}, [("ETH", False)], id="the owner pays in something else"),
    ],
)
def test_differences(owned: dict[str, str], differences: list[tuple[str, bool]]) -> None:
    assert found(trader_with_btc(), **owned) == differences


def test_a_fill_that_is_not_final_may_have_moved_the_balance_or_not() -> None:
    trader = SpotTrader()
    order = trader.opened("BUY 0.01 60000")
    trader.report(filled_report(spot_fill(order, "0.01", fee="0.00001")))

    for money, btc in (("10000", "0.5"), ("9400", "0.50999")):
        balances = (
            VenueBalance(asset="USDT", total=d(money), free=Decimal(0)),
            VenueBalance(asset="BTC", total=d(btc), free=Decimal(0)),
            VenueBalance(asset="BNB", total=d(3), free=Decimal(0)),
        )
        assert list(compare_balances(trader.portfolio, balances, BEFORE)) == []
