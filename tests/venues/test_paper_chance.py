"""Chance of the paper venue: given by the seed and the order alone, within its bounds, and really varied."""

from decimal import Decimal

import pytest

from config import PaperSettings
from domain.identifiers import IntentId
from domain.messages import ExecutionReport, Filled, SettlementReported
from tests.venues.paper_floor import START_NS, order, send, trading_floor
from venues.paper_chance import Chance, order_key

SETTINGS = PaperSettings(settlement_failure_rate=Decimal("0.5"))


def story(*, seed: int = 1, names: str = "abcdef", session: str = "s1") -> list[tuple[int, str, str]]:
    """When what was reported of which order, with settlements, as told for orders of these names."""
    floor = trading_floor(SETTINGS, seed=seed)
    for name in names:
        send(floor, "BUY 5 UP 0.52 FAK", name=name, session=session)
    floor.after(ms=60_000)
    return [(report.time_ns, *outline(report, session)) for report in floor.reports]


def outline(report: ExecutionReport, session: str) -> tuple[str, str]:
    """A report without the session's part of its identifiers."""
    match report:
        case Filled(fill=fill):
            return fill.trade_id.removeprefix(session), f"{fill.quantity} at {fill.price}"
        case SettlementReported(trade_id=trade_id, settlement=settlement):
            return trade_id.removeprefix(session), settlement
        case _:
            return getattr(report, "order_id", "").removeprefix(session), type(report).__name__


def test_the_same_seed_tells_the_same_story() -> None:
    assert story() == story()


def test_another_seed_tells_another() -> None:
    assert story(seed=1) != story(seed=2)


def test_the_session_does_not_matter() -> None:
    assert story(session="s1") == story(session="s2")


def test_orders_do_not_influence_each_other() -> None:
    alone = story(names="c")

    assert alone == [line for line in story(names="abcdef") if line[1].startswith("-c")]


def test_both_ends_of_settlement_are_reached() -> None:
    ends = {line[2] for line in story(names="abcdefghijkl")}

    assert {"SETTLED", "FAILED"} <= ends


def test_latency_and_settlement_stay_within_their_bounds() -> None:
    lines = story(names="abcdefghijklmnopqrst")

    answered_ms = [(time_ns - START_NS) / 1e6 for time_ns, _, what in lines if what == "Acknowledged"]
    settled_s = [(time_ns - START_NS) / 1e9 for time_ns, _, what in lines if what in ("SETTLED", "FAILED")]
    assert len(answered_ms) == len(settled_s) == 20
    assert 20 + 150 + 20 <= min(answered_ms) < max(answered_ms) <= 80 + 150 + 20
    assert 2 < min(settled_s) < 8
    assert 14 < max(settled_s) < 20 + 1


@pytest.mark.parametrize(
    ("rate", "count_min", "count_max"),
    [
        pytest.param("0", 0, 0, id="never"),
        pytest.param("0.25", 200, 300, id="a quarter of 1000"),
        pytest.param("1", 1000, 1000, id="always"),
    ],
)
def test_a_rate_is_met(rate: str, count_min: int, count_max: int) -> None:
    chance = Chance(seed=7)

    count = sum(chance.happens(Decimal(rate), key=str(number), purpose="loss") for number in range(1000))

    assert count_min <= count <= count_max


def test_a_range_is_covered_to_its_ends() -> None:
    chance = Chance(seed=7)

    values = {chance.between(3, 6, key=str(number), purpose="time") for number in range(100)}

    assert values == {3, 4, 5, 6}


def test_purposes_are_independent() -> None:
    chance = Chance(seed=7)

    values = {chance.between(0, 10**9, key="k", purpose=purpose) for purpose in ("send", "cancel", "redeem")}

    assert len(values) == 3


def test_an_order_is_named_by_its_intent_and_generation() -> None:
    named = order("BUY 5 UP 0.52 FAK", name="0xab:UP", session="s9")

    assert named.intent_id == IntentId("s9/tester/0xab:UP/0")
    assert order_key(named) == "tester/0xab:UP/0/1"
