"""The story of an order is told from its signal to what it earned, whatever id it is asked for by."""

import asyncio
import time
from decimal import Decimal
from pathlib import Path

import pytest

from domain.errors import DatabaseError, UserError
from domain.identifiers import SessionId
from domain.messages import Settlement
from domain.records import OrderRecord, Transaction
from storage.queries import StrategyTotals, totals, why
from storage.store import Store
from tests.storage import samples

STORY = """\
SIGNAL 1 of sniper in btc-up-1200, session s1: ORDERED
  2026-09-28 12:00:00.000  UP at 0.96 with 40 s left
  key btc-up-1200:UP
  2026-09-28 11:59:59.000  denied: the order rate is used up
    ✗ 13 message throttle 0.40 tokens (limit: 60/min)

ORDER s1-70e6c9c0c1f1ac2c: BUY 20.25 UP at 0.96 or less, FOK, at paper
  intent s1/sniper/btc-up-1200:UP/0, generation 1, correlation s1-c5f0aa1b2c3d4e5f6
  2026-09-28 12:00:00.000  ACCEPTED         accepted, 2 controls passed:
    ✓ 01 price collar 0.96 ≤ 1.01
    ✓ 10 duplicate intent none
  2026-09-28 12:00:01.000  FILLED           filled: matched
  now FILLED, 20.25 of 20.25 filled
  FILL t-1: bought 20.25 × 0.95 = 19.2375 pUSD, taker
    2026-09-28 12:00:01.000  matched, fee 0.06733 pUSD
    2026-09-28 12:00:19.000  SETTLED after 18.000 s
    realised +1.5 pUSD before fees
  paid 19.30483 pUSD for 20.25, fees included

POSITION of sniper in UP at paper, by all its orders
  2026-09-28 12:01:00.000  redeemed 20.25 for 20.25 pUSD
  2026-09-28 12:01:00.000  closed
  earned +0.94517 pUSD: realised +1.0125, less fees of 0.06733

NOTED
  2026-09-28 12:01:00.000  REDEEMED by paper: {"payout":"1"}"""


async def fill_database(path: Path, *transactions: Transaction) -> None:
    """Let a daemon write and end."""
    store = Store.open(path, account_kind="live")
    store.begin(fingerprint={}, run=samples.RUN, fresh=False)
    for transaction in transactions:
        store.commit(transaction)
    await store.close()


@pytest.fixture(name="path", scope="module")
def whole_story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with one chain, read by all tests."""
    path = tmp_path_factory.mktemp("story") / "x.db"
    asyncio.run(fill_database(path, *samples.whole_chain()))
    return path


@pytest.mark.parametrize(
    "identifier",
    [
        pytest.param(samples.ORDER, id="order"),
        pytest.param(samples.INTENT, id="intent"),
        pytest.param("t-1", id="trade"),
        pytest.param(samples.CHAIN, id="correlation"),
        pytest.param("s1-70e6", id="beginning of an order"),
        pytest.param("s1-c5", id="beginning of a correlation"),
    ],
)
def test_every_id_tells_the_whole_story(path: Path, identifier: str) -> None:
    assert "\n".join(asyncio.run(why(path, identifier))) == STORY


@pytest.mark.parametrize(
    ("identifier", "advice"),
    [
        pytest.param("s1-70e7", f"; the nearest is {samples.ORDER}", id="nearly"),
        pytest.param("t-2", "; the nearest is t-1", id="another trade"),
        pytest.param("zzz", "; see SELECT id, created_at", id="nothing like it"),
        pytest.param(
            "s1", f"several ids in .* {samples.ORDER}, {samples.CHAIN}, {samples.INTENT};", id="many"
        ),
        pytest.param("", "several ids in", id="nothing"),
    ],
)
def test_an_id_that_is_not_there_is_answered_with_advice(path: Path, identifier: str, advice: str) -> None:
    with pytest.raises(UserError, match=advice):
        asyncio.run(why(path, identifier))


def test_an_empty_database_has_nothing_to_tell(tmp_path: Path) -> None:
    asyncio.run(fill_database(tmp_path / "x.db"))

    with pytest.raises(UserError, match="nothing was signalled or ordered in it yet"):
        asyncio.run(why(tmp_path / "x.db", "s1"))


def test_a_database_that_is_not_there_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="has no session"):
        asyncio.run(why(tmp_path / "x.db", "s1"))

    assert list(tmp_path.iterdir()) == []


def test_a_denied_signal_tells_what_stood_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    asyncio.run(fill_database(path, samples.transaction(1, samples.signal(), samples.denial())))

    lines = asyncio.run(why(path, samples.CHAIN))

    assert lines[-1] == "    ✗ 13 message throttle 0.40 tokens (limit: 60/min)"


def test_a_failed_settlement_is_told_as_undone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    order = OrderRecord(order=samples.order())
    failed = samples.settled(Settlement.FAILED)
    asyncio.run(fill_database(path, samples.transaction(1, order, samples.fill(), failed)))

    lines = asyncio.run(why(path, "t-1"))

    assert lines[-2:] == [
        "    2026-09-28 12:00:19.000  FAILED after 18.000 s, and undone: money, shares and fee went back",
        "  nothing was exchanged",
    ]


def test_an_order_is_told_without_its_siblings(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    asyncio.run(fill_database(path, samples.placed(1), samples.placed(2)))

    lines = asyncio.run(why(path, f"{samples.ORDER}2"))

    assert [line for line in lines if line.startswith("ORDER")] == [
        f"ORDER {samples.ORDER}2: BUY 20.25 UP at 0.96 or less, FOK, at paper"
    ]


def test_a_story_can_be_read_while_a_daemon_writes(tmp_path: Path) -> None:
    path = tmp_path / "x.db"

    async def scenario() -> list[str]:
        store = Store.open(path, account_kind="live")
        store.begin(fingerprint={}, run=samples.RUN, fresh=False)
        store.commit(samples.placed(1))
        await store.wait_durable()
        lines = await why(path, f"{samples.ORDER}1")
        store.commit(samples.placed(2))
        await store.close()
        return lines

    assert "  now ACCEPTED, 0 of 20.25 filled" in asyncio.run(scenario())


def test_totals_are_exact_sums_per_strategy(path: Path) -> None:
    assert asyncio.run(totals(path, SessionId("s1"))) == [
        StrategyTotals(
            strategy="sniper",
            signals=1,
            orders=1,
            fills=1,
            denials=1,
            realized_pnl=Decimal("1.0125"),
            fees=Decimal("0.06733"),
        )
    ]


@pytest.mark.slow
def test_why_answers_within_50_ms_among_20_000_orders(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    asyncio.run(fill_database(path, *(samples.placed(sequence) for sequence in range(1, 20_001))))

    async def timed() -> float:
        start_s = time.perf_counter()
        await why(path, f"{samples.ORDER}12345")
        return time.perf_counter() - start_s

    assert min(asyncio.run(timed()) for _ in range(3)) < 0.050
