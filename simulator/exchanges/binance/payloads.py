"""Binance's spelling of orders, trades, balances and candles; amounts have eight decimals, times are milliseconds."""

from decimal import Decimal

from domain.instrument import Side
from simulator.exchanges.accounts import Account
from simulator.exchanges.candles import Candle
from simulator.exchanges.events import OrderChange, OrderChanged
from simulator.exchanges.orders import Lifetime, OrderKind, OrderState, SpotFill, SpotOrder, SpotTrade
from simulator.exchanges.pairs import Pair
from simulator.exchanges.server_clock import NS_PER_MS

EIGHT_DECIMALS = Decimal("0.00000001")
NO_LIST = -1

Json = dict[str, object]

STATES = {
    OrderState.NEW: "NEW",
    OrderState.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    OrderState.FILLED: "FILLED",
    OrderState.CANCELLED: "CANCELED",
    OrderState.EXPIRED: "EXPIRED",
}
CHANGES = {
    OrderChange.NEW: "NEW",
    OrderChange.TRADE: "TRADE",
    OrderChange.CANCELLED: "CANCELED",
    OrderChange.EXPIRED: "EXPIRED",
}
KINDS = {OrderKind.LIMIT: "LIMIT", OrderKind.MARKET: "MARKET", OrderKind.POST_ONLY: "LIMIT_MAKER"}


def amount(value: Decimal) -> str:
    """Write an amount as the venue does: never with an exponent.

    >>> amount(Decimal("0.1"))
    '0.10000000'
    """
    return f"{value.quantize(EIGHT_DECIMALS):f}"


def levels(rows: list[tuple[Decimal, Decimal]]) -> list[list[str]]:
    """Price and quantity of each level."""
    return [[amount(price), amount(quantity)] for price, quantity in rows]


def acknowledged(order: SpotOrder) -> Json:
    """The shortest answer to a new order: it has an id, nothing is said of its state."""
    return {
        "symbol": order.form.pair.symbol,
        "orderId": order.id,
        "orderListId": NO_LIST,
        "clientOrderId": order.client_order_id,
        "transactTime": order.updated_ns // NS_PER_MS,
    }


