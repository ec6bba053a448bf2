"""Candles of a pair that are final, each once, from a stream and from REST alike."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from msgspec import Struct

from clock import NS_PER_MS
from domain.identifiers import InstrumentId
from venues.exchange.instruments import decimal_of

TIMEFRAME = "1m"
FIELDS = 5
"""Open, high, low, close and base volume, after the time at which the candle opens."""


class Candle(Struct, frozen=True, kw_only=True):
    """One minute of a pair: prices in quote, volume in base; it opens at `opens_ns`."""

    instrument_id: InstrumentId
    opens_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


CandleSink = Callable[[Candle], None]


class CandleTracker:
    """ccxt does not say whether a candle is closed: it is, as soon as a later one is seen."""

    def __init__(self, sink: CandleSink) -> None:
        self._sink = sink
        self._latest: dict[InstrumentId, Candle] = {}

    def take(self, instrument_id: InstrumentId, rows: Sequence[Sequence[object]]) -> None:
        """Take rows of ccxt, oldest first; rows that are not whole, and those of the past, are passed over."""
        for row in rows:
            candle = _candle(instrument_id, row)
            if candle is None:
                continue
            latest = self._latest.get(instrument_id)
            if latest is not None and candle.opens_ns < latest.opens_ns:
                continue
            if latest is not None and candle.opens_ns > latest.opens_ns:
                self._sink(latest)
            self._latest[instrument_id] = candle


def _candle(instrument_id: InstrumentId, row: Sequence[object]) -> Candle | None:
    numbers = [decimal_of(value) for value in row[1 : FIELDS + 1]]
    whole = [number for number in numbers if number is not None]
    if len(whole) != FIELDS or not isinstance(row[0], int):
        return None
    return Candle(
        instrument_id=instrument_id,
        opens_ns=row[0] * NS_PER_MS,
        open=whole[0],
        high=whole[1],
        low=whole[2],
        close=whole[3],
        volume=whole[4],
    )
