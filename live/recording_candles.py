"""Candles of pairs of an exchange, for recording alone: from its streams where it has any, and from REST beside."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from domain.errors import VenueReadError
from setting_values import Names
from settings import Settings
from venues.exchange.candles import TIMEFRAME, Candle, CandleTracker
from venues.exchange.connection import Connection, ExchangeSettings
from venues.exchange.instruments import instrument_id
from venues.exchange.outcomes import words
from venues.exchange.reads import rows_of

EXCHANGE = "binance"
"""Whose candles are meant where neither the pair nor the venue names an exchange."""

READ_EVERY_S, ROWS = 30.0, 5
"""REST is asked so often for the last minutes, so that a stream that lost some is made good."""

PAUSE_S = 5.0
NO_ORDERS = "records"
"""In the place of the installation's id, which goes into orders: nothing here sends any."""

LOG = logging.getLogger("recording")


def exchange_data(settings: Settings, exchange: str, symbols: Names) -> ExchangeSettings:
    """The public data of an exchange; hosts and options of [venue] are the exchange's, whichever venue is traded."""
    venue = settings.venue
    overrides = {"urls": venue.urls, "options": venue.options}
    return ExchangeSettings(
        exchange=exchange,
        symbols=symbols,
        install_id=NO_ORDERS,
        is_sandbox=venue.sandbox and venue.name == exchange,
        overrides={key: value for key, value in overrides.items() if value},
    )


def candle_sources(settings: Settings, pairs: Names) -> list[ExchangeSettings]:
    """The exchanges that have these pairs: `binance:BTC/USDT`, or `BTC/USDT` of the venue, else of Binance."""
    by_exchange: dict[str, dict[str, None]] = {}
    for pair in pairs:
        exchange, mark, symbol = pair.partition(":")
        if not mark:
            exchange, symbol = EXCHANGE if settings.venue.is_polymarket else settings.venue.name, pair
        by_exchange.setdefault(exchange, {})[symbol] = None
    return [exchange_data(settings, exchange, tuple(symbols)) for exchange, symbols in by_exchange.items()]


class CandleFeed:
    """The minutes of some pairs of one exchange, each once, when it is over."""

    def __init__(self, source: ExchangeSettings, sink: Callable[[Candle], None]) -> None:
        self._source = source
        self._tracker = CandleTracker(sink)

    async def run(self) -> None:
        """Read until cancelled; whatever fails is tried again. ConfigurationError for a pair that is not there."""
        while True:
            try:
                async with Connection(self._source) as connection:
                    await self._hear(connection.data)
            except VenueReadError as error:
                LOG.warning("candles: %s", error)
                await asyncio.sleep(PAUSE_S)

    async def _hear(self, data: Any) -> None:
        async with asyncio.TaskGroup() as tasks:
            for watch in self._watches(data):
                tasks.create_task(self._follow(watch), name="candles by stream")
            tasks.create_task(self._read(data), name="candles over REST")

    def _watches(self, data: Any) -> list[Callable[[], Awaitable[Any]]]:
        symbols = self._source.symbols
        if data.has.get("watchOHLCVForSymbols") is True:
            return [partial(data.watch_ohlcv_for_symbols, [[symbol, TIMEFRAME] for symbol in symbols])]
        if data.has.get("watchOHLCV") is True:
            return [partial(_watch_one, data, symbol) for symbol in symbols]
        return []

    async def _follow(self, watch: Callable[[], Awaitable[Any]]) -> None:
        while True:
            try:
                news = await watch()
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                await asyncio.sleep(PAUSE_S)
            except Exception as error:  # supervised: a stream that ends in any way is begun anew
                LOG.info("candles: %s", words(error))
                await asyncio.sleep(PAUSE_S)
            else:
                for symbol, by_timeframe in news.items():
                    self._take(symbol, by_timeframe.get(TIMEFRAME, []))

    async def _read(self, data: Any) -> None:
        while data.has.get("fetchOHLCV") is True:
            for symbol in self._source.symbols:
                read = partial(data.fetch_ohlcv, symbol, TIMEFRAME, None, ROWS)
                try:
                    self._take(symbol, await rows_of(read, f"candles of {symbol}"))
                except VenueReadError as error:
                    LOG.warning("%s", error)
            await asyncio.sleep(READ_EVERY_S)

    def _take(self, symbol: str, rows: Any) -> None:
        self._tracker.take(instrument_id(self._source.exchange, symbol), rows)


async def _watch_one(data: Any, symbol: str) -> dict[str, dict[str, Any]]:
    return {symbol: {TIMEFRAME: await data.watch_ohlcv(symbol, TIMEFRAME)}}
