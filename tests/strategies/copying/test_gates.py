"""Each gate at its limit, one step inside and one outside."""

from decimal import Decimal

import msgspec
import pytest

from domain.instrument import Side
from strategies.copying.gates import GateLimits, Look, closed_gate, price_limit, price_most
from tests.support.trading import CLOSES_NS, NOW_NS, S, book, d, instrument, market

LIMITS = GateLimits()
OPEN = Look(
    time_ns=NOW_NS,
    traded_ns=NOW_NS,
    price=d("0.50"),
    quantity=d("100"),
    market=market(),
    instrument=instrument(),
    book=book("0.49x1000", "0.50x1000"),
    buys=0,
    positions=0,
    is_new=True,
)


def at_price(price: str, *, ask: str | None = None) -> dict[str, object]:
    """The target pays `price` and the best ask is the same, unless told otherwise."""
    offered = d(ask or price)
    shown = book(f"{offered - d('0.01')}x5000", f"{offered}x5000")
    return {"price": d(price), "quantity": d(5000), "book": shown}


def with_book(bids: str, asks: str) -> dict[str, object]:
    return {"book": book(bids, asks)}


def at_time(time_ns: int) -> dict[str, object]:
    """The target trades then, and the book is of then."""
    return {"time_ns": time_ns, "traded_ns": time_ns, "book": book("0.49x10", "0.50x1000", time_ns=time_ns)}


def test_all_gates_are_open() -> None:
    assert closed_gate(OPEN, LIMITS) is None


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        pytest.param({"market": None}, "market unknown or resolved", id="no market"),
        pytest.param({"instrument": None}, "market unknown or resolved", id="no instrument"),
        pytest.param(
            {"market": msgspec.structs.replace(market(), is_reference=True)},
            "market takes no orders",
            id="spot",
        ),
        pytest.param({"traded_ns": NOW_NS - 60 * S + 1}, None, id="age −1"),
        pytest.param({"traded_ns": NOW_NS - 60 * S}, None, id="age 60 s"),
        pytest.param({"traded_ns": NOW_NS - 60 * S - 1}, "trade too old", id="age +1"),
        pytest.param({"quantity": d("49.99")}, "target notional too small", id="notional 24.995"),
        pytest.param({"quantity": d("50")}, None, id="notional 25"),
        pytest.param({"quantity": d("50.01")}, None, id="notional 25.005"),
        pytest.param(at_price("0.04"), "price outside the band", id="price 0.04"),
        pytest.param(at_price("0.05"), None, id="price 0.05"),
        pytest.param(at_price("0.06"), None, id="price 0.06"),
        pytest.param(at_price("0.94"), None, id="price 0.94"),
        pytest.param(at_price("0.95"), None, id="price 0.95"),
        pytest.param(at_price("0.96"), "price outside the band", id="price 0.96"),
        pytest.param(at_price("0.94", ask="0.96"), "price outside the band", id="ask 0.96"),
        pytest.param(at_price("0.05", ask="0.04"), "price outside the band", id="ask 0.04"),
        pytest.param(at_price("0.50", ask="0.51"), None, id="ask + 2 %"),
        pytest.param(at_price("0.50", ask="0.52"), "ask too far above the target's price", id="ask + 4 %"),
        pytest.param(at_price("0.40", ask="0.41"), "ask too far above the target's price", id="ask + 2.5 %"),
        pytest.param(with_book("0.49x10", "0.50x99.99"), "too little depth", id="depth 49.995"),
        pytest.param(with_book("0.49x10", "0.50x100"), None, id="depth 50"),
        pytest.param(with_book("0.49x10", "0.50x50 0.51x50"), None, id="depth over levels in reach"),
        pytest.param(with_book("0.49x10", "0.50x50 0.52x5000"), "too little depth", id="depth out of reach"),
        pytest.param(at_time(CLOSES_NS - 60 * S - 1), None, id="61 s left"),
        pytest.param(at_time(CLOSES_NS - 60 * S), None, id="60 s left"),
        pytest.param(at_time(CLOSES_NS - 60 * S + 1), "market ends too soon", id="59 s left"),
        pytest.param({"buys": 2}, None, id="third buy"),
        pytest.param({"buys": 3}, "buys of the outcome used up", id="fourth buy"),
        pytest.param({"positions": 4}, None, id="fifth position of the target"),
        pytest.param({"positions": 5}, "too many positions of the target", id="sixth position of the target"),
        pytest.param({"positions": 5, "is_new": False}, None, id="more of an open position"),
        pytest.param({"positions": 20}, "too many open positions", id="twenty-first position"),
        pytest.param({"book": None}, "no book", id="no book"),
        pytest.param({"book": book(time_ns=NOW_NS - 2 * S, asks="0.51x1000")}, None, id="book of 2 s"),
        pytest.param({"book": book(time_ns=NOW_NS - 2 * S - 1)}, "book too old", id="book older"),
        pytest.param(with_book("", "0.50x1000"), "one-sided book", id="no bids"),
        pytest.param(with_book("0.49x1000", ""), "one-sided book", id="no asks"),
        pytest.param(with_book("0.50x1000", "0.50x1000"), "crossed book", id="crossed"),
        pytest.param(with_book("0.01x1000", "0.99x1000"), "placeholder book", id="placeholder"),
        pytest.param(with_book("0.02x1000", "0.99x1000"), "price outside the band", id="no placeholder"),
    ],
)
def test_a_gate_is_closed_beyond_its_limit_alone(change: dict[str, object], gate: str | None) -> None:
    look = OPEN._replace(**change)  # type: ignore[arg-type]  # the table mixes types

    assert closed_gate(look, LIMITS) == gate


def test_the_three_cents_bind_where_two_percent_are_more() -> None:
    wide = LIMITS._replace(slippage_share_max=d("0.10"))

    assert price_most(d("0.50"), instrument(), wide) == d("0.53")
    assert price_most(d("0.50"), instrument(), LIMITS) == d("0.51")


def test_the_most_is_on_the_tick_and_inside_the_band() -> None:
    assert price_most(d("0.57"), instrument(), LIMITS) == d("0.58")  # 0.5814
    assert price_most(d("0.57"), instrument(tick_size="0.001"), LIMITS) == d("0.581")
    assert price_most(d("0.95"), instrument(), LIMITS) == d("0.95")


@pytest.mark.parametrize(("ask", "limit"), [("0.48", "0.49"), ("0.50", "0.51"), ("0.51", "0.51")])
def test_the_limit_is_a_tick_above_the_ask_but_never_too_much(ask: str, limit: str) -> None:
    look = OPEN._replace(book=book("0.40x10", f"{ask}x1000"))

    assert closed_gate(look, LIMITS) is None
    assert price_limit(look, LIMITS) == Decimal(limit)
    assert look.book is not None
    assert look.book.notional_within(Side.BUY, Decimal(limit)) >= 50
