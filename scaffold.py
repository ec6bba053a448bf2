"""Writes the beginning of a strategy: one file that trades at once, with a test that passes."""

import keyword
import re
import sys
from pathlib import Path

from domain.errors import ConfigurationError

NAME_LENGTH_MAX = 32
NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{NAME_LENGTH_MAX - 1}}}")
NOT_STRATEGIES = frozenset({"base_strategy", "indicators", "loader"})
"""Files of strategies/ that are no strategies, whether they are there yet or not; the loader passes them over."""

IMPORTED = frozenset({"BookSnapshot", "Decimal", "Intent", "Intents", "PassedOver", "Side", "View"})
"""Names that the strategy's file imports: its class cannot be called so."""

STRATEGY = '''\
"""Buys the smallest order of a favourite, once per market, while the spread is tight."""

from decimal import Decimal

from domain.instrument import Side
from domain.messages import BookSnapshot, PassedOver
from domain.order import Intent
from strategies.base_strategy import BaseStrategy, Intents, View


class {class_name}(BaseStrategy):
    """`mid_min` is in pUSD per share; set it under [strategies.{name}] of a --config FILE."""

    mid_min: Decimal = Decimal("0.90")

    def on_book(self, event: BookSnapshot, view: View) -> Intents:
        """At every new book: yield an order, or the gate that `why --market` then counts.

        The signal key makes it once per market: a repeat is answered with the first order. What costs more
        than 1 is no outcome but a reference, which takes no orders.
        """
        instrument, ask, mid = view.instrument(event.book.instrument_id), event.book.best_ask, event.book.mid
        if instrument and ask and mid and self.mid_min <= mid < 1 and ask.price - mid <= instrument.tick_size:
            yield Intent(
                instrument_id=instrument.id,
                side=Side.BUY,
                quantity=instrument.quantity_min,
                price=ask.price,
                signal_key=instrument.market_id,
                reason=f"mid {{mid}} is at least {{self.mid_min}} and the spread at most two ticks",
            )
        elif instrument:
            yield PassedOver(instrument.market_id, "no favourite with a tight spread")
'''

TEST = '''\
"""A clear favourite with a tight spread is bought once per market; anything else is passed over and counted."""

import pytest

from config import Limits
from engine import Decision, Engine
from order_manager import OrderManager
from state.market import MarketData
from strategies.{name} import {class_name}
from tests.support.trading import DOWN, NOW_NS, PAPER, SESSION, UP, S, book, d, listed, shown


class Room:
    """The strategy at the daemon's own engine, with a listed market and 1,000 pUSD."""

    def __init__(self) -> None:
        market = MarketData()
        orders = OrderManager(session=SESSION, seed=1, venue=PAPER, limits=Limits(), market=market)
        self.engine = Engine(session=SESSION, market=market, orders=orders)
        self.strategy = {class_name}()
        self.engine.add(self.strategy)
        self.engine.take_market(listed())
        self.engine.open_account(d(1000), time_ns=NOW_NS)

    def see(self, bids: str, asks: str, *, is_up: bool = True, after_s: int = 0) -> Decision:
        """Show it a book of UP or of DOWN."""
        event = shown(book(bids, asks, of=UP if is_up else DOWN, time_ns=NOW_NS + after_s * S))
        self.engine.take_market(event)
        return self.engine.step(self.strategy, event)


def test_a_clear_favourite_is_bought_in_the_smallest_quantity() -> None:
    room = Room()

    (order,) = room.see("0.93x100", "0.95x100").sends

    assert (order.instrument_id, order.side, order.quantity, order.price) == (UP, "BUY", d(5), d("0.95"))
    assert order.reason == "mid 0.94 is at least 0.90 and the spread at most two ticks"


def test_a_market_is_bought_once() -> None:
    room = Room()
    room.see("0.93x100", "0.95x100")

    again = room.see("0.94x100", "0.95x100", after_s=1)
    other_side = room.see("0.94x100", "0.95x100", is_up=False, after_s=2)

    assert (again.sends, other_side.sends) == ((), ())


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        pytest.param("0.88x100", "0.90x100", id="mid below the limit"),
        pytest.param("0.92x100", "0.95x100", id="spread of three ticks"),
        pytest.param("0.95x100", "", id="nobody offers"),
        pytest.param("", "0.95x100", id="nobody bids"),
        pytest.param("64000.00x1", "64000.01x1", id="a reference price"),
    ],
)
def test_anything_else_is_passed_over(bids: str, asks: str) -> None:
    assert Room().see(bids, asks).sends == ()
'''


def new_strategy(name: str, *, root: Path) -> list[str]:
    """Write `strategies/NAME.py` and its test below `root`; return what to tell: what was written, how to go on.

    Raises ConfigurationError, and writes nothing, for a name that cannot be a strategy's or is taken.
    """
    _check(name)
    strategy, test = root / "strategies" / f"{name}.py", root / "tests" / "strategies" / f"test_{name}.py"
    for path in (root / f"{name}.py", strategy, strategy.with_suffix(""), test):
        if path.exists():
            raise ConfigurationError(
                f"new-strategy {name}: {path.relative_to(root)} is there already; choose another name"
            )
    class_name = _class_name(name)
    _write(strategy, STRATEGY.format(name=name, class_name=class_name))
    _write(test, TEST.format(name=name, class_name=class_name))
    run = f"python orchestrator.py --strategies {name}"
    return [
        f"wrote {strategy.relative_to(root)}: {class_name}, a strategy that trades already; change it",
        f"wrote {test.relative_to(root)}: its test",
        "",
        f"replay:  {run} --market replay",
        f"sim:     {run} --market sim",
        f"test:    python -m pytest {test.relative_to(root)}",
        "why not: python orchestrator.py why --market SLUG",
    ]


def _check(name: str) -> None:
    """Refuse what is no module name, or the name of something else."""
    if name in NOT_STRATEGIES:
        raise ConfigurationError(
            f"new-strategy {name}: strategies/{name}.py is no strategy; choose another name"
        )
    if keyword.iskeyword(name):
        raise ConfigurationError(f"new-strategy {name}: a word of Python itself; choose another name")
    if name in sys.stdlib_module_names:
        raise ConfigurationError(
            f"new-strategy {name}: the name of a module of the standard library; choose another name"
        )
    if not NAME.fullmatch(name):
        raise ConfigurationError(
            f"new-strategy {name[:NAME_LENGTH_MAX]!r}: not a name for a file; give 1 to {NAME_LENGTH_MAX}"
            " lower-case letters, digits and underscores, a letter first, such as my_fade"
        )


def _class_name(name: str) -> str:
    """The name in capitals, as classes are called.

    >>> _class_name("my_fade"), _class_name("side"), _class_name("true")
    ('MyFade', 'SideStrategy', 'TrueStrategy')
    """
    class_name = "".join(part.capitalize() for part in name.split("_"))
    is_taken = class_name in IMPORTED or keyword.iskeyword(class_name)
    return f"{class_name}Strategy" if is_taken else class_name


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigurationError(
            f"new-strategy: {path} cannot be written ({error.strerror}); mend that and try again"
        ) from error
