"""Buys that copy the target: each waits for a proper book, is asked for once, and ends with a receipt."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from domain.identifiers import InstrumentId
from domain.instrument import Instrument, Side
from domain.messages import Fill, OrderChanged, PassedOver, StrategyIntent
from domain.money import ONE, ZERO, taker_fee_max
from domain.order import Intent, TimeInForce
from strategies.base_strategy import View
from strategies.copying.gates import WAITED_FOR, GateLimits, Look, closed_gate, price_limit
from strategies.copying.sizing import BELOW_MINIMUM, Fitted, Sizing, fit, wanted_notional
from strategies.copying.spending import Caps, Spending
from strategies.copying.work import COPIED, FAILED, SKIPPED, WAITING, Work, plain

NS_PER_S = 1_000_000_000
RETRY_NS = NS_PER_S
"""A buy that a control may have denied is asked for again this much later, under the same key."""

ANSWER_NS_MAX = 10 * NS_PER_S
"""An order that exists is heard of within this; later, none came of the asking."""

SOLD_MEANWHILE = "target sold meanwhile"
ORDER_WORKING = "order working"


class Rules(NamedTuple):
    """How to buy."""

    gates: GateLimits
    sizing: Sizing
    caps: Caps
    round_up_to_minimum: bool


class Purchase(Struct, kw_only=True):
    """A buy that is not over; `is_heard` once its order exists for certain."""

    work: Work
    intent: Intent | None = None
    asked_ns: int = 0
    is_heard: bool = False
    is_given_up: bool = False


class Purchases:
    """All buys that are not over, in order of arrival; at most one of an outcome is at the venue."""

    def __init__(self) -> None:
        self._spending = Spending()
        self._queues: dict[InstrumentId, list[Purchase]] = {}
        self._by_key: dict[str, Purchase] = {}
        self._last: dict[InstrumentId, Work] = {}
        self._carried: dict[InstrumentId, Decimal] = {}

    @property
    def instruments(self) -> Iterable[InstrumentId]:
        """Outcomes whose books matter to a buy."""
        return self._queues.keys()

    def in_flight(self, instrument_id: InstrumentId) -> Decimal:
        """Shares that an order at the venue may still bring."""
        return self._spending.in_flight(instrument_id)

    def add(self, work: Work) -> None:
        """Take a buy on; `look` decides about it."""
        purchase = Purchase(work=work)
        self._queues.setdefault(work.change.instrument_id, []).append(purchase)
        self._by_key[work.key] = purchase

    def look(
        self, instrument_id: InstrumentId, view: View, rules: Rules, portfolio_known: Decimal
    ) -> Iterator[StrategyIntent]:
        """Decide about the buys of an outcome with the book as it is now."""
        for purchase in list(self._queues.get(instrument_id, ())):
            if purchase.intent:
                yield from self._ask_again(purchase, purchase.intent, view, rules)
            elif instrument_id in self._spending.asks:
                yield from self._wait(purchase, view, ORDER_WORKING)
            else:
                yield from self._decide(purchase, view, rules, portfolio_known)

    def target_sold(
        self, instrument_id: InstrumentId, fraction: Decimal, view: View
    ) -> Iterator[StrategyIntent]:
        """Buy nothing more of what the target is leaving; an order at the venue takes its course."""
        self._carried[instrument_id] = self._carried.get(instrument_id, ZERO) * (ONE - fraction)
        for purchase in list(self._queues.get(instrument_id, ())):
            purchase.is_given_up = True
            if not purchase.intent:
                yield from self._end(purchase, view.time_ns, SKIPPED, SOLD_MEANWHILE)

    def note_order(self, key: str, event: OrderChanged) -> Iterator[StrategyIntent]:
        """Hear of an order of ours; its end is the end of the buy, whatever it got."""
        purchase = self._by_key.get(key)
        if purchase is None:
            return
        purchase.is_heard = True
        if event.order.is_done:
            self._spending.end(event.order.instrument_id)
            outcome = COPIED if purchase.work.filled > 0 else FAILED
            yield from self._end(purchase, event.time_ns, outcome, _ending(purchase.work, event.order.reason))

    def note_fill(self, fill: Fill, time_ns: int, *, sign: int = 1) -> Iterator[StrategyIntent]:
        """Credit a fill to the buy that is at the venue, or to the last one; sign −1 takes back one that failed."""
        quantity, cost = fill.quantity * sign, (fill.price * fill.quantity + fill.fee) * sign
        self._spending.fill(fill.instrument_id, quantity=quantity, cost=cost, time_ns=time_ns)
        asked = [p.work for p in self._queues.get(fill.instrument_id, ()) if p.intent]
        work = asked[0] if asked and sign > 0 else self._last.get(fill.instrument_id)
        if work is None:
            return
        work.fill(quantity, price=fill.price, time_ns=fill.time_ns)
        if not work.is_open and work.filled > 0:
            yield from work.tell(time_ns, COPIED, f"{plain(work.filled)} of {plain(work.wanted)} bought")
        elif not work.is_open:
            yield from work.tell(time_ns, FAILED, "the fill did not settle")

    def resolve(self, instrument_id: InstrumentId, time_ns: int) -> Iterator[StrategyIntent]:
        """End what waits for a market that has resolved."""
        for purchase in list(self._queues.get(instrument_id, ())):
            outcome = COPIED if purchase.work.filled > 0 else FAILED
            yield from self._end(purchase, time_ns, outcome, "the market resolved")
        self._spending.forget(instrument_id)
        self._carried.pop(instrument_id, None)
        self._last.pop(instrument_id, None)

    def _decide(
        self, purchase: Purchase, view: View, rules: Rules, portfolio_known: Decimal
    ) -> Iterator[StrategyIntent]:
        look = self._look_at(purchase.work, view)
        gate = closed_gate(look, rules.gates)
        if gate in WAITED_FOR:
            yield from self._wait(purchase, view, gate or "")
            return
        if gate or look.instrument is None:
            yield from self._skip(purchase, view, gate or "")
            return
        limit = price_limit(look, rules.gates)
        fitted = self._fit(look, look.instrument, limit, view, rules, portfolio_known)
        self._carried[look.instrument.id] = fitted.carried
        if fitted.gate:
            yield from self._skip(purchase, view, fitted.gate)
        else:
            yield from self._ask(purchase, look.instrument, limit, fitted.quantity, view)

    def _fit(
        self,
        look: Look,
        instrument: Instrument,
        limit: Decimal,
        view: View,
        rules: Rules,
        portfolio_known: Decimal,
    ) -> Fitted:
        wanted = wanted_notional(
            rules.sizing,
            trade_notional=look.price * look.quantity,
            bankroll=view.bankroll,
            portfolio_known=portfolio_known,
        )
        return fit(
            wanted + self._carried.get(instrument.id, ZERO),
            price=limit,
            instrument=instrument,
            rooms=self._spending.rooms(instrument.id, rules.caps, view),
            round_up_to_minimum=rules.round_up_to_minimum,
        )

    def _ask(
        self, purchase: Purchase, instrument: Instrument, limit: Decimal, quantity: Decimal, view: View
    ) -> Iterator[StrategyIntent]:
        work = purchase.work
        fee = taker_fee_max(
            price_max=limit, quantity=ONE, rate=instrument.fee_rate, exponent=instrument.fee_exponent
        )
        self._spending.ask(instrument.id, quantity=quantity, unit_cost=limit + fee)
        work.wanted = quantity
        purchase.asked_ns = view.time_ns
        purchase.intent = Intent(
            instrument_id=instrument.id,
            side=Side.BUY,
            quantity=quantity,
            price=limit,
            time_in_force=TimeInForce.FAK,
            signal_key=work.key,
            reason=(
                f"{work.change.cause.name} bought {plain(work.change.quantity)} {instrument.outcome} "
                f"at {plain(work.change.price)}: copy up to {limit}"
            ),
        )
        yield purchase.intent
        yield from work.tell(view.time_ns, WAITING, "asked for")

    def _ask_again(
        self, purchase: Purchase, intent: Intent, view: View, rules: Rules
    ) -> Iterator[StrategyIntent]:
        """Repeat an order that a control may have denied; the key makes sure that it is never placed twice."""
        waited_ns = view.time_ns - purchase.asked_ns
        if purchase.is_heard or waited_ns < RETRY_NS or _is_working(intent, view):
            return
        ask = self._spending.asks.pop(intent.instrument_id)
        gate = closed_gate(self._look_at(purchase.work, view), rules.gates)
        self._spending.asks[intent.instrument_id] = ask
        if gate is None and not purchase.is_given_up:
            purchase.asked_ns = view.time_ns
            yield intent
        elif gate not in WAITED_FOR and waited_ns >= ANSWER_NS_MAX:
            self._spending.end(intent.instrument_id)
            why = gate or SOLD_MEANWHILE
            yield PassedOver(purchase.work.change.cause.market_id, why)
            yield from self._end(
                purchase, view.time_ns, FAILED, f"no order came of it, see denials; now: {why}"
            )

    def _look_at(self, work: Work, view: View) -> Look:
        change = work.change
        positions = self._spending.open_instruments(view)
        return Look(
            time_ns=view.time_ns,
            traded_ns=change.cause.time_ns,
            price=change.price,
            quantity=change.quantity,
            market=view.market(change.cause.market_id),
            instrument=view.instrument(change.instrument_id),
            book=view.book(change.instrument_id),
            buys=self._spending.buys.get(change.instrument_id, 0),
            positions=len(positions),
            is_new=change.instrument_id not in positions,
        )

    def _wait(self, purchase: Purchase, view: View, gate: str) -> Iterator[StrategyIntent]:
        """Count a gate when it becomes the reason, not at every look."""
        if told := purchase.work.tell(view.time_ns, WAITING, gate):
            yield PassedOver(purchase.work.change.cause.market_id, gate)
            yield from told

    def _skip(self, purchase: Purchase, view: View, gate: str) -> Iterator[StrategyIntent]:
        work, reason = purchase.work, gate
        if work.reason in WAITED_FOR:
            reason = f"{gate} after waiting: {work.reason}"
        elif gate == BELOW_MINIMUM:
            reason = f"{gate}: {self._carried[work.change.instrument_id]:.2f} pUSD are kept for the next"
        yield PassedOver(work.change.cause.market_id, gate)
        yield from self._end(purchase, view.time_ns, SKIPPED, reason)

    def _end(self, purchase: Purchase, time_ns: int, outcome: str, reason: str) -> Iterator[StrategyIntent]:
        instrument_id = purchase.work.change.instrument_id
        queue = self._queues.get(instrument_id, [])
        if purchase in queue:
            queue.remove(purchase)
        if not queue:
            self._queues.pop(instrument_id, None)
        self._by_key.pop(purchase.work.key, None)
        if purchase.intent:
            self._last[instrument_id] = purchase.work
        yield from purchase.work.tell(time_ns, outcome, reason)


def _is_working(intent: Intent, view: View) -> bool:
    return any(o.instrument_id == intent.instrument_id and o.side is Side.BUY for o in view.orders())


def _ending(work: Work, reason: str) -> str:
    if work.filled >= work.wanted:
        return "bought"
    return f"{plain(work.filled)} of {plain(work.wanted)} bought: {reason}" if work.filled else reason
