"""Settings, read once and typed: the command line over a TOML file over defaults, and secrets from .env."""

import contextlib
import difflib
import json
import os
import re
import tomllib
from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple, NoReturn, TypeVar, get_args

import dotenv
import msgspec
from msgspec import Struct

from domain.errors import ConfigurationError
from domain.money import parse_amount
from settings import (
    COUNT,
    MAX,
    POSITIVE,
    SEED,
    Command,
    ControlCommand,
    Limits,
    LogLevel,
    MarketSource,
    Mode,
    NewStrategyCommand,
    PaperSettings,
    RunSettings,
    Secret,
    StopPolicy,
    WhyCommand,
    WhyMarketCommand,
)

__all__ = [
    "Command",
    "ControlCommand",
    "Limits",
    "LogLevel",
    "MarketSource",
    "Mode",
    "NewStrategyCommand",
    "PaperSettings",
    "RunSettings",
    "Secret",
    "StopPolicy",
    "WhyCommand",
    "WhyMarketCommand",
]

VERSION, COPY_TRADER = "0.1.0", "copy_trader"
FILE_BYTES_MAX, TEXT_LENGTH_MAX, ITEMS_MAX = 65_536, 4_096, 1_000
LISTED_MAX = 8
MESSAGE_LENGTH_MAX, SHOWN_LENGTH_MAX, EXPONENT_MAX = 300, 80, 40

Table = TypeVar("Table", bound=Struct)
Names = tuple[str, ...]


class Option(NamedTuple):
    """One line of the help; without metavar it is a switch."""

    flag: str
    metavar: str
    text: str


STRATEGY, TOKEN_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}"), re.compile(r"[!-~]{1,100}")
EXPECTED = {STRATEGY: "give names, each once: sniper,quoter", TOKEN_ID: "give IDs, each once: 123,456"}


class Settings(Struct, frozen=True, kw_only=True):
    """All that a run was asked to do; `speed` None is as fast as possible, no `token_ids` permits all."""

    strategies: Annotated[Names, STRATEGY, Option("--strategies", "NAME,NAME", "run these of strategies/")]
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
    json_output: Annotated[bool, Option("--json", "", "print one JSON object in place of text")] = False
    limits: Limits = Limits()
    paper: PaperSettings = PaperSettings()
    run: RunSettings = RunSettings()
    strategy_parameters: dict[str, dict[str, object]] = {}
    environment: dict[str, Secret] = {}

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
        """Values for the log to hide: all of the environment but the flag and the public address."""
        names = self.environment.keys() - {"LIVE_TRADING", "POLYMARKET_WALLET"}
        return tuple(self.environment[name].reveal() for name in sorted(names))


FIELDS = {field.name: field for field in msgspec.structs.fields(Settings)}
OPTIONS = {name: o for name, f in FIELDS.items() for o in get_args(f.type) if isinstance(o, Option)}
RUN_KEYS = {o.flag.removeprefix("--").replace("-", "_"): name for name, o in OPTIONS.items()}
TABLES = {
    "run": (*RUN_KEYS, *RunSettings.__struct_fields__),
    "limits": Limits.__struct_fields__,
    "paper": PaperSettings.__struct_fields__,
    "strategies": (),
}
GROUPS = {"market": "where events come from", "duration_s": "when it ends", "db": "what it keeps and shows"}
EPILOG = """examples:
  python orchestrator.py --strategies sniper
      one strategy on paper, on the recording that is shipped
  python orchestrator.py --strategies sniper,quoter --tape data/books_btc15m --seed 7
      two on a recording, as fast as it goes; the same seed gives the same orders
python orchestrator.py why ID [--db PATH] tells how an order, fill or position came about;
python orchestrator.py why --market SLUG [--since 1h] why a market was not traded;
python orchestrator.py status | pause NAME | resume NAME speaks to the running daemon;
python orchestrator.py new-strategy NAME writes a strategy of your own.
Secrets and hosts come from .env or the environment: see .env.example."""


WORDS = {
    "why": "wants an ID, or --market SLUG",
    "pause": "wants the name of a strategy",
    "resume": "wants the name of a strategy",
    "status": "stands alone",
    "new-strategy": "wants a name",
}
"""Commands in place of a run, and what each of them wants."""


class Value(NamedTuple):
    """What was given for a setting, and where."""

    where: str
    raw: object

    def refused(self, reason: str) -> ConfigurationError:
        """An error whose line says where, what, and the reason, which holds the remedy."""
        return _error(f"{self.where} {_shown(self.raw)}: {reason}")


