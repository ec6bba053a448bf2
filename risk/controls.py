"""The controls of this version, in the order in which they are asked; the numbers are the design's."""

from collections.abc import Callable
from decimal import Decimal

from clock import NS_PER_S, format_time
from domain.instrument import Instrument, InstrumentKind, Side
from domain.money import ONE, ZERO
from risk.candidate import Candidate, Verdict

NO_LIMIT = "not set"
DUPLICATE_INTENT = "10"
REPEATED_EXECUTION = "12"


def permitted_instrument(c: Candidate) -> Verdict:
    """26: listed, on the allow list, not closed or resolved, and far enough from its end."""

    def verdict(value: str, limit: str, reason: str = "") -> Verdict:
        return _verdict("26", "permitted instrument", value, limit, reason)

    if c.is_draining:
        return verdict("stopping", "running", "the daemon is stopping: no new orders")
    if c.instrument is None or c.closes_ns is None:
        return verdict("unknown", "listed", "the instrument is not listed, or its market has resolved")
    if c.allowed is not None and c.instrument.id not in c.allowed:
        return verdict("not allowed", "--token-id", "the instrument is not on the allow list of this run")
    if c.limits.time_to_close_s_min is None:
        return verdict("?", NO_LIMIT, "no limit is set, and a missing limit denies")
    left_s = Decimal(c.closes_ns - c.time_ns) / NS_PER_S
    limit = c.limits.time_to_close_s_min
    reason = "" if left_s >= limit else "too close to the end of the market"
    return verdict(f"{left_s:.3f} s left", f"{limit} s", reason)


def duplicate_intent(c: Candidate) -> Verdict:
    """10: an accepted intent is never accepted again in its session."""
    reason = f"the intent is order {c.first_order_id} already" if c.first_order_id else ""
    return _verdict(DUPLICATE_INTENT, "duplicate intent", c.first_order_id or "none", "none", reason)


def duplicate_payload(c: Candidate) -> Verdict:
    """11: no two orders carry the same client order id."""
    reason = "the client order id is in use" if c.order_id_is_used else ""
    return _verdict("11", "duplicate payload", c.order_id if c.order_id_is_used else "none", "none", reason)


def unknown_orders(c: Candidate) -> Verdict:
    """15: while an order is unknown, its strategy, instrument and side are frozen; too many freeze the venue."""
    limit = c.limits.unknown_orders_max
    if c.unknown_order_id:
        reason = f"order {c.unknown_order_id} of the same side is unknown; wait until it is resolved"
        return _verdict("15", "unknown orders", c.unknown_order_id, "none", reason)
    if limit is None:
        return _verdict("15", "unknown orders", str(c.unknown_orders), NO_LIMIT, "a missing limit denies")
    reason = "" if c.unknown_orders <= limit else "too many orders of the venue are unknown"
    return _verdict("15", "unknown orders", str(c.unknown_orders), str(limit), reason)


