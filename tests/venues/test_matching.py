"""The matching rules of docs/fills.md, one table or story a rule, with the arithmetic shown."""

from decimal import Decimal

import pytest

from domain.identifiers import OrderId
from domain.messages import Liquidity
from domain.order import OrderStatus
from tests.venues.paper_floor import (
    DOWN,
    MARKET,
    START_NS,
    UP,
    S,
    accepted,
    book,
    engine_showing,
    market,
    mirrored,
    order,
    shares_at,
    shares_of,
    trade,
)
from venues.matching import Refused

DEEP_BIDS = " ".join(f"0.{price}x100" for price in range(50, 30, -1))
"""Twenty levels, 0.50 to 0.31: as many as a snapshot that may have been cut."""


# --- rule 1: takers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "taken", "status"),
    [
        pytest.param("BUY 30 UP 0.51 FAK", [("30", "0.51")], "FILLED", id="within the first level"),
        # 40 at 0.51, then 60 of the 80 at 0.52, although the limit is 0.55
        pytest.param("BUY 100 UP 0.55 FAK", [("40", "0.51"), ("60", "0.52")], "FILLED", id="best first"),
        # 40 + 80 = 120 of 150 are within 0.52
        pytest.param("BUY 150 UP 0.52 FAK", [("40", "0.51"), ("80", "0.52")], "CANCELLED", id="limit"),
        pytest.param("BUY 150 UP 0.52 GTC", [("40", "0.51"), ("80", "0.52")], "OPEN", id="rest rests"),
        pytest.param("BUY 120 UP 0.52 FOK", [("40", "0.51"), ("80", "0.52")], "FILLED", id="fok exact"),
        pytest.param("SELL 90 UP 0.48 FAK", [("70", "0.5"), ("20", "0.48")], "FILLED", id="sell to bids"),
        pytest.param("BUY 10 UP 0.50 GTC", [], "OPEN", id="below the ask"),
    ],
)
def test_a_taker_gets_displayed_levels_up_to_its_limit(
    text: str, taken: list[tuple[str, str]], status: str
) -> None:
    engine = engine_showing(book(bids="0.50x70 0.48x90", asks="0.51x40 0.52x80 0.60x500"))

    outcome = accepted(engine, order(text))

    assert shares_at(outcome.executions) == taken
    assert outcome.status == status


@pytest.mark.parametrize(
    ("next_asks", "available"),
    [
        pytest.param("0.51x40", [], id="unchanged: 40 - 40"),
        pytest.param("0.51x25", [], id="smaller: consumed falls to 25, 25 - 25"),
        pytest.param("0.51x65", [("25", "0.51")], id="grown: 65 - 40"),
        pytest.param("0.52x40", [("40", "0.52")], id="another price: 40 - 0"),
    ],
)
def test_a_displayed_share_is_consumed_once(next_asks: str, available: list[tuple[str, str]]) -> None:
    engine = engine_showing(book(asks="0.51x40"))
    accepted(engine, order("BUY 40 UP 0.51 FAK", name="first"))

    engine.on_book(book(asks=next_asks))

    again = engine.add(order("BUY 100 UP 0.53 FAK", name="again"), time_ns=START_NS)
    assert shares_at(getattr(again, "executions", ())) == available


def test_a_level_that_vanished_starts_afresh() -> None:
    engine = engine_showing(book(asks="0.51x40"))
    accepted(engine, order("BUY 40 UP 0.51 FAK", name="first"))

    engine.on_book(book(asks="0.52x10"))
    engine.on_book(book(asks="0.51x30 0.52x10"))

    assert shares_at(accepted(engine, order("BUY 50 UP 0.51 FAK", name="again")).executions) == [
        ("30", "0.51")
    ]


