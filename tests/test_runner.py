"""One strategy's task: its inbox, and what it does wrong ends it alone."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import runner as runner_module
from domain.inputs import Input, InputKind
from domain.messages import BookSnapshot, StrategyEvent, TimerFired
from domain.order import OrderStatus
from domain.records import EventRecord
from guard import HookTimeoutError
from runner import ERRORS_MAX, Backlog, Inbox, Runner, Supervision
from strategies.base_strategy import StrategyState
from tests.support.daemon import Daemon, play
from tests.support.puppet import Puppet
from tests.support.trading import DOWN, NOW_NS, UP, acknowledged, book, d, intent, shown

BUY = intent("BUY 10 UP 0.40")


def with_runner(
    folder: Path,
    scenario: Callable[[Daemon, Runner, Backlog], Awaitable[None]],
    *,
    supervision: Supervision | None = None,
) -> None:
    """Run a scenario while alpha's runner works."""

    async def run(daemon: Daemon) -> None:
        backlog = Backlog()
        tested = Runner(
            daemon.room.alpha,
            engine=daemon.engine,
            executor=daemon.executor,
            backlog=backlog,
            supervision=supervision,
        )
        async with asyncio.TaskGroup() as tasks:
            working = tasks.create_task(tested.run())
            await scenario(daemon, tested, backlog)
            working.cancel()

    play(folder, run)


def kinds(daemon: Daemon) -> list[str]:
    """Kinds of the events that are stored."""
    return [r.kind for r in daemon.written() if isinstance(r, EventRecord) and r.kind.startswith("strategy")]


def test_events_reach_the_strategy_in_order(tmp_path: Path) -> None:
    events: list[StrategyEvent] = [TimerFired(time_ns=NOW_NS + n) for n in range(5)]

    async def scenario(daemon: Daemon, tested: Runner, backlog: Backlog) -> None:
        for event in events:
            tested.offer(event)
        await backlog.wait_empty()

        assert daemon.room.alpha.heard == events

    with_runner(tmp_path, scenario)


def test_a_decision_goes_to_the_executor_and_is_not_awaited(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon, tested: Runner, backlog: Backlog) -> None:
        daemon.room.alpha.says[:] = [BUY]
        daemon.engine.take_market(daemon.fresh_book())
        tested.offer(daemon.fresh_book())
        await backlog.wait_empty()
        before = len(daemon.venue.sent)

        await daemon.drain()

        assert (before, len(daemon.venue.sent)) == (0, 1)

    with_runner(tmp_path, scenario)


@pytest.mark.parametrize("errors", [ERRORS_MAX - 1, ERRORS_MAX, ERRORS_MAX + 1])
def test_a_strategy_that_keeps_raising_is_stopped_and_the_other_goes_on(tmp_path: Path, errors: int) -> None:
    async def scenario(daemon: Daemon, tested: Runner, backlog: Backlog) -> None:
        daemon.room.alpha.raises[:] = [ValueError("no such price")]
        for number in range(errors):
            tested.offer(TimerFired(time_ns=NOW_NS + number))
        await backlog.wait_empty()
        await daemon.drain()

        is_stopped = errors >= ERRORS_MAX
        assert (daemon.room.alpha.state is StrategyState.STOPPED) is is_stopped
        assert daemon.room.beta.state is StrategyState.RUNNING
        noted = min(errors, ERRORS_MAX - 1)
        assert kinds(daemon) == ["strategy.error"] * noted + ["strategy.stopped"] * is_stopped

    with_runner(tmp_path, scenario)


def stop(puppet: Puppet) -> None:
    """Let the puppet raise until it is stopped."""
    puppet.raises[:] = [ValueError("no such price")]


def test_the_orders_of_a_stopped_strategy_are_cancelled_and_no_others(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon, tested: Runner, backlog: Backlog) -> None:
        daemon.venue.answers = [acknowledged, acknowledged]
        (mine,) = daemon.look(BUY).sends
        (other,) = daemon.look(BUY, by=daemon.room.beta).sends
        await daemon.drain()
        stop(daemon.room.alpha)
        for number in range(ERRORS_MAX):
            tested.offer(TimerFired(time_ns=NOW_NS + number))
        await backlog.wait_empty()
        await daemon.drain()

        assert [order.id for order in daemon.venue.cancelled] == [mine.id]
        assert daemon.status(other) is OrderStatus.OPEN

    with_runner(tmp_path, scenario)


def test_an_order_that_was_on_its_way_is_cancelled_when_it_has_arrived(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon, tested: Runner, backlog: Backlog) -> None:
        order = await daemon.send(BUY)
        stop(daemon.room.alpha)
        for number in range(ERRORS_MAX):
            tested.offer(TimerFired(time_ns=NOW_NS + number))
        await backlog.wait_empty()
        daemon.venue.report(acknowledged(order))
        await daemon.drain()

        assert [cancelled.id for cancelled in daemon.venue.cancelled] == [order.id]

    with_runner(tmp_path, scenario)


