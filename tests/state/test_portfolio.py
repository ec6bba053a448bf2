"""Reservations, fills, settlements and redemptions: every amount by hand, and others' bugs as vectors."""

from decimal import Decimal

import pytest

from domain.errors import InvariantError
from domain.instrument import Side
from domain.ledger import AccountKind
from domain.messages import Cancelled, Redeemed, Settlement
from domain.money import PUSD
from domain.records import PositionRecord
from state.holdings import fill_key, worst_case
from tests.support.trader import Trader
from tests.support.trading import (
    ALPHA,
    BETA,
    NOW_NS,
    PAPER,
    UP,
    WALLET,
    d,
    fill_of,
    filled_report,
    instrument,
    order,
    settlement_of,
)

OWNER = "s1/alpha"


def cash(trader: Trader) -> Decimal:
    """What is free in the wallet."""
    return trader.portfolio.ledger.balance(AccountKind.CASH, WALLET, PUSD)


def reserved(trader: Trader) -> Decimal:
    """Money that open buys have set aside."""
    return trader.portfolio.ledger.balance(AccountKind.RESERVED, WALLET, PUSD)


def redeemed(quantity: str, payout: str) -> Redeemed:
    """The venue's word that shares of UP were paid out."""
    return Redeemed(
        venue=PAPER, strategy=ALPHA, instrument_id=UP, quantity=d(quantity), payout=d(payout), time_ns=NOW_NS
    )


@pytest.mark.parametrize(
    ("text", "asset", "amount"),
    [
        pytest.param("BUY 20 UP 0.50", "pUSD", "10.35", id="buy"),  # 20 * 0.50 + 20 * 0.07 * 0.25
        pytest.param("BUY 20 UP 0.96", "pUSD", "19.55", id="better price, larger fee"),  # 19.20 + 0.35
        pytest.param("BUY 20 UP 0.10", "pUSD", "2.126", id="cheap"),  # 2 + 20 * 0.07 * 0.09
        pytest.param("BUY 20 UP 0.50 post-only", "pUSD", "10", id="a maker pays no fee"),
        pytest.param("BUY 5.01 UP 0.33", "pUSD", "1.73084", id="rounded up"),  # 1.6533 + 0.0775397…
        pytest.param("SELL 20 UP 0.50", "m:UP", "20", id="a sale sets its shares aside"),
    ],
)
def test_the_worst_case_of_an_order(text: str, asset: str, amount: str) -> None:
    assert worst_case(order(text), instrument()) == (asset, d(amount))


def test_a_buy_sets_aside_its_worst_case_and_no_more() -> None:
    trader = Trader(cash="100")

    trader.accepted("BUY 20 UP 0.50")

    assert (cash(trader), reserved(trader)) == (d("89.65"), d("10.35"))  # 20 * 0.50 + 20 * 0.07 * 0.25


def test_price_improvement_goes_back_to_cash() -> None:
    trader = Trader(cash="100")
    bought = trader.opened("BUY 20 UP 0.50")

    trader.fill(bought, "20", price="0.40", fee="0.336")  # 20 * 0.07 * 0.24

    assert (cash(trader), reserved(trader)) == (d("91.664"), d(0))  # 100 - 20 * 0.40 - 0.336


def test_a_partial_fill_keeps_what_the_rest_can_cost() -> None:
    trader = Trader(cash="100")
    bought = trader.opened("BUY 20 UP 0.50")

    trader.fill(bought, "8", fee="0.14")  # 8 * 0.07 * 0.25

    reservation = trader.portfolio.reservations[bought.id]
    assert (reservation.amount, reservation.posted, reservation.pending) == (d("10.35"), d("4.14"), d("6.21"))
    assert (cash(trader), reserved(trader)) == (d("89.65"), d("6.21"))  # 12 * 0.50 + 12 * 0.07 * 0.25


def test_what_rounding_makes_short_comes_from_the_rounding_account() -> None:
    trader = Trader(cash="100", fee_rate="0")
    bought = trader.opened("BUY 5 UP 0.33")

    for number in range(3):
        trader.fill(
            bought, "0.000001", trade=f"t{number}"
        )  # each costs a whole unit; all three free 0.99 units

    ledger = trader.portfolio.ledger
    assert ledger.balance(AccountKind.ROUNDING, WALLET, PUSD) == d("-0.000003")
    assert (cash(trader), reserved(trader)) == (d("98.35"), d("1.65"))  # 5 * 0.33, still rounded up to 1.65
    assert trader.portfolio.cash_total == d("99.999997")  # 100 less three units


def test_a_cancel_releases_the_rest() -> None:
    trader = Trader(cash="100")
    bought = trader.opened("BUY 20 UP 0.50")
    trader.fill(bought, "8", fee="0.14")

    trader.report(Cancelled(order_id=bought.id, reason="asked", time_ns=NOW_NS))

    assert (cash(trader), reserved(trader)) == (d("95.86"), d(0))  # 100 - 8 * 0.50 - 0.14
    assert trader.portfolio.reservations == {}


