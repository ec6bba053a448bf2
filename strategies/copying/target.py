"""Whom we follow: a name or an address, pinned to one wallet, and each of its deeds once."""

from collections import OrderedDict
from enum import StrEnum

from domain.messages import WalletAction, WalletTrade
from domain.money import AMOUNT_MAX, ONE

SEEN_MAX = 100_000
"""Deeds remembered for deduplication; sources overlap by minutes, not by so many trades."""

DeedKey = tuple[str, ...]


class Recognition(StrEnum):
    """Whose trade it is."""

    TARGET = "TARGET"
    NAMESAKE = "NAMESAKE"
    STRANGER = "STRANGER"


class Target:
    """Names change hands, addresses do not: the first wallet that carries the name is the target for good.

    What begins with `0x` is an address and never a name, so that nobody is copied for calling himself one.
    """

    def __init__(self, target: str) -> None:
        self._wanted = target.strip().casefold()
        self._is_address = self._wanted.startswith("0x")
        self.wallet: str | None = self._wanted if self._is_address else None

    def recognise(self, trade: WalletTrade) -> Recognition:
        """Say whose trade it is; the first match of a name pins its wallet."""
        wallet, is_named = trade.wallet.casefold(), trade.name.casefold() == self._wanted
        if self.wallet is None and is_named:
            self.wallet = wallet
        if wallet == self.wallet:
            return Recognition.TARGET
        return Recognition.NAMESAKE if is_named and not self._is_address else Recognition.STRANGER


class SeenDeeds:
    """Remembers deeds, so that one that two sources report, or one source twice, counts once."""

    def __init__(self, kept_max: int = SEEN_MAX) -> None:
        self._kept_max = kept_max
        self._keys: OrderedDict[DeedKey, None] = OrderedDict()

    def is_new(self, trade: WalletTrade) -> bool:
        """Remember the deed and say whether it was unknown; the oldest beyond the limit are forgotten."""
        key = deed_key(trade)
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > self._kept_max:
            self._keys.popitem(last=False)
        return True


def is_credible(trade: WalletTrade) -> bool:
    """Say whether a report can be true: a price from 0 to 1 and a quantity that a wallet can have."""
    numbers = trade.price, trade.quantity
    return all(n.is_finite() for n in numbers) and 0 <= trade.price <= ONE and 0 < trade.quantity < AMOUNT_MAX


def deed_key(trade: WalletTrade) -> DeedKey:
    """(transaction, instrument, side, price, quantity) of a trade; numbers that are equal make equal keys.

    A merge concerns both outcomes and may be reported for either of them, or for each.
    """
    quantity = f"{trade.quantity.normalize():f}"
    if trade.action is WalletAction.MERGE:
        return trade.transaction, trade.action, trade.market_id, quantity
    price = f"{trade.price.normalize():f}"
    return trade.transaction, trade.action, trade.instrument_id, trade.side, price, quantity
