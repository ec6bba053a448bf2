"""Orders, fills and trades of a simulated spot exchange; every one is a fact, a change makes a new one."""

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from domain.instrument import Side
from domain.money import ZERO
from simulator.exchanges.pairs import Pair


class OrderKind(StrEnum):
    """How an order meets the book."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    POST_ONLY = "POST_ONLY"


class Lifetime(StrEnum):
    """What happens to the part of an order that finds nobody at once."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class OrderState(StrEnum):
    """Where an order stands; the last three are final."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"

    @property
    def is_open(self) -> bool:
        """Say whether the order may still trade."""
        return self in (OrderState.NEW, OrderState.PARTIALLY_FILLED)


class OrderForm(Struct, frozen=True, kw_only=True):
    """What a client asks for: `price` is absent for a market order, which has a base or a quote quantity."""

    pair: Pair
    side: Side
    kind: OrderKind
    lifetime: Lifetime
    price: Decimal | None
    quantity: Decimal | None
    quote_quantity: Decimal | None = None
    client_order_id: str = ""


class SpotOrder(Struct, frozen=True, kw_only=True):
    """One version of an order that the exchange accepted; `owner` is an API key, empty for the house."""

    id: int
    owner: str
    form: OrderForm
    client_order_id: str
    created_ns: int
    updated_ns: int
    state: OrderState = OrderState.NEW
    quantity: Decimal = ZERO
    """Base quantity; for a market order by quote quantity what it has bought or sold so far."""
    filled: Decimal = ZERO
    filled_quote: Decimal = ZERO
    locked: Decimal = ZERO
    """What is held back for the rest: quote of a buy, base of a sale."""

    @property
    def leaves(self) -> Decimal:
        """Base quantity that may still trade."""
        return self.quantity - self.filled

    @property
    def average_price(self) -> Decimal:
        """Quote paid or got per base; zero before the first fill."""
        return self.filled_quote / self.filled if self.filled else ZERO


class SpotTrade(Struct, frozen=True, kw_only=True):
    """A print: two orders met; `taker_side` is the side of the one that came later."""

    id: int
    symbol: str
    price: Decimal
    quantity: Decimal
    taker_side: Side
    maker_order_id: int
    taker_order_id: int
    time_ns: int

    @property
    def cost(self) -> Decimal:
        """What changed hands, in the quote asset."""
        return self.price * self.quantity


class SpotFill(Struct, frozen=True, kw_only=True):
    """One order's part in a trade; `fee` is in `fee_asset`, which is what the order received."""

    trade: SpotTrade
    order_id: int
    side: Side
    is_maker: bool
    fee: Decimal
    fee_asset: str


class Refusal(StrEnum):
    """Why the exchange did not take an order; each venue has its own code and words for it."""

    PAIR_CLOSED = "pair closed"
    PRICE_TOO_LOW = "price too low"
    PRICE_TOO_HIGH = "price too high"
    PRICE_OFF_TICK = "price off tick"
    PRICE_TOO_FAR = "price too far"
    QUANTITY_TOO_SMALL = "quantity too small"
    QUANTITY_TOO_LARGE = "quantity too large"
    QUANTITY_OFF_STEP = "quantity off step"
    NOTIONAL_TOO_SMALL = "notional too small"
    NOTIONAL_TOO_LARGE = "notional too large"
    TOO_MANY_ORDERS = "too many orders"
    DUPLICATE_CLIENT_ID = "duplicate client id"
    INSUFFICIENT_BALANCE = "insufficient balance"
    WOULD_TAKE = "would take"


class OrderRefusedError(Exception):
    """The order was not taken: nothing was booked, and nothing of it will trade."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal
