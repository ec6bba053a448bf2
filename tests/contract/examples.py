"""One example of every message, in which no two values are the same: a value in the wrong place is noticed."""

from typing import TypeVar

import msgspec
from msgspec import Struct

from domain.conversions import Conversion, SetAction, SetConverted, SetIntent
from domain.identifiers import (
    CorrelationId,
    InstrumentId,
    IntentId,
    MarketId,
    OrderId,
    StrategyName,
    TradeId,
    VenueName,
    VenueOrderId,
)
from domain.inputs import Input, InputKind
from domain.instrument import Instrument, Market, Side, UpDown
from domain.messages import (
    Acknowledged,
    CancelIntent,
    Cancelled,
    CancelLost,
    ExecutionReport,
    Expired,
    FeedChanged,
    Fill,
    Filled,
    FillReceived,
    FoundOpen,
    GaveUp,
    Liquidity,
    Lost,
    MarketEvent,
    MarketListed,
    MarketResolved,
    NotSent,
    OrderChanged,
    PassedOver,
    PriceTick,
    ProvenAbsent,
    Receipt,
    Redeemed,
    RedeemIntent,
    Rejected,
    Settlement,
    SettlementReported,
    SnapshotRejected,
    Started,
    Stopped,
    StrategyEvent,
    StrategyIntent,
    TickSizeChanged,
    TimerFired,
    TradePrint,
    WalletAction,
    WalletTrade,
)
from domain.order import Intent, Order, OrderStatus, TimeInForce
from tests.support.trading import ALPHA, CLOSES_NS, DOWN, MARKET, NOW_NS, PAPER, UP, S, book, d, shown

MessageT = TypeVar("MessageT")


def by_type(*messages: MessageT) -> dict[type, MessageT]:
    """The messages by their class; each class once."""
    assert len({type(message) for message in messages}) == len(messages)
    return {type(message): message for message in messages}


def leaves(message: object, path: str = "") -> dict[str, object]:
    """Every value of a message by the dotted path of its field, those of nested messages and maps in its place."""
    if isinstance(message, Struct):
        message = msgspec.structs.asdict(message)
    if not isinstance(message, dict):
        return {path.removesuffix("."): message}
    fields = message.items()
    return {key: leaf for name, value in fields for key, leaf in leaves(value, f"{path}{name}.").items()}


# --- market events --------------------------------------------------------------------------------------


def token(of: InstrumentId, complement: InstrumentId, number: int) -> Instrument:
    """An instrument whose every setting differs from its default and from the other's."""
    return Instrument(
        id=of,
        market_id=MARKET,
        venue=PAPER,
        outcome=of.rpartition(":")[2],
        complement_id=complement,
        tick_size=d("0.01"),
        lot_size=d("0.1"),
        quantity_min=d(6 + number),
        taker_notional_min=d(2 + number),
        fee_rate=d("0.05") + number,
        fee_exponent=3 + number,
    )


LISTED = MarketListed(
    time_ns=NOW_NS,
    market=Market(
        id=MARKET,
        venue=PAPER,
        slug="btc-updown-15m",
        question="Bitcoin Up or Down",
        category="crypto",
        event_id="e",
        opens_ns=NOW_NS - 7 * S,
        closes_ns=CLOSES_NS,
        instruments=(token(UP, DOWN, 0), token(DOWN, UP, 1)),
        up_down=UpDown(asset="BTC", feed="chainlink:BTC", twap_s=60),
        is_neg_risk=True,
        is_reference=True,
    ),
)
MARKET_EVENTS: dict[type, MarketEvent] = by_type(
    LISTED,
    shown(book("0.49x111 0.48x112", "0.51x113 0.53x114", time_ns=NOW_NS + 1 * S)),
    TradePrint(time_ns=NOW_NS + 2 * S, instrument_id=UP, side=Side.SELL, price=d("0.47"), quantity=d("33.5")),
    TickSizeChanged(time_ns=NOW_NS + 3 * S, instrument_id=UP, tick_size=d("0.001")),
    SnapshotRejected(time_ns=NOW_NS + 4 * S, instrument_id=DOWN, reason="crossed"),
    PriceTick(time_ns=NOW_NS + 5 * S, feed="chainlink:BTC", asset="BTC", price=d("64000.25")),
    WalletTrade(
        time_ns=NOW_NS + 6 * S,
        traded_ns=NOW_NS + 5 * S,
        wallet="0xabc",
        name="steady-heron",
        action=WalletAction.MERGE,
        market_id=MARKET,
        instrument_id=UP,
        side=Side.SELL,
        price=d("0.46"),
        quantity=d("44.5"),
        transaction="0xdef",
        is_maker=True,
    ),
    FeedChanged(time_ns=NOW_NS + 7 * S, instrument_ids=(UP, DOWN), is_live=False, epoch=3, reason="a gap"),
    MarketResolved(time_ns=NOW_NS + 8 * S, market_id=MARKET, payouts={UP: d("0.25"), DOWN: d("0.75")}),
)
"""In the order in which they can be played."""

# --- intents --------------------------------------------------------------------------------------------

