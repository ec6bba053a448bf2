"""The read side: questions that people ask of a database, also of one that a daemon is writing to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import TypeVar

import aiosqlite
import msgspec
from msgspec import Struct

from domain.identifiers import SessionId
from domain.money import ZERO
from storage.chain import read_chain
from storage.database import BUSY_TIMEOUT_MS, cannot_be_used, read_only_uri, require
from storage.finding import find
from storage.story import tell
from storage.why_market import tell_market

COUNTS = {
    "signals": "SELECT strategy, count(*) FROM signals WHERE session = ? GROUP BY strategy",
    "orders": "SELECT strategy, count(*) FROM orders WHERE session = ? GROUP BY strategy",
    "fills": "SELECT strategy, count(*) FROM trades WHERE session = ? AND settlement != 'FAILED'"
    " GROUP BY strategy",
    "denials": "SELECT strategy, count(*) FROM denials WHERE session = ? GROUP BY strategy",
}
T = TypeVar("T")

MONEY = "SELECT strategy, realized_pnl, fees FROM positions WHERE session = ?"


class StrategyTotals(Struct, frozen=True, kw_only=True):
    """What a strategy did in a session; money in pUSD, summed exactly, `realized_pnl` before `fees`."""

    strategy: str
    signals: int
    orders: int
    fills: int
    denials: int
    realized_pnl: Decimal
    fees: Decimal


async def why(path: Path, identifier: str) -> list[str]:
    """Tell the story of an order, intent, trade or correlation id, or of a beginning that only one has.

    Raises UserError where nothing or more than one thing is called so, DatabaseError where nothing can be
    read at `path`.
    """
    async with _reader(path) as connection:
        found = await find(connection, identifier, path=path)
        return tell(await read_chain(connection, found))


async def why_market(path: Path, market: str, *, since_s: int | None) -> list[str]:
    """Tell why a market was not traded, strategy by strategy; `market` is an id, a slug, an instrument or a beginning.

    `since_s` counts back from the session's newest event, None is all of it. Raises UserError where no market, or
    more than one, is called so, DatabaseError where nothing can be read at `path`.
    """
    async with _reader(path) as connection:
        return await tell_market(connection, market, since_s=since_s, path=path)


async def totals(path: Path, session: SessionId) -> list[StrategyTotals]:
    """What each strategy of the session has done, by name; failed fills do not count."""
    async with _reader(path) as connection:
        counts = {
            name: dict(await _read(connection, query, session, tuple[str, int]))
            for name, query in COUNTS.items()
        }
        money = await _read(connection, MONEY, session, tuple[str, Decimal, Decimal])
    return [
        _totals_of(strategy, counts, [row[1:] for row in money if row[0] == strategy])
        for strategy in sorted({*chain(*counts.values()), *(row[0] for row in money)})
    ]


def _totals_of(
    strategy: str, counts: dict[str, dict[str, int]], money: list[tuple[Decimal, Decimal]]
) -> StrategyTotals:
    return StrategyTotals(
        strategy=strategy,
        signals=counts["signals"].get(strategy, 0),
        orders=counts["orders"].get(strategy, 0),
        fills=counts["fills"].get(strategy, 0),
        denials=counts["denials"].get(strategy, 0),
        realized_pnl=sum((realized for realized, _ in money), ZERO),
        fees=sum((fees for _, fees in money), ZERO),
    )


@asynccontextmanager
async def _reader(path: Path) -> AsyncIterator[aiosqlite.Connection]:
    """A read-only connection that sees the database as of one moment, whatever is written meanwhile."""
    require(path)
    with cannot_be_used(path):
        async with aiosqlite.connect(read_only_uri(path), uri=True, isolation_level=None) as connection:
            await connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            await connection.execute("BEGIN")
            yield connection


async def _read(
    connection: aiosqlite.Connection, query: str, session: SessionId, row_type: type[T]
) -> list[T]:
    rows = await connection.execute_fetchall(query, (session,))
    return [msgspec.convert(tuple(row), row_type) for row in rows]
