"""Plays a folder of recorded outcome books: `markets.jsonl[.gz]` and `books.jsonl[.gz]`."""

from collections.abc import Iterator
from decimal import Decimal
from operator import gt, lt
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from backtest.recorded_levels import LevelCache, RawLevel, RecordedLevels
from backtest.tape import file_fingerprint, numbered, open_lines
from clock import NS_PER_MS, NS_PER_S
from domain.book import OrderBook
from domain.errors import TapeError
from domain.identifiers import InstrumentId, MarketId, VenueName
from domain.instrument import CENT, Instrument, Market
from domain.messages import (
    BookSnapshot,
    MarketEvent,
    MarketListed,
    MarketResolved,
    SnapshotRejected,
    TickSizeChanged,
)
from domain.money import ZERO

T = TypeVar("T")
VENUE = VenueName("paper")
OUTCOMES = ("UP", "DOWN")
FINE_TICK = Decimal("0.001")
RESOLUTION_DELAY_NS = 54 * NS_PER_S
"""The recording has no moment of resolution; up/down markets close about 0.9 min after their end (median)."""

CENT_PRICES = frozenset(cents / 100 for cents in range(1, 100))
"""The whole cents as a recording's floats have them: the nearest float to 0.57 is 57 / 100."""

TIME_MS_MAX = 4_102_444_800_000
"""The year 2100."""

PRICE_DECIMALS, PRICE_NOISE = 4, 1e-9
"""The finest tick is 0.0001; what float arithmetic adds to a price is far smaller."""

SIZE_MAX = 1e9
"""A level of more shares is a broken capture."""

TAKER_FEE_RATES = {
    "crypto": Decimal("0.07"),
    "sports": Decimal("0.05"),
    "economics": Decimal("0.05"),
    "culture": Decimal("0.05"),
    "weather": Decimal("0.05"),
    "other": Decimal("0.05"),
    "finance": Decimal("0.04"),
    "politics": Decimal("0.04"),
    "mentions": Decimal("0.04"),
    "tech": Decimal("0.04"),
    "geopolitics": ZERO,
}
"""Polymarket's fee schedule by category (2026-11); a recording does not carry the market's own."""


class MarketRow(Struct, frozen=True):
    """A line of markets.jsonl; times in milliseconds, payouts None where the market had not resolved."""

    market_id: str
    slug: str
    question: str
    start_ts: int
    end_ts: int
    category: str | None = None
    payout_up: Decimal | None = None
    payout_down: Decimal | None = None


class BookRow(Struct, frozen=True):
    """A line of books.jsonl: levels best first; floats because the recording's numbers are (see recorded_levels)."""

    market_id: str
    ts: int
    side: str
    bids: list[RawLevel]
    asks: list[RawLevel]


