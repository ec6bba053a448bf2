"""Finds what an identifier names, or the nearest to it."""

import difflib
from pathlib import Path
from typing import NamedTuple

import aiosqlite
import msgspec

from domain.errors import UserError

SHOWN_IDS_MAX = 5
LIKENESS_MIN = 0.6
LAST_CHARACTER = "\U0010ffff"

# Where an identifier may occur, most likely first; each column leads an index.
PLACES = (
    ("orders", "id"),
    ("orders", "intent_id"),
    ("trades", "trade_id"),
    ("signals", "correlation_id"),
    ("orders", "correlation_id"),
    ("denials", "correlation_id"),
    ("events", "correlation_id"),
)


class Found(NamedTuple):
    """An identifier as it is stored, and where."""

    table: str
    column: str
    identifier: str


async def find(connection: aiosqlite.Connection, identifier: str, *, path: Path) -> Found:
    """Return what the identifier, or a beginning that only one has, names; UserError tells the nearest."""
    for table, column in PLACES:
        query = f"SELECT {column} FROM {table} WHERE {column} = ? LIMIT 1"
        if await _texts(connection, query, identifier):
            return Found(table, column, identifier)
    begun = await _begun(connection, identifier)
    if len(begun) == 1:
        return begun[0]
    if begun:
        some = ", ".join(found.identifier for found in begun[:SHOWN_IDS_MAX])
        raise UserError(f"several ids in {path} begin with {identifier!r}: {some}; give more of one")
    advice = await _advice(connection, identifier)
    raise UserError(f"{path} has no order, intent, trade or correlation id {identifier!r}; {advice}")


async def _begun(connection: aiosqlite.Connection, beginning: str) -> list[Found]:
    """The ids that begin so, in order and each once; a few are enough to say that there are several."""
    begun: dict[str, Found] = {}
    for table, column in PLACES:
        query = (
            f"SELECT DISTINCT {column} FROM {table} WHERE {column} >= ? AND {column} < ?"
            f" ORDER BY {column} LIMIT {SHOWN_IDS_MAX}"
        )
        for identifier in await _texts(connection, query, beginning, beginning + LAST_CHARACTER):
            begun.setdefault(identifier, Found(table, column, identifier))
    return [begun[identifier] for identifier in sorted(begun)]


async def _advice(connection: aiosqlite.Connection, identifier: str) -> str:
    candidates: list[str] = []
    for table, column in PLACES:
        for comparison, order in (("<", "DESC"), (">=", "ASC")):
            query = f"SELECT {column} FROM {table} WHERE {column} {comparison} ?"
            query = f"{query} ORDER BY {column} {order} LIMIT 1"
            candidates += await _texts(connection, query, identifier)
    nearest = max(candidates, key=lambda candidate: _likeness(candidate, identifier), default="")
    if _likeness(nearest, identifier) >= LIKENESS_MIN:
        return f"the nearest is {nearest}"
    if candidates:
        return "see SELECT id, created_at, strategy FROM orders ORDER BY created_at DESC LIMIT 10;"
    return "nothing was signalled or ordered in it yet"


def _likeness(candidate: str, identifier: str) -> float:
    """How much of the identifier stands at the candidate's beginning, 0 to 1: people type beginnings."""
    return difflib.SequenceMatcher(None, candidate[: len(identifier)], identifier).ratio()


async def _texts(connection: aiosqlite.Connection, query: str, *parameters: str) -> list[str]:
    rows = await connection.execute_fetchall(query, parameters)
    return msgspec.convert([row[0] for row in rows], list[str])
