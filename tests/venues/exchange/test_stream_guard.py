import asyncio
from typing import Any, NamedTuple

import ccxt
import pytest

from domain.messages import Filled
from simulator.exchanges.binance.server import BinanceSimulator
from tests.venues.exchange.scene import KEY, trading, until
from venues.exchange.stream_guard import SAMPLES_MAX, StreamGuard, reset_stale


class Frame(NamedTuple):
    data: str


class Client:
    """A websocket client that stumbles over a bad frame, as ccxt's does."""

    def __init__(self, last_message_at: int | None = None) -> None:
        self.handled: list[str] = []
        self.errors: list[Exception] = []
        self.last_message_at = last_message_at

    def handle_message(self, frame: Frame) -> None:
        if frame.data == "bad":
            raise ValueError("bad")
        self.handled.append(frame.data)

    def on_error(self, error: Exception) -> None:
        self.errors.append(error)


class Library:
    """Gives one client for one address."""

    def __init__(self) -> None:
        self.clients = {"url": Client()}

    def client(self, url: str) -> Client:
        return self.clients[url]


class Guarded(StreamGuard, Library):
    """As an exchange of ours is made."""


@pytest.fixture
def exchange() -> Guarded:
    return Guarded()


def test_a_bad_frame_is_counted_kept_and_resets_its_client(exchange: Guarded) -> None:
    client: Any = exchange.client("url")

    for text in ("one", "bad", "two"):
        client.handle_message(Frame(text))

    assert client.handled == ["one", "two"]
    assert isinstance(client.errors[0], ccxt.NetworkError)
    assert (exchange.undecodable, exchange.samples()) == (1, ("bad",))


def test_the_guard_stands_once_however_often_a_client_is_asked_for(exchange: Guarded) -> None:
    for _ in range(3):
        exchange.client("url")

    exchange.client("url").handle_message(Frame("bad"))

    assert exchange.undecodable == 1


def test_samples_are_bounded(exchange: Guarded) -> None:
    for _ in range(SAMPLES_MAX + 5):
        exchange.client("url").handle_message(Frame("bad"))

    assert len(exchange.samples()) == SAMPLES_MAX
    assert Guarded().samples() == ()


@pytest.mark.parametrize("word", ["eventStreamTerminated", "serverShutdown"])
def test_a_goodbye_resets_the_client_that_heard_it(exchange: Guarded, word: str) -> None:
    client: Any = exchange.client("url")

    client.handle_message(Frame(f'{{"event":{{"e":"{word}"}}}}'))

    assert client.handled == []
    assert len(client.errors) == exchange.goodbyes == 1


def test_only_silent_sockets_are_reset(exchange: Guarded) -> None:
    exchange.clients = {"a": Client(1_000), "b": Client(50_000), "c": Client(None)}

    reset = reset_stale(exchange, now_ms=60_000, silence_ms_max=35_000)

    assert reset == 1
    assert [len(client.errors) for client in exchange.clients.values()] == [1, 0, 0]


@pytest.mark.slow
def test_an_ended_user_stream_is_subscribed_anew() -> None:
    """ccxt by itself would wait on it for ever."""

    async def run() -> None:
        async with trading() as trader:
            sent = trader.order()
            await trader.send(sent)
            assert isinstance(trader.sim, BinanceSimulator)
            trader.sim.user.terminate(KEY)
            await until(lambda: bool(trader.connection.data.goodbyes))
            await asyncio.sleep(1)

            trader.sim.exchange.fill(trader.held()[0].id)

            await trader.heard.wait(Filled)
            assert trader.sim.user.subscribers > 0

    asyncio.run(run())
