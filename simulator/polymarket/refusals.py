"""The venue's refusals: a status and the text that clients tell them apart by."""

from decimal import Decimal
from typing import Final

from msgspec import Struct, field


class Refusal(Struct, frozen=True, kw_only=True):
    """An error answer; `more` goes into the body beside the text."""

    status: int
    text: str
    more: dict[str, object] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, object]:
        """The JSON object of the answer."""
        return {"error": self.text, **self.more} if self.text else self.more


def bad(text: str) -> Refusal:
    """A definite refusal of the request."""
    return Refusal(status=400, text=text)


INVALID_PAYLOAD: Final = bad("Invalid order payload")
INVALID_ORDER_ID: Final = bad("Invalid orderID")
VERSION_MISMATCH: Final = bad("order_version_mismatch")
INVALID_SIGNATURE: Final = bad("invalid signature")
WRONG_OWNER: Final = bad("the order owner has to be the owner of the API KEY")
WRONG_SIGNER: Final = bad("the order signer address has to be the address of the API KEY")
MAKER_NOT_ALLOWED: Final = bad("maker address not allowed, please use the deposit wallet flow")
POST_ONLY_CROSSES: Final = bad("invalid post-only order: order crosses book")
INVALID_EXPIRATION: Final = bad("invalid expiration")
FOK_KILLED: Final = bad("order couldn't be fully filled. FOK orders are fully filled or killed.")
FAK_KILLED: Final = bad(
    "no orders found to match with FAK order. FAK orders are partially filled or killed if no match is found."
)
NOT_READY: Final = bad("the market is not yet ready to process new orders")
PRECISION: Final = bad(
    "invalid amounts, the market buy orders maker amount supports a max accuracy of 2 decimals, "
    "taker amount a max of 4 decimals"
)
SELL_PRECISION: Final = bad(
    "invalid amounts, the market sell orders maker amount supports a max accuracy of 2 decimals, "
    "taker amount a max of 4 decimals"
)
SIZE_PRECISION: Final = bad("invalid amounts, the size supports a max accuracy of 2 decimals")

NO_BOOK: Final = Refusal(status=404, text="No orderbook exists for the requested token id")
MARKET_NOT_FOUND: Final = Refusal(status=404, text="market not found")
ORDER_NOT_FOUND: Final = Refusal(status=404, text="order not found")

UNAUTHORIZED: Final = Refusal(status=401, text="Unauthorized/Invalid api key")
INVALID_L1: Final = Refusal(status=401, text="Invalid L1 Request headers")
INVALID_KEY: Final = Refusal(status=401, text="Invalid API key")
REGION: Final = Refusal(
    status=403,
    text="Trading restricted in your region, please refer to available regions - "
    "https://docs.polymarket.com/developers/CLOB/geoblock",
)

RESTARTING: Final = Refusal(status=425, text="service not ready", headers={"Retry-After": "1"})
DISABLED: Final = Refusal(status=503, text="Trading is currently disabled. Check polymarket.com for updates")
CANCEL_ONLY: Final = Refusal(
    status=503,
    text="Trading is currently cancel-only. New orders are not accepted, but cancels are allowed.",
)

IS_DONE: Final = "order can't be found - already canceled or matched"
IS_DELAYED: Final = "order is delayed and can't be canceled until it has been processed"


def post_only_mode(*, left_s: int) -> Refusal:
    """After a restart: only orders that do not take."""
    return Refusal(
        status=503,
        text="post-only mode: only post-only orders and cancels are allowed",
        more={"code": "post_only_mode", "retry_after_seconds": left_s},
        headers={"Retry-After": str(left_s)},
    )


def banned(address: str) -> Refusal:
    """The maker may not trade."""
    return bad(f"'{address}' address banned")


def closed_only(address: str) -> Refusal:
    """The maker may only sell what it has."""
    return bad(f"'{address}' address in closed only mode")


def too_many(count: int, most: int) -> Refusal:
    """A batch above the venue's limit."""
    return bad(f"Too many orders in payload: {count}, max allowed: {most}")


def breaks_tick(order_id: str, price: Decimal, tick: Decimal) -> Refusal:
    """The price is not on the grid."""
    return bad(f"order {order_id} is invalid. Price ({price:f}) breaks minimum tick size rule: {tick:f}")


def too_small(order_id: str, size: Decimal, size_min: Decimal) -> Refusal:
    """Fewer shares than a resting order must have."""
    return bad(f"order {order_id} is invalid. Size ({size:f}) lower than the minimum: {size_min:f}")


def duplicated(order_id: str) -> Refusal:
    """The same order arrived before, whatever became of it."""
    return bad(f"order {order_id} is invalid. Duplicated.")


def worth_too_little(side: str, value: Decimal, least: Decimal) -> Refusal:
    """A taker's order below the venue's smallest value."""
    return bad(f"invalid amount for a marketable {side} order (${value:f}), min size: ${least:f}")


def balance_too_low(*, balance: int, open_orders: int, wanted: int) -> Refusal:
    """The wallet does not have what the order needs beside its open orders; amounts in base units."""
    matched = f", sum of matched orders: {open_orders}" if open_orders else ""
    return bad(
        f"not enough balance / allowance: the balance is not enough -> balance: {balance}{matched}, "
        f"order amount: {wanted}"
    )


def allowance_too_low(*, spender: str, allowance: int, wanted: int) -> Refusal:
    """The exchange may not take what the order needs."""
    return bad(
        f"not enough balance / allowance: the allowance is not enough -> spender: {spender}, "
        f"allowance: {allowance}, order amount: {wanted}"
    )
