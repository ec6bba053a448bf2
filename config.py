"""Settings, read once and typed: the command line over a TOML file over defaults, and secrets from .env."""

import argparse
import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple, NoReturn, TypeVar, get_args

import dotenv
import msgspec
from msgspec import Struct

from domain.errors import ConfigurationError
from domain.money import UNIT, parse_amount

VERSION = "0.1.0"
FILE_BYTES_MAX, TEXT_LENGTH_MAX, MESSAGE_LENGTH_MAX, SHOWN_LENGTH_MAX, ITEMS_MAX = 65_536, 4_096, 300, 80, 1_000
INT_MAX = 2**63 - 1

Table = TypeVar("Table", bound=Struct)


class Mode(StrEnum):
    """Where orders go: to the simulated venue, or to the real one."""

    DRY_RUN = "dry-run"
    LIVE = "live"


class MarketSource(StrEnum):
    """Where events come from; `auto` leaves the choice between live and embedded data to the start."""

    AUTO = "auto"
    LIVE = "live"
    REPLAY = "replay"
    SIM = "sim"


LogLevel = StrEnum("LogLevel", ["DEBUG", "INFO", "WARNING", "ERROR"])
StopPolicy = StrEnum("StopPolicy", ["KEEP", "CANCEL"])


class Bounds(NamedTuple):
    """Lowest and highest value of a number, both allowed."""

    low: Decimal | int
    high: Decimal | int


class Option(NamedTuple):
    """One line of the help: `--flag METAVAR`, or the flag alone where it is a switch."""

    usage: str
    text: str


NAME, TOKEN_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}"), re.compile(r"[!-~]{1,100}")
FRACTION, MS, SETTLEMENT_S = Bounds(0, 1), Bounds(0, 60_000), Bounds(0, 3_600)
POSITIVE = Bounds(UNIT, 100_000_000)
MAX = "max"


class Limits(Struct, frozen=True, kw_only=True):
    """Limits of the controls, by their number; None is not "no limit": a missing limit denies."""

    collar_fraction: Annotated[Decimal | None, FRACTION] = Decimal("0.05")
    """01, part of the mid: a price further away is a slip or a broken model."""
    collar_ticks: Annotated[int | None, Bounds(0, 100)] = 2
    """01, ticks beyond the fraction: near 0 a fraction of the mid is less than one tick."""
    book_age_s_max: Annotated[Decimal | None, Bounds(0, 3_600)] = Decimal(2)
    """01 and 17, seconds: an older book does not say what the price is now."""
    order_quantity_max: Annotated[Decimal | None, Bounds(0, 1_000_000)] = Decimal(10_000)
    """02, shares of one order: keeps a slipped digit small."""
    order_notional_max: Annotated[Decimal | None, Bounds(0, 1_000_000)] = Decimal(1_000)
    """03, pUSD of one order with its largest fee: what one mistake may cost."""
    position_quantity_max: Annotated[Decimal | None, Bounds(0, 10_000_000)] = Decimal(20_000)
    """06, shares of one instrument, held, open and unknown: what one outcome may cost."""
    position_notional_max: Annotated[Decimal | None, Bounds(0, 100_000_000)] = Decimal(100_000)
    """06, pUSD over the venue: what its failure may cost."""
    orders_per_minute: Annotated[int, Bounds(1, 12_000)] = 50
    """13, orders in the long run: a loop gone wild stays slow; the bound is the venue's documented limit."""
    orders_burst: Annotated[int, Bounds(1, 500)] = 10
    """13, orders at once: one signal may need several legs."""
    time_to_close_s_min: Annotated[Decimal | None, Bounds(0, 31_536_000)] = Decimal(0)
    """26, seconds before the market's end: later, a position may have no way out."""
    unknown_orders_max: Annotated[int | None, Bounds(0, 100)] = 5
    """15, orders without an answer: more of them, and it is the venue that is in trouble."""


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
    """Part of the requests that never arrive: we see a timeout."""
    answer_loss_rate: Annotated[Decimal, FRACTION] = Decimal(0)
    """Part of the answers that never come back: we see a timeout, and the order may live."""


