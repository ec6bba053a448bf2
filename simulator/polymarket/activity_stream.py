"""The realtime activity topic: everybody's trades as they are matched and as they settle, some seconds late."""

import json

from aiohttp import web

from simulator.polymarket.activity import Deed
from simulator.polymarket.gamma_rows import event_slug, number
from simulator.polymarket.identifiers import uuid_like
from simulator.polymarket.rows import Row, amount_text, compact, price_text
from simulator.polymarket.stream import Stream, read_object
from simulator.polymarket.venue import Venue
from simulator.timing import NS_PER_MS

PATH = "/rtds"
TOPIC = "activity"
TYPES = ("trades", "orders_matched", "*")
KNOWN_TOPICS = (TOPIC, "comments", "crypto_prices", "crypto_prices_chainlink", "equity_prices")


class Watcher:
    """One connection: what it asked for, and when it last gave a sign of life."""

    def __init__(self, stream: Stream, connection_id: str, now_ns: int) -> None:
        self.stream = stream
        self.connection_id = connection_id
        self.heard_ns = now_ns
        self.wanted: dict[str, Row] = {}
        """Filter by type of message; an empty one lets everything pass."""


class ActivityStream:
    """All connections of the topic."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._state = venue.state
        self._watchers: set[Watcher] = set()
        self._count = 0
        venue.activity.listen(self._on_deed)

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one client."""
        self._count += 1
        name = uuid_like(self._state.seed, "connection", self._count)
        watcher = Watcher(self._venue.streams.open(PATH), name, self._state.now_ns())
        self._watchers.add(watcher)
        try:
            return await watcher.stream.serve(request, lambda text: self._on_text(watcher, text))
        finally:
            self._watchers.discard(watcher)

    def _on_text(self, watcher: Watcher, text: str) -> None:
        if text.upper() == "PING":
            watcher.heard_ns = self._state.now_ns()
            watcher.stream.answer("")
            return
        frame = read_object(text)
        wanted = frame.get("subscriptions") if frame else None
        if frame is None or not isinstance(wanted, list):
            return
        subscriptions = [one for one in wanted if isinstance(one, dict)]
        if any(one.get("topic") not in KNOWN_TOPICS for one in subscriptions):
            self._state.faults.mark("activity subscription poisoned")
            return  # one unknown topic, and none of the call's subscriptions works
        for one in subscriptions:
            if one.get("topic") == TOPIC and one.get("type") in TYPES:
                self._change(watcher, str(one["type"]), one, adds=frame.get("action") == "subscribe")

    @staticmethod
    def _change(watcher: Watcher, kind: str, subscription: Row, *, adds: bool) -> None:
        kinds = TYPES[:2] if kind == "*" else (kind,)
        for one in kinds:
            if adds:
                watcher.wanted[one] = _filter(subscription.get("filters"))
            else:
                watcher.wanted.pop(one, None)

    def _on_deed(self, deed: Deed, only_matched: bool) -> None:
        """Matches are told of takers only; trades of both sides, when they are mined."""
        if deed.kind != "TRADE" or not self._watchers or (only_matched and not deed.is_taker):
            return
        kind = "orders_matched" if only_matched else "trades"
        due_ns = self._state.now_ns() + self._state.rules.activity_lag_ms * NS_PER_MS
        self._state.agenda.plan(due_ns, lambda now_ns: self._tell(kind, deed, now_ns))

    def _tell(self, kind: str, deed: Deed, now_ns: int) -> None:
        payload = payload_of(deed)
        silent_ns = self._state.rules.silent_after_ms * NS_PER_MS
        for watcher in list(self._watchers):
            if kind not in watcher.wanted or now_ns - watcher.heard_ns > silent_ns:
                continue
            if not _passes(payload, watcher.wanted[kind]):
                continue
            row: Row = {
                "connection_id": watcher.connection_id,
                "payload": payload,
                "timestamp": now_ns // NS_PER_MS,
                "topic": TOPIC,
                "type": kind,
            }
            watcher.stream.tell(kind, compact(row))


def payload_of(deed: Deed) -> Row:
    """A trade as the topic has it."""
    spec = deed.market.spec
    return {
        "asset": deed.market.token_ids[deed.outcome],
        "bio": "",
        "conditionId": deed.market.condition_id,
        "eventSlug": event_slug(deed.market),
        "icon": "",
        "name": deed.name,
        "outcome": spec.outcomes[deed.outcome],
        "outcomeIndex": deed.outcome,
        "price": number(price_text(deed.price)),
        "profileImage": "",
        "proxyWallet": deed.wallet,
        "pseudonym": deed.pseudonym,
        "side": deed.side,
        "size": number(amount_text(deed.shares)),
        "slug": spec.slug,
        "timestamp": deed.timestamp_s,
        "title": spec.question,
        "transactionHash": deed.hash,
    }


def _filter(text: object) -> Row:
    if not isinstance(text, str) or not text:
        return {}
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _passes(payload: Row, wanted: Row) -> bool:
    names = {"event_slug": "eventSlug", "market_slug": "slug"}
    return all(payload.get(names.get(name, name)) == value for name, value in wanted.items())
