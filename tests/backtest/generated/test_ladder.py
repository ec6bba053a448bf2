from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.generated.chance import Chance
from backtest.generated.ladder import Ladder, Quote
from domain.identifiers import InstrumentId
from domain.instrument import Side
from tests.backtest.generated.observed import is_sorted, mirrored

UP, DOWN = InstrumentId("m:UP"), InstrumentId("m:DOWN")
values = st.floats(min_value=0.0, max_value=1.0)


def ladder_at(*path: float) -> Ladder:
    ladder = Ladder(UP, DOWN, Chance(7, "ladder"))
    for value in path:
        ladder.refine(value)
        ladder.refresh(Quote(value))
    return ladder


@given(st.lists(values, min_size=1, max_size=12))
def test_any_path_of_values_gives_sound_mirrored_books(path: list[float]) -> None:
    ladder = ladder_at(*path)

    up, down = (snapshot.book for snapshot in ladder.books(1))

    assert mirrored(down) == (up.bids, up.asks)
    assert not up.is_crossed
    assert is_sorted(up)
    assert all(0 < p < 1 and p % ladder.tick_size == 0 for p, _ in (*up.bids, *up.asks))
    assert 1 <= len(up.bids) <= 10
    assert 1 <= len(up.asks) <= 10


@given(values)
def test_a_quote_surrounds_the_value_it_is_made_for(value: float) -> None:
    up, _ = ladder_at(value).books(1)

    bid, ask = up.book.bids[0].price, up.book.asks[0].price

    slack = Decimal("0.0055")  # half the coarse tick, since prices are rounded to the nearest
    assert bid - slack <= Decimal(value) <= ask + slack


def test_levels_that_stay_in_reach_mostly_keep_their_size() -> None:
    ladder = ladder_at(0.5)
    before = set(ladder.books(1)[0].book.asks)

    ladder.refresh(Quote(0.502))

    assert len(before & set(ladder.books(2)[0].book.asks)) >= 6


@pytest.mark.parametrize(
    ("outcome", "side", "takes"),
    [(0, Side.BUY, "asks"), (1, Side.SELL, "asks"), (0, Side.SELL, "bids"), (1, Side.BUY, "bids")],
)
def test_a_take_shrinks_the_side_it_meets(outcome: int, side: Side, takes: str) -> None:
    ladder = ladder_at(0.5)
    before = ladder.books(1)[outcome].book.levels_against(side)

    parts = ladder.take(outcome, side, 700)

    book = ladder.books(2)[outcome].book
    price, quantity = before[0]
    assert parts == [(price, Decimal("7.00"))]
    assert book.levels_against(side)[0] == (price, quantity - 7)
    assert book.levels_against(side.opposite) == ladder.books(1)[outcome].book.levels_against(side.opposite)
    assert getattr(ladder.books(2)[0].book, takes)[0].quantity == quantity - 7


def test_a_sweep_stops_two_cents_beyond_the_best() -> None:
    ladder = ladder_at(0.5)
    before = ladder.books(1)[0].book.asks

    parts = ladder.take(0, Side.BUY, 10**9)

    assert [price for price, _ in parts] == [level.price for level in before[:3]]
    assert ladder.books(2)[0].book.asks == before[3:]


def test_the_grid_becomes_finer_once_and_for_good() -> None:
    ladder = ladder_at(0.5, 0.95)

    changes = [ladder.refine(value) for value in (0.96, 0.961, 0.5, 0.03)]

    assert changes == [False, True, False, False]
    assert ladder.tick_size == Decimal("0.001")


def test_a_side_that_nobody_shows_is_empty() -> None:
    ladder = ladder_at(0.9)

    ladder.refresh(Quote(0.9, shows_asks=False))

    up, down = (snapshot.book for snapshot in ladder.books(1))
    assert up.asks == down.bids == ()
    assert up.bids
    assert ladder.take(0, Side.BUY, 500) == []
