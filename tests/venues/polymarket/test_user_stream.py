"""The user channel: frames handed over as they are, and a word after every gap."""

import asyncio
import json

import clock
from settings import Secret
from tests.venues.polymarket.loopback import loopback_venue, running, until
from venues.polymarket.public_reads import new_session
from venues.polymarket.signing import Credentials
from venues.polymarket.user_stream import MARGIN_NS, UserStream

CREDENTIALS = Credentials(key="k-1", secret=Secret("top-secret"), passphrase=Secret("pass-phrase"))
START_NS = 1_790_000_000 * 10**9


class Account:
    """A user stream, and what its owner heard."""

    def __init__(self) -> None:
        self.now_ns = START_NS
        self.frames: list[bytes] = []
        self.gaps: list[int] = []
        self.stream = UserStream(
            CREDENTIALS,
            self.frames.append,
            self.gaps.append,
            now_ns=lambda: self.now_ns,
            now_s=clock.monotonic_s,
        )


def test_frames_are_handed_over_and_answers_to_pings_are_not() -> None:
    account = Account()

    for raw in (b"PONG", b'{"event_type":"order"}', b"", b"INVALID OPERATION", b"[1]"):
        account.stream.take(raw)

    assert account.frames == [b'{"event_type":"order"}', b"[1]"]


def test_every_connection_has_its_gap_read_from_the_last_good_moment_on() -> None:
    account = Account()
    account.stream.take(b"PONG")
    account.now_ns += 10**9
    account.stream.take(b"PONG")

    account.stream.lost("closed")
    account.now_ns += 60 * 10**9
    account.stream.take(b"PONG")
    account.stream.take(b"PONG")

    assert account.gaps == [START_NS - MARGIN_NS, START_NS + 10**9 - MARGIN_NS]


def test_the_channel_is_opened_with_the_key_and_again_after_a_cut() -> None:
    async def listen() -> tuple[Account, list[str]]:
        account = Account()
        async with (
            loopback_venue() as venue,
            new_session() as session,
            running(account.stream.run(venue.hosts.user_stream, session)),
        ):
            await until(lambda: len(account.gaps) == 1)
            await venue.cut("/ws/user")
            await until(lambda: len(account.gaps) == 2)
            await venue.tell('{"event_type":"trade"}', "/ws/user")
            await until(lambda: bool(account.frames))
        return account, venue.said

    account, said = asyncio.run(listen())

    opening = {"type": "user", "auth": {"apiKey": "k-1", "secret": "top-secret", "passphrase": "pass-phrase"}}
    assert json.loads(said[0]) == opening
    assert account.frames == [b'{"event_type":"trade"}']


def test_the_secrets_do_not_show() -> None:
    account = Account()

    shown = f"{account.stream.counters} {CREDENTIALS} {vars(account.stream)}"

    assert "top-secret" not in shown
    assert "pass-phrase" not in shown
