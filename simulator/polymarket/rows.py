"""How the order API spells its objects: amounts as decimal text, times as digits, the best level of a book last."""

import hashlib

import msgspec

from simulator.polymarket.book import Levels, UnifiedBook
from simulator.polymarket.contracts import UNITS
from simulator.polymarket.markets import PRICE_UNITS, SimMarket
from simulator.polymarket.matching import PlannedFill
from simulator.polymarket.orders import BUY, SIDE_NAMES, SimOrder
from simulator.polymarket.trades import SimTrade
from simulator.timing import NS_PER_MS, NS_PER_S

Row = dict[str, object]


def amount_text(units: int) -> str:
    """Base units as a decimal without trailing zeros.

    >>> amount_text(10_120_000)
    '10.12'
    """
    return _decimal_text(units, UNITS, 6)


def price_text(units: int) -> str:
    """Price units as a decimal without trailing zeros.

    >>> price_text(5_000)
    '0.5'
    """
    return _decimal_text(units, PRICE_UNITS, 4)


def _decimal_text(units: int, scale: int, digits: int) -> str:
    whole, rest = divmod(abs(units), scale)
    sign = "-" if units < 0 else ""
    return f"{sign}{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".")


def ms_text(time_ns: int) -> str:
    """Milliseconds since the epoch, as digits."""
    return str(time_ns // NS_PER_MS)


def s_text(time_ns: int) -> str:
    """Seconds since the epoch, as digits."""
    return str(time_ns // NS_PER_S)


def compact(value: object) -> str:
    """JSON without white space."""
    return msgspec.json.encode(value).decode()


def level_rows(levels: Levels) -> list[Row]:
    """Levels as the wire has them."""
    return [{"price": price_text(price), "size": amount_text(size)} for price, size in levels]


def book_row(market: SimMarket, book: UnifiedBook, outcome: int, now_ns: int) -> Row:
    """One outcome's book with its hash, which covers all its fields in this order."""
    bids, asks = book.levels_of(outcome)
    row: Row = {
        "market": market.condition_id,
        "asset_id": market.token_ids[outcome],
        "timestamp": ms_text(now_ns),
        "hash": "",
        "bids": level_rows(bids),
        "asks": level_rows(asks),
        "min_order_size": f"{market.spec.size_min:f}",
        "tick_size": price_text(market.tick_units),
        "neg_risk": market.spec.neg_risk,
        "last_trade_price": last_price_text(market, outcome),
    }
    row["hash"] = hashlib.sha1(compact(row).encode(), usedforsecurity=False).hexdigest()
    return row


def last_price_text(market: SimMarket, outcome: int) -> str:
    """Price of the last trade in an outcome's terms; empty before the first."""
    if market.last_price_units is None:
        return ""
    units = market.last_price_units if outcome == 0 else PRICE_UNITS - market.last_price_units
    return price_text(units)


def order_row(order: SimOrder) -> Row:
    """An order of the account's lists; a purchase by budget shows pUSD as its size."""
    return {
        "id": order.id,
        "status": order.status,
        "owner": order.key,
        "maker_address": order.maker,
        "market": order.market.condition_id,
        "asset_id": order.token,
        "side": SIDE_NAMES[order.side],
        "original_size": amount_text(order.budget if order.budget is not None else order.size),
        "size_matched": amount_text(order.matched),
        "price": price_text(order.price),
        "associate_trades": list(order.trades),
        "outcome": order.market.spec.outcomes[order.outcome],
        "created_at": order.created_ns // NS_PER_S,
        "expiration": str(order.expires_s),
        "order_type": order.kind.value,
    }


def maker_row(fill: PlannedFill) -> Row:
    """One maker's part of a trade, in the maker's own terms."""
    order = fill.maker
    return {
        "order_id": order.id,
        "owner": order.key,
        "maker_address": order.maker,
        "matched_amount": amount_text(fill.shares),
        "price": price_text(order.price),
        "fee_rate_bps": "0",
        "asset_id": order.token,
        "outcome": order.market.spec.outcomes[order.outcome],
        "outcome_index": order.outcome,
        "side": SIDE_NAMES[order.side],
    }


def trade_row(trade: SimTrade, *, viewer_is_taker: bool, status: str | None = None) -> Row:
    """A trade as its taker or one of its makers sees it: the top level is the taker's for both."""
    taker = trade.taker
    return {
        "id": trade.id,
        "taker_order_id": taker.id,
        "market": trade.market.condition_id,
        "asset_id": taker.token,
        "side": SIDE_NAMES[taker.side],
        "size": amount_text(trade.shares),
        "fee_rate_bps": "0",
        "price": price_text(trade.price),
        "status": status or trade.status.value,
        "match_time": s_text(trade.matched_ns),
        "last_update": s_text(trade.updated_ns),
        "outcome": trade.market.spec.outcomes[taker.outcome],
        "bucket_index": trade.bucket_index,
        "owner": taker.key,
        "maker_address": taker.maker,
        "transaction_hash": trade.hash,
        "maker_orders": [maker_row(fill) for fill in trade.makers],
        "trader_side": "TAKER" if viewer_is_taker else "MAKER",
    }


def placed_amounts(order: SimOrder, *, shares: int, value: int) -> tuple[str, str]:
    """What was given and what was received at once; empty where nothing was matched."""
    if not shares:
        return "", ""
    given, received = (value, shares) if order.side == BUY else (shares, value)
    return amount_text(given), amount_text(received)
