"""What an order looks like on the wire, and what is refused before it is signed."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polymarket._internal.actions.orders.limit import _compute_limit_order_amounts
from polymarket._internal.actions.orders.post import _build_send_order_payload
from polymarket.models.clob.orders import SignedOrder
from polymarket.models.types import TokenId
from polymarket.types import EvmAddress, HexString

from domain.errors import PayloadError
from domain.identifiers import InstrumentId, IntentId
from domain.instrument import Side
from domain.order import Order, TimeInForce
from tests.venues.polymarket.orders import NOW_NS, order, terms
from tests.venues.polymarket.wallets import CONTRACT, OWNER, signer_for
from venues.polymarket.payload import TICK_SIZES, PayloadMaker, amounts_of, salt_of
from venues.polymarket.signing import WalletKind
from venues.polymarket.terms import Terms


def maker(kind: WalletKind = WalletKind.EOA, install_id: str = "install") -> PayloadMaker:
    return PayloadMaker(signer=signer_for(kind), api_key="key-1", install_id=install_id)


def test_the_same_order_makes_the_same_id_and_bytes_in_another_process() -> None:
    assert maker().prepare(order(), terms()) == maker().prepare(order(), terms())


@pytest.mark.parametrize(
    ("other", "install_id"),
    [
        pytest.param(order(generation=2), "install", id="another generation"),
        pytest.param(order(intent_id=IntentId("s1/quoter/other/0")), "install", id="another intent"),
        pytest.param(order(), "elsewhere", id="another installation"),
        pytest.param(order(created_ns=NOW_NS + 10**6), "install", id="a millisecond later"),
    ],
)
def test_what_makes_it_another_order_makes_another_id(other: Order, install_id: str) -> None:
    first = maker().prepare(order(), terms()).venue_order_id

    assert maker(install_id=install_id).prepare(other, terms()).venue_order_id != first


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        pytest.param(order(), {}, id="GTC"),
        pytest.param(order(post_only=True), {"postOnly": True}, id="post-only"),
        pytest.param(order(time_in_force=TimeInForce.FOK), {"orderType": "FOK"}, id="FOK"),
        pytest.param(order(time_in_force=TimeInForce.FAK), {"orderType": "FAK"}, id="FAK"),
    ],
)
def test_the_body_says_what_was_asked(asked: Order, more: dict[str, object]) -> None:
    body = json.loads(maker().prepare(asked, terms()).payload)

    wanted = {"orderType": "GTC", "owner": "key-1", "deferExec": False} | more
    assert {key: value for key, value in body.items() if key != "order"} == wanted
    assert body["order"]["makerAmount"] == "5200000"  # 10 × 0.52 × 1e6
    assert body["order"]["takerAmount"] == "10000000"
    assert body["order"]["timestamp"] == str(NOW_NS // 10**6)
    assert body["order"]["salt"] < 2**53


def test_a_sale_gives_shares_and_takes_money() -> None:
    body = json.loads(maker().prepare(order(side=Side.SELL), terms()).payload)

    assert (body["order"]["makerAmount"], body["order"]["takerAmount"]) == ("10000000", "5200000")


def test_an_end_is_said_in_whole_seconds_and_never_later_than_asked() -> None:
    asked = order(time_in_force=TimeInForce.GTD, expires_ns=NOW_NS + 200_999_999_999)

    body = json.loads(maker().prepare(asked, terms()).payload)

    assert body["order"]["expiration"] == str((NOW_NS + 200_999_999_999) // 10**9)


def test_the_end_is_no_part_of_the_id() -> None:
    short, long = (order(time_in_force=TimeInForce.GTD, expires_ns=NOW_NS + s * 10**9) for s in (200, 300))

    ids = {maker().prepare(each, terms()).venue_order_id for each in (short, long)}

    assert len(ids) == 1


def test_a_deposit_wallet_is_maker_and_signer() -> None:
    body = json.loads(maker(WalletKind.DEPOSIT).prepare(order(), terms()).payload)

    assert (body["order"]["maker"], body["order"]["signer"]) == (CONTRACT, CONTRACT)
    assert body["order"]["signatureType"] == 3


def test_a_safe_is_maker_and_its_owner_signs() -> None:
    body = json.loads(maker(WalletKind.SAFE).prepare(order(), terms()).payload)

    assert (body["order"]["maker"], body["order"]["signer"]) == (CONTRACT, OWNER)


@pytest.mark.parametrize(
    ("asked", "of", "why"),
    [
        pytest.param(order(price=Decimal("0.525")), terms(), "not on the grid", id="off the tick"),
        pytest.param(order(price=Decimal(0)), terms(), "not on the grid", id="below the grid"),
        pytest.param(order(price=Decimal(1)), terms(), "not on the grid", id="above the grid"),
        pytest.param(order(quantity=Decimal("10.125")), terms(), "hundredths", id="a finer lot"),
        pytest.param(order(quantity=Decimal(0)), terms(), "positive", id="nothing"),
        pytest.param(order(), terms(tick_size=Decimal("0.02")), "update the adapter", id="an unknown tick"),
        pytest.param(order(), terms(instrument_id=InstrumentId("m:UP")), "is no token", id="no token"),
        pytest.param(order(), terms(instrument_id=InstrumentId("9" * 80)), "is no token", id="too long"),
        pytest.param(
            order(time_in_force=TimeInForce.FAK, quantity=Decimal("10.01")),
            terms(),
            "whole cents",  # 10.01 × 0.52 = 5.2052
            id="parts of a cent",
        ),
        pytest.param(order(time_in_force=TimeInForce.GTD), terms(), "no end", id="GTD for ever"),
        pytest.param(
            order(time_in_force=TimeInForce.FOK, post_only=True), terms(), "post-only", id="FOK that rests"
        ),
    ],
)
def test_what_cannot_be_said_exactly_is_refused(asked: Order, of: Terms, why: str) -> None:
    with pytest.raises(PayloadError, match=why):
        maker().prepare(asked, of)


def test_a_sale_may_bring_parts_of_a_cent_at_once() -> None:
    asked = order(time_in_force=TimeInForce.FAK, quantity=Decimal("10.01"), side=Side.SELL)

    assert amounts_of(asked, Decimal("0.01")).taker == 5_205_200  # 10.01 × 0.52 × 1e6


@given(
    tick=st.sampled_from(sorted(TICK_SIZES)),
    ticks=st.integers(min_value=1, max_value=9_999),
    lots=st.integers(min_value=1, max_value=10**8),
    side=st.sampled_from(Side),
)
def test_amounts_are_those_of_the_official_client(tick: Decimal, ticks: int, lots: int, side: Side) -> None:
    price = tick * (1 + ticks % (int(1 / tick) - 1))
    asked = order(price=price, quantity=Decimal(lots) / 100, side=side)

    amounts = amounts_of(asked, tick)

    theirs = _compute_limit_order_amounts(price=price, size=asked.quantity, side=side.value, tick_size=tick)
    assert (amounts.maker, amounts.taker) == theirs


@settings(deadline=None, max_examples=20)
@given(number=st.integers(min_value=1, max_value=1000), kind=st.sampled_from(WalletKind))
def test_the_bytes_are_those_that_the_official_client_would_send(number: int, kind: WalletKind) -> None:
    asked = order(number, post_only=bool(number % 2))

    payload = maker(kind).prepare(asked, terms()).payload

    sent = json.loads(payload)["order"]
    signed = SignedOrder(
        builder=HexString(sent["builder"]),
        expiration=0,
        maker=EvmAddress(sent["maker"]),
        maker_amount=5_200_000,
        metadata=HexString(sent["metadata"]),
        order_type="GTC",
        salt=salt_of(asked, install_id="install"),
        side="BUY",
        signature=HexString(sent["signature"]),
        signature_type=int(kind),
        signer=EvmAddress(sent["signer"]),
        taker_amount=10_000_000,
        timestamp=NOW_NS // 10**6,
        token_id=TokenId(terms().token_id),
        post_only=asked.post_only,
    )
    theirs = _build_send_order_payload(signed, owner_api_key="key-1")
    assert payload == json.dumps(theirs, separators=(",", ":"))
