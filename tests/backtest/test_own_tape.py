"""Our own tape: what is written is played back, the same bytes for the same events; a broken one is refused."""

import gzip
from pathlib import Path

import pytest

from backtest.open_tape import open_tape
from backtest.own_tape import VERSION, Header, OwnTape, TapeEncoder, write_tape
from backtest.recorded_books import RecordedBooks
from backtest.tape_lines import packed
from domain.errors import TapeError
from domain.instrument import Side
from domain.messages import (
    BookSnapshot,
    FeedChanged,
    MarketEvent,
    MarketResolved,
    PriceTick,
    SnapshotRejected,
    TickSizeChanged,
    TradePrint,
)
from tests.support.trading import DOWN, MARKET, NOW_NS, UP, S, book, d, listed, shown

EVENTS: list[MarketEvent] = [
    listed(),
    shown(book("0.49x10.000001 0.48x20", "0.51x30")),
    TradePrint(time_ns=NOW_NS + 1, instrument_id=UP, side=Side.SELL, price=d("0.49"), quantity=d("2.50")),
    TickSizeChanged(time_ns=NOW_NS + 2, instrument_id=UP, tick_size=d("0.001")),
    SnapshotRejected(time_ns=NOW_NS + 3, instrument_id=DOWN, reason="crossed"),
    MarketResolved(time_ns=NOW_NS + 4, market_id=MARKET, payouts={UP: d("0.5"), DOWN: d("0.5")}),
]
HEADER = b'{"tape_version":1,"label":"mine"}\n'
BOOK = b'{"type":"book","time_ns":%d,"book":{"instrument_id":"m:UP","time_ns":1,"bids":[["0.4","1"]],"asks":[]}}\n'


def test_what_is_written_is_played_back(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl.gz"

    lines = write_tape(path, EVENTS, label="mine")
    tape = OwnTape(path)

    assert lines == len(EVENTS)
    assert list(tape.events()) == EVENTS
    assert (tape.label, tape.events_total) == ("mine", 3)
    assert tape.instrument_ids == {UP, DOWN}


def test_a_tape_plays_again_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl.gz"
    write_tape(path, EVENTS, label="mine")
    tape = OwnTape(path)

    assert list(tape.events()) == list(tape.events())


def test_the_same_events_make_the_same_bytes(tmp_path: Path) -> None:
    one, other = tmp_path / "one.gz", tmp_path / "other.gz"

    write_tape(one, EVENTS, label="mine")
    write_tape(other, iter(EVENTS), label="mine")

    assert one.read_bytes() == other.read_bytes()
    assert OwnTape(one).fingerprint != OwnTape(write_other(tmp_path)).fingerprint


def write_other(folder: Path) -> Path:
    """Another tape."""
    path = folder / "another.gz"
    write_tape(path, EVENTS[:2], label="mine")
    return path


def test_a_plain_file_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    path.write_bytes(HEADER + BOOK % 5)

    assert [event.time_ns for event in OwnTape(path).events()] == [5]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "is no tape of ours", id="empty"),
        pytest.param(b"hello\n", "is no tape of ours", id="text"),
        pytest.param(b"\xff\xfe\n", "is no tape of ours", id="bytes"),
        pytest.param(b'{"label":"x"}\n', "is no tape of ours", id="no version"),
        pytest.param(b'{"tape_version":2,"label":"x"}\n', "has version 2, this program reads 1", id="newer"),
        pytest.param(b'{"tape_version":1,"label":"x","more":1}\n', "is no tape of ours", id="unknown field"),
        pytest.param(HEADER, "holds no market event", id="nothing but a header"),
        pytest.param(HEADER + BOOK % 5 + b"{half\n", "line 3", id="garbage"),
        pytest.param(HEADER + b'{"type":"riddle","time_ns":1}\n', "line 2", id="an unknown kind"),
        pytest.param(HEADER + BOOK % 5 + BOOK % 4, "line 3: goes back in time", id="a nanosecond back"),
    ],
)
def test_a_broken_tape_is_refused_in_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "tape.jsonl"
    path.write_bytes(content)

    with pytest.raises(TapeError) as refused:
        OwnTape(path)

    line = str(refused.value)
    assert words in line
    assert line.startswith(f"tape {path}")
    assert "\n" not in line


def test_a_truncated_tape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl.gz"
    path.write_bytes(gzip.compress(HEADER + BOOK % 5 * 1000)[:-20])

    with pytest.raises(TapeError, match="cannot be read"):
        OwnTape(path)


def test_a_folder_is_a_recording_and_a_file_is_a_tape(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl.gz"
    write_tape(path, EVENTS, label="mine")

    assert isinstance(open_tape(path), OwnTape)
    assert isinstance(open_tape(None), RecordedBooks)


def test_a_tape_that_is_not_there_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="does not exist; give a folder of recorded books"):
        open_tape(tmp_path / "nowhere")


