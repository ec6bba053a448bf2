"""What the engine accepts: everything, or for a while nothing, then only orders that do not take."""

from simulator.polymarket.state import Mode, VenueState
from simulator.timing import NS_PER_MS


class EngineMode:
    """Restarts and restrictions of the whole engine."""

    def __init__(self, state: VenueState) -> None:
        self._state = state

    def set(self, mode: Mode, *, until_ns: int | None = None) -> None:
        """Say what the engine takes from now on."""
        self._state.mode = mode
        self._state.mode_until_ns = until_ns
        self._state.faults.mark(f"mode {mode}")

    def restart(self) -> None:
        """Refuse everything, then take only post-only orders, then go on; orders on the book stay."""
        back_ns = self._state.now_ns() + self._state.rules.restart_ms * NS_PER_MS
        self.set(Mode.RESTARTING, until_ns=back_ns)
        self._state.agenda.plan(back_ns, self._come_back)

    def _come_back(self, now_ns: int) -> None:
        if self._state.mode is not Mode.RESTARTING:
            return
        until_ns = now_ns + self._state.rules.post_only_ms * NS_PER_MS
        self.set(Mode.POST_ONLY, until_ns=until_ns)
        self._state.agenda.plan(until_ns, self._go_on)

    def _go_on(self, _now_ns: int) -> None:
        if self._state.mode is Mode.POST_ONLY:
            self.set(Mode.NORMAL)
