"""An order → the very request that is stored and sent, with a client id that the same order always gets."""

import hashlib
import json
from typing import Any

from msgspec import Struct

from domain.instrument import Side
from domain.order import Order, TimeInForce
from venues.exchange.instruments import SpotTerms
from venues.exchange.precision import refusal
from venues.exchange.quirks import Quirks

TIME_IN_FORCE = {
    TimeInForce.GTC: "GTC",
    TimeInForce.FOK: "FOK",
    # What is called fill-and-kill elsewhere, exchanges call immediate-or-cancel.
    TimeInForce.FAK: "IOC",
}


class Request(Struct, frozen=True, kw_only=True):
    """Arguments of ccxt's create_order, amounts as text: `params` holds the client id and the time in force."""

    symbol: str
    side: str
    amount: str
    price: str
    params: dict[str, Any]
    type: str = "limit"


def client_id(order: Order, *, install_id: str, quirks: Quirks) -> str:
    """The id under which the exchange will know the order: a digest of who, which intent and which generation, cut
    to the exchange's length. Known before the first byte leaves, the same after a restart."""
    text = "\x1f".join((install_id, order.intent_id, str(order.generation)))
    return hashlib.sha256(text.encode()).hexdigest()[: quirks.client_id_length]


def request_of(order: Order, terms: SpotTerms, quirks: Quirks, identifier: str) -> Request:
    """Write the request down; an amount that the grid cannot hold is not changed here: `denial` refuses it."""
    params: dict[str, Any] = {quirks.create_parameter: identifier}
    if order.post_only:
        params["postOnly"] = True
    if order.time_in_force is not TimeInForce.GTC:
        params["timeInForce"] = TIME_IN_FORCE[order.time_in_force]
    return Request(
        symbol=terms.symbol,
        side="buy" if order.side is Side.BUY else "sell",
        amount=f"{order.quantity:f}",
        price=f"{order.price:f}",
        params=params,
    )


def denial(order: Order, terms: SpotTerms | None, quirks: Quirks) -> str | None:
    """Why this order cannot become a request, before anything is sent; None where it can."""
    if terms is None:
        return f"{order.instrument_id} is not among the markets loaded; name it in the symbols"
    if order.time_in_force not in quirks.time_in_force or order.time_in_force not in TIME_IN_FORCE:
        known = ", ".join(sorted(quirks.time_in_force))
        return f"time in force {order.time_in_force} is not taken here; use one of {known}"
    if order.post_only and not quirks.takes_post_only:
        return "post-only is not known to work here; leave it out"
    if order.post_only and order.time_in_force is not TimeInForce.GTC:
        return f"post-only contradicts {order.time_in_force}; use GTC"
    return refusal(terms, price=order.price, quantity=order.quantity)


def encode(request: Request) -> str:
    """Canonical JSON: equal requests give equal text.

    >>> encode(Request(symbol="A/B", side="buy", amount="1", price="2", params={"clientOrderId": "x"}))
    '{"amount":"1","params":{"clientOrderId":"x"},"price":"2","side":"buy","symbol":"A/B","type":"limit"}'
    """
    fields = {name: getattr(request, name) for name in request.__struct_fields__}
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def decode(payload: str) -> Request:
    """Read back what `encode` wrote; raises ValueError or TypeError for anything else."""
    return Request(**json.loads(payload))
