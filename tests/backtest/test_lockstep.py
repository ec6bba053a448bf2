"""The lockstep driver: event time moves when the present instant is drained; inputs are repeated where they acted."""

import asyncio
from collections.abc import Iterable
from decimal import Decimal

import pytest

from backtest.lockstep import Lockstep, Parts
from backtest.timeline import Timeline
from domain.inputs import Input, InputKind
from domain.messages import BookSnapshot, MarketEvent, MarketResolved, OrderChanged, StrategyIntent
from domain.order import Order, OrderStatus
from domain.records import EventRecord, MetricsRecord, OrderRecord, Record, Transaction
from engine import Engine
from executor import Executor
from order_manager import OrderManager
from runner import Backlog, Runner
from state.market import MarketData
from storage.store import Store
from strategies.base_strategy import StrategyState
from tests.support.fake_venue import FakeVenue
from tests.support.puppet import Puppet, puppet
from tests.support.trader import WIDE
from tests.support.trading import (
    DOWN,
    MARKET,
    NOW_NS,
    PAPER,
    SESSION,
    UP,
    S,
    acknowledged,
    book,
    d,
    intent,
    listed,
    shown,
)

MS = 1_000_000
BUY = intent("BUY 10 UP 0.40")
KEEP, CANCEL = InputKind.KEEP, InputKind.CANCEL


class LaggingStore(Store):
    """Durable after so many turns of the loop: the disk's speed must not show."""

    def __init__(self, turns: int) -> None:
        self._turns = turns
        self.transactions: list[Transaction] = []

    def commit(self, transaction: Transaction) -> None:
        self.transactions.append(transaction)

    async def wait_durable(self) -> None:
        for _ in range(self._turns):
            await asyncio.sleep(0)

    def records(self) -> list[Record]:
        return [record for transaction in self.transactions for record in transaction.records]


class Stop:
    """Stops before the market event of this number, counted from 0; never where it is None."""

    def __init__(self, before: int | None, kind: InputKind) -> None:
        self._before, self._kind = before, kind
        self.passed = 0

    def is_wanted(self, event: MarketEvent) -> bool:
        return True

    async def pass_event(self, event: MarketEvent) -> InputKind | None:
        self.passed += 1
        return self._kind if self._before == self.passed - 1 else None


class Run:
    """One run over a tape: a puppet that always says the same, and a venue that acknowledges after 50 ms."""

    def __init__(
        self,
        *says: StrategyIntent,
        stop_before: int | None = None,
        kind: InputKind = KEEP,
        recorded: Iterable[Input] = (),
        disk_turns: int = 0,
    ) -> None:
        self.timeline, self.venue, self.store = Timeline(), FakeVenue(), LaggingStore(disk_turns)
        self.sent_ns: list[int] = []
        self.noted: list[Input] = []
        self.told: list[tuple[str, int, int]] = []
        self.alpha = puppet(Puppet)
        self.alpha.says[:] = says
        market = MarketData()
        self.orders = OrderManager(session=SESSION, seed=1, venue=PAPER, limits=WIDE, market=market)
        self.engine = Engine(session=SESSION, market=market, orders=self.orders)
        self.engine.add(self.alpha)
        executor = Executor(engine=self.engine, store=self.store, scheduler=self.timeline, venue=self.venue)
        backlog = Backlog()
        self.runner = Runner(self.alpha, engine=self.engine, executor=executor, backlog=backlog)
        self.venue.on_send = self._answer_later
        parts = Parts(
            timeline=self.timeline,
            engine=self.engine,
            executor=executor,
            runners=(self.runner,),
            backlog=backlog,
            venue_feed=lambda _: None,
            cash=Decimal(1000),
            metrics_interval_s=300,
        )
        self.gate = Stop(stop_before, kind)
        self.driver = Lockstep(parts, recorded=list(recorded), note_input=self.noted.append, gate=self.gate)

    def play(self, events: Iterable[MarketEvent]) -> InputKind | None:
        """Play to the end or to the stop."""

        async def run() -> InputKind | None:
            async with asyncio.TaskGroup() as tasks:
                working = tasks.create_task(self.runner.run())
                stopped = await self.driver.play(iter(events))
                working.cancel()
            self.engine.check()
            return stopped

        return asyncio.run(run())

    def _answer_later(self, order: Order) -> None:
        now_ns = self.timeline.now_ns()
        self.sent_ns.append(now_ns)
        answer = acknowledged(order, time_ns=now_ns + 50 * MS)
        self.timeline.call_at(answer.time_ns, lambda: self.venue.report(answer))


