"""Every refusal of an order, by its text, and the edges of each rule."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from simulator.polymarket.exchange import Placed
from simulator.polymarket.markets import SimMarket
from simulator.polymarket.refusals import Refusal
from simulator.polymarket.signatures import DEPOSIT_WALLET, EOA, PROXY, SAFE
from simulator.polymarket.venue import Venue
from tests.simulator.polymarket.traders import (
    DOLLAR,
    NOW_NS,
    SECOND,
    Body,
    Order,
    Trader,
    market_in,
    quote,
    venue_with,
)

NOW_S = NOW_NS // SECOND
Change = Callable[[Body, Body], None]


def scene(**changes: Any) -> tuple[Venue, SimMarket, Trader]:
    venue = venue_with()
    market = market_in(venue, **changes)
    return venue, market, Trader(venue)


def outer(**values: object) -> Change:
    return lambda body, _: body.update(values)


def inner(**values: object) -> Change:
    return lambda _, order: order.update(values)


def refusal_of(result: Placed | Refusal) -> tuple[int, str]:
    assert isinstance(result, Refusal), result
    return result.status, result.text


@pytest.mark.parametrize(
    ("change", "text"),
    [
        pytest.param(
            outer(owner="someone"), "the order owner has to be the owner of the API KEY", id="owner"
        ),
        pytest.param(inner(signature="0x" + "11" * 65), "invalid signature", id="signature"),
        pytest.param(inner(signature="0xzz"), "Invalid order payload", id="signature not hexadecimal"),
        pytest.param(inner(metadata="0x00"), "Invalid order payload", id="metadata too short"),
        pytest.param(inner(makerAmount="5.2"), "Invalid order payload", id="amount with a point"),
        pytest.param(inner(makerAmount="-1"), "Invalid order payload", id="negative amount"),
        pytest.param(inner(makerAmount=5200000), "Invalid order payload", id="amount as a number"),
        pytest.param(inner(salt="12"), "Invalid order payload", id="salt as text"),
        pytest.param(inner(salt=1 << 53), "Invalid order payload", id="salt of 54 bits"),
        pytest.param(inner(side="HOLD"), "Invalid order payload", id="side"),
        pytest.param(outer(orderType="IOC"), "Invalid order payload", id="order type"),
        pytest.param(outer(orderType="FOK", postOnly=True), "Invalid order payload", id="post-only FOK"),
        pytest.param(outer(deferExec=True), "Invalid order payload", id="deferred"),
        pytest.param(outer(surprise=1), "Invalid order payload", id="unknown field"),
        pytest.param(inner(signatureType=4), "Invalid order payload", id="kind of signature"),
        pytest.param(inner(nonce="0", feeRateBps="0"), "order_version_mismatch", id="first protocol"),
        pytest.param(
            inner(signer="0x" + "22" * 20),
            "the order signer address has to be the address of the API KEY",
            id="signer",
        ),
        pytest.param(
            inner(maker="0x" + "22" * 20),
            "maker address not allowed, please use the deposit wallet flow",
            id="unknown maker",
        ),
    ],
)
def test_a_wrong_request_is_refused_by_its_text(change: Change, text: str) -> None:
    _, market, trader = scene()

    refused = trader.refused(Order(market.token_ids[0]), change)

    assert refusal_of(refused) == (400, text)


def test_a_venue_of_another_version_refuses_every_order() -> None:
    venue, market, trader = scene()
    venue.rules.change({"version": 3})

    assert refusal_of(trader.post(Order(market.token_ids[0]))) == (400, "order_version_mismatch")


@pytest.mark.parametrize("kind", [PROXY, SAFE])
def test_an_old_wallet_is_signed_for_by_its_owner_only(kind: int) -> None:
    venue, market, _ = scene()
    trader = Trader(venue, number=4, kind=kind)
    body = trader.body(Order(market.token_ids[0]))

    trader.wallet.owner = "0x" + "33" * 20

    assert refusal_of(trader.send(body)) == (400, "invalid signature")


def test_what_is_no_json_is_an_invalid_payload() -> None:
    _, _, trader = scene()

    assert refusal_of(trader.send(b"<html>")) == (400, "Invalid order payload")


def test_a_token_without_a_book_is_not_found() -> None:
    _, _, trader = scene()

    assert refusal_of(trader.post(Order("123456"))) == (
        404,
        "No orderbook exists for the requested token id",
    )


def test_a_new_market_takes_no_orders_for_a_while() -> None:
    venue = venue_with(books_listed_after_ms=3_000)
    market, trader = market_in(venue), Trader(venue)

    early = trader.post(Order(market.token_ids[0]))
    venue.advance(3 * SECOND)

    assert refusal_of(early) == (400, "the market is not yet ready to process new orders")
    assert isinstance(trader.post(Order(market.token_ids[0])), Placed)


def test_a_closed_market_has_no_book() -> None:
    venue, market, trader = scene()
    venue.life.resolve(market, (Decimal(1), Decimal(0)))

    assert refusal_of(trader.post(Order(market.token_ids[0])))[0] == 404


@pytest.mark.parametrize(
    ("flag", "side", "text"),
    [
        ("banned", "BUY", "'{}' address banned"),
        ("banned", "SELL", "'{}' address banned"),
        ("closed_only", "BUY", "'{}' address in closed only mode"),
    ],
)
def test_a_restricted_maker_is_told_so(flag: str, side: str, text: str) -> None:
    _, market, trader = scene()
    setattr(trader.wallet, flag, True)

    refused = trader.refused(Order(market.token_ids[0], side=side))

    assert refusal_of(refused) == (400, text.format(trader.address))


def test_a_maker_in_closed_only_mode_may_sell() -> None:
    _, market, trader = scene()
    trader.wallet.closed_only = True
    trader.give(market.token_ids[0], 10)

    assert isinstance(trader.post(Order(market.token_ids[0], side="SELL")), Placed)


def test_an_eoa_that_is_not_on_the_list_must_use_a_deposit_wallet() -> None:
    _, market, trader = scene()
    trader.wallet.allowed = False

    assert refusal_of(trader.post(Order(market.token_ids[0]))) == (
        400,
        "maker address not allowed, please use the deposit wallet flow",
    )


def test_a_deposit_wallet_of_another_owner_has_the_wrong_signer() -> None:
    venue, market, trader = scene()
    wallet = Trader(venue, number=3, kind=DEPOSIT_WALLET)
    posted = wallet.body(Order(market.token_ids[0]), outer(owner=trader.key.key))

    assert refusal_of(trader.send(posted)) == (
        400,
        "the order signer address has to be the address of the API KEY",
    )


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("neg_risk", [False, True])
@pytest.mark.parametrize("kind", [EOA, PROXY, SAFE, DEPOSIT_WALLET])
def test_every_kind_of_wallet_trades_every_kind_of_market(version: str, neg_risk: bool, kind: int) -> None:
    venue = venue_with()
    market = market_in(venue, version=version, neg_risk=neg_risk)
    trader = Trader(venue, kind=kind)

    placed = trader.placed(Order(market.token_ids[1]))

    assert placed.status == "live"


def test_the_same_order_again_is_duplicated_whatever_became_of_it() -> None:
    venue, market, trader = scene()
    quote(venue, market, ask="0.50")
    live = trader.body(Order(market.token_ids[0], price="0.40"))
    filled = trader.body(Order(market.token_ids[0], price="0.50"))
    killed = trader.body(Order(market.token_ids[0], price="0.10", kind="FOK", size="100"))
    cancelled = trader.body(Order(market.token_ids[0], price="0.30"))
    for body in (live, filled, killed, cancelled):
        trader.send(body)
    venue.exchange.cancel([list(venue.state.open_orders)[-1]], trader.key)

    again = [trader.send(body) for body in (live, filled, killed, cancelled)]

    assert all(isinstance(one, Refusal) and one.text.endswith("is invalid. Duplicated.") for one in again)
    assert len(venue.state.orders) == 4


def test_a_refused_order_may_come_again() -> None:
    _, market, trader = scene()
    trader.wallet.balances[""] = 0
    body = trader.body(Order(market.token_ids[0]))
    refused = trader.send(body)

    trader.wallet.balances[""] = 100 * DOLLAR

    assert isinstance(refused, Refusal)
    assert isinstance(trader.send(body), Placed)
