"""Spot pairs of the simulated exchanges: the grids and limits that orders must keep, and the fee rates."""

from decimal import Decimal

import msgspec
from msgspec import Struct

from domain.instrument import Side


class Pair(Struct, frozen=True, kw_only=True):
    """A spot pair: prices in the quote asset, quantities in the base asset; both sides of a limit are allowed.

    The price bounds by side are multiples of the average price of the last minutes, as Binance has them.
    """

    symbol: str
    base: str
    quote: str
    price_tick: Decimal
    quantity_step: Decimal
    quantity_min: Decimal
    notional_min: Decimal
    opening_price: Decimal
    """The house quotes around this price before anything has traded."""
    price_min: Decimal = Decimal("0.01")
    price_max: Decimal = Decimal(1_000_000)
    quantity_max: Decimal = Decimal(9_000)
    notional_max: Decimal = Decimal(9_000_000)
    bid_multipliers: tuple[Decimal, Decimal] = (Decimal("0.2"), Decimal("5"))
    ask_multipliers: tuple[Decimal, Decimal] = (Decimal("0.2"), Decimal("5"))
    average_minutes: int = 5
    open_orders_max: int = 200
    maker_fee_rate: Decimal = Decimal("0.001")
    taker_fee_rate: Decimal = Decimal("0.001")
    is_open: bool = True
    """False while the pair is halted: orders are refused, cancels are not."""

    def price_bounds(self, side: Side) -> tuple[Decimal, Decimal]:
        """Lowest and highest multiple of the average price that an order of this side may ask for."""
        return self.bid_multipliers if side is Side.BUY else self.ask_multipliers

    def closed(self) -> "Pair":
        """The same pair while it is halted."""
        return msgspec.structs.replace(self, is_open=False)


BITCOIN = Pair(
    symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    price_tick=Decimal("0.01"),
    quantity_step=Decimal("0.00001"),
    quantity_min=Decimal("0.00001"),
    notional_min=Decimal(5),
    opening_price=Decimal("60000.00"),
)
ETHER = Pair(
    symbol="ETHUSDT",
    base="ETH",
    quote="USDT",
    price_tick=Decimal("0.01"),
    quantity_step=Decimal("0.0001"),
    quantity_min=Decimal("0.0001"),
    notional_min=Decimal(5),
    opening_price=Decimal("2600.00"),
)
ETHER_IN_BITCOIN = Pair(
    symbol="ETHBTC",
    base="ETH",
    quote="BTC",
    price_tick=Decimal("0.00001"),
    price_min=Decimal("0.00001"),
    price_max=Decimal(1_000),
    quantity_step=Decimal("0.0001"),
    quantity_min=Decimal("0.0001"),
    notional_min=Decimal("0.0001"),
    opening_price=Decimal("0.04333"),
)
PAIRS = (BITCOIN, ETHER, ETHER_IN_BITCOIN)
"""What an exchange lists unless it is told otherwise."""
