"""What the daemon tells about itself: JSON-lines logs without secrets or floods, and latency percentiles."""

import json
import logging
import math
import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import quote, unquote

import msgspec

from domain.errors import ConfigurationError

FILE_BYTES_MAX = 10_000_000
OLD_FILES_MAX = 5
TEXT_LENGTH_MAX = 10_000
TEMPLATE_LENGTH_MAX = 200
DEPTH_MAX = 8
REPEATS_MAX = 5
WINDOWS_MAX = 1_000
WINDOW_NS = 60 * 1_000_000_000
SECRET_LENGTH_MIN = 4
REDACTED = "[redacted]"
DAEMON_LOG = "orchestrator"
STRATEGY_LOGGERS = "strategies"

USER_OF_URL = re.compile(r"(?<=://)[^/?#\s\"'<>]+@")
QUERY_VALUE = re.compile(r"[?&][^=&#\s]*=([^&#\s]+)")
NOTHING = re.compile(r"(?!)")

LATENCY_S_MIN = 1e-6
LATENCY_S_MAX = 1e3
GROWTH = 1.02
"""Each bucket is so much wider than the one below: its middle is within one per cent of all it holds."""


class Clock(Protocol):
    """What a log needs of time; the module `clock` is one."""

    def wall_ns(self) -> int:
        """System time as UTC nanoseconds since the epoch."""
        ...

    def format_time(self, time_ns: int) -> str:
        """UTC time as text that sorts as time."""
        ...


def setup(log_dir: Path, *, strategies: Sequence[str], level: str, clock: Clock) -> "Telemetry":
    """Send the lines of all loggers to files in `log_dir`, which is made where it is missing.

    `orchestrator.log` has every line, `NAME.log` again those of the logger `strategies.NAME`. Raises
    ConfigurationError where a file cannot be written, and then leaves the loggers as they were.
    """
    if DAEMON_LOG in strategies:
        raise ConfigurationError(f"--strategies {DAEMON_LOG}: {DAEMON_LOG}.log is taken; rename the strategy")
    telemetry = Telemetry(clock)
    try:
        log_dir.mkdir(parents=True, exist_ok=True)
        telemetry.attach(logging.getLogger(), log_dir / f"{DAEMON_LOG}.log")
        for name in strategies:
            telemetry.attach(logging.getLogger(f"{STRATEGY_LOGGERS}.{name}"), log_dir / f"{name}.log")
    except OSError as error:
        telemetry.close()
        where = f"run.log_dir {str(log_dir)[:80]!r}"
        raise ConfigurationError(f"{where}: cannot be written ({error.strerror}); give another") from error
    logging.getLogger().setLevel(level.upper())
    return telemetry


def fields(*, event_time_ns: int | None = None, **values: object) -> dict[str, object]:
    """Facts of one line: `log.info("denied", extra=fields(event_time_ns=event.time_ns, control="03"))`."""
    return {"fields": values, "event_time_ns": event_time_ns}


class Telemetry:
    """The open logs of one run, and what they must not show; made by `setup`, ended by `close`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._redactor = Redactor()
        self._files: list[tuple[logging.Logger, LogFile]] = []
        self._lines_lost = 0
        self._level_before = logging.getLogger().level

    @property
    def lines_lost(self) -> int:
        """Lines that could not be written, say on a full disk: the daemon goes on without them."""
        return self._lines_lost + sum(file.lines_lost for _, file in self._files)

    def register_secret(self, value: str) -> None:
        """Hide this value in all that follows, however it is spelled; of a URL, its password and query.

        A value of fewer than four characters is not hidden: it would take half of every line with it.
        """
        self._redactor.register(value)

    def redact(self, text: str) -> str:
        """The text as a log would have it, for what goes to the screen or to the database."""
        return self._redactor.redact(text)

    def format_exception(self, error: BaseException) -> str:
        """Traceback and message, with causes and notes, without secrets."""
        return self._redactor.redact("".join(traceback.format_exception(error)))

    def flush(self) -> None:
        """Write the counts of repeated lines whose minute is over; a new line does so for its own file."""
        for _, file in self._files:
            file.write_ended()

    def attach(self, logger: logging.Logger, path: Path) -> None:
        """Write the logger's lines to one more file until `close`; raises OSError where that cannot be."""
        file = LogFile(path, redactor=self._redactor, clock=self._clock)
        logger.addHandler(file)
        self._files.append((logger, file))

    def close(self) -> None:
        """Write all counts, close the files and leave the loggers as they were found; may be called twice."""
        if self._files:
            logging.getLogger().setLevel(self._level_before)
        while self._files:
            logger, file = self._files.pop()
            logger.removeHandler(file)
            file.close()
            self._lines_lost += file.lines_lost


