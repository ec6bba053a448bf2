"""The wallets that people watch: what they hold, and the reports of what they did, some seconds late."""

from decimal import Decimal
from functools import partial

from backtest.generated.agenda import Agenda
from backtest.generated.chance import Chance
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

Holdings = dict[tuple[str, int], int]


class Wallets:
    """Holdings in lots by market, wallet and outcome; a resolved market is redeemed and forgotten."""

    def __init__(self, agenda: Agenda, chance: Chance) -> None:
        self._agenda = agenda
        self._chance = chance
        self._holdings: dict[MarketId, Holdings] = {}

    def held(self, name: str, market_id: MarketId, outcome: int) -> int:
        """Lots of the outcome (0 or 1) that the wallet holds."""
        return self._holdings.get(market_id, {}).get((name, outcome), 0)

    def endow(self, name: str, market_id: MarketId, lots: int) -> None:
        """Give a wallet shares of a market's first outcome that it bought before the run began: no report."""
        self._add(market_id, name, 0, lots)

    def report(self, market: Market, prints: list[TradePrint], take: Take) -> None:
        """Note a trade in the holdings of those who are watched, and report it later, once or now and then twice."""
        lots = sum(int(trade.quantity.scaleb(2)) for trade in prints)
        transaction = self._transaction()
        for name, side, is_maker in ((take.taker, take.side, False), (take.maker, take.side.opposite, True)):
            if name:
                self._add(market.id, name, take.outcome, lots if side is Side.BUY else -lots)
                trades = [_trade(market, trade, name, side) for trade in prints]
                self._tell(
                    [_with(trade, transaction=transaction, is_maker=is_maker) for trade in trades]
                )
        if BAGUETTE in (take.taker, take.maker):
            self._merge(market, prints[0].time_ns)

    def resolve(self, market: Market, winner: int, time_ns: int) -> None:
        """Redeem what won, some time after; forget the market."""
        for (name, outcome), lots in self._holdings.pop(market.id, {}).items():
            if outcome == winner and lots > 0:
                wait_s = self._chance.between(REDEEM_WAIT_S_MIN, REDEEM_WAIT_S_MAX)
                instrument_id = market.instruments[winner].id
                payout = _Act(name, WalletAction.REDEEM, instrument_id, lots)
                self._tell([self._act(market, payout, time_ns + wait_s * NS_PER_S)])

    def _merge(self, market: Market, time_ns: int) -> None:
        """Turn the maker's complete sets back into money once there are enough of them."""
        sets = min(self.held(BAGUETTE, market.id, outcome) for outcome in (0, 1))
        if sets < MERGE_LOTS_MIN:
            return
        for outcome in (0, 1):
            self._add(market.id, BAGUETTE, outcome, -sets)
        wait_s = self._chance.between(MERGE_WAIT_S_MIN, MERGE_WAIT_S_MAX)
        act = _Act(BAGUETTE, WalletAction.MERGE, market.instruments[0].id, sets)
        self._tell([self._act(market, act, time_ns + wait_s * NS_PER_S)])

    def _tell(self, trades: list[WalletTrade]) -> None:
        """Report all fills of one transaction together."""
        times = 2 if self._chance.happens(REPEAT_PROBABILITY) else 1
        for _ in range(times):
            delay_ns = self._chance.between(DELAY_MS_MIN, DELAY_MS_MAX) * NS_PER_MS
            for trade in trades:
                self._agenda.at(trade.traded_ns + delay_ns, partial(_heard, trade))
