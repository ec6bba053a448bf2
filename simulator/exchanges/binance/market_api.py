"""Binance's public REST endpoints: the list of pairs, books, candles, tickers and trades."""

from decimal import Decimal

from domain.instrument import Side
from simulator.exchanges.binance.endpoints import Endpoint, Request, Respond, Weigh, always, by_symbol
from simulator.exchanges.binance.errors import BinanceError
from simulator.exchanges.binance.limits import Limits
from simulator.exchanges.binance.parameters import Parameters
from simulator.exchanges.binance.payloads import Json, amount, candle, levels, public_trade
from simulator.exchanges.candles import DAY_MS, INTERVALS_MS
from simulator.exchanges.exchange import SpotExchange
from simulator.exchanges.pairs import Pair
from simulator.exchanges.server_clock import NS_PER_MS

DEPTH_DEFAULT = 100
DEPTH_MAX = 5_000
DEPTH_WEIGHTS = ((100, 5), (500, 25), (1_000, 50), (DEPTH_MAX, 250))
ROWS_DEFAULT = 500
ROWS_MAX = 1_000
ORDER_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET"]


def ping(request: Request) -> Json:
    """Answer nothing, to show that the way is open."""
    request.parameters.finish()
    return {}


def server_time(request: Request) -> Json:
    """The exchange's own clock."""
    request.parameters.finish()
    return {"serverTime": request.exchange.clock.now_ms()}


def exchange_info(request: Request) -> Json:
    """Every pair with its filters, and the budgets."""
    request.parameters.allow("symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus")
    request.parameters.finish()
    pair = request.optional_pair()
    pairs = [pair] if pair else list(request.exchange.pairs.values())
    return {
        "timezone": "UTC",
        "serverTime": request.exchange.clock.now_ms(),
        "rateLimits": rate_limits(request.budget.limits),
        "exchangeFilters": [],
        "symbols": [_symbol_row(pair) for pair in pairs],
    }


def depth(request: Request) -> Json:
    """The book with the number of its last change, by which the stream's changes are joined to it."""
    pair = request.pair()
    limit = min(request.parameters.whole("limit") or DEPTH_DEFAULT, DEPTH_MAX)
    request.parameters.finish()
    book = request.exchange.books[pair.symbol]
    bids, asks = book.levels(Side.BUY, limit), book.levels(Side.SELL, limit)
    return {"lastUpdateId": book.update_id, "bids": levels(bids), "asks": levels(asks)}


def klines(request: Request) -> list[list[object]]:
    """Candles, oldest first; the last one is not finished."""
    pair, parameters = request.pair(), request.parameters
    interval_ms = INTERVALS_MS.get(parameters.required("interval"))
    limit = min(parameters.whole("limit") or ROWS_DEFAULT, ROWS_MAX)
    since_ms, until_ms = parameters.whole("startTime") or 0, parameters.whole("endTime")
    parameters.allow("timeZone")
    parameters.finish()
    if interval_ms is None:
        raise BinanceError(-1120, "Invalid interval.")
    rows = request.exchange.candles[pair.symbol].rows(interval_ms, limit=ROWS_MAX)
    found = [row for row in rows if since_ms <= row.open_ms and (until_ms is None or row.open_ms <= until_ms)]
    return [candle(row) for row in (found[:limit] if since_ms else found[-limit:])]


def trades(request: Request) -> list[Json]:
    """The newest prints of a pair, oldest first."""
    pair = request.pair()
    limit = min(request.parameters.whole("limit") or ROWS_DEFAULT, ROWS_MAX)
    request.parameters.finish()
    return [public_trade(trade) for trade in list(request.exchange.trades[pair.symbol])[-limit:]]


def day_ticker(request: Request) -> object:
    """The last 24 hours of one pair, or of all."""
    pair = request.optional_pair()
    request.parameters.allow("type", "symbols", "symbolStatus")
    request.parameters.finish()
    if pair:
        return _day_row(request.exchange, pair)
    return [_day_row(request.exchange, listed) for listed in request.exchange.pairs.values()]


def book_ticker(request: Request) -> object:
    """Best bid and ask of one pair, or of all."""
    pair = request.optional_pair()
    request.parameters.allow("symbols", "symbolStatus")
    request.parameters.finish()
    if pair:
        return {"symbol": pair.symbol, **_top(request.exchange, pair)}
    listed = request.exchange.pairs.values()
    return [{"symbol": pair.symbol, **_top(request.exchange, pair)} for pair in listed]


def price_ticker(request: Request) -> object:
    """Last price of one pair, or of all."""
    pair = request.optional_pair()
    request.parameters.allow("symbols", "symbolStatus")
    request.parameters.finish()
    candles = request.exchange.candles
    if pair:
        return {"symbol": pair.symbol, "price": amount(candles[pair.symbol].last_price)}
    return [{"symbol": symbol, "price": amount(one.last_price)} for symbol, one in candles.items()]


