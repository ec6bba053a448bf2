"""The generated market, watched from outside; three and a half hours of it are played once for most tests."""

import hashlib
import os
import statistics
import subprocess
import sys
from collections import Counter, defaultdict
from decimal import Decimal
from itertools import islice, pairwise
from pathlib import Path

import msgspec
import pytest

from backtest.generated.market import GeneratedMarket
from backtest.generated.wallets import ADDRESSES, BAGUETTE, HERON
from clock import NS_PER_S
from domain.errors import TapeError
from domain.identifiers import InstrumentId, MarketId
from domain.instrument import Market, Side
from domain.messages import PriceTick, WalletAction, WalletTrade
from tests.backtest.generated.observed import FINE, Observed, Sight

ROOT = Path(__file__).resolve().parents[3]
LONG, SHORT = Decimal("3.5"), Decimal("0.25")
PRINT_HASH = """
import hashlib, sys
from decimal import Decimal
import msgspec
from backtest.generated.market import GeneratedMarket
state = hashlib.sha256()
for event in GeneratedMarket(seed=7, hours=Decimal("0.25")).events():
    state.update(msgspec.json.encode(event))
print(state.hexdigest())
"""


@pytest.fixture(scope="module", params=[pytest.param("", id="long", marks=pytest.mark.slow)])
def seen() -> Observed:
    return Observed(GeneratedMarket(seed=7, hours=LONG).events())


# --- as a tape ------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes_in_any_process() -> None:
    hashes = {hash_in_another_process(hash_seed) for hash_seed in ("0", "4711")}

    assert hashes == {hash_of(GeneratedMarket(seed=7, hours=SHORT))}


def test_it_can_be_played_again_and_twice_at_once() -> None:
    market = GeneratedMarket(seed=7, hours=SHORT)

    pairs = list(islice(zip(market.events(), market.events(), strict=True), 3000))

    assert all(first == second for first, second in pairs)


def test_another_seed_gives_another_market() -> None:
    seven, eight = (GeneratedMarket(seed=seed, hours=SHORT) for seed in (7, 8))

    assert hash_of(seven) != hash_of(eight)
    assert seven.fingerprint != eight.fingerprint
    assert seven.instrument_ids == eight.instrument_ids


def test_the_fingerprint_follows_every_parameter() -> None:
    markets = [
        GeneratedMarket(seed=7),
        GeneratedMarket(seed=7, hours=Decimal(2)),
        GeneratedMarket(seed=7, snapshot_interval_ms=500),
    ]

    assert len({market.fingerprint for market in markets}) == len(markets)
    assert GeneratedMarket(seed=7).fingerprint == GeneratedMarket(seed=7, hours=Decimal("1.0")).fingerprint


def test_the_label_says_that_it_is_synthetic() -> None:
    assert GeneratedMarket(seed=7).label == "generated market, SYNTHETIC, seed 7"


@pytest.mark.parametrize("hours", ["0", "0.24", "1001", "-1"])
def test_a_length_out_of_range_is_refused(hours: str) -> None:
    with pytest.raises(TapeError, match=r"give 0\.25 to 1000"):
        GeneratedMarket(seed=1, hours=Decimal(hours))


@pytest.mark.parametrize("interval_ms", [49, 10_001])
def test_an_interval_out_of_range_is_refused(interval_ms: int) -> None:
    with pytest.raises(TapeError, match="give 50 to 10000"):
        GeneratedMarket(seed=1, snapshot_interval_ms=interval_ms)


@pytest.mark.parametrize("interval_ms", [250, 10_000])
def test_other_intervals_have_no_fault_either(interval_ms: int) -> None:
    market = GeneratedMarket(seed=3, hours=SHORT, snapshot_interval_ms=interval_ms)

    watched = Observed(market.events())

    assert watched.faults == []


def test_the_instruments_are_known_without_playing(seen: Observed) -> None:
    assert GeneratedMarket(seed=7, hours=LONG).instrument_ids == set(seen.market_of)


# --- markets and books ----------------------------------------------------------------------------------


