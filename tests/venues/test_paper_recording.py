"""The paper venue on recorded books: a greedy trader gets no share that was not shown, and accounts agree."""

import gzip
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

from config import PaperSettings
from domain.book import Level, OrderBook
from domain.identifiers import InstrumentId, MarketId, OrderId, StrategyName
from domain.instrument import Side
from domain.messages import (
    BookSnapshot,
    Fill,
    Filled,
    Liquidity,
    MarketListed,
    MarketResolved,
    Redeemed,
    Rejected,
    Settlement,
    SettlementReported,
)
from domain.money import PUSD, ZERO, cost_of, proceeds_of, round_down
from domain.order import Order
from tests.venues.paper_audit import Shown, Take, assert_was_there, take_of
from tests.venues.paper_floor import MS, Floor, at_once, market, order

RECORDING = Path(__file__).resolve().parents[2] / "data/books_btc15m"
CASH = Decimal(1_000_000)
TICK = Decimal("0.01")


class Row(Struct):
    """A line of books.jsonl.gz."""

    market_id: str
    ts: int
    side: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class Result(Struct):
    """A line of markets.jsonl.gz, as far as it matters here."""

    market_id: str
    payout_up: Decimal
    payout_down: Decimal


@pytest.fixture(scope="module")
def recording() -> Path:
    """The folder of the recording."""
    if not RECORDING.is_dir():
        pytest.skip(f"no recording in {RECORDING}")
    return RECORDING


def lines(path: Path) -> Iterator[bytes]:
    """The lines of a gzip file."""
    with gzip.open(path) as file:
        yield from file


def books_of(recording: Path, market_id: str) -> list[OrderBook]:
    """The snapshots of one market that are not crossed."""
    decode = msgspec.json.Decoder(Row).decode
    rows = [decode(line) for line in lines(recording / "books.jsonl.gz") if market_id.encode() in line]
    books = [
        OrderBook(
            instrument_id=InstrumentId(f"{row.side}-{market_id}"),
            time_ns=row.ts * MS,
            bids=row.bids,
            asks=row.asks,
        )
        for row in rows
    ]
    return [book for book in books if not book.is_crossed]


class GreedyTrader:
    """Takes two cents deep, bids at the best bid, dumps what has settled, cancels its oldest order."""

    def __init__(self, floor: Floor, session: str) -> None:
        self.orders: dict[OrderId, Order] = {}
        self._floor = floor
        self._session = session
        self._looks = 0

    def look(self, book: OrderBook) -> None:
        """Act on a snapshot; what to do depends on how many there were."""
        self._looks += 1
        if not book.bids or not book.asks:
            return
        if self._looks % 5 == 0 and book.asks[0].price + 2 * TICK < 1:
            # 700 shares cost whole cents at every price of whole cents.
            self._send(f"BUY 700 {book.instrument_id} {book.asks[0].price + 2 * TICK} FAK")
        if self._looks % 7 == 0:
            self._send(f"BUY 300 {book.instrument_id} {book.bids[0].price} GTC post-only")
        if self._looks % 11 == 0 and book.bids[0].price > 3 * TICK:
            held = self._floor.venue.owned().get(book.instrument_id, ZERO)
            quantity, price = round_down(held, TICK), book.bids[0].price - 2 * TICK
            self._send(f"SELL {quantity} {book.instrument_id} {price} FAK")
        if self._looks % 13 == 0 and (resting := at_once(self._floor.venue.open_orders())):
            at_once(self._floor.venue.cancel(self.orders[resting[0].order_id]))

    def _send(self, text: str) -> None:
        wanted = order(text, name=str(len(self.orders)), session=self._session)
        self.orders[wanted.id] = wanted
        at_once(self._floor.venue.send(wanted))


