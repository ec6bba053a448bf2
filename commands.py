"""Commands in place of a run: the words of the command line, with what each of them wants."""

from collections.abc import Callable, Mapping
from pathlib import Path

from environment import exposed_message
from setting_values import CHOICE, Names, Value, items_of, line_of, refusal, shown
from settings import (
    ApproveCommand,
    Command,
    ControlCommand,
    DecideCommand,
    DoctorCommand,
    KeystoreCommand,
    NewStrategyCommand,
    ReconcileCommand,
    RecordCommand,
    Settings,
    WhyCommand,
    WhyMarketCommand,
)

WORDS = {
    "why": "wants an ID, or --market SLUG",
    "pause": "wants the name of a strategy",
    "resume": "wants the name of a strategy",
    "status": "stands alone",
    "new-strategy": "wants a name",
    "doctor": "stands alone; --venue says where it looks",
    "reconcile": "stands alone, or says accept",
    "approve": "stands alone",
    "record": "stands alone; the tape follows --out",
    "keystore": "wants the file to write",
    "decide": "wants an ORDER_ID, and absent or open",
}
"""What the first word wants after it, as its refusal says."""

DB_DEFAULT, OUT_DEFAULT = Path("data/positions.db"), Path("data/recorded")
Line = Mapping[str, Value]
Loader = Callable[[], Settings]


def command_of(given: Value, line: Line, *, settings: Loader) -> Command:
    """The command that these words name; ConfigurationError where they name none, or lack something.

    `settings` reads the other options, the file and .env: only commands that speak to a venue ask for it.
    """
    words = [line_of(Value("the command line", word)) for word in _words(given)]
    for option, owner in (("out", "record"), ("candles", "record"), ("since", "why")):
        if option in line and words[0] != owner:
            raise line[option].refused(f"goes with {owner}")
    command = _local_command(words, line) or _venue_command(words, line, settings)
    if command is None:
        wants = WORDS.get(words[0], "no option; strategies follow --strategies, an ID follows why")
        raise refusal(f"{shown(words[0])}: {wants}")
    return command


def _local_command(words: list[str], line: Line) -> Command | None:
    """Commands that need a database at most."""
    db = Path(line_of(line["db"])) if "db" in line else DB_DEFAULT
    match words:
        case ["why"] if "market" in line:
            since = line_of(line["since"]) if "since" in line else None
            return WhyMarketCommand(market=line_of(line["market"]), since=since, db=db)
        case ["why", identifier]:
            return WhyCommand(identifier=identifier, db=db)
        case ["status"]:
            return ControlCommand(action="status", strategy="", db=db)
        case [("pause" | "resume") as action, strategy]:
            return ControlCommand(action=action, strategy=strategy, db=db)
        case ["new-strategy", name]:
            return NewStrategyCommand(name=name)
        case ["keystore", path]:
            return KeystoreCommand(path=Path(path))
        case ["decide", order_id, ("absent" | "open") as decision]:
            return DecideCommand(order_id=order_id, decision=decision, db=db)
        case _:
            return None


def _venue_command(words: list[str], line: Line, settings: Loader) -> Command | None:
    """Commands that speak to the venue; the doctor alone looks at keys that lie open, to say so."""
    match words:
        case ["doctor"]:
            return DoctorCommand(settings=settings())
        case ["reconcile"]:
            return ReconcileCommand(settings=_with_closed_keys(settings()))
        case ["reconcile", "accept"]:
            return ReconcileCommand(settings=_with_closed_keys(settings()), accepts=True)
        case ["approve"]:
            return ApproveCommand(settings=_with_closed_keys(settings()))
        case ["record"] if "record" in line:
            raise line["record"].refused("goes with a run; the command has --out")
        case ["record"]:
            out = Path(line_of(line["out"])) if "out" in line else OUT_DEFAULT
            candles: Names = items_of(line["candles"], CHOICE) if "candles" in line else ()
            return RecordCommand(settings=settings(), out=out, candles=candles)
        case _:
            return None


def _with_closed_keys(settings: Settings) -> Settings:
    if settings.exposed_keys:
        raise refusal(exposed_message(settings.exposed_keys))
    return settings


def _words(given: Value) -> list[object]:
    return given.raw if isinstance(given.raw, list) else [given.raw]
