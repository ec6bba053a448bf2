"""A folder of recorded books: what it plays, what it rejects and counts, and what it refuses in one line."""

import gzip
import json
from pathlib import Path

import pytest

from backtest.recorded_books import RESOLUTION_DELAY_NS, RecordedBooks
from domain.errors import TapeError
from domain.identifiers import InstrumentId
from domain.messages import (
    BookSnapshot,
    MarketEvent,
    MarketListed,
    MarketResolved,
    SnapshotRejected,
    TickSizeChanged,
)
from tests.support.trading import d, levels

START_MS, MS = 1_790_586_000_000, 1_000_000
Row = dict[str, object]


def market_row(**changes: object) -> Row:
    """A line of markets.jsonl."""
    row = {
        "market_id": "0xa",
        "slug": "btc-updown-15m",
        "question": "Bitcoin Up or Down",
        "category": "crypto",
        "start_ts": START_MS,
        "end_ts": START_MS + 900_000,
        "payout_up": 1.0,
        "payout_down": 0.0,
    }
    return row | changes


def book_row(after_ms: int = 0, bids: str = "0.49x10", asks: str = "0.51x20.5", **changes: object) -> Row:
    """A line of books.jsonl; levels are pairs of floats, as they are recorded."""
    sides = {
        "bids": [[float(p), float(q)] for p, q in levels(bids)],
        "asks": [[float(p), float(q)] for p, q in levels(asks)],
    }
    return {"market_id": "0xa", "ts": START_MS + after_ms, "side": "UP"} | sides | changes


def write(folder: Path, books: list[Row], markets: list[Row] | None = None, *, zipped: bool = True) -> Path:
    """Write the two files."""
    for name, rows in (
        ("markets.jsonl", [market_row()] if markets is None else markets),
        ("books.jsonl", books),
    ):
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
        if zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return folder


def played(folder: Path, books: list[Row], markets: list[Row] | None = None) -> list[MarketEvent]:
    """Write and play."""
    return list(RecordedBooks(write(folder, books, markets)).events())


def kinds(events: list[MarketEvent]) -> list[str]:
    """Types of the events, in order."""
    return [type(event).__name__ for event in events]


@pytest.mark.parametrize("zipped", [True, False], ids=["gzip", "plain"])
def test_a_recording_plays_listing_books_and_resolution(tmp_path: Path, zipped: bool) -> None:
    tape = RecordedBooks(write(tmp_path, [book_row(), book_row(1000, side="DOWN")], zipped=zipped))

    events = list(tape.events())

    assert kinds(events) == ["MarketListed", "BookSnapshot", "BookSnapshot", "MarketResolved"]
    assert [event.time_ns for event in events] == [
        *(START_MS * MS, START_MS * MS, (START_MS + 1000) * MS),
        (START_MS + 900_000) * MS + RESOLUTION_DELAY_NS,
    ]
    assert tape.events_total == 2
    assert tape.instrument_ids == {"0xa:UP", "0xa:DOWN"}


def test_it_plays_the_same_every_time(tmp_path: Path) -> None:
    tape = RecordedBooks(write(tmp_path, [book_row(n * 1000) for n in range(5)]))

    assert list(tape.events()) == list(tape.events())


def test_amounts_are_what_the_recording_wrote(tmp_path: Path) -> None:
    (snapshot,) = [
        e for e in played(tmp_path, [book_row(asks="0.51x20.1 0.52x3")]) if isinstance(e, BookSnapshot)
    ]

    assert list(snapshot.book.asks) == list(levels("0.51x20.1 0.52x3"))
    assert snapshot.book.instrument_id == "0xa:UP"


def test_noise_beyond_a_unit_is_rounded_down(tmp_path: Path) -> None:
    row = book_row() | {"asks": [[0.51, 20.000000999999998]]}

    (snapshot,) = [e for e in played(tmp_path, [row]) if isinstance(e, BookSnapshot)]

    assert snapshot.book.asks[0].quantity == d(20)