class Run:
    """One market played to its end and redeemed."""

    def __init__(self, recording: Path, result: Result, *, seed: int = 1, session: str = "s1") -> None:
        market_id = result.market_id
        up, down = InstrumentId(f"UP-{market_id}"), InstrumentId(f"DOWN-{market_id}")
        books = books_of(recording, market_id)
        self.floor = Floor(PaperSettings(), seed=seed, cash=str(CASH))
        self.trader = GreedyTrader(self.floor, session)
        self.shown = Shown()
        self.floor.scheduler.run_until(books[0].time_ns)
        listed = market(MarketId(market_id), up, down)
        self.floor.venue.on_market(MarketListed(time_ns=books[0].time_ns, market=listed))
        for book in books:
            self._play(book)
        payouts = {up: result.payout_up, down: result.payout_down}
        resolved = MarketResolved(time_ns=books[-1].time_ns, market_id=listed.id, payouts=payouts)
        self.floor.venue.on_market(resolved)
        self.floor.after(ms=60_000)
        self._redeem(up)
        self._redeem(down)
        self.floor.after(ms=60_000)

    def _play(self, book: OrderBook) -> None:
        self.floor.scheduler.run_until(book.time_ns)
        self.shown.add_up(book)
        self.floor.venue.on_market(BookSnapshot(time_ns=book.time_ns, book=book))
        self.trader.look(book)

    def _redeem(self, of: InstrumentId) -> None:
        held = self.floor.venue.owned().get(of, ZERO)
        at_once(self.floor.venue.redeem(strategy=StrategyName("s"), instrument_id=of, quantity=held))

    @property
    def fills(self) -> list[Fill]:
        """Every fill, those that failed later too."""
        return [report.fill for report in self.floor.reports if isinstance(report, Filled)]

    def takes(self) -> list[Take]:
        """Our fills as takings from the recorded books."""
        return [take_of(self.trader.orders[fill.order_id], fill) for fill in self.fills]

    def cash_recomputed(self) -> Decimal:
        """What the reports alone say that we must have."""
        fills = {fill.trade_id: fill for fill in self.fills}
        cash = CASH
        for report in self.floor.reports:
            match report:
                case SettlementReported(settlement=Settlement.SETTLED, trade_id=trade_id):
                    cash += value_of(fills[trade_id])
                case Redeemed(quantity=quantity, payout=payout):
                    cash += quantity * payout
                case _:
                    pass
        return cash


def value_of(fill: Fill) -> Decimal:
    """Change of cash by a fill."""
    if fill.side is Side.BUY:
        return -cost_of(price=fill.price, quantity=fill.quantity) - fill.fee
    return proceeds_of(price=fill.price, quantity=fill.quantity) - fill.fee


def results(recording: Path) -> list[Result]:
    """The recorded markets with their payouts."""
    return [msgspec.json.decode(line, type=Result) for line in lines(recording / "markets.jsonl.gz")]


def assert_honest(run: Run) -> None:
    """Hold the run against the books shown and the reports given."""
    assert_was_there(run.shown, run.takes())
    assert run.floor.venue.owned() == {PUSD: run.cash_recomputed()}
    assert run.floor.venue.incoming() == {}
    assert at_once(run.floor.venue.open_orders()) == ()


def test_a_greedy_trader_gets_only_what_was_there(recording: Path) -> None:
    run = Run(recording, results(recording)[0])

    assert_honest(run)

    # The run means something: it took, waited, failed, and was refused.
    assert {fill.liquidity for fill in run.fills} == set(Liquidity)
    assert {fill.side for fill in run.fills} == set(Side)
    settlements = {r.settlement for r in run.floor.reports if isinstance(r, SettlementReported)}
    assert settlements == {Settlement.SETTLED, Settlement.FAILED}
    assert any(isinstance(report, Rejected) for report in run.floor.reports)
    assert len(run.fills) > 500


@pytest.mark.slow
def test_ten_recorded_markets_are_honest_too(recording: Path) -> None:
    for result in results(recording)[1:]:
        assert_honest(Run(recording, result))


@pytest.mark.slow
def test_a_recording_played_again_in_another_session_fills_the_same(recording: Path) -> None:
    first, again, other = (
        Run(recording, results(recording)[0], seed=seed, session=session)
        for seed, session in ((1, "s1"), (1, "s2"), (2, "s1"))
    )

    assert [fill_facts(fill) for fill in first.fills] == [fill_facts(fill) for fill in again.fills]
    assert [fill_facts(fill) for fill in first.fills] != [fill_facts(fill) for fill in other.fills]
    assert first.floor.venue.owned() == again.floor.venue.owned()


def fill_facts(fill: Fill) -> tuple[str, int, Decimal, Decimal, Decimal]:
    """A fill without the session."""
    return fill.trade_id.partition("-")[2], fill.time_ns, fill.price, fill.quantity, fill.fee
