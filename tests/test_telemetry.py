"""Logs: one JSON object a line, no secret in any, no flood; and percentiles in fixed memory."""

import json
import logging
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import clock as system_clock
from clock import NS_PER_S
from config import Secret
from domain.errors import ConfigurationError
from telemetry import LatencyRecorder, Redactor, Repeats, Telemetry, Template, fields, setup

CANARY = "0xC0FFEE00c0ffee-/'\"é"
START_NS = 1_790_585_112_000_000_000
SNIPER = logging.getLogger("strategies.sniper")
EXECUTOR = logging.getLogger("executor")


class FakeClock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.time_ns = START_NS

    def wall_ns(self) -> int:
        return self.time_ns

    def format_time(self, time_ns: int) -> str:
        return system_clock.format_time(time_ns)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def telemetry(tmp_path: Path, clock: FakeClock) -> Iterator[Telemetry]:
    opened = setup(tmp_path, strategies=["sniper", "quoter"], level="info", clock=clock)
    yield opened
    opened.close()


def lines(folder: Path, name: str = "orchestrator") -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / f"{name}.log").read_text("utf-8").splitlines()]


def messages(folder: Path, name: str = "orchestrator") -> list[object]:
    return [line["message"] for line in lines(folder, name)]


def test_a_line_has_its_times_level_logger_message_and_fields(tmp_path: Path, telemetry: Telemetry) -> None:
    extra = fields(event_time_ns=START_NS - NS_PER_S, price=Decimal("0.50"), legs=(1, 2), order_id=None)

    SNIPER.warning("denied by %s", "03", extra=extra)

    assert lines(tmp_path) == [
        {
            "time": "2026-09-28T08:45:12.000000Z",
            "event_time": "2026-09-28T08:45:11.000000Z",
            "level": "warning",
            "logger": "strategies.sniper",
            "message": "denied by 03",
            "price": "0.50",
            "legs": [1, 2],
            "order_id": None,
        }
    ]


def test_a_strategy_has_its_own_log_and_the_daemon_has_all(tmp_path: Path, telemetry: Telemetry) -> None:
    SNIPER.info("signal")
    EXECUTOR.info("sent")
    EXECUTOR.debug("below the level")

    assert messages(tmp_path) == ["signal", "sent"]
    assert messages(tmp_path, "sniper") == ["signal"]
    assert messages(tmp_path, "quoter") == []


def test_a_field_never_hides_what_every_line_has(tmp_path: Path, telemetry: Telemetry) -> None:
    EXECUTOR.info("sent", extra=fields(level=3, time="now"))

    assert lines(tmp_path)[0]["level"] == "info"
    assert (lines(tmp_path)[0]["level_"], lines(tmp_path)[0]["time_"]) == (3, "now")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param(float("nan"), "nan", id="NaN"),
        pytest.param({"a": [b"\xff", {1}]}, {"a": ["\\xff", [1]]}, id="nested"),
        pytest.param("\ud800", "\ud800", id="half a character"),
        pytest.param("a\nb", "a\nb", id="a line break"),
        pytest.param(2**70, 2**70, id="a long number"),
        pytest.param(Path("x"), "x", id="an object"),
        pytest.param(Secret(CANARY), "[redacted]", id="a secret"),
    ],
)
def test_any_value_is_one_line_of_json(
    tmp_path: Path, telemetry: Telemetry, value: object, written: object
) -> None:
    EXECUTOR.info("sent", extra=fields(value=value))

    assert [line["value"] for line in lines(tmp_path)] == [written]


def test_a_long_text_keeps_its_beginning_and_its_end(tmp_path: Path, telemetry: Telemetry) -> None:
    EXECUTOR.info("a" * 10_000 + "b" * 10_000)

    assert messages(tmp_path) == [f"{'a' * 5_000} … {'b' * 5_000}"]


def test_arguments_that_do_not_fit_are_no_reason_to_fail(
    tmp_path: Path, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SNIPER, "propagate", False)  # the handler of the tests would raise

    SNIPER.info("%d orders", "many")

    assert str(messages(tmp_path, "sniper")[0]).startswith("%d orders (its arguments do not fit: ")


class Unprintable:
    def __str__(self) -> str:
        raise OSError("no text")


