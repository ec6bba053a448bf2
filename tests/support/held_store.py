"""A store whose disk is as slow, or as full, as a test wants it."""

import asyncio

from domain.errors import StoreError
from domain.records import Transaction
from storage.store import Store


class HeldStore(Store):
    """A store whose commits are durable, or fail, when the test says so."""

    def __init__(self) -> None:
        self.submitted: list[Transaction] = []
        self.durable = 0
        self.error: StoreError | None = None
        self._changed = asyncio.Event()

    def commit(self, transaction: Transaction) -> None:
        self.submitted.append(transaction)

    async def wait_durable(self) -> None:
        target = len(self.submitted)
        while self.durable < target:
            await self._changed.wait()
            self._changed.clear()
            if self.error:
                raise self.error

    def let_through(self, count: int) -> None:
        self.durable += count
        self._changed.set()

    def fail(self) -> None:
        self.error = StoreError("the disk is full")
        self._changed.set()


async def turns() -> None:
    """Let every task run as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)
