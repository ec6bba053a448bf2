"""Markets of the catalogue: what they become, which are refused and why, and what closed ones paid."""

import json
from decimal import Decimal

import pytest

from domain.instrument import UpDown
from domain.money import ONE, ZERO
from tests.venues.polymarket.catalogue import CONDITION, DOWN_TOKEN, UP_TOKEN, V2_DOWN, V2_UP, row
from venues.polymarket.gamma_wire import (
    OPEN_END_NS,
    UnfitMarketError,
    as_market,
    needs_fee_schedule,
    payouts,
    trading_obstacle,
)

WINDOW_START_NS = 1_773_307_200 * 10**9


def test_a_window_of_a_series_is_read_with_everything_an_order_needs() -> None:
    market = as_market(row())

    up, down = market.instruments
    assert (market.id, market.event_id, market.category) == (CONDITION, "260654", "crypto")
    assert (market.opens_ns, market.closes_ns) == (WINDOW_START_NS, WINDOW_START_NS + 300 * 10**9)
    assert market.up_down == UpDown(asset="BTC", feed="chainlink:BTC", twap_s=60)
    assert (up.id, up.outcome, up.complement_id) == (UP_TOKEN, "UP", DOWN_TOKEN)
    assert (down.id, down.outcome, down.complement_id) == (DOWN_TOKEN, "DOWN", UP_TOKEN)
    assert (up.tick_size, up.quantity_min, up.fee_rate, up.fee_exponent) == (
        Decimal("0.01"),
        Decimal(5),
        Decimal("0.07"),
        1,
    )


def test_a_market_of_the_second_generation_has_its_position_ids() -> None:
    both = {"clobTokenIds": json.dumps([UP_TOKEN, DOWN_TOKEN]), "positionIds": json.dumps([V2_UP, V2_DOWN])}

    first, second = as_market(row(**both)), as_market(row(**both, version="v2"))

    assert [instrument.id for instrument in first.instruments] == [UP_TOKEN, DOWN_TOKEN]
    assert [instrument.id for instrument in second.instruments] == [V2_UP, V2_DOWN]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"version": "v3"}, "version 'v3'", id="an unknown generation"),
        pytest.param({"version": "v2"}, "0 tokens", id="v2 without position ids"),
        pytest.param(
            {"version": "v2", "positionIds": json.dumps([UP_TOKEN, DOWN_TOKEN])}, "not of", id="v1 ids in v2"
        ),
        pytest.param({"clobTokenIds": json.dumps([V2_UP, V2_DOWN])}, "not of", id="v2 ids in v1"),
        pytest.param({"outcomes": '["A","B","C"]'}, "3 outcomes", id="three outcomes"),
        pytest.param({"clobTokenIds": ""}, "0 tokens", id="not known to the order book yet"),
        pytest.param({"clobTokenIds": "[1, 2]"}, "no list of texts", id="tokens as numbers"),
        pytest.param({"clobTokenIds": json.dumps([UP_TOKEN, UP_TOKEN])}, "two of each", id="one token twice"),
        pytest.param({"clobTokenIds": '["0x1","0x2"]'}, "no number", id="tokens in hexadecimal"),
        pytest.param({"orderPriceMinTickSize": 0.02}, "a tick of 0.02", id="an unknown tick"),
        pytest.param({"orderMinSize": None}, "a minimum of None", id="no minimum"),
        pytest.param({"feeSchedule": None}, "schedule is not known", id="fees, but which"),
        pytest.param({"feeSchedule": {"rate": 0.07, "takerOnly": False}}, "unknown kind", id="makers pay"),
        pytest.param({"feeSchedule": {"rate": 7}}, "unknown kind", id="a rate in per cent"),
        pytest.param({"negRiskOther": True}, "changes its meaning", id="the outcome 'other'"),
        pytest.param({"endDate": "soon"}, "a time of 'soon'", id="a time that is none"),
        pytest.param(
            {"resolutionSource": "https://data.chain.link/streams/eth-usd-twap-60s-streams"},
            "in two ways",
            id="two rules of settlement",
        ),
    ],
)
def test_a_market_that_we_do_not_understand_is_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(UnfitMarketError, match=reason):
        as_market(row(**changes))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        pytest.param(
            {"resolutionSource": "https://data.chain.link/streams/btc-usd", "cryptoMarketConfig": None},
            UpDown(asset="BTC", feed="chainlink:BTC", twap_s=0),
            id="the price of a moment, as before August 2026",
        ),
        pytest.param(
            {"cryptoMarketConfig": None},
            UpDown(asset="BTC", feed="chainlink:BTC", twap_s=60),
            id="by the source alone",
        ),
        pytest.param({"resolutionSource": "https://www.binance.com/en/trade/BTC_USDT"}, None, id="Binance"),
        pytest.param({"slug": "bitcoin-above-100k"}, None, id="no window of a series"),
    ],
)
def test_the_rule_of_settlement_is_read_and_never_assumed(
    changes: dict[str, object], rule: UpDown | None
) -> None:
    assert as_market(row(**changes)).up_down == rule


