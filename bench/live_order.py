"""A whole order on the live path, from a strategy's wish to the venue's parsed answer, and where its time goes."""

import asyncio
import time

from polymarket import AsyncSecureClient

from bench.live_floor import Floor, Moments, Setup, Stage, Wisher, floor, resting_buy, stage, unlimited
from bench.orders import GroupCommit
from bench.polymarket_orders import ADDRESS, KEY, PRICE, QUANTITY
from bench.report import Row, percentile_ms, show
from domain.identifiers import OrderId
from venues.polymarket.sdk import environment

TURNS = 10
ORDERS_A_TURN, COMMITS_A_TURN, THEIRS_A_TURN = 100, 100, 20
"""Ours, bare commits and the official client take turns: what slows the machine down slows all of them."""

PERCENTS = (50, 99)


def main() -> None:
    """Print the way of one order at a time and its parts, beside the official client's create and post."""
    with stage() as here:
        here.runner.run(measure(here))


async def measure(here: Stage) -> None:
    """Take turns on one simulated venue; the first turn warms up."""
    wisher = Wisher()
    orders: list[tuple[float, Moments]] = []
    theirs: list[float] = []
    commits: list[float] = []
    async with floor(here, Setup(rules=unlimited()), [wisher]) as where, where.running(here.guard):
        ours, client = OneByOne(where, wisher), await official_client(where)
        grouped = GroupCommit(here.folder / "group.db")
        for turn in range(TURNS + 1):
            taken = [await ours.place() for _ in range(ORDERS_A_TURN)]
            bare = [await grouped.commit() for _ in range(COMMITS_A_TURN)]
            posted = [await create_and_post(client, where) for _ in range(THEIRS_A_TURN)]
            if turn:
                orders, commits, theirs = orders + taken, commits + bare, theirs + posted
        grouped.close()
        await client.close()
    tell(orders, theirs=theirs, commits=commits)


def tell(orders: list[tuple[float, Moments]], *, theirs: list[float], commits: list[float]) -> None:
    """Print the whole way, then its parts in their order; ratios are to the median of the official client."""
    yard = percentile_ms(theirs, 50)
    told = f"{percentile_ms(commits, 50):.3f} ms, p99 {percentile_ms(commits, 99):.3f} ms"
    parts = {
        "wish to order: inbox, hook, controls": [at.signing_s - start_s for start_s, at in orders],
        "sign": [at.signed_s - at.signing_s for _, at in orders],
        "commit, until handed to the venue": [at.handed_s - at.signed_s for _, at in orders],
        "bytes out": [at.written_s - at.handed_s for _, at in orders],
        "answered and parsed": [at.answered_s - at.written_s for _, at in orders],
        "sign, bytes out, answered": [
            at.signed_s - at.signing_s + at.answered_s - at.handed_s for _, at in orders
        ],
        "whole way": [at.answered_s - start_s for start_s, at in orders],
    }
    show(
        "live order, one at a time: wish → durable → signed → bytes out → parsed answer",
        f"yardstick: polymarket-client's create + post p50 {yard:.3f} ms, p99 {percentile_ms(theirs, 99):.3f} ms;"
        f" a bare group commit takes p50 {told}\n  the simulated venue computes in the same process:"
        " `polymarket_orders` has it in another",
        [
            Row(f"{name}, p{percent}", value := percentile_ms(part, percent), "ms", value / yard, "")
            for name, part in parts.items()
            for percent in PERCENTS
        ],
    )


class OneByOne:
    """One order under way at a time; each rests and stays."""

    def __init__(self, where: Floor, wisher: Wisher) -> None:
        self._where, self._wisher = where, wisher
        self._answered: asyncio.Future[OrderId] | None = None
        self._number = 0
        where.venue.on_answer = self._hear

    async def place(self) -> tuple[float, Moments]:
        """When it was wished for, and its moments; what follows the answer is waited for, not counted."""
        where, self._number = self._where, self._number + 1
        market = where.markets[self._number % len(where.markets)]
        self._wisher.wish(resting_buy(market, str(self._number)))
        self._answered = asyncio.get_running_loop().create_future()
        start_s = time.perf_counter()
        where.ring()
        order_id = await self._answered
        await where.until(lambda: not where.executor.has_outbox)
        return start_s, where.venue.moments[order_id]

    def _hear(self, order_id: OrderId) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(order_id)


async def official_client(where: Floor) -> AsyncSecureClient:
    """The official client on the same venue and account."""
    return await AsyncSecureClient.create(
        private_key=KEY, wallet=ADDRESS, environment=environment(where.hosts)
    )


async def create_and_post(client: AsyncSecureClient, where: Floor) -> float:
    """Seconds that the official client takes for an order like ours."""
    token, start_s = where.markets[0].token_ids[0], time.perf_counter()
    order = await client.create_limit_order(asset_id=token, price=PRICE, size=QUANTITY, side="BUY")
    await client.post_order(order)
    return time.perf_counter() - start_s


if __name__ == "__main__":
    main()