def test_nothing_on_the_tape_contradicts_itself(seen: Observed) -> None:
    """Order of time, mirrors, grids, prints within the books before them and gone from those after, reports."""
    assert seen.faults == []
    assert seen.counts["BookSnapshot"] > 100_000
    assert seen.counts["TradePrint"] > 5_000


def test_all_kinds_of_markets_are_listed(seen: Observed) -> None:
    kinds = Counter(kind_of(market) for market in seen.markets.values())

    assert kinds["spot"] == 1
    assert kinds["politics"] == 1
    assert kinds["culture"] == 4
    assert kinds["BTC 300"] >= 38
    assert kinds["BTC 900"] >= 11
    assert kinds["ETH 900"] >= 11


def test_up_down_markets_carry_the_venues_terms(seen: Observed) -> None:
    market = next(iter(seen.up_downs()))
    first, second = market.instruments

    assert market.id == "gen-btc-updown-5m-1767226200"
    assert market.slug == "btc-updown-5m-1767226200"
    assert market.up_down is not None
    assert market.up_down.feed == "chainlink:BTC"
    assert market.up_down.twap_s == 60
    assert (first.id, second.id) == (f"{market.id}:UP", f"{market.id}:DOWN")
    assert (first.complement_id, second.complement_id) == (second.id, first.id)
    assert first.quantity_min == 5


def test_fees_follow_the_category(seen: Observed) -> None:
    rates = {(m.category, i.fee_rate) for m in seen.markets.values() for i in m.instruments}

    assert rates == {
        ("crypto", Decimal("0.07")),
        ("politics", Decimal("0.04")),
        ("culture", Decimal("0.05")),
        ("reference", Decimal(0)),
    }


def test_grids_become_finer_for_both_outcomes_at_once(seen: Observed) -> None:
    fine = [m for m in seen.up_downs() if {seen.ticks[i.id] for i in m.instruments} == {FINE}]
    mixed = [m for m in seen.markets.values() if len({seen.ticks[i.id] for i in m.instruments}) > 1]

    assert len(fine) > 40
    assert mixed == []


def test_books_have_ten_levels(seen: Observed) -> None:
    assert seen.levels_max == 10


@pytest.mark.parametrize(
    ("left_s", "share"),
    [
        pytest.param(120, 0.78, id="14 of 18 were recorded"),
        pytest.param(60, 0.33, id="6 of 18"),
        pytest.param(25, 0.0, id="none from 30 s on"),
        pytest.param(10, 0.0, id="none"),
    ],
)
def test_the_favourites_asks_vanish_as_often_as_recorded(seen: Observed, left_s: int, share: float) -> None:
    shown = shares_with_ask(seen, left_s)

    assert len(shown) >= 60
    assert statistics.mean(shown) == pytest.approx(share, abs=0.13 if share else 0)


# --- resolutions ----------------------------------------------------------------------------------------


def test_every_outcome_market_resolves_54_s_after_its_end(seen: Observed) -> None:
    outcome_markets = [market for market in seen.markets.values() if not market.is_reference]

    assert set(seen.payouts) == {market.id for market in outcome_markets}
    for market in outcome_markets:
        assert seen.resolved_ns[market.id] == market.closes_ns + 54 * NS_PER_S
        assert sorted(seen.payouts[market.id].values()) == [0, 1]


def test_up_down_markets_resolve_by_the_averages_of_the_ticks_on_the_tape(seen: Observed) -> None:
    for market in seen.up_downs():
        opening, closing = (twap(seen, market, ns) for ns in (market.opens_ns, market.closes_ns))
        assert seen.is_up(market) == (closing >= opening), market.id


def test_exactly_one_outcome_of_the_neg_risk_event_wins(seen: Observed) -> None:
    contest = [market for market in seen.markets.values() if market.is_neg_risk]

    assert {market.event_id for market in contest} == {"lantern-prize"}
    assert sum(seen.is_up(market) for market in contest) == 1


# --- feeds ----------------------------------------------------------------------------------------------