def rate_limits(limits: Limits) -> list[Json]:
    """The budgets as the exchange announces them."""
    return [
        _rate_limit("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_per_minute),
        _rate_limit("ORDERS", "SECOND", 10, limits.orders_per_10s),
        _rate_limit("ORDERS", "DAY", 1, limits.orders_per_day),
    ]


def _rate_limit(kind: str, interval: str, number: int, limit: int) -> Json:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def _symbol_row(pair: Pair) -> Json:
    return {
        "symbol": pair.symbol,
        "status": "TRADING" if pair.is_open else "HALT",
        "baseAsset": pair.base,
        "baseAssetPrecision": 8,
        "quoteAsset": pair.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ORDER_TYPES,
        "icebergAllowed": False,
        "ocoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(pair),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
    }


def _filters(pair: Pair) -> list[Json]:
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": amount(pair.price_min),
            "maxPrice": amount(pair.price_max),
            "tickSize": amount(pair.price_tick),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": amount(pair.quantity_min),
            "maxQty": amount(pair.quantity_max),
            "stepSize": amount(pair.quantity_step),
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": amount(pair.notional_min),
            "applyMinToMarket": True,
            "maxNotional": amount(pair.notional_max),
            "applyMaxToMarket": False,
            "avgPriceMins": pair.average_minutes,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": f"{pair.bid_multipliers[1]:f}",
            "bidMultiplierDown": f"{pair.bid_multipliers[0]:f}",
            "askMultiplierUp": f"{pair.ask_multipliers[1]:f}",
            "askMultiplierDown": f"{pair.ask_multipliers[0]:f}",
            "avgPriceMins": pair.average_minutes,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": pair.open_orders_max},
    ]


def _day_row(exchange: SpotExchange, pair: Pair) -> Json:
    now_ns = exchange.clock.now_ns()
    day = exchange.candles[pair.symbol].day(now_ns)
    change = day.close - day.open
    newest = list(exchange.trades[pair.symbol])[-1:]
    return {
        "symbol": pair.symbol,
        "priceChange": amount(change),
        "priceChangePercent": f"{change / day.open * 100:.3f}",
        "weightedAvgPrice": amount(day.quote_volume / day.volume if day.volume else day.close),
        "prevClosePrice": amount(day.open),
        "lastPrice": amount(day.close),
        "lastQty": amount(newest[0].quantity if newest else Decimal(0)),
        **_top(exchange, pair),
        "openPrice": amount(day.open),
        "highPrice": amount(day.high),
        "lowPrice": amount(day.low),
        "volume": amount(day.volume),
        "quoteVolume": amount(day.quote_volume),
        "openTime": now_ns // NS_PER_MS - DAY_MS,
        "closeTime": now_ns // NS_PER_MS,
        "firstId": newest[0].id - day.trades + 1 if newest else -1,
        "lastId": newest[0].id if newest else -1,
        "count": day.trades,
    }


def _top(exchange: SpotExchange, pair: Pair) -> Json:
    book, nothing = exchange.books[pair.symbol], (Decimal(0), Decimal(0))
    bid, ask = book.best(Side.BUY) or nothing, book.best(Side.SELL) or nothing
    return {
        "bidPrice": amount(bid[0]),
        "bidQty": amount(bid[1]),
        "askPrice": amount(ask[0]),
        "askQty": amount(ask[1]),
    }


def _depth_weight(parameters: Parameters) -> int:
    limit = parameters.whole("limit") or DEPTH_DEFAULT
    return next((weight for levels_max, weight in DEPTH_WEIGHTS if limit <= levels_max), 250)


def _public(name: str, respond: Respond, weigh: Weigh, ws_method: str) -> Endpoint:
    path = f"/api/v3/{name}"
    return Endpoint(
        method="GET", path=path, respond=respond, weigh=weigh, is_signed=False, ws_method=ws_method
    )


PUBLIC = (
    _public("ping", ping, always(1), "ping"),
    _public("time", server_time, always(1), "time"),
    _public("exchangeInfo", exchange_info, always(20), "exchangeInfo"),
    _public("depth", depth, _depth_weight, "depth"),
    _public("klines", klines, always(2), "klines"),
    _public("trades", trades, always(25), "trades.recent"),
    _public("ticker/24hr", day_ticker, by_symbol(with_symbol=2, without=80), "ticker.24hr"),
    _public("ticker/bookTicker", book_ticker, by_symbol(with_symbol=2, without=4), "ticker.book"),
    _public("ticker/price", price_ticker, by_symbol(with_symbol=2, without=4), "ticker.price"),
)
"""All that needs no signature, with the documented weights."""
