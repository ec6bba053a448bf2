"""What Polymarket refuses about an order, in its own words; pure functions that return the text or None."""

from decimal import Decimal

from clock import NS_PER_S
from domain.instrument import Instrument, InstrumentKind, Side, immediate_quantity
from domain.order import Order, TimeInForce

GTD_LIFE_MIN_NS = 180 * NS_PER_S
"""A GTD order must state a time at least this far ahead."""

NO_BOOK = "No orderbook exists for the requested token id"
NOT_READY = "the market is not yet ready to process new orders"
BAD_PAYLOAD = "Invalid order payload"
BAD_EXPIRATION = "invalid expiration"
BAD_AMOUNTS = (
    "invalid amounts, the market buy orders maker amount supports a max accuracy of 2 decimals, "
    "taker amount a max of 4 decimals"
)
POST_ONLY_CROSSES = "invalid post-only order: order crosses book"
FOK_KILLED = "order couldn't be fully filled. FOK orders are fully filled or killed."
FAK_KILLED = (
    "no orders found to match with FAK order. FAK orders are partially filled or killed if no match is found."
)


def form_refusal(order: Order, instrument: Instrument, *, time_ns: int) -> str | None:
    """Look at the order alone, without any book: payload, price, size, amounts and expiry, in this order."""
    if instrument.kind is InstrumentKind.SPOT:
        return _pair_refusal(order, instrument)
    return (
        _payload_refusal(order, instrument)
        or tick_refusal(order, instrument)
        or _size_refusal(order, instrument)
        or _expiry_refusal(order, time_ns)
    )


def crossing_refusal(order: Order, instrument: Instrument, *, is_marketable: bool) -> str | None:
    """Refuse a post-only order that would take, and a taker whose value at its limit is below the minimum."""
    if order.post_only:
        return POST_ONLY_CROSSES if is_marketable else None
    notional = order.price * order.quantity
    if notional >= instrument.taker_notional_min or not (is_marketable or order.time_in_force.is_immediate):
        return None
    minimum = _plain(instrument.taker_notional_min)
    return f"invalid amount for a marketable {order.side} order (${_plain(notional)}), min size: ${minimum}"


def tick_refusal(order: Order, instrument: Instrument) -> str | None:
    """Refuse a price off the grid or outside [tick, 1 − tick]."""
    if instrument.is_on_tick(order.price) and instrument.price_min <= order.price <= instrument.price_max:
        return None
    tick = _plain(instrument.tick_size)
    return f"order {order.id} is invalid. Price ({_plain(order.price)}) breaks minimum tick size rule: {tick}"


def kill_text(order: Order, *, taken: Decimal) -> str | None:
    """Refuse a FOK that cannot be filled whole and a FAK that finds nothing; others take what there is."""
    if order.time_in_force is TimeInForce.FOK and taken < order.quantity:
        return FOK_KILLED
    if order.time_in_force is TimeInForce.FAK and not taken:
        return FAK_KILLED
    return None


def duplicate_text(order: Order) -> str:
    """What the venue answers to an order that it has had before: no second order came of it."""
    return f"order {order.id} is invalid. Duplicated."


def balance_text(*, balance: int, amount: int) -> str:
    """What the venue answers where cover is short; both in base units (millionths of a pUSD or a share)."""
    return (
        "not enough balance / allowance: the balance is not enough -> "
        f"balance: {balance}, order amount: {amount}"
    )


def _pair_refusal(order: Order, instrument: Instrument) -> str | None:
    """What an exchange refuses: no grid, too little of it, or a time in force that exchanges do not have."""
    if reason := _payload_refusal(order, instrument) or tick_refusal(order, instrument):
        return reason
    notional = order.price * order.quantity
    if order.quantity < instrument.quantity_min or notional < instrument.notional_min:
        least = f"{_plain(instrument.quantity_min)}, worth {_plain(instrument.notional_min)}"
        return f"order of {_plain(order.quantity)} worth {_plain(notional)} is below the minimum of {least}"
    return BAD_EXPIRATION if order.time_in_force is TimeInForce.GTD else None


def _payload_refusal(order: Order, instrument: Instrument) -> str | None:
    """Refuse what the wire cannot say: no quantity, parts of a lot, an immediate order that must not take."""
    is_sound = order.quantity > 0 and order.quantity % instrument.lot_size == 0
    if is_sound and not (order.post_only and order.time_in_force.is_immediate):
        return None
    return BAD_PAYLOAD


def _size_refusal(order: Order, instrument: Instrument) -> str | None:
    """An order that may rest has a minimum of shares; an immediate buy must cost whole cents at its limit."""
    if not order.time_in_force.is_immediate:
        if order.quantity >= instrument.quantity_min:
            return None
        minimum = _plain(instrument.quantity_min)
        return (
            f"order {order.id} is invalid. Size ({_plain(order.quantity)}) lower than the minimum: {minimum}"
        )
    if (
        order.side is Side.SELL
        or immediate_quantity(order.quantity, order.price, instrument) == order.quantity
    ):
        return None
    return BAD_AMOUNTS


def _expiry_refusal(order: Order, time_ns: int) -> str | None:
    """Only a GTD order states an end, and it must not be near: the venue itself goes one minute earlier."""
    if order.time_in_force is not TimeInForce.GTD:
        return None if order.expires_ns is None else BAD_EXPIRATION
    if order.expires_ns is None or order.expires_ns < time_ns + GTD_LIFE_MIN_NS:
        return BAD_EXPIRATION
    return None


def _plain(value: Decimal) -> str:
    """Write a number as the venue does: no exponent, no trailing zeros."""
    return f"{value.normalize():f}"
