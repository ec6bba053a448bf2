"""Old looks take few rows, and every question about them has the answer that it had before."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clock import format_time
from domain.identifiers import MarketId
from domain.inputs import Input, InputKind
from domain.records import GateCountRecord, Transaction
from storage import queries
from storage.database import open_database
from storage.retention import DAY_NS, HOUR_NS, Bounds, bounds_at, fold
from storage.store import Store
from tests.storage.samples import MARKET, MINUTE_NS, NOON_NS, RUN, SNIPER, event

SETTINGS = {"market": "btc"}
NOW = bounds_at(NOON_NS)
EDGE_NS = NOON_NS - DAY_NS
"""What was looked at before this moment is old when it is noon; noon is a whole hour."""

OLDEST_NS = NOON_NS - 12 * HOUR_NS - 30 * DAY_NS
"""What was looked at before this midnight is counted by the day when it is noon."""

Look = tuple[int, str, int]
"""Minute, gate, count."""


@pytest.fixture(name="connection")
def open_empty(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The tables of a database that has no session yet."""
    database = open_database(tmp_path / "x.db")
    yield database.connection
    database.close()


def put(connection: sqlite3.Connection, *looks: Look, session: str = "s1", market: str = MARKET) -> None:
    """Count looks as the store does: what a minute has already is added to."""
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO gate_counts(minute, session, strategy, market, gate, count) VALUES (?, ?, 'sniper', ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET count = count + excluded.count",
        [(format_time(time_ns), session, market, gate, count) for time_ns, gate, count in looks],
    )
    connection.execute("COMMIT")


def left(connection: sqlite3.Connection, columns: str = "minute, gate, count") -> list[tuple[object, ...]]:
    """The rows that are left."""
    return connection.execute(f"SELECT {columns} FROM gate_counts ORDER BY session, minute, gate").fetchall()


def test_the_minutes_of_an_old_hour_become_one_row_under_the_last_of_them(
    connection: sqlite3.Connection,
) -> None:
    hour_ns = EDGE_NS - HOUR_NS
    put(connection, (hour_ns, "wide", 3), (hour_ns + 7 * MINUTE_NS, "wide", 4), (hour_ns, "late", 5))

    fold(connection, "s1", Bounds(), NOW)

    assert left(connection) == [
        ("2026-09-27T11:00:00.000000Z", "late", 5),
        ("2026-09-27T11:07:00.000000Z", "wide", 7),  # 3 + 4
    ]


@pytest.mark.parametrize(
    ("first_ns", "rows"),
    [
        pytest.param(EDGE_NS - HOUR_NS, 1, id="the hour before a day ago"),
        pytest.param(EDGE_NS, 2, id="the hour that begins a day ago"),
        pytest.param(EDGE_NS + HOUR_NS, 2, id="the hour after"),
        pytest.param(NOON_NS - HOUR_NS, 2, id="the last hour"),
    ],
)
def test_a_day_stays_counted_by_the_minute(connection: sqlite3.Connection, first_ns: int, rows: int) -> None:
    put(connection, (first_ns, "wide", 1), (first_ns + 59 * MINUTE_NS, "wide", 1))

    fold(connection, "s1", Bounds(), NOW)

    assert len(left(connection)) == rows
    assert left(connection, "sum(count)") == [(2,)]


@pytest.mark.parametrize(
    ("first_ns", "rows"),
    [
        pytest.param(OLDEST_NS - DAY_NS, 1, id="the day before thirty days ago"),
        pytest.param(OLDEST_NS, 2, id="the day thirty days ago"),
        pytest.param(OLDEST_NS + DAY_NS, 2, id="the day after"),
    ],
)
def test_the_hours_of_an_old_day_become_one_row(
    connection: sqlite3.Connection, first_ns: int, rows: int
) -> None:
    put(connection, (first_ns, "wide", 1), (first_ns + 23 * HOUR_NS, "wide", 1))

    fold(connection, "s1", Bounds(), NOW)

    assert len(left(connection)) == rows
    assert left(connection, "sum(count)") == [(2,)]


