"""Prices that went through floats: noise comes off, and what no tick explains is rejected and counted."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from backtest.recorded_books import RecordedBooks
from domain.messages import BookSnapshot, MarketEvent, SnapshotRejected, TickSizeChanged

START_MS = 1_790_586_000_000


def played(folder: Path, *bids: float) -> list[MarketEvent]:
    """A recording of one snapshot for each best bid, a second apart."""
    market = {
        "market_id": "0xa",
        "slug": "a",
        "question": "?",
        "start_ts": START_MS,
        "end_ts": START_MS + 900_000,
    }
    (folder / "markets.jsonl").write_text(json.dumps(market) + "\n")
    lines = [
        {"market_id": "0xa", "ts": START_MS + 1_000 * n, "side": "UP", "bids": [[bid, 10.0]], "asks": []}
        for n, bid in enumerate(bids)
    ]
    (folder / "books.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return list(RecordedBooks(folder).events())


def best_bids(events: list[MarketEvent]) -> list[Decimal]:
    """Best bid of each snapshot that was played."""
    return [event.book.bids[0].price for event in events if isinstance(event, BookSnapshot)]


@pytest.mark.parametrize(
    ("recorded", "price"),
    [
        pytest.param(0.9199999999999999, "0.92", id="just below a cent"),
        pytest.param(0.07 + 1e-16, "0.07", id="just above a cent"),
        pytest.param(0.1 + 0.2, "0.3", id="a sum of floats"),
        pytest.param(0.9989999999999999, "0.999", id="just below a tenth of a cent"),
        pytest.param(0.00010000000000000002, "0.0001", id="just above the finest tick"),
        pytest.param(0.5, "0.5", id="no noise"),
    ],
)
def test_the_noise_of_float_arithmetic_comes_off(tmp_path: Path, recorded: float, price: str) -> None:
    events = played(tmp_path, recorded, recorded)

    assert best_bids(events) == [Decimal(price)] * 2
    assert [str(bid) for bid in best_bids(events)] == [price] * 2


def test_noise_on_a_cent_is_no_finer_tick(tmp_path: Path) -> None:
    events = played(tmp_path, 0.9199999999999999)

    assert not any(isinstance(event, TickSizeChanged) for event in events)


@pytest.mark.parametrize(
    "recorded",
    [
        pytest.param(0.92 + 2e-9, id="more than noise"),
        pytest.param(0.12345, id="half of the finest tick"),
        pytest.param(1 / 3, id="no tick at all"),
        pytest.param(0.00005, id="below the finest tick"),
    ],
)
def test_a_price_that_no_tick_explains_is_rejected_each_time(tmp_path: Path, recorded: float) -> None:
    events = played(tmp_path, 0.5, recorded, recorded, 0.51)

    rejected = [event.reason for event in events if isinstance(event, SnapshotRejected)]
    assert rejected == ["a price finer than any tick"] * 2
    assert best_bids(events) == [Decimal("0.5"), Decimal("0.51")]
