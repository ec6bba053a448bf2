"""The command line over a TOML file over defaults, secrets and hosts from .env: read once into typed settings."""

import tomllib
from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, NoReturn, get_args

import msgspec
from msgspec import Struct

from commands import command_of
from environment import exposed_message, read_environment
from setting_values import MAX, Names, Option, Value, entries, filled, line_of, nearest, refusal, shown
from settings import (
    ApproveCommand,
    Command,
    ControlCommand,
    DecideCommand,
    DoctorCommand,
    KeystoreCommand,
    Limits,
    LogLevel,
    MarketSource,
    Mode,
    NewStrategyCommand,
    PaperSettings,
    ReconcileCommand,
    RecordCommand,
    RunSettings,
    Secret,
    Settings,
    StopPolicy,
    WhyCommand,
    WhyMarketCommand,
)
from venue_settings import POLYMARKET, VenueSettings, hosts_behind

__all__ = [
    "ApproveCommand",
    "Command",
    "ControlCommand",
    "DecideCommand",
    "DoctorCommand",
    "KeystoreCommand",
    "Limits",
    "LogLevel",
    "MarketSource",
    "Mode",
    "NewStrategyCommand",
    "PaperSettings",
    "ReconcileCommand",
    "RecordCommand",
    "RunSettings",
    "Secret",
    "Settings",
    "StopPolicy",
    "VenueSettings",
    "WhyCommand",
    "WhyMarketCommand",
    "nearest",
]

VERSION, COPY_TRADER = "0.1.0", "copy_trader"
FILE_BYTES_MAX = 65_536


