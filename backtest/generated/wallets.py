"""The wallets that people watch: what they hold, and the reports of what they did, some seconds late."""

from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from backtest.generated.agenda import Agenda
from backtest.generated.chance import Chance
from backtest.generated.ladder import LOTS_PER_SHARE
from backtest.generated.live_market import Take
from clock import NS_PER_MS, NS_PER_S
from domain.identifiers import InstrumentId, MarketId
from domain.instrument import Market, Side
from domain.messages import MarketEvent, TradePrint, WalletAction, WalletTrade
from domain.money import ONE

HERON = "steady-heron"
BAGUETTE = "distinct-baguette"
OTTER = "quiet-otter"
MARTEN = "brisk-marten"

ADDRESSES = {
    HERON: "0x5eed00000000000000000000000000000000a001",
    BAGUETTE: "0x5eed00000000000000000000000000000000a002",
    OTTER: "0x5eed00000000000000000000000000000000a003",
    MARTEN: "0x5eed00000000000000000000000000000000a004",
}
"""Name and proxy wallet; the addresses are made up and the same in every generated market."""

DELAY_MS_MIN, DELAY_MS_MAX = 2_000, 6_000
REPEAT_PROBABILITY = 0.03
MERGE_LOTS_MIN = 2_000
MERGE_WAIT_S_MIN, MERGE_WAIT_S_MAX = 5, 40
REDEEM_WAIT_S_MIN, REDEEM_WAIT_S_MAX = 5, 90


class Deed(NamedTuple):
    """What a wallet did at `time_ns`; of a merge the price is that of a complete set, of a redemption the payout."""

    time_ns: int
    name: str
    action: WalletAction
    instrument_id: InstrumentId
    side: Side
    price: Decimal
    quantity: Decimal
    is_maker: bool = False


class Wallets:
    """Holdings in lots by market, wallet and outcome; a resolved market is redeemed and forgotten."""

    def __init__(self, agenda: Agenda, chance: Chance) -> None:
        self._agenda = agenda
        self._chance = chance
        self._holdings: dict[MarketId, dict[tuple[str, int], int]] = {}

    def held(self, name: str, market_id: MarketId, outcome: int) -> int:
        """Lots of the outcome (0 or 1) that the wallet holds."""
        return self._holdings.get(market_id, {}).get((name, outcome), 0)

    def endow(self, name: str, market_id: MarketId, lots: int) -> None:
        """Give a wallet shares of a market's first outcome that it bought before the run began: no report."""
        self._add(market_id, name, 0, lots)

    def record(self, market: Market, prints: list[TradePrint], take: Take) -> None:
        """Note a trade in the holdings of those who are watched; its prints are child fills of one transaction."""
        lots = sum(int(trade.quantity * LOTS_PER_SHARE) for trade in prints)
        transaction = self._transaction()
        for name, side, is_maker in ((take.taker, take.side, False), (take.maker, take.side.opposite, True)):
            if name:
                self._add(market.id, name, take.outcome, lots if side is Side.BUY else -lots)
                deeds = [_fill(trade, name, side, is_maker) for trade in prints]
                self._tell(market.id, deeds, transaction)
        if BAGUETTE in (take.taker, take.maker):
            self._merge(market, prints[0].time_ns)

    def resolve(self, market: Market, winner: int, time_ns: int) -> None:
        """Redeem what won, some time after; forget the market."""
        for (name, outcome), lots in self._holdings.pop(market.id, {}).items():
            if outcome == winner and lots > 0:
                wait_s = self._chance.between(REDEEM_WAIT_S_MIN, REDEEM_WAIT_S_MAX)
                self._unwind(market, WalletAction.REDEEM, (name, winner, lots), time_ns + wait_s * NS_PER_S)

    def _merge(self, market: Market, time_ns: int) -> None:
        """Turn the maker's complete sets back into money once there are enough of them."""
        sets = min(self.held(BAGUETTE, market.id, outcome) for outcome in (0, 1))
        if sets < MERGE_LOTS_MIN:
            return
        for outcome in (0, 1):
            self._add(market.id, BAGUETTE, outcome, -sets)
        wait_s = self._chance.between(MERGE_WAIT_S_MIN, MERGE_WAIT_S_MAX)
        self._unwind(market, WalletAction.MERGE, (BAGUETTE, 0, sets), time_ns + wait_s * NS_PER_S)

    def _unwind(self, market: Market, action: WalletAction, what: tuple[str, int, int], time_ns: int) -> None:
        name, outcome, lots = what
        deed = Deed(
            time_ns=time_ns,
            name=name,
            action=action,
            instrument_id=market.instruments[outcome].id,
            side=Side.SELL,
            price=ONE,
            quantity=Decimal(lots).scaleb(-2),
        )
        self._tell(market.id, [deed], self._transaction())

    def _tell(self, market_id: MarketId, deeds: list[Deed], transaction: str) -> None:
        """Have all fills of one transaction heard of together, and now and then a second time."""
        for _ in range(1 + self._chance.happens(REPEAT_PROBABILITY)):
            delay_ns = self._chance.between(DELAY_MS_MIN, DELAY_MS_MAX) * NS_PER_MS
            for deed in deeds:
                heard = partial(_heard, deed, market_id, transaction)
                self._agenda.at(deed.time_ns + delay_ns, heard)

    def _add(self, market_id: MarketId, name: str, outcome: int, lots: int) -> None:
        holdings = self._holdings.setdefault(market_id, {})
        holdings[name, outcome] = holdings.get((name, outcome), 0) + lots

    def _transaction(self) -> str:
        return "0x" + "".join(f"{self._chance.bits():016x}" for _ in range(4))


def _fill(trade: TradePrint, name: str, side: Side, is_maker: bool) -> Deed:
    return Deed(
        time_ns=trade.time_ns,
        name=name,
        action=WalletAction.TRADE,
        instrument_id=trade.instrument_id,
        side=side,
        price=trade.price,
        quantity=trade.quantity,
        is_maker=is_maker,
    )


def _heard(deed: Deed, market_id: MarketId, transaction: str, time_ns: int) -> Iterable[MarketEvent]:
    yield WalletTrade(
        time_ns=time_ns,
        traded_ns=deed.time_ns,
        wallet=ADDRESSES[deed.name],
        name=deed.name,
        action=deed.action,
        market_id=market_id,
        instrument_id=deed.instrument_id,
        side=deed.side,
        price=deed.price,
        quantity=deed.quantity,
        transaction=transaction,
        is_maker=deed.is_maker,
    )
