"""What an answer of the venue, or none, means for an order or a cancel: one literal table, and pure functions on it.

Only what is certain counts: without proof that nothing was sent, or the venue's own word that nothing was placed,
an outcome is UNKNOWN and the order is asked for.
"""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

import msgspec
from msgspec import Struct

OK = 200
REASON_LENGTH_MAX = 300


class NotConnectedError(ConnectionError):
    """No connection: DNS, refused, TLS, none in time. No byte of the request has left."""


class InterruptedRequestError(ConnectionError):
    """The request was written, in whole or in part, and no whole answer came: it may have arrived."""


class Outcome(StrEnum):
    """What became of an order that was to be posted."""

    NOT_SENT = "NOT_SENT"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    DELAYED = "DELAYED"
    REJECTED = "REJECTED"
    EXISTS = "EXISTS"
    UNKNOWN = "UNKNOWN"


class Restriction(StrEnum):
    """What an answer says about the orders that come after: nothing may be opened until it is lifted."""

    RESTARTING = "the matching engine restarts"
    POST_ONLY = "post-only mode after a restart"
    CANCEL_ONLY = "the venue takes cancels only"
    DISABLED = "the venue has stopped trading"
    RATE_LIMITED = "rate limited"
    PROTOCOL = "the venue speaks another protocol version than we sign"
    ACCOUNT = "the venue refuses this account, wallet or key"
    REGION = "the venue does not trade with this region"

    @property
    def is_lasting(self) -> bool:
        """Say whether only a person can lift it."""
        return self in (Restriction.PROTOCOL, Restriction.ACCOUNT, Restriction.REGION)


class Row(NamedTuple):
    """One line of the table: a status, words of the venue's text in lower case, and what both together mean."""

    status: int
    words: str
    outcome: Outcome
    restriction: Restriction | None = None


_O = Outcome
_R = Restriction

TABLE = (
    # The same signed order arrived before, whatever became of it since: it is asked for.
    Row(400, "duplicated", _O.EXISTS),
    # Neither taken nor refused: the venue has it, and says that its match is put off.
    Row(400, "order match delayed", _O.UNKNOWN),
    Row(400, "order_version_mismatch", _O.REJECTED, _R.PROTOCOL),
    Row(400, "invalid signature", _O.REJECTED, _R.PROTOCOL),
    Row(400, "owner has to be the owner", _O.REJECTED, _R.ACCOUNT),
    Row(400, "signer address has to be", _O.REJECTED, _R.ACCOUNT),
    Row(400, "maker address not allowed", _O.REJECTED, _R.ACCOUNT),
    Row(400, "address banned", _O.REJECTED, _R.ACCOUNT),
    Row(400, "closed only mode", _O.REJECTED, _R.ACCOUNT),
    # Texts of the engine that others saw with 500 after the order had been placed, here under another status.
    Row(400, "could not run the execution", _O.UNKNOWN),
    Row(400, "could not insert order", _O.UNKNOWN),
    Row(400, "internal server error", _O.UNKNOWN),
    Row(400, "context canceled", _O.UNKNOWN),
    # Tick, size, balance, post-only, FOK and FAK without a match, bad payload …: nothing was placed.
    Row(400, "", _O.REJECTED),
    Row(401, "", _O.REJECTED, _R.ACCOUNT),
    Row(403, "region", _O.REJECTED, _R.REGION),
    Row(403, "", _O.REJECTED),
    Row(404, "", _O.REJECTED),
    Row(408, "", _O.UNKNOWN),
    Row(425, "", _O.UNKNOWN, _R.RESTARTING),
    Row(503, "trading is currently disabled", _O.REJECTED, _R.DISABLED),
    Row(503, "cancel-only", _O.REJECTED, _R.CANCEL_ONLY),
    Row(503, "post-only mode", _O.REJECTED, _R.POST_ONLY),
)
"""The first line that fits counts. A status without a line, and 429 without the signer's headers, is UNKNOWN."""

SIGNER_HEADERS = ("poly-ratelimit-remaining", "poly-ratelimit-reset", "poly-ratelimit-tier")


