"""The same recording and seed tell the same story, whatever the process, its pace and its place."""

import gzip
import shutil
from pathlib import Path

import pytest

from backtest.own_tape import write_tape
from backtest.recorded_books import RecordedBooks
from tests.end_to_end.conftest import Finished
from tests.end_to_end.daemon import EMBEDDED, Daemon, assert_same

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("hash_seed", ["0", "1", "4294967295"])
def test_the_hash_seed_does_not_matter(daemon: Daemon, finished: Finished, hash_seed: str) -> None:
    ended = daemon.trade(PYTHONHASHSEED=hash_seed)

    assert ended.result.equity == finished.ended.result.equity
    assert_same(finished.daemon.tables(), daemon.tables())


@pytest.mark.parametrize("speed", ["max", "100000", "4000"])
def test_the_speed_does_not_matter(daemon: Daemon, finished: Finished, speed: str) -> None:
    daemon.trade("--speed", speed)

    assert_same(finished.daemon.tables(), daemon.tables())


def test_a_lot_of_trading_is_repeated_too(
    tmp_path: Path, busy: Finished, short_tape: Path, lossy: Path
) -> None:
    again = Daemon(tmp_path, busy.daemon.root)
    words = ("--tape", str(short_tape), "--config", str(lossy), "--speed", "5000")

    again.trade(*words, strategies="sniper,busy", PYTHONHASHSEED="7")

    assert_same(busy.daemon.tables(), again.tables())
    assert again.rows("SELECT count(*) > 100 FROM trades") == [(1,)]


def test_a_generated_market_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    first, second, other = (Daemon(tmp_path / name) for name in ("first", "second", "other"))
    for daemon, seed in ((first, "3"), (second, "3"), (other, "4")):
        daemon.folder.mkdir()
        (daemon.folder / "desk.toml").write_text("[run]\nsim_hours = 1\n")
        words = ("--market", "sim", "--config", "desk.toml", "--seed", seed)
        ended = daemon.trade(*words, "--events", "6000", PYTHONHASHSEED=seed)
        assert ended.result.market == "sim"
        assert "SYNTHETIC" in ended.stderr
    second.trade("--market", "sim", "--config", "desk.toml", "--seed", "3", "--events", "1")
    first.trade("--market", "sim", "--config", "desk.toml", "--seed", "3", "--events", "1")

    assert_same(first.tables(), second.tables())
    assert first.tables() != other.tables()


def test_times_of_day_and_the_time_zone_do_not_matter(daemon: Daemon, finished: Finished) -> None:
    daemon.trade(TZ="Pacific/Kiritimati", LC_ALL="C")

    assert_same(finished.daemon.tables(), daemon.tables())


def test_another_seed_gives_another_story(daemon: Daemon, finished: Finished) -> None:
    daemon.trade("--seed", "2")

    times = "SELECT timestamp FROM trades ORDER BY id"
    assert daemon.rows(times) != finished.daemon.rows(times)
    assert daemon.value("SELECT seed FROM runs") == 2


def test_more_money_buys_more(daemon: Daemon, finished: Finished) -> None:
    daemon.trade("--cash", "1500.5")

    deposit = "SELECT units FROM ledger WHERE kind = 'DEPOSIT' AND account LIKE 'CASH:%'"
    assert daemon.value(deposit) == 1_500_500_000
    first = "SELECT size FROM trades ORDER BY id LIMIT 1"
    assert daemon.value(first) > finished.daemon.value(first)


def test_the_recording_may_stand_elsewhere_and_unpacked(daemon: Daemon, finished: Finished) -> None:
    folder = daemon.folder / "somewhere else" / "märkte"
    folder.mkdir(parents=True)
    shutil.copy(EMBEDDED / "markets.jsonl.gz", folder)
    (folder / "books.jsonl").write_bytes(gzip.decompress((EMBEDDED / "books.jsonl.gz").read_bytes()))

    daemon.trade("--tape", str(folder))

    assert_same(finished.daemon.tables(), daemon.tables())


def test_a_tape_of_ours_gives_the_same_trades(daemon: Daemon, finished: Finished) -> None:
    path = daemon.folder / "our.tape.gz"
    write_tape(path, RecordedBooks(EMBEDDED).events(), label="the embedded recording")

    ended = daemon.trade("--tape", path.name)

    assert ended.result.events == finished.ended.result.events
    assert_same(finished.daemon.tables(), daemon.tables())
