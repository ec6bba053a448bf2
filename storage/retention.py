"""Bounds what `gate_counts` takes on disk: old minutes become one row an hour, old hours one a day; no look is lost.

What was counted keeps its sum and stands under the last minute in which it was counted, so that a question about any
span of time includes an hour, or a day, where the last of its looks lies in the span. Event time alone decides, and
folding again changes nothing: a run that was interrupted ends with the very rows of one that was not.
"""

import sqlite3
from typing import NamedTuple

from clock import NS_PER_S, format_time, parse_time
from domain.identifiers import SessionId

HOUR_NS = 3_600 * NS_PER_S
DAY_NS = 24 * HOUR_NS

MINUTES_KEPT_NS = DAY_NS
"""Looks stay counted by the minute for a day of event time, whole hours at a time."""

HOURS_KEPT_NS = 30 * DAY_NS
"""After that they are counted by the hour for so long, whole days at a time; then by the day."""

HOUR_CHARACTERS, DAY_CHARACTERS = len("2026-09-28T08"), len("2026-09-28")
"""Beginnings of a stored minute that two of the same hour, or of the same day, share."""

NEWEST = "SELECT session, last_time FROM sessions WHERE last_time IS NOT NULL"
NAMED = "strategy, market, gate"

GATHER = f"""INSERT INTO gate_counts(minute, session, {NAMED}, count)
    SELECT max(minute), session, {NAMED}, sum(count) FROM gate_counts
    WHERE session = :session AND minute >= :start AND minute < :end
    GROUP BY substr(minute, 1, :characters), {NAMED} HAVING count(*) > 1
    ON CONFLICT(session, minute, {NAMED}) DO UPDATE SET count = excluded.count"""

DROP = f"""DELETE FROM gate_counts WHERE session = :session AND (minute, {NAMED}) IN (
    SELECT minute, {NAMED} FROM (
        SELECT minute, {NAMED}, max(minute) OVER (PARTITION BY substr(minute, 1, :characters), {NAMED}) AS last
        FROM gate_counts WHERE session = :session AND minute >= :start AND minute < :end)
    WHERE minute < last)"""


class Bounds(NamedTuple):
    """Moments before which looks are counted by the hour, and by the day, as stored; "" is before all of them."""

    hours: str = ""
    days: str = ""


class Retention:
    """Folds what has grown old: all of it when a run begins and ends, and each hour of event time what that hour adds.

    Used by the thread that owns the connection.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._folded: dict[SessionId, Bounds] = {}
        self._due_ns = 0

    def fold_everything(self) -> None:
        """Fold every session up to its own newest moment, in a transaction of its own."""
        self._connection.execute("BEGIN IMMEDIATE")
        for session, last_time in self._connection.execute(NEWEST).fetchall():
            self._folded[session] = bounds_at(parse_time(last_time))
            fold(self._connection, session, Bounds(), self._folded[session])
        self._connection.execute("COMMIT")

    def fold_due(self, session: SessionId, time_ns: int) -> None:
        """Fold what the session's last hour made old, once an hour, in the transaction that is under way."""
        if time_ns < self._due_ns:
            return
        self._due_ns = time_ns - time_ns % HOUR_NS + HOUR_NS
        before, now = self._folded.get(session, Bounds()), bounds_at(time_ns)
        fold(self._connection, session, before, now)
        self._folded[session] = now


def bounds_at(time_ns: int) -> Bounds:
    """The bounds when this is the newest moment of a session.

    >>> bounds_at(parse_time("2026-09-28T08:45:12.649000Z"))
    Bounds(hours='2026-09-27T08:00:00.000000Z', days='2026-08-29T00:00:00.000000Z')
    """
    hours_ns = max(0, time_ns - MINUTES_KEPT_NS)
    days_ns = max(0, time_ns - HOURS_KEPT_NS)
    return Bounds(
        hours=format_time(hours_ns - hours_ns % HOUR_NS), days=format_time(days_ns - days_ns % DAY_NS)
    )


def fold(connection: sqlite3.Connection, session: str, before: Bounds, now: Bounds) -> None:
    """Fold what lies between the bounds of an earlier call and the present ones; no transaction of its own."""
    for start, end, characters in (
        (before.days, now.days, DAY_CHARACTERS),
        (max(before.hours, now.days), now.hours, HOUR_CHARACTERS),
    ):
        span = {"session": session, "start": start, "end": end, "characters": characters}
        if start < end:
            connection.execute(GATHER, span)
            connection.execute(DROP, span)
