"""The sniper's parameters: prices and depths in pUSD, sizes as fractions of the bankroll."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from strategies.base_strategy import BaseStrategy, Bounds, require

Fraction = Annotated[Decimal, Bounds(0, 1)]
Seconds = Annotated[Decimal, Bounds(0, 86_400)]


class Mode(StrEnum):
    """How up/down markets are looked at: by their price alone, or by the fair value of their settlement feed."""

    AUTO = "auto"
    EVENT = "event"
    CRYPTO = "crypto"


class SniperParameters(BaseStrategy):
    """What `[strategies.sniper]` may say; both modes read it, and share the budgets and the calibration.

    `fall_max` stands for the usual "24 h move": on a market that lives 15 minutes it is the fall of this
    outcome from its highest mid since the market opened (docs/decisions/0004). What ends in `_crypto` belongs
    to the crypto mode, as does `makes`; docs/sniper.md explains all of it.
    """

    name: ClassVar[str] = "sniper"

    mode: Mode = Mode.AUTO
    """auto: crypto where the market is an up/down market whose settlement feed is heard, event otherwise."""

    bid_min: Fraction = Decimal("0.95")
    ask_min: Fraction = Decimal("0.95")
    ask_max: Fraction = Decimal("0.985")
    hours_left_max: Annotated[Decimal, Bounds(0, 8760)] = Decimal(24)
    seconds_left_min: Seconds = Decimal(10)
    depth_min: Annotated[Decimal, Bounds(0, 1_000_000)] = Decimal(50)
    spread_max: Fraction = Decimal("0.02")
    fall_max: Fraction = Decimal("0.05")
    loss_probability: Fraction = Decimal("0.02")
    """λ of the event mode's edge, and what the crypto mode takes off its fair value: p·(1 − λ)."""
    capital_rate: Fraction = Decimal("0.10")
    resolution_hours: Annotated[Decimal, Bounds(0, 720)] = Decimal(3)
    edge_min: Annotated[Decimal, Bounds(-1, 1)] = Decimal("0.005")
    yearly_return_min: Annotated[Decimal, Bounds(-1, 1000)] = Decimal("0.20")

    edge_min_crypto: Annotated[Decimal, Bounds(-1, 1)] = Decimal("0.02")
    price_min_crypto: Fraction = Decimal("0.80")
    price_max_crypto: Fraction = Decimal("0.985")
    """What the crypto mode pays: the ask that it takes, and the bid that it rests."""
    seconds_left_min_crypto: Seconds = Decimal(30)
    seconds_left_max_crypto: Seconds = Decimal(120)
    """When it takes, both included; a bid must rest earlier, since the venue takes none shortly before the end."""
    makes: bool = True
    """Rest a post-only bid where taking does not pay."""

    uncalibrated_ok: bool = False
    """Trade categories of which too few outcomes are known; one that is known to be overpriced stays closed."""
    losses_from_table: bool = False
    """Event mode: use the calibration's upper λ where it is above `loss_probability`. See docs/sniper.md."""

    market_share_max: Fraction = Decimal("0.02")
    event_share_max: Fraction = Decimal("0.10")
    strategy_share_max: Fraction = Decimal("0.25")
    attempts_max: Annotated[int, Bounds(1, 100)] = 5
    """Orders for one market and branch that may end before the market is left alone."""

    def check(self) -> None:
        """No band may be empty, and a market may not take more than its event or the strategy."""
        _require_order(ask_min=self.ask_min, ask_max=self.ask_max)
        _require_order(price_min_crypto=self.price_min_crypto, price_max_crypto=self.price_max_crypto)
        _require_order(
            seconds_left_min_crypto=self.seconds_left_min_crypto,
            seconds_left_max_crypto=self.seconds_left_max_crypto,
        )
        shares = (
            "[strategies.sniper] market_share_max <= event_share_max <= strategy_share_max does not hold; "
            "lower the first"
        )
        require(self.market_share_max <= self.event_share_max <= self.strategy_share_max, shares)


def _require_order(**band: Decimal) -> None:
    """Refuse a band whose first end, by the order of the names, is above its second."""
    (low_name, low), (high_name, high) = band.items()
    require(low <= high, f"[strategies.sniper] {low_name} = {low} is above {high_name} = {high}; swap them")
