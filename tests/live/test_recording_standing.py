"""What a recording knows at its end: times in order, losses that are told and mended, and what a part takes over."""

from decimal import Decimal

import pytest

from domain.messages import (
    BookSnapshot,
    FeedChanged,
    MarketEvent,
    MarketResolved,
    PriceTick,
    TickSizeChanged,
)
from live.recording_standing import CARRIED, Standing
from tests.support.trading import DOWN, MARKET, NOW_NS, UP, S, book, listed, shown


def at(seconds: int, bids: str = "0.49x100") -> BookSnapshot:
    return shown(book(bids, time_ns=NOW_NS + seconds * S))


def fed(seconds: int, *, is_live: bool) -> FeedChanged:
    return FeedChanged(
        time_ns=NOW_NS + seconds * S, instrument_ids=(UP, DOWN), is_live=is_live, epoch=3, reason="told"
    )


def after(*events: MarketEvent) -> Standing:
    standing = Standing()
    for event in events:
        standing.note(standing.in_order(event))
    return standing


def test_an_event_never_stands_before_the_one_above_it() -> None:
    standing = after(at(10))

    late = standing.in_order(at(4))

    assert isinstance(late, BookSnapshot)
    assert late.time_ns == NOW_NS + 10 * S
    assert late.book == at(4).book
    assert standing.in_order(at(11)) == at(11)


def test_a_price_keeps_its_own_time_and_moves_nobody_elses() -> None:
    standing, price = after(at(10)), PriceTick(time_ns=NOW_NS, feed="f", asset="BTC", price=Decimal(1))

    assert standing.in_order(price) is price
    ahead = PriceTick(time_ns=NOW_NS + 99 * S, feed="f", asset="BTC", price=Decimal(1))
    assert standing.in_order(ahead) is ahead
    assert standing.in_order(at(11)) == at(11)


def test_a_part_takes_over_markets_ticks_and_the_latest_books_that_are_live() -> None:
    tick = TickSizeChanged(time_ns=NOW_NS + S, instrument_id=UP, tick_size=Decimal("0.001"))
    standing = after(listed(), fed(0, is_live=True), tick, at(2), at(5, "0.45x10"))

    market, grid, feed, latest = standing.carried()

    assert market == listed(time_ns=NOW_NS + 5 * S)
    assert (grid.time_ns, feed.time_ns) == (NOW_NS + 5 * S, NOW_NS + 5 * S)
    assert isinstance(feed, FeedChanged)
    assert (feed.is_live, feed.epoch, feed.reason, feed.instrument_ids) == (True, 3, CARRIED, (UP, DOWN))
    assert latest == at(5, "0.45x10")


def test_a_broken_book_is_taken_over_as_broken() -> None:
    standing = after(listed(), fed(0, is_live=True), at(1), fed(2, is_live=False))

    _, feed = standing.carried()

    assert isinstance(feed, FeedChanged)
    assert not feed.is_live
    assert standing.gaps == 1


def test_what_was_not_live_yet_is_no_gap() -> None:
    assert after(listed(), fed(0, is_live=False)).gaps == 0


def test_of_a_market_that_has_resolved_nothing_is_taken_over() -> None:
    payouts = {UP: Decimal(1), DOWN: Decimal(0)}
    resolved = MarketResolved(time_ns=NOW_NS + 9 * S, market_id=MARKET, payouts=payouts)

    assert list(after(listed(), fed(0, is_live=True), at(1), resolved).carried()) == []


def test_a_loss_breaks_what_is_live_until_each_whole_book() -> None:
    standing = after(listed(), fed(0, is_live=True), at(1))

    breaking = standing.broken("7 events were lost")
    mending = standing.mended(at(3))

    assert breaking is not None
    assert (breaking.is_live, breaking.instrument_ids, breaking.reason) == (
        False,
        (UP, DOWN),
        "7 events were lost",
    )
    assert mending is not None
    assert (mending.is_live, mending.instrument_ids) == (True, (UP,))
    assert standing.mended(at(4)) is None
    assert standing.gaps == 1


def test_a_loss_while_nothing_is_live_is_told_by_the_feed_already() -> None:
    assert after(listed(), fed(0, is_live=False)).broken("lost") is None


@pytest.mark.parametrize("is_live", [True, False])
def test_what_the_feed_says_after_a_loss_counts(is_live: bool) -> None:
    standing = after(listed(), fed(0, is_live=True))
    standing.broken("lost")

    standing.note(fed(2, is_live=is_live))

    assert standing.mended(at(3)) is None