class RunSettings(Struct, frozen=True, kw_only=True):
    """What [run] says beyond the options; `stop_policy` is for working orders, when the daemon stops."""

    stop_policy: StopPolicy = StopPolicy.KEEP
    metrics_interval_s: Annotated[int, Bounds(1, 86_400)] = 300
    log_dir: Path = Path("logs")


class Secret:
    """A value that only `reveal()` gives away: printed it is `[redacted]`; encoding or pickling it raises."""

    __slots__ = ("reveal",)

    def __init__(self, value: str) -> None:
        self.reveal = lambda: value

    def __repr__(self) -> str:
        return "[redacted]"


class WhyCommand(Struct, frozen=True, kw_only=True):
    """`why ID`: tell the story of an order, fill or position from the database, and end."""

    identifier: str
    db: Path


class Settings(Struct, frozen=True, kw_only=True):
    """All that a run was asked to do; `speed` None is as fast as possible, no `token_ids` permits all."""

    strategies: Annotated[tuple[str, ...], NAME, Option("--strategies NAME,NAME", "strategies to run")]
    mode: Annotated[Mode, Option("--mode dry-run|live", "orders stay on paper, or are sent")] = Mode.DRY_RUN
    cash: Annotated[Decimal, POSITIVE, Option("--cash AMOUNT", "pUSD to start with on paper")] = Decimal(1000)
    token_ids: Annotated[tuple[str, ...], TOKEN_ID, Option("--token-id ID", "trade only this; repeatable")] = ()
    market: Annotated[MarketSource, Option("--market auto|live|replay|sim", "source")] = MarketSource.AUTO
    tape: Annotated[Path | None, Option("--tape PATH", "recording to replay")] = None
    speed: Annotated[Decimal | None, MAX, POSITIVE, Option("--speed N|max", "event seconds a second")] = None
    seed: Annotated[int, Bounds(0, INT_MAX), Option("--seed N", "where simulated chance starts")] = 1
    duration_s: Annotated[Decimal | None, POSITIVE, Option("--duration SECONDS", "stop after this time")] = None
    events_max: Annotated[int | None, Bounds(1, INT_MAX), Option("--events N", "stop after so many")] = None
    db: Annotated[Path, Option("--db PATH", "database of the session")] = Path("data/positions.db")
    new_session: Annotated[bool, Option("--new-session", "abandon an unfinished session")] = False
    log_level: Annotated[LogLevel, Option("--log-level debug|info|warning|error", "")] = LogLevel.INFO
    json_output: Annotated[bool, Option("--json", "print JSON lines, not text")] = False
    limits: Limits = Limits()
    paper: PaperSettings = PaperSettings()
    run: RunSettings = RunSettings()
    strategy_parameters: dict[str, dict[str, object]] = {}
    environment: dict[str, Secret] = {}

    def fingerprint(self) -> dict[str, str]:
        """All that decides what a replay does, as text that is equal for equal settings however written."""
        tables = {
            "limits": msgspec.structs.asdict(self.limits),
            "paper": msgspec.structs.asdict(self.paper),
            **{f"strategies.{name}": self.strategy_parameters.get(name, {}) for name in self.strategies},
        }
        return {
            "strategies": ",".join(self.strategies),
            "seed": str(self.seed),
            "cash": _stable(self.cash),
            "token_ids": ",".join(sorted(self.token_ids)),
            **{name: json.dumps(table, sort_keys=True, default=_stable) for name, table in tables.items()},
        }

    def secrets(self) -> tuple[str, ...]:
        """Values for the log to hide: all of the environment but the flag and the public address."""
        names = self.environment.keys() - {"LIVE_TRADING", "POLYMARKET_WALLET"}
        return tuple(self.environment[name].reveal() for name in sorted(names))


