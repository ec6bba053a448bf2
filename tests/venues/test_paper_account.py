"""The paper venue's account of us: payment, settlement, cover of open orders, redemption."""

from decimal import Decimal

import pytest

from domain.identifiers import InstrumentId, StrategyName
from domain.messages import (
    Acknowledged,
    MarketResolved,
    Redeemed,
    Settlement,
    SettlementReported,
)
from domain.money import PUSD
from tests.venues.paper_floor import (
    DOWN,
    FAILING,
    MARKET,
    START_NS,
    UP,
    Floor,
    at_once,
    kinds,
    reason_of,
    send,
    show,
    trade,
    trading_floor,
)


def with_shares(quantity: str = "100") -> Floor:
    """A floor on which we own settled shares of UP, bought at 0.52."""
    floor = trading_floor()
    send(floor, f"BUY {quantity} UP 0.52 FAK", name="bought")
    floor.after(ms=10_000)
    floor.reports.clear()
    show(floor, bids="0.50x100", asks="0.52x100")
    return floor


def test_a_buy_is_paid_at_the_match_and_owned_at_settlement() -> None:
    floor = trading_floor()
    send(floor, "BUY 10 UP 0.52 FAK")

    floor.after(ms=220)
    matched = floor.venue.owned(), floor.venue.incoming()
    (settled,) = floor.after(ms=5000)

    # 1000 - 10 * 0.52 - 10 * 0.07 * 0.52 * 0.48 = 1000 - 5.2 - 0.17472
    assert matched == ({PUSD: Decimal("994.62528")}, {UP: Decimal(10)})
    assert isinstance(settled, SettlementReported)
    assert settled.settlement is Settlement.SETTLED
    assert floor.venue.owned() == {PUSD: Decimal("994.62528"), UP: 10}
    assert floor.venue.incoming() == {}


def test_a_sale_gives_its_shares_at_the_match_and_is_paid_at_settlement() -> None:
    floor = with_shares("100")
    cash = floor.venue.owned()[PUSD]
    send(floor, "SELL 40 UP 0.50 FAK")

    floor.after(ms=220)
    matched = floor.venue.owned()
    floor.after(ms=5000)

    # 40 * 0.50 - 40 * 0.07 * 0.50 * 0.50 = 20 - 0.7
    assert matched == {PUSD: cash, UP: 60}
    assert floor.venue.owned() == {PUSD: cash + Decimal("19.3"), UP: 60}


def test_a_failed_buy_gives_the_money_back() -> None:
    floor = trading_floor(FAILING)
    send(floor, "BUY 10 UP 0.52 FAK")

    reports = floor.after(ms=10_000)

    assert kinds(reports) == ["Acknowledged", "Filled", "SettlementReported"]
    assert isinstance(reports[-1], SettlementReported)
    assert reports[-1].settlement is Settlement.FAILED
    assert (floor.venue.owned(), floor.venue.incoming()) == ({PUSD: Decimal(1000)}, {})


@pytest.mark.parametrize(
    ("cash", "text", "refused"),
    [
        # 10 * 0.51 = 5.1, no fee for an order that rests
        pytest.param("5.099999", "BUY 10 UP 0.51 GTC", (5_099_999, 5_100_000), id="resting: -1"),
        pytest.param("5.1", "BUY 10 UP 0.51 GTC", None, id="resting: exact"),
        # 10 * 0.52 + 10 * 0.07 * 0.25 = 5.2 + 0.175, the fee at the worst price
        pytest.param("5.374999", "BUY 10 UP 0.52 FAK", (5_374_999, 5_375_000), id="taker: -1"),
        pytest.param("5.375", "BUY 10 UP 0.52 FAK", None, id="taker: exact"),
        pytest.param("1000", "SELL 10 UP 0.50 FAK", (0, 10_000_000), id="a sale needs shares"),
    ],
)
def test_an_order_needs_cover(cash: str, text: str, refused: tuple[int, int] | None) -> None:
    floor = trading_floor(cash=cash)
    send(floor, text)

    reports = floor.after(ms=220)

    if refused is None:
        assert isinstance(reports[0], Acknowledged)
        return
    assert reason_of(reports) == (
        "not enough balance / allowance: the balance is not enough -> "
        f"balance: {refused[0]}, order amount: {refused[1]}"
    )


@pytest.mark.parametrize(
    ("ends", "second"),
    [
        pytest.param(False, "Rejected", id="while the first holds 5.1 of 8"),
        pytest.param(True, "Acknowledged", id="after the first was cancelled"),
    ],
)
def test_open_orders_hold_their_cover(ends: bool, second: str) -> None:
    floor = trading_floor(cash="8")
    first = send(floor, "BUY 10 UP 0.51 GTC", name="first")
    floor.after(ms=100)
    if ends:
        at_once(floor.venue.cancel(first))
        floor.after(ms=100)

    send(floor, "BUY 10 UP 0.51 GTC", name="second")

    assert kinds(floor.after(ms=100)) == [second]