def test_matched_shares_are_not_sellable_before_they_settle() -> None:
    trader = Trader()
    bought = trader.opened("BUY 20 UP 0.50")
    fill = fill_of(bought, "20")

    trader.report(filled_report(fill))
    before = trader.portfolio.available(Side.SELL, strategy=ALPHA, instrument_id=UP)
    trader.report(settlement_of(fill))

    assert (before, trader.portfolio.available(Side.SELL, strategy=ALPHA, instrument_id=UP)) == (d(0), d(20))


def test_one_strategys_shares_are_not_anothers() -> None:
    trader = Trader()

    trader.bought("20")

    assert trader.portfolio.available(Side.SELL, strategy=BETA, instrument_id=UP) == 0
    assert trader.portfolio.held == {UP: 20}


def test_a_failed_purchase_is_as_if_it_had_never_been() -> None:
    trader = Trader(cash="100")
    bought = trader.opened("BUY 20 UP 0.50")
    fill = fill_of(bought, "20", price="0.40", fee="0.336")

    trader.report(filled_report(fill))
    trader.report(settlement_of(fill, Settlement.FAILED))

    position = trader.portfolio.positions[ALPHA, UP]
    assert (position.quantity, position.cost, position.fees, position.realized_pnl) == (
        d(0),
        d(0),
        d(0),
        d(0),
    )
    assert (cash(trader), trader.portfolio.held, trader.portfolio.invested) == (d(100), {}, d(0))


def test_a_failed_sale_gives_the_shares_back_and_takes_the_profit() -> None:
    trader = Trader(cash="100")
    trader.bought("20", price="0.40")
    sale = trader.opened("SELL 20 UP 0.60", key="sale")
    fill = fill_of(sale, "20", fee="0.336")

    trader.report(filled_report(fill))
    profit = trader.portfolio.realized_pnl(ALPHA)
    trader.report(settlement_of(fill, Settlement.FAILED))

    assert profit == 4  # 20 * (0.60 - 0.40)
    assert (trader.portfolio.realized_pnl(ALPHA), trader.portfolio.fees(ALPHA)) == (d(0), d(0))
    assert trader.portfolio.available(Side.SELL, strategy=ALPHA, instrument_id=UP) == 20
    assert cash(trader) == 92  # 100 - 20 * 0.40


def test_a_sale_takes_the_average_cost() -> None:
    trader = Trader()
    trader.bought("10", price="0.40", key="one")
    trader.bought("30", price="0.48", key="two")
    sale = trader.opened("SELL 20 UP 0.60", key="sale")

    trader.fill(sale, "20")

    position = trader.portfolio.positions[ALPHA, UP]
    assert trader.portfolio.realized_pnl(ALPHA) == d("2.8")  # 20 * 0.60 - 20 * (4 + 14.4) / 40
    assert (position.quantity, position.cost) == (d(20), d("9.2"))  # 18.4 - 9.2


def test_the_last_shares_take_whatever_cost_is_left() -> None:
    trader = Trader(fee_rate="0")
    trader.bought("7", price="0.10")
    sale = trader.opened("SELL 7 UP 0.10", key="sale")

    trader.fill(sale, "3", trade="one")  # 0.70 * 3 / 7 = 0.30
    trader.fill(sale, "4", trade="two")

    assert trader.portfolio.positions[ALPHA, UP].cost == 0
    assert trader.portfolio.realized_pnl(ALPHA) == 0  # bought and sold at 0.10


@pytest.mark.parametrize(
    ("payout", "money", "profit"),
    [
        pytest.param("0", "92", "-8", id="lost"),  # 100 - 8 + 0
        pytest.param("0.5", "102", "2", id="split"),  # 100 - 8 + 20 * 0.5
        pytest.param("1", "112", "12", id="won"),  # 100 - 8 + 20
    ],
)
def test_a_redemption_pays_each_share(payout: str, money: str, profit: str) -> None:
    trader = Trader(cash="100")
    trader.bought("20", price="0.40")

    trader.report(redeemed("20", payout))

    closed = trader.written(PositionRecord)[-1]
    assert (cash(trader), trader.portfolio.realized_pnl(ALPHA)) == (d(money), d(profit))
    assert (closed.quantity, closed.cost, closed.closed_ns) == (d(0), d(0), NOW_NS)


@pytest.mark.parametrize(
    ("payout", "wins", "losses"), [("1", 1, 0), ("0.4", 0, 0), ("0", 0, 1)], ids=["won", "level", "lost"]
)
def test_a_position_that_is_over_is_forgotten_and_its_result_kept(
    payout: str, wins: int, losses: int
) -> None:
    trader = Trader()
    trader.bought("20", price="0.40")

    trader.report(redeemed("20", payout))

    past = trader.portfolio.past[ALPHA]
    assert trader.portfolio.positions == {}
    assert (past.wins, past.losses, past.earned) == (wins, losses, 20 * d(payout) - 8)


