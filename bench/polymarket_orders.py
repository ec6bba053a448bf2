"""An order on its way to Polymarket: signed, sent and answered by ours and by the official client, side by side.

Both talk to the simulated venue in a process of its own, which checks every signature; its limits are off.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from urllib.request import Request, urlopen

import uvloop
from polymarket import AsyncSecureClient

from bench.report import Row, percentile_ms, show
from clock import WallScheduler
from domain.identifiers import (
    CorrelationId,
    InstrumentId,
    IntentId,
    MarketId,
    OrderId,
    StrategyName,
    VenueName,
)
from domain.instrument import Side
from domain.messages import Acknowledged, Cancelled, ExecutionReport
from domain.order import Order, TimeInForce
from settings import Secret
from venues.polymarket.account import Owner
from venues.polymarket.hosts import Hosts, single_host
from venues.polymarket.sdk import environment
from venues.polymarket.session import Session, SessionOptions
from venues.polymarket.signing import Wallet, WalletKind
from venues.polymarket.terms import Terms
from venues.polymarket.venue import PolymarketVenue

KEY = "0x" + "01" * 32
ADDRESS = "0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1"
PRICE, QUANTITY = Decimal("0.01"), Decimal(5)
THEIRS, OURS, TOGETHER, IN_FLIGHT = 200, 1_000, 6_000, 32
WARM_UP = 50


def main() -> None:
    """Print latency one at a time, signing alone, throughput with many in flight, and cancels."""
    with simulator() as addresses, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(compare(addresses["polymarket"], addresses["polymarket_ws"]))


async def compare(url: str, stream_url: str) -> None:
    """Measure both in one run: first the client's calls, then ours, on the same market and account."""
    market = set_up(url)
    hosts = single_host(url, stream_url=stream_url)
    client = await AsyncSecureClient.create(private_key=KEY, wallet=ADDRESS, environment=environment(hosts))
    their_signing = await official_signing(client, market["tokens"][0])
    computed = time.process_time()
    theirs = await official(client, market["tokens"][0])
    their_computing = (time.process_time() - computed) / (THEIRS + WARM_UP)
    their_rate = await official_rate(client, market["tokens"][0])
    await client.close()
    floor = Floor(Session(session_options(hosts)), market)
    async with asyncio.TaskGroup() as tasks:
        await floor.open(tasks)
        signing = floor.signing()
        computed = time.process_time()
        ours = await floor.one_at_a_time()
        our_computing = (time.process_time() - computed) / (OURS + WARM_UP)
        cancels = await floor.cancels()
        rate = await floor.many()
        floor.venue.stop()
    await floor.venue.close()
    yard_sign, yard = percentile_ms(their_signing, 50), percentile_ms(theirs, 50)
    show(
        "polymarket: one order signed, sent over loopback and answered by the simulated venue",
        f"yardstick: polymarket-client with coincurve: sign p50 {yard_sign:.3f} ms, create + post p50 {yard:.3f} ms",
        [
            row("sign, p50", percentile_ms(signing, 50), yard_sign, "at most 1/10"),
            row("prepare + send + answer, p50", percentile_ms(ours, 50), yard, "at most 1/5"),
            row(
                "… of which computed here, mean", 1000 * our_computing, 1000 * their_computing, "at most 1/5"
            ),
            Row("prepare + send + answer, p99", percentile_ms(ours, 99), "ms", None, ""),
            Row(f"{IN_FLIGHT} in flight", rate, "orders/s", rate / their_rate, "at least 2,500/s"),
            Row("cancel, p50", percentile_ms(cancels, 50), "ms", None, ""),
            Row("cancel, p99", percentile_ms(cancels, 99), "ms", None, "at most 2"),
        ],
    )


def row(name: str, value_ms: float, yardstick_ms: float, aim: str) -> Row:
    """A duration against the client's."""
    return Row(name, value_ms, "ms", value_ms / yardstick_ms, aim)