RECEIPT = Receipt(
    time_ns=NOW_NS + 61 * S,
    key="0xabc:UP:1",
    wallet="0xabc",
    name="steady-heron",
    market_id=MARKET,
    instrument_id=UP,
    side=Side.SELL,
    leader_price=d("0.61"),
    leader_quantity=d("101.5"),
    leader_time_ns=NOW_NS + 62 * S,
    our_price=d("0.62"),
    our_quantity=d("16.25"),
    our_time_ns=NOW_NS + 63 * S,
    slippage=d("0.0125"),
    delay_s=d("1.75"),
    outcome="copied",
    reason="within the limits",
)
STRATEGY_INTENTS: dict[type, StrategyIntent] = by_type(
    Intent(
        instrument_id=DOWN,
        side=Side.BUY,
        quantity=d("12.5"),
        price=d("0.45"),
        signal_key="a key",
        reason="a reason",
        time_in_force=TimeInForce.GTD,
        leg=3,
        post_only=True,
        expires_ns=NOW_NS + 600 * S,
    ),
    CancelIntent(order_id=OrderId("s1-other"), reason="a second thought"),
    RedeemIntent(instrument_id=UP),
    SetIntent(action=SetAction.SPLIT, market_id=MARKET, quantity=d("17.5")),
    PassedOver(market_id=MARKET, gate="edge too small"),
    RECEIPT,
)

# --- reports --------------------------------------------------------------------------------------------

OF, AT = OrderId("s1-of"), NOW_NS + 9 * S
FILL = Fill(
    venue=PAPER,
    instrument_id=UP,
    market_id=MARKET,
    trade_id=TradeId("t-77"),
    order_id=OF,
    side=Side.BUY,
    price=d("0.44"),
    quantity=d("7.25"),
    fee=d("0.01234"),
    fee_asset="pUSD",
    liquidity=Liquidity.MAKER,
    time_ns=NOW_NS + 8 * S,
)
EXECUTION_REPORTS: dict[type, ExecutionReport] = by_type(
    Acknowledged(order_id=OF, venue_order_id=VenueOrderId("v-88"), time_ns=AT),
    Rejected(order_id=OF, reason="the venue's words", time_ns=AT),
    NotSent(order_id=OF, reason="connection refused", time_ns=AT),
    Lost(order_id=OF, reason="no answer", time_ns=AT),
    Filled(fill=FILL, time_ns=AT),
    SettlementReported(
        venue=PAPER,
        instrument_id=UP,
        trade_id=FILL.trade_id,
        order_id=OF,
        settlement=Settlement.SETTLED,
        time_ns=AT,
    ),
    Cancelled(order_id=OF, reason="asked to", time_ns=AT),
    CancelLost(order_id=OF, reason="already matched", time_ns=AT),
    Expired(order_id=OF, time_ns=AT),
    FoundOpen(order_id=OF, time_ns=AT),
    ProvenAbsent(order_id=OF, reason="two reads agree", time_ns=AT),
    GaveUp(order_id=OF, reason="120 s have passed", time_ns=AT),
    Redeemed(venue=PAPER, strategy=ALPHA, instrument_id=UP, quantity=d("5.5"), payout=d("0.25"), time_ns=AT),
    SetConverted(
        venue=VenueName("elsewhere"),
        conversion=Conversion(
            id=f"split:alpha:{NOW_NS}:1",
            strategy=ALPHA,
            market_id=MARKET,
            instrument_ids=(UP, DOWN),
            action=SetAction.SPLIT,
            quantity=d("17.5"),
        ),
        quantity=d("16.5"),
        time_ns=AT,
    ),
)

# --- news, and what is done from outside ----------------------------------------------------------------

HERON = StrategyName("heron")
ORDER = Order(
    id=OrderId("s1-order"),
    intent_id=IntentId("s1/heron/k/0"),
    generation=2,
    correlation_id=CorrelationId("s1-chain"),
    strategy=HERON,
    venue=VenueName("somewhere"),
    market_id=MarketId("m-9"),
    instrument_id=InstrumentId("m-9:YES"),
    side=Side.SELL,
    time_in_force=TimeInForce.GTD,
    post_only=True,
    price=d("0.31"),
    quantity=d("71.5"),
    created_ns=NOW_NS + 21 * S,
    updated_ns=NOW_NS + 22 * S,
    status=OrderStatus.SENDING,
    filled_quantity=d("3.25"),
    attempts=1,
    reason="a sentence",
    expires_ns=NOW_NS + 23 * S,
    valid_until_ns=NOW_NS + 24 * S,
)
STRATEGY_EVENTS: dict[type, StrategyEvent] = by_type(
    Started(time_ns=NOW_NS + 51 * S),
    Stopped(time_ns=NOW_NS + 52 * S),
    TimerFired(time_ns=NOW_NS + 53 * S),
    OrderChanged(time_ns=NOW_NS + 54 * S, order=ORDER),
    FillReceived(time_ns=NOW_NS + 55 * S, fill=FILL, settlement=Settlement.SETTLED),
)
"""Those that are no market events."""

INPUT = Input(position=81, kind=InputKind.HALT, strategy="heron", ordinal=82, reason="it did not return")
