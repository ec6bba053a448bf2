"""The market channel: books on subscribing, then changes, trades, ticks, new markets and results."""

from collections import defaultdict

from aiohttp import web

from simulator.polymarket.events import (
    Event,
    LevelsChanged,
    MarketCreated,
    MarketResolved,
    OrderChanged,
    TickChanged,
    TradeChanged,
    TradePrinted,
)
from simulator.polymarket.markets import PRICE_UNITS, SimMarket
from simulator.polymarket.orders import BUY
from simulator.polymarket.rows import Row, amount_text, book_row, compact, ms_text, price_text
from simulator.polymarket.stream import Stream, read_object, texts
from simulator.polymarket.venue import Venue

PATH = "/ws/market"
REFUSED_FRAME = "INVALID OPERATION"


class Subscriber:
    """One connection: what it wants to hear."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.tokens: set[str] = set()
        self.has_begun = False
        self.wants_custom = False


class MarketStream:
    """All connections of the channel; every message is rendered once for all of them."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._state = venue.state
        self._by_token: defaultdict[str, set[Subscriber]] = defaultdict(set)
        self._subscribers: set[Subscriber] = set()
        self._traded: set[str] = set()
        self._best: dict[str, tuple[int | None, int | None]] = {}
        venue.state.listen(self._on_event)

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one client."""
        subscriber = Subscriber(self._venue.streams.open(PATH))
        self._subscribers.add(subscriber)
        try:
            return await subscriber.stream.serve(request, lambda text: self._on_text(subscriber, text))
        finally:
            self._subscribers.discard(subscriber)
            self._remove(subscriber, list(subscriber.tokens))

    def _on_text(self, subscriber: Subscriber, text: str) -> None:
        if text == "PING":
            subscriber.stream.answer("PONG")
            return
        frame = read_object(text)
        if frame is None or not self._is_in_turn(subscriber, frame):
            subscriber.stream.answer(REFUSED_FRAME)
            return
        tokens = texts(frame.get("assets_ids"))
        if frame.get("operation") == "unsubscribe":
            self._remove(subscriber, tokens)
            return
        subscriber.has_begun = True
        subscriber.wants_custom = subscriber.wants_custom or frame.get("custom_feature_enabled") is True
        self._subscribe(subscriber, tokens, dump=frame.get("initial_dump") is not False)

    @staticmethod
    def _is_in_turn(subscriber: Subscriber, frame: dict[str, object]) -> bool:
        """The first frame has a type, later ones an operation."""
        if "operation" in frame:
            return subscriber.has_begun and frame["operation"] in ("subscribe", "unsubscribe")
        return not subscriber.has_begun and str(frame.get("type", "")).lower() == "market"

    def _subscribe(self, subscriber: Subscriber, tokens: list[str], *, dump: bool) -> None:
        subscriber.tokens.update(tokens)
        for token in tokens:
            self._by_token[token].add(subscriber)
        if not dump or len(subscriber.tokens) > self._state.rules.snapshot_tokens_max:
            return
        markets = self._state.markets.by_token
        books = [
            self._book(markets[token], markets[token].outcome_index(token))
            for token in dict.fromkeys(tokens)
            if token in markets and not markets[token].closed
        ]
        subscriber.stream.tell("book", compact(books))

    def _remove(self, subscriber: Subscriber, tokens: list[str]) -> None:
        for token in tokens:
            subscriber.tokens.discard(token)
            if token in self._by_token:
                self._by_token[token].discard(subscriber)

    def _on_event(self, event: Event) -> None:
        if not self._subscribers:
            return
        match event:
            case LevelsChanged():
                self._tell_levels(event)
            case TradePrinted():
                self._tell_trade(event)
            case TickChanged():
                self._tell_tick(event)
            case MarketCreated():
                self._tell_custom("new_market", self._new_market(event), None)
            case MarketResolved():
                self._tell_custom("market_resolved", self._resolved(event), event.market)
            case OrderChanged() | TradeChanged():
                pass  # the user channel's

    def _tell_levels(self, event: LevelsChanged) -> None:
        market = event.market
        listening = self._listening(*market.token_ids)
        had_trade = market.condition_id in self._traded
        self._traded.discard(market.condition_id)
        if listening:
            text = compact(self._price_change(event))
            for subscriber in listening:
                subscriber.stream.tell("price_change", text)
        if had_trade and self._state.rules.book_after_trade:
            self._tell_books(market)
        self._tell_best(market, event.time_ns)

    def _price_change(self, event: LevelsChanged) -> Row:
        market = event.market
        book = self._state.book_of(market.condition_id)
        changes: list[Row] = []
        for outcome, token in enumerate(market.token_ids):
            bid, ask = book.best_of(outcome)
            told: Row = {
                "hash": self._book(market, outcome)["hash"],
                "best_bid": price_text(bid or 0),
                "best_ask": price_text(PRICE_UNITS if ask is None else ask),
            }
            for is_bid, price, size in event.levels:
                own_price = price if outcome == 0 else PRICE_UNITS - price
                side = "BUY" if is_bid == (outcome == 0) else "SELL"
                place: Row = {"asset_id": token, "price": price_text(own_price)}
                changes.append({**place, "size": amount_text(size), "side": side, **told})
        return {
            "market": market.condition_id,
            "price_changes": changes,
            "timestamp": ms_text(event.time_ns),
            "event_type": "price_change",
        }

    def _tell_books(self, market: SimMarket) -> None:
        for outcome, token in enumerate(market.token_ids):
            if listening := self._listening(token):
                text = compact(self._book(market, outcome))
                for subscriber in listening:
                    subscriber.stream.tell("book", text)

    def _tell_best(self, market: SimMarket, time_ns: int) -> None:
        book = self._state.book_of(market.condition_id)
        if self._best.get(market.condition_id) == book.best_of(0):
            return
        self._best[market.condition_id] = book.best_of(0)
        for outcome, token in enumerate(market.token_ids):
            bid, ask = book.best_of(outcome)
            low, high = bid or 0, PRICE_UNITS if ask is None else ask
            row: Row = {
                "market": market.condition_id,
                "asset_id": token,
                "best_bid": price_text(low),
                "best_ask": price_text(high),
                "spread": price_text(high - low),
                "timestamp": ms_text(time_ns),
                "event_type": "best_bid_ask",
            }
            for subscriber in self._listening(token):
                if subscriber.wants_custom:
                    subscriber.stream.tell("best_bid_ask", compact(row))

    def _tell_trade(self, event: TradePrinted) -> None:
        trade = event.trade
        self._traded.add(trade.market.condition_id)
        row: Row = {
            "market": trade.market.condition_id,
            "asset_id": trade.taker.token,
            "price": price_text(trade.price),
            "size": amount_text(trade.shares),
            "fee_rate_bps": "0",
            "side": "BUY" if trade.taker.side == BUY else "SELL",
            "timestamp": ms_text(event.time_ns),
            "event_type": "last_trade_price",
            "transaction_hash": trade.hash,
        }
        text = compact(row)
        for subscriber in self._listening(trade.taker.token):
            subscriber.stream.tell("last_trade_price", text)

    def _tell_tick(self, event: TickChanged) -> None:
        for token in event.market.token_ids:
            row: Row = {
                "market": event.market.condition_id,
                "asset_id": token,
                "old_tick_size": price_text(event.old),
                "new_tick_size": price_text(event.new),
                "timestamp": ms_text(event.time_ns),
                "event_type": "tick_size_change",
            }
            for subscriber in self._listening(token):
                subscriber.stream.tell("tick_size_change", compact(row))

    def _tell_custom(self, kind: str, row: Row, market: SimMarket | None) -> None:
        """New markets go to everybody who asked for them; a result to those who follow the market."""
        chosen = self._subscribers if market is None else self._listening(*market.token_ids)
        text = compact(row)
        for subscriber in list(chosen):
            if subscriber.wants_custom:
                subscriber.stream.tell(kind, text)

    def _new_market(self, event: MarketCreated) -> Row:
        market = event.market
        spec = market.spec
        return {
            "event_type": "new_market",
            **self._named(market),
            "question": spec.question,
            "slug": spec.slug,
            "description": spec.question,
            "outcomes": list(spec.outcomes),
            "timestamp": ms_text(event.time_ns),
            "condition_id": market.condition_id,
            "active": market.active,
            "clob_token_ids": list(market.token_ids),
            "order_price_min_tick_size": price_text(market.tick_units),
            "line": "",
            "game_start_time": "",
            "sports_market_type": "",
            "group_item_title": "",
        }

    def _resolved(self, event: MarketResolved) -> Row:
        market = event.market
        winner = market.payouts.index(max(market.payouts)) if market.payouts else 0
        return {
            "event_type": "market_resolved",
            **self._named(market),
            "winning_asset_id": market.token_ids[winner],
            "winning_outcome": market.spec.outcomes[winner],
            "timestamp": ms_text(event.time_ns),
        }

    def _named(self, market: SimMarket) -> Row:
        spec = market.spec
        slug = spec.event_slug or spec.slug
        title = spec.event_title or spec.question
        event: Row = {"id": market.id, "ticker": slug, "slug": slug, "title": title, "description": title}
        return {
            "id": market.id,
            "market": market.condition_id,
            "assets_ids": list(market.token_ids),
            "event_message": event,
            "tags": list(spec.tags),
        }

    def _book(self, market: SimMarket, outcome: int) -> Row:
        book = self._state.book_of(market.condition_id)
        return {
            **book_row(market, book, outcome, self._state.now_ns()),
            "event_type": "book",
        }

    def _listening(self, *tokens: str) -> list[Subscriber]:
        found = {subscriber: None for token in tokens for subscriber in self._by_token.get(token, ())}
        return list(found)
