"""The venue's dead-man's switch: as long as we send signs of life our orders stand, afterwards they are cancelled.

It is armed for a whole API key by the first sign that is accepted, and nothing disarms it: who stops sending
loses all orders within 10 to 15 seconds. It fails closed: without it nothing new is opened.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from telemetry import fields
from venues.polymarket.clob import HeartbeatAnswer

BEAT_EVERY_S = 5
BEAT_TIMEOUT_S = 3
LIFETIME_S = 10
"""Seconds after the last accepted sign from which the venue may have cancelled everything."""

RETRY_AFTER_S = 1
MISMATCHES_MAX = 3
"""Ids taken over in a row within one beat; more of them, and another process fights for the same key."""

log = logging.getLogger(__name__)

Send = Callable[[str], Awaitable[HeartbeatAnswer]]


class Heartbeat:
    """Sends in one task, one at a time; `on_expired` hears why, once for each time the switch may have fired."""

    def __init__(
        self, send: Send, *, monotonic_s: Callable[[], float], on_expired: Callable[[str], None]
    ) -> None:
        self._send = send
        self._monotonic_s = monotonic_s
        self._on_expired = on_expired
        self._id = ""
        self._accepted_s: float | None = None
        self._reason = "no sign of life was accepted yet"
        self.failures = 0

    def is_armed(self) -> bool:
        """Say whether the venue would take an order off by itself if we stopped now, and has not done so."""
        return self._accepted_s is not None and self._monotonic_s() - self._accepted_s < LIFETIME_S

    def reason(self) -> str | None:
        """Why nothing may be opened; None while armed."""
        return None if self.is_armed() else f"the venue's dead-man's switch is not armed: {self._reason}"

    async def run(self) -> None:
        """Send for ever; what fails is tried again after a second, as there are ten."""
        while True:
            is_accepted = await self.beat()
            await asyncio.sleep(BEAT_EVERY_S if is_accepted else RETRY_AFTER_S)

    async def beat(self) -> bool:
        """Send one sign of life, and again at once with the id that the venue expects; say whether one was taken."""
        self._note_expiry()
        reason = "the venue expects another id each time: another process uses this API key"
        for _ in range(MISMATCHES_MAX + 1):
            sent_s = self._monotonic_s()
            answer = await self._ask()
            if answer.is_accepted:
                self._id, self._accepted_s = answer.next_id or "", sent_s
                return True
            if answer.next_id is None:
                reason = answer.reason
                break
            self._id = answer.next_id
        self.failures += 1
        self._reason = reason
        log.warning("a sign of life was not taken", extra=fields(reason=reason, failures=self.failures))
        self._note_expiry()
        return False

    async def _ask(self) -> HeartbeatAnswer:
        try:
            async with asyncio.timeout(BEAT_TIMEOUT_S):
                return await self._send(self._id)
        except TimeoutError:
            return HeartbeatAnswer(is_accepted=False, next_id=None, reason=f"no answer in {BEAT_TIMEOUT_S} s")

    def _note_expiry(self) -> None:
        """After the lifetime the venue has forgotten us: its next id is a new one, and orders may be gone."""
        if self._accepted_s is None or self.is_armed():
            return
        self._accepted_s = None
        self._id = ""
        self._on_expired(
            f"no sign of life was accepted for {LIFETIME_S} s: the venue may have cancelled everything"
        )
