"""Amounts in REAL columns read back as they were written, or are refused."""

import sqlite3
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import AMOUNT_MAX
from storage.amounts import from_sql, to_sql

AMOUNTS = st.decimals(min_value=-AMOUNT_MAX, max_value=AMOUNT_MAX, places=6, allow_nan=False)


@given(amount=AMOUNTS)
def test_every_amount_of_six_decimals_reads_back_exactly(amount: Decimal) -> None:
    assert from_sql(to_sql(amount)) == amount


@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=20))
def test_a_real_column_gives_back_what_it_was_given(amounts: list[Decimal]) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t(amount REAL)")
    connection.executemany("INSERT INTO t VALUES (?)", [(to_sql(amount),) for amount in amounts])

    stored = [value for (value,) in connection.execute("SELECT amount FROM t ORDER BY rowid")]
    connection.close()

    assert [from_sql(value) for value in stored] == amounts
    assert msgspec.convert(stored, list[Decimal]) == amounts


@given(amount=st.decimals(allow_nan=True, allow_infinity=True))
def test_an_amount_is_stored_exactly_or_refused(amount: Decimal) -> None:
    try:
        value = to_sql(amount)
    except ValueError:
        return

    assert from_sql(value) == amount


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("123456789.123456789", id="18 digits"),
        pytest.param("0.3333333333333333333333333333", id="a third"),
        pytest.param("NaN", id="not a number"),
        pytest.param("Infinity", id="without end"),
        pytest.param("1E+400", id="beyond a float"),
    ],
)
def test_an_amount_that_a_float_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be stored exactly"):
        to_sql(Decimal(text))
