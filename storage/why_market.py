"""Answers why a market was not traded: each strategy's looks by gate, with what was refused and what was ordered."""

import difflib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

import aiosqlite
import msgspec

from domain.errors import ConfigurationError, UserError
from storage.story import compare

SINCE_S_MAX = 3_650 * 86_400
LINES_MAX = 15
"""Gates, or reasons of skips, that are told of one strategy; the rest is counted."""

NAMES_SHOWN_MAX = 5
CONTROL_GATE = "control "
"""Beginning of the gates that count the repeats of a denial while its signal stands."""

SINCE = re.compile(r"([1-9][0-9]{0,8})([smhd])")
UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

LISTED = """SELECT session, json_extract(payload, '$.market'), json_extract(payload, '$.slug')
    FROM events WHERE type = 'market.listed' ORDER BY id DESC"""
MENTIONED = """SELECT session, market, market FROM (
    SELECT session, market FROM gate_counts UNION SELECT session, market FROM signals
    UNION SELECT session, market FROM denials UNION SELECT session, market FROM orders
    UNION SELECT session, market FROM receipts) JOIN sessions USING (session) ORDER BY sessions.rowid DESC"""
MARKETS_OF_INSTRUMENT = """SELECT market FROM orders WHERE instrument = ?1
    UNION SELECT market FROM receipts WHERE instrument = ?1
    UNION SELECT json_extract(payload, '$.market') FROM events WHERE type = 'market.resolved'
        AND EXISTS (SELECT 1 FROM json_each(payload, '$.payouts') WHERE key = ?1)"""
NEWEST = """SELECT coalesce(last_time, (SELECT max(minute) FROM gate_counts WHERE session = ?1), opened_at)
    FROM sessions WHERE session = ?1"""
RUN_STRATEGIES = "SELECT DISTINCT strategies FROM runs WHERE session = ?"
RESOLVED = """SELECT max(timestamp) FROM events WHERE session = ? AND type = 'market.resolved'
    AND json_extract(payload, '$.market') = ?"""
LAST_LOOK = "SELECT max(minute) FROM gate_counts WHERE session = ? AND market = ? AND strategy = ?"

# What stands beside max() comes from the row that has the maximum: the latest of its group.
TALLIES = {
    "gates": """SELECT strategy, gate, sum(count) AS looks, max(minute) FROM gate_counts
        WHERE session = ? AND market = ? AND minute >= ? GROUP BY 1, 2 ORDER BY looks DESC, gate""",
    "signals": """SELECT strategy, outcome, count(*), max(timestamp) FROM signals
        WHERE session = ? AND market = ? AND timestamp >= ? GROUP BY 1, 2 ORDER BY 3 DESC, 2""",
    "denials": """SELECT strategy, control, count(*), max(timestamp), reason, value, limit_value FROM denials
        WHERE session = ? AND market = ? AND timestamp >= ? GROUP BY 1, 2 ORDER BY 3 DESC, 2""",
    "orders": """SELECT strategy, status, count(*), max(created_at), reason, '', '', sum(filled_size > 0)
        FROM orders WHERE session = ? AND market = ? AND created_at >= ? GROUP BY 1, 2 ORDER BY 3 DESC, 2""",
    "copies": """SELECT strategy, outcome, count(*), max(timestamp), reason FROM receipts
        WHERE session = ? AND market = ? AND timestamp >= ? GROUP BY 1, 2, 5 ORDER BY 3 DESC, 2, 5""",
}
STATES = """SELECT json_extract(payload, '$.strategy'), type, count(*), max(timestamp),
    json_extract(payload, '$.reason') FROM events
    WHERE session = ? AND type IN ('strategy.stopped', 'strategy.paused', 'strategy.resumed') GROUP BY 1"""


class Found(NamedTuple):
    """A market as the newest session that has it knows it."""

    session: str
    market: str
    slug: str


class Tally(NamedTuple):
    """How often a strategy had one outcome; `last`, and what follows it, is that of the latest.

    `name` is the gate, the control, the status or the event; `value` and `limit` are a control's, and `filled`
    counts the orders that were executed at least in part.
    """

    strategy: str
    name: str
    total: int
    last: str
    reason: str = ""
    value: str = ""
    limit: str = ""
    filled: int = 0