def test_gates_markets_and_sessions_stay_apart(connection: sqlite3.Connection) -> None:
    old_ns = EDGE_NS - HOUR_NS
    for number in range(2):
        put(connection, (old_ns + number * MINUTE_NS, "wide", 1), (old_ns + number * MINUTE_NS, "late", 2))
        put(connection, (old_ns + number * MINUTE_NS, "wide", 4), market="other")
        put(connection, (old_ns + number * MINUTE_NS, "wide", 8), session="s2")

    fold(connection, "s1", Bounds(), NOW)

    assert sorted(left(connection, "session, market, gate, count")) == [
        ("s1", MARKET, "late", 4),
        ("s1", MARKET, "wide", 2),
        ("s1", "other", "wide", 8),
        ("s2", MARKET, "wide", 8),
        ("s2", MARKET, "wide", 8),
    ]


def test_what_is_left_has_a_bound_however_long_a_market_is_looked_at(connection: sqlite3.Connection) -> None:
    days = 33
    put(connection, *((NOON_NS - number * 10 * MINUTE_NS, "wide", 1) for number in range(1, days * 144 + 1)))

    fold(connection, "s1", Bounds(), NOW)

    # Counted every ten minutes: a day of them, 30.5 days less that one by the hour, and the days before: 3.
    assert len(left(connection)) == 144 + (30 * 24 + 12 - 24) + 3
    assert left(connection, "sum(count)") == [(days * 144,)]


@given(
    looks=st.lists(
        st.tuples(
            st.integers(0, 40 * 1_440),
            st.sampled_from(["wide", "late"]),
            st.integers(1, 9),
            st.integers(0, 90),
            st.booleans(),
        ),
        max_size=25,
    )
)
def test_folding_often_or_once_leaves_the_same_rows(looks: list[tuple[int, str, int, int, bool]]) -> None:
    often, once = (tables_in_memory() for _ in range(2))
    start_ns, now_ns, bounds = NOON_NS - 40 * DAY_NS, 0, Bounds()
    for minute, gate, count, lateness, is_folded in sorted(looks):
        now_ns = start_ns + minute * MINUTE_NS
        # A strategy that hears nothing for long tells its counts late, under the minute in which it looked.
        look = (now_ns - lateness * 45 * MINUTE_NS, gate, count)
        put(often, look)
        put(once, look)
        if is_folded:
            fold(often, "s1", bounds, bounds_at(now_ns))
            bounds = bounds_at(now_ns)

    for connection in (often, once):
        fold(connection, "s1", Bounds(), bounds_at(now_ns))

    assert left(often) == left(once)
    assert left(once, "coalesce(sum(count), 0)") == [(sum(count for _, _, count, _, _ in looks),)]


