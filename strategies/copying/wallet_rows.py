"""A wallet's downloaded trades as events on the markets of a recording: someone's real fills as the target."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from heapq import merge

import msgspec
from msgspec import Struct

from domain.identifiers import InstrumentId, MarketId
from domain.instrument import Market, Side
from domain.messages import MarketEvent, WalletAction, WalletTrade
from domain.money import UNIT, round_down

NS_PER_S = 1_000_000_000
DELAY_S = Decimal(5)
"""Time from a trade to its row at the venue's data service: 5.4 s in the median."""


class WalletRow(Struct, frozen=True, kw_only=True):
    """A line of a trades file: `ts` in seconds, `taker` false where the wallet rested; other columns are ignored."""

    wallet: str
    outcome: str
    price: Decimal
    side: Side
    size: Decimal
    slug: str
    ts: int
    tx: str
    taker: bool = True


def parse_rows(lines: Iterable[bytes]) -> list[WalletRow]:
    """Read JSON lines; raises msgspec.DecodeError for one that is no trade."""
    decoder = msgspec.json.Decoder(WalletRow)
    return [decoder.decode(line) for line in lines if line.strip()]


def wallet_trades(
    rows: Iterable[WalletRow], markets: Mapping[str, Market], *, name: str, delay_s: Decimal = DELAY_S
) -> list[WalletTrade]:
    """Turn rows into events in the order in which they would be heard of; `markets` are named by their slugs.

    A row of a market that is not there becomes a trade in a market that nobody knows, so that it gets its receipt.
    Prices are rounded down to a unit: the file's are quotients of amounts.
    """
    events = [_event(row, markets.get(row.slug), name, int(delay_s * NS_PER_S)) for row in rows]
    return sorted(events, key=lambda event: event.time_ns)


def interleave(events: Iterable[MarketEvent], trades: Iterable[WalletTrade]) -> Iterator[MarketEvent]:
    """Play both in order of time; at the same moment the market comes first."""
    return merge(events, trades, key=lambda event: event.time_ns)


def _event(row: WalletRow, market: Market | None, name: str, delay_ns: int) -> WalletTrade:
    traded_ns = row.ts * NS_PER_S
    return WalletTrade(
        time_ns=traded_ns + delay_ns,
        traded_ns=traded_ns,
        wallet=row.wallet,
        name=name,
        action=WalletAction.TRADE,
        market_id=market.id if market else MarketId(row.slug),
        instrument_id=_instrument_id(row, market),
        side=row.side,
        price=round_down(row.price, UNIT),
        quantity=round_down(row.size, UNIT),
        transaction=row.tx,
        is_maker=not row.taker,
    )


def _instrument_id(row: WalletRow, market: Market | None) -> InstrumentId:
    for instrument in market.instruments if market else ():
        if instrument.outcome.casefold() == row.outcome.casefold():
            return instrument.id
    return InstrumentId(f"{row.slug}:{row.outcome.upper()}")
