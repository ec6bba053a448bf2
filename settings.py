"""Settings that are tables of the file: limits of the controls, the simulated venue, how a run behaves."""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from msgspec import Struct

from domain.errors import ConfigurationError
from domain.money import UNIT

Mode = StrEnum("Mode", {"DRY_RUN": "dry-run", "LIVE": "live"})
"""Where orders go: to the simulated venue, or to the real one."""
MarketSource = StrEnum("MarketSource", ["AUTO", "LIVE", "REPLAY", "SIM"])
"""Where events come from; `auto` leaves the choice between live and embedded data to the start."""
LogLevel = StrEnum("LogLevel", ["DEBUG", "INFO", "WARNING", "ERROR"])
StopPolicy = StrEnum("StopPolicy", ["KEEP", "CANCEL"])

FRACTION, MS, SETTLEMENT_S, SEED, COUNT = (0, 1), (0, 60_000), (0, 3_600), (0, 2**63 - 1), (1, 2**63 - 1)
POSITIVE, MAX = (UNIT, Decimal(100_000_000)), "max"


class Limits(Struct, frozen=True, kw_only=True):
    """Limits of the controls, by their number; None is not "no limit": a missing limit denies."""

    collar_fraction: Annotated[Decimal | None, FRACTION] = Decimal("0.05")
    collar_ticks: Annotated[int | None, (0, 100)] = 2
    """01, part of the mid, and ticks on top, as near 0 the part is less than a tick: beyond is a slip."""
    book_age_s_max: Annotated[Decimal | None, (0, 3_600)] = Decimal(2)
    """01 and 17, seconds: an older book does not say what the price is now."""
    order_quantity_max: Annotated[Decimal | None, (0, 1_000_000)] = Decimal(10_000)
    order_notional_max: Annotated[Decimal | None, (0, 1_000_000)] = Decimal(1_000)
    """02 in shares, and 03 in pUSD with the largest fee, of one order: what one slip may cost."""
    position_quantity_max: Annotated[Decimal | None, (0, 10_000_000)] = Decimal(20_000)
    position_notional_max: Annotated[Decimal | None, (0, 100_000_000)] = Decimal(100_000)
    """06 in shares of one instrument, and in pUSD over the venue: the most that a failure of either costs."""
    orders_per_minute: Annotated[int, (1, 12_000)] = 50
    orders_burst: Annotated[int, (1, 500)] = 10
    """13, orders in the long run and at once: a loop gone wild stays slow; at most the venue's own limit."""
    time_to_close_s_min: Annotated[Decimal | None, (0, 31_536_000)] = Decimal(0)
    """26, seconds before the market's end: later, a position may have no way out."""
    unknown_orders_max: Annotated[int | None, (0, 100)] = 5
    """15, orders without an answer: more of them, and it is the venue that is in trouble."""
    open_orders_max: Annotated[int | None, (0, 100_000)] = 100
    """14, orders that rest or are unknown, over all strategies: each is a promise that the market may call."""
    executions_max: Annotated[int | None, (1, 100_000)] = 30
    executions_window_s: Annotated[int, (1, 86_400)] = 60
    """12, orders of one strategy, instrument and side within a window that were executed: one that buys again
    and again does not see what it bought; it is paused until a person resumes it."""


class PaperSettings(Struct, frozen=True, kw_only=True):
    """How the simulated venue of dry-run and backtest behaves; times are sampled between _min and _max."""

    latency_ms_min: Annotated[int, MS] = 20
    latency_ms_max: Annotated[int, MS] = 80
    """From our send until the venue looks at the request."""
    answer_ms: Annotated[int, MS] = 20
    """From the venue's decision until we hear of it."""
    taker_delay_ms: Annotated[int, MS] = 150
    """How long the venue holds a marketable order before it matches; it cannot be cancelled meanwhile."""
    settlement_s_min: Annotated[int, SETTLEMENT_S] = 2
    settlement_s_max: Annotated[int, SETTLEMENT_S] = 20
    """From the match until the chain confirms it."""
    settlement_failure_rate: Annotated[Decimal, FRACTION] = Decimal("0.02")
    """Part of the matches that fail on the chain."""
    request_loss_rate: Annotated[Decimal, FRACTION] = Decimal(0)
    answer_loss_rate: Annotated[Decimal, FRACTION] = Decimal(0)
    """Part of the requests that never arrive, and of the answers to those that do: we see a timeout."""

    def __post_init__(self) -> None:
        times = {"latency_ms": (self.latency_ms_min, self.latency_ms_max)}
        times["settlement_s"] = self.settlement_s_min, self.settlement_s_max
        for name, (low, high) in times.items():
            if low > high:
                raise ConfigurationError(
                    f"paper.{name}_min {low}: above paper.{name}_max {high}; swap or equal them"
                )


class RunSettings(Struct, frozen=True, kw_only=True):
    """What [run] says beyond the options; `stop_policy` is for working orders, when the daemon stops."""

    stop_policy: StopPolicy = StopPolicy.KEEP
    metrics_interval_s: Annotated[int, (1, 86_400)] = 300
    log_dir: Path = Path("logs")
    sim_hours: Annotated[Decimal, (Decimal("0.1"), 100_000)] = Decimal(1)
    """How long the generated market of --market sim goes on, in event time."""


class WhyCommand(Struct, frozen=True, kw_only=True):
    """`why ID`: tell the story of an order, fill or position from the database, and end."""

    identifier: str
    db: Path


class WhyMarketCommand(Struct, frozen=True, kw_only=True):
    """`why --market X [--since 1h]`: tell why a market was not traded, and end."""

    market: str
    since: str | None
    db: Path


class ControlCommand(Struct, frozen=True, kw_only=True):
    """`pause NAME`, `resume NAME`, `status`: speak to the daemon that has this database."""

    action: str
    strategy: str
    db: Path


class NewStrategyCommand(Struct, frozen=True, kw_only=True):
    """`new-strategy NAME`: write a strategy that runs at once, with a test that passes."""

    name: str


Command = WhyCommand | WhyMarketCommand | ControlCommand | NewStrategyCommand


class Secret:
    """A value that only `reveal()` gives away: printed it is `[redacted]`; encoding or pickling it raises."""

    __slots__ = ("reveal",)

    def __init__(self, value: str) -> None:
        self.reveal: Callable[[], str] = lambda: value

    def __repr__(self) -> str:
        return "[redacted]"
