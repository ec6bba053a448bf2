"""Event mode: buys a favourite by its price alone, shortly before its market ends."""

from decimal import Decimal
from typing import NamedTuple

from domain.book import OrderBook
from domain.identifiers import InstrumentId
from domain.instrument import Instrument, Market, Side
from domain.messages import PassedOver
from domain.money import ONE, ZERO
from domain.order import Intent, TimeInForce
from strategies.base_strategy import Intents, View
from strategies.sniping.look import ONE_SIDED, Look, look_at
from strategies.sniping.parameters import SniperParameters
from strategies.sniping.sizing import closed_position_gate, taking_quantity
from strategies.sniping.track_record import TrackRecord

SECONDS_PER_DAY = Decimal(86_400)
DEPTH_DISTANCE = Decimal("0.01")


class Edge(NamedTuple):
    """Expected profit per share after fee, losses and the cost of capital, and the same per year."""

    per_share: Decimal
    per_year: Decimal


class EventMode:
    """Every look that leads to nothing names the first gate that was closed."""

    def __init__(self, parameters: SniperParameters, record: TrackRecord) -> None:
        self._parameters = parameters
        self._record = record
        self._peaks: dict[InstrumentId, Decimal] = {}

    def look(self, market: Market, instrument: Instrument, book: OrderBook, view: View) -> Intents:
        """Look at the book; yield one FAK buy, or the first gate that passed it over."""
        self._note_peak(book)
        looked = look_at(market, instrument, book, now_ns=book.time_ns)
        gate = ONE_SIDED if looked is None else self._closed_gate(looked, view)
        if looked is None or gate:
            yield PassedOver(market.id, gate or ONE_SIDED)
            return
        self._record.note_ordered(market)
        yield self._order(looked, view)

    def forget(self, instrument_id: InstrumentId) -> None:
        """Drop what is known of an instrument whose market resolved."""
        self._peaks.pop(instrument_id, None)

    def _note_peak(self, book: OrderBook) -> None:
        """Remember the highest mid since the market opened: a fall from it is news against the favourite."""
        if (mid := book.mid) is not None:
            self._peaks[book.instrument_id] = max(mid, self._peaks.get(book.instrument_id, ZERO))

    def _closed_gate(self, look: Look, view: View) -> str | None:
        """Name the first gate that is closed, cheapest first; None where all are open."""
        p = self._parameters
        if look.bid < p.bid_min or not p.ask_min <= look.ask <= p.ask_max:
            return "price outside the band"
        if not p.seconds_left_min <= look.left_s <= p.hours_left_max * 3600:
            return "too early or too late"
        if look.ask - look.bid > p.spread_max:
            return "spread too wide"
        if look.book.notional_within(Side.BUY, look.ask + DEPTH_DISTANCE) < p.depth_min:
            return "too little depth"
        if self._peaks[look.instrument.id] - (look.bid + look.ask) / 2 >= p.fall_max:
            return "fell since the market opened"
        return self._closed_edge_gate(look) or self._closed_size_gate(look, view)

    def _closed_edge_gate(self, look: Look) -> str | None:
        p = self._parameters
        category = look.market.category
        gate = self._record.closed_gate(category, look.ask, uncalibrated_ok=p.uncalibrated_ok)
        if gate:
            return gate
        edge = self._edge(look)
        is_small = edge.per_share < p.edge_min or edge.per_year < p.yearly_return_min
        return "edge too small" if is_small else None

    def _closed_size_gate(self, look: Look, view: View) -> str | None:
        if view.orders(look.market.id):
            return "order working"
        if self._record.attempts(look.market.id, rests=False) >= self._parameters.attempts_max:
            return "attempts used up"
        if gate := closed_position_gate(look, look.ask, view):
            return gate
        quantity = taking_quantity(look, self._parameters, view)
        return None if quantity >= look.instrument.quantity_min else "no budget left"

    def _edge(self, look: Look) -> Edge:
        """e = (1 − p) − fee − p·λ − c, with c the cost of capital until the resolution is paid out."""
        p, price = self._parameters, look.ask
        days = (look.left_s + p.resolution_hours * 3600) / SECONDS_PER_DAY
        capital = price * p.capital_rate * days / 365
        per_share = ONE - price - look.fee - price * self._loss_probability(look) - capital
        return Edge(per_share, per_share / price * 365 / days)

    def _loss_probability(self, look: Look) -> Decimal:
        """λ: the prior, or the table's where it was asked for and is worse."""
        prior = self._parameters.loss_probability
        if not self._parameters.losses_from_table:
            return prior
        return max(prior, self._record.loss_probability(look.market.category, look.ask))

    def _order(self, look: Look, view: View) -> Intent:
        attempt = self._record.attempts(look.market.id, rests=False)
        edge, losses = self._edge(look), self._loss_probability(look)
        return Intent(
            instrument_id=look.instrument.id,
            side=Side.BUY,
            quantity=taking_quantity(look, self._parameters, view),
            price=look.ask,
            time_in_force=TimeInForce.FAK,
            signal_key=f"{look.instrument.id}:{attempt}",
            reason=(
                f"{look.instrument.outcome} of {look.market.slug} at {look.bid}/{look.ask}, {look.left_s:.0f} s left: "
                f"edge {100 * edge.per_share:.2f} ¢ a share after fee and {losses:.1%} expected losses"
            ),
        )
