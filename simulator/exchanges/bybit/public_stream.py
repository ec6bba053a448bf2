"""Bybit's public spot stream: books, trades, tickers and candles."""

from simulator.exchanges.bybit.book_view import BookView
from simulator.exchanges.bybit.connection import Connection, Door, Fields, topics_of
from simulator.exchanges.bybit.errors import BybitError
from simulator.exchanges.bybit.market_api import interval_ms
from simulator.exchanges.bybit.payloads import Json, number, streamed_trade, ticker_row
from simulator.exchanges.events import ExchangeEvent, Traded
from simulator.exchanges.exchange import SpotExchange
from simulator.exchanges.stream import StreamTimes

BOOK_DEPTHS = ("1", "50", "200", "1000")
BOOK_PARTS = 3
CANDLE_PARTS = 3


class PublicStream:
    """Publishes what the exchange's public side does to those who subscribed."""

    def __init__(self, exchange: SpotExchange, times: StreamTimes) -> None:
        self._exchange = exchange
        self._views: dict[str, BookView] = {}
        self.door = Door(exchange, times, self._operate)
        exchange.listen(self._hear)

    def publish_books(self) -> None:
        """Send what changed in every book that somebody watches; the best level alone comes as a snapshot."""
        for topic, view in self._views.items():
            delta = view.take_delta()
            if delta is None:
                continue
            if topic.startswith("orderbook.1."):
                self.door.publish(topic, self._message(topic, "snapshot", view.snapshot()))
            else:
                self.door.publish(topic, self._message(topic, "delta", delta))

    def publish_tickers(self) -> None:
        """Send the day figures and the unfinished candles that somebody watches."""
        for topic in sorted({topic for connection in self.door.connections for topic in connection.topics}):
            kind, _, rest = topic.partition(".")
            if kind == "tickers":
                data = ticker_row(self._exchange, rest)
                self.door.publish(topic, self._message(topic, "snapshot", data))
            elif kind == "kline":
                self.door.publish(topic, self._candle(topic))

    def _hear(self, event: ExchangeEvent) -> None:
        if isinstance(event, Traded):
            topic = f"publicTrade.{event.trade.symbol}"
            self.door.publish(topic, self._message(topic, "snapshot", [streamed_trade(event.trade)]))

    def _operate(self, connection: Connection, op: str, asked: Fields) -> Fields:
        if op == "ping":
            return {"success": True, "ret_msg": "pong", "op": "ping"}
        topics = topics_of(asked)
        if op == "subscribe":
            for topic in sorted(topics):
                self._check(topic)
            connection.topics |= topics
            for topic in sorted(topics):
                self._show_book(connection, topic)
        elif op == "unsubscribe":
            connection.topics -= topics
        else:
            raise BybitError(10404, f"op type is not found: {op}")
        return {"success": True, "ret_msg": op, "op": op}

    def _check(self, topic: str) -> None:
        """Refuse a topic that does not exist; one that does fails the whole request."""
        parts = topic.split(".")
        is_known = parts[-1] in self._exchange.pairs
        if parts[0] == "orderbook":
            is_known = is_known and len(parts) == BOOK_PARTS and parts[1] in BOOK_DEPTHS
        elif parts[0] == "kline":
            is_known = is_known and len(parts) == CANDLE_PARTS and interval_ms(parts[1]) > 0
        elif parts[0] not in ("publicTrade", "tickers"):
            is_known = False
        if not is_known:
            raise BybitError(10001, f"error:handler not found,topic:{topic}")

    def _show_book(self, connection: Connection, topic: str) -> None:
        if not topic.startswith("orderbook."):
            return
        _, depth, symbol = topic.split(".")
        view = self._views.get(topic)
        if view is None:
            view = self._views[topic] = BookView(self._exchange.books[symbol], int(depth))
        connection.send(topic, self._message(topic, "snapshot", view.snapshot()))

    def _candle(self, topic: str) -> Json:
        _, name, symbol = topic.split(".")
        row = self._exchange.candles[symbol].rows(interval_ms(name), limit=1)[-1]
        now_ms = self._exchange.clock.now_ms()
        candle = {
            "start": row.open_ms,
            "end": row.close_ms,
            "interval": name,
            "open": number(row.open),
            "close": number(row.close),
            "high": number(row.high),
            "low": number(row.low),
            "volume": number(row.volume),
            "turnover": number(row.quote_volume),
            "confirm": row.close_ms < now_ms,
            "timestamp": now_ms,
        }
        return self._message(topic, "snapshot", [candle])

    def _message(self, topic: str, kind: str, data: object) -> Json:
        return {"topic": topic, "type": kind, "ts": self._exchange.clock.now_ms(), "data": data}