def test_a_delayed_order_holds_its_cover() -> None:
    floor = trading_floor(cash="8")
    send(floor, "BUY 10 UP 0.52 FAK", name="first")
    send(floor, "BUY 10 UP 0.52 FAK", name="second")

    reports = floor.after(ms=220)

    assert kinds(reports) == ["Rejected", "Acknowledged", "Filled"]


@pytest.mark.parametrize(
    ("cash", "second"),
    [
        # 20 * 0.51 + 5 * 0.40 = 12.2, of which the first order has paid half of its part and holds the other
        pytest.param("12.199999", "Rejected", id="-1"),
        pytest.param("12.2", "Acknowledged", id="exact"),
    ],
)
def test_a_partial_fill_holds_only_the_rest(cash: str, second: str) -> None:
    floor = trading_floor(cash=cash)
    send(floor, "BUY 20 UP 0.51 GTC", name="first")
    floor.after(ms=100)
    floor.venue.on_market(trade("SELL", "10", "0.51"))
    floor.after(ms=100)

    send(floor, "BUY 5 UP 0.40 GTC", name="second")

    assert kinds(floor.after(ms=100)) == [second]


def test_a_killed_order_frees_its_cover() -> None:
    floor = trading_floor(cash="8")
    send(floor, "BUY 10 UP 0.52 FAK", name="killed")
    floor.after(ms=100)
    show(floor, asks="0.60x100")
    killed = floor.after(ms=200)

    send(floor, "BUY 10 UP 0.52 GTC", name="next")

    assert kinds(killed) == ["Rejected"]
    assert kinds(floor.after(ms=100)) == ["Acknowledged"]


def test_unsettled_shares_cannot_be_sold() -> None:
    floor = trading_floor()
    send(floor, "BUY 10 UP 0.52 FAK", name="bought")
    floor.after(ms=1000)

    send(floor, "SELL 10 UP 0.50 FAK", name="early")
    early = floor.after(ms=220)
    floor.after(ms=5000)
    send(floor, "SELL 10 UP 0.50 FAK", name="settled")
    settled = floor.after(ms=220)

    assert "balance: 0, order amount: 10000000" in reason_of(early)
    assert kinds(settled) == ["Acknowledged", "Filled"]


# --- resolution and redemption -----------------------------------------------------------------------


def resolve(floor: Floor, *, up: str = "1") -> None:
    """Let the market resolve; UP pays `up`, DOWN the rest."""
    payouts = {UP: Decimal(up), DOWN: 1 - Decimal(up)}
    floor.venue.on_market(MarketResolved(time_ns=START_NS, market_id=MARKET, payouts=payouts))


def redeem(floor: Floor, quantity: str, *, of: InstrumentId = UP) -> Redeemed:
    """Redeem and return the only answer."""
    wish = floor.venue.redeem(strategy=StrategyName("s"), instrument_id=of, quantity=Decimal(quantity))
    at_once(wish)
    assert floor.after(ms=69) == []
    (report,) = floor.after(ms=1)
    assert isinstance(report, Redeemed)
    return report


def test_resolution_cancels_what_rests_and_refuses_what_is_delayed() -> None:
    floor = trading_floor()
    send(floor, "BUY 10 UP 0.51 GTC", name="rests")
    send(floor, "BUY 10 UP 0.52 FAK", name="delayed")
    floor.after(ms=100)

    resolve(floor)
    reports = floor.after(ms=200)

    cancelled, rejected = reports
    assert reason_of([cancelled]) == "market resolved"
    assert reason_of([rejected]) == "No orderbook exists for the requested token id"
    send(floor, "BUY 10 UP 0.51 GTC", name="late")
    assert kinds(floor.after(ms=100)) == ["Rejected"]
    assert floor.venue.owned() == {PUSD: 1000}


@pytest.mark.parametrize(
    ("payout", "paid"),
    [
        pytest.param("1", "10", id="winner: 10 * 1"),
        pytest.param("0", "0", id="loser"),
        pytest.param("0.33333333", "3.333333", id="rounded down to a unit"),
    ],
)
def test_redeeming_turns_settled_shares_into_cash(payout: str, paid: str) -> None:
    floor = with_shares("10")
    cash = floor.venue.owned()[PUSD]
    resolve(floor, up=payout)

    report = redeem(floor, "10")

    assert (report.quantity, report.payout) == (Decimal(10), Decimal(payout))
    assert floor.venue.owned() == {PUSD: cash + Decimal(paid)}


def test_only_settled_shares_of_a_resolved_market_are_redeemed() -> None:
    floor = with_shares("10")

    unresolved = redeem(floor, "10")
    resolve(floor)
    too_many = redeem(floor, "25")
    again = redeem(floor, "10")

    assert [report.quantity for report in (unresolved, too_many, again)] == [0, 10, 0]


def test_a_resting_sale_holds_its_shares() -> None:
    floor = with_shares("10")
    send(floor, "SELL 10 UP 0.55 GTC", name="first")
    floor.after(ms=100)

    send(floor, "SELL 5 UP 0.55 GTC", name="second")

    assert "balance: 0, order amount: 5000000" in reason_of(floor.after(ms=100))
