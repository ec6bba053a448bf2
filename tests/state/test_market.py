"""What is known of the markets: listed, shown, on another tick, resolved, forgotten."""

from domain.messages import MarketResolved, SnapshotRejected, TickSizeChanged
from state import market as market_module
from state.market import MarketData
from tests.support.trading import DOWN, MARKET, NOW_NS, UP, book, d, listed, shown


def known() -> MarketData:
    """A listed market with a book of UP."""
    market = MarketData()
    market.apply(listed())
    market.apply(shown(book("0.49x10", "0.51x10")))
    return market


def resolved(up: str, down: str) -> MarketResolved:
    """The outcome of the market."""
    return MarketResolved(time_ns=NOW_NS, market_id=MARKET, payouts={UP: d(up), DOWN: d(down)})


def test_a_book_of_an_unlisted_market_is_not_kept() -> None:
    market = MarketData()

    market.apply(shown(book()))

    assert market.books == {}
    assert market.mark_price(UP) is None


def test_the_latest_book_counts() -> None:
    market = known()

    market.apply(shown(book("0.60x10", "0.62x10")))

    assert market.books[UP].mid == d("0.61")
    assert market.mark_price(UP) == d("0.60")  # the exit side


def test_where_nobody_bids_a_share_brings_nothing() -> None:
    market = known()

    market.apply(shown(book("", "0.51x10")))

    assert market.mark_price(UP) == 0


def test_where_no_book_was_seen_no_price_is_made_up() -> None:
    assert known().mark_price(DOWN) is None


def test_a_change_of_tick_reaches_the_instrument() -> None:
    market = known()

    market.apply(TickSizeChanged(time_ns=NOW_NS, instrument_id=UP, tick_size=d("0.001")))

    up, down = market.instrument(UP), market.instrument(DOWN)
    assert up is not None
    assert down is not None
    assert (up.tick_size, down.tick_size) == (d("0.001"), d("0.01"))


def test_a_resolved_market_is_gone_and_its_payouts_stay() -> None:
    market = known()

    market.apply(resolved("1", "0"))
    market.apply(shown(book("0.99x10", "")))

    assert (market.instrument(UP), market.markets, market.books) == (None, {}, {})
    assert (market.payout(UP), market.payout(DOWN)) == (d(1), d(0))
    assert (market.mark_price(UP), market.mark_price(DOWN)) == (d(1), d(0))


def test_a_resolution_of_a_market_that_was_never_listed_is_remembered_too() -> None:
    market = MarketData()

    market.apply(resolved("0.5", "0.5"))

    assert market.payout(UP) == d("0.5")


def test_only_the_latest_payouts_are_remembered() -> None:
    market, limit = MarketData(), market_module.PAYOUTS_KEPT_MAX

    for number in range(limit + 1):
        names = [type(UP)(f"{number}")]
        market.apply(MarketResolved(time_ns=NOW_NS, market_id=MARKET, payouts=dict.fromkeys(names, d(1))))

    assert (market.payout(type(UP)("0")), market.payout(type(UP)("1"))) == (None, d(1))
    assert market.payout(type(UP)(f"{limit}")) == 1


def test_a_rejected_snapshot_is_counted_and_shown_to_nobody() -> None:
    market = known()

    market.apply(SnapshotRejected(time_ns=NOW_NS, instrument_id=UP, reason="crossed"))

    assert market.snapshots_rejected == 1
    assert market.books[UP].mid == d("0.50")