def test_consumption_shows_on_the_complement_until_its_own_snapshot_shrinks() -> None:
    shown = book(bids="0.50x70", asks="0.51x40")
    engine = engine_showing(shown, mirrored(shown))
    accepted(engine, order("BUY 30 UP 0.51 FAK", name="up"))

    # The ask of UP at 0.51 is the bid of DOWN at 0.49: 40 - 30 = 10 are left there.
    first = accepted(engine, order("SELL 40 DOWN 0.49 FAK", name="down"))
    engine.on_book(book(asks="0.52x1"))
    second = engine.add(order("SELL 40 DOWN 0.49 FAK", name="down again"), time_ns=START_NS)

    assert shares_at(first.executions) == [("10", "0.49")]
    assert isinstance(second, Refused)


def test_fills_are_whole_lots_rounded_down() -> None:
    engine = engine_showing(book(asks="0.51x5.019 0.52x0.005 0.53x9"))

    taken = accepted(engine, order("BUY 100 UP 0.53 FAK")).executions

    assert shares_at(taken) == [("5.01", "0.51"), ("9", "0.53")]


# --- rule 2: resting orders ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prints", "filled"),
    [
        pytest.param([("SELL", "100", "0.50")], [], id="the queue ahead takes all: 100 - 100"),
        pytest.param([("SELL", "130", "0.50")], [("30", "0.5")], id="130 - 100 ahead"),
        pytest.param([("SELL", "60", "0.50"), ("SELL", "60", "0.50")], [("20", "0.5")], id="60 + 60 - 100"),
        pytest.param([("SELL", "500", "0.50")], [("50", "0.5")], id="never more than ordered"),
        pytest.param([("SELL", "20", "0.49")], [("20", "0.5")], id="through: at our price, all of 20"),
        pytest.param([("SELL", "500", "0.51")], [], id="above a bid"),
        pytest.param([("BUY", "500", "0.50")], [], id="a buyer does not trade with a bid"),
        pytest.param([("SELL", "100.009", "0.50")], [], id="less than a lot"),
    ],
)
def test_a_print_eats_the_queue_and_then_fills_us(
    prints: list[tuple[str, str, str]], filled: list[tuple[str, str]]
) -> None:
    engine = engine_showing(book(bids="0.50x100", asks="0.52x100"))
    accepted(engine, order("BUY 50 UP 0.50 GTC"))

    executions = tuple(e for one in prints for e in engine.on_print(trade(*one)))

    assert shares_at(executions) == filled
    assert all(e.liquidity is Liquidity.MAKER and e.fee == 0 for e in executions)


@pytest.mark.parametrize(
    ("bids", "filled"),
    [
        pytest.param("0.50x100", [("20", "0.5")], id="unchanged: 120 - 100"),
        pytest.param("0.50x30", [("50", "0.5")], id="shrunk: 120 - 30 = 90, ordered 50"),
        pytest.param("0.50x900", [("20", "0.5")], id="grown: who comes later stands behind us"),
        pytest.param("0.49x100", [("50", "0.5")], id="gone: we are first"),
    ],
)
def test_a_shrinking_level_moves_the_queue(bids: str, filled: list[tuple[str, str]]) -> None:
    engine = engine_showing(book(bids="0.50x100", asks="0.52x100"))
    accepted(engine, order("BUY 50 UP 0.50 GTC"))

    engine.on_book(book(bids=bids, asks="0.52x100"))

    assert shares_at(engine.on_print(trade("SELL", "120", "0.50"))) == filled


def test_our_orders_share_a_print_by_price_and_then_time() -> None:
    engine = engine_showing(book(bids="0.50x100", asks="0.55x100"))
    accepted(engine, order("BUY 30 UP 0.50 GTC", name="a"))
    engine.on_book(book(bids="0.50x150", asks="0.55x100"))
    accepted(engine, order("BUY 30 UP 0.50 GTC", name="b"))
    accepted(engine, order("BUY 10 UP 0.51 GTC", name="better"))

    # 175 = 10 better + 100 ahead of a + 30 a + 35 of the 50 that came between a and b
    first = engine.on_print(trade("SELL", "175", "0.50"))
    # 40 = 15 still ahead of b + 25 b
    second = engine.on_print(trade("SELL", "40", "0.50"))

    assert shares_of(first) == [("s1-better", "10"), ("s1-a", "30")]
    assert shares_of(second) == [("s1-b", "25")]


