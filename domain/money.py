"""Exact amounts: the only place that rounds, and each function says which way and why that is safe."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import lru_cache

from domain.errors import ConfigurationError

ZERO = Decimal(0)
ONE = Decimal(1)

PUSD = "pUSD"
UNIT = Decimal("0.000001")
"""Smallest amount of pUSD and of outcome shares (Polymarket: six decimals)."""

EXCHANGE_UNIT = Decimal("0.00000001")
"""Smallest amount of any asset of an exchange (eight decimals)."""

ASSET_CODE_LENGTH_MAX = 20
"""An exchange names an asset by a short code; shares are named by the id of their instrument."""

FEE_UNIT = Decimal("0.00001")
"""Polymarket rounds a fee to five decimals; what is below one such unit is not charged."""

AMOUNT_MAX = Decimal(10) ** 9
"""Amounts stay below this, so that 15 significant digits hold them exactly in a database's REAL."""


def is_share(asset: str) -> bool:
    """Say whether the ledger's name of an asset is that of an outcome token's shares.

    >>> is_share("0x5e:UP"), is_share("7" * 77), is_share("BTC"), is_share(PUSD)
    (True, True, False, False)
    """
    return ":" in asset or len(asset) > ASSET_CODE_LENGTH_MAX


@lru_cache(maxsize=4_096)
def unit_of(asset: str) -> Decimal:
    """Smallest amount of an asset; it follows from the name, and so never changes."""
    return UNIT if asset == PUSD or is_share(asset) else EXCHANGE_UNIT


def decimals_of(asset: str) -> int:
    """How many decimals amounts of an asset are kept with.

    >>> decimals_of(PUSD), decimals_of("0x5e:UP"), decimals_of("USDT")
    (6, 6, 8)
    """
    return -unit_of(asset).adjusted()


def parse_amount(text: str, *, name: str) -> Decimal:
    """Read a non-negative amount of at most six decimals; raise ConfigurationError that names it otherwise.

    >>> parse_amount("1000.50", name="--cash")
    Decimal('1000.50')
    """
    try:
        value = Decimal(text)
    except ArithmeticError as error:
        raise ConfigurationError(f"{name} {text!r} is not a number; give an amount such as 1000") from error
    if not value.is_finite() or value < 0 or value >= AMOUNT_MAX:
        raise ConfigurationError(f"{name} {text!r} is out of range; give 0 to {AMOUNT_MAX - 1:f}")
    if value != round_down(value, UNIT):
        raise ConfigurationError(f"{name} {text!r} has more than six decimals; the smallest unit is {UNIT}")
    return value


def is_amount(value: Decimal) -> bool:
    """Say whether the value is a number that amounts can be computed with: finite, and not beyond all measure."""
    return value.is_finite() and abs(value) < AMOUNT_MAX


def round_down(value: Decimal, step: Decimal) -> Decimal:
    """Round towards minus infinity to a multiple of `step`: safe for what we receive.

    >>> round_down(Decimal("10.129"), Decimal("0.01"))
    Decimal('10.12')
    """
    return (value / step).to_integral_value(rounding=ROUND_FLOOR) * step


def round_up(value: Decimal, step: Decimal) -> Decimal:
    """Round towards plus infinity to a multiple of `step`: safe for what we pay or set aside.

    >>> round_up(Decimal("0.0000001"), UNIT)
    Decimal('0.000001')
    """
    return (value / step).to_integral_value(rounding=ROUND_CEILING) * step


def round_nearest(value: Decimal, step: Decimal) -> Decimal:
    """Round to the nearest multiple of `step`, halves up: only where the venue itself does so (fees).

    >>> round_nearest(Decimal("0.402005"), FEE_UNIT)
    Decimal('0.40201')
    """
    return (value / step).to_integral_value(rounding=ROUND_HALF_UP) * step


def cost_of(*, price: Decimal, quantity: Decimal, unit: Decimal = UNIT) -> Decimal:
    """What a purchase costs without its fee, rounded up to a unit, so that we never owe more than we booked.

    >>> cost_of(price=Decimal("0.985"), quantity=Decimal("20.31"))
    Decimal('20.00535')
    """
    return round_up(price * quantity, unit)


def proceeds_of(*, price: Decimal, quantity: Decimal, unit: Decimal = UNIT) -> Decimal:
    """What a sale brings before its fee, rounded down to a unit, so that we never count what we do not get."""
    return round_down(price * quantity, unit)


def taker_fee(*, price: Decimal, quantity: Decimal, rate: Decimal, exponent: int) -> Decimal:
    """Fee of a taker: quantity × rate × (p × (1 − p))^exponent pUSD, to five decimals (docs.polymarket.com, fees).

    >>> taker_fee(price=Decimal("0.64"), quantity=Decimal(25), rate=Decimal("0.07"), exponent=1)
    Decimal('0.40320')
    """
    return round_nearest(quantity * rate * (price * (ONE - price)) ** exponent, FEE_UNIT)


def taker_fee_max(*, price_max: Decimal, quantity: Decimal, rate: Decimal, exponent: int) -> Decimal:
    """The largest fee of a purchase at `price_max` or better, rounded up: what a reservation must hold.

    p × (1 − p) grows up to one half, so a fill at a better price can cost a larger fee.

    >>> taker_fee_max(price_max=Decimal("0.96"), quantity=Decimal(20), rate=Decimal("0.07"), exponent=1)
    Decimal('0.3500')
    """
    price = min(price_max, Decimal("0.5"))
    return round_up(quantity * rate * (price * (ONE - price)) ** exponent, FEE_UNIT)


def exchange_fee(amount: Decimal, rate: Decimal) -> Decimal:
    """Fee of an exchange: a part of what is traded, in the same asset, rounded up, so that it is never too little.

    >>> exchange_fee(Decimal("60.00001"), Decimal("0.001"))
    Decimal('0.06000001')
    """
    return round_up(amount * rate, EXCHANGE_UNIT)


def to_units(amount: Decimal, unit: Decimal = UNIT) -> int:
    """Return the exact whole number of units; raise ValueError where the amount is not a whole number of them.

    >>> to_units(Decimal("1.25"))
    1250000
    """
    units = amount / unit
    if units != units.to_integral_value():
        raise ValueError(f"{amount} is not a whole number of units of {unit}")
    return int(units)
