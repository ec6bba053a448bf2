"""PolyBolt: prices of assets and their means of a minute, after the client has shown its API key."""

from aiohttp import web

from simulator.polymarket.gamma_rows import number
from simulator.polymarket.prices import START_PRICES, PricePoint
from simulator.polymarket.rows import Row, compact
from simulator.polymarket.stream import Stream, read_object
from simulator.polymarket.venue import Venue
from simulator.timing import NS_PER_MS

PATH = "/bolt"
SPOT, TWAP = "price.crypto", "price.crypto.twap"
CHANNELS = (SPOT, TWAP)
SUBSCRIPTIONS_MAX, AUTH_TRIES_MAX, WINDOW_S = 64, 8, 60
AUTH_CODE = 4001
SOURCE = "chainlink"


class Session:
    """One connection; `seq` counts its data frames."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.is_known = False
        self.tries = 0
        self.seq = 0
        self.subscriptions: set[tuple[str, str]] = set()


class PriceStream:
    """All connections of the service."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._sessions: set[Session] = set()
        venue.prices.listen(self._on_price)

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one client."""
        session = Session(self._venue.streams.open(PATH))
        self._sessions.add(session)
        try:
            return await session.stream.serve(request, lambda text: self._on_text(session, text))
        finally:
            self._sessions.discard(session)

    def _on_text(self, session: Session, text: str) -> None:
        frame = read_object(text) or {}
        request_id = frame.get("rid")
        match frame.get("op"):
            case "ping":
                _answer(session, {"op": "pong"}, request_id)
            case "auth":
                self._authenticate(session, frame.get("auth"), request_id)
            case "subscribe" | "unsubscribe" if not session.is_known:
                _answer(session, {"op": "error", "code": "auth_invalid"}, request_id)
                session.stream.close(AUTH_CODE)
            case "subscribe":
                self._subscribe(session, frame, request_id)
            case "unsubscribe":
                self._unsubscribe(session, frame, request_id)
            case _:
                _answer(session, {"op": "error", "code": "bad_op"}, request_id)

    def _authenticate(self, session: Session, auth: object, request_id: object) -> None:
        parts = auth if isinstance(auth, dict) else {}
        session.tries += 1
        key = self._venue.keys.opened_by(
            key=str(parts.get("apiKey", "")),
            secret_text=str(parts.get("secret", "")),
            passphrase=str(parts.get("passphrase", "")),
        )
        if key is not None:
            session.is_known = True
            _answer(session, {"op": "authed"}, request_id)
            return
        _answer(session, {"op": "error", "code": "auth_invalid"}, request_id)
        if session.tries >= AUTH_TRIES_MAX:
            session.stream.close(AUTH_CODE)

    def _subscribe(self, session: Session, frame: Row, request_id: object) -> None:
        wanted = _subscriptions(frame)
        code = self._refused(session, wanted)
        if code:
            _answer(session, {"op": "error", "code": code}, request_id)
            return
        for channel, symbol in (one for one in wanted if isinstance(one, tuple)):
            session.subscriptions.add((channel, symbol))
            _answer(session, {"op": "subscribed", "channel": channel}, request_id)
            self._send_history(session, channel, symbol)

    def _refused(self, session: Session, wanted: list[tuple[str, str] | str]) -> str | None:
        faults = [one for one in wanted if isinstance(one, str)]
        if faults or not wanted:
            return faults[0] if faults else "bad_channel"
        if len(session.subscriptions) + len(wanted) > SUBSCRIPTIONS_MAX:
            return "sub_limit"
        return None

    @staticmethod
    def _unsubscribe(session: Session, frame: Row, request_id: object) -> None:
        for one in _subscriptions(frame):
            if isinstance(one, tuple):
                session.subscriptions.discard(one)
                _answer(session, {"op": "unsubscribed", "channel": one[0]}, request_id)

    def _send_history(self, session: Session, channel: str, symbol: str) -> None:
        points = self._venue.prices.history(symbol, twap=channel == TWAP)
        payload: Row = {
            "symbol": symbol,
            "source": SOURCE,
            "data": [_point(point) for point in points],
            **({"window_seconds": WINDOW_S} if channel == TWAP else {}),
        }
        self._send(session, channel, payload, snapshot=True)

    def _on_price(self, symbol: str, spot: PricePoint, twap: PricePoint) -> None:
        for session in list(self._sessions):
            for channel, point in ((SPOT, spot), (TWAP, twap)):
                if (channel, symbol) in session.subscriptions:
                    window: Row = {"window_seconds": WINDOW_S} if channel == TWAP else {}
                    payload: Row = {"symbol": symbol, "source": SOURCE, **_point(point), **window}
                    self._send(session, channel, payload, snapshot=False)

    def _send(self, session: Session, channel: str, payload: Row, *, snapshot: bool) -> None:
        session.seq += 1
        row: Row = {
            "v": 1,
            "channel": channel,
            "seq": session.seq,
            "ts": self._venue.state.now_ns() // NS_PER_MS,
            **({"snapshot": True} if snapshot else {}),
            "payload": payload,
        }
        session.stream.tell(channel, compact(row))


def _answer(session: Session, row: Row, request_id: object) -> None:
    told = {**row, "rid": request_id} if request_id is not None else row
    session.stream.answer(compact(told))


def _point(point: PricePoint) -> Row:
    return {
        "timestamp": point.timestamp_ms,
        "value": number(point.value),
        "full_accuracy_value": f"{point.value:f}",
    }


def _subscriptions(frame: Row) -> list[tuple[str, str] | str]:
    """Channel and symbol of each subscription, or the code of what is wrong with it."""
    given = frame.get("subscriptions")
    found: list[tuple[str, str] | str] = []
    for one in given if isinstance(given, list) else []:
        wanted = one.get("filter") if isinstance(one, dict) else None
        if not isinstance(one, dict) or one.get("channel") not in CHANNELS:
            found.append("bad_channel")
        elif not isinstance(wanted, dict) or not _is_filter(str(one["channel"]), wanted):
            found.append("bad_filter")
        else:
            found.append((str(one["channel"]), str(wanted["symbol"]).lower()))
    return found


def _is_filter(channel: str, wanted: Row) -> bool:
    has_window = channel == SPOT or wanted.get("window_seconds") == WINDOW_S
    return str(wanted.get("symbol", "")).lower() in START_PRICES and has_window
