"""Every value of every record arrives in its column, and in the lines of the console and the logs that show it."""

import io
import logging
import sqlite3
from decimal import Decimal
from typing import get_args

import msgspec
import pytest
from msgspec import Struct

import logbook
from clock import format_time
from console import Console
from domain.identifiers import InstrumentId, SessionId
from domain.instrument import Market
from domain.records import (
    DenialRecord,
    EventRecord,
    FillRecord,
    GateCountRecord,
    MarketRecord,
    MetricsRecord,
    OrderEventRecord,
    OrderRecord,
    PayloadRecord,
    PositionRecord,
    ReceiptRecord,
    ReconciliationRecord,
    Record,
    ReservationRecord,
    ResolutionRecord,
    SettlementRecord,
    SignalRecord,
    Transaction,
    TransferRecord,
)
from storage.amounts import from_sql
from storage.rows import Origin, rows_of
from storage.schema import migrate
from tests.contract.crossings import RECORDS as ROWS
from tests.contract.examples import leaves
from tests.contract.record_examples import RECORDS
from tests.support.trading import DOWN, UP

ORIGIN = Origin(SessionId("s7"), "s7-r3")


def same(*names: str) -> dict[str, str]:
    """Fields whose columns are called alike."""
    return {name: name for name in names}


def within(field: str, columns: dict[str, str]) -> dict[str, str]:
    """The columns of the message that is this field."""
    return {f"{field}.{name}": column for name, column in columns.items()}


WHERE = {"strategy": "strategy", "market_id": "market"}
KEY = {"venue": "venue", "instrument_id": "instrument", "trade_id": "trade_id", "order_id": "order_id"}
ONLY_IN_TERMS = (
    *("instruments", "up_down.asset", "up_down.feed", "up_down.twap_s", "is_neg_risk", "is_reference"),
)
IN_COLUMNS_TOO = ("id", "venue", "slug", "question", "category", "event_id", "opens_ns", "closes_ns")
"""Terms of a market that nobody asks for by themselves, and those that people do."""

COLUMNS: dict[type, tuple[str, dict[str, str]]] = {
    SignalRecord: (
        "signals",
        {"time_ns": "timestamp", **WHERE, **same("number", "correlation_id", "key", "reason", "outcome")},
    ),
    DenialRecord: (
        "denials",
        {
            "time_ns": "timestamp",
            "limit": "limit_value",
            **WHERE,
            **same("correlation_id", "control", "reason", "value"),
        },
    ),
    OrderRecord: (
        "orders",
        within(
            "order",
            {
                **WHERE,
                "instrument_id": "instrument",
                "quantity": "size",
                "filled_quantity": "filled_size",
                "created_ns": "created_at",
                "updated_ns": "updated_at",
                "expires_ns": "expires_at",
                "valid_until_ns": "valid_until",
                **same("id", "intent_id", "generation", "correlation_id", "venue", "side", "time_in_force"),
                **same("post_only", "price", "status", "attempts", "reason"),
            },
        ),
    ),
    OrderEventRecord: (
        "order_events",
        {
            "time_ns": "timestamp",
            **same("order_id", "event", "status_before", "status_after", "detail", "is_late"),
        },
    ),
    FillRecord: (
        "trades",
        {
            **within("fill", {"time_ns": "timestamp", "market_id": "market", "quantity": "size", **KEY}),
            **within("fill", same("side", "price", "fee", "fee_asset", "liquidity")),
            **same("strategy", "correlation_id", "realized_pnl"),
        },
    ),
    SettlementRecord: ("trades", {"time_ns": "settled_at", "settlement": "settlement", **KEY}),
    TransferRecord: (
        "ledger",
        within("transfer", {"id": "transfer_id", "kind": "kind", "time_ns": "timestamp", "entries": "entry"}),
    ),
    ReservationRecord: (
        "reservations",
        {"is_closed": "status", **same("order_id", "asset", "amount", "posted", "pending")},
    ),
    PositionRecord: (
        "positions",
        {
            **WHERE,
            "venue": "exchange",
            "instrument_id": "symbol",
            "mark_price": "current_price",
            "opened_ns": "opened_at",
            "closed_ns": "closed_at",
            "updated_ns": "updated_at",
            **same("side", "quantity", "unsettled_quantity", "cost", "fees", "realized_pnl"),
            **same("unrealized_pnl"),
        },
    ),
    EventRecord: (
        "events",
        {"time_ns": "timestamp", "kind": "type", **same("source", "correlation_id", "payload")},
    ),
    GateCountRecord: ("gate_counts", {"minute_ns": "minute", **WHERE, **same("gate", "count")}),
    MetricsRecord: (
        "strategy_metrics",
        {
            "time_ns": "timestamp",
            **same("strategy", "signals", "orders", "fills", "denials", "duplicates", "wins", "losses"),
            **same("realized_pnl", "unrealized_pnl", "fees"),
        },
    ),
    ReceiptRecord: (
        "receipts",
        {
            "strategy": "strategy",
            **within(
                "receipt", {"time_ns": "timestamp", "market_id": "market", "instrument_id": "instrument"}
            ),
            **within("receipt", {"leader_quantity": "leader_size", "leader_time_ns": "leader_time"}),
            **within("receipt", {"our_quantity": "our_size", "our_time_ns": "our_time"}),
            **within("receipt", same("key", "wallet", "name", "side", "leader_price", "our_price")),
            **within("receipt", same("slippage", "delay_s", "outcome", "reason")),
        },
    ),
    MarketRecord: (
        "markets",
        {
            **within("market", same("id", "venue", "slug", "question", "category")),
            **within("market", {"event_id": "event", "opens_ns": "opens_at", "closes_ns": "closes_at"}),
            **{f"market.{name}": f"terms.{name}" for name in ONLY_IN_TERMS},
        },
    ),
    ResolutionRecord: (
        "resolutions",
        {
            "time_ns": "timestamp",
            "market_id": "market",
            **{f"payouts.{instrument_id}": f"payouts.{instrument_id}" for instrument_id in (UP, DOWN)},
        },
    ),
    PayloadRecord: ("payloads", same("order_id", "venue_order_id", "payload")),
    ReconciliationRecord: (
        "reconciliations",
        {"time_ns": "timestamp", **same("cause", "verdict", "report")},
    ),
}
"""Where each value of a record stands in the database, by the path of its field."""