class LogFile(RotatingFileHandler):
    """One file of JSON lines, 10 MB and five older ones; it never raises and never prints."""

    def __init__(self, path: Path, *, redactor: "Redactor", clock: Clock) -> None:
        super().__init__(
            path,
            maxBytes=FILE_BYTES_MAX,
            backupCount=OLD_FILES_MAX,
            encoding="utf-8",
            errors="backslashreplace",
        )
        self.lines_lost = 0
        self._redactor = redactor
        self._clock = clock
        self._repeats = Repeats()

    def emit(self, record: logging.LogRecord) -> None:
        """Write the counts that are due, and the line unless it repeats others of its minute."""
        now_ns = self._clock.wall_ns()
        self._write(self._repeats.ended(now_ns))
        text = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        template = Template(record.name, record.levelno, text[:TEMPLATE_LENGTH_MAX])
        if self._repeats.admit(template, now_ns):
            super().emit(record)

    def write_ended(self) -> None:
        """Write the counts of the minutes that are over."""
        self.acquire()
        try:
            self._write(self._repeats.ended(self._clock.wall_ns()))
        finally:
            self.release()

    def close(self) -> None:
        """Write all counts and close the file."""
        self.acquire()
        try:
            self._write(self._repeats.all())
        finally:
            self.release()
        try:
            super().close()
        except OSError:  # a full disk: what could not be written is lost, the daemon goes on
            self.lines_lost += 1

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object: time, event_time, level, logger, message, then the fields of the line."""
        line: dict[str, object] = {"time": self._clock.format_time(self._clock.wall_ns())}
        event_time_ns = getattr(record, "event_time_ns", None)
        if event_time_ns is not None:
            line["event_time"] = self._clock.format_time(event_time_ns)
        line |= {"level": record.levelname.lower(), "logger": record.name, "message": _message(record)}
        for key, value in getattr(record, "fields", {}).items():
            line[f"{key}_" if key in line else key] = value
        if record.exc_info and record.exc_info[1]:
            line["exception"] = "".join(traceback.format_exception(record.exc_info[1]))
        if record.stack_info:
            line["stack"] = record.stack_info
        return json.dumps(self._redactor.clean(line), ensure_ascii=False)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Count the line as lost: logging would print it, unredacted."""
        self.lines_lost += 1

    def _write(self, counted: Iterator[tuple["Template", int]]) -> None:
        for template, count in counted:
            record = logging.LogRecord(
                *(
                    template.logger,
                    template.level,
                    "",
                    0,
                    "%s … repeated %d times",
                    (template.text, count),
                    None,
                )
            )
            record.fields = {"repeated": count}
            super().emit(record)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError) as error:
        return f"{record.msg} (its arguments do not fit: {error})"


class Template(NamedTuple):
    """What makes two lines the same: the text is the one before its arguments are filled in."""

    logger: str
    level: int
    text: str


class Window:
    """The minute that begins with the first line of a template."""

    __slots__ = ("count", "start_ns")

    def __init__(self, start_ns: int) -> None:
        self.start_ns = start_ns
        self.count = 0


class Repeats:
    """Lets five lines of a template through in a minute and counts the rest; knows 1,000 templates."""

    def __init__(self) -> None:
        self._windows: dict[Template, Window] = {}

    def admit(self, template: Template, now_ns: int) -> bool:
        """Say whether the line is to be written; call `ended` first."""
        window = self._windows.setdefault(template, Window(now_ns))
        window.count += 1
        return window.count <= REPEATS_MAX

    def ended(self, now_ns: int) -> Iterator[tuple[Template, int]]:
        """Forget the minutes that are over, and the oldest where room is needed; yield what was held back."""
        while self._windows:
            template, window = next(iter(self._windows.items()))
            is_running = window.start_ns <= now_ns < window.start_ns + WINDOW_NS
            if is_running and len(self._windows) < WINDOWS_MAX:
                return
            yield from self._forget(template)

    def all(self) -> Iterator[tuple[Template, int]]:
        """Forget every minute; yield what was held back."""
        while self._windows:
            yield from self._forget(next(iter(self._windows)))

    def _forget(self, template: Template) -> Iterator[tuple[Template, int]]:
        held_back = self._windows.pop(template).count - REPEATS_MAX
        if held_back > 0:
            yield template, held_back