# --- recordings in parts -----------------------------------------------------------------------------


def part(folder: Path, name: str, header: Header, *events: MarketEvent) -> None:
    """Write a part as a recorder does: the header in a block, the events in others."""
    encoder = TapeEncoder()
    blocks = [packed(encoder.line(header)), *(packed(encoder.line(event)) for event in events)]
    (folder / f"tape-{name}.jsonl.gz").write_bytes(b"".join(blocks))


def head(session: str, number: int = 1, *, carried: int = 0) -> Header:
    return Header(tape_version=VERSION, label="mine", session=session, part=number, carried=carried)


def at(seconds: int) -> BookSnapshot:
    """The usual book, so many seconds later."""
    return shown(book(time_ns=NOW_NS + seconds * S))


def fed(seconds: int, *, is_live: bool = True) -> FeedChanged:
    return FeedChanged(
        time_ns=NOW_NS + seconds * S, instrument_ids=(UP,), is_live=is_live, epoch=4, reason="told"
    )


def test_what_a_part_takes_over_from_the_one_before_is_not_played_twice(tmp_path: Path) -> None:
    part(tmp_path, "a-0001", head("a"), listed(), fed(0), at(1))
    part(tmp_path, "a-0002", head("a", 2, carried=3), listed(), fed(1), at(1), at(2))

    tape = open_tape(tmp_path)

    assert list(tape.events()) == [listed(), fed(0), at(1), at(2)]
    assert tape.events_total == 2


def test_a_part_whose_forerunner_is_gone_begins_with_what_it_took_over(tmp_path: Path) -> None:
    part(tmp_path, "a-0002", head("a", 2, carried=3), listed(), fed(1), at(1), at(2))

    assert list(open_tape(tmp_path).events()) == [listed(), fed(1), at(1), at(2)]


@pytest.mark.parametrize(
    "second", [head("b"), head("a", 3, carried=1)], ids=["begun anew", "a part is missing"]
)
def test_books_are_broken_where_nothing_was_recorded_between_two_parts(
    tmp_path: Path, second: Header
) -> None:
    part(tmp_path, "a-0001", head("a"), listed(), fed(0), at(1))
    part(tmp_path, "b-0001", second, listed(time_ns=NOW_NS + 60 * S), fed(60), at(61))

    events = list(open_tape(tmp_path).events())

    gap = events[3]
    assert isinstance(gap, FeedChanged)
    assert (gap.time_ns, gap.instrument_ids, gap.is_live, gap.epoch) == (NOW_NS + S, (UP,), False, 4)
    assert gap.reason == "nothing was recorded between two parts; the next is tape-b-0001.jsonl.gz"
    assert events[4:] == [listed(time_ns=NOW_NS + 60 * S), fed(60), at(61)]


def test_books_that_are_broken_already_are_not_broken_again_by_a_gap(tmp_path: Path) -> None:
    part(tmp_path, "a-0001", head("a"), listed(), fed(0), at(1), fed(2, is_live=False))
    part(tmp_path, "b-0001", head("b"), fed(60), at(61))

    assert len(list(open_tape(tmp_path).events())) == 6


def test_a_part_that_is_torn_at_its_end_gives_all_that_is_whole(tmp_path: Path) -> None:
    part(tmp_path, "a-0001", head("a"), listed(), fed(0), at(1), at(2))
    path = tmp_path / "tape-a-0001.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-15])

    assert list(open_tape(tmp_path).events()) == [listed(), fed(0), at(1)]


def test_what_is_recorded_after_the_opening_is_not_played(tmp_path: Path) -> None:
    part(tmp_path, "a-0001", head("a"), listed(), at(1))
    tape = open_tape(tmp_path)

    with (tmp_path / "tape-a-0001.jsonl.gz").open("ab") as file:
        file.write(packed(TapeEncoder().line(at(2))))

    assert list(tape.events()) == [listed(), at(1)]


def test_a_part_without_a_byte_is_passed_over(tmp_path: Path) -> None:
    part(tmp_path, "a-0001", head("a"), at(1))
    (tmp_path / "tape-b-0001.jsonl.gz").touch()

    assert list(open_tape(tmp_path).events()) == [at(1)]


def test_a_price_keeps_the_time_of_its_source_wherever_it_stands(tmp_path: Path) -> None:
    price = PriceTick(time_ns=NOW_NS - 60 * S, feed="chainlink:BTC", asset="BTC", price=d("60000.5"))
    write_tape(tmp_path / "x.jsonl.gz", [at(1), price, at(1)], label="mine")

    assert list(OwnTape(tmp_path / "x.jsonl.gz").events()) == [at(1), price, at(1)]