@pytest.mark.parametrize(
    ("asks", "filled"),
    [
        pytest.param("0.51x500", [], id="above"),
        pytest.param("0.50x500", [], id="touching proves nothing"),
        pytest.param("0.49x20 0.50x500", [("20", "0.5")], id="20 strictly beyond, at our price"),
        pytest.param("0.48x20 0.49x20", [("40", "0.5")], id="two levels beyond: 20 + 20"),
        pytest.param("0.48x500", [("50", "0.5")], id="never more than ordered"),
    ],
)
def test_without_prints_only_depth_beyond_the_price_fills(asks: str, filled: list[tuple[str, str]]) -> None:
    engine = engine_showing(book(bids="0.50x100", asks="0.52x100"))
    accepted(engine, order("BUY 50 UP 0.50 GTC"))

    executions = engine.on_book(book(bids="0.40x1", asks=asks))

    assert shares_at(executions) == filled
    assert all(e.liquidity is Liquidity.MAKER and e.fee == 0 for e in executions)


def test_depth_that_proved_a_fill_proves_no_other() -> None:
    engine = engine_showing(book(bids="0.50x1", asks="0.52x100"))
    for name in ("a", "b"):
        accepted(engine, order("BUY 50 UP 0.50 GTC", name=name))

    first = engine.on_book(book(asks="0.49x70"))
    again = engine.on_book(book(asks="0.49x70"))

    assert shares_of(first) == [("s1-a", "50"), ("s1-b", "20")]  # 50 + 20 = 70
    assert again == ()


def test_a_taker_leaves_no_proof_behind() -> None:
    shown = book(bids="0.50x1", asks="0.52x100")
    engine = engine_showing(shown, mirrored(shown))
    accepted(engine, order("BUY 50 UP 0.50 GTC", name="rests"))
    engine.on_book(book(of=DOWN, bids="0.55x70"))
    accepted(engine, order("SELL 70 DOWN 0.55 FAK", name="takes"))

    # The bid of DOWN at 0.55 is the ask of UP at 0.45, and its 70 shares are gone.
    assert engine.on_book(book(asks="0.45x70")) == ()


def test_a_sale_rests_by_the_same_rules() -> None:
    engine = engine_showing(book(bids="0.40x100", asks="0.52x30"))
    accepted(engine, order("SELL 50 UP 0.52 GTC"))

    at_price = engine.on_print(trade("BUY", "40", "0.52"))  # 40 - 30 ahead
    beyond = engine.on_book(book(bids="0.53x15", asks="0.55x1"))

    assert shares_at(at_price) == [("10", "0.52")]
    assert shares_at(beyond) == [("15", "0.52")]


def test_a_price_beyond_a_cut_snapshot_waits_until_its_queue_is_seen() -> None:
    engine = engine_showing(book(bids=DEEP_BIDS, asks="0.52x100"))
    accepted(engine, order("BUY 50 UP 0.30 GTC"))

    unseen = engine.on_print(trade("SELL", "500", "0.30"))
    engine.on_book(book(bids="0.30x80", asks="0.52x100"))
    seen = engine.on_print(trade("SELL", "100", "0.30"))

    assert unseen == ()
    assert shares_at(seen) == [("20", "0.3")]  # 100 - 80


def test_a_level_out_of_sight_does_not_move_the_queue() -> None:
    engine = engine_showing(book(bids="0.30x80", asks="0.52x100"))
    accepted(engine, order("BUY 50 UP 0.30 GTC"))

    engine.on_book(book(bids=DEEP_BIDS, asks="0.52x100"))

    assert shares_at(engine.on_print(trade("SELL", "100", "0.30"))) == [("20", "0.3")]  # 100 - 80