FIELDS = {field.name: field for field in msgspec.structs.fields(Settings)}
OPTIONS = {name: o for name, f in FIELDS.items() for o in get_args(f.type) if isinstance(o, Option)}
RUN_KEYS = {o.usage.split()[0].removeprefix("--").replace("-", "_"): name for name, o in OPTIONS.items()}
TABLES = {
    "run": (*RUN_KEYS, *RunSettings.__struct_fields__),
    "limits": Limits.__struct_fields__,
    "paper": PaperSettings.__struct_fields__,
    "strategies": (),
}
GROUPS = {
    "what runs": ("strategies", "mode", "cash", "token_ids"),
    "where events come from": ("market", "tape", "speed", "seed"),
    "when it ends": ("duration_s", "events_max"),
    "what it keeps and shows": ("db", "new_session", "log_level", "json_output"),
}
EPILOG = """examples:
  python orchestrator.py --strategies sniper
      one strategy on paper, on live data where there is a network
  python orchestrator.py --strategies sniper,quoter --tape data/books_btc15m --seed 7
      two on a recording, as fast as it goes; the same seed gives the same orders

python orchestrator.py why ID --db PATH tells how an order, fill or position came about.
Secrets and hosts come from .env or the environment: see .env.example."""


class Value(NamedTuple):
    """What was given for a setting, and where."""

    where: str
    raw: object

    def refused(self, reason: str) -> ConfigurationError:
        """An error whose line says where, what, and the reason, which holds the remedy."""
        return _error(f"{self.where} {_shown(self.raw)}: {reason}")


def load(argv: Sequence[str]) -> Settings | WhyCommand:
    """Read the words after the program's name, the file they name, and .env; raise ConfigurationError of one line.

    Prints and exits with 0 for --help and --version. Environment variables win over .env.
    """
    if argv and argv[0] == "why":
        return _read_why(argv[1:])
    line = _run_parser().read(argv)
    tables = _read_tables(line.pop("config", None))
    run = tables["run"]
    asked = {name: run.pop(key) for key, name in RUN_KEYS.items() if key in run}
    asked |= {name: Value(OPTIONS[name].usage.split()[0], raw) for name, raw in line.items()}
    if "strategies" not in asked:
        raise _error("--strategies is missing; name at least one, e.g. --strategies sniper")
    settings = _struct(
        Settings,
        asked,
        limits=_struct(Limits, tables["limits"]),
        paper=_struct(PaperSettings, tables["paper"]),
        run=_struct(RunSettings, run),
        strategy_parameters={name: _as_table(value) for name, value in tables["strategies"].items()},
        environment=_read_environment(),
    )
    return _consistent(settings, asked)


def nearest(name: str, choices: Iterable[str]) -> str:
    """End of a message about an unknown name: the closest choice, or the list where none is close.

    >>> nearest("quotr", ["sniper", "quoter"])
    '; close: quoter'
    >>> nearest("x", ["sniper", "quoter"])
    '; there are: quoter, sniper'
    """
    close = _closest(name, choices)
    return f"; close: {close}" if close else f"; there are: {', '.join(sorted(choices)) or 'none'}"


def _closest(name: str, choices: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(name[:SHOWN_LENGTH_MAX].lower(), list(choices), n=1)), "")


def _consistent(settings: Settings, asked: Mapping[str, Value]) -> Settings:
    market = MarketSource.REPLAY if settings.tape else settings.market
    if settings.tape and settings.market in (MarketSource.LIVE, MarketSource.SIM):
        raise asked["tape"].refused(f"--market {settings.market} plays no recording; drop one of the two")
    if settings.mode is Mode.LIVE and asked["mode"].where != "--mode":
        raise asked["mode"].refused("only the command line starts live trading; say --mode live there")
    if settings.mode is Mode.LIVE and market in (MarketSource.REPLAY, MarketSource.SIM):
        raise _error(f"--mode live: no real orders on events of {market}; drop it, or say --market live")
    for low, high in ((f, f.removesuffix("min") + "max") for f in PaperSettings.__struct_fields__ if f.endswith("_min")):
        pass
    return msgspec.structs.replace(settings, market=market)


