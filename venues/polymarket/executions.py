"""What a trade row means for one of our orders: side, price, shares and fee, exact, from either side of the trade."""

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from msgspec import Struct

from domain.identifiers import InstrumentId, MarketId, OrderId, TradeId, VenueName
from domain.instrument import Side
from domain.messages import Fill, Liquidity
from domain.money import ONE, PUSD, ZERO, taker_fee
from domain.order import Order
from venues.polymarket.terms import Terms
from venues.polymarket.wire import MakerPart, TradeRow

PRICE_UNIT = Decimal("1e-12")
"""An average over several prices is kept to this: less than a millionth of a pUSD over a million shares."""


class Execution(Struct, frozen=True, kw_only=True):
    """One order's part of a trade, before it is known whose order it is."""

    venue_order_id: str
    token_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    liquidity: Liquidity


def taker_part(row: TradeRow, terms: Terms | None) -> Execution:
    """The taker's part: each maker's price, on the other token its complement, and the fee at each of them."""
    levels = taker_levels(row)
    quantity = sum((shares for _, shares in levels), ZERO)
    fees = (
        taker_fee(price=price, quantity=shares, rate=terms.fee_rate, exponent=terms.fee_exponent)
        for price, shares in levels
        if terms
    )
    return Execution(
        venue_order_id=row.taker_order_id,
        token_id=row.token_id,
        side=row.side,
        price=average_price(levels, row.side),
        quantity=quantity,
        fee=sum(fees, ZERO),
        liquidity=Liquidity.TAKER,
    )


def maker_part(row: TradeRow, part: MakerPart) -> Execution:
    """A resting order's part, at its own price and without a fee; a side that is missing follows from the token:
    against the taker on the same one, with it on the other (a mint or a merge)."""
    same_token = part.token_id == row.token_id
    return Execution(
        venue_order_id=part.order_id,
        token_id=part.token_id,
        side=part.side or (row.side.opposite if same_token else row.side),
        price=part.price,
        quantity=part.quantity,
        fee=ZERO,
        liquidity=Liquidity.MAKER,
    )


def taker_levels(row: TradeRow) -> list[tuple[Decimal, Decimal]]:
    """Price and shares of each maker as the taker sees them; the row's own where the makers do not add up to it."""
    levels = [
        (part.price if part.token_id == row.token_id else ONE - part.price, part.quantity)
        for part in row.makers
    ]
    is_whole = sum((shares for _, shares in levels), ZERO) == row.quantity
    return levels if is_whole and row.quantity else [(row.price, row.quantity)]


def average_price(levels: Iterable[tuple[Decimal, Decimal]], side: Side) -> Decimal:
    """One price for several, rounded so that the money, which is then rounded against us, comes out exact.

    >>> average_price([(Decimal("0.50"), Decimal(1)), (Decimal("0.53"), Decimal(2))], Side.BUY)
    Decimal('0.52')
    """
    levels = list(levels)
    prices = {price for price, _ in levels}
    if len(prices) == 1:
        return prices.pop()
    money = sum((price * shares for price, shares in levels), ZERO)
    average = money / sum((shares for _, shares in levels), ZERO)
    rounding = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
    return average.quantize(PRICE_UNIT, rounding=rounding).normalize()


def fill_of(execution: Execution, row: TradeRow, *, order: Order, venue: VenueName, now_ns: int) -> Fill:
    """A fill of an order of ours: instrument and side are the order's, which its id commits to."""
    return Fill(
        venue=venue,
        instrument_id=order.instrument_id,
        market_id=order.market_id,
        trade_id=TradeId(row.id),
        order_id=order.id,
        side=order.side,
        price=execution.price,
        quantity=execution.quantity,
        fee=execution.fee,
        fee_asset=PUSD,
        liquidity=execution.liquidity,
        time_ns=row.matched_ns or now_ns,
    )


def foreign_fill(execution: Execution, row: TradeRow, *, terms: Terms | None, venue: VenueName) -> Fill:
    """A fill of an order of this account that we did not send; its id is the venue's."""
    return Fill(
        venue=venue,
        instrument_id=terms.instrument_id if terms else InstrumentId(execution.token_id),
        market_id=terms.market_id if terms else MarketId(row.condition_id),
        trade_id=TradeId(row.id),
        order_id=OrderId(execution.venue_order_id),
        side=execution.side,
        price=execution.price,
        quantity=execution.quantity,
        fee=execution.fee,
        fee_asset=PUSD,
        liquidity=execution.liquidity,
        time_ns=row.matched_ns,
    )
