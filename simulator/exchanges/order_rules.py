"""What a pair's limits say to an order before anybody looks at the book or at a balance."""

from decimal import Decimal

from simulator.exchanges.orders import OrderForm, OrderKind, Refusal
from simulator.exchanges.pairs import Pair


def refusal_of(form: OrderForm, *, average_price: Decimal) -> Refusal | None:
    """Name the first limit that the order breaks; `average_price` stands for the price of a market order."""
    if not form.pair.is_open:
        return Refusal.PAIR_CLOSED
    quantity = form.quantity
    price_refusal = _price_refusal(form, average_price) if form.price is not None else None
    quantity_refusal = _quantity_refusal(form.pair, quantity) if quantity is not None else None
    if price_refusal or quantity_refusal:
        return price_refusal or quantity_refusal
    notional = form.quote_quantity or (form.price or average_price) * (quantity or Decimal(0))
    if notional < form.pair.notional_min:
        return Refusal.NOTIONAL_TOO_SMALL
    if notional > form.pair.notional_max and form.kind is not OrderKind.MARKET:
        return Refusal.NOTIONAL_TOO_LARGE
    return None


def _price_refusal(form: OrderForm, average_price: Decimal) -> Refusal | None:
    pair, price = form.pair, form.price or Decimal(0)
    if price < pair.price_min:
        return Refusal.PRICE_TOO_LOW
    if price > pair.price_max:
        return Refusal.PRICE_TOO_HIGH
    if price % pair.price_tick:
        return Refusal.PRICE_OFF_TICK
    lowest, highest = pair.price_bounds(form.side)
    if not lowest * average_price <= price <= highest * average_price:
        return Refusal.PRICE_TOO_FAR
    return None


def _quantity_refusal(pair: Pair, quantity: Decimal) -> Refusal | None:
    if quantity < pair.quantity_min:
        return Refusal.QUANTITY_TOO_SMALL
    if quantity > pair.quantity_max:
        return Refusal.QUANTITY_TOO_LARGE
    if quantity % pair.quantity_step:
        return Refusal.QUANTITY_OFF_STEP
    return None
