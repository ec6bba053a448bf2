"""Which tokens share a connection: few enough for the venue, both tokens of a market on the same one."""

from collections.abc import Iterable, Sequence

from domain.identifiers import InstrumentId

TOKENS_PER_SOCKET = 200
"""Above 500 the venue sends no first books; at 200 a first array stays small (others' measured choice)."""

TOKENS_PER_SOCKET_MAX = 500


class Shards:
    """Tokens by the number of their connection; a place that becomes free is used again."""

    def __init__(self, tokens_max: int = TOKENS_PER_SOCKET) -> None:
        assert 2 <= tokens_max <= TOKENS_PER_SOCKET_MAX, f"{tokens_max} tokens a socket"  # noqa: PLR2004
        self._tokens_max = tokens_max
        self._members: list[dict[InstrumentId, None]] = []
        self._shard_of: dict[InstrumentId, int] = {}

    def __len__(self) -> int:
        return len(self._members)

    def place(self, group: Sequence[InstrumentId]) -> int:
        """Find a connection that has room for all of the group, and put them there; repeats stay where they are."""
        new = [one for one in group if one not in self._shard_of]
        if not new:
            return self._shard_of[group[0]]
        number = next((n for n, m in enumerate(self._members) if len(m) + len(new) <= self._tokens_max), None)
        if number is None:
            number = len(self._members)
            self._members.append({})
        self._members[number].update(dict.fromkeys(new))
        self._shard_of.update(dict.fromkeys(new, number))
        return number

    def remove(self, instrument_ids: Iterable[InstrumentId]) -> dict[int, list[InstrumentId]]:
        """Take tokens off their connections; give those that were there, by connection."""
        gone: dict[int, list[InstrumentId]] = {}
        for one in instrument_ids:
            if (number := self._shard_of.pop(one, None)) is not None:
                del self._members[number][one]
                gone.setdefault(number, []).append(one)
        return gone

    def members(self, number: int) -> tuple[InstrumentId, ...]:
        """The tokens of a connection in the order in which they came."""
        return tuple(self._members[number])

    def shard_of(self, instrument_id: InstrumentId) -> int | None:
        """The connection of a token; None where it has none."""
        return self._shard_of.get(instrument_id)
