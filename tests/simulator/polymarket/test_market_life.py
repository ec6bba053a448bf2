"""Markets that are listed, change their tick, close and resolve, and what their tokens pay."""

from decimal import Decimal

import pytest

from simulator.faults import ArmedFault, Fault
from simulator.polymarket.events import Event, MarketResolved, TickChanged
from simulator.polymarket.refusals import Refusal
from simulator.polymarket.signatures import is_v2_position
from tests.simulator.polymarket.traders import (
    DOLLAR,
    RAIN,
    SECOND,
    Order,
    Trader,
    market_in,
    quote,
    venue_with,
)

CASH = ""
WON = (Decimal(1), Decimal(0))


def test_identifiers_belong_to_the_generation() -> None:
    venue = venue_with()

    first = market_in(venue, slug="one")
    second = market_in(venue, slug="two", version="v2")
    exclusive = market_in(venue, slug="three", version="v2", neg_risk=True)

    assert not any(is_v2_position(int(token)) for token in first.token_ids)
    assert all(is_v2_position(int(token)) for token in (*second.token_ids, *exclusive.token_ids))
    assert int(second.token_ids[1]) - int(second.token_ids[0]) == 1
    assert second.condition_id.startswith("0x01")
    assert second.condition_id.endswith("00")
    assert exclusive.condition_id.startswith("0x02")
    assert {len(one.condition_id) for one in (first, second, exclusive)} == {66}


def test_the_same_seed_lists_the_same_market() -> None:
    assert market_in(venue_with(seed=5)).token_ids == market_in(venue_with(seed=5)).token_ids
    assert market_in(venue_with(seed=5)).token_ids != market_in(venue_with(seed=6)).token_ids


@pytest.mark.parametrize(
    ("changes", "text"), [({}, "is taken"), ({"slug": "other", "tick": Decimal("0.02")}, "no tick 0.02")]
)
def test_what_cannot_be_listed_is_told(changes: dict[str, object], text: str) -> None:
    venue = venue_with()
    market_in(venue)

    with pytest.raises(ValueError, match=text):
        market_in(venue, RAIN, **changes)


def test_a_finer_tick_lets_finer_prices_in_and_an_old_one_is_refused() -> None:
    venue = venue_with()
    market, trader = market_in(venue), Trader(venue)
    told: list[Event] = []
    venue.state.listen(told.append)

    before = trader.post(Order(market.token_ids[0], price="0.965"))
    venue.life.change_tick(market, Decimal("0.001"))
    after = trader.placed(Order(market.token_ids[0], price="0.965"))
    venue.life.change_tick(market, Decimal("0.01"))

    assert isinstance(before, Refusal)
    assert after.order.status == "LIVE"  # stays although the tick is coarse again
    assert [(one.old, one.new) for one in told if isinstance(one, TickChanged)] == [(100, 10), (10, 100)]


def test_closing_cancels_what_rests_and_takes_nothing_more() -> None:
    venue = venue_with()
    market, trader = market_in(venue), Trader(venue)
    order = trader.placed(Order(market.token_ids[0])).order

    venue.life.close(market)

    assert order.status == "CANCELED"
    assert isinstance(trader.post(Order(market.token_ids[0])), Refusal)


def test_resolving_cancels_pays_and_tells() -> None:
    venue = venue_with()
    market, trader = market_in(venue), Trader(venue)
    quote(venue, market, ask="0.50")
    trader.placed(Order(market.token_ids[0]))
    resting = trader.placed(Order(market.token_ids[0], price="0.10")).order
    venue.advance(10 * SECOND)
    told: list[Event] = []
    venue.state.listen(told.append)

    venue.life.resolve(market, WON)
    paid = venue.life.redeem(trader.wallet, market)

    assert resting.status == "CANCELED_MARKET_RESOLVED"
    assert any(isinstance(one, MarketResolved) for one in told)
    assert paid == 10 * DOLLAR
    assert trader.wallet.balances[CASH] == 1_005 * DOLLAR
    assert venue.life.redeem(trader.wallet, market) == 0
    assert next(notice["type"] for notice in venue.notices.of_key(trader.key.key)) == 4


@pytest.mark.parametrize(
    ("payouts", "paid"), [(("1", "0"), 30), (("0", "1"), 20), (("0.5", "0.5"), 25)], ids=str
)
def test_each_outcome_pays_its_part(payouts: tuple[str, str], paid: int) -> None:
    venue = venue_with()
    market, trader = market_in(venue), Trader(venue)
    trader.give(market.token_ids[0], 30)
    trader.give(market.token_ids[1], 20)

    venue.life.resolve(market, (Decimal(payouts[0]), Decimal(payouts[1])))

    assert venue.life.redeem(trader.wallet, market) == paid * DOLLAR


def test_payouts_make_up_one_dollar() -> None:
    venue = venue_with()

    with pytest.raises(ValueError, match="must sum to 1"):
        venue.life.resolve(market_in(venue), (Decimal(1), Decimal(1)))


def test_a_market_resolves_in_silence_on_demand() -> None:
    venue = venue_with()
    market = market_in(venue)
    venue.faults.arm(ArmedFault(fault=Fault.SILENT_RESOLUTION, endpoint="market will-it-rain"))
    told: list[Event] = []
    venue.state.listen(told.append)

    venue.life.resolve(market, WON)

    assert market.closed
    assert not any(isinstance(one, MarketResolved) for one in told)


def test_splitting_and_merging_are_each_others_reverse() -> None:
    venue = venue_with()
    market, trader = market_in(venue), Trader(venue)

    venue.life.split(trader.wallet, market, 30 * DOLLAR)
    halfway = [trader.wallet.balances[token] for token in market.token_ids]
    venue.life.merge(trader.wallet, market, 30 * DOLLAR)

    assert halfway == [30 * DOLLAR, 30 * DOLLAR]
    assert trader.wallet.balances[CASH] == 1_000 * DOLLAR
    assert venue.state.locked[market.condition_id] == 0


@pytest.mark.parametrize("amount", [0, -1, 1_001])
def test_a_split_needs_the_money(amount: int) -> None:
    venue = venue_with()
    market, trader = market_in(venue), Trader(venue)

    with pytest.raises(ValueError, match="wanted"):
        venue.life.split(trader.wallet, market, amount * DOLLAR)


def test_redeeming_waits_for_the_result() -> None:
    venue = venue_with()

    with pytest.raises(ValueError, match="has not resolved"):
        venue.life.redeem(Trader(venue).wallet, market_in(venue))
