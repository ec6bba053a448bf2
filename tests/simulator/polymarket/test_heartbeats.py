"""The dead man's switch of a key."""

from simulator.faults import ArmedFault, Fault
from simulator.polymarket.refusals import Refusal
from tests.simulator.polymarket.traders import SECOND, Order, Trader, market_in, venue_with


def test_each_heartbeat_names_the_one_before() -> None:
    venue = venue_with()

    first = venue.heartbeats.send("key", "")
    second = venue.heartbeats.send("key", str(first))
    stale = venue.heartbeats.send("key", str(first))

    assert isinstance(first, str)
    assert isinstance(second, str)
    assert stale == Refusal(
        status=400, text="", more={"error_msg": "Invalid Heartbeat ID", "heartbeat_id": second}
    )


def test_a_key_that_falls_silent_loses_its_open_orders() -> None:
    venue = venue_with(heartbeat_sweep_ms=5_000)
    market, trader, other = market_in(venue), Trader(venue), Trader(venue, number=2)
    mine, theirs = (one.placed(Order(market.token_ids[0])).order for one in (trader, other))
    venue.heartbeats.send(trader.key.key, "")

    venue.advance(10 * SECOND - 1)
    before = mine.status
    venue.advance(5 * SECOND + 1)

    assert (before, mine.status, theirs.status) == ("LIVE", "CANCELED", "LIVE")
    assert venue.heartbeats.armed() == {}
    assert isinstance(venue.heartbeats.send(trader.key.key, ""), str)


def test_a_key_that_goes_on_keeps_its_orders() -> None:
    venue = venue_with(heartbeat_sweep_ms=0)
    market, trader = market_in(venue), Trader(venue)
    order = trader.placed(Order(market.token_ids[0])).order
    beat = venue.heartbeats.send(trader.key.key, "")

    for _ in range(10):
        venue.advance(5 * SECOND)
        beat = venue.heartbeats.send(trader.key.key, str(beat))

    assert order.status == "LIVE"


def test_a_refused_heartbeat_does_not_move_the_deadline() -> None:
    venue = venue_with(heartbeat_sweep_ms=0)
    market, trader = market_in(venue), Trader(venue)
    order = trader.placed(Order(market.token_ids[0])).order
    venue.heartbeats.send(trader.key.key, "")

    venue.advance(9 * SECOND)
    venue.heartbeats.send(trader.key.key, "another")
    venue.advance(SECOND)

    assert order.status == "CANCELED"


def test_a_heartbeat_is_refused_on_demand() -> None:
    venue = venue_with()
    venue.faults.arm(ArmedFault(fault=Fault.HEARTBEAT_MISMATCH))

    assert isinstance(venue.heartbeats.send("key", ""), Refusal)
    assert isinstance(venue.heartbeats.send("key", ""), str)
