"""Prices and quantities on an exchange's grid, with Decimal: never against us, and never below its minima.

ccxt rounds prices half up, so that a limit to buy can become higher than asked for, and checks no minimum cost.
"""

from decimal import Decimal

from domain.instrument import Side
from domain.money import round_down, round_up
from venues.exchange.instruments import SpotTerms


def round_price(price: Decimal, terms: SpotTerms, side: Side) -> Decimal:
    """The nearest price of the grid that cannot cost us more: a buy down, a sell up."""
    return (round_down if side is Side.BUY else round_up)(price, terms.tick_size)


def round_quantity(quantity: Decimal, terms: SpotTerms) -> Decimal:
    """The largest whole number of steps in a quantity of the base asset."""
    return round_down(quantity, terms.step_size)


def refusal(terms: SpotTerms, *, price: Decimal, quantity: Decimal) -> str | None:
    """Why the exchange would refuse such a limit order, with the value, the limit and the remedy; else None."""
    if not terms.is_active:
        return f"{terms.symbol} is not trading now; wait until it is"
    if price % terms.tick_size:
        return f"price {price:f} is not a multiple of the tick {terms.tick_size:f}; round it"
    if quantity % terms.step_size:
        return f"quantity {quantity:f} is not a multiple of the step {terms.step_size:f}; round it down"
    ranges = (
        ("price", price, terms.price_min, terms.price_max),
        ("quantity", quantity, terms.quantity_min, terms.quantity_max),
        (f"cost in {terms.quote}", price * quantity, terms.notional_min, terms.notional_max),
    )
    for what, value, low, high in ranges:
        if value < low:
            return f"{what} {value:f} is below the minimum {low:f}; ask for more"
        if high is not None and value > high:
            return f"{what} {value:f} is above the maximum {high:f}; ask for less"
    return None
