"""Why a market was not traded is told by gate and by reason, for each strategy, in the time that was asked for."""

import asyncio
import sqlite3
import time
from pathlib import Path

import msgspec
import pytest

from clock import format_time
from domain.errors import ConfigurationError, DatabaseError, UserError
from domain.identifiers import MarketId, OrderId, StrategyName
from domain.order import OrderStatus
from domain.records import (
    DenialRecord,
    EventRecord,
    GateCountRecord,
    OrderRecord,
    ReceiptRecord,
    Record,
    SignalOutcome,
    SignalRecord,
)
from storage.queries import why_market
from storage.sessions import RunInfo
from storage.store import Store
from storage.why_market import parse_since
from tests.storage import samples
from tests.storage.samples import MARKET, MINUTE_NS, NOON_NS, SECOND_NS, SNIPER

OTHER = MarketId("btc-up-1215")
HERON, QUOTER = StrategyName("heron"), StrategyName("quoter")
RUN = RunInfo(
    mode="dry-run",
    market="btc",
    strategies=("sniper", "heron", "quoter"),
    seed=1,
    config_hash="c0ffee",
    version="1.0",
)
HOUR_NS = 60 * MINUTE_NS


def listed(market: MarketId, slug: str) -> EventRecord:
    """What the engine notes of a listing."""
    return noted("market.listed", {"market": market, "slug": slug})


def noted(kind: str, payload: dict[str, object], *, time_ns: int = NOON_NS) -> EventRecord:
    """Anything else that is noted."""
    text = msgspec.json.encode(payload).decode()
    return EventRecord(time_ns=time_ns, kind=kind, source="engine", correlation_id="", payload=text)


def gate(name: str, count: int, *, minute: int = 0, strategy: StrategyName = SNIPER) -> GateCountRecord:
    """Looks at the market that ended at one gate, so many minutes after noon."""
    return GateCountRecord(
        minute_ns=NOON_NS + minute * MINUTE_NS, strategy=strategy, market_id=MARKET, gate=name, count=count
    )


def signal(number: int, outcome: SignalOutcome, *, strategy: StrategyName = SNIPER) -> SignalRecord:
    """A signal, a second after noon for each number."""
    return msgspec.structs.replace(
        samples.signal(number=number, outcome=outcome),
        strategy=strategy,
        time_ns=NOON_NS + number * SECOND_NS,
    )


def denial(second: int, value: str) -> DenialRecord:
    """A refusal by the throttle."""
    return msgspec.structs.replace(samples.denial(), time_ns=NOON_NS + second * SECOND_NS, value=value)


def order(number: int, status: OrderStatus, *, filled: str = "0", reason: str = "") -> OrderRecord:
    """An order in its last state."""
    made = samples.order(status=status, filled=filled, order_id=OrderId(f"{samples.ORDER}{number}"))
    return OrderRecord(order=msgspec.structs.replace(made, reason=reason))


def skipped(number: int, reason: str, *, outcome: str = "skipped") -> ReceiptRecord:
    """What a follower made of another wallet's trade."""
    receipt = msgspec.structs.replace(
        samples.receipt().receipt, key=f"0xabc:{number}", outcome=outcome, reason=reason
    )
    return ReceiptRecord(strategy=HERON, receipt=receipt)


def write(path: Path, *records: Record, newest_ns: int = NOON_NS + HOUR_NS) -> Path:
    """Let a daemon write the records in one transaction, the session's newest, and end."""

    async def run() -> None:
        store = Store.open(path, account_kind="paper")
        store.begin(fingerprint={}, run=RUN, fresh=True)
        transaction = samples.transaction(1, *records)
        store.commit(msgspec.structs.replace(transaction, time_ns=newest_ns))
        await store.close()

    asyncio.run(run())
    return path


def ask(path: Path, market: str = MARKET, *, since_s: int | None = None) -> list[str]:
    """Ask as the command line does."""
    return asyncio.run(why_market(path, market, since_s=since_s))


def in_short(path: Path, *, strategy: str = "sniper", since_s: int | None = None) -> str:
    """The closing sentence of one strategy."""
    lines = ask(path, since_s=since_s)
    return next(line for line in lines if line.startswith(f"  In short: {strategy} ")).removeprefix(
        "  In short: "
    )


