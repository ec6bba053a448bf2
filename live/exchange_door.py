"""An exchange as a venue from before its connection is open: what is asked too early is answered, nothing is lost."""

from decimal import Decimal

from clock import Scheduler
from domain.conversions import Conversion
from domain.errors import VenueReadError
from domain.identifiers import InstrumentId, OrderId, StrategyName, VenueName
from domain.messages import CancelLost, Fill, NotSent
from domain.order import Order
from venues.base import ClientIdClass, Prepared, ReportSink, Venue, VenueBalance, VenueOrder
from venues.exchange.quirks import quirks_of

CLOSED = "the exchange is not connected yet"


class ExchangeDoor:
    """A `Venue` that hands everything on to the one behind it as soon as that is there.

    A session is built before its event loop runs, an exchange can be opened only on the loop.
    """

    def __init__(self, exchange: str, *, scheduler: Scheduler) -> None:
        self.name = VenueName(exchange)
        self.client_id_class: ClientIdClass = quirks_of(exchange).client_id_class
        self._scheduler = scheduler
        self._behind: Venue | None = None
        self._sink: ReportSink | None = None
        self._remembered: dict[OrderId, tuple[Order, Prepared]] = {}

    def open(self, venue: Venue) -> None:
        """Let the venue behind have what was said so far, and everything from now on."""
        assert self._sink is not None, "the exchange is opened before connect()"
        venue.connect(self._sink)
        for order, prepared in self._remembered.values():
            venue.remember(order, prepared)
        self._behind = venue

    def connect(self, sink: ReportSink) -> None:
        """Say where reports go; called once, before the door is opened."""
        self._sink = sink

    def valid_until_ns(self, order: Order) -> int | None:
        """The end of a payload that would be sent now."""
        return self._behind.valid_until_ns(order) if self._behind else None

    def denial(self, order: Order) -> str | None:
        """Why the order cannot be sent now: nothing can before the connection is open."""
        return self._behind.denial(order) if self._behind else CLOSED

    def prepare(self, order: Order) -> Prepared | None:
        """What is stored before the first byte; before the connection is open no order gets so far."""
        return self._behind.prepare(order) if self._behind else None

    def remember(self, order: Order, prepared: Prepared) -> None:
        """Take back what an earlier process had prepared, also before the connection is open."""
        self._remembered[order.id] = order, prepared
        if self._behind:
            self._behind.remember(order, prepared)

    def wait_s(self, order: Order) -> float:
        """Seconds until the exchange's limits let this order leave."""
        return self._behind.wait_s(order) if self._behind else 0.0

    async def send(self, order: Order) -> None:
        """Hand the order over; too early, no byte leaves, and it is reported so."""
        if self._behind:
            await self._behind.send(order)
        else:
            self._tell(NotSent(order_id=order.id, reason=CLOSED, time_ns=self._scheduler.now_ns()))

    async def cancel(self, order: Order) -> None:
        """Ask for a cancel; too early, only a query can tell later."""
        if self._behind:
            await self._behind.cancel(order)
        else:
            self._tell(CancelLost(order_id=order.id, reason=CLOSED, time_ns=self._scheduler.now_ns()))

    async def cancel_all(self) -> None:
        """Cancel whatever rests on the account. Raises VenueReadError."""
        await self._opened().cancel_all()

    async def redeem(self, *, strategy: StrategyName, instrument_id: InstrumentId, quantity: Decimal) -> None:
        """Reported as none: nothing of a pair is ever redeemed."""
        await self._opened().redeem(strategy=strategy, instrument_id=instrument_id, quantity=quantity)

    async def convert(self, conversion: Conversion) -> None:
        """Reported as none: pairs have no sets."""
        await self._opened().convert(conversion)

    async def find_order(self, order: Order) -> VenueOrder | None:
        """Look the order up. Raises VenueReadError, also before the connection is open: that proves nothing."""
        return await self._opened().find_order(order)

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """What rests on the account. Raises VenueReadError."""
        return await self._opened().open_orders()

    async def balances(self) -> tuple[VenueBalance, ...]:
        """What the account owns. Raises VenueReadError."""
        return await self._opened().balances()

    async def fills_since(self, time_ns: int) -> tuple[Fill, ...]:
        """Fills of the account from `time_ns` on. Raises VenueReadError."""
        return await self._opened().fills_since(time_ns)

    def _opened(self) -> Venue:
        if self._behind is None:
            raise VenueReadError(CLOSED)
        return self._behind

    def _tell(self, report: NotSent | CancelLost) -> None:
        assert self._sink is not None, "the exchange is used before connect()"
        self._sink(report)
