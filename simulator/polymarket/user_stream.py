"""The user channel: the account's own orders and trades as they change; nothing is repeated after a reconnect."""

from collections import defaultdict

from aiohttp import web

from simulator.polymarket.events import Event, OrderChanged, TradeChanged
from simulator.polymarket.rows import Row, amount_text, compact, ms_text, order_row, s_text, trade_row
from simulator.polymarket.stream import Stream, read_object, texts
from simulator.polymarket.venue import Venue

PATH = "/ws/user"
UNAUTHORIZED_CODE = 4401


class Listener:
    """One connection: whose events it gets, and of which markets; None is all."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.key: str | None = None
        self.markets: set[str] | None = None


class UserStream:
    """All connections of the channel."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._by_key: defaultdict[str, list[Listener]] = defaultdict(list)
        venue.state.listen(self._on_event)

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one client."""
        listener = Listener(self._venue.streams.open(PATH))
        try:
            return await listener.stream.serve(request, lambda text: self._on_text(listener, text))
        finally:
            if listener.key is not None:
                self._by_key[listener.key].remove(listener)

    def _on_text(self, listener: Listener, text: str) -> None:
        if text == "PING":
            listener.stream.answer("PONG")
            return
        frame = read_object(text)
        if frame is None:
            listener.stream.answer("INVALID OPERATION")
        elif listener.key is None:
            self._begin(listener, frame)
        else:
            self._change(listener, frame)

    def _begin(self, listener: Listener, frame: Row) -> None:
        auth = frame.get("auth")
        parts = auth if isinstance(auth, dict) else {}
        key = self._venue.keys.opened_by(
            key=str(parts.get("apiKey", "")),
            secret_text=str(parts.get("secret", "")),
            passphrase=str(parts.get("passphrase", "")),
        )
        if key is None or frame.get("type") != "user":
            self._venue.faults.mark("user channel refused")
            if self._venue.rules.bad_user_credentials_close:
                listener.stream.close(UNAUTHORIZED_CODE)
            return
        listener.key = key.key
        listener.markets = set(texts(frame["markets"])) if frame.get("markets") else None
        self._by_key[key.key].append(listener)

    @staticmethod
    def _change(listener: Listener, frame: Row) -> None:
        markets = set(texts(frame.get("markets")))
        if frame.get("operation") == "subscribe":
            listener.markets = (listener.markets or set()) | markets
        elif frame.get("operation") == "unsubscribe" and listener.markets is not None:
            listener.markets -= markets
        else:
            listener.stream.answer("INVALID OPERATION")

    def _on_event(self, event: Event) -> None:
        if isinstance(event, OrderChanged):
            if listening := self._by_key.get(event.order.key):
                self._tell(listening, "order", event.order.market.condition_id, order_event(event))
        elif isinstance(event, TradeChanged):
            taker_key = event.trade.taker.key
            keys = dict.fromkeys((taker_key, *(fill.maker.key for fill in event.trade.makers)))
            for key in keys:
                if listening := self._by_key.get(key):
                    row = trade_event(event, viewer_is_taker=key == taker_key)
                    self._tell(listening, "trade", event.trade.market.condition_id, row)

    @staticmethod
    def _tell(listening: list[Listener], kind: str, market: str, row: Row) -> None:
        text = compact(row)
        for listener in listening:
            if listener.markets is None or market in listener.markets:
                listener.stream.tell(kind, text)


def order_event(event: OrderChanged) -> Row:
    """An order's change; a kill at once comes with empty numbers, as the venue was seen to send it."""
    order = event.order
    row: Row = {
        **order_row(order),
        "event_type": "order",
        "type": event.what,
        "order_owner": order.key,
        "status": event.status,
        "size_matched": amount_text(event.matched),
        "associate_trades": list(order.trades) or None,
        "created_at": s_text(order.created_ns),
        "timestamp": ms_text(event.time_ns),
    }
    if event.killed:
        row.update({"size_matched": "", "created_at": "", "outcome": "", "associate_trades": []})
    return row


def trade_event(event: TradeChanged, *, viewer_is_taker: bool) -> Row:
    """A trade's change; the top level is the taker's for everybody."""
    return {
        **trade_row(event.trade, viewer_is_taker=viewer_is_taker, status=event.status),
        "event_type": "trade",
        "type": "TRADE",
        "trade_owner": event.trade.taker.key,
        "timestamp": ms_text(event.time_ns),
    }
