"""Every kind of mistake a person makes at the command line: one line that names the value and the remedy, soon."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backtest.own_tape import write_tape
from backtest.recorded_books import RecordedBooks
from tests.end_to_end import tapes
from tests.end_to_end.conftest import Finished
from tests.end_to_end.daemon import EMBEDDED, Daemon, assert_refused, running

SNIPER = ("--strategies", "sniper")
SLOW = pytest.mark.slow
"""Each case is quick, and there are many: a process each, so that all of them are tried before a push."""

pytestmark = SLOW


@pytest.mark.parametrize(
    ("line", "told"),
    [
        pytest.param("", "--strategies", id="nothing"),
        pytest.param("--strategies snipr", "'snipr' close: sniper", id="strategy"),
        pytest.param("--strategies sniper,snipr", "'snipr' close: sniper", id="second strategy", marks=SLOW),
        pytest.param("--strategies base_strategy", "'base_strategy'", id="no strategy", marks=SLOW),
        pytest.param("--strategies ../sniper", "../sniper", id="path", marks=SLOW),
        pytest.param("--strategies sniper,sniper", "sniper each once", id="twice", marks=SLOW),
        pytest.param("--mode wet-run", "--mode wet-run dry-run", id="mode", marks=SLOW),
        pytest.param("--mode live", "--mode live LIVE_TRADING dry-run", id="live mode"),
        pytest.param("--market lve", "--market lve live", id="market", marks=SLOW),
        pytest.param(
            "--market live", "clob.polymarket.com reached network replay", id="live market", marks=SLOW
        ),
        pytest.param(
            "--market sim --tape x", "--tape x sim no recording", id="recording of a sim", marks=SLOW
        ),
        pytest.param("--speed 0", "--speed 0 max", id="speed zero", marks=SLOW),
        pytest.param("--speed fast", "--speed fast max", id="speed"),
        pytest.param("--seed -1", "--seed -1 0", id="seed"),
        pytest.param("--seed 1.5", "--seed 1.5 whole", id="half a seed", marks=SLOW),
        pytest.param("--duration -3", "--duration -3", id="duration", marks=SLOW),
        pytest.param("--events 0", "--events 0 1", id="events", marks=SLOW),
        pytest.param("--cash nan", "--cash nan number", id="cash", marks=SLOW),
        pytest.param("--cash 1e30", "--cash 1e30 100000000", id="cash beyond all", marks=SLOW),
        pytest.param("--log-level loud", "--log-level loud info", id="log level", marks=SLOW),
        pytest.param("--token-id 123", "--token-id '123' does not list", id="token"),
        pytest.param("--stratgies sniper", "--stratgies --strategies", id="option"),
        pytest.param("--config nowhere.toml", "nowhere.toml TOML", id="config", marks=SLOW),
        pytest.param("--tape nowhere", "nowhere does not exist --tape", id="tape"),
        pytest.param("--db ..", ".. not a file --db", id="folder as database"),
        pytest.param(
            "--db .",
            ". not a file --db",
            id="this folder as database",
        ),
        pytest.param("why s1-nothing", "data/positions.db --db", id="why without a run"),
        pytest.param("status", "no daemon data/positions.db --db", id="status of nothing", marks=SLOW),
        pytest.param("pause sniper", "no daemon data/positions.db --db", id="pause of nothing", marks=SLOW),
    ],
)
def test_an_option_that_is_wrong_is_refused(daemon: Daemon, line: str, told: str) -> None:
    words = line.split()
    if "--strategies" not in words and words[:1] not in ([], ["why"], ["status"], ["pause"]):
        words = [*SNIPER, *words]

    assert_refused(daemon.run(*words), *told.split())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("[run]\nsped = 2", "sped close: speed", id="key"),
        pytest.param("[runn]\nspeed = 2", "runn close: run", id="table"),
        pytest.param("[limits]\norder_notional_mx = 2", "order_notional_max", id="limit", marks=SLOW),
        pytest.param(
            "[limits]\norder_notional_max = -2", "order_notional_max -2", id="limit's value", marks=SLOW
        ),
        pytest.param("[strategies.snipr]\nbid_min = 0.9", "snipr sniper", id="strategy"),
        pytest.param("[strategies.sniper]\nbid_mn = 0.9", "bid_mn bid_min", id="parameter", marks=SLOW),
        pytest.param("[strategies.sniper]\nbid_min = 1.5", "bid_min 1.5", id="parameter's value"),
        pytest.param(
            "[strategies.sniper]\nask_min = 0.99",
            "ask_min 0.99 ask_max",
            id="parameters together",
            marks=SLOW,
        ),
        pytest.param("[run]\nstop_policy = 'flee'", "stop_policy flee keep", id="stop policy", marks=SLOW),
        pytest.param("run\n", "TOML", id="not TOML", marks=SLOW),
    ],
)
def test_a_file_of_settings_that_is_wrong_is_refused(daemon: Daemon, text: str, told: str) -> None:
    (daemon.folder / "desk.toml").write_text(text)

    assert_refused(daemon.run(*SNIPER, "--config", "desk.toml"), *told.split())


def without_markets(folder: Path) -> None:
    (folder / "markets.jsonl.gz").unlink()


def cut_off(folder: Path) -> None:
    path = folder / "books.jsonl.gz"
    path.write_bytes(path.read_bytes()[:2_000])


def garbage(folder: Path) -> None:
    tapes.write(folder / "books.jsonl.gz", [b'{"market_id": 7\n'])


def no_books(folder: Path) -> None:
    tapes.write(folder / "books.jsonl.gz", [])


def no_gzip(folder: Path) -> None:
    (folder / "books.jsonl.gz").write_bytes(b"no gzip at all")


def unknown_market(folder: Path) -> None:
    row = b'{"market_id": "0x1", "ts": 1, "side": "UP", "bids": [], "asks": []}\n'
    tapes.write(folder / "books.jsonl.gz", [row])


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        pytest.param(without_markets, "markets.jsonl.gz", id="no markets file"),
        pytest.param(cut_off, "books.jsonl.gz cannot be read", id="cut off", marks=SLOW),
        pytest.param(garbage, "books.jsonl.gz line 1", id="garbage line"),
        pytest.param(no_books, "books.jsonl.gz holds no books", id="no books"),
        pytest.param(no_gzip, "books.jsonl.gz cannot be read", id="no gzip", marks=SLOW),
        pytest.param(unknown_market, "books.jsonl.gz line 1 0x1", id="unknown market", marks=SLOW),
    ],
)
def test_a_broken_recording_is_refused(daemon: Daemon, damage: object, told: str) -> None:
    folder = tapes.cut(daemon.folder / "tape", markets=1, books=50)
    assert callable(damage)
    damage(folder)

    assert_refused(daemon.run(*SNIPER, "--tape", str(folder)), *told.split())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("", "no tape of ours", id="empty", marks=SLOW),
        pytest.param("hello\n", "no tape of ours", id="not ours", marks=SLOW),
        pytest.param('{"tape_version":1,"label":"x"}\n', "no market event", id="no events", marks=SLOW),
        pytest.param('{"tape_version":9,"label":"x"}\n', "version 9", id="newer", marks=SLOW),
        pytest.param('{"tape_version":1,"label":"x"}\n{}\n', "line 2", id="garbage line"),
    ],
)
def test_a_file_that_is_no_tape_is_refused(daemon: Daemon, text: str, told: str) -> None:
    (daemon.folder / "my.tape").write_text(text)

    assert_refused(daemon.run(*SNIPER, "--tape", "my.tape"), "my.tape", *told.split())


@SLOW
def test_a_tape_that_goes_back_in_time_is_refused(daemon: Daemon) -> None:
    folder = tapes.cut(daemon.folder / "tape", markets=1, books=50)
    events = list(RecordedBooks(folder).events())
    write_tape(daemon.folder / "my.tape.gz", [*events[:20], events[0]], label="a knot")

    ended = daemon.run(*SNIPER, "--tape", "my.tape.gz")

    assert_refused(ended, "my.tape.gz", "line 22", "back in time")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"hello", "not a SQLite database", id="text", marks=SLOW),
        pytest.param(b"SQLite format 3\x00" + bytes(range(256)) * 16, "--db", id="garbage behind the header"),
    ],
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(
    daemon: Daemon, content: bytes, told: str
) -> None:
    daemon.db.write_bytes(content)

    ended = daemon.run(*daemon.words())

    assert_refused(ended, str(daemon.db), told)
    assert daemon.db.read_bytes() == content


def test_the_database_of_another_program_is_refused_and_left_alone(daemon: Daemon) -> None:
    with closing(sqlite3.connect(daemon.db)) as connection:
        connection.execute("CREATE TABLE trades(id)")
        connection.commit()
    content = daemon.db.read_bytes()

    ended = daemon.run(*daemon.words())

    assert_refused(ended, str(daemon.db), "another program", "--db")
    assert daemon.db.read_bytes() == content


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="/proc is where even root may not write")
def test_a_path_that_cannot_be_written_is_refused(daemon: Daemon) -> None:
    assert_refused(daemon.run(*SNIPER, "--db", "/proc/nowhere/x.db"), "/proc/nowhere", "--db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_right_to_write_is_refused(daemon: Daemon) -> None:
    locked = daemon.folder / "locked"
    locked.mkdir(mode=0o500)

    assert_refused(daemon.run(*SNIPER, "--db", str(locked / "x.db")), str(locked / "x.db"), "--db")


@SLOW
def test_a_folder_for_logs_that_is_a_file_is_refused(daemon: Daemon) -> None:
    (daemon.folder / "logs").write_text("in the way")

    assert_refused(daemon.run(*daemon.words()), "'logs'", "cannot be written")


def test_a_second_daemon_on_the_same_database_is_refused(daemon: Daemon) -> None:
    with running(daemon, "--speed", "1") as first:
        first.wait_until(lambda: bool(daemon.seen("SELECT run_id FROM runs")))
        second = daemon.run(*daemon.words())
        assert first.is_alive

    assert_refused(second, str(daemon.db), "in use by process", "--db")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(("--seed", "2"), "seed was 1, is 2", id="seed"),
        pytest.param(("--cash", "7"), "cash", id="cash", marks=SLOW),
        pytest.param(("--tape", "other"), "tape was", id="tape", marks=SLOW),
    ],
)
def test_an_unfinished_session_is_not_mixed_with_other_options(
    daemon: Daemon, words: tuple[str, ...], told: str
) -> None:
    tapes.cut(daemon.folder / "other", markets=1, books=50)
    daemon.trade("--events", "100")

    ended = daemon.run(*daemon.words(*words))

    assert_refused(ended, "session s1 is open", told, "--new-session", "--db")
    afresh = daemon.trade(*words, "--new-session", "--events", "10").result
    assert (afresh.session, afresh.run_id) == ("s2", "s2-r1")


def test_why_of_an_unknown_id_names_the_nearest(finished: Finished) -> None:
    order_id = finished.daemon.value("SELECT id FROM orders LIMIT 1")

    ended = finished.daemon.run("why", f"{order_id}x", "--db", str(finished.daemon.db))

    assert_refused(ended, f"{order_id}x", f"the nearest is {order_id}")


@SLOW
def test_why_without_a_database_is_refused(daemon: Daemon) -> None:
    ended = daemon.run("why", "s1-1", "--db", "nowhere.db")

    assert_refused(ended, "nowhere.db", "--db")
    assert not (daemon.folder / "nowhere.db").exists()


def test_an_address_of_redis_that_is_none_is_refused_without_its_password(daemon: Daemon) -> None:
    ended = daemon.run(*daemon.words(), REDIS_URL="http://user:hunter2@localhost")

    assert_refused(ended, "REDIS_URL", "redis://")
    assert "hunter2" not in ended.stderr


@SLOW
def test_a_refusal_comes_before_anything_is_made(daemon: Daemon) -> None:
    daemon.run(*daemon.words("--speed", "fast"))
    daemon.run(*daemon.words("--token-id", "123"))

    assert list(daemon.folder.iterdir()) == []


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_what_only_tells_ends_at_once_and_well(daemon: Daemon, word: str) -> None:
    ended = daemon.run(word)

    assert (ended.code, ended.stderr) == (0, "")
    assert "orchestrator.py" in ended.stdout
    assert ended.is_prompt


def test_the_embedded_recording_is_where_the_default_run_expects_it() -> None:
    assert RecordedBooks(EMBEDDED).events_total > 0
