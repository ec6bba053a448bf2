"""Recordings: a folder of books, prints and results, or a tape of the daemon's own; played at any speed."""

import gzip
import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from domain.book import Level
from domain.errors import TapeError
from domain.identifiers import InstrumentId, MarketId
from domain.instrument import Side
from domain.messages import (
    BookSnapshot,
    MarketEvent,
    MarketListed,
    MarketResolved,
    PriceTick,
    TradePrint,
    WalletAction,
    WalletTrade,
)
from simulator.polymarket.player import Player
from simulator.polymarket.recording import Recording
from simulator.polymarket.venue import Venue
from tests.simulator.polymarket.traders import DOLLAR, NOW_NS, SECOND, Order, Trader, venue_with

EMBEDDED = Path(__file__).parents[3] / "data" / "books_btc15m"
MARKET = "0x" + "ab" * 32
START_MS = 1_790_586_000_000
ROW = {
    "market_id": MARKET,
    "slug": "btc-updown-15m-1790586000",
    "question": "Bitcoin Up or Down",
    "category": "crypto",
    "start_ts": START_MS,
    "end_ts": START_MS + 900_000,
    "outcome_up": "Up",
    "outcome_down": "Down",
    "payout_up": 0.0,
    "payout_down": 1.0,
}


def book(at_s: int, bid: float, ask: float, *, side: str = "UP") -> dict[str, object]:
    bids, asks = [[bid, 100.0], [bid - 0.1, 50.0]], [[ask, 80.0]]
    return {"market_id": MARKET, "ts": START_MS + at_s * 1_000, "side": side, "bids": bids, "asks": asks}


