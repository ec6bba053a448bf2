"""Bybit's spelling of pairs, orders, executions, balances and candles; every number is a string."""

from decimal import Decimal

from domain.instrument import Side
from domain.money import ZERO
from simulator.exchanges.accounts import Account
from simulator.exchanges.candles import Candle
from simulator.exchanges.exchange import SpotExchange
from simulator.exchanges.orders import OrderKind, OrderState, SpotFill, SpotOrder, SpotTrade
from simulator.exchanges.pairs import Pair
from simulator.exchanges.server_clock import NS_PER_MS

Json = dict[str, object]
SIDES = {Side.BUY: "Buy", Side.SELL: "Sell"}


def number(value: Decimal) -> str:
    """Write an amount without an exponent and without zeros at its end.

    >>> number(Decimal("0.10")), number(Decimal("1E+2"))
    ('0.1', '100')
    """
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def levels(rows: list[tuple[Decimal, Decimal]]) -> list[list[str]]:
    """Price and quantity of each level."""
    return [[number(price), number(quantity)] for price, quantity in rows]


def state_of(order: SpotOrder) -> str:
    """The order's state; one that was ended after a part had traded has a name of its own on spot."""
    if order.state is OrderState.NEW:
        return "New"
    if order.state is OrderState.PARTIALLY_FILLED:
        return "PartiallyFilled"
    if order.state is OrderState.FILLED:
        return "Filled"
    return "PartiallyFilledCanceled" if order.filled else "Cancelled"


