"""Tables and indexes as numbered migrations; what is listed here is never edited, only added to."""

import sqlite3

from domain.errors import DatabaseError

APPLICATION_ID = 0x504D5444
"""Marks our files among all SQLite databases ("PMTD" in the header)."""

TABLES = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- A session is one continuous story; after a crash it goes on from its last durable transaction.
CREATE TABLE sessions(
    session TEXT PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('open', 'finished', 'abandoned')),
    fingerprint TEXT NOT NULL, opened_at TEXT NOT NULL, finished_at TEXT,
    last_sequence INTEGER NOT NULL DEFAULT 0, last_position INTEGER NOT NULL DEFAULT 0,
    last_time TEXT, last_digest TEXT NOT NULL DEFAULT '');
CREATE UNIQUE INDEX sessions_one_open ON sessions(status) WHERE status = 'open';

-- A run is one process working on a session; started_at and ended_at are wall time, all else is event time.
CREATE TABLE runs(
    run_id TEXT PRIMARY KEY, session TEXT NOT NULL REFERENCES sessions(session),
    started_at TEXT NOT NULL, ended_at TEXT, mode TEXT NOT NULL, market TEXT NOT NULL,
    strategies TEXT NOT NULL, seed INTEGER NOT NULL, config_hash TEXT NOT NULL, version TEXT NOT NULL,
    events INTEGER NOT NULL DEFAULT 0, outcome TEXT);

-- What was done to a session from outside, by the market event it came after: a re-execution repeats it there.
CREATE TABLE inputs(
    id INTEGER PRIMARY KEY, session TEXT NOT NULL, position INTEGER NOT NULL, kind TEXT NOT NULL,
    strategy TEXT NOT NULL, ordinal INTEGER NOT NULL, reason TEXT NOT NULL);
CREATE INDEX inputs_session ON inputs(session);

CREATE TABLE signals(
    id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL, session TEXT NOT NULL, number INTEGER NOT NULL,
    strategy TEXT NOT NULL, market TEXT NOT NULL, key TEXT NOT NULL, reason TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('ORDERED', 'DENIED', 'DUPLICATE')),
    UNIQUE (session, number));
CREATE INDEX signals_correlation ON signals(correlation_id);

CREATE TABLE denials(
    id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL, session TEXT NOT NULL, strategy TEXT NOT NULL,
    market TEXT NOT NULL, control TEXT NOT NULL, reason TEXT NOT NULL, value TEXT NOT NULL,
    limit_value TEXT NOT NULL, correlation_id TEXT NOT NULL);
CREATE INDEX denials_correlation ON denials(correlation_id);

CREATE TABLE gate_counts(
    minute TEXT NOT NULL, session TEXT NOT NULL, strategy TEXT NOT NULL, market TEXT NOT NULL,
    gate TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (session, minute, strategy, market, gate)) WITHOUT ROWID;

-- The unique key starts with the intent, so that an intent is found without knowing its session.
CREATE TABLE orders(
    id TEXT PRIMARY KEY, intent_id TEXT NOT NULL, generation INTEGER NOT NULL, session TEXT NOT NULL,
    correlation_id TEXT NOT NULL, strategy TEXT NOT NULL, venue TEXT NOT NULL, market TEXT NOT NULL,
    instrument TEXT NOT NULL, side TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')),
    time_in_force TEXT NOT NULL, post_only INTEGER NOT NULL, price REAL NOT NULL, size REAL NOT NULL,
    filled_size REAL NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL, reason TEXT NOT NULL,
    expires_at TEXT, valid_until TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    UNIQUE (intent_id, generation, session));
CREATE INDEX orders_correlation ON orders(correlation_id);

CREATE TABLE order_events(
    id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL, session TEXT NOT NULL,
    order_id TEXT NOT NULL REFERENCES orders(id) DEFERRABLE INITIALLY DEFERRED,
    event TEXT, status_before TEXT, status_after TEXT NOT NULL, detail TEXT NOT NULL,
    is_late INTEGER NOT NULL);
