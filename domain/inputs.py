"""What a person, or the guard, does to a session from outside: stored, since a re-execution must repeat it."""

from enum import StrEnum

from msgspec import Struct


class InputKind(StrEnum):
    """KEEP and CANCEL stop the run; PAUSE and RESUME take orders away from a strategy and give them back; HALT
    ends a strategy at an event of its own whose hook did not return."""

    KEEP = "keep"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    HALT = "halt"

    @property
    def is_stop(self) -> bool:
        """Say whether the run ends with it."""
        return self in (InputKind.KEEP, InputKind.CANCEL)


class Input(Struct, frozen=True, kw_only=True):
    """An input and where it acts: after `position` market events; a HALT at the strategy's `ordinal`-th event."""

    position: int
    kind: InputKind
    strategy: str = ""
    ordinal: int = 0
    reason: str = ""
