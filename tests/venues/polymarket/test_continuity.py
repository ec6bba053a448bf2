"""Epochs of books: nothing is given out before two readings agree, and nothing between a break and its mending."""

import pytest

from domain.messages import BookSnapshot, FeedChanged
from tests.venues.polymarket.followed import DOWN, FIRST_MS, UP, Followed, book, change
from venues.polymarket.continuity import DISAGREEMENTS_MAX, PATIENCE_S, RETRY_S, SETTLING_S, Standing


def test_nothing_is_given_out_before_the_stream_and_rest_agree() -> None:
    feed = Followed()
    before = feed.feed_changes()
    feed.events.clear()

    feed.say(book(UP), change(UP, "0.49", "5"))
    told_while_checking = feed.books()
    feed.rest_says(book(UP), asked=(UP,))

    assert before == [(False, (UP, DOWN), 0)]
    assert told_while_checking == []
    assert feed.feed_changes() == [(True, (UP,), 0)]
    assert [type(event) for event in feed.events] == [FeedChanged, BookSnapshot]


def test_rest_may_be_behind_the_stream_while_it_answers() -> None:
    feed = Followed()
    feed.say(book(UP))
    asked = tuple(feed.continuity.begin_checks(50))

    feed.say(change(UP, "0.49", "5"), change(UP, "0.48", "7", after_ms=2))
    feed.rest_says(book(UP), asked=asked)

    assert feed.track().standing is Standing.LIVE
    assert len(feed.books()[-1].book.bids) == 3


def test_rest_may_be_ahead_of_the_stream_by_a_moment() -> None:
    feed = Followed()
    feed.say(book(UP))
    ahead = book(UP, after_ms=1) | {
        "bids": [{"price": "0.49", "size": "5"}, {"price": "0.50", "size": "100"}]
    }
    feed.rest_says(ahead)
    waiting = feed.track().standing

    feed.say(change(UP, "0.49", "5"))

    assert (waiting, feed.track().standing) == (Standing.CHECKING, Standing.LIVE)


def test_a_reading_that_never_agrees_has_the_book_asked_for_again() -> None:
    feed = Followed()
    feed.say(book(UP))

    for _ in range(DISAGREEMENTS_MAX):
        feed.rest_says(book(UP, bid="0.45"))
        feed.now_s += SETTLING_S + RETRY_S
        feed.continuity.begin_checks(0)
        feed.now_s += RETRY_S

    assert feed.track().standing is Standing.WAITING
    assert [plea.instrument_id for plea in feed.continuity.take_pleas()] == [UP]
    assert feed.feed_changes() == [(False, (UP, DOWN), 0)]


def test_a_lost_connection_breaks_the_epoch_of_what_was_live_once() -> None:
    feed = Followed()
    feed.go_live()

    feed.continuity.lose([UP, DOWN], "connection: closed")
    feed.continuity.lose([UP, DOWN], "connection: closed again")

    assert feed.feed_changes() == [(False, (UP, DOWN), 1)]


def test_a_broken_book_is_live_again_after_a_snapshot_that_rest_confirms() -> None:
    feed = Followed()
    feed.go_live()
    feed.continuity.lose([UP, DOWN], "connection: closed")
    feed.continuity.subscribed([UP, DOWN])

    feed.say(change(UP, "0.49", "5"))
    feed.say(book(UP, bid="0.48", after_ms=5), change(UP, "0.47", "5", best_bid="0.48", after_ms=6))
    told_before = feed.books()
    feed.rest_says(book(UP, bid="0.48"), asked=(UP,))

    assert told_before == []
    assert feed.feed_changes() == [(False, (UP, DOWN), 1), (True, (UP,), 1)]
    assert [str(level.price) for level in feed.books()[-1].book.bids] == ["0.48", "0.47"]