def test_a_crossed_capture_proves_nothing() -> None:
    engine = engine_showing(book(bids="0.50x1", asks="0.52x100"))
    accepted(engine, order("BUY 50 UP 0.50 GTC"))

    assert engine.on_book(book(bids="0.60x10", asks="0.40x10")) == ()
    assert isinstance(engine.add(order("BUY 5 UP 0.40 FAK", name="b"), time_ns=START_NS), Refused)


# --- rules 3, 5 and the ends of orders -------------------------------------------------------------------


def test_a_taker_pays_its_fee_level_by_level() -> None:
    engine = engine_showing(book(asks="0.64x25 0.65x100"))

    first, second = accepted(engine, order("BUY 35 UP 0.70 FAK")).executions

    assert first.fee == Decimal("0.40320")  # 25 * 0.07 * 0.64 * 0.36
    assert second.fee == Decimal("0.15925")  # 10 * 0.07 * 0.65 * 0.35
    assert {first.liquidity, second.liquidity} == {Liquidity.TAKER}


def test_the_rest_of_a_fak_order_is_gone() -> None:
    engine = engine_showing(book(bids="0.40x10", asks="0.50x30"))
    accepted(engine, order("BUY 50 UP 0.50 FAK"))

    assert engine.on_print(trade("SELL", "500", "0.45")) == ()
    assert not engine.cancel(OrderId("s1-k"))


def test_our_own_orders_never_meet() -> None:
    engine = engine_showing(book(bids="0.40x10", asks="0.60x10"))
    accepted(engine, order("SELL 20 UP 0.50 GTC", name="ours"))

    crossing = accepted(engine, order("BUY 20 UP 0.55 GTC", name="ours too"))
    mirror = accepted(engine, order("SELL 20 UP 0.52 GTC", name="and this"))

    assert crossing.executions == mirror.executions == ()


def test_a_cancel_takes_an_order_off_once() -> None:
    engine = engine_showing(book(bids="0.50x10", asks="0.52x10"))
    accepted(engine, order("BUY 20 UP 0.50 GTC"))

    assert engine.cancel(OrderId("s1-k"))
    assert not engine.cancel(OrderId("s1-k"))
    assert engine.on_print(trade("SELL", "500", "0.40")) == ()


def test_a_gtd_order_ends_a_minute_before_the_stated_time() -> None:
    engine = engine_showing(book(bids="0.50x10", asks="0.52x10"))
    accepted(engine, order("BUY 20 UP 0.50 GTD", expires_ns=START_NS + 300 * S))

    assert engine.expire(START_NS + 240 * S - 1) == ()
    assert engine.expire(START_NS + 240 * S) == ("s1-k",)  # 300 - 60


def test_closing_a_market_drops_its_orders_and_its_book() -> None:
    engine = engine_showing(book(bids="0.50x10", asks="0.52x10"))
    accepted(engine, order("BUY 20 UP 0.50 GTC"))

    assert engine.close_market(MARKET) == ("s1-k",)
    assert engine.add(order("BUY 20 UP 0.50 GTC"), time_ns=START_NS) == Refused(
        order_id=OrderId("s1-k"), reason="No orderbook exists for the requested token id"
    )
    assert engine.on_book(book(asks="0.40x50")) == engine.on_print(trade("SELL", "50", "0.40")) == ()


def test_a_market_listed_again_keeps_its_orders() -> None:
    engine = engine_showing(book(bids="0.50x10", asks="0.52x10"))
    accepted(engine, order("BUY 20 UP 0.50 GTC"))

    engine.open_market(market())

    assert shares_at(engine.on_print(trade("SELL", "5", "0.49"))) == [("5", "0.5")]
    assert accepted(engine, order("BUY 10 UP 0.52 FAK", name="b")).status is OrderStatus.FILLED


def test_a_finer_tick_holds_from_its_announcement_on() -> None:
    engine = engine_showing(book(asks="0.97x100"))

    engine.on_tick_size(UP, Decimal("0.001"))

    assert accepted(engine, order("BUY 5 UP 0.965 GTC")).status is OrderStatus.OPEN
