"""What crosses the rooms: market data in, intents out of strategies, reports from venues, news to strategies."""

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from domain.book import OrderBook
from domain.conversions import SetConverted, SetIntent
from domain.identifiers import InstrumentId, MarketId, OrderId, StrategyName, TradeId, VenueName, VenueOrderId
from domain.instrument import Market, Side
from domain.order import Intent, Order


class Liquidity(StrEnum):
    """Who waited: a maker rested, a taker crossed."""

    MAKER = "MAKER"
    TAKER = "TAKER"


class Settlement(StrEnum):
    """Whether a fill is final at the venue."""

    PENDING = "PENDING"
    SETTLED = "SETTLED"
    FAILED = "FAILED"


# --- market data: what feeds and tapes produce -------------------------------------------------------


class MarketListed(Struct, frozen=True, kw_only=True, tag="market"):
    """A market and its instruments become known."""

    time_ns: int
    market: Market


class BookSnapshot(Struct, frozen=True, kw_only=True, tag="book"):
    """A whole book of one instrument."""

    time_ns: int
    book: OrderBook


class TradePrint(Struct, frozen=True, kw_only=True, tag="print"):
    """Somebody's trade; `side` is the taker's."""

    time_ns: int
    instrument_id: InstrumentId
    side: Side
    price: Decimal
    quantity: Decimal


class TickSizeChanged(Struct, frozen=True, kw_only=True, tag="tick"):
    """The venue takes prices on another grid from now on."""

    time_ns: int
    instrument_id: InstrumentId
    tick_size: Decimal


class MarketResolved(Struct, frozen=True, kw_only=True, tag="resolved"):
    """The outcome is known: each share of an instrument pays its payout in pUSD (0 to 1)."""

    time_ns: int
    market_id: MarketId
    payouts: dict[InstrumentId, Decimal]


class SnapshotRejected(Struct, frozen=True, kw_only=True, tag="rejected"):
    """A capture that no venue can have shown (crossed, out of bounds): counted, shown to nobody."""

    time_ns: int
    instrument_id: InstrumentId
    reason: str


class PriceTick(Struct, frozen=True, kw_only=True, tag="price"):
    """A price of an underlying asset from outside the markets; `feed` is what a market names as its source of
    settlement (`chainlink:BTC`) or an exchange (`binance:BTC`)."""

    time_ns: int
    feed: str
    asset: str
    price: Decimal


class WalletAction(StrEnum):
    """What another wallet did; only trades are copied."""

    TRADE = "TRADE"
    REDEEM = "REDEEM"
    MERGE = "MERGE"


class WalletTrade(Struct, frozen=True, kw_only=True, tag="wallet"):
    """Another wallet's fill, redemption or merge, as we heard of it at `time_ns`; it happened at `traded_ns`.

    `transaction` identifies it at the venue; several fills can share one, and one can be reported twice.
    """

    time_ns: int
    traded_ns: int
    wallet: str
    name: str
    action: WalletAction
    market_id: MarketId
    instrument_id: InstrumentId
    side: Side
    price: Decimal
    quantity: Decimal
    transaction: str
    is_maker: bool = False


class FeedChanged(Struct, frozen=True, kw_only=True, tag="feed"):
    """The books of these instruments are continuous again (`is_live`), or no longer: what was seen may be wrong.

    `epoch` counts the breaks of the feed; whatever was decided in an earlier one is not to be sent.
    """

    time_ns: int
    instrument_ids: tuple[InstrumentId, ...]
    is_live: bool
    epoch: int
    reason: str


MarketEvent = (
    MarketListed
    | BookSnapshot
    | TradePrint
    | TickSizeChanged
    | MarketResolved
    | SnapshotRejected
    | PriceTick
    | WalletTrade
    | FeedChanged
)

COUNTED = (BookSnapshot, TradePrint, SnapshotRejected, PriceTick, WalletTrade)
"""What counts as a market event: listings, ticks and resolutions come with them."""


# --- what strategies yield ---------------------------------------------------------------------------


class CancelIntent(Struct, frozen=True, kw_only=True):
    """A wish to cancel one of the strategy's own orders; harmless where it has ended already."""

    order_id: OrderId
    reason: str


class RedeemIntent(Struct, frozen=True, kw_only=True):
    """A wish to turn the settled shares of a resolved instrument into cash."""

    instrument_id: InstrumentId


class PassedOver(NamedTuple):
    """A look that led to nothing: counted per minute by market and gate, so that "why not?" has an answer."""

    market_id: MarketId
    gate: str


