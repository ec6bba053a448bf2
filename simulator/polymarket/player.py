"""Plays market events as the venue's own market, at any speed, on the venue's clock."""

import re
from collections.abc import Iterator
from decimal import Decimal

from domain.identifiers import InstrumentId
from domain.instrument import Market, Side
from domain.messages import (
    BookSnapshot,
    FeedChanged,
    MarketEvent,
    MarketListed,
    MarketResolved,
    PriceTick,
    SnapshotRejected,
    TickSizeChanged,
    TradePrint,
    WalletTrade,
)
from simulator.polymarket.contracts import UNITS
from simulator.polymarket.markets import PRICE_UNITS, MarketSpec, SimMarket
from simulator.polymarket.orders import BUY, SELL
from simulator.polymarket.recording import Recording
from simulator.polymarket.venue import Venue
from simulator.timing import NS_PER_S

FINE_TICK = Decimal("0.001")
UP_DOWN_DELAY_MS = 150
"""Takers wait so long in the venue's up/down markets."""

WINDOW_S = 900
START_IN_SLUG = re.compile(r"(?<=-)\d{10}$")
CONDITION_CHARACTERS = 66


class Timeline:
    """From the recording's time to the venue's; at its own speed the windows stay on the quarter hour."""

    def __init__(self, *, first_ns: int, now_ns: int, speed: Decimal, keep_times: bool) -> None:
        if speed <= 0:
            raise ValueError(f"speed {speed}; give a number above 0")
        self._first_ns = first_ns
        self._speed = speed
        self._keep_times = keep_times
        windows_passed = (now_ns - first_ns) // (WINDOW_S * NS_PER_S)
        aligned_ns = first_ns + windows_passed * WINDOW_S * NS_PER_S
        self._start_ns = aligned_ns if speed == 1 else now_ns

    def played_ns(self, recorded_ns: int) -> int:
        """When an event of the recording happens at the venue."""
        return self._start_ns + int((recorded_ns - self._first_ns) / self._speed)

    def told_ns(self, recorded_ns: int) -> int:
        """The time that the venue tells of a market: when it happens, or the recording's own."""
        return recorded_ns if self._keep_times else self.played_ns(recorded_ns)


