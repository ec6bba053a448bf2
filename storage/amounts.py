"""Exact amounts in REAL columns: people sum them in the sqlite3 shell, and we read back what we wrote."""

from decimal import Decimal
from functools import lru_cache


def to_sql(amount: Decimal) -> float:
    """Return the REAL that reads back as this very amount; raise ValueError where there is none.

    Up to 15 significant digits always have one: amounts of six decimals below a billion, of eight below ten millions.

    >>> to_sql(Decimal("19.440000"))
    19.44
    """
    if amount.is_finite() and (value := _exact(amount)) is not None:
        return value
    raise ValueError(f"{amount} cannot be stored exactly: a REAL column holds 15 digits; round it first")


def to_sql_optional(amount: Decimal | None) -> float | None:
    """As `to_sql`, with NULL for an amount that is not known."""
    return None if amount is None else to_sql(amount)


@lru_cache(maxsize=4_096)
def _exact(amount: Decimal) -> float | None:
    """The REAL that reads back as this amount; most amounts of a transaction were written a moment ago."""
    value = float(amount)  # float: returned only where it reads back as the same Decimal
    return value if from_sql(value) == amount else None


def from_sql(value: float) -> Decimal:
    """Read a REAL column by its shortest decimal form, which is the amount that `to_sql` was given.

    >>> from_sql(0.1)
    Decimal('0.1')
    """
    return Decimal(repr(value))