def a_book(after_ms: int) -> BookSnapshot:
    """A fresh book of UP."""
    return shown(book("0.49x1000", "0.51x1000", time_ns=NOW_NS + after_ms * MS))


def tape(*after_ms: int) -> list[MarketEvent]:
    """A listing and then books at these times."""
    return [listed(), *(a_book(ms) for ms in after_ms)]


def ends() -> MarketResolved:
    """The market resolves after an hour."""
    return MarketResolved(time_ns=NOW_NS + 3600 * S, market_id=MARKET, payouts={UP: d(1), DOWN: d(0)})


# --- the clock ------------------------------------------------------------------------------------------


def test_what_a_book_leads_to_happens_at_the_time_of_the_book() -> None:
    run = Run(BUY)

    run.play(tape(0, 100))

    assert run.sent_ns == [NOW_NS]
    assert [order.created_ns for order in run.venue.sent] == [NOW_NS]


@pytest.mark.parametrize(
    ("next_ms", "order_of_events"),
    [
        pytest.param(49, ["book 0", "book 49", "order 50"], id="a book before the answer"),
        pytest.param(50, ["book 0", "order 50", "book 50"], id="a book at the instant of the answer"),
        pytest.param(51, ["book 0", "order 50", "book 51"], id="a book after the answer"),
    ],
)
def test_the_strategy_hears_everything_in_order_of_time(next_ms: int, order_of_events: list[str]) -> None:
    run = Run(BUY)

    run.play(tape(0, next_ms))

    heard = [
        f"{'order' if isinstance(event, OrderChanged) else 'book'} {(event.time_ns - NOW_NS) // MS}"
        for event in run.alpha.heard
    ]
    assert heard[:3] == order_of_events


@pytest.mark.parametrize("disk_turns", [1, 2, 7, 50])
def test_the_speed_of_the_disk_does_not_show(disk_turns: int) -> None:
    quick, slow = Run(BUY), Run(BUY, disk_turns=disk_turns)
    events = [*tape(*range(0, 1000, 10)), ends()]

    quick.play(events)
    slow.play(events)

    assert slow.store.transactions == quick.store.transactions
    assert slow.alpha.heard == quick.alpha.heard


