"""Bybit's signed endpoints: an order is acknowledged with its ids only; its state is asked for or streamed."""

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from domain.instrument import Side
from simulator.exchanges.bybit.errors import BybitError, order_error
from simulator.exchanges.bybit.payloads import Json, execution_row, number, order_row, wallet_row
from simulator.exchanges.bybit.requests import PARAMETER_ERROR, Request
from simulator.exchanges.cancelling import cancel_for_client
from simulator.exchanges.orders import (
    Lifetime,
    OrderForm,
    OrderKind,
    OrderRefusedError,
    OrderState,
    SpotOrder,
)
from simulator.exchanges.pairs import Pair
from simulator.exchanges.server_clock import NS_PER_MS

LINK_ID = re.compile(r"^[A-Za-z0-9_-]{1,36}$")
ORDER_ROWS = 20
ORDER_ROWS_MAX = 50
EXECUTION_ROWS = 50
EXECUTION_ROWS_MAX = 100
WEEK_MS = 7 * 86_400_000
POST_ONLY = "PostOnly"

GONE = {
    OrderState.FILLED: (170139, "Order has been filled."),
    OrderState.CANCELLED: (170142, "Order has been canceled."),
    OrderState.EXPIRED: (170142, "Order has been canceled."),
}
Row = TypeVar("Row")


def create(request: Request) -> Json:
    """Place an order; the answer has its ids and says nothing of its state."""
    form = _form(request, request.pair())
    try:
        order = request.exchange.place(form, owner=request.owner.api_key)
    except OrderRefusedError as error:
        raise order_error(error.refusal) from error
    return _ids(order)


def cancel(request: Request) -> Json:
    """Cancel one order by either id."""
    order = _named(request, request.pair())
    if order is None:
        raise BybitError(170213, "Order does not exist.")
    ended = cancel_for_client(request.exchange, order, cancel_id=order.client_order_id)
    if ended is None:
        newest = request.exchange.log.order(order.id)
        raise BybitError(*GONE[(newest or order).state])
    return _ids(order)


def cancel_all(request: Request) -> Json:
    """Cancel every open order, of one pair or of all."""
    pair = request.optional_pair()
    symbol = pair.symbol if pair else None
    found = request.exchange.log.open_of(request.owner.api_key, symbol=symbol)
    ended = [order for order in found if cancel_for_client(request.exchange, order, cancel_id="")]
    return {"list": [_ids(order) for order in ended], "success": "1"}


def open_orders(request: Request) -> Json:
    """Open orders, newest first; one that is done is not here any more, whichever id is asked for."""
    pair = request.optional_pair()
    symbol = pair.symbol if pair else None
    found = request.exchange.log.open_of(request.owner.api_key, symbol=symbol, as_of_ns=request.as_of_ns)
    return _order_page(request, [order for order in found if _is_asked_for(request, order)])


