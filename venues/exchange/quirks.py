"""What differs between exchanges on the way of an order, as one literal table; who is not in it gets the careful row.

Sources are the exchanges' own pages and what ccxt 4.5.90 was seen to send. Where neither settles a question, the
row holds the answer that costs a query or a person's time, never a second order.
"""

from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from domain.order import TimeInForce
from venues.base import ClientIdClass


class Lookup(StrEnum):
    """How an order is found by our own id."""

    BY_CLIENT_ID = "fetch_order with the client id"
    FILTERED_LISTS = "lists that the exchange filters by client id"
    WHOLE_LISTS = "whole lists that we search for the client id"


class Paging(StrEnum):
    """How more trades are read than one answer holds."""

    BY_ID = "from the next trade id on"
    BY_OFFSET = "by counting from the newest"
    BY_HALVING = "by halving the window until each half fits into one answer"


class TradeHistory(NamedTuple):
    """How our trades are read: symbol needed or not, longest window, rows an answer, and the way to page."""

    needs_symbol: bool
    window_s: int
    rows_max: int
    paging: Paging


class Errors(NamedTuple):
    """How a refusal is told from other trouble: where the body holds the exchange's own error code, which codes mean
    success, whether refusals come with HTTP 200, and whether 429 is documented to mean "not accepted"."""

    code_keys: tuple[str, ...]
    success_codes: frozenset[str]
    comes_with_200: bool
    rate_limited_is_refused: bool = False


class Quirks(Struct, frozen=True, kw_only=True):
    """One exchange. `valid_s` is how long a signed request may still be executed after it was stamped; None where
    nothing bounds it, so that an unanswered order that no read finds is left to a person."""

    client_id_class: ClientIdClass
    client_id_length: int
    create_parameter: str
    """Name under which ccxt's create_order takes our id."""
    client_id_prefix: str = ""
    """What the exchange (through ccxt) puts before our id, and shows in its answers."""
    lookup: Lookup
    lookup_parameter: str
    lookup_lists: tuple[str, ...] = ()
    """Methods that together show every order, open ones first, each newest first."""
    cancel_parameter: str | None
    """Name under which cancel_order takes our id; None where only the exchange's id will do."""
    time_in_force: frozenset[TimeInForce] = frozenset({TimeInForce.GTC, TimeInForce.FOK, TimeInForce.FAK})
    takes_post_only: bool = True
    errors: Errors
    valid_s: int | None = None
    gives_up_s: int = 0
    """Seconds for which the exchange itself may still work on a request that came in time."""
    fee_in_received_asset: bool | None = None
    """Buys pay in the base asset and sells in quote; False: always in quote; None: only each trade tells."""
    history: TradeHistory
    open_orders_need_symbol: bool = False
    open_rows_max: int | None = 20
    """A list of open orders of so many rows may be cut off; None where it is always whole."""
    begins_with_rest_book: bool = False
    """ccxt begins the stream of a book with a REST reading; elsewhere the first book is checked against one."""
    orders_per_10_s: int = 10
    """Our own limit for new orders; cancels have as much again."""
    depth_max: int | None = None
    """Levels to ask for when a book is subscribed; None leaves it to the exchange."""


BINANCE = Quirks(
    # developers.binance.com, new order: an id may be used again once the earlier order is filled.
    client_id_class=ClientIdClass.UNIQUE_WHILE_OPEN,
    client_id_length=32,
    create_parameter="clientOrderId",
    lookup=Lookup.BY_CLIENT_ID,
    lookup_parameter="clientOrderId",
    cancel_parameter="clientOrderId",
    errors=Errors(("code",), frozenset({"0", "200"}), comes_with_200=False, rate_limited_is_refused=True),
    valid_s=5,
    # The API gives up waiting for the matching engine after ten seconds, code -1007.
    gives_up_s=10,
    history=TradeHistory(needs_symbol=True, window_s=86_400, rows_max=1_000, paging=Paging.BY_ID),
    begins_with_rest_book=True,
    orders_per_10_s=90,
    depth_max=100,
    open_rows_max=None,
)

BYBIT = Quirks(
    # An id of an active order cannot be used again, one of an ended order after 360 days.
    client_id_class=ClientIdClass.UNIQUE_FOREVER,
    client_id_length=32,
    create_parameter="clientOrderId",
    lookup=Lookup.FILTERED_LISTS,
    lookup_parameter="orderLinkId",
    # The lists of closed and of cancelled orders leave out those that were cancelled half filled.
    lookup_lists=("fetch_open_orders", "fetch_canceled_and_closed_orders"),
    cancel_parameter="orderLinkId",
    errors=Errors(("retCode",), frozenset({"0"}), comes_with_200=True),
    valid_s=5,
    # How long the exchange works on a request is not documented: the same ten seconds as elsewhere.
    gives_up_s=10,
    fee_in_received_asset=True,
    history=TradeHistory(needs_symbol=False, window_s=7 * 86_400, rows_max=100, paging=Paging.BY_HALVING),
    orders_per_10_s=90,
    depth_max=50,
)

