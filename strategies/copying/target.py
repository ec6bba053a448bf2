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


class Pin:
    """Names change hands, addresses do not: the first wallet that carries the name is the target for good.

    What begins with `0x` is an address and never a name, so that nobody is copied for calling himself one.
    """

    def __init__(self) -> None:
        self.wallet: str | None = None

    def recognise(self, trade: WalletTrade, target: str) -> Recognition:
        """Say whose trade it is; the first match of a name pins its wallet. Upper and lower case are the same."""
        wanted, wallet = target.strip().casefold(), trade.wallet.casefold()
        is_named = trade.name.casefold() == wanted and not wanted.startswith("0x")
        if self.wallet is None and (is_named or wallet == wanted):
            self.wallet = wallet
        if wallet == self.wallet:
            return Recognition.TARGET
        return Recognition.NAMESAKE if is_named else Recognition.STRANGER


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
