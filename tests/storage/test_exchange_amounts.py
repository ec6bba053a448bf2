"""Amounts of an exchange, with eight decimals, are stored and read back to the last one."""

import sqlite3
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identifiers import SessionId
from domain.instrument import assets_of
from domain.ledger import Account, AccountKind, Entry, Transfer
from domain.records import OrderRecord, PositionRecord, TransferRecord
from storage.amounts import from_sql, to_sql
from storage.remembering import remember
from storage.rows import Origin, rows_of
from storage.schema import MIGRATIONS, migrate, user_version
from tests.support.spot import BTC, SPOT_WALLET, SpotTrader, spot_fill
from tests.support.trading import NOW_NS, SESSION, d, filled_report

ORIGIN = Origin(SESSION, "s1-r1")
LARGE = Decimal(10) ** 7
AMOUNTS = st.decimals(min_value=-LARGE + 1, max_value=LARGE - 1, places=8, allow_nan=False)


@pytest.fixture(name="connection")
def open_memory() -> Iterator[sqlite3.Connection]:
    """A new database in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, path=":memory:")
    yield connection
    connection.close()


def store(connection: sqlite3.Connection, *records: object) -> None:
    """Write records as the store would."""
    for record in records:
        for statement, values in rows_of(record, ORIGIN):  # type: ignore[arg-type]  # any record
            connection.execute(statement.sql, values)


def transfer(amount: Decimal, asset: str, *, number: int = 1) -> TransferRecord:
    """Money of this asset from outside."""
    entries = (
        Entry(Account(AccountKind.CASH, SPOT_WALLET), asset, amount),
        Entry(Account(AccountKind.EXTERNAL, SPOT_WALLET), asset, -amount),
    )
    return TransferRecord(transfer=Transfer(id=f"t{number}", kind="DEPOSIT", time_ns=NOW_NS, entries=entries))


@given(amount=AMOUNTS)
def test_every_amount_of_eight_decimals_below_ten_millions_reads_back_exactly(amount: Decimal) -> None:
    assert from_sql(to_sql(amount)) == amount


@pytest.mark.parametrize(
    ("asset", "amount", "units", "scale"),
    [
        pytest.param("USDT", "0.00000001", 1, 8, id="an exchange's money"),
        pytest.param("pUSD", "0.000001", 1, 6, id="pUSD"),
        pytest.param("0x5e:UP", "1.5", 1_500_000, 6, id="shares"),
    ],
)
def test_units_are_whole_numbers_of_the_asset_s_own_scale(
    connection: sqlite3.Connection, asset: str, amount: str, units: int, scale: int
) -> None:
    store(connection, transfer(d(amount), asset))

    rows = connection.execute("SELECT amount, units, scale FROM ledger WHERE account LIKE 'CASH:%'")
    assert rows.fetchall() == [(float(amount), units, scale)]


def test_a_finer_amount_than_a_unit_is_refused(connection: sqlite3.Connection) -> None:
    with pytest.raises(ValueError, match="not a whole number of units of 1E-8"):
        store(connection, transfer(d("0.000000001"), "USDT"))


def test_balances_and_fills_of_an_exchange_are_read_back(connection: sqlite3.Connection) -> None:
    trader = SpotTrader(cash="9999.12345678")
    order = trader.opened("BUY 0.01234 60000.01")
    trader.report(filled_report(spot_fill(order, "0.00123", fee="0.00000123")))
    store(connection, transfer(d("9999.12345678"), "USDT"), *trader.journal)

    remembered = remember(connection, SessionId("s1"))

    ledger = {(entry.account, entry.asset): entry.amount for entry in remembered.balances}
    assert ledger == {(a, asset): amount for a, asset, amount in trader.portfolio.ledger.balances()}
    ((record, booked),) = remembered.unsettled
    (ours,) = trader.portfolio.unsettled.values()
    assert (record.fill, booked.entries) == (ours.fill, ours.transfer.entries)
    assert assets_of(record.fill.instrument_id) == ("BTC", "USDT")


@pytest.mark.parametrize(
    ("quantity", "cost", "price"),
    [
        pytest.param("3", "180000.01", 60000.0033333, id="a dear one"),
        pytest.param("30000000", "370.37", 0.0000123456666667, id="one worth a hundred-thousandth"),
        pytest.param("0.00000007", "100000000.1", 1428571430000000.0, id="beyond all measure"),
    ],
)
def test_an_entry_price_has_twelve_digits(
    connection: sqlite3.Connection, quantity: str, cost: str, price: float
) -> None:
    trader = SpotTrader()
    order = trader.opened("BUY 0.01 60000")
    trader.fill(spot_fill(order, "0.01"))
    position = next(r for r in reversed(trader.journal) if isinstance(r, PositionRecord))
    fields = {name: getattr(position, name) for name in position.__struct_fields__}

    store(connection, PositionRecord(**(fields | {"quantity": d(quantity), "cost": d(cost)})))

    assert connection.execute("SELECT entry_price, symbol FROM positions").fetchall() == [(price, BTC)]


def test_an_older_database_gets_the_scale_that_its_units_have() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for number, script in enumerate(MIGRATIONS[:2], start=1):
        connection.executescript(f"{script}; PRAGMA user_version = {number};")
    connection.execute(
        "INSERT INTO ledger(timestamp, session, transfer_id, entry, kind, account, asset, amount, units)"
        " VALUES ('2026-09-28T12:00:00.000000Z', 's1', 't', 1, 'DEPOSIT', 'CASH:s1/paper', 'pUSD', 20.5, 20500000)"
    )

    migrate(connection, path=":memory:")

    (balance,) = remember(connection, SessionId("s1")).balances
    assert (balance.amount, user_version(connection)) == (d("20.5"), len(MIGRATIONS))
    connection.close()


def test_orders_of_a_pair_are_stored(connection: sqlite3.Connection) -> None:
    trader = SpotTrader()
    order = trader.opened("BUY 0.00123 60000.01")

    store(connection, OrderRecord(order=order))

    row = connection.execute("SELECT instrument, price, size FROM orders").fetchone()
    assert row == (BTC, 60000.01, 0.00123)