def test_a_position_of_which_a_fill_may_still_fail_is_not_forgotten() -> None:
    trader = Trader()
    trader.bought("20", price="0.40")
    sale = trader.opened("SELL 10 UP 0.60", key="sale")
    fill = fill_of(sale, "10")
    trader.report(filled_report(fill))

    trader.report(redeemed("10", "1"))
    trader.report(settlement_of(fill, Settlement.FAILED))

    assert trader.portfolio.positions[ALPHA, UP].quantity == 10


def test_a_second_redemption_that_finds_nothing_is_harmless() -> None:
    trader = Trader(cash="100")
    trader.bought("20", price="0.40")
    trader.report(redeemed("20", "1"))

    trader.report(redeemed("0", "1"))

    assert cash(trader) == 112  # 100 - 8 + 20, once


@pytest.mark.parametrize(("quantity", "is_refused"), [("19.99", False), ("20", False), ("20.01", True)])
def test_no_more_is_redeemed_than_is_settled(quantity: str, is_refused: bool) -> None:
    trader = Trader()
    trader.bought("20")

    if not is_refused:
        trader.report(redeemed(quantity, "1"))
        assert trader.written(PositionRecord)[-1].quantity == 20 - d(quantity)
        return
    with pytest.raises(InvariantError, match="more than is settled"):
        trader.report(redeemed(quantity, "1"))


# --- what went wrong elsewhere --------------------------------------------------------------------------


def test_a_fee_is_subtracted_and_not_added() -> None:
    """hummingbot #7891 added the fee to what a sale brought."""
    trader = Trader(cash="100", fee_rate="0.07")
    trader.bought("20", price="0.40")
    sale = trader.opened("SELL 20 UP 0.60", key="sale")
    fill = fill_of(sale, "20", fee="0.336")  # 20 * 0.07 * 0.24

    trader.report(filled_report(fill))
    trader.report(settlement_of(fill))

    assert cash(trader) == d("103.664")  # 100 - 8 + 12 - 0.336


def test_a_fee_is_subtracted_once() -> None:
    """hummingbot #8099 took it from the money and from the profit."""
    trader = Trader(cash="100")
    bought = trader.opened("BUY 20 UP 0.50")

    trader.fill(bought, "20", fee="0.35")

    portfolio = trader.portfolio
    assert (portfolio.fees(ALPHA), portfolio.realized_pnl(ALPHA)) == (d("0.35"), d(0))
    assert portfolio.positions[ALPHA, UP].cost == 10  # the fee is not in the cost as well
    assert portfolio.cash_total == d("89.65")  # 100 - 10 - 0.35


def test_a_fee_in_another_token_is_not_booked_as_money() -> None:
    """hummingbot #3202 and freqtrade #5415 took a fee in a third token for one in the quote currency."""
    trader = Trader()
    bought = trader.opened("BUY 20 UP 0.50")
    fill = fill_of(bought, "20", fee="0.35")
    fee_in_gas = type(fill)(
        **{name: getattr(fill, name) for name in fill.__struct_fields__} | {"fee_asset": "POL"}
    )

    with pytest.raises(InvariantError, match="POL"):
        trader.report(filled_report(fee_in_gas))


def test_a_fill_from_two_channels_counts_once() -> None:
    """nautilus_trader #3493 counted a fill that it had inferred, and then the real one."""
    trader = Trader()
    bought = trader.opened("BUY 20 UP 0.50")
    fill = fill_of(bought, "8")

    trader.report(filled_report(fill))
    news = trader.report(filled_report(fill))

    assert news == []
    assert trader.now(bought.id).filled_quantity == 8


def test_a_fill_heard_again_after_everything_is_over_is_not_booked_again() -> None:
    """After a restart the venue lists old fills again."""
    trader = Trader(cash="100")
    bought = trader.bought("20", price="0.50")
    trader.report(redeemed("20", "1"))
    money, written = cash(trader), len(trader.journal)

    trader.report(filled_report(fill_of(bought, "20", trade="t-bought")))

    assert (cash(trader), len(trader.journal)) == (money, written)


def test_a_quantity_is_in_shares_and_not_in_money() -> None:
    """hummingbot #3734 took ten pounds' worth for ten pieces."""
    trader = Trader(cash="100")

    trader.bought("20", price="0.25")

    position = trader.portfolio.positions[ALPHA, UP]
    assert (position.quantity, position.cost) == (d(20), d(5))  # 20 * 0.25


def test_two_of_our_makers_can_share_one_trade() -> None:
    trader = Trader()
    one, two = trader.opened("BUY 20 UP 0.50", key="one"), trader.opened("BUY 20 UP 0.50", key="two")

    trader.fill(one, "5", trade="shared")
    trader.fill(two, "7", trade="shared")

    assert trader.portfolio.held == {UP: 12}


def test_posting_a_fill_twice_past_the_order_manager_raises() -> None:
    trader = Trader()
    bought = trader.opened("BUY 20 UP 0.50")
    fill = fill_of(bought, "8")
    trader.report(filled_report(fill))

    with pytest.raises(InvariantError, match="I6"):
        trader.portfolio.fill(trader.now(bought.id), fill)

    assert fill_key(fill) in trader.portfolio.unsettled
