"""How large a copy is: six ways to size it, the caps, and what the venue takes at least."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from math import gcd
from typing import NamedTuple

from domain.errors import ConfigurationError
from domain.instrument import CENT, Instrument, immediate_quantity
from domain.money import ONE, UNIT, ZERO, round_up, taker_fee_max, to_units

BELOW_MINIMUM = "below the minimum"
SIZED_TO_ZERO = "sized to zero"


class SizingMode(StrEnum):
    """Names of the ways, as the parameter `sizing` spells them."""

    FIXED = "fixed"
    PERCENT_OF_TRADE = "percent_of_trade"
    PROPORTIONAL = "proportional"
    PERCENT_OF_BANKROLL = "percent_of_bankroll"
    ADAPTIVE = "adaptive"
    TIERED = "tiered"


class Tier(NamedTuple):
    """From this notional of the target's trade on, the copy is multiplied so."""

    notional_min: Decimal
    multiplier: Decimal


class Sizing(NamedTuple):
    """The way and its numbers; notionals in pUSD, shares as fractions of one."""

    mode: SizingMode
    fixed_notional: Decimal = Decimal(10)
    trade_share: Decimal = Decimal("0.10")
    bankroll_share: Decimal = Decimal("0.02")
    target_portfolio: Decimal = Decimal(10_000)
    adaptive_share_max: Decimal = Decimal("0.20")
    adaptive_share_min: Decimal = Decimal("0.05")
    adaptive_notional: Decimal = Decimal(500)
    tiers: tuple[Tier, ...] = ()


class Room(NamedTuple):
    """What one cap leaves, in pUSD with fees, and the gate that is closed where nothing fits into it."""

    gate: str
    left: Decimal


class Fitted(NamedTuple):
    """A quantity that the venue takes, zero where a gate is closed; `carried` pUSD are kept for the next copy."""

    quantity: Decimal
    carried: Decimal
    gate: str | None


def wanted_notional(
    sizing: Sizing, *, trade_notional: Decimal, bankroll: Decimal, portfolio_known: Decimal = ZERO
) -> Decimal:
    """Size of a copy before caps and minimum, in pUSD; each way has a formula in the functions below."""
    match sizing.mode:
        case SizingMode.FIXED:
            return sizing.fixed_notional
        case SizingMode.PERCENT_OF_TRADE:
            return trade_notional * sizing.trade_share
        case SizingMode.PROPORTIONAL:
            portfolio = max(sizing.target_portfolio, portfolio_known)
            return proportional(trade_notional=trade_notional, bankroll=bankroll, portfolio=portfolio)
        case SizingMode.PERCENT_OF_BANKROLL:
            return bankroll * sizing.bankroll_share
        case SizingMode.ADAPTIVE:
            return trade_notional * adaptive_share(sizing, trade_notional)
        case SizingMode.TIERED:
            return trade_notional * sizing.trade_share * multiplier(sizing.tiers, trade_notional)


def proportional(*, trade_notional: Decimal, bankroll: Decimal, portfolio: Decimal) -> Decimal:
    """Risk the same part of our equity as the target: bankroll × trade / target's portfolio.

    The portfolio is the larger of `target_portfolio` and what the target is known to hold at cost: an estimate
    that is too small would make the copy too large.

    >>> proportional(trade_notional=Decimal(500), bankroll=Decimal(1000), portfolio=Decimal(20_000))
    Decimal('25')
    """
    return bankroll * trade_notional / portfolio


def adaptive_share(sizing: Sizing, trade_notional: Decimal) -> Decimal:
    """Copy more of small trades and less of large ones.

    The share falls in a line from `adaptive_share_max` at 0 to `trade_share` at `adaptive_notional`, and from
    there to `adaptive_share_min` at twice that, where it stays.

    >>> sizing = Sizing(SizingMode.ADAPTIVE)
    >>> [str(adaptive_share(sizing, Decimal(notional))) for notional in (0, 250, 500, 750, 5000)]
    ['0.20', '0.150', '0.10', '0.075', '0.05']
    """
    part = trade_notional / sizing.adaptive_notional
    if part <= 1:
        return sizing.adaptive_share_max - (sizing.adaptive_share_max - sizing.trade_share) * part
    return sizing.trade_share - (sizing.trade_share - sizing.adaptive_share_min) * min(ONE, part - 1)


