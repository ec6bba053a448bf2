"""What followed wallets did, each deed once, whichever of two sources tells it first.

A row has no id: (transaction, token, side, quantity, price) names it, and identical rows can occur. The trigger is
trusted to tell one of a kind, so that a message delivered twice does not count twice; the audit reads whole windows,
so its count of identical rows is how many there are.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from decimal import Decimal

from msgspec import Struct

from clock import NS_PER_S
from domain.identifiers import InstrumentId, MarketId
from domain.instrument import Side
from domain.messages import WalletAction, WalletTrade
from domain.money import AMOUNT_MAX, ONE, UNIT, ZERO, round_nearest

KEPT_S = 3_600
"""Deeds are remembered for so long after they were done: the audit overlaps by minutes, not by hours."""

KEPT_MAX = 100_000
TIME_S_MIN, TIME_S_MAX = 1_000_000_000, 4_102_444_800

Key = tuple[str, str, str, str, Decimal, Decimal]


class Deed(Struct, frozen=True, kw_only=True):
    """One row of a source, as exact as it came; `time_s` is the block's time."""

    wallet: str
    name: str
    action: WalletAction
    condition_id: str
    token_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    time_s: int
    transaction: str

    @property
    def key(self) -> Key:
        """What names the deed, with numbers at six decimals: sources write quotients with more."""
        price, quantity = round_nearest(self.price, UNIT), round_nearest(self.quantity, UNIT)
        return self.transaction.lower(), self.token_id, self.action, self.side, quantity, price

    @property
    def is_credible(self) -> bool:
        """Say whether it can be true: an amount, a price from 0 to 1, and a time in seconds."""
        amounts = self.price, self.quantity
        return (
            all(amount.is_finite() for amount in amounts)
            and 0 <= self.price <= 1
            and 0 < self.quantity < AMOUNT_MAX
            and TIME_S_MIN < self.time_s < TIME_S_MAX
        )


class DeedCounters(Struct, kw_only=True):
    """Which source told how many deeds first, and what was left out."""

    by_trigger: int = 0
    by_audit: int = 0
    repeated: int = 0
    incredible: int = 0


class WalletDeeds:
    """Turns rows of both sources into WalletTrade events; `wallets` has names by address in lower case."""

    def __init__(
        self, sink: Callable[[WalletTrade], None], *, now_ns: Callable[[], int], since_ns: int
    ) -> None:
        self.wallets: dict[str, str] = {}
        self.counters = DeedCounters()
        self.since_s = since_ns // NS_PER_S
        self._sink, self._now_ns = sink, now_ns
        self._told: OrderedDict[Key, int] = OrderedDict()
        self._times: dict[Key, int] = {}

    def follow(self, address: str, name: str) -> None:
        """Tell this wallet's deeds from now on, under this name; without one, under the name that a row carries."""
        self.wallets[address.lower()] = name

    def hear_trigger(self, deed: Deed) -> None:
        """One message of the realtime topic: told unless one of its kind was told before."""
        if not self._is_ours(deed):
            return
        if self._told.get(deed.key, 0):
            self.counters.repeated += 1
            return
        self.counters.by_trigger += 1
        self._tell(deed)

    def hear_audit(self, deeds: Iterable[Deed]) -> int:
        """All rows of one reading of a window: told are those beyond the count told so far. Gives how many."""
        ours = sorted((deed for deed in deeds if self._is_ours(deed)), key=lambda deed: deed.time_s)
        counted: Counter[Key] = Counter()
        new = 0
        for deed in ours:
            counted[deed.key] += 1
            if counted[deed.key] > self._told.get(deed.key, 0):
                new += 1
                self._tell(deed)
        self.counters.by_audit += new
        return new

    def _is_ours(self, deed: Deed) -> bool:
        if deed.wallet.lower() not in self.wallets or deed.time_s < self.since_s:
            return False
        if not deed.is_credible:
            self.counters.incredible += 1
            return False
        return True

    def _tell(self, deed: Deed) -> None:
        key = deed.key
        self._told[key] = self._told.get(key, 0) + 1
        self._times[key] = deed.time_s
        self._forget()
        wallet = deed.wallet.lower()
        self._sink(
            WalletTrade(
                time_ns=self._now_ns(),
                traded_ns=deed.time_s * NS_PER_S,
                wallet=wallet,
                name=self.wallets[wallet] or deed.name,
                action=deed.action,
                market_id=MarketId(deed.condition_id),
                instrument_id=InstrumentId(deed.token_id),
                side=deed.side,
                price=round_nearest(deed.price, UNIT),
                quantity=round_nearest(deed.quantity, UNIT),
                transaction=deed.transaction,
            )
        )

    def _forget(self) -> None:
        """Drop the deeds that no reading reaches back to, and the oldest of too many; never the one just told."""
        oldest_s = self._now_ns() // NS_PER_S - KEPT_S
        while len(self._told) > 1:
            key = next(iter(self._told))
            if len(self._told) <= KEPT_MAX and self._times[key] >= oldest_s:
                break
            del self._told[key], self._times[key]


def redemption_price(*, paid: Decimal, quantity: Decimal) -> Decimal:
    """What a share of a redemption was paid, between 0 and 1; zero for no shares.

    >>> redemption_price(paid=Decimal(5), quantity=Decimal(10))
    Decimal('0.5')
    """
    if not (paid.is_finite() and quantity.is_finite()) or quantity <= 0:
        return ZERO
    return round_nearest(min(ONE, max(ZERO, paid / quantity)), UNIT)
