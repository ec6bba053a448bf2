"""How one value of a setting is read: from what was written, and where, to its type, or a refusal that helps."""

import contextlib
import difflib
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_args, get_origin

import msgspec
from msgspec import Struct

from domain.errors import ConfigurationError
from domain.money import parse_amount

TEXT_LENGTH_MAX, ITEMS_MAX, DEPTH_MAX = 4_096, 1_000, 5
LISTED_MAX = 8
MESSAGE_LENGTH_MAX, SHOWN_LENGTH_MAX = 300, 80
MAX = "max"
"""A mark of numbers that may also be given as this word: without a limit."""

NESTED = "nested"
"""A mark of tables that are handed on to another library as they are."""

Table = TypeVar("Table", bound=Struct)
Names = tuple[str, ...]


class Option(NamedTuple):
    """One line of the help; without metavar it is a switch."""

    flag: str
    metavar: str
    text: str


STRATEGY, TOKEN_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}"), re.compile(r"[!-~]{1,100}")
VENUE, CHOICE = re.compile(r"[a-z][a-z0-9_]{0,39}"), re.compile(r"[!-~]{1,300}")
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
URL = re.compile(r"(https?|wss?)://[A-Za-z0-9._\-\[\]:]{1,253}(/[A-Za-z0-9._~/-]{0,500})?")
EXPECTED = {
    STRATEGY: "give names, each once: sniper,quoter",
    TOKEN_ID: "give IDs, each once: 123,456",
    VENUE: "give polymarket, or the name of an exchange as ccxt spells it: binance",
    CHOICE: "give markets, each once: btc-updown-5m,event:SLUG,tag:NAME, or pairs of an exchange: BTC/USDT",
    ADDRESS: "give an address: 0x and 40 hexadecimal digits",
    URL: "give one address without user, port only where needed: https://clob.polymarket.com",
}


class Value(NamedTuple):
    """What was given for a setting, and where."""

    where: str
    raw: object

    def refused(self, reason: str) -> ConfigurationError:
        """An error whose line says where, what, and the reason, which holds the remedy."""
        return refusal(f"{self.where} {shown(self.raw)}: {reason}")


def refusal(text: str) -> ConfigurationError:
    """An error of one printable line, cut to the length that a terminal shows."""
    line = "".join(character if character.isprintable() else "?" for character in text)
    return ConfigurationError(line[:MESSAGE_LENGTH_MAX])


def nearest(name: str, choices: Iterable[str]) -> str:
    """End of a message about an unknown name: the closest choice, or the list where none is close.

    >>> nearest("quotr", ["sniper", "quoter"])
    '; close: quoter'
    """
    close = closest(name, choices)
    listed = sorted(choices)
    more = f" and {len(listed) - LISTED_MAX} more" if len(listed) > LISTED_MAX else ""
    return f"; close: {close}" if close else f"; there are: {', '.join(listed[:LISTED_MAX]) or 'none'}{more}"


def closest(name: str, choices: Iterable[str]) -> str:
    """The choice that looks most like the name, or nothing where none does."""
    return next(iter(difflib.get_close_matches(name[:SHOWN_LENGTH_MAX].lower(), list(choices), n=1)), "")


def filled(kind: type[Table], given: Mapping[str, Value], **others: object) -> Table:
    """Make a table of settings from what was given for its fields, each read as its annotation says."""
    hints = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return kind(**{name: _converted(value, hints[name]) for name, value in given.items()}, **others)


def entries(table: Value, keys: Iterable[str], *, joint: str = ".") -> dict[str, Value]:
    """What a table of the file holds, by key; refuses keys besides those named, where any are named."""
    if not isinstance(table.raw, dict):
        raise table.refused("not a table; write its name in brackets and its keys below")
    for key in table.raw:
        if keys and key not in keys:
            raise refusal(f"{table.where}{joint}{shown(key)}: not known{nearest(key, keys)}")
    return {key: Value(f"{table.where}{joint}{key}", raw) for key, raw in table.raw.items()}


def items_of(value: Value, pattern: re.Pattern[str]) -> tuple[str, ...]:
    """Names of one form, each once, given with commas between them or as a list."""
    parts = value.raw if isinstance(value.raw, list) else [value.raw]
    items = [item.strip() for part in parts for item in _text(part).split(",")]
    if not 0 < len(items) <= ITEMS_MAX:
        raise value.refused(f"{len(items)} names; give 1 to {ITEMS_MAX}")
    for item in items:
        if not pattern.fullmatch(item) or items.count(item) > 1:
            # Where an address was asked for, a key may have been given; a URL may hold a password.
            is_delicate = pattern is ADDRESS or "@" in item
            raise Value(value.where, "(not shown)" if is_delicate else item).refused(EXPECTED[pattern])
    return tuple(items)


def line_of(value: Value) -> str:
    """A text of one printable line."""
    text = value.raw if isinstance(value.raw, str) else ""
    if not text.isprintable() or not 0 < len(text) <= TEXT_LENGTH_MAX:
        raise value.refused(f"not a text of 1 to {TEXT_LENGTH_MAX} printable characters")
    return text


def shown(raw: object) -> str:
    """A value as a message shows it: short, printable, in quotes where it has blanks."""
    text = _text(raw)[:SHOWN_LENGTH_MAX]
    return text if TOKEN_ID.fullmatch(text) else repr(text)[:SHOWN_LENGTH_MAX]


def _converted(value: Value, hint: object) -> object:
    whole, *marks = get_args(hint) or (hint,)
    if get_origin(whole) is dict:
        return _nested(value, depth=0)
    kind = (get_args(whole) or (whole,))[0]
    if kind is str:
        items = items_of(value, marks[0])
        if whole != Names and len(items) > 1:
            raise value.refused("several; give one")
        return items if whole == Names else items[0]
    if kind is Path:
        return Path(line_of(value))
    if kind in (int, Decimal):
        return None if MAX in marks and value.raw == MAX else _number(value, kind, *marks)
    choices = {"true": True, "false": False} if kind is bool else {str(choice): choice for choice in kind}
    text = _text(value.raw)
    if text in choices:
        return choices[text]
    close = closest(text, choices)
    raise value.refused(f"not one of {', '.join(choices)}{close and f'; did you mean {close}?'}")


def _number(value: Value, kind: type, bounds: tuple[Any, Any], *marks: object) -> object:
    number = None
    with contextlib.suppress(ValueError, ConfigurationError):
        number = int(_text(value.raw)) if kind is int else parse_amount(_text(value.raw), name=value.where)
    if number is not None and bounds[0] <= number <= bounds[1]:
        return number
    wanted = "a whole number" if kind is int else "a number of at most six decimals"
    raise value.refused(f"give {wanted}, {bounds[0]} to {bounds[1]}{', or max' if MAX in marks else ''}")


def _nested(value: Value, *, depth: int) -> object:
    """Tables inside tables, down to texts, whole numbers and switches: what another library is configured with."""
    if isinstance(value.raw, dict) and depth < DEPTH_MAX and len(value.raw) <= ITEMS_MAX:
        return {key: _nested(inner, depth=depth + 1) for key, inner in entries(value, ()).items()}
    if depth == 0:
        raise value.refused("not a table; write its name in brackets and its keys below")
    if isinstance(value.raw, bool | int):
        return value.raw
    return line_of(value)


def _text(raw: object) -> str:
    if isinstance(raw, int | Decimal):  # str refuses an int of more than 4300 digits
        return str(raw).lower() if isinstance(raw, bool) else str(Decimal(raw))
    return raw if isinstance(raw, str) else f"({type(raw).__name__})"
