"""A strategy's window onto a world that a test makes up."""

from decimal import Decimal

import msgspec

from domain.book import OrderBook
from domain.identifiers import InstrumentId, MarketId
from domain.instrument import Instrument, Market
from domain.order import Order
from strategies.base_strategy import Holding
from tests.support.trading import NOW_NS, market

NOTHING = Holding(Decimal(0), Decimal(0), Decimal(0))


class FakeView:
    """One market; the bankroll, what is held, what works and what is committed are as the test says."""

    def __init__(self, *, bankroll: str = "1000", category: str = "crypto", fee_rate: str = "0") -> None:
        self.time_ns = NOW_NS
        self.bankroll = Decimal(bankroll)
        self.shown = msgspec.structs.replace(market(fee_rate=fee_rate), category=category)
        self.holdings: dict[InstrumentId, Holding] = {}
        self.working: list[Order] = []
        self.committed_in_event = self.committed_in_all = Decimal(0)
        self.payouts: dict[InstrumentId, Decimal] = {}

    def instrument(self, instrument_id: InstrumentId) -> Instrument | None:
        """The instrument, where the market has it."""
        return next((i for i in self.shown.instruments if i.id == instrument_id), None)

    def market(self, market_id: MarketId) -> Market | None:
        """The only market."""
        return self.shown if market_id == self.shown.id else None

    def book(self, instrument_id: InstrumentId) -> OrderBook | None:
        """No strategy here looks back at a book."""
        return None

    def payout(self, instrument_id: InstrumentId) -> Decimal | None:
        """What the test says a share pays."""
        return self.payouts.get(instrument_id)

    def holding(self, instrument_id: InstrumentId) -> Holding:
        """What the test says is held."""
        return self.holdings.get(instrument_id, NOTHING)

    def orders(self, market_id: MarketId | None = None) -> list[Order]:
        """What the test says is working."""
        return list(self.working)

    def committed(self, event_id: str | None = None) -> Decimal:
        """What the test says is tied up, in the event or in all."""
        return self.committed_in_all if event_id is None else self.committed_in_event

    def holds(self, instrument_id: InstrumentId, quantity: str, cost: str) -> None:
        """Let the strategy hold settled shares."""
        self.holdings[instrument_id] = Holding(Decimal(quantity), Decimal(quantity), Decimal(cost))
