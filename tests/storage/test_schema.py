"""The tables as people and outside tools use them."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import DatabaseError
from storage.schema import APPLICATION_ID, MIGRATIONS, application_id, migrate, user_version

CONTRACT = {
    "trades": "id timestamp session strategy venue market instrument side price size fee fee_asset order_id"
    " trade_id settlement realized_pnl",
    "orders": "id intent_id generation session correlation_id strategy venue market instrument side"
    " time_in_force price size filled_size status reason created_at updated_at",
    "order_events": "id timestamp order_id",
    "positions": "session strategy exchange symbol side quantity entry_price current_price unrealized_pnl"
    " realized_pnl status opened_at closed_at metadata",
    "signals": "id timestamp session strategy market correlation_id outcome",
    "denials": "id timestamp session strategy market control reason value limit_value correlation_id",
    "gate_counts": "minute session strategy market gate count",
    "ledger": "id timestamp transfer_id kind account asset amount units",
    "reservations": "id order_id asset amount posted pending status",
    "events": "id timestamp type source run_id correlation_id payload",
    "strategy_metrics": "timestamp session strategy",
    "runs": "run_id session",
}
LOOKUPS = [
    "orders WHERE id = 'x'",
    "orders WHERE intent_id = 'x'",
    "orders WHERE correlation_id = 'x'",
    "trades WHERE trade_id = 'x'",
    "trades WHERE order_id = 'x'",
    "order_events WHERE order_id = 'x'",
    "signals WHERE correlation_id = 'x'",
    "denials WHERE correlation_id = 'x'",
    "events WHERE correlation_id = 'x'",
    "ledger WHERE kind = 'REDEEM' AND session = 's1' AND asset = 'UP'",
    "reservations WHERE order_id = 'x'",
    "trades ORDER BY timestamp DESC LIMIT 10",
]


@pytest.fixture(name="connection")
def open_memory() -> Iterator[sqlite3.Connection]:
    """A new database in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, path=":memory:")
    yield connection
    connection.close()


@pytest.mark.parametrize("table", CONTRACT)
def test_the_columns_that_people_rely_on_are_there(connection: sqlite3.Connection, table: str) -> None:
    columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}

    assert columns >= set(CONTRACT[table].split())


@pytest.mark.parametrize("lookup", LOOKUPS)
def test_no_lookup_scans_a_table(connection: sqlite3.Connection, lookup: str) -> None:
    plan = connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM {lookup}").fetchall()

    assert all("USING" in step[3] and "INDEX" in step[3] for step in plan), plan


def test_a_new_database_is_marked_as_ours(connection: sqlite3.Connection) -> None:
    assert application_id(connection) == APPLICATION_ID
    assert user_version(connection) == len(MIGRATIONS)


def test_migrating_twice_changes_nothing(connection: sqlite3.Connection) -> None:
    before = connection.execute("SELECT sql FROM sqlite_master").fetchall()

    migrate(connection, path=Path("x.db"))

    assert connection.execute("SELECT sql FROM sqlite_master").fetchall() == before


def test_a_database_of_a_newer_program_is_refused(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA user_version = 99")

    with pytest.raises(DatabaseError, match=r"x\.db has schema 99, this program knows 3.*another --db"):
        migrate(connection, path=Path("x.db"))
