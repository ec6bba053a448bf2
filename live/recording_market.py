"""A live market whose events are also written to tapes: what `--record` puts around the market of a run."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

from config import Settings
from domain.messages import MarketEvent
from domain.remembered import Remembered
from live.market import Gap, LiveMarket, Sink
from live.recording import Recorder
from live.recording_candles import CandleFeed, candle_sources
from live.recording_parts import MEGABYTE, Bounds
from venues.base import Venue

LOG = logging.getLogger("recording")


class RecordedMarket:
    """The market as it is; each event goes on the tape after the session has taken it in."""

    def __init__(
        self, market: LiveMarket, settings: Settings, path: Path, say: Callable[[str], None]
    ) -> None:
        self._market, self._settings, self._path, self._say = market, settings, path, say
        self._tape: Recorder | None = None

    @property
    def venue(self) -> Venue:
        """Where orders go: nothing is recorded of them."""
        return self._market.venue

    @property
    def label(self) -> str:
        """What people are told that the market is."""
        return self._market.label

    @property
    def account(self) -> str:
        """Whose money it is."""
        return self._market.account

    def restore(self, remembered: Remembered, *, owned: Mapping[str, Decimal]) -> None:
        """Take over what an earlier process left."""
        self._market.restore(remembered, owned=owned)

    def on_market(self, event: MarketEvent) -> None:
        """Let the venue see an event."""
        self._market.on_market(event)

    async def run(self, sink: Sink, *, on_gap: Gap, ready: Gap) -> None:
        """Run the market and write beside it; ConfigurationError where nothing can be written from the start on."""
        async with recording(self._settings, self._path, self._market.label, self._tell) as tape:
            self._tape = tape
            take = tape.take

            def both(event: MarketEvent) -> None:
                sink(event)
                take(event)

            market = self._market.run(both, on_gap=on_gap, ready=ready)
            sources = candle_sources(self._settings, self._settings.venue.symbols)
            if not sources:
                await market
                return
            async with asyncio.TaskGroup() as tasks:
                beside = [tasks.create_task(CandleFeed(one, tape.take_candle).run()) for one in sources]
                await market
                for task in beside:
                    task.cancel()

    async def opening_cash(self) -> Decimal:
        """Money that a new session begins with."""
        return await self._market.opening_cash()

    def status(self) -> list[str]:
        """Health of the market, and what was recorded."""
        told = [self._tape.failure or self._tape.summary()] if self._tape else []
        return [*self._market.status(), *told]

    async def close(self) -> None:
        """Release the market's connections; the tape was closed when `run` ended."""
        await self._market.close()

    def _tell(self, line: str) -> None:
        LOG.warning(line)
        self._say(line)


@asynccontextmanager
async def recording(
    settings: Settings, path: Path, label: str, say: Callable[[str], None]
) -> AsyncIterator[Recorder]:
    """A recorder for the block; at its end everything is written, and what was recorded is said."""
    bounds = Bounds(total_max=settings.run.record_megabytes_max * MEGABYTE)
    tape = Recorder(path, label=label, bounds=bounds, on_trouble=say)
    try:
        yield tape
    finally:
        await asyncio.to_thread(tape.close)
        say(tape.summary())