class RecordedBooks:
    """The recording as a tape; opening it reads all of it once, so that a broken one is refused at the start."""

    def __init__(self, folder: Path) -> None:
        self._markets_path = _one_of(folder, "markets.jsonl")
        self._books_path = _one_of(folder, "books.jsonl")
        self._markets = self._read_markets()
        self._first_ns, self.events_total = self._scan_books()
        self.instrument_ids = frozenset(
            _instrument_id(market_id, outcome) for market_id in self._markets for outcome in OUTCOMES
        )
        self.label = f"recording {folder.name}, {len(self._markets)} markets"
        self.fingerprint = file_fingerprint([self._markets_path, self._books_path])

    def events(self) -> Iterator[MarketEvent]:
        """Listings first, then books, rejected captures and tick changes, each resolution when it is due."""
        resolutions = sorted(self._resolutions(), key=lambda event: event.time_ns)
        for market in self._markets.values():
            yield MarketListed(time_ns=self._first_ns, market=_market(market))
        reader = _BookReader()
        for row in self._rows():
            while resolutions and resolutions[0].time_ns <= row.ts * NS_PER_MS:
                yield resolutions.pop(0)
            yield from reader.read(row)
        yield from resolutions

    def _read_markets(self) -> dict[str, MarketRow]:
        decoder = msgspec.json.Decoder(MarketRow)
        rows: dict[str, MarketRow] = {}
        with open_lines(self._markets_path) as lines:
            for number, line in numbered(lines):
                row = _decode(decoder, line, self._markets_path, number)
                if fault := _market_fault(row):
                    raise TapeError(f"tape {self._markets_path} line {number}: {fault}")
                rows[row.market_id] = row
        if not rows:
            raise TapeError(f"tape {self._markets_path}: holds no market; give another --tape")
        return rows

    def _scan_books(self) -> tuple[int, int]:
        """Check that each line is a whole row of a known market; return the first time and the number of lines."""
        decoder = msgspec.json.Decoder(BookRow)
        first_ns = number = 0
        with open_lines(self._books_path) as lines:
            for number, line in numbered(lines):
                row = _decode(decoder, line, self._books_path, number)
                if row.market_id not in self._markets:
                    where = f"tape {self._books_path} line {number}"
                    raise TapeError(
                        f"{where}: market {row.market_id[:20]!r} is not in {self._markets_path.name}"
                    )
                if not 0 < row.ts < TIME_MS_MAX:
                    raise TapeError(
                        f"tape {self._books_path} line {number}: ts {row.ts} is no time in milliseconds"
                    )
                first_ns = first_ns or row.ts * NS_PER_MS
        if not number:
            raise TapeError(f"tape {self._books_path}: holds no books; give another --tape")
        return first_ns, number

    def _rows(self) -> Iterator[BookRow]:
        decoder = msgspec.json.Decoder(BookRow)
        with open_lines(self._books_path) as lines:
            for number, line in numbered(lines):
                yield _decode(decoder, line, self._books_path, number)

    def _resolutions(self) -> Iterator[MarketResolved]:
        for row in self._markets.values():
            if row.payout_up is None or row.payout_down is None:
                continue
            yield MarketResolved(
                time_ns=row.end_ts * NS_PER_MS + RESOLUTION_DELAY_NS,
                market_id=MarketId(row.market_id),
                payouts={
                    _instrument_id(row.market_id, "UP"): row.payout_up.normalize() + ZERO,
                    _instrument_id(row.market_id, "DOWN"): row.payout_down.normalize() + ZERO,
                },
            )


def _market_fault(row: MarketRow) -> str | None:
    """Say why a market cannot be played, None where it can."""
    if row.end_ts <= row.start_ts:
        return "the market ends before it starts"
    if not (row.start_ts > 0 and row.end_ts < TIME_MS_MAX):
        return f"start_ts {row.start_ts} or end_ts {row.end_ts} is no time in milliseconds"
    for payout in (row.payout_up, row.payout_down):
        if payout is not None and not (payout.is_finite() and 0 <= payout <= 1):
            return f"a payout of {payout} is not between 0 and 1"
    return None


class _BookReader:
    """Turns rows into events: rejects what no venue can have shown, and notes where the tick became finer."""

    def __init__(self) -> None:
        self._last_ns: dict[InstrumentId, int] = {}
        self._fine: set[str] = set()
        self._cache = LevelCache()
        self._prices: set[float] = set()  # seen before, and on the finest grid that there is

    def read(self, row: BookRow) -> Iterator[MarketEvent]:
        instrument_id, time_ns = _instrument_id(row.market_id, row.side), row.ts * NS_PER_MS
        bids, asks = self._on_grid(row.bids), self._on_grid(row.asks)
        fault = _fault(row.side, bids, asks) or self._off_grid(bids, asks)
        if time_ns < self._last_ns.get(instrument_id, 0):
            fault = "older than the snapshot before it"
        if fault:
            yield SnapshotRejected(time_ns=time_ns, instrument_id=instrument_id, reason=fault)
            return
        self._last_ns[instrument_id] = time_ns
        book = OrderBook(
            instrument_id=instrument_id,
            time_ns=time_ns,
            bids=RecordedLevels(bids, self._cache),
            asks=RecordedLevels(asks, self._cache),
        )
        if row.market_id not in self._fine and _shows_fine_tick(bids, asks):
            self._fine.add(row.market_id)
            for outcome in OUTCOMES:
                yield TickSizeChanged(
                    time_ns=time_ns, instrument_id=_instrument_id(row.market_id, outcome), tick_size=FINE_TICK
                )
        yield BookSnapshot(time_ns=time_ns, book=book)

    def _on_grid(self, rows: list[RawLevel]) -> list[RawLevel]:
        """Drop empty levels, and take the noise of float arithmetic off prices: 0.9199999999999999 is 0.92."""
        if not rows:
            return rows
        prices, sizes = zip(*rows, strict=True)
        if not self._prices.issuperset(prices):
            rows = [(_snapped(price), quantity) for price, quantity in rows]
            self._prices.update(price for price, _ in rows if round(price, PRICE_DECIMALS) == price)
        return rows if all(sizes) else [raw for raw in rows if raw[1]]

    def _off_grid(self, bids: list[RawLevel], asks: list[RawLevel]) -> str | None:
        """Say whether a price is finer than any tick; all that are on the grid were noted on the way in."""
        is_known = all(self._prices.issuperset([price for price, _ in rows]) for rows in (bids, asks))
        return None if is_known else "a price finer than any tick"