CREATE INDEX order_events_order ON order_events(order_id);

-- One row per execution; the unique key starts with the trade, which people ask for by itself.
CREATE TABLE trades(
    id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL, session TEXT NOT NULL, strategy TEXT NOT NULL,
    venue TEXT NOT NULL, market TEXT NOT NULL, instrument TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')), price REAL NOT NULL, size REAL NOT NULL,
    fee REAL NOT NULL, fee_asset TEXT NOT NULL, liquidity TEXT NOT NULL,
    order_id TEXT NOT NULL REFERENCES orders(id) DEFERRABLE INITIALLY DEFERRED,
    trade_id TEXT NOT NULL, correlation_id TEXT NOT NULL,
    settlement TEXT NOT NULL CHECK (settlement IN ('PENDING', 'SETTLED', 'FAILED')), settled_at TEXT,
    realized_pnl REAL NOT NULL,
    UNIQUE (trade_id, order_id, instrument, venue));
CREATE INDEX trades_order ON trades(order_id);
CREATE INDEX trades_timestamp ON trades(timestamp);

CREATE TABLE positions(
    session TEXT NOT NULL, strategy TEXT NOT NULL, exchange TEXT NOT NULL, symbol TEXT NOT NULL,
    market TEXT NOT NULL, side TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')), quantity REAL NOT NULL,
    unsettled_quantity REAL NOT NULL, cost REAL NOT NULL, entry_price REAL, current_price REAL,
    fees REAL NOT NULL, unrealized_pnl REAL, realized_pnl REAL NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('OPEN', 'CLOSED')),
    opened_at TEXT NOT NULL, closed_at TEXT, updated_at TEXT NOT NULL, metadata TEXT NOT NULL,
    PRIMARY KEY (session, strategy, exchange, symbol)) WITHOUT ROWID;

-- `units` is the amount as a whole number of millionths: sums of it are exact in any tool.
CREATE TABLE ledger(
    id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL, session TEXT NOT NULL, transfer_id TEXT NOT NULL,
    entry INTEGER NOT NULL, kind TEXT NOT NULL, account TEXT NOT NULL, asset TEXT NOT NULL,
    amount REAL NOT NULL, units INTEGER NOT NULL,
    UNIQUE (session, transfer_id, entry));
CREATE INDEX ledger_redemptions ON ledger(session, asset) WHERE kind = 'REDEEM';

CREATE TABLE reservations(
    id INTEGER PRIMARY KEY, session TEXT NOT NULL,
    order_id TEXT NOT NULL REFERENCES orders(id) DEFERRABLE INITIALLY DEFERRED,
    asset TEXT NOT NULL, amount REAL NOT NULL, posted REAL NOT NULL, pending REAL NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'closed')),
    UNIQUE (order_id, asset));

CREATE TABLE events(
    id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL, session TEXT NOT NULL, type TEXT NOT NULL,
    source TEXT NOT NULL, run_id TEXT NOT NULL, correlation_id TEXT NOT NULL, payload TEXT NOT NULL);
CREATE INDEX events_correlation ON events(correlation_id);

CREATE TABLE strategy_metrics(
    id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL, session TEXT NOT NULL, strategy TEXT NOT NULL,
    signals INTEGER NOT NULL, orders INTEGER NOT NULL, fills INTEGER NOT NULL, denials INTEGER NOT NULL,
    duplicates INTEGER NOT NULL, wins INTEGER NOT NULL, losses INTEGER NOT NULL,
    realized_pnl REAL NOT NULL, unrealized_pnl REAL NOT NULL, fees REAL NOT NULL);