def folder_with(path: Path, *rows: dict[str, object], prints: list[dict[str, object]] | None = None) -> Path:
    (path / "markets.jsonl").write_text(json.dumps(ROW) + "\n")
    with gzip.open(path / "books.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    if prints:
        (path / "prints.jsonl").write_text("".join(json.dumps(row) + "\n" for row in prints))
    return path


def played(path: Path, *, speed: str = "1", keep_times: bool = False) -> tuple[Venue, Player]:
    venue = venue_with()
    player = Player(venue)
    player.play(Recording(path), speed=Decimal(speed), keep_times=keep_times)
    venue.state.run_due()
    return venue, player


def best(venue: Venue) -> tuple[int | None, int | None]:
    return venue.state.book_of(MARKET).best_of(0)


def test_books_follow_each_other_in_the_recordings_time(tmp_path: Path) -> None:
    venue, _ = played(folder_with(tmp_path, book(0, 0.5, 0.52), book(60, 0.55, 0.57)), speed="60")

    first = best(venue)
    venue.advance(SECOND // 2)
    halfway = best(venue)
    venue.advance(SECOND // 2)

    assert first == halfway == (5_000, 5_200)
    assert best(venue) == (5_500, 5_700)


def test_the_other_outcomes_book_is_the_mirror(tmp_path: Path) -> None:
    venue, _ = played(folder_with(tmp_path, book(0, 0.45, 0.48, side="DOWN")), speed="2")

    assert best(venue) == (5_200, 5_500)
    assert venue.state.book_of(MARKET).asks.levels()[0] == (5_500, 100 * DOLLAR)


def test_noise_is_rounded_and_crossed_books_are_left_out(tmp_path: Path) -> None:
    noisy = {**book(0, 0.5, 0.52), "bids": [[0.5099999999999999, 10.0000001], [0.4, 0.0]]}
    venue, player = played(folder_with(tmp_path, noisy, book(1, 0.6, 0.55)), speed="10")
    venue.advance(SECOND)

    assert venue.state.book_of(MARKET).bids.levels() == [(5_100, 10 * DOLLAR)]
    assert player.played == 2  # the listing and one book


def test_a_price_between_two_cents_makes_the_tick_finer(tmp_path: Path) -> None:
    venue, _ = played(folder_with(tmp_path, book(0, 0.961, 0.975)), speed="2")

    assert venue.state.markets.by_condition[MARKET].tick == Decimal("0.001")


def test_prints_take_from_those_who_wait(tmp_path: Path) -> None:
    printed = {
        "market_id": MARKET,
        "ts": START_MS + 2_000,
        "side": "UP",
        "price": 0.51,
        "size": 7,
        "taker": "SELL",
    }
    venue, _ = played(
        folder_with(tmp_path, book(0, 0.5, 0.55), book(9, 0.5, 0.55), prints=[printed]), speed="2"
    )
    market = venue.state.markets.by_condition[MARKET]
    mine = Trader(venue).placed(Order(market.token_ids[0], price="0.51")).order

    venue.advance(SECOND)

    assert mine.matched == 7 * DOLLAR


def test_results_come_after_the_end(tmp_path: Path) -> None:
    venue, _ = played(folder_with(tmp_path, book(0, 0.5, 0.52), book(901, 0.5, 0.52)), speed="9")
    market = venue.state.markets.by_condition[MARKET]

    venue.advance(105 * SECOND)
    before = market.closed
    venue.advance(SECOND)

    assert before is False
    assert market.payouts == (Decimal(0), Decimal(1))  # 954 / 9 = 106 s


@pytest.mark.parametrize(
    ("speed", "keep", "start_s"),
    [
        pytest.param("1", False, 1_795_199_400, id="its own speed: on the quarter hour"),
        pytest.param("60", False, NOW_NS // SECOND, id="faster: when it happens"),
        pytest.param("60", True, START_MS // 1_000, id="its own times"),
    ],
)
def test_names_and_dates_tell_when_it_happens(tmp_path: Path, speed: str, keep: bool, start_s: int) -> None:
    venue, _ = played(folder_with(tmp_path, book(0, 0.5, 0.52)), speed=speed, keep_times=keep)

    [market] = venue.state.markets.by_condition.values()

    assert market.spec.starts_ns == start_s * SECOND
    assert market.spec.slug == f"btc-updown-15m-{start_s}"
    length = 900 if keep or speed == "1" else 15
    assert market.spec.ends_ns - market.spec.starts_ns == length * SECOND


def test_takers_in_up_down_markets_wait(tmp_path: Path) -> None:
    venue, _ = played(folder_with(tmp_path, book(0, 0.5, 0.52)), speed="2")

    assert venue.state.markets.by_condition[MARKET].spec.taker_delay_ms == 150


@pytest.mark.parametrize("speed", ["0", "-1"])
def test_a_speed_is_above_zero(tmp_path: Path, speed: str) -> None:
    with pytest.raises(ValueError, match="speed"):
        played(folder_with(tmp_path, book(0, 0.5, 0.52)), speed=speed)


def test_what_cannot_be_read_is_told_with_its_line(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    (folder / "books.jsonl.gz").unlink()
    with pytest.raises(TapeError, match=r"has no books\.jsonl\.gz"):
        list(Recording(folder).events())
    (folder / "books.jsonl").write_text("{\n")
    with pytest.raises(TapeError, match=r"books\.jsonl line 1"):
        list(Recording(folder).events())
    with pytest.raises(TapeError, match="is not there"):
        Recording(folder / "elsewhere")


def tape_with(path: Path, events: list[MarketEvent]) -> Path:
    header = json.dumps({"tape_version": 1, "label": "test"})
    lines = [header, *(msgspec.json.encode(event).decode() for event in events)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_tape_of_our_own_is_played_with_prices_and_wallets(tmp_path: Path) -> None:
    [listed, snapshot] = list(Recording(folder_with(tmp_path, book(0, 0.5, 0.52))).events())[:2]
    assert isinstance(listed, MarketListed)
    assert isinstance(snapshot, BookSnapshot)
    up = listed.market.instruments[0].id
    at_ns = listed.time_ns
    leader = WalletTrade(
        time_ns=at_ns,
        traded_ns=at_ns,
        wallet="0x" + "CD" * 20,
        name="Leader",
        action=WalletAction.TRADE,
        market_id=MarketId(MARKET),
        instrument_id=up,
        side=Side.BUY,
        price=Decimal("0.52"),
        quantity=Decimal(30),
        transaction="0xfeed",
    )
    events: list[MarketEvent] = [
        listed,
        snapshot,
        TradePrint(
            time_ns=at_ns, instrument_id=up, side=Side.BUY, price=Decimal("0.52"), quantity=Decimal(3)
        ),
        PriceTick(time_ns=at_ns, feed="chainlink:BTC", asset="BTC", price=Decimal(81_000)),
        leader,
        MarketResolved(
            time_ns=at_ns + SECOND,
            market_id=MarketId(MARKET),
            payouts={up: Decimal(1), InstrumentId(f"{MARKET}:DOWN"): Decimal(0)},
        ),
    ]

    venue, player = played(tape_with(tmp_path / "evening.jsonl", events), speed="1000")
    venue.advance(2 * SECOND)

    assert player.played == 6
    assert venue.state.markets.by_condition[MARKET].payouts == (Decimal(1), Decimal(0))
    assert venue.prices.history("btcusd", twap=False)[-1].value == 81_000
    [deed] = venue.activity.settled
    assert (deed.name, deed.side, deed.shares, deed.hash) == ("Leader", "BUY", 30 * DOLLAR, "0xfeed")
    assert snapshot.book.bids[0] == Level(Decimal("0.5000"), Decimal("100.000000"))


@pytest.mark.slow
def test_the_embedded_evening_is_played_to_its_end() -> None:
    venue, player = played(EMBEDDED, speed="3600")

    venue.advance(5 * SECOND)

    markets = list(venue.state.markets.by_condition.values())
    assert len(markets) == 10
    assert all(market.closed for market in markets)
    assert sum(market.payouts == (Decimal(1), Decimal(0)) for market in markets) == 7
    assert player.played == 21_018 - 4 + 10 + 10  # books but the crossed ones, listings and results
