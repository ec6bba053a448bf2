"""The account's notifications: order filled or cancelled, market resolved; each stays until it is dropped."""

from collections import defaultdict, deque

from simulator.polymarket.events import Event, OrderChanged
from simulator.polymarket.markets import SimMarket
from simulator.polymarket.orders import SIDE_NAMES, SimOrder
from simulator.polymarket.rows import Row, amount_text, price_text, s_text
from simulator.polymarket.state import VenueState
from simulator.timing import NS_PER_S

CANCELLED, FILLED, RESOLVED = 1, 2, 4
NOTICES_MAX = 1_000


class Notices:
    """The latest notifications of every key."""

    def __init__(self, state: VenueState) -> None:
        self._state = state
        self._by_key: defaultdict[str, deque[Row]] = defaultdict(lambda: deque(maxlen=NOTICES_MAX))
        self._count = 0
        state.listen(self._on_event)

    def of_key(self, key: str) -> list[Row]:
        """What waits for a key, the latest first."""
        return list(reversed(self._by_key[key]))

    def drop(self, key: str, ids: set[str]) -> None:
        """Forget those that were read."""
        kept = [row for row in self._by_key[key] if str(row["id"]) not in ids]
        self._by_key[key] = deque(kept, maxlen=NOTICES_MAX)

    def resolved(self, market: SimMarket, now_ns: int) -> None:
        """Tell everybody who traded the market that it has a result."""
        keys = {order.key for order in self._state.orders.values() if order.market is market}
        for key in sorted(keys):
            self._add(key, RESOLVED, now_ns, market_payload(market))

    def _on_event(self, event: Event) -> None:
        if isinstance(event, OrderChanged) and event.what != "PLACEMENT":
            kind = CANCELLED if event.what == "CANCELLATION" else FILLED
            self._add(event.order.key, kind, event.time_ns, order_payload(event.order))

    def _add(self, key: str, kind: int, now_ns: int, payload: Row) -> None:
        self._count += 1
        self._by_key[key].append(
            {
                "id": self._count,
                "owner": key,
                "timestamp": now_ns // NS_PER_S,
                "type": kind,
                "payload": payload,
            }
        )


def order_payload(order: SimOrder) -> Row:
    """What a notification says of an order."""
    market = order.market
    return {
        "asset_id": order.token,
        "market": market.condition_id,
        "order_id": order.id,
        "side": SIDE_NAMES[order.side],
        "type": order.kind.value,
        "price": price_text(order.price),
        "original_size": amount_text(order.size),
        "matched_size": amount_text(order.matched),
        "remaining_size": amount_text(max(0, order.size - order.matched)),
        "outcome": market.spec.outcomes[order.outcome],
        "outcome_index": order.outcome,
        "transaction_hash": "",
        "trade_id": order.trades[-1] if order.trades else "",
        "question": market.spec.question,
        "market_slug": market.spec.slug,
        "icon": "",
        "image": "",
        "eventSlug": market.spec.event_slug,
        "seriesSlug": market.spec.series_slug,
    }


def market_payload(market: SimMarket) -> Row:
    """What a notification, and the order API's own market page, say of a market."""
    payouts = market.payouts or (0, 0)
    return {
        "condition_id": market.condition_id,
        "question_id": market.question_id,
        "question": market.spec.question,
        "description": market.spec.question,
        "market_slug": market.spec.slug,
        "icon": "",
        "image": "",
        "fpmm": "",
        "active": market.active,
        "closed": market.closed,
        "archived": market.archived,
        "accepting_orders": market.accepting_orders,
        "accepting_order_timestamp": int(s_text(market.created_ns)),
        "enable_order_book": market.order_book_enabled,
        "end_date_iso": int(s_text(market.spec.ends_ns)) or None,
        "game_start_time": None,
        "seconds_delay": market.spec.taker_delay_ms // 1000,
        "minimum_order_size": str(market.spec.size_min),
        "minimum_tick_size": price_text(market.tick_units),
        "maker_base_fee": 1000,
        "taker_base_fee": 1000,
        "notifications_enabled": True,
        "neg_risk": market.spec.neg_risk,
        "neg_risk_market_id": "",
        "neg_risk_request_id": "",
        "is_50_50_outcome": market.payouts is not None and payouts[0] == payouts[1],
        "tokens": [
            {
                "token_id": token,
                "outcome": outcome,
                "price": str(payout),
                "winner": payout == 1,
            }
            for token, outcome, payout in zip(market.token_ids, market.spec.outcomes, payouts, strict=True)
        ],
        "tags": list(market.spec.tags),
        "eventSlug": market.spec.event_slug,
    }
