"""A daemon to be killed: commits orders in bursts of growing size, and tells each that it holds durable."""

import asyncio
import sys
from itertools import count
from pathlib import Path

from storage.store import Store
from tests.storage.samples import RUN, placed


async def run(path: Path) -> None:
    """Re-execute from the start, then go on until killed."""
    store = Store.open(path, account_kind="paper on a recording")
    store.begin(fingerprint={"market": "btc"}, run=RUN, fresh=False)
    sequence = 0
    for burst in count(1):
        for _ in range(burst % 7 + 1):
            sequence += 1
            store.commit(placed(sequence))
        await store.wait_durable()
        sys.stdout.write(f"{sequence}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
