"""Books, trades, candles and tickers of simulated Binance, as ccxt.pro and a bare socket see them."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import ccxt.pro as ccxtpro
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from domain.instrument import Side
from simulator.exchanges.binance.server import BinanceSimulator, binance_simulator
from simulator.exchanges.pace import Pace
from simulator.exchanges.stream import StreamTimes
from simulator.faults import ArmedFault, Fault, Parameter
from tests.simulator.exchanges.hosting import (
    Client,
    Hosted,
    client_of,
    run,
    until,
)

SYMBOL = "BTC/USDT"
DEPTH = "btcusdt@depth@100ms"
CCXT = "/* "


def arm(simulator: BinanceSimulator, fault: Fault, topic: str, **parameters: Parameter) -> None:
    """Strike what a bare socket hears; ccxt's sockets have a number at the end of their path."""
    endpoint = f"ws /stream/ws{topic}" if topic.startswith(CCXT) else f"ws /stream/ws {topic}"
    simulator.faults.arm(ArmedFault(fault=fault, endpoint=endpoint, parameters=parameters))


async def subscribed(session: ClientSession, url: str, *topics: str) -> ClientWebSocketResponse:
    """Connect as a careful client would, and read the answer to the subscription."""
    socket = await session.ws_connect(f"{url}/stream/ws", autoping=False)
    await socket.send_json({"method": "SUBSCRIBE", "params": list(topics), "id": 7})
    answer = await socket.receive_json()
    assert answer == {"result": None, "id": 7}
    return socket


async def watch_for_ever(client: Client) -> None:
    """Watch a book until that raises."""
    while True:
        await client.watch_order_book(SYMBOL)


async def next_event(socket: ClientWebSocketResponse) -> dict[str, Any]:
    """The next event, the server's pings apart."""
    while (frame := await socket.receive()).type is WSMsgType.PING:
        await socket.pong(frame.data)
    event: dict[str, Any] = json.loads(frame.data)
    return event


def test_a_watched_book_is_the_exchanges_book(bench: Hosted[BinanceSimulator]) -> None:
    simulator = bench.simulator

    async def watch() -> Any:
        book = await bench.client.watch_order_book(SYMBOL)
        for _ in range(3):
            simulator.house.step()
            book = await bench.client.watch_order_book(SYMBOL)
        return book

    book = bench.run(watch())

    truth = simulator.exchange.books["BTCUSDT"]
    assert [Decimal(str(price)) for price, _ in book["bids"]] == [p for p, _ in truth.levels(Side.BUY)]
    assert [Decimal(str(size)) for _, size in book["asks"]] == [q for _, q in truth.levels(Side.SELL)]


def test_trades_tickers_candles_and_tops_arrive(bench: Hosted[BinanceSimulator]) -> None:
    async def watch() -> tuple[Any, Any, Any, Any]:
        client, house = bench.client, bench.simulator.house
        tasks = [
            asyncio.create_task(client.watch_trades(SYMBOL)),
            asyncio.create_task(client.watch_bids_asks([SYMBOL])),
        ]
        await asyncio.sleep(0.1)
        house.trade("BTCUSDT", Side.BUY, Decimal("0.01"))
        trades, tops = [await task for task in tasks]
        return trades, tops, await client.watch_ticker(SYMBOL), await client.watch_ohlcv(SYMBOL, "1m")

    trades, tops, ticker, candles = bench.run(watch())

    assert (trades[-1]["side"], trades[-1]["amount"], trades[-1]["price"]) == ("buy", 0.01, 60000.01)
    assert tops[SYMBOL]["ask"] == 60000.01
    assert ticker["last"] == 60000.01
    assert candles[-1][4] == 60000.01


@pytest.mark.parametrize("fault", [Fault.DROP_STREAM_MESSAGE, Fault.REORDER], ids=["dropped", "reordered"])
def test_a_gap_in_a_book_is_noticed_and_the_next_call_mends_it(fault: Fault) -> None:
    moving = Pace(depth_s=0.02, house_s=0.02)

    async def watch() -> tuple[type[BaseException], int]:
        async with (
            binance_simulator(seed=1, pace=moving) as simulator,
            client_of(simulator, "binance") as client,
        ):
            for _ in range(3):
                await client.watch_order_book(SYMBOL)
            arm(simulator, fault, f"{CCXT}{DEPTH}")
            with pytest.raises(ccxtpro.NetworkError) as caught:
                await watch_for_ever(client)
            mended = await client.watch_order_book(SYMBOL)
            return type(caught.value), mended["nonce"]

    problem, nonce = run(watch())

    assert problem is ccxtpro.ChecksumError
    assert nonce > 0


