import asyncio

from domain.errors import VenueReadError
from simulator.faults import Fault
from tests.venues.exchange.scene import trading, until
from venues.exchange import heartbeat


def test_the_offset_of_the_clock_is_learned_while_the_connection_is_kept_open() -> None:
    async def run() -> None:
        async with trading() as trader:
            await until(lambda: trader.venue.heartbeat.clock_offset_ms is not None)

            offset_ms = trader.venue.heartbeat.clock_offset_ms
            assert offset_ms is not None
            assert abs(offset_ms) < 100

    asyncio.run(run())


def test_a_clock_that_is_behind_the_exchange_s_shows() -> None:
    async def run() -> None:
        async with trading() as trader:
            trader.sim.clock.advance(3_000 * 1_000_000)
            beat = heartbeat.Heartbeat(trader.connection, scheduler=trader.scheduler)

            offset_ms = await beat._ask()

            assert -3_100 < offset_ms < -2_900

    asyncio.run(run())


def test_an_exchange_that_does_not_tell_the_time_stops_nothing() -> None:
    async def run() -> bool:
        async with trading() as trader:
            trader.arm_for_good(Fault.ANSWER_5XX, "GET /api/v3/time")
            beat = heartbeat.Heartbeat(trader.connection, scheduler=trader.scheduler)
            try:
                await beat._ask()
            except VenueReadError:
                return True
            return False

    assert asyncio.run(run())
