"""News of our own orders: the private streams of ccxt as a wake-up, and REST as the drop copy that misses nothing.

ccxt's private streams deliver states, not events, collapse what nobody awaited, and share one future between all
who wait: so each has one task, and what counts is read again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from clock import NS_PER_MS, NS_PER_S, Scheduler
from domain.errors import VenueReadError
from venues.exchange.connection import KEEPALIVE_MS, Connection
from venues.exchange.outcomes import words
from venues.exchange.reads import Rows
from venues.exchange.stream_guard import reset_stale

POLL_S = 15
"""Between two drop copies while the streams are well; each break of a stream asks for one at once."""

OVERLAP_S = 60
"""How far each drop copy reaches back behind the last one that succeeded."""

PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""After failures in a row; ccxt throws one stale error several times without any delay."""

SILENCE_MS_MAX = 3 * KEEPALIVE_MS + 5_000
WATCHDOG_S = 5

log = logging.getLogger("venues.exchange")


class Listener(Protocol):
    """Who hears the news."""

    def on_trades(self, trades: Rows) -> None:
        """Rows of our trades, some perhaps seen before."""
        ...

    def on_orders(self, rows: Rows) -> None:
        """States of our orders, some perhaps older than what is known."""
        ...

    async def poll(self, since_ns: int) -> None:
        """Read what may have been missed since then; raises VenueReadError."""
        ...


class UserStream:
    """Runs until cancelled; an exchange without private streams is polled only."""

    def __init__(self, connection: Connection, listener: Listener, *, scheduler: Scheduler) -> None:
        self.breaks = 0
        """How often a stream failed and was begun anew."""
        self.polls_failed = 0
        self.polled_ns: int | None = None
        """When the last drop copy that succeeded was begun: None before the first."""
        self._connection = connection
        self._listener = listener
        self._scheduler = scheduler
        self._poll_now = asyncio.Event()

    async def run(self) -> None:
        """Own one task for each stream, the polls and the watchdog."""
        data, listener = self._connection.data, self._listener
        streams: dict[str, tuple[Any, Callable[[Rows], None]]] = {
            "watchOrders": (data.watch_orders, listener.on_orders),
            "watchMyTrades": (data.watch_my_trades, listener.on_trades),
        }
        async with asyncio.TaskGroup() as tasks:
            for capability, (watch, hear) in streams.items():
                if data.has.get(capability) is True:
                    tasks.create_task(self._listen(watch, hear), name=f"{data.id} {capability}")
            tasks.create_task(self._poll_forever(), name=f"{data.id} drop copy")
            tasks.create_task(self._watch_over(), name=f"{data.id} watchdog")

    async def _listen(self, watch: Callable[[], Awaitable[Rows]], hear: Callable[[Rows], None]) -> None:
        failures = 0
        while True:
            try:
                rows = await watch()
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                failures += 1  # a shared future was cancelled under us: a broken stream, not our end
            except Exception as error:  # supervised: a stream that ends in any way is begun anew
                failures += 1
                log.info("user stream: %s", words(error))
            else:
                failures = 0
                hear([dict(row) for row in rows])
            if failures:
                self.breaks += 1
                self._poll_now.set()
                await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S)) - 1])

    async def _poll_forever(self) -> None:
        while True:
            begun_ns = self._scheduler.now_ns()
            since_ns = (begun_ns if self.polled_ns is None else self.polled_ns) - OVERLAP_S * NS_PER_S
            self._poll_now.clear()
            try:
                await self._listener.poll(since_ns)
            except VenueReadError as error:
                self.polls_failed += 1
                log.warning("drop copy: %s", error)
                await asyncio.sleep(PAUSES_S[2])
            else:
                self.polled_ns = begun_ns
                await self._wait_for_the_next()

    async def _wait_for_the_next(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._poll_now.wait()
        except TimeoutError:
            return
        await asyncio.sleep(PAUSES_S[2])  # several streams break together: one drop copy for all

    async def _watch_over(self) -> None:
        while True:
            await asyncio.sleep(WATCHDOG_S)
            now_ms = self._scheduler.now_ns() // NS_PER_MS
            reset = reset_stale(self._connection.data, now_ms=now_ms, silence_ms_max=SILENCE_MS_MAX)
            if reset:
                log.warning("%d silent sockets of %s were reset", reset, self._connection.data.id)
