"""Candles for recording alone: whose they are, and that each minute of a simulated exchange comes once."""

import asyncio
from decimal import Decimal

import pytest

from domain.errors import ConfigurationError
from live.recording_candles import CandleFeed, candle_sources
from settings import Settings
from simulator.exchanges.binance.server import BinanceSimulator, binance_simulator
from simulator.exchanges.pace import Pace
from simulator.faults import ArmedFault, Fault
from tests.venues.exchange.scene import BTC, PAIR, settings, until
from tests.venues.polymarket.loopback import running
from venue_settings import VenueSettings
from venues.exchange.candles import Candle

MINUTE_MS = 60_000


def venue(name: str) -> Settings:
    return Settings(venue=VenueSettings(name=name, urls={"api": {"public": "http://127.0.0.1:1"}}))


@pytest.mark.parametrize(
    ("name", "pairs", "expected"),
    [
        pytest.param("polymarket", ("BTC/USDT",), [("binance", ("BTC/USDT",))], id="Binance's, unless said"),
        pytest.param("kraken", ("BTC/USD",), [("kraken", ("BTC/USD",))], id="the venue's"),
        pytest.param(
            "polymarket",
            ("BTC/USDT", "okx:ETH/USDT", "ETH/USDT", "BTC/USDT"),
            [("binance", ("BTC/USDT", "ETH/USDT")), ("okx", ("ETH/USDT",))],
            id="several, each once",
        ),
        pytest.param("polymarket", (), [], id="none"),
    ],
)
def test_a_pair_names_its_exchange_or_the_venue_does(
    name: str, pairs: tuple[str, ...], expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    sources = candle_sources(venue(name), pairs)

    assert [(source.exchange, source.symbols) for source in sources] == expected
    assert all(source.api_key is None for source in sources)
    assert all(source.overrides == {"urls": {"api": {"public": "http://127.0.0.1:1"}}} for source in sources)


def recorded(sim: BinanceSimulator, sink: list[Candle]) -> CandleFeed:
    return CandleFeed(settings(sim, api_key=None, secret=None), sink.append)


@pytest.mark.parametrize("is_stream_refused", [False, True])
def test_each_minute_comes_once_by_stream_or_by_rest(is_stream_refused: bool) -> None:
    candles: list[Candle] = []

    async def play() -> None:
        async with binance_simulator(seed=1, pace=Pace(depth_s=0.01)) as sim:
            if is_stream_refused:
                sim.faults.arm(ArmedFault(fault=Fault.REFUSED_STREAM, endpoint="ws *", times=None))
            async with running(recorded(sim, candles).run()):
                await until(lambda: len(candles) >= 4)
                await asyncio.sleep(0.1)

    asyncio.run(play())

    opened = [candle.opens_ns for candle in candles]
    assert {candle.instrument_id for candle in candles} == {BTC}
    assert opened == sorted(set(opened))
    assert all(isinstance(candle.close, Decimal) for candle in candles)


def test_a_pair_that_is_not_there_is_refused() -> None:
    async def play() -> None:
        async with binance_simulator(seed=1) as sim:
            source = settings(sim, api_key=None, secret=None, symbols=("BTC/USDX",))
            await CandleFeed(source, lambda _: None).run()

    with pytest.raises(ConfigurationError, match=f"BTC/USDX.*close: {PAIR}"):
        asyncio.run(play())
