"""Settings as the program uses them: of a run, its controls and the simulated venue; and commands in its place."""

import json
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Struct

from domain.errors import ConfigurationError
from domain.money import UNIT
from setting_values import MAX, STRATEGY, TOKEN_ID, Names, Option
from venue_settings import VenueSettings

Mode = StrEnum("Mode", {"DRY_RUN": "dry-run", "LIVE": "live"})
"""Where orders go: to the simulated venue, or to the real one."""
MarketSource = StrEnum("MarketSource", ["AUTO", "LIVE", "REPLAY", "SIM"])
"""Where events come from; `auto` leaves the choice between live and embedded data to the start."""
LogLevel = StrEnum("LogLevel", ["DEBUG", "INFO", "WARNING", "ERROR"])
StopPolicy = StrEnum("StopPolicy", ["KEEP", "CANCEL"])

FRACTION, MS, SETTLEMENT_S, SEED, COUNT = (0, 1), (0, 60_000), (0, 3_600), (0, 2**63 - 1), (1, 2**63 - 1)
POSITIVE = (UNIT, Decimal(100_000_000))
EXPONENT_MAX = 40


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
    record_megabytes_max: Annotated[int, (10, 10_000_000)] = 10_000
    """What all tapes in the folder of a recording may take of the disk: beyond, the oldest are deleted."""


class Secret:
    """A value that only `reveal()` gives away: printed it is `[redacted]`; encoding or pickling it raises."""

    __slots__ = ("reveal",)

    def __init__(self, value: str) -> None:
        self.reveal: Callable[[], str] = lambda: value

    def __repr__(self) -> str:
        return "[redacted]"


class Settings(Struct, frozen=True, kw_only=True):
    """All that a run was asked to do; `speed` None is as fast as possible, no `token_ids` permits all."""

    strategies: Annotated[
        Names, STRATEGY, Option("--strategies", "NAME,NAME", "run these of strategies/")
    ] = ()
    mode: Annotated[Mode, Option("--mode", "dry-run|live", "orders stay on paper or are sent")] = Mode.DRY_RUN
    cash: Annotated[Decimal, POSITIVE, Option("--cash", "AMOUNT", "pUSD to start with")] = Decimal(1000)
    token_ids: Annotated[Names, TOKEN_ID, Option("--token-id", "ID", "trade only this; or ID,ID")] = ()
    target: Annotated[
        str | None, TOKEN_ID, Option("--target", "NAME|ADDRESS", "wallet that copy_trader follows")
    ] = None
    market: Annotated[MarketSource, Option("--market", "SOURCE", "auto|live|replay|sim")] = MarketSource.AUTO
    tape: Annotated[Path | None, Option("--tape", "PATH", "recording to replay")] = None
    speed: Annotated[Decimal | None, POSITIVE, MAX, Option("--speed", "N|max", "times real time")] = None
    seed: Annotated[int, SEED, Option("--seed", "N", "start of all simulated chance")] = 1
    duration_s: Annotated[Decimal | None, POSITIVE, Option("--duration", "SECONDS", "stop after")] = None
    events_max: Annotated[int | None, COUNT, Option("--events", "N", "stop after so many events")] = None
    db: Annotated[Path, Option("--db", "PATH", "database of the session")] = Path("data/positions.db")
    new_session: Annotated[bool, Option("--new-session", "", "abandon an unfinished session")] = False
    log_level: Annotated[LogLevel, Option("--log-level", "LEVEL", "debug|info|warning|error")] = LogLevel.INFO
    record: Annotated[Path | None, Option("--record", "PATH", "write live data to tapes in this folder")] = (
        None
    )
    json_output: Annotated[bool, Option("--json", "", "print one JSON object in place of text")] = False
    limits: Limits = Limits()
    paper: PaperSettings = PaperSettings()
    run: RunSettings = RunSettings()
    venue: VenueSettings = VenueSettings()
    strategy_parameters: dict[str, dict[str, object]] = {}
    environment: dict[str, Secret] = {}
    exposed_keys: Names = ()
    """Keys that stand in a .env which others on this machine can read: nothing that uses keys starts with them."""

    def fingerprint(self) -> dict[str, str]:
        """All that decides what a replay does, as text that is equal for equal settings however written."""
        decisive = {
            "strategies": self.strategies,
            "seed": self.seed,
            "cash": self.cash,
            "token_ids": sorted(self.token_ids),
            "limits": msgspec.structs.asdict(self.limits),
            "paper": msgspec.structs.asdict(self.paper),
            **{f"strategies.{name}": self.strategy_parameters.get(name, {}) for name in self.strategies},
        }
        return {key: json.dumps(value, sort_keys=True, default=_stable) for key, value in decisive.items()}

    def secrets(self) -> tuple[str, ...]:
        """Values for the log to hide: all of the environment but what is public and what the last four stand for."""
        names = [name for name in sorted(self.environment) if not is_public(name)]
        return tuple(self.environment[name].reveal() for name in names)


PUBLIC_NAMES = {
    *("LIVE_TRADING", "LIVE_CONFIRM", "POLYMARKET_WALLET", "POLYMARKET_RELAYER_ADDRESS"),
    *("POLYMARKET_KEYSTORE", "POLYMARKET_KEYSTORE_PASSWORD_FILE"),
}


def is_public(name: str) -> bool:
    """Say whether the value of a variable of the environment may be seen: flags, addresses and files.

    >>> is_public("POLYMARKET_CLOB_URL"), is_public("REDIS_URL"), is_public("BINANCE_SECRET")
    (True, False, False)
    """
    return name in PUBLIC_NAMES or (name.endswith("_URL") and name != "REDIS_URL")


def _stable(value: object) -> str:
    if isinstance(value, Decimal) and abs(value.adjusted()) < EXPONENT_MAX:
        return f"{value.normalize():f}"
    return str(value)


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


class DoctorCommand(Struct, frozen=True, kw_only=True):
    """`doctor`: say what would keep this machine from trading live, and the command that mends it."""

    settings: "Settings"


class ReconcileCommand(Struct, frozen=True, kw_only=True):
    """`reconcile [accept]`: compare our books with the venue's, print and store what differs, send nothing; `accept`
    takes what differs for explained from now on."""

    settings: "Settings"
    accepts: bool = False


class RecordCommand(Struct, frozen=True, kw_only=True):
    """`record [--out PATH] [--candles PAIR,PAIR]`: write the venue's market data to tapes in a folder until stopped."""

    settings: "Settings"
    out: Path
    candles: Names


class ApproveCommand(Struct, frozen=True, kw_only=True):
    """`approve`: let the venue's contracts take what orders promise: transactions of the wallet, never implied."""

    settings: "Settings"


class KeystoreCommand(Struct, frozen=True, kw_only=True):
    """`keystore FILE`: put a private key, typed unseen, behind a password."""

    path: Path


class DecideCommand(Struct, frozen=True, kw_only=True):
    """`decide ORDER_ID absent|open`: a person's word on an order that no read could settle."""

    order_id: str
    decision: Literal["absent", "open"]
    db: Path


Command = (
    WhyCommand
    | WhyMarketCommand
    | ControlCommand
    | NewStrategyCommand
    | DoctorCommand
    | ReconcileCommand
    | RecordCommand
    | ApproveCommand
    | KeystoreCommand
    | DecideCommand
)
