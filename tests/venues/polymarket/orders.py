"""Orders, terms and a market for the adapter's tests: one token of 77 digits' kind, cents as ticks."""

from decimal import Decimal

import msgspec

from domain.identifiers import (
    CorrelationId,
    InstrumentId,
    IntentId,
    MarketId,
    OrderId,
    StrategyName,
    VenueName,
)
from domain.instrument import Instrument, Market, Side
from domain.messages import MarketListed
from domain.order import Order, TimeInForce
from venues.polymarket.terms import Terms

NOW_NS = 1_795_233_734_380_000_000
UP_TOKEN = "71321045679252212594626385532706912750332728571942532289631379312455583992563"
DOWN_TOKEN = "52114319501245915516055106046884209969926127482827954674443846427813813222426"
CONDITION = "0x" + "ab" * 32
UP, DOWN, MARKET = InstrumentId(UP_TOKEN), InstrumentId(DOWN_TOKEN), MarketId(CONDITION)
VENUE = VenueName("polymarket")


def order(number: int = 1, **changes: object) -> Order:
    """A buy of 10 shares at 0.52 that rests; `number` makes it another intent."""
    bare = Order(
        id=OrderId(f"s1-{number:016x}"),
        intent_id=IntentId(f"s1/quoter/k{number}/0"),
        generation=1,
        correlation_id=CorrelationId(f"s1-c{number}"),
        strategy=StrategyName("quoter"),
        venue=VENUE,
        market_id=MARKET,
        instrument_id=UP,
        side=Side.BUY,
        time_in_force=TimeInForce.GTC,
        post_only=False,
        price=Decimal("0.52"),
        quantity=Decimal(10),
        created_ns=NOW_NS,
        updated_ns=NOW_NS,
    )
    return msgspec.structs.replace(bare, **changes)


def instrument(token: str, complement: str, outcome: str) -> Instrument:
    """A token of a crypto market: taker fee 7 %."""
    return Instrument(
        id=InstrumentId(token),
        market_id=MARKET,
        venue=VENUE,
        outcome=outcome,
        complement_id=InstrumentId(complement),
        tick_size=Decimal("0.01"),
        fee_rate=Decimal("0.07"),
    )


def listed() -> MarketListed:
    """The market of both tokens."""
    market = Market(
        id=MARKET,
        venue=VENUE,
        slug="btc-updown-5m-1795233600",
        question="Up or down?",
        category="crypto",
        event_id="1",
        opens_ns=NOW_NS,
        closes_ns=NOW_NS + 300 * 10**9,
        instruments=(instrument(UP_TOKEN, DOWN_TOKEN, "Up"), instrument(DOWN_TOKEN, UP_TOKEN, "Down")),
    )
    return MarketListed(time_ns=NOW_NS, market=market)


def terms(**changes: object) -> Terms:
    """The terms of the first token."""
    bare = Terms(
        instrument_id=UP,
        market_id=MARKET,
        tick_size=Decimal("0.01"),
        is_neg_risk=False,
        fee_rate=Decimal("0.07"),
        fee_exponent=1,
    )
    return msgspec.structs.replace(bare, **changes)