def placed(order: SpotOrder) -> Json:
    """The answer to a new order with its state."""
    working = {"workingTime": order.created_ns // NS_PER_MS} if order.state.is_open else {}
    return {**acknowledged(order), **_progress(order), **working, "selfTradePreventionMode": "NONE"}


def placed_in_full(order: SpotOrder, fills: list[SpotFill]) -> Json:
    """The answer to a new order with its state and what it took at once."""
    rows = [
        {
            "price": amount(fill.trade.price),
            "qty": amount(fill.trade.quantity),
            "commission": amount(fill.fee),
            "commissionAsset": fill.fee_asset,
            "tradeId": fill.trade.id,
        }
        for fill in fills
        if not fill.is_maker
    ]
    return {**placed(order), "fills": rows}


def cancelled(order: SpotOrder, *, cancel_id: str) -> Json:
    """The answer to a cancel: `clientOrderId` names the cancel, the order's own is `origClientOrderId`."""
    return {
        **acknowledged(order),
        "origClientOrderId": order.client_order_id,
        "clientOrderId": cancel_id,
        **_progress(order),
        "selfTradePreventionMode": "NONE",
    }


def queried(order: SpotOrder) -> Json:
    """An order as the query endpoints show it."""
    return {
        "symbol": order.form.pair.symbol,
        "orderId": order.id,
        "orderListId": NO_LIST,
        "clientOrderId": order.client_order_id,
        **_progress(order),
        "stopPrice": amount(Decimal(0)),
        "icebergQty": amount(Decimal(0)),
        "time": order.created_ns // NS_PER_MS,
        "updateTime": order.updated_ns // NS_PER_MS,
        "isWorking": True,
        "workingTime": order.created_ns // NS_PER_MS,
        "selfTradePreventionMode": "NONE",
    }


def own_trade(fill: SpotFill) -> Json:
    """A row of the account's trade list."""
    trade = fill.trade
    return {
        "symbol": trade.symbol,
        "id": trade.id,
        "orderId": fill.order_id,
        "orderListId": NO_LIST,
        "price": amount(trade.price),
        "qty": amount(trade.quantity),
        "quoteQty": amount(trade.cost),
        "commission": amount(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": trade.time_ns // NS_PER_MS,
        "isBuyer": fill.side is Side.BUY,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def public_trade(trade: SpotTrade) -> Json:
    """A row of the list of recent trades."""
    return {
        "id": trade.id,
        "price": amount(trade.price),
        "qty": amount(trade.quantity),
        "quoteQty": amount(trade.cost),
        "time": trade.time_ns // NS_PER_MS,
        "isBuyerMaker": trade.taker_side is Side.SELL,
        "isBestMatch": True,
    }


def candle(row: Candle) -> list[object]:
    """A row of the candle list."""
    return [
        row.open_ms,
        *(amount(price) for price in (row.open, row.high, row.low, row.close)),
        amount(row.volume),
        row.close_ms,
        amount(row.quote_volume),
        row.trades,
        *(amount(Decimal(0)), amount(Decimal(0)), "0"),
    ]


def account(owner: Account, pair: Pair, *, now_ms: int) -> Json:
    """The account with its balances; the commission is that of the pair, which here is the same for all."""
    rates = {"maker": amount(pair.maker_fee_rate), "taker": amount(pair.taker_fee_rate)}
    return {
        "makerCommission": int(pair.maker_fee_rate * 10_000),
        "takerCommission": int(pair.taker_fee_rate * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {**rates, "buyer": amount(Decimal(0)), "seller": amount(Decimal(0))},
        "canTrade": True,
        "canWithdraw": owner.can_withdraw,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": now_ms,
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": amount(held.free), "locked": amount(held.locked)}
            for asset, held in owner.balances().items()
        ],
        "permissions": ["SPOT"],
        "uid": 1,
    }


def execution_report(event: OrderChanged, *, now_ms: int, number: int) -> Json:
    """What the user stream says about a new version of an order."""
    order, fill = event.order, event.fill
    is_cancel = event.change is OrderChange.CANCELLED
    return {
        "e": "executionReport",
        "E": now_ms,
        "s": order.form.pair.symbol,
        "c": event.cancel_id if is_cancel else order.client_order_id,
        "S": order.form.side.value,
        "o": KINDS[order.form.kind],
        "f": order.form.lifetime.value,
        "q": amount(order.quantity),
        "p": amount(order.form.price or Decimal(0)),
        "P": amount(Decimal(0)),
        "F": amount(Decimal(0)),
        "g": NO_LIST,
        "C": order.client_order_id if is_cancel else "",
        "x": CHANGES[event.change],
        "X": STATES[order.state],
        "r": "NONE",
        "i": order.id,
        "l": amount(fill.trade.quantity if fill else Decimal(0)),
        "z": amount(order.filled),
        "L": amount(fill.trade.price if fill else Decimal(0)),
        "n": amount(fill.fee) if fill else "0",
        "N": fill.fee_asset if fill else None,
        "T": order.updated_ns // NS_PER_MS,
        "t": fill.trade.id if fill else -1,
        "v": 0,
        "I": number,
        "w": order.state.is_open and order.form.lifetime is Lifetime.GTC,
        "m": bool(fill and fill.is_maker),
        "M": False,
        "O": order.created_ns // NS_PER_MS,
        "Z": amount(order.filled_quote),
        "Y": amount(fill.trade.cost if fill else Decimal(0)),
        "Q": amount(order.form.quote_quantity or Decimal(0)),
        "W": order.created_ns // NS_PER_MS,
        "V": "NONE",
    }


def account_position(owner: Account, assets: tuple[str, ...], *, now_ms: int) -> Json:
    """What the user stream says about balances that may have changed."""
    held = {asset: owner.balance(asset) for asset in assets}
    return {
        "e": "outboundAccountPosition",
        "E": now_ms,
        "u": now_ms,
        "B": [{"a": asset, "f": amount(b.free), "l": amount(b.locked)} for asset, b in held.items()],
    }


def _progress(order: SpotOrder) -> Json:
    form = order.form
    return {
        "price": amount(form.price or Decimal(0)),
        "origQty": amount(order.quantity),
        "executedQty": amount(order.filled),
        "origQuoteOrderQty": amount(form.quote_quantity or Decimal(0)),
        "cummulativeQuoteQty": amount(order.filled_quote),
        "status": STATES[order.state],
        "timeInForce": form.lifetime.value,
        "type": KINDS[form.kind],
        "side": form.side.value,
    }