def test_depth_events_follow_each_other_without_a_hole(bench: Hosted[BinanceSimulator]) -> None:
    async def collect() -> list[dict[str, Any]]:
        async with ClientSession() as session:
            socket = await subscribed(session, bench.simulator.ws_url, DEPTH)
            events = []
            for _ in range(5):
                bench.simulator.house.step()
                events.append(await next_event(socket))
            await socket.close()
            return events

    events = bench.run(collect())

    assert [later["U"] for later in events[1:]] == [earlier["u"] + 1 for earlier in events[:-1]]
    assert all(event["e"] == "depthUpdate" and event["s"] == "BTCUSDT" for event in events)


def test_a_message_is_delivered_twice_or_after_one_of_no_known_type(bench: Hosted[BinanceSimulator]) -> None:
    arm(bench.simulator, Fault.DUPLICATE_DELIVERY, "btcusdt@trade")
    arm(bench.simulator, Fault.UNKNOWN_MESSAGE, "btcusdt@trade")

    async def collect() -> list[Any]:
        async with ClientSession() as session:
            socket = await subscribed(session, bench.simulator.ws_url, "btcusdt@trade")
            for _ in range(2):
                bench.simulator.house.trade("BTCUSDT", Side.SELL, Decimal("0.001"))
            return [(event["e"], event.get("t")) for event in [await next_event(socket) for _ in range(4)]]

    (first, number), again, unknown, last = bench.run(collect())

    assert (first, again) == ("trade", ("trade", number))
    assert (unknown[0], last) == ("somethingNew", ("trade", number + 1))


def test_an_undecodable_frame_silences_the_client_without_an_error() -> None:
    async def watch() -> tuple[bool, int]:
        async with binance_simulator(seed=1) as simulator, client_of(simulator, "binance") as client:
            complaints: list[object] = []
            asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
            task = asyncio.create_task(client.watch_trades(SYMBOL))
            await until(lambda: simulator.market.connections == 1)
            await asyncio.sleep(0.1)
            arm(simulator, Fault.TRUNCATED_MESSAGE, f"{CCXT}btcusdt@trade")
            for _ in range(3):
                simulator.house.trade("BTCUSDT", Side.SELL, Decimal("0.001"))
            await asyncio.wait((task,), timeout=0.2)
            is_silent = not task.done()
            task.cancel()
            await asyncio.wait((task,))
            return is_silent, simulator.faults.reached["truncated_message"]

    is_silent, reached = run(watch())

    assert (is_silent, reached) == (True, 1)


@pytest.mark.parametrize("fault", [Fault.STALL_STREAM, Fault.DEAD_STREAM], ids=["stalled", "dead"])
def test_a_silent_stream_answers_pings_only_where_it_is_merely_stalled(
    bench: Hosted[BinanceSimulator], fault: Fault
) -> None:
    arm(bench.simulator, fault, "btcusdt@trade")

    async def listen() -> list[WSMsgType]:
        async with ClientSession() as session:
            socket = await subscribed(session, bench.simulator.ws_url, "btcusdt@trade")
            for _ in range(2):
                bench.simulator.house.trade("BTCUSDT", Side.SELL, Decimal("0.001"))
            await until(lambda: bench.simulator.faults.reached[fault.value] > 0)
            await socket.ping(b"there?")
            try:
                return [(await socket.receive(timeout=0.1)).type]
            except TimeoutError:
                return []

    heard = bench.run(listen())

    assert heard == ([WSMsgType.PONG] if fault is Fault.STALL_STREAM else [])