def _snapped(price: float) -> float:
    near = round(price, PRICE_DECIMALS)
    return near if abs(near - price) < PRICE_NOISE else price


def _fault(side: str, bids: list[RawLevel], asks: list[RawLevel]) -> str | None:
    """Say why no venue can have shown this book, None where it can; floats that are only compared stay exact."""
    if side not in OUTCOMES:
        return f"side {side[:20]!r} is not UP or DOWN"
    if bids and asks and bids[0][0] >= asks[0][0]:
        return f"crossed: bid {bids[0][0]} reaches ask {asks[0][0]}"
    bid_prices, ask_prices = [price for price, _ in bids], [price for price, _ in asks]
    if not all(map(gt, bid_prices, bid_prices[1:])) or not all(map(lt, ask_prices, ask_prices[1:])):
        return "levels out of order"
    edges = (*bid_prices[:1], *bid_prices[-1:], *ask_prices[:1], *ask_prices[-1:])
    if not all(0 < price < 1 for price in edges):
        return "prices out of bounds"
    sizes = [quantity for _, quantity in (*bids, *asks)]
    if sizes and not (min(sizes) > 0 and max(sizes) < SIZE_MAX):
        return "sizes out of bounds"
    return None


def _shows_fine_tick(bids: list[RawLevel], asks: list[RawLevel]) -> bool:
    """A price between two cents shows that the venue takes a finer tick now; it begins at the ends of the scale."""
    ends = (*bids[:3], *asks[:3], *bids[-3:], *asks[-3:])
    return not CENT_PRICES.issuperset([price for price, _ in ends])


def _market(row: MarketRow) -> Market:
    instruments = tuple(
        Instrument(
            id=_instrument_id(row.market_id, outcome),
            market_id=MarketId(row.market_id),
            venue=VENUE,
            outcome=outcome,
            complement_id=_instrument_id(row.market_id, other),
            tick_size=CENT,
            fee_rate=TAKER_FEE_RATES.get(_category(row), TAKER_FEE_RATES["other"]),
        )
        for outcome, other in (OUTCOMES, OUTCOMES[::-1])
    )
    return Market(
        id=MarketId(row.market_id),
        venue=VENUE,
        slug=row.slug,
        question=row.question,
        category=_category(row),
        event_id=row.slug,
        opens_ns=row.start_ts * NS_PER_MS,
        closes_ns=row.end_ts * NS_PER_MS,
        instruments=instruments,
    )


def _category(row: MarketRow) -> str:
    return (row.category or "other").lower()


def _instrument_id(market_id: str, outcome: str) -> InstrumentId:
    return InstrumentId(f"{market_id}:{outcome}")


def _one_of(folder: Path, name: str) -> Path:
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    raise TapeError(
        f"tape {folder}: has no {name}.gz; a recording is a folder with markets.jsonl.gz and books.jsonl.gz"
    )


def _decode(decoder: msgspec.json.Decoder[T], line: bytes, path: Path, number: int) -> T:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TapeError(
            f"tape {path} line {number}: {error}; mend the line or give another --tape"
        ) from error