def test_empty_levels_are_no_levels(tmp_path: Path) -> None:
    (snapshot,) = [
        e for e in played(tmp_path, [book_row(bids="0.49x0 0.48x5")]) if isinstance(e, BookSnapshot)
    ]

    assert list(snapshot.book.bids) == list(levels("0.48x5"))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param(book_row(1000, bids="0.51x1", asks="0.51x1"), "crossed", id="bid reaches ask"),
        pytest.param(book_row(1000, bids="0.52x1", asks="0.51x1"), "crossed", id="bid above ask"),
        pytest.param(book_row(1000, bids="0.48x1 0.49x1"), "out of order", id="bids rise"),
        pytest.param(book_row(1000, asks="0.52x1 0.51x1"), "out of order", id="asks fall"),
        pytest.param(book_row(1000, asks="0.51x1 0.51x1"), "out of order", id="a price twice"),
        pytest.param(book_row(1000, asks="1x1"), "out of bounds", id="an ask of 1"),
        pytest.param(book_row(1000, bids="0x1"), "out of bounds", id="a bid of nothing"),
        pytest.param(book_row(1000, bids="0.49x-1"), "out of bounds", id="a negative size"),
        pytest.param(book_row(-1), "older", id="a millisecond older than the one before"),
        pytest.param(book_row(1000, side="SIDEWAYS"), "not UP or DOWN", id="neither side"),
    ],
)
def test_what_no_venue_can_have_shown_is_rejected_and_counted(tmp_path: Path, row: Row, reason: str) -> None:
    tape = RecordedBooks(write(tmp_path, [book_row(), row, book_row(2000)]))

    events = list(tape.events())

    (rejected,) = [event for event in events if isinstance(event, SnapshotRejected)]
    assert reason in rejected.reason
    assert sum(isinstance(event, BookSnapshot) for event in events) == 2
    assert tape.events_total == 3


@pytest.mark.parametrize(("after_ms", "is_played"), [(-1, False), (0, True), (1, True)])
def test_a_snapshot_may_be_as_old_as_the_one_before_it(
    tmp_path: Path, after_ms: int, is_played: bool
) -> None:
    events = played(tmp_path, [book_row(5000), book_row(5000 + after_ms)])

    assert (sum(isinstance(event, BookSnapshot) for event in events) == 2) is is_played


def test_a_finer_price_shows_that_both_outcomes_have_a_finer_tick(tmp_path: Path) -> None:
    events = played(tmp_path, [book_row(), book_row(1000, bids="0.965x1", asks="0.971x1"), book_row(2000)])

    changes = [event for event in events if isinstance(event, TickSizeChanged)]
    assert {(change.instrument_id, change.tick_size) for change in changes} == {
        (InstrumentId("0xa:UP"), d("0.001")),
        (InstrumentId("0xa:DOWN"), d("0.001")),
    }
    assert kinds(events).index("TickSizeChanged") == kinds(events).index("BookSnapshot") + 1


def test_a_resolution_comes_between_the_books_when_it_is_due(tmp_path: Path) -> None:
    other = market_row(market_id="0xb", end_ts=START_MS + 10_000_000)
    due_ms = 900_000 + RESOLUTION_DELAY_NS // MS
    books = [
        book_row(market_id="0xb"),
        book_row(due_ms - 1, market_id="0xb"),
        book_row(due_ms, market_id="0xb"),
    ]

    events = played(tmp_path, books, [market_row(), other])

    (first, _) = [event for event in events if isinstance(event, MarketResolved)]
    assert (first.market_id, dict(first.payouts)) == ("0xa", {"0xa:UP": d(1), "0xa:DOWN": d(0)})
    assert kinds(events)[2:] == ["BookSnapshot"] * 2 + ["MarketResolved", "BookSnapshot", "MarketResolved"]


def test_a_market_that_had_not_resolved_does_not_resolve(tmp_path: Path) -> None:
    events = played(tmp_path, [book_row()], [market_row(payout_up=None)])

    assert kinds(events) == ["MarketListed", "BookSnapshot"]


