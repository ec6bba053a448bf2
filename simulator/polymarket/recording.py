"""Recordings as market events: a folder of recorded books, or a tape file of the daemon's own."""

import gzip
import json
from collections.abc import Callable, Iterator
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, InvalidOperation
from pathlib import Path
from typing import IO

import msgspec

from domain.book import Level, OrderBook
from domain.errors import TapeError
from domain.identifiers import InstrumentId, MarketId, VenueName
from domain.instrument import Instrument, Market, Side
from domain.messages import BookSnapshot, MarketEvent, MarketListed, MarketResolved, TradePrint
from domain.money import UNIT
from simulator.timing import NS_PER_MS

OUTCOMES = ("UP", "DOWN")
VENUE = VenueName("recording")
GRID = Decimal("0.0001")
CENT = Decimal("0.01")
FEE_RATES = {"crypto": Decimal("0.07"), "sports": Decimal("0.05"), "politics": Decimal("0.04")}
RESOLVED_AFTER_MS = 54_000
"""Up/down markets close about 0.9 minutes after their end (median); the recording does not say when."""

Row = dict[str, object]


class Recording:
    """One recording; `events` reads it from its start each time, in the order of time. TapeError where it cannot."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_folder = path.is_dir()
        if not path.exists():
            raise TapeError(f"recording {path}: is not there; give a folder or a tape file")

    def events(self) -> Iterator[MarketEvent]:
        """Markets first, then books, prints and results."""
        return self._folder_events() if self._is_folder else self._tape_events()

    def _tape_events(self) -> Iterator[MarketEvent]:
        decoder: msgspec.json.Decoder[MarketEvent] = msgspec.json.Decoder(MarketEvent)
        with open_lines(self._path) as lines:
            next(lines, None)  # the header
            for number, line in enumerate(lines, start=2):
                try:
                    yield decoder.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    raise TapeError(f"recording {self._path} line {number}: {error}") from error

    def _folder_events(self) -> Iterator[MarketEvent]:
        markets = {str(row["market_id"]): row for row in self._rows("markets.jsonl")}
        first_ns = next((time_of(row) for row in self._rows("books.jsonl")), 0)
        for row in markets.values():
            yield MarketListed(time_ns=first_ns, market=_market(row))
        results = [result for row in markets.values() if (result := _resolution(row))]
        waiting = sorted(results, key=lambda result: result.time_ns)
        for event in _merged(self._events_of("books.jsonl", _book), self._events_of("prints.jsonl", _print)):
            while waiting and waiting[0].time_ns <= event.time_ns:
                yield waiting.pop(0)
            yield event
        yield from waiting

    def _events_of(self, name: str, read: Callable[[Row], MarketEvent | None]) -> Iterator[MarketEvent]:
        return (event for row in self._rows(name) if (event := read(row)) is not None)

    def _rows(self, name: str) -> Iterator[Row]:
        """Lines of a file of the folder as objects with exact numbers; none where it has no such file."""
        for path in (self._path / f"{name}.gz", self._path / name):
            if path.is_file():
                yield from _rows_of(path)
                return
        if name != "prints.jsonl":
            raise TapeError(f"recording {self._path}: has no {name}.gz")


def open_lines(path: Path) -> IO[bytes]:
    """The file's lines, unpacked where its name ends in .gz."""
    if path.suffix == ".gz":
        return gzip.open(path)  # type: ignore[return-value]  # a gzip file reads as any binary file does
    return path.open("rb")


def time_of(row: Row) -> int:
    """Time of a line in nanoseconds."""
    return int(str(row["ts"])) * NS_PER_MS


def _rows_of(path: Path) -> Iterator[Row]:
    with open_lines(path) as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield json.loads(line, parse_float=Decimal)
            except (ValueError, InvalidOperation) as error:
                raise TapeError(f"recording {path} line {number}: {error}") from error


def _merged(books: Iterator[MarketEvent], prints: Iterator[MarketEvent]) -> Iterator[MarketEvent]:
    """Both in order of time; at the same moment the book comes first, so that a print finds it."""
    book, printed = next(books, None), next(prints, None)
    while book or printed:
        if printed is None or (book is not None and book.time_ns <= printed.time_ns):
            assert book is not None
            yield book
            book = next(books, None)
        else:
            yield printed
            printed = next(prints, None)


def _market(row: Row) -> Market:
    market_id = MarketId(str(row["market_id"]))
    category = str(row.get("category") or "other").lower()
    labels = (str(row.get("outcome_up", "Up")), str(row.get("outcome_down", "Down")))
    instruments = tuple(
        Instrument(
            id=_instrument_id(market_id, own),
            market_id=market_id,
            venue=VENUE,
            outcome=label,
            complement_id=_instrument_id(market_id, other),
            tick_size=CENT,
            fee_rate=FEE_RATES.get(category, Decimal("0.05")),
        )
        for own, other, label in (("UP", "DOWN", labels[0]), ("DOWN", "UP", labels[1]))
    )
    return Market(
        id=market_id,
        venue=VENUE,
        slug=str(row["slug"]),
        question=str(row["question"]),
        category=category,
        event_id=str(row["slug"]),
        opens_ns=int(str(row["start_ts"])) * NS_PER_MS,
        closes_ns=int(str(row["end_ts"])) * NS_PER_MS,
        instruments=instruments,
    )


def _resolution(row: Row) -> MarketResolved | None:
    if row.get("payout_up") is None:
        return None
    market_id = MarketId(str(row["market_id"]))
    payouts = (Decimal(str(row["payout_up"])), Decimal(str(row["payout_down"])))
    return MarketResolved(
        time_ns=(int(str(row["end_ts"])) + RESOLVED_AFTER_MS) * NS_PER_MS,
        market_id=market_id,
        payouts={
            _instrument_id(market_id, outcome): payout
            for outcome, payout in zip(OUTCOMES, payouts, strict=True)
        },
    )


def _book(row: Row) -> MarketEvent | None:
    """A book that a venue can have shown; None for a crossed one, which is a bad capture."""
    bids, asks = _levels(row["bids"]), _levels(row["asks"])
    if bids and asks and bids[0].price >= asks[0].price:
        return None
    instrument_id = _instrument_id(MarketId(str(row["market_id"])), str(row["side"]))
    book = OrderBook(instrument_id=instrument_id, time_ns=time_of(row), bids=bids, asks=asks)
    return BookSnapshot(time_ns=time_of(row), book=book)


def _print(row: Row) -> MarketEvent | None:
    return TradePrint(
        time_ns=time_of(row),
        instrument_id=_instrument_id(MarketId(str(row["market_id"])), str(row["side"])),
        side=Side(str(row["taker"])),
        price=Decimal(str(row["price"])),
        quantity=Decimal(str(row["size"])),
    )


def _levels(rows: object) -> tuple[Level, ...]:
    """Levels on the venue's finest grid, best first; the noise of float arithmetic is rounded away."""
    pairs = msgspec.convert(rows, list[tuple[Decimal, Decimal]], strict=False)
    exact = [
        Level(
            price.quantize(GRID, rounding=ROUND_HALF_EVEN),
            size.quantize(UNIT, rounding=ROUND_FLOOR),
        )
        for price, size in pairs
    ]
    return tuple(level for level in exact if level.quantity > 0 and 0 < level.price < 1)


def _instrument_id(market_id: MarketId, outcome: str) -> InstrumentId:
    return InstrumentId(f"{market_id}:{outcome}")