def multiplier(tiers: Sequence[Tier], trade_notional: Decimal) -> Decimal:
    """Multiplier of the highest tier that the trade reaches; zero, that is no copy, below the lowest.

    >>> tiers = parse_tiers("25:1, 500:0.5, 5000:0.1")
    >>> [str(multiplier(tiers, Decimal(notional))) for notional in (24, 25, 600, 9000)]
    ['0', '1', '0.5', '0.1']
    """
    reached = [tier.multiplier for tier in tiers if tier.notional_min <= trade_notional]
    return reached[-1] if reached else ZERO


def parse_tiers(text: str) -> tuple[Tier, ...]:
    """Read `from:multiplier` pairs in rising order; raise ConfigurationError that shows how they are written."""
    try:
        pairs = [part.split(":") for part in text.split(",")]
        tiers = tuple(Tier(Decimal(low.strip()), Decimal(factor.strip())) for low, factor in pairs)
        is_sound = all(number.is_finite() and number >= 0 for tier in tiers for number in tier)
    except (ArithmeticError, ValueError):
        tiers, is_sound = (), False
    lows = [tier.notional_min for tier in tiers]
    if not is_sound or lows != sorted(set(lows)):
        raise ConfigurationError(
            f"[strategies.copy_trader] tiers = {text!r} is not a rising list; write '0:2, 100:1, 500:0.2'"
        )
    return tiers


def fit(
    wanted: Decimal,
    *,
    price: Decimal,
    instrument: Instrument,
    rooms: Sequence[Room],
    round_up_to_minimum: bool,
) -> Fitted:
    """Turn a notional into shares at a limit price: at most what every cap leaves, at least what the venue takes.

    Below the minimum nothing is bought and all of it is carried, unless the flag rounds up; a cap is never
    rounded over. What rounding to whole cents leaves is carried too, what a cap cuts off is not.
    """
    if wanted <= 0:
        return Fitted(ZERO, ZERO, SIZED_TO_ZERO)
    fee = taker_fee_max(
        price_max=price, quantity=ONE, rate=instrument.fee_rate, exponent=instrument.fee_exponent
    )
    minimum = quantity_min(instrument, price)
    tightest = min(rooms, key=lambda room: room.left)
    affordable = immediate_quantity(max(ZERO, tightest.left) / (price + fee), price, instrument)
    if affordable < minimum:
        return Fitted(ZERO, ZERO, tightest.gate)
    asked = immediate_quantity(wanted / price, price, instrument)
    if asked < minimum and not round_up_to_minimum:
        return Fitted(ZERO, wanted, BELOW_MINIMUM)
    rounded = max(asked, minimum)
    return Fitted(min(rounded, affordable), max(ZERO, wanted - rounded * price), None)


def quantity_min(instrument: Instrument, price: Decimal) -> Decimal:
    """Least shares of an immediate buy at this price: 5 shares or 1 pUSD, whichever is more, for whole cents.

    >>> from domain.identifiers import InstrumentId, MarketId, VenueName
    >>> token = Instrument(
    ...     id=InstrumentId("i"),
    ...     market_id=MarketId("m"),
    ...     venue=VenueName("v"),
    ...     outcome="UP",
    ...     complement_id=None,
    ...     tick_size=CENT,
    ... )
    >>> [f"{quantity_min(token, Decimal(price)):.2f}" for price in ("0.50", "0.06")]
    ['5.00', '17.00']
    """
    least = max(instrument.quantity_min, instrument.taker_notional_min / price)
    lots = to_units(CENT) // gcd(to_units(CENT), to_units(instrument.lot_size * price))
    return round_up(least, max(UNIT, instrument.lot_size * lots))