class Receipt(Struct, frozen=True, kw_only=True):
    """What became of another wallet's trade that a strategy follows; the latest receipt of a key wins.

    `outcome` is one of copied, skipped, waiting, failed; `reason` says in words why. Slippage is our price less
    the leader's, against us where positive; `delay_s` counts from the leader's trade to our fill.
    """

    time_ns: int
    key: str
    wallet: str
    name: str
    market_id: MarketId
    instrument_id: InstrumentId
    side: Side
    leader_price: Decimal
    leader_quantity: Decimal
    leader_time_ns: int
    our_price: Decimal | None
    our_quantity: Decimal | None
    our_time_ns: int | None
    slippage: Decimal | None
    delay_s: Decimal | None
    outcome: str
    reason: str


StrategyIntent = Intent | CancelIntent | RedeemIntent | SetIntent | PassedOver | Receipt


# --- what venues report ------------------------------------------------------------------------------


class Fill(Struct, frozen=True, kw_only=True):
    """One execution of one of our orders, identified by (venue, instrument, trade id, order id); the fee is in pUSD."""

    venue: VenueName
    instrument_id: InstrumentId
    market_id: MarketId
    trade_id: TradeId
    order_id: OrderId
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    liquidity: Liquidity
    time_ns: int


class Acknowledged(Struct, frozen=True, kw_only=True):
    """The venue has the order."""

    order_id: OrderId
    venue_order_id: VenueOrderId
    time_ns: int


class Rejected(Struct, frozen=True, kw_only=True):
    """The venue refused the order, definitively, in its own words."""

    order_id: OrderId
    reason: str
    time_ns: int


class NotSent(Struct, frozen=True, kw_only=True):
    """Proven: no byte of this attempt reached the venue."""

    order_id: OrderId
    reason: str
    time_ns: int


class Lost(Struct, frozen=True, kw_only=True):
    """Bytes may have reached the venue and no definitive answer came back."""

    order_id: OrderId
    reason: str
    time_ns: int


class Filled(Struct, frozen=True, kw_only=True):
    """A fill, matched and not yet settled."""

    fill: Fill
    time_ns: int


class SettlementReported(Struct, frozen=True, kw_only=True):
    """A fill became final, or failed and is to be undone."""

    venue: VenueName
    instrument_id: InstrumentId
    trade_id: TradeId
    order_id: OrderId
    settlement: Settlement
    time_ns: int


class Cancelled(Struct, frozen=True, kw_only=True):
    """The order (or the rest of it) is cancelled, by us or by the venue."""

    order_id: OrderId
    reason: str
    time_ns: int


class CancelLost(Struct, frozen=True, kw_only=True):
    """The cancel was answered with "not found", "already matched" or not at all: only a query can tell."""

    order_id: OrderId
    reason: str
    time_ns: int


class Expired(Struct, frozen=True, kw_only=True):
    """The order's own time limit passed at the venue."""

    order_id: OrderId
    time_ns: int


class FoundOpen(Struct, frozen=True, kw_only=True):
    """A query found the order resting at the venue."""

    order_id: OrderId
    time_ns: int


class ProvenAbsent(Struct, frozen=True, kw_only=True):
    """The payload can no longer execute, and two independent reads agree that the venue has nothing of it."""

    order_id: OrderId
    reason: str
    time_ns: int


class GaveUp(Struct, frozen=True, kw_only=True):
    """The time limit for resolving an unknown order passed: a person decides."""

    order_id: OrderId
    reason: str
    time_ns: int


class Redeemed(Struct, frozen=True, kw_only=True):
    """Shares of a resolved instrument were paid out."""

    venue: VenueName
    strategy: StrategyName
    instrument_id: InstrumentId
    quantity: Decimal
    payout: Decimal
    time_ns: int


ExecutionReport = (
    Acknowledged
    | Rejected
    | NotSent
    | Lost
    | Filled
    | SettlementReported
    | Cancelled
    | CancelLost
    | Expired
    | FoundOpen
    | ProvenAbsent
    | GaveUp
    | Redeemed
    | SetConverted
)


# --- what strategies hear besides market data --------------------------------------------------------


class Started(Struct, frozen=True, kw_only=True):
    """First event of every strategy."""

    time_ns: int


class Stopped(Struct, frozen=True, kw_only=True):
    """Last event of a strategy whose run ends in order."""

    time_ns: int


class TimerFired(Struct, frozen=True, kw_only=True):
    """The interval that the strategy asked for has passed."""

    time_ns: int


class OrderChanged(Struct, frozen=True, kw_only=True):
    """One of the strategy's orders is in another state, durably."""

    time_ns: int
    order: Order


class FillReceived(Struct, frozen=True, kw_only=True):
    """One of the strategy's orders was filled, or a fill settled or failed, durably."""

    time_ns: int
    fill: Fill
    settlement: Settlement


StrategyEvent = (
    Started
    | Stopped
    | TimerFired
    | OrderChanged
    | FillReceived
    | BookSnapshot
    | TradePrint
    | MarketResolved
    | PriceTick
    | WalletTrade
)