class Redactor:
    """Replaces registered values, and the user part of any URL, by `[redacted]`."""

    def __init__(self) -> None:
        self._spellings: set[str] = set()
        self._pattern = NOTHING

    def register(self, value: str) -> None:
        """Add the value in its spellings; a URL without password or query is no secret."""
        parts = _secret_parts(value) if "://" in value else [value]
        self._spellings |= {s for part in parts for s in _spellings(part) if len(s) >= SECRET_LENGTH_MIN}
        longest_first = sorted(self._spellings, key=lambda spelling: (-len(spelling), spelling))
        if longest_first:
            self._pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)

    def redact(self, text: str) -> str:
        """The text without secrets.

        >>> Redactor().redact("redis://user:hunter2@cache:6379")
        'redis://[redacted]@cache:6379'
        """
        return USER_OF_URL.sub(f"{REDACTED}@", self._pattern.sub(REDACTED, text))

    def clean(self, value: object, depth: int = 0) -> object:
        """The value as JSON takes it, redacted at every level, long texts cut, the deepest levels as text."""
        if isinstance(value, bytes | bytearray):
            value = value.decode(errors="backslashreplace")
        if isinstance(value, msgspec.Struct):
            value = msgspec.structs.asdict(value)
        if isinstance(value, Mapping) and depth < DEPTH_MAX:
            return {self.redact(str(key)): self.clean(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset) and depth < DEPTH_MAX:
            return [self.clean(item, depth + 1) for item in value]
        text = self.redact(str(value))
        is_plain = value is None or (isinstance(value, int | float) and math.isfinite(value))
        return value if is_plain and text == str(value) else _shortened(text)


def _shortened(text: str) -> str:
    half = TEXT_LENGTH_MAX // 2  # the end of a traceback matters as much as its beginning
    return text if len(text) <= TEXT_LENGTH_MAX else f"{text[:half]} … {text[-half:]}"


def _secret_parts(url: str) -> list[str]:
    password = url.rpartition("@")[0].rpartition(":")[2].lstrip("/")
    parts = [password, unquote(password), *QUERY_VALUE.findall(url)]
    return [url, *parts] if any(parts) else []


def _spellings(value: str) -> tuple[str, ...]:
    bare = value.strip()
    quoted = quote(bare, safe="")
    return (value, bare, bare.removeprefix("0x"), quoted, repr(bare)[1:-1], json.dumps(bare)[1:-1])


class LatencyRecorder:
    """Latencies in fixed memory: about a thousand buckets from 1 µs to 1,000 s, right to one per cent.

    >>> latencies = LatencyRecorder()
    >>> for milliseconds in (1, 2, 3, 4):
    ...     latencies.add(milliseconds / 1000)
    >>> latencies.percentile_ms(0), latencies.percentile_ms(100)
    (Decimal('1.000'), Decimal('4.000'))
    """

    def __init__(self) -> None:
        self._counts = [0] * (_bucket(LATENCY_S_MAX) + 1)
        self._lowest_s = math.inf
        self._highest_s = 0.0
        self.count = 0

    def add(self, seconds: float) -> None:
        """Count one latency; what lies outside 1 µs to 1,000 s counts as that bound."""
        seconds = min(max(LATENCY_S_MIN, seconds), LATENCY_S_MAX)
        self._counts[_bucket(seconds)] += 1
        self._lowest_s = min(self._lowest_s, seconds)
        self._highest_s = max(self._highest_s, seconds)
        self.count += 1

    def percentile_ms(self, percent: Decimal | int) -> Decimal | None:
        """Milliseconds that so many per cent (0 to 100) of the latencies do not exceed; None without any.

        The lowest and the highest are exact.
        """
        rank = max(1, math.ceil(percent * Decimal(self.count) / 100))
        assert rank <= max(1, self.count), f"{percent} is not a per cent between 0 and 100"
        if self.count == 0:
            return None
        if rank in (1, self.count):
            return _milliseconds(self._lowest_s if rank == 1 else self._highest_s)
        held = accumulate(self._counts)
        bucket = next(number for number, count in enumerate(held) if count >= rank)
        return _milliseconds(LATENCY_S_MIN * GROWTH ** (bucket + 0.5))


def _milliseconds(seconds: float) -> Decimal:
    return Decimal(f"{seconds * 1000:.3f}")


def _bucket(seconds: float) -> int:
    return int(math.log(seconds / LATENCY_S_MIN) / math.log(GROWTH))
