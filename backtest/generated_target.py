"""Puts an invented wallet on top of a recording, so that the copy trader has somebody to follow there."""

from collections import deque
from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct

from backtest.tape import Tape
from clock import NS_PER_S
from domain.book import OrderBook
from domain.identifiers import InstrumentId, MarketId, digest
from domain.instrument import Market, Side
from domain.messages import BookSnapshot, MarketEvent, MarketListed, MarketResolved, WalletAction, WalletTrade
from domain.money import UNIT, round_down

NAME = "steady-heron"
WALLET = "0xgenerated0000000000000000000steadyheron"
LABEL = "the wallet steady-heron and its trades are GENERATED on top, not recorded"

ENTRY_MID = Decimal("0.70")
EXIT_MID = Decimal("0.90")
SHARES = Decimal(100)
ENTRIES_MAX = 3
"""Purchases in a market: each time that the favourite rises through the entry."""

DELAY_NS = 2 * NS_PER_S
"""From a trade to the moment at which others hear of it, as on the venue's fast feed."""


class Interest(Struct, kw_only=True):
    """What the wallet follows in one market: the one outcome that it buys, and what it has of it."""

    market: Market
    chosen: InstrumentId | None = None
    mids: dict[InstrumentId, Decimal] = {}
    entries: int = 0
    held: Decimal = Decimal(0)
    to_sell: Decimal | None = None


class WithGeneratedTarget:
    """A tape with the invented wallet on top; its label says so, and its fingerprint differs from the bare one.

    `events_total` is 0, that is unknown: the wallet's trades come on top of the recording's events.
    """

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self.label = f"{tape.label}; {LABEL}"
        self.fingerprint = digest("generated target", "1", tape.fingerprint)
        self.instrument_ids = tape.instrument_ids
        self.events_total = 0

    def events(self) -> Iterator[MarketEvent]:
        """Play the recording with the wallet's trades in between."""
        return generated_target(self._tape.events())


def generated_target(events: Iterator[MarketEvent]) -> Iterator[MarketEvent]:
    """Insert the trades of a directional wallet that looks at nothing but the books as they are played.

    It buys at the ask when the mid of an outcome rises through 0.70, never both outcomes of a market, and sells
    half at the bid once the mid is above 0.90. It knows no outcome; the same recording gives the same trades.
    """
    interests: dict[InstrumentId, Interest] = {}
    unheard: deque[WalletTrade] = deque()
    number = 0
    for event in events:
        while unheard and unheard[0].time_ns < event.time_ns:
            yield unheard.popleft()
        yield event
        match event:
            case MarketListed(market=market):
                _follow(market, interests)
            case MarketResolved(payouts=payouts):
                for instrument_id in payouts:
                    interests.pop(instrument_id, None)
            case BookSnapshot(book=book):
                interest = interests.get(book.instrument_id)
                if interest and (trade := _act(interest, book, number)):
                    number += 1
                    unheard.append(trade)
            case _:
                pass
    yield from unheard


def _follow(market: Market, interests: dict[InstrumentId, Interest]) -> None:
    if market.is_reference:
        return
    interest = Interest(market=market, mids={})
    interests.update((instrument.id, interest) for instrument in market.instruments)


def _act(interest: Interest, book: OrderBook, number: int) -> WalletTrade | None:
    """Decide on one book of a market that is open."""
    mid, market = book.mid, interest.market
    if mid is None or not market.opens_ns <= book.time_ns < market.closes_ns:
        return None
    before = interest.mids.get(book.instrument_id, mid)
    interest.mids[book.instrument_id] = mid
    if interest.chosen not in (None, book.instrument_id):
        return None
    if before < ENTRY_MID <= mid and interest.entries < ENTRIES_MAX and interest.to_sell is None:
        return _buy(interest, book, number)
    if mid > EXIT_MID and interest.held:
        return _sell_half(interest, book, number)
    return None


def _buy(interest: Interest, book: OrderBook, number: int) -> WalletTrade | None:
    ask = book.best_ask
    if ask is None:
        return None
    quantity = min(SHARES, ask.quantity)
    interest.chosen = book.instrument_id
    interest.entries += 1
    interest.held += quantity
    return _trade(interest.market.id, book, Side.BUY, (ask.price, quantity), number)


def _sell_half(interest: Interest, book: OrderBook, number: int) -> WalletTrade | None:
    """Sell half of what was held when the mid first stood above the exit, as far as the best bid takes it."""
    bid = book.best_bid
    if interest.to_sell is None:
        interest.to_sell = round_down(interest.held / 2, UNIT)
    if bid is None or not interest.to_sell:
        return None
    quantity = min(interest.to_sell, bid.quantity)
    interest.to_sell -= quantity
    interest.held -= quantity
    return _trade(interest.market.id, book, Side.SELL, (bid.price, quantity), number)


def _trade(
    market_id: MarketId, book: OrderBook, side: Side, price_quantity: tuple[Decimal, Decimal], number: int
) -> WalletTrade:
    price, quantity = price_quantity
    return WalletTrade(
        time_ns=book.time_ns + DELAY_NS,
        traded_ns=book.time_ns,
        wallet=WALLET,
        name=NAME,
        action=WalletAction.TRADE,
        market_id=market_id,
        instrument_id=book.instrument_id,
        side=side,
        price=price,
        quantity=quantity,
        transaction=f"generated-{number}",
    )