def test_a_line_that_cannot_be_written_is_counted_and_nothing_is_printed(
    telemetry: Telemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    EXECUTOR.info("sent", extra=fields(value=Unprintable()))

    assert telemetry.lines_lost == 1
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param(CANARY, id="as it is"),
        pytest.param(CANARY.upper(), id="capitals"),
        pytest.param(CANARY.removeprefix("0x"), id="without 0x"),
        pytest.param(quote(CANARY, safe=""), id="in a URL"),
        pytest.param(repr(CANARY), id="repr"),
        pytest.param(json.dumps({"key": CANARY}), id="JSON"),
        pytest.param(f"redis://user:{CANARY}@cache", id="password"),
    ],
)
def test_the_canary_is_in_no_file(tmp_path: Path, telemetry: Telemetry, spelling: str) -> None:
    telemetry.register_secret(CANARY)
    extra = fields(
        text=spelling, nested={spelling: [spelling, spelling.encode()]}, error=ValueError(spelling)
    )

    for _ in range(7):
        SNIPER.info(f"key {spelling}", extra=extra)
    SNIPER.info("key %s", spelling, stack_info=True)
    logging.getLogger(f"log of {spelling}").info("named")
    telemetry.close()

    written = "".join(file.read_text("utf-8") for file in tmp_path.iterdir()).lower()
    assert "[redacted]" in written
    assert "c0ffee00c0ffee" not in written


def test_the_canary_is_in_no_traceback(tmp_path: Path, telemetry: Telemetry) -> None:
    telemetry.register_secret(CANARY)
    caught: Exception | None = None

    try:
        try:
            raise KeyError(CANARY)
        except KeyError as error:
            raise ValueError(f"no key {CANARY}") from error
    except ValueError as error:
        error.add_note(f"it was {CANARY}")
        caught = error
        EXECUTOR.exception("failed: %s", error)

    assert caught is not None
    texts = [telemetry.format_exception(caught), str(lines(tmp_path)[0]["exception"])]
    assert all("ValueError: no key [redacted]" in text for text in texts)
    assert not any("c0ffee" in text.lower() for text in (*texts, json.dumps(lines(tmp_path))))


def test_a_number_that_is_a_secret_is_hidden(tmp_path: Path, telemetry: Telemetry) -> None:
    telemetry.register_secret("123456")

    EXECUTOR.info("sent", extra=fields(code=123456, price=Decimal("0.123456"), other=12345))

    assert (lines(tmp_path)[0]["code"], lines(tmp_path)[0]["price"]) == ("[redacted]", "0.[redacted]")
    assert lines(tmp_path)[0]["other"] == 12345


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        pytest.param("abc", "abc", "abc", id="3 characters stay"),
        pytest.param("abcd", "xabcdx", "x[redacted]x", id="4 characters go"),
        pytest.param("", "a", "a", id="empty"),
        pytest.param(
            "https://clob.example.com",
            "at https://clob.example.com",
            "at https://clob.example.com",
            id="host",
        ),
        pytest.param(
            "redis://:pass@host/0", "pass, redis://:pass@host/0", "[redacted], [redacted]", id="URL"
        ),
        pytest.param("redis://:p%40ss@host", "p@ss", "[redacted]", id="quoted password"),
        pytest.param("wss://host?key=hunter2", "key hunter2", "key [redacted]", id="query"),
        pytest.param("other", "redis://user:pass@host", "redis://[redacted]@host", id="user of any URL"),
        pytest.param("other", "redis://:pa@ss@host", "redis://[redacted]@host", id="@ in a password"),
        pytest.param(
            "other", "https://host/?to=me@example.com", "https://host/?to=me@example.com", id="no user"
        ),
    ],
)
def test_what_is_hidden(secret: str, text: str, shown: str) -> None:
    redactor = Redactor()

    redactor.register(secret)

    assert redactor.redact(text) == shown


@given(secret=st.text(min_size=4), before=st.text(), after=st.text())
def test_a_secret_is_never_left_in_a_text(secret: str, before: str, after: str) -> None:
    redactor = Redactor()

    redactor.register(secret)

    assert secret not in redactor.redact(before + secret + after).replace("[redacted]", "\0")


def test_repeats_of_a_minute_are_counted(tmp_path: Path, clock: FakeClock, telemetry: Telemetry) -> None:
    for number in range(12):
        EXECUTOR.info("order %d denied", number)
    clock.time_ns += 60 * NS_PER_S - 1
    EXECUTOR.info("order %d denied", 12)
    clock.time_ns += 1
    EXECUTOR.info("other")

    assert messages(tmp_path) == [
        *(f"order {number} denied" for number in range(5)),
        "order %d denied … repeated 8 times",  # 13 - 5
        "other",
    ]
    assert lines(tmp_path)[5]["repeated"] == 8


def test_the_count_is_written_at_close(tmp_path: Path, telemetry: Telemetry) -> None:
    for _ in range(6):
        SNIPER.warning("slow")

    telemetry.close()

    assert messages(tmp_path) == messages(tmp_path, "sniper") == [*["slow"] * 5, "slow … repeated 1 times"]
    assert lines(tmp_path)[5]["level"] == "warning"