RECORDS = (
    listed(MARKET, "btc-updown-1200"),
    listed(OTHER, "btc-updown-1215"),
    gate("price outside the band", 1_150, minute=0),
    gate("price outside the band", 50, minute=3),
    gate("edge too small", 20, minute=1),
    gate("control 13 message throttle", 9, minute=2),
    signal(1, SignalOutcome.ORDERED),
    signal(2, SignalOutcome.DENIED),
    signal(3, SignalOutcome.ORDERED),
    denial(2, "0.40 tokens"),
    denial(3, "0.70 tokens"),
    order(1, OrderStatus.FILLED, filled="20.25"),
    order(2, OrderStatus.REJECTED, reason="invalid amounts"),
    skipped(1, "too late"),
    skipped(2, "too late"),
    skipped(3, "", outcome="copied"),
    noted("strategy.paused", {"strategy": "quoter", "reason": "asked"}),
    noted("strategy.resumed", {"strategy": "quoter", "reason": ""}, time_ns=NOON_NS + SECOND_NS),
    noted("strategy.stopped", {"strategy": "quoter", "reason": "it raised"}, time_ns=NOON_NS + MINUTE_NS),
    noted("market.resolved", {"market": MARKET, "payouts": {"71321": "1"}}, time_ns=NOON_NS + 2 * MINUTE_NS),
)

STORY = """\
MARKET btc-updown-1200, session s1
  id btc-up-1200
  from the beginning to 2026-09-28 13:00:00.000, event time; a minute of looks is stored when it is over
  resolved 2026-09-28 12:02:00.000

STRATEGY heron
  weighed 3 trades of other wallets
            2    67 %  skipped: too late, last 2026-09-28 12:00
            1    33 %  copied, last 2026-09-28 12:00
  In short: heron weighed 3 trades of other wallets, most often: skipped: too late (67 %).

STRATEGY quoter
  stopped since 2026-09-28 12:01:00.000: it raised
  In short: quoter recorded no look at this market: it gave no signal here, and no gate (PassedOver).

STRATEGY sniper
  looked 1,232 times
        1,200    97 %  price outside the band, last 2026-09-28 12:03
           20     2 %  edge too small, last 2026-09-28 12:01
  signals 3: 2 ORDERED, 1 DENIED; last 2026-09-28 12:00:03.000
  denied by 13 message throttle 2 times and 9 more while the signal stood; last 2026-09-28 12:00:03.000: \
0.70 tokens (limit: 60/min), the order rate is used up
  orders 2: 1 FILLED, 1 REJECTED; last 2026-09-28 12:00:00.000
  rejected by the venue once; last 2026-09-28 12:00:00.000: invalid amounts
  In short: sniper looked 1,232 times; most often: price outside the band (97 %); it did trade: \
1 of 2 orders filled."""


