"""Reads from an exchange that fail loudly: an answer that is no answer must not pass for "nothing there"."""

from collections.abc import Awaitable, Callable
from typing import Any

import ccxt

from domain.errors import VenueReadError
from venues.exchange.calls import CallRecord, recorded
from venues.exchange.outcomes import is_absent_order, words

NO_ANSWERS = ("", "{}", "null")
SUCCESS = range(200, 300)

Rows = list[dict[str, Any]]


async def rows_of(call: Callable[[], Awaitable[Any]], what: str) -> Rows:
    """A list of ccxt's dicts; raises VenueReadError where the request failed or the body was not JSON."""
    answer = await _checked(call, what)
    if not isinstance(answer, list):
        raise VenueReadError(f"{what}: no list but {type(answer).__name__}")
    return answer


async def row_of(call: Callable[[], Awaitable[Any]], what: str) -> dict[str, Any]:
    """One of ccxt's dicts; raises VenueReadError as `rows_of` does."""
    answer = await _checked(call, what)
    if not isinstance(answer, dict):
        raise VenueReadError(f"{what}: no object but {type(answer).__name__}")
    return answer


async def order_of(call: Callable[[], Awaitable[Any]], what: str) -> dict[str, Any] | None:
    """One order, or None where the exchange itself says that it knows no such order; else VenueReadError."""
    try:
        answer = await row_of(call, what)
    except VenueReadError as error:
        if error.__cause__ is not None and is_absent_order(error.__cause__):
            return None
        raise
    if not answer.get("id"):
        raise VenueReadError(f"{what}: answered without an order")
    return answer


async def _checked(call: Callable[[], Awaitable[Any]], what: str) -> Any:
    with recorded() as record:
        try:
            answer = await call()
        except ccxt.BaseError as error:
            raise VenueReadError(f"{what}: {words(error)}") from error
        except Exception as error:  # supervised: ccxt's parsers stumble over what no exchange should answer
            raise VenueReadError(f"{what}: answer not understood: {words(error)}") from error
    if reason := _no_answer(record):
        raise VenueReadError(f"{what}: {reason}")
    return answer


def _no_answer(record: CallRecord) -> str | None:
    for request in record.requests:
        body = (request.body or "").strip()
        if request.status not in SUCCESS:
            return f"HTTP {request.status}"
        if body in NO_ANSWERS or body[0] not in "[{":
            return f"body {body[:60]!r}"
    return None
