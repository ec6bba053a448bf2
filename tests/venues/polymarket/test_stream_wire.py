"""What the sockets say, decoded: recorded shapes, arrays and objects, and what does not parse."""

import pytest

from venues.polymarket.stream_wire import (
    NO_ASK,
    NO_BID,
    SAMPLE_BYTES_MAX,
    BadFrame,
    BestMessage,
    BookMessage,
    LastTradeMessage,
    NewMarketMessage,
    PriceChangeMessage,
    PriceGrid,
    ResolvedMessage,
    TickSizeMessage,
    WireValueError,
    market_decoder,
    milliseconds,
    shares,
)

BOOK = (
    '{"event_type":"book","asset_id":"6581","market":"0xbd31","bids":[{"price":"0.48","size":"30"}],'
    '"asks":[{"price":"0.52","size":"25"}],"timestamp":"1757908892351","hash":"0f"}'
)
CHANGE = (
    '{"event_type":"price_change","market":"0x5f65","timestamp":"1757908892351","price_changes":['
    '{"asset_id":"7132","price":"0.5","size":"200","side":"BUY","hash":"56","best_bid":"0.5","best_ask":"1"}]}'
)
PRINT = (
    '{"event_type":"last_trade_price","asset_id":"1141","market":"0x6a67","price":"0.456",'
    '"size":"219.217767","side":"BUY","fee_rate_bps":"0","transaction_hash":"0xeeef","timestamp":"1750428146322"}'
)
TICK = (
    '{"event_type":"tick_size_change","asset_id":"6581","market":"0xbd31","old_tick_size":"0.01",'
    '"new_tick_size":"0.001","timestamp":"1757908892351"}'
)
BEST = (
    '{"event_type":"best_bid_ask","market":"0x0005","asset_id":"8535","best_bid":"0.73","best_ask":"0.77",'
    '"spread":"0.04","timestamp":"1766789469958"}'
)
NEW = (
    '{"event_type":"new_market","id":"1031769","question":"?","market":"0x311d","slug":"s","assets_ids":'
    '["7604","3169"],"outcomes":["Yes","No"],"timestamp":"1766790415550","tags":["stocks"],"active":true}'
)
RESOLVED = (
    '{"event_type":"market_resolved","id":"1031769","market":"0x311d","assets_ids":["7604","3169"],'
    '"winning_asset_id":"7604","winning_outcome":"Yes","timestamp":"1766790415550"}'
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param(BOOK, BookMessage, id="book"),
        pytest.param(CHANGE, PriceChangeMessage, id="price_change"),
        pytest.param(PRINT, LastTradeMessage, id="last_trade_price"),
        pytest.param(TICK, TickSizeMessage, id="tick_size_change"),
        pytest.param(BEST, BestMessage, id="best_bid_ask"),
        pytest.param(NEW, NewMarketMessage, id="new_market"),
        pytest.param(RESOLVED, ResolvedMessage, id="market_resolved"),
    ],
)
def test_every_message_of_the_market_channel_is_read(text: str, kind: type) -> None:
    decoder = market_decoder()

    assert [type(message) for message in decoder.decode(text.encode())] == [kind]
    assert [type(message) for message in decoder.decode(f"[{text},{text}]".encode())] == [kind, kind]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>502</html>", id="a page"),
        pytest.param(b'{"event_type":"later_invention"}', id="an unknown kind"),
        pytest.param(BOOK.replace('"1757908892351"', "1757908892351").encode(), id="a number for a text"),
        pytest.param(BOOK[:60].encode(), id="half a message"),
        pytest.param(BOOK.encode().replace(b"6581", b"\xff\xfe"), id="no text at all"),
        pytest.param(b"[" * 10_000, id="nested without end"),
    ],
)
def test_what_does_not_parse_becomes_a_bounded_sample(raw: bytes) -> None:
    messages = market_decoder().decode(raw)

    assert len(messages) == 1
    assert isinstance(messages[0], BadFrame)
    assert len(messages[0].sample) <= SAMPLE_BYTES_MAX


def test_one_bad_object_does_not_cost_its_neighbours() -> None:
    frame = f'[{BOOK},{{"event_type":"later"}},{PRINT}]'

    kinds = [type(message) for message in market_decoder().decode(frame.encode())]

    assert kinds == [BookMessage, BadFrame, LastTradeMessage]


@pytest.mark.parametrize("text", ["0", "1", "-0.5", "0.00005", "nan", "1e9", "", "half"])
def test_a_price_off_every_tick_is_refused(text: str) -> None:
    with pytest.raises(WireValueError):
        PriceGrid().price(text)


@pytest.mark.parametrize(
    ("text", "best"),
    [("0.5", 5_000), ("0.0001", 1), ("", NO_ASK), ("1", NO_ASK), ("1.0", NO_ASK), ("0", NO_ASK)],
)
def test_an_empty_side_is_told_as_zero_or_one(text: str, best: int) -> None:
    assert PriceGrid().top(text, NO_ASK) == best
    assert PriceGrid().top("0", NO_BID) == NO_BID


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "1e13", "many", ""])
def test_a_quantity_that_nobody_has_is_refused(text: str) -> None:
    with pytest.raises(WireValueError):
        shares(text)


@pytest.mark.parametrize("text", ["1757908892", "", "17579088923511", "175790889235x", "²757908892351"])
def test_a_time_stamp_has_thirteen_digits(text: str) -> None:
    with pytest.raises(WireValueError):
        milliseconds(text)