def _fields(kind: type[Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.name: field for field in msgspec.structs.fields(kind)}


def _options(fields: Mapping[str, msgspec.structs.FieldInfo]) -> dict[str, Option]:
    return {name: o for name, f in fields.items() for o in get_args(f.type) if isinstance(o, Option)}


RUN_OPTIONS, VENUE_OPTIONS = _options(_fields(Settings)), _options(_fields(VenueSettings))
OPTIONS = RUN_OPTIONS | VENUE_OPTIONS
FIELDS = _fields(VenueSettings) | _fields(Settings)
RUN_KEYS = {o.flag.removeprefix("--").replace("-", "_"): name for name, o in RUN_OPTIONS.items()}
TABLES = {
    "run": (*RUN_KEYS, *RunSettings.__struct_fields__),
    "limits": Limits.__struct_fields__,
    "paper": PaperSettings.__struct_fields__,
    "venue": ("url", *VenueSettings.__struct_fields__),
    "strategies": (),
}
GROUPS = {
    "market": "where events come from",
    "duration_s": "when it ends",
    "db": "what it keeps and shows",
    "name": "the venue, for live data and live orders",
}
MORE_OPTIONS = {"since": "1h", "out": "PATH", "candles": "PAIR,PAIR"}
"""Options of single commands; the help of a run does not list them."""
EPILOG = """examples:
  python orchestrator.py --strategies sniper
      one strategy on paper, on the recording that is shipped
  python orchestrator.py --strategies sniper,quoter --tape data/books_btc15m --seed 7
      two on a recording, as fast as it goes; the same seed gives the same orders
python orchestrator.py why ID [--db PATH] tells how an order, fill or position came about;
python orchestrator.py why --market SLUG [--since 1h] why a market was not traded;
python orchestrator.py status | pause NAME | resume NAME speaks to the running daemon;
python orchestrator.py new-strategy NAME writes a strategy of your own;
python orchestrator.py doctor says what keeps this machine from trading live, and what mends it;
python orchestrator.py keystore FILE | approve prepares a key, the wallet's approvals;
python orchestrator.py reconcile | decide ORDER_ID absent|open settles books and orders with the venue;
python orchestrator.py record [--out PATH] [--candles PAIR,PAIR] writes the venue's data to a tape.
Secrets and hosts come from .env or the environment: see .env.example."""


def load(argv: Sequence[str]) -> Settings | Command:
    """Read the words after the program's name, the file they name, and .env; raise ConfigurationError.

    Prints and exits with 0 for --help and --version. Environment variables win over .env, and over the file.
    """
    line = _new_parser().read(argv)
    words = line.pop("words", None)
    if words is not None and words.raw:
        return command_of(words, line, settings=partial(_settings, line))
    for name in MORE_OPTIONS:
        if name in line:
            raise line[name].refused("goes with why --market" if name == "since" else "goes with record")
    settings = _settings(line)
    if not settings.strategies:
        raise refusal("--strategies is missing; name at least one, e.g. --strategies sniper")
    if settings.mode is Mode.LIVE and settings.exposed_keys:
        raise refusal(exposed_message(settings.exposed_keys))
    return settings


def _settings(line: Mapping[str, Value]) -> Settings:
    """All settings as a run or a command has them; a command needs no strategies."""
    tables = _read_tables(line.get("config"))
    run, named, venue = tables["run"], tables["strategies"], tables["venue"]
    in_run = {name: run.pop(key) for key, name in RUN_KEYS.items() if key in run}
    asked = in_run | {name: value for name, value in line.items() if name in RUN_OPTIONS}
    venue |= {name: value for name, value in line.items() if name in VENUE_OPTIONS}
    environment = read_environment(_venue_name(venue))
    settings = filled(
        Settings,
        asked,
        limits=filled(Limits, tables["limits"]),
        paper=filled(PaperSettings, tables["paper"]),
        run=filled(RunSettings, run),
        venue=filled(VenueSettings, _over_one_url(venue) | environment.venue_settings()),
        strategy_parameters={n: {k: v.raw for k, v in entries(t, ()).items()} for n, t in named.items()},
        environment=environment.values,
        exposed_keys=environment.exposed,
    )
    return _consistent(settings, asked)


def _venue_name(venue: Mapping[str, Value]) -> str:
    """Whose keys to look for in the environment; what is no name is refused when all is read."""
    name = venue["name"].raw if "name" in venue else POLYMARKET
    return name if isinstance(name, str) else POLYMARKET


def _over_one_url(venue: dict[str, Value]) -> dict[str, Value]:
    """The table's own hosts over those behind its `url`, the short way to say that one server has them all."""
    url = venue.pop("url", None)
    if url is None:
        return venue
    return {name: Value(url.where, host) for name, host in hosts_behind(line_of(url)).items()} | venue


def _consistent(settings: Settings, asked: Mapping[str, Value]) -> Settings:
    market = MarketSource.REPLAY if settings.tape else settings.market
    if settings.tape and settings.market in (MarketSource.LIVE, MarketSource.SIM):
        raise asked["tape"].refused(f"--market {settings.market} plays no recording; drop one of the two")
    if settings.mode is Mode.LIVE and asked["mode"].where != "--mode":
        raise asked["mode"].refused("only the command line starts live trading; say --mode live there")
    if settings.mode is Mode.LIVE and market in (MarketSource.REPLAY, MarketSource.SIM):
        raise refusal(f"--mode live: no real orders on events of {market}; drop it, or say --market live")
    if settings.record is not None and market in (MarketSource.REPLAY, MarketSource.SIM):
        raise asked["record"].refused(f"events of {market} are on a tape already; say --market live")
    if settings.mode is Mode.LIVE or settings.record is not None:
        market = MarketSource.LIVE
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
                raise refusal(f"{shown(word)}: no such option{nearest(word, self._option_string_actions)}")
            raise refusal(f"{shown(word)}: no option; strategies follow --strategies, an ID follows why")
        flags = {name: f"--{name}" for name in ("config", *MORE_OPTIONS)}
        flags |= {name: option.flag for name, option in OPTIONS.items()}
        return {name: Value(flags.get(name, name), raw) for name, raw in given.items()}

    def error(self, message: str) -> NoReturn:
        raise refusal(f"{message.removeprefix('argument ')}; --help shows how")


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
        told = text if default in (None, False, (), msgspec.NODEFAULT) else f"{text} (default: {default})"
        action = "append" if get_args(FIELDS[name].type)[0] == Names else "store" if metavar else "store_true"
        more: dict[str, Any] = {"metavar": metavar} if metavar else {}
        group.add_argument(flag, dest=name, default=SUPPRESS, help=told, action=action, **more)
    for name, metavar in MORE_OPTIONS.items():
        group.add_argument(f"--{name}", metavar=metavar, default=SUPPRESS, help=SUPPRESS)
    group.add_argument("--config", metavar="FILE", default=SUPPRESS, help="settings in TOML")
    group.add_argument("--version", action="version", version=f"orchestrator.py {VERSION}")
    return parser


def _read_tables(path: Value | None) -> dict[str, dict[str, Value]]:
    content = _read_file(path) if path else {}
    tables = entries(Value(f"{shown(path.raw if path else '')}:", content), TABLES, joint=" ")
    return {name: entries(tables[name], keys) if name in tables else {} for name, keys in TABLES.items()}


def _read_file(path: Value) -> dict[str, object]:
    try:
        with open(line_of(path), "rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
        if len(content) <= FILE_BYTES_MAX:
            return tomllib.loads(content.decode(), parse_float=Decimal)
        raise path.refused(f"longer than {FILE_BYTES_MAX} bytes; give a TOML file")
    except OSError as error:
        raise path.refused(f"cannot be read ({error.strerror}); give a TOML file") from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise path.refused(f"not TOML: {error}") from error
