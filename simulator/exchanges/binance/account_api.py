"""Binance's signed endpoints for the account: balances, budgets, fees, and what the key may do."""

from simulator.exchanges.binance.endpoints import Endpoint, Request, always
from simulator.exchanges.binance.market_api import rate_limits
from simulator.exchanges.binance.payloads import Json, amount
from simulator.exchanges.binance.payloads import account as account_row
from simulator.exchanges.pairs import Pair


def account(request: Request) -> Json:
    """Balances, free and locked, and the commission rates."""
    request.parameters.allow("omitZeroBalances", "returnRateLimits")
    request.parameters.finish()
    pair = next(iter(request.exchange.pairs.values()))
    return account_row(request.owner, pair, now_ms=request.exchange.clock.now_ms())


def order_counts(request: Request) -> list[Json]:
    """How many unfilled orders the account has placed in the present windows."""
    request.parameters.finish()
    rows = [row for row in rate_limits(request.budget.limits) if row["rateLimitType"] == "ORDERS"]
    counts = request.budget.order_counts(request.owner.api_key)
    return [{**row, "count": count} for row, (_, count) in zip(rows, counts, strict=True)]


def trade_fees(request: Request) -> list[Json]:
    """The account's fee rates, of one pair or of all."""
    pair = request.optional_pair()
    request.parameters.finish()
    return [_fee_row(listed) for listed in ([pair] if pair else request.exchange.pairs.values())]


def commission(request: Request) -> Json:
    """The account's fee rates of one pair, in the shape of the newer endpoint."""
    pair = request.pair()
    request.parameters.finish()
    nothing = {"maker": "0.00000000", "taker": "0.00000000", "buyer": "0.00000000", "seller": "0.00000000"}
    rates = {"maker": amount(pair.maker_fee_rate), "taker": amount(pair.taker_fee_rate)}
    return {
        "symbol": pair.symbol,
        "standardCommission": {**nothing, **rates},
        "specialCommission": nothing,
        "taxCommission": nothing,
        "discount": {"enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "BNB"},
    }


def key_permissions(request: Request) -> Json:
    """What the key may do; a client that trades wants `enableWithdrawals` to be false."""
    request.parameters.finish()
    return {
        "ipRestrict": True,
        "createTime": request.exchange.clock.now_ms(),
        "enableReading": True,
        "enableWithdrawals": request.owner.can_withdraw,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": True,
        "enablePortfolioMarginTrading": False,
    }


def _fee_row(pair: Pair) -> Json:
    maker, taker = amount(pair.maker_fee_rate), amount(pair.taker_fee_rate)
    return {"symbol": pair.symbol, "makerCommission": maker, "takerCommission": taker}


ACCOUNT = (
    Endpoint(
        method="GET", path="/api/v3/account", respond=account, weigh=always(20), ws_method="account.status"
    ),
    Endpoint(
        method="GET",
        path="/api/v3/rateLimit/order",
        respond=order_counts,
        weigh=always(40),
        ws_method="account.rateLimits.orders",
    ),
    Endpoint(
        method="GET",
        path="/api/v3/account/commission",
        respond=commission,
        weigh=always(20),
        ws_method="account.commission",
    ),
    Endpoint(method="GET", path="/sapi/v1/asset/tradeFee", respond=trade_fees, weigh=always(1)),
    Endpoint(method="GET", path="/sapi/v1/account/apiRestrictions", respond=key_permissions, weigh=always(1)),
)
"""What an account may be asked, with the documented weights."""