class _Parser(argparse.ArgumentParser):
    def read(self, argv: Sequence[str]) -> dict[str, object]:
        found, unknown = self.parse_known_args(argv)
        word = unknown[0].partition("=")[0] if unknown else ""
        if word.startswith("-"):
            raise _error(f"{_shown(word)}: no such option{nearest(word, self._option_string_actions)}")
        if unknown:
            raise _error(f"{_shown(word)}: not an option; strategies are named by --strategies; see --help")
        return vars(found)

    def error(self, message: str) -> NoReturn:
        raise _error(f"{message.removeprefix('argument ')}; --help shows how")


def _new_parser(usage: str, description: str, epilog: str) -> _Parser:
    return _Parser(
        *("orchestrator.py", f"python orchestrator.py {usage}", description, epilog),
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=40, width=100),
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )


def _run_parser() -> _Parser:
    about = "Trade with one or more strategies, on paper unless told otherwise; Ctrl-C stops in good order."
    parser = _new_parser("--strategies NAME,NAME [options]", about, EPILOG)
    for title, names in GROUPS.items():
        group = parser.add_argument_group(title)
        for name in names:
            _add_option(group, name)
    parser.add_argument("--config", metavar="FILE", help="TOML file with settings")
    parser.add_argument("--version", action="version", version=f"orchestrator.py {VERSION}")
    return parser


def _add_option(group: argparse._ArgumentGroup, name: str) -> None:
    flag, _, metavar = OPTIONS[name].usage.partition(" ")
    default = MAX if name == "speed" else FIELDS[name].default
    text = f"{OPTIONS[name].text} (default: {default})" if ... else
    if not metavar:
        group.add_argument(flag, dest=name, action="store_true", help=text)
    else:
        action = "append" if ... else "store"
        group.add_argument(flag, dest=name, action=action, metavar=metavar, help=text)


def _read_why(argv: Sequence[str]) -> WhyCommand:
    parser = _new_parser("why ID [--db PATH]", "Tell how an order, fill or position came about.", "")
    parser.add_argument("identifier", metavar="ID", help="as the output or the database shows it")
    parser.add_argument("--db", metavar="PATH", default="data/positions.db", help="default: %(default)s")
    words = parser.read(argv)
    identifier, db = _line(Value("why", words["identifier"])), _line(Value("--db", words["db"]))
    return WhyCommand(identifier=identifier, db=Path(db))


def _read_tables(path: object) -> dict[str, dict[str, Value]]:
    if path is None:
        return {name: {} for name in TABLES}
    where = f"{_shown(path)}: "
    tables = _values(where, _read_file(Value("--config", path)), TABLES)
    empty = Value("", {})
    return {n: _values(f"{where}{n}.", _as_table(tables.get(n, empty)), keys) for n, keys in TABLES.items()}


def _read_file(path: Value) -> dict[str, object]:
    try:
        with open(_line(path), "rb") as file:
            content = file.read(FILE_BYTES_MAX)
        return tomllib.loads(content.decode(), parse_float=Decimal)
    except OSError as error:
        raise path.refused(f"cannot be read ({error.strerror}); give a TOML file") from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise path.refused(f"not TOML of at most {FILE_BYTES_MAX} bytes: {error}") from error


def _values(where: str, table: Mapping[str, object], keys: Iterable[str]) -> dict[str, Value]:
    for key in table:
        if keys and key not in keys:
            raise _error(f"{where}{_shown(key)}: not known{nearest(key, keys)}")
    return {key: Value(f"{where}{key}", raw) for key, raw in table.items()}


