"""A BTC 5-minute market at one moment: ticks whose fair value is chosen, a view without an engine, and a sniper."""

from collections.abc import Mapping
from decimal import Decimal
from statistics import NormalDist

import msgspec

from domain.book import OrderBook
from domain.identifiers import CorrelationId, InstrumentId, IntentId, MarketId, OrderId
from domain.instrument import Instrument, Market, Side, UpDown
from domain.messages import CancelIntent, MarketResolved, OrderChanged, PassedOver, PriceTick, StrategyIntent
from domain.money import ZERO
from domain.order import Intent, Order, OrderStatus
from strategies.base_strategy import Holding
from strategies.loader import build
from strategies.sniper import Sniper
from strategies.sniping.price_history import VOLATILITY_MIN
from tests.support.trading import ALPHA, MARKET, NOW_NS, PAPER, UP, S, book, d, market, shown

STRIKE = 100_000
WINDOW_S = 60
LENGTH_S = 300
OPENS_NS, CLOSES_NS = NOW_NS, NOW_NS + LENGTH_S * S
FEED, EXCHANGE = "chainlink:BTC", "binance:BTC"
NOTHING_HELD = Holding(ZERO, ZERO, ZERO)
SHARES_HELD = Holding(d(10), d(10), d("9.50"))
"""Ten shares bought at 0.95."""


def up_down_market(*, category: str = "crypto", tick_size: str = "0.01") -> Market:
    """Settles on averages over 60 seconds; takes thousandths where that is asked for."""
    plain = market()
    tokens = tuple(msgspec.structs.replace(i, tick_size=d(tick_size)) for i in plain.instruments)
    rule = UpDown(asset="BTC", feed=FEED, twap_s=WINDOW_S)
    return msgspec.structs.replace(
        plain, category=category, opens_ns=OPENS_NS, closes_ns=CLOSES_NS, instruments=tokens, up_down=rule
    )


def tick(time_ns: int, price: Decimal | int, *, feed: str = FEED) -> PriceTick:
    """A price of bitcoin at one of the feeds."""
    return PriceTick(time_ns=time_ns, feed=feed, asset="BTC", price=Decimal(price))


def spot_worth(fair: str, *, left_s: str) -> Decimal:
    """The price at which UP is worth `fair` before the closing window, at the least volatility.

    From (S − K) / (σ · S · √(s − 40)) = z follows S = K / (1 − z·σ·√(s − 40)). Half a unit is added, so that
    rounding down to four decimals gives just `fair`.
    """
    deviations = NormalDist().inv_cdf(float(fair) + 0.00005)
    scale = VOLATILITY_MIN * (float(left_s) - 2 * WINDOW_S / 3) ** 0.5
    return Decimal(str(STRIKE / (1 - deviations * scale)))


def order_of(intent: Intent, *, status: OrderStatus = OrderStatus.OPEN, filled: str = "0") -> Order:
    """What became of an intent."""
    return Order(
        id=OrderId(f"s1-{intent.signal_key}"),
        intent_id=IntentId(intent.signal_key),
        generation=1,
        correlation_id=CorrelationId(intent.signal_key),
        strategy=ALPHA,
        venue=PAPER,
        market_id=MARKET,
        instrument_id=intent.instrument_id,
        side=intent.side,
        time_in_force=intent.time_in_force,
        post_only=intent.post_only,
        price=intent.price,
        quantity=intent.quantity,
        created_ns=NOW_NS,
        updated_ns=NOW_NS,
        status=status,
        filled_quantity=d(filled),
        expires_ns=intent.expires_ns,
    )


class FakeView:
    """A view of one market; what is held and what works is set by the test."""

    def __init__(self, shown_market: Market) -> None:
        self.time_ns = NOW_NS
        self.bankroll = d(1000)
        self.listed: Market | None = shown_market
        self.held: dict[InstrumentId, Holding] = {}
        self.working: list[Order] = []
        self.spent = ZERO

    def instrument(self, instrument_id: InstrumentId) -> Instrument | None:
        """The token, while the market is listed."""
        tokens = self.listed.instruments if self.listed else ()
        return next((token for token in tokens if token.id == instrument_id), None)

    def market(self, market_id: MarketId) -> Market | None:
        """The market, until the test resolves it."""
        return self.listed if self.listed and self.listed.id == market_id else None

    def book(self, instrument_id: InstrumentId) -> OrderBook | None:
        """Books come with their events only."""
        return None

    def payout(self, instrument_id: InstrumentId) -> Decimal | None:
        """Nothing has resolved as far as a hook can see."""
        return None

    def holding(self, instrument_id: InstrumentId) -> Holding:
        """What the test says is held."""
        return self.held.get(instrument_id, NOTHING_HELD)

    def orders(self, market_id: MarketId | None = None) -> list[Order]:
        """What the test says works."""
        return self.working

    def committed(self, event_id: str | None = None) -> Decimal:
        """What the test says is spent, in the event and at all."""
        return self.spent