def test_a_cut_stream_is_a_network_error_and_the_next_call_dials_again(
    bench: Hosted[BinanceSimulator],
) -> None:
    arm(bench.simulator, Fault.CUT_STREAM, f"{CCXT}ethusdt@trade", code=1001)

    async def watch() -> str:
        task = asyncio.create_task(bench.client.watch_trades("ETH/USDT"))
        await asyncio.sleep(0.1)
        bench.simulator.house.trade("ETHUSDT", Side.BUY, Decimal("0.1"))
        with pytest.raises(ccxtpro.NetworkError) as caught:
            await task
        task = asyncio.create_task(bench.client.watch_trades("ETH/USDT"))
        await asyncio.sleep(0.1)
        bench.simulator.house.trade("ETHUSDT", Side.BUY, Decimal("0.1"))
        assert (await task)[-1]["symbol"] == "ETH/USDT"
        return str(caught.value)

    assert "closing code 1001" in bench.run(watch())


def test_a_connection_is_closed_at_the_end_of_its_day() -> None:
    times = StreamTimes(lifetime_s=0.05)

    async def listen() -> int | None:
        async with (
            binance_simulator(seed=1, pace=Pace(streams=times)) as simulator,
            ClientSession() as session,
        ):
            socket = await subscribed(session, simulator.ws_url, DEPTH)
            await socket.receive()
            return socket.close_code

    assert run(listen()) == 1001


@pytest.mark.parametrize("answers", [True, False], ids=["answered", "ignored"])
def test_a_ping_wants_its_pong(answers: bool) -> None:
    times = StreamTimes(ping_s=0.02, pong_s=0.04, incoming_per_s_max=1_000)

    async def listen() -> tuple[list[bytes], int | None]:
        async with (
            binance_simulator(seed=1, pace=Pace(streams=times)) as simulator,
            ClientSession() as session,
        ):
            socket = await subscribed(session, simulator.ws_url, DEPTH)
            payloads: list[bytes] = []
            while (
                len(payloads) < (3 if answers else 9)
                and (frame := await socket.receive()).type is WSMsgType.PING
            ):
                payloads.append(bytes(frame.data))
                if answers:
                    await socket.pong(frame.data)
            return payloads, socket.close_code

    payloads, code = run(listen())

    assert (len(payloads) == 3, code) == ((True, None) if answers else (False, 1008))


def test_too_many_frames_in_a_second_end_the_connection(bench: Hosted[BinanceSimulator]) -> None:
    async def chatter() -> int | None:
        async with ClientSession() as session:
            socket = await session.ws_connect(f"{bench.simulator.ws_url}/stream/ws")
            for number in range(6):
                await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
            while not socket.closed:
                await socket.receive()
            return socket.close_code

    assert bench.run(chatter()) == 1008


def test_a_shutdown_is_announced_to_every_connection(bench: Hosted[BinanceSimulator]) -> None:
    async def listen() -> tuple[Any, Any]:
        async with ClientSession() as session:
            market = await subscribed(session, bench.simulator.ws_url, DEPTH)
            user = await session.ws_connect(f"{bench.simulator.ws_url}/ws-api/v3")
            bench.simulator.announce_shutdown()
            return await next_event(market), await user.receive_json()

    market, user = bench.run(listen())

    assert market["e"] == user["event"]["e"] == "serverShutdown"


def test_a_combined_stream_names_the_stream_of_each_event(bench: Hosted[BinanceSimulator]) -> None:
    async def listen() -> Any:
        async with ClientSession() as session:
            url = f"{bench.simulator.ws_url}/stream?streams=btcusdt@trade/btcusdt@bookTicker"
            socket = await session.ws_connect(url)
            await asyncio.sleep(0.02)
            bench.simulator.house.trade("BTCUSDT", Side.SELL, Decimal("0.001"))
            return await socket.receive_json()

    event = bench.run(listen())

    assert (event["stream"], event["data"]["e"]) == ("btcusdt@trade", "trade")


@pytest.mark.parametrize(
    "text",
    ["no JSON", "[]", '{"id": 1}', '{"method": "SHOUT", "id": 1}', '{"method": "SUBSCRIBE", "params": 5}'],
)
def test_what_cannot_be_understood_is_answered_and_does_no_harm(
    bench: Hosted[BinanceSimulator], text: str
) -> None:
    async def ask() -> tuple[Any, Any]:
        async with ClientSession() as session:
            socket = await session.ws_connect(f"{bench.simulator.ws_url}/stream/ws")
            await socket.send_str(text)
            refused = await socket.receive_json()
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
            return refused, await socket.receive_json()

    refused, listed = bench.run(ask())

    assert refused["error"]["code"] == 2
    assert listed == {"result": [], "id": 2}
