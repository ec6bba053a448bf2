"""Which tokens share a connection."""

import pytest

from domain.identifiers import InstrumentId
from venues.polymarket.shards import Shards


def pair(number: int) -> list[InstrumentId]:
    return [InstrumentId(f"{number}-up"), InstrumentId(f"{number}-down")]


def test_a_connection_has_at_most_so_many_tokens_and_both_of_a_market() -> None:
    shards = Shards(tokens_max=5)

    numbers = [shards.place(pair(number)) for number in range(5)]

    assert numbers == [0, 0, 1, 1, 2]
    assert shards.members(1) == (*pair(2), *pair(3))


def test_a_token_that_is_there_stays_where_it_is() -> None:
    shards = Shards(tokens_max=4)
    shards.place(pair(0))

    assert shards.place(pair(0)) == 0
    assert shards.members(0) == tuple(pair(0))


def test_a_place_that_became_free_is_used_again() -> None:
    shards = Shards(tokens_max=4)
    for number in range(3):
        shards.place(pair(number))

    gone = shards.remove([*pair(0), InstrumentId("never seen")])

    assert gone == {0: pair(0)}
    assert shards.place(pair(9)) == 0
    assert shards.shard_of(pair(0)[0]) is None
    assert len(shards) == 2


@pytest.mark.parametrize("tokens_max", [1, 501])
def test_more_than_the_venue_serves_is_refused(tokens_max: int) -> None:
    with pytest.raises(AssertionError):
        Shards(tokens_max)