def order_row(order: SpotOrder, fills: list[SpotFill]) -> Json:
    """An order as lists and the private stream show it."""
    form = order.form
    fees: dict[str, Decimal] = {}
    for fill in fills:
        fees[fill.fee_asset] = fees.get(fill.fee_asset, ZERO) + fill.fee
    leaves = order.leaves if order.state.is_open else ZERO
    return {
        "category": "spot",
        "symbol": form.pair.symbol,
        "orderId": str(order.id),
        "orderLinkId": order.client_order_id,
        "side": SIDES[form.side],
        "orderType": "Market" if form.kind is OrderKind.MARKET else "Limit",
        "timeInForce": "PostOnly" if form.kind is OrderKind.POST_ONLY else form.lifetime.value,
        "price": number(form.price or ZERO),
        "qty": number(form.quote_quantity or order.quantity),
        "marketUnit": "quoteCoin" if form.quote_quantity else "",
        "orderStatus": state_of(order),
        "avgPrice": number(order.average_price) if order.filled else "",
        "cumExecQty": number(order.filled),
        "cumExecValue": number(order.filled_quote),
        "cumExecFee": number(sum(fees.values(), ZERO)),
        "cumFeeDetail": {asset: number(fee) for asset, fee in fees.items()},
        "leavesQty": number(leaves),
        "leavesValue": number(leaves * (form.price or ZERO)),
        "cancelType": "CancelByUser" if order.state is OrderState.CANCELLED else "UNKNOWN",
        "rejectReason": "EC_NoError",
        "stopOrderType": "",
        "triggerPrice": "",
        "isLeverage": "0",
        "reduceOnly": False,
        "createdTime": str(order.created_ns // NS_PER_MS),
        "updatedTime": str(order.updated_ns // NS_PER_MS),
    }


def execution_row(fill: SpotFill, order: SpotOrder) -> Json:
    """A fill as lists and the private stream show it."""
    trade = fill.trade
    rate = order.form.pair.maker_fee_rate if fill.is_maker else order.form.pair.taker_fee_rate
    return {
        "category": "spot",
        "symbol": trade.symbol,
        "execId": str(trade.id),
        "orderId": str(fill.order_id),
        "orderLinkId": order.client_order_id,
        "side": SIDES[fill.side],
        "execPrice": number(trade.price),
        "execQty": number(trade.quantity),
        "execValue": number(trade.cost),
        "execFee": number(fill.fee),
        "feeCurrency": fill.fee_asset,
        "feeRate": number(rate),
        "execType": "Trade",
        "execTime": str(trade.time_ns // NS_PER_MS),
        "isMaker": fill.is_maker,
        "orderPrice": number(order.form.price or ZERO),
        "orderQty": number(order.quantity),
        "orderType": "Market" if order.form.kind is OrderKind.MARKET else "Limit",
        "leavesQty": number(order.leaves),
        "stopOrderType": "",
        "isLeverage": "0",
        "seq": trade.id,
    }


def wallet_row(account: Account, assets: tuple[str, ...] | None = None) -> Json:
    """The account with its coins; `locked` is what open orders hold back."""
    held = account.balances()
    coins = [_coin_row(asset, account) for asset in (assets or tuple(held))]
    return {"accountType": "UNIFIED", "totalEquity": "", "totalWalletBalance": "", "coin": coins}


def pair_row(pair: Pair) -> Json:
    """A pair with its grids and limits."""
    return {
        "symbol": pair.symbol,
        "baseCoin": pair.base,
        "quoteCoin": pair.quote,
        "innovation": "0",
        "status": "Trading" if pair.is_open else "Closed",
        "marginTrading": "none",
        "lotSizeFilter": {
            "basePrecision": number(pair.quantity_step),
            "quotePrecision": "0.00000001",
            "minOrderQty": number(pair.quantity_min),
            "maxOrderQty": number(pair.quantity_max),
            "minOrderAmt": number(pair.notional_min),
            "maxOrderAmt": number(pair.notional_max),
        },
        "priceFilter": {"tickSize": number(pair.price_tick)},
    }


def ticker_row(exchange: SpotExchange, symbol: str) -> Json:
    """The last 24 hours of a pair and the top of its book."""
    day = exchange.candles[symbol].day(exchange.clock.now_ns())
    book, nothing = exchange.books[symbol], (ZERO, ZERO)
    bid, ask = book.best(Side.BUY) or nothing, book.best(Side.SELL) or nothing
    return {
        "symbol": symbol,
        "bid1Price": number(bid[0]),
        "bid1Size": number(bid[1]),
        "ask1Price": number(ask[0]),
        "ask1Size": number(ask[1]),
        "lastPrice": number(day.close),
        "prevPrice24h": number(day.open),
        "price24hPcnt": f"{(day.close - day.open) / day.open:.4f}",
        "highPrice24h": number(day.high),
        "lowPrice24h": number(day.low),
        "turnover24h": number(day.quote_volume),
        "volume24h": number(day.volume),
        "usdIndexPrice": number(day.close),
    }


def candle_row(row: Candle) -> list[str]:
    """A row of the candle list."""
    prices = (row.open, row.high, row.low, row.close, row.volume, row.quote_volume)
    return [str(row.open_ms), *(number(value) for value in prices)]


def public_trade(trade: SpotTrade) -> Json:
    """A print as the list of recent trades shows it."""
    return {
        "execId": str(trade.id),
        "symbol": trade.symbol,
        "price": number(trade.price),
        "size": number(trade.quantity),
        "side": SIDES[trade.taker_side],
        "time": str(trade.time_ns // NS_PER_MS),
        "isBlockTrade": False,
    }


def streamed_trade(trade: SpotTrade) -> Json:
    """A print as the public stream shows it."""
    return {
        "i": str(trade.id),
        "T": trade.time_ns // NS_PER_MS,
        "s": trade.symbol,
        "S": SIDES[trade.taker_side],
        "p": number(trade.price),
        "v": number(trade.quantity),
        "BT": False,
        "seq": trade.id,
    }


def _coin_row(asset: str, account: Account) -> Json:
    held = account.balance(asset)
    return {
        "coin": asset,
        "equity": number(held.total),
        "walletBalance": number(held.total),
        "locked": number(held.locked),
        "usdValue": "",
        "borrowAmount": "0",
        "accruedInterest": "0",
        "totalOrderIM": "0",
        "totalPositionIM": "0",
    }
