"""Every kind of record is in the database under the names that people know, and reads back exactly."""

import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from typing import get_args

import msgspec
import pytest

from domain.identifiers import OrderId, SessionId
from domain.messages import Settlement
from domain.order import OrderStatus
from domain.records import OrderRecord, PositionRecord, Record, SignalOutcome, Transaction
from storage.amounts import from_sql
from storage.rows import Origin, rows_of
from storage.schema import migrate
from tests.storage import samples

ORIGIN = Origin(SessionId("s1"), "s1-r1")
ORDER = OrderRecord(order=samples.order())


@pytest.fixture(name="connection")
def open_memory() -> Iterator[sqlite3.Connection]:
    """An empty database in memory, with foreign keys as in the daemon."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection, path=":memory:")
    yield connection
    connection.close()


def write(connection: sqlite3.Connection, *records: Record) -> None:
    """Write the rows of the records in one transaction."""
    connection.execute("BEGIN")
    for record in records:
        for statement, values in rows_of(record, ORIGIN):
            assert connection.execute(statement.sql, values).rowcount == 1
    connection.execute("COMMIT")


def read(connection: sqlite3.Connection, table: str) -> dict[str, object]:
    """The only row of a table; amounts as Decimal, as the read side sees them."""
    cursor = connection.execute(f"SELECT * FROM {table}")
    (row,) = cursor.fetchall()
    names = [column[0] for column in cursor.description]
    return {
        name: from_sql(value) if isinstance(value, float) else value
        for name, value in zip(names, row, strict=True)
    }


CASES = [
    pytest.param(
        [samples.signal()],
        "signals",
        {
            "id": 1,
            "timestamp": "2026-09-28T12:00:00.000000Z",
            "session": "s1",
            "number": 1,
            "strategy": "sniper",
            "market": "btc-up-1200",
            "key": "btc-up-1200:UP",
            "reason": "UP at 0.96 with 40 s left",
            "correlation_id": samples.CHAIN,
            "outcome": "ORDERED",
        },
        id="signal",
    ),
    pytest.param(
        [samples.denial()],
        "denials",
        {
            "id": 1,
            "timestamp": "2026-09-28T11:59:59.000000Z",
            "session": "s1",
            "strategy": "sniper",
            "market": "btc-up-1200",
            "control": "13 message throttle",
            "reason": "the order rate is used up",
            "value": "0.40 tokens",
            "limit_value": "60/min",
            "correlation_id": samples.CHAIN,
        },
        id="denial",
    ),
    pytest.param(
        [ORDER],
        "orders",
        {
            "id": samples.ORDER,
            "intent_id": samples.INTENT,
            "generation": 1,
            "session": "s1",
            "correlation_id": samples.CHAIN,
            "strategy": "sniper",
            "venue": "paper",
            "market": "btc-up-1200",
            "instrument": "UP",
            "side": "BUY",
            "time_in_force": "FOK",
            "post_only": 0,
            "price": Decimal("0.96"),
            "size": Decimal("20.25"),
            "filled_size": Decimal(0),
            "status": "ACCEPTED",
            "attempts": 1,
            "reason": "UP at 0.96 with 40 s left",
            "expires_at": None,
            "valid_until": "2026-09-28T12:01:00.000000Z",
            "created_at": "2026-09-28T12:00:00.000000Z",
            "updated_at": "2026-09-28T12:00:01.000000Z",
        },
        id="order",
    ),
    pytest.param(
        [ORDER, samples.filled_event()],
        "order_events",
        {
            "id": 1,
            "timestamp": "2026-09-28T12:00:01.000000Z",
            "session": "s1",
            "order_id": samples.ORDER,
            "event": "FILL_ALL",
            "status_before": "OPEN",
            "status_after": "FILLED",
            "detail": "matched",
            "is_late": 0,
        },
        id="order event",
    ),
    pytest.param(
        [ORDER, samples.fill(), samples.settled()],
        "trades",
        {
            "id": 1,
            "timestamp": "2026-09-28T12:00:01.000000Z",
            "session": "s1",
            "strategy": "sniper",
            "venue": "paper",
            "market": "btc-up-1200",
            "instrument": "UP",
            "side": "BUY",
            "price": Decimal("0.95"),
            "size": Decimal("20.25"),
            "fee": Decimal("0.06733"),
            "fee_asset": "pUSD",
            "liquidity": "TAKER",
            "order_id": samples.ORDER,
            "trade_id": "t-1",
            "correlation_id": samples.CHAIN,
            "settlement": "SETTLED",
            "settled_at": "2026-09-28T12:00:19.000000Z",
            "realized_pnl": Decimal("1.5"),
        },
        id="fill and settlement",
    ),
    pytest.param(
        [ORDER, samples.reservation(), samples.reservation(is_closed=True)],
        "reservations",
        {
            "id": 1,
            "session": "s1",
            "order_id": samples.ORDER,
            "asset": "pUSD",
            "amount": Decimal("19.44"),
            "posted": Decimal("19.30483"),
            "pending": Decimal(0),
            "status": "closed",
        },
        id="reservation",
    ),
    pytest.param(
        [samples.position()],
        "positions",
        {
            "session": "s1",
            "strategy": "sniper",
            "exchange": "paper",
            "symbol": "UP",
            "market": "btc-up-1200",
            "side": "BUY",
            "quantity": Decimal("20.25"),
            "unsettled_quantity": Decimal(0),
            "cost": Decimal("19.2375"),
            "entry_price": Decimal("0.95"),
            "current_price": Decimal("0.97"),
            "fees": Decimal("0.06733"),
            "unrealized_pnl": Decimal("0.405"),
            "realized_pnl": Decimal(0),
            "status": "OPEN",
            "opened_at": "2026-09-28T12:00:01.000000Z",
            "closed_at": None,
            "updated_at": "2026-09-28T12:01:00.000000Z",
            "metadata": '{"cost":"19.2375","fees":"0.06733","realized_pnl":"0"}',
        },
        id="position",
    ),
    pytest.param(
        [samples.event()],
        "events",
        {
            "id": 1,
            "timestamp": "2026-09-28T12:01:00.000000Z",
            "session": "s1",
            "type": "REDEEMED",
            "source": "paper",
            "run_id": "s1-r1",
            "correlation_id": samples.CHAIN,
            "payload": '{"payout":"1"}',
        },
        id="event",
    ),
    pytest.param(
        [samples.gate_count(3), samples.gate_count(4)],
        "gate_counts",
        {
            "minute": "2026-09-28T12:00:00.000000Z",
            "session": "s1",
            "strategy": "sniper",
            "market": "btc-up-1200",
            "gate": "too early",
            "count": 7,
        },
        id="gate counts add up",
    ),
    pytest.param(
        [samples.metrics()],
        "strategy_metrics",
        {
            "id": 1,
            "timestamp": "2026-09-28T12:00:00.000000Z",
            "session": "s1",
            "strategy": "sniper",
            "signals": 1,
            "orders": 2,
            "fills": 3,
            "denials": 4,
            "duplicates": 5,
            "wins": 6,
            "losses": 7,
            "realized_pnl": Decimal("1.0125"),
            "unrealized_pnl": Decimal("0.405"),
            "fees": Decimal("0.06733"),
        },
        id="metrics",
    ),
]


@pytest.mark.parametrize(("records", "table", "expected"), CASES)
def test_a_record_reads_back_exactly(
    connection: sqlite3.Connection, records: list[Record], table: str, expected: dict[str, object]
) -> None:
    write(connection, *records)

    assert read(connection, table) == expected


def test_a_transfer_is_one_row_an_entry_and_sums_to_zero_in_units(connection: sqlite3.Connection) -> None:
    write(connection, samples.transfer())

    rows = connection.execute("SELECT transfer_id, entry, kind, account, asset, amount, units FROM ledger")

    name = f"{samples.ORDER}:reserve"
    assert rows.fetchall() == [
        (name, 1, "reserve", "CASH:s1/paper", "pUSD", -19.44, -19_440_000),
        (name, 2, "reserve", "RESERVED:s1/paper", "pUSD", 19.44, 19_440_000),
    ]
    assert connection.execute("SELECT sum(units) FROM ledger").fetchone() == (0,)


def test_a_signal_that_was_denied_and_is_ordered_later_stays_one_row(connection: sqlite3.Connection) -> None:
    write(connection, samples.signal(outcome=SignalOutcome.DENIED), samples.signal())

    assert connection.execute("SELECT id, outcome FROM signals").fetchall() == [(1, "ORDERED")]


def test_an_order_keeps_its_row_when_it_changes(connection: sqlite3.Connection) -> None:
    before = OrderRecord(order=samples.order())
    after = OrderRecord(order=samples.order(status=OrderStatus.FILLED, filled="20.25"))

    write(connection, before, samples.accepted(), after)

    rows = connection.execute("SELECT rowid, status, filled_size FROM orders").fetchall()
    assert rows == [(1, "FILLED", 20.25)]


def test_a_failed_settlement_takes_the_profit_back(connection: sqlite3.Connection) -> None:
    write(connection, ORDER, samples.fill(), samples.settled(Settlement.FAILED))

    rows = connection.execute("SELECT settlement, realized_pnl FROM trades").fetchall()
    assert rows == [("FAILED", 0.0)]


def test_a_closed_position_still_shows_its_entry_price(connection: sqlite3.Connection) -> None:
    write(connection, samples.position(), samples.position(is_closed=True))

    row = read(connection, "positions")

    assert row["status"] == "CLOSED"
    assert row["entry_price"] == Decimal("0.95")
    assert row["cost"] == Decimal(0)
    assert row["closed_at"] == "2026-09-28T12:01:00.000000Z"


def test_the_entry_price_is_rounded_and_the_cost_is_exact(connection: sqlite3.Connection) -> None:
    position = msgspec.structs.replace(samples.position(), quantity=Decimal(3), cost=Decimal(1))

    write(connection, position)

    row = read(connection, "positions")
    assert row["entry_price"] == Decimal("0.333333")
    assert row["cost"] == Decimal(1)


def test_the_same_fill_twice_fails(connection: sqlite3.Connection) -> None:
    write(connection, ORDER, samples.fill())

    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE constraint failed: trades"):
        write(connection, samples.fill())


def test_two_orders_may_share_a_trade(connection: sqlite3.Connection) -> None:
    other = OrderId("s1-other")
    both = (ORDER, OrderRecord(order=samples.order(order_id=other)))

    write(connection, *both, samples.fill(), samples.fill(order_id=other))

    assert connection.execute("SELECT count(*) FROM trades").fetchone() == (2,)


def test_a_fill_without_its_order_fails(connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        write(connection, samples.fill())


def test_an_amount_that_cannot_be_stored_exactly_is_refused() -> None:
    position: PositionRecord = msgspec.structs.replace(
        samples.position(), cost=Decimal("0.1234567890123456789")
    )

    with pytest.raises(ValueError, match="cannot be stored exactly"):
        rows_of(position, ORIGIN)


def test_the_samples_hold_every_kind_of_record() -> None:
    story: tuple[Transaction, ...] = samples.whole_chain()

    kinds = {type(record) for transaction in story for record in transaction.records}

    assert kinds == set(get_args(Record))
