"""Reading what is asked of Bybit: fields that must be there, in the form that they must have."""

import re
from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from simulator.exchanges.accounts import Account
from simulator.exchanges.bybit.errors import BybitError
from simulator.exchanges.exchange import SpotExchange
from simulator.exchanges.order_log import NOW_NS
from simulator.exchanges.pairs import Pair

NUMBER = re.compile(r"^[0-9]{1,20}(\.[0-9]{1,20})?$")
PARAMETER_ERROR = 10001


class Request(Struct, frozen=True, kw_only=True):
    """The fields of a query string or a JSON body, and the account of a signed request."""

    exchange: SpotExchange
    fields: Mapping[str, object]
    account: Account | None
    as_of_ns: int = NOW_NS

    @property
    def owner(self) -> Account:
        """The account of a signed request."""
        if self.account is None:
            raise BybitError(10003, "API key is invalid.")
        return self.account

    def text(self, name: str, default: str = "") -> str:
        """A field as text, the default where it was not sent; Bybit wants text where numbers are meant."""
        value = self.fields.get(name, default)
        if not isinstance(value, str):
            raise BybitError(PARAMETER_ERROR, f"{name} must be a string")
        return value

    def required(self, name: str) -> str:
        """A field that must be there."""
        text = self.text(name)
        if not text:
            raise BybitError(
                PARAMETER_ERROR, f"Missing some parameters that must be filled in, please check: {name}"
            )
        return text

    def amount(self, name: str) -> Decimal:
        """An exact number that must be there."""
        text = self.required(name)
        if not NUMBER.match(text):
            raise BybitError(PARAMETER_ERROR, f"{name} is not a number: {text}")
        return Decimal(text)

    def whole(self, name: str, default: int, *, highest: int) -> int:
        """A whole number up to a limit; what is above it becomes the limit."""
        text = self.text(name, str(default))
        if not text.isdigit():
            raise BybitError(PARAMETER_ERROR, f"{name} is not a whole number: {text}")
        return min(int(text), highest)

    def pair(self) -> Pair:
        """The pair that the request names; only spot is simulated."""
        pair = self.optional_pair()
        if pair is None:
            raise BybitError(
                PARAMETER_ERROR, "Missing some parameters that must be filled in, please check: symbol"
            )
        return pair

    def optional_pair(self) -> Pair | None:
        """The pair that the request names, None where it names none."""
        if self.required("category") != "spot":
            raise BybitError(PARAMETER_ERROR, "Illegal category")
        symbol = self.text("symbol")
        if not symbol:
            return None
        if symbol not in self.exchange.pairs:
            raise BybitError(170121, "Invalid symbol.")
        return self.exchange.pairs[symbol]