class Scene:
    """A sniper that has heard the feeds up to now: the strike is 100,000, the volatility at its floor.

    Within the closing window the price is chosen by its `lead` over the strike, not by the fair value.
    """

    def __init__(
        self,
        *,
        fair: str = "0.9700",
        left_s: str = "100",
        lead: str | None = None,
        parameters: Mapping[str, object] | None = None,
    ) -> None:
        self.left_s = left_s
        self.now_ns = CLOSES_NS - int(Decimal(left_s) * S)
        self.spot = STRIKE + d(lead) if lead else spot_worth(fair, left_s=left_s)
        sniper = build(Sniper, dict(parameters or {}))
        assert isinstance(sniper, Sniper)
        self.sniper = sniper
        self.view = FakeView(up_down_market())

    def hear(self, *, silent_ns: int = 0, spot_price: Decimal | None = None) -> "Scene":
        """Play both feeds, a tick a second; the settlement feed stops `silent_ns` ago, the exchange does not."""
        for second in range(-WINDOW_S - 1, 0):
            self.say(tick(OPENS_NS + second * S, STRIKE))
        last_ns = self.now_ns - silent_ns
        for time_ns in range(OPENS_NS, last_ns, S):
            self.say(tick(time_ns, self.spot))
        self.say(tick(last_ns, self.spot))
        self.say(tick(self.now_ns, self.spot if spot_price is None else spot_price, feed=EXCHANGE))
        return self

    def say(self, heard: PriceTick) -> list[StrategyIntent]:
        """Let the sniper hear a price."""
        return list(self.sniper.on_price(heard, self.view))

    def turn(self, fair: str, *, after_s: int = 1) -> list[StrategyIntent]:
        """Let the fair value of UP become this, as both feeds tell; return what the sniper makes of it."""
        self.now_ns += after_s * S
        self.left_s = str(Decimal(self.left_s) - after_s)
        self.spot = spot_worth(fair, left_s=self.left_s)
        wishes = self.say(tick(self.now_ns, self.spot))
        self.say(tick(self.now_ns, self.spot, feed=EXCHANGE))
        return wishes

    def look(
        self, bids: str = "0.88x500", asks: str = "0.90x500", *, of: InstrumentId = UP, age_ns: int = 0
    ) -> list[StrategyIntent]:
        """Show a book that is as old as told."""
        shown_book = book(bids, asks, of=of, time_ns=self.now_ns - age_ns)
        event = msgspec.structs.replace(shown(shown_book), time_ns=self.now_ns)
        return list(self.sniper.on_book(event, self.view))

    def end(self, order: Order, status: OrderStatus = OrderStatus.CANCELLED) -> None:
        """Take an order out of the view and tell the sniper."""
        self.view.working.remove(order)
        ended = msgspec.structs.replace(order, status=status)
        list(self.sniper.on_order(OrderChanged(time_ns=self.now_ns, order=ended), self.view))

    def resolve(self, **payouts: str) -> list[StrategyIntent]:
        """Resolve the market: `UP="1", DOWN="0"`."""
        self.view.listed = None
        paid = {InstrumentId(f"m:{outcome}"): d(payout) for outcome, payout in payouts.items()}
        event = MarketResolved(time_ns=self.now_ns, market_id=MARKET, payouts=paid)
        return list(self.sniper.on_resolved(event, self.view))


def the_order(wishes: list[StrategyIntent]) -> Intent:
    """The one order among the wishes."""
    (intent,) = [wish for wish in wishes if isinstance(wish, Intent)]
    assert intent.side is Side.BUY
    return intent


def gates(wishes: list[StrategyIntent]) -> list[str]:
    """The gates that passed the look over; the taking branch's first."""
    return [wish.gate for wish in wishes if isinstance(wish, PassedOver)]


def cancels(wishes: list[StrategyIntent]) -> list[CancelIntent]:
    """The cancels among the wishes."""
    return [wish for wish in wishes if isinstance(wish, CancelIntent)]
