"""What is known of a token, from listings and from the CLOB."""

from decimal import Decimal

import pytest

from domain.identifiers import InstrumentId, MarketId
from domain.messages import MarketResolved, TickSizeChanged
from tests.venues.polymarket.orders import DOWN, DOWN_TOKEN, MARKET, NOW_NS, UP, UP_TOKEN, listed
from venues.polymarket.terms import TermsBook, terms_of_market
from venues.polymarket.wire import WireError


def test_a_listing_tells_both_tokens_and_a_change_the_tick() -> None:
    book = TermsBook()

    book.on_market(listed())
    book.on_market(TickSizeChanged(time_ns=NOW_NS, instrument_id=UP, tick_size=Decimal("0.001")))

    up, down = book.of(UP), book.of_token(DOWN_TOKEN)
    assert up is not None
    assert down is not None
    assert (up.tick_size, down.tick_size) == (Decimal("0.001"), Decimal("0.01"))


def test_a_resolution_tells_what_a_share_pays_and_a_new_listing_does_not_forget_it() -> None:
    book = TermsBook()
    book.on_market(listed())

    payouts = {UP: Decimal(1), DOWN: Decimal(0)}
    book.on_market(MarketResolved(time_ns=NOW_NS, market_id=MARKET, payouts=payouts))
    book.on_market(listed())

    up = book.of(UP)
    assert up is not None
    assert up.payout == 1


def test_our_name_may_say_the_venue_before_the_token() -> None:
    book = TermsBook()
    book.on_market(listed())

    assert book.of(InstrumentId(f"polymarket:{UP_TOKEN}")) is book.of(UP)


def test_the_clobs_short_form_tells_the_same() -> None:
    raw = (
        b'{"mts":0.001,"mos":5,"nr":true,"t":[{"t":"7","o":"Up"},{"t":"8","o":"Down"}],'
        b'"fd":{"r":0.07,"e":1,"to":true}}'
    )

    up, down = terms_of_market(raw, MarketId("0x1"))

    assert (up.token_id, down.token_id) == ("7", "8")
    assert (up.tick_size, up.fee_rate, up.fee_exponent) == (Decimal("0.001"), Decimal("0.07"), 1)
    assert up.is_neg_risk


@pytest.mark.parametrize("raw", [b"", b"<html>", b"{}", b'{"mts":"x","t":[]}'])
def test_what_does_not_parse_raises(raw: bytes) -> None:
    with pytest.raises(WireError):
        terms_of_market(raw, MarketId("0x1"))