def test_a_silent_venue_is_noticed_in_event_time() -> None:
    run = Run(BUY)
    run.venue.on_send = lambda _: None

    run.play(tape(0, 4_999, 5_001))

    unknown = [
        r.order for r in run.store.records() if isinstance(r, OrderRecord) and r.order.status == "UNKNOWN"
    ]
    assert [(order.updated_ns - NOW_NS) // MS for order in unknown[:1]] == [5_000]


def test_figures_are_stored_at_whole_intervals_and_at_the_end() -> None:
    run = Run()

    run.play([listed(), a_book(0), a_book(301_000), a_book(601_000)])

    times = [(r.time_ns - NOW_NS) // S for r in run.store.records() if isinstance(r, MetricsRecord)]
    assert times == [300, 600, 601]


def test_at_the_end_working_orders_are_answered_and_cancelled() -> None:
    run = Run(BUY)
    run.venue.cancel_answers = []

    stopped = run.play(tape(0))

    assert stopped is None
    assert [order.id for order in run.venue.cancelled] == [run.venue.sent[0].id]
    assert run.orders.is_draining


# --- stopping -------------------------------------------------------------------------------------------


def test_a_stop_is_noted_at_its_position_and_ends_the_run() -> None:
    run = Run(BUY, stop_before=2)

    stopped = run.play(tape(0, 100, 200, 300))

    assert stopped is KEEP
    assert run.noted == [Input(position=2, kind=KEEP)]
    assert run.engine.position == 2


@pytest.mark.parametrize(("kind", "cancels"), [(KEEP, 0), (CANCEL, 1)])
def test_working_orders_stand_or_are_cancelled_as_the_policy_says(kind: InputKind, cancels: int) -> None:
    run = Run(BUY, stop_before=1, kind=kind)

    run.play(tape(0, 100))

    assert len(run.venue.cancelled) == cancels
    (order,) = run.orders.live
    assert order.status is (OrderStatus.OPEN if kind is KEEP else OrderStatus.CANCEL_UNKNOWN)


@pytest.mark.parametrize("kind", [KEEP, CANCEL])
def test_a_resumed_run_repeats_the_stop_and_goes_on(kind: InputKind) -> None:
    events = tape(0, 100, 60_000, 120_000)
    first = Run(BUY, stop_before=2, kind=kind)
    first.play(events)

    second = Run(BUY, recorded=first.noted)
    stopped = second.play(events)

    count = len(first.store.transactions)
    assert stopped is None
    assert second.store.transactions[:count] == first.store.transactions
    assert len(second.store.transactions) > count
    assert second.noted == []


def test_a_stop_at_the_place_of_an_earlier_one_is_not_noted_again() -> None:
    events = tape(0, 100, 200)
    first = Run(BUY, stop_before=1)
    first.play(events)

    second = Run(BUY, stop_before=1, recorded=first.noted)
    stopped = second.play(events)

    assert stopped is KEEP
    assert second.noted == []
    assert second.store.transactions == first.store.transactions


def test_after_a_repeated_stop_orders_are_taken_again() -> None:
    recorded = [Input(position=0, kind=KEEP)]
    run = Run(BUY, recorded=recorded)

    run.play(tape(0, 100))

    assert len(run.venue.sent) == 1


def test_an_order_on_its_way_is_cancelled_by_a_stop_too() -> None:
    run = Run(BUY, stop_before=1, kind=CANCEL)

    run.play(tape(0, 10))  # the answer comes after 50 ms

    assert len(run.venue.cancelled) == 1


# --- pauses ---------------------------------------------------------------------------------------------


def test_a_pause_acts_before_the_next_market_event_and_is_noted_there() -> None:
    run = Run(BUY)

    async def pause() -> None:
        await run.driver.ask(InputKind.PAUSE, strategy="alpha", reason="lunch")

    async def both() -> None:
        async with asyncio.TaskGroup() as tasks:
            working = tasks.create_task(run.runner.run())
            asking = tasks.create_task(pause())
            await asyncio.sleep(0)
            await run.driver.play(iter(tape(0, 100)))
            await asking
            working.cancel()

    asyncio.run(both())

    assert run.venue.sent == []
    assert run.noted == [Input(position=0, kind=InputKind.PAUSE, strategy="alpha", reason="lunch")]
    assert run.alpha.state is StrategyState.PAUSED


def test_a_pause_and_a_resume_are_repeated_where_they_acted() -> None:
    recorded = [
        Input(position=0, kind=InputKind.PAUSE, strategy="alpha", reason="lunch"),
        Input(position=2, kind=InputKind.RESUME, strategy="alpha", reason="back"),
    ]
    run = Run(BUY, recorded=recorded)

    run.play(tape(0, 100, 200))

    assert run.sent_ns == [NOW_NS + 200 * MS]
    kinds = [
        r.kind for r in run.store.records() if isinstance(r, EventRecord) and r.kind.startswith("strategy")
    ]
    assert kinds == ["strategy.paused", "strategy.resumed"]