-- What became of the trades of wallets that a strategy follows.
CREATE TABLE receipts(
    id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL, session TEXT NOT NULL, strategy TEXT NOT NULL,
    key TEXT NOT NULL, wallet TEXT NOT NULL, name TEXT NOT NULL, market TEXT NOT NULL,
    instrument TEXT NOT NULL, side TEXT NOT NULL, leader_price REAL NOT NULL, leader_size REAL NOT NULL,
    leader_time TEXT NOT NULL, our_price REAL, our_size REAL, our_time TEXT, slippage REAL, delay_s REAL,
    outcome TEXT NOT NULL, reason TEXT NOT NULL,
    UNIQUE (session, strategy, key));
"""

LIVE_TABLES = """
-- Grows by one with each process that opens the session: a process of an earlier epoch writes nothing any more.
ALTER TABLE sessions ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;

-- A market as it was last listed; `terms` is JSON with its instruments, ticks, minima and fees.
CREATE TABLE markets(
    session TEXT NOT NULL, id TEXT NOT NULL, venue TEXT NOT NULL, slug TEXT NOT NULL, question TEXT NOT NULL,
    category TEXT NOT NULL, event TEXT NOT NULL, opens_at TEXT NOT NULL, closes_at TEXT NOT NULL,
    terms TEXT NOT NULL,
    PRIMARY KEY (session, id)) WITHOUT ROWID;

CREATE TABLE resolutions(
    session TEXT NOT NULL, market TEXT NOT NULL, timestamp TEXT NOT NULL, payouts TEXT NOT NULL,
    PRIMARY KEY (session, market)) WITHOUT ROWID;

-- What was prepared for an order before its first byte left: the id at the venue and the signed payload.
CREATE TABLE payloads(
    order_id TEXT PRIMARY KEY REFERENCES orders(id) DEFERRABLE INITIALLY DEFERRED,
    venue_order_id TEXT NOT NULL, payload TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX payloads_venue_order ON payloads(venue_order_id);

-- Our books against the venue's: what differed, what was adopted or quarantined.
CREATE TABLE reconciliations(
    id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL, session TEXT NOT NULL, run_id TEXT NOT NULL,
    cause TEXT NOT NULL, verdict TEXT NOT NULL CHECK (verdict IN ('clean', 'drift', 'failed')),
    report TEXT NOT NULL);
"""

SCALES = """
-- `units` is the amount as a whole number of 10^-scale: 6 for pUSD and shares, 8 for an exchange's assets. All rows of
-- one asset have one scale, so that sums of units by asset are exact in any tool.
ALTER TABLE ledger ADD COLUMN scale INTEGER NOT NULL DEFAULT 6;
"""

MIGRATIONS = (TABLES, LIVE_TABLES, SCALES)
"""Number n (from 1) brings `user_version` from n − 1 to n."""


def migrate(connection: sqlite3.Connection, *, path: object) -> None:
    """Bring the database up to date, one transaction a step; DatabaseError where it is newer than we are."""
    version = user_version(connection)
    refuse_newer(version, path=path)
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE; {script}; PRAGMA application_id = {APPLICATION_ID};"
            f" PRAGMA user_version = {number}; COMMIT;"
        )


def refuse_newer(version: int, *, path: object) -> None:
    """Raise DatabaseError for a schema of a later program: guessing at its meaning could lose money."""
    if version > len(MIGRATIONS):
        raise DatabaseError(
            f"{path} has schema {version}, this program knows {len(MIGRATIONS)}:"
            " it was written by a newer one; update this program or give another --db"
        )


def user_version(connection: sqlite3.Connection) -> int:
    """Number of the last migration that was applied; 0 for a new file."""
    return _header(connection, "user_version")


def application_id(connection: sqlite3.Connection) -> int:
    """Whose database it is; 0 where its maker did not say."""
    return _header(connection, "application_id")


def _header(connection: sqlite3.Connection, field: str) -> int:
    (value,) = connection.execute(f"PRAGMA {field}").fetchone()
    assert isinstance(value, int)
    return value
