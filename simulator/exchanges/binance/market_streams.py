"""Binance's market streams: who is subscribed to what, and the events of books, trades, candles and tickers."""

import json
from decimal import Decimal

from aiohttp import web
from msgspec import Struct

from domain.instrument import Side
from simulator.exchanges.binance.payloads import Json, amount, levels
from simulator.exchanges.candles import DAY_MS, INTERVALS_MS
from simulator.exchanges.events import BookChanged, ExchangeEvent, Traded
from simulator.exchanges.exchange import SpotExchange
from simulator.exchanges.orders import SpotTrade
from simulator.exchanges.server_clock import NS_PER_MS
from simulator.exchanges.stream import Stream, StreamTimes

STREAMS_MAX = 1_024
MAKER_IS_BUYER = Side.SELL
"""The taker's side of a trade whose maker is the buyer."""


class Subscriber(Struct, eq=False):
    """A connection, the streams it wants, and whether each event comes wrapped with the stream's name."""

    stream: Stream
    topics: set[str]
    is_combined: bool = False


class MarketStreams:
    """Publishes what the exchange's public side does; it listens to the exchange from the start."""

    def __init__(self, exchange: SpotExchange, times: StreamTimes) -> None:
        self._exchange = exchange
        self._times = times
        self._subscribers: list[Subscriber] = []
        self._published = {symbol: book.update_id for symbol, book in exchange.books.items()}
        self._tops: dict[str, object] = {}
        for book in exchange.books.values():
            book.take_changes()
        exchange.listen(self._hear)

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one websocket until it closes."""
        socket = web.WebSocketResponse(autoping=False, timeout=1.0, compress=False)
        await socket.prepare(request)
        stream = Stream(socket, path=request.path, faults=self._exchange.faults, times=self._times)
        named = [*request.query.get("streams", "").split("/"), request.path.rpartition("/")[2]]
        topics = {name for name in named if "@" in name}
        subscriber = Subscriber(stream, topics, is_combined=request.path.endswith("/stream"))
        self._subscribers.append(subscriber)
        try:
            await stream.run(lambda text: self._answer(subscriber, text))
        finally:
            self._subscribers.remove(subscriber)
        return socket

    def publish_books(self) -> None:
        """Send each pair's changed levels since the last time, numbered so that a gap can be seen."""
        for symbol, book in self._exchange.books.items():
            changes = book.take_changes()
            first, last = self._published[symbol] + 1, book.update_id
            if not changes:
                continue
            self._published[symbol] = last
            rows = {s: [(price, size) for side, price, size in changes if side is s] for s in Side}
            event = {
                "e": "depthUpdate",
                "E": self._now_ms(),
                "s": symbol,
                "U": first,
                "u": last,
                "b": levels(rows[Side.BUY]),
                "a": levels(rows[Side.SELL]),
            }
            for name in ("depth", "depth@100ms"):
                self._publish(f"{symbol.lower()}@{name}", event)

    def publish_tickers(self) -> None:
        """Send each pair's day figures and its unfinished candles."""
        for symbol in self._exchange.pairs:
            day = self._day_event(symbol)
            self._publish(f"{symbol.lower()}@ticker", {"e": "24hrTicker", **day})
            small = {key: day[key] for key in ("E", "s", "c", "o", "h", "l", "v", "q")}
            self._publish(f"{symbol.lower()}@miniTicker", {"e": "24hrMiniTicker", **small})
            self._publish_candles(symbol)

    def announce_shutdown(self) -> None:
        """Tell every connection that the server is about to go down, which nothing else will say."""
        event: Json = {"e": "serverShutdown", "E": self._now_ms()}
        for subscriber in self._subscribers:
            self._send(subscriber, "!serverShutdown", event)

    def close(self) -> None:
        """End every connection."""
        for subscriber in self._subscribers:
            subscriber.stream.end()

    @property
    def connections(self) -> int:
        """How many are connected now."""
        return len(self._subscribers)

    def _hear(self, event: ExchangeEvent) -> None:
        if isinstance(event, Traded):
            self._publish(f"{event.trade.symbol.lower()}@trade", self._trade_event(event.trade))
        elif isinstance(event, BookChanged):
            self._publish_top(event.symbol)

    async def _answer(self, subscriber: Subscriber, text: str) -> None:
        try:
            asked = json.loads(text)
            method, number, topics = asked["method"], asked.get("id"), set(asked.get("params", ()))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            fault = {"code": 2, "msg": f"Invalid request: {error}"}
            subscriber.stream.send("error", json.dumps({"error": fault}))
            return
        result: object = None
        if method == "SUBSCRIBE" and len(subscriber.topics | topics) <= STREAMS_MAX:
            subscriber.topics |= topics
        elif method == "UNSUBSCRIBE":
            subscriber.topics -= topics
        elif method == "LIST_SUBSCRIPTIONS":
            result = sorted(subscriber.topics)
        else:
            fault = {"code": 2, "msg": f"Invalid request: {method}"}
            subscriber.stream.send("error", json.dumps({"error": fault, "id": number}))
            return
        subscriber.stream.send("answer", json.dumps({"result": result, "id": number}))

    def _publish(self, topic: str, event: Json) -> None:
        for subscriber in self._subscribers:
            if topic in subscriber.topics:
                self._send(subscriber, topic, event)

    def _send(self, subscriber: Subscriber, topic: str, event: Json) -> None:
        shown = {"stream": topic, "data": event} if subscriber.is_combined else event
        subscriber.stream.send(topic, json.dumps(shown, separators=(",", ":")))

    def _publish_top(self, symbol: str) -> None:
        book, nothing = self._exchange.books[symbol], (Decimal(0), Decimal(0))
        bid, ask = book.best(Side.BUY) or nothing, book.best(Side.SELL) or nothing
        if self._tops.get(symbol) == (bid, ask):
            return
        self._tops[symbol] = (bid, ask)
        event = {
            "u": book.update_id,
            "s": symbol,
            "b": amount(bid[0]),
            "B": amount(bid[1]),
            "a": amount(ask[0]),
            "A": amount(ask[1]),
        }
        self._publish(f"{symbol.lower()}@bookTicker", event)

    def _trade_event(self, trade: SpotTrade) -> Json:
        return {
            "e": "trade",
            "E": self._now_ms(),
            "s": trade.symbol,
            "t": trade.id,
            "p": amount(trade.price),
            "q": amount(trade.quantity),
            "T": trade.time_ns // NS_PER_MS,
            "m": trade.taker_side is MAKER_IS_BUYER,
            "M": True,
        }

    def _day_event(self, symbol: str) -> Json:
        day = self._exchange.candles[symbol].day(self._exchange.clock.now_ns())
        book, nothing = self._exchange.books[symbol], (Decimal(0), Decimal(0))
        bid, ask = book.best(Side.BUY) or nothing, book.best(Side.SELL) or nothing
        newest = list(self._exchange.trades[symbol])[-1:]
        return {
            "E": self._now_ms(),
            "s": symbol,
            "p": amount(day.close - day.open),
            "P": f"{(day.close - day.open) / day.open * 100:.3f}",
            "w": amount(day.quote_volume / day.volume if day.volume else day.close),
            "x": amount(day.open),
            "c": amount(day.close),
            "Q": amount(newest[0].quantity if newest else Decimal(0)),
            "b": amount(bid[0]),
            "B": amount(bid[1]),
            "a": amount(ask[0]),
            "A": amount(ask[1]),
            "o": amount(day.open),
            "h": amount(day.high),
            "l": amount(day.low),
            "v": amount(day.volume),
            "q": amount(day.quote_volume),
            "O": self._now_ms() - DAY_MS,
            "C": self._now_ms(),
            "F": 0,
            "L": 0,
            "n": day.trades,
        }

    def _publish_candles(self, symbol: str) -> None:
        wanted = {topic for subscriber in self._subscribers for topic in subscriber.topics}
        for name, interval_ms in INTERVALS_MS.items():
            topic = f"{symbol.lower()}@kline_{name}"
            if topic in wanted:
                self._publish(topic, self._candle_event(symbol, name, interval_ms))

    def _candle_event(self, symbol: str, name: str, interval_ms: int) -> Json:
        row = self._exchange.candles[symbol].rows(interval_ms, limit=1)[-1]
        prices = {"o": row.open, "c": row.close, "h": row.high, "l": row.low}
        volumes = {"v": row.volume, "q": row.quote_volume, "V": Decimal(0), "Q": Decimal(0)}
        candle = {
            "t": row.open_ms,
            "T": row.close_ms,
            "s": symbol,
            "i": name,
            "f": 0,
            "L": 0,
            **{key: amount(value) for key, value in (prices | volumes).items()},
            "n": row.trades,
            "x": row.close_ms < self._now_ms(),
            "B": "0",
        }
        return {"e": "kline", "E": self._now_ms(), "s": symbol, "k": candle}

    def _now_ms(self) -> int:
        return self._exchange.clock.now_ms()
