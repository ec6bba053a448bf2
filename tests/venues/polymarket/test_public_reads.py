"""Public reads: whole answers, or a failure that is no evidence."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from domain.errors import VenueReadError
from domain.identifiers import InstrumentId
from tests.venues.polymarket.loopback import LoopbackVenue, loopback_venue
from venues.polymarket.hosts import Hosts
from venues.polymarket.public_reads import PublicReads, new_session

UP, DOWN, NONE = InstrumentId("111"), InstrumentId("222"), InstrumentId("333")
T = TypeVar("T")


def asked(question: Callable[[PublicReads, LoopbackVenue], Awaitable[T]]) -> T:
    """Put a question to a loopback venue with two books."""

    async def ask() -> T:
        async with loopback_venue() as venue, new_session() as session:
            venue.add_book(UP)
            venue.add_book(DOWN, bid="0.48", ask="0.50")
            reads = PublicReads(venue.hosts)
            reads.use(session)
            return await question(reads, venue)

    return asyncio.run(ask())


def test_books_come_best_first_and_unknown_tokens_are_left_out() -> None:
    async def question(reads: PublicReads, venue: LoopbackVenue) -> list[tuple[str, str]]:
        venue.books[UP]["BUY"]["0.30"] = "5"
        books = await reads.books([UP, DOWN, NONE])
        return [(book.instrument_id, str(book.bids[0].price)) for book in books]

    assert asked(question) == [(UP, "0.50"), (DOWN, "0.48")]


def test_books_are_read_one_by_one_where_a_batch_is_refused_for_an_unknown_token() -> None:
    async def question(reads: PublicReads, venue: LoopbackVenue) -> list[str]:
        venue.are_batches_unknown = True
        return [book.instrument_id for book in await reads.books([UP, NONE, DOWN])]

    assert asked(question) == [UP, DOWN]


def test_a_crossed_book_is_left_out_and_counted() -> None:
    async def question(reads: PublicReads, venue: LoopbackVenue) -> tuple[list[str], int]:
        venue.add_book(DOWN, bid="0.55", ask="0.50")
        return [book.instrument_id for book in await reads.books([UP, DOWN])], reads.failures

    assert asked(question) == ([UP], 1)


def test_a_venue_in_trouble_is_a_failed_read_that_says_so() -> None:
    async def question(reads: PublicReads, venue: LoopbackVenue) -> str:
        venue.are_reads_down = True
        with pytest.raises(VenueReadError) as failure:
            await reads.books([UP])
        return str(failure.value)

    assert "HTTP 503" in asked(question)


def test_without_a_venue_or_a_pool_every_read_fails() -> None:
    async def ask() -> PublicReads:
        reads = PublicReads(Hosts(clob="http://127.0.0.1:1"))
        with pytest.raises(VenueReadError, match="no pool"):
            await reads.clob("/book")
        async with new_session() as session:
            reads.use(session)
            with pytest.raises(VenueReadError, match=r"127\.0\.0\.1:1"):
                await reads.clob("/book")
        return reads

    assert asyncio.run(ask()).failures == 2
