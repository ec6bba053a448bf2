"""ccxt's dicts → the domain: an order's state, a fill, a balance. Amounts come as text and become Decimals."""

from decimal import Decimal
from typing import Any

from clock import NS_PER_MS
from domain.errors import VenueReadError
from domain.identifiers import OrderId, TradeId, VenueName
from domain.instrument import Side
from domain.messages import Fill, Liquidity
from domain.money import ZERO
from domain.order import OrderStatus
from venues.base import VenueBalance
from venues.exchange.instruments import SpotTerms, decimal_of

ENDINGS = {
    "canceled": OrderStatus.CANCELLED,
    "expired": OrderStatus.EXPIRED,
    # It was taken and then refused, as a stop order can be: nothing of it rests.
    "rejected": OrderStatus.CANCELLED,
}


def status_of(row: dict[str, Any], *, is_immediate: bool = False) -> OrderStatus | None:
    """State of an order as ccxt shows it; None where the answer says nothing (an answer that holds ids alone).

    The rest of an immediate order is killed, not expired: exchanges use either word.
    """
    status = row.get("status")
    if status is None:
        return None
    if status == "closed":
        amount, filled = decimal_of(row.get("amount")), filled_of(row)
        is_short = amount is not None and filled is not None and filled < amount
        return OrderStatus.CANCELLED if is_short else OrderStatus.FILLED
    ending = ENDINGS.get(status, OrderStatus.OPEN)
    return OrderStatus.CANCELLED if is_immediate and ending is OrderStatus.EXPIRED else ending


def filled_of(row: dict[str, Any]) -> Decimal | None:
    """Base quantity filled so far; None where the answer does not say, whatever ccxt puts in its place."""
    return None if row.get("status") is None else decimal_of(row.get("filled"))


def fill_of(
    trade: dict[str, Any], *, venue: VenueName, terms: SpotTerms, order_id: OrderId, time_ns: int
) -> Fill:
    """A trade of ours; `time_ns` stands in where the trade has no time. Raises VenueReadError without id or amounts."""
    price, quantity = decimal_of(trade.get("price")), decimal_of(trade.get("amount"))
    if not trade.get("id") or price is None or quantity is None or trade.get("side") not in ("buy", "sell"):
        raise VenueReadError(f"a trade of {terms.symbol} without id, side, price or amount")
    fee, fee_asset = _fee(trade, terms)
    timestamp_ms = trade.get("timestamp")
    return Fill(
        venue=venue,
        instrument_id=terms.instrument_id,
        market_id=terms.market_id,
        trade_id=TradeId(str(trade["id"])),
        order_id=order_id,
        side=Side.BUY if trade["side"] == "buy" else Side.SELL,
        price=price,
        quantity=quantity,
        fee=fee,
        fee_asset=fee_asset,
        liquidity=Liquidity.MAKER if trade.get("takerOrMaker") == "maker" else Liquidity.TAKER,
        time_ns=time_ns if timestamp_ms is None else int(timestamp_ms) * NS_PER_MS,
    )


def balances_of(answer: dict[str, Any]) -> tuple[VenueBalance, ...]:
    """What is owned, asset by asset; raises VenueReadError where the answer holds no totals."""
    totals, free = answer.get("total"), answer.get("free")
    if not isinstance(totals, dict) or not isinstance(free, dict):
        raise VenueReadError("balances: no totals in the answer")
    owned = ((asset, decimal_of(amount), decimal_of(free.get(asset))) for asset, amount in totals.items())
    return tuple(
        VenueBalance(asset=asset, total=total, free=ZERO if rest is None else rest)
        for asset, total, rest in owned
        if total
    )


def _fee(trade: dict[str, Any], terms: SpotTerms) -> tuple[Decimal, str]:
    """The fee as the exchange states it, in whatever asset; several rows of one asset are added up."""
    rows = [row for row in (trade.get("fees") or [trade.get("fee")]) if row and row.get("cost") is not None]
    if not rows:
        return ZERO, terms.quote
    assets = {str(row.get("currency") or terms.quote) for row in rows}
    if len(assets) > 1:
        raise VenueReadError(
            f"trade {trade.get('id')} has fees in {', '.join(sorted(assets))}: one was expected"
        )
    return sum((decimal_of(row["cost"]) or ZERO for row in rows), ZERO), assets.pop()
