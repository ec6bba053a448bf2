"""A venue that does what a test says, and time that a test moves."""

import heapq
from collections.abc import Callable
from decimal import Decimal
from itertools import count

from domain.conversions import Conversion
from domain.identifiers import InstrumentId, OrderId, StrategyName, VenueName
from domain.messages import ExecutionReport, Fill
from domain.order import Order, OrderStatus
from tests.support.trading import NOW_NS, PAPER, S
from venues.base import ClientIdClass, Prepared, ReportSink, VenueBalance, VenueOrder

Answer = Callable[[Order], ExecutionReport]


class FakeScheduler:
    """Event time that stands still until a test lets it pass."""

    def __init__(self) -> None:
        self._now_ns = NOW_NS
        self._number = count()
        self._due: list[tuple[int, int, Callable[[], None]]] = []

    def now_ns(self) -> int:
        """The present instant."""
        return self._now_ns

    def call_at(self, time_ns: int, callback: Callable[[], None]) -> None:
        """Remember to call back, not before the present instant."""
        heapq.heappush(self._due, (max(time_ns, self._now_ns), next(self._number), callback))

    def run_next(self, *, until_ns: int) -> bool:
        """Call what is due first; False, and the end of the time, where nothing is due by then."""
        if not self._due or self._due[0][0] > until_ns:
            self._now_ns = until_ns
            return False
        self._now_ns, _, callback = heapq.heappop(self._due)
        callback()
        return True


class FakeVenue:
    """Hangs, unless told how to answer; `known`, `open` and `fills` are what its three reads show."""

    name: VenueName = PAPER
    client_id_class = ClientIdClass.UNIQUE_FOREVER

    def __init__(self) -> None:
        self.prepared: dict[OrderId, Prepared] = {}
        self.limit_s = 0.0
        self.refuses: str | None = None
        self.sent: list[Order] = []
        self.cancelled_all = 0
        self.owned: tuple[VenueBalance, ...] = ()
        self.cancelled: list[Order] = []
        self.redeemed: list[InstrumentId] = []
        self.answers: list[Answer] = []
        self.cancel_answers: list[Answer] = []
        self.known: dict[OrderId, VenueOrder] = {}
        self.open: dict[OrderId, VenueOrder] = {}
        self.fills: list[Fill] = []
        self.reads: list[str] = []
        self.since_ns: list[int] = []
        self.read_error: Exception | None = None
        self.on_send: Callable[[Order], None] = lambda _: None
        self.report: ReportSink = lambda _: None

    def connect(self, sink: ReportSink) -> None:
        """Report to the executor."""
        self.report = sink

    def valid_until_ns(self, order: Order) -> int | None:
        """Immediate orders can execute for two seconds, others without end."""
        return order.created_ns + 2 * S if order.time_in_force.is_immediate else None

    def denial(self, order: Order) -> str | None:
        """What a test says."""
        return self.refuses

    def prepare(self, order: Order) -> Prepared | None:
        """Note nothing; a test may set what is prepared."""
        return self.prepared.get(order.id)

    def remember(self, order: Order, prepared: Prepared) -> None:
        """Keep what an earlier process had prepared."""
        self.prepared[order.id] = prepared

    def wait_s(self, order: Order) -> float:
        """Seconds that a test makes the venue's limit last."""
        return self.limit_s

    async def send(self, order: Order) -> None:
        """Note it and give the next answer that was prepared, if any."""
        self.on_send(order)
        self.sent.append(order)
        if self.answers:
            self.report(self.answers.pop(0)(order))

    async def cancel(self, order: Order) -> None:
        """Note it and give the next answer that was prepared, if any."""
        self.cancelled.append(order)
        if self.cancel_answers:
            self.report(self.cancel_answers.pop(0)(order))

    async def cancel_all(self) -> None:
        """Note that everything was to be cancelled."""
        self.cancelled_all += 1

    async def balances(self) -> tuple[VenueBalance, ...]:
        """What a test says that we own."""
        self._read("balances")
        return self.owned

    async def redeem(self, *, strategy: StrategyName, instrument_id: InstrumentId, quantity: Decimal) -> None:
        """Note it."""
        self.redeemed.append(instrument_id)

    async def convert(self, conversion: Conversion) -> None:
        """No test converts anything here."""

    async def find_order(self, order: Order) -> VenueOrder | None:
        """The read by id."""
        self._read("order")
        return self.known.get(order.id)

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """The list of what rests."""
        self._read("open orders")
        return tuple(self.open.values())

    async def fills_since(self, time_ns: int) -> tuple[Fill, ...]:
        """The list of trades."""
        self._read("trades")
        self.since_ns.append(time_ns)
        return tuple(fill for fill in self.fills if fill.time_ns >= time_ns)

    def holds(self, order: Order, status: OrderStatus = OrderStatus.OPEN, *, filled: str = "0") -> None:
        """Let the venue know the order after all, in all of its reads."""
        seen = VenueOrder(order_id=order.id, status=status, filled_quantity=Decimal(filled))
        self.known[order.id] = seen
        if status is OrderStatus.OPEN:
            self.open[order.id] = seen

    def holds_no_more(self, order: Order) -> None:
        """Let neither the read by id nor the list show the order any longer."""
        self.known.pop(order.id, None)
        self.open.pop(order.id, None)

    def _read(self, what: str) -> None:
        self.reads.append(what)
        if self.read_error:
            raise self.read_error
