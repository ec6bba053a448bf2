"""Faults on demand: which one strikes the next request, stream message or trade, and how often each was reached.

A fault is armed for the next n matching occasions, or with a probability for all of them. Chance is a hash of the
seed, the fault and the number of the occasion, so a run with the same requests has the same faults.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from fnmatch import fnmatchcase

from msgspec import Struct, field

from domain.money import ONE

SPAN = 2**64
ARMED_MAX = 1_000
"""Armed faults at a time: far above what a test arms by hand, below what would slow every request down."""


class Fault(StrEnum):
    """Everything that can go wrong between a client and a venue; the comment says what the client sees."""

    # A request; the first group leaves no trace at the venue.
    LOST_REQUEST = "lost_request"  # connection reset, nothing booked
    HANG_UP = "hang_up"  # closed right after the request was accepted, nothing booked
    BOOK_LATE = "book_late"  # held back before it is booked: parameter `delay_ms`
    STATUS_425 = "status_425"
    STATUS_429 = "status_429"  # with the venue's rate limit headers
    STATUS_429_BARE = "status_429_bare"
    ANSWER_5XX = "answer_5xx"  # nothing booked: parameters `status`, `body`
    HTML_REFUSAL = "html_refusal"  # a proxy's page instead of the venue: nothing booked, parameter `status`
    UNAUTHORIZED = "unauthorized"
    REGION_BLOCKED = "region_blocked"
    # What follows was booked.
    LOST_ANSWER = "lost_answer"  # connection reset instead of an answer
    DELAY = "delay"  # answered late: parameter `delay_ms`
    ANSWER_5XX_AFTER_BOOKING = "answer_5xx_after_booking"  # parameters `status`, `body`
    HTML_BODY = "html_body"  # status 200 and a page
    EMPTY_BODY = "empty_body"
    TRUNCATED_BODY = "truncated_body"  # half of the answer, then the connection closes
    MISSING_FIELD = "missing_field"  # parameter `field`
    PARTIAL_BATCH = "partial_batch"  # the last entries of a list answer are missing: parameter `keep`
    HUGE_BODY = "huge_body"  # the answer after a megabyte of white space
    # Reads.
    STALE_READ = "stale_read"  # the answer of an earlier moment
    MISSING_READ = "missing_read"  # not found, though it is there
    DUPLICATE_ROWS = "duplicate_rows"
    REORDERED_ROWS = "reordered_rows"
    UNPARSABLE_ROW = "unparsable_row"
    # A stream.
    DROP_STREAM_MESSAGE = "drop_stream_message"
    DUPLICATE_DELIVERY = "duplicate_delivery"
    REORDER = "reorder"  # swapped with the message after it
    LATE_MESSAGE = "late_message"  # after parameter `delay_ms`
    UNKNOWN_MESSAGE = "unknown_message"  # one of no known type goes before it
    TRUNCATED_MESSAGE = "truncated_message"
    HUGE_MESSAGE = "huge_message"  # above a megabyte
    EMPTY_FIELDS = "empty_fields"  # numbers are "", as some kills were seen: parameter `fields`
    STALL_STREAM = "stall_stream"  # no data any more, pings are answered
    DEAD_STREAM = "dead_stream"  # nothing is answered, the connection stays
    CUT_STREAM = "cut_stream"  # closed before this message: parameter `code`
    REFUSED_STREAM = "refused_stream"  # closed right after it was accepted
    # The engine.
    TRADE_RETRYING = "trade_retrying"
    TRADE_FAILED = "trade_failed"
    TRADE_STUCK = "trade_stuck"  # matched, and never on chain
    CANCEL_FILL_RACE = "cancel_fill_race"  # the order is filled while the cancel is on its way
    FILL_AFTER_CANCEL = "fill_after_cancel"  # a match made before the cancel shows after its answer
    CANCEL_LOST = "cancel_lost"  # the cancel is acknowledged and does nothing
    WRONG_FEE = "wrong_fee"
    BLOCKED_BALANCE = "blocked_balance"  # "not enough balance" though funded
    HEARTBEAT_MISMATCH = "heartbeat_mismatch"
    SILENT_RESOLUTION = "silent_resolution"  # resolved, and no stream says so
    ENGINE_RESTART = "engine_restart"
    CLOCK_SKEW = "clock_skew"  # the venue's clock is ahead: parameter `skew_ms`


Parameter = str | int | bool


class ArmedFault(Struct, frozen=True, kw_only=True):
    """One fault waiting for occasions; `endpoint` is a pattern such as `POST /order*`, `ws /ws/user *`, `trade *`."""

    fault: Fault
    endpoint: str = "*"
    times: int | None = 1
    """How often it strikes before it is spent; None until it is cleared."""
    skip: int = 0
    """Matching occasions that pass untouched first."""
    probability: Decimal = ONE
    parameters: dict[str, Parameter] = field(default_factory=dict)

    def number(self, name: str, default: int) -> int:
        """A whole-number parameter; raises ValueError where the text is none."""
        return int(self.parameters.get(name, default))

    def text(self, name: str, default: str) -> str:
        """A parameter as text."""
        return str(self.parameters.get(name, default))


class FaultPlan:
    """The armed faults of one venue and the counters of those reached; nothing here waits or sends."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._armed: list[_Waiting] = []
        self._occasions: Counter[Fault] = Counter()
        self.reached: Counter[str] = Counter()
        """How often each fault struck, by its name, and each edge that was marked: the `sometimes` counters."""

    def arm(self, fault: ArmedFault) -> None:
        """Let a fault wait for its occasions; the earliest armed strikes first. ValueError above the limit."""
        if len(self._armed) >= ARMED_MAX:
            raise ValueError(f"{len(self._armed)} faults are armed, at most {ARMED_MAX}; clear some")
        if not 0 <= fault.probability <= 1:
            raise ValueError(f"probability {fault.probability} of {fault.fault}; give 0 to 1")
        self._armed.append(_Waiting(fault=fault, skip=fault.skip, left=fault.times))

    def clear(self, fault: Fault | None = None) -> None:
        """Disarm one fault, or all; the counters stay."""
        self._armed = [waiting for waiting in self._armed if fault not in (None, waiting.fault.fault)]

    def armed(self) -> list[ArmedFault]:
        """What is still waiting, in the order in which it was armed."""
        return [waiting.fault for waiting in self._armed]

    def strike(self, faults: Iterable[Fault], endpoint: str) -> ArmedFault | None:
        """Say which of the faults strikes this occasion, if one does, and count it as reached."""
        if not self._armed:
            return None
        candidates = set(faults)
        for waiting in self._armed:
            if waiting.fault.fault in candidates and self._strikes(waiting, endpoint):
                self.reached[waiting.fault.fault.value] += 1
                return waiting.fault
        return None

    def strikes(self, fault: Fault, endpoint: str) -> bool:
        """Say whether this one fault strikes this occasion."""
        return self.strike((fault,), endpoint) is not None

    def mark(self, edge: str) -> None:
        """Count that the run came along here: an edge of an order's life, a refusal, a limit."""
        self.reached[edge] += 1

    def _strikes(self, waiting: "_Waiting", endpoint: str) -> bool:
        if not fnmatchcase(endpoint, waiting.fault.endpoint):
            return False
        if waiting.skip:
            waiting.skip -= 1
            return False
        if not self._chance(waiting.fault):
            return False
        if waiting.left is not None:
            waiting.left -= 1
            if waiting.left <= 0:
                self._armed.remove(waiting)
        return True

    def _chance(self, fault: ArmedFault) -> bool:
        self._occasions[fault.fault] += 1
        if fault.probability == ONE:
            return True
        text = f"{self._seed}\x1f{fault.fault}\x1f{self._occasions[fault.fault]}"
        drawn = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        return drawn < fault.probability * SPAN


class _Waiting(Struct, kw_only=True, eq=False):
    fault: ArmedFault
    skip: int
    left: int | None
