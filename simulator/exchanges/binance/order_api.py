"""Binance's signed endpoints for orders: place, query, cancel, and the lists of orders and trades."""

import hashlib
from decimal import Decimal
from enum import StrEnum

import msgspec

from domain.instrument import Side
from simulator.exchanges.binance.endpoints import Endpoint, Request, always, by_symbol
from simulator.exchanges.binance.errors import NO_SUCH_ORDER, NOT_CANCELLED, BinanceError, order_error
from simulator.exchanges.binance.parameters import CLIENT_ID, Parameters
from simulator.exchanges.binance.payloads import (
    Json,
    acknowledged,
    cancelled,
    own_trade,
    placed,
    placed_in_full,
    queried,
)
from simulator.exchanges.cancelling import cancel_for_client
from simulator.exchanges.orders import (
    Lifetime,
    OrderForm,
    OrderKind,
    OrderRefusedError,
    OrderState,
    SpotFill,
    SpotOrder,
)
from simulator.exchanges.pairs import Pair
from simulator.exchanges.server_clock import NS_PER_MS

ROWS_DEFAULT = 500
ROWS_MAX = 1_000
WINDOW_MS_MAX = 24 * 3_600_000
WORLD = ("selfTradePreventionMode", "strategyId", "strategyType", "returnRateLimits")
"""Parameters of an order that make no difference here."""


class OrderType(StrEnum):
    """The order types that the pairs announce."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    LIMIT_MAKER = "LIMIT_MAKER"


class ResponseType(StrEnum):
    """How much an answer to a new order says."""

    ACK = "ACK"
    RESULT = "RESULT"
    FULL = "FULL"


def place(request: Request) -> Json:
    """Place an order; whatever is refused is refused before anything is booked."""
    pair, parameters, owner = request.pair(), request.parameters, request.owner
    form = _form(parameters, pair)
    says = parameters.optional("newOrderRespType")
    parameters.finish()
    request.budget.charge_order(owner.api_key)
    try:
        order = request.exchange.place(form, owner=owner.api_key)
    except OrderRefusedError as error:
        request.budget.give_back_order(owner.api_key)
        raise order_error(error.refusal) from error
    default = ResponseType.ACK if form.kind is OrderKind.POST_ONLY else ResponseType.FULL
    return _answer(request, order, ResponseType(says) if says else default)


def rehearse(request: Request) -> Json:
    """Read an order as strictly as `place` does, and do nothing."""
    pair = request.pair()
    _form(request.parameters, pair)
    request.parameters.allow("newOrderRespType", "computeCommissionRates")
    request.parameters.finish()
    return {}


def query(request: Request) -> Json:
    """One order by the exchange's id or by the client's (the newest that had it)."""
    order = _named_order(request)
    request.parameters.finish()
    if order is None:
        raise NO_SUCH_ORDER.error()
    return queried(order)


def cancel(request: Request) -> Json:
    """Cancel one order; one that is not open (any more) is answered -2011, which does not say why."""
    order = _named_order(request)
    given = request.parameters.optional("newClientOrderId", CLIENT_ID)
    request.parameters.allow("cancelRestrictions", "returnRateLimits")
    request.parameters.finish()
    cancel_id = given or _made_id("cancel", request.exchange.clock.now_ns(), order.id if order else 0)
    ended = cancel_for_client(request.exchange, order, cancel_id=cancel_id) if order else None
    if ended is None:
        raise NOT_CANCELLED.error()
    return cancelled(_shown_cancelled(ended), cancel_id=cancel_id)


def cancel_all(request: Request) -> list[Json]:
    """Cancel every open order of a pair; -2011 where there is none."""
    pair = request.pair()
    request.parameters.finish()
    open_orders = request.exchange.log.open_of(request.owner.api_key, symbol=pair.symbol)
    cancel_id = _made_id("cancel", request.exchange.clock.now_ns(), 0)
    ended = [cancel_for_client(request.exchange, order, cancel_id=cancel_id) for order in open_orders]
    if not open_orders:
        raise NOT_CANCELLED.error()
    return [cancelled(_shown_cancelled(order), cancel_id=cancel_id) for order in ended if order]


def open_orders(request: Request) -> list[Json]:
    """The account's open orders, of one pair or of all, oldest first."""
    pair = request.optional_pair()
    request.parameters.allow("returnRateLimits")
    request.parameters.finish()
    symbol = pair.symbol if pair else None
    found = request.exchange.log.open_of(request.owner.api_key, symbol=symbol, as_of_ns=request.as_of_ns)
    return [queried(order) for order in found]