@pytest.fixture(name="path", scope="module")
def whole_story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which a market was looked at, refused, bought and followed; read by all tests."""
    return write(tmp_path_factory.mktemp("market") / "x.db", *RECORDS)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("btc-up-1200", id="id"),
        pytest.param("btc-updown-1200", id="slug"),
        pytest.param("btc-up-120", id="beginning of an id"),
        pytest.param("btc-updown-120", id="beginning of a slug"),
        pytest.param("btc-up-1200:DOWN", id="instrument called after its market"),
        pytest.param("UP", id="instrument that was ordered"),
        pytest.param("71321", id="instrument that was paid"),
    ],
)
def test_every_name_of_a_market_tells_the_whole_story(path: Path, name: str) -> None:
    assert "\n".join(ask(path, name)) == STORY


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        pytest.param(
            "btc-up", "2 markets in .* begin with 'btc-up': btc-updown-1200, btc-updown-1215;", id="many"
        ),
        pytest.param(
            "btc-updown-1230", "no market 'btc-updown-1230'; the nearest is btc-updown-12", id="nearly"
        ),
        pytest.param("zzz", "; see SELECT payload FROM events", id="nothing like it"),
        pytest.param("", "has no market ''", id="nothing"),
    ],
)
def test_a_market_that_is_not_there_is_answered_with_advice(path: Path, name: str, advice: str) -> None:
    with pytest.raises(UserError, match=advice):
        ask(path, name)


def test_a_database_without_markets_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none was listed in it yet"):
        ask(write(tmp_path / "x.db"))


def test_a_database_that_is_not_there_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="has no session"):
        ask(tmp_path / "x.db")

    assert list(tmp_path.iterdir()) == []


def test_a_market_that_was_looked_at_without_a_listing_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "x.db", gate("edge too small", 3))

    assert ask(path)[0] == "MARKET btc-up-1200, session s1"


def test_the_newest_session_that_knows_the_market_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "x.db", listed(MARKET, "a"), gate("edge too small", 3))
    write(path, listed(MARKET, "a"), gate("edge too small", 4))
    write(path, listed(OTHER, "b"))

    lines = ask(path)

    assert lines[0] == "MARKET a, session s2"
    assert "  looked 4 times" in lines


@pytest.mark.parametrize(
    ("since_s", "looks"),
    [
        pytest.param(56 * 60, None, id="after the last minute"),
        pytest.param(57 * 60, "looked 50 times", id="the last minute"),
        pytest.param(57 * 60 - 59, "looked 50 times", id="some of the last minute takes it whole"),
        pytest.param(57 * 60 + 1, "looked 59 times", id="a second more"),
        pytest.param(60 * 60, "looked 1,232 times", id="all"),
        pytest.param(10**12, "looked 1,232 times", id="longer than time"),
    ],
)
def test_a_span_counts_back_from_the_newest_event_in_whole_minutes(
    path: Path, since_s: int, looks: str | None
) -> None:
    told = [line.strip() for line in ask(path, since_s=since_s) if line.startswith("  looked")]

    # The newest event is of 13:00:00, the looks of 12:00 to 12:03.
    assert told == ([looks] if looks else [])


def test_a_span_without_looks_tells_when_the_last_one_was(path: Path) -> None:
    assert (
        in_short(path, since_s=60) == "sniper recorded no look in this time; its last was 2026-09-28 12:03."
    )


LOOKS = "sniper looked 8 times; most often: edge too small "


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        pytest.param(
            [gate("edge too small", 8)],
            f"{LOOKS}(100 %); it never got past its own gates: no signal, so no order.",
            id="gates only",
        ),
        pytest.param(
            [gate("edge too small", 7), signal(1, SignalOutcome.DENIED), denial(1, "0.40 tokens")],
            f"{LOOKS}(88 %); it never got past the controls, most often 13 message throttle.",
            id="refused by a control",
        ),
        pytest.param(
            [gate("edge too small", 6), gate("control 18 balance", 2)],
            f"{LOOKS}(75 %); it never got past the controls, most often 18 balance.",
            id="refused since before",
        ),
        pytest.param(
            [gate("edge too small", 7), signal(1, SignalOutcome.DUPLICATE)],
            f"{LOOKS}(88 %); its signals only repeated orders that it had given before.",
            id="repeated",
        ),
        pytest.param(
            [gate("edge too small", 7), signal(1, SignalOutcome.ORDERED), order(1, OrderStatus.REJECTED)],
            f"{LOOKS}(88 %); its 1 order came to nothing (1 REJECTED).",
            id="rejected by the venue",
        ),
        pytest.param(
            [
                gate("edge too small", 7),
                signal(1, SignalOutcome.ORDERED),
                order(1, OrderStatus.OPEN, filled="5"),
            ],
            f"{LOOKS}(88 %); it did trade: 1 of 1 order filled.",
            id="filled in part",
        ),
    ],
)
def test_the_closing_sentence_says_how_far_it_came(
    tmp_path: Path, records: list[Record], sentence: str
) -> None:
    path = write(tmp_path / "x.db", listed(MARKET, "a"), *records)

    assert in_short(path) == sentence


def test_many_gates_are_cut_and_the_rest_is_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "x.db", listed(MARKET, "a"), *(gate(f"gate {n:02}", 20 - n) for n in range(17)))

    lines = ask(path)

    assert lines[-2] == f"    {4 + 5:>9,}          at 2 more gates"  # those of numbers 15 and 16
    assert not any("gate 15" in line for line in lines)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("1h", 3_600), ("2d", 172_800)])
def test_a_span_is_read_in_its_unit(text: str, seconds: int) -> None:
    assert parse_since(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "1", "h", "0h", "-1h", "1.5h", "1 h", "1h ", "1w", "1H", "\n1h", "3651d", "9" * 40]
)
def test_any_other_span_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^--since [^\n]*; give [^\n]*$"):
        parse_since(text)


@pytest.fixture(name="crowded", scope="module")
def crowded_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100,000 gate rows: 2,000 minutes, two strategies, five markets, five gates."""
    path = write(
        tmp_path_factory.mktemp("crowded") / "x.db",
        listed(MARKET, "a"),
        newest_ns=NOON_NS + 2_000 * MINUTE_NS,
    )
    connection = sqlite3.connect(path)
    markets = (MARKET, *(f"0x{number:064x}" for number in range(4)))
    connection.executemany(
        "INSERT INTO gate_counts(minute, session, strategy, market, gate, count) VALUES (?, 's1', ?, ?, ?, 3)",
        (
            (
                format_time(NOON_NS + minute * MINUTE_NS),
                strategy,
                market,
                f"a gate that is closed, number {gate}",
            )
            for minute in range(2_000)
            for strategy in (SNIPER, QUOTER)
            for market in markets
            for gate in range(5)
        ),
    )
    connection.commit()
    connection.close()
    return path


@pytest.mark.slow
@pytest.mark.parametrize(("since_s", "looks"), [(None, 30_000), (3_600, 900)])
def test_the_answer_comes_at_once_from_a_crowded_database(
    crowded: Path, since_s: int | None, looks: int
) -> None:
    elapsed_s = []
    for _ in range(5):
        started_s = time.process_time()  # of all threads: what else the machine does meanwhile does not count
        ask(crowded, since_s=since_s)
        elapsed_s.append(time.process_time() - started_s)

    # 5 gates, 3 looks a minute at each: 15 a minute for 2,000 minutes, or for 60.
    assert ask(crowded, since_s=since_s).count(f"  looked {looks:,} times") == 2
    assert min(elapsed_s) <= 0.050