def test_flush_writes_the_counts_whose_minute_is_over(
    tmp_path: Path, clock: FakeClock, telemetry: Telemetry
) -> None:
    for _ in range(7):
        EXECUTOR.info("slow")
    telemetry.flush()
    before = len(lines(tmp_path))
    clock.time_ns += 60 * NS_PER_S

    telemetry.flush()

    assert before == 5
    assert messages(tmp_path)[5:] == ["slow … repeated 2 times"]


def test_lines_of_other_loggers_levels_and_templates_are_no_repeats(
    tmp_path: Path, telemetry: Telemetry
) -> None:
    for _ in range(5):
        EXECUTOR.info("slow")
    EXECUTOR.warning("slow")
    EXECUTOR.info("slower")
    SNIPER.info("slow")

    assert len(lines(tmp_path)) == 8


def test_a_clock_that_jumps_back_begins_a_new_minute(
    tmp_path: Path, clock: FakeClock, telemetry: Telemetry
) -> None:
    for _ in range(6):
        EXECUTOR.info("slow")
    clock.time_ns -= 3_600 * NS_PER_S

    EXECUTOR.info("slow")

    assert messages(tmp_path)[5:] == ["slow … repeated 1 times", "slow"]


def test_the_memory_of_repeats_is_bounded_and_counts_what_it_forgets() -> None:
    repeats = Repeats()
    forgotten = 0

    for number in range(3_000):
        forgotten += sum(count for _, count in repeats.ended(START_NS))
        for _ in range(7):
            repeats.admit(Template("flood", logging.INFO, f"text {number}"), START_NS)

    kept = [count for _, count in repeats.all()]
    assert len(kept) <= 1_000
    assert forgotten + sum(kept) == 3_000 * 2


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        pytest.param("file/two\nlines", "Not a directory", id="no folder"),
        pytest.param("logs", "Is a directory", id="a log that cannot be opened"),
    ],
)
def test_a_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, clock: FakeClock, folder: str, reason: str
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "logs" / "sniper.log").mkdir(parents=True)
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level

    with pytest.raises(ConfigurationError) as refused:
        setup(tmp_path / folder, strategies=["sniper"], level="debug", clock=clock)

    assert str(refused.value).endswith(f"cannot be written ({reason}); give another")
    assert str(refused.value).isprintable()
    assert (logging.getLogger().handlers, logging.getLogger().level) == (handlers, level)


def test_a_strategy_cannot_take_the_log_of_the_daemon(tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(ConfigurationError, match="rename the strategy"):
        setup(tmp_path, strategies=["orchestrator"], level="info", clock=clock)


def test_close_gives_the_loggers_back_and_may_be_called_twice(tmp_path: Path, clock: FakeClock) -> None:
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    opened = setup(tmp_path, strategies=["sniper"], level="debug", clock=clock)

    opened.close()
    opened.close()

    assert (logging.getLogger().handlers, logging.getLogger().level) == (handlers, level)
    assert SNIPER.handlers == []


def test_no_latency_has_no_percentile() -> None:
    assert LatencyRecorder().percentile_ms(50) is None


def test_percentiles_of_a_known_set() -> None:
    latencies = LatencyRecorder()
    for milliseconds in range(1, 101):
        latencies.add(milliseconds / 1000)

    found = [latencies.percentile_ms(percent) for percent in (0, 50, 99, Decimal("99.9"), 100)]

    assert latencies.count == 100
    assert (found[0], found[3], found[4]) == (Decimal(1), Decimal(100), Decimal(100))
    assert found[1] == pytest.approx(Decimal(50), rel=Decimal("0.011"))
    assert found[2] == pytest.approx(Decimal(99), rel=Decimal("0.011"))


@pytest.mark.parametrize("seconds", [0, -1, 1e-9, 1e9, float("inf"), float("nan")])
def test_a_latency_out_of_range_counts_as_the_bound(seconds: float) -> None:
    latencies = LatencyRecorder()

    latencies.add(seconds)

    assert latencies.percentile_ms(50) in (Decimal("0.001"), Decimal(1_000_000))


@given(
    st.lists(st.floats(min_value=1e-5, max_value=999), min_size=1), st.integers(min_value=0, max_value=100)
)
def test_a_percentile_is_right_to_one_per_cent(samples: list[float], percent: int) -> None:
    latencies = LatencyRecorder()
    for seconds in samples:
        latencies.add(seconds)

    rank = max(1, -(-percent * len(samples) // 100))
    exact_ms = Decimal(sorted(samples)[rank - 1] * 1000)
    found = latencies.percentile_ms(percent)
    assert found is not None
    assert abs(found - exact_ms) <= exact_ms * Decimal("0.0101") + Decimal("0.0005")
