"""Crypto mode: buys the side of an up/down market that is worth more than it costs, by the model's fair value."""

from decimal import Decimal
from typing import NamedTuple

from domain.identifiers import MarketId
from domain.instrument import Instrument, Market, Side, UpDown, round_price
from domain.messages import BookSnapshot, CancelIntent, PassedOver, PriceTick
from domain.money import ONE
from domain.order import Intent, Order, OrderStatus, TimeInForce
from strategies.base_strategy import Intents, View
from strategies.sniping.fair_value import exact_probability, normal_probability
from strategies.sniping.look import NS_PER_S, ONE_SIDED, Look, look_at
from strategies.sniping.parameters import SniperParameters
from strategies.sniping.sizing import closed_position_gate, resting_quantity, taking_quantity
from strategies.sniping.track_record import TrackRecord
from strategies.sniping.up_down_model import UpDownModel

BOOK_FRESH_NS = 2 * NS_PER_S
DEVIATIONS_MIN = 1.5
BID_DISTANCE = Decimal("0.02")
"""A bid rests so far below the fair value: what it earns where it is filled without news."""

FALL_MAX = Decimal("0.03")
"""A bid is cancelled when the fair value has fallen so far since it was placed."""

BID_ENDS_S = 2
GTD_LEAD_S = 60
GTD_LIFE_S_MIN = 180
SENDING_S = 2
"""The venue ends a GTD order 60 s before the time it states, and takes none that states less than 180 s from
when it arrives (docs/fills.md); a bid that is to end 2 s before the close states 58 s after it."""

BID_LEFT_S_MIN = GTD_LIFE_S_MIN + SENDING_S - GTD_LEAD_S + BID_ENDS_S
CANCELLABLE = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)


class Valued(NamedTuple):
    """A look with the fair value of its instrument, and how far UP leads in standard deviations."""

    look: Look
    fair: Decimal
    deviations: float
    strike: float