class Evidence(NamedTuple):
    """All that one strategy left about the market in the time asked for; `last_look` is set where that is nothing."""

    strategy: str
    last_look: str | None
    states: list[Tally]
    gates: list[Tally]
    signals: list[Tally]
    denials: list[Tally]
    orders: list[Tally]
    copies: list[Tally]

    @property
    def repeats(self) -> dict[str, int]:
        """By control, the denials that were only counted since their signal stood."""
        found = (gate for gate in self.gates if gate.name.startswith(CONTROL_GATE))
        return {gate.name.removeprefix(CONTROL_GATE): gate.total for gate in found}

    @property
    def looks(self) -> int:
        """Looks that were passed over or refused, and signals."""
        return _total(self.gates) + _total(self.signals)


Row = TypeVar("Row", bound=tuple[object, ...])


def parse_since(text: str) -> int:
    """Read a span of event time such as 90s, 15m, 1h or 2d as seconds; ConfigurationError for anything else.

    >>> parse_since("15m")
    900
    """
    parts = SINCE.fullmatch(text)
    if parts is None:
        raise ConfigurationError(
            f"--since {text[:20]!r}: not a span of time; give one such as 90s, 15m, 1h or 2d"
        )
    since_s = int(parts[1]) * UNIT_S[parts[2]]
    if since_s > SINCE_S_MAX:
        raise ConfigurationError(
            f"--since {text}: longer than {SINCE_S_MAX // 86_400}d; give less, or leave it out"
        )
    return since_s


async def tell_market(
    connection: aiosqlite.Connection, market: str, *, since_s: int | None, path: Path
) -> list[str]:
    """Tell strategy by strategy what came of its looks at the market, in the newest session that knows it."""
    found = await _find(connection, market, path=path)
    ((newest,),) = await _rows(connection, tuple[str], NEWEST, found.session)
    start = "" if since_s is None else _minutes_before(newest, since_s)
    ((resolved,),) = await _rows(connection, tuple[str | None], RESOLVED, found.session, found.market)
    span = f"from {_moment(start)[:16]} " if start else "from the beginning "
    lines = [
        f"MARKET {found.slug}, session {found.session}",
        *([f"  id {found.market}"] if found.slug != found.market else []),
        f"  {span}to {_moment(newest)}, event time; a minute of looks is stored when it is over",
        *([f"  resolved {_moment(resolved)}"] if resolved else []),
    ]
    for evidence in await _evidence(connection, found, start):
        lines += ["", *_tell(evidence, is_part=bool(start))]
    return lines


def _minutes_before(newest: str, since_s: int) -> str:
    """The whole minute in which the span begins, as stored: what is counted by the minute cannot be cut finer."""
    start = datetime.fromisoformat(newest) - timedelta(seconds=min(since_s, SINCE_S_MAX))
    return f"{start:%Y-%m-%dT%H:%M}:00.000000Z"


# --- which market -----------------------------------------------------------------------------------


async def _find(connection: aiosqlite.Connection, given: str, *, path: Path) -> Found:
    """The market of this id, slug, instrument, or beginning that only one has; UserError tells the nearest."""
    listed = await _markets(connection, LISTED)
    found = _named(listed, given, path=path) or await _by_instrument(connection, listed, given)
    if found is not None:
        return found
    mentioned = await _markets(connection, MENTIONED)
    if (found := _named(mentioned, given, path=path)) is not None:
        return found
    raise UserError(f"{path} has no market {given[:80]!r}; {_advice(mentioned | listed, given)}")


async def _markets(connection: aiosqlite.Connection, query: str) -> dict[str, Found]:
    """Markets by id, each as the newest session that has it knows it."""
    markets: dict[str, Found] = {}
    for found in await _rows(connection, Found, query):
        markets.setdefault(found.market, found)
    return markets


