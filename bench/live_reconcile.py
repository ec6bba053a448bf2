"""Reconciliation of ten thousand working orders, all resting at the simulated venue, by the daemon's own reconciler."""

import asyncio
import re
import time

from bench.live_floor import Floor, Setup, Stage, Wisher, floor, resting_buy, stage, unlimited
from bench.polymarket_orders import ADDRESS
from bench.report import Row, show
from clock import wall_ns
from domain.order import OrderStatus
from live.reconcile import Report
from strategies.base_strategy import BaseStrategy
from venues.polymarket.connection import Connection
from venues.polymarket.signing import RequestSigner

ORDERS, BATCH, ROUNDS = 10_000, 250, 3
FLOOD_MAX = 5_000
"""Orders of one strategy: the desk stops one that gives more than 6,000 signals in a minute, so that two share them."""

WINDOW_S = 11
"""By then nothing of before counts in the ten seconds of our own limiter, in which reads come last: one reconciliation
of so many orders takes two fifths of what it may read."""

CURSOR = re.compile(rb'"next_cursor":\s*"([^"]*)"')
END = "LTE="


class SecondWisher(Wisher):
    """Another one of its kind."""

    name = "second_wisher"


def main() -> None:
    """Print the time of a whole reconciliation, of its reading alone, and of reading nothing but bytes."""
    with stage() as here:
        here.runner.run(measure(here))


async def measure(here: Stage) -> None:
    """Rest the orders, then compare again and again."""
    wishers = [Wisher(), SecondWisher()]
    strategies: list[BaseStrategy] = [*wishers]
    async with floor(here, Setup(rules=unlimited()), strategies) as where, where.running(here.guard):
        for start in range(0, ORDERS, BATCH):
            await rest(where, wishers[start // FLOOD_MAX], range(start, start + BATCH))
        rounds = [await compared(where) for _ in range(ROUNDS)]
    middle = sorted(rounds)[ROUNDS // 2]
    whole, read, bare, report = middle
    show(
        f"reconciliation of {report.orders:,} orders that rest at the venue: {report.verdict}",
        f"yardstick: the same pages read one after the other and not parsed, {bare:.3f} s;"
        " the simulated venue renders them in the same process",
        [
            Row("Reconciler.reconcile, median", whole, "s", whole / bare, "at most 2"),
            Row("… the slowest", max(rounds)[0], "s", max(rounds)[0] / bare, ""),
            Row("open orders read and parsed", read, "s", read / bare, ""),
            Row(
                "… all else: fills, balances, comparison, report",
                whole - read,
                "s",
                (whole - read) / bare,
                "",
            ),
        ],
    )


async def rest(where: Floor, wisher: Wisher, numbers: range) -> None:
    """Place so many orders through strategy, store and adapter, and wait until they rest."""
    for number in numbers:
        wisher.wish(resting_buy(where.markets[number % len(where.markets)], str(number)))
    where.ring()
    orders = where.engine.orders.live
    await where.until(
        lambda: sum(one.status is OrderStatus.OPEN for one in orders) == numbers.stop, every_s=0.05
    )


async def compared(where: Floor) -> tuple[float, float, float, Report]:
    """Seconds of a reconciliation, of reading the orders alone and of their bare pages, and what it said."""
    await asyncio.sleep(WINDOW_S)
    start_s = time.perf_counter()
    report = await where.reconciler.reconcile("benchmark")
    whole_s = time.perf_counter() - start_s
    assert (report.verdict, report.orders) == ("clean", ORDERS), report.lines()[:5]
    start_s = time.perf_counter()
    assert len(await where.venue.open_orders()) == ORDERS
    read_s = time.perf_counter() - start_s
    return whole_s, read_s, await bare_pages(where), report


async def bare_pages(where: Floor) -> float:
    """Seconds of asking for every page, looking for nothing but the next cursor."""
    connection = Connection(where.hosts.clob, owner=ADDRESS, wall_ns=wall_ns)
    connection.authenticate(RequestSigner(where.credentials))
    start_s, cursor, pages = time.perf_counter(), "", 0
    while cursor != END:
        query = {"next_cursor": cursor} if cursor else None
        answer = await connection.call("GET", "/data/orders", query=query)
        found = CURSOR.search(answer.body)
        assert found, answer.body[:200]
        cursor, pages = found[1].decode(), pages + 1
    connection.close()
    assert pages == ORDERS // 100, pages
    return time.perf_counter() - start_s


if __name__ == "__main__":
    main()