def open_orders(c: Candidate) -> Verdict:
    """14: orders that rest, are on their way or are unknown stay below the cap, of which each strategy has an equal
    share: one that fills its own takes nobody else's."""
    if c.limits.open_orders_max is None:
        return _verdict("14", "open orders", str(c.open_orders), NO_LIMIT, "a missing limit denies")
    cap = c.limits.open_orders_max
    share = max(1, cap // c.sharers)
    reason = "" if c.open_orders < cap and c.own_open_orders < share else "too many orders are open"
    value, limit = f"{c.own_open_orders} own of {c.open_orders}", f"fewer than {share} own of {cap}"
    return _verdict("14", "open orders", value, limit, reason)


def repeated_execution(c: Candidate) -> Verdict:
    """12: one strategy does not trade one side of one instrument again and again; a person ends the pause."""
    limit, window_s = c.limits.executions_max, c.limits.executions_window_s
    if limit is None:
        return _verdict(
            REPEATED_EXECUTION, "repeated execution", str(c.executions), NO_LIMIT, "a missing limit denies"
        )
    reason = "" if c.executions < limit else "executed too often; the strategy is paused until `resume`"
    value = f"{c.executions} in {window_s} s"
    return _verdict(REPEATED_EXECUTION, "repeated execution", value, f"fewer than {limit}", reason)


def session_health(c: Candidate) -> Verdict:
    """16: the trading gate is open, and nothing at the venue speaks against the order: its dead-man switch is armed,
    its stream of our own orders lives, the order is on its grid."""
    return _verdict("16", "session health", c.venue_denial or "healthy", "healthy", c.venue_denial or "")


def stale_data(c: Candidate) -> Verdict:
    """17: the feed is unbroken and the book younger than the limit, by the venue's own time stamp; an old book lets a
    sale pass, which only reduces risk, a broken feed lets nothing pass."""
    limit = c.limits.book_age_s_max
    if c.feed_break is not None:
        return _verdict("17", "stale data", "a broken feed", "an unbroken one", c.feed_break)
    if c.intent.side is Side.SELL:
        return _verdict("17", "stale data", "a sale", "any age", "")
    if c.book is None:
        return _verdict("17", "stale data", "no book", f"{limit} s", "no book was seen")
    age_s = Decimal(c.time_ns - c.book.time_ns) / NS_PER_S
    if limit is None:
        return _verdict("17", "stale data", f"{age_s:.3f} s", NO_LIMIT, "a missing limit denies")
    reason = "" if age_s <= limit else "the book is too old to trade on"
    return _verdict("17", "stale data", f"{age_s:.3f} s", f"{limit} s", reason)


def quantity(c: Candidate) -> Verdict:
    """02: a positive whole number of lots, at least the venue's minimum and at most the cap.

    The minimum of shares is one of resting orders: a sale that takes at once may close what is left of a position. An
    exchange's minimum is one of all orders.
    """
    instrument, wanted, cap = _instrument(c), c.intent.quantity, c.limits.order_quantity_max
    is_exit = c.intent.side is Side.SELL and c.intent.time_in_force.is_immediate
    is_free = is_exit and instrument.kind is InstrumentKind.OUTCOME
    least = instrument.lot_size if is_free else instrument.quantity_min
    limit = f"{least} to {NO_LIMIT if cap is None else cap}, lots of {instrument.lot_size}"
    if cap is None:
        reason = "a missing limit denies"
    elif not wanted.is_finite() or wanted <= 0:
        reason = "the quantity is not a positive number"
    elif wanted > cap:
        reason = "the quantity is above the cap"
    elif wanted % instrument.lot_size:
        reason = "the quantity is not a whole number of lots"
    elif wanted < least:
        reason = "the quantity is below the venue's minimum"
    else:
        reason = ""
    return _verdict("02", "quantity", str(wanted), limit, reason)


def price_collar(c: Candidate) -> Verdict:
    """01: on the tick, inside the venue's bounds, and not far beyond the mid of a fresh book."""
    instrument, price = _instrument(c), c.intent.price
    if not price.is_finite() or not instrument.price_min <= price <= instrument.price_max:
        bounds = f"{instrument.price_min} to {instrument.price_max}"
        return _verdict("01", "price collar", str(price), bounds, "the price is outside the venue's bounds")
    if not instrument.is_on_tick(price):
        return _verdict(
            "01", "price collar", str(price), f"tick {instrument.tick_size}", "the price is off the tick"
        )
    fraction, ticks = c.limits.collar_fraction, c.limits.collar_ticks
    age_s_max = c.limits.book_age_s_max
    is_fresh = (
        c.book is not None and age_s_max is not None and c.time_ns - c.book.time_ns <= age_s_max * NS_PER_S
    )
    mid = c.book.mid if c.book and is_fresh else None
    if fraction is None or ticks is None:
        return _verdict("01", "price collar", str(price), NO_LIMIT, "a missing limit denies")
    if mid is None:
        return _verdict(
            "01", "price collar", str(price), "a mid", "no fresh book with two sides, so no reference price"
        )
    if c.intent.side is Side.BUY:
        limit = mid * (ONE + fraction) + ticks * instrument.tick_size
        reason = "" if price <= limit else "the price is too far above the mid"
        return _verdict("01", "price collar", str(price), f"at most {limit.normalize():f}", reason)
    limit = mid * (ONE - fraction) - ticks * instrument.tick_size
    reason = "" if price >= limit else "the price is too far below the mid"
    return _verdict("01", "price collar", str(price), f"at least {limit.normalize():f}", reason)


def notional(c: Candidate) -> Verdict:
    """03: cost and largest fee together stay below the cap of one order, and it is worth the venue's minimum."""
    limit, least = c.limits.order_notional_max, _instrument(c).notional_min
    worth = c.intent.price * c.intent.quantity
    value = c.worst_case if c.intent.side is Side.BUY else worth
    if limit is None:
        return _verdict("03", "notional", f"{value}", NO_LIMIT, "a missing limit denies")
    if worth < least:
        reason = "the order is worth less than the venue's minimum"
        return _verdict("03", "notional", f"{worth.normalize():f}", f"at least {least:f}", reason)
    reason = "" if value <= limit else "the order is worth more than the cap"
    return _verdict("03", "notional", f"{value.normalize():f}", f"{limit}", reason)


def position(c: Candidate) -> Verdict:
    """06: what is held, open and unknown on this side, with this order, stays below the caps."""
    shares, money = c.limits.position_quantity_max, c.limits.position_notional_max
    if shares is None or money is None:
        return _verdict("06", "position", "?", NO_LIMIT, "a missing limit denies")
    after = abs(c.exposure_after)
    committed = c.committed + (c.worst_case if c.intent.side is Side.BUY else ZERO)
    thing, coin = _names(_instrument(c))
    value, limit = f"{after} {thing}, {committed} {coin}", f"{shares} {thing}, {money} {coin}"
    if after > shares:
        return _verdict("06", "position", value, limit, f"too many {thing} of one instrument")
    reason = "" if committed <= money else "too much money at the venue"
    return _verdict("06", "position", value, limit, reason)


def self_trade(c: Candidate) -> Verdict:
    """23: no own resting order would trade with this one, in this instrument or its complement."""
    reason = f"own order {c.crossing_order_id} rests on the other side" if c.crossing_order_id else ""
    return _verdict("23", "self-trade", c.crossing_order_id or "none", "none", reason)


def throttle(c: Candidate) -> Verdict:
    """13: one token of the strategy's share of the order rate; refused with the moment at which one is there again."""
    reason = "" if c.tokens >= ONE else f"the order rate is used up; retry_at {format_time(c.retry_at_ns)}"
    limit = f"{c.limits.orders_per_minute}/min"
    return _verdict("13", "message throttle", f"{c.tokens:.2f} tokens", limit, reason)


def balance(c: Candidate) -> Verdict:
    """18: the worst case is available now; it is set aside in the same step."""
    reason = "" if c.worst_case <= c.available else "not enough is free"
    return _verdict(
        "18", "balance", f"{c.worst_case.normalize():f}", f"{c.available.normalize():f} free", reason
    )


CONTROLS: tuple[Callable[[Candidate], Verdict], ...] = (
    duplicate_intent,
    permitted_instrument,
    duplicate_payload,
    unknown_orders,
    open_orders,
    repeated_execution,
    session_health,
    stale_data,
    quantity,
    price_collar,
    notional,
    position,
    self_trade,
    throttle,
    balance,
)
"""All of them must pass. A repeat is answered before anything else is asked of it."""


def evaluate(candidate: Candidate) -> list[Verdict]:
    """Ask the controls in order and stop at the first refusal, which is then the last verdict."""
    verdicts: list[Verdict] = []
    for control in CONTROLS:
        verdicts.append(control(candidate))
        if not verdicts[-1].passed:
            break
    return verdicts


def _verdict(control: str, name: str, value: str, limit: str, reason: str) -> Verdict:
    return Verdict(control=control, name=name, value=value, limit=limit, passed=not reason, reason=reason)


def _instrument(c: Candidate) -> Instrument:
    assert c.instrument is not None, "control 26 stands before every control that needs the instrument"
    return c.instrument


def _names(instrument: Instrument) -> tuple[str, str]:
    """What quantities and money of an instrument are called."""
    is_share = instrument.kind is InstrumentKind.OUTCOME
    return "shares" if is_share else instrument.asset, instrument.money