def test_the_settlement_feed_has_gaps_as_the_real_one(seen: Observed) -> None:
    seconds = sorted(seen.settlement["chainlink:BTC"])
    gaps = [later - earlier for earlier, later in pairwise(seconds)]

    assert sum(gap > 5 for gap in gaps) >= 6  # 64 in 15 hours were recorded: 15 in three and a half
    assert max(gaps) <= 388
    assert len(seconds) > 0.85 * 3.5 * 3600


def test_exchanges_stay_within_a_few_basis_points(seen: Observed) -> None:
    ticks = [e for e in GeneratedMarket(seed=7, hours=SHORT).events() if isinstance(e, PriceTick)]
    last: dict[str, Decimal] = {}
    distances = []
    for tick in ticks:
        last[tick.feed] = tick.price
        if tick.feed == "binance:BTC":
            distances.append(abs(tick.price / last["chainlink:BTC"] - 1))

    assert {"chainlink:ETH", "binance:ETH", "coinbase:ETH", "coinbase:BTC"} <= set(seen.feeds)
    assert statistics.median(distances) < Decimal("0.0005")


# --- wallets --------------------------------------------------------------------------------------------


def test_the_two_sided_maker_is_two_sided_and_the_directional_wallet_is_not(seen: Observed) -> None:
    both_sides = {name: two_sided_share(seen, name) for name in (BAGUETTE, HERON)}

    assert both_sides[BAGUETTE] > 0.8
    assert both_sides[HERON] < 0.1


def test_the_two_sided_maker_makes_small_fills_merges_and_redeems(seen: Observed) -> None:
    trades = trades_of(seen, BAGUETTE)
    actions = Counter(trade.action for trade in seen.wallet_trades if trade.name == BAGUETTE)

    assert statistics.mean(trade.is_maker for trade in trades) > 0.8
    assert statistics.median(trade.price * trade.quantity for trade in trades) < 25
    assert all(seen.market_of[trade.instrument_id].up_down for trade in trades)
    assert actions[WalletAction.MERGE] > 20
    assert actions[WalletAction.REDEEM] > 20


def test_the_directional_wallet_trades_for_more_than_25_and_sells_part(seen: Observed) -> None:
    trades = trades_of(seen, HERON)
    kinds = Counter((kind_of(seen.market_of[trade.instrument_id]), trade.side) for trade in trades)

    assert statistics.mean(trade.price * trade.quantity > 25 for trade in trades) > 0.6
    assert kinds["BTC 300", Side.BUY] > 10
    assert kinds["politics", Side.BUY] >= 2
    assert sum(trade.side is Side.SELL for trade in trades) > 20


def test_nobody_sells_more_than_they_hold(seen: Observed) -> None:
    baseline = InstrumentId("gen-harbour-bill-passes:YES")
    held: defaultdict[tuple[str, InstrumentId], Decimal] = defaultdict(
        Decimal, {(HERON, baseline): Decimal(400)}
    )
    for trade in sorted(set_of_fills(seen), key=lambda trade: trade.traded_ns):
        sign = 1 if trade.side is Side.BUY else -1
        held[trade.name, trade.instrument_id] += sign * trade.quantity
        assert held[trade.name, trade.instrument_id] >= 0, trade


def test_redemptions_come_after_the_resolution_and_pay_the_winner(seen: Observed) -> None:
    redemptions = [t for t in seen.wallet_trades if t.action is WalletAction.REDEEM]

    for trade in redemptions:
        assert trade.traded_ns > seen.resolved_ns[trade.market_id]
        assert seen.payouts[trade.market_id][trade.instrument_id] == trade.price == 1


def test_some_reports_come_twice_and_some_fills_share_a_transaction(seen: Observed) -> None:
    reports = Counter((t.transaction, t.name, t.instrument_id, t.price) for t in seen.wallet_trades)
    prices = defaultdict(set)
    for transaction, name, _, price in reports:
        prices[transaction, name].add(price)

    assert 10 < sum(count == 2 for count in reports.values()) < len(reports) / 10
    assert max(reports.values()) == 2
    assert sum(len(found) > 1 for found in prices.values()) > 5


