"""Binance's error answers: HTTP status, code and text, and the table from our refusals to them."""

import json
from collections.abc import Mapping

from msgspec import Struct

from simulator.exchanges.orders import Refusal

TOO_MANY_WEIGHT = (
    "Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
    "Please use WebSocket Streams for live updates to avoid polling the API."
)
BANNED = (
    "Way too much request weight used; IP banned until {until}. "
    "Please use WebSocket Streams for live updates to avoid bans."
)
TOO_MANY_ORDERS = "Too many new orders; current limit is {limit} orders per {interval}."


class BinanceError(Exception):
    """A request that is not served; a 4xx means that nothing of it happened."""

    def __init__(
        self, code: int, text: str, *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text
        self.status = status
        self.headers = dict(headers or {})

    @property
    def content(self) -> dict[str, object]:
        """The body, as REST and the websocket API both show it."""
        return {"code": self.code, "msg": self.text}


class ErrorText(Struct, frozen=True):
    """An error that is always said in the same words."""

    code: int
    text: str
    status: int = 400

    def error(self) -> BinanceError:
        """A fresh exception to raise: one that is raised twice would drag its first traceback along."""
        return BinanceError(self.code, self.text, status=self.status)

    @property
    def body(self) -> str:
        """The body as text: what a fault with a body of its own may be given."""
        return json.dumps({"code": self.code, "msg": self.text})


def order_error(refusal: Refusal) -> BinanceError:
    """Say in Binance's words why an order is not taken."""
    code, text = ORDER_ERRORS[refusal]
    return BinanceError(code, text)


ORDER_ERRORS: Mapping[Refusal, tuple[int, str]] = {
    Refusal.PAIR_CLOSED: (-1013, "Market is closed."),
    Refusal.PRICE_TOO_LOW: (-1013, "Filter failure: PRICE_FILTER"),
    Refusal.PRICE_TOO_HIGH: (-1013, "Filter failure: PRICE_FILTER"),
    Refusal.PRICE_OFF_TICK: (-1013, "Filter failure: PRICE_FILTER"),
    Refusal.PRICE_TOO_FAR: (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    Refusal.QUANTITY_TOO_SMALL: (-1013, "Filter failure: LOT_SIZE"),
    Refusal.QUANTITY_TOO_LARGE: (-1013, "Filter failure: LOT_SIZE"),
    Refusal.QUANTITY_OFF_STEP: (-1013, "Filter failure: LOT_SIZE"),
    Refusal.NOTIONAL_TOO_SMALL: (-1013, "Filter failure: NOTIONAL"),
    Refusal.NOTIONAL_TOO_LARGE: (-1013, "Filter failure: NOTIONAL"),
    Refusal.TOO_MANY_ORDERS: (-2010, "Filter failure: MAX_NUM_ORDERS"),
    Refusal.DUPLICATE_CLIENT_ID: (-2010, "Duplicate order sent."),
    Refusal.INSUFFICIENT_BALANCE: (-2010, "Account has insufficient balance for requested action."),
    Refusal.WOULD_TAKE: (-2010, "Order would immediately match and take."),
}

UNKNOWN_ERROR = ErrorText(-1000, "An unknown error occurred while processing the request.", 500)
DISCONNECTED = ErrorText(-1001, "Internal error; unable to process your request. Please try again.", 500)
UNEXPECTED_RESPONSE = ErrorText(
    -1006, "An unexpected response was received from the message bus. Execution status unknown."
)
BACKEND_TIMEOUT = ErrorText(
    -1007,
    "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    504,
)
OVERLOADED = ErrorText(
    -1008,
    "Server is currently overloaded with other requests. Please try again in a few minutes.",
    503,
)
BAD_KEY_FORMAT = ErrorText(-2014, "API-key format invalid.", 401)
BAD_KEY = ErrorText(-2015, "Invalid API-key, IP, or permissions for action.", 401)
NO_SUCH_ORDER = ErrorText(-2013, "Order does not exist.")
NOT_CANCELLED = ErrorText(-2011, "Unknown order sent.")
