"""A market floor for the copy trader: a fake view, and a venue that fills, denies or refuses as it is told."""

from decimal import Decimal

import msgspec

from domain.book import OrderBook
from domain.identifiers import CorrelationId, InstrumentId, IntentId, MarketId, OrderId, VenueName
from domain.instrument import Instrument, Market, Side
from domain.messages import (
    BookSnapshot,
    FillReceived,
    MarketResolved,
    OrderChanged,
    PassedOver,
    Receipt,
    Settlement,
    StrategyIntent,
    TimerFired,
    WalletAction,
    WalletTrade,
)
from domain.order import Intent, Order, OrderStatus
from strategies.base_strategy import Holding, Intents
from strategies.copy_trader import CopyTrader
from strategies.loader import build
from tests.support.trading import ALPHA, MARKET, NOW_NS, UP, S, book, d, fill_of, market

NOTHING = Holding(Decimal(0), Decimal(0), Decimal(0))
WALLET = "0xA1"
OTHER = MarketId("n")
DEFAULTS = {"target": "leader", "window_s": 0, "sizing": "fixed", "fixed_notional": Decimal("10.20")}
"""At a limit of 0.51 the fixed size is 20 shares."""


class FakeView:
    """What a strategy may see, as plain dictionaries; `unsettled` shares are held and cannot be sold yet."""

    def __init__(self) -> None:
        self.time_ns = NOW_NS
        self.bankroll = Decimal(1000)
        self.markets: dict[MarketId, Market] = {MARKET: market()}
        self.books: dict[InstrumentId, OrderBook] = {}
        self.holdings: dict[InstrumentId, Holding] = {}
        self.payouts: dict[InstrumentId, Decimal] = {}
        self.working: list[Order] = []

    def instrument(self, instrument_id: InstrumentId) -> Instrument | None:
        found = (i for m in self.markets.values() for i in m.instruments if i.id == instrument_id)
        return next(found, None)

    def market(self, market_id: MarketId) -> Market | None:
        return self.markets.get(market_id)

    def book(self, instrument_id: InstrumentId) -> OrderBook | None:
        return self.books.get(instrument_id)

    def payout(self, instrument_id: InstrumentId) -> Decimal | None:
        return self.payouts.get(instrument_id)

    def holding(self, instrument_id: InstrumentId) -> Holding:
        return self.holdings.get(instrument_id, NOTHING)

    def orders(self, market_id: MarketId | None = None) -> list[Order]:
        return [o for o in self.working if market_id in (None, o.market_id)]

    def committed(self, event_id: str | None = None) -> Decimal:
        return sum((h.cost for h in self.holdings.values()), Decimal(0))