class Player:
    """Feeds one recording into a venue; `play` returns at once, the venue's agenda does the rest."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._markets: dict[InstrumentId, tuple[SimMarket, int]] = {}
        self._by_id: dict[str, SimMarket] = {}
        self._events: Iterator[MarketEvent] = iter(())
        self.played = 0
        """Events so far."""

    def play(self, recording: Recording, *, speed: Decimal = Decimal(1), keep_times: bool = False) -> None:
        """Begin now; `speed` 60 plays an hour in a minute. TapeError where the recording cannot be read."""
        self._events = recording.events()
        first = next(self._events, None)
        if first is None:
            return
        self._timeline = Timeline(
            first_ns=first.time_ns,
            now_ns=self._venue.state.now_ns(),
            speed=speed,
            keep_times=keep_times,
        )
        self._step(first)

    def _step(self, event: MarketEvent | None) -> None:
        """Do everything that has happened by now, then wait for what comes next."""
        books: dict[str, BookSnapshot] = {}
        now_ns = self._venue.state.now_ns()
        while event is not None and self._timeline.played_ns(event.time_ns) <= now_ns:
            if isinstance(event, BookSnapshot):
                books[self._book_name(event)] = event
            else:
                self._show(books)
                self._do(event)
            self.played += 1
            event = next(self._events, None)
        self._show(books)
        if event is not None:
            following = event
            due_ns = self._timeline.played_ns(event.time_ns)
            self._venue.state.agenda.plan(due_ns, lambda _: self._step(following))

    def _book_name(self, event: BookSnapshot) -> str:
        found = self._markets.get(event.book.instrument_id)
        return found[0].condition_id if found else ""

    def _show(self, books: dict[str, BookSnapshot]) -> None:
        """Of several books of a market that are due at once only the last is shown."""
        for event in books.values():
            self._set_book(event)
        books.clear()

    def _do(self, event: MarketEvent) -> None:
        match event:
            case MarketListed():
                self._list(event.market)
            case TradePrint():
                self._print(event)
            case TickSizeChanged():
                self._change_tick(event)
            case MarketResolved():
                self._resolve(event)
            case PriceTick():
                self._venue.prices.set(f"{event.asset.lower()}usd", event.price)
            case WalletTrade():
                self._copyable(event)
            case BookSnapshot() | SnapshotRejected() | FeedChanged():
                pass

    def _list(self, market: Market) -> None:
        if len(market.instruments) != 2 or market.is_reference:  # noqa: PLR2004 - outcomes of a market
            return
        first, second = market.instruments
        starts_ns = self._timeline.told_ns(market.opens_ns)
        slug = self._free_slug(market.slug, starts_ns // NS_PER_S)
        is_up_down = "updown" in market.slug or market.up_down is not None
        spec = MarketSpec(
            slug=slug,
            question=market.question,
            outcomes=(first.outcome.title(), second.outcome.title()),
            condition_id=market.id if self._is_condition(market.id) else "",
            neg_risk=market.is_neg_risk,
            tick=first.tick_size,
            size_min=first.quantity_min,
            fee_rate=first.fee_rate,
            fee_exponent=first.fee_exponent,
            taker_delay_ms=UP_DOWN_DELAY_MS if is_up_down else 0,
            category=market.category,
            tags=(market.category,),
            event_slug=slug,
            event_title=market.question,
            series_slug="-".join(slug.split("-")[:3]) if is_up_down else "",
            starts_ns=starts_ns,
            ends_ns=self._timeline.told_ns(market.closes_ns),
        )
        made = self._venue.life.create(spec)
        self._by_id[market.id] = made
        self._markets[first.id], self._markets[second.id] = (made, 0), (made, 1)

    def _free_slug(self, recorded: str, start_s: int) -> str:
        """The recorded name with the second in which it begins here; played fast, several begin in one second."""
        taken = self._venue.state.markets.by_slug
        while (slug := START_IN_SLUG.sub(str(start_s), recorded)) in taken and slug != recorded:
            start_s += 1
        return slug

    @staticmethod
    def _is_condition(market_id: str) -> bool:
        return len(market_id) == CONDITION_CHARACTERS and market_id.startswith("0x")

    def _set_book(self, event: BookSnapshot) -> None:
        found = self._markets.get(event.book.instrument_id)
        if found is None or found[0].closed:
            return
        market, outcome = found
        bids = [(int(price * PRICE_UNITS), int(size * UNITS)) for price, size in event.book.bids]
        asks = [(int(price * PRICE_UNITS), int(size * UNITS)) for price, size in event.book.asks]
        if outcome == 1:
            bids, asks = (
                [(PRICE_UNITS - price, size) for price, size in asks],
                [(PRICE_UNITS - price, size) for price, size in bids],
            )
        if any(price % market.tick_units for price, _ in (*bids, *asks)):
            self._venue.life.change_tick(market, FINE_TICK)
        self._venue.house.set_book(market, bids=bids, asks=asks)

    def _print(self, event: TradePrint) -> None:
        if found := self._markets.get(event.instrument_id):
            market, outcome = found
            self._venue.house.take(
                market,
                outcome=outcome,
                side=BUY if event.side is Side.BUY else SELL,
                price=int(event.price * PRICE_UNITS),
                shares=int(event.quantity * UNITS),
            )

    def _change_tick(self, event: TickSizeChanged) -> None:
        if found := self._markets.get(event.instrument_id):
            self._venue.life.change_tick(found[0], event.tick_size)

    def _resolve(self, event: MarketResolved) -> None:
        market = self._by_id.get(event.market_id)
        if market is None or market.closed:
            return
        by_outcome = {self._markets[one][1]: payout for one, payout in event.payouts.items()}
        self._venue.life.resolve(market, (by_outcome[0], by_outcome[1]))

    def _copyable(self, event: WalletTrade) -> None:
        if found := self._markets.get(event.instrument_id):
            market, outcome = found
            self._venue.activity.add_recorded(event, market=market, outcome=outcome)
