"""Double entry: transfers that balance per asset (I1), and the balances that they make."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvariantError
from domain.ledger import Account, AccountKind, Entry, Ledger, Transfer
from tests.support.trading import NOW_NS, d

CASH, RESERVED = Account(AccountKind.CASH, "s1/paper"), Account(AccountKind.RESERVED, "s1/paper")
ACCOUNTS = st.builds(Account, st.sampled_from(AccountKind), st.sampled_from(["s1/paper", "s1/alpha"]))
MOVES = st.lists(
    st.tuples(ACCOUNTS, ACCOUNTS, st.sampled_from(["pUSD", "m:UP"]), st.integers(-1000, 1000)), max_size=20
)


def transfer(*entries: Entry, name: str = "t") -> Transfer:
    """A transfer of these entries."""
    return Transfer(id=name, kind="TEST", time_ns=NOW_NS, entries=entries)


@given(MOVES)
def test_balances_sum_to_zero_per_asset(moves: list[tuple[Account, Account, str, int]]) -> None:
    ledger = Ledger()

    for source, target, asset, amount in moves:
        ledger.post(transfer(Entry(source, asset, d(-amount)), Entry(target, asset, d(amount))))

    sums: Counter[str] = Counter()
    for _, asset, balance in ledger.balances():
        sums[asset] += int(balance)
    assert not any(sums.values())


@given(MOVES)
def test_a_balance_is_the_sum_of_its_entries(moves: list[tuple[Account, Account, str, int]]) -> None:
    ledger = Ledger()
    expected: Counter[tuple[Account, str]] = Counter()

    for source, target, asset, amount in moves:
        ledger.post(transfer(Entry(source, asset, d(-amount)), Entry(target, asset, d(amount))))
        expected[source, asset] -= amount
        expected[target, asset] += amount

    for (account, asset), balance in expected.items():
        assert ledger.balance(account.kind, account.owner, asset) == balance


@pytest.mark.parametrize(
    ("entries", "asset"),
    [
        pytest.param((Entry(CASH, "pUSD", d("0.000001")),), "pUSD", id="one unit from nowhere"),
        pytest.param(
            (Entry(CASH, "pUSD", d(1)), Entry(RESERVED, "pUSD", d("-0.999999"))), "pUSD", id="one unit lost"
        ),
        pytest.param(
            (Entry(CASH, "pUSD", d(1)), Entry(RESERVED, "m:UP", d(-1))), "pUSD, m:UP", id="across assets"
        ),
    ],
)
def test_what_does_not_balance_is_not_posted(entries: tuple[Entry, ...], asset: str) -> None:
    ledger = Ledger()

    with pytest.raises(InvariantError, match=f"I1: transfer t does not sum to zero in {asset}"):
        ledger.post(transfer(*entries))

    assert list(ledger.balances()) == []


def test_accounts_of_one_kind_add_up_over_their_owners() -> None:
    ledger, other = Ledger(), Account(AccountKind.FEES, "s1/beta")
    fees = Account(AccountKind.FEES, "s1/alpha")

    ledger.post(
        transfer(
            Entry(fees, "pUSD", d("0.3")), Entry(other, "pUSD", d("0.2")), Entry(CASH, "pUSD", d("-0.5"))
        )
    )

    assert ledger.total(AccountKind.FEES, "pUSD") == d("0.5")  # 0.3 + 0.2
    assert ledger.total(AccountKind.FEES, "m:UP") == 0


def test_an_account_that_is_empty_again_is_forgotten() -> None:
    ledger = Ledger()

    ledger.post(transfer(Entry(CASH, "pUSD", d(-5)), Entry(RESERVED, "pUSD", d(5))))
    ledger.post(transfer(Entry(CASH, "pUSD", d(5)), Entry(RESERVED, "pUSD", d(-5)), name="back"))

    assert list(ledger.balances()) == []


def test_an_account_is_written_as_kind_and_owner() -> None:
    assert str(Account(AccountKind.REALISED_PNL, "s1/sniper")) == "REALISED_PNL:s1/sniper"
