"""How much of the venue's documented budget our limiter lets us use, against the simulated venue's own limits."""

import asyncio
import time

from bench.live_floor import Floor, Setup, Stage, Wisher, floor, resting_buy, stage
from bench.report import Row, show
from domain.messages import CancelIntent
from domain.order import Order, OrderStatus
from simulator.polymarket.limits import TIERS
from simulator.polymarket.settings import VenueRules

ORDERING_S, CANCELLING_S = 20, 10
WAITING_ORDERS, WAITING_CANCELS = 60, 120
"""What is always asked for and waits for its turn: more than fits in a second."""

EVERY_S = 0.05
LIMITS_REACHED = ("signer limit", "address limit")
CANCELLABLE = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)


def main() -> None:
    """Print orders and cancels taken by the venue against what its standard tier allows."""
    with stage() as here:
        here.runner.run(measure(here))


async def measure(here: Stage) -> None:
    """Order for twenty seconds as fast as it goes, then cancel all of it as fast as it goes and order on."""
    wisher = Wisher()
    setup = Setup(rules=VenueRules(), tier="standard")
    async with floor(here, setup, [wisher]) as where, where.running(here.guard):
        demand = Demand(where, wisher)
        ordered, ordering_s = await demand.keep_up(ORDERING_S, cancels=False)
        before = demand.cancelled
        more, cancelling_s = await demand.keep_up(CANCELLING_S, cancels=True)
        cancelled = demand.cancelled - before
        reached = where.simulator.faults.reached
        refused = sum(reached[edge] for edge in LIMITS_REACHED)
    order_rate, order_burst, cancel_rate, cancel_burst = TIERS["Standard"]
    allowed = order_rate * ordering_s + order_burst
    cancels_allowed = cancel_rate * cancelling_s + cancel_burst
    show(
        f"the venue's budget, standard tier: {ordered} orders in {ordering_s:.1f} s,"
        f" then {cancelled} cancels and {more} orders in {cancelling_s:.1f} s",
        f"1.00× is what the venue's own buckets allow, bursts included; {refused} requests were refused with 429",
        [
            share("orders", ordered, allowed),
            share("cancels", cancelled, cancels_allowed),
            share("orders meanwhile", more, order_rate * cancelling_s),
            Row("answers with 429", refused, "", None, "none"),
        ],
    )


def share(name: str, taken: int, allowed: float) -> Row:
    """A count against what is allowed in the time."""
    return Row(name, taken, f"of {allowed:.0f}", taken / allowed, "at least 0.9×")


class Demand:
    """Always a little more than the limits let through."""

    def __init__(self, where: Floor, wisher: Wisher) -> None:
        self._where, self._wisher = where, wisher
        self._asked = 0
        self._wanted_gone: set[str] = set()

    @property
    def placed(self) -> int:
        """Orders that the venue has taken."""
        return len(self._where.simulator.exchange.state.seen)

    @property
    def cancelled(self) -> int:
        """Orders that the venue does not hold any more: none of them can trade."""
        return self.placed - len(self._own_at_venue())

    async def keep_up(self, seconds: float, *, cancels: bool) -> tuple[int, float]:
        """Keep the queues full for so long; orders taken meanwhile, and how long it was."""
        before, start_s = self.placed, time.perf_counter()
        while (passed_s := time.perf_counter() - start_s) < seconds:
            self._wish_orders()
            if cancels:
                self._wish_cancels()
            self._where.ring()
            await asyncio.sleep(EVERY_S)
        return self.placed - before, passed_s

    def _wish_orders(self) -> None:
        while self._asked - self.placed < WAITING_ORDERS:
            self._asked += 1
            market = self._where.markets[self._asked % len(self._where.markets)]
            self._wisher.wish(resting_buy(market, str(self._asked)))

    def _wish_cancels(self) -> None:
        live = self._where.engine.orders.live
        under_way = sum(one.id in self._wanted_gone for one in live)
        free = [one for one in live if one.status in CANCELLABLE and one.id not in self._wanted_gone]
        for order in free[: WAITING_CANCELS - under_way]:
            self._wish_cancel(order)

    def _wish_cancel(self, order: Order) -> None:
        self._wanted_gone.add(order.id)
        self._wisher.wish(CancelIntent(order_id=order.id, reason="benchmark"))

    def _own_at_venue(self) -> set[str]:
        state = self._where.simulator.exchange.state
        return state.seen & state.open_orders.keys()


if __name__ == "__main__":
    main()