def tables_in_memory() -> sqlite3.Connection:
    """The one table that is folded."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(
        "CREATE TABLE gate_counts(minute TEXT, session TEXT, strategy TEXT, market TEXT, gate TEXT, count INTEGER,"
        " PRIMARY KEY (session, minute, strategy, market, gate)) WITHOUT ROWID"
    )
    return connection


# --- through the store ------------------------------------------------------------------------------


def told(hours: int) -> list[Transaction]:
    """So many hours in each of which a market was looked at in three minutes, one transaction each."""
    return [
        Transaction(
            sequence=hour * 3 + turn + 1,
            position=hour,
            time_ns=NOON_NS + hour * HOUR_NS + (20 * turn + 1) * MINUTE_NS,
            records=(
                GateCountRecord(
                    minute_ns=NOON_NS + hour * HOUR_NS + 20 * turn * MINUTE_NS,
                    strategy=SNIPER,
                    market_id=MarketId(MARKET),
                    gate="wide",
                    count=hour + 1,
                ),
            ),
        )
        for hour in range(hours)
        for turn in range(3)
    ]


async def play(path: Path, transactions: list[Transaction], *, until: int | None = None) -> None:
    """A run that commits so many of the transactions, from the first one on, as a restart does."""
    store = Store.open(path, account_kind="paper on a recording")
    store.begin(fingerprint=SETTINGS, run=RUN, fresh=False)
    for item in transactions[:until]:
        store.commit(item)
        if item.sequence % 40 == 0:
            await store.wait_durable()
    await store.finish("stopped", until is None, 0)
    await store.close()


def stored(path: Path, columns: str = "minute, gate, count") -> list[tuple[object, ...]]:
    """What is in the file."""
    connection = sqlite3.connect(path)
    rows = left(connection, columns)
    connection.close()
    return rows


def test_a_run_keeps_a_day_of_minutes_and_a_row_for_each_hour_before(tmp_path: Path) -> None:
    asyncio.run(play(tmp_path / "x.db", told(48)))

    # The last look is at hour 47:40, so that what is older than hour 23 is folded: 23 hours, and 25 × 3 minutes.
    assert len(stored(tmp_path / "x.db")) == 23 + 25 * 3
    assert stored(tmp_path / "x.db", "sum(count)") == [(3 * 48 * 49 // 2,)]


def test_a_run_that_was_interrupted_ends_with_the_rows_of_one_that_was_not(tmp_path: Path) -> None:
    transactions = told(60)
    asyncio.run(play(tmp_path / "whole.db", transactions))

    for until in (5, 80, 81, 150, None):
        asyncio.run(play(tmp_path / "parts.db", transactions, until=until))

    assert stored(tmp_path / "parts.db") == stored(tmp_path / "whole.db")


def test_a_run_folds_while_it_goes_on(tmp_path: Path) -> None:
    async def scenario() -> int:
        store = Store.open(tmp_path / "x.db", account_kind="paper on a recording")
        store.begin(fingerprint=SETTINGS, run=RUN, fresh=False)
        for item in told(48):
            store.commit(item)
            await store.wait_durable()
        rows = len(stored(tmp_path / "x.db"))
        await store.close()
        return rows

    assert asyncio.run(scenario()) == 23 + 25 * 3


def test_a_run_begins_with_folding_what_a_killed_one_left(tmp_path: Path) -> None:
    async def scenario() -> tuple[object, ...]:
        store = Store.open(path, account_kind="paper on a recording")
        store.begin(fingerprint=SETTINGS, run=RUN, fresh=False)
        store.add_input(Input(position=0, kind=InputKind.KEEP))
        await store.wait_durable()
        first = stored(path)[0]
        await store.close()
        return first

    path, transactions = tmp_path / "x.db", told(48)
    asyncio.run(play(path, transactions, until=len(transactions)))
    connection = sqlite3.connect(path)
    put(connection, (NOON_NS, "wide", 2), (NOON_NS + MINUTE_NS, "wide", 2))
    connection.close()

    first = asyncio.run(scenario())

    assert first == (
        "2026-09-28T12:40:00.000000Z",
        "wide",
        3 + 4,
    )  # three looks of the hour, and four late ones


@pytest.mark.parametrize("since_s", [None, 3_600, 86_400, 2 * 86_400])
def test_why_a_market_was_not_traded_has_the_same_answer(tmp_path: Path, since_s: int | None) -> None:
    folded, plain = tmp_path / "folded.db", tmp_path / "plain.db"
    transactions = told(48)
    asyncio.run(play(folded, transactions))
    asyncio.run(play(plain, transactions))
    connection = sqlite3.connect(plain)
    connection.execute("DELETE FROM gate_counts")
    connection.commit()
    counted = [record for item in transactions for record in item.records]
    put(connection, *((r.minute_ns, r.gate, r.count) for r in counted if isinstance(r, GateCountRecord)))
    connection.close()

    answers = [asyncio.run(queries.why_market(path, MARKET, since_s=since_s)) for path in (folded, plain)]

    assert answers[0] == answers[1]


def test_nothing_is_folded_where_nothing_is_old(tmp_path: Path) -> None:
    quiet = Transaction(sequence=1, position=0, time_ns=NOON_NS, records=(event(),))

    asyncio.run(play(tmp_path / "x.db", [quiet]))

    assert stored(tmp_path / "x.db") == []
