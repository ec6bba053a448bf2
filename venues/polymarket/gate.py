"""What stands against sending orders for now: the venue's own restrictions, as its answers tell them."""

from collections.abc import Callable

from venues.polymarket.outcomes import Outcome, Restriction, Verdict

PAUSES_S = {
    Restriction.RESTARTING: 2.0,
    Restriction.POST_ONLY: 120.0,
    Restriction.CANCEL_ONLY: 30.0,
    Restriction.DISABLED: 60.0,
    Restriction.RATE_LIMITED: 10.0,
}
"""Seconds until the next order may try, where the answer does not say; a restart doubles them each time."""

RESTART_PAUSE_S_MAX = 30.0
DOUBLINGS_MAX = 5


class Gate:
    """Open unless the venue said otherwise; some reasons pass with time, others only a person can mend."""

    def __init__(self, *, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._until_s = 0.0
        self._reason = ""
        self._lasting = ""
        self._restarts = 0

    def note(self, verdict: Verdict) -> float:
        """Learn from the outcome of an order; returns for how many seconds no other should be sent."""
        if verdict.outcome is Outcome.ACKNOWLEDGED:
            self._restarts, self._until_s = 0, 0.0
        restriction = verdict.restriction
        if restriction is None:
            return 0.0
        words = f"{restriction}: {verdict.reason}"
        if restriction.is_lasting:
            self._lasting = f"{words}; mend it and start again"
            return 0.0
        pause_s = self._pause_s(restriction, verdict)
        self._until_s, self._reason = self._monotonic_s() + pause_s, words
        return pause_s

    def reason(self) -> str | None:
        """Why nothing may be opened now, in words; None where nothing is known against it."""
        if self._lasting:
            return self._lasting
        return self._reason if self._monotonic_s() < self._until_s else None

    def _pause_s(self, restriction: Restriction, verdict: Verdict) -> float:
        asked_s = float(verdict.pause_s or 0)  # float: seconds to wait, no amount
        if restriction is not Restriction.RESTARTING:
            return asked_s or PAUSES_S[restriction]
        doubled_s = PAUSES_S[restriction] * (1 << self._restarts)
        self._restarts = min(self._restarts + 1, DOUBLINGS_MAX)
        return min(max(asked_s, doubled_s), RESTART_PAUSE_S_MAX)
