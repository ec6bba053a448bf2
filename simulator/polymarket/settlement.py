"""What becomes of a match on chain: matched, mined, confirmed; or tried again, or failed; balances move when mined."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from simulator.faults import Fault
from simulator.polymarket.accounts import CASH, Wallet
from simulator.polymarket.events import TradeChanged
from simulator.polymarket.identifiers import digest, hex_word
from simulator.polymarket.markets import PRICE_UNITS
from simulator.polymarket.orders import BUY, SimOrder
from simulator.polymarket.state import VenueState
from simulator.polymarket.trades import SimTrade, TradeStatus
from simulator.timing import NS_PER_MS

RETRIES_MAX = 3
SPAN = 2**64

Movement = tuple[Wallet, str, int]
"""Whose balance of which token changes by how much; the empty token is pUSD."""


class Settlement:
    """Carries matches through the chain's life; `on_moved` is told which wallets' balances have changed."""

    def __init__(self, state: VenueState, on_moved: Callable[[Wallet], None]) -> None:
        self._state = state
        self._on_moved = on_moved

    def begin(self, trade: SimTrade) -> None:
        """Set aside what leaves each wallet, say MATCHED, and plan what follows."""
        state = self._state
        state.trades[trade.id] = trade
        for address in dict.fromkeys((trade.taker.maker, *(fill.maker.maker for fill in trade.makers))):
            state.trades_of[address].append(trade)
        for wallet, token, change in self._outgoing(trade):
            wallet.leaving[token] -= change
        self._tell(trade, TradeStatus.MATCHED, trade.matched_ns)
        self._plan_next(trade, trade.matched_ns)

    def _plan_next(self, trade: SimTrade, now_ns: int) -> None:
        endpoint = f"trade {trade.market.spec.slug} {trade.id}"
        faults, rules = self._state.faults, self._state.rules
        mined_ns = now_ns + rules.mined_after_ms * NS_PER_MS
        if faults.strikes(Fault.TRADE_STUCK, endpoint):
            return
        if faults.strikes(Fault.TRADE_FAILED, endpoint) or self._happens(rules.failed_rate, trade, "failed"):
            self._state.agenda.plan(mined_ns, lambda due_ns: self.fail(trade, due_ns))
        elif faults.strikes(Fault.TRADE_RETRYING, endpoint) or self._happens(
            rules.retrying_rate, trade, "retrying"
        ):
            self._state.agenda.plan(mined_ns, lambda due_ns: self._retry(trade, due_ns))
        else:
            self._state.agenda.plan(mined_ns, lambda due_ns: self._mine(trade, due_ns))

    def _retry(self, trade: SimTrade, now_ns: int) -> None:
        """Try again under another hash; after some tries it is mined or fails like any other."""
        trade.bucket_index += 1
        trade.hash = hex_word(self._state.seed, "transaction", trade.id, trade.bucket_index)
        self._tell(trade, TradeStatus.RETRYING, now_ns)
        if trade.bucket_index >= RETRIES_MAX:
            self._state.agenda.plan(
                now_ns + self._state.rules.retry_after_ms * NS_PER_MS,
                lambda due_ns: self._mine(trade, due_ns),
            )
            return
        self._plan_next(trade, now_ns)

    def _mine(self, trade: SimTrade, now_ns: int) -> None:
        """Move the balances, where everybody still has what they promised."""
        if any(wallet.balances[token] + change < 0 for wallet, token, change in self._outgoing(trade)):
            self.fail(trade, now_ns)
            return
        movements = list(self._movements(trade))
        for wallet, token, change in movements:
            wallet.balances[token] += change
            if change < 0:
                wallet.leaving[token] += change
        self._lock(trade)
        trade.mined_ns = now_ns
        self._tell(trade, TradeStatus.MINED, now_ns)
        self._state.agenda.plan(
            now_ns + self._state.rules.confirmed_after_ms * NS_PER_MS,
            lambda due_ns: self._tell(trade, TradeStatus.CONFIRMED, due_ns),
        )
        for moved in {wallet.address: wallet for wallet, _, _ in movements}.values():
            self._on_moved(moved)

    def fail(self, trade: SimTrade, now_ns: int) -> None:
        """Reverse it: nobody's balance moves, and nothing is set aside for it any more."""
        for wallet, token, change in self._outgoing(trade):
            wallet.leaving[token] += change
        self._tell(trade, TradeStatus.FAILED, now_ns)

    def _tell(self, trade: SimTrade, status: TradeStatus, now_ns: int) -> None:
        trade.status = status
        trade.updated_ns = now_ns
        self._state.faults.mark(f"trade {status}")
        self._state.emit(TradeChanged(trade=trade, status=status, time_ns=now_ns))

    def _happens(self, rate: Decimal, trade: SimTrade, purpose: str) -> bool:
        drawn = int.from_bytes(digest(self._state.seed, purpose, trade.id, trade.bucket_index)[:8], "big")
        return drawn < rate * SPAN

    def _outgoing(self, trade: SimTrade) -> Iterator[Movement]:
        """What leaves the wallets, all of one wallet's pUSD in one movement."""
        for wallet, token, change in self._movements(trade):
            if change < 0:
                yield wallet, token, change

    def _movements(self, trade: SimTrade) -> Iterator[Movement]:
        fee_shares = self._fee_shares(trade)
        fee = 0 if fee_shares else trade.fee
        yield from self._leg(trade.taker, trade.shares - fee_shares, trade.value, fee, trade.shares)
        for fill in trade.makers:
            yield from self._leg(fill.maker, fill.shares, fill.maker_value, 0, fill.shares)

    def _leg(self, order: SimOrder, received: int, value: int, fee: int, shares: int) -> Iterator[Movement]:
        wallet = self._state.accounts.find(order.maker) or self._state.accounts.house
        if order.side == BUY:
            yield wallet, CASH, -(value + fee)
            yield wallet, order.token, received
        else:
            yield wallet, order.token, -shares
            yield wallet, CASH, value - fee

    def _fee_shares(self, trade: SimTrade) -> int:
        """The fee in shares, rounded up, where a buyer pays it so."""
        if not self._state.rules.buy_fee_in_shares or trade.taker.side != BUY:
            return 0
        return -(-trade.fee * PRICE_UNITS // trade.price)

    def _lock(self, trade: SimTrade) -> None:
        """Two buyers of different outcomes mint shares, two sellers merge them; pUSD stands behind each pair."""
        for fill in trade.makers:
            if fill.maker.outcome != trade.taker.outcome:
                sign = 1 if trade.taker.side == BUY else -1
                self._state.locked[trade.market.condition_id] += sign * fill.shares
