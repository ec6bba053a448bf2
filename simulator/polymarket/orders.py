"""An order at the venue: what its owner signed, where it stands in the book, and how much of it is done."""

from enum import StrEnum

from msgspec import Struct, field

from simulator.polymarket.eip712 import SignedFields
from simulator.polymarket.markets import PRICE_UNITS, SimMarket

BUY, SELL = 0, 1
SIDE_NAMES = ("BUY", "SELL")


class OrderType(StrEnum):
    """How long an order stays."""

    GTC = "GTC"
    GTD = "GTD"
    FOK = "FOK"
    FAK = "FAK"


class Status:
    """Names of an order's states; a cancelled one begins with CANCELED and may go on with a reason."""

    LIVE = "LIVE"
    DELAYED = "DELAYED"
    MATCHED = "MATCHED"
    UNMATCHED = "UNMATCHED"
    INVALID = "INVALID"
    CANCELED = "CANCELED"
    CANCELED_MARKET_RESOLVED = "CANCELED_MARKET_RESOLVED"
    CANCELED_NOT_ENOUGH_BALANCE = "CANCELED_NOT_ENOUGH_BALANCE"
    CANCELED_EXPIRED_ORDER = "CANCELED_EXPIRED_ORDER"


OPEN_STATES = frozenset((Status.LIVE, Status.DELAYED, Status.UNMATCHED))


class SimOrder(Struct, kw_only=True, eq=False):
    """Amounts in base units, prices in price units of the order's own token; only the exchange changes one."""

    id: str
    key: str
    """The API key that sent it; the house has one of its own."""
    maker: str
    market: SimMarket
    outcome: int
    side: int
    price: int
    size: int
    budget: int | None = None
    """pUSD that a FOK or FAK buy spends; its size is then the shares it wants at least."""
    kind: OrderType = OrderType.GTC
    post_only: bool = False
    expires_s: int = 0
    created_ns: int = 0
    status: str = Status.LIVE
    matched: int = 0
    spent: int = 0
    """pUSD that changed hands so far, without fees."""
    trades: list[str] = field(default_factory=list)
    signed: SignedFields | None = None
    promised: int = 0
    """What is set aside of the wallet for it."""

    @property
    def token(self) -> str:
        """The outcome token it buys or sells."""
        return self.market.token_ids[self.outcome]

    @property
    def is_bid(self) -> bool:
        """Whether it stands among the bids of the market's one book, which is kept in the first outcome's terms."""
        return (self.side == BUY) == (self.outcome == 0)

    @property
    def book_price(self) -> int:
        """Its price in the first outcome's terms: an offer to buy the second at p asks 1 − p for the first."""
        return self.price if self.outcome == 0 else PRICE_UNITS - self.price

    @property
    def remaining(self) -> int:
        """Shares still wanted or offered; of an order with a budget, what that buys at its limit."""
        if self.budget is not None:
            return (self.budget - self.spent) * PRICE_UNITS // self.price
        return self.size - self.matched

    @property
    def is_open(self) -> bool:
        """Whether it can still match."""
        return self.status in OPEN_STATES

    @property
    def rests(self) -> bool:
        """Whether what does not match at once stays on the book."""
        return self.kind in (OrderType.GTC, OrderType.GTD)


def value_of(shares: int, price: int) -> int:
    """pUSD for shares at a price, rounded down to a base unit.

    >>> value_of(10_120_000, 5_200)
    5262400
    """
    return shares * price // PRICE_UNITS