def test_a_market_without_fees_end_or_event_has_none() -> None:
    market = as_market(row(feesEnabled=False, feeSchedule=None, endDate=None, events=None, feeType=None))

    assert market.instruments[0].fee_rate == ZERO
    assert (market.closes_ns, market.event_id, market.category) == (OPEN_END_NS, market.slug, "other")


@pytest.mark.parametrize(
    ("changes", "obstacle"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"active": False}, "it is not active", id="inactive"),
        pytest.param({"closed": True}, "it is closed", id="closed, though it accepts orders"),
        pytest.param({"archived": True}, "it is archived", id="archived"),
        pytest.param({"acceptingOrders": None}, "it accepts no orders", id="not told whether it accepts"),
        pytest.param({"enableOrderBook": False}, "it has no order book", id="no book"),
    ],
)
def test_every_flag_counts(changes: dict[str, object], obstacle: str | None) -> None:
    assert trading_obstacle(row(**changes)) == obstacle


def test_fees_without_a_schedule_have_to_be_asked_for() -> None:
    assert needs_fee_schedule(row(feeSchedule=None))
    assert not needs_fee_schedule(row(feeSchedule=None, feesEnabled=False))


@pytest.mark.parametrize(
    ("changes", "paid"),
    [
        pytest.param({"closed": True, "outcomePrices": '["1", "0"]'}, (ONE, ZERO), id="up won"),
        pytest.param({"closed": True, "outcomePrices": '["0", "1"]'}, (ZERO, ONE), id="down won"),
        pytest.param({"closed": False, "outcomePrices": '["1", "0"]'}, None, id="not closed yet"),
        pytest.param({"closed": True, "outcomePrices": '["0", "0"]'}, None, id="old and unknown"),
        pytest.param({"closed": True, "outcomePrices": '["0.9995", "0.0005"]'}, None, id="still a price"),
        pytest.param({"closed": True, "outcomePrices": '["0.5", "0.5"]'}, None, id="halves, unsettled"),
        pytest.param(
            {"closed": True, "outcomePrices": '["0.5", "0.5"]', "umaResolutionStatus": "resolved"},
            (Decimal("0.5"), Decimal("0.5")),
            id="halves by the oracle",
        ),
        pytest.param(
            {
                "closed": True,
                "outcomePrices": '["0.5", "0.5"]',
                "umaResolutionStatus": "resolved",
                "negRisk": True,
            },
            None,
            id="halves where one must win",
        ),
    ],
)
def test_a_market_paid_only_what_is_final(
    changes: dict[str, object], paid: tuple[Decimal, Decimal] | None
) -> None:
    told = payouts(row(**changes))

    assert told == (None if paid is None else dict(zip((UP_TOKEN, DOWN_TOKEN), paid, strict=True)))
