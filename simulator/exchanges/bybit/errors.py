"""Bybit's error answers: they come with HTTP 200, and only `retCode` tells them from success."""

from collections.abc import Mapping

from simulator.exchanges.orders import Refusal


class BybitError(Exception):
    """A request that is not served; nothing of it happened."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text


def order_error(refusal: Refusal) -> BybitError:
    """Say in Bybit's words why an order is not taken."""
    return BybitError(*ORDER_ERRORS[refusal])


ORDER_ERRORS: Mapping[Refusal, tuple[int, str]] = {
    Refusal.PAIR_CLOSED: (170151, "The trading pair is not open yet."),
    Refusal.PRICE_TOO_LOW: (170133, "Order price lower than the minimum."),
    Refusal.PRICE_TOO_HIGH: (170132, "Order price too high."),
    Refusal.PRICE_OFF_TICK: (170134, "Order price has too many decimals."),
    Refusal.PRICE_TOO_FAR: (170193, "Buy order price cannot be higher than the limit."),
    Refusal.QUANTITY_TOO_SMALL: (170136, "Order quantity exceeded lower limit."),
    Refusal.QUANTITY_TOO_LARGE: (170135, "Order quantity exceeded upper limit."),
    Refusal.QUANTITY_OFF_STEP: (170137, "Order quantity has too many decimals."),
    Refusal.NOTIONAL_TOO_SMALL: (170140, "Order value exceeded lower limit."),
    Refusal.NOTIONAL_TOO_LARGE: (170124, "Order amount too large."),
    Refusal.TOO_MANY_ORDERS: (170005, "Too many new orders."),
    Refusal.DUPLICATE_CLIENT_ID: (170141, "Duplicate clientOrderId"),
    Refusal.INSUFFICIENT_BALANCE: (170131, "Insufficient balance."),
    Refusal.WOULD_TAKE: (170218, "The LIMIT-MAKER order is rejected due to invalid price."),
}