class Verdict(Struct, frozen=True, kw_only=True):
    """The class of an outcome with the venue's words. An order that matched at once gave `making` and took `taking`,
    in shares or pUSD by its side, None where not said; `pause_s` is how long the venue asked us to wait."""

    outcome: Outcome
    reason: str
    restriction: Restriction | None = None
    pause_s: Decimal | None = None
    has_matched: bool = False
    making: Decimal | None = None
    taking: Decimal | None = None


class CancelVerdict(Struct, frozen=True, kw_only=True):
    """Whether the venue said that the order is cancelled; if not, only a query can tell what became of it."""

    is_cancelled: bool
    reason: str


class Answer(Struct, frozen=True):
    """What came back: status, headers by their names in lower case, and the body as it was."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Placed(Struct):
    success: bool
    status: str = ""
    errorMsg: str | None = ""  # noqa: N815  # the wire's name
    orderID: str | None = ""  # noqa: N815  # the wire's name
    makingAmount: str | None = ""  # noqa: N815  # the wire's name
    takingAmount: str | None = ""  # noqa: N815  # the wire's name


class _Refused(Struct):
    error: str = ""
    error_msg: str = ""
    code: str = ""
    retry_after_seconds: int | float | str | None = None


class _Cancelled(Struct):
    canceled: list[str] | None = None
    not_canceled: dict[str, str] | None = None


_PLACED = msgspec.json.Decoder(_Placed)
_REFUSED = msgspec.json.Decoder(_Refused)
_CANCELLED = msgspec.json.Decoder(_Cancelled)
_LEGS = msgspec.json.Decoder(list[msgspec.Raw])


def of_failure(error: BaseException) -> Verdict:
    """Classify a request that ended in an exception: not sent only where no connection was ever made."""
    outcome = Outcome.NOT_SENT if isinstance(error, NotConnectedError) else Outcome.UNKNOWN
    words = "no answer in time" if isinstance(error, asyncio.TimeoutError) and not str(error) else str(error)
    return Verdict(outcome=outcome, reason=f"{type(error).__name__}: {words}"[:REASON_LENGTH_MAX])


def of_post(answer: Answer, *, order_id: str) -> Verdict:
    """Classify the answer to a posted order that the venue knows as `order_id`."""
    if answer.status == OK:
        return _of_leg(answer.body, order_id)
    return _of_refusal(answer)


def of_batch(answer: Answer, *, order_ids: tuple[str, ...]) -> tuple[Verdict, ...]:
    """Classify each order of a batch; where the answer has another number of entries, none of them can be told."""
    if answer.status != OK:
        return (_of_refusal(answer),) * len(order_ids)
    try:
        legs = _LEGS.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return (_unknown("the answer to a batch does not parse", answer.body),) * len(order_ids)
    if len(legs) != len(order_ids):
        words = f"{len(legs)} answers to {len(order_ids)} orders"
        return (_unknown(words, answer.body),) * len(order_ids)
    return tuple(_of_leg(bytes(leg), order_id) for leg, order_id in zip(legs, order_ids, strict=True))


def of_cancel(answer: Answer, *, order_id: str) -> CancelVerdict:
    """Classify the answer for one order of a cancel; what it does not name as cancelled is not known."""
    cancelled, refused, words = _cancel_lists(answer)
    if order_id in cancelled:
        return CancelVerdict(is_cancelled=True, reason="cancelled on request")
    return CancelVerdict(is_cancelled=False, reason=refused.get(order_id, words)[:REASON_LENGTH_MAX])


def cancelled_ids(answer: Answer) -> frozenset[str]:
    """The orders that an answer to a cancel of many names as cancelled."""
    return _cancel_lists(answer)[0]


def refusal_words(answer: Answer) -> str:
    """The venue's own text of a refusal, or the status where its body is none of the venue's."""
    refused = _refusal_of(answer.body)
    text = (refused.error or refused.error_msg) if refused else ""
    return text or f"HTTP {answer.status}: {_sample(answer.body)}"


def is_venues_word(answer: Answer) -> bool:
    """Say whether the body is an error of the venue itself, and not a page of something that stands before it."""
    refused = _refusal_of(answer.body)
    return refused is not None and bool(refused.error or refused.error_msg)


def pause_asked_s(answer: Answer) -> Decimal | None:
    """Seconds that the venue asks us to wait, from the header or the body; None where it does not."""
    refused = _refusal_of(answer.body)
    asked = answer.headers.get("retry-after") or (refused.retry_after_seconds if refused else None)
    try:
        seconds = Decimal(str(asked))
    except ArithmeticError:
        return None
    return seconds if seconds.is_finite() and seconds >= 0 else None


def _of_leg(body: bytes, order_id: str) -> Verdict:
    """One placed order: alone, or as an entry of a batch, where a failure may call itself a success."""
    try:
        placed = _PLACED.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _unknown("the answer does not parse", body)
    if placed.errorMsg and not placed.orderID:
        row = _row_of_leg(placed.errorMsg)
        return Verdict(outcome=row.outcome, reason=placed.errorMsg, restriction=row.restriction)
    if placed.errorMsg or not placed.success or placed.orderID != order_id:
        return _unknown("the answer contradicts itself, or is about another order", body)
    making, taking = _amount(placed.makingAmount), _amount(placed.takingAmount)
    match placed.status:
        case "live" | "matched" as word:
            return Verdict(
                outcome=Outcome.ACKNOWLEDGED,
                reason=word,
                has_matched=word == "matched",
                making=making,
                taking=taking,
            )
        case "delayed":
            return Verdict(outcome=Outcome.DELAYED, reason="delayed")
        case "unmatched":
            return _unknown("the delay passed without a match: it may rest on the book", body)
        case _:
            return _unknown("a status that is not known", body)


def _of_refusal(answer: Answer) -> Verdict:
    words = refusal_words(answer)[:REASON_LENGTH_MAX]
    refused, pause_s = _refusal_of(answer.body), pause_asked_s(answer)
    if answer.status == 429:  # noqa: PLR2004  # too many requests
        is_of_signer = any(name in answer.headers for name in SIGNER_HEADERS)
        outcome = Outcome.REJECTED if is_of_signer else Outcome.UNKNOWN
        return Verdict(outcome=outcome, reason=words, restriction=Restriction.RATE_LIMITED, pause_s=pause_s)
    row = _row(answer.status, f"{words} {refused.code if refused else ''}")
    if row.outcome is Outcome.REJECTED and not is_venues_word(answer):
        return Verdict(outcome=Outcome.UNKNOWN, reason=words, pause_s=pause_s)
    return Verdict(outcome=row.outcome, reason=words, restriction=row.restriction, pause_s=pause_s)


def _row(status: int, text: str) -> Row:
    lower = text.lower()
    fitting = (row for row in TABLE if row.status == status and row.words in lower)
    return next(fitting, Row(status, "", Outcome.UNKNOWN))


def _row_of_leg(text: str) -> Row:
    """An entry of a batch has no status of its own: its words decide, and without any that are known it is refused."""
    lower = text.lower()
    fitting = (row for row in TABLE if row.words and row.words in lower)
    return next(fitting, Row(OK, "", Outcome.REJECTED))


def _refusal_of(body: bytes) -> _Refused | None:
    try:
        return _REFUSED.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _cancel_lists(answer: Answer) -> tuple[frozenset[str], dict[str, str], str]:
    if answer.status != OK:
        return frozenset(), {}, refusal_words(answer)
    try:
        wire = _CANCELLED.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return frozenset(), {}, f"the answer does not parse: {_sample(answer.body)}"
    return frozenset(wire.canceled or ()), wire.not_canceled or {}, "the answer does not name the order"


def _amount(text: str | None) -> Decimal | None:
    try:
        value = Decimal(text) if text else None
    except ArithmeticError:
        return None
    return value if value is not None and value.is_finite() and value >= 0 else None


def _unknown(why: str, body: bytes) -> Verdict:
    return Verdict(outcome=Outcome.UNKNOWN, reason=f"{why}: {_sample(body)}"[:REASON_LENGTH_MAX])


def _sample(body: bytes) -> str:
    return body[:REASON_LENGTH_MAX].decode(errors="replace")