def order_history(request: Request) -> Json:
    """Orders that are done, newest first."""
    pair = request.optional_pair()
    symbol = pair.symbol if pair else None
    found = request.exchange.log.orders_of(request.owner.api_key, symbol=symbol, as_of_ns=request.as_of_ns)
    asked = [order for order in found if not order.state.is_open and _is_asked_for(request, order)]
    since_ms, until_ms = _span(request)
    return _order_page(request, [o for o in asked if since_ms <= o.created_ns // NS_PER_MS <= until_ms])


def executions(request: Request) -> Json:
    """Fills, newest first."""
    pair = request.optional_pair()
    log, order_id = request.exchange.log, request.text("orderId")
    symbol = pair.symbol if pair else None
    since_ms, until_ms = _span(request)
    found = [
        fill
        for fill in log.fills_of(request.owner.api_key, symbol=symbol, as_of_ns=request.as_of_ns)
        if order_id in ("", str(fill.order_id)) and since_ms <= fill.trade.time_ns // NS_PER_MS <= until_ms
    ]
    limit = request.whole("limit", EXECUTION_ROWS, highest=EXECUTION_ROWS_MAX)
    page, cursor = _page(request, found, limit, key=lambda fill: fill.trade.id)
    orders = ((fill, log.order(fill.order_id)) for fill in page)
    rows = [execution_row(fill, order) for fill, order in orders if order]
    return {"category": "spot", "list": rows, "nextPageCursor": cursor}


def wallet(request: Request) -> Json:
    """Balances of the unified account."""
    return {"list": [wallet_row(request.owner)]}


def fee_rate(request: Request) -> Json:
    """Fee rates of one pair, or of all."""
    pair = request.optional_pair()
    listed = [pair] if pair else request.exchange.pairs.values()
    return {
        "category": "spot",
        "list": [
            {
                "symbol": one.symbol,
                "takerFeeRate": number(one.taker_fee_rate),
                "makerFeeRate": number(one.maker_fee_rate),
            }
            for one in listed
        ],
    }


def key_information(request: Request) -> Json:
    """What the key may do; a client that trades wants no `Withdraw` among the wallet permissions."""
    wallet_permissions = ["Withdraw"] if request.owner.can_withdraw else []
    return {
        "apiKey": request.owner.api_key,
        "readOnly": 0,
        "permissions": {"Spot": ["SpotTrade"], "Wallet": wallet_permissions},
        "uta": 1,
        "unified": 0,
        "ips": ["127.0.0.1"],
    }


def account_information(request: Request) -> Json:
    """Which kind of account it is."""
    now = str(request.exchange.clock.now_ms())
    return {"unifiedMarginStatus": 5, "marginMode": "REGULAR_MARGIN", "updatedTime": now}


def _form(request: Request, pair: Pair) -> OrderForm:
    link_id = request.text("orderLinkId")
    if link_id and not LINK_ID.match(link_id):
        raise BybitError(PARAMETER_ERROR, "orderLinkId is not valid")
    sides = {"Buy": Side.BUY, "Sell": Side.SELL}
    side = sides.get(request.required("side"))
    if side is None:
        raise BybitError(170117, "Invalid side.")
    order_type = request.required("orderType")
    if order_type == "Market":
        return _market_form(request, pair, side, link_id)
    if order_type != "Limit":
        raise BybitError(170116, "Invalid orderType.")
    asked = request.text("timeInForce", Lifetime.GTC)
    if asked not in (*Lifetime, POST_ONLY):
        raise BybitError(170115, "Invalid timeInForce.")
    return OrderForm(
        pair=pair,
        side=side,
        kind=OrderKind.POST_ONLY if asked == POST_ONLY else OrderKind.LIMIT,
        lifetime=Lifetime.GTC if asked == POST_ONLY else Lifetime(asked),
        price=request.amount("price"),
        quantity=request.amount("qty"),
        client_order_id=link_id,
    )


def _market_form(request: Request, pair: Pair, side: Side, link_id: str) -> OrderForm:
    """A market buy counts in the quote asset unless `marketUnit` says otherwise; a sale in the base asset."""
    default = "quoteCoin" if side is Side.BUY else "baseCoin"
    is_quote = request.text("marketUnit", default) == "quoteCoin"
    quantity = request.amount("qty")
    return OrderForm(
        pair=pair,
        side=side,
        kind=OrderKind.MARKET,
        lifetime=Lifetime.IOC,
        price=None,
        quantity=None if is_quote else quantity,
        quote_quantity=quantity if is_quote else None,
        client_order_id=link_id,
    )


def _ids(order: SpotOrder) -> Json:
    return {"orderId": str(order.id), "orderLinkId": order.client_order_id}


def _named(request: Request, pair: Pair) -> SpotOrder | None:
    order_id, link_id = request.text("orderId"), request.text("orderLinkId")
    if not (order_id or link_id):
        raise BybitError(PARAMETER_ERROR, "orderId or orderLinkId must be sent")
    owner, log = request.owner.api_key, request.exchange.log
    if order_id:
        order = log.order(int(order_id)) if order_id.isdigit() else None
    else:
        order = log.newest_by_client_id(owner, link_id)
    return order if order and order.owner == owner and order.form.pair.symbol == pair.symbol else None


def _is_asked_for(request: Request, order: SpotOrder) -> bool:
    row = order_row(order, [])
    names = ("orderId", "orderLinkId", "orderStatus")
    return all(request.text(name) in ("", row[name]) for name in names)


def _order_page(request: Request, orders: list[SpotOrder]) -> Json:
    limit = request.whole("limit", ORDER_ROWS, highest=ORDER_ROWS_MAX)
    page, cursor = _page(request, orders, limit, key=lambda order: order.id)
    rows = [order_row(order, request.exchange.log.fills_of_order(order.id)) for order in page]
    return {"category": "spot", "list": rows, "nextPageCursor": cursor}


def _page(
    request: Request, rows: Iterable[Row], limit: int, *, key: Callable[[Row], int]
) -> tuple[list[Row], str]:
    """One page, newest first, and the cursor of the next one: the key of this page's last row."""
    cursor = request.text("cursor")
    before = int(cursor) if cursor.isdigit() else 2**63
    found = sorted((row for row in rows if key(row) < before), key=key, reverse=True)
    page = found[:limit]
    return page, str(key(page[-1])) if len(found) > limit else ""


def _span(request: Request) -> tuple[int, int]:
    """First and last time in milliseconds: seven days from the start, or until now where none is given."""
    since_ms, until_ms = (request.whole(name, 0, highest=2**63) for name in ("startTime", "endTime"))
    if since_ms and until_ms and until_ms - since_ms > WEEK_MS:
        raise BybitError(
            PARAMETER_ERROR, "The time range between startTime and endTime cannot exceed 7 days."
        )
    if since_ms:
        return since_ms, until_ms or since_ms + WEEK_MS
    until_ms = until_ms or request.exchange.clock.now_ms()
    return until_ms - WEEK_MS, until_ms
