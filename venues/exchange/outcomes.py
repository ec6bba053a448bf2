"""What an answer, or an exception, of ccxt means for the order: pure, and in doubt always UNKNOWN.

Only two things prove that an order is not at the exchange: no byte of it left, or the exchange itself refused it,
with an error code of its own, in a kind of error that it gives for orders it has not placed.
"""

import json
from enum import StrEnum
from typing import Any, NamedTuple

import ccxt

from venues.exchange.calls import CallRecord, Exchanged
from venues.exchange.quirks import Errors

REASON_LENGTH_MAX = 300

REFUSALS = (
    ccxt.InsufficientFunds,
    ccxt.InvalidOrder,
    ccxt.BadRequest,
    ccxt.AuthenticationError,
    ccxt.MarketClosed,
    ccxt.OperationRejected,
    # Its parent is a network error, and yet the request was refused: its timestamp is out of the window.
    ccxt.InvalidNonce,
)
RATE_LIMITS = (ccxt.RateLimitExceeded, ccxt.DDoSProtection)
TEMPORARY_BAN_STATUS = 401
DUPLICATE_WORDS = ("duplicate", "already exist", "is already used")

OK, REFUSED_FROM, REFUSED_BELOW = 200, 400, 500
UNDECIDED_STATUS = (408, 425)
RATE_LIMITED_STATUS = (418, 429)


class Outcome(StrEnum):
    """What became of an order that was handed over."""

    PLACED = "PLACED"
    NOT_SENT = "NOT_SENT"
    """No byte left: the same payload may go again."""
    UNSENDABLE = "UNSENDABLE"
    """No byte left, and none ever will: it was refused on our side, and would be again."""
    REFUSED = "REFUSED"
    EXISTS = "EXISTS"
    """This attempt was refused because an order of that id is there: query it."""
    UNKNOWN = "UNKNOWN"


class Judgement(NamedTuple):
    """The outcome, a sentence about it, and the exchange's id of a placed order."""

    outcome: Outcome
    reason: str
    venue_order_id: str = ""


def judge_order(record: CallRecord, errors: Errors, answer: object) -> Judgement:
    """Judge what create_order returned or raised; `answer` is the one or the other."""
    if isinstance(answer, BaseException):
        return _judge_error(record, errors, answer)
    writing = record.writing
    order_id = answer.get("id") if isinstance(answer, dict) else None
    if not isinstance(order_id, str) or not order_id:
        return Judgement(Outcome.UNKNOWN, f"answered without an order: {_shown(writing)}")
    if writing is None or writing.status is None or not _is_success(writing.status):
        return Judgement(Outcome.UNKNOWN, f"an order, but no success: {_shown(writing)}")
    return Judgement(Outcome.PLACED, "", order_id)


def error_code(body: str | None, errors: Errors) -> str | None:
    """The exchange's own error code in a body; None where there is none, or it means success.

    >>> error_code('{"code":-2010,"msg":"no"}', Errors(("code",), frozenset({"0"}), False))
    '-2010'
    >>> error_code('{"error":["EOrder:Insufficient funds"]}', Errors(("error",), frozenset(), True))
    'EOrder:Insufficient funds'
    """
    try:
        answer = json.loads(body or "")
    except ValueError:
        return None
    if not isinstance(answer, dict):
        return None
    codes = (_first(answer.get(key)) for key in errors.code_keys)
    return next((code for code in codes if code and code not in errors.success_codes), None)


def is_absent_order(error: BaseException) -> bool:
    """Say whether the exchange answered a query by id with "no such order"."""
    return isinstance(error, ccxt.OrderNotFound)


def words(error: BaseException) -> str:
    """An exception as one short line, without addresses: their query strings are signed."""
    text = f"{type(error).__name__}: {error}".split("\n", 1)[0]
    parts = (part.split("?", 1)[0] if "://" in part else part for part in text.split(" "))
    return " ".join(parts)[:REASON_LENGTH_MAX]


def _judge_error(record: CallRecord, errors: Errors, error: BaseException) -> Judgement:
    writing = record.writing
    if not record.may_have_arrived:
        outcome = Outcome.UNSENDABLE if _is_ours(record, error) else Outcome.NOT_SENT
        return Judgement(outcome, words(error))
    assert writing is not None
    if not _is_refusal(writing, errors, error):
        return Judgement(Outcome.UNKNOWN, f"{words(error)} ({_shown(writing)})")
    text = (writing.body or "").lower()
    is_duplicate = isinstance(error, ccxt.DuplicateOrderId) or any(w in text for w in DUPLICATE_WORDS)
    return Judgement(Outcome.EXISTS if is_duplicate else Outcome.REFUSED, _reason(writing, error))


def _is_ours(record: CallRecord, error: BaseException) -> bool:
    """An error of ccxt's own checks, before any request: it would be the same again."""
    return not record.requests and isinstance(error, ccxt.ExchangeError | ArithmeticError | ValueError)


def _is_refusal(writing: Exchanged, errors: Errors, error: BaseException) -> bool:
    if writing.status is None or not _may_refuse(writing.status, errors):
        return False
    if error_code(writing.body, errors) is None:
        return False
    if isinstance(error, ccxt.DDoSProtection) and writing.status == TEMPORARY_BAN_STATUS:
        return True  # Binance -2015: ccxt's name for it changes once a private call has succeeded
    if isinstance(error, RATE_LIMITS) or writing.status in RATE_LIMITED_STATUS:
        return errors.rate_limited_is_refused
    return isinstance(error, REFUSALS)


def _may_refuse(status: int, errors: Errors) -> bool:
    if status in UNDECIDED_STATUS:
        return False
    return REFUSED_FROM <= status < REFUSED_BELOW or (errors.comes_with_200 and status == OK)


def _is_success(status: int) -> bool:
    return status // 100 == OK // 100


def _reason(writing: Exchanged, error: BaseException) -> str:
    """The exchange's words where it has some, else ccxt's."""
    body = (writing.body or "").strip()
    return body[:REASON_LENGTH_MAX] if body.startswith("{") else words(error)


def _shown(writing: Exchanged | None) -> str:
    if writing is None:
        return "no request was made"
    if writing.status is None:
        return "no answer was read"
    return f"HTTP {writing.status}, body {(writing.body or '')[:80]!r}"


def _first(value: Any) -> str | None:
    """A code that stands alone, first in a list, or in an object as `error`."""
    if isinstance(value, list):
        return _first(value[0]) if value else None
    if isinstance(value, dict):
        return _first(value.get("error"))
    return None if value is None else str(value)
