"""What became of the sniper's own orders and purchases: attempts by market, and outcomes for the calibration."""

from decimal import Decimal

from domain.identifiers import MarketId, OrderId
from domain.instrument import Market
from domain.messages import MarketResolved
from domain.money import ONE, ZERO
from domain.order import Order
from strategies.base_strategy import View
from strategies.sniping.calibration import Outcome, Table, Tally, Verdict, calibrate, find, tally
from strategies.sniping.shipped_calibration import SHIPPED

NOT_CALIBRATED = "category not calibrated"
OVERPRICED = "category overpriced"


class TrackRecord:
    """Own outcomes are added to the shipped ones, so that a category can open, or close, by what it did here.

    In memory: a restart plays the session again and comes to the same (docs/decisions/0003).
    """

    def __init__(self) -> None:
        self.own: tuple[Tally, ...] = ()
        self.table: Table = calibrate(SHIPPED)
        self._ended: dict[tuple[MarketId, bool], set[OrderId]] = {}
        self._categories: dict[MarketId, str] = {}

    def closed_gate(self, category: str, price: Decimal, *, uncalibrated_ok: bool) -> str | None:
        """Say whether the outcomes known forbid the price; None where they do not."""
        cell = find(self.table, category, price)
        if cell is not None and cell.verdict is Verdict.OVERPRICED:
            return OVERPRICED
        if cell is None or cell.verdict is Verdict.INSUFFICIENT:
            return None if uncalibrated_ok else NOT_CALIBRATED
        return None

    def loss_probability(self, category: str, price: Decimal) -> Decimal:
        """The upper side of what favourites like this one have lost; zero where too little is known."""
        cell = find(self.table, category, price)
        return ZERO if cell is None or cell.verdict is Verdict.INSUFFICIENT else cell.loss_probability

    def attempts(self, market_id: MarketId, *, rests: bool) -> int:
        """Orders of one branch for the market that have ended: the number of the next one."""
        return len(self._ended.get((market_id, rests), ()))

    def note_ordered(self, market: Market) -> None:
        """Remember the category: a market that has resolved is not there to be asked."""
        self._categories[market.id] = market.category

    def note_ended(self, order: Order) -> None:
        """Count an order that ended, once: the next look is a signal of its own. A denied one keeps its key."""
        self._ended.setdefault((order.market_id, order.post_only), set()).add(order.id)

    def resolve(self, event: MarketResolved, view: View) -> None:
        """Add what is held of a resolved market, once a side and at its average price, and forget the market.

        A market that pays a half to each side has no winner and is left out.
        """
        category = self._categories.pop(event.market_id, None)
        for rests in (False, True):
            self._ended.pop((event.market_id, rests), None)
        held = {instrument_id: view.holding(instrument_id) for instrument_id in event.payouts}
        outcomes = [
            Outcome(category, held[instrument_id].average_price, won=payout == ONE)
            for instrument_id, payout in event.payouts.items()
            if category and held[instrument_id].quantity and payout in (ZERO, ONE)
        ]
        if outcomes:
            self.own = _added(self.own, tally(outcomes))
            self.table = calibrate((*SHIPPED, *self.own))


def _added(first: tuple[Tally, ...], second: tuple[Tally, ...]) -> tuple[Tally, ...]:
    """Both, with one tally a category and bucket, so that a long run does not grow it."""
    return tuple(cell.tally for cell in calibrate((*first, *second)))