def load(argv: Sequence[str]) -> Settings | Command:
    """Read the words after the program's name, the file they name, and .env; raise ConfigurationError.

    Prints and exits with 0 for --help and --version. Environment variables win over .env.
    """
    line = _new_parser().read(argv)
    if command := _command(line):
        return command
    tables = _read_tables(line.pop("config", None))
    run, named = tables["run"], tables["strategies"]
    asked = {name: run.pop(key) for key, name in RUN_KEYS.items() if key in run} | line
    if "strategies" not in asked:
        raise _error("--strategies is missing; name at least one, e.g. --strategies sniper")
    settings = _struct(
        Settings,
        asked,
        limits=_struct(Limits, tables["limits"]),
        paper=_struct(PaperSettings, tables["paper"]),
        run=_struct(RunSettings, run),
        strategy_parameters={n: {k: v.raw for k, v in _entries(t, ()).items()} for n, t in named.items()},
        environment=_read_environment(),
    )
    return _consistent(settings, asked)


def _command(line: Mapping[str, Value]) -> Command | None:
    """The command that was given in place of a run, if one was."""
    db = Path(_line(line["db"])) if "db" in line else FIELDS["db"].default
    words = [_line(Value("the command line", word)) for word in _words(line)]
    match words:
        case []:
            if "since" in line:
                raise line["since"].refused("goes with why --market")
            return None
        case ["why"] if "market" in line:
            since = _line(line["since"]) if "since" in line else None
            return WhyMarketCommand(market=_line(line["market"]), since=since, db=db)
        case ["why", identifier]:
            return WhyCommand(identifier=identifier, db=db)
        case ["status"]:
            return ControlCommand(action="status", strategy="", db=db)
        case [("pause" | "resume") as action, strategy]:
            return ControlCommand(action=action, strategy=strategy, db=db)
        case ["new-strategy", name]:
            return NewStrategyCommand(name=name)
        case _:
            wants = WORDS.get(words[0], "no option; strategies follow --strategies, an ID follows why")
            raise _error(f"{_shown(words[0])}: {wants}")


def _words(line: Mapping[str, Value]) -> list[object]:
    words = line["words"].raw if "words" in line else []
    return words if isinstance(words, list) else []


def nearest(name: str, choices: Iterable[str]) -> str:
    """End of a message about an unknown name: the closest choice, or the list where none is close.

    >>> nearest("quotr", ["sniper", "quoter"])
    '; close: quoter'
    """
    close = _closest(name, choices)
    listed = sorted(choices)
    more = f" and {len(listed) - LISTED_MAX} more" if len(listed) > LISTED_MAX else ""
    return f"; close: {close}" if close else f"; there are: {', '.join(listed[:LISTED_MAX]) or 'none'}{more}"


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
    parameters = settings.strategy_parameters
    if settings.target is not None:
        if COPY_TRADER not in settings.strategies:
            raise asked["target"].refused(f"only {COPY_TRADER} follows a wallet; add it to --strategies")
        parameters = parameters | {COPY_TRADER: parameters.get(COPY_TRADER, {}) | {"target": settings.target}}
    return msgspec.structs.replace(settings, market=market, strategy_parameters=parameters)


class _Parser(ArgumentParser):
    def read(self, argv: Sequence[str]) -> dict[str, Value]:
        found, unknown = self.parse_known_args(argv)
        given = vars(found)
        for word in (word.partition("=")[0] for word in unknown):
            if word.startswith("-"):
                raise _error(f"{_shown(word)}: no such option{nearest(word, self._option_string_actions)}")
            raise _error(f"{_shown(word)}: no option; strategies follow --strategies, an ID follows why")
        flags = {"config": "--config"} | {name: option.flag for name, option in OPTIONS.items()}
        return {name: Value(flags.get(name, name), raw) for name, raw in given.items()}

    def error(self, message: str) -> NoReturn:
        raise _error(f"{message.removeprefix('argument ')}; --help shows how")


def _new_parser() -> _Parser:
    usage = "python orchestrator.py --strategies NAME,NAME [options]"
    about = "Trade with strategies, on paper unless told otherwise; Ctrl-C stops in good order."
    layout = partial(RawDescriptionHelpFormatter, max_help_position=28, width=100)
    parser = _Parser("orchestrator.py", usage, about, EPILOG, formatter_class=layout, allow_abbrev=False)
    parser.add_argument("words", nargs="*", default=SUPPRESS, help=SUPPRESS)
    group = parser.add_argument_group("what runs")
    for name, (flag, metavar, text) in OPTIONS.items():
        group = parser.add_argument_group(GROUPS[name]) if name in GROUPS else group
        default = MAX if name == "speed" else FIELDS[name].default
        shown = text if default in (None, False, (), msgspec.NODEFAULT) else f"{text} (default: {default})"
        action = "append" if get_args(FIELDS[name].type)[0] == Names else "store" if metavar else "store_true"
        more: dict[str, Any] = {"metavar": metavar} if metavar else {}
        group.add_argument(flag, dest=name, default=SUPPRESS, help=shown, action=action, **more)
    group.add_argument("--since", metavar="1h", default=SUPPRESS, help=SUPPRESS)
    group.add_argument("--config", metavar="FILE", default=SUPPRESS, help="settings in TOML")
    group.add_argument("--version", action="version", version=f"orchestrator.py {VERSION}")
    return parser