def test_names_and_addresses_belong_together(seen: Observed) -> None:
    assert {(trade.name, trade.wallet) for trade in seen.wallet_trades} == set(ADDRESSES.items())
    assert all(len(address) == 42 for address in ADDRESSES.values())


# --- long runs ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_favourites_win_about_as_often_as_they_are_priced() -> None:
    seen = Observed(GeneratedMarket(seed=11, hours=Decimal(16)).events())

    for low, high in ((0.5, 0.65), (0.65, 0.8), (0.8, 0.92), (0.92, 1.0)):
        priced = [sight for sight in favourites(seen) if low <= sight[0] < high]
        price, won = (statistics.mean(column) for column in zip(*priced, strict=True))
        deviation = (price * (1 - price) / len(priced)) ** 0.5
        assert len(priced) > 80
        assert won == pytest.approx(price, abs=3.5 * deviation + 0.01), (low, high, len(priced))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_longer_run_of_another_seed_has_no_fault(seed: int) -> None:
    seen = Observed(GeneratedMarket(seed=seed, hours=Decimal(4)).events())

    assert seen.faults == []
    for left_s, share in ((120, 0.78), (60, 0.33)):
        assert statistics.mean(shares_with_ask(seen, left_s)) == pytest.approx(share, abs=0.12)


# --- what the tests compute on their own ------------------------------------------------------------------


def hash_of(market: GeneratedMarket) -> str:
    state = hashlib.sha256()
    for event in market.events():
        state.update(msgspec.json.encode(event))
    return state.hexdigest()


def hash_in_another_process(hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PRINT_HASH]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def kind_of(market: Market) -> str:
    if market.is_reference:
        return "spot"
    if market.up_down:
        return f"{market.up_down.asset} {(market.closes_ns - market.opens_ns) // NS_PER_S}"
    return market.category


def twap(seen: Observed, market: Market, until_ns: int) -> Decimal:
    """Average over the 60 seconds before, each with the last value that was known at its beginning."""
    assert market.up_down is not None
    ticks, until_s = seen.settlement[market.up_down.feed], until_ns // NS_PER_S
    values = []
    for second in range(until_s - 60, until_s):
        known_s = next(s for s in range(second, second - 1000, -1) if s in ticks)
        values.append(ticks[known_s])
    return sum(values, Decimal(0)) / 60


def shares_with_ask(seen: Observed, left_s: int) -> list[bool]:
    """For each market whether its favourite shows an ask; the favourite's asks are the other's bids."""
    shown = []
    for market in seen.up_downs():
        book = seen.sights.get(Sight(market.id, left_s))
        if book and (book.bids or book.asks):
            shown.append(bool(book.bids and book.asks))
    return shown


def favourites(seen: Observed) -> list[tuple[float, bool]]:
    """Mid of each market's favourite at some moments, and whether it won."""
    found = []
    for (market_id, left_s), book in seen.sights.items():
        if left_s >= 100 and book.mid is not None:
            is_up = seen.is_up(seen.markets[market_id])
            found.append((max(book.mid, 1 - book.mid), is_up == (book.mid >= Decimal("0.5"))))
    return [(float(price), won) for price, won in found]


def trades_of(seen: Observed, name: str) -> list[WalletTrade]:
    return [t for t in seen.wallet_trades if t.name == name and t.action is WalletAction.TRADE]


def set_of_fills(seen: Observed) -> set[WalletTrade]:
    """Each fill once, however often it was reported."""
    first: dict[tuple[object, ...], WalletTrade] = {}
    for trade in seen.wallet_trades:
        if trade.action is WalletAction.TRADE:
            key = (trade.transaction, trade.name, trade.instrument_id, trade.price, trade.quantity)
            first.setdefault(key, trade)
    return set(first.values())


def two_sided_share(seen: Observed, name: str) -> float:
    """Share of its markets in which the wallet bought both outcomes."""
    bought: defaultdict[MarketId, set[InstrumentId]] = defaultdict(set)
    for trade in trades_of(seen, name):
        if trade.side is Side.BUY:
            bought[trade.market_id].add(trade.instrument_id)
    return statistics.mean(len(ids) == 2 for ids in bought.values())