class CryptoMode:
    """Takes, or else rests a bid; every look that leads to nothing names the closed gate of each branch."""

    def __init__(self, parameters: SniperParameters, record: TrackRecord) -> None:
        self.model = UpDownModel()
        self._parameters = parameters
        self._record = record
        self._fair_when_placed: dict[MarketId, Decimal] = {}

    def hear(self, tick: PriceTick, view: View) -> Intents:
        """Take a price in, and cancel the bids that it makes too dear."""
        self.model.hear(tick)
        return self.tend(tick.time_ns, view)

    def look(self, market: Market, instrument: Instrument, event: BookSnapshot, view: View) -> Intents:
        """Look at the book; yield one order, or the gates that passed it over; before that, cancels that are due."""
        yield from self.tend(event.time_ns, view)
        valued = self._valued(market, instrument, event)
        if isinstance(valued, str):
            yield PassedOver(market.id, valued)
            return
        wish = self._take(valued, view)
        if isinstance(wish, Intent):
            yield wish
            return
        yield PassedOver(market.id, wish)
        if not self._parameters.makes:
            return
        bid = self._make(valued, view)
        if isinstance(bid, Intent):
            yield bid
        elif bid != wish:
            yield PassedOver(market.id, bid)

    def tend(self, now_ns: int, view: View) -> Intents:
        """Cancel resting bids whose fair value fell or whose feed is silent; costs little where none rests."""
        for market_id, placed in self._fair_when_placed.items():
            market = view.market(market_id)
            if market is None or market.up_down is None:
                continue
            for order in view.orders(market_id):
                if not order.post_only or order.status not in CANCELLABLE:
                    continue
                if reason := self._reason_to_cancel(market, market.up_down, order, placed, now_ns):
                    yield CancelIntent(order_id=order.id, reason=reason)

    def forget(self, market_id: MarketId) -> None:
        """Drop what is known of a market that resolved."""
        self.model.forget(market_id)
        self._fair_when_placed.pop(market_id, None)

    # --- what it is worth ---------------------------------------------------------------------------

    def _valued(self, market: Market, instrument: Instrument, event: BookSnapshot) -> Valued | str:
        """The look with its fair value, or the first gate that keeps both branches closed."""
        book, now_ns, rule = event.book, event.time_ns, market.up_down
        look = look_at(market, instrument, book, now_ns=now_ns)
        if rule is None:
            return "not an up/down market"
        if look is None:
            return ONE_SIDED
        if book.is_crossed:
            return "crossed book"
        if now_ns - book.time_ns > BOOK_FRESH_NS:
            return "stale book"
        if gate := self.model.closed_gate(rule, now_ns):
            return gate
        value = self.model.value(market, rule, now_ns)
        if isinstance(value, str):
            return value
        fair = _fair(instrument, value.deviations)
        return "unknown outcome" if fair is None else Valued(look, fair, value.deviations, value.strike)

    def _reason_to_cancel(
        self, market: Market, rule: UpDown, order: Order, placed: Decimal, now_ns: int
    ) -> str | None:
        instrument = next(i for i in market.instruments if i.id == order.instrument_id)
        if self.model.has_gap(rule, now_ns):
            return "the settlement feed has a gap"
        value = self.model.value(market, rule, now_ns)
        if isinstance(value, str):
            return value
        fair = _fair(instrument, value.deviations)
        if fair is None or placed - fair < FALL_MAX:
            return None
        return f"the fair value fell from {placed} to {fair}"

    # --- the two branches ---------------------------------------------------------------------------

    def _take(self, valued: Valued, view: View) -> Intent | str:
        """The order that takes the ask, or the first gate that is closed."""
        look, p = valued.look, self._parameters
        if not p.price_min_crypto <= look.ask <= p.price_max_crypto:
            return "price outside the band"
        if not p.seconds_left_min_crypto <= look.left_s <= p.seconds_left_max_crypto:
            return "too early or too late"
        if abs(valued.deviations) < DEVIATIONS_MIN:
            return "move too small"
        edge = self._edge(valued)
        if edge < p.edge_min_crypto:
            return "edge too small"
        if gate := self._closed_branch_gate(look, look.ask, view, rests=False):
            return gate
        quantity = taking_quantity(look, p, view)
        if quantity < look.instrument.quantity_min:
            return "no budget left"
        why = f"edge {100 * edge:.2f} ¢ a share after fee and {p.loss_probability:.1%} doubt"
        return self._order(valued, quantity, look.ask, why, rests=False)

    def _make(self, valued: Valued, view: View) -> Intent | str:
        """The bid that rests below the fair value and the ask, or the first gate that is closed."""
        look, p = valued.look, self._parameters
        instrument = look.instrument
        price = min(valued.fair - BID_DISTANCE, look.ask - instrument.tick_size)
        price = round_price(price, instrument, Side.BUY)
        if not p.price_min_crypto <= price <= p.price_max_crypto:
            return "bid outside the band"
        if look.left_s < BID_LEFT_S_MIN:
            return "too late to rest a bid"
        if gate := self._closed_branch_gate(look, price, view, rests=True):
            return gate
        quantity = resting_quantity(look, price, p, view)
        if quantity < instrument.quantity_min:
            return "no budget left"
        self._fair_when_placed[look.market.id] = valued.fair
        why = f"a bid {100 * (valued.fair - price):.2f} ¢ below that"
        return self._order(valued, quantity, price, why, rests=True)

    def _closed_branch_gate(self, look: Look, price: Decimal, view: View, *, rests: bool) -> str | None:
        """The gates that both branches share, at the price that this one would pay."""
        p, market_id = self._parameters, look.market.id
        gate = self._record.closed_gate(look.market.category, price, uncalibrated_ok=p.uncalibrated_ok)
        if gate:
            return gate
        orders = view.orders(market_id)
        if any(order.instrument_id != look.instrument.id for order in orders):
            return "order on the other side"
        if any(order.post_only is rests for order in orders):
            return "bid resting" if rests else "order working"
        if self._record.attempts(market_id, rests=rests) >= p.attempts_max:
            return "bids used up" if rests else "attempts used up"
        return closed_position_gate(look, price, view)

    def _edge(self, valued: Valued) -> Decimal:
        """e = p·(1 − λ) − ask − fee: what a share is worth to a doubter, less what it costs."""
        look = valued.look
        return valued.fair * (ONE - self._parameters.loss_probability) - look.ask - look.fee

    def _order(self, valued: Valued, quantity: Decimal, price: Decimal, why: str, *, rests: bool) -> Intent:
        look = valued.look
        market, instrument_id = look.market, look.instrument.id
        self._record.note_ordered(market)
        branch = "make" if rests else "take"
        return Intent(
            instrument_id=instrument_id,
            side=Side.BUY,
            quantity=quantity,
            price=price,
            time_in_force=TimeInForce.GTD if rests else TimeInForce.FAK,
            signal_key=f"{instrument_id}:{branch}:{self._record.attempts(market.id, rests=rests)}",
            post_only=rests,
            expires_ns=market.closes_ns + (GTD_LEAD_S - BID_ENDS_S) * NS_PER_S if rests else None,
            reason=(
                f"{look.instrument.outcome} of {market.slug} at {look.bid}/{look.ask}, {look.left_s:.0f} s left: "
                f"fair {valued.fair}, {abs(valued.deviations):.1f} sd from the strike {valued.strike:.2f}; {why}"
            ),
        )


def _fair(instrument: Instrument, deviations: float) -> Decimal | None:
    """What a share of the outcome is worth; None where the outcome is neither UP nor DOWN."""
    sign = {"UP": 1.0, "DOWN": -1.0}.get(instrument.outcome.upper())
    return None if sign is None else exact_probability(normal_probability(sign * deviations))