def _as_table(value: Value) -> dict[str, object]:
    if not isinstance(value.raw, dict):
        raise value.refused("not a table; write its name in brackets and its keys below")
    return value.raw


def _read_environment() -> dict[str, Secret]:
    try:
        values = {**dotenv.dotenv_values(".env", interpolate=False), **os.environ}
    except (OSError, ValueError) as error:
        raise _error(f".env: cannot be read ({error}); .env.example shows its form") from error
    names = [name for name in values if name.startswith("POLYMARKET_") or name in ("REDIS_URL", "LIVE_TRADING")]
    return {name: Secret(value) for name in names if (value := values[name])}


def _struct(kind: type[Table], given: Mapping[str, Value], **others: object) -> Table:
    hints = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return kind(**{name: _converted(value, hints[name]) for name, value in given.items()}, **others)


def _converted(value: Value, hint: object) -> object:
    whole, *marks = get_args(hint) or (hint,)
    kind = (get_args(whole) or (whole,))[0]
    if MAX in marks and value.raw == MAX:
        return None
    if kind is str:
        return _items(value, marks[0])
    if kind in (int, Decimal):
        return _number(value, kind, marks)
    if kind is Path:
        return Path(_line(value))
    choices = {"true": True, "false": False} if kind is bool else {str(choice): choice for choice in kind}
    text = _text(value.raw)
    if text in choices:
        return choices[text]
    close = _closest(text, choices)
    raise value.refused(f"not one of {', '.join(choices)}{close and f'; did you mean {close}?'}")


def _number(value: Value, kind: type, marks: Sequence[object]) -> int | Decimal:
    low, high = next(mark for mark in marks if isinstance(mark, Bounds))
    wanted = "a whole number" if kind is int else "a number of at most six decimals"
    try:
        number = int(_text(value.raw)) if kind is int else parse_amount(_text(value.raw), name=value.where)
    except (ValueError, ConfigurationError) as error:
        raise value.refused(f"not {wanted}; give {low} to {high}{' or max' * (MAX in marks)}") from error
    if not low <= number <= high:
        raise value.refused(f"out of range; give {low} to {high}")
    return number


def _items(value: Value, pattern: re.Pattern[str]) -> tuple[str, ...]:
    parts = value.raw if isinstance(value.raw, list) else [value.raw]
    items = [item.strip() for part in parts for item in _text(part).split(",")]
    if not 0 < len(items) <= ITEMS_MAX:
        raise value.refused(f"{len(items)} values; give 1 to {ITEMS_MAX}")
    for item in items:
        if not pattern.fullmatch(item):
            raise Value(value.where, item).refused("not a name; give e.g. sniper or sniper,quoter")
        if items.count(item) > 1:
            raise Value(value.where, item).refused("given twice; once is enough")
    return tuple(items)


def _line(value: Value) -> str:
    if not isinstance(value.raw, str) or not value.raw.isprintable() or not 0 < len(value.raw) <= TEXT_LENGTH_MAX:
        raise value.refused("give a text")
    return value.raw


def _text(raw: object) -> str:
    match raw:
        case bool():
            return str(raw).lower()
        case int() | Decimal():
            return str(Decimal(raw))
        case str():
            return raw
        case _:
            return f"({type(raw).__name__})"


def _stable(value: object) -> str:
    small = isinstance(value, Decimal) and abs(value.adjusted()) < 40
    return f"{value.normalize():f}" if ... else str(value)


def _shown(raw: object) -> str:
    text = _text(raw)[:SHOWN_LENGTH_MAX]
    return text if PLAIN.fullmatch(text) else repr(text)[:SHOWN]


def _error(text: str) -> ConfigurationError:
    line = "".join(c if c.isprintable() else "?" for c in text)
    return ConfigurationError(line if len(line) <= 300 else f"{line[:299]}…")
