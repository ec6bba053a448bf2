"""Verdicts on prices from outcomes: intervals, buckets, what is shipped, and the report."""

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest

from strategies.sniping.calibration import (
    HEADER,
    Outcome,
    Tally,
    Verdict,
    calibrate,
    find,
    render,
    tally,
    wilson_interval,
)
from strategies.sniping.shipped_calibration import SHIPPED
from tests.support.trading import d

LOW, HIGH = d("0.95"), d("1.00")
RECORDING = Path(__file__).resolve().parents[3] / "data" / "books_btc15m"


def outcomes(n: int, *, won: int, price: str = "0.96", category: str = "crypto") -> list[Outcome]:
    """So many favourites at one price, of which so many won."""
    return [Outcome(category, d(price), won=number < won) for number in range(n)]


@pytest.mark.parametrize(
    ("won", "n", "low", "high"),
    [
        pytest.param(0, 10, 0.0, 0.2775, id="none of 10"),
        pytest.param(10, 10, 0.7225, 1.0, id="all of 10"),
        pytest.param(5, 10, 0.2366, 0.7634, id="half of 10"),
        pytest.param(54, 61, 0.7816, 0.9433, id="54 of 61"),
        pytest.param(950, 1000, 0.9347, 0.9619, id="950 of 1000"),
    ],
)
def test_the_wilson_interval(won: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(won=won, n=n) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(
    ("n", "won", "verdict"),
    [
        pytest.param(29, 29, Verdict.INSUFFICIENT, id="one too few"),
        pytest.param(29, 0, Verdict.INSUFFICIENT, id="too few, whatever they say"),
        pytest.param(30, 30, Verdict.CALIBRATED, id="just enough"),
        pytest.param(31, 31, Verdict.CALIBRATED, id="one more"),
        # Of 40, 36 won leave up to 96.04 % plausible, which is above 0.96; 35 leave up to 94.54 %.
        pytest.param(40, 36, Verdict.CALIBRATED, id="fewer than implied, by chance"),
        pytest.param(40, 35, Verdict.OVERPRICED, id="fewer than chance explains"),
    ],
)
def test_the_verdict(n: int, won: int, verdict: Verdict) -> None:
    (cell,) = calibrate(tally(outcomes(n, won=won)))

    assert cell.verdict is verdict


def test_a_cell_says_what_was_paid_what_came_and_what_to_reckon_with() -> None:
    (cell,) = calibrate([Tally("esports", LOW, HIGH, n=61, won=54, paid=d("59.78"))])

    assert cell.implied == pytest.approx(0.98)
    assert cell.observed == pytest.approx(0.885, abs=5e-4)
    assert cell.verdict is Verdict.OVERPRICED
    assert cell.loss_probability == d("0.2185")  # 1 - 0.78156, rounded up


@pytest.mark.parametrize(
    ("price", "low"),
    [
        ("0.4999", None),
        ("0.50", "0.50"),
        ("0.7999", "0.50"),
        ("0.80", "0.80"),
        ("0.8999", "0.80"),
        ("0.90", "0.90"),
        ("0.9499", "0.90"),
        ("0.95", "0.95"),
        ("0.999", "0.95"),
        ("1.00", None),
    ],
)
def test_a_bucket_begins_with_its_lowest_price(price: str, low: str | None) -> None:
    counted = tally(outcomes(1, won=1, price=price))

    assert [cell.low for cell in counted] == ([d(low)] if low else [])
    assert (find(calibrate(counted), "crypto", d(price)) is not None) is (low is not None)


def test_categories_and_buckets_are_kept_apart_and_sorted() -> None:
    table = calibrate(
        tally(
            [*outcomes(2, won=1, category="sports"), *outcomes(3, won=3), *outcomes(1, won=0, price="0.85")]
        )
    )

    assert [(c.tally.category, c.tally.low, c.tally.n, c.tally.won) for c in table] == [
        ("crypto", d("0.80"), 1, 0),
        ("crypto", LOW, 3, 3),
        ("sports", LOW, 2, 1),
    ]


def test_tallies_of_one_cell_are_added_up() -> None:
    first, second = tally(outcomes(20, won=20)), tally(outcomes(20, won=18, price="0.98"))

    (cell,) = calibrate([*first, *second])

    assert cell.tally == Tally("crypto", LOW, HIGH, n=40, won=38, paid=d("38.80"))


@pytest.mark.parametrize("price", ["0.80", "0.90", "0.95", "0.985"])
def test_crypto_is_shipped_calibrated(price: str) -> None:
    cell = find(calibrate(SHIPPED), "crypto", d(price))

    assert cell is not None
    assert cell.verdict is Verdict.CALIBRATED


def test_esports_are_shipped_overpriced_and_nothing_else_is_known() -> None:
    table = calibrate(SHIPPED)

    assert [cell.verdict for cell in table if cell.tally.category == "esports"] == [Verdict.OVERPRICED]
    assert {cell.tally.category for cell in table} == {"crypto", "esports"}


def test_what_is_said_of_the_embedded_recording_can_be_counted_there() -> None:
    counted = tally(recorded_favourites())

    assert sorted(counted) == sorted(row for row in SHIPPED if row.category == "crypto" and row.n == 10)


def test_the_report_has_a_line_for_each_cell() -> None:
    lines = render(calibrate([Tally("crypto", LOW, HIGH, n=82, won=81, paid=d("79.27"))]))

    assert lines == [
        HEADER,
        "crypto       0.95–1.00      82    96.7%    98.8%  93.4% to 99.8%    6.6%  calibrated",
    ]
    assert HEADER.index("verdict") == lines[1].index("calibrated")


def recorded_favourites() -> list[Outcome]:
    """The first ask in each bucket of each recorded market while it ran, up to what the sniper pays."""
    with gzip.open(RECORDING / "markets.jsonl.gz", "rt") as lines:
        markets = {row["market_id"]: row for row in map(json.loads, lines)}
    found: dict[tuple[str, Decimal], Outcome] = {}
    with gzip.open(RECORDING / "books.jsonl.gz", "rt") as lines:
        for row in map(json.loads, lines):
            market = markets[row["market_id"]]
            runs = market["start_ts"] <= row["ts"] < market["end_ts"]
            if not runs or not row["asks"] or not row["bids"] or row["bids"][0][0] >= row["asks"][0][0]:
                continue
            ask = Decimal(str(row["asks"][0][0]))
            counted = tally([Outcome("crypto", ask, bool(market[f"payout_{row['side'].lower()}"]))])
            if counted and d("0.80") <= ask <= d("0.985"):
                key = row["market_id"], counted[0].low
                found.setdefault(key, Outcome("crypto", ask, bool(counted[0].won)))
    return list(found.values())
