"""Reading a request's parameters as strictly as Binance: what is missing, malformed or not read is refused."""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar
from urllib.parse import unquote_plus

from simulator.exchanges.binance.errors import BinanceError

NUMBER = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
WHOLE_NUMBER = r"^[0-9]{1,20}$"
CLIENT_ID = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
SYMBOL = r"^[A-Z0-9-_.]{1,20}$"
DECIMALS_MAX = 8

Choice = TypeVar("Choice", bound=StrEnum)


class Parameters:
    """Named texts of one request; every one must be read before `finish`, else the request is refused."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._read: set[str] = set()

    @classmethod
    def parsed(cls, text: str) -> "Parameters":
        """Read a query string or a form body; a name that comes twice is refused (-1101)."""
        values: dict[str, str] = {}
        for part in filter(None, text.split("&")):
            name, _, value = part.partition("=")
            if name in values:
                raise BinanceError(-1101, f"Too many parameters; expected 1 of '{name}'.")
            values[name] = unquote_plus(value)
        return cls(values)

    def optional(self, name: str, pattern: str = "") -> str | None:
        """The text of a parameter; None where it was not sent. An empty or malformed one is refused."""
        self._read.add(name)
        value = self._values.get(name)
        if value == "":
            raise BinanceError(-1105, f"Parameter '{name}' was empty.")
        if value is not None and pattern and not re.match(pattern, value):
            text = f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'."
            raise BinanceError(-1100, text)
        return value

    def required(self, name: str, pattern: str = "") -> str:
        """The text of a parameter that must be there."""
        if not self._values.get(name):
            text = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
            raise BinanceError(-1102, text)
        value = self.optional(name, pattern)
        assert value is not None, f"{name} is there"
        return value

    def amount(self, name: str) -> Decimal | None:
        """An exact number of at most eight decimals; None where it was not sent."""
        text = self.optional(name, NUMBER)
        if text is None:
            return None
        if len(text.partition(".")[2]) > DECIMALS_MAX:
            raise BinanceError(-1111, f"Parameter '{name}' has too much precision.")
        return Decimal(text)

    def required_amount(self, name: str) -> Decimal:
        """An exact number that must be there."""
        self.required(name, NUMBER)
        amount = self.amount(name)
        assert amount is not None, f"{name} is there"
        return amount

    def whole(self, name: str) -> int | None:
        """A whole number, None where it was not sent."""
        text = self.optional(name, WHOLE_NUMBER)
        return None if text is None else int(text)

    def choice(self, name: str, choices: type[Choice], error: tuple[int, str]) -> Choice:
        """One of a closed set that must be there; `error` is what another value is refused with."""
        text = self.required(name)
        try:
            return choices(text)
        except ValueError as unknown:
            raise BinanceError(*error) from unknown

    def refuse(self, name: str) -> None:
        """Refuse a parameter that has no meaning for this kind of request."""
        if name in self._values:
            raise BinanceError(-1106, f"Parameter '{name}' sent when not required.")

    def allow(self, *names: str) -> None:
        """Read parameters whose values make no difference here."""
        self._read.update(names)

    def finish(self) -> None:
        """Refuse the request where something was sent that nobody read; call it before anything is booked."""
        sent, read = len(self._values), len(self._read & self._values.keys())
        if read < sent:
            text = f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'."
            raise BinanceError(-1104, text)
