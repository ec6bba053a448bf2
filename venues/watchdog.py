"""Who has been silent for too long: freshness per instrument, in the seconds of a clock that never jumps."""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")


class Watchdog(Generic[K]):
    """Remembers when each of its keys was heard last. Only keys that were added are watched; all is in seconds."""

    def __init__(self, silence_s_max: float) -> None:
        self.silence_s_max = silence_s_max
        self._heard_s: dict[K, float] = {}

    def __len__(self) -> int:
        return len(self._heard_s)

    def watch(self, keys: Iterable[K], now_s: float) -> None:
        """Begin to watch these keys, as though they were heard now."""
        self._heard_s.update(dict.fromkeys(keys, now_s))

    def forget(self, keys: Iterable[K]) -> None:
        """Watch these keys no longer; unknown ones are ignored."""
        for key in keys:
            self._heard_s.pop(key, None)

    def hear(self, key: K, now_s: float) -> None:
        """Note a sign of life; of a key that is not watched it is ignored."""
        if key in self._heard_s:
            self._heard_s[key] = now_s

    def silence_s(self, key: K, now_s: float) -> float:
        """How long the key has been silent; 0 for one that is not watched."""
        return now_s - self._heard_s.get(key, now_s)

    def silent(self, now_s: float) -> Iterator[K]:
        """Yield the keys whose silence has reached the limit, the longest watched first."""
        heard_before_s = now_s - self.silence_s_max
        return (key for key, heard_s in self._heard_s.items() if heard_s <= heard_before_s)
