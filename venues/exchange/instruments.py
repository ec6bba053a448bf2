"""A market of ccxt → Market, Instrument and the terms of a spot pair that an Instrument has no fields for."""

from decimal import Decimal, InvalidOperation
from typing import Any

import ccxt
from msgspec import Struct

from domain.errors import ConfigurationError
from domain.identifiers import InstrumentId, MarketId, VenueName
from domain.instrument import FeeSide, Instrument, Market, Pair
from domain.money import ZERO
from venues.exchange.quirks import Quirks

END_OF_TIME_NS = 2**63 - 1
"""A spot pair has no end of its own."""

DECIMALS_MAX = 18


class SpotTerms(Struct, frozen=True, kw_only=True):
    """What an exchange says of a pair: prices in `quote` per `base`, quantities in `base`, costs in `quote`."""

    instrument_id: InstrumentId
    market_id: MarketId
    symbol: str
    base: str
    quote: str
    tick_size: Decimal
    step_size: Decimal
    price_min: Decimal
    price_max: Decimal | None
    quantity_min: Decimal
    quantity_max: Decimal | None
    notional_min: Decimal
    notional_max: Decimal | None
    taker_fee_rate: Decimal
    maker_fee_rate: Decimal
    """The exchange's usual rates, not those of the account: for reservations and estimates alone."""
    fee_in_received_asset: bool | None
    is_active: bool

    def fee_asset(self, *, is_buy: bool) -> str | None:
        """The asset that the fee of a trade will probably be taken in; None where only the trade tells."""
        if self.fee_in_received_asset is None:
            return None
        return self.base if is_buy and self.fee_in_received_asset else self.quote


FEE_SIDES = {True: FeeSide.RECEIVED, False: FeeSide.QUOTE, None: FeeSide.ANY}


def instrument_id(exchange: str, symbol: str) -> InstrumentId:
    """Our name of a pair.

    >>> instrument_id("binance", "BTC/USDT")
    'binance:BTC/USDT'
    """
    return InstrumentId(f"{exchange}:{symbol}")


def terms_of(exchange: str, market: dict[str, Any], precision_mode: int, quirks: Quirks) -> SpotTerms:
    """Read a market of ccxt; raises ConfigurationError where it is no spot pair or has no grid."""
    symbol = str(market.get("symbol"))
    if not market.get("spot"):
        raise ConfigurationError(f"{exchange} {symbol} is no spot pair; name one such as BTC/USDT")
    limits, precision = market.get("limits") or {}, market.get("precision") or {}
    tick_size = _grid(precision.get("price"), precision_mode)
    step_size = _grid(precision.get("amount"), precision_mode)
    if tick_size is None or step_size is None:
        raise ConfigurationError(f"{exchange} {symbol} has no fixed tick or step; it cannot be traded here")
    identifier = instrument_id(exchange, symbol)
    return SpotTerms(
        instrument_id=identifier,
        market_id=MarketId(identifier),
        symbol=symbol,
        base=str(market["base"]),
        quote=str(market["quote"]),
        tick_size=tick_size,
        step_size=step_size,
        price_min=max(_limit(limits, "price", "min") or ZERO, tick_size),
        price_max=_limit(limits, "price", "max"),
        quantity_min=max(_limit(limits, "amount", "min") or ZERO, step_size),
        quantity_max=_limit(limits, "amount", "max"),
        notional_min=_limit(limits, "cost", "min") or ZERO,
        notional_max=_limit(limits, "cost", "max"),
        taker_fee_rate=_decimal(market.get("taker")) or ZERO,
        maker_fee_rate=_decimal(market.get("maker")) or ZERO,
        fee_in_received_asset=quirks.fee_in_received_asset,
        is_active=market.get("active") is not False,
    )


def market_of(venue: VenueName, terms: SpotTerms) -> Market:
    """The pair as a market with one instrument."""
    instrument = Instrument(
        id=terms.instrument_id,
        market_id=terms.market_id,
        venue=venue,
        outcome=terms.symbol,
        complement_id=None,
        tick_size=terms.tick_size,
        lot_size=terms.step_size,
        quantity_min=terms.quantity_min,
        taker_notional_min=terms.notional_min,
        pair=Pair(
            base=terms.base,
            quote=terms.quote,
            price_min=terms.price_min,
            price_max=terms.price_max,
            notional_min=terms.notional_min,
            taker_fee_rate=terms.taker_fee_rate,
            maker_fee_rate=terms.maker_fee_rate,
            fee_side=FEE_SIDES[terms.fee_in_received_asset],
        ),
    )
    return Market(
        id=terms.market_id,
        venue=venue,
        slug=terms.symbol,
        question=f"{terms.base} in {terms.quote}",
        category="spot",
        event_id=terms.market_id,
        opens_ns=0,
        closes_ns=END_OF_TIME_NS,
        instruments=(instrument,),
    )


def decimal_of(value: object) -> Decimal | None:
    """A number of ccxt as it stood on the wire; None where there is none.

    Text is taken as it is. Where ccxt only has a float (books), its shortest text is the wire's number again, up to
    fifteen digits.

    >>> decimal_of("0.00100000"), decimal_of(60000.01), decimal_of(None)
    (Decimal('0.00100000'), Decimal('60000.01'), None)
    """
    return _decimal(value)


def _decimal(value: object) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _limit(limits: dict[str, Any], what: str, end: str) -> Decimal | None:
    """A limit; exchanges write 0 where they have none."""
    return _decimal((limits.get(what) or {}).get(end)) or None


def _grid(value: object, mode: int) -> Decimal | None:
    """The step of a grid; with significant digits there is no fixed one."""
    number = _decimal(value)
    if number is None:
        return None
    if mode == ccxt.TICK_SIZE:
        return number if number > 0 else None
    if mode == ccxt.DECIMAL_PLACES and 0 <= number <= DECIMALS_MAX:
        return Decimal(1).scaleb(-int(number))
    return None