class Floor:
    """The adapter on the simulated venue, and whoever waits for an outcome of an order."""

    def __init__(self, session: Session, market: dict[str, list[str]]) -> None:
        self.venue = PolymarketVenue(session, scheduler=WallScheduler())
        self._session = session
        self._market = market
        self._waiting: dict[OrderId, asyncio.Future[ExecutionReport]] = {}
        self._number = 0
        self._heard_s = 0.0

    async def open(self, tasks: asyncio.TaskGroup) -> None:
        """Connect, and run the venue's tasks in a group of the caller's."""
        token, condition = self._market["tokens"][0], self._market["condition"][0]
        terms = Terms(
            instrument_id=InstrumentId(token),
            market_id=MarketId(condition),
            tick_size=Decimal("0.01"),
            is_neg_risk=False,
            fee_rate=Decimal("0.07"),
            fee_exponent=1,
        )
        self._session.terms.learn(terms)
        self.venue.connect(self._hear)
        await self.venue.open()
        tasks.create_task(self.venue.run())
        await asyncio.sleep(0)

    def signing(self) -> list[float]:
        """Seconds from an order to its signature, which is where the official client's create ends."""
        terms = self._session.terms.of(InstrumentId(self._market["tokens"][0]))
        assert terms is not None, "the market was not learnt"
        seconds = []
        for _ in range(OURS):
            order, start = self._order(), time.perf_counter()
            self._session.signer.sign(self._session.payloads.terms_to_sign(order, terms))
            seconds.append(time.perf_counter() - start)
        return seconds

    async def one_at_a_time(self) -> list[float]:
        """Seconds from an order to the report of its outcome, signing included, each order alone."""
        seconds = []
        for number in range(OURS + WARM_UP):
            order, start = self._order(), time.perf_counter()
            self.venue.prepare(order)
            await self._sent(order)
            if number >= WARM_UP:
                seconds.append(self._heard_s - start)
        return seconds

    async def cancels(self) -> list[float]:
        """Seconds from a cancel to its outcome, each alone."""
        seconds = []
        for _ in range(OURS):
            order = self._order()
            self.venue.prepare(order)
            await self._sent(order)
            start = time.perf_counter()
            answer = self._waiting[order.id] = asyncio.get_running_loop().create_future()
            await self.venue.cancel(order)
            assert isinstance(await answer, Cancelled)
            seconds.append(self._heard_s - start)
        return seconds

    async def many(self) -> float:
        """Orders a second, signed and answered, when so many are under way at once."""
        start = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(IN_FLIGHT):
                tasks.create_task(self._stream(TOGETHER // IN_FLIGHT))
        return TOGETHER / (time.perf_counter() - start)

    async def _stream(self, count: int) -> None:
        for _ in range(count):
            order = self._order()
            self.venue.prepare(order)
            await self._sent(order)

    async def _sent(self, order: Order) -> None:
        answer = self._waiting[order.id] = asyncio.get_running_loop().create_future()
        await self.venue.send(order)
        report = await answer
        assert isinstance(report, Acknowledged), report

    def _hear(self, report: ExecutionReport) -> None:
        self._heard_s = time.perf_counter()
        waiting = self._waiting.pop(getattr(report, "order_id", OrderId("")), None)
        if waiting:
            waiting.set_result(report)

    def _order(self) -> Order:
        self._number += 1
        now_ns = time.time_ns()
        return Order(
            id=OrderId(f"bench-{self._number}"),
            intent_id=IntentId(f"bench/quoter/{self._number}/0"),
            generation=1,
            correlation_id=CorrelationId("bench"),
            strategy=StrategyName("quoter"),
            venue=VenueName("polymarket"),
            market_id=MarketId(self._market["condition"][0]),
            instrument_id=InstrumentId(self._market["tokens"][0]),
            side=Side.BUY,
            time_in_force=TimeInForce.GTC,
            post_only=False,
            price=PRICE,
            quantity=QUANTITY,
            created_ns=now_ns,
            updated_ns=now_ns,
        )


async def official_signing(client: AsyncSecureClient, token: str) -> list[float]:
    """Seconds of the official client from what is asked for to a signed order; its first calls fill its caches."""
    seconds = []
    for number in range(THEIRS + WARM_UP):
        start = time.perf_counter()
        await client.create_limit_order(asset_id=token, price=PRICE, size=QUANTITY, side="BUY")
        if number >= WARM_UP:
            seconds.append(time.perf_counter() - start)
    return seconds


async def official(client: AsyncSecureClient, token: str) -> list[float]:
    """Seconds of the official client to create and post an order, each alone."""
    seconds = []
    for number in range(THEIRS + WARM_UP):
        start = time.perf_counter()
        order = await client.create_limit_order(asset_id=token, price=PRICE, size=QUANTITY, side="BUY")
        await client.post_order(order)
        if number >= WARM_UP:
            seconds.append(time.perf_counter() - start)
    return seconds


async def official_rate(client: AsyncSecureClient, token: str) -> float:
    """Orders a second of the official client with as many in flight as it bears well."""

    async def stream(count: int) -> None:
        for _ in range(count):
            await client.post_order(
                await client.create_limit_order(asset_id=token, price=PRICE, size=QUANTITY, side="BUY")
            )

    start = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(stream(THEIRS // 4))
    return THEIRS / (time.perf_counter() - start)


def session_options(hosts: Hosts) -> SessionOptions:
    """Our side of the same account: the credentials are those that the client was given."""
    owner = Owner(key=Secret(KEY), wallet=Wallet(ADDRESS, WalletKind.EOA))
    return SessionOptions(owner=owner, install_id="bench", hosts=hosts, tier=None)


def set_up(url: str) -> dict[str, list[str]]:
    """Money, a market, and no limits."""
    steer(url, "switches", {"ip_limits_scale": "0", "signer_limits_scale": "0"})
    steer(url, "wallets", {"address": ADDRESS, "cash": "1000000"})
    market = steer(url, "markets", {"slug": "bench"})
    return {"tokens": list(market["token_ids"]), "condition": [str(market["condition_id"])]}


def steer(url: str, what: str, body: dict[str, str]) -> dict[str, list[str]]:
    """Tell the simulated venue something."""
    request = Request(f"{url}/_sim/{what}", data=json.dumps(body).encode(), method="POST")
    with urlopen(request) as answer:
        told: dict[str, list[str]] = json.load(answer)
    return told


@contextmanager
def simulator() -> Iterator[dict[str, str]]:
    """The simulated venue in its own process."""
    command = [sys.executable, "-m", "simulator", "--venues", "polymarket"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
