"""Bybit's public REST endpoints: time, pairs, books, tickers, candles and trades."""

from domain.instrument import Side
from simulator.exchanges.bybit.errors import BybitError
from simulator.exchanges.bybit.payloads import (
    Json,
    candle_row,
    levels,
    pair_row,
    public_trade,
    ticker_row,
)
from simulator.exchanges.bybit.requests import PARAMETER_ERROR, Request
from simulator.exchanges.candles import INTERVALS_MS

BOOK_LEVELS_MAX = 200
CANDLES_MAX = 1_000
TRADES_MAX = 60
DAY = "D"
MINUTE_MS = 60_000


def server_time(request: Request) -> Json:
    """The exchange's clock in seconds and in nanoseconds."""
    now_ns = request.exchange.clock.now_ns()
    return {"timeSecond": str(now_ns // 1_000_000_000), "timeNano": str(now_ns)}


def instruments(request: Request) -> Json:
    """Every pair, or the one that is named."""
    pair = request.optional_pair()
    listed = [pair] if pair else request.exchange.pairs.values()
    return {"category": "spot", "list": [pair_row(one) for one in listed], "nextPageCursor": ""}


def order_book(request: Request) -> Json:
    """The best levels of a pair."""
    pair = request.pair()
    limit = request.whole("limit", 1, highest=BOOK_LEVELS_MAX)
    book = request.exchange.books[pair.symbol]
    return {
        "s": pair.symbol,
        "b": levels(book.levels(Side.BUY, limit)),
        "a": levels(book.levels(Side.SELL, limit)),
        "ts": request.exchange.clock.now_ms(),
        "u": book.update_id,
        "seq": book.update_id,
    }


def tickers(request: Request) -> Json:
    """The last 24 hours of one pair, or of all."""
    pair = request.optional_pair()
    symbols = [pair.symbol] if pair else list(request.exchange.pairs)
    return {"category": "spot", "list": [ticker_row(request.exchange, symbol) for symbol in symbols]}


def candles(request: Request) -> Json:
    """Candles, newest first."""
    pair = request.pair()
    length_ms = interval_ms(request.required("interval"))
    limit = request.whole("limit", 200, highest=CANDLES_MAX)
    since_ms = request.whole("start", 0, highest=2**63)
    rows = request.exchange.candles[pair.symbol].rows(length_ms, limit=CANDLES_MAX)
    found = [candle_row(row) for row in rows if row.open_ms >= since_ms]
    wanted = found[:limit] if since_ms else found[-limit:]
    return {"category": "spot", "symbol": pair.symbol, "list": wanted[::-1]}


def recent_trades(request: Request) -> Json:
    """The newest prints of a pair, newest first."""
    pair = request.pair()
    limit = request.whole("limit", TRADES_MAX, highest=TRADES_MAX)
    newest = list(request.exchange.trades[pair.symbol])[-limit:]
    return {"category": "spot", "list": [public_trade(trade) for trade in reversed(newest)]}


def interval_ms(name: str) -> int:
    """Length of a candle: minutes as a number, or D for a day.

    >>> interval_ms("5"), interval_ms("D")
    (300000, 86400000)
    """
    length_ms = INTERVALS_MS["1d"] if name == DAY else int(name) * MINUTE_MS if name.isdigit() else 0
    if length_ms not in INTERVALS_MS.values():
        raise BybitError(PARAMETER_ERROR, "Invalid period!")
    return length_ms
