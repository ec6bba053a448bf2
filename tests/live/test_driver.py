"""The driver of live sessions: events go in as they come, decisions out as they are durable, timers by the clock."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ClassVar

import pytest

from domain.errors import StoreError
from domain.inputs import InputKind
from domain.messages import (
    BookSnapshot,
    Cancelled,
    FeedChanged,
    MarketEvent,
    MarketResolved,
    PriceTick,
    Redeemed,
    Started,
    Stopped,
    StrategyEvent,
    TickSizeChanged,
    TimerFired,
    TradePrint,
    WalletTrade,
)
from domain.order import Order, OrderStatus
from domain.records import EventRecord, MetricsRecord
from live.driver import REDEEM_EVERY_S, LiveDriver, LiveParts
from runner import Backlog, Runner
from tests.contract.examples import MARKET_EVENTS
from tests.support.daemon import Daemon, play
from tests.support.held_store import HeldStore, turns
from tests.support.puppet import Puppet, puppet
from tests.support.trading import (
    ALPHA,
    DOWN,
    MARKET,
    NOW_NS,
    PAPER,
    UP,
    S,
    acknowledged,
    d,
    fill_of,
    filled_report,
    intent,
    settlement_of,
)

BUY = intent("BUY 10 UP 0.50")
METRICS_EVERY_S = 300


class Timed(Puppet):
    """Rings every seven seconds."""

    timer_interval_s: ClassVar[int] = 7


class Listening(Runner):
    """Notes what it is offered; nothing runs."""

    def __init__(self, daemon: Daemon, strategy: Puppet) -> None:
        super().__init__(
            strategy, engine=daemon.engine, executor=daemon.executor, backlog=Backlog(), conflates=True
        )
        self.offered: list[StrategyEvent] = []

    def offer(self, event: StrategyEvent) -> None:
        """Note it."""
        self.offered.append(event)


class Scene:
    """A driver over the parts of a daemon, with one strategy that listens."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.runner = Listening(daemon, daemon.room.alpha)
        self.seen_by_venue: list[tuple[MarketEvent, int]] = []
        self.driver = LiveDriver(
            LiveParts(
                scheduler=daemon.scheduler,
                engine=daemon.engine,
                executor=daemon.executor,
                runners=(self.runner,),
                venue_feed=lambda event: self.seen_by_venue.append((event, daemon.engine.position)),
                metrics_interval_s=METRICS_EVERY_S,
            )
        )

    async def working(self, scenario: Callable[[], Awaitable[None]]) -> None:
        """Run a scenario while the outbox is worked through."""
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(self.driver.send_and_tell())
            asking = tasks.create_task(self.driver.ask())
            await scenario()
            sending.cancel()
            asking.cancel()

    async def wait_s(self, seconds: int) -> None:
        """Let time pass, and what follows from it."""
        until_ns = self.daemon.scheduler.now_ns() + seconds * S
        while self.daemon.scheduler.run_next(until_ns=until_ns):
            await turns()


def on_scene(folder: Path, scenario: Callable[[Scene], Awaitable[None]]) -> None:
    """Play a scenario on a fresh scene, with its tasks at work."""

    async def run(daemon: Daemon) -> None:
        scene = Scene(daemon)
        await scene.working(lambda: scenario(scene))

    play(folder, run)


FOR_STRATEGIES = (BookSnapshot, TradePrint, MarketResolved, PriceTick, WalletTrade)


@pytest.mark.parametrize("kind", MARKET_EVENTS)
def test_the_venue_hears_an_event_first_and_strategies_hear_theirs(tmp_path: Path, kind: type) -> None:
    async def scenario(scene: Scene) -> None:
        event = MARKET_EVENTS[kind]
        scene.driver.start()
        scene.runner.offered.clear()
        position = scene.daemon.engine.position

        scene.driver.take(event)

        assert scene.seen_by_venue == [(event, position)]
        assert scene.runner.offered == [event] * (kind in FOR_STRATEGIES)

    on_scene(tmp_path, scenario)


