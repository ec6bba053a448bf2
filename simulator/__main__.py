"""`python -m simulator`: serve the simulated venues on loopback until SIGINT or SIGTERM.

    python -m simulator --port 0 --seed 1 [--recording data/books_btc15m --speed 60]

Prints one line of JSON with the addresses once everything listens. What the venues do is steered and read
through the paths below /_sim/ of each: without a recording Polymarket has no market until one is made there.
"""

import argparse
import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path

import uvloop

from domain.errors import TapeError
from simulator.exchanges.binance.server import binance_simulator
from simulator.exchanges.bybit.server import bybit_simulator
from simulator.polymarket.player import Player
from simulator.polymarket.recording import Recording
from simulator.polymarket.server import polymarket_simulator

VENUES = ("polymarket", "binance", "bybit")


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and serve; 0 after a signal, 2 where the recording cannot be played."""
    try:
        uvloop.run(_serve(_parser().parse_args(arguments)))
    except (TapeError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of Polymarket; 0 takes a free one")
    parser.add_argument("--seed", type=int, default=1, help="the same requests get the same answers")
    parser.add_argument("--venues", default=",".join(VENUES), help="which ones to serve, by name")
    parser.add_argument("--recording", type=Path, help="folder with markets.jsonl.gz and books.jsonl.gz")
    parser.add_argument("--speed", type=Decimal, default=Decimal(1), help="how many times faster it plays")
    parser.add_argument(
        "--recorded-times", action="store_true", help="keep the recording's own times in names and dates"
    )
    return parser


async def _serve(options: argparse.Namespace) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        addresses = await _start(options, stack)
        sys.stdout.write(json.dumps(addresses) + "\n")
        sys.stdout.flush()
        await stopping.wait()


async def _start(options: argparse.Namespace, stack: AsyncExitStack) -> dict[str, str]:
    venues = options.venues.split(",")
    if unknown := set(venues) - set(VENUES):
        raise SystemExit(f"no venue {sorted(unknown)[0]!r}; the venues: {', '.join(VENUES)}")
    addresses: dict[str, str] = {}
    if "polymarket" in venues:
        polymarket = await stack.enter_async_context(
            polymarket_simulator(seed=options.seed, port=options.port)
        )
        if options.recording:
            player = Player(polymarket.venue)
            recording = Recording(options.recording)
            player.play(recording, speed=options.speed, keep_times=options.recorded_times)
        addresses |= {"polymarket": polymarket.url, "polymarket_ws": polymarket.ws_url}
    if "binance" in venues:
        binance = await stack.enter_async_context(binance_simulator(seed=options.seed))
        addresses |= {"binance": binance.url, "binance_ws": binance.ws_url}
    if "bybit" in venues:
        bybit = await stack.enter_async_context(bybit_simulator(seed=options.seed))
        addresses |= {"bybit": bybit.url, "bybit_ws": bybit.ws_url}
    return addresses


if __name__ == "__main__":
    sys.exit(main())