@pytest.mark.parametrize(
    ("category", "rate"), [("crypto", "0.07"), ("politics", "0.04"), ("geopolitics", "0"), ("chess", "0.05")]
)
def test_the_fee_is_the_categorys(tmp_path: Path, category: str, rate: str) -> None:
    (listed,) = [
        e
        for e in played(tmp_path, [book_row()], [market_row(category=category)])
        if isinstance(e, MarketListed)
    ]

    assert [instrument.fee_rate for instrument in listed.market.instruments] == [d(rate)] * 2
    assert [i.complement_id for i in listed.market.instruments] == ["0xa:DOWN", "0xa:UP"]


def test_the_fingerprint_changes_with_the_recording(tmp_path: Path) -> None:
    one = RecordedBooks(write(tmp_path, [book_row()])).fingerprint
    again = RecordedBooks(write(tmp_path, [book_row()])).fingerprint

    other = RecordedBooks(write(tmp_path, [book_row(bids="0.48x10")])).fingerprint

    assert one == again
    assert one != other


# --- refused at the start, in one line ------------------------------------------------------------------


def refusal(folder: Path) -> str:
    """The one line that says why the folder is refused."""
    with pytest.raises(TapeError) as refused:
        RecordedBooks(folder)
    line = str(refused.value)
    assert "\n" not in line
    assert line.startswith("tape ")
    return line


@pytest.mark.parametrize(
    ("books", "markets", "words"),
    [
        pytest.param(
            [book_row(market_id="0xz")], None, ["line 1", "'0xz'", "markets.jsonl"], id="unknown market"
        ),
        pytest.param([book_row(), {"ts": 1}], None, ["line 2", "mend the line"], id="missing fields"),
        pytest.param([book_row(ts="noon")], None, ["line 1", "mend the line"], id="a time that is none"),
        pytest.param([], None, ["holds no books"], id="no books"),
        pytest.param([book_row()], [], ["holds no market"], id="no markets"),
        pytest.param(
            [book_row()], [market_row(end_ts=START_MS)], ["line 1", "ends before it starts"], id="no time"
        ),
    ],
)
def test_a_broken_recording_is_refused(
    tmp_path: Path, books: list[Row], markets: list[Row] | None, words: list[str]
) -> None:
    line = refusal(write(tmp_path, books, markets))

    assert all(word in line for word in words), line


@pytest.mark.parametrize("name", ["markets.jsonl.gz", "books.jsonl.gz"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    write(tmp_path, [book_row()])
    (tmp_path / name).unlink()

    assert f"has no {name}" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["markets.jsonl.gz", "books.jsonl.gz"])
@pytest.mark.parametrize("damage", ["truncated", "garbage", "empty", "bytes"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str, damage: str) -> None:
    write(tmp_path, [book_row(n) for n in range(50)])
    path = tmp_path / name
    whole = path.read_bytes()
    broken = {
        "truncated": whole[: len(whole) // 2],
        "garbage": gzip.compress(b"{not json\n"),
        "empty": b"",
        "bytes": b"\x00\xff" * 50,
    }

    path.write_bytes(broken[damage])

    assert name in refusal(tmp_path)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(book_row() | {"bids": [[0.5]]}, id="half a level"),
        pytest.param(book_row() | {"asks": "none"}, id="text for levels"),
        pytest.param(book_row(ts=10**18), id="a time beyond the calendar"),
        pytest.param(book_row(ts=-(10**15)), id="a time before the calendar"),
    ],
)
def test_a_row_that_cannot_be_played_is_refused_at_the_start(tmp_path: Path, row: Row) -> None:
    assert "line 2" in refusal(write(tmp_path, [book_row(), row]))


@pytest.mark.parametrize(("up", "down"), [(5.0, 0.0), (-1.0, 2.0), ("NaN", 0.0)])
def test_a_payout_that_no_market_pays_is_refused(tmp_path: Path, up: object, down: object) -> None:
    assert "payout" in refusal(write(tmp_path, [book_row()], [market_row(payout_up=up, payout_down=down)]))
