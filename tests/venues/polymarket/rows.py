"""Order and trade rows as the wire has them, for the adapter's tests; `**changes` by the wire's names."""

import json

from tests.venues.polymarket.orders import CONDITION, DOWN_TOKEN, NOW_NS, UP_TOKEN

API_KEY = "00000000-0000-0000-0000-000000000001"
SOMEBODY = "0x" + "ee" * 32


def order_row(order_id: str, **changes: object) -> bytes:
    """A buy of 10 at 0.52 that rests, as the user stream sends it."""
    row: dict[str, object] = {
        "event_type": "order",
        "type": "UPDATE",
        "id": order_id,
        "owner": API_KEY,
        "market": CONDITION,
        "asset_id": UP_TOKEN,
        "side": "BUY",
        "price": "0.52",
        "original_size": "10",
        "size_matched": "0",
        "outcome": "Up",
        "order_type": "GTC",
        "status": "LIVE",
        "associate_trades": None,
        "created_at": str(NOW_NS // 10**9),
        "timestamp": str(NOW_NS // 10**6),
    }
    return json.dumps(row | changes).encode()


def maker(order_id: str, **changes: object) -> dict[str, object]:
    """A resting sale of 10 at 0.52 of the same token."""
    part: dict[str, object] = {
        "order_id": order_id,
        "owner": API_KEY,
        "maker_address": "0x1",
        "matched_amount": "10",
        "price": "0.52",
        "fee_rate_bps": "0",
        "asset_id": UP_TOKEN,
        "outcome": "Up",
        "side": "SELL",
    }
    return part | changes


def trade_row(taker_order_id: str, makers: list[dict[str, object]] | None = None, **changes: object) -> bytes:
    """Somebody buys 10 at 0.52 from the makers, as the user stream sends it."""
    row: dict[str, object] = {
        "event_type": "trade",
        "type": "TRADE",
        "id": "t1",
        "taker_order_id": taker_order_id,
        "market": CONDITION,
        "asset_id": UP_TOKEN,
        "side": "BUY",
        "size": "10",
        "price": "0.52",
        "status": "MATCHED",
        "owner": API_KEY,
        "trader_side": "TAKER",
        "outcome": "Up",
        "fee_rate_bps": "0",
        "match_time": str(NOW_NS // 10**9),
        "last_update": str(NOW_NS // 10**9),
        "bucket_index": 0,
        "maker_address": "0x1",
        "transaction_hash": "",
        "maker_orders": [maker(SOMEBODY)] if makers is None else makers,
    }
    return json.dumps(row | changes).encode()


def minted(order_id: str, **changes: object) -> dict[str, object]:
    """A resting buy of the other token, which makes a new pair of shares with the taker's."""
    return maker(order_id, asset_id=DOWN_TOKEN, outcome="Down", side="BUY", price="0.48") | changes
