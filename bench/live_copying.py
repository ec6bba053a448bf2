"""A leader's fill → our order: copy_trader on the trigger path, by the simulated venue's own clock at both ends."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from itertools import count

from bench.live_floor import ASK, CASH, DOLLAR, Floor, Setup, Stage, floor, stage, unlimited
from bench.polymarket_orders import ADDRESS
from bench.report import Row, percentile_ms, show
from clock import NS_PER_S
from domain.messages import MarketEvent, WalletTrade
from simulator.polymarket.eip712 import checksummed
from simulator.polymarket.events import Event, TradePrinted
from simulator.polymarket.identifiers import hex_word
from simulator.polymarket.markets import SimMarket
from simulator.polymarket.orders import BUY, OrderType, SimOrder
from strategies.copy_trader import CopyTrader

LEADER = checksummed("0x" + "2a" * 20)
MARKETS, TRADES, WARM_UP = 40, 400, 40
PAUSE_S = 0.031
"""Between an order and the leader's next trade; no multiple of the venue's tick of 5 ms."""

ANSWER_S_MAX = 10
LEADER_SHARES = 100 * DOLLAR


def main() -> None:
    """Print the delay from the leader's match to ours, and where it arises."""
    with stage() as here:
        here.runner.run(measure(here))


async def measure(here: Stage) -> None:
    """Let the leader trade again and again, each time after the copy of the last trade has arrived."""
    setup = Setup(markets=MARKETS, rules=unlimited(), wallets=(LEADER,))
    async with floor(here, setup, [open_wide()]) as where:
        watch = Watch(where)
        async with where.running(here.guard):
            await asyncio.sleep(1.1)  # trades carry whole seconds: none may seem to be of before the start
            await follow(where, watch)
            feed = where.feed
            assert feed is not None
            told = feed.status().deeds
            await where.until(lambda: not where.executor.has_outbox)
    heard = percentile_ms(watch.heard_s, 50)
    show(
        "copy trading: the leader's match → our order matched at the venue, by the venue's clock",
        f"yardstick: until the venue's topic has told us of it, p50 {heard:.3f} ms, as it tells at its next tick of"
        f" 5 ms (in reality some 1,900 ms later; others poll every 60 s)\n  {len(watch.whole_s)} trades, one every"
        f" {PAUSE_S * 1000:.0f} ms over {MARKETS} markets; with the warm-up {told.by_trigger} were told by the trigger,"
        f" {told.by_audit} by the audit",
        list(rows(watch, heard)),
    )


def rows(watch: "Watch", yard: float) -> Iterator[Row]:
    """The whole delay, then its parts."""
    parts = {
        "leader's match → ours": watch.whole_s,
        "… leader's match → heard of": watch.heard_s,
        "… heard of → handed to the wire": watch.decided_s,
        "… handed to the wire → matched": watch.sent_s,
    }
    for name, seconds in parts.items():
        for percent in (50, 95, 99):
            aim = "at most 300" if percent == 95 and seconds is watch.whole_s else ""
            value = percentile_ms(seconds, percent)
            yield Row(f"{name}, p{percent}", value, "ms", value / yard, aim)


def open_wide() -> CopyTrader:
    """Follows the leader at once and lets every trade pass: what is left is the delay."""
    much = Decimal(1_000_000)
    return CopyTrader(
        target=LEADER,
        window_s=Decimal(0),
        sizing="fixed",
        order_max=much,
        position_max=much,
        target_max=much,
        day_max=much,
        age_s_max=Decimal(3_600),
        target_notional_min=Decimal(0),
        price_min=Decimal(0),
        price_max=Decimal(1),
        slippage_max=Decimal(1),
        slippage_share_max=Decimal(1),
        depth_min=Decimal(0),
        seconds_left_min=Decimal(0),
        buys_max=1_000,
        open_max=1_000,
        target_open_max=1_000,
        book_age_s_max=Decimal(3_600),
        copy_red=True,
    )


class Watch:
    """Hears both matches from the venue itself, and what our feed and our adapter do in between."""

    def __init__(self, where: Floor) -> None:
        self.whole_s: list[float] = []
        self.heard_s: list[float] = []
        self.decided_s: list[float] = []
        self.sent_s: list[float] = []
        self._where = where
        self._leader_ns = self._heard_ns = 0
        self._copied = asyncio.Event()
        self._ordinals = count()
        where.simulator.exchange.state.listen(self._on_event)
        where.simulator.venue.fund(LEADER, cash=CASH)
        where.sink = self._sink

    def trade(self, market: SimMarket, outcome: int) -> None:
        """Let the leader take a hundred shares at the best ask, now."""
        exchange = self._where.simulator.exchange
        order = SimOrder(
            id=hex_word(1, "leader", next(self._ordinals)),
            key="leader",
            maker=LEADER,
            market=market,
            outcome=outcome,
            side=BUY,
            price=ASK + ASK // 10,
            size=LEADER_SHARES,
            kind=OrderType.FAK,
            created_ns=exchange.state.now_ns(),
        )
        self._copied.clear()
        placed = exchange.execute(order, exchange.plan_for(order))
        assert placed.shares == LEADER_SHARES, placed

    async def copied(self) -> None:
        """Wait for our match; TimeoutError where no copy comes."""
        async with asyncio.timeout(ANSWER_S_MAX):
            await self._copied.wait()

    def forget(self) -> None:
        """The warm-up is over."""
        for seconds in (self.whole_s, self.heard_s, self.decided_s, self.sent_s):
            seconds.clear()

    def _sink(self, event: MarketEvent) -> None:
        if isinstance(event, WalletTrade):
            self._heard_ns = event.time_ns
        self._where.driver.take(event)

    def _on_event(self, event: Event) -> None:
        if not isinstance(event, TradePrinted):
            return
        if event.trade.taker.maker == LEADER:
            self._leader_ns = event.time_ns
        elif event.trade.taker.maker == ADDRESS and not self._copied.is_set():
            self._note(event.time_ns)

    def _note(self, matched_ns: int) -> None:
        handed_ns = self._where.venue.handed_ns
        self.whole_s.append((matched_ns - self._leader_ns) / NS_PER_S)
        self.heard_s.append((self._heard_ns - self._leader_ns) / NS_PER_S)
        self.decided_s.append((handed_ns - self._heard_ns) / NS_PER_S)
        self.sent_s.append((matched_ns - handed_ns) / NS_PER_S)
        self._copied.set()


async def follow(where: Floor, watch: Watch) -> None:
    """Let the leader buy in one market after the other, so that no copy has to wait for the end of the last.

    One outcome of each market: its complement would be an exit, which waits until our shares are settled.
    """
    for number in range(WARM_UP + TRADES):
        if number == WARM_UP:
            watch.forget()
        market = where.markets[number % MARKETS]
        watch.trade(market, number % 2)
        await watch.copied()
        await asyncio.sleep(PAUSE_S)


if __name__ == "__main__":
    main()
