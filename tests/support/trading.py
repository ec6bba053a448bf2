"""Values of the trade in few words: one binary market, its books, intents, orders and fills."""

from decimal import Decimal

from domain.book import Level, OrderBook
from domain.identifiers import (
    CorrelationId,
    InstrumentId,
    IntentId,
    MarketId,
    OrderId,
    SessionId,
    StrategyName,
    TradeId,
    VenueName,
    VenueOrderId,
)
from domain.instrument import Instrument, Market, Side
from domain.messages import (
    Acknowledged,
    BookSnapshot,
    Fill,
    Filled,
    Liquidity,
    MarketListed,
    Settlement,
    SettlementReported,
)
from domain.order import Intent, Order, OrderStatus, TimeInForce

S = 1_000_000_000
NOW_NS = 1_790_596_800 * S  # 2026-09-28T12:00:00Z
CLOSES_NS = NOW_NS + 900 * S

SESSION = SessionId("s1")
PAPER = VenueName("paper")
ALPHA, BETA = StrategyName("alpha"), StrategyName("beta")
MARKET = MarketId("m")
UP, DOWN = InstrumentId("m:UP"), InstrumentId("m:DOWN")
WALLET = "s1/paper"


def d(text: str | int) -> Decimal:
    """An exact amount."""
    return Decimal(text)


def instrument(
    of: InstrumentId = UP,
    *,
    fee_rate: str = "0.07",
    tick_size: str = "0.01",
    complement: InstrumentId | None = DOWN,
) -> Instrument:
    """A token of the market: lots of 0.01, at least 5 shares."""
    return Instrument(
        id=of,
        market_id=MARKET,
        venue=PAPER,
        outcome=of.rpartition(":")[2],
        complement_id=complement,
        tick_size=d(tick_size),
        fee_rate=d(fee_rate),
    )


def market(*, fee_rate: str = "0.07") -> Market:
    """A market of 15 minutes that opens now."""
    return Market(
        id=MARKET,
        venue=PAPER,
        slug="btc-updown-15m",
        question="Bitcoin Up or Down",
        category="crypto",
        event_id="e",
        opens_ns=NOW_NS,
        closes_ns=CLOSES_NS,
        instruments=(
            instrument(UP, fee_rate=fee_rate, complement=DOWN),
            instrument(DOWN, fee_rate=fee_rate, complement=UP),
        ),
    )


def listed(*, time_ns: int = NOW_NS, fee_rate: str = "0.07") -> MarketListed:
    """The listing of the market."""
    return MarketListed(time_ns=time_ns, market=market(fee_rate=fee_rate))


def levels(text: str) -> tuple[Level, ...]:
    """Read levels such as "0.50x100 0.49x20", best first."""
    pairs = (quote.split("x") for quote in text.split())
    return tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in pairs)


def book(
    bids: str = "0.49x100", asks: str = "0.51x100", *, of: InstrumentId = UP, time_ns: int = NOW_NS
) -> OrderBook:
    """A snapshot from two texts of levels; its mid is 0.50 unless told otherwise."""
    return OrderBook(instrument_id=of, time_ns=time_ns, bids=levels(bids), asks=levels(asks))


def shown(shown_book: OrderBook) -> BookSnapshot:
    """The event that shows a book."""
    return BookSnapshot(time_ns=shown_book.time_ns, book=shown_book)


def intent(text: str, *, key: str = "k", leg: int = 0, expires_ns: int | None = None) -> Intent:
    """Read "BUY 10 UP 0.50", perhaps with a time in force and `post-only`."""
    side, quantity, outcome, price, *rest = text.split()
    post_only = "post-only" in rest
    time_in_force = next((TimeInForce(word) for word in rest if word != "post-only"), TimeInForce.GTC)
    return Intent(
        instrument_id=InstrumentId(f"m:{outcome}"),
        side=Side(side),
        quantity=Decimal(quantity),
        price=Decimal(price),
        signal_key=key,
        reason=f"because {key}",
        time_in_force=time_in_force,
        leg=leg,
        post_only=post_only,
        expires_ns=expires_ns,
    )


def order(
    text: str,
    *,
    name: str = "o",
    strategy: StrategyName = ALPHA,
    status: OrderStatus = OrderStatus.OPEN,
    filled: str = "0",
) -> Order:
    """An order from the same words as an intent; `name` makes its id."""
    wanted = intent(text)
    return Order(
        id=OrderId(f"s1-{name}"),
        intent_id=IntentId(f"s1/{strategy}/{name}/0"),
        generation=1,
        correlation_id=CorrelationId(f"s1-c{name}"),
        strategy=strategy,
        venue=PAPER,
        market_id=MARKET,
        instrument_id=wanted.instrument_id,
        side=wanted.side,
        time_in_force=wanted.time_in_force,
        post_only=wanted.post_only,
        price=wanted.price,
        quantity=wanted.quantity,
        created_ns=NOW_NS,
        updated_ns=NOW_NS,
        status=status,
        filled_quantity=Decimal(filled),
    )


def fill_of(
    filled: Order,
    quantity: str | Decimal,
    *,
    price: str | Decimal | None = None,
    fee: str | Decimal = "0",
    trade: str = "t1",
    time_ns: int = NOW_NS,
) -> Fill:
    """A fill of the order, at its limit unless another price is given."""
    return Fill(
        venue=filled.venue,
        instrument_id=filled.instrument_id,
        market_id=filled.market_id,
        trade_id=TradeId(trade),
        order_id=filled.id,
        side=filled.side,
        price=filled.price if price is None else Decimal(price),
        quantity=Decimal(quantity),
        fee=Decimal(fee),
        fee_asset="pUSD",
        liquidity=Liquidity.TAKER,
        time_ns=time_ns,
    )


def filled_report(fill: Fill) -> Filled:
    """The venue's word of a fill."""
    return Filled(fill=fill, time_ns=fill.time_ns)


def settlement_of(fill: Fill, settlement: Settlement = Settlement.SETTLED) -> SettlementReported:
    """The venue's word of what became of a fill."""
    return SettlementReported(
        venue=fill.venue,
        instrument_id=fill.instrument_id,
        trade_id=fill.trade_id,
        order_id=fill.order_id,
        settlement=settlement,
        time_ns=fill.time_ns,
    )


def acknowledged(of: Order, *, time_ns: int = NOW_NS) -> Acknowledged:
    """The venue's answer that it has the order."""
    return Acknowledged(order_id=of.id, venue_order_id=VenueOrderId(of.id), time_ns=time_ns)
