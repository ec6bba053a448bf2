"""Keeps the order connection open, and learns from the answers how far our clock is from the exchange's."""

import asyncio
import logging

from clock import NS_PER_MS, Scheduler
from domain.errors import VenueReadError
from venues.exchange.calls import recorded
from venues.exchange.connection import Connection
from venues.exchange.outcomes import words

INTERVAL_S = 10
"""Below the fifteen seconds after which an idle connection is given up: the next order would pay a handshake."""

OFFSET_MS_MAX = 500
"""Beyond, requests begin to be refused for their timestamps: an alarm."""

log = logging.getLogger("venues.exchange")


class Heartbeat:
    """Asks for the time over the connection of the orders, until cancelled."""

    def __init__(self, connection: Connection, *, scheduler: Scheduler) -> None:
        self.clock_offset_ms: int | None = None
        """Our clock less the exchange's, half a round trip taken off; None before the first answer."""
        self._connection = connection
        self._scheduler = scheduler

    async def run(self) -> None:
        """Ask at once, and again before the connection would be given up; a failure is told and tried again."""
        while self._connection.orders.has.get("fetchTime") is True:
            try:
                self.clock_offset_ms = await self._ask()
            except VenueReadError as error:
                log.info("%s", error)
            else:
                if abs(self.clock_offset_ms) > OFFSET_MS_MAX:
                    log.warning("the clock differs by %d ms from the exchange's", self.clock_offset_ms)
            await asyncio.sleep(INTERVAL_S)

    async def _ask(self) -> int:
        asked_ns = self._scheduler.now_ns()
        with recorded():
            try:
                server_ms = int(await self._connection.orders.fetch_time())
            except Exception as error:  # supervised: the time of day is no reason to stop
                raise VenueReadError(f"time of the exchange: {words(error)}") from error
        middle_ns = (asked_ns + self._scheduler.now_ns()) // 2
        return middle_ns // NS_PER_MS - server_ms
