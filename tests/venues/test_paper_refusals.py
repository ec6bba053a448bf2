"""Refusals of the venue: its own words, and limits as one below, exact, one above."""

import pytest

from tests.venues.paper_floor import START_NS, S, accepted, book, engine_showing, market, order, trade
from venues.matching import MatchingEngine, Refused
from venues.paper_refusals import FAK_KILLED, FOK_KILLED

BOOK = book(bids="0.50x100", asks="0.52x100 0.96x100")


def refusal(text: str, *, expires_ns: int | None = None) -> str | None:
    """What the venue says to an order when the book is BOOK; None where it takes the order."""
    outcome = engine_showing(BOOK).add(order(text, expires_ns=expires_ns), time_ns=START_NS)
    return outcome.reason if isinstance(outcome, Refused) else None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "BUY 10 UP 0.525 GTC",
            "order s1-k is invalid. Price (0.525) breaks minimum tick size rule: 0.01",
            id="off the tick",
        ),
        pytest.param(
            "BUY 10 UP 1 GTC",
            "order s1-k is invalid. Price (1) breaks minimum tick size rule: 0.01",
            id="above 1 - tick",
        ),
        pytest.param(
            "SELL 10 UP 0.00 GTC",
            "order s1-k is invalid. Price (0) breaks minimum tick size rule: 0.01",
            id="below the tick",
        ),
        pytest.param(
            "BUY 4.99 UP 0.40 GTC",
            "order s1-k is invalid. Size (4.99) lower than the minimum: 5",
            id="size: -1",
        ),
        pytest.param("BUY 5 UP 0.40 GTC", None, id="size: exact"),
        pytest.param("BUY 5.01 UP 0.40 GTC", None, id="size: +1"),
        pytest.param("BUY 4 UP 0.52 FAK", None, id="size: not for an immediate order"),
        pytest.param(
            "SELL 1.99 UP 0.50 FAK",
            "invalid amount for a marketable SELL order ($0.995), min size: $1",
            id="value: -1, 1.99 * 0.50",
        ),
        pytest.param("SELL 2 UP 0.50 FAK", None, id="value: exact, 2 * 0.50"),
        pytest.param("SELL 2.01 UP 0.50 FAK", None, id="value: +1"),
        pytest.param(
            "BUY 1.75 UP 0.52 FOK",
            "invalid amount for a marketable BUY order ($0.91), min size: $1",
            id="value of a buy",
        ),
        pytest.param("BUY 5 UP 0.05 GTC", None, id="value: 0.25 may rest"),
        pytest.param(
            "BUY 20.31 UP 0.96 FAK",
            "invalid amounts, the market buy orders maker amount supports a max accuracy of 2 decimals, "
            "taker amount a max of 4 decimals",
            id="cents: 20.31 * 0.96 = 19.4976",
        ),
        pytest.param("BUY 20.25 UP 0.96 FAK", None, id="cents: 20.25 * 0.96 = 19.44"),
        pytest.param("BUY 20.31 UP 0.96 GTC", None, id="cents: not for an order that may rest"),
        pytest.param("SELL 20.31 UP 0.47 FAK", None, id="cents: not for a sale"),
        pytest.param(
            "BUY 10 UP 0.52 GTC post-only",
            "invalid post-only order: order crosses book",
            id="post-only: at the ask",
        ),
        pytest.param("BUY 10 UP 0.51 GTC post-only", None, id="post-only: below the ask"),
        pytest.param(
            "SELL 10 UP 0.50 GTC post-only",
            "invalid post-only order: order crosses book",
            id="post-only: sale",
        ),
        pytest.param("BUY 10 UP 0.51 FAK post-only", "Invalid order payload", id="immediate and post-only"),
        pytest.param("BUY 5.001 UP 0.40 GTC", "Invalid order payload", id="part of a lot"),
        pytest.param("BUY 0 UP 0.40 GTC", "Invalid order payload", id="nothing"),
        pytest.param(
            "BUY 100.25 UP 0.52 FOK",
            "order couldn't be fully filled. FOK orders are fully filled or killed.",
            id="fok: 100.25 of 100",
        ),
        pytest.param("BUY 100 UP 0.52 FOK", None, id="fok: exact"),
        pytest.param(
            "BUY 10 UP 0.50 FAK",
            "no orders found to match with FAK order. "
            "FAK orders are partially filled or killed if no match is found.",
            id="fak: nothing there",
        ),
        pytest.param("BUY 10 UP 0.50 GTD", "invalid expiration", id="gtd without an end"),
    ],
)
def test_the_venue_refuses_in_its_own_words(text: str, reason: str | None) -> None:
    assert refusal(text) == reason


@pytest.mark.parametrize(
    ("text", "life_ns", "reason"),
    [
        pytest.param("BUY 10 UP 0.50 GTD", 180 * S - 1, "invalid expiration", id="-1"),
        pytest.param("BUY 10 UP 0.50 GTD", 180 * S, None, id="exact"),
        pytest.param("BUY 10 UP 0.50 GTD", 180 * S + 1, None, id="+1"),
        pytest.param("BUY 10 UP 0.50 GTC", 600 * S, "invalid expiration", id="only GTD ends"),
    ],
)
def test_a_gtd_order_lives_three_minutes_or_more(text: str, life_ns: int, reason: str | None) -> None:
    assert refusal(text, expires_ns=START_NS + life_ns) == reason


def test_a_refused_order_takes_nothing() -> None:
    engine = engine_showing(BOOK)

    killed = engine.add(order("BUY 100.25 UP 0.52 FOK", name="fok"), time_ns=START_NS)

    assert killed == Refused(order_id=order("BUY 1 UP 0.52 FOK", name="fok").id, reason=FOK_KILLED)
    assert accepted(engine, order("BUY 100 UP 0.52 FOK", name="again")).executions[0].quantity == 100


def test_what_we_consumed_is_refused_to_all_alike() -> None:
    engine = engine_showing(BOOK)
    accepted(engine, order("BUY 100 UP 0.52 FAK", name="all"))

    taker = engine.add(order("BUY 10 UP 0.52 FAK", name="taker"), time_ns=START_NS)
    maker = engine.add(order("BUY 10 UP 0.52 GTC post-only", name="maker"), time_ns=START_NS)

    assert isinstance(taker, Refused)
    assert taker.reason == FAK_KILLED
    assert isinstance(maker, Refused)


def test_an_order_that_rests_is_not_taken_twice() -> None:
    engine = engine_showing(BOOK)
    accepted(engine, order("BUY 10 UP 0.49 GTC"))

    again = engine.add(order("BUY 10 UP 0.49 GTC"), time_ns=START_NS)

    assert isinstance(again, Refused)
    assert again.reason == "order s1-k is invalid. Duplicated."
    assert engine.on_print(trade("SELL", "500", "0.40"))[0].quantity == 10


def test_a_market_must_be_listed_and_have_shown_a_book() -> None:
    engine = MatchingEngine()
    unlisted = engine.add(order("BUY 10 UP 0.50 GTC"), time_ns=START_NS)
    engine.open_market(market())
    bookless = engine.add(order("BUY 10 UP 0.50 GTC"), time_ns=START_NS)

    assert isinstance(unlisted, Refused)
    assert unlisted.reason == "No orderbook exists for the requested token id"
    assert isinstance(bookless, Refused)
    assert bookless.reason == "the market is not yet ready to process new orders"
