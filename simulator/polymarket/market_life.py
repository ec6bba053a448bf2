"""The life of a market: listed, its tick changed, closed, resolved, and what its tokens are exchanged for."""

from decimal import Decimal

from simulator.faults import Fault
from simulator.polymarket.accounts import CASH, Wallet
from simulator.polymarket.activity import Activity
from simulator.polymarket.contracts import UNITS
from simulator.polymarket.events import MarketCreated, MarketResolved, TickChanged
from simulator.polymarket.exchange import Exchange
from simulator.polymarket.markets import MarketSpec, SimMarket, tick_units
from simulator.polymarket.notices import Notices
from simulator.polymarket.orders import Status


class MarketLife:
    """Changes markets, and tells the streams and the notifications."""

    def __init__(self, exchange: Exchange, notices: Notices, activity: Activity) -> None:
        self._exchange = exchange
        self._activity = activity
        self._state = exchange.state
        self._notices = notices

    def create(self, spec: MarketSpec) -> SimMarket:
        """List a market; ValueError where the venue could not."""
        market = self._state.markets.create(spec, now_ns=self._state.now_ns())
        self._state.emit(MarketCreated(market=market, time_ns=self._state.now_ns()))
        return market

    def change_tick(self, market: SimMarket, tick: Decimal) -> None:
        """Change the tick at once; orders off the new grid stay where they are."""
        old, new = market.tick_units, tick_units(tick)
        if old == new:
            return
        market.tick_units = new
        self._state.faults.mark("tick changed")
        self._state.emit(TickChanged(market=market, old=old, new=new, time_ns=self._state.now_ns()))

    def close(self, market: SimMarket) -> None:
        """Take no orders any more; those on the book are cancelled."""
        market.accepting_orders = False
        self._cancel_all(market, Status.CANCELED)

    def resolve(self, market: SimMarket, payouts: tuple[Decimal, Decimal]) -> None:
        """Fix the result; a share of each outcome pays its part of one pUSD. ValueError where they do not sum to 1."""
        if sum(payouts) != 1 or min(payouts) < 0:
            raise ValueError(f"payouts {payouts[0]} and {payouts[1]}; they must sum to 1")
        now_ns = self._state.now_ns()
        market.payouts, market.closed, market.closed_ns = payouts, True, now_ns
        market.accepting_orders, market.uma_status = False, "resolved"
        self._cancel_all(market, Status.CANCELED_MARKET_RESOLVED)
        self._notices.resolved(market, now_ns)
        if not self._state.faults.strikes(Fault.SILENT_RESOLUTION, f"market {market.spec.slug}"):
            self._state.emit(MarketResolved(market=market, time_ns=now_ns))

    def split(self, wallet: Wallet, market: SimMarket, amount: int) -> None:
        """Turn pUSD into as many shares of both outcomes; ValueError where there is not enough."""
        self._take(wallet, CASH, amount)
        for token in market.token_ids:
            wallet.balances[token] += amount
        self._state.locked[market.condition_id] += amount
        self._activity.add("SPLIT", wallet, market, shares=amount, value=amount)

    def merge(self, wallet: Wallet, market: SimMarket, amount: int) -> None:
        """Turn as many shares of both outcomes into pUSD; ValueError where there are not enough."""
        if min(wallet.balances[token] for token in market.token_ids) < amount:
            raise ValueError(f"fewer than {amount} units of one outcome to merge")
        for token in market.token_ids:
            self._take(wallet, token, amount)
        wallet.balances[CASH] += amount
        self._state.locked[market.condition_id] -= amount
        self._activity.add("MERGE", wallet, market, shares=amount, value=amount)
        self._exchange.cancel_uncovered(wallet)

    def redeem(self, wallet: Wallet, market: SimMarket, *, outcomes: tuple[int, ...] = (0, 1)) -> int:
        """Turn all shares of these outcomes into pUSD; gives the pUSD. ValueError before the market has resolved."""
        if market.payouts is None:
            raise ValueError(f"market {market.spec.slug} has not resolved")
        paid = shares = 0
        for outcome in outcomes:
            held = wallet.balances.pop(market.token_ids[outcome], 0)
            shares += held
            paid += int(held * market.payouts[outcome])
        wallet.balances[CASH] += paid
        self._state.locked[market.condition_id] -= paid
        if shares:
            self._activity.add("REDEEM", wallet, market, shares=shares, value=paid)
        return paid

    def _cancel_all(self, market: SimMarket, status: str) -> None:
        self._exchange.hold_levels()
        for order in [order for order in self._state.open_orders.values() if order.market is market]:
            self._exchange.end(order, status)
        self._exchange.release_levels(market)

    def _take(self, wallet: Wallet, token: str, amount: int) -> None:
        if amount <= 0 or wallet.balances[token] < amount:
            what = "pUSD" if token == CASH else token
            raise ValueError(f"{wallet.balances[token]} units of {what}, {amount} wanted; {UNITS} are one")
        wallet.balances[token] -= amount
        self._exchange.cancel_uncovered(wallet)