def test_a_stopped_strategy_hears_nothing_more(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon, tested: Runner, backlog: Backlog) -> None:
        daemon.room.alpha.stop("by hand")

        tested.offer(TimerFired(time_ns=NOW_NS))
        await backlog.wait_empty()

        assert daemon.room.alpha.heard == []

    with_runner(tmp_path, scenario)


@pytest.mark.parametrize(("waiting", "is_stopped"), [(2, False), (3, False), (4, True)])
def test_a_strategy_that_cannot_keep_up_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waiting: int, is_stopped: bool
) -> None:
    monkeypatch.setattr(runner_module, "INBOX_MAX", 3)

    async def scenario(daemon: Daemon, tested: Runner, backlog: Backlog) -> None:
        for number in range(waiting):
            tested.offer(TimerFired(time_ns=NOW_NS + number))
        await backlog.wait_empty()

        assert (daemon.room.alpha.state is StrategyState.STOPPED) is is_stopped

    with_runner(tmp_path, scenario)


def test_an_interruption_is_stored_where_it_happened_and_stops_at_once(tmp_path: Path) -> None:
    noted: list[Input] = []

    async def scenario(daemon: Daemon, tested: Runner, backlog: Backlog) -> None:
        daemon.room.alpha.raises[:] = [ValueError("never reached")]

        def interrupt(*_: object) -> list[object]:
            raise HookTimeoutError("strategy alpha did not return")

        tested.offer(TimerFired(time_ns=NOW_NS))
        await backlog.wait_empty()
        daemon.engine.ask = interrupt  # type: ignore[assignment]  # it never returns anything
        tested.offer(TimerFired(time_ns=NOW_NS))
        await backlog.wait_empty()

        assert daemon.room.alpha.state is StrategyState.STOPPED

    with_runner(tmp_path, scenario, supervision=Supervision(note_input=noted.append))

    assert [(i.kind, i.strategy, i.ordinal) for i in noted] == [(InputKind.HALT, "alpha", 2)]


@pytest.mark.parametrize("ordinal", [1, 2, 3])
def test_an_interruption_is_repeated_at_the_same_event(tmp_path: Path, ordinal: int) -> None:
    halt = Input(position=0, kind=InputKind.HALT, strategy="alpha", ordinal=ordinal, reason="it hung")

    async def scenario(daemon: Daemon, tested: Runner, backlog: Backlog) -> None:
        for number in range(5):
            tested.offer(TimerFired(time_ns=NOW_NS + number))
        await backlog.wait_empty()

        assert len(daemon.room.alpha.heard) == ordinal - 1
        assert daemon.room.alpha.metrics.events == ordinal
        assert daemon.room.alpha.state_reason == "it hung"

    with_runner(tmp_path, scenario, supervision=Supervision(halt=halt))


def test_an_intent_that_is_none_ends_the_strategy_alone(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon, tested: Runner, backlog: Backlog) -> None:
        number = type(BUY)(**{n: getattr(BUY, n) for n in BUY.__struct_fields__} | {"quantity": 10})
        daemon.room.alpha.says[:] = [number]
        async with asyncio.timeout(5):
            for _ in range(ERRORS_MAX):
                tested.offer(daemon.fresh_book())
            await backlog.wait_empty()

        assert daemon.room.alpha.state is StrategyState.STOPPED

    with_runner(tmp_path, scenario)


# --- the inbox ------------------------------------------------------------------------------------------


def a_book(price: str, *, of: object = UP) -> BookSnapshot:
    """A book whose best bid tells it from others."""
    return shown(book(f"{price}x1", "0.90x1", of=UP if of == UP else DOWN))


def test_live_books_give_way_to_newer_ones_and_nothing_else_does() -> None:
    inbox = Inbox(conflates=True)
    timer = TimerFired(time_ns=NOW_NS)

    taken = [inbox.put(e) for e in (a_book("0.1"), timer, a_book("0.2", of=DOWN), a_book("0.3"), timer)]

    assert taken == [True, True, True, False, True]
    assert [inbox.get() for _ in range(len(inbox))] == [a_book("0.3"), timer, a_book("0.2", of=DOWN), timer]


def test_a_book_after_one_that_was_taken_out_is_a_new_one() -> None:
    inbox = Inbox(conflates=True)

    inbox.put(a_book("0.1"))
    inbox.get()

    assert inbox.put(a_book("0.2"))
    assert inbox.get() == a_book("0.2")


def test_a_recording_keeps_every_book() -> None:
    inbox = Inbox(conflates=False)

    assert [inbox.put(a_book(f"0.{n}")) for n in range(1, 4)] == [True, True, True]
    assert len(inbox) == d(3)


def test_nobody_waits_for_an_empty_backlog() -> None:
    asyncio.run(asyncio.wait_for(Backlog().wait_empty(), timeout=5))