JSON: dict[str, type] = {"terms": Market, "payouts": dict[InstrumentId, Decimal]}
"""Columns that hold several values: what they hold is looked at as columns of their own."""

DERIVED = {
    "markets": {f"terms.{name}" for name in IN_COLUMNS_TOO},
    "trades": {"settlement", "settled_at"},
    "ledger": {"account", "asset", "amount", "units", "scale"},
    "positions": {"entry_price", "status", "metadata"},
}
"""Columns that other records fill, or that are made of several values."""

UNUSUAL = {"is_closed": "closed", "transfer.entries": 1}
"""Values that are written in other words: of a transfer's entries it is the first that is read."""


def written(record: Record) -> dict[str, object]:
    """The first row that the record leaves in an empty database; for a settlement, beside its fill."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, path=":memory:")
    records = [RECORDS[FillRecord], record] if isinstance(record, SettlementRecord) else [record]
    for statement, values in (row for each in records for row in rows_of(each, ORIGIN)):
        assert connection.execute(statement.sql, values).rowcount == 1
    cursor = connection.execute(f"SELECT * FROM {COLUMNS[type(record)][0]}")
    row = cursor.fetchall()[0]
    connection.close()
    return {
        name: value
        for column, raw in zip(cursor.description, row, strict=True)
        for name, value in unpacked(column[0], raw).items()
    }


def unpacked(column: str, raw: object) -> dict[str, object]:
    """The value of a column by its name; of a column in JSON, each value that it holds."""
    if column in JSON:
        assert isinstance(raw, str)
        return leaves(msgspec.json.decode(raw, type=JSON[column]), f"{column}.")
    return {column: from_sql(raw) if isinstance(raw, float) else raw}


def stored(path: str, value: object) -> object:
    """A value as its column has it: times as text, truths as numbers, amounts and words as they are."""
    if path in UNUSUAL:
        return UNUSUAL[path]
    return format_time(value) if path.endswith("_ns") and isinstance(value, int) else value


@pytest.mark.parametrize("kind", get_args(Record))
def test_every_value_arrives_in_its_column(kind: type) -> None:
    record = RECORDS[kind]
    values, columns, row = leaves(record), COLUMNS[kind][1], written(record)

    assert columns.keys() == values.keys()
    assert {path: row[column] for path, column in columns.items()} == {
        path: stored(path, value) for path, value in values.items()
    }


@pytest.mark.parametrize("kind", get_args(Record))
def test_every_column_is_filled_by_somebody(kind: type) -> None:
    table, columns = COLUMNS[kind]
    row = written(RECORDS[kind])
    ours = {"id"} - set(columns.values()) | {"session", "run_id"}

    if kind is not SettlementRecord:
        assert row.keys() - ours == set(columns.values()) | DERIVED.get(table, set())
    assert row.get("session", ORIGIN.session) == ORIGIN.session
    assert row.get("run_id", ORIGIN.run_id) == ORIGIN.run_id


def test_the_entries_of_a_transfer_arrive_one_a_row() -> None:
    record = RECORDS[TransferRecord]
    assert isinstance(record, TransferRecord)
    _, *first = record.transfer.entries[0]

    row = written(record)

    assert row["account"] == "CASH:s1/paper"
    assert [row["asset"], row["amount"]] == first
    assert row["units"] == 20_500_000  # 20.5 pUSD in millionths


@pytest.mark.parametrize("kind", get_args(Record))
def test_no_two_values_of_an_example_are_the_same(kind: type[Struct]) -> None:
    values = [value for value in leaves(RECORDS[kind]).values() if not isinstance(value, bool)]

    assert len(set(values)) == len(values)


# --- what people see ------------------------------------------------------------------------------------

CONSOLE: dict[type, str] = {
    DenialRecord: "strategy control reason value limit",
    OrderRecord: "order.side order.quantity order.price order.time_in_force order.strategy order.id order.reason",
    OrderEventRecord: "order_id detail",
    FillRecord: "fill.quantity fill.price fill.fee fill.market_id fill.order_id",
    SettlementRecord: "trade_id",
    TransferRecord: "",
}
"""Values that a person must see of a record; a kind that is not here shows nothing."""

LOGS: dict[type, str] = {
    SignalRecord: "key reason outcome correlation_id",
    DenialRecord: "control reason value limit",
    OrderRecord: "order.id order.status order.filled_quantity",
    OrderEventRecord: "order_id event detail",
    FillRecord: "fill.quantity fill.price fill.trade_id fill.order_id fill.fee",
    SettlementRecord: "trade_id",
    TransferRecord: "transfer.id",
    EventRecord: "kind payload",
    MetricsRecord: "signals orders fills denials realized_pnl fees",
}
"""Values that a line of the logs must hold; a kind that is not here is not logged."""


def transaction_of(kind: type) -> Transaction:
    """The example alone in a transaction of another moment."""
    return Transaction(sequence=1, position=2, time_ns=1_790_600_000_000_000_000, records=(RECORDS[kind],))


@pytest.mark.parametrize("kind", get_args(Record))
def test_the_console_shows_what_a_person_must_see(kind: type) -> None:
    stream = io.StringIO()

    Console(stream).show(transaction_of(kind))

    values = leaves(RECORDS[kind])
    assert bool(stream.getvalue()) == (kind in CONSOLE)
    assert [
        path for path in CONSOLE.get(kind, "").split() if str(values[path]) not in stream.getvalue()
    ] == []
    assert all(line[:10] == "12:53:20.0" for line in stream.getvalue().splitlines())


def test_the_console_shows_what_a_redemption_brought() -> None:
    stream = io.StringIO()

    Console(stream).show(transaction_of(TransferRecord))

    assert stream.getvalue() == "12:53:20.0  redeemed  20.50 pUSD, profit +20.50 before fees\n"


@pytest.mark.parametrize("kind", get_args(Record))
def test_the_logs_hold_what_must_be_found_later(kind: type, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    logbook.write(transaction_of(kind))

    text = " ".join(f"{line.getMessage()} {vars(line)['fields']}" for line in caplog.records)
    values = leaves(RECORDS[kind])
    assert len(caplog.records) == (kind in LOGS)
    assert [path for path in LOGS.get(kind, "").split() if str(values[path]) not in text] == []
    assert all(vars(line)["event_time_ns"] == transaction_of(kind).time_ns for line in caplog.records)


@pytest.mark.parametrize("kind", LOGS)
def test_what_a_strategy_did_goes_to_its_own_log(kind: type, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    logbook.write(transaction_of(kind))

    values = leaves(RECORDS[kind])
    strategy = values.get("strategy", values.get("order.strategy"))
    assert [line.name for line in caplog.records] == [f"strategies.{strategy}" if strategy else "daemon"]


def test_the_table_says_who_shows_and_who_logs() -> None:
    takers = {row.message: row.takers.split() for row in ROWS}

    # Of events and listings, the console only learns the names of markets and outcomes.
    assert {kind for kind in takers if "console" in takers[kind]} == {*CONSOLE, EventRecord, MarketRecord}
    assert {kind for kind in takers if "logbook" in takers[kind]} == set(LOGS)
