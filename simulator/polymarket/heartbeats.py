"""The dead man's switch: a key that has sent heartbeats and stops loses its open orders."""

from collections.abc import Callable

from msgspec import Struct

from simulator.faults import Fault
from simulator.polymarket.identifiers import digest, uuid_like
from simulator.polymarket.refusals import Refusal
from simulator.polymarket.state import VenueState
from simulator.timing import NS_PER_MS


class Beat(Struct, kw_only=True):
    """What is known of one armed key."""

    id: str
    count: int
    deadline_ns: int


class Heartbeats:
    """All armed keys; `on_expired` is told the key whose orders are to be cancelled."""

    def __init__(self, state: VenueState, on_expired: Callable[[str], None]) -> None:
        self._state = state
        self._on_expired = on_expired
        self._beats: dict[str, Beat] = {}

    def send(self, key: str, beat_id: str) -> str | Refusal:
        """Accept a heartbeat that names the last id, the first one none; gives the id to name next."""
        beat = self._beats.get(key)
        expected = beat.id if beat else ""
        if beat_id != expected or self._state.faults.strikes(Fault.HEARTBEAT_MISMATCH, f"heartbeat {key}"):
            self._state.faults.mark("heartbeat refused")
            more: dict[str, object] = {"error_msg": "Invalid Heartbeat ID", "heartbeat_id": expected}
            return Refusal(status=400, text="", more=more)
        count = beat.count + 1 if beat else 1
        deadline_ns = self._state.now_ns() + self._state.rules.heartbeat_lifetime_ms * NS_PER_MS
        following = Beat(
            id=uuid_like(self._state.seed, "heartbeat", key, self._state.now_ns(), count),
            count=count,
            deadline_ns=deadline_ns,
        )
        self._beats[key] = following
        self._state.agenda.plan(
            deadline_ns + self._sweep_ns(following.id), lambda now_ns: self._sweep(key, now_ns)
        )
        return following.id

    def armed(self) -> dict[str, int]:
        """Deadline of every armed key."""
        return {key: beat.deadline_ns for key, beat in self._beats.items()}

    def _sweep(self, key: str, now_ns: int) -> None:
        beat = self._beats.get(key)
        if beat is None or beat.deadline_ns > now_ns:
            return
        del self._beats[key]
        self._state.faults.mark("heartbeat expired")
        self._on_expired(key)

    def _sweep_ns(self, beat_id: str) -> int:
        """The sweep comes some time after the deadline, up to its period."""
        period_ns = self._state.rules.heartbeat_sweep_ms * NS_PER_MS
        drawn = int.from_bytes(digest(self._state.seed, "sweep", beat_id)[:8], "big")
        return drawn % period_ns if period_ns else 0
