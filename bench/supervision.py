"""Is a good strategy disturbed by a bad one beside it? Event → hook, alone and beside each kind, in turns."""

import asyncio
import time
from decimal import Decimal
from operator import methodcaller
from pathlib import Path
from statistics import median
from typing import NamedTuple

import uvloop

from bench.orders import scratch
from bench.parts import DOWN, START_NS, Watcher, snapshot, wired
from bench.report import Row, percentile_ms, show
from domain.instrument import Side
from domain.messages import BookSnapshot
from domain.order import Intent
from guard import Guard
from runner import Backlog, Runner, Supervision
from strategies.base_strategy import BaseStrategy, Intents, StrategyState, View, state

ROUNDS = 9
EVENTS = 20_000


class Good(Watcher):
    """Notes when each of its hooks begins."""

    name = "good"
    began_s: list[float] = state(list)

    def on_book(self, event: BookSnapshot, view: View) -> Intents:
        self.began_s.append(time.perf_counter())
        return iter(())


class Raises(BaseStrategy):
    """Fails at every book."""

    name = "raises"

    def on_book(self, event: BookSnapshot, view: View) -> Intents:
        raise ValueError("a bug")


class Floods(BaseStrategy):
    """Wants nine hundred orders at every book: fewer than one hook may yield, more than a minute may bring."""

    name = "floods"

    def on_book(self, event: BookSnapshot, view: View) -> Intents:
        for number in range(900):
            yield Intent(
                instrument_id=DOWN,
                side=Side.BUY,
                quantity=Decimal(5),
                price=Decimal("0.40"),
                signal_key=f"{event.time_ns}:{number}",
                reason="more",
            )


class Leaks(BaseStrategy):
    """Starts a task at every book."""

    name = "leaks"

    def on_book(self, event: BookSnapshot, view: View) -> Intents:
        start = methodcaller("create_task", asyncio.sleep(60))  # nobody owns it: the fault that is looked for
        start(asyncio.get_running_loop())
        return iter(())


class Blocks(BaseStrategy):
    """Does not come back."""

    name = "blocks"

    def on_book(self, event: BookSnapshot, view: View) -> Intents:
        while True:
            pass


KINDS: tuple[type[BaseStrategy], ...] = (Raises, Floods, Leaks, Blocks)


class Turn(NamedTuple):
    """How long the good strategy's events waited for its hook: all but the worst per cent, and at most."""

    p99_ms: float
    max_ms: float


def main() -> None:
    """Print the p99 beside each bad strategy against the p99 alone, in the middle of all rounds."""
    alone: list[Turn] = []
    beside: dict[str, list[Turn]] = {}
    with scratch() as folder:
        for number in range(ROUNDS):
            alone.append(turn(folder / f"{number}-alone.db", None))
            for kind in KINDS:
                bad = kind()
                beside.setdefault(bad.name, []).append(turn(folder / f"{number}-{bad.name}.db", bad))
    rows = []
    for name, turns in beside.items():
        ratio = median(one.p99_ms / other.p99_ms for one, other in zip(turns, alone, strict=True))
        rows.append(
            Row(f"p99 beside one that {name}", median(t.p99_ms for t in turns), "ms", ratio, "at most 1.1")
        )
        rows.append(
            Row(
                f"longest wait beside one that {name}",
                max(t.max_ms for t in turns),
                "ms",
                None,
                "once: then it is stopped",
            )
        )
    show(
        f"supervision: event → hook of a good strategy, {EVENTS:,} events, the bad one is asked first",
        f"yardstick: the same alone, in turns: p99 {median(t.p99_ms for t in alone):.4f} ms,"
        f" longest {max(t.max_ms for t in alone):.3f} ms",
        rows,
    )


def turn(path: Path, bad: BaseStrategy | None) -> Turn:
    """One session from its first event to its last."""
    good, guard, offered_s = Good(), Guard(path), list[float]()
    with guard, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(play(path, guard, [good] if bad is None else [bad, good], offered_s))
    assert len(good.began_s) == EVENTS, "the good strategy has seen every event"
    assert good.state is StrategyState.RUNNING, "the good strategy goes on"
    assert bad is None or bad.state is StrategyState.STOPPED, "the bad strategy was stopped"
    waited_s = [began - offered for began, offered in zip(good.began_s, offered_s, strict=True)]
    return Turn(percentile_ms(waited_s, 99), 1000 * max(waited_s))


async def play(path: Path, guard: Guard, strategies: list[BaseStrategy], offered_s: list[float]) -> None:
    """Offer one event after the other, the next one when all that follows from the last is done."""
    store, engine, executor, timeline, _ = wired(path, strategies)
    await executor.settle()
    guard.attach(asyncio.get_running_loop())
    engine.ask, backlog, supervision = guard.ask, Backlog(), Supervision(note_input=store.add_input)
    runners = [
        Runner(one, engine=engine, executor=executor, backlog=backlog, supervision=supervision)
        for one in strategies
    ]
    events = [snapshot(START_NS + number * 1_000_000) for number in range(EVENTS)]
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(runner.run()) for runner in runners]
        for event in events:
            timeline.advance(event.time_ns)
            engine.take_market(event)
            offered_s.append(time.perf_counter())
            for runner in runners:
                runner.offer(event)
            await backlog.wait_empty()
            while not executor.is_idle:
                await executor.settle()
        for task in running:
            task.cancel()
    await store.close()


if __name__ == "__main__":
    main()
