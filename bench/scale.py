"""Does an order cost the same with 100 and with 100,000 orders in the store, and is memory flat over a long tape?"""

import asyncio
import resource
import subprocess
import sys
import time
from pathlib import Path

import uvloop

from bench.orders import scratch
from bench.parts import START_NS, Quoter, snapshot, wired
from bench.report import Row, percentile_ms, show

FEW, MANY, SAMPLE = 100, 100_000, 1_000
SHORT_H, LONG_H = "1", "10"


def main() -> None:
    """Print the ratio of an order's cost late and early, and of a process's memory over a tape ten times as long."""
    with scratch() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        early, late = runner.run(cost_of_orders(folder / "many.db"))
        short_mb, long_mb = memory_mb(folder, SHORT_H), memory_mb(folder, LONG_H)
    show(
        "scale",
        f"yardstick: the same with {FEW} orders in the store, {early:.3f} ms; over {SHORT_H} h, {short_mb:.0f} MB",
        [
            Row(f"p50 of an order, {MANY:,} in the store", late, "ms", late / early, "about 1"),
            Row(
                f"largest memory over {LONG_H} h of generated market",
                long_mb,
                "MB",
                long_mb / short_mb,
                "about 1",
            ),
        ],
    )


async def cost_of_orders(path: Path) -> tuple[float, float]:
    """Milliseconds of a durable order after FEW and after MANY others, which end as they come."""
    quoter = Quoter()
    store, engine, executor, timeline, _ = wired(path, [quoter])
    await executor.settle()
    seconds = []
    for number in range(MANY + SAMPLE):
        timeline.advance(START_NS + number * 10**8)
        event = snapshot(timeline.now_ns())
        engine.take_market(event)
        start = time.perf_counter()
        executor.take(engine.step(quoter, event))
        if number < FEW + SAMPLE or number >= MANY or number % 500 == 0:
            while not executor.is_idle:
                await executor.settle()
            if number < FEW + SAMPLE or number >= MANY:
                seconds.append(time.perf_counter() - start)
            executor.take(engine.cancel_all(reason="benchmark", time_ns=timeline.now_ns()))
            while not executor.is_idle:
                await executor.settle()
    await store.close()
    return percentile_ms(seconds[FEW : FEW + SAMPLE], 50), percentile_ms(seconds[-SAMPLE:], 50)


def memory_mb(folder: Path, hours: str) -> float:
    """Largest resident size of the whole daemon over so many hours of generated market."""
    config = folder / f"{hours}h.toml"
    config.write_text(f'[run]\nsim_hours = {hours}\nlog_dir = "{folder / "logs"}"\n')
    root = Path(__file__).resolve().parents[1]
    command = [
        sys.executable,
        str(root / "orchestrator.py"),
        "--strategies",
        "sniper",
        "--market",
        "sim",
        "--json",
    ]
    command += ["--db", str(folder / f"{hours}h.db"), "--config", str(config)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(before, after) / 1024


if __name__ == "__main__":
    main()
