"""Rows seen at the venue, and rows that no venue can mean."""

import json
from decimal import Decimal

import pytest

from domain.instrument import Side
from tests.venues.polymarket.rows import API_KEY, maker, order_row, trade_row
from venues.polymarket.wire import (
    OrderRow,
    OrderState,
    TradeRow,
    TradeStatus,
    WireError,
    decode_balance,
    decode_found_order,
    decode_order,
    decode_page,
    decode_trade,
    decode_user_event,
    split_user_message,
)


def without(raw: bytes, *names: str) -> bytes:
    """The row as it comes elsewhere, without some of its fields."""
    return json.dumps({name: value for name, value in json.loads(raw).items() if name not in names}).encode()


def sideless(order_id: str) -> dict[str, object]:
    """A maker's part as the venue sent it before it named the side."""
    return {name: value for name, value in maker(order_id).items() if name != "side"}


@pytest.mark.parametrize(
    ("raw", "state", "matched"),
    [
        pytest.param(order_row("0x1"), OrderState.OPEN, "0", id="a placement"),
        pytest.param(
            without(
                order_row("0x1", size_matched="25.0000", expiration=None, created_at=1703875200), "event_type"
            ),
            OrderState.OPEN,
            "25",
            id="a row of a read",
        ),
        pytest.param(
            order_row("0x1", status="CANCELED", created_at="1703875200000", type="CANCELLATION"),
            OrderState.CANCELLED,
            "0",
            id="a cancellation with milliseconds",
        ),
        pytest.param(
            without(order_row("0x1", status="MATCHED", size_matched="10.0"), "event_type"),
            OrderState.MATCHED,
            "10",
            id="a match without its kind",
        ),
        pytest.param(
            order_row("0x1", status="CANCELED_FOK killed", size_matched="", created_at="", order_type="FOK"),
            OrderState.CANCELLED,
            "0",
            id="a kill that says nothing of its fills",
        ),
        pytest.param(order_row("0x1", price=0.52, original_size=10), OrderState.OPEN, "0", id="numbers"),
    ],
)
def test_order_rows_are_read_in_every_shape_that_was_seen(
    raw: bytes, state: OrderState, matched: str
) -> None:
    row = decode_user_event(raw)

    assert isinstance(row, OrderRow)
    assert row.state is state
    assert row.matched_quantity == Decimal(matched)
    assert row.price == Decimal("0.52")


@pytest.mark.parametrize(
    ("raw", "makers", "matched_s"),
    [
        pytest.param(trade_row("0x1", match_time="1762776367"), 1, 1_762_776_367, id="seconds"),
        pytest.param(trade_row("0x1", match_time="1762776367123"), 1, 1_762_776_367.123, id="milliseconds"),
        pytest.param(trade_row("0x1", match_time=1762776367), 1, 1_762_776_367, id="a number"),
        pytest.param(trade_row("0x1", match_time="2024-01-01T00:00:00Z"), 1, 1_704_067_200, id="ISO text"),
        pytest.param(trade_row("0x1", match_time=""), 1, 0, id="not said"),
        pytest.param(trade_row("0x1", [sideless("0x2")], match_time="1"), 1, 1, id="a maker without a side"),
        pytest.param(without(trade_row("0x1", match_time="1"), "event_type"), 1, 1, id="without its kind"),
        pytest.param(trade_row("0x1", [], match_time="1"), 0, 1, id="without makers"),
    ],
)
def test_trade_rows_are_read_in_every_shape_that_was_seen(raw: bytes, makers: int, matched_s: float) -> None:
    row = decode_user_event(raw)

    assert isinstance(row, TradeRow)
    assert len(row.makers) == makers
    assert row.matched_ns == round(matched_s * 1000) * 10**6


def test_a_page_is_read_row_by_row() -> None:
    raw = b'{"data":[' + order_row("0x1") + b"," + order_row("0x2", side="SELL") + b'],"next_cursor":"LTE="}'

    page = decode_page(raw)

    assert [decode_order(row).side for row in page.rows] == [Side.BUY, Side.SELL]