def _named(markets: dict[str, Found], given: str, *, path: Path) -> Found | None:
    """The market with this id or slug, or the only one that begins so; UserError where several do."""
    if given in markets:
        return markets[given]
    begun = [
        m for m in markets.values() if given and (m.market.startswith(given) or m.slug.startswith(given))
    ]
    exact = [m for m in begun if m.slug == given]
    if len(begun) > 1 and not exact:
        some = ", ".join(sorted(m.slug for m in begun)[:NAMES_SHOWN_MAX])
        raise UserError(f"{len(begun)} markets in {path} begin with {given!r}: {some}; give more of one")
    return next(iter(exact or begun), None)


async def _by_instrument(
    connection: aiosqlite.Connection, markets: dict[str, Found], given: str
) -> Found | None:
    """Most instruments are called after their market; the others are known by what was ordered or paid."""
    if (found := markets.get(given.rpartition(":")[0])) is not None:
        return found
    rows = await _rows(connection, tuple[str], MARKETS_OF_INSTRUMENT, given)
    return next((markets[market] for (market,) in rows if market in markets), None)


def _advice(markets: dict[str, Found], given: str) -> str:
    names = [name for m in markets.values() for name in (m.slug, m.market)]
    if close := difflib.get_close_matches(given[:80], names, n=1):
        return f"the nearest is {close[0]}"
    if names:
        return "see SELECT payload FROM events WHERE type = 'market.listed';"
    return "none was listed in it yet"


# --- what there is about it -------------------------------------------------------------------------


async def _evidence(connection: aiosqlite.Connection, found: Found, start: str) -> list[Evidence]:
    """One for each strategy of the session, whether it left anything or not; by name."""
    session, market = found.session, found.market
    tallies = {
        kind: await _rows(connection, Tally, query, session, market, start) for kind, query in TALLIES.items()
    }
    seen = {row.strategy for rows in tallies.values() for row in rows}
    runs = await _rows(connection, tuple[str], RUN_STRATEGIES, session)
    tallies["states"] = await _rows(connection, Tally, STATES, session)
    evidence = []
    for name in sorted(seen | {name for (run,) in runs for name in run.split(",")} - {""}):
        mine = {kind: [row for row in rows if row.strategy == name] for kind, rows in tallies.items()}
        last_look = None
        if start and name not in seen:
            ((last_look,),) = await _rows(connection, tuple[str | None], LAST_LOOK, session, market, name)
        evidence.append(Evidence(strategy=name, last_look=last_look, **mine))
    return evidence


async def _rows(
    connection: aiosqlite.Connection, row_type: type[Row], query: str, *parameters: str
) -> list[Row]:
    rows = await connection.execute_fetchall(query, parameters)
    return [msgspec.convert(tuple(row), row_type) for row in rows]


# --- telling it -------------------------------------------------------------------------------------


def _tell(evidence: Evidence, *, is_part: bool) -> Iterator[str]:
    yield f"STRATEGY {evidence.strategy}"
    if evidence.looks:
        yield f"  looked {_times(evidence.looks)}"
        gates = [gate for gate in evidence.gates if not gate.name.startswith(CONTROL_GATE)]
        yield from _table([(g.total, g.name, g.last[:16]) for g in gates], of=evidence.looks, what="gates")
    if evidence.signals:
        yield f"  signals {_parts(evidence.signals)}; last {_moment(_last(evidence.signals))}"
    yield from _denied(evidence)
    if evidence.orders:
        yield f"  orders {_parts(evidence.orders)}; last {_moment(_last(evidence.orders))}"
    for refused in (row for row in evidence.orders if row.name == "REJECTED"):
        yield f"  rejected by the venue {_times(refused.total)}; last {_moment(refused.last)}: {refused.reason}"
    if evidence.copies:
        total = _total(evidence.copies)
        yield f"  weighed {total:,} trades of other wallets"
        answers = [(c.total, _answer(c), c.last[:16]) for c in evidence.copies]
        yield from _table(answers, of=total, what="answers")
    for state in evidence.states:
        if state.name != "strategy.resumed":
            yield f"  {state.name.removeprefix('strategy.')} since {_moment(state.last)}: {state.reason}"
    yield f"  In short: {_sentence(evidence, is_part=is_part)}"