class Floor:
    """Runs the hooks, keeps what they yield, and answers orders at once: `part` of each is filled at its limit.

    With `denies` no order comes of an intent; with `is_slow` it stays at the venue until `answer`; without
    `settles` bought shares cannot be sold yet.
    """

    def __init__(self, **parameters: object) -> None:
        self.view = FakeView()
        strategy = build(CopyTrader, {**DEFAULTS, **parameters})
        assert isinstance(strategy, CopyTrader)
        self.strategy = strategy
        self.part = Decimal(1)
        self.denies, self.settles, self.is_slow = False, True, False
        self.at_venue: list[Intent] = []
        self.intents: list[Intent] = []
        self.gates: list[str] = []
        self.receipts: dict[str, Receipt] = {}
        self.keys: set[str] = set()
        self.trades = 0
        self.spent = Decimal(0)
        self.take(strategy.on_start(self.view))

    # --- what happens -------------------------------------------------------------------------------

    def show(self, bids: str = "0.49x1000", asks: str = "0.50x1000", *, of: InstrumentId = UP) -> None:
        """Show a book now."""
        shown = book(bids, asks, of=of, time_ns=self.view.time_ns)
        self.view.books[of] = shown
        self.take(self.strategy.on_book(BookSnapshot(time_ns=self.view.time_ns, book=shown), self.view))

    def heard(self, text: str, **changes: object) -> WalletTrade:
        """Say what the target did, such as "BUY 100 UP 0.50", just now, in a transaction of its own."""
        side, quantity, outcome, price = text.split()
        self.trades += 1
        trade = WalletTrade(
            time_ns=self.view.time_ns,
            traded_ns=self.view.time_ns,
            wallet=WALLET,
            name="leader",
            action=WalletAction.TRADE,
            market_id=MARKET,
            instrument_id=InstrumentId(f"m:{outcome}"),
            side=Side(side),
            price=Decimal(price),
            quantity=Decimal(quantity),
            transaction=f"t{self.trades}",
        )
        return msgspec.structs.replace(trade, **changes)

    def trade(self, text: str, **changes: object) -> None:
        """Let the strategy hear what the target did."""
        self.take(self.strategy.on_wallet_trade(self.heard(text, **changes), self.view))

    def wait(self, seconds: int = 1) -> None:
        """Let the timer ring once a second."""
        for _ in range(seconds):
            self.view.time_ns += S
            self.take(self.strategy.on_timer(TimerFired(time_ns=self.view.time_ns), self.view))

    def resolve(self, payouts: dict[InstrumentId, Decimal]) -> None:
        """Resolve the market."""
        del self.view.markets[MARKET]
        self.view.payouts.update(payouts)
        event = MarketResolved(time_ns=self.view.time_ns, market_id=MARKET, payouts=payouts)
        self.take(self.strategy.on_resolved(event, self.view))

    def list_another(self) -> InstrumentId:
        """List a second market with a proper book, and return its first outcome."""
        first = market()
        tokens = [(t, InstrumentId(t.id.replace("m:", "n:"))) for t in first.instruments]
        instruments = tuple(
            msgspec.structs.replace(t, id=i, market_id=OTHER, complement_id=None) for t, i in tokens
        )
        self.view.markets[OTHER] = msgspec.structs.replace(first, id=OTHER, instruments=instruments)
        self.show(of=instruments[0].id)
        return instruments[0].id

    def copied(self) -> None:
        """Have a copied position: 20 shares, of the target's 200."""
        self.show()
        self.trade("BUY 200 UP 0.50")
        assert self.held() == 20, self.gates

    # --- what came of it ----------------------------------------------------------------------------

    def held(self, of: InstrumentId = UP) -> Decimal:
        """Our shares."""
        return self.view.holding(of).quantity

    @property
    def sold(self) -> Decimal:
        """Shares asked for by all sales."""
        return sum((i.quantity for i in self.intents if i.side is Side.SELL), Decimal(0))

    @property
    def latest(self) -> Receipt:
        """The receipt of the last leader trade."""
        return list(self.receipts.values())[-1]

    # --- the venue ----------------------------------------------------------------------------------

    def take(self, intents: Intents) -> None:
        """Place what a hook yielded when it has ended, as the desk does; a key is accepted once."""
        yielded = list(intents)
        for intent in yielded:
            self._note(intent)
        for intent in yielded:
            if isinstance(intent, Intent) and not self.denies and intent.signal_key not in self.keys:
                self.keys.add(intent.signal_key)
                self._accept(intent)

    def answer(self, *, part: str = "1") -> None:
        """Let the venue execute so much of the order that it has had longest."""
        self.view.working.pop(0)
        self._execute(self.at_venue.pop(0), part=d(part))

    def _accept(self, intent: Intent) -> None:
        if not self.is_slow:
            self._execute(intent)
            return
        self.at_venue.append(intent)
        order = msgspec.structs.replace(self._order(intent, Decimal(0)), status=OrderStatus.OPEN)
        self.view.working.append(order)

    def _note(self, intent: StrategyIntent) -> None:
        match intent:
            case Intent():
                self.intents.append(intent)
            case PassedOver(gate=gate):
                self.gates.append(gate)
            case Receipt():
                self.receipts[intent.key] = intent
            case _:
                pass

    def _execute(self, intent: Intent, *, part: Decimal | None = None) -> None:
        filled = (intent.quantity * (self.part if part is None else part)).quantize(Decimal("0.01"))
        order = self._order(intent, filled)
        if filled:
            self._book(intent, filled)
            fill = fill_of(order, filled, trade=f"f{len(self.keys)}", time_ns=self.view.time_ns)
            event = FillReceived(time_ns=self.view.time_ns, fill=fill, settlement=Settlement.PENDING)
            self.take(self.strategy.on_fill(event, self.view))
        self.take(self.strategy.on_order(OrderChanged(time_ns=self.view.time_ns, order=order), self.view))

    def _book(self, intent: Intent, filled: Decimal) -> None:
        before = self.view.holding(intent.instrument_id)
        sign = 1 if intent.side is Side.BUY else -1
        quantity = before.quantity + sign * filled
        self.spent += filled * intent.price if sign > 0 else 0
        cost = before.cost + filled * intent.price if sign > 0 else before.cost * quantity / before.quantity
        settled = before.settled_quantity + (sign * filled if sign < 0 or self.settles else 0)
        assert quantity >= 0, "sold more than we had"
        assert settled >= 0, "sold what was not settled"
        self.view.holdings[intent.instrument_id] = Holding(quantity, settled, cost)

    def _order(self, intent: Intent, filled: Decimal) -> Order:
        return Order(
            id=OrderId(f"o{len(self.keys)}"),
            intent_id=IntentId(f"s1/copy_trader/{intent.signal_key}/0"),
            generation=1,
            correlation_id=CorrelationId("c"),
            strategy=ALPHA,
            venue=VenueName("paper"),
            market_id=MARKET,
            instrument_id=intent.instrument_id,
            side=intent.side,
            time_in_force=intent.time_in_force,
            post_only=False,
            price=intent.price,
            quantity=intent.quantity,
            created_ns=self.view.time_ns,
            updated_ns=self.view.time_ns,
            status=OrderStatus.FILLED if filled == intent.quantity else OrderStatus.CANCELLED,
            filled_quantity=filled,
            reason="no orders found to match" if filled < intent.quantity else "",
        )
