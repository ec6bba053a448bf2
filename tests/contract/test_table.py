"""The table of crossings is complete and true: no message without a row, no row that the source contradicts."""

from typing import get_args

import pytest

from domain.inputs import Input
from domain.messages import MarketEvent, MarketListed, PassedOver
from tests.contract.crossings import MARKET_EVENTS, TABLE, Crossing, Parties, differences, members, parties

ROWS = {row.message.__name__: row for _, rows in TABLE for row in rows}


@pytest.fixture(name="found", scope="module", params=[pytest.param("", id="source", marks=pytest.mark.slow)])
def parties_in_the_source() -> dict[str, Parties]:
    """What the source does with each message."""
    return parties(set(ROWS))


@pytest.mark.parametrize(("union", "rows"), TABLE, ids=lambda part: getattr(part, "__name__", ""))
def test_every_member_of_every_union_has_one_row(union: object, rows: tuple[Crossing, ...]) -> None:
    assert differences(union, [row.message for row in rows]) == []
    assert len(rows) == len(members(union))


@pytest.mark.parametrize("name", ROWS)
def test_the_rooms_that_make_and_take_a_message_are_those_of_its_row(
    name: str, found: dict[str, Parties]
) -> None:
    row, actual = ROWS[name], found[name]

    takers = actual.receivers if row.message is Input else actual.takers
    assert (sorted(actual.makers), sorted(takers)) == (row.makers.split(), row.takers.split())


def test_a_message_without_a_row_is_noticed() -> None:
    listed = [row.message for row in MARKET_EVENTS]

    assert differences(MarketEvent | PassedOver, listed) == ["PassedOver"]


def test_a_row_without_a_message_is_noticed() -> None:
    listed = [row.message for row in MARKET_EVENTS]

    assert differences(get_args(MarketEvent)[1] | PassedOver, [*listed[1:2], MarketListed, PassedOver]) == [
        "MarketListed"
    ]
