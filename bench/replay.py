"""The shipped recording through the whole daemon, offered to two strategies; and the engine without a tape."""

import asyncio
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import uvloop

from backtest.lockstep import Gate, Lockstep, Parts
from backtest.open_tape import open_tape
from bench.orders import scratch
from bench.parts import START_NS, Watcher, snapshot, wired
from bench.report import Row, show
from domain.inputs import InputKind
from domain.messages import BookSnapshot, MarketEvent
from guard import Guard
from runner import Backlog, Runner

EVENTS = 200_000


class Open(Gate):
    """A gate that nobody holds."""

    def is_wanted(self, event: MarketEvent) -> bool:
        return False

    async def pass_event(self, event: MarketEvent) -> InputKind | None:
        return None


class Second(Watcher):
    """Another watcher."""

    name = "second"


def main() -> None:
    """Print snapshots a second with decoding, and events a second without it."""
    floor = bare_loop()
    with scratch() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        replayed = runner.run(replay(folder / "replay.db"))
        stepped = engine_alone(folder / "engine.db")
        inboxes = runner.run(through_inboxes(folder / "inbox.db"))
    show(
        "replay and engine",
        f"yardstick: a bare Python loop that takes the best prices of {EVENTS:,} books: {floor:,.0f} events/s",
        [
            Row(
                "recording: decoded, applied, two strategies",
                replayed,
                "snapshots/s",
                replayed / floor,
                "30,000/s",
            ),
            Row("engine alone: applied and one step", stepped, "events/s", stepped / floor, "300,000/s"),
            Row("through the inbox of one strategy", inboxes, "events/s", inboxes / floor, "100,000/s"),
        ],
    )


def bare_loop() -> float:
    """What a loop costs that has no ledger, no orders and no store: a floor, not a rival."""
    books = [snapshot(START_NS + n).book for n in range(EVENTS)]
    start = time.perf_counter()
    best = {}
    for book in books:
        best[book.instrument_id] = book.bids[0].price, book.asks[0].price
    return EVENTS / (time.perf_counter() - start)


async def replay(path: Path) -> float:
    """Snapshots a second through tape, venue, engine, inboxes and two strategies, under the guard."""
    tape = open_tape(None)
    watchers = [Watcher(), Second()]
    store, engine, executor, timeline, _ = wired(path, list(watchers), is_begun=False)
    guard, backlog = Guard(path), Backlog()
    engine.ask = guard.ask
    runners = tuple(Runner(w, engine=engine, executor=executor, backlog=backlog) for w in watchers)
    parts = Parts(
        timeline=timeline,
        engine=engine,
        executor=executor,
        runners=runners,
        backlog=backlog,
        venue_feed=lambda _: None,
        cash=Decimal(1000),
        metrics_interval_s=300,
    )
    driver = Lockstep(parts, recorded=[], note_input=lambda _: None, gate=Open())
    with guard:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(runner.run()) for runner in runners]
            start = time.perf_counter()
            await driver.play(tape.events())
            rate = tape.events_total / (time.perf_counter() - start)
            for task in running:
                task.cancel()
    await store.close()
    return rate


def engine_alone(path: Path) -> float:
    """Events a second that change the market and are seen by one strategy, without loop, tape or store."""
    watcher = Watcher()
    _, engine, _, _, _ = wired(path, [watcher])
    events = [snapshot(START_NS + n) for n in range(EVENTS)]
    start = time.perf_counter()
    for event in events:
        engine.take_market(event)
        engine.step(watcher, event)
    return EVENTS / (time.perf_counter() - start)


async def through_inboxes(path: Path) -> float:
    """Events a second when each is put into an inbox and handled by the strategy's task before the next comes."""
    watcher = Watcher()
    store, engine, executor, _, _ = wired(path, [watcher])
    backlog = Backlog()
    runner = Runner(watcher, engine=engine, executor=executor, backlog=backlog)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(runner.run())
        start = time.perf_counter()
        for event in made(EVENTS):
            engine.take_market(event)
            runner.offer(event)
            await backlog.wait_empty()
        rate = EVENTS / (time.perf_counter() - start)
        task.cancel()
    await store.close()
    return rate


def made(count: int) -> Iterator[BookSnapshot]:
    """Books made beforehand: making them is not what is measured."""
    return iter([snapshot(START_NS + n) for n in range(count)])


if __name__ == "__main__":
    main()
