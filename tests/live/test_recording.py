"""The recorder: what it takes is played back, in parts, through losses, and through a disk that has no room."""

import gzip
from pathlib import Path

import msgspec
import pytest

from backtest.open_tape import open_tape
from domain.messages import BookSnapshot, FeedChanged, MarketEvent, MarketResolved, PriceTick
from live.recording import Recorder
from live.recording_parts import Bounds
from tests.support.trading import DOWN, MARKET, NOW_NS, UP, S, book, d, listed, shown
from venues.exchange.candles import Candle

ONCE = 60.0
"""Seconds between two blocks: in these tests, `close` writes everything."""


def at(seconds: int) -> BookSnapshot:
    return shown(book(time_ns=NOW_NS + seconds * S))


def fed(seconds: int, *, is_live: bool = True) -> FeedChanged:
    return FeedChanged(
        time_ns=NOW_NS + seconds * S, instrument_ids=(UP, DOWN), is_live=is_live, epoch=0, reason="told"
    )


PRICE = PriceTick(time_ns=NOW_NS - 60 * S, feed="chainlink:BTC", asset="BTC", price=d("60000.5"))
RESOLVED = MarketResolved(time_ns=NOW_NS + 900 * S, market_id=MARKET, payouts={UP: d(1), DOWN: d(0)})
EVENTS: list[MarketEvent] = [
    listed(),
    fed(0),
    *(at(second) for second in range(7)),
    fed(7, is_live=False),
    PRICE,
    fed(8),
    at(8),
    RESOLVED,
]


def recorded(folder: Path, events: list[MarketEvent], bounds: Bounds) -> Recorder:
    """Record these and close; what waits in between is for the bounds to say."""
    recorder = Recorder(folder, label="a test", bounds=bounds)
    for event in events:
        recorder.take(event)
    recorder.close()
    return recorder


def test_what_was_taken_is_played_back_in_its_order(tmp_path: Path) -> None:
    recorder = recorded(tmp_path, EVENTS, Bounds(flush_s=ONCE, free_min=0))

    tape = open_tape(tmp_path)

    assert list(tape.events()) == EVENTS
    assert tape.label == "a test"
    assert recorder.failure == ""
    assert recorder.summary().startswith(
        "recorded 8 books, 3 changes of the feed, 1 listings, 1 prices, 1 resolutions;"
    )
    assert "in 1 part(s), 1 gap(s)" in recorder.summary()


@pytest.mark.parametrize("block", [1, 2, 5])
def test_parts_play_together_as_one_and_each_alone(tmp_path: Path, block: int) -> None:
    bounds = Bounds(flush_s=ONCE, free_min=0, part_max=1, block_events_max=block)

    recorded(tmp_path, EVENTS, bounds)

    parts = sorted(tmp_path.glob("tape-*.gz"))
    assert list(open_tape(tmp_path).events()) == EVENTS
    assert len(parts) == -(-len(EVENTS) // block)
    later = parts[1 + 5 // block :]
    alone = [event for event in open_tape(later[0]).events() if isinstance(event, BookSnapshot)]
    assert alone[0].book.instrument_id == UP
    assert open_tape(later[0]).instrument_ids == {UP, DOWN}


def test_the_oldest_parts_go_and_what_is_left_is_a_tape(tmp_path: Path) -> None:
    many: list[MarketEvent] = [listed(), fed(0), *(at(second) for second in range(500))]

    recorder = recorded(
        tmp_path, many, Bounds(flush_s=ONCE, free_min=0, total_max=8_000, block_events_max=10)
    )

    left = list(open_tape(tmp_path).events())
    assert "oldest part(s) deleted" in recorder.summary()
    assert sum(path.stat().st_size for path in tmp_path.glob("*.gz")) <= 8_000
    assert isinstance(left[1], FeedChanged)
    assert left[3:] == many[-len(left[3:]) :]


def test_what_the_disk_is_too_slow_for_is_a_gap_that_the_next_book_mends(tmp_path: Path) -> None:
    bounds = Bounds(flush_s=ONCE, free_min=0, waiting_max=3)
    recorder = Recorder(tmp_path, label="a test", bounds=bounds)

    for event in (listed(), fed(0), at(0), at(1), at(2), RESOLVED):
        recorder.take(event)
    recorder.close()

    kept, feed, seen, gap, resolved = open_tape(tmp_path).events()
    assert [kept, feed, seen, resolved] == [listed(), fed(0), at(0), RESOLVED]
    assert isinstance(gap, FeedChanged)
    assert (gap.is_live, gap.reason) == (False, "2 events were lost: the disk was too slow")
    assert (recorder.lost, recorder.events) == (2, 6)


def test_a_full_disk_ends_the_recording_with_one_line_and_nothing_else(tmp_path: Path) -> None:
    told: list[str] = []
    recorder = Recorder(
        tmp_path, label="a test", bounds=Bounds(flush_s=0, free_min=2**62), on_trouble=told.append
    )

    recorder.take(at(0))
    recorder._thread.join()
    recorder.take(at(1))
    recorder.close()

    assert len(told) == 1
    assert told[0] == recorder.failure
    assert told[0].startswith(f"recording has stopped: {tmp_path}:")
    assert "free some disk, then start again" in told[0]
    assert recorder.events == 1


def test_candles_stand_in_a_file_beside(tmp_path: Path) -> None:
    candle = Candle(
        instrument_id=UP,
        opens_ns=NOW_NS,
        open=d("1.10"),
        high=d(2),
        low=d(1),
        close=d("1.5"),
        volume=d("0.00100"),
    )
    recorder = Recorder(tmp_path, label="a test", bounds=Bounds(flush_s=ONCE, free_min=0))

    recorder.take_candle(candle)
    recorder.close()

    (path,) = tmp_path.glob("*.gz")
    head, line = gzip.decompress(path.read_bytes()).splitlines()
    assert path.name.startswith("candles-")
    assert msgspec.json.decode(head) == {"candles_version": 1, "label": "a test"}
    assert msgspec.json.decode(line, type=Candle) == candle


def test_nothing_taken_leaves_no_tape(tmp_path: Path) -> None:
    recorder = recorded(tmp_path, [], Bounds(flush_s=ONCE))

    assert list(tmp_path.glob("*.gz")) == []
    assert recorder.summary().startswith("recorded nothing;")
