"""`record`: writes what a venue tells to tapes until it is stopped; nothing is traded."""

import asyncio
import sys
from collections.abc import Coroutine

import uvloop

from clock import WallScheduler, monotonic_s
from console import Console
from domain.errors import ConfigurationError, UserError, VenueReadError
from live.following import feed_plan
from live.hosts import reach
from live.keys import API_NAMES
from live.opening import open_market
from live.recording import Recorder
from live.recording_candles import CandleFeed, candle_sources, exchange_data
from live.recording_market import recording
from live.session import leaf_of
from session import StopRequest, watch_signals
from settings import RecordCommand, Settings
from venues.exchange.connection import Connection
from venues.exchange.instruments import terms_of
from venues.exchange.market_feed import MarketFeed
from venues.polymarket.price_stream import PriceStream
from venues.polymarket.public_reads import new_session
from venues.polymarket.signing import Credentials

LOOK_EVERY_S = 0.2
PROGRESS_EVERY_S = 60
Source = Coroutine[None, None, None]


def record(command: RecordCommand) -> tuple[list[str], int]:
    """Record until a signal, `--duration` or `--events` ends it; the summary, and 1 where it ended before.

    Raises UserError where the venue cannot be reached at the start, or nothing can be written.
    """
    console = Console(sys.stderr)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_record(command, console))


async def _record(command: RecordCommand, console: Console) -> tuple[list[str], int]:
    settings, stop, told = command.settings, StopRequest(), list[str]()
    watch_signals(stop, duration_s=settings.duration_s)
    label = f"{settings.venue.name}, {', '.join(settings.venue.select) or 'its usual markets'}"
    try:
        async with recording(settings, command.out, label, told.append) as tape, asyncio.TaskGroup() as tasks:
            if settings.venue.is_polymarket:
                await reach(settings.venue)
            sources = [tasks.create_task(source) for source in _sources(command, tape)]
            console.say(f"recording {label} to {command.out}; Ctrl-C ends it")
            await _until_stopped(stop, tape, settings, console)
            for source in sources:
                source.cancel()
    except* VenueReadError as group:
        raise UserError(f"{leaf_of(group)}; check the network and the hosts") from group
    except* UserError as group:
        raise leaf_of(group) from group
    return told, 1 if tape.failure else 0


async def _until_stopped(stop: StopRequest, tape: Recorder, settings: Settings, console: Console) -> None:
    due_s = monotonic_s() + PROGRESS_EVERY_S
    while not stop.reason and not tape.failure:
        await stop.wait_s(LOOK_EVERY_S)
        if settings.events_max is not None and tape.events >= settings.events_max:
            stop.set(f"--events {settings.events_max} were taken")
        if monotonic_s() >= due_s:
            due_s += PROGRESS_EVERY_S
            console.say(tape.summary())


def _sources(command: RecordCommand, tape: Recorder) -> list[Source]:
    """Everything that is to be heard; candles of pairs whose books are recorded come with their books."""
    settings, venue = command.settings, command.settings.venue
    extra = tuple(pair for pair in command.candles if venue.is_polymarket or pair not in venue.symbols)
    sources: list[Source] = [
        CandleFeed(source, tape.take_candle).run() for source in candle_sources(settings, extra)
    ]
    if venue.is_polymarket:
        sources.append(_polymarket(settings, tape))
        if (credentials := _credentials(settings)) is not None:
            sources.append(_prices(settings, tape, credentials))
    elif venue.symbols:
        sources.append(_exchange(settings, tape))
    if not sources:
        raise ConfigurationError(
            "record: nothing to record; name pairs with --select BTC/USDT, or with --candles"
        )
    return sources


async def _polymarket(settings: Settings, tape: Recorder) -> None:
    market = open_market(settings, None, note_secret=lambda _: None)
    try:
        await market.run(tape.take, on_gap=lambda _: None, ready=lambda _: None)
    finally:
        await market.close()


async def _prices(settings: Settings, tape: Recorder, credentials: Credentials) -> None:
    """Settlement prices, which the venue gives to holders of an API key only."""
    symbols = feed_plan(settings, has_prices=True).price_symbols
    stream = PriceStream(symbols, credentials, tape.take, lambda _: None, now_s=monotonic_s)
    async with new_session() as session:
        await stream.run(settings.venue.price_ws_url, session)


def _credentials(settings: Settings) -> Credentials | None:
    found = [settings.environment.get(name) for name in API_NAMES]
    key, secret, passphrase = found
    if settings.exposed_keys or key is None or secret is None or passphrase is None:
        return None
    return Credentials(key=key.reveal(), secret=secret, passphrase=passphrase)


async def _exchange(settings: Settings, tape: Recorder) -> None:
    venue = settings.venue
    async with Connection(exchange_data(settings, venue.name, venue.symbols)) as connection:
        data = connection.data
        terms = [
            terms_of(venue.name, data.markets[symbol], data.precisionMode, connection.quirks)
            for symbol in venue.symbols
        ]
        feed = MarketFeed(connection, terms, tape.take, scheduler=WallScheduler(), on_candle=tape.take_candle)
        await feed.run()