def _table(rows: list[tuple[int, str, str]], *, of: int, what: str) -> Iterator[str]:
    for count, text, minute in rows[:LINES_MAX]:
        yield f"    {count:>9,}  {_share(count, of):>6}  {text}, last {minute.replace('T', ' ')}"
    if rest := rows[LINES_MAX:]:
        yield f"    {sum(row[0] for row in rest):>9,}          at {len(rest)} more {what}"


def _denied(evidence: Evidence) -> Iterator[str]:
    """Each control with what its latest denial measured; repeats while a signal stood are only counted."""
    repeats = evidence.repeats
    for denied in evidence.denials:
        more = repeats.pop(denied.name, 0)
        again = f" and {more:,} more while the signal stood" if more else ""
        measured = compare(denied.value, denied.limit)
        yield (
            f"  denied by {denied.name} {_times(denied.total)}{again};"
            f" last {_moment(denied.last)}: {measured}, {denied.reason}"
        )
    for control, count in repeats.items():
        yield f"  denied by {control} {_times(count)} for signals that were up before"


def _sentence(evidence: Evidence, *, is_part: bool) -> str:
    """The answer in plain words: how often it looked, what it mostly saw, and how far it ever came."""
    name, looks = evidence.strategy, evidence.looks
    if not looks and not evidence.copies and not evidence.orders:
        return _silence(evidence, is_part=is_part)
    parts = [f"{name} looked {_times(looks)}"] if looks else []
    if evidence.gates:
        most = evidence.gates[0]
        parts.append(f"most often: {most.name} ({_share(most.total, looks)})")
    if evidence.copies:
        weighed, answer = _total(evidence.copies), evidence.copies[0]
        words = f"most often: {_answer(answer)} ({_share(answer.total, weighed)})"
        parts.append(f"{'it' if looks else name} weighed {weighed:,} trades of other wallets, {words}")
    if looks or evidence.orders:
        parts.append(_how_far(evidence))
    return "; ".join(parts) + "."


def _silence(evidence: Evidence, *, is_part: bool) -> str:
    name = evidence.strategy
    if evidence.last_look and is_part:
        return f"{name} recorded no look in this time; its last was {_moment(evidence.last_look)[:16]}."
    return f"{name} recorded no look at this market: it gave no signal here, and no gate (PassedOver)."


def _how_far(evidence: Evidence) -> str:
    """The farthest step on the way to a trade that was reached."""
    filled = sum(row.filled for row in evidence.orders)
    if filled:
        return f"it did trade: {filled:,} of {_plural(_total(evidence.orders), 'order')} filled"
    if evidence.orders:
        words = ", ".join(f"{row.total:,} {row.name}" for row in evidence.orders)
        return f"its {_plural(_total(evidence.orders), 'order')} came to nothing ({words})"
    refused = {row.name: row.total for row in evidence.denials}
    for control, count in evidence.repeats.items():
        refused[control] = refused.get(control, 0) + count
    if refused:
        control = max(refused, key=lambda name: refused[name])
        return f"it never got past the controls, most often {control}"
    if evidence.signals:
        return "its signals only repeated orders that it had given before"
    return "it never got past its own gates: no signal, so no order"


def _parts(rows: list[Tally]) -> str:
    """The total and what it consists of: `3: 2 ORDERED, 1 DENIED`."""
    return f"{_total(rows):,}: {', '.join(f'{row.total:,} {row.name}' for row in rows)}"


def _total(rows: list[Tally]) -> int:
    return sum(row.total for row in rows)


def _last(rows: list[Tally]) -> str:
    return max(row.last for row in rows)


def _answer(copy: Tally) -> str:
    return f"{copy.name}: {copy.reason}" if copy.reason else copy.name


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _share(count: int, of: int) -> str:
    """Whole per cent; what is neither none nor all never looks so.

    >>> _share(1, 3), _share(1, 1000), _share(999, 1000), _share(3, 3)
    ('33 %', '< 1 %', '> 99 %', '100 %')
    """
    percent = f"{100 * count / of:.0f} %"
    if percent == "0 %":
        return "< 1 %"
    return "> 99 %" if percent == "100 %" and count < of else percent


def _moment(timestamp: str) -> str:
    """Milliseconds are what people compare; the tables have the microseconds."""
    return f"{timestamp[:10]} {timestamp[11:23]}"
