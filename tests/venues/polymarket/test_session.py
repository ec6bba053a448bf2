"""Opening a session: credentials, the protocol's version, and what stands against trading."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from clock import WallScheduler
from domain.errors import ConfigurationError, VenueReadError
from settings import Secret
from simulator.polymarket.server import PolymarketSimulator, polymarket_simulator
from tests.venues.polymarket.floor import options, quick
from tests.venues.polymarket.wallets import KEY, OWNER
from venues.base import Venue
from venues.polymarket.account import Account, Owner
from venues.polymarket.hosts import single_host
from venues.polymarket.session import Session, SessionOptions
from venues.polymarket.signing import Wallet, WalletKind
from venues.polymarket.venue import PolymarketVenue

Work = Callable[[PolymarketSimulator], Awaitable[None]]


def play(work: Work) -> None:
    async def whole() -> None:
        async with polymarket_simulator(rules=quick()) as simulator:
            simulator.venue.fund(OWNER, cash=10**9)
            await work(simulator)

    asyncio.run(whole())


def without_credentials(simulator: PolymarketSimulator) -> SessionOptions:
    owner = Owner(key=KEY, wallet=Wallet(OWNER, WalletKind.EOA))
    return SessionOptions(
        owner=owner, install_id="test", hosts=single_host(simulator.url, stream_url=simulator.ws_url)
    )


@pytest.mark.parametrize("is_known", [False, True])
def test_credentials_are_created_or_derived_by_the_official_client(is_known: bool) -> None:
    async def work(simulator: PolymarketSimulator) -> None:
        if is_known:
            simulator.venue.keys.create(OWNER, 0)
        session = Session(without_credentials(simulator))
        await session.open()
        made = simulator.venue.keys.derive(OWNER, 0)
        await session.close()

        assert made is not None
        assert session.credentials.key == made.key
        assert session.credentials.secret.reveal() == made.secret

    play(work)


def test_an_open_session_has_armed_the_switch_and_stands_against_nothing() -> None:
    async def work(simulator: PolymarketSimulator) -> None:
        session = Session(options(simulator))
        before = session.reason()
        await session.open()
        after = session.reason()
        await session.close()

        assert (before, after) == ("the session is not open", None)
        assert simulator.venue.heartbeats.armed()

    play(work)


def test_another_protocol_version_stops_the_start() -> None:
    async def work(simulator: PolymarketSimulator) -> None:
        simulator.venue.rules.change({"version": 3})
        session = Session(options(simulator))
        with pytest.raises(ConfigurationError, match="protocol version '3'"):
            await session.open()
        await session.close()

    play(work)


def test_the_version_may_come_in_an_object() -> None:
    async def work(simulator: PolymarketSimulator) -> None:
        simulator.venue.rules.change({"version_in_object": True})
        session = Session(options(simulator))
        await session.open()
        await session.close()

    play(work)


def test_a_venue_that_cannot_be_reached_is_said_to_be_so() -> None:
    async def work(simulator: PolymarketSimulator) -> None:
        hosts = single_host("http://127.0.0.1:1", stream_url="ws://127.0.0.1:1")
        session = Session(msgspec.structs.replace(options(simulator), hosts=hosts))
        with pytest.raises(VenueReadError, match="Connect"):
            await session.open()

    play(work)


def test_a_wallet_that_the_key_does_not_own_is_refused_without_showing_the_key() -> None:
    async def work(simulator: PolymarketSimulator) -> None:
        owner = Owner(key=Secret("0x" + "02" * 32), wallet=Wallet(OWNER, WalletKind.EOA))
        hosts = single_host(simulator.url, stream_url=simulator.ws_url)
        with pytest.raises(ConfigurationError) as caught:
            await Account.open(owner, hosts=hosts)

        assert "0202" not in str(caught.value)

    play(work)


def test_the_account_says_in_words_what_it_may_not_do() -> None:
    async def work(simulator: PolymarketSimulator) -> None:
        account = await Account.open(options(simulator).owner, hosts=options(simulator).hosts)
        closed_only = await account.is_closed_only()
        await account.close()

        assert not closed_only

    play(work)


def test_without_a_heartbeat_nothing_is_armed_and_orders_may_leave() -> None:
    async def work(simulator: PolymarketSimulator) -> None:
        session = Session(msgspec.structs.replace(options(simulator), has_heartbeat=False))
        await session.open()
        reason = session.reason()
        await session.close()

        assert reason is None
        assert not simulator.venue.heartbeats.armed()

    play(work)


def test_the_adapter_is_a_venue_and_nothing_leaves_before_it_runs() -> None:
    async def work(simulator: PolymarketSimulator) -> None:
        venue: Venue = PolymarketVenue(Session(options(simulator)), scheduler=WallScheduler())

        assert venue.name == "polymarket"
        assert isinstance(venue, PolymarketVenue)
        assert venue.is_ready() == "the venue's session does not run"

    play(work)
