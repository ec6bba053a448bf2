"""What can be traded: markets and the instruments (outcome tokens) in them."""

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from domain.identifiers import InstrumentId, MarketId, VenueName
from domain.money import ONE, round_down

CENT = Decimal("0.01")


class Side(StrEnum):
    """Direction of an order, as the venue and the database spell it."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> "Side":
        """The side that this one trades against."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Instrument(Struct, frozen=True, kw_only=True):
    """One outcome token: prices in pUSD per share within [tick, 1 − tick], quantities in shares."""

    id: InstrumentId
    market_id: MarketId
    venue: VenueName
    outcome: str
    complement_id: InstrumentId | None
    tick_size: Decimal
    lot_size: Decimal = CENT
    quantity_min: Decimal = Decimal(5)
    taker_notional_min: Decimal = ONE
    fee_rate: Decimal = Decimal(0)
    fee_exponent: int = 1

    @property
    def price_min(self) -> Decimal:
        """Lowest price that the venue takes: one tick."""
        return self.tick_size

    @property
    def price_max(self) -> Decimal:
        """Highest price that the venue takes: one tick below 1."""
        return ONE - self.tick_size

    def is_on_tick(self, price: Decimal) -> bool:
        """Say whether the price is a whole number of ticks."""
        return price % self.tick_size == 0


class UpDown(Struct, frozen=True, kw_only=True):
    """How a crypto up/down market resolves: up iff the feed's time-weighted average price at the end is at
    least that at the start, each over the `twap_s` seconds before; read from the market, never assumed."""

    asset: str
    feed: str
    twap_s: int


class Market(Struct, frozen=True, kw_only=True):
    """A question with its instruments; times are UTC nanoseconds, `closes_ns` is the venue's expected end.

    Markets of one neg-risk event share `event_id` and are exclusive: exactly one of them pays. A market without
    outcomes (a spot pair) is a reference: it is listed so that its books have a name, and it takes no orders.
    """

    id: MarketId
    venue: VenueName
    slug: str
    question: str
    category: str
    event_id: str
    opens_ns: int
    closes_ns: int
    instruments: tuple[Instrument, ...]
    up_down: UpDown | None = None
    is_neg_risk: bool = False
    is_reference: bool = False


def round_price(price: Decimal, instrument: Instrument, side: Side) -> Decimal:
    """Round to the tick that cannot cost us more: a buy down, a sell up.

    >>> from domain.identifiers import InstrumentId, MarketId, VenueName
    >>> cent_tick = Instrument(
    ...     id=InstrumentId("i"),
    ...     market_id=MarketId("m"),
    ...     venue=VenueName("v"),
    ...     outcome="UP",
    ...     complement_id=None,
    ...     tick_size=CENT,
    ... )
    >>> round_price(Decimal("0.4567"), cent_tick, Side.BUY)
    Decimal('0.45')
    """
    down = round_down(price, instrument.tick_size)
    if side is Side.BUY or down == price:
        return down
    return down + instrument.tick_size


def immediate_quantity(quantity: Decimal, price: Decimal, instrument: Instrument) -> Decimal:
    """Largest quantity up to `quantity` whose cost at `price` is whole cents, as FOK and FAK buys must be.

    The venue refuses other amounts: "the market buy orders maker amount supports a max accuracy of 2
    decimals". At 0.96 the cost of 0.25 shares is the first whole number of cents.

    >>> from domain.identifiers import InstrumentId, MarketId, VenueName
    >>> token = Instrument(
    ...     id=InstrumentId("i"),
    ...     market_id=MarketId("m"),
    ...     venue=VenueName("v"),
    ...     outcome="UP",
    ...     complement_id=None,
    ...     tick_size=CENT,
    ... )
    >>> immediate_quantity(Decimal("20.31"), Decimal("0.96"), token)
    Decimal('20.25')
    """
    step = instrument.lot_size
    lots_per_step = next((n for n in range(1, 10_001) if (step * n * price) % CENT == 0), 0)
    return round_down(quantity, step * lots_per_step) if lots_per_step else Decimal(0)