def test_a_change_that_was_lost_shows_in_the_top_of_the_next_and_breaks_the_epoch() -> None:
    feed = Followed()
    feed.go_live()

    feed.say(change(UP, "0.49", "5", best_bid="0.51"))

    assert feed.books() == []
    assert feed.feed_changes() == [(False, (UP,), 1)]
    assert [(plea.instrument_id, plea.is_for_reconnect) for plea in feed.continuity.take_pleas()] == [
        (UP, False)
    ]


def test_a_silent_book_that_rest_confirms_is_fresh_again() -> None:
    feed = Followed()
    feed.go_live()
    feed.now_s += 6.0

    feed.rest_says(book(UP), book(DOWN))

    fresh = feed.books()
    assert [one.book.time_ns for one in fresh] == [max(FIRST_MS * 10**6, int(feed.now_s * 10**9))] * 2
    assert feed.feed_changes() == []


def test_a_stalled_stream_is_found_out_by_rest_and_breaks_the_epoch() -> None:
    feed = Followed()
    feed.go_live()
    feed.now_s += 6.0

    for _ in range(DISAGREEMENTS_MAX):
        feed.rest_says(book(UP, bid="0.45"), book(DOWN))
        feed.now_s += SETTLING_S
        feed.continuity.begin_checks(0)
        feed.now_s += RETRY_S

    assert feed.feed_changes() == [(False, (UP,), 1)]


def test_one_stale_rest_reading_breaks_nothing() -> None:
    feed = Followed()
    feed.go_live()
    feed.now_s += 6.0

    feed.rest_says(book(UP, bid="0.45"), book(DOWN))
    feed.now_s += SETTLING_S
    feed.continuity.begin_checks(0)
    feed.now_s += RETRY_S
    feed.rest_says(book(UP), book(DOWN))

    assert feed.feed_changes() == []


def test_a_read_that_fails_is_no_evidence_and_is_repeated() -> None:
    feed = Followed()
    feed.go_live()
    feed.now_s += 6.0

    feed.rest_says()
    feed.now_s += 2.0

    assert feed.feed_changes() == []
    assert set(feed.continuity.begin_checks(50)) == {UP, DOWN}


def test_a_token_whose_book_never_comes_is_asked_for_again_and_then_costs_the_connection() -> None:
    feed = Followed()
    pleas = []

    for _ in range(4):
        feed.now_s += 2 * PATIENCE_S
        feed.rest_says(book(UP), book(DOWN))
        pleas += [p.is_for_reconnect for p in feed.continuity.take_pleas() if p.instrument_id == UP]
        feed.continuity.subscribed([UP, DOWN])

    assert pleas[:2] == [False, True]
    assert not any(pleas[2:])


def test_a_token_that_rest_does_not_know_is_awaited_without_a_fuss() -> None:
    feed = Followed()

    for _ in range(5):
        feed.now_s += 2 * PATIENCE_S
        feed.rest_says()

    assert feed.continuity.take_pleas() == []


def test_what_is_not_followed_any_more_is_not_given_out() -> None:
    feed = Followed()
    feed.go_live()
    feed.say(change(UP, "0.49", "5"))

    feed.continuity.remove([UP], reason="unsubscribed")
    feed.say(change(UP, "0.48", "5"))

    assert feed.books() == []
    assert feed.feed_changes() == [(False, (UP,), 0)]


def test_a_burst_of_changes_gives_one_book_with_the_time_of_the_last() -> None:
    feed = Followed()
    feed.go_live()

    for step in range(1, 4):
        feed.say(change(UP, "0.49", str(step), after_ms=step))

    (snapshot,) = feed.books()
    assert snapshot.book.time_ns == (FIRST_MS + 3) * 10**6
    assert snapshot.time_ns == int(feed.now_s * 10**9)


@pytest.mark.parametrize("count_max", [1, 2])
def test_checks_are_begun_in_bounded_numbers(count_max: int) -> None:
    feed = Followed()
    feed.say(book(UP), book(DOWN))

    assert len(feed.continuity.begin_checks(count_max)) == count_max