OKX = Quirks(
    client_id_class=ClientIdClass.UNIQUE_WHILE_OPEN,
    client_id_length=32,
    create_parameter="clientOrderId",
    lookup=Lookup.BY_CLIENT_ID,
    lookup_parameter="clientOrderId",
    cancel_parameter="clientOrderId",
    errors=Errors(("code",), frozenset({"0"}), comes_with_200=True),
    history=TradeHistory(needs_symbol=False, window_s=7 * 86_400, rows_max=100, paging=Paging.BY_HALVING),
    open_rows_max=100,
)

KRAKEN = Quirks(
    # docs.kraken.com, client order identifiers: unique over the open orders of a client; free text up to 18.
    client_id_class=ClientIdClass.UNIQUE_WHILE_OPEN,
    client_id_length=18,
    create_parameter="clientOrderId",
    lookup=Lookup.FILTERED_LISTS,
    lookup_parameter="clientOrderId",
    lookup_lists=("fetch_open_orders", "fetch_closed_orders"),
    cancel_parameter="clientOrderId",
    errors=Errors(("error",), frozenset(), comes_with_200=True),
    history=TradeHistory(needs_symbol=False, window_s=365 * 86_400, rows_max=50, paging=Paging.BY_OFFSET),
    open_rows_max=None,
)

COINBASE = Quirks(
    # ccxt sends its own id instead of `clientOrderId`; the exchange's own name gets through.
    client_id_class=ClientIdClass.UNIQUE_WHILE_OPEN,
    client_id_length=32,
    create_parameter="client_order_id",
    lookup=Lookup.WHOLE_LISTS,
    lookup_parameter="",
    lookup_lists=("fetch_open_orders", "fetch_closed_orders", "fetch_canceled_orders"),
    cancel_parameter=None,
    errors=Errors(("error_response", "error"), frozenset(), comes_with_200=True),
    history=TradeHistory(needs_symbol=False, window_s=30 * 86_400, rows_max=100, paging=Paging.BY_HALVING),
    open_rows_max=100,
)

GATE = Quirks(
    client_id_class=ClientIdClass.UNIQUE_WHILE_OPEN,
    client_id_length=28,
    create_parameter="clientOrderId",
    client_id_prefix="t-",
    lookup=Lookup.BY_CLIENT_ID,
    lookup_parameter="clientOrderId",
    # Its cancel would go to .../orders/None.
    cancel_parameter=None,
    errors=Errors(("label",), frozenset(), comes_with_200=False),
    history=TradeHistory(needs_symbol=False, window_s=30 * 86_400, rows_max=1_000, paging=Paging.BY_HALVING),
    open_rows_max=100,
)

KUCOIN = Quirks(
    client_id_class=ClientIdClass.UNIQUE_WHILE_OPEN,
    client_id_length=32,
    create_parameter="clientOrderId",
    lookup=Lookup.BY_CLIENT_ID,
    lookup_parameter="clientOrderId",
    cancel_parameter="clientOrderId",
    errors=Errors(("code",), frozenset({"200000"}), comes_with_200=True),
    history=TradeHistory(needs_symbol=True, window_s=7 * 86_400, rows_max=50, paging=Paging.BY_HALVING),
    open_orders_need_symbol=True,
    open_rows_max=50,
)

BITGET = Quirks(
    client_id_class=ClientIdClass.UNIQUE_WHILE_OPEN,
    client_id_length=32,
    create_parameter="clientOrderId",
    lookup=Lookup.BY_CLIENT_ID,
    lookup_parameter="clientOrderId",
    cancel_parameter="clientOrderId",
    errors=Errors(("code",), frozenset({"00000"}), comes_with_200=True),
    history=TradeHistory(needs_symbol=True, window_s=30 * 86_400, rows_max=100, paging=Paging.BY_HALVING),
    open_rows_max=100,
)

CAREFUL = Quirks(
    # Nothing is known: an id is sent in ccxt's unified name and never relied upon, orders are found by reading whole
    # lists, cancelled by the exchange's own id, and no answer means that a person decides.
    client_id_class=ClientIdClass.NONE,
    client_id_length=18,
    create_parameter="clientOrderId",
    lookup=Lookup.WHOLE_LISTS,
    lookup_parameter="",
    lookup_lists=("fetch_open_orders", "fetch_closed_orders", "fetch_orders"),
    cancel_parameter=None,
    time_in_force=frozenset({TimeInForce.GTC}),
    takes_post_only=False,
    errors=Errors(("code", "error", "error_code"), frozenset({"0", "200"}), comes_with_200=False),
    history=TradeHistory(needs_symbol=True, window_s=86_400, rows_max=50, paging=Paging.BY_HALVING),
    open_orders_need_symbol=True,
)

QUIRKS: dict[str, Quirks] = {
    "binance": BINANCE,
    "bitget": BITGET,
    "bybit": BYBIT,
    "coinbase": COINBASE,
    "gate": GATE,
    "kraken": KRAKEN,
    "kucoin": KUCOIN,
    "okx": OKX,
}
"""By ccxt's name of the exchange. A client id is always lower-case hexadecimal, which every one of them takes."""


def quirks_of(exchange: str) -> Quirks:
    """The row of an exchange, or the careful one.

    >>> quirks_of("binance").client_id_length
    32
    >>> quirks_of("somewhere").client_id_class
    <ClientIdClass.NONE: 'C'>
    """
    return QUIRKS.get(exchange, CAREFUL)
