import pytest

from domain.book import Level, OrderBook
from domain.identifiers import InstrumentId
from domain.messages import BookSnapshot, FeedChanged, MarketEvent
from tests.support.trading import NOW_NS, d
from venues.exchange.continuity import Continuity

ONE, OTHER = InstrumentId("binance:BTC/USDT"), InstrumentId("binance:ETH/USDT")


def book(of: InstrumentId = ONE) -> OrderBook:
    return OrderBook(instrument_id=of, time_ns=NOW_NS, bids=(Level(d(1), d(1)),), asks=())


@pytest.fixture
def told() -> list[MarketEvent]:
    return []


@pytest.fixture
def feed(told: list[MarketEvent]) -> Continuity:
    made = Continuity(told.append, now_ns=lambda: NOW_NS)
    made.add((ONE, OTHER))
    return made


def kinds(told: list[MarketEvent]) -> list[object]:
    return [event.is_live if isinstance(event, FeedChanged) else type(event) for event in told]


def test_nothing_is_given_out_before_the_first_mend(feed: Continuity, told: list[MarketEvent]) -> None:
    feed.give(book())
    feed.mend(book(), "fresh")
    feed.give(book())

    assert kinds(told) == [False, True, BookSnapshot, BookSnapshot]


def test_a_break_counts_once_for_all_its_pairs(feed: Continuity, told: list[MarketEvent]) -> None:
    feed.mend(book(ONE), "fresh")
    feed.mend(book(OTHER), "fresh")
    told.clear()

    feed.lose((ONE, OTHER), "cut")
    feed.lose((ONE, OTHER), "cut again")

    (event,) = told
    assert isinstance(event, FeedChanged)
    assert (event.instrument_ids, event.epoch, event.reason) == ((ONE, OTHER), 1, "cut")


def test_one_pair_may_be_live_while_the_other_is_broken(feed: Continuity, told: list[MarketEvent]) -> None:
    feed.mend(book(ONE), "fresh")
    told.clear()

    feed.give(book(OTHER))
    feed.give(book(ONE))

    assert kinds(told) == [BookSnapshot]
    assert feed.is_live(ONE)
    assert not feed.is_live(OTHER)


def test_a_break_of_what_is_broken_changes_nothing(feed: Continuity, told: list[MarketEvent]) -> None:
    told.clear()

    feed.lose((ONE,), "cut")

    assert told == []
    assert feed.epoch == 0
