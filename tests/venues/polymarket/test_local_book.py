"""The book of a token: snapshots in the venue's order, totals of levels, and the top it must have."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.book import Level
from domain.instrument import Side
from tests.venues.polymarket.followed import FIRST_MS, UP, book
from venues.polymarket.local_book import LocalBook
from venues.polymarket.stream_wire import BookMessage, Change, PriceGrid, RawLevel, WireValueError


def message(bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> BookMessage:
    """A snapshot with these levels in this order."""
    sides = [[RawLevel(*level) for level in side] for side in (bids, asks)]
    return BookMessage(asset_id=UP, market="0xm", timestamp=str(FIRST_MS), bids=sides[0], asks=sides[1])


def filled(bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> LocalBook:
    """A book that has taken a snapshot in."""
    taken = LocalBook(UP)
    taken.take_snapshot(message(bids, asks), PriceGrid())
    return taken


def prices(levels: tuple[Level, ...]) -> list[str]:
    """The prices of a side in its order."""
    return [str(level.price) for level in levels]


@pytest.mark.parametrize(
    "bids",
    [
        pytest.param([("0.48", "30"), ("0.49", "20")], id="best last, as the venue sends them"),
        pytest.param([("0.49", "20"), ("0.48", "30")], id="best first"),
        pytest.param([("0.48", "30"), ("0.47", "0"), ("0.49", "20")], id="with an empty level"),
    ],
)
def test_a_snapshot_becomes_best_first(bids: list[tuple[str, str]]) -> None:
    taken = filled(bids, [("0.53", "60"), ("0.52", "25")])

    value = taken.order_book(7)

    assert (prices(tuple(value.bids)), prices(tuple(value.asks))) == (["0.49", "0.48"], ["0.52", "0.53"])
    assert value.best_bid == Level(Decimal("0.49"), Decimal(20))
    assert taken.time_ns == FIRST_MS * 10**6


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        pytest.param([("0.52", "1")], [("0.52", "1")], id="crossed"),
        pytest.param([("0.5", "1"), ("0.50", "2")], [], id="two levels at one price"),
        pytest.param([("0.5", "-1")], [], id="less than nothing"),
        pytest.param([("1.5", "1")], [], id="a price above one"),
    ],
)
def test_a_snapshot_that_cannot_be_leaves_the_book_as_it_was(
    bids: list[tuple[str, str]], asks: list[tuple[str, str]]
) -> None:
    taken = filled([("0.40", "1")], [("0.60", "1")])
    before = taken.version()

    with pytest.raises(WireValueError):
        taken.take_snapshot(message(bids, asks), PriceGrid())

    assert taken.version() == before


def test_a_change_gives_the_new_total_and_zero_removes_the_level() -> None:
    taken, grid = filled([("0.48", "30")], [("0.52", "25")]), PriceGrid()

    taken.take_change(Change(UP, "0.49", "20", Side.BUY), grid)
    taken.take_change(Change(UP, "0.48", "5", Side.BUY), grid)
    taken.take_change(Change(UP, "0.52", "0", Side.SELL), grid)
    taken.take_change(Change(UP, "0.99", "0", Side.SELL), grid)

    value = taken.order_book(7)
    assert value.bids == (Level(Decimal("0.49"), Decimal(20)), Level(Decimal("0.48"), Decimal(5)))
    assert value.asks == ()


@pytest.mark.parametrize(
    ("best_bid", "best_ask", "is_fine"),
    [
        pytest.param("0.48", "0.52", True, id="as here"),
        pytest.param("0.480", "0.520", True, id="with more digits"),
        pytest.param("", "", True, id="not told"),
        pytest.param("0.49", "0.52", False, id="another bid"),
        pytest.param("0.48", "1", False, id="no ask there"),
    ],
)
def test_the_top_must_be_the_one_that_the_venue_tells(best_bid: str, best_ask: str, is_fine: bool) -> None:
    taken = filled([("0.48", "30")], [("0.52", "25")])

    reason = taken.disagreement(Change(UP, "0.4", "1", Side.BUY, best_bid, best_ask), PriceGrid())

    assert (reason is None) == is_fine


def test_a_book_that_crosses_itself_disagrees_even_where_nothing_is_told() -> None:
    taken, grid = filled([("0.48", "30")], [("0.52", "25")]), PriceGrid()

    taken.take_change(Change(UP, "0.53", "1", Side.BUY), grid)

    assert taken.disagreement(Change(UP, "0.53", "1", Side.BUY), grid) is not None


def test_a_value_that_was_given_out_does_not_change_any_more() -> None:
    taken = LocalBook(UP)
    taken.take_snapshot(msgspec.convert(book(UP), BookMessage), PriceGrid())
    value = taken.order_book(7)

    taken.take_change(Change(UP, "0.50", "0", Side.BUY), PriceGrid())

    assert prices(tuple(value.bids)) == ["0.50"]


ticks = st.integers(min_value=1, max_value=9_999).map(lambda n: f"{n / 10_000:.4f}")


@given(st.lists(st.tuples(ticks, st.sampled_from(["0", "1", "2.5"]))))
def test_changes_leave_what_a_table_of_totals_would(changes: list[tuple[str, str]]) -> None:
    taken, grid, totals = LocalBook(UP), PriceGrid(), {}

    for price, size in changes:
        taken.take_change(Change(UP, price, size, Side.BUY), grid)
        totals[Decimal(price)] = Decimal(size)

    left = sorted(((p, q) for p, q in totals.items() if q), reverse=True)
    assert taken.order_book(0).bids == tuple(left)
