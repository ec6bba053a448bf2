"""Chainlink prices: exact, once each, in order, and the average apart from the price."""

import asyncio
import json

import pytest

import clock
from domain.errors import ConfigurationError
from domain.messages import PriceTick
from settings import Secret
from tests.venues.polymarket.loopback import loopback_venue, running, until
from venues.polymarket.price_stream import PriceStream
from venues.polymarket.public_reads import new_session
from venues.polymarket.signing import Credentials
from venues.polymarket.stream_wire import BadFrame

CREDENTIALS = Credentials(key="k-1", secret=Secret("top-secret"), passphrase=Secret("pass-phrase"))
FIRST_MS = 1_788_886_057_000


class Heard:
    """A price stream of two symbols, and what came out."""

    def __init__(self) -> None:
        self.ticks: list[PriceTick] = []
        self.bad: list[BadFrame] = []
        self.stream = PriceStream(
            ["btcusd", "ethusd"], CREDENTIALS, self.ticks.append, self.bad.append, now_s=clock.monotonic_s
        )

    def told(self) -> list[tuple[str, str, int]]:
        return [(tick.feed, str(tick.price), tick.time_ns // 10**6 - FIRST_MS) for tick in self.ticks]


def price(after_ms: int, text: str = "78803.76173179", **frame: object) -> bytes:
    payload = {"symbol": "btcusd", "source": "chainlink", "timestamp": FIRST_MS + after_ms, "value": 78803.76}
    return json.dumps(
        {
            "v": 1,
            "channel": "price.crypto",
            "seq": 1,
            "payload": {**payload, "full_accuracy_value": text},
            **frame,
        }
    ).encode()


def history(*after_ms: int, channel: str = "price.crypto") -> bytes:
    data = [{"timestamp": FIRST_MS + ms, "value": 1.5, "full_accuracy_value": f"1.{ms}"} for ms in after_ms]
    frame = {"v": 1, "channel": channel, "seq": 1, "snapshot": True}
    return json.dumps({**frame, "payload": {"symbol": "btcusd", "data": data}}).encode()


def test_a_price_is_the_exact_text_at_the_moment_of_its_observation() -> None:
    heard = Heard()

    heard.stream.take(price(0))

    assert heard.told() == [("chainlink:BTC", "78803.76173179", 0)]
    assert heard.ticks[0].asset == "BTC"


def test_the_history_of_a_new_connection_tells_only_what_was_missed() -> None:
    heard = Heard()
    heard.stream.take(price(2_000, "1.2000"))

    heard.stream.take(history(3_000, 1_000, 4_000, 2_000))

    assert [after_ms for _, _, after_ms in heard.told()] == [2_000, 3_000, 4_000]


def test_the_average_is_neither_the_price_nor_of_its_asset() -> None:
    heard = Heard()

    heard.stream.take(history(1_000, channel="price.crypto.twap"))
    heard.stream.take(price(500))

    assert [tick.feed for tick in heard.ticks] == ["chainlink:BTC-TWAP-60S", "chainlink:BTC"]
    assert len({tick.asset for tick in heard.ticks}) == 2


@pytest.mark.parametrize(
    ("raw", "bad"),
    [
        pytest.param(price(0, "-1"), 1, id="below zero"),
        pytest.param(price(0, "NaN"), 1, id="no number"),
        pytest.param(price(0, "much"), 1, id="no number at all"),
        pytest.param(b'{"op":', 1, id="half a frame"),
        pytest.param(price(0).replace(b"btcusd", b"xrpusd"), 0, id="a symbol that nobody asked for"),
        pytest.param(price(0, channel="price.equity"), 0, id="another channel"),
        pytest.param(b"", 0, id="nothing"),
    ],
)
def test_what_is_no_price_is_not_told(raw: bytes, bad: int) -> None:
    heard = Heard()

    heard.stream.take(raw)

    assert (heard.told(), heard.stream.counters.bad) == ([], bad)


def test_missing_numbers_of_frames_are_counted() -> None:
    heard = Heard()

    for after_ms, seq in ((0, 1), (1, 2), (2, 5)):
        heard.stream.take(price(after_ms, seq=seq))
    heard.stream.take(price(3, seq=6, dropped=4))

    assert heard.stream.counters.missed == 6


def test_prices_and_averages_are_subscribed_once_the_key_is_accepted() -> None:
    async def listen() -> tuple[Heard, list[str]]:
        heard = Heard()
        async with (
            loopback_venue() as venue,
            new_session() as session,
            running(heard.stream.run(venue.hosts.price_stream, session)),
        ):
            await until(lambda: any("subscribe" in text for text in venue.said))
            await venue.tell(price(0).decode(), "/bolt")
            await until(lambda: bool(heard.ticks))
        return heard, venue.said

    heard, said = asyncio.run(listen())

    asked = json.loads(next(text for text in said if '"op":"subscribe"' in text))
    assert [one["channel"] for one in asked["subscriptions"]] == ["price.crypto", "price.crypto.twap"] * 2
    assert asked["subscriptions"][1]["filter"] == {"symbol": "btcusd", "window_seconds": 60}
    assert heard.told() == [("chainlink:BTC", "78803.76173179", 0)]


def test_a_refusal_of_the_key_is_kept_in_words() -> None:
    heard = Heard()

    heard.stream.take(b'{"op":"error","code":"auth_invalid","rid":"auth"}')

    assert heard.stream.counters.error == "auth_invalid auth"


@pytest.mark.parametrize("symbols", [["btc"], ["BTCUSD"], ["btcusd"] * 33])
def test_symbols_that_are_none_or_too_many_are_refused(symbols: list[str]) -> None:
    with pytest.raises(ConfigurationError):
        PriceStream(symbols, CREDENTIALS, lambda _: None, lambda _: None, now_s=clock.monotonic_s)
