"""Strategies that a test brings into a copy of the checkout: one that trades a lot, others that misbehave."""

import shutil
import subprocess
from pathlib import Path

from tests.end_to_end.daemon import ROOT

NOT_COPIED = ("tests/", "bench/", "docs/", ".")
RESTS_AT_BOOK = 2_000
MISBEHAVES_AT_BOOK = 3_000
"""Between the sniper's first order and its last."""

BUSY = '''"""Trades in every way there is, to be killed at any moment."""

from decimal import Decimal

from domain.instrument import Side
from domain.messages import CancelIntent, PassedOver
from domain.order import Intent, TimeInForce
from strategies.base_strategy import BaseStrategy, state


class Busy(BaseStrategy):
    """Does one of six things at every tenth book of an instrument."""

    timer_interval_s = 7
    _seen: dict = state(dict)

    def on_timer(self, event, view):
        for order in view.orders()[:1]:
            yield CancelIntent(order_id=order.id, reason="the timer rang")

    def on_book(self, event, view):
        instrument_id = event.book.instrument_id
        instrument = view.instrument(instrument_id)
        bid, ask = event.book.best_bid, event.book.best_ask
        self._seen[instrument_id] = seen = self._seen.get(instrument_id, 0) + 1
        if instrument is None or bid is None or ask is None:
            return
        if seen % 10:
            yield PassedOver(instrument.market_id, "not yet")
            return
        held = view.holding(instrument_id).settled_quantity
        match seen // 10 % 6:
            case 0:
                yield self._intent(instrument_id, Side.BUY, bid.price, seen, TimeInForce.GTC)
            case 1:
                yield self._intent(instrument_id, Side.BUY, ask.price, seen, TimeInForce.FAK)
            case 2 if held >= 5:
                yield self._intent(instrument_id, Side.SELL, ask.price, seen, TimeInForce.GTC)
            case 3:
                for order in view.orders(instrument.market_id):
                    yield CancelIntent(order_id=order.id, reason="a change of mind")
            case 4 if held >= 5:
                yield self._intent(instrument_id, Side.SELL, bid.price, seen, TimeInForce.FAK)
            case 5:
                yield self._intent(instrument_id, Side.BUY, Decimal("0.12345"), seen, TimeInForce.FAK)

    def _intent(self, instrument_id, side, price, seen, time_in_force):
        return Intent(
            instrument_id=instrument_id,
            side=side,
            quantity=Decimal(5),
            price=price,
            signal_key=f"{instrument_id}:{seen}",
            reason=f"book {seen}",
            time_in_force=time_in_force,
        )
'''

LINGERS = '''"""Buys what will lose, and offers it at a price that only a winner can bring."""

from decimal import Decimal

from domain.instrument import Side
from domain.messages import Settlement
from domain.order import Intent, TimeInForce
from strategies.base_strategy import BaseStrategy, state


class Lingers(BaseStrategy):
    """In the first three markets of the recording UP loses: each offer rests until its market resolves."""

    _bought: dict = state(dict)

    def on_book(self, event, view):
        instrument_id, ask = event.book.instrument_id, event.book.best_ask
        if not instrument_id.endswith(":UP") or instrument_id in self._bought or not ask:
            return
        if Decimal("0.4") < ask.price < Decimal("0.6"):
            self._bought[instrument_id] = True
            yield self._intent(instrument_id, Side.BUY, ask.price, TimeInForce.FAK)

    def on_fill(self, event, view):
        yield from super().on_fill(event, view)
        if event.settlement is Settlement.SETTLED and event.fill.side is Side.BUY:
            yield self._intent(event.fill.instrument_id, Side.SELL, Decimal("0.99"), TimeInForce.GTC)

    def _intent(self, instrument_id, side, price, time_in_force):
        return Intent(
            instrument_id=instrument_id,
            side=side,
            quantity=Decimal(5),
            price=price,
            signal_key=f"{side} {instrument_id}",
            reason="to have it",
            time_in_force=time_in_force,
        )
'''

GUEST = '''"""Rests a bid at a cent, and later misbehaves."""

import asyncio
import os
import signal
import sys
from decimal import Decimal

from domain.instrument import Side
from domain.order import Intent
from strategies.base_strategy import BaseStrategy, state


class Guest(BaseStrategy):
    """Misbehaves at one book, and at each that follows if it may."""

    _seen: list = state(list)
    _rests: list = state(list)

    def on_book(self, event, view):
        self._seen.append(None)
        if len(self._seen) >= {rests_at} and not self._rests and self._lasts(event, view):
            self._rests.append(True)
            yield self._bid(event, "rests")
        if len(self._seen) >= {misbehaves_at}:
{body}

    def _lasts(self, event, view):
        market = view.market(view.instrument(event.book.instrument_id).market_id)
        return event.book.best_bid and market.closes_ns - event.time_ns > 900 * 10**9

    def _bid(self, event, key):
        return Intent(
            instrument_id=event.book.instrument_id,
            side=Side.BUY,
            quantity=Decimal(100),
            price=Decimal("0.01"),
            signal_key=key,
            reason="a bid at a cent",
        )
'''

BODIES = {
    "raises": "raise ValueError('the guest fell over')",
    "loops": "while True:\n    pass",
    "swallows": "while True:\n    try:\n        len(self._seen)\n    except Exception:\n        pass",
    "floods": "for number in range(2_000):\n    yield self._bid(event, f'flood {number}')",
    "leaks": "asyncio.get_running_loop().create_task(asyncio.sleep(3600))",
    "prints": "print('a word from the guest ' * 1_000)",
    "hangs": "sum(range(10**12))",
    "clings": "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
    "exits": "sys.exit('the guest wants to go home')",
    "tells": "raise ValueError(os.environ['POLYMARKET_PRIVATE_KEY'])",
    "sleeps": "if len(self._seen) == 3_000:\n    open('asleep', 'w').close()\n    os.kill(os.getpid(), signal.SIGSTOP)",
    "bids": "for number in range(2):\n    yield self._bid(event, f'{len(self._seen)} {number}')",
}
"""What each guest does, by its name."""


def make_tree(folder: Path) -> Path:
    """Copy what the daemon needs of this checkout, as it is now, and let the guests in."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in set(listed.split("\0")) - {""}:
        if not name.startswith(NOT_COPIED) and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    strategies = folder / "strategies"
    (strategies / "busy.py").write_text(BUSY)
    (strategies / "lingers.py").write_text(LINGERS)
    for name, body in BODIES.items():
        (strategies / f"{name}.py").write_text(_guest(body))
    return folder


def _guest(body: str) -> str:
    lines = "\n".join(" " * 12 + line for line in body.split("\n"))
    return GUEST.format(rests_at=RESTS_AT_BOOK, misbehaves_at=MISBEHAVES_AT_BOOK, body=lines)