def test_before_the_start_events_are_taken_in_and_no_strategy_hears_them(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        scene.driver.take(scene.daemon.fresh_book())
        before = list(scene.runner.offered)

        scene.driver.start()

        assert before == []
        assert scene.daemon.engine.market.books[UP].time_ns == NOW_NS
        assert [type(event) for event in scene.runner.offered] == [Started]

    on_scene(tmp_path, scenario)


def test_what_is_decided_is_sent_when_it_is_durable_and_not_before() -> None:
    async def scenario() -> tuple[int, list[Order]]:
        store = HeldStore()
        scene = Scene(Daemon(store))

        async def look() -> None:
            (order,) = scene.daemon.look(BUY).sends
            store.let_through(2)
            await turns()
            before.append(len(scene.daemon.venue.sent))
            store.let_through(1)
            await turns()
            assert scene.daemon.venue.sent == [order]

        before: list[int] = []
        await scene.working(look)
        return before[0], scene.daemon.venue.sent

    sent_before, sent = asyncio.run(scenario())

    assert (sent_before, len(sent)) == (0, 1)


def test_a_commit_that_fails_ends_the_driver() -> None:
    async def scenario() -> None:
        store = HeldStore()
        scene = Scene(Daemon(store))

        async def look() -> None:
            scene.daemon.look(BUY)
            store.fail()
            await asyncio.sleep(1)

        await scene.working(look)

    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(scenario())

    assert raised.group_contains(StoreError)


def test_a_slow_read_about_an_unknown_order_holds_no_other_order_up(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        daemon, answered = scene.daemon, asyncio.Event()
        read = daemon.venue.find_order

        async def slow(order: Order) -> object:
            await answered.wait()
            return await read(order)

        daemon.venue.find_order = slow  # type: ignore[method-assign,assignment]  # a read that hangs
        daemon.look(BUY)
        await turns()
        await scene.wait_s(8)
        daemon.look(intent("BUY 10 UP 0.40", key="other"), by=daemon.room.beta)
        await settled(daemon)

        assert [order.reason for order in daemon.venue.sent] == ["because k", "because other"]
        answered.set()

    on_scene(tmp_path, scenario)


async def settled(daemon: Daemon) -> None:
    """Wait until the outbox is empty: a real store has a thread of its own."""
    async with asyncio.timeout(5):
        while daemon.executor.has_outbox:  # noqa: ASYNC110  # a thread of the store, no event of ours
            await asyncio.sleep(0.001)
    await turns()


def test_timers_ring_again_and_again(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        scene.runner.strategy = puppet(Timed)
        scene.driver.start()

        await scene.wait_s(22)

        rung = [event.time_ns for event in scene.runner.offered if isinstance(event, TimerFired)]
        assert rung == [NOW_NS + seconds * S for seconds in (7, 14, 21)]

    on_scene(tmp_path, scenario)


def test_figures_are_stored_every_so_often(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        scene.driver.start()

        await scene.wait_s(2 * METRICS_EVERY_S)
        await settled(scene.daemon)

        times = {r.time_ns for r in scene.daemon.written() if isinstance(r, MetricsRecord)}
        assert times == {NOW_NS + METRICS_EVERY_S * S, NOW_NS + 2 * METRICS_EVERY_S * S}

    on_scene(tmp_path, scenario)


def test_what_has_resolved_is_redeemed_and_after_a_failure_asked_for_again(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        daemon = scene.daemon
        (order,) = daemon.look(BUY).sends
        await settled(daemon)
        daemon.executor.report(filled_report(fill_of(order, "10")))
        daemon.executor.report(settlement_of(fill_of(order, "10")))
        payouts = {UP: d(1), DOWN: d(0)}
        scene.driver.take(MarketResolved(time_ns=NOW_NS, market_id=MARKET, payouts=payouts))
        scene.driver.start()
        await settled(daemon)
        at_once = list(daemon.venue.redeemed)
        daemon.executor.report(
            Redeemed(
                venue=PAPER, strategy=ALPHA, instrument_id=UP, quantity=d(0), payout=d(1), time_ns=NOW_NS
            )
        )

        await scene.wait_s(REDEEM_EVERY_S)
        await settled(daemon)

        assert (at_once, daemon.venue.redeemed) == ([UP], [UP, UP])

    on_scene(tmp_path, scenario)


@pytest.mark.parametrize(
    ("kind", "cancelled", "status"),
    [
        pytest.param(InputKind.KEEP, 0, OrderStatus.OPEN, id="keep"),
        pytest.param(InputKind.CANCEL, 1, OrderStatus.CANCELLED, id="cancel"),
    ],
)
def test_a_stop_leaves_working_orders_or_cancels_them(
    tmp_path: Path, kind: InputKind, cancelled: int, status: OrderStatus
) -> None:
    async def scenario(scene: Scene) -> None:
        daemon = scene.daemon
        daemon.venue.answers = [acknowledged]
        daemon.venue.cancel_answers = [gone]
        (order,) = daemon.look(BUY).sends
        await settled(daemon)

        await scene.driver.wind_down(kind)

        assert (len(daemon.venue.cancelled), daemon.status(order)) == (cancelled, status)
        assert [type(event) for event in scene.runner.offered if isinstance(event, Stopped)] == (
            [Stopped] * cancelled
        )
        assert [r for r in daemon.written() if isinstance(r, MetricsRecord)]
        assert daemon.look(intent("BUY 10 UP 0.40", key="late")).sends == ()

    on_scene(tmp_path, scenario)


def gone(order: Order) -> Cancelled:
    """The venue took it off."""
    return Cancelled(order_id=order.id, reason="asked", time_ns=order.updated_ns)


def test_a_person_pauses_and_resumes_a_strategy_and_it_is_stored(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        daemon = scene.daemon
        scene.driver.switch(InputKind.PAUSE, strategy="alpha", reason="a person asked for it")
        paused = daemon.look(BUY).sends

        scene.driver.switch(InputKind.RESUME, strategy="alpha", reason="a person asked for it")
        resumed = daemon.look(intent("BUY 10 UP 0.50", key="again")).sends
        await settled(daemon)

        assert (len(paused), len(resumed)) == (0, 1)
        stored = [r.kind for r in daemon.written() if isinstance(r, EventRecord)]
        assert [kind for kind in stored if kind.startswith("strategy")] == [
            "strategy.paused",
            "strategy.resumed",
        ]

    on_scene(tmp_path, scenario)


def test_on_a_broken_feed_no_order_is_made(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        daemon = scene.daemon
        broken = FeedChanged(time_ns=NOW_NS, instrument_ids=(UP,), is_live=False, epoch=1, reason="cut")
        mended = FeedChanged(time_ns=NOW_NS, instrument_ids=(UP,), is_live=True, epoch=2, reason="agreed")

        scene.driver.take(broken)
        during = daemon.look(BUY, intent("SELL 10 UP 0.60", key="sale")).sends
        scene.driver.take(mended)
        after = daemon.look(intent("BUY 10 UP 0.50", key="after")).sends

        assert (len(during), len(after)) == (0, 1)

    on_scene(tmp_path, scenario)


def test_a_finer_tick_is_known_before_the_next_order(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        fine = intent("BUY 10 UP 0.501", key="fine")
        before = scene.daemon.look(fine).sends

        scene.driver.take(TickSizeChanged(time_ns=NOW_NS, instrument_id=UP, tick_size=d("0.001")))

        assert (len(before), len(scene.daemon.look(fine).sends)) == (0, 1)

    on_scene(tmp_path, scenario)
