"""Everybody's public trades and redemptions, by wallet: what the Data API lists and the activity topic tells."""

from collections import defaultdict, deque
from collections.abc import Callable

from msgspec import Struct

from domain.messages import WalletAction, WalletTrade
from simulator.polymarket.accounts import HOUSE_ADDRESS, Wallet
from simulator.polymarket.contracts import UNITS
from simulator.polymarket.eip712 import checksummed
from simulator.polymarket.events import Event, TradeChanged, TradePrinted
from simulator.polymarket.identifiers import hex_word
from simulator.polymarket.markets import PRICE_UNITS, SimMarket
from simulator.polymarket.orders import SIDE_NAMES, SimOrder
from simulator.polymarket.state import VenueState
from simulator.polymarket.trades import SimTrade, TradeStatus
from simulator.timing import NS_PER_S

ROWS_MAX = 200_000


class Deed(Struct, frozen=True, kw_only=True):
    """One executed part of a trade, or a redemption, split or merge; amounts in base units."""

    kind: str
    wallet: str
    market: SimMarket
    outcome: int
    side: str
    price: int
    shares: int
    value: int
    hash: str
    time_ns: int
    is_taker: bool
    name: str = ""
    pseudonym: str = ""

    @property
    def timestamp_s(self) -> int:
        """Time of its block."""
        return self.time_ns // NS_PER_S


OnDeed = Callable[[Deed, bool], None]
"""Called with a deed and whether it has only been matched so far."""


class Activity:
    """The log: settled deeds by wallet and in order; listeners hear matches as well."""

    def __init__(self, state: VenueState) -> None:
        self._state = state
        self.settled: deque[Deed] = deque(maxlen=ROWS_MAX)
        self.by_wallet: defaultdict[str, list[Deed]] = defaultdict(list)
        self._listeners: list[OnDeed] = []
        state.listen(self._on_event)

    def listen(self, listener: OnDeed) -> None:
        """Tell every match and every settled deed."""
        self._listeners.append(listener)

    def add(self, kind: str, wallet: Wallet, market: SimMarket, *, shares: int, value: int) -> None:
        """Note a split, merge or redemption."""
        now_ns = self._state.now_ns()
        deed = Deed(
            kind=kind,
            wallet=wallet.address,
            market=market,
            outcome=0,
            side="",
            price=0,
            shares=shares,
            value=value,
            hash=hex_word(self._state.seed, kind, wallet.address, market.condition_id, now_ns),
            time_ns=now_ns,
            is_taker=False,
            name=wallet.name,
            pseudonym=wallet.pseudonym,
        )
        self._settle(deed)

    def add_recorded(self, event: WalletTrade, *, market: SimMarket, outcome: int) -> None:
        """Note what a recorded wallet did, now: matched and settled at once."""
        shares = int(event.quantity * UNITS)
        price = int(event.price * PRICE_UNITS)
        deed = Deed(
            kind=event.action.value if event.action is not WalletAction.TRADE else "TRADE",
            wallet=self._address(event.wallet),
            market=market,
            outcome=outcome,
            side=event.side.value,
            price=price,
            shares=shares,
            value=shares * price // PRICE_UNITS,
            hash=event.transaction,
            time_ns=self._state.now_ns(),
            is_taker=not event.is_maker,
            name=event.name,
        )
        self._tell(deed, only_matched=True)
        self._settle(deed)

    @staticmethod
    def _address(text: str) -> str:
        try:
            return checksummed(text)
        except ValueError:
            return text

    def _on_event(self, event: Event) -> None:
        if isinstance(event, TradePrinted):
            for deed in self._deeds(event.trade, event.time_ns):
                self._tell(deed, only_matched=True)
        elif isinstance(event, TradeChanged) and event.status == TradeStatus.MINED:
            for deed in self._deeds(event.trade, event.time_ns):
                self._settle(deed)

    def _settle(self, deed: Deed) -> None:
        self.settled.append(deed)
        self.by_wallet[deed.wallet].append(deed)
        self._tell(deed, only_matched=False)

    def _tell(self, deed: Deed, *, only_matched: bool) -> None:
        for listener in self._listeners:
            listener(deed, only_matched)

    def _deeds(self, trade: SimTrade, time_ns: int) -> list[Deed]:
        taker = self._deed(trade, trade.taker, trade.price, trade.shares, trade.value, time_ns)
        makers = [
            self._deed(trade, fill.maker, fill.maker.price, fill.shares, fill.maker_value, time_ns)
            for fill in trade.makers
        ]
        return [deed for deed in (taker, *makers) if deed.wallet != HOUSE_ADDRESS]

    def _deed(
        self, trade: SimTrade, order: SimOrder, price: int, shares: int, value: int, time_ns: int
    ) -> Deed:
        wallet = self._state.accounts.find(order.maker)
        return Deed(
            kind="TRADE",
            wallet=order.maker,
            market=trade.market,
            outcome=order.outcome,
            side=SIDE_NAMES[order.side],
            price=price,
            shares=shares,
            value=value,
            hash=trade.hash,
            time_ns=time_ns,
            is_taker=order is trade.taker,
            name=wallet.name if wallet else "",
            pseudonym=wallet.pseudonym if wallet else "",
        )
