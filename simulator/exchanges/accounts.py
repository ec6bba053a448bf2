"""Accounts of a simulated exchange: who has a key, and what is free and what is locked for open orders."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from domain.money import ZERO
from simulator.exchanges.orders import OrderRefusedError, Refusal


class Balance(Struct, frozen=True):
    """Amounts of one asset; both are never negative."""

    free: Decimal = ZERO
    locked: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """What the account owns, whether it can spend it now or not."""
        return self.free + self.locked


class Account:
    """One API key with its secret, its permissions and its balances."""

    def __init__(self, api_key: str, secret: str, balances: Mapping[str, Decimal]) -> None:
        self.api_key = api_key
        self.secret = secret
        self.can_withdraw = False
        """Whether the key may withdraw; a careful client refuses such a key."""
        self._balances = {asset: Balance(free=amount) for asset, amount in balances.items()}

    def balance(self, asset: str) -> Balance:
        """What the account has of an asset; zero of one that it never had."""
        return self._balances.get(asset, Balance())

    def balances(self) -> dict[str, Balance]:
        """Every asset that the account has ever had."""
        return dict(self._balances)

    def deposit(self, asset: str, amount: Decimal) -> None:
        """Add to what is free; a negative amount takes away, and more than is free raises OrderRefusedError."""
        old = self.balance(asset)
        if old.free + amount < 0:
            raise OrderRefusedError(Refusal.INSUFFICIENT_BALANCE)
        self._balances[asset] = Balance(free=old.free + amount, locked=old.locked)

    def lock(self, asset: str, amount: Decimal) -> None:
        """Hold back for an order what is free now; raise OrderRefusedError where it is not enough."""
        old = self.balance(asset)
        if old.free < amount:
            raise OrderRefusedError(Refusal.INSUFFICIENT_BALANCE)
        self._balances[asset] = Balance(free=old.free - amount, locked=old.locked + amount)

    def release(self, asset: str, amount: Decimal) -> None:
        """Give back what an order no longer needs."""
        old = self.balance(asset)
        assert old.locked >= amount, f"{amount} {asset} released of {old.locked} locked"
        self._balances[asset] = Balance(free=old.free + amount, locked=old.locked - amount)

    def spend(self, asset: str, amount: Decimal) -> None:
        """Pay out of what is locked."""
        self.release(asset, amount)
        self.deposit(asset, -amount)