def test_balances_are_read_in_whole_assets_in_both_shapes() -> None:
    old = decode_balance(b'{"balance":"1000000000","allowance":"999999999000000"}')
    new = decode_balance(json.dumps({"balance": "1500000", "allowances": {"0x1": str(2**256 - 1)}}).encode())

    assert old.balance == Decimal(1000)
    assert new.balance == Decimal("1.5")
    assert new.allowances["0x1"] > 10**60


def test_a_frame_of_the_user_stream_is_an_event_or_a_list_of_them() -> None:
    one = split_user_message(order_row("0x1"))
    many = split_user_message(b"[" + order_row("0x1") + b"," + trade_row("0x2") + b"]")

    assert [type(decode_user_event(raw)) for raw in one] == [OrderRow]
    assert [type(decode_user_event(raw)) for raw in many] == [OrderRow, TradeRow]


def test_an_order_that_the_venue_does_not_know_is_null() -> None:
    assert decode_found_order(b"null") is None


@pytest.mark.parametrize(
    ("words", "state"),
    [
        pytest.param("LIVE", OrderState.OPEN, id="live"),
        pytest.param("DELAYED", OrderState.OPEN, id="delayed is live"),
        pytest.param("UNMATCHED", OrderState.OPEN, id="unmatched rests"),
        pytest.param("MATCHED", OrderState.MATCHED, id="matched"),
        pytest.param("INVALID", OrderState.CANCELLED, id="invalid"),
        pytest.param("CANCELED_MARKET_RESOLVED", OrderState.CANCELLED, id="resolved"),
        pytest.param("CANCELED_NOT_ENOUGH_BALANCE", OrderState.CANCELLED, id="cover lost"),
        pytest.param("CANCELED_EXPIRED_ORDER", OrderState.EXPIRED, id="expired"),
        pytest.param("ORDER_STATUS_LIVE", OrderState.OPEN, id="with a prefix"),
    ],
)
def test_every_status_word_that_is_known_has_a_meaning(words: str, state: OrderState) -> None:
    assert decode_order(order_row("0x1", status=words)).state is state


@pytest.mark.parametrize(
    ("words", "status"),
    [
        pytest.param("TRADE_STATUS_MINED", TradeStatus.MINED, id="with a prefix"),
        pytest.param("MATCHED_NOT_BROADCASTED", TradeStatus.MATCHED, id="not broadcast"),
        pytest.param("A_NEW_WORD", TradeStatus.MATCHED, id="unknown is not final"),
        pytest.param("FAILED", TradeStatus.FAILED, id="failed"),
    ],
)
def test_a_trade_is_final_only_in_the_two_words_that_are(words: str, status: TradeStatus) -> None:
    assert decode_trade(trade_row("0x1", status=words)).status is status


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"<html>502</html>", id="HTML"),
        pytest.param(b"", id="nothing"),
        pytest.param(order_row("0x1")[:80], id="cut off"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(order_row("0x1", status="WHO_KNOWS"), id="an unknown status"),
        pytest.param(order_row("0x1", price="much"), id="no number"),
        pytest.param(order_row("0x1", price="NaN"), id="not a number"),
        pytest.param(order_row("0x1", size_matched="-1"), id="negative"),
        pytest.param(order_row("0x1", size_matched="1e99"), id="huge"),
        pytest.param(order_row("0x1", side="HOLD"), id="no side"),
        pytest.param(order_row("0x1", event_type="gift"), id="an unknown event"),
        pytest.param(trade_row("0x1", match_time="yesterday"), id="no time"),
        pytest.param(trade_row("0x1", maker_orders="none"), id="another shape"),
    ],
)
def test_what_does_not_parse_raises_with_a_sample(raw: bytes) -> None:
    with pytest.raises(WireError):
        decode_user_event(raw)


def test_an_empty_cursor_and_the_last_one_end_a_listing_and_another_does_not() -> None:
    ends = [
        decode_page(json.dumps({"data": [], "next_cursor": c}).encode()) for c in ("LTE=", "", None, "MTA=")
    ]

    assert [page.next_cursor for page in ends] == [None, None, None, "MTA="]


def test_a_trade_row_names_its_owner_and_role() -> None:
    row = decode_trade(trade_row("0x1", trader_side="MAKER"))

    assert (row.owner, row.is_ours_as_maker) == (API_KEY, True)
