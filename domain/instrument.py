"""What can be traded: markets and the instruments (outcome tokens, spot pairs) in them."""

from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from msgspec import UNSET, Struct, UnsetType

from domain.errors import InvariantError
from domain.identifiers import InstrumentId, MarketId, VenueName
from domain.money import (
    AMOUNT_MAX,
    EXCHANGE_UNIT,
    ONE,
    PUSD,
    ZERO,
    cost_of,
    exchange_fee,
    proceeds_of,
    round_down,
    taker_fee,
    taker_fee_max,
)

CENT = Decimal("0.01")


class Side(StrEnum):
    """Direction of an order, as the venue and the database spell it."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> "Side":
        """The side that this one trades against."""
        return Side.SELL if self is Side.BUY else Side.BUY


class InstrumentKind(StrEnum):
    """A share of an outcome, which pays 0 to 1 in the end; or one asset in terms of another, without an end."""

    OUTCOME = "outcome"
    SPOT = "spot"


class FeeSide(StrEnum):
    """Which asset an exchange takes its fee in: the quote, what the trade brings, or what only each trade tells."""

    QUOTE = "quote"
    RECEIVED = "received"
    ANY = "any"


class Pair(Struct, frozen=True, kw_only=True):
    """What a spot pair has beyond an outcome token: prices in `quote` per `base`, amounts of an order in `quote`.

    The fee rates are parts of what is traded, and usual ones: an account may pay others, which each trade tells.
    """

    base: str
    quote: str
    price_min: Decimal
    price_max: Decimal | None = None
    notional_min: Decimal = ZERO
    taker_fee_rate: Decimal = ZERO
    maker_fee_rate: Decimal = ZERO
    fee_side: FeeSide = FeeSide.ANY


class Instrument(Struct, frozen=True, kw_only=True):
    """One outcome token: prices in pUSD per share within [tick, 1 − tick], quantities in shares; or a spot `pair`.

    A pair is left out of what is written where there is none, so that files and digests from before there were
    pairs stay what they are.
    """

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
    pair: Pair | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.pair is not UNSET and assets_of(self.id) != (self.pair.base, self.pair.quote):
            raise InvariantError(f"instrument {self.id} trades {self.pair.base} for {self.pair.quote}")

    @property
    def kind(self) -> InstrumentKind:
        """What it is a price of."""
        return InstrumentKind.OUTCOME if self.pair is UNSET else InstrumentKind.SPOT

    @property
    def asset(self) -> str:
        """What a purchase brings, as the ledger names it."""
        return self.id if self.pair is UNSET else self.pair.base

    @property
    def money(self) -> str:
        """What a purchase is paid with."""
        return PUSD if self.pair is UNSET else self.pair.quote

    @property
    def price_min(self) -> Decimal:
        """Lowest price that the venue takes: one tick, or what the pair says."""
        return self.tick_size if self.pair is UNSET else self.pair.price_min

    @property
    def price_max(self) -> Decimal:
        """Highest price that the venue takes: one tick below 1; of a pair what it says, else what we can count."""
        if self.pair is UNSET:
            return ONE - self.tick_size
        return AMOUNT_MAX if self.pair.price_max is None else self.pair.price_max

    @property
    def notional_min(self) -> Decimal:
        """Least worth, at its limit, of an order that may rest; that of one that takes can be larger."""
        return ZERO if self.pair is UNSET else self.pair.notional_min

    def is_on_tick(self, price: Decimal) -> bool:
        """Say whether the price is a whole number of ticks."""
        return price % self.tick_size == 0

    def fee_asset(self, side: Side) -> str:
        """What the fee of a trade is probably taken in: the trade tells; an unknown custom is the usual one."""
        if self.pair is UNSET or self.pair.fee_side is FeeSide.QUOTE or side is Side.SELL:
            return self.money
        return self.asset

    def taker_fee(self, *, side: Side, price: Decimal, quantity: Decimal) -> Decimal:
        """What taking costs at a price, in the `fee_asset` of the side."""
        if self.pair is UNSET:
            return taker_fee(price=price, quantity=quantity, rate=self.fee_rate, exponent=self.fee_exponent)
        return self._pair_fee(self.pair.taker_fee_rate, side=side, price=price, quantity=quantity)

    def maker_fee(self, *, side: Side, price: Decimal, quantity: Decimal) -> Decimal:
        """What being taken costs, in the `fee_asset` of the side: nothing for outcome tokens."""
        if self.pair is UNSET:
            return ZERO
        return self._pair_fee(self.pair.maker_fee_rate, side=side, price=price, quantity=quantity)

    def taker_fee_max(self, *, price_max: Decimal, quantity: Decimal) -> Decimal:
        """Most money that a purchase at `price_max` or better can cost beside its price: what is to be set aside.

        Of a pair whose buyers pay in what they receive that is none.
        """
        if self.pair is UNSET:
            return taker_fee_max(
                price_max=price_max, quantity=quantity, rate=self.fee_rate, exponent=self.fee_exponent
            )
        rate = max(self.pair.taker_fee_rate, self.pair.maker_fee_rate)
        return self._money_fee(rate, price_max=price_max, quantity=quantity)

    def maker_fee_max(self, *, price_max: Decimal, quantity: Decimal) -> Decimal:
        """As `taker_fee_max`, of an order that only ever rests."""
        if self.pair is UNSET:
            return ZERO
        return self._money_fee(self.pair.maker_fee_rate, price_max=price_max, quantity=quantity)

    def _pair_fee(self, rate: Decimal, *, side: Side, price: Decimal, quantity: Decimal) -> Decimal:
        if self.fee_asset(side) == self.asset:
            return exchange_fee(quantity, rate)
        return exchange_fee(proceeds_of(price=price, quantity=quantity, unit=EXCHANGE_UNIT), rate)

    def _money_fee(self, rate: Decimal, *, price_max: Decimal, quantity: Decimal) -> Decimal:
        if self.pair is UNSET or self.pair.fee_side is FeeSide.RECEIVED:
            return ZERO
        return exchange_fee(cost_of(price=price_max, quantity=quantity, unit=EXCHANGE_UNIT), rate)


class UpDown(Struct, frozen=True, kw_only=True):
    """How a crypto up/down market resolves: up iff the feed's time-weighted average price at the end is at
    least that at the start, each over the `twap_s` seconds before; read from the market, never assumed."""

    asset: str
    feed: str
    twap_s: int


class Market(Struct, frozen=True, kw_only=True):
    """A question with its instruments; times are UTC nanoseconds, `closes_ns` is the venue's expected end.

    Markets of one neg-risk event share `event_id` and are exclusive: exactly one of them pays. A pair of an exchange is
    a market of one instrument. A reference is listed so that its books have a name, and it takes no orders.
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


def pair_id(venue: VenueName, *, base: str, quote: str) -> InstrumentId:
    """Our name of a spot pair, from which its two assets can be read again.

    >>> pair_id(VenueName("binance"), base="BTC", quote="USDT")
    'binance:BTC/USDT'
    """
    return InstrumentId(f"{venue}:{base}/{quote}")


def is_pair(instrument_id: InstrumentId) -> bool:
    """Say whether an id names a spot pair."""
    return "/" in instrument_id


@lru_cache(maxsize=4_096)
def assets_of(instrument_id: InstrumentId) -> tuple[str, str]:
    """What a purchase brings and what it is paid with, as the ledger names them.

    >>> assets_of(InstrumentId("binance:BTC/USDT"))
    ('BTC', 'USDT')
    >>> assets_of(InstrumentId("0x5e:UP"))
    ('0x5e:UP', 'pUSD')
    """
    base, slash, quote = instrument_id.partition(":")[2].partition("/")
    return (base, quote) if slash else (instrument_id, PUSD)


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