def all_orders(request: Request) -> list[Json]:
    """The account's orders of a pair, open and done; from an id on, of a time, or the newest."""
    pair, parameters = request.pair(), request.parameters
    first_id, since_ms, until_ms, limit = _window(parameters, "orderId")
    parameters.finish()
    log = request.exchange.log
    found = log.orders_of(request.owner.api_key, symbol=pair.symbol, as_of_ns=request.as_of_ns)
    if first_id is not None:
        found = [order for order in found if order.id >= first_id]
    rows = [order for order in found if since_ms <= order.created_ns // NS_PER_MS <= until_ms]
    from_start = first_id is not None or since_ms > 0
    return [queried(order) for order in (rows[:limit] if from_start else rows[-limit:])]


def my_trades(request: Request) -> list[Json]:
    """The account's fills of a pair: of one order, from a trade id on, of a time, or the newest."""
    pair, parameters = request.pair(), request.parameters
    order_id = parameters.whole("orderId")
    first_id, since_ms, until_ms, limit = _window(parameters, "fromId")
    parameters.finish()
    log = request.exchange.log
    found = log.fills_of(request.owner.api_key, symbol=pair.symbol, as_of_ns=request.as_of_ns)
    rows = [
        fill
        for fill in found
        if order_id in (None, fill.order_id)
        and fill.trade.id >= (first_id or 0)
        and since_ms <= fill.trade.time_ns // NS_PER_MS <= until_ms
    ]
    from_start = first_id is not None or since_ms > 0
    return [own_trade(fill) for fill in (rows[:limit] if from_start else rows[-limit:])]


def _form(parameters: Parameters, pair: Pair) -> OrderForm:
    side = parameters.choice("side", Side, (-1117, "Invalid side."))
    kind = parameters.choice("type", OrderType, (-1116, "Invalid orderType."))
    client_id = parameters.optional("newClientOrderId", CLIENT_ID)
    parameters.allow(*WORLD)
    form = OrderForm(
        pair=pair,
        side=side,
        kind=OrderKind.MARKET,
        lifetime=Lifetime.GTC,
        price=None,
        quantity=None,
        client_order_id=client_id or "",
    )
    if kind is OrderType.MARKET:
        return _market_form(form, parameters)
    price, quantity = parameters.required_amount("price"), parameters.required_amount("quantity")
    if kind is OrderType.LIMIT_MAKER:
        parameters.refuse("timeInForce")
        return msgspec.structs.replace(form, kind=OrderKind.POST_ONLY, price=price, quantity=quantity)
    lifetime = parameters.choice("timeInForce", Lifetime, (-1115, "Invalid timeInForce."))
    return msgspec.structs.replace(
        form, kind=OrderKind.LIMIT, lifetime=lifetime, price=price, quantity=quantity
    )


def _market_form(form: OrderForm, parameters: Parameters) -> OrderForm:
    for name in ("price", "timeInForce"):
        parameters.refuse(name)
    quantity, quote_quantity = parameters.amount("quantity"), parameters.amount("quoteOrderQty")
    if quantity is None and quote_quantity is None:
        parameters.required("quantity")
    if quantity is not None and quote_quantity is not None:
        raise BinanceError(-1128, "Combination of optional parameters invalid.")
    return msgspec.structs.replace(form, quantity=quantity, quote_quantity=quote_quantity)


def _answer(request: Request, order: SpotOrder, says: ResponseType) -> Json:
    if says is ResponseType.ACK:
        return acknowledged(order)
    if says is ResponseType.RESULT:
        return placed(order)
    fills: list[SpotFill] = request.exchange.log.fills_of_order(order.id)
    return placed_in_full(order, fills)


def _named_order(request: Request) -> SpotOrder | None:
    pair, parameters = request.pair(), request.parameters
    order_id, client_id = parameters.whole("orderId"), parameters.optional("origClientOrderId", CLIENT_ID)
    owner, log = request.owner.api_key, request.exchange.log
    if order_id is not None:
        order = log.order(order_id, as_of_ns=request.as_of_ns)
    elif client_id is not None:
        order = log.newest_by_client_id(owner, client_id, as_of_ns=request.as_of_ns)
    else:
        text = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
        raise BinanceError(-1102, text)
    is_his = order is not None and order.owner == owner and order.form.pair.symbol == pair.symbol
    return order if is_his else None


def _window(parameters: Parameters, id_name: str) -> tuple[int | None, int, int, int]:
    """First id, first and last time, and number of rows; more than a day at once is refused."""
    first_id = parameters.whole(id_name)
    since_ms, until_ms = parameters.whole("startTime"), parameters.whole("endTime")
    limit = min(parameters.whole("limit") or ROWS_DEFAULT, ROWS_MAX)
    if since_ms is not None and until_ms is not None and until_ms - since_ms > WINDOW_MS_MAX:
        raise BinanceError(-1127, "More than 24 hours between startTime and endTime.")
    if since_ms is not None and until_ms is None and first_id is None:
        until_ms = since_ms + WINDOW_MS_MAX
    return first_id, since_ms or 0, until_ms if until_ms is not None else 2**63, limit


def _shown_cancelled(order: SpotOrder) -> SpotOrder:
    """Show the order cancelled, also where a fault made the answer out of an earlier version."""
    return msgspec.structs.replace(order, state=OrderState.CANCELLED, locked=Decimal(0))


def _made_id(*parts: object) -> str:
    text = "\x1f".join(str(part) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:22]


def _trades_weight(parameters: Parameters) -> int:
    return 5 if parameters.optional("orderId") else 20


ORDER_PATH = "/api/v3/order"
OPEN_PATH = "/api/v3/openOrders"

PLACE = Endpoint(method="POST", path=ORDER_PATH, respond=place, weigh=always(1), ws_method="order.place")

ORDERS = (
    PLACE,
    Endpoint(
        method="POST", path=f"{ORDER_PATH}/test", respond=rehearse, weigh=always(1), ws_method="order.test"
    ),
    Endpoint(method="GET", path=ORDER_PATH, respond=query, weigh=always(4), ws_method="order.status"),
    Endpoint(method="DELETE", path=ORDER_PATH, respond=cancel, weigh=always(1), ws_method="order.cancel"),
    Endpoint(
        method="GET",
        path=OPEN_PATH,
        respond=open_orders,
        weigh=by_symbol(with_symbol=6, without=80),
        ws_method="openOrders.status",
    ),
    Endpoint(
        method="DELETE", path=OPEN_PATH, respond=cancel_all, weigh=always(1), ws_method="openOrders.cancelAll"
    ),
    Endpoint(
        method="GET", path="/api/v3/allOrders", respond=all_orders, weigh=always(20), ws_method="allOrders"
    ),
    Endpoint(
        method="GET", path="/api/v3/myTrades", respond=my_trades, weigh=_trades_weight, ws_method="myTrades"
    ),
)
"""What an order may be asked, with the documented weights."""
