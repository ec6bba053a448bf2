"""Price-time priority of one book: whom an order meets, what rests, and what a stream must be told."""

from decimal import Decimal

import pytest

from domain.instrument import Side
from simulator.exchanges.matching import SpotBook, Taking


def book_of(*asks: tuple[int, str, str]) -> SpotBook:
    """A book with these sellers: id, price and quantity."""
    book = SpotBook("BTCUSDT")
    for order_id, price, quantity in asks:
        book.rest(order_id, side=Side.SELL, price=Decimal(price), quantity=Decimal(quantity))
    return book


def buying(quantity: str | None, *, limit: str | None = None, quote: str | None = None) -> Taking:
    return Taking(
        side=Side.BUY,
        limit=Decimal(limit) if limit else None,
        quantity=Decimal(quantity) if quantity else None,
        quote_quantity=Decimal(quote) if quote else None,
        step=Decimal("0.1"),
    )


@pytest.mark.parametrize(
    ("taking", "met"),
    [
        pytest.param(buying("3", limit="12"), [(2, "1"), (3, "1"), (1, "1")], id="price, then time"),
        pytest.param(buying("3", limit="10"), [(2, "1"), (3, "1")], id="up to the limit"),
        pytest.param(buying("1.5"), [(2, "1"), (3, "0.5")], id="at any price"),
        pytest.param(buying(None, quote="15.5"), [(2, "1"), (3, "0.5")], id="for an amount, in whole steps"),
        pytest.param(buying("1", limit="9"), [], id="below the best"),
    ],
)
def test_whom_an_order_meets(taking: Taking, met: list[tuple[int, str]]) -> None:
    book = book_of((1, "12", "5"), (2, "10", "1"), (3, "10", "1"))

    plan = book.plan(taking)

    assert [(match.order_id, match.quantity) for match in plan] == [(i, Decimal(q)) for i, q in met]


def test_a_part_taken_keeps_its_place_and_the_last_part_clears_the_level() -> None:
    book = book_of((1, "10", "2"), (2, "10", "2"))

    book.reduce(1, side=Side.SELL, price=Decimal(10), quantity=Decimal(1))
    first = book.plan(buying("1"))[0].order_id
    book.reduce(1, side=Side.SELL, price=Decimal(10), quantity=Decimal(1))
    book.reduce(2, side=Side.SELL, price=Decimal(10), quantity=Decimal(2))

    assert first == 1
    assert book.best(Side.SELL) is None
    assert book.quantity_at(Side.SELL, Decimal(10)) == 0


def test_changes_are_told_once_with_what_is_left() -> None:
    book = book_of((1, "10", "2"))
    book.take_changes()
    number = book.update_id

    book.reduce(1, side=Side.SELL, price=Decimal(10), quantity=Decimal(2))

    assert book.take_changes() == [(Side.SELL, Decimal(10), Decimal(0))]
    assert (book.take_changes(), book.update_id) == ([], number + 1)


def test_more_than_is_there_cannot_be_taken() -> None:
    book = book_of((1, "10", "2"))

    with pytest.raises(AssertionError):
        book.reduce(1, side=Side.SELL, price=Decimal(10), quantity=Decimal(3))