def _read_tables(path: Value | None) -> dict[str, dict[str, Value]]:
    content = _read_file(path) if path else {}
    tables = _entries(Value(f"{_shown(path.raw if path else '')}:", content), TABLES, joint=" ")
    return {name: _entries(tables[name], keys) if name in tables else {} for name, keys in TABLES.items()}


def _read_file(path: Value) -> dict[str, object]:
    try:
        with open(_line(path), "rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
        if len(content) <= FILE_BYTES_MAX:
            return tomllib.loads(content.decode(), parse_float=Decimal)
        raise path.refused(f"longer than {FILE_BYTES_MAX} bytes; give a TOML file")
    except OSError as error:
        raise path.refused(f"cannot be read ({error.strerror}); give a TOML file") from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise path.refused(f"not TOML: {error}") from error


def _entries(table: Value, keys: Iterable[str], *, joint: str = ".") -> dict[str, Value]:
    if not isinstance(table.raw, dict):
        raise table.refused("not a table; write its name in brackets and its keys below")
    for key in table.raw:
        if keys and key not in keys:
            raise _error(f"{table.where}{joint}{_shown(key)}: not known{nearest(key, keys)}")
    return {key: Value(f"{table.where}{joint}{key}", raw) for key, raw in table.raw.items()}


def _read_environment() -> dict[str, Secret]:
    try:
        values = {**dotenv.dotenv_values(".env", interpolate=False), **os.environ}
    except (OSError, ValueError) as error:
        raise _error(f".env: cannot be read ({error}); .env.example shows its form") from error
    names = [n for n in values if n.startswith("POLYMARKET_") or n in ("REDIS_URL", "LIVE_TRADING")]
    return {name: Secret(value) for name in names if (value := values[name])}


def _struct(kind: type[Table], given: Mapping[str, Value], **others: object) -> Table:
    hints = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return kind(**{name: _converted(value, hints[name]) for name, value in given.items()}, **others)


def _converted(value: Value, hint: object) -> object:
    whole, *marks = get_args(hint) or (hint,)
    kind = (get_args(whole) or (whole,))[0]
    if kind is str:
        items = _items(value, marks[0])
        if whole != Names and len(items) > 1:
            raise value.refused("several; give one")
        return items if whole == Names else items[0]
    if kind is Path:
        return Path(_line(value))
    if kind in (int, Decimal):
        return None if MAX in marks and value.raw == MAX else _number(value, kind, *marks)
    choices = {"true": True, "false": False} if kind is bool else {str(choice): choice for choice in kind}
    text = _text(value.raw)
    if text in choices:
        return choices[text]
    close = _closest(text, choices)
    raise value.refused(f"not one of {', '.join(choices)}{close and f'; did you mean {close}?'}")


def _number(value: Value, kind: type, bounds: tuple[Any, Any], *marks: object) -> object:
    number = None
    with contextlib.suppress(ValueError, ConfigurationError):
        number = int(_text(value.raw)) if kind is int else parse_amount(_text(value.raw), name=value.where)
    if number is not None and bounds[0] <= number <= bounds[1]:
        return number
    wanted = "a whole number" if kind is int else "a number of at most six decimals"
    raise value.refused(f"give {wanted}, {bounds[0]} to {bounds[1]}{', or max' if MAX in marks else ''}")


def _items(value: Value, pattern: re.Pattern[str]) -> tuple[str, ...]:
    parts = value.raw if isinstance(value.raw, list) else [value.raw]
    items = [item.strip() for part in parts for item in _text(part).split(",")]
    if not 0 < len(items) <= ITEMS_MAX:
        raise value.refused(f"{len(items)} names; give 1 to {ITEMS_MAX}")
    for item in items:
        if not pattern.fullmatch(item) or items.count(item) > 1:
            raise Value(value.where, item).refused(EXPECTED[pattern])
    return tuple(items)


def _line(value: Value) -> str:
    text = value.raw if isinstance(value.raw, str) else ""
    if not text.isprintable() or not 0 < len(text) <= TEXT_LENGTH_MAX:
        raise value.refused(f"not a text of 1 to {TEXT_LENGTH_MAX} printable characters")
    return text


def _text(raw: object) -> str:
    if isinstance(raw, int | Decimal):  # str refuses an int of more than 4300 digits
        return str(raw).lower() if isinstance(raw, bool) else str(Decimal(raw))
    return raw if isinstance(raw, str) else f"({type(raw).__name__})"


def _stable(value: object) -> str:
    if isinstance(value, Decimal) and abs(value.adjusted()) < EXPONENT_MAX:
        return f"{value.normalize():f}"
    return str(value)


def _shown(raw: object) -> str:
    text = _text(raw)[:SHOWN_LENGTH_MAX]
    return text if TOKEN_ID.fullmatch(text) else repr(text)[:SHOWN_LENGTH_MAX]


def _error(text: str) -> ConfigurationError:
    line = "".join(character if character.isprintable() else "?" for character in text)
    return ConfigurationError(line[:MESSAGE_LENGTH_MAX])
