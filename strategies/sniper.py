"""Expiration sniper: buys a favourite shortly before its market ends and redeems it when it has won.

price ticks ─► CryptoMode (up/down markets whose settlement feed is heard: fair value, taker and maker branch)
books ──────►     or EventMode (everything else: price, depth, time and the record of the category)
"""

if __name__ == "__main__":  # python strategies/sniper.py …: the orchestrator runs this strategy alone
    import os
    import sys
    from pathlib import Path

    orchestrator = Path(__file__).resolve().parents[1] / "orchestrator.py"
    os.execv(sys.executable, [sys.executable, str(orchestrator), "--strategies", "sniper", *sys.argv[1:]])

from functools import cached_property
from typing import ClassVar

from domain.instrument import Market
from domain.messages import BookSnapshot, MarketResolved, OrderChanged, PassedOver, PriceTick, TimerFired
from strategies.base_strategy import Intents, View, state
from strategies.sniping.calibration import Table
from strategies.sniping.crypto_mode import CryptoMode
from strategies.sniping.event_mode import EventMode
from strategies.sniping.parameters import Mode, SniperParameters
from strategies.sniping.track_record import TrackRecord


class Sniper(SniperParameters):
    """Chooses the mode of each market and keeps the record that both share; every gate that is closed is counted."""

    summary = "buys favourites before the end, by price or by fair value, holds to resolution, redeems"
    timer_interval_s: ClassVar[int] = 1
    """A resting bid is looked after even where every feed has fallen silent."""

    _record: TrackRecord = state(TrackRecord)

    @cached_property
    def _event(self) -> EventMode:
        return EventMode(self, self._record)

    @cached_property
    def _crypto(self) -> CryptoMode:
        return CryptoMode(self, self._record)

    @property
    def calibration(self) -> Table:
        """What the sniper knows of prices by category: shipped outcomes and its own of this session."""
        return self._record.table

    def on_book(self, event: BookSnapshot, view: View) -> Intents:
        """Look at the book in the market's mode; yield orders and cancels, or the gates that passed it over."""
        instrument = view.instrument(event.book.instrument_id)
        market = view.market(instrument.market_id) if instrument else None
        if instrument is None or market is None or market.is_reference or event.time_ns < market.opens_ns:
            return
        if self._values(market):
            yield from self._crypto.look(market, instrument, event, view)
        elif self.mode is Mode.CRYPTO:
            yield PassedOver(
                market.id, "not an up/down market" if market.up_down is None else "no settlement feed"
            )
        else:
            yield from self._event.look(market, instrument, event.book, view)

    def on_price(self, event: PriceTick, view: View) -> Intents:
        """Let the model hear it; a bid that it makes too dear is cancelled."""
        return iter(()) if self.mode is Mode.EVENT else self._crypto.hear(event, view)

    def on_timer(self, event: TimerFired, view: View) -> Intents:
        """Look after resting bids."""
        return self._crypto.tend(event.time_ns, view)

    def on_order(self, event: OrderChanged, view: View) -> Intents:
        """Count an order that ended."""
        if event.order.is_done:
            self._record.note_ended(event.order)
        return iter(())

    def on_resolved(self, event: MarketResolved, view: View) -> Intents:
        """Note how own purchases ended, forget the market and redeem what is held of it."""
        self._record.resolve(event, view)
        self._crypto.forget(event.market_id)
        for instrument_id in event.payouts:
            self._event.forget(instrument_id)
        return super().on_resolved(event, view)

    def _values(self, market: Market) -> bool:
        """Say whether the market's fair value can be had: it is an up/down market and its feed was heard."""
        rule = market.up_down
        return rule is not None and self.mode is not Mode.EVENT and self._crypto.model.delivers(rule.feed)
