"""From frames of the market channel to events: order, duplicates, what is odd, and what cannot be read."""

from decimal import Decimal

import pytest

from domain.messages import FeedChanged, SnapshotRejected, TickSizeChanged, TradePrint
from tests.venues.polymarket.followed import DOWN, FIRST_MS, UP, Followed, book, change
from venues.polymarket.continuity import Standing


def trade(token: str, price: str = "0.51", transaction: str = "0xt", size: str = "10") -> dict[str, object]:
    return {
        "event_type": "last_trade_price",
        "asset_id": token,
        "market": "0xm",
        "price": price,
        "size": size,
        "side": "BUY",
        "timestamp": str(FIRST_MS),
        "transaction_hash": transaction,
    }


def test_a_print_comes_after_the_book_that_was_told_before_it() -> None:
    feed = Followed()
    feed.go_live()

    feed.say(change(UP, "0.49", "5"), trade(UP), change(UP, "0.48", "5", after_ms=2))
    feed.continuity.flush()

    assert [type(event).__name__ for event in feed.events] == ["BookSnapshot", "TradePrint", "BookSnapshot"]
    (told,) = feed.told(TradePrint)
    assert (told.price, told.quantity, told.side) == (Decimal("0.51"), Decimal(10), "BUY")


def test_a_print_that_is_delivered_twice_counts_once() -> None:
    feed = Followed()

    feed.say(trade(UP), trade(UP), trade(UP, size="11"), trade(UP, transaction=""), trade(UP, transaction=""))

    assert len(feed.told(TradePrint)) == 4
    assert feed.messages.counters.prints_repeated == 1


def test_both_tokens_of_one_message_are_changed_and_strangers_are_ignored() -> None:
    feed = Followed()
    feed.go_live()
    both = change(UP, "0.49", "5")
    changes = both["price_changes"]
    assert isinstance(changes, list)
    changes.append({**changes[0], "asset_id": DOWN, "side": "BUY"})
    changes.append({**changes[0], "asset_id": "333"})

    feed.say(both)

    assert {snapshot.book.instrument_id for snapshot in feed.books()} == {UP, DOWN}


def test_a_tick_change_is_told_even_while_the_feed_is_broken() -> None:
    feed = Followed()
    tick = {"event_type": "tick_size_change", "asset_id": UP, "market": "0xm", "timestamp": str(FIRST_MS)}

    feed.say({**tick, "old_tick_size": "0.01", "new_tick_size": "0.001"})

    assert [event.tick_size for event in feed.told(TickSizeChanged)] == [Decimal("0.001")]


def test_a_crossed_snapshot_is_counted_shown_to_nobody_and_breaks_the_epoch() -> None:
    feed = Followed()
    feed.go_live()

    feed.say(book(UP, bid="0.53", after_ms=1))

    assert [event.instrument_id for event in feed.told(SnapshotRejected)] == [UP]
    assert [event.is_live for event in feed.told(FeedChanged)] == [False]
    assert feed.books() == []


def test_an_older_snapshot_is_ignored_and_has_the_book_checked() -> None:
    feed = Followed()
    feed.go_live()
    feed.say(change(UP, "0.49", "5", after_ms=10))

    feed.say(book(UP, after_ms=1))

    assert len(feed.books()[-1].book.bids) == 2
    assert feed.messages.counters.out_of_order == 1
    assert feed.continuity.begin_checks(50) == [UP]


def test_a_change_that_comes_too_late_has_the_book_checked() -> None:
    feed = Followed()
    feed.go_live()

    feed.say(change(UP, "0.49", "5", after_ms=10), change(UP, "0.48", "5", after_ms=9))

    assert feed.track().standing is Standing.LIVE
    assert feed.continuity.begin_checks(50) == [UP]


@pytest.mark.parametrize(
    ("best_bid", "checked"),
    [pytest.param("0.5", [], id="as here"), pytest.param("0.51", [UP], id="another")],
)
def test_another_top_alone_is_a_suspicion(best_bid: str, checked: list[str]) -> None:
    feed = Followed()
    feed.go_live()
    top = {"event_type": "best_bid_ask", "market": "0xm", "asset_id": UP, "timestamp": str(FIRST_MS)}

    feed.say({**top, "best_bid": best_bid, "best_ask": "0.52", "spread": "0.02"})

    assert feed.track().standing is Standing.LIVE
    assert feed.continuity.begin_checks(50) == checked


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(change(UP, "0.49", "many"), id="a size that is none"),
        pytest.param(change(UP, "1.49", "5"), id="a price above one"),
        pytest.param(change(UP, "0.49", "5", best_bid="top"), id="a top that is none"),
        pytest.param({**change(UP, "0.49", "5"), "timestamp": "now"}, id="a time that is none"),
    ],
)
def test_a_change_that_cannot_be_read_leaves_the_book_unknown(message: dict[str, object]) -> None:
    feed = Followed()
    feed.go_live()

    feed.say(message)

    assert len(feed.bad) == 1
    assert feed.messages.counters.bad == 1
    assert feed.feed_changes() == [(False, (UP,), 1)]


@pytest.mark.parametrize(
    ("raw", "checked"),
    [
        pytest.param(b'{"event_type":"price_change","price_cha', [UP, DOWN], id="half a change"),
        pytest.param(b'{"event_type":"book","asset_id":7}', [UP, DOWN], id="a book that is none"),
        pytest.param(b'{"event_type":"surprise"}', [], id="a kind of its own"),
        pytest.param(b'{"event_type":"last_trade_price"}', [], id="a print that is none"),
    ],
)
def test_an_unreadable_frame_that_may_have_been_a_change_has_the_books_checked(
    raw: bytes, checked: list[str]
) -> None:
    feed = Followed()
    feed.go_live()

    feed.messages.take(raw)

    assert feed.continuity.begin_checks(50) == checked
    assert feed.continuity.begin_checks(50) == []
    assert feed.messages.counters.bad == 1


@pytest.mark.parametrize("raw", [b"PONG", b"", b"INVALID OPERATION", b'{"event_type":"new"}', b"\xff", b"[]"])
def test_no_frame_ends_the_loop(raw: bytes) -> None:
    feed = Followed()

    feed.messages.take(raw)

    assert feed.messages.counters.refused == (raw == b"INVALID OPERATION")


def test_a_winner_is_passed_on() -> None:
    feed = Followed()
    message = {"event_type": "market_resolved", "market": "0xm", "assets_ids": [UP, DOWN]}

    feed.say({**message, "winning_asset_id": UP, "timestamp": str(FIRST_MS)})

    assert [winner.winning_asset_id for winner in feed.winners] == [UP]
