"""Double entry: accounts, transfers that sum to zero per asset, and the balances that they make."""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from domain.errors import InvariantError
from domain.money import ZERO


class AccountKind(StrEnum):
    """The chart of accounts. What we own is positive; where it came from (EXTERNAL, REALISED_PNL) is negative."""

    CASH = "CASH"
    RESERVED = "RESERVED"
    UNSETTLED = "UNSETTLED"
    INVENTORY = "INVENTORY"
    FEES = "FEES"
    REWARDS = "REWARDS"
    REALISED_PNL = "REALISED_PNL"
    EXTERNAL = "EXTERNAL"
    ROUNDING = "ROUNDING"
    CLEARING = "CLEARING"
    SUSPENSE = "SUSPENSE"


class Account(NamedTuple):
    """A kind and an owner: a wallet (`s1/paper`) for money, a strategy (`s1/sniper`) for what it holds."""

    kind: AccountKind
    owner: str

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.owner}"


class Entry(NamedTuple):
    """One line of a transfer."""

    account: Account
    asset: str
    amount: Decimal


class Transfer(Struct, frozen=True, kw_only=True):
    """Entries that belong together; the id is unique, so that nothing is posted twice."""

    id: str
    kind: str
    time_ns: int
    entries: tuple[Entry, ...]

    def unbalanced_assets(self) -> list[str]:
        """Return the assets whose entries do not sum to zero; empty for a sound transfer (invariant I1)."""
        sums: dict[str, Decimal] = {}
        for entry in self.entries:
            sums[entry.asset] = sums.get(entry.asset, ZERO) + entry.amount
        return [asset for asset, total in sums.items() if total != 0]


class Ledger:
    """Balances by (account, asset); changes only by transfers, which are checked as they are posted."""

    def __init__(self) -> None:
        self._balances: dict[tuple[Account, str], Decimal] = {}

    def post(self, transfer: Transfer) -> None:
        """Apply a transfer; raise InvariantError where it does not sum to zero per asset."""
        if wrong := transfer.unbalanced_assets():
            raise InvariantError(f"I1: transfer {transfer.id} does not sum to zero in {', '.join(wrong)}")
        for account, asset, amount in transfer.entries:
            key = account, asset
            balance = self._balances.get(key, ZERO) + amount
            if balance:
                self._balances[key] = balance
            else:
                self._balances.pop(key, None)

    def restore(self, balances: Iterable[Entry]) -> None:
        """Take the balances of an earlier process; raise InvariantError where they do not sum to zero per asset."""
        whole = Transfer(id="restored", kind="RESTORE", time_ns=0, entries=tuple(balances))
        self.post(whole)

    def balance(self, kind: AccountKind, owner: str, asset: str) -> Decimal:
        """Balance of one account; zero where nothing was ever posted."""
        return self._balances.get((Account(kind, owner), asset), ZERO)

    def total(self, kind: AccountKind, asset: str) -> Decimal:
        """Sum of one kind of account over its owners."""
        return sum((b for (a, s), b in self._balances.items() if a.kind is kind and s == asset), ZERO)

    def balances(self) -> Iterable[tuple[Account, str, Decimal]]:
        """All balances that are not zero, in the order in which the accounts were first used."""
        return ((account, asset, balance) for (account, asset), balance in self._balances.items())
