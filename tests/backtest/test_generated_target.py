"""The invented wallet on top of a recording: it looks at books alone, and says that it is invented."""

from collections.abc import Iterator
from itertools import pairwise

from backtest.generated_target import WithGeneratedTarget, generated_target
from backtest.open_tape import EMBEDDED, open_tape
from domain.messages import MarketEvent, MarketResolved, WalletTrade
from tests.support.trading import DOWN, MARKET, NOW_NS, UP, S, book, d, listed, shown


def tape(*mids: str, payouts: dict[str, str] | None = None) -> Iterator[MarketEvent]:
    """Books of UP, one a second, a cent wide around each mid; then, perhaps, the outcome."""
    yield listed()
    for second, mid in enumerate(mids):
        quotes = (f"{d(mid) - d('0.005')}x150", f"{d(mid) + d('0.005')}x80")
        yield shown(book(*quotes, time_ns=NOW_NS + second * S))
    if payouts:
        yield MarketResolved(
            time_ns=NOW_NS + 950 * S,
            market_id=MARKET,
            payouts={UP: d(payouts["UP"]), DOWN: d(payouts["DOWN"])},
        )


def trades_of(events: Iterator[MarketEvent]) -> list[str]:
    played = [event for event in generated_target(events) if isinstance(event, WalletTrade)]
    return [f"{trade.side} {trade.quantity} @ {trade.price}" for trade in played]


def test_it_buys_at_the_ask_when_the_mid_rises_through_the_entry() -> None:
    assert trades_of(tape("0.695", "0.705")) == ["BUY 80 @ 0.710"]


def test_it_does_not_buy_what_it_first_sees_above_the_entry() -> None:
    assert trades_of(tape("0.705", "0.715")) == []


def test_it_sells_half_once_the_mid_is_above_the_exit() -> None:
    assert trades_of(tape("0.695", "0.705", "0.905", "0.915", "0.925")) == [
        "BUY 80 @ 0.710",
        "SELL 40 @ 0.900",
    ]


def test_it_buys_three_times_at_most() -> None:
    assert len(trades_of(tape(*["0.695", "0.705"] * 5))) == 3


def test_the_outcome_changes_nothing() -> None:
    mids = ("0.695", "0.705", "0.905")
    won, lost = ({"UP": "1", "DOWN": "0"}, {"UP": "0", "DOWN": "1"})

    assert (
        trades_of(tape(*mids, payouts=won)) == trades_of(tape(*mids, payouts=lost)) == trades_of(tape(*mids))
    )


def test_its_trades_are_heard_of_later_and_in_order() -> None:
    played = list(generated_target(tape("0.695", "0.705", "0.72", "0.72", "0.72")))

    assert all(before.time_ns <= after.time_ns for before, after in pairwise(played))
    [trade] = [event for event in played if isinstance(event, WalletTrade)]
    assert trade.time_ns - trade.traded_ns == 2 * S


def test_everything_about_it_says_that_it_is_invented() -> None:
    bare = open_tape(EMBEDDED)
    on_top = WithGeneratedTarget(bare)
    [trade] = [event for event in generated_target(tape("0.695", "0.705")) if isinstance(event, WalletTrade)]

    assert "GENERATED" in on_top.label
    assert on_top.fingerprint != bare.fingerprint
    assert trade.wallet.startswith("0xgenerated")
    assert trade.transaction.startswith("generated-")


def test_the_recording_itself_is_played_unchanged_and_always_alike() -> None:
    events = list(tape("0.695", "0.705", "0.905"))

    first, second = (list(generated_target(iter(events))) for _ in range(2))

    assert first == second
    assert [event for event in first if not isinstance(event, WalletTrade)] == events
